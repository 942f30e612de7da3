"""What a job sees and says through the warm start is what it sees and says in a cold process."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.warm.place import SECONDS, Place, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every job runs cold")


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


def test_two_clients_run_side_by_side(place: Place) -> None:
    with ThreadPoolExecutor(2) as pool:  # also two first clients: one server
        jobs = [pool.submit(place.run, "meet", place.folder, *pair) for pair in (("a", "b"), ("b", "a"))]
        assert [job.result()[0] for job in jobs] == [0, 0]
    until(lambda: place.servers() == [place.server()])


def test_the_client_imports_nothing_heavy(place: Place) -> None:
    code, _, err = place.run("leave", 0, environ={"PYTHONPROFILEIMPORTTIME": "1"})
    names = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    ours = {name for name in names if name.partition(".")[0] == "neurosieve"}
    assert code == 0
    assert ours <= {"neurosieve", "neurosieve.warm", "neurosieve.errors", "neurosieve.cli"}
    assert not {"numpy", "torch", "polars", "click", "pydantic", "importlib.metadata"} & names
    assert "_socket" in names


def test_off_by_its_variable(place: Place) -> None:
    assert place.run("parent", environ={"NEUROSIEVE_WARM": "0"})[1] == f"{os.getpid()}\n"
    assert place.servers() == []
    assert list(place.runtime.iterdir()) == []
    assert place.warm("status", NEUROSIEVE_WARM="0")[0] == 1


def test_interpreter_options_run_cold(place: Place) -> None:
    command = [sys.executable, "-O", "-m", "neurosieve", "train", "leave", "6"]
    assert subprocess.run(command, env=place.environ, timeout=SECONDS).returncode == 6
    assert place.servers() == []


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
