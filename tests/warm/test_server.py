"""The server and its workers: one environment each, they end when they should and leave nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.warm.place import SECONDS, Place, alive, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every job runs cold")


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


def test_a_second_server_leaves(place: Place) -> None:
    place.run("leave", 0)
    server = place.server()
    path = next(path for path in (place.runtime / "neurosieve").iterdir() if path.is_socket())
    before = path.stat().st_ino
    command = [sys.executable, "-P", place.package / "warm" / "server.py", path]
    second = subprocess.run(command, env=place.environ, capture_output=True, text=True, timeout=SECONDS)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert (place.server(), path.stat().st_ino) == (server, before)


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
