"""The text of a new study reads back as what was meant, under YAML 1.2, and is a study at every scale."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.own.guess import Guess
from neurosieve.own.template import Wanted, flow, study_text
from neurosieve.plan import yaml12
from neurosieve.plan.study import Study

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40)
@given(VALUES)
def test_a_value_in_one_line_reads_back_as_it_was(value: Any) -> None:
    assert yaml12.loads(f"key: {flow(value)}") == {"key": value}


@pytest.mark.parametrize("text", ["no", "1e-3", "0087", "a: b", "#x", "ünïcode", "true", "~", "a b", "x:", "-"])
def test_texts_that_look_like_something_else_stay_texts(text: str) -> None:
    assert yaml12.loads(f"key: {flow(text)}") == {"key": text}
    assert yaml12.loads(f"key: {flow([text, {'a': text}])}") == {"key": [text, {"a": text}]}


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("prune", [None, 0.5])
def test_the_text_is_a_study_at_every_scale(regression: bool, prune: float | None) -> None:
    guess = Guess("own.npz", {"file": "data/x.npz", "target": "y"}, ["target: y"], regression)
    read = yaml12.loads(study_text(Wanted("mine", guess, "a.b:c", "w.safetensors", "data/requests/R-1.csv", prune)))
    scales = read.pop("scales")
    assert set(scales) == {"smoke", "full"}
    study = Study.model_validate(read)
    assert study.forget == {"ids_file": "data/requests/R-1.csv"}
    assert list(study.targets) == ["ssd-pruned" if prune else "ssd"]
