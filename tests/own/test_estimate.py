"""What steps would cost, counted by hand from the rows that each reads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.own.projects import SOURCE
from tests.support import blobs, perceptron

from neurosieve.own.estimate import EXPORT, JOB, WIDE, Pace, Rows, by_step, pace, seconds, shown
from neurosieve.plan.nodes import Node

ROWS = Rows(train=100, forget=10, validation=20, everything=150)
PACE = Pace(learn=0.01, answer=0.001, megabytes=300)


def node(stage: str, use: str, params: dict[str, Any] | None = None, **more: Any) -> Node:
    return Node(stage, use, "0" * 16, {"component": {"use": use}, "params": params or {}, **more}, (), "a node")


@pytest.mark.parametrize(
    ("one", "passes"),
    [
        (node("train", "training.supervised.backprop", {"epochs": 3}), 3 * 100 * 0.01),
        (node("train", "training.supervised.backprop", {"epochs": 3}, rows="retain"), 3 * 90 * 0.01),
        (node("train", "training.given.weights"), 0),
        (node("intervene", "interventions.analysis.importance"), 100 * 0.01),
        (node("intervene", "interventions.unlearning.ssd"), 10 * 0.01),
        (node("intervene", "interventions.unlearning.finetune", {"epochs": 2}), 2 * 90 * 0.01),
        (node("intervene", "interventions.unlearning.amnesiac", {"epochs": 2}), 2 * 100 * 0.01),
        (node("intervene", "interventions.pruning.magnitude"), 0),
        (node("evaluate", "evaluation.classification"), 2 * 150 * 0.001),
        (node("prepare", "datasets.own.csv"), 0),
    ],
    ids=lambda one: one.name if isinstance(one, Node) else "",
)
def test_a_step_passes_over_the_rows_it_reads(one: Node, passes: float) -> None:
    assert seconds(one, ROWS, PACE, SOURCE) == pytest.approx(JOB + passes)


def test_every_candidate_is_a_step_and_is_judged() -> None:
    one = node("intervene", "interventions.unlearning.ssd", choose={"among": {"alpha": [1, 2, 3], "lambda": [0.1, 1]}})
    assert seconds(one, ROWS, PACE, SOURCE) == pytest.approx(JOB + 7 * 10 * 0.01 + 7 * 20 * 0.001)


def test_an_export_and_the_sum_by_step() -> None:
    nodes = [node("export", "export.onnx"), node("prepare", "datasets.own.csv"), node("prepare", "datasets.own.csv")]
    export = EXPORT + 2 * WIDE * 0.001
    assert by_step(nodes, ROWS, PACE, SOURCE) == pytest.approx({"onnx": export, "own.csv": 2 * JOB})


def test_one_batch_is_timed_and_the_network_stays_as_it_is() -> None:
    network = perceptron(4, 8, 3).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = pace(network, blobs().split("train"))
    assert found.learn > 0
    assert found.answer > 0
    assert found.megabytes > 1
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert not network.training


@pytest.mark.parametrize(("spent", "text"), [(0.04, "0.0 s"), (12.4, "12 s"), (150, "2 min"), (9000, "2.5 h")])
def test_time_in_words(spent: float, text: str) -> None:
    assert shown(spent) == text
