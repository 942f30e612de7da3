"""Three networks that are not ours, from the user's files to an exported, measured network that forgot.

A table and a perceptron, images and a vision transformer of another library, token ids and a GRU: each trained by plain
PyTorch as its user would have, then read, unlearned in two ways, exported and measured by every stage in its turn.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from neurosieve.artifacts.data import read_selection
from neurosieve.artifacts.dataset import read_dataset
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project
from tests import nets
from tests.pipeline.conftest import warm_folder
from tests.pipeline.sandbox import Sandbox
from tests.toys import numba_undisturbed

__all__ = ["warm_folder"]

VIT = '''
"""A vision transformer of the library transformers, small."""

from torch import nn
from transformers import ViTConfig, ViTForImageClassification


def build(width: int, classes: int) -> nn.Module:
    size = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = ViTConfig(**size, image_size=8, patch_size=2, num_channels=1, num_labels=classes)
    return ViTForImageClassification(config)
'''


@dataclass
class Brought:
    """What a user brings: a package of theirs, and the parts of a study that name it and its data."""

    root: Path
    package: str
    text: str
    factory: str
    arguments: dict[str, Any]
    dataset: dict[str, Any]
    forget: dict[str, Any]
    output: str | None = None
    weights: dict[str, Any] = field(default_factory=lambda: {"file": "data/model.safetensors"})

    def study(self) -> dict[str, Any]:
        model = {"use": "own.module", "factory": self.factory, "arguments": self.arguments}
        model |= {"output": self.output} if self.output else {}
        importance = {"use": "analysis.importance", "batch": 16}
        return {
            "question": "Can my network forget?",
            "dataset": self.dataset,
            "forget": self.forget,
            "seeds": [11],
            "variants": {
                "original": {"model": model, "train": {"use": "given.weights", **self.weights}},
                "importance": {"from": "original", "analysis": importance},
                "ssd": {"from": "original", "with": ["importance"], "unlearn": {"use": "unlearning.ssd", "alpha": 2}},
                "finetuned": {"from": "original", "unlearn": {"use": "unlearning.finetune", "epochs": 1, "batch": 16}},
            },
            "targets": {"ssd": [{"use": "onnx", "repeats": 3}]},
            "evaluate": [{"use": "classification"}, {"use": "membership_inference"}, {"use": "cost"}],
        }

    def write(self, weights: dict[str, Tensor]) -> None:
        """The package, the weights and the study in the project's folder."""
        path = self.root / self.package
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text)
        save_file(weights, self.root / "data" / "model.safetensors")
        Sandbox(self.root).configure({"mine": self.study()})


def fitted(net: nn.Module, x: Tensor, y: Tensor, steps: int, lr: float = 0.01) -> dict[str, Tensor]:
    """Its user's training: Adam on all rows at once. The weights, each in memory of its own."""
    adam = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(steps):
        adam.zero_grad()
        out = net(x)
        F.cross_entropy(out if isinstance(out, Tensor) else out.logits, y).backward()
        adam.step()
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def table(root: Path) -> Brought:
    """Breast cancer, 569 patients by 30 numbers: a CSV whose ids have leading zeros, a perceptron, a list of ids."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    columns = {"patient": [f"{n:04d}" for n in range(len(found.data))], "diagnosis": found.target_names[found.target]}
    frame = pl.DataFrame({**columns, **{name: found.data[:, at] for at, name in enumerate(found.feature_names)}})
    frame.write_csv(root / "data" / "cancer.csv")
    mean, std = found.data.mean(axis=0), found.data.std(axis=0)
    ask = root / "data" / "requests" / "R-1.csv"
    ask.parent.mkdir()
    ask.write_text("sample_id\n0087\n0012\n0013\n0019\n")
    brought = Brought(
        root, "theirs_table/mlp.py", Path(nets.__file__).read_text(), "theirs_table.mlp:perceptron", {"width": 16},
        {"use": "own.csv", "file": "data/cancer.csv", "target": "diagnosis", "id": "patient",
         "classes": found.target_names.tolist(), "preprocess": [{"mean": mean.tolist(), "std": std.tolist()}]},
        {"ids_file": "data/requests/R-1.csv"},
        weights={"file": "data/model.safetensors", "strip": "module."},
    )  # fmt: skip
    x, y = torch.from_numpy((found.data - mean) / std).float(), torch.from_numpy(found.target)
    weights = fitted(nets.perceptron(width=16), x, y, 60)
    brought.write({f"module.{name}": value for name, value in weights.items()})
    return brought


def pictures(root: Path) -> Brought:
    """Handwritten digits of four classes as a folder of PNG files, and a transformer that returns an object."""
    from sklearn.datasets import load_digits

    found = load_digits(n_class=4)
    for number, (image, label) in enumerate(zip(found.images[:240], found.target[:240], strict=True)):
        path = root / "data" / "photos" / str(label) / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(path)
    brought = Brought(
        root, "theirs_pictures.py", VIT, "theirs_pictures:build", {"width": 32, "classes": 4},
        {"use": "own.image_folder", "folder": "data/photos", "mode": "L"}, {"where": "class = '3'"}, output="logits",
    )  # fmt: skip
    (root / brought.package).write_text(VIT)
    x = torch.from_numpy((found.images[:240] * 15).astype(np.uint8)[:, None] / np.float32(255))
    build = runpy.run_path(str(root / brought.package))["build"]
    brought.write(fitted(build(32, 4), x, torch.from_numpy(found.target[:240]), 110))
    return brought


def sentences(root: Path) -> Brought:
    """Three token ids a row, of one class where more are above ten than below, and a GRU over their embeddings."""
    draw = np.random.default_rng(0)
    tokens = draw.integers(0, 20, (300, 3)).astype(np.int32)
    labels = (np.median(tokens, axis=1) >= 10).astype(np.int64)
    np.savez(root / "data" / "words.npz", tokens=tokens, label=labels)
    brought = Brought(
        root, "theirs_words/reader.py", Path(nets.__file__).read_text(), "theirs_words.reader:Reader", {"width": 12},
        {"use": "own.npz", "file": "data/words.npz", "inputs": "tokens", "target": "label"},
        {"where": "label = 1 AND sample_id < 'row0000120'"},
    )  # fmt: skip
    brought.write(fitted(nets.Reader(width=12), torch.from_numpy(tokens).long(), torch.from_numpy(labels), 80))
    return brought


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder; what jobs put on the path for it is taken off again."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "data").mkdir()
    torch.manual_seed(0)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("theirs_")]:
        del sys.modules[name]


@cache
def source() -> Source:
    """Our own sources, parsed once for all tests."""
    return Source()


def opened(root: Path) -> Project:
    """The project as a new process sees it."""
    project = Project(root)
    project.source = source()
    return project


def computed(root: Path) -> tuple[Project, StudyPlan, dict[tuple[str, str, str, str], float]]:
    """Every node of the study, and its metrics by variant, target, metric and split."""
    project = opened(root)
    plan = project.plan("mine")
    with numba_undisturbed():
        for node in plan.nodes.values():
            run_node(project, plan, node)
    rows = pl.read_parquet(project.store.path(plan.nodes[plan.verdict].folder) / "metrics.parquet")
    found = {(r["variant"], r["target"], r["metric"], r["split"]): r["value"] for r in rows.iter_rows(named=True)}
    return project, plan, found


SHAPES = {"table": (table, 0.9), "pictures": (pictures, 0.8), "sentences": (sentences, 0.7)}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_from_files_to_an_exported_network_that_forgot(shape: str, root: Path) -> None:
    bring, least = SHAPES[shape]
    bring(root)
    _, plan, found = computed(root)
    assert found["original", "native", "accuracy", "test"] >= least
    assert found["ssd", "onnx", "max_logit_difference", ""] <= 1e-4
    assert abs(found["ssd", "onnx", "accuracy", "test"] - found["ssd", "native", "accuracy", "test"]) <= 0.02
    for variant in ("original", "ssd", "finetuned"):
        assert found[variant, "native", "macs", ""] > 0
        assert 0 <= found[variant, "native", "attack_auc", "forget"] <= 1
    assert not any(metric == "train_seconds" for _, _, metric, _ in found)
    assert len([node for node in plan.nodes.values() if node.stage == "train"]) == 1


def test_exactly_the_listed_rows_are_forgotten(root: Path) -> None:
    """FC-A4: `0087` is not 87."""
    table(root)
    project = opened(root)
    plan = project.plan("mine")
    for node in [node for node in plan.nodes.values() if node.stage == "prepare"]:
        run_node(project, plan, node)
    (data,) = [node for node in plan.nodes.values() if node.name == "csv"]
    (chosen,) = [node for node in plan.nodes.values() if node.name.startswith("forget")]
    splits = read_dataset(project.store.path(data.folder)).splits
    rows = read_selection(project.store.path(chosen.folder)).rows
    assert sorted(one for name, at in rows.items() for one in splits[name].ids[at]) == ["0012", "0013", "0019", "0087"]


def test_code_that_changes_while_jobs_run_is_refused(root: Path) -> None:
    brought = table(root)
    project = opened(root)
    plan = project.plan("mine")
    data, train, *_ = plan.nodes.values()
    run_node(project, plan, data)
    (root / brought.package).write_text(brought.text + "\nLATER = 1\n")
    with pytest.raises(UserError, match=r"the code of theirs_table.mlp changed while the job ran; run the same"):
        run_node(project, plan, train)
    again = opened(root).plan("mine")
    assert train.key not in again.nodes
    assert data.key in again.nodes


@pytest.mark.slow
def test_jobs_find_the_users_package_warm_and_cold(tmp_path: Path, warm_folder: dict[str, str]) -> None:
    """Wherever in the project they are started."""
    box = Sandbox.make(tmp_path / "project", environment=warm_folder)
    (box.root / "data").mkdir()
    brought = table(box.root)
    study = {**brought.study(), "targets": {}, "evaluate": []}
    study["variants"] = {"original": study["variants"]["original"]}
    box.configure({"mine": study})
    (data,) = [key for key, node in opened(box.root).plan("mine").nodes.items() if node.name == "csv"]

    def job(stage: str, node: str, **environment: str) -> None:
        command, full = box.command("neurosieve", stage, "mine", node, **environment)
        ran = subprocess.run(command, cwd=box.root / "data", env=full, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr

    job("prepare", data)
    job("train", "original/11")
    (train,) = [path for name, path in box.nodes().items() if name.startswith("train/")]
    kept = (train / "model.safetensors").read_bytes()
    box.edit(brought.package, "def lazy", "# a comment, which changes no key\ndef lazy")
    shutil.rmtree(train)
    job("train", "original/11", NEUROSIEVE_WARM="0")
    assert (train / "model.safetensors").read_bytes() == kept
