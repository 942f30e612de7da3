"""Every dataset made of another one says what its rows were made of, whose they are, and what constants saw."""

from __future__ import annotations

import numpy as np
import pytest
from tests.plan.components import FOUND, SOURCE, made

from neurosieve.artifacts.data import Selection
from neurosieve.artifacts.dataset import SOURCES, ColumnInfo, Dataset, DatasetInfo
from neurosieve.plan.components import find

MADE_OF = [use for use in FOUND["datasets"] if "of" in find(SOURCE, "datasets", use).arguments]


def pictures() -> Dataset:
    """Little pictures of ten classes, each row made of two of five people's."""
    splits = {}
    for split, rows in {"train": 400, "validation": 20, "test": 20}.items():
        splits[split] = {
            "sample_id": [f"{split}{row:04d}" for row in range(rows)],
            "x": np.zeros((rows, 1, 11, 11), np.float32),
            "label": np.arange(rows) % 10,
            "who": [f"p{row % 5}" for row in range(rows)],
            SOURCES: [[f"{split}-a{row}", f"{split}-b{row}"] for row in range(rows)],
        }
    info = DatasetInfo(
        name="pictures", origin="simulated", source="tests", licence="none", inputs="x", target="label",
        class_names=tuple("abcdefghij"), columns={name: ColumnInfo(meaning=name) for name in splits["train"]},
        subject="who", fitted=("train",),
    )  # fmt: skip
    return Dataset.from_arrays(info, splits)


@pytest.mark.parametrize("use", [use for use in MADE_OF if not use.startswith("selection.")])
def test_a_transform_keeps_what_a_request_needs(use: str) -> None:
    of, component = pictures(), made("datasets", use)
    result = component(params=component.params, seed=5, of=of)
    assert not isinstance(result, Selection)
    assert result.info.subject == "who"
    assert "train" in result.info.fitted
    for name, split in result.splits.items():
        before = {tuple(sources) for sources in of.splits[name].sources}
        assert all(tuple(sources) in before for sources in split.sources)
        whose = dict(zip(map(tuple, of.splits[name].sources), of.splits[name]["who"], strict=True))
        assert [whose[tuple(sources)] for sources in split.sources] == split["who"].tolist()


def test_there_are_transforms() -> None:
    assert len(MADE_OF) > 3
