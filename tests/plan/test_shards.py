"""Trainings in shards: which keys a request changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests import toys
from tests.toys import bare, model_node

from neurosieve.artifacts.shards import place_of
from neurosieve.errors import UserError
from neurosieve.plan.nodes import Node, StudyPlan

COUNT, SLICES, SEED = 4, 2, 11
IDS = [f"train-0{row:03d}" for row in range(30)]
SHARDED: dict[str, Any] = {
    "model": {"use": "toy.linear"},
    "train": {"use": "supervised.backprop", "epochs": 1, "batch": 8},
    "shards": {"count": COUNT, "slices": SLICES},
}


def requested(root: Path, ids: list[str], column: str = "sample_id") -> str:
    path = root / "data" / "requests" / "R-1.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([column, *ids]) + "\n")
    return "data/requests/R-1.csv"


def members(plan: StudyPlan, variant: str) -> dict[str, Node]:
    """Shard nodes of a variant by `shard.slice`."""
    found: dict[str, Node] = {}
    for role, key in model_node(plan, variant).recipe["inputs"].items():
        while role.startswith("shard.") and key:
            node = plan.nodes[key]
            found[f"{node.recipe['shard']['index']}.{node.recipe['shard']['slice']}"] = node
            key = node.recipe["inputs"].get("model")
    return found


def planned(root: Path, ids: list[str], column: str = "sample_id", **changes: Any) -> StudyPlan:
    after = {"base": "sharded", "without": [requested(root, ids, column)]}
    return toys.planned(root, bare({"sharded": SHARDED, "after": after}, **changes))


def test_a_node_per_shard_and_slice_and_one_that_puts_them_together(tmp_path: Path) -> None:
    plan = toys.planned(tmp_path, bare({"sharded": SHARDED}))
    nodes = members(plan, "sharded")
    assert sorted(nodes) == [f"{shard}.{piece}" for shard in range(COUNT) for piece in range(SLICES)]
    assert all(node.recipe["component"]["use"] == "training.supervised.backprop" for node in nodes.values())
    assert nodes["2.1"].recipe["inputs"]["model"] == nodes["2.0"].key
    ensemble = model_node(plan, "sharded")
    assert ensemble.recipe["component"]["use"] == "training.sharded.ensemble"
    assert ensemble.recipe["model"]["params"] == {
        "member": "toy.linear", "params": {"bias": True}, "count": COUNT, "combine": "mean",
    }  # fmt: skip
    assert "selection" not in ensemble.recipe["inputs"]


@pytest.mark.parametrize("ids", [IDS[3:4], IDS[3:6]])
def test_a_request_changes_the_keys_of_exactly_the_shards_that_held_the_rows(tmp_path: Path, ids: list[str]) -> None:
    plan = planned(tmp_path, ids)
    before, after = members(plan, "sharded"), members(plan, "after")
    places = [place_of(SEED, one, COUNT, SLICES) for one in ids]
    reached = {f"{shard}.{later}" for shard, piece in places for later in range(piece, SLICES)}
    assert {at for at in before if before[at].key != after[at].key} == reached
    assert reached < set(before)
    for at, node in after.items():
        held = [place for place in places if place[0] == int(at[0]) and place[1] <= int(at[2])]
        assert len(node.recipe.get("without", {}).get("sample_id", [])) == len(held)
    text = plan.dumps().decode()
    assert not any(one in text for one in ids)


def test_rows_to_retain_by_a_request_mean_the_same(tmp_path: Path) -> None:
    named = requested(tmp_path, IDS[:2])
    variants = {
        "sharded": SHARDED,
        "after": {"base": "sharded", "without": [named]},
        "retained": {"base": "sharded", "rows": "retain"},
    }
    plan = toys.planned(tmp_path, bare(variants, forget={"ids_file": named}))
    assert model_node(plan, "after").key == model_node(plan, "retained").key


def test_what_the_plan_cannot_place_is_told_to_every_shard(tmp_path: Path) -> None:
    chosen = bare({"sharded": SHARDED, "after": {"base": "sharded", "rows": "retain"}})
    plan = toys.planned(tmp_path / "where", chosen)
    assert all("selection" in node.recipe["inputs"] for node in members(plan, "after").values())
    derived = planned(tmp_path / "of", IDS[:1], dataset={"use": "toy.shuffled", "of": {"use": "toy.points"}})
    assert all(len(node.recipe["without"]["sample_id"]) == 1 for node in members(derived, "after").values())
    by_person = planned(tmp_path / "person", ["ann"], "subject")
    assert all(len(node.recipe["without"]["subject"]) == 1 for node in members(by_person, "after").values())


def test_mistakes_are_told_at_their_line(tmp_path: Path) -> None:
    def told(variant: dict[str, Any], **more: Any) -> str:
        with pytest.raises(UserError) as caught:
            toys.planned(tmp_path, bare({"sharded": SHARDED, "other": variant}, **more))
        return str(caught.value)

    assert "count" in told({"base": "sharded", "shards": {"count": 1}})
    assert "no model, train or rows" in told(
        {"from": "sharded", "shards": {"count": 2}, "adapt": {"use": "adaptation.toy_shift"}}
    )
    assert "ids_file: no file data/requests/none.csv" in told(
        {"base": "sharded", "without": ["data/requests/none.csv"]}
    )
