"""Long computations: killed or preempted wherever it may be, the next job goes on and ends with the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from neurosieve.artifacts.store import read_provenance
from tests.pipeline.sandbox import Sandbox
from tests.pipeline.watch import Run, end_all, until, workers

pytestmark = pytest.mark.pipeline
SEED = int(os.environ.get("FAULTS_SEED", "1"))
STUDY: dict[str, Any] = {
    "question": "Does it go on?",
    "dataset": {"use": "images.mnist5k", "size": 14, "train": 200, "validation": 0, "test": 10},
    "seeds": [11],
    "variants": {
        "deep": {
            "model": {"use": "vision.resnet9", "width": 4},
            "train": {"use": "supervised.backprop", "epochs": 4, "batch": 16, "checkpoints": [1, 3]},
            "resources": {"checkpoint_minutes": 0},
        },
    },
}
TOY: dict[str, Any] = {
    "question": "Does it go on?",
    "dataset": {"use": "toy.points", "rows": 6},
    "seeds": [11],
    "variants": {
        "walk": {
            "model": {"use": "toy.centroid"},
            "train": {"use": "toy.walk", "steps": 60, "sleep": 0.02},
            "resources": {"checkpoint_minutes": 0},
        },
        "patient": {"base": "walk", "train": {"steps": 200}, "resources": {"checkpoint_minutes": 60}},
    },
}
WAYS = {"warm": {}, "cold": {"NEUROSIEVE_WARM": "0"}}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, warm_folder: dict[str, str]) -> Iterator[Sandbox]:
    """A project with its datasets made; each test takes away what it trained."""
    made = Sandbox.make(tmp_path_factory.mktemp("resume") / "project", {"long": STUDY, "tiny": TOY}, warm_folder)
    ran = made.snakemake("long", "tiny", "--until", "prepare")
    assert ran.code == 0, ran.output
    yield made
    end_all()


def states(box: Sandbox) -> list[Path]:
    return sorted((box.root / "results" / ".work" / "resume").glob("*/*.json"))


def step_of(box: Sandbox) -> int:
    """Steps that the kept state holds; 0 without one."""
    for path in states(box):
        pairs = json.loads(path.read_text())["body"]["state"][1]
        return int(dict(map(tuple, (pair for pair in pairs if pair[0] == "step")))["step"])
    return 0


def trained(box: Sandbox) -> tuple[dict[str, str], dict[str, Any]]:
    """Content hashes and run block of the one training; it is deleted."""
    ((_, folder),) = [item for item in box.nodes().items() if item[0].startswith("train/")]
    record = read_provenance(folder)
    folder.rename(folder.parent / f"taken-{time.monotonic_ns()}")
    for path in folder.parent.glob("taken-*/provenance.json"):
        path.unlink()
    return record["files"], record["run"]


def train(box: Sandbox, study: str, address: str, **environment: str) -> Run:
    return Run.start(box, "neurosieve", "train", study, address, **environment)


@pytest.mark.parametrize(
    ("study", "address", "steps", "kills"),
    [
        ("long", "deep/11", 50, 1),
        ("tiny", "walk/11", 60, 2),
        pytest.param("long", "deep/11", 50, 20, marks=pytest.mark.faults),
        pytest.param("tiny", "walk/11", 60, 20, marks=pytest.mark.faults),
    ],
)
def test_killed_at_random_steps(box: Sandbox, study: str, address: str, steps: int, kills: int) -> None:
    print(f"FAULTS_SEED={SEED}")
    draw = random.Random(SEED)
    assert train(box, study, address).end().code == 0
    wanted, run = trained(box)
    assert "resumed" not in run
    assert states(box) == []
    moments = sorted(draw.sample(range(1, steps - 2), kills))
    for number, moment in enumerate(moments):
        job = train(box, study, address, **WAYS["cold" if number % 4 == 1 else "warm"])
        until(lambda: job.process.poll() is not None or step_of(box) >= moment, f"step {moment}")  # noqa: B023
        for process in workers(box, "train"):
            os.kill(process, signal.SIGKILL)
        job.end()
    job = train(box, study, address, **WAYS["cold" if kills % 2 else "warm"]).end()
    assert job.code == 0, job.output
    again, run = trained(box)
    assert again == wanted
    assert 1 <= run["resumed"] <= kills
    assert states(box) == []


@pytest.mark.parametrize(("way", "told"), [("warm", "the command"), ("warm", "every process"), ("cold", "the command")])
def test_preempted(box: Sandbox, way: str, told: str) -> None:
    """SIGTERM, as a batch system sends it before it kills: the state is kept though it was not yet time to."""
    assert train(box, "tiny", "patient/11").end().code == 0
    wanted, _ = trained(box)
    before = set((box.root / "results" / ".work").glob("job-*"))
    job = train(box, "tiny", "patient/11", **WAYS[way])
    (worker,) = until(lambda: workers(box, "train"), "the job")
    time.sleep(0.5)
    others = [psutil.Process(worker).ppid(), worker] if told == "every process" else []
    for process in (job.process.pid, *others):
        os.kill(process, signal.SIGTERM)
    ran = job.end()
    assert ran.code == 128 + signal.SIGTERM
    said = "neurosieve: error: told to end (preempted, out of time, or stopped); "
    assert [line for line in ran.output.splitlines() if line.startswith(said)], ran.output
    assert set((box.root / "results" / ".work").glob("job-*")) == before
    kept = "what it has done is kept" in ran.output
    assert kept == bool(states(box))
    ran = train(box, "tiny", "patient/11", **WAYS[way]).end()
    assert ran.code == 0, ran.output
    again, run = trained(box)
    assert again == wanted
    assert run.get("resumed", 0) == int(kept)
    assert states(box) == []


def test_a_state_that_was_damaged_is_dropped(box: Sandbox) -> None:
    assert train(box, "tiny", "walk/11").end().code == 0
    wanted, _ = trained(box)
    job = train(box, "tiny", "walk/11")
    until(lambda: step_of(box) >= 12, "some steps")
    for process in workers(box, "train"):
        os.kill(process, signal.SIGKILL)
    job.end()
    state = states(box)[0]  # beside its bytes may lie those of the next one, not yet named
    data = state.parent / json.loads(state.read_text())["body"]["tensors"]
    content = bytearray(data.read_bytes())
    content[-5] ^= 4
    data.write_bytes(content)
    ran = train(box, "tiny", "walk/11").end()
    assert ran.code == 0, ran.output
    assert "the kept state of 'walk' is dropped, and it starts anew: " in ran.output
    assert trained(box)[0] == wanted
