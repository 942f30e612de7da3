"""`choose:` runs a step for every candidate and keeps the best by a validation metric; test rows never matter."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.dataset import Dataset, read_dataset, write_dataset
from neurosieve.artifacts.store import read_provenance, write_provenance
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from tests import toys
from tests.toys import ORIGINAL, bare, centres, model_node

SHIFT = {"use": "adaptation.toy_shift"}
DROP = {"use": "unlearning.toy_drop"}
ACCURACY = {"use": "toy_accuracy"}


def choosing(use: str, metric: str, among: dict[str, list[Any]], **changes: Any) -> dict[str, Any]:
    rule = {"among": among, "by": {"metric": metric, "split": "validation", "use": use}}
    variants = {"original": ORIGINAL, "chosen": {"from": "original", "adapt": {**SHIFT, "choose": rule}}}
    return bare(variants, **changes)


@pytest.mark.parametrize(("use", "metric"), [("toy_accuracy", "accuracy"), ("toy_error", "error")])
def test_choice_follows_the_direction_of_the_metric(tmp_path: Path, use: str, metric: str) -> None:
    content = choosing(use, metric, {"by": [3.0, 0.0, 0.6], "scale": [1.0, 2.0]}, evaluate=[{"use": "toy_error"}])
    made, plan = toys.ran(tmp_path / "p", content)
    node = model_node(plan, "chosen")
    table = pl.read_parquet(toys.directory(made, node) / "candidates.parquet")
    assert table.columns == ["by", "scale", metric]
    assert table.select("by", "scale").rows() == list(itertools.product([3.0, 0.0, 0.6], [1.0, 2.0]))
    best = table.sort(metric, descending=metric == "accuracy", maintain_order=True).row(0, named=True)
    assert (best["by"], best["scale"]) == (0.0, 1.0)
    assert np.array_equal(centres(made, plan, "chosen"), centres(made, plan, "original"))


BEST = {"adapt": {**SHIFT, "choose": {"among": {"by": [0.4, 0.0, 0.5]}, "by": {"metric": "accuracy", **ACCURACY}}}}
WITHIN = {"rule": "strongest-within", "margin": 0.01, "metric": "accuracy", "split": "validation", **ACCURACY}
STRONGEST = {"unlearn": {**DROP, "choose": {"among": {"far": [0.5, 40.0, 1.0]}, "by": WITHIN}}}


@pytest.mark.parametrize("step", [BEST, STRONGEST], ids=["best", "strongest-within"])
def test_choice_ignores_test_labels_to_the_bit(tmp_path: Path, step: dict[str, Any]) -> None:
    """Swap the test labels after the data were made: what is chosen, and its table, stay the same bytes."""
    content = bare({"original": ORIGINAL, "chosen": {"from": "original", **step}}, evaluate=[ACCURACY])
    results = []
    for folder in ("as-is", "permuted"):
        made = toys.project(tmp_path / folder, {"tiny": content})
        plan = made.plan("tiny")
        with toys.numba_undisturbed():
            for node in plan.nodes.values():
                path = run_node(made, plan, node)
                if folder == "permuted" and node.name == "points":
                    permute_test_labels(path)
        chosen = toys.directory(made, model_node(plan, "chosen"))
        results.append([(chosen / name).read_bytes() for name in ("candidates.parquet", "model.safetensors")])
        test = toys.metrics(made, plan).filter((pl.col("split") == "test") & (pl.col("variant") == "chosen"))
        results[-1].append(test["value"].to_list())
    assert results[0][:2] == results[1][:2]
    assert results[0][2] != results[1][2]  # the permutation did reach the evaluation


def permute_test_labels(directory: Path) -> None:
    """Rewrite a stored dataset with reversed test labels, and its hash with it."""
    old = read_dataset(directory, hidden=True)
    arrays = {name: {c: np.array(split[c]) for c in old.info.columns} for name, split in old.splits.items()}
    arrays["test"]["label"] = arrays["test"]["label"][::-1].copy()
    record = read_provenance(directory)
    for path in directory.iterdir():
        path.unlink()
    write_dataset(directory, Dataset.from_arrays(old.info, arrays))
    write_provenance(directory, {k: v for k, v in record.items() if k not in ("files", "run")}, record["run"])


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ({"metric": "accuracy", "split": "test", "use": "toy_accuracy"}, "never chosen on test rows"),
        ({"metric": "mia_roc_area", "use": "toy_accuracy"}, "neither more nor less of 'mia_roc_area' is better"),
        ({"metric": "accuracy", "use": "toy_acuracy"}, "did you mean 'toy_accuracy'"),
        ({**WITHIN, "split": "forget"}, "looks at retained validation rows, not at split 'forget'"),
        ({**WITHIN, "margin": None}, "`rule: strongest-within` and `margin` come together"),
        ({"metric": "accuracy", "margin": 0.01}, "`rule: strongest-within` and `margin` come together"),
        ({**WITHIN, "margin": -1}, "greater than or equal to 0"),
        ({**WITHIN, "rule": "strongest"}, "'best' or 'strongest-within'"),
    ],
    ids=["test", "no-direction", "no-judge", "forgotten-rows", "no-margin", "no-rule", "below-0", "no-such-rule"],
)
def test_choice_by_something_else_is_refused(tmp_path: Path, by: dict[str, str], message: str) -> None:
    content = choosing("toy_accuracy", "accuracy", {"by": [0.0, 1.0]})
    content["variants"]["chosen"]["adapt"]["choose"]["by"] = by
    with pytest.raises(UserError, match=rf"tiny\.yaml:\d+: .*{message}"):
        toys.planned(tmp_path, content)


def test_the_strongest_within_the_margin_is_kept_and_its_table_says_why(tmp_path: Path) -> None:
    """Moving the forgotten class's centre onto another class costs retained rows; far away costs none."""
    made, plan = toys.ran(tmp_path / "p", bare({"original": ORIGINAL, "chosen": {"from": "original", **STRONGEST}}))
    table = pl.read_parquet(toys.directory(made, model_node(plan, "chosen")) / "candidates.parquet")
    assert table.columns == ["far", "accuracy", "strength", "dampened", "before", "within"]
    assert table["within"].to_list() == [True, True, False]
    assert table["before"].to_list() == [1.0] * 3
    moved = centres(made, plan, "chosen") - centres(made, plan, "original")
    assert np.allclose(moved[1], 40.0)


def test_other_models_take_no_part_in_the_choice(tmp_path: Path) -> None:
    """Whatever is retrained, exported or measured beside it, the choosing node is the same node."""
    alone = {"original": ORIGINAL, "chosen": {"from": "original", **STRONGEST}}
    others = {"retrained": {"base": "original", "rows": "retain", "train": {"epochs": 9}}}
    contents = [bare(alone), bare({**alone, **others}, evaluate=[ACCURACY], targets={"chosen": ["toy"]})]
    keys = {model_node(toys.planned(tmp_path / str(n), one), "chosen").key for n, one in enumerate(contents)}
    assert len(keys) == 1


def test_what_a_study_says_of_the_margin_is_part_of_the_key(tmp_path: Path) -> None:
    keys = set()
    for margin in (0.01, 0.02):
        step = {"unlearn": {**DROP, "choose": {"among": {"far": [0.5]}, "by": {**WITHIN, "margin": margin}}}}
        plan = toys.planned(
            tmp_path / str(margin), bare({"original": ORIGINAL, "chosen": {"from": "original", **step}})
        )
        keys.add(model_node(plan, "chosen").key)
    assert len(keys) == 2


def test_no_values_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tiny\.yaml:\d+: .*'by' has no value to choose from"):
        toys.planned(tmp_path, choosing("toy_accuracy", "accuracy", {"by": []}))


def test_choice_on_a_split_that_the_judge_does_not_measure(tmp_path: Path) -> None:
    content = choosing("toy_accuracy", "accuracy", {"by": [0.0]})
    content["variants"]["chosen"]["adapt"]["choose"]["by"]["split"] = "forget"
    made = toys.project(tmp_path / "p", {"tiny": content})
    with pytest.raises(UserError, match="gives no accuracy on split forget"):
        toys.run(made)


def test_candidate_that_the_component_refuses(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tiny\.yaml:\d+: adaptation\.toy_shift: by: .*number"):
        toys.planned(tmp_path, choosing("toy_accuracy", "accuracy", {"by": [0.0, "much"]}))
