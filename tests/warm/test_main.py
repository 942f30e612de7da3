"""`python -m neurosieve.warm`: the state of the server, and its end."""

import os
import sys

import pytest
from tests.warm.place import SECONDS, Place, alive, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every job runs cold")


def test_stop_ends_the_server_and_its_jobs(place: Place) -> None:
    client, processes = place.hang()
    with client:
        code, out = place.warm("stop")
        assert code == 0
        assert "ended" in out
        client.communicate(timeout=SECONDS)
        assert client.returncode == 1
        until(lambda: not any(map(alive, processes)))
    until(lambda: place.servers() == [])
    assert list((place.runtime / "neurosieve").iterdir()) == []
    assert (place.warm("stop")[0], place.warm("status")[0]) == (0, 1)


@pytest.mark.parametrize("runtime", ["", "/no/such/folder", "/" + "x" * 100])
def test_without_a_usable_runtime_folder_there_is_one_under_tmp(place: Place, runtime: str) -> None:
    code, out = place.warm("status", XDG_RUNTIME_DIR=runtime, NEUROSIEVE_WARM_IDLE="1234")
    assert code == 1
    assert out.startswith(f"no server at /tmp/neurosieve-{os.geteuid()}/")
