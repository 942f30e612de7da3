"""`neurosieve log NODE --follow` beside a real run."""

from __future__ import annotations

import copy
import time

import pytest

from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = pytest.mark.pipeline


@pytest.mark.slow
def test_progress_is_seen_while_the_job_works(fresh: Sandbox) -> None:
    study = copy.deepcopy(STUDY)
    study["variants"]["original"]["train"] = {"use": "toy.fit", "gate": "go"}
    fresh.write("tiny", study)
    run = fresh.start("snakemake")
    follower = fresh.start("neurosieve", "log", "tiny/original/11", "--follow")
    while not list((fresh.root / "results" / ".work").glob("job-train-*")):
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.05)
    assert follower.poll() is None
    (fresh.root / "go").touch()
    seen, _ = follower.communicate(timeout=120)
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said
    assert follower.returncode == 0
    assert "· 0 s: epoch 1, rows " in seen
    assert ": epoch 2, rows " in seen
    assert "results/store/train/" in seen.splitlines()[-1]
    assert fresh.cli("log", "tiny/original/11").output in seen
