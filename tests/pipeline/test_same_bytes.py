"""The same bytes whatever runs them: warm or cold, with any hash seed, with any thread limit in the shell.

Of every target too (docs/scale.md says what may differ, and why).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.sandbox import Sandbox
from tests.pipeline.watch import Run

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
STUDY = {
    "question": "Are the bytes the same?",
    "dataset": {"use": "images.mnist5k", "size": 14, "train": 60, "validation": 0, "test": 30},
    "forget": {"where": "label = 1"},
    "seeds": [11],
    "variants": {
        "original": {
            "model": {"use": "vision.resnet9", "width": 4},
            "train": {"use": "supervised.backprop", "epochs": 2},
        },
        "importance": {"from": "original", "analysis": {"use": "analysis.importance", "order": "class", "batch": 16}},
        "ssd": {"from": "original", "with": ["importance"], "unlearn": {"use": "unlearning.ssd", "alpha": 5}},
    },
    "targets": {"ssd": ["onnx", "onnx-int8"]},
    "evaluate": [{"use": "classification"}, {"use": "membership_inference", "of": ["ssd"]}],
}
WAYS = {
    "warm, no limit in the shell": {},
    "warm, four threads in the shell": {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"},
    "cold, another hash seed": {"NEUROSIEVE_WARM": "0", "PYTHONHASHSEED": "3", "OMP_NUM_THREADS": "1"},
}


def test_same_bytes(tmp_path: Path, warm_folder: dict[str, str]) -> None:
    found = []
    for number, environment in enumerate(WAYS.values()):
        box = Sandbox.make(tmp_path / str(number) / "project", {"same": STUDY}, warm_folder)
        limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        without = [name for name in limits if name not in environment]
        ran = Run.start(box, "snakemake", without=without, **environment).end()
        assert ran.code == 0, ran.output
        files = [path for folder in box.nodes().values() for path in folder.rglob("*")]
        kinds = (".arrow", ".safetensors", ".onnx", "metrics.parquet", "items.parquet")
        found.append({str(p.relative_to(box.root)): p.read_bytes() for p in files if p.name.endswith(kinds)})
    first = found[0]
    assert len([name for name in first if name.endswith("metrics.parquet")]) >= 4
    assert len([name for name in first if name.endswith(".onnx")]) == len(STUDY["targets"]["ssd"])
    for other, way in zip(found[1:], list(WAYS)[1:], strict=True):
        assert other.keys() == first.keys(), way
        assert [name for name in first if other[name] != first[name]] == [], way
