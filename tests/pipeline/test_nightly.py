"""The scheduled run, with real git clones, DVC and Snakemake."""

from __future__ import annotations

import copy
import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.clones import call, commit, versioned
from tests.pipeline.sandbox import ROOT, STUDY, Ran, Sandbox

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("apart")]


@pytest.fixture
def night(project: Sandbox) -> Sandbox:
    """The clone that the night works in; `project` is where somebody develops."""
    root = project.root
    versioned(root)
    assert project.cli("save").code == 0
    commit(root, "first results")
    call(root.parent, "git", "clone", "-q", "--bare", root.name, "origin")
    call(root, "git", "remote", "add", "origin", str(root.parent / "origin"))
    call(root.parent, "git", "clone", "-q", "origin", "night")
    return Sandbox(root.parent / "night", project.environment)


def nightly(box: Sandbox, bin: Path | None = Path(sys.executable).parent, **more: str) -> Ran:
    """The script as cron calls it, with this environment's programs (None: the clone's) and the clone's own sources."""
    _, environment = box.command("neurosieve")
    environment |= {"XDG_CACHE_HOME": str(box.root.parent), **({"NIGHTLY_BIN": str(bin)} if bin else {}), **more}
    done = subprocess.run(
        [sys.executable, "workflow/nightly.py"],
        cwd=box.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    return Ran(done.returncode, done.stdout)


def develop(project: Sandbox, far: float) -> None:
    """Somebody changes the study and pushes the change without running it."""
    study = copy.deepcopy(STUDY)
    study["variants"]["drop"]["unlearn"]["far"] = far
    project.write("tiny", study)
    call(project.root, "git", "pull", "-q", "--ff-only", "origin", "main")
    commit(project.root, "a change")
    call(project.root, "git", "push", "-q", "origin", "main")


def kept(box: Sandbox) -> list[Path]:
    return sorted(path for path in (box.root / "results" / "nightly").iterdir() if path.is_dir())


@pytest.mark.slow
def test_nights(project: Sandbox, night: Sandbox) -> None:
    """Nothing new; a change that breaks a claim; the same again; and each time what was kept and pushed."""
    first = nightly(night)
    assert first.code == 0, first.output
    assert first.output.splitlines()[0].endswith(": all well")
    assert "1 claim: 1 unchanged (against " in first.output
    assert night.nodes().keys() == project.nodes().keys()
    (folder,) = kept(night)
    assert {path.name for path in folder.iterdir()} == {"log.txt", "report", "verdicts.txt"}
    assert (folder / "report" / "studies" / "tiny.html").is_file()
    assert call(night.root, "git", "status", "--porcelain") == ""

    develop(project, far=0.001)
    second = nightly(night)
    assert second.code == 1, second.output
    assert second.output.splitlines()[0].endswith(": A CLAIM THAT HELD FAILS")
    assert "holds firm → fails" in second.output
    assert "1 that held fails now" in second.output
    assert call(night.root, "git", "log", "--format=%s", "origin/main").startswith("nightly: results of ")
    call(project.root, "git", "pull", "-q", "--ff-only", "origin", "main")
    assert project.cli("restore").code == 0
    assert project.todo() == set()

    third = nightly(night, NIGHTLY_KEEP="2")
    assert third.code == 0, third.output
    assert "1 unchanged" in third.output
    assert len(kept(night)) == 2
    assert folder not in kept(night)


@pytest.mark.slow
def test_a_refused_push_and_a_failed_job_are_told_and_leave_a_clean_clone(project: Sandbox, night: Sandbox) -> None:
    hook = project.root.parent / "origin" / "hooks" / "pre-receive"
    develop(project, far=60)
    hook.write_text("#!/bin/sh\necho not tonight\nexit 1\n")
    hook.chmod(0o755)
    refused = nightly(night)
    assert refused.code == 4, refused.output
    assert "not tonight" in refused.output
    assert call(night.root, "git", "status", "--porcelain") == ""
    hook.unlink()
    again = nightly(night)
    assert again.code == 0, again.output
    assert call(night.root, "git", "log", "-1", "--format=%s", "origin/main").startswith("nightly: ")

    study = copy.deepcopy(STUDY)
    study["variants"]["original"]["train"] = {"use": "toy.fit", "fail": "no luck"}
    project.write("tiny", study)
    call(project.root, "git", "pull", "-q", "--ff-only", "origin", "main")
    commit(project.root, "a mistake")
    call(project.root, "git", "push", "-q", "origin", "main")
    failed = nightly(night)
    assert failed.code == 4, failed.output
    assert "no luck" in failed.output
    assert "holds firm → not computed" in failed.output
    assert (kept(night)[-1] / "report" / "index.html").is_file()


@pytest.mark.slow
def test_a_clone_with_its_own_environment_brings_it_up_to_date(project: Sandbox, night: Sandbox) -> None:
    """`make env` after the pull: nothing to do while the pins are those installed; pins that cannot be had are told."""
    pins = ("Makefile", "pyproject.toml", "constraints.txt")
    for name in pins:
        shutil.copy(ROOT / name, project.root / name)
    commit(project.root, "pins")
    call(project.root, "git", "push", "-q", "origin", "main")
    call(night.root, "git", "pull", "-q", "--ff-only")
    (night.root / ".venv").mkdir()
    (night.root / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    stamp = re.search(r"\.venv/\.installed-run-\S+", call(night.root, "make", "-n", "env"))
    assert stamp
    (night.root / stamp[0]).touch()
    offline = {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    first = nightly(night, bin=None, **offline)
    assert first.code == 0, first.output
    assert re.search(r"^  env +ok ", first.output, re.MULTILINE)

    with (project.root / "constraints.txt").open("a") as held:
        held.write("# others\n")
    call(project.root, "git", "pull", "-q", "--ff-only", "origin", "main")
    commit(project.root, "other pins")
    call(project.root, "git", "push", "-q", "origin", "main")
    second = nightly(night, bin=None, **offline)
    assert second.code == 4, second.output
    assert re.search(r"^  env +failed ", second.output, re.MULTILINE)
    assert "`make` again goes on from there" in second.output
    assert call(night.root, "git", "status", "--porcelain") == ""


def test_a_night_beside_a_run_does_nothing(fresh: Sandbox) -> None:
    work = fresh.root / "results" / ".work"
    work.mkdir(parents=True)
    for name in ("lock", "nightly.lock"):
        with (work / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ran = nightly(fresh)
        assert ran.code == 2
        assert ran.output.endswith("nothing was done\n")
        assert len(ran.output.splitlines()) == 1
        shutil.rmtree(fresh.root / "results" / "nightly", ignore_errors=True)
    assert not (fresh.root / ".git").exists()
