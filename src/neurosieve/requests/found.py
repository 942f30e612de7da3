"""Nodes of the store as a request sees them: what is read of each, and what is found out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.dataset import DatasetInfo
from neurosieve.artifacts.erased import read_tags
from neurosieve.artifacts.requested import MATCHES, Asked, Match
from neurosieve.artifacts.store import PROVENANCE, Store
from neurosieve.artifacts.tags import tag
from neurosieve.errors import UserError
from neurosieve.requests.reads import HOW, How

KEPT = ("component", "inputs", "rows", "kind", "choose", "seed", "shard", "without", "cells", "studywide")
"""Parts of a recipe that the rule reads; 20,000 whole ones would take a gigabyte."""
KINDS = {"train": "model", "intervene": "model", "export": "export", "evaluate": "metrics", "verdict": "metrics"}


@dataclass(frozen=True)
class Reason:
    """Why a node is affected, or that it was only measured: `rows` of the request's through the input `via` (a key)."""

    how: How
    what: str
    rows: int = 0
    via: str | None = None
    constants: bool = False
    """Through constants that its data were scaled or encoded by."""


@dataclass
class Found:
    """A node of the store; `forgotten` counts rows of the request that its step was told to forget, `erased` are files
    that an earlier request deleted.

    `answered` says that the node is a step that was told to forget all those rows, or was made of one and of nothing
    else that read them since. `reasons` are the gravest first, of equal ones what it was made of before what it read.
    """

    key: str
    folder: str
    stage: str
    recipe: Mapping[str, Any]
    files: tuple[str, ...] = ()
    reasons: list[Reason] = field(default_factory=list)
    forgotten: int = 0
    erased: tuple[str, ...] = ()
    answered: bool = False

    @property
    def kind(self) -> str:
        """`dataset`, `selection`, `model`, `export` or `metrics`."""
        if self.stage == "prepare":
            return "selection" if self.use.startswith("datasets.selection.") else "dataset"
        return KINDS.get(self.stage, "unknown")

    @property
    def use(self) -> str:
        return str(self.recipe.get("component", {}).get("use", ""))

    @property
    def inputs(self) -> Mapping[str, str]:
        return self.recipe.get("inputs", {})

    @property
    def how(self) -> How | None:
        """The gravest descent; None where the node has nothing to do with the rows."""
        return self.reasons[0].how if self.reasons else None

    @property
    def gone(self) -> bool:
        """Whether its content was erased; of metrics only rows of their own ever are."""
        return bool(self.erased) and self.kind != "metrics"

    @property
    def affected(self) -> bool:
        return self.how not in (None, "measured")

    def add(self, reason: Reason) -> None:
        self.reasons = sorted([*self.reasons, reason], key=lambda one: (list(HOW).index(one.how), one.rows > 0))


@dataclass(frozen=True)
class Named:
    """What a request names in one dataset: row numbers by split, and of each row what it may be told by.

    `own` are the rows' sample ids, `names` by match the ids that a request (or `without`) could name them by, `ids`
    those of the request that were found. `fitted` are the splits that constants were computed from, None: not said.
    """

    name: str
    splits: tuple[str, ...]
    fitted: tuple[str, ...] | None
    rows: Mapping[str, np.ndarray]
    own: Mapping[str, list[str]]
    names: Mapping[Match, Mapping[str, list[list[str]]]]
    ids: frozenset[str]
    tagged: bool = False
    """Of an erased dataset: `names` are tags, and `own` is not known."""

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))


def named_by_tags(folder: Path, asked: Asked, key: bytes) -> Named | None:
    """What a request names in an erased dataset, by the tags that it kept; None where that cannot be told."""
    kept = read_tags(folder)
    try:
        info = DatasetInfo.model_validate_json((folder / "dataset.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}/dataset.json cannot be read: {error}") from None
    if kept is None or (asked.match == "subject" and info.subject is None and info.origin == "real"):
        return None
    texts = {tag(key, text): text for text in asked.ids}
    hits = kept.filter((pl.col("match") == asked.match) & pl.col("tag").is_in(list(texts)))
    places = hits.select("split", "row").unique().sort("split", "row")
    rows = {str(name): at["row"].to_numpy() for (name,), at in places.group_by("split", maintain_order=True)}
    tags = kept.join(places, on=["split", "row"]).group_by("split", "row", "match").agg("tag")
    told = {(split, row, match): found for split, row, match, found in tags.iter_rows()}
    names: dict[Match, Mapping[str, list[list[str]]]] = {
        match: {name: [told.get((name, row, match), []) for row in at.tolist()] for name, at in rows.items()}
        for match in MATCHES
    }
    ids = frozenset(texts[one] for one in hits["tag"])
    return Named(info.name, tuple(info.counts), info.fitted, rows, {}, names, ids, tagged=True)


def read_store(store: Store) -> tuple[dict[str, Found], list[str]]:
    """Every complete node by key, each provenance read once; folders whose record cannot be read."""
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda folder: _read_record(store.path(folder)), folders := sorted(store.present())))
    lost = [folder for folder, node in zip(folders, read, strict=True) if node is None]
    return {node.key: node for node in read if node is not None}, lost


def _read_record(path: Path) -> Found | None:
    try:
        record = json.loads((path / PROVENANCE).read_bytes())
        recipe = {name: record["recipe"][name] for name in KEPT if name in record["recipe"]}
        if "component" in recipe:
            recipe["component"] = {name: recipe["component"][name] for name in ("use", "code")}
        files, gone = tuple(record["files"]), tuple(record.get("erased", {}).get("files", ()))
        return Found(record["key"], f"{path.parent.name}/{path.name}", record["stage"], recipe, files, erased=gone)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def inputs_of(node: Found) -> Iterator[str]:
    """Keys that a node was made of; a verdict has those of the metrics that it collects."""
    yield from node.inputs.values()
    for cell in json.loads(node.recipe.get("cells", "[]")):
        yield from cell[3:]
    yield from node.recipe.get("studywide", [])


def in_order(nodes: Mapping[str, Found]) -> Iterator[str]:
    """Keys, inputs before what is made of them; without recursion, for a chain of requests may be long."""
    done: set[str] = set()
    for start in nodes:
        waiting = [start]
        while waiting:
            key = waiting[-1]
            first = [one for one in inputs_of(nodes[key]) if one in nodes and one not in done]
            if first and key not in done:
                waiting += first
                continue
            waiting.pop()
            if key not in done:
                done.add(key)
                yield key
