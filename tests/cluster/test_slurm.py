"""Runs on a real Slurm: same results as here, and a run that outlives what clusters do to it."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.slurm import Cluster, program
from tests.pipeline.sandbox import ROOT, STUDY, Sandbox
from tests.pipeline.watch import Run, contents, gated, stamps

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
PROFILE = ("snakemake", "--profile", "profiles/slurm")
SINGLE = ("--config", "bundle=0")
SLOW = 900.0
"""Seconds until a run on the cluster is given up."""


def ended(run: Run) -> tuple[int, str]:
    return run.process.wait(SLOW), run.output


def asked(cluster: Cluster, rule: str, since: int = 0) -> list[str]:
    """Memory that the Slurm jobs of a rule asked for, in order."""
    jobs = [job for job in cluster.jobs() if int(job["JobId"]) > since]
    return [job["MinMemoryNode"] for job in jobs if job["Comment"].startswith(f"rule_{rule}_")]


def running(cluster: Cluster, rule: str) -> dict[str, str]:
    """The last job of a rule that runs."""
    jobs = [job for job in cluster.jobs() if job["JobState"] == "RUNNING"]
    return next(job for job in reversed(jobs) if job["Comment"].startswith(f"rule_{rule}_"))


def last_job(cluster: Cluster) -> int:
    return max((int(job["JobId"]) for job in cluster.jobs()), default=0)


def project(root: Path, study: dict[str, object], cluster: Cluster) -> Sandbox:
    return Sandbox.make(root / "project", {"tiny": study}, environment=cluster.environment)


def in_training(cluster: Cluster, box: Sandbox, run: Run) -> None:
    """Wait until the job of `slow`, which waits for a file, is at work."""

    def at_work() -> bool:
        return any((box.root / "results" / ".work").glob("job-train-*"))

    ready = lambda: run.process.poll() is not None or (len(box.nodes()) == 4 and at_work())  # noqa: E731
    cluster.until(ready, "the training of slow", SLOW)
    assert run.process.poll() is None, run.output


def test_ssd_gives_the_results_of_the_local_run_though_slurmd_dies(cluster: Cluster, tmp_path: Path) -> None:
    here, there = Sandbox(tmp_path / "here"), Sandbox(tmp_path / "there", environment=cluster.environment)
    for box in (here, there):
        box.root.mkdir()
        for name in ("src", "workflow", "profiles", "config"):
            shutil.copytree(ROOT / name, box.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", box.root / "Snakefile")
        (box.root / "data").mkdir()
    code, output = ended(Run.start(here, "snakemake", "ssd", "--config", "scale=smoke"))
    assert code == 0, output
    run = Run.start(there, *PROFILE, "ssd", "--config", "scale=smoke", "bundle=60")
    cluster.until(lambda: run.process.poll() is not None or len(there.nodes()) > 20, "some nodes", SLOW)
    cluster.kill_node()
    cluster.until(lambda: len(there.nodes()) > 25 or cluster.state() != "mixed", "work without slurmd")
    cluster.start_node()
    code, output = ended(run)
    assert code == 0, output
    assert contents(there) == contents(here)
    assert len(there.nodes()) > 200


def test_a_killed_job_is_tried_again_with_twice_the_memory(cluster: Cluster, tmp_path: Path) -> None:
    box = project(tmp_path, gated(resources={"train": {"memory": "300 MB", "minutes": 2.5}}), cluster)
    before = last_job(cluster)
    run = Run.start(box, *PROFILE, *SINGLE)
    in_training(cluster, box, run)
    slow = running(cluster, "train")
    assert slow["TimeLimit"] == "00:03:00"
    cluster.run("scancel", "--signal=KILL", slow["JobId"])  # to all its steps, as the kernel does out of memory
    cluster.run("scancel", "--signal=KILL", "--batch", slow["JobId"], check=False)
    cluster.until(lambda: asked(cluster, "train", before) == ["300M", "300M", "600M"], "a job with 600 MB", SLOW)
    (box.root / "open").touch()
    code, output = ended(run)
    assert code == 0, output
    assert box.todo() == set()


def test_a_killed_bundle_goes_on_where_it_was(cluster: Cluster, tmp_path: Path) -> None:
    box = project(tmp_path, gated(), cluster)
    before = last_job(cluster)
    run = Run.start(box, *PROFILE, "--config", "bundle=500", "--set-threads", "bundle=2")
    in_training(cluster, box, run)
    done = stamps(box)
    slow = running(cluster, "bundle")
    assert slow["NumCPUs"] == "2"
    cluster.run("scancel", "--signal=KILL", slow["JobId"])
    cluster.run("scancel", "--signal=KILL", "--batch", slow["JobId"], check=False)
    cluster.until(lambda: asked(cluster, "bundle", before) == ["2000M", "4000M"], "a job with 4000 MB", SLOW)
    (box.root / "open").touch()
    code, output = ended(run)
    assert code == 0, output
    assert {name: stamps(box)[name] for name in done} == done


def test_a_busy_scheduler_does_not_end_the_run(cluster: Cluster, tmp_path: Path) -> None:
    """`sbatch` fails every third call, status calls fail for a minute."""
    study = {**copy.deepcopy(STUDY), "seeds": [11], "claims": []}
    box = project(tmp_path, study, cluster)
    busy = tmp_path / "busy"
    busy.mkdir()
    lines = {
        "sbatch": f"echo call >> {busy}/calls; if [ $(($(wc -l < {busy}/calls) % 3)) = 0 ]; then "
        f"echo failed >> {busy}/failed; "
        f'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1; fi; '
        f'exec {program("sbatch")} "$@"',
        "squeue": f"now=$(date +%s); [ -e {busy}/since ] || echo $now > {busy}/since; "
        f"if [ $((now - $(cat {busy}/since))) -lt 60 ]; then echo no >> {busy}/unanswered; "
        f'echo "slurm_load_jobs error: no contact" >&2; exit 1; fi; exec {program("squeue")} "$@"',
    }
    for name, line in lines.items():
        (busy / name).write_text(f"#!/bin/sh\n{line}\n")
        (busy / name).chmod(0o755)
    box.environment = {**cluster.environment, "PATH": os.pathsep.join((str(busy), cluster.environment["PATH"]))}
    before = last_job(cluster)
    code, output = ended(Run.start(box, *PROFILE, *SINGLE))
    assert code == 0, output
    assert box.todo() == set()
    submitted = [job["Comment"] for job in cluster.jobs() if int(job["JobId"]) > before]
    assert len(submitted) == len(set(submitted)), "a job was submitted twice"
    failed = (busy / "failed").read_text().splitlines()
    assert len((busy / "calls").read_text().splitlines()) == len(submitted) + len(failed)
    assert len((busy / "unanswered").read_text().splitlines()) > 5


def test_what_asking_again_cannot_mend_fails_at_once(cluster: Cluster) -> None:
    environment = {**os.environ, **cluster.environment}
    command = [ROOT / "workflow" / "slurm" / "sbatch", "--partition=nowhere", "--wrap=true"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 1
    assert "invalid partition" in ran.stderr
