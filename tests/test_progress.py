"""What a run shows: live line, plain lines, failures, log, estimate."""

import io
import json
import logging
import re
from pathlib import Path

import pytest

from neurosieve.progress import Progress
from neurosieve.progress.screen import cells
from neurosieve.progress.times import Times

LOG = Path("results/logs/progress.log")
TIMES = Path("results/.work/times.json")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Run:
    """A Progress with a clock set by hand, a stream to look at, and records in the shape of Snakemake's."""

    def __init__(self, terminal=True, width=100, **options):
        self.time = 1000.0
        self.stream = Terminal() if terminal else io.StringIO()
        self.progress = Progress(self.stream, color=False, now=lambda: self.time, width=lambda: width, **options)

    def say(self, msg=None, level=logging.INFO, **fields):
        record = logging.LogRecord("snakemake", level, __file__, 1, msg, None, None)
        vars(record).update(fields)
        self.progress.handle(record)

    def begin(self, cores=2, **stats):
        self.say(f"Provided cores: {cores}", event="resources_info", cores=cores)
        self.say("Job stats: ...", event="run_info", stats={**stats, "total": sum(stats.values())})

    def start(self, jobid, rule="train", name="net", title="toy/original/11", log=()):
        key = f"{jobid:016x}"
        self.say(
            f"Rule: {rule}, Jobid: {jobid}", event="job_info", jobid=jobid, rule_name=rule, log=list(log),
            wildcards={"name": name, "key": key}, rule_msg=f"{rule} {title} ({name}-{key})", shellcmd=f"run {jobid}",
        )  # fmt: skip

    def finish(self, jobid):
        self.say(f"Finished jobid: {jobid}", event="job_finished", job_id=jobid)

    def fail(self, jobid, log=()):
        self.say("Error in rule", logging.ERROR, event="job_error", jobid=jobid, rule_name="train", log=list(log))

    def wait(self, seconds):
        self.time += seconds
        self.progress.tick()

    @property
    def written(self):
        return self.stream.getvalue()

    @property
    def rows(self):
        """What a terminal shows in the end."""
        rows = [""]
        for part in re.split(r"(\r\x1b\[K|\n)", self.written):
            if part == "\n":
                rows.append("")
            elif part == "\r\x1b[K":
                rows[-1] = ""
            else:
                rows[-1] += part
        return rows[:-1] if rows[-1] == "" else rows


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_one_live_line_is_rewritten_and_successful_jobs_leave_none():
    run = Run()
    run.begin(prepare=1, train=3, all=1)
    run.start(1, "prepare", "glyphs", "toy/data")
    run.wait(2)
    run.finish(1)
    run.start(2, title="toy/original@setting=full-class/11")
    run.start(3, title="toy/retrained/11")
    run.wait(100)
    assert run.rows == [
        "4 jobs to do: 1 prepare, 3 train",
        "1 of 4 · train toy/original@setting=full-class/11 and 1 more · 1:42 elapsed, about 0:02 left",
    ]
    for jobid in (2, 3):
        run.finish(jobid)
    run.start(4)
    run.finish(4)
    run.say("Elapsed time: 0:01:42")
    run.progress.close()
    assert run.rows == ["4 jobs to do: 1 prepare, 3 train", "done: 4 jobs in 1:42"]


@pytest.mark.parametrize("width", [1, 8, 20, 40, 60, 80, 200])
def test_the_live_line_is_never_wider_than_the_terminal(width):
    run = Run(width=width)
    run.begin(train=30)
    for jobid in range(12):
        run.start(jobid, title=f"toy/original@setting=full-class,class={jobid}/11")
    run.wait(3700)
    live = run.rows[-1]
    assert cells(live) < max(width, 2)
    assert live[: width - 2].startswith("0 of 30 · "[: max(0, width - 2)])
    if width >= 40:
        assert live.endswith("1:01:40 elapsed")


def test_a_failed_job_leaves_one_line_with_the_last_words_of_its_log():
    log = Path("results/logs/train/net-0000000000000007.log")
    log.parent.mkdir(parents=True)
    log.write_text("starting\n10%\r20%\r\n\x1b[31mValueError: no rows\x1b[0m\n\n")
    run = Run()
    run.begin(train=3)
    run.start(7, log=[str(log)])
    text = "RuleException:\nCalledProcessError in file S, line 5:\n..."
    run.say(text, logging.ERROR, event="error", exception="RuleException")
    run.fail(7, log=[str(log)])
    run.wait(2)
    run.start(8)
    run.finish(8)
    run.say("Exiting because a job execution failed. Look above for error messages", logging.ERROR)
    run.say("WorkflowError:\nAt least one job did not complete successfully.", logging.ERROR, event="error")
    run.progress.close()
    assert run.rows == [
        "3 jobs to do: 3 train",
        f"failed: train net-0000000000000007 (toy/original/11): ValueError: no rows · log: {log}",
        "done: 1 of 3 jobs in 0:02 (1 failed, 1 not run)",
    ]
    assert [line[20:] for line in LOG.read_text().splitlines()] == run.rows


def test_all_tried_and_some_failed_counts_what_is_done():
    run = Run(terminal=False)
    run.begin(train=2)
    run.start(1)
    run.fail(1, log=["nowhere.log"])
    run.start(2)
    run.finish(2)
    run.progress.close()
    assert run.rows[1:] == [
        "failed: train net-0000000000000001 (toy/original/11) · no log",
        "done: 1 of 2 jobs in 0:00 (1 failed)",
    ]


def test_a_job_that_is_tried_again_is_not_shown_as_failed():
    run = Run()
    run.begin(train=1)
    run.start(5)
    run.fail(5)
    run.say("Trying to restart job 5.")
    run.start(5)
    run.wait(3)
    run.finish(5)
    run.progress.close()
    assert run.rows == ["1 job to do: 1 train", "done: 1 job in 0:03"]
    assert "tried again: train net-0000000000000005" in LOG.read_text()


def test_a_job_whose_output_is_missing_counts_as_failed():
    run = Run()
    run.begin(train=1)
    run.start(1)
    text = 'MissingOutputException in rule train in file "S", line 5:\nJob 1 left no output:\nx'
    run.say(text, logging.ERROR, event="error", exception="MissingOutputException")
    run.progress.close()
    assert run.rows[1:] == [f"error: {' '.join(text.split())}", "done: 0 of 1 jobs in 0:00 (1 failed)"]


def test_after_ctrl_c_the_last_line_says_stopped():
    run = Run()
    run.begin(train=3)
    run.start(1)
    run.say("Terminating processes on user request, this might take some time.")
    run.say("Will exit after finishing currently running jobs (scheduler).")
    run.progress.close()
    assert run.rows[1:] == ["stopping: waiting for the jobs that run", "stopped: 0 of 3 jobs in 0:00 (3 not run)"]


@pytest.mark.parametrize(
    ("stats", "line"),
    [
        ({"train": 2, "ssd": 1}, "ssd: 2 jobs to do: 2 train"),
        ({"train": 2, "report": 1, "all": 1}, "3 jobs to do: 2 train, 1 report"),
        ({"export": 1, "train": 2, **dict.fromkeys("abcd", 1)}, "4 studies: 3 jobs to do: 2 train, 1 export"),
        ({"clean": 1}, "1 job to do: 1 clean"),
        ({"all": 1}, "nothing to be done"),
    ],
)
def test_the_start_line_counts_by_stage_and_names_the_study(stats, line):
    run = Run()
    run.begin(**stats)
    run.progress.close()
    assert run.rows == [line]


def test_nothing_to_be_done():
    run = Run()
    run.say("Nothing to be done (all requested files are present and up to date).")
    run.wait(60)
    run.progress.close()
    assert run.rows == ["nothing to be done"]
    assert LOG.read_text().count("\n") == 1


def test_without_a_terminal_ten_seconds_and_ten_percent_must_both_have_passed():
    run = Run(terminal=False)
    run.begin(train=100)
    for jobid in range(100):
        run.start(jobid)
        run.wait(0.5 if jobid < 50 else 30)
        run.finish(jobid)
    run.progress.close()
    shown = [int(line.split()[0]) for line in run.rows if " of 100 " in line]
    assert shown == [19, 39, 50, 60, 70, 80, 90], "at 0.5 s a job time decides, at 30 s the share"
    assert "\r" not in run.written
    assert "\x1b" not in run.written


def test_the_log_gets_a_line_every_ten_seconds():
    run = Run()
    run.begin(train=1)
    run.start(1)
    for _ in range(65):
        run.wait(0.5)
    run.finish(1)
    run.progress.close()
    lines = LOG.read_text().splitlines()
    assert len(lines) == 1 + 3 + 1
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)
    assert lines[1].endswith("0 of 1 · train toy/original/11 · 0:10 elapsed")


def test_a_log_and_times_that_cannot_be_written_are_no_error():
    Path("results").write_text("a file, not a folder")
    run = Run()
    run.begin(train=1)
    run.start(1)
    run.finish(1)
    run.progress.close()
    assert run.rows == ["1 job to do: 1 train", "done: 1 job in 0:00"]


def test_a_dry_run_lists_forty_jobs_and_writes_nothing(tmp_path):
    run = Run(dryrun=True)
    run.begin(train=42, all=1)
    for jobid in range(42):
        run.start(jobid)
    run.begin(train=42, all=1)
    run.say("Reasons:\n    (check individual jobs above for details)")
    run.say("This was a dry-run (flag -n). The order of jobs does not reflect the order of execution.")
    run.progress.close()
    assert run.rows[:3] == [
        "42 jobs would run",
        "  train      42",
        "would run: train net-0000000000000000 (toy/original/11)",
    ]
    assert sum(line.startswith("would run: ") for line in run.rows) == 40
    assert run.rows[-1] == "… and 2 more"
    assert len(run.rows) == 43
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_shows_commands_when_asked():
    run = Run(dryrun=True, shellcmds=True)
    run.begin(train=1)
    run.start(3)
    assert run.rows[-1] == "    run 3"


def test_quiet_shows_failures_only():
    run = Run(quiet=True)
    run.begin(train=2)
    run.start(1)
    run.wait(60)
    run.fail(1)
    run.say("Job x is odd", logging.WARNING)
    run.progress.close()
    assert [line.partition(":")[0] for line in run.rows] == ["warning", "failed"]


def test_noise_is_left_out_unless_verbose():
    noise = [
        "Assuming unrestricted shared filesystem usage.", "host: here", "Building DAG of jobs...",
        "Using shell: /bin/bash", "Complete log(s): x", None,
    ]  # fmt: skip
    run, verbose = Run(), Run(verbose=True)
    for text in noise:
        run.say(text)
        verbose.say(text)
    run.say("Unlocked working directory.")
    run.begin(train=1)
    run.say("Select jobs to execute...")
    run.say("Execute 1 jobs...", event="job_started", jobs=[1])
    run.start(1)
    run.say("Shell command: x", event="shellcmd", shellcmd="x")
    run.say("Removing temporary output x.")
    run.finish(1)
    run.progress.close()
    assert run.rows == ["Unlocked working directory.", "1 job to do: 1 train", "done: 1 job in 0:00"]
    assert "Building DAG of jobs..." in verbose.rows


@pytest.mark.parametrize(
    ("text", "exception", "line"),
    [
        (
            'MissingInputException in rule a in file "/x/S", line 1:\nMissing input files:\n    y\n',
            "MissingInputException",
            'MissingInputException in rule a in file "/x/S", line 1: Missing input files: y',
        ),
        (
            'UserError in file "/x/S", line 6:\nstudy x: y is wrong; say z\n  File "/x/S", line 6, in <module>',
            "UserError",
            "study x: y is wrong; say z",
        ),
        (
            'InputFunctionException in rule a in file "S", line 4:\nError:\n  UserError: key is stale\nWildcards:\n',
            "InputFunctionException",
            "key is stale",
        ),
        ("Traceback (most recent call last):\n\n  File x\n\nKeyError: 1\n", "KeyError", None),
    ],
)
def test_an_error_is_one_line_where_it_can_be(text, exception, line):
    run = Run()
    run.say(text, logging.ERROR, event="error", exception=exception)
    whole = ["error: Traceback (most recent call last):", "  File x", "KeyError: 1"]
    assert run.rows == ([f"error: {line}"] if line else whole)
    assert not LOG.exists()


def test_a_refusal_before_the_first_job_is_not_followed_by_a_count():
    run = Run()
    run.begin(train=2)
    text = "UserError:\nanother run (process 12) uses this folder"
    run.say(text, logging.ERROR, event="error", exception="UserError")
    run.progress.close()
    assert run.rows == ["2 jobs to do: 2 train", "error: another run (process 12) uses this folder"]


def test_known_times_give_an_estimate_at_once():
    TIMES.parent.mkdir(parents=True)
    TIMES.write_text(json.dumps({"train": 30.0}))
    run = Run()
    run.begin(train=9)
    run.start(1)
    run.wait(20)
    assert run.rows[-1].endswith("0:20 elapsed, about 2:05 left")


def test_times_are_exponential_means_kept_from_run_to_run():
    for seconds in (10, 20):
        run = Run()
        run.begin(train=1)
        run.start(1)
        run.wait(seconds)
        run.finish(1)
        run.progress.close()
    assert json.loads(TIMES.read_text()) == {"train": 15.0, "train/net": 15.0}
    assert [path.name for path in TIMES.parent.iterdir()] == ["times.json"]
    times = Times()
    times.load(TIMES)
    assert times.expected("train", "net") == 15


EVENTS = "resources_info run_info job_info job_started job_finished job_error progress error shellcmd group_info "
EVENTS += "group_error workflow_started rulegraph debug_dag unheard_of"


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("event", [*EVENTS.split(), None])
def test_odd_records_never_raise(event, begun):
    run = Run()
    if begun:
        run.begin(train=2)
    run.say(event=event)
    run.say("100 %d", event=event)
    names = ["cores", "stats", "jobs", "rule_name", "rule_msg", "wildcards", "log", "shellcmd", "total", "exception"]
    for odd in (None, 3, -1, "x", ["x"], {"x": None}, object):
        number = 1 if isinstance(odd, (list, dict)) else odd
        run.say(str(odd), logging.ERROR, event=event, jobid=number, job_id=number, **dict.fromkeys(names, odd))
    run.wait(60)
    run.progress.close()
    run.progress.close()
    if begun:
        assert sum(line.startswith("done: ") for line in run.rows) <= 1
        assert LOG.read_text().count(" done: ") == 1
