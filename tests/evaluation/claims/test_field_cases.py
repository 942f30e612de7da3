"""Runs that look like success and are none, from the network to its metrics, its verdict and its page's warning."""

from __future__ import annotations

import copy
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.support import blobs, dataset_of, forgetting, forgetting_class, model_of, perceptron
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Dataset, Split
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.evaluation import classification, membership_inference
from neurosieve.evaluation.claims.verdicts import Verdict
from neurosieve.interventions.unlearning import finetune
from neurosieve.report.flags import flags
from neurosieve.report.state import MetricRow

Judge = Callable[..., Verdict]
Measured = Mapping[str, Mapping[tuple[str, str], tuple[float, int]]]
sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "report" / "sites.py")))


def measured(data: Data, model: Model, *parents: Model) -> dict[tuple[str, str], tuple[float, int]]:
    """Value and rows by metric and split, of both evaluations."""
    view, found = View(data, model, parents=parents), {}
    for evaluation in (classification, membership_inference):
        for row in evaluation.evaluate(view, evaluation.Params()).iter_rows(named=True):
            found[row["metric"], row["split"]] = row["value"], row["n"]
    return found


def table(found: Measured) -> dict[tuple[str, str, str], list[float]]:
    """As every one of three seeds."""
    return {(name, *key): 3 * [value] for name, rows in found.items() for key, (value, _) in rows.items()}


def warned(found: Measured, name: str) -> list[str]:
    rows = [
        MetricRow(variant=name, metric=metric, split=split, values={11: value}, n=n)
        for (metric, split), (value, n) in found[name].items()
    ]
    return flags(sites.study(metrics=tuple(rows), chains={name: ("unlearn",)}))


def moved(net: nn.Module, keep: Split, leave: Split | None = None) -> nn.Module:
    """Trained on rows as one batch, and away from others until the loss of each is about 20."""
    net = copy.deepcopy(net)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(80):
        optimiser.zero_grad()
        total = nn.functional.cross_entropy(net(keep.tensor()), torch.from_numpy(keep.y))
        if leave is not None:
            logits, own = net(leave.tensor()), nn.functional.one_hot(torch.from_numpy(leave.y))
            # the lead of the label over the others, not the loss itself: that is flat where it is 0
            lead = (logits * own).sum(1) - (logits - 1e9 * own).amax(1)
            total += nn.functional.relu(lead + 20).mean()
        total.backward()
        optimiser.step()
    return net


def faint(rows: int, classes: int = 4, size: int = 20) -> Dataset:
    """Classes whose clouds lie within each other: what a network has seen it knows better than what it has not."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(classes, size)) / 2

    def made(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n) % classes
        return (centres[labels] + draw.normal(size=(n, size))).astype(np.float32), labels

    return dataset_of({"train": made(rows), "test": made(200)})


def test_too_much_forgetting_is_no_success(judge: Judge) -> None:
    """The forget loss is ascended far above the test loss: the attack's AUC goes to 0, leakage to its worst."""
    data, fresh = forgetting(faint(120), np.arange(12)), perceptron(20, 64, 4)
    original, retrained = moved(fresh, data.all), moved(fresh, data.retain)
    nets = {"original": original, "retrained": retrained, "ascended": moved(original, data.retain, data.forget)}
    found = {name: measured(data, model_of(net, (20,), 4)) for name, net in nets.items()}
    auc, rows = found["ascended"]["attack_auc", "forget"]
    assert (auc, rows) == (pytest.approx(0, abs=0.05), 12)
    assert found["ascended"]["leakage", "forget"][0] == 0.5 - auc
    assert found["retrained"]["leakage", "forget"][0] < 0.2
    as_retrained = {
        "left": {"metric": "leakage", "of": "ascended"},
        "is": "at_most",
        "right": {"metric": "leakage", "of": "retrained", "plus": 0.1},
    }
    assert judge(as_retrained, table(found)).verdict == "fails"
    (line,) = warned(found, "ascended")
    assert line.startswith("ascended: its absence is visible")
    assert warned(found, "retrained") == []


def test_a_step_that_changes_nothing_is_flagged_and_its_claim_fails(judge: Judge) -> None:
    """Learning rate 1e-9 on a trained network: accuracy on the forget rows is that of before, whatever it is called."""
    data = forgetting_class(blobs(90, 3, test=60), 1)
    original = model_of(moved(perceptron(4, 16, 3), data.all), (4,), 3)
    still = finetune.intervene(original, data, finetune.Params(lr=1e-9), 0, Log())
    found = {"original": measured(data, original), "still": measured(data, still, original)}
    assert found["still"]["forget_unchanged", "forget"] == (1.0, 50)
    forgets: Any = {
        "all_of": [
            {"left": {"metric": "accuracy", "split": "forget", "of": "still"}, "is": "at_most", "right": 0.1},
            {
                "left": {"metric": "accuracy", "split": "retain", "of": "still"},
                "is": "at_least",
                "right": {"metric": "accuracy", "split": "retain", "of": "original", "plus": -0.03},
            },
        ]
    }
    verdict = judge(forgets, table(found))
    assert verdict.verdict == "fails"
    assert "accuracy forget still is" in verdict.reason
    (line,) = warned(found, "still")
    assert line.startswith("still: the forget rows behave as before")
