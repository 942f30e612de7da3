"""The rule `strongest-within` chooses by retained validation rows and by the weights, and by nothing else."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import dataset_of, model_of, perceptron

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.interventions.analysis import importance
from neurosieve.interventions.unlearning import finetune, ssd
from neurosieve.jobs.choosing import choose, strength

LABEL = 1
AMONG = {"alpha": [1.0, 1.5, 3.0, 1e9], "lambda": [0.1, 1.0]}
RULE: dict[str, Any] = {
    "among": AMONG,
    "metric": "accuracy",
    "split": "validation",
    "better": "higher",
    "rule": "strongest-within",
    "margin": 0.01,
    "judge": {"use": "evaluation.classification"},
}


def clouds(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = np.arange(rows) % 3
    return (np.eye(3, 4)[labels] * 3 + draw.normal(size=(rows, 4))).astype(np.float32), labels


def made(labels: Mapping[str, np.ndarray] | None = None) -> Data:
    """Three clouds; class 1 is forgotten in every split, and `labels` replaces labels of its rows by split."""
    splits = {name: clouds(rows, seed) for seed, (name, rows) in enumerate({"train": 60, "validation": 30}.items())}
    rows = {name: np.flatnonzero(y == LABEL) for name, (_, y) in splits.items()}
    for name, changed in (labels or {}).items():
        splits[name][1][rows[name]] = changed
    return Data.of(dataset_of(splits), Selection(rows, "class 1"))


@cache
def trained() -> Model:
    """A perceptron fitted to the clouds, with importances that need no labels."""
    data = made()
    model = model_of(perceptron(4, 8, 3, seed=1), (4,), 3)
    everything = Data(data.info, data.splits, Selection({}, "nothing"))
    fitted = finetune.intervene(model, everything, finetune.Params(epochs=20), 1, Log())
    rule = importance.Params(loss="logit_norm", order="stored", batch=8)
    holder = importance.intervene(fitted, data, rule, Log())
    return fitted.with_(companions=(holder,))


def chosen(
    data: Data, rule: Mapping[str, Any] = RULE, before: Model | None = None
) -> tuple[dict[str, Any], pl.DataFrame]:
    """What the rule chooses for selective synaptic dampening."""
    model = before or trained()

    def made_with(candidate: Mapping[str, Any], _number: int) -> Model:
        return ssd.intervene(model, data, ssd.Params.model_validate(dict(candidate)), Log())

    return choose(rule, made_with, model, data, 1, lambda _row: None)


def test_the_strongest_that_stays_within_the_margin_is_chosen() -> None:
    setting, table = chosen(made())
    assert table.columns == ["alpha", "lambda", "accuracy", "strength", "dampened", "before", "within"]
    assert table.select("alpha", "lambda").rows() == list(itertools.product(*AMONG.values()))
    assert table["before"].n_unique() == 1
    lost = table["before"] - table["accuracy"]
    assert table["within"].to_list() == (lost <= 0.01 + 1e-12).to_list()
    assert table["within"].n_unique() == 2, "a test of a margin that nothing passes, or all, shows nothing"
    row = table.filter((pl.col("alpha") == setting["alpha"]) & (pl.col("lambda") == setting["lambda"]))
    assert row["strength"].to_list() == [max(table.filter(pl.col("within"))["strength"])]
    assert row["strength"].item() > 0
    best = table.sort("accuracy", descending=True, maintain_order=True).row(0, named=True)
    assert best["strength"] <= row["strength"].item()


@settings(max_examples=12)
@given(st.permutations(range(20)), st.permutations(range(10)))
def test_labels_of_forgotten_rows_never_choose(train: list[int], validation: list[int]) -> None:
    """Any labels on the forgotten rows, in training and validation: same choice, same table, to the bit."""
    labels = {"train": np.array(train) % 3, "validation": np.array(validation) % 3}
    setting, table = chosen(made(labels))
    wanted, as_it_was = chosen(made())
    assert setting == wanted
    assert table.equals(as_it_was)


def test_the_judge_is_given_retained_validation_rows_and_nothing_else() -> None:
    """Validation rows that are forgotten would count against the strongest candidates: 10 of the 30 rows."""
    data = made()
    _, table = chosen(data)
    model = trained()
    kept = data.part("retain", "validation")
    with torch.inference_mode():
        right = model.system(kept.tensor()).argmax(1).numpy() == kept.y
    assert len(kept) == 20
    assert table["before"][0] == right.mean()


@pytest.mark.parametrize("order", list(itertools.permutations([7.0, 5.0, 9.0])))
def test_of_equal_changes_the_smaller_value_is_kept(order: tuple[float, ...]) -> None:
    nothing = [1e8, 1e7, 1e9]
    rule = {**RULE, "among": {"lambda": list(order), "alpha": nothing}}
    setting, table = chosen(made(), rule)
    assert table["strength"].to_list() == [0.0] * 9
    assert setting == {"alpha": 1e7, "lambda": 5.0}


def test_of_equal_changes_by_words_the_first_is_kept() -> None:
    rule = {**RULE, "among": {"mode": [None, "batch"], "alpha": [1e9]}}
    assert chosen(made(), rule)[0] == {"mode": None, "alpha": 1e9}


def test_no_candidate_within_the_margin_is_one_line() -> None:
    rule = {**RULE, "among": {"alpha": [0.01, 0.02], "lambda": [0.001]}}
    with pytest.raises(
        UserError, match=r"none of 2 candidates keeps accuracy .* within 0.01 of .*: add weaker"
    ) as told:
        chosen(made(), rule)
    assert "alpha 0.0" in str(told.value)


def test_data_without_validation_rows_or_with_none_retained_is_one_line() -> None:
    data = made()
    with pytest.raises(UserError, match="no validation rows, which strongest-within looks at"):
        chosen(Data(data.info, {"train": data.train}, data.selection))
    rows = {"train": np.array([0]), "validation": np.arange(30)}
    with pytest.raises(UserError, match="every validation row of toy is to be forgotten"):
        chosen(Data(data.info, data.splits, Selection(rows, "all of them")))


def test_a_lower_metric_may_rise_by_the_margin() -> None:
    rule = {**RULE, "metric": "constant_output", "better": "lower", "margin": 0.0}
    setting, table = chosen(made(), rule)
    assert table["within"].all()
    assert setting["alpha"] == 1.0


def test_strength_is_the_sum_of_shares_that_left_each_weight() -> None:
    before = perceptron(2, 2, bias=False)
    after = copy.deepcopy(before)
    with torch.no_grad():
        before[0].weight.copy_(torch.tensor([[1.0, -2.0], [0.0, 0.0]]))
        after[0].weight.copy_(torch.tensor([[0.25, -6.0], [0.0, 1.0]]))  # 3/4 gone, more than all of it, same, left 0
    assert strength(before, after) == 0.75 + 1 + 0 + 1
    assert strength(before, before) == 0
    assert strength(before, perceptron(2, 3, bias=False)) == 4, "weights of another shape are gone"


def test_strength_of_a_system_of_arrays_leaves_whole_numbers_out() -> None:
    class Arrays:
        def __init__(self, **state: np.ndarray) -> None:
            self.state = state

        def state_dict(self) -> dict[str, np.ndarray]:
            return self.state

    one = Arrays(w=np.array([1.0, 4.0]), rows=np.array([3]))
    assert strength(one, Arrays(w=np.array([1.0, 3.0]), rows=np.array([9]))) == 0.25
