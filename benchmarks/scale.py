"""What 1,000 studies cost: `python benchmarks/scale.py [--studies 1000] [--jobs 2000] [--profile]`.

Writes a synthetic project (six variants at three seeds in each study, nothing to compute in the jobs) into a temporary
folder and measures plan, dry runs, a cluster's worker, page and commands, and what a job costs beside its work. Every
figure is of a fresh process: CPU seconds of it and of what it started, wall seconds, largest resident memory. On a
machine that others use too only CPU seconds can be compared.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.pipeline import many  # noqa: E402
from tests.pipeline.sandbox import Sandbox  # noqa: E402

REPEATS = 3
PER_STUDY = 22
"""Nodes of one study; 6 more are shared by all."""
PLAIN = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Of one process with what it started: CPU and wall seconds, largest resident memory in MB; seconds to a line."""

    cpu: float
    wall: float
    memory: float
    line: float | None = None

    def __str__(self) -> str:
        line = f", line after {self.line:.1f} s" if self.line is not None else ""
        return f"{self.cpu:.1f} s CPU, {self.wall:.1f} s wall, {self.memory:.0f} MB{line}"


def cost(box: Sandbox, *arguments: str, until: str = "") -> Cost:
    """Run a module in the project; `until`: a text of the line that is waited for. Raises when it fails."""
    command, environment = box.command(*arguments, NEUROSIEVE_WARM="0", **PLAIN)
    began, seen, text = time.perf_counter(), None, []
    process = subprocess.Popen(
        command, cwd=box.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        text.append(line)
        if until and seen is None and until in line:
            seen = time.perf_counter() - began
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("".join(text[-20:]))
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024, seen)


def best(box: Sandbox, *arguments: str, repeats: int = REPEATS) -> Cost:
    """The cheapest of some runs: others on the machine only ever add."""
    return min((cost(box, *arguments) for _ in range(repeats)), key=lambda one: one.cpu)


def show(what: str, found: object, target: str = "") -> None:
    print(f"| {what} | {found} | {target or '–'} |", flush=True)


def to_do(box: Sandbox) -> None:
    """Nothing has run yet."""
    show("first dry run: every plan made", cost(box, "snakemake", "-n", "-q", "all"))
    show("dry run, all to do", best(box, "snakemake", "-n", "-q", "all"), "30 s, 1024 MB")
    show("dry run of one study", best(box, "snakemake", "-n", "s0000", "-q", "all"))


def worker(box: Sandbox) -> None:
    """A cluster's Snakemake for one job, from its start to the line that names the job."""
    folder = next(iter(sorted((box.root / "results" / "store" / "train").iterdir())))
    for file in [*folder.iterdir()]:
        file.unlink()
    folder.rmdir()
    found = cost(box, *many.worker(box, "train", folder.name), until="Job 0: train")
    show("one job on a worker of a cluster", found, "line within 5 s")


def done(box: Sandbox) -> None:
    """Everything is in the store."""
    show("dry run, all done but the page", best(box, "snakemake", "-n"), "10 s, 1024 MB")
    show("the page and all views", cost(box, "neurosieve", "report"))
    report = box.root / "results" / "report"
    sizes = {path.relative_to(report): path.stat().st_size / 1e6 for path in report.rglob("*") if path.is_file()}
    shown = sum(sizes.values())
    show("what the page weighs; its index", f"{shown:.1f} MB; {sizes[Path('index.html')]:.1f} MB", "15 MB")
    show("nothing changed", best(box, "snakemake"), "10 s, 1024 MB")
    for words in (("plan",), ("plan", "s0000"), ("verdicts",), ("path", "s0000/drop/11")):
        show(f"`neurosieve {' '.join(words)}`", best(box, "neurosieve", *words, repeats=2))


def measured(folder: Path, studies: int) -> None:
    """A page over every variant's metrics before any verdict is there: each file is read."""
    box = many.make(folder / "measured", studies, per_variant=True)
    many.run_first(box)
    many.fill(box)
    for path in [*(box.root / "results" / "store" / "verdict").iterdir()]:
        (path / "provenance.json").unlink()
    files = len([*(box.root / "results" / "store").glob("evaluate/*/metrics.parquet")])
    show(f"the page over {files} metrics files, no verdict yet", cost(box, "neurosieve", "report"))


def jobs(folder: Path, count: int) -> None:
    """Run empty jobs with warm start: all CPU seconds, those of the warm start's server and workers too."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    box = many.make(folder / "jobs", -(-count // PER_STUDY), environment={"XDG_RUNTIME_DIR": str(runtime)})
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # the server becomes a child of this process
    before, began = _children(), time.perf_counter()
    command, environment = box.command("snakemake", "-q", "all", **PLAIN)
    subprocess.run(command, cwd=box.root, env=environment, check=True)
    wall, snakemake = time.perf_counter() - began, _children() - before
    subprocess.run(box.command("neurosieve.warm", "stop")[0], cwd=box.root, env=environment, check=True)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    ran, total = len(box.nodes()), _children() - before
    show(f"{ran} empty jobs, each", f"{total / ran:.3f} s CPU, {wall / ran:.3f} s wall", "0.15 s")
    show("… of it Snakemake and the clients", f"{snakemake / ran:.3f} s CPU")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def profile(box: Sandbox, name: str, *arguments: str) -> None:
    """The dearest functions of one command."""
    file = box.root.parent / f"{name}.prof"
    cost(box, "cProfile", "-o", str(file), "-m", *arguments)
    print(f"\n{name}: {' '.join(arguments)}")
    pstats.Stats(str(file)).strip_dirs().sort_stats("tottime").print_stats(25)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--studies", type=int, default=1000)
    asked.add_argument("--jobs", type=int, default=2000, help="empty jobs to run; 0: none")
    asked.add_argument("--profile", action="store_true", help="also where the time goes, by function")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="nsv-") as name:
        folder = Path(name)
        box = many.make(folder / "project", wanted.studies)
        print(f"{wanted.studies} studies, {wanted.studies * PER_STUDY + 6} nodes, {os.cpu_count()} cores\n")
        print("| what | measured | target |\n|---|---|---|")
        to_do(box)
        if wanted.profile:
            profile(box, "all to do", "snakemake", "-n", "-q", "all")
        many.run_first(box)
        many.fill(box)
        worker(box)
        many.fill(box)
        done(box)
        if wanted.profile:
            profile(box, "page", "neurosieve", "report")
        measured(folder, wanted.studies)
        if wanted.jobs:
            jobs(folder, wanted.jobs)


if __name__ == "__main__":
    main()
