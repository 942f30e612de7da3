"""What a run says of itself: one live line on a terminal, a few plain lines elsewhere, and `results/logs/progress.log`.

`Progress` reads the log records of Snakemake by their fields (`event`, `jobid`, `rule_name`, ...) and knows nothing
else of it; `snakemake_logger_plugin_neurosieve` hands them over. Times are in seconds.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TextIO

from neurosieve.progress.screen import Screen, clip
from neurosieve.progress.times import Times
from neurosieve.progress.words import (
    STAGES,
    Job,
    about,
    by_stage,
    clock,
    compact,
    in_order,
    jobs_in_words,
    last_line,
    read_job,
    silent,
    text_of,
)

LOG = Path("results/logs/progress.log")
TIMES = Path("results/.work/times.json")
PACE = 10.0
"""Seconds between two progress lines in the log, and at least between two without a terminal."""
SHARE = 0.1
"""Without a terminal: share of the jobs that must be done between two lines."""
RESTART = 1.0
"""Seconds that a failure is held back, because the record of a restart may follow it."""
DRY_LINES = 40

NOISE = (
    "Assuming unrestricted shared filesystem",
    "Building DAG",
    "Complete log",
    "Conda environments: ignored",
    "Config file ",
    "Determining filesystem type",
    "Group jobs: inactive",
    "Loading trusted IOCache",
    "Multiple includes of ",
    "Processed ",
    "Singularity containers: ignored",
    "SLURM run ID",
    "Using profile",
    "Using shell",
    "Using workflow specific profile",
    "host:",
)
"""Beginnings of messages that tell a user nothing; during a run only warnings and errors are shown anyway."""
SAID_BETTER = ("Exiting because a job execution failed", "At least one job did not complete successfully")
"""Errors that repeat what the lines of the failed jobs and the last line say."""
STOPPING = ("Terminating processes on user request", "Will exit after finishing", "Cancelling snakemake")


class Progress:
    """The state of one Snakemake call, and what it shows.

    `stream` is where the user looks. With `dryrun` it lists what would run and writes no file; with `quiet` it shows
    only failures, warnings and errors; with `verbose` also every message of Snakemake that it would leave out.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        dryrun: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        shellcmds: bool = False,
        color: bool = True,
        now: Callable[[], float] = time.time,
        width: Callable[[], int] | None = None,
    ) -> None:
        self.screen = Screen(stream, color, width)
        self.dryrun, self.quiet, self.verbose, self.shellcmds = dryrun, quiet, verbose, shellcmds
        self.now = now
        self.times = Times()
        self.total: int | None = None
        self.targets: set[str] = set()
        self.left: Counter[str] = Counter()
        self.known: dict[object, Job] = {}
        self.running: dict[object, Job] = {}
        self.done: set[object] = set()
        self.failed: set[object] = set()
        self.pending: dict[object, tuple[str, float]] = {}
        self.cores: int | None = None
        self.listed: list[str] = []
        self.peak = 0
        self.began = self.logged_at = self.plain_at = self.drawn_at = 0.0
        self.plain_done = 0
        self.stopping = self.over = self.ended = False
        self.heard: dict[str, Callable[[logging.LogRecord], None]] = {
            "resources_info": self._on_resources_info,
            "run_info": self._on_run_info,
            "job_info": self._on_job_info,
            "job_finished": self._on_job_finished,
            "progress": self._on_progress,
            "job_error": self._on_job_error,
        }

    # What comes in

    def handle(self, record: logging.LogRecord) -> None:
        """Take in one record of Snakemake. Fields may be missing."""
        event = str(getattr(record, "event", None) or "")
        if event in self.heard:
            self.heard[event](record)
        elif event == "error" or (record.levelno >= logging.WARNING and event != "group_error"):
            self._complaint(record)  # the jobs of a failed group are named one by one
        elif not event:
            self._message(record)
        elif self.verbose and event != "shellcmd":
            self._show(text_of(record))
        self.tick()

    def tick(self) -> None:
        """Bring the live line, the plain lines and the log up to date; to be called twice a second."""
        self._flush(RESTART)
        if self.total is None or self.over or self.dryrun:
            return
        now = self.now()
        if now - self.logged_at >= PACE:
            self.logged_at = now
            self._log(self.line(1000))
        if self.quiet or not (self.running or self.done):  # until the first job runs, others may write
            return
        if not self.running and (self.failed or len(self.done) >= self.total):
            # perhaps the end: what a hook prints next must find an empty line
            self.screen.erase()
        elif self.screen.live_possible:
            if not 0 <= now - self.drawn_at < 0.1:
                self.drawn_at = now
                self.screen.live(self.line)
        elif now - self.plain_at >= PACE and len(self.done) - self.plain_done >= SHARE * self.total:
            self.plain_at, self.plain_done = now, len(self.done)
            self.screen.line(self.line(0))

    def close(self) -> None:
        """The end of the call, however it came about."""
        self._end()
        self._list_more()

    def _on_resources_info(self, record: logging.LogRecord) -> None:
        cores = getattr(record, "cores", None)
        if isinstance(cores, int) and cores > 0:
            self.cores = cores

    def _on_run_info(self, record: logging.LogRecord) -> None:
        stats = getattr(record, "stats", None)
        if self.total is not None or not isinstance(stats, Mapping):
            return
        counts = {str(rule): n for rule, n in stats.items() if isinstance(n, int) and n > 0 and rule != "total"}
        aliases = {rule for rule, n in counts.items() if n == 1 and rule not in STAGES}
        self.targets = aliases if set(counts) & set(STAGES) else aliases & {"all"}
        self.left = Counter({rule: n for rule, n in counts.items() if rule not in self.targets})
        self._begin()

    def _begin(self) -> None:
        self.total = self.left.total()
        self.began = self.logged_at = self.plain_at = self.now()
        studies = sorted(self.targets - {"all"})
        head = "" if not studies else f"{', '.join(studies)}: " if len(studies) <= 3 else f"{len(studies)} studies: "
        if not self.total:
            self.over = self.ended = True
            self._start_line(f"{head}nothing to be done")
        elif self.dryrun:
            self._start_line(f"{head}{jobs_in_words(self.total)} would run")
            wide = max(map(len, self.left))
            for rule in in_order(self.left):
                self.screen.line(f"  {rule:{wide}}  {self.left[rule]:>6}")
        else:
            self.times.load(TIMES)
            self._start_line(f"{head}{jobs_in_words(self.total)} to do: {by_stage(self.left)}")

    def _start_line(self, text: str) -> None:
        self._log(text)
        if self.dryrun or not self.quiet:
            self.screen.line(text)

    def _on_job_info(self, record: logging.LogRecord) -> None:
        job = read_job(record, self.now())
        jobid = getattr(record, "jobid", None)
        if job.rule in self.targets:
            return
        command = str(getattr(record, "shellcmd", None) or "").strip() if self.shellcmds else ""
        if self.dryrun:
            self._list(f"would run: {job.full}" + (f"\n    {command}" if command else ""))
            return
        self.known[jobid] = self.running[jobid] = job
        self.left[job.rule] -= 1
        self.peak = max(self.peak, len(self.running))
        if command:
            self._show(command)

    def _on_job_finished(self, record: logging.LogRecord) -> None:
        jobid = getattr(record, "job_id", getattr(record, "jobid", None))
        job = self.running.pop(jobid, None)
        if job is None:
            return
        self.done.add(jobid)
        self.failed.discard(jobid)
        seconds = self.now() - job.started
        self.times.add(job.rule, job.name, seconds)

    def _on_progress(self, record: logging.LogRecord) -> None:
        total = getattr(record, "total", None)
        if self.total is not None and isinstance(total, int):  # checkpoints add jobs
            self.total = max(self.total, total - len(self.targets))

    def _on_job_error(self, record: logging.LogRecord) -> None:
        jobid = getattr(record, "jobid", None)
        found = read_job(record, self.now())
        job = self.running.pop(jobid, None) or self.known.get(jobid, found)
        self.failed.add(jobid)
        logs = tuple(dict.fromkeys((*job.logs, *found.logs)))
        reason = last_line(logs)
        where = next((path for path in logs if Path(path).exists()), "")
        reason = reason or (silent(job.rule, where) if where else "")
        text = job.full + (f": {reason}" if reason else "") + (f" · log: {where}" if where else " · no log")
        self.pending[jobid] = (text, self.now())

    def _message(self, record: logging.LogRecord) -> None:
        """What Snakemake says without an event: shown outside a run unless it is noise."""
        text = text_of(record).strip()
        again = re.match(r"Trying to restart job (\d+)", text)
        if again:
            self._restart(int(again[1]))
        elif text.startswith("Nothing to be done") and self.total is None:
            self._begin()
        elif text.startswith(STOPPING):
            self._stop()
        elif text.startswith("Elapsed time:"):
            self._end()
        elif self.verbose or (self.total is None and not self.quiet and text and not text.startswith(NOISE)):
            self._show(text)

    def _flush(self, age: float = 0.0) -> None:
        """Show the failures that no restart has followed for so many seconds."""
        for jobid, (text, since) in list(self.pending.items()):
            if not 0 <= self.now() - since < age:
                del self.pending[jobid]
                self._both(f"failed: {text}")

    def _restart(self, jobid: int) -> None:
        self.failed.discard(jobid)
        text, _ = self.pending.pop(jobid, ("", 0.0))
        if text:
            self._log(f"tried again: {text}")
        if jobid in self.known:
            self.left[self.known[jobid].rule] += 1

    def _stop(self) -> None:
        if not self.stopping:
            self.stopping = True
            self._both("stopping: waiting for the jobs that run")

    def _complaint(self, record: logging.LogRecord) -> None:
        """A warning or an error, in one line where it can be."""
        text, exception = text_of(record), str(getattr(record, "exception", None) or "")
        if text.startswith(STOPPING):
            self._stop()
            return
        job_failed = "CalledProcessError" in text or "returned non-zero exit status" in text
        if any(said in text for said in SAID_BETTER):
            self._over()
            return
        if job_failed and self.running and not self.verbose:
            return
        text = compact(text, exception)
        if text:
            kind = "error" if record.levelno >= logging.ERROR else "warning"
            self._both(f"{kind}: {text.removeprefix('Error: ')}")

    # What goes out

    def line(self, width: int) -> str:
        """The progress in one line of at most `width` cells; 0: without the running jobs."""
        parts = [f"{len(self.done)} of {self.total}"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        left = self.seconds_left()
        elapsed = f"{clock(self.now() - self.began)} elapsed"
        tail = elapsed if left is None else f"{elapsed}, about {about(left)} left"
        room = width - len(" · ".join([*parts, "", tail]))
        jobs = self._running(room) if width else ""
        return " · ".join([*parts, jobs, tail] if jobs else [*parts, tail])

    def _running(self, room: int) -> str:
        """The running jobs, oldest first, as many as fit."""
        names = [job.what for job in self.running.values()]
        more = ""
        for shown in range(len(names), 0, -1):
            more = f" and {len(names) - shown} more" if shown < len(names) else ""
            text = ", ".join(names[:shown]) + more
            if len(text) <= room:
                return text
        return clip(names[0], room - len(more)) + more if names and room - len(more) >= 12 else ""

    def seconds_left(self) -> float | None:
        """Estimate: what the remaining jobs take one after the other, shared among the cores; None if unknown.

        A rule's mean in this run counts more than the last known one: another scale, another time.
        """
        now = self.now()
        running = [(job.rule, job.name, now - job.started) for job in self.running.values()]
        return self.times.seconds_left(self.left, running, self.cores or self.peak)

    def _over(self) -> None:
        """No job runs any more: what hooks print from now on must find an empty line."""
        self.over = True
        self._flush()
        self.screen.erase()

    def _end(self) -> None:
        self._over()
        if self.total is None or self.ended or self.dryrun:
            return
        self.ended = True
        if not self.stopping:  # an error took them: no record says so
            self.failed.update(self.running)
        not_run = max(0, self.total - len(self.done) - len(self.failed))
        notes = [f"{n} {word}" for n, word in ((len(self.failed), "failed"), (not_run, "not run")) if n]
        count = f"{len(self.done)} of {self.total} jobs" if notes else jobs_in_words(self.total)
        text = f"{'stopped' if self.stopping else 'done'}: {count} in {clock(self.now() - self.began)}"
        text += f" ({', '.join(notes)})" if notes else ""
        self._log(text)
        if not self.quiet and self.known:  # refused before the first job: its own line says why
            self.screen.line(text)
        self.times.save(TIMES)

    def _list(self, text: str) -> None:
        self.listed.append(text)
        if not self.quiet and len(self.listed) <= DRY_LINES:
            self.screen.line(text)

    def _list_more(self) -> None:
        if len(self.listed) > DRY_LINES and not self.quiet:
            self.screen.line(f"… and {len(self.listed) - DRY_LINES} more")
        self.listed = []

    def _show(self, text: str) -> None:
        self.screen.line(text)
        self.drawn_at = 0.0

    def _both(self, text: str) -> None:
        self._show(text)
        if self.total is not None:
            self._log(text)

    def _log(self, text: str) -> None:
        """A line with the time in the log, which is opened for each; a log that cannot be written is no error."""
        if self.dryrun:
            return
        try:
            LOG.parent.mkdir(parents=True, exist_ok=True)
            with LOG.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.fromtimestamp(self.now()):%Y-%m-%d %H:%M:%S} {text}\n")
        except OSError:
            return
