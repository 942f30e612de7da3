"""A project folder as a user has it: a table, a network in a module of their own, its trained weights, a request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors.torch import save_file
from tests.toys import source
from torch import nn

from neurosieve.plan.project import Project

SOURCE = source()
CONFIG = """\
# Which studies run.
scale: default  # a laptop
studies:
  - first  # theirs
  # and later more
seeds: [11]
"""
NETWORK = '''"""A user's network."""

from torch import nn


def network(inputs: int = 3, classes: int = 3) -> nn.Module:
    """One layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))
'''
FACTORY = "their_network:network"
NAMES = ("ash", "birch", "cedar")
PLACES = np.array([[4.0, 0, 0], [0, 4, 0], [0, 0, 4]])


def make(root: Path) -> Path:
    """The folder: `data/trees.csv` (text ids with leading zeros, two rows per owner), weights that answer it right."""
    (root / "config" / "studies").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "config" / "config.yaml").write_text(CONFIG)
    (root / "their_network.py").write_text(NETWORK)
    trees().write_csv(root / "data" / "trees.csv")
    save_weights(root / "data" / "weights.safetensors", PLACES, -0.5 * (PLACES**2).sum(axis=1))
    (root / "request.csv").write_text("sample_id\n0000\n0003\n")
    return root


def project(root: Path, scale: str | None = None) -> Project:
    """The project, as a new process sees it, but for the sources, which are parsed once for all tests."""
    found = Project(root, scale)
    found.source = SOURCE
    return found


def trees() -> pl.DataFrame:
    """90 rows round three places, a class each, all of them nearest their own."""
    draw, number = np.random.default_rng(0), np.arange(90)
    x = PLACES[number % 3] + 0.3 * draw.normal(size=(90, 3))
    columns = {
        "tree_id": [f"{row:04d}" for row in number],
        "owner": [f"p{row // 2}" for row in number],
        "height": x[:, 0], "girth": x[:, 1], "age": x[:, 2],
        "split": np.array(["train", "train", "validation", "test", "train"])[number % 5],
        "kind": np.array(NAMES)[number % 3],
    }  # fmt: skip
    return pl.DataFrame(columns)


def save_weights(path: Path, weight: np.ndarray, bias: np.ndarray) -> None:
    """Weights [classes, inputs] and bias [classes] of the network, as safetensors."""
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight))
        linear.bias.copy_(torch.from_numpy(bias))
    save_file({f"1.{name}": value for name, value in linear.state_dict().items()}, path)


def tree_of(root: Path) -> dict[str, bytes]:
    """Every file of a folder, but caches and the controller's key."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    kept = {str(path.relative_to(root)): path.read_bytes() for path in files}
    return {
        name: content
        for name, content in kept.items()
        if "results/.work" not in name and "__pycache__" not in name and name != "data/requests/key"
    }
