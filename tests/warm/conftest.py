import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.warm.place import Place, until


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
