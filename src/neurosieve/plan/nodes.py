"""The plan: every node of a study with the key that names it, made before anything runs.

A key is the hash of a node's recipe: component and parameters, seed, fingerprint of its code, versions of the
packages that code imports, and the keys of its inputs; raw files enter by content. Equal recipes are one node,
whichever variant or study asks for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosieve.plan.study import Resources

STAGES = ("prepare", "train", "intervene", "export", "evaluate", "verdict")


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key_of(recipe: Mapping[str, Any]) -> str:
    """16 hex digits of the SHA-256 of the recipe's canonical JSON."""
    return hashlib.sha256(canonical(recipe).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Node:
    """One box of the DAG. `inputs` are keys by role; `title` says in words what asked for it first."""

    stage: str
    name: str
    key: str
    recipe: Mapping[str, Any]
    inputs: tuple[str, ...]
    title: str
    mem_mb: int = 1000
    minutes: float = 10
    threads: int = 1
    gpu: int = 0
    checkpoint_minutes: float = 5
    paths: Mapping[str, str] = field(default_factory=dict)
    """Raw files by parameter, relative to the project; their content is in the recipe, their path is not."""

    @property
    def folder(self) -> str:
        """Directory below the store: `<stage>/<name>-<key>`."""
        return f"{self.stage}/{self.name}-{self.key}"


@dataclass(frozen=True)
class Cell:
    """One variant's point at one seed on one target: where its model, export and metrics lie.

    `seed` is None where the chain draws nothing (the cell pairs with every seed).
    """

    variant: str
    seed: int | None
    target: str
    model: str
    export: str | None
    metrics: tuple[str, ...]
    replicates: int | None = None


@dataclass
class StudyPlan:
    """All nodes of one study at one scale, its cells, and what its claims need."""

    slug: str
    scale: str
    nodes: dict[str, Node] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    studywide: dict[str, int | None] = field(default_factory=dict)
    """Metrics nodes that look at the whole study -> their seed."""
    verdict: str = ""
    grid: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """What page and verdicts need of the study's file: question, paper, claims, absent, evaluations, figures."""
    lacking: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Targets left out because their runtime is not installed -> `reason` in one line, `variants` (points)."""
    files: dict[str, str] = field(default_factory=dict)
    """Raw files and folders, and files of the user's own code (path below the project) -> SHA-256 when planned."""
    requests: dict[str, str] = field(default_factory=dict)
    """Files of deletion requests (path below the project) -> keyed hash they had when planned."""

    def add(
        self,
        stage: str,
        name: str,
        recipe: Mapping[str, Any],
        inputs: tuple[str, ...],
        title: str,
        asks: Resources,
        paths: Mapping[str, str] | None = None,
    ) -> Node:
        """The node of this recipe, made if it is new."""
        key = key_of({"stage": stage, **recipe})
        if key not in self.nodes:
            self.nodes[key] = Node(
                stage,
                name,
                key,
                recipe,
                inputs,
                title,
                asks.mem_mb,
                asks.minutes,
                asks.threads,
                asks.gpu,
                asks.checkpoint_minutes,
                paths or {},
            )
        return self.nodes[key]

    def with_ancestors(self, key: str) -> Iterator[Node]:
        """The node and everything it needs, each once, needs first."""
        seen: set[str] = set()

        def visit(at: str) -> Iterator[Node]:
            if at not in seen:
                seen.add(at)
                for other in self.nodes[at].inputs:
                    yield from visit(other)
                yield self.nodes[at]

        yield from visit(key)

    def descendants(self, key: str) -> list[Node]:
        """Nodes that need this one, directly or not, in plan order."""
        found = {key}
        for node in self.nodes.values():  # inputs are always planned before what needs them
            if found & set(node.inputs):
                found.add(node.key)
        return [self.nodes[at] for at in found if at != key]

    def address(self, text: str) -> Node:
        """A node by key, `name-key`, or `variant/seed` (a model; `variant/seed/target` an export).

        A variant with one point may be named without its axes. Raises KeyError when nothing or too much fits.
        """
        tail = text.rsplit("-", 1)[-1]
        if tail in self.nodes:
            return self.nodes[tail]
        variant, _, rest = text.removeprefix(f"{self.slug}/").partition("/")
        seed, _, target = rest.removeprefix("seed").partition("/")
        fits = [
            cell
            for cell in self.cells
            if variant in (cell.variant, cell.variant.split("@")[0])
            and cell.target == (target or "native")
            and (cell.seed is None or seed in ("", str(cell.seed)))  # what draws nothing serves every seed
        ]
        if not fits or len({cell.variant for cell in fits}) > 1:
            raise KeyError(text)
        return self.nodes[fits[0].export or fits[0].model]

    def dumps(self) -> bytes:
        """The plan as JSON, without the deep copies of `asdict`."""
        nodes = {key: vars(node) for key, node in self.nodes.items()}
        return json.dumps({**vars(self), "nodes": nodes, "cells": [vars(cell) for cell in self.cells]}).encode()

    @staticmethod
    def loads(text: bytes) -> StudyPlan:
        raw: dict[str, Any] = json.loads(text)
        nodes = {key: _node(fields) for key, fields in raw.pop("nodes").items()}
        cells = [_cell(fields) for fields in raw.pop("cells")]
        return StudyPlan(**raw, nodes=nodes, cells=cells)


def _node(fields: dict[str, Any]) -> Node:
    values: dict[str, Any] = {**fields, "inputs": tuple(fields["inputs"])}
    return Node(**values)


def _cell(fields: dict[str, Any]) -> Cell:
    values: dict[str, Any] = {**fields, "metrics": tuple(fields["metrics"])}
    return Cell(**values)
