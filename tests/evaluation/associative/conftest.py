"""Small random memories, and metric values by axis point."""

import polars as pl
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.artifacts.view import View
from neurosieve.datasets.patterns import spins
from neurosieve.training.hebbian import supervised


@pytest.fixture(scope="session")
def memory():
    """A function that trains a memory of exact archetypes and gives its view."""

    def make(order, n, count):
        data = Data.of(spins.prepare(spins.Params(spins=n, archetypes=count), 5))
        model = build_model("associative.factor", {"order": order}, {"input_shape": [n]})
        return View(data, supervised.train(model, data, supervised.Params(), Log()))

    return make


@pytest.fixture(scope="session")
def values():
    """A function: mean value of a metric by `at`."""

    def read(frame, metric):
        rows = frame.filter((pl.col("metric") == metric) & pl.col("item").is_null())
        rows = rows.group_by("at", maintain_order=True).agg(pl.col("value").mean())
        return dict(rows.iter_rows())

    return read
