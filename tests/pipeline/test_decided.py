"""Each need that DESIGN.md decides "so that all 67 fit", run for real on tiny components."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.metrics import COLLECTED
from neurosieve.artifacts.model import read_model
from neurosieve.artifacts.store import read_provenance
from neurosieve.errors import UserError
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project
from tests import toys
from tests.toys import ORIGINAL, bare, centres, loaded, model_node

SHIFT = {"use": "adaptation.toy_shift"}
DROP = {"use": "unlearning.toy_drop"}
ACCURACY = {"use": "toy_accuracy"}
GRID: dict[str, Any] = {
    "seeds": [11, 12],
    "forget": None,
    "axes": {
        "setting": {
            "plain": {"forget": {"where": "label = {class}"}, "bind": {"class": [0, 2, 1]}},
            "wide": {
                "forget": {"where": "label = 1"},
                "dataset": {"of": {"rows": 6}},
                "set": {"drop.far": 7, "original.train.epochs": 3, "original.model.ballast": 9},
            },
        },
        "noise": {"none": {}, "some": {"set": {"original.train.noise": 0.5}}},
    },
    "dataset": {"use": "toy.shuffled", "of": {"use": "toy.points", "rows": 5}},
    "variants": {
        "original": {
            "model": {"use": "toy.centroid"},
            "train": {"use": "toy.fit", "epochs": 2, "checkpoints": [1, 2]},
        },
        "early": {"from": "original@e1", "adapt": SHIFT, "only": {"noise": ["some"]}},
        "drop": {"from": "original", "unlearn": {**DROP, "lambda": 3}, "sweep": {"lambda": [1, 2]}},
        "after": {"from": "drop", "adapt": {**SHIFT, "by": 1}},
        "far": {"from": "original", "adapt": {**SHIFT, "by": 50}, "seeds": [11, 12, 13]},
        "mixed": {
            "from": "original",
            "with": ["far", "original@e1"],
            "adapt": {"use": "adaptation.toy_mix", "weights": [1, 1000]},
        },
    },
    "evaluate": [{"use": "toy_error"}, {"use": "toy_spread", "of": ["original", "far"]}],
}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, StudyPlan]:
    """One computed study with axes, a sweep, checkpoints, companions and a dataset made of another."""
    return toys.ran(tmp_path_factory.mktemp("grid") / "project", bare(**GRID))


# -- axes, sweeps, points -----------------------------------------------------------------------------------------


def test_axes_cross_every_variant_and_only_narrows(grid) -> None:
    _, plan = grid
    names = {cell.variant for cell in plan.cells}
    crossed = [f"noise={n},setting={s}" for n, s in itertools.product(("none", "some"), ("plain", "wide"))]
    assert {name for name in names if name.startswith("original")} == {f"original@{at}" for at in crossed}
    assert {name for name in names if name.startswith("early")} == {
        "early@noise=some,setting=plain",
        "early@noise=some,setting=wide",
    }


def test_sweep_points_are_nodes_and_inherited(grid) -> None:
    _, plan = grid
    for value in (1, 2):
        point = f"lambda={value},noise=none,setting=plain"
        node = model_node(plan, f"drop@{point}")
        assert node.recipe["params"]["lambda"] == value
        assert model_node(plan, f"after@{point}").recipe["inputs"]["model"] == node.key
    assert model_node(plan, "drop@lambda=1,noise=none,setting=plain") != model_node(
        plan, "drop@lambda=2,noise=none,setting=plain"
    )


def test_axis_binds_by_position_of_the_seed(grid) -> None:
    made, plan = grid
    before, after = (
        [centres(made, plan, f"{v}@{at}noise=none,setting=plain", seed) for seed in (11, 12)]
        for v, at in (("original", ""), ("drop", "lambda=2,"))
    )
    moved = [np.flatnonzero((a != b).any(axis=1)).tolist() for a, b in zip(before, after, strict=True)]
    assert moved == [[0], [2]]


def test_axis_sets_parameters_of_step_training_and_model(grid) -> None:
    made, plan = grid
    wide = model_node(plan, "original@noise=some,setting=wide")
    assert (wide.recipe["params"]["epochs"], wide.recipe["params"]["noise"]) == (3, 0.5)
    assert wide.recipe["model"]["params"]["ballast"] == 9
    plain = model_node(plan, "original@noise=none,setting=plain")
    assert (plain.recipe["params"]["epochs"], plain.recipe["params"]["noise"]) == (2, 0.01)
    assert loaded(made, plan, wide).system.state["ballast"].shape == (9,)
    moved = centres(made, plan, "drop@lambda=2,noise=none,setting=wide") - centres(
        made, plan, "original@noise=none,setting=wide"
    )
    assert moved[1] == pytest.approx([14, 14])


def test_axis_overrides_the_dataset_that_a_dataset_is_made_of(grid) -> None:
    made, plan = grid
    rows = {}
    for setting in ("plain", "wide"):
        data = plan.nodes[model_node(plan, f"original@noise=none,setting={setting}").recipe["inputs"]["data"]]
        inner = plan.nodes[data.recipe["inputs"]["of"]]
        assert (data.name, inner.name) == ("shuffled", "points")
        info = json.loads((toys.directory(made, data) / "dataset.json").read_text())
        rows[setting] = info["counts"]["train"]
        assert info["columns"]["odd"]["hidden"]
    assert rows == {"plain": 15, "wide": 18}


# -- chains -------------------------------------------------------------------------------------------------------


def test_from_a_checkpoint_loads_that_epoch(grid) -> None:
    made, plan = grid
    node = model_node(plan, "original@noise=some,setting=plain")
    kept = {
        name: read_model(toys.directory(made, node) / "checkpoints" / name, made.store.find).system.state["centres"]
        for name in ("e1", "e2")
    }
    assert np.array_equal(centres(made, plan, "early@noise=some,setting=plain"), kept["e1"])
    assert not np.array_equal(kept["e1"], kept["e2"])
    assert np.array_equal(centres(made, plan, "original@noise=some,setting=plain"), kept["e2"])


def test_companions_arrive_in_order_and_may_be_checkpoints(grid) -> None:
    made, plan = grid
    at = "noise=none,setting=plain"
    node = model_node(plan, f"original@{at}")
    early = read_model(toys.directory(made, node) / "checkpoints" / "e1", made.store.find).system.state["centres"]
    far = centres(made, plan, f"far@{at}")
    assert np.array_equal(centres(made, plan, f"mixed@{at}"), far + 1000 * early)
    assert not np.array_equal(early, loaded(made, plan, node).system.state["centres"])


def test_seeds_of_a_variant_reach_its_whole_chain(grid) -> None:
    _, plan = grid
    at = "noise=none,setting=wide"
    seeds = {v: sorted(c.seed for c in plan.cells if c.variant == f"{v}@{at}") for v in ("original", "far")}
    assert seeds == {"original": [11, 12], "far": [11, 12, 13]}
    parent = plan.nodes[model_node(plan, f"far@{at}", 13).recipe["inputs"]["model"]]
    assert parent.recipe["seed"] == 13
    assert plan.nodes[plan.nodes[parent.recipe["inputs"]["data"]].recipe["inputs"]["of"]].recipe["seed"] == 13


def test_more_seeds_than_bound_values_is_refused_at_the_line(tmp_path: Path) -> None:
    content = bare(**GRID)
    content["variants"]["after"]["seeds"] = [11, 12, 13, 14]
    with pytest.raises(UserError, match=r"tiny\.yaml:\d+: bind: class has 3 values, seed 14 is number 4"):
        toys.planned(tmp_path, content)


def test_delta_chain_stores_what_changed_and_composes_to_the_bit(tmp_path: Path) -> None:
    variants = {
        "original": {**ORIGINAL, "model": {"use": "toy.centroid", "ballast": 5000}},
        "counted": {"from": "original", "analysis": {"use": "analysis.toy_count"}},
        "shifted": {"from": "counted", "adapt": {**SHIFT, "by": 0.25}},
        "negated": {"from": "shifted", "adapt": {**SHIFT, "scale": -0.0, "by": -0.0}},
        "zeroed": {"from": "negated", "adapt": SHIFT},
    }
    made, plan = toys.ran(tmp_path / "p", bare(variants))
    from safetensors.numpy import load_file

    nodes = {name: model_node(plan, name) for name in variants}
    stored = {name: load_file(toys.directory(made, node) / "model.safetensors") for name, node in nodes.items()}
    assert {name: sorted(tensors) for name, tensors in stored.items()} == {
        "original": ["ballast", "centres"],
        "counted": ["count.rows"],
        "shifted": ["centres"],
        "negated": ["centres"],
        "zeroed": ["centres"],
    }
    size = {name: (toys.directory(made, node) / "model.safetensors").stat().st_size for name, node in nodes.items()}
    assert size["shifted"] * 20 < size["original"]
    model = loaded(made, plan, nodes["shifted"])
    assert model.system.state["centres"].tobytes() == (stored["original"]["centres"] + 0.25).tobytes()
    assert model.system.state["ballast"].tobytes() == stored["original"]["ballast"].tobytes()
    assert np.array_equal(model.role("count")["rows"], stored["counted"]["count.rows"])
    assert model.steps == ("training.toy.fit", "interventions.analysis.toy_count", "interventions.adaptation.toy_shift")
    last = loaded(made, plan, nodes["zeroed"]).system.state["centres"]
    assert (last == 0).all()
    assert not np.array_equal(np.signbit(last), np.signbit(stored["negated"]["centres"]))


def test_parameter_called_lambda(grid) -> None:
    made, plan = grid
    at = "noise=none,setting=plain"
    one, two = (centres(made, plan, f"drop@lambda={v},{at}") - centres(made, plan, f"original@{at}") for v in (1, 2))
    assert two[0] == pytest.approx(2 * one[0])


def test_chain_that_draws_nothing_is_one_node_for_all_seeds(tmp_path: Path) -> None:
    variants = {
        "sure": {"model": {"use": "toy.centroid"}, "train": {"use": "toy.means"}},
        "moved": {"from": "sure", "adapt": {**SHIFT, "by": 9}},
        "drawn": ORIGINAL,
    }
    content = bare(
        variants, seeds=[11, 12, 13], dataset={"use": "toy.ring"}, forget=None, evaluate=[{"use": "toy_error"}]
    )
    content["claims"] = [
        {
            "id": "T1",
            "says": "The undrawn chain errs less than any drawn one.",
            "paper": "none",
            "metrics": ["error"],
            "variants": ["moved", "drawn"],
            "criterion": {"left": {"metric": "error", "of": "moved"}, "is": "at_least",
                          "right": {"metric": "error", "of": "drawn"}},
        }
    ]  # fmt: skip
    made, plan = toys.ran(tmp_path / "p", content)
    assert [(c.variant, c.seed) for c in plan.cells if c.variant != "drawn"] == [("sure", None), ("moved", None)]
    assert len([node for node in plan.nodes.values() if node.stage == "train"]) == 1 + 3
    assert [node.recipe["seed"] for node in plan.nodes.values() if node.stage == "prepare"] == [None]
    verdict = json.loads((toys.directory(made, plan.nodes[plan.verdict]) / "verdicts.json").read_text())[0]
    assert verdict["verdict"] == "holds"
    assert set(toys.metrics(made, plan).filter(pl.col("variant") == "moved")["seed"]) == {11}


# -- what may be seen ---------------------------------------------------------------------------------------------


def test_evaluation_sees_hidden_columns_and_test_rows(grid) -> None:
    made, plan = grid
    rows = toys.metrics(made, plan).filter((pl.col("metric") == "error") & (pl.col("at") == "odd=1"))
    assert set(rows["split"]) == {"test"}
    assert set(rows["n"]) == {5, 6}


@pytest.mark.parametrize("stage", ["train", "adapt"])
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "column 'odd' is hidden from this stage; columns here: sample_id, x, label"),
        ({"split": "test", "column": "x"}, "has no split 'test' here; there are train, validation"),
    ],
    ids=["hidden-column", "test-rows"],
)
def test_train_and_intervene_see_neither_hidden_columns_nor_test_rows(
    tmp_path: Path, stage: str, params: dict[str, Any], message: str
) -> None:
    variants: dict[str, Any] = {"original": dict(ORIGINAL)}
    if stage == "train":
        variants["original"]["train"] = {"use": "toy.peek", **params}
    else:
        variants["peeked"] = {"from": "original", "adapt": {"use": "adaptation.toy_peek", **params}}
    made = toys.project(tmp_path / "p", {"tiny": bare(variants)})
    with pytest.raises(UserError, match=message):
        toys.run(made)


# -- what is written ----------------------------------------------------------------------------------------------


def test_evaluation_of_the_whole_study_is_one_node_per_seed(grid) -> None:
    made, plan = grid
    assert sorted(plan.studywide.values()) == [11, 12]
    rows = toys.metrics(made, plan).filter(pl.col("at") == "of=centre")
    points = {name for name in rows["variant"] if name.startswith(("original", "far"))}
    assert len(points) == len(set(rows["variant"])) == 8
    models = dict(
        zip(rows.filter(pl.col("seed") == 12)["variant"], rows.filter(pl.col("seed") == 12)["model"], strict=True)
    )
    assert models == {name: model_node(plan, name, 12).key for name in points}


def test_collected_metrics_are_complete_and_tidy(grid) -> None:
    made, plan = grid
    rows = toys.metrics(made, plan)
    assert rows.columns == list(COLLECTED)
    assert rows.null_count().sum_horizontal()[0] == 0
    for column in ("study", "variant", "target", "scale", "metric", "unit", "model"):
        assert (rows[column] != "").all(), column
    assert rows.equals(rows.sort(COLLECTED[:8]))
    assert set(rows["model"]) <= set(plan.nodes)
    assert not rows.select(COLLECTED[:8]).is_duplicated().any()


def test_timings_lie_apart_and_outside_content_hashes(grid) -> None:
    made, plan = grid
    node = model_node(plan, "original@noise=none,setting=plain")
    record = read_provenance(toys.directory(made, node))
    assert "timings.parquet" in record["run"]["files"]
    assert "timings.parquet" not in record["files"]
    assert "model.safetensors" in record["files"]
    verdict = toys.directory(made, plan.nodes[plan.verdict])
    timings = pl.read_parquet(verdict / "timings.parquet") if (verdict / "timings.parquet").exists() else None
    assert "train_seconds" not in set(toys.metrics(made, plan)["metric"])
    assert timings is None or set(timings.columns) == set(COLLECTED)


def test_two_runs_from_scratch_are_the_same_bytes(grid, tmp_path: Path) -> None:
    made, plan = grid
    again, same = toys.ran(tmp_path / "elsewhere", bare(**GRID))
    assert list(same.nodes) == list(plan.nodes)
    for node in plan.nodes.values():
        records = [read_provenance(toys.directory(one, node)) for one in (made, again)]
        assert [record.pop("run")["files"].keys() for record in records].count({}) in (0, 2)
        assert records[0] == records[1]
    verdict = plan.nodes[plan.verdict]
    one, two = ((toys.directory(p, verdict) / "metrics.parquet").read_bytes() for p in (made, again))
    assert one == two
