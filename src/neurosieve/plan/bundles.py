"""Slices: the short nodes to do, cut so that one cluster job computes many and no two jobs wait for each other.

A study's missing nodes make an acyclic graph. Nodes that ask for much stay alone. The others are put together where an
edge joins them and where both belong to the same studies and lie behind the same number of lone nodes. Along an edge
the set of studies never grows and the number of lone nodes never falls, so no way leads out of such a part and back:
the parts, as boxes, are acyclic again. A part that asks for more than one job may is cut: its roots first, then each
connected rest; rests that are small share a job, as no edge leads from one to another.

A run writes its slices down before its first job: by then some nodes are there, and a worker would cut otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosieve.errors import UserError
from neurosieve.plan.nodes import Node, StudyPlan, key_of


@dataclass(frozen=True)
class Slice:
    """Keys of at least two nodes of one study, needs first; `id` is theirs and this run's alone."""

    id: str
    study: str
    keys: tuple[str, ...]


def slices(
    plans: Mapping[str, StudyPlan], missing: Mapping[str, Sequence[str]], minutes: float, run: str
) -> list[Slice]:
    """Slices of what is missing, each of at most so many minutes by what its nodes ask for.

    A node that asks for more than half of that, for a gpu or for more than one thread is in no slice, nor is one that
    looks at a whole study: it would make all of its study one part. A slice of one node is no slice either.
    """
    studies: dict[str, list[str]] = {}
    for study, keys in missing.items():
        for key in keys:
            studies.setdefault(key, []).append(study)
    found = []
    for study, plan in plans.items():
        own = [plan.nodes[key] for key in missing[study] if studies[key][0] == study]
        alone = {node.key for node in own if _lone(plan, node, minutes)}
        parts = partition(own, alone, lambda node: tuple(studies[node.key]), minutes)
        found += [Slice(key_of({"keys": keys, "run": run}), study, tuple(keys)) for keys in parts if len(keys) > 1]
    return found


def _lone(plan: StudyPlan, node: Node, minutes: float) -> bool:
    asks = node.minutes * 2 > minutes or node.gpu > 0 or node.threads > 1
    return asks or node.stage == "verdict" or node.key in plan.studywide


def partition(
    nodes: Sequence[Node], alone: Collection[str], studies: Callable[[Node], tuple[str, ...]], minutes: float
) -> list[list[str]]:
    """Keys of the nodes (given needs first) in parts; keys in `alone` are in none."""
    behind: dict[str, int] = {}
    for node in nodes:
        before = [behind[key] + (key in alone) for key in node.inputs if key in behind]
        behind[node.key] = max(before, default=0)
    levels: dict[tuple[tuple[str, ...], int], list[Node]] = {}
    for node in nodes:
        if node.key not in alone:
            levels.setdefault((studies(node), behind[node.key]), []).append(node)
    parts = [part for level in levels.values() for part in _connected(level)]
    return [[node.key for node in cut] for part in parts for cut in _cut(part, minutes)]


def _connected(nodes: Sequence[Node]) -> list[list[Node]]:
    """Parts that no edge joins, each in the order given."""
    above = {node.key: node.key for node in nodes}

    def top(key: str) -> str:
        while above[key] != key:
            above[key] = key = above[above[key]]
        return key

    for node in nodes:
        for key in node.inputs:
            if key in above:
                above[top(key)] = top(node.key)
    parts: dict[str, list[Node]] = {}
    for node in nodes:
        parts.setdefault(top(node.key), []).append(node)
    return list(parts.values())


def _cut(part: list[Node], minutes: float) -> list[list[Node]]:
    """A connected part in pieces of at most so many minutes: roots, then the connected rests, small ones together."""
    done: list[list[Node]] = []
    open_parts = [part]
    while open_parts:
        part = open_parts.pop()
        if _sum(part) <= minutes:
            done.append(part)
            continue
        inside = {node.key for node in part}
        roots = [node for node in part if not inside.intersection(node.inputs)]
        done += _packed([[node] for node in roots], minutes)
        first = {node.key for node in roots}
        rests = _connected([node for node in part if node.key not in first])
        done += _packed([rest for rest in rests if _sum(rest) <= minutes], minutes)
        open_parts += [rest for rest in rests if _sum(rest) > minutes]
    return done


def _packed(parts: Iterable[list[Node]], minutes: float) -> list[list[Node]]:
    """Parts put together in their order, as long as they fit."""
    packed: list[list[Node]] = []
    room = 0.0
    for part in parts:
        asked = _sum(part)
        if not packed or asked > room:
            packed.append([])
            room = minutes
        packed[-1] += part
        room -= asked
    return packed


def _sum(nodes: Iterable[Node]) -> float:
    return sum(node.minutes for node in nodes)


FILE = "slices.txt"


def write_slices(work: Path, found: Iterable[Slice]) -> None:
    """Write down the slices of a run, whole or not at all: a line `<id> <study> <key> <key> …` each."""
    work.mkdir(parents=True, exist_ok=True)
    temporary = work / f".{FILE}.{os.getpid()}"
    temporary.write_text("".join(f"{piece.id} {piece.study} {' '.join(piece.keys)}\n" for piece in found))
    os.replace(temporary, work / FILE)


def read_slice(work: Path, name: str) -> Slice:
    """The slice of this id. Raises UserError when another run has begun since, or none has."""
    try:
        lines = (work / FILE).read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(f"{name} "):
            _, study, *keys = line.split()
            return Slice(name, study, tuple(keys))
    raise UserError(f"slice {name} belongs to a run that another has replaced; run the same command again")
