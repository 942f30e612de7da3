"""Recipes: a component with checked parameters becomes a node; what draws is told from what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import toys
from tests.toys import ORIGINAL, bare

from neurosieve.artifacts.hashes import FileHashes
from neurosieve.plan.nodes import StudyPlan, key_of
from neurosieve.plan.recipes import Recipes, Request
from neurosieve.plan.study import LoadedStudy, load_study


@pytest.fixture
def recipes(tmp_path: Path) -> Recipes:
    made = toys.project(tmp_path, {"tiny": bare({"original": ORIGINAL}, resources={"train": {"threads": 2}})})
    loaded: LoadedStudy = load_study(tmp_path / "config" / "studies" / "tiny.yaml", "default")
    return Recipes(loaded, made.root, made.source, FileHashes(), StudyPlan("tiny", "default"))


def request(recipes: Recipes, use: str, seed: int = 11, **more) -> Request:
    package, _, name = use.partition(".")
    component = recipes.component(package, name, ("dataset",))
    stage = {"datasets": "prepare", "training": "train", "interventions": "intervene"}[package]
    fields = {"params": {}, "inputs": {}, "place": ("dataset",), "title": "a title", **more}
    return Request(stage, "little", component, seed=seed, **fields)


def test_seed_is_in_the_recipe_of_what_draws_only(recipes: Recipes) -> None:
    drawn = [recipes.node(request(recipes, "datasets.toy.points", seed)) for seed in (1, 2)]
    sure = [recipes.node(request(recipes, "datasets.toy.ring", seed)) for seed in (1, 2)]
    assert [node.recipe["seed"] for node in (*drawn, *sure)] == [1, 2, None, None]
    assert sure[0] is sure[1]
    assert [recipes.drawn[node.key] for node in (*drawn, *sure)] == [True, True, False, False]


def test_what_is_made_from_something_drawn_counts_as_drawn(recipes: Recipes) -> None:
    drawn = recipes.node(request(recipes, "datasets.toy.points"))
    sure = recipes.node(request(recipes, "datasets.toy.ring"))
    for data, expected in ((drawn, True), (sure, False)):
        node = recipes.node(request(recipes, "training.toy.means", inputs={"data": data.key}))
        assert recipes.drawn[node.key] is expected
        assert node.inputs == (data.key,)
        assert node.recipe["seed"] is None
    initial = recipes.node(request(recipes, "training.toy.means", inputs={"data": sure.key}, always_draws=True))
    assert (recipes.drawn[initial.key], initial.recipe["seed"]) == (True, 11)


def test_key_is_the_hash_of_stage_and_recipe(recipes: Recipes) -> None:
    node = recipes.node(request(recipes, "datasets.toy.points", params={"rows": 5}))
    assert node.key == key_of({"stage": "prepare", **node.recipe})
    assert node.recipe["params"].items() >= {"rows": 5, "classes": 3, "spread": 0.1}.items()


def test_defaults_written_out_are_the_same_node(recipes: Recipes) -> None:
    one = recipes.node(request(recipes, "datasets.toy.points"))
    other = recipes.node(request(recipes, "datasets.toy.points", params={"rows": 20, "spread": 1e-1}))
    assert one is other


def test_path_of_a_raw_file_is_beside_the_recipe(recipes: Recipes) -> None:
    nodes = []
    for name in ("a.txt", "b.txt"):
        (recipes.root / name).write_text("1")
        nodes.append(recipes.node(request(recipes, "datasets.toy.points", params={"shift_file": name})))
    assert nodes[0] is nodes[1]
    assert nodes[0].paths == {"shift_file": "a.txt"}
    assert list(recipes.plan.files) == ["a.txt", "b.txt"]


def test_replicates_reach_only_what_takes_them(recipes: Recipes) -> None:
    data = recipes.node(request(recipes, "datasets.toy.points"))
    fit = recipes.node(request(recipes, "training.toy.fit", inputs={"data": data.key}, replicates=4))
    means = recipes.node(request(recipes, "training.toy.means", inputs={"data": data.key}, replicates=4))
    assert fit.recipe["params"]["replicates"] == 4
    assert "replicates" not in means.recipe["params"]


def test_resources_of_the_stage_or_the_default(recipes: Recipes) -> None:
    assert (recipes.asks("train").threads, recipes.asks("train", "original").threads) == (2, 2)
    assert recipes.asks("evaluate").threads == 1
