"""Make .venv hold what constraints.txt pins: `python workflow/install.py run|dev STAMP...`, called by the Makefile.

Needs the standard library only. TORCH_INDEX comes from the environment (see the Makefile). An interrupted installation
is recovered from, and two at once in one folder are refused.
"""

from __future__ import annotations  # an older Python must get as far as our message

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MARK = VENV / ".installing"  # there while we install; one that is left over tells of an interruption
# the constraints must also hold where pip builds a package from source: older and newer pip each have their way
PIP_SETTINGS = {
    "PIP_CONSTRAINT": "constraints.txt",
    "PIP_BUILD_CONSTRAINT": "constraints.txt",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def main(extra: str, stamps: list[str]) -> None:
    """Install run-time packages, with those of the extra `dev` if asked, and this package; then write the stamps."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it may well be
        fail(f"{sys.executable} is not Python 3.11 or newer. Install one, or name it: make PYTHON=python3.12")
    with open(ROOT / "constraints.txt") as held:  # any file serves to hold the lock; it is let go however we end
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("another make is installing into .venv: wait for it")
        if not usable():
            create(held.fileno())
        MARK.touch()
        for stamp in VENV.glob(".installed-*"):
            stamp.unlink()
        install(extra, held.fileno())
        for name in stamps:
            Path(name).touch()
        MARK.unlink()


def fail(message: str) -> None:
    """One line, and the end."""
    sys.exit(f"neurosieve: {message}")


def usable() -> bool:
    """.venv was made in this folder (its scripts name their interpreter by its path) and no package is half there."""
    activate = VENV / "bin" / "activate"
    if not activate.exists() or str(VENV) not in activate.read_text():
        return False
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        return False
    return not (MARK.exists() and any(map(half_there, VENV.glob("lib/*/site-packages/*"))))


def half_there(path: Path) -> bool:
    """pip writes RECORD last, and renames what it replaces to ~…"""
    return path.name.startswith("~") or (path.suffix == ".dist-info" and not (path / "RECORD").exists())


def create(lock: int) -> None:
    """A new, empty .venv."""
    if importlib.util.find_spec("ensurepip") is None:
        fail(f"{sys.executable} cannot make virtual environments. Install its package python3-venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    MARK.touch()
    call(lock, sys.executable, "-m", "venv", VENV)


def install(extra: str, lock: int) -> None:
    """Everything pinned, torch by name in every call, then this package."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + needs(project["optional-dependencies"], extra)
    pins = (ROOT / "constraints.txt").read_text().split()
    torch = next(pin for pin in pins if pin.startswith("torch=="))
    pip = (PYTHON, "-m", "pip", "install", "-c", "constraints.txt")
    if os.environ.get("TORCH_INDEX"):
        call(lock, *pip, "--index-url", os.environ["TORCH_INDEX"], "--no-deps", torch)
    call(lock, *pip, torch, "setuptools", *wanted)
    # no build environment and no index: this step works without a network
    call(lock, *pip, "--no-index", "--no-deps", "--no-build-isolation", "-e", ".")


def needs(extras: dict[str, list[str]], extra: str) -> list[str]:
    """What an extra asks for, with what the extras of our own that it names ask for."""
    found = []
    for name in extras.get(extra, []):
        own = name.startswith("neurosieve[") and name[len("neurosieve[") : -1].split(",")
        found += [need for part in own for need in needs(extras, part)] if own else [name]
    return found


def call(lock: int, *command: str | Path) -> None:
    """Run a command that keeps the lock should we be killed; its failure is ours."""
    settings = {**os.environ, **PIP_SETTINGS}
    done = subprocess.run(command, cwd=ROOT, env=settings, pass_fds=[lock], check=False)
    if done.returncode:
        fail(f"`{' '.join(map(str, command[:4]))} …` failed, see above. `make` again goes on from there")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
