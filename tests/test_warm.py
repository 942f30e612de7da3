"""Warm start with real servers and jobs: the package's own start-up files beside a small `cli.py`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import neurosieve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every job runs cold")

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


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    runtime = Path(tempfile.mkdtemp(prefix="neurosieve", dir="/tmp"))  # a socket's path must be short
    made = Place(tmp_path, runtime)
    try:
        yield made
    finally:
        for process in made.servers():
            try:
                os.kill(process, signal.SIGCONT)
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        until(lambda: not made.servers())
        shutil.rmtree(runtime)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("leave", 0), 0, ""),
        (("leave", 3), 3, ""),
        (("leave", 300), 300 & 0xFF, ""),
        (("leave_by", "none"), 0, ""),
        (("leave_by", "three"), 3, ""),
        (("leave_by", "false"), 0, ""),
        (("leave_by", "text"), 1, "a text"),
        (("fail",), 1, "RuntimeError: it failed"),
        (("die",), 128 + signal.SIGKILL, ""),
    ],
)
def test_exit_codes_and_messages_pass_through(place: Place, words: tuple[object, ...], code: int, says: str) -> None:
    warm = place.run(*words)
    assert place.server()
    cold = place.run(*words, environ={"NEUROSIEVE_WARM": "0"})
    assert warm[0] == code
    assert cold[0] == (code if words != ("die",) else -signal.SIGKILL)
    assert says in warm[2]
    assert warm[1] == cold[1]
    assert warm[2].splitlines()[-1:] == cold[2].splitlines()[-1:]


@pytest.mark.parametrize(
    "environ", [{}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONIOENCODING": "latin-1:replace"}, {"A": "\udcff\u00e9"}]
)
def test_a_worker_is_what_a_cold_process_is(place: Place, environ: dict[str, str]) -> None:
    settings = {"environ": environ, "umask": 0o027, "stdin": None}
    first = place.run("facts", "a b", "", "é", **settings)
    cold = place.run("facts", "a b", "", "é", **{**settings, "environ": {**environ, "NEUROSIEVE_WARM": "0"}})
    assert len(place.servers()) == 1
    assert first[0] == 0
    seen = json.loads(first[1])
    assert seen == json.loads(cold[1])
    assert first[2] == cold[2] == "done\n"
    assert (seen["umask"], seen["cwd"]) == (0o027, str(place.folder))
    assert seen["argv"][1:] == ["train", "facts", "a b", "", "é"]
    assert seen["environ"]["OMP_NUM_THREADS"] == "1"


def test_stdin_and_stdout_pass(place: Place) -> None:
    assert place.run("echo", stdin="some text\n") == (0, "SOME TEXT\n", "")
    assert place.servers()


def test_a_worker_ends_as_a_process_does(place: Place) -> None:
    for environ in ({}, {"NEUROSIEVE_WARM": "0"}):
        assert place.run("late", place.folder, environ=environ) == (0, "thread\nexit function\n", "")
        assert list(place.folder.iterdir()) == []
    assert place.servers()


def test_output_that_cannot_be_written_is_an_error(place: Place) -> None:
    with open("/dev/full", "w") as full:
        for environ in ({}, {"NEUROSIEVE_WARM": "0"}):
            assert place.run("echo", stdin="text", stdout=full, environ=environ)[0] == 120


def test_a_closed_stream_runs_cold(place: Place) -> None:
    command = f"exec {sys.executable} -m neurosieve train leave 5 >&-"
    assert subprocess.run(command, shell=True, env=place.environ, timeout=SECONDS).returncode == 5
    assert place.servers() == []


def test_code_on_disk_counts_at_once(place: Place) -> None:
    (place.package / "extra.py").write_text("NUMBER = 1\n")
    place.add("def extra():", "from neurosieve import extra", "return extra.NUMBER")
    assert place.run("extra")[0] == 1
    server = place.server()
    (place.package / "extra.py").write_text("NUMBER = 1 + 10\n")
    assert place.run("extra")[0] == 11
    place.add("def more():", "from neurosieve import fresh", "return fresh.NUMBER")
    (place.package / "fresh.py").write_text("NUMBER = 21\n")
    assert place.run("more")[0] == 21
    assert place.server() == server


def test_jobs_are_children_of_one_server_and_other_verbs_are_not(place: Place) -> None:
    assert {place.run("parent")[1] for _ in range(3)} == {f"{place.run('parent')[1].strip()}\n"}
    assert place.run("parent")[1] == f"{place.server()}\n"
    command = [sys.executable, "-m", "neurosieve", "plan", "parent"]
    here = subprocess.run(command, env=place.environ, capture_output=True, text=True, timeout=SECONDS)
    assert here.stdout == f"{os.getpid()}\n"


def test_unseeded_draws_differ_between_jobs(place: Place) -> None:
    place.environ["NEUROSIEVE_WARM_PRELOAD"] = "numpy random"
    draws = [place.run("unseeded")[1].split() for _ in range(3)]
    assert place.servers()
    assert all(len({draw[i] for draw in draws}) == 3 for i in range(2))


def test_another_environment_has_another_server(place: Place) -> None:
    first = place.run("parent")[1]
    assert place.run("parent", environ={"HOME": "/"})[1] == first
    for environ in ({"NEUROSIEVE_THREADS": "2"}, {"LC_ALL": "C"}, {"NUMBA_DEBUG": "0"}):
        assert place.run("parent", environ=environ)[1] != first
    with (place.package / "warm" / "server.py").open("a") as file:
        file.write("# edited\n")
    assert place.run("parent")[1] != first
    assert len(place.servers()) == 5


def test_an_installation_has_another_server(place: Place) -> None:
    packages = place.folder / "site-packages"
    (packages / "some-1.0.dist-info").mkdir(parents=True)
    place.environ["PYTHONPATH"] += f"{os.pathsep}{packages}"
    first = place.run("parent")[1]
    assert place.run("parent")[1] == first
    (packages / "some-1.0.dist-info").rename(packages / "some-1.1.dist-info")
    assert place.run("parent")[1] != first


@pytest.mark.parametrize("threads", ["0", "-1", "two", "", "²"])
def test_threads_must_be_a_whole_number(place: Place, threads: str) -> None:
    code, out, err = place.run("leave", 0, environ={"NEUROSIEVE_THREADS": threads})
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "NEUROSIEVE_THREADS" in err


def test_the_death_of_the_client_ends_the_job(place: Place) -> None:
    client, processes = place.hang()
    with client:
        client.kill()
        until(lambda: not any(map(alive, processes)))
    assert place.servers() == [place.server()]


def test_the_death_of_the_server_ends_the_jobs_and_the_client_says_so(place: Place) -> None:
    client, processes = place.hang()
    with client:
        os.kill(place.server(), signal.SIGKILL)
        out, err = client.communicate(timeout=SECONDS)
        assert (client.returncode, out, err) == (1, "", "the warm start ended; run the same command again\n")
        until(lambda: not any(map(alive, processes)))
    assert place.servers() == []
    assert any(path.is_socket() for path in (place.runtime / "neurosieve").iterdir())  # stale
    assert place.run("leave", 4)[0] == 4
    assert place.servers() == [place.server()]


@pytest.mark.parametrize(("number", "cleaned"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_signals_reach_the_job(place: Place, number: signal.Signals, cleaned: bool) -> None:
    client, processes = place.hang()
    with client:
        client.send_signal(number)
        _, err = client.communicate(timeout=SECONDS)
        assert client.returncode == 128 + number
        assert ("KeyboardInterrupt" in err) == (not cleaned)
        until(lambda: not any(map(alive, processes)))
    assert (place.folder / "cleaned").exists() == cleaned
    assert place.servers() == [place.server()]


@pytest.mark.parametrize("signals", [1, 2])
def test_a_deaf_job_ends_after_grace_or_a_second_signal(place: Place, signals: int) -> None:
    place.replace("GRACE_SECONDS = 5", f"GRACE_SECONDS = {1 if signals == 1 else 1000}")
    place.add("def deaf(folder):", "os._exit = lambda code: None", "hang(folder)", "time.sleep(600)")
    client = place.start("deaf", place.folder)
    with client:
        until((place.folder / "processes").exists)
        processes = [int(word) for word in (place.folder / "processes").read_text().split()]
        client.terminate()
        until((place.folder / "cleaned").exists)
        if signals == 2:
            client.terminate()
        client.communicate(timeout=SECONDS)
        assert client.returncode == 128 + signal.SIGTERM
        until(lambda: not any(map(alive, processes)))


def test_what_a_job_leaves_running_ends_with_it(place: Place) -> None:
    place.add(
        "def litter():",
        "none = subprocess.DEVNULL",
        "print(subprocess.Popen(['sleep', '600'], stdout=none, stderr=none).pid)",
    )
    code, out, _ = place.run("litter")
    assert code == 0
    until(lambda: not alive(int(out)))


def test_two_clients_run_side_by_side(place: Place) -> None:
    with ThreadPoolExecutor(2) as pool:  # also two first clients: one server
        jobs = [pool.submit(place.run, "meet", place.folder, *pair) for pair in (("a", "b"), ("b", "a"))]
        assert [job.result()[0] for job in jobs] == [0, 0]
    until(lambda: place.servers() == [place.server()])


def test_a_second_server_leaves(place: Place) -> None:
    place.run("leave", 0)
    server = place.server()
    path = next(path for path in (place.runtime / "neurosieve").iterdir() if path.is_socket())
    before = path.stat().st_ino
    command = [sys.executable, "-P", place.package / "warm" / "server.py", path]
    second = subprocess.run(command, env=place.environ, capture_output=True, text=True, timeout=SECONDS)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert (place.server(), path.stat().st_ino) == (server, before)


def test_the_client_imports_nothing_heavy(place: Place) -> None:
    code, _, err = place.run("leave", 0, environ={"PYTHONPROFILEIMPORTTIME": "1"})
    names = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    ours = {name for name in names if name.partition(".")[0] == "neurosieve"}
    assert code == 0
    assert ours <= {"neurosieve", "neurosieve.warm", "neurosieve.errors", "neurosieve.cli"}
    assert not {"numpy", "torch", "polars", "click", "pydantic", "importlib.metadata"} & names
    assert "socket" in names


@pytest.mark.parametrize("runtime", ["", "/no/such/folder", "/" + "x" * 100])
def test_without_a_usable_runtime_folder_there_is_one_under_tmp(place: Place, runtime: str) -> None:
    code, out = place.warm("status", XDG_RUNTIME_DIR=runtime, NEUROSIEVE_WARM_IDLE="1234")
    assert code == 1
    assert out.startswith(f"no server at /tmp/neurosieve-{os.geteuid()}/")


def test_off_by_its_variable(place: Place) -> None:
    assert place.run("parent", environ={"NEUROSIEVE_WARM": "0"})[1] == f"{os.getpid()}\n"
    assert place.servers() == []
    assert list(place.runtime.iterdir()) == []
    assert place.warm("status", NEUROSIEVE_WARM="0")[0] == 1


def test_interpreter_options_run_cold(place: Place) -> None:
    command = [sys.executable, "-O", "-m", "neurosieve", "train", "leave", "6"]
    assert subprocess.run(command, env=place.environ, timeout=SECONDS).returncode == 6
    assert place.servers() == []


def test_an_idle_server_leaves_nothing(place: Place) -> None:
    place.environ["NEUROSIEVE_WARM_IDLE"] = "0.2"
    assert place.run("leave", 3)[0] == 3
    until(lambda: not place.servers())
    assert list((place.runtime / "neurosieve").iterdir()) == []


def test_jobs_and_an_ever_leaving_server(place: Place) -> None:
    place.environ["NEUROSIEVE_WARM_IDLE"] = "0"
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda code: place.run("leave", code), range(1, 30)))
    assert codes == [(code, "", "") for code in range(1, 30)]


@pytest.mark.parametrize("removed", ["socket", "folder"])
def test_a_server_without_its_socket_leaves_after_its_jobs(place: Place, removed: str) -> None:
    client, processes = place.hang()
    with client:
        first = place.server()
        if removed == "folder":
            shutil.rmtree(place.runtime / "neurosieve")
            assert place.run("parent")[1] != f"{first}\n"
        else:
            next(p for p in (place.runtime / "neurosieve").iterdir() if p.is_socket()).unlink()
        assert all(map(alive, [first, *processes]))
        client.terminate()
        client.communicate(timeout=SECONDS)
        until(lambda: not alive(first))
    assert place.run("leave", 2)[0] == 2
    assert place.servers() == [place.server()]


@pytest.mark.parametrize("fault", ["mode", "file", "link", "owner"])
def test_a_folder_that_is_not_private_is_not_used(place: Place, fault: str) -> None:
    folder = place.runtime / "neurosieve"
    if fault == "file":
        folder.touch(0o700)
    elif fault == "link":
        (place.folder / "real").mkdir(0o700)
        folder.symlink_to(place.folder / "real")
    else:
        folder.mkdir(0o700)
        folder.chmod(0o700 if fault == "owner" else 0o755)
    if fault == "owner":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(folder, 12345, -1)
    assert place.run("parent") == (0, f"{os.getpid()}\n", "")
    assert place.servers() == []
    code, out = place.warm("status")
    assert code == 1
    assert str(folder) in out


def test_a_server_that_does_not_answer_is_passed_over(place: Place) -> None:
    place.replace("START_SECONDS = 15.0", "START_SECONDS = 2.0")
    assert place.run("leave", 2)[0] == 2
    server = place.server()
    os.kill(server, signal.SIGSTOP)
    assert place.run("parent") == (0, f"{os.getpid()}\n", "")
    os.kill(server, signal.SIGCONT)
    until(lambda: place.run("parent")[1] == f"{server}\n")


def test_a_server_that_cannot_start_is_passed_over(place: Place) -> None:
    place.replace("START_SECONDS = 15.0", "START_SECONDS = 2.0")
    (place.package / "warm" / "server.py").write_text("raise SystemExit('broken')\n")
    assert place.run("parent") == (0, f"{os.getpid()}\n", "")


def test_a_package_that_is_absent_is_skipped(place: Place) -> None:
    place.environ["NEUROSIEVE_WARM_PRELOAD"] = "no_such_package json"
    assert place.run("parent")[1] == f"{place.server()}\n"


def test_a_message_that_is_no_request_is_refused(place: Place) -> None:
    place.run("leave", 0)
    server = place.server()
    path = next(path for path in (place.runtime / "neurosieve").iterdir() if path.is_socket())
    for message, fds in ((b"run", []), (b"x" * 100, [0]), (b"run", [0, 1, 2])):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as conn:
            conn.settimeout(SECONDS)
            conn.connect(str(path))
            assert conn.recv(8) == b"ready"
            socket.send_fds(conn, [message], fds)
            assert conn.recv(8) == b"refused"
    assert place.run("parent")[1] == f"{server}\n"
    assert not [fd for fd in Path(f"/proc/{server}/fd").iterdir() if str(fd.readlink()) == "/dev/null"][1:]


def test_the_server_keeps_no_file_of_a_client_open(place: Place) -> None:
    ends = os.pipe()
    assert place.run("leave", 0, pass_fds=[ends[1]])[0] == 0
    assert place.servers()
    os.close(ends[1])
    os.set_blocking(ends[0], False)
    assert os.read(ends[0], 1) == b""  # else somebody still holds the other end
    os.close(ends[0])


def test_stop_ends_the_server_and_its_jobs(place: Place) -> None:
    client, processes = place.hang()
    with client:
        code, out = place.warm("stop")
        assert code == 0
        assert "ended" in out
        client.communicate(timeout=SECONDS)
        assert client.returncode == 1
        until(lambda: not any(map(alive, processes)))
    assert place.servers() == []
    assert list((place.runtime / "neurosieve").iterdir()) == []
    assert (place.warm("stop")[0], place.warm("status")[0]) == (0, 1)


@pytest.mark.slow
def test_two_hundred_forks_of_the_real_server_work_and_agree_with_a_cold_job(place: Place) -> None:
    del place.environ["NEUROSIEVE_WARM_PRELOAD"]
    assert json.loads(place.run("facts")[1])["modules"] == ["torch", "numpy"]
    server = place.server()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda i: place.run("work", place.folder, i), range(200)))
    assert [result for result in results if result[0] != 0 or result[2]] == []
    assert place.server() == server
    for number in (0, 199):
        assert place.run("work", place.folder, number, environ={"NEUROSIEVE_WARM": "0"}) == results[number]
    assert len({result[1] for result in results}) == 200
