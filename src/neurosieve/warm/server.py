"""The server of the warm start and its workers. It only imports and forks, in one Python thread.

Run by file, never imported by a job: `python -P server.py PATH_OF_SOCKET`. Its own code is all of neurosieve
that it has, so a worker always imports the code that is on disk when the job starts.
"""

import atexit
import fcntl
import gc
import importlib.util
import io
import logging
import marshal
import multiprocessing.util
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import types
import weakref
from contextlib import suppress
from typing import NoReturn, TextIO

PRELOAD = (
    "numpy scipy.special scipy.stats sklearn.linear_model numba polars pyarrow.ipc pyarrow.parquet torch"
    " torch._dynamo safetensors.torch safetensors.numpy pydantic.main pydantic.fields click orjson yaml"
)
GRACE_SECONDS = 5.0  # for jobs to end when the server is told to
ENDING = {signal.SIGTERM, signal.SIGINT}
PR_SET_PDEATHSIG = 1
FILLED: list[list[object]] = []
"""Objects that only take up room; see `fill`."""


class Server:
    """Accepts, forks, reports. `waiting`: connections without a request; `workers`: process -> connection."""

    def __init__(self, path: str, lock: int) -> None:
        self.path, self.lock, self.process = path, lock, os.getpid()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(128)
        self.inode = inode(path)
        self.waiting: set[socket.socket] = set()
        self.workers: dict[int, socket.socket | None] = {}
        self.wake, self.waker = socket.socketpair()
        self.waker.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)

    def loop(self, idle: float) -> None:
        """Serve until told to end, or without a job and idle for so many seconds or no longer in place."""
        busy = time.monotonic()
        while not self.step():
            if self.workers or self.waiting:
                busy = time.monotonic()
            elif time.monotonic() - busy > idle or inode(self.path) != self.inode:
                break
        if inode(self.path) == self.inode:
            os.unlink(self.path)
        self.end_workers()

    def end_workers(self) -> None:
        """Tell the workers to end: a batch system tells every process at once, and a job keeps its state then.

        Kill what is left when grace is over.
        """
        deadline = time.monotonic() + GRACE_SECONDS
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.workers:
                with suppress(OSError):
                    os.killpg(process, number)
            while time.monotonic() < deadline and any(map(running, self.workers)):
                time.sleep(0.02)

    def step(self) -> bool:
        """Handle what happens within a second; True if told to end."""
        ended = False
        conns = [conn for conn in (*self.waiting, *self.workers.values()) if conn]
        for source in select.select([self.wake, self.listener, *conns], [], [], 1.0)[0]:
            if source is self.wake:
                ended = not ENDING.isdisjoint(source.recv(4096))
            elif source is self.listener:
                self.accept()
            elif source in self.waiting:
                self.start(source)
            else:
                self.obey(source)
        for process in list(self.workers):
            self.reap(process)
        return ended

    def accept(self) -> None:
        with suppress(OSError):
            conn, _ = self.listener.accept()
            if peer(conn)[1] == os.geteuid():
                self.waiting.add(conn)
                say(conn, "ready")

    def start(self, conn: socket.socket) -> None:
        """Fork the worker for the request on `conn`; "refused" where that cannot be, so that it runs cold."""
        fds: list[int] = []
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # the server's handlers are not for the worker
        try:
            fds = socket.recv_fds(conn, 8, 4)[1]
            if len(fds) != 4:
                raise OSError("not a request")
            if (process := os.fork()) == 0:
                self.work(fds)
            with suppress(OSError):
                os.setpgid(process, process)  # the worker does so too, whoever comes first
            self.workers[process] = conn
            say(conn, f"worker {process}")
        except OSError:
            say(conn, "refused")
            conn.close()
        finally:  # only the server comes here
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            self.waiting.discard(conn)
            for fd in fds:
                os.close(fd)

    def obey(self, conn: socket.socket) -> None:
        """Pass a signal on to the worker's process group; kill that when the client is gone."""
        process = next(process for process, other in self.workers.items() if other is conn)
        number = b""
        with suppress(OSError):
            number = conn.recv(1)
        if not number:
            conn.close()
            self.workers[process] = None
        with suppress(OSError):
            os.killpg(process, number[0] if number else signal.SIGKILL)

    def reap(self, process: int) -> None:
        """If the worker has ended, end what it left running and tell its client."""
        # Not reaped before its group is dead: until then no other process can get its number.
        if running(process):
            return
        with suppress(OSError):
            os.killpg(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if conn := self.workers.pop(process):
            say(conn, f"exit {code if code >= 0 else 128 - code}")
            conn.close()

    def work(self, fds: list[int]) -> None:
        """The worker (never returns): die with the server, let go of what is its, be the client's process."""
        try:
            import ctypes

            os.setpgid(0, 0)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.process:
                os._exit(1)
            signal.set_wakeup_fd(-1)
            os.close(self.lock)
            for conn in (self.listener, self.wake, self.waker, *self.waiting, *self.workers.values()):
                if conn:
                    conn.close()
            run(fds)
        except BaseException as error:  # from before the command itself: its folder is gone, say
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            os._exit(1)


def run(fds: list[int]) -> NoReturn:
    """Be the client's process as its interpreter would have set it up; run its command from code on disk."""
    with open(fds.pop(), "rb") as memory:
        memory.seek(0)
        sys.argv, folder, environ, umask, sys.path, package = marshal.loads(memory.read())
    for target, fd in enumerate(fds):
        os.dup2(fd, target)
        os.close(fd)
    os.environ.clear()
    os.environ.update(environ)
    os.umask(umask)
    os.chdir(folder)
    sys.stdin = sys.__stdin__ = stream(sys.stdin, "rb")
    sys.stdout = sys.__stdout__ = stream(sys.stdout, "wb")
    sys.stderr = sys.__stderr__ = stream(sys.stderr, "wb")
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    pose(package)
    try:
        code = importlib.import_module("neurosieve.cli").main(sys.argv[1:])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    finish(code)


def stream(old: TextIO, mode: str) -> io.TextIOWrapper:
    """A standard stream with the settings of `old`, but for the file that is behind it now."""
    assert isinstance(old, io.TextIOWrapper)
    fd, direct = old.fileno(), old.write_through
    raw = os.fdopen(fd, mode, buffering=0 if direct and mode == "wb" else -1, closefd=False)
    newline, lines = None if mode == "rb" else "\n", not direct and (fd == 2 or os.isatty(fd))
    return io.TextIOWrapper(raw, old.encoding, old.errors, newline, lines, direct)


def pose(package: str | None) -> None:
    """Make the process look freshly started: its main module, and what was drawn or cached before the fork."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__, main.__package__ = sys.argv[0], package
    if package:  # read by click for its usage line, by multiprocessing for its children
        main.__spec__ = importlib.util.find_spec(f"{package}.__main__")
    tempfile.tempdir = None
    time.tzset()
    if "numpy" in sys.modules:  # fresh entropy, as its import takes: unseeded jobs must not all draw alike
        sys.modules["numpy"].random.seed()
    gc.enable()


def finish(code: int | None) -> NoReturn:
    """Leave as the interpreter does: threads joined, exit functions called, streams flushed."""
    try:
        threading._shutdown()  # pyrefly: ignore
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        code = code or 120  # the interpreter's own code for output that could not be written
    os._exit((code or 0) & 0xFF)


def say(conn: socket.socket, answer: str) -> None:
    """Send to a client that may be gone; that shows as a closed connection later."""
    with suppress(OSError):
        conn.send(answer.encode())


def peer(conn: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end."""
    return struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))


def running(process: int) -> bool:
    """Whether a worker has not ended; it is not reaped."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def inode(path: str) -> int:
    """The inode at `path`, 0 where there is none."""
    with suppress(OSError):
        return os.stat(path).st_ino
    return 0


def settle() -> None:
    """Ready for the forks. All here could be done by each worker, but touching so much memory copies it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "neurosieve"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()
    # What packages registered for their exit concerns the server; three exit functions serve jobs as well.
    for registered in weakref.finalize._registry:  # pyrefly: ignore
        registered.atexit = False
    atexit._clear()
    atexit.register(logging.shutdown)
    atexit.register(multiprocessing.util._exit_function)  # pyrefly: ignore
    atexit.register(weakref.finalize._exitfunc)  # pyrefly: ignore
    gc.collect()
    gc.disable()
    fill()
    gc.freeze()


def fill() -> None:
    """Take the free blocks that lie scattered over the heap, so that workers allocate in pages of their own.

    A worker that writes into a page of the server's copies it, all of it for one small object.
    """
    FILLED.append([object() for _ in range(4000)])
    FILLED.append([float(number) for number in range(4000)])
    sizes = {size: 12_000 if size <= 80 else 1000 for size in range(48, 513, 16)}  # CPython's small blocks
    FILLED.extend([bytes(size - bytes.__basicsize__) for _ in range(count)] for size, count in sizes.items())


def serve(path: str) -> None:
    """Import the packages and serve at `path` until idle; does nothing where another server has the lock."""
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGCHLD, *ENDING):
        signal.signal(number, lambda *_: None)  # only so that they wake the loop
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if inode(f"{path}.lock") != os.fstat(lock).st_ino:
        return  # a leaving server has just removed this lock
    with suppress(FileNotFoundError):
        os.unlink(path)  # a dead server's
    server = Server(path, lock)
    for name in os.environ.get("NEUROSIEVE_WARM_PRELOAD", PRELOAD).split():
        with suppress(Exception):  # absent or broken: a job that wants it will say so
            importlib.import_module(name)
    with suppress(Exception):  # most of pydantic is loaded with the first model
        importlib.import_module("pydantic").create_model("First", field=(int, 0))
    if "numba" in sys.modules:  # it fills its tables when the first compiled function is loaded
        with suppress(Exception):
            target = importlib.import_module("numba.core.registry").cpu_target
            target.typing_context.refresh()
            target.target_context.refresh()
    settle()
    server.loop(float(os.environ.get("NEUROSIEVE_WARM_IDLE", "60")))
    for fd, name in ((2, "log"), (lock, "lock")):  # a log that says something stays
        if inode(f"{path}.{name}") == os.fstat(fd).st_ino and os.fstat(fd).st_size == 0:
            os.unlink(f"{path}.{name}")


if __name__ == "__main__":
    serve(sys.argv[1])
