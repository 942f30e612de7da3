"""Kept states: a computation that is ended anywhere gives in the end what an undisturbed one gives, to the bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.artifacts import resume as module
from neurosieve.artifacts.ending import ENDING, Ended
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.resume import Keeper

STEPS = 6


class Cut(Exception):
    """The process ends here."""


def log_in(root: Path, seconds: float = 0.0, number: int = 0) -> Log:
    """The log of one process that computes the node; each has a scratch folder of its own."""
    scratch = root / f"scratch{number}"
    scratch.mkdir(parents=True, exist_ok=True)

    def save(name: str, model: Model) -> None:
        (scratch / "checkpoints" / name).mkdir(parents=True)
        (scratch / "checkpoints" / name / "model.txt").write_text(str(model))

    return Log(save_checkpoint=save, keeper=Keeper(root / "kept", seconds, scratch))


def walk(log: Log, cut: int | None = None, name: str = "walk") -> dict[str, Any]:
    """A random walk that draws from four generators and logs; as any system that is no torch network would."""
    draws = np.random.default_rng(3)
    np.random.seed(4)  # noqa: NPY002
    random.seed(5)
    resume = log.resume(name)
    with log.timed("train_seconds"):
        state = resume.start({"step": 0, "at": np.zeros(3), "best": None, "draws": draws})
        while state["step"] < STEPS:
            if state["step"] == cut:
                raise Cut
            state["at"] = state["at"] + draws.standard_normal(3) + np.random.standard_normal() + random.random()  # noqa: NPY002
            state["best"] = max(state["best"] or 0.0, float(state["at"].max()))
            state["step"] += 1
            log.step(step=state["step"], best=state["best"], norm=np.linalg.norm(state["at"]))
            if state["step"] % 2 == 0:
                log.checkpoint(f"e{state['step']}", state["at"].tolist())
            resume.keep(state, done=state["step"] == STEPS)
    return {"at": state["at"].tobytes(), "best": state["best"], "history": repr(log.history)}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def undisturbed(tmp_path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    result = walk(log_in(tmp_path / "undisturbed"))
    return result, files(tmp_path / "undisturbed" / "scratch0")


def test_without_a_folder_nothing_is_kept(tmp_path: Path, undisturbed: Any) -> None:
    assert walk(Log()) == undisturbed[0]


@pytest.mark.parametrize("cuts", [[0], [1], [5], [2, 2, 4], [1, 2, 3, 4, 5]])
def test_ended_and_resumed(tmp_path: Path, undisturbed: Any, cuts: list[int]) -> None:
    for number, cut in enumerate(cuts):
        with pytest.raises(Cut):
            walk(log_in(tmp_path, number=number), cut)
    log = log_in(tmp_path, number=9)
    assert walk(log) == undisturbed[0]
    assert files(tmp_path / "scratch9") == undisturbed[1]
    assert log.keeper.resumed == len(set(cuts) - {0}), "processes that did a part of it"
    names = [p.suffix for p in (tmp_path / "kept").iterdir() if p.is_file()]
    assert sorted(names) == [".json", ".safetensors"]
    log.keeper.forget()
    assert not (tmp_path / "kept").exists()


def test_what_is_done_is_not_computed_again(tmp_path: Path, undisturbed: Any) -> None:
    walk(log_in(tmp_path))
    again = log_in(tmp_path, number=1)
    assert walk(again, cut=0) == undisturbed[0]
    assert files(tmp_path / "scratch1") == undisturbed[1]


def test_two_computations_of_one_job(tmp_path: Path) -> None:
    def both(log: Log, cut: int | None = None) -> Any:
        return walk(log, name="first"), walk(log, cut, name="second"), repr(log.history)

    log = log_in(tmp_path / "undisturbed")
    log.save_checkpoint = None
    whole = both(log)
    for number in range(2):
        log = log_in(tmp_path, number=number)
        log.save_checkpoint = None
        if number == 0:
            with pytest.raises(Cut):
                both(log, cut=3)
    assert both(log) == whole


@pytest.mark.parametrize("name", ["walk", "Walk", "a b", "../up", ""])
def test_a_name_is_plain_and_used_once(tmp_path: Path, name: str) -> None:
    log = log_in(tmp_path)
    log.resume("walk")
    with pytest.raises(ValueError, match="lower case and used once"):
        log.resume(name)


def test_nothing_is_written_before_it_is_time(tmp_path: Path, undisturbed: Any) -> None:
    assert walk(log_in(tmp_path, seconds=3600)) == undisturbed[0]
    assert not (tmp_path / "kept").exists()


def cut_at_four(root: Path) -> tuple[Path, Path]:
    with pytest.raises(Cut):
        walk(log_in(root), 4)
    (data,) = (root / "kept").glob("*.safetensors")
    return root / "kept" / "walk.json", data


def change(path: Path, before: str, after: str) -> None:
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def resealed(path: Path, **changes: Any) -> None:
    """Another body with a right checksum."""
    body = {**json.loads(path.read_text())["body"], **changes}
    path.write_text(json.dumps({"sha256": module._digest(body), "body": body}))


DAMAGE = {
    "no JSON": lambda record, data: record.write_text("{"),
    "not text": lambda record, data: record.write_bytes(b"\xff\xfe"),
    "another JSON": lambda record, data: record.write_text("[]"),
    "a changed digit": lambda record, data: change(record, '["step", 4]', '["step", 5]'),
    "no arrays": lambda record, data: data.unlink(),
    "a cut-off file": lambda record, data: data.write_bytes(data.read_bytes()[:-1]),
    "a flipped bit": lambda record, data: data.write_bytes(data.read_bytes()[:-1] + b"!"),
    "a lost checkpoint": lambda record, data: shutil.rmtree(record.parent / "checkpoints" / "e2"),
    "another format": lambda record, data: resealed(record, format=module.FORMAT + 1),
    "other names": lambda record, data: resealed(record, state=["dict", [["step", 4]]]),
    "a generator less": lambda record, data: resealed(record, state=["dict", [["draws", ["live", None]]]]),
}


@pytest.mark.parametrize("harm", DAMAGE)
def test_a_state_that_cannot_be_used_is_dropped_with_a_line(
    tmp_path: Path, undisturbed: Any, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    DAMAGE[harm](*cut_at_four(tmp_path))
    log = log_in(tmp_path, number=1)
    assert walk(log) == undisturbed[0]
    assert files(tmp_path / "scratch1") == undisturbed[1]
    said = capsys.readouterr().err
    assert said.startswith("the kept state of 'walk' is dropped, and it starts anew: ")
    assert said.count("\n") == 1
    assert log.keeper.resumed == 0


def test_a_state_that_cannot_be_written_costs_a_line(
    tmp_path: Path, undisturbed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("in the way")
    assert walk(log_in(tmp_path)) == undisturbed[0]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == STEPS
    assert all(line.startswith("the state of 'walk' could not be kept (") for line in lines)


def test_two_processes_that_compute_one_node(tmp_path: Path, undisturbed: Any) -> None:
    """What one writes, the other may take up or delete; each result is right, and so is what is left for a third."""
    cut_at_four(tmp_path)
    slow, fast = log_in(tmp_path, number=1), log_in(tmp_path, number=2)
    states = []
    for log in (slow, fast):
        resume = log.resume("walk")
        states.append((resume, resume.start({"step": 0, "at": None, "best": None, "draws": np.random.default_rng(3)})))
    for resume, state in (*states, *reversed(states), *states):
        resume.keep(state)
        assert len(list((tmp_path / "kept").glob("*.safetensors"))) <= 2
    assert walk(log_in(tmp_path, number=3)) == undisturbed[0]


def test_told_to_end(tmp_path: Path, undisturbed: Any) -> None:
    """SIGTERM: the next step is the last, though it is not yet time for a state."""
    log = log_in(tmp_path, seconds=3600)
    step = log.step

    def stepping(**values: Any) -> None:
        step(**values)
        if values["step"] == 3:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)

    log.step = stepping  # type: ignore[method-assign]
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Ended) as ended, ENDING.heeded():
        walk(log)
    assert signal.getsignal(signal.SIGTERM) is before
    assert ended.value.code == 128 + signal.SIGTERM
    assert "what it has done is kept" in ended.value.message
    again = log_in(tmp_path, number=1)
    assert walk(again) == undisturbed[0]
    assert again.keeper.resumed == 1


def test_seconds_of_all_processes_are_added_up(tmp_path: Path) -> None:
    cut_at_four(tmp_path)
    record = tmp_path / "kept" / "walk.json"
    body = json.loads(record.read_text())["body"]
    assert body["log"]["timings"]["train_seconds"] > 0
    resealed(
        record,
        spent={"seconds": 1000.0, "cpu_seconds": 500.0},
        log={**body["log"], "timings": {"train_seconds": 400.0, "other": 7.0}},
    )
    log = log_in(tmp_path, number=1)
    walk(log)
    total = log.keeper.total()
    assert 1000 < total["seconds"] < 1100
    assert 500 < total["cpu_seconds"] < 600
    assert 400 < log.timings["train_seconds"] < 500
    assert log.timings["other"] == 7.0
