"""Whatever is killed, whenever: the store holds whole nodes only, and the same command goes on."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import psutil
import pytest

from neurosieve.errors import STEP
from tests.pipeline.sandbox import Sandbox
from tests.pipeline.watch import (
    Run,
    assert_alone,
    assert_goes_on,
    assert_whole,
    end_all,
    failed_lines,
    gated,
    in_mid_job,
    open_gate,
    stamps,
    until,
    workers,
)

pytestmark = pytest.mark.pipeline


@pytest.fixture
def box(fresh: Sandbox) -> Iterator[Sandbox]:
    """A project whose variant `slow` waits for the gate."""
    fresh.configure({"tiny": gated()})
    yield fresh
    end_all()


def server_of(worker: int) -> psutil.Process:
    """The server of the warm start that forked this worker."""
    parent = psutil.Process(worker).parent()
    assert parent is not None
    assert "server.py" in " ".join(parent.cmdline())
    return parent


def test_killed_worker_and_killed_server(box: Sandbox) -> None:
    run, worker = in_mid_job(box)
    os.kill(worker, signal.SIGKILL)
    ran = run.end()
    assert ran.code != 0
    (line,) = failed_lines(ran.output)
    assert "(tiny/slow/11): its process was killed before it could end: " in line
    assert "neurosieve: error: its process was killed" in (box.root / line.rpartition(" ")[2]).read_text()
    assert "error: its process was killed before it could end" in box.cli("log", "slow/11").output
    assert "its process was killed" in (box.root / "results" / "report" / "studies" / "tiny.html").read_text()
    before = stamps(box)
    assert_whole(box)
    assert_alone(box)
    run, worker = in_mid_job(box)
    server_of(worker).kill()
    ran = run.end()
    assert ran.code != 0
    (line,) = failed_lines(ran.output)
    assert "(tiny/slow/11): the warm start ended; run the same command again" in line
    assert_alone(box)
    open_gate(box)
    assert_goes_on(box, before)


def test_killed_snakemake(box: Sandbox) -> None:
    """Its jobs live on for a while: what they finish counts, and a second writer of the same node is no harm."""
    run, _ = in_mid_job(box)
    run.process.kill()
    run.end()
    before = stamps(box)
    again = Run.start(box, "snakemake")
    until(lambda: len(workers(box, "train")) == 2, "a second writer of the same node")
    open_gate(box)
    ran = again.end()
    assert ran.code == 0, ran.output
    assert_goes_on(box, before)


def test_snakemake_killed_after_a_rename(box: Sandbox) -> None:
    """The node is in place, but Snakemake never hears of it."""
    run, _ = in_mid_job(box)
    run.process.send_signal(signal.SIGSTOP)
    open_gate(box)
    until(lambda: len([name for name in box.nodes() if name.startswith("train/")]) == 2, "the renamed node")
    run.process.kill()
    run.end()
    before = stamps(box)
    assert len([name for name in before if name.startswith("train/")]) == 2
    assert_goes_on(box, before)


def test_everything_killed_at_once(box: Sandbox) -> None:
    run, worker = in_mid_job(box)
    serving = server_of(worker)
    run.kill()
    serving.kill()
    assert_alone(box)
    assert "error: its process was killed before it could end" in box.cli("log", "slow/11").output
    before = stamps(box)
    open_gate(box)
    assert_goes_on(box, before)


def test_interrupted(box: Sandbox) -> None:
    """A terminal's Ctrl-C goes to Snakemake and its jobs: all end. To Snakemake alone: it waits for what runs."""
    run, _ = in_mid_job(box)
    os.killpg(run.process.pid, signal.SIGINT)
    ran = run.end()
    assert ran.code != 0
    assert "Traceback" not in ran.output
    assert "neurosieve: error: stopped (Ctrl-C, SIGINT); run the same command again" in box.cli("log", "slow/11").output
    assert "out of memory" not in ran.output
    assert_alone(box)
    assert_whole(box)
    before = stamps(box)
    run, _ = in_mid_job(box)
    os.kill(run.process.pid, signal.SIGINT)
    until(lambda: "stopping" in run.output, "the word that it stops")
    open_gate(box)
    ran = run.end()
    assert ran.code != 0
    assert "Traceback" not in ran.output
    after = stamps(box)
    assert before.items() <= after.items()
    assert sorted(name.partition("/")[0] for name in after) == ["evaluate", "prepare", "prepare", "train", "train"]
    assert_goes_on(box, after)


def test_second_run_refuses_and_the_first_completes(box: Sandbox) -> None:
    run, worker = in_mid_job(box)
    second = Run.start(box, "snakemake").end()
    assert second.code != 0
    lines = [line for line in second.output.splitlines() if "neurosieve: error:" in line]
    assert lines == [
        f"neurosieve: error: another run (process {run.process.pid}) works in this folder; wait for it or end it"
    ]
    assert "Traceback" not in second.output
    assert box.todo() >= {"intervene tiny/drop/11", "verdict tiny/verdict", "report"}
    assert box.cli("plan").code == 0
    refused = box.cli("gc", "--delete")
    assert refused.code == 1
    assert f"process {run.process.pid}" in refused.output
    assert workers(box, "train") == [worker]
    open_gate(box)
    assert run.end().code == 0
    assert_goes_on(box, stamps(box))


def test_failed_job_is_seen_on_the_page_until_it_is_mended(fresh: Sandbox) -> None:
    study = gated()
    study["variants"]["slow"]["train"] = {"fail": "the data ran dry"}
    fresh.configure({"tiny": study})
    ran = fresh.snakemake()
    assert ran.code != 0
    (line,) = failed_lines(ran.output)
    assert re.fullmatch(r"failed: train \S+ \(tiny/slow/11\): RuntimeError: the data ran dry · log: (\S+)", line)
    log = line.rpartition(" ")[2]
    assert "RuntimeError: the data ran dry" in (fresh.root / log).read_text()
    assert any(name.startswith("evaluate/") for name in fresh.nodes())
    report = fresh.root / "results" / "report"
    page = (report / "studies" / "tiny.html").read_text()
    for said in ("failed", "RuntimeError: the data ran dry", log, "snakemake tiny"):
        assert said in page
    assert "failed" in (report / "index.html").read_text()
    study["variants"]["slow"]["train"] = {}
    fresh.write("tiny", study)
    assert_goes_on(fresh, stamps(fresh))
    for name in ("index.html", "studies/tiny.html"):
        assert "ran dry" not in (report / name).read_text()
        assert "failed" not in visible((report / name).read_text())


def visible(html: str) -> str:
    """The text of a page without styles, scripts and tags."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(style|script).*?</\1>", " ", html))


def test_two_writers_of_one_node(box: Sandbox) -> None:
    """Two cold processes compute the same node; the first one's stays and neither complains."""
    ran = box.snakemake("--until", "prepare")
    assert ran.code == 0, ran.output
    racers = [Run.start(box, "neurosieve", "train", "tiny", "slow/11", NEUROSIEVE_WARM="0") for _ in range(2)]
    until(lambda: len(workers(box, "train")) == 2, "both writers")
    open_gate(box)
    ended = [racer.end() for racer in racers]
    assert [ran.code for ran in ended] == [0, 0], ended
    one, other = (re.sub(rf"{STEP}\d+ s: ", STEP, ran.output) for ran in ended)  # the clock is each one's own
    assert one == other
    (name,) = [name for name in box.nodes() if name.startswith("train/")]
    assert ended[0].output.strip().endswith(name)
    assert list((box.root / "results" / ".work").glob("job-*")) == []
    assert_whole(box)


def test_final_directory_that_is_no_node_is_buried_and_built(project: Sandbox) -> None:
    before = stamps(project)
    name, folder = next(item for item in project.nodes().items() if item[0].startswith("evaluate/"))
    (folder / "provenance.json").unlink()
    (folder / "left-by-somebody.txt").write_text("mine")
    del before[name]
    empty = project.root / "results" / "store" / "train" / "stranger-0123456789abcdef"
    empty.mkdir()
    assert name not in project.nodes()
    assert_goes_on(project, before)
    assert not (folder / "left-by-somebody.txt").exists()
    (grave,) = (project.root / "results" / ".work").glob("dead-*")
    assert (grave / "left-by-somebody.txt").read_text() == "mine"
