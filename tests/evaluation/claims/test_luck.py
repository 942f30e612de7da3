"""Chances of holding by luck, against simulation of the choice itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosieve.evaluation.claims import luck
from neurosieve.evaluation.claims.forms import Compare


def compare(left: Any, relation: str, right: Any, **fields: Any) -> Compare:
    return Compare.model_validate({"left": left, "is": relation, "right": right, **fields})


def leaf(of: Any, **fields: Any) -> dict[str, Any]:
    return {"metric": "accuracy", "of": of, **fields}


@pytest.mark.parametrize(
    ("left", "relation", "right", "expected"),
    [
        (leaf("a"), "above", leaf("b"), 1 / 2),
        (leaf("a"), "above", leaf({"best": ["b", "c", "d", "e"]}), 1 / 5),
        (leaf("a"), "below", leaf({"best": ["b", "c", "d", "e"]}), 4 / 5),
        (leaf("a"), "above", leaf({"worst": ["b", "c"]}), 2 / 3),
        (leaf({"best": ["a", "b", "c", "d"]}), "above", leaf("e"), 4 / 5),
        (leaf({"best": ["a", "b", "c"]}), "above", leaf({"best": ["d", "e"]}), 3 / 5),
        (leaf("a"), "above", leaf({"best": ["b", "c"]}, by={"split": "validation"}), 1 / 2),
        (leaf("a"), "within", leaf({"best": ["b", "c"]}), 1 / 2),
    ],
)
def test_best_of_several(left: Any, relation: str, right: Any, expected: float) -> None:
    margin = {"margin": 0.1} if relation == "within" else {}
    assert luck.of_compare(compare(left, relation, right, **margin), 3, 3, "accuracy") == pytest.approx(expected)


def test_the_rule_of_the_best_by_simulation() -> None:
    drawn = np.random.default_rng(0).normal(size=(40_000, 5))
    assert np.mean(drawn[:, 0] > drawn[:, 1:].max(axis=1)) == pytest.approx(1 / 5, abs=0.01)
    assert np.mean(drawn[:, :3].max(axis=1) > drawn[:, 3:].max(axis=1)) == pytest.approx(3 / 5, abs=0.01)


@pytest.mark.parametrize(
    ("confidence", "n", "expected"),
    [
        ({"interval": 0.95}, 3, 0.025), ({"p": 0.1, "test": "t"}, 3, 0.1), ({"p": 0.1, "test": "sign"}, 3, 0.0),
        ({"p": 0.1, "test": "sign"}, 5, 1 / 32), ({"p": 0.1, "test": "wilcoxon"}, 3, 0.0),
        ({"p": 0.1, "test": "wilcoxon"}, 5, 0.1),
        ({"se": 2}, 3, 0.0918), ({"se": 2}, 5, 0.0581), ({"sd": 1}, 4, 0.0697),
    ],
)  # fmt: skip
def test_confidence(confidence: dict[str, Any], n: int, expected: float) -> None:
    form = compare(leaf("a"), "above", leaf("b"), confidence=confidence)
    assert luck.of_compare(form, n, n, "accuracy") == pytest.approx(expected, abs=1e-4)


def test_counts() -> None:
    assert luck.of_count([0.5] * 3, 3) == 0.125
    assert luck.of_count([0.5] * 5, 4) == 6 / 32
