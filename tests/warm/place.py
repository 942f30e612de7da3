"""A copy of the package's own start-up files beside a small `cli.py`, for real servers and jobs."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import neurosieve

SOURCE = Path(neurosieve.__file__).parent
SECONDS = 60  # for anything to happen at all; nothing here is timed
CLI = """
import json, os, signal, subprocess, sys, time

def facts(*_):
    main, number = sys.modules["__main__"], signal.Signals
    umask = os.umask(0)
    os.umask(umask)
    streams = [sys.stdin, sys.stdout, sys.stderr]
    print(json.dumps({
        "argv": sys.argv, "path": sys.path, "cwd": os.getcwd(), "umask": umask,
        "environ": {k: v for k, v in os.environ.items() if k != "NEUROSIEVE_WARM"},
        "streams": [[s.encoding, s.errors, s.newlines, s.line_buffering, s.write_through,
                     s.isatty(), s is getattr(sys, f"__{n}__")]
                    for n, s in zip(("stdin", "stdout", "stderr"), streams)],
        "main": [main.__package__, main.__file__, main.__spec__ and main.__spec__.name],
        "signals": [str(signal.getsignal(s)) for s in (number.SIGINT, number.SIGTERM, number.SIGHUP,
                    number.SIGCHLD, number.SIGPIPE, number.SIGALRM)],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "fds": [fd for fd in range(256) if os.path.exists(f"/proc/self/fd/{fd}")],
        "modules": [n for n in ("torch", "numpy") if n in sys.modules],
    }))
    print("done", file=sys.stderr)

def leave(code):
    return int(code)

def leave_by(what):
    sys.exit({"none": None, "three": 3, "text": "a text", "false": False}[what])

def fail():
    raise RuntimeError("it failed")

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def echo():
    sys.stdout.write(sys.stdin.read().upper())

def late(folder):
    import atexit, tempfile, threading
    global kept
    kept = tempfile.TemporaryDirectory(dir=folder)
    atexit.register(print, "exit function")
    threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()

def parent():
    print(os.getppid())

def hang(folder):
    # A file with this process and one that it has started; then nothing.
    child = subprocess.Popen(["sleep", "600"], close_fds=True)
    signal.signal(signal.SIGTERM, lambda *_: (open(f"{folder}/cleaned", "w").close(), os._exit(7)))
    with open(f"{folder}/new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(f"{folder}/new", f"{folder}/processes")
    time.sleep(600)

def meet(folder, me, other):
    open(f"{folder}/{me}", "w").close()
    deadline = time.monotonic() + 60
    while not os.path.exists(f"{folder}/{other}"):
        if time.monotonic() > deadline:
            return 1
        time.sleep(0.01)

def work(folder, number):
    import numpy, polars, torch
    torch.manual_seed(int(number))
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 3))
    fit = torch.optim.Adam(layer.parameters())
    for _ in range(3):
        fit.zero_grad()
        torch.nn.functional.cross_entropy(layer(torch.randn(16, 1, 8, 8)), torch.arange(16) % 3).backward()
        fit.step()
    loss = float(sum(p.detach().double().sum() for p in layer.parameters()))
    rows = polars.DataFrame({"a": numpy.arange(5000) % 7, "b": numpy.arange(5000) * 0.5})
    rows.write_parquet(f"{folder}/{number}.parquet")
    lazy = polars.scan_parquet(f"{folder}/{number}.parquet")
    sums = lazy.group_by("a").agg(polars.col("b").sum()).sort("a").collect()
    streamed = lazy.group_by("a").agg(polars.len()).sort("a").collect(engine="streaming")
    print(loss, sums["b"].to_list(), streamed["len"].to_list(), lazy.join(lazy, on="b").collect().height)

def unseeded():
    import numpy, random
    print(numpy.random.randint(2**31), random.getrandbits(31))

def main(argv):
    return globals()[argv[1]](*argv[2:])
"""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class Place:
    """A copy of the start-up files with its own private folder; `run` is a job that is to end by itself."""

    def __init__(self, home: Path, runtime: Path) -> None:
        self.package, self.folder, self.runtime = home / "src" / "neurosieve", home / "work", runtime
        self.folder.mkdir()
        shutil.copytree(SOURCE / "warm", self.package / "warm", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("__init__.py", "__main__.py", "errors.py"):
            shutil.copy(SOURCE / name, self.package)
        (self.package / "cli.py").write_text(CLI)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NEUROSIEVE_", "PYTHON"))}
        self.environ = {
            **kept,
            "PYTHONPATH": str(self.package.parent),
            "XDG_RUNTIME_DIR": str(runtime),
            "NEUROSIEVE_WARM_PRELOAD": "",
        }

    def add(self, *lines: str) -> None:
        """One more function for the jobs."""
        with (self.package / "cli.py").open("a") as file:
            file.write("\n" + "\n    ".join(lines) + "\n")

    def replace(self, old: str, new: str) -> None:
        """Another constant in the client."""
        client = self.package / "warm" / "__init__.py"
        assert old in client.read_text()
        client.write_text(client.read_text().replace(old, new))

    def start(self, *words: object, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "neurosieve", "train", *map(str, words)]
        environ = {**self.environ, **options.pop("environ", {})}
        settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, cwd=self.folder, env=environ, text=True, **settings)

    def run(self, *words: object, stdin: str | None = None, **options: object) -> tuple[int, str, str]:
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        with self.start(*words, **options) as process:
            out, err = process.communicate(stdin, timeout=SECONDS)
        return process.returncode, out, err

    def warm(self, verb: str, **environ: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "neurosieve.warm", verb]
        done = subprocess.run(command, env={**self.environ, **environ}, capture_output=True, text=True, timeout=SECONDS)
        assert not done.stderr
        return done.returncode, done.stdout

    def server(self) -> int:
        """Process of the server of this place's environment."""
        code, out = self.warm("status")
        assert code == 0, out
        return int(out.split()[1])

    def servers(self) -> list[int]:
        """All servers, and workers, of this place."""
        mark = str(self.package / "warm" / "server.py").encode()
        lines = {path.parent.name: path for path in Path("/proc").glob("[0-9]*/cmdline")}
        found = []
        for process, path in lines.items():
            try:
                if mark in path.read_bytes().split(b"\0") and alive(int(process)):
                    found.append(int(process))
            except OSError:
                continue
        return found

    def hang(self, **options: object) -> tuple[subprocess.Popen[str], list[int]]:
        """A client whose job hangs, and the processes of that job."""
        client = self.start("hang", self.folder, **options)
        until((self.folder / "processes").exists)
        processes = [int(word) for word in (self.folder / "processes").read_text().split()]
        assert all(map(alive, processes))
        return client, processes
