"""What is stored stays what it is: keys hold the format's version, not the code that writes."""

import hashlib
import importlib.metadata
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neurosieve.artifacts import FORMAT
from neurosieve.artifacts.data import Selection, write_selection
from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo, write_dataset
from neurosieve.artifacts.metrics import Measure, frame, write_metrics
from neurosieve.artifacts.model import Model, write_model
from neurosieve.artifacts.store import write_provenance

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
WRITERS = ("numpy", "polars", "pyarrow", "pydantic", "safetensors", "torch")
RECORDED = {
    "format": 1,
    "dataset/dataset.json": "9ee4e782ac192a06",
    "dataset/test.arrow": "0bf6071d632d4cdb",
    "dataset/train.arrow": "5bf48bec84c0a334",
    "delta/model.json": "f2f3d3864b30cfb2",
    "delta/model.safetensors": "b972745457b6c32f",
    "metrics/items.parquet": "2341cbdb387a37df",
    "metrics/metrics.parquet": "df66956ead1f65fb",
    "metrics/provenance.json": "ffb84a92cc1fdcc3",
    "metrics/timings.parquet": "669632e502bb60d9",
    "model/model.json": "041ed100d686039e",
    "model/model.safetensors": "025d8449aea9bf9f",
    "selection/selection.arrow": "bc16ad04c7d9672a",  # once it held ids too, which nothing read: keys stayed
    "selection/selection.json": "88f43b500fb7847b",
}
CHANGED = "what is stored changed: raise artifacts.FORMAT and record the new hashes"


def pinned() -> bool:
    """Whether the packages that write the bytes are those of constraints.txt."""
    lines = (line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line and line[0] != "#")
    pins = {name.lower(): version.strip() for name, version in lines}
    return all(importlib.metadata.version(name).split("+")[0] == pins[name] for name in WRITERS)


def little_dataset() -> Dataset:
    meanings = {"sample_id": "row", "x": "image", "spikes": "events", "label": "class", "odd": "odd class"}
    info = DatasetInfo(
        name="little", origin="simulated", source="tests", licence="none", inputs="x", target="label",
        class_names=("a", "b"), columns={n: ColumnInfo(meaning=m, hidden=n == "odd") for n, m in meanings.items()},
    )  # fmt: skip
    splits = {}
    for split, rows in {"train": 5, "test": 3}.items():
        label = np.arange(rows) % 2
        splits[split] = {
            "sample_id": [f"{split}{row:03d}" for row in range(rows)],
            "x": np.arange(rows * 4, dtype=np.float32).reshape(rows, 1, 2, 2) / 8,
            "spikes": np.arange(rows * 6).reshape(rows, 2, 3) % 3 == 0,
            "label": label,
            "odd": label == 1,
        }
    return Dataset.from_arrays(info, splits)


class System:
    """Named arrays, nothing else."""

    def __init__(self, *state: tuple[str, object]) -> None:
        self.state = dict(state)

    def state_dict(self) -> dict[str, object]:
        return self.state


def write_all(root: Path) -> None:
    """One small artifact of each kind, each in its folder."""
    folders = {name: root / name for name in ("dataset", "selection", "model", "delta", "metrics")}
    for folder in folders.values():
        folder.mkdir()
    dataset = little_dataset()
    write_dataset(folders["dataset"], dataset)
    write_selection(folders["selection"], Selection({"train": np.array([1, 3]), "test": np.array([1])}, "odd"), dataset)
    weights = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4
    base = Model(System(("fc.weight", weights), ("fc.bias", torch.zeros(2))), "tests", {"width": 2}, {"classes": 2})
    base = base.with_(key="0" * 16, steps=("training.toy.fit",)).add_role("mask", {"fc.weight": weights > 0.5}, "kept")
    write_model(folders["model"], base)
    light = base.with_(system=System(("fc.weight", weights), ("fc.bias", torch.ones(2))), parent=base.key)
    write_model(folders["delta"], light.with_(tensors=base.tensors), base=base)
    measures = [
        Measure("accuracy", 0.75, "test", 4, {"task": 1}),
        Measure("train_seconds", 1.5, timing=True),
        Measure("loss", 0.5, "forget", item="0087"),
    ]
    write_metrics(folders["metrics"], frame(measures))
    write_provenance(folders["metrics"], {"key": "0" * 16, "recipe": {"seed": 1}}, {"seconds": 1.0})


def hashes(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}


@pytest.mark.skipif(not pinned(), reason="other versions of the packages that write than in constraints.txt")
def test_stored_bytes(tmp_path: Path) -> None:
    write_all(tmp_path)
    assert {"format": FORMAT, **hashes(tmp_path)} == RECORDED, CHANGED


def test_two_writings_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_all(tmp_path / name)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_every_file_of_the_contract_is_covered(tmp_path: Path) -> None:
    write_all(tmp_path)
    assert json.loads((tmp_path / "metrics" / "provenance.json").read_text())["files"].keys() == {
        "metrics.parquet",
        "items.parquet",
    }
    assert sorted(hashes(tmp_path)) == [
        "dataset/dataset.json",
        "dataset/test.arrow",
        "dataset/train.arrow",
        "delta/model.json",
        "delta/model.safetensors",
        "metrics/items.parquet",
        "metrics/metrics.parquet",
        "metrics/provenance.json",
        "metrics/timings.parquet",
        "model/model.json",
        "model/model.safetensors",
        "selection/selection.arrow",
        "selection/selection.json",
    ]
