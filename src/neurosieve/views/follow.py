"""A job's log while it is being written: `neurosieve log NODE --follow`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from neurosieve.errors import killed
from neurosieve.plan.nodes import Node
from neurosieve.plan.project import Project
from neurosieve.views.browse import find_node

PAUSE = 0.3
"""Seconds between two looks."""


def follow(project: Project, address: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """What the log of a node's job holds and what is added to it, until the job ends or, if none runs yet, has run.

    Raises UserError when there is no such node.
    """
    _, node = find_node(project, address)
    store, seen = project.store, False
    log = _Growing(store.log(node.folder))
    if not log.path.exists() and not store.exists(node.folder):
        print(f"waiting for the job of {node.title} ({node.name}-{node.key})", file=sys.stderr)
    while True:
        working = store.working(node.key)
        seen = seen or working
        ended = not working and (seen or store.exists(node.folder) or store.failure(node.key).read() is not None)
        ended = ended or node.key in store.abandoned()
        yield from log.added()
        if ended:
            sleep(PAUSE)  # the last words of a job come after its scratch directory went
            yield from log.added()
            yield from _last_word(project, node, log.text)
            return
        sleep(PAUSE)


def _last_word(project: Project, node: Node, text: str) -> Iterator[str]:
    if node.key in project.store.abandoned() and not project.store.exists(node.folder):
        told = killed(node.stage)
        yield "" if told in text else f"neurosieve: error: {told}\n"


class _Growing:
    """A file that grows, or begins anew with another job; what was read of it last is in `text`."""

    def __init__(self, path: Path) -> None:
        self.path, self.place, self.text = path, 0, ""

    def added(self) -> Iterator[str]:
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) < self.place:
                    self.place, self.text = 0, ""
                file.seek(self.place)
                new = file.read()
        except OSError:
            return
        new = new[: new.rfind(b"\n") + 1] or (new if len(new) > 4096 else b"")  # whole lines
        self.place += len(new)
        if new:
            self.text += new.decode(errors="replace")
            yield new.decode(errors="replace")
