"""Too little memory: the allocation is refused or the job is killed; one line says so, and the others go on."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.sandbox import Sandbox
from tests.pipeline.watch import Run, assert_alone, assert_goes_on, assert_whole, end_all, failed_lines, gated, stamps

pytestmark = pytest.mark.pipeline
CGROUPS = Path("/sys/fs/cgroup")
HOG = {"use": "toy.walk", "steps": 2, "megabytes": 1_000_000_000}
KILLED = "its process was killed before it could end: out of memory or time ("


@pytest.fixture
def box(fresh: Sandbox) -> Iterator[Sandbox]:
    """A project whose variant `slow` wants more memory than there is."""
    study = gated()
    study["variants"]["slow"]["train"] = dict(HOG)
    fresh.configure({"tiny": study})
    yield fresh
    end_all()


@pytest.fixture
def limited() -> Iterator[Path]:
    """A control group with 600 MB; skips where there can be none."""
    root = CGROUPS / "memory" if (CGROUPS / "memory" / "memory.limit_in_bytes").exists() else CGROUPS
    group = root / f"neurosieve-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        limit = next((group / n for n in ("memory.limit_in_bytes", "memory.max") if (group / n).exists()), None)
        if limit is None:
            pytest.skip("control groups do not limit memory here")
        limit.write_text(str(600 << 20))
        yield group
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


def mended(box: Sandbox) -> None:
    """With less to hold the same command goes on."""
    study = gated()
    study["variants"]["slow"]["train"] = {**HOG, "megabytes": 1}
    before = stamps(box)
    box.write("tiny", study)
    assert_goes_on(box, before)


def test_refused_allocation(box: Sandbox) -> None:
    ran = box.snakemake()
    assert ran.code != 0
    (line,) = failed_lines(ran.output)
    said = "memory ran out (the job asks for 1000 MB): set `resources: {train: {memory: 4 GB}}` in config/studies/"
    assert f"(tiny/slow/11): neurosieve: error: {said}" in line
    log = (box.root / line.rpartition(" ")[2]).read_text()
    assert log.splitlines()[-1].startswith(f"neurosieve: error: {said}")
    assert any(name.startswith("evaluate/") for name in box.nodes()), "the other variant goes on"
    assert list((box.root / "results" / ".work").glob("job-*")) == []
    assert_whole(box)
    mended(box)


def test_killed_for_memory(box: Sandbox, limited: Path) -> None:
    """The kernel kills the largest process of a control group, as it does for a batch system. The log says it too."""
    study = gated()
    study["variants"]["slow"]["train"] = {**HOG, "megabytes": 4000}
    box.write("tiny", study)
    command = f"import os, runpy; open({str(limited / 'cgroup.procs')!r}, 'w').write(str(os.getpid()));"
    command += "import sys; sys.argv = ['snakemake']; runpy.run_module('snakemake', run_name='__main__')"
    _, environment = box.command(NEUROSIEVE_WARM="0")
    run = Run.launch(box, [sys.executable, "-c", command], environment)
    ran = run.end()
    assert ran.code != 0
    (line,) = failed_lines(ran.output)
    assert f"(tiny/slow/11): {KILLED}" in line
    assert "`resources: {train: {memory: 4 GB, minutes: 60}}` asks for more)" in line
    assert f"neurosieve: error: {KILLED}" in (box.root / line.rpartition(" ")[2]).read_text()
    assert f"neurosieve: error: {KILLED}" in box.cli("log", "slow/11").output
    assert KILLED in (box.root / "results" / "report" / "studies" / "tiny.html").read_text()
    assert any(name.startswith("evaluate/") for name in box.nodes()), "the other variant goes on"
    assert_whole(box)
    assert_alone(box)
    mended(box)
