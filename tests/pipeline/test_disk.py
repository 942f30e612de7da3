"""A full disk and a folder that cannot be written: one line, no half-written node, and the same command goes on."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosieve.artifacts.store import read_provenance, storage_error
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.views.written import write_views
from tests import toys
from tests.pipeline.sandbox import Ran, Sandbox
from tests.pipeline.watch import (
    assert_alone,
    assert_goes_on,
    assert_whole,
    failed_lines,
    gated,
    in_mid_job,
    open_gate,
    stamps,
)

pytestmark = pytest.mark.pipeline
Mount = Callable[..., None]


def test_full_disk(fresh: Sandbox, mount: Mount) -> None:
    study = gated()
    heavy = {"use": "toy.centroid", "ballast": 1_000_000}  # 8 MB
    study["variants"]["original"] = {"model": heavy, "train": {"use": "toy.fit"}}
    study["variants"]["slow"] = {"model": {"use": "toy.centroid"}, "train": {"use": "toy.fit"}}
    fresh.configure({"tiny": study})
    results = fresh.root / "results"
    mount(results, "size=6m")
    ran = fresh.snakemake()
    assert ran.code != 0
    (line,) = failed_lines(ran.output)
    assert "tiny/original/11): neurosieve: error: the disk that holds " in line
    assert "is full; free some space and run the same command again · log: results/logs/train/" in line
    log = (fresh.root / line.rpartition(" ")[2]).read_text()
    assert log.count("error") == 1
    assert log.splitlines()[-1].startswith("neurosieve: error: the disk that holds ")
    assert any(name.startswith("evaluate/") for name in fresh.nodes()), "the other variant goes on"
    assert list((results / ".work").glob("job-*")) == []
    assert "is full" in (results / "report" / "studies" / "tiny.html").read_text()
    mount(results, "size=60m")
    assert_goes_on(fresh, stamps(fresh))


def test_disk_that_fills_up_to_the_last_byte(fresh: Sandbox, mount: Mount) -> None:
    """Not even a log has room: Snakemake still says it, nothing hangs, and room is all that the same command needs."""
    fresh.configure({"tiny": gated()})
    results = fresh.root / "results"
    mount(results, "size=20m")
    run, _ = in_mid_job(fresh)
    filler = results / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    open_gate(fresh)
    ran = run.end()
    assert ran.code != 0
    assert "tiny/slow/11" in failed_lines(ran.output)[0]
    assert re.search(r"error: the disk that holds \S+ is full; free some space", ran.output), ran.output
    assert "Traceback" not in ran.output
    assert_whole(fresh)
    assert_alone(fresh)
    filler.unlink()
    assert_goes_on(fresh, stamps(fresh))


def test_results_that_cannot_be_written(fresh: Sandbox, mount: Mount) -> None:
    mount(fresh.root / "results", "ro")
    assert_refused(fresh.snakemake(), fresh)
    ran = fresh.cli("report")
    assert ran.code == 1
    assert ran.output.startswith("neurosieve: error: no permission to write ")
    assert ran.output.count("\n") == 1


def test_results_of_another_user(fresh: Sandbox) -> None:
    """The same without a mount: a user who owns the project but not results/."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    for path in (fresh.root, *fresh.root.rglob("*")):
        os.chown(path, 65534, 65534)
    results = fresh.root / "results"
    results.mkdir(mode=0o755)
    for parent in fresh.root.parents[:4]:
        if parent.stat().st_uid == 0 and parent.name.startswith(("pytest-", "popen-", "test_")):
            parent.chmod(0o711)
    command, environment = fresh.command("snakemake", NEUROSIEVE_WARM="0", HOME=str(fresh.root))
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*become, command[0], "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("the interpreter cannot be run as another user here")
    ran = subprocess.run(
        [*become, *command], cwd=fresh.root, env=environment, capture_output=True, text=True, check=False
    )
    assert_refused(Ran(ran.returncode, ran.stdout + ran.stderr), fresh)


def assert_refused(ran: Ran, box: Sandbox) -> None:
    assert ran.code != 0
    lines = [line for line in ran.output.splitlines() if "error" in line.lower()]
    work = box.root / "results" / ".work"
    assert lines == [
        f"neurosieve: error: no permission to write {work}; make results/ writable and run the same command again"
    ], ran.output
    assert "Traceback" not in ran.output
    assert not (box.root / "results" / "store").exists()


PAGE = 4096
KINDS: dict[str, Callable[[StudyPlan], Node]] = {
    "dataset": lambda plan: next(n for n in plan.nodes.values() if n.name == "points"),
    "selection": lambda plan: next(n for n in plan.nodes.values() if n.name.startswith("forget")),
    "model with checkpoints": lambda plan: toys.model_node(plan, "original"),
    "model with kept states": lambda plan: toys.model_node(plan, "walk"),
    "change of a model": lambda plan: toys.model_node(plan, "drop"),
    "added tensors": lambda plan: toys.model_node(plan, "counted"),
    "export": lambda plan: next(n for n in plan.nodes.values() if n.stage == "export"),
    "metrics": lambda plan: next(n for n in plan.nodes.values() if n.stage == "evaluate"),
    "verdict": lambda plan: plan.nodes[plan.verdict],
}


@pytest.fixture
def small(tmp_path: Path, mount: Mount) -> tuple[Project, StudyPlan]:
    """The tiny study, computed on a file system of 8 MB."""
    content = toys.study(seeds=[11, 12])
    content["variants"]["original"]["train"]["checkpoints"] = [1]
    content["variants"]["walk"] = {
        "model": {"use": "toy.centroid"},
        "train": {"use": "toy.walk", "steps": 12},
        "resources": {"checkpoint_minutes": 0},
    }
    mount(tmp_path / "results", "size=8m")
    return toys.ran(tmp_path, content)


def leave(results: Path, free: int) -> None:
    """Fill the file system up to so many bytes."""
    filler = results / "filler"
    filler.unlink(missing_ok=True)
    found = os.statvfs(results)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, found.f_bavail * found.f_frsize - free))


def failure_of(write: Callable[[], object]) -> Exception | None:
    try:
        write()
    except Exception as error:
        return error
    return None


def written_at_last(results: Path, write: Callable[[], object], step: int, nothing_of_it: Callable[[], bool]) -> int:
    """Try with more and more room until it is enough; how often it was not, each time with the one line and no more."""
    for tries in range(1000):
        leave(results, tries * step)
        error = failure_of(write)
        if error is None:
            (results / "filler").unlink()
            return tries
        told = error if isinstance(error, UserError) else storage_error(error, results)
        assert re.search(r"the disk that holds \S+ is full; free some space and run the same", str(told)), repr(error)
        assert nothing_of_it(), f"{tries * step} bytes left half of it"
    raise AssertionError("it never had room enough")


def stamps_of(report: Path) -> list[Path]:
    return list(report.glob("shown-*"))


def test_full_disk_at_every_point_of_every_kind(small: tuple[Project, StudyPlan]) -> None:
    made, plan = small
    for kind, choose in KINDS.items():
        node = choose(plan)
        folder = made.store.path(node.folder)
        files = read_provenance(folder)["files"]
        shutil.rmtree(folder)

        def nothing_of_it(node: Node = node) -> bool:
            return not made.store.exists(node.folder) and not list(made.store.work.glob("job-*"))

        with toys.numba_undisturbed():
            failed = written_at_last(made.store.results, lambda n=node: run_node(made, plan, n), PAGE, nothing_of_it)
        assert failed > 1, kind
        assert read_provenance(folder)["files"] == files, kind
        assert not made.store.resume(node.key).exists(), kind
    report = made.store.results / "report"
    write_views(made)
    pages = {path.name: path.read_bytes() for path in report.rglob("*.html")}
    shutil.rmtree(report)
    failed = written_at_last(made.store.results, lambda: write_views(made), 4 * PAGE, lambda: not stamps_of(report))
    assert failed > 1
    assert {path.name: path.read_bytes() for path in report.rglob("*.html")} == pages
