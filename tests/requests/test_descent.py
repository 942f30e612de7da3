"""The store in an order in which inputs come first, and questions to the answer."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from tests import toys
from tests.requests.conftest import People

from neurosieve.artifacts.requested import Asked
from neurosieve.requests.descent import descent

ASKED = Asked("R-1.csv", "sample_id", ("p1",), (1,))


def record(root: Path, key: str, stage: str, **recipe: object) -> None:
    """A node with a record and nothing else."""
    folder = root / "results" / "store" / stage / f"n-{key}"
    folder.mkdir(parents=True)
    whole = {"inputs": {}, "component": {"use": f"{stage}.x", "code": "0", "packages": {"numpy": "2"}}, **recipe}
    fields = {"key": key, "stage": stage, "name": "n", "recipe": whole, "files": {}, "run": {}}
    (folder / "provenance.json").write_text(json.dumps(fields))


def test_a_long_chain_comes_in_order_and_leads_to_what_is_missing(tmp_path: Path) -> None:
    made = toys.project(tmp_path, {})
    keys = [f"{number:016x}" for number in range(1200)]
    order = list(enumerate(keys))
    Random(0).shuffle(order)
    for at, key in order:
        record(tmp_path, key, "intervene", inputs={"model": keys[at - 1] if at else "gone"})
    found = descent(made, ASKED)
    assert list(found.nodes) == keys
    assert found.chain(keys[-1]) == ["gone", *keys]
    assert {node.how for node in found.nodes.values()} == {"unknown", "learned"}
    assert len(found.of("model")) == 1200
    assert found.of("model", affected=False) == []


def test_a_verdict_comes_after_the_metrics_that_it_collects(tmp_path: Path) -> None:
    made = toys.project(tmp_path, {})
    cells = json.dumps([["original", 11, "native", "b" * 16]])
    record(tmp_path, "a" * 16, "verdict", cells=cells, studywide=["c" * 16])
    for key in "bc":
        record(tmp_path, key * 16, "evaluate")
    assert [key[0] for key in descent(made, ASKED).nodes] == ["b", "c", "a"]


def test_nodes_by_kind_and_answer(people: People) -> None:
    answer = people.asks("Person 001")
    counts = {
        kind: [len(answer.of(kind, affected=affected)) for affected in (True, None, False)]
        for kind in ("dataset", "selection", "model", "export", "metrics")
    }
    assert sum(map(sum, counts.values())) == len(people.plan.nodes)
    assert counts["dataset"] == counts["selection"] == [1, 0, 0]
    assert counts["metrics"][0] == counts["metrics"][2] == counts["model"][1] == 0
    assert {node.kind for node in answer.of("model", "export")} == {"model", "export"}
