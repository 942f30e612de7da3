"""Warm start: a server that has the third-party packages imported forks one worker per job.

This is the thin client. It connects to the server of exactly its environment, starting one where there is
none, and waits for "ready"; until then every failure means: run cold. Then one message hands over stdin,
stdout, stderr and a memory file with the request; the server answers "worker PID" and at last "exit CODE".
The client's death ends the worker's process group, the server's death its workers.

NEUROSIEVE_WARM=0 turns it off; NEUROSIEVE_WARM_IDLE: seconds without a job until a server leaves (60);
NEUROSIEVE_WARM_PRELOAD: the modules it imports. `python -m neurosieve.warm status|stop` shows or ends it.
"""

# `socket` and `signal` on top of these would be a quarter of a client's CPU time, once for every job
import _signal  # pyrefly: ignore
import _socket
import marshal
import os
import stat
import sys
import time
import zlib
from contextlib import suppress

from neurosieve.errors import UserError

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.py")
# Variables read when the interpreter starts or a package is imported: where they differ, so does the server.
SHAPING = (
    *("NEUROSIEVE_WARM_", "PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "MIMALLOC_", "GLIBC_"),
    *("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_", "BLIS_", "DNNL_", "ONEDNN_", "ATEN_", "TORCH", "PYTORCH"),
    *("CUDA", "NUMBA_", "POLARS_", "ARROW_", "NPY_", "NUMPY", "SCIPY_", "SKLEARN_", "JOBLIB_", "PYDANTIC_"),
)
START_SECONDS = 15.0  # for a server to be ready; then the job runs cold
GRACE_SECONDS = 5  # for a job to end after a forwarded signal
LONGEST = 80  # bytes of XDG_RUNTIME_DIR: a socket's path has 108 at most


def limit_threads() -> None:
    """Set every thread limit to `NEUROSIEVE_THREADS` (default 1), so that no result depends on the shell.

    Must run before numpy, torch, numba or polars are imported: they read the limits only then.

    Raises:
        UserError: `NEUROSIEVE_THREADS` is not a whole number of at least 1.
    """
    threads = os.environ.get("NEUROSIEVE_THREADS", "1")
    if not (threads.isascii() and threads.isdigit() and int(threads) > 0):
        raise UserError(f"NEUROSIEVE_THREADS is {threads!r}: set it to a whole number from 1, or unset it")
    os.environ.update(dict.fromkeys(THREAD_LIMITS, str(int(threads))))


def address() -> str:
    """Path of the socket of the server for exactly this environment, in a private folder of this user.

    Raises:
        OSError, ValueError: there can be no warm start here; the message says why.
    """
    options = [option for option in sys.orig_argv[1:2] if option.startswith("-") and option != "-m"]
    if sys.platform != "linux" or os.environ.get("NEUROSIEVE_WARM") == "0" or options:
        raise OSError("NEUROSIEVE_WARM=0, not Linux, or an interpreter with options")
    if None in (sys.stdin, sys.stdout, sys.stderr):
        raise OSError("a standard stream is closed")
    float(os.environ.get("NEUROSIEVE_WARM_IDLE", "60"))
    runtime, user = os.environ.get("XDG_RUNTIME_DIR", ""), os.geteuid()
    folder = f"/tmp/neurosieve-{user}"
    with suppress(OSError):  # absent, or after sudo still another user's
        if len(os.fsencode(runtime)) < LONGEST and os.stat(runtime).st_uid == user:
            folder = f"{runtime}/neurosieve"
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    found = os.lstat(folder)
    if found.st_uid != user or found.st_mode != stat.S_IFDIR | 0o700:
        raise PermissionError(f"{folder} is not a folder of this user with mode 0700")
    return f"{folder}/{zlib.crc32(repr(_environment()).encode(errors='surrogateescape')):08x}"


def _environment() -> list[object]:
    """All that a worker has from its server where a cold job has it from its own start."""
    facts: list[object] = [sys.prefix, sys.executable, sys.version, sys.flags, os.getgroups(), os.getegid()]
    facts += sorted(item for item in os.environ.items() if item[0].startswith(SHAPING))
    for folder in (path for path in sys.path if path.endswith("-packages") and os.path.isdir(path)):
        with os.scandir(folder) as entries:
            kept = [e for e in entries if e.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))]
            facts += sorted((e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in kept)
    facts += [SERVER, os.stat(SERVER).st_mtime_ns, os.nice(0), sorted(os.sched_getaffinity(0))]
    facts += [os.stat(f"/proc/self/ns/{kind}").st_ino for kind in ("mnt", "pid", "net", "user")]
    for name in (
        "cgroup",
        "limits",
    ):  # a batch system ends a job with its cgroup: it must not serve another's
        with open(f"/proc/self/{name}") as file:
            facts.append(file.read())
    return facts


def submit() -> int | None:
    """Run this process's command in a worker; its exit code, or None: nothing was run, run it cold."""
    try:
        conn = _connect(address())
        umask = os.umask(0)
        os.umask(umask)
        package = getattr(sys.modules["__main__"], "__package__", None)
        request = [sys.argv, os.getcwd(), dict(os.environ), umask, sys.path, package]
        with open(os.memfd_create("request"), "wb", buffering=0) as memory:
            memory.write(marshal.dumps(request))  # for this very version: to import json takes far longer
            fds = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2, memory.fileno()))
            conn.sendmsg([b"run"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fds)])
    except (OSError, ValueError):
        return None
    try:
        return _follow(conn)
    finally:
        conn.close()


def _connect(path: str) -> _socket.socket:
    """A connection to a server that is ready; raises OSError where none is within START_SECONDS."""
    deadline, spawned = time.monotonic() + START_SECONDS, float("-inf")
    while (now := time.monotonic()) < deadline:
        conn = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        conn.settimeout(deadline - now)
        with suppress(FileNotFoundError, ConnectionError):  # none, a dead one's, or it is just leaving
            conn.connect(path)
            if conn.recv(8) == b"ready":
                conn.settimeout(None)
                return conn
        conn.close()
        if now - spawned > 1:  # not only once: a server that was leaving may have held the lock
            spawned = now
            _spawn(path)
        time.sleep(0.02)
    raise TimeoutError("no server became ready")


def _spawn(path: str) -> None:
    """Start a server as a daemon; it leaves at once where another one holds the lock."""
    if child := os.fork():
        os.waitpid(child, 0)
        return
    try:
        import subprocess

        with open(f"{path}.log", "ab") as log:
            # By file and with -P: neither this package nor the current folder is on its path.
            subprocess.Popen(
                [sys.executable, "-P", SERVER, path],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
    finally:
        os._exit(0)


def _follow(conn: _socket.socket) -> int | None:
    """Wait for the worker's end, passing signals on; 128 + signal where one ended it or this process."""
    worker = caught = 0

    def forward(number: int, _frame: object) -> None:
        nonlocal caught
        if caught:  # a second signal, or grace is over: the server kills the worker when this is gone
            os._exit(128 + caught)
        caught = number
        _signal.alarm(GRACE_SECONDS)
        with suppress(OSError):
            conn.send(bytes([number]))

    with suppress(ConnectionError):
        while answer := conn.recv(32).split():
            if answer[0] == b"refused":
                return None
            if answer[0] == b"exit":
                return 128 + caught if caught else int(answer[1])
            worker = int(answer[1])
            for number in (_signal.SIGALRM, _signal.SIGTERM, _signal.SIGINT):
                if _signal.getsignal(number) != _signal.SIG_IGN:
                    _signal.signal(number, forward)
    with suppress(OSError):
        if worker:  # it died with the server; this ends what it had started itself
            os.killpg(worker, _signal.SIGKILL)
    print("the warm start ended; run the same command again", file=sys.stderr)
    return 128 + caught if caught else 1
