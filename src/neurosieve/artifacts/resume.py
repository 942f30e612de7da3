"""Long computations go on where an ended job was: their state as safetensors and JSON, put back to the bit.

    resume = log.resume("em")
    state = resume.start({"done": 0, "means": means, "draws": generator})
    while state["done"] < params.steps:
        ...                       # updates state["means"], counts state["done"]
        resume.keep(state)        # writes it now and then

A state is a dict of numbers, texts, lists, dicts, numpy arrays and torch tensors, which come back as new objects, and
of live objects, which are put back in place: random generators and whatever has `state_dict` and `load_state_dict`.
The global generators and the log (its rows, seconds and checkpoints) are kept with every state. Two files hold one:
`<name>-<random>.safetensors` with the bytes of all arrays, and `<name>.json`, which names it and is replaced last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from neurosieve.artifacts import trees
from neurosieve.artifacts.ending import ENDING, Ended
from neurosieve.artifacts.hashes import sha256_of
from neurosieve.artifacts.store import sync_path

FORMAT = 1
"""Of the two files; a state of another format is dropped."""
DONE_SHARE = 0.1
"""What is done is kept if it took this share of the time between two states: what is shorter is computed again."""


class Damaged(Exception):
    """Why a kept state cannot be used."""


@dataclass
class Keeper:
    """Where one job keeps its states: `folder` (None: nowhere), at most every so many `seconds`.

    `scratch` is where the job writes its node; checkpoints that lie there are kept with a state. `spent` are the
    seconds and CPU seconds that earlier processes spent on what was put back, `resumed` is how many there were.
    """

    folder: Path | None = None
    seconds: float = 300.0
    scratch: Path | None = None
    spent: dict[str, float] = field(default_factory=lambda: {"seconds": 0.0, "cpu_seconds": 0.0})
    resumed: int = 0
    _began: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), time.process_time()))
    _names: set[str] = field(default_factory=set)

    def part(self, name: str) -> Keeper:
        """A keeper for a part of the job that has a log of its own."""
        return Keeper(self.folder / name if self.folder else None, self.seconds)

    def take(self, name: str) -> None:
        """Reserve a name: two computations of one job must not read each other's state. Raises ValueError."""
        if name in self._names or not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
            raise ValueError(f"resume('{name}'): a name is lower case and used once in a job")
        self._names.add(name)

    def total(self) -> dict[str, float]:
        """Seconds and CPU seconds up to now, those of earlier processes included."""
        now = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        return {name: self.spent[name] + own for name, own in zip(self.spent, now, strict=True)}

    def forget(self) -> None:
        """Delete every state: the node is finished."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


class Kept(Protocol):
    """What is kept beside every state: a log (`neurosieve.artifacts.log`), with the keeper of its job."""

    history: list[dict[str, Any]]
    keeper: Keeper

    def spent(self) -> dict[str, float]: ...

    def take_up(self, spent: Mapping[str, float]) -> None: ...


class Resume:
    """One computation of a job, by name; see the module's example."""

    def __init__(self, name: str, log: Kept) -> None:
        self.name, self.log, self.keeper = name, log, log.keeper
        self.keeper.take(name)
        self._written: Path | None = None
        self._last = time.monotonic()

    def start(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state that an ended job had kept, or the one given; live objects are put back in place.

        A state that is damaged or of another format or shape is dropped with one line, and the computation starts
        anew with all that was given as it was.
        """
        if self.keeper.folder is None:
            return state
        ENDING.watch()
        if not self._file.is_file():
            return state
        before: dict[str, np.ndarray] = {}
        given = trees.encode(state, before), _drawn(before)
        try:
            body, arrays = self._read()
            found = trees.decode(body["state"], arrays, state)
            if found.keys() != state.keys():
                raise Damaged(f"it holds {', '.join(found)}")
            _draw_on(body["globals"], arrays)
            self._take_up_log(body, arrays)
        except Exception as error:  # whatever it is that is wrong with it
            _say(f"the kept state of '{self.name}' is dropped, and it starts anew: {' '.join(str(error).split())}")
            self._file.unlink(missing_ok=True)
            shutil.rmtree(self.keeper.folder / "checkpoints", ignore_errors=True)
            trees.decode(given[0], before, state)
            _draw_on(given[1], before)
            return state
        self._written = self.keeper.folder / body["tensors"]
        return found

    def keep(self, state: Mapping[str, Any], *, done: bool = False) -> None:
        """Write the state if it is time to, or if the job was told to end: then the job ends here.

        With `done` the computation is over, and its state is written if it took long enough to be worth it.
        Raises Ended. A state that cannot be written (a full disk) costs a line, not the job.
        """
        if self.keeper.folder is None:
            return
        share = DONE_SHARE if done else 1.0
        asked = ENDING.asked
        if not asked and time.monotonic() - self._last < share * self.keeper.seconds:
            return
        try:
            self._write(state)
        except Exception as error:  # safetensors has its own for a full disk
            _say(f"the state of '{self.name}' could not be kept ({error}); the job goes on without")
        self._last = time.monotonic()
        if asked:
            raise Ended(kept=self._written is not None)

    @property
    def _file(self) -> Path:
        assert self.keeper.folder is not None
        return self.keeper.folder / f"{self.name}.json"

    def _write(self, state: Mapping[str, Any]) -> None:
        from safetensors.numpy import save_file

        folder = self._file.parent
        folder.mkdir(parents=True, exist_ok=True)
        data = folder / f"{self.name}-{uuid.uuid4().hex[:12]}.safetensors"
        temporary = data.with_suffix(".json.new")
        arrays: dict[str, np.ndarray] = {}
        try:
            body = {
                "format": FORMAT,
                "state": trees.encode(dict(state), arrays),
                "globals": _drawn(arrays),
                "log": {"history": trees.encode(self.log.history, arrays), "timings": self.log.spent()},
                "checkpoints": self._keep_checkpoints(),
                "spent": self.keeper.total(),
                "resumed": self.keeper.resumed,
                "tensors": data.name,
            }
            save_file(arrays, data)
            sync_path(data)
            body["sha256"] = sha256_of(data)
            temporary.write_text(json.dumps({"sha256": _digest(body), "body": body}))
            sync_path(temporary)
            os.replace(temporary, self._file)
        except BaseException:
            for path in (data, temporary):
                path.unlink(missing_ok=True)
            raise
        if self._written is not None:  # only one's own: another writer's file may be named by now
            self._written.unlink(missing_ok=True)
        self._written = data

    def _read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        from safetensors.numpy import load_file

        whole = json.loads(self._file.read_text())
        body = whole["body"]
        if whole["sha256"] != _digest(body):
            raise Damaged(f"{self._file.name} was changed")
        if body["format"] != FORMAT:
            raise Damaged(f"format {body['format']}, wanted {FORMAT}")
        data = self._file.parent / body["tensors"]
        kept = {f"checkpoints/{name}": digest for name, digest in body["checkpoints"].items()}
        for name, digest in {body["tensors"]: body["sha256"], **kept}.items():
            if sha256_of(self._file.parent / name) != digest:
                raise Damaged(f"{name} was truncated or changed")
        return body, load_file(data)

    def _take_up_log(self, body: Mapping[str, Any], arrays: dict[str, np.ndarray]) -> None:
        if body["checkpoints"] and self.keeper.scratch is not None:
            source, target = self._file.parent / "checkpoints", self.keeper.scratch / "checkpoints"
            for name in body["checkpoints"]:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source / name, target / name)
        self.log.history[:] = trees.decode(body["log"]["history"], arrays)
        self.log.take_up(body["log"]["timings"])
        self.keeper.spent, self.keeper.resumed = dict(body["spent"]), body["resumed"] + 1

    def _keep_checkpoints(self) -> dict[str, str]:
        """Copy the node's checkpoints beside the state, those that are new; content hashes by file."""
        scratch = self.keeper.scratch
        if scratch is None or not (scratch / "checkpoints").is_dir():
            return {}
        target = self._file.parent / "checkpoints"
        for folder in sorted((scratch / "checkpoints").iterdir()):
            if not (target / folder.name).exists():
                aside = target / f".{folder.name}-{uuid.uuid4().hex[:8]}"
                shutil.copytree(folder, aside)
                with contextlib.suppress(OSError):  # another process computes the same node
                    os.rename(aside, target / folder.name)
        return {name: sha256_of(scratch / "checkpoints" / name) for name in _files(scratch / "checkpoints")}


def _drawn(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Where the global generators stand."""
    return {name: trees.encode(live, arrays) for name, live in _globals().items()}


def _draw_on(kept: Mapping[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Put the global generators back. What this process has not imported, the computation does not draw from."""
    for name, live in _globals().items():
        if name in kept:
            trees.decode(kept[name], arrays, live)


def _globals() -> dict[str, Any]:
    """The generators that everybody may draw from."""
    found: dict[str, Any] = {"random": random._inst, "numpy": np.random.mtrand._rand}  # pyrefly: ignore
    if "torch" in sys.modules:
        import torch

        found["torch"] = torch.default_generator
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            found["cuda"] = list(torch.cuda.default_generators)
    return found


def _files(folder: Path) -> Iterator[str]:
    yield from (str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
