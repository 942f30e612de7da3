"""The headline study's data and network, the fixture `race`, and the table at the end; all on one thread."""

import numpy as np
import pytest
import torch

from benchmarks.racing import Outcome, held, table
from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.rendered import glyphs
from neurosieve.training.supervised import backprop

OUTCOMES = pytest.StashKey[list[Outcome]]()
FORGOTTEN = 12
"""First class that the study forgets in full."""
SEED = 11


def pytest_configure(config):
    torch.set_num_threads(1)
    config.stash[OUTCOMES] = []


def pytest_terminal_summary(terminalreporter, config):
    outcomes = config.stash[OUTCOMES]
    if outcomes:
        terminalreporter.section("races: median CPU time, one thread, in turns; above 1 x ours is faster")
        terminalreporter.write_line("\n".join(table(outcomes)))


@pytest.fixture
def race(benchmark, pytestconfig):
    """`racing.held` without its first argument; what comes out of it is shown in the table."""

    def run(*args, **kwargs):
        pytestconfig.stash[OUTCOMES].extend(held(benchmark, *args, **kwargs))

    return run


@pytest.fixture(scope="session")
def data():
    """glyph100 at default scale, one whole class chosen for forgetting."""
    dataset = glyphs.prepare(glyphs.Params(), SEED)
    rows = {name: np.flatnonzero(split["fine"] == FORGOTTEN) for name, split in dataset.splits.items()}
    return Data.of(dataset, Selection(rows, f"fine = {FORGOTTEN}"))


@pytest.fixture(scope="session")
def fresh():
    """A function that makes the study's network, untrained."""

    def build():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return build_model("vision.resnet9", {"width": 8}, {"input_shape": [1, 16, 16], "classes": 100})

    return build


@pytest.fixture(scope="session")
def original(data, fresh):
    """The study's network trained on all rows with the study's recipe."""
    return backprop.train(fresh(), data, backprop.Params(), SEED, Log())
