"""A full disk and a folder that cannot be written: one line, no half-written node, and the same command goes on."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a small file system at a folder, or mounts it anew with other options; skips where that is not allowed."""
    mounted: list[Path] = []

    def run(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        again = f"remount,{options}" if folder in mounted else options
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", again, "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield run
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


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
    assert log.count("\n") == 1
    assert log.startswith("neurosieve: error: the disk that holds ")
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
