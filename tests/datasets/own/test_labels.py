"""Targets: classes by number or name, numbers to be predicted, and what is not clear."""

from __future__ import annotations

import numpy as np
import pytest

from neurosieve.datasets.own.labels import numbers, target_of, text_of
from neurosieve.errors import UserError


@pytest.mark.parametrize(
    ("values", "classes", "labels", "names"),
    [
        ([0, 2, 1, 0], "text", [0, 2, 1, 0], ("0", "1", "2")),
        (["b", "a", "b"], "text", [1, 0, 1], ("a", "b")),
        (["10", "9", "x10"], "text", [0, 1, 2], ("10", "9", "x10")),
        ([True, False], "text", [1, 0], ("false", "true")),
        (["10", "9", "0"], "numeric", [2, 1, 0], ("0", "9", "10")),
        ([3, 1, 3], ("1", "3"), [1, 0, 1], ("1", "3")),
        ([-1.0, 1.0], ("-1", "1"), [0, 1], ("-1", "1")),
        (["b", "b"], ("a", "b", "c"), [1, 1], ("a", "b", "c")),
    ],
)
def test_classes(values: list, classes: object, labels: list[int], names: tuple[str, ...]) -> None:
    found = target_of(np.array(values), classes, False, "here")
    assert (found.values.tolist(), found.classes) == (labels, names)
    assert found.values.dtype == np.int64


def test_numbers_with_a_point_are_predicted() -> None:
    found = target_of(np.array([0.5, 2.0, 3.25]), "text", False, "here")
    assert (found.values.tolist(), found.values.dtype, found.classes) == ([0.5, 2.0, 3.25], np.float32, ())
    assert target_of(np.array([5, 7]), "text", True, "here").values.tolist() == [5, 7]


@pytest.mark.parametrize(
    ("values", "classes", "regression", "says"),
    [
        ([0.0, 1.0, 1.0], "text", False, r"whole numbers with a point \(0, 1, …\): say `regression: true`, or list"),
        ([1, 2, 3], "text", False, "runs from 1 to 3, classes are numbered from 0: list them under `classes:`"),
        (range(100), "text", False, "holds 100 different whole numbers in 100 rows: say `regression: true`"),
        (["a", "c"], ("a", "b"), False, "is 'c' in row 2, not one of classes: a, b"),
        (["a", ""], "text", False, "is empty in row 2"),
        ([1.5, np.nan], "text", False, "is nan in row 2"),
        (["a", "1"], "text", True, "not a number in every row"),
        (["a", "1"], "numeric", False, "not every name is a number: 1, a"),
    ],
)
def test_what_is_not_clear_is_refused(values: list, classes: object, regression: bool, says: str) -> None:
    with pytest.raises(UserError, match=says):
        target_of(np.array(values), classes, regression, "here")


def test_texts_are_numbers_only_where_nothing_is_lost() -> None:
    assert numbers(np.array(["1", "-2"])).dtype == np.int64
    assert numbers(np.array(["1", "2.5"])).tolist() == [1, 2.5]
    assert numbers(np.array(["0087", "12"])).tolist() == ["0087", "12"]
    assert [text_of(value) for value in (3.0, 3.5, True, "03")] == ["3", "3.5", "true", "03"]
