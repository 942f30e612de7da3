"""Watching a run from outside: its processes, the node a job works on, and what must be true after any fault."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from neurosieve.plan.project import Project
from neurosieve.views.browse import check_store
from tests.pipeline.sandbox import STUDY, Ran, Sandbox

PATIENCE = 120.0
"""Seconds until a test gives up: only a hang takes so long."""
GATED: dict[str, Any] = {
    "question": "Does it survive?",
    "dataset": {"use": "toy.points", "rows": 6},
    "forget": {"where": "label = 1"},
    "seeds": [11],
    "variants": {
        "original": STUDY["variants"]["original"],
        "slow": {"base": "original", "train": {"gate": "open"}},
        "drop": {"from": "slow", "unlearn": {"use": "unlearning.toy_drop"}},
    },
    "evaluate": [{"use": "toy_accuracy"}],
}
"""`slow` trains until the file `open` lies in the project's folder; `original` does not wait for it."""


def gated(**changes: Any) -> dict[str, Any]:
    """A copy of the gated study with some top-level keys replaced."""
    return {**copy.deepcopy(GATED), **changes}


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until the condition gives something true, and return that."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain for {what}")


@dataclass
class Run:
    """A command that runs in a session of its own; its output goes to a file, so that no orphan can block a reader."""

    box: Sandbox
    process: subprocess.Popen[bytes]
    file: Path

    @staticmethod
    def start(box: Sandbox, *arguments: str, without: Iterable[str] = (), **environment: str) -> Run:
        command, full = box.command(*arguments, **environment)
        return Run.launch(box, command, {name: value for name, value in full.items() if name not in without})

    @staticmethod
    def launch(box: Sandbox, command: list[str], environment: dict[str, str]) -> Run:
        """Any command in the project."""
        file = box.root.parent / f"{box.root.name}-{time.monotonic_ns()}.out"
        with file.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=box.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        RUNS.append(Run(box, process, file))
        return RUNS[-1]

    @property
    def output(self) -> str:
        return self.file.read_text()

    def end(self) -> Ran:
        """Wait for the end."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end:\n{self.output}") from None
        return Ran(code, self.output)

    def kill(self) -> None:
        """End the whole session at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


RUNS: list[Run] = []


def end_all() -> None:
    """End what a failed test left running."""
    while RUNS:
        run = RUNS.pop()
        if run.process.poll() is None:
            run.kill()


def open_gate(box: Sandbox) -> None:
    (box.root / "open").touch()


def processes(box: Sandbox) -> list[psutil.Process]:
    """Processes that work in the project's folder: Snakemake, clients, workers; not the warm start's server."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(box.root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def running_stages(box: Sandbox) -> set[str]:
    """Stages of the jobs that Snakemake waits for."""
    stages = set()
    for process in processes(box):
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if line[1:3] == ["-m", "neurosieve"]:
            stages.add(line[3])
    return stages


def workers(box: Sandbox, stage: str) -> list[int]:
    """Process ids of the jobs of a stage that are in the middle of their work, by their scratch folders."""
    names = [path.name for path in (box.root / "results" / ".work").glob(f"job-{stage}*")]
    found = [int(match[1]) for name in names if (match := re.search(r"-(\d+)-[0-9a-f]{8}$", name))]
    return [process for process in found if psutil.pid_exists(process)]


def in_mid_job(box: Sandbox, run: Run | None = None, nodes: int = 4) -> tuple[Run, int]:
    """Snakemake, started, with all done that does not need `slow`; and the worker that trains `slow`."""
    run = run or Run.start(box, "snakemake")

    def alone() -> bool:
        return len(box.nodes()) == nodes and len(workers(box, "train")) == 1 and running_stages(box) == {"train"}

    until(lambda: run.process.poll() is not None or alone(), "the training of slow alone")
    assert run.process.poll() is None, run.output
    return run, workers(box, "train")[0]


def stamps(box: Sandbox) -> dict[str, tuple[int, int]]:
    """Inode and time of each node's provenance: equal means that it was not computed again."""
    found = {}
    for name, folder in box.nodes().items():
        stat = (folder / "provenance.json").stat()
        found[name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def contents(box: Sandbox) -> dict[str, tuple[object, object]]:
    """Recipe and content hashes of each node: equal where all results but measured seconds are."""
    records = {name: json.loads((folder / "provenance.json").read_text()) for name, folder in box.nodes().items()}
    return {name: (record["recipe"], record["files"]) for name, record in records.items()}


def failed_lines(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("failed:")]


def assert_whole(box: Sandbox) -> None:
    """Every node in the store is complete and has the content it was stored with."""
    assert check_store(Project(box.root))[0] == []


def assert_goes_on(box: Sandbox, before: dict[str, tuple[int, int]]) -> None:
    """The same command completes, computes no finished node again, leaves nothing to do and no process behind."""
    assert_whole(box)
    ran = Run.start(box, "snakemake").end()
    assert ran.code == 0, ran.output
    after = stamps(box)
    assert {name: after.get(name) for name in before} == before
    assert box.todo() == set()
    assert_whole(box)
    assert_alone(box)


def assert_alone(box: Sandbox) -> None:
    """No process of a run is left."""
    until(lambda: not processes(box), f"the end of {processes(box)}")
