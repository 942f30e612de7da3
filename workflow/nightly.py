"""One scheduled run, start to end: pull, restore, run what changed, save, keep the page, compare the verdicts.

    python3 workflow/nightly.py [STUDY ...]

Prints a summary that can be mailed as it is; everything else goes to `results/nightly/<day-time>/log.txt`, with the
page beside it in `report/`. Exit status, the gravest first: 1 a claim that held now fails; 4 a step failed (named in
the summary); 3 a claim that held is now undecided or gone; 0 otherwise; 2 another run works in this folder, so nothing
was done.

Environment: `NIGHTLY_KEEP` nights to keep (30), `NIGHTLY_COMMIT=no` to leave `dvc.lock` and `results/metrics` to you,
`NIGHTLY_BIN` a folder with `snakemake` and `neurosieve` (default: .venv/bin, which `make env` brings up to date).

Only the standard library is used, and all is read at start: pulling may change any file of the project.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
NIGHTS = RESULTS / "nightly"
COMPARED = NIGHTS / "compared"
"""The commit whose verdicts the next night is compared with: a night that does not get that far skips nothing."""
KEPT = ("dvc.lock", "results/metrics")
LOST, BUSY, WEAKER, BROKEN = 1, 2, 3, 4
TAIL = 15
PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "160", "PYTHONUNBUFFERED": "1"}


@dataclass
class Night:
    """One run: where it keeps things, and what it has to say."""

    folder: Path
    log: TextIO
    bin: Path
    lines: list[str] = field(default_factory=list)
    tails: list[str] = field(default_factory=list)
    broken: bool = False

    def step(self, name: str, *command: str, needed: bool = True) -> tuple[int, str]:
        """Run a command; exit status and output. A failure is told, with the end of what it said."""
        began = time.monotonic()
        self.log.write(f"\n== {name}: {' '.join(command)}\n")
        self.log.flush()
        code, output = call(*command)
        self.log.write(output)
        self.log.flush()
        word = "ok" if code == 0 else "failed" if needed else "not done"
        self.lines.append(f"  {name:<8} {word:<8} {time.monotonic() - began:6.0f} s")
        if code != 0 and needed:
            self.broken = True
            self.tails += [f"-- {name}, the end of its output:", *output.rstrip().splitlines()[-TAIL:], ""]
        return code, output


def call(*command: str) -> tuple[int, str]:
    """A command in the project's folder; 127 where it does not exist."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **PLAIN}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}\n"
    return done.returncode, done.stdout


def take(name: str) -> TextIO:
    """An operating-system lock on a file of `results/.work/`, held until it is closed. Raises BlockingIOError."""
    (RESULTS / ".work").mkdir(parents=True, exist_ok=True)
    lock = (RESULTS / ".work" / name).open("a+")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def head() -> str:
    """The present commit; empty without git."""
    code, output = call("git", "rev-parse", "HEAD")
    return output.strip() if code == 0 else ""


def pull(night: Night) -> None:
    """New code, and the packages that it pins."""
    night.step("pull", "git", "pull", "--ff-only")
    if "NIGHTLY_BIN" not in os.environ:
        night.step("env", "make", "env")


def compute(night: Night, studies: list[str]) -> None:
    """Restore, run, save. What one step could not do, the next may still do."""
    if (ROOT / "dvc.lock").exists():
        night.step("restore", str(night.bin / "neurosieve"), "restore", *studies)
    night.step("run", str(night.bin / "snakemake"), *studies)
    if night.step("save", str(night.bin / "neurosieve"), "save")[0] == 0:
        publish(night)


def publish(night: Night) -> None:
    """Commit what `save` says is to be committed, and push it; undone where the push is refused, for the next night."""
    there = [name for name in KEPT if (ROOT / name).exists()]
    if os.environ.get("NIGHTLY_COMMIT") == "no" or not call("git", "status", "--porcelain", "--", *there)[1]:
        return
    before = head()
    call("git", "add", "--", *there)
    code, _ = night.step(
        "commit", "git", "commit", "-q", "-m", f"nightly: results of {night.folder.name}", "--", *there
    )
    if code == 0 and night.step("push", "git", "push", "-q", "origin", "HEAD")[0] != 0:
        # the store has it all, and changed files would stop the next pull
        call("git", "reset", "-q", "--mixed", before)
        for name in there:
            call("git", "checkout", "-q", "HEAD", "--", name)
        call("git", "clean", "-f", "-d", "-q", "--", *there)


def keep_page(night: Night) -> None:
    """The page of this night beside its log; older nights than asked for go."""
    if (RESULTS / "report").is_dir():
        ignored = shutil.ignore_patterns("snakemake-*")
        shutil.copytree(RESULTS / "report", night.folder / "report", ignore=ignored)
    nights = sorted(path for path in NIGHTS.iterdir() if path.is_dir())
    for old in nights[: -int(os.environ.get("NIGHTLY_KEEP", "30"))]:
        shutil.rmtree(old, ignore_errors=True)


def compare(night: Night, base: str, studies: list[str]) -> tuple[int, str]:
    """What became of the verdicts since the last night that was compared, or since before the pull."""
    against = COMPARED.read_text().strip() if COMPARED.exists() else base
    if call("git", "cat-file", "-e", f"{against}^{{commit}}")[0] != 0:
        against = base
    command = [str(night.bin / "neurosieve"), "verdicts", *studies, "--against", against or "HEAD"]
    code, output = night.step("verdicts", *command, needed=False)
    night.lines.pop()  # its own words follow
    if code in (0, LOST, WEAKER) and "neurosieve: error: " not in output:
        (night.folder / "verdicts.txt").write_text(output)
        if not studies and not night.broken:
            COMPARED.write_text(head() or against)
        return code, output
    night.broken = True
    return 0, output


def run(night: Night, studies: list[str]) -> int:
    """The whole night; the exit status."""
    base = head()
    try:
        with take("lock"):  # no run may start, or be going on, while the code changes
            pull(night)
    except BlockingIOError:
        print("neurosieve nightly: another run works in this folder; nothing was done")
        return BUSY
    compute(night, studies)
    keep_page(night)
    lost, told = compare(night, base, studies)
    status = LOST if lost == LOST else BROKEN if night.broken else lost
    words = {0: "all well", LOST: "A CLAIM THAT HELD FAILS", WEAKER: "a claim that held is undecided or gone"}
    print(f"neurosieve nightly {night.folder.name}: {words.get(status, 'A STEP FAILED')}")
    print(f"  commit   {head()[:10] or 'no git'}")
    print("\n".join(night.lines), told, *night.tails, sep="\n")
    print(
        f"kept in {night.folder.relative_to(ROOT)}: " + ", ".join(sorted(path.name for path in night.folder.iterdir()))
    )
    return status


def main(studies: list[str]) -> int:
    """Only one night at a time in a folder."""
    try:
        lock = take("nightly.lock")
    except BlockingIOError:
        print("neurosieve nightly: another night is going on in this folder; nothing was done")
        return BUSY
    folder = NIGHTS / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    folder.mkdir(parents=True, exist_ok=True)
    with lock, (folder / "log.txt").open("w") as log:
        status = run(Night(folder, log, Path(os.environ.get("NIGHTLY_BIN", ROOT / ".venv" / "bin"))), studies)
    if status == BUSY:
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
