"""The words of a run's progress: names of jobs, times, errors in one line."""

from __future__ import annotations

import logging
import re
import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neurosieve.errors import STEP, killed

STAGES = ("prepare", "train", "intervene", "export", "evaluate", "verdict", "bundle", "certify", "report", "collect")
ERROR_LINES = 6
"""An error of more lines than this stays a block; shorter ones become one line."""
BLOCK = 4096
"""Bytes without which nothing can be written."""
TAIL = 8192
"""Bytes at the end of a log among which its last line is looked for."""


@dataclass(frozen=True)
class Job:
    """A job that was started: `what` it is called while it runs, and `full` when it fails."""

    rule: str
    name: str
    what: str
    full: str
    logs: tuple[str, ...]
    started: float


def clock(seconds: float) -> str:
    """`1:42`, or `2:01:42` from an hour on."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def about(seconds: float) -> str:
    """The clock, no finer than an estimate deserves: 5 s from ten seconds on, then 30 s, 5 minutes from an hour on."""
    step = 1 if seconds < 10 else 5 if seconds < 300 else 30 if seconds < 3600 else 300
    return clock(max(step, step * round(seconds / step)))


def printable(text: str) -> str:
    """The text without escape sequences and control characters; of a line that was overwritten, what stayed."""
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text).rstrip("\r").rpartition("\r")[2]
    return "".join(" " if unicodedata.category(char).startswith("C") else char for char in text).strip()


def last_line(paths: tuple[str, ...]) -> str:
    """Last line with text, progress apart, of the first of these logs that has one: 300 characters at most, or none."""
    for path in paths:
        try:
            with open(path, "rb") as file:
                file.seek(max(0, file.seek(0, 2) - TAIL))
                lines = [printable(line) for line in file.read().decode(errors="replace").split("\n")]
        except (OSError, ValueError):
            continue
        for line in reversed(lines):
            if line and not line.startswith(STEP):
                return line if len(line) <= 300 else line[:299] + "…"
    return ""


def compact(text: str, exception: str = "") -> str:
    """An error or warning in one line where that can be read: no traceback, no blank lines.

    A `UserError` says all in its message, so Snakemake's heading (class and place in the Snakefile) goes too.
    """
    ours = re.search(r"\bUserError: (.+)", text)  # raised in an input function
    if ours:
        return ours[1].strip()
    if text.startswith("Traceback "):  # an exception nobody foresaw: all of it is needed
        return re.sub(r"\n\s*\n", "\n", text).strip()
    lines = [line for line in map(str.strip, text.split("\n")) if line and not re.match(r'File ".*", line \d+', line)]
    lines = [line for line in lines if line not in ("Traceback:", "Wildcards:")]
    if exception == "UserError" and len(lines) > 1:
        lines = lines[1:]
    if len(lines) <= ERROR_LINES:
        return " ".join(lines)
    more = [f"… and {len(lines) - 20} more lines"] if len(lines) > 20 else []
    return "\n  ".join([*lines[:20], *more])


def silent(stage: str, log: str) -> str:
    """Why a job's log is empty: who can still say something does, where there is room for it."""
    if shutil.disk_usage(log).free < BLOCK:
        return f"the disk that holds {log} is full; free some space and run the same command again"
    return killed(stage)


def in_order(rules: Iterable[str]) -> list[str]:
    """Rules in the order of the pipeline, others behind."""
    order = {stage: place for place, stage in enumerate(STAGES)}
    return sorted(rules, key=lambda rule: order.get(rule, len(order)))


def by_stage(counts: Mapping[str, int]) -> str:
    """`3 prepare, 6 train`, in the order of the pipeline."""
    return ", ".join(f"{counts[rule]} {rule}" for rule in in_order(counts))


def jobs_in_words(count: int) -> str:
    """`1 job`, `78 jobs`."""
    return f"{count} job" if count == 1 else f"{count} jobs"


def _items(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else ()


def read_job(record: logging.LogRecord, now: float) -> Job:
    """The job of a JOB_INFO or JOB_ERROR record, whatever fields it has.

    Our rules say `message: "<rule> <title> (<name>-<key>)"`.
    """
    rule = str(getattr(record, "rule_name", None) or "job")
    wildcards = getattr(record, "wildcards", None)
    wildcards = wildcards if isinstance(wildcards, Mapping) else {}
    said = printable(str(getattr(record, "rule_msg", None) or ""))
    node = f"{wildcards['name']}-{wildcards['key']}" if {"name", "key"} <= wildcards.keys() else ""
    what = said.removesuffix(f"({node})").strip() if node else said
    if not what:
        what = " ".join([rule, node or "/".join(map(str, wildcards.values()))]).strip()
    title = what.removeprefix(f"{rule} ")
    full = f"{rule} {node}" + (f" ({title})" if title != node else "") if node else what
    name = str(wildcards.get("name", ""))
    return Job(rule, name, what, full, _items(getattr(record, "log", None)), now)


def text_of(record: logging.LogRecord) -> str:
    """The message of a record; empty where it has none."""
    try:
        text = record.getMessage() if record.msg is not None else ""
    except (TypeError, ValueError):
        text = str(record.msg)
    return "" if text == "None" else text
