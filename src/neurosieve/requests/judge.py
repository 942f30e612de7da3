"""Decides of each node of the store, inputs first, whether it is affected by a request, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow.parquet as pq

from neurosieve.artifacts.data import Part, read_selection
from neurosieve.artifacts.dataset import SOURCES, Dataset, Split, read_dataset
from neurosieve.artifacts.requested import MATCHES, Asked, Match, names_of, rows_named
from neurosieve.artifacts.shards import place_of
from neurosieve.artifacts.tags import known_key, tag
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.requests.found import Found, Named, Reason, named_by_tags
from neurosieve.requests.reads import Code, How, Read, reads

VERBS: dict[How, str] = {
    "learned": "learned from",
    "chosen": "chosen by",
    "computed": "computed from",
    "measured": "measured on",
}
ITEMS = "items.parquet"


@dataclass
class Judge:
    """One request against nodes that come inputs first; `decide` writes each node's reasons into it."""

    project: Project
    asked: Asked
    only: frozenset[str]
    nodes: Mapping[str, Found]
    code: Code
    named: dict[str, Named] = field(default_factory=dict)
    _constants: dict[str, Reason] = field(default_factory=dict)
    """Key of a dataset -> what its consumers share: constants that were, or may have been, computed from the rows."""
    _asked: set[str] = field(default_factory=set)
    """Keys of datasets that the request's ids belong to."""
    _chosen: dict[str, Mapping[str, np.ndarray] | None] = field(default_factory=dict)
    _tags: dict[str, str] = field(default_factory=dict)

    def decide(self, node: Found) -> None:
        """Add the node's reasons, if there are any."""
        decides = {"dataset": self._dataset, "selection": self._selection, "metrics": self._metrics}
        for reason in decides.get(node.kind, self._made)(node):
            node.add(reason)
        before = self.nodes.get(node.inputs.get("model", ""))
        if not node.answered and before is not None and before.answered:
            clean = {key for key in node.inputs.values() if (one := self.nodes.get(key)) and one.answered}
            node.answered = all(one.constants or one.via in clean for one in node.reasons)

    # -- rows that are kept ---------------------------------------------------------------------------------------

    def _dataset(self, node: Found) -> Iterator[Reason]:
        of = node.inputs.get("of")
        parent = self.named.get(of) if of else None
        folder = self.project.store.path(node.folder)
        key = self._key if node.gone else b""  # a lost key is no fault of the dataset
        try:
            if node.gone:
                named = named_by_tags(folder, self.asked, key)
                if named is not None and self.only and named.name not in self.only:
                    named = replace(named, rows={}, names={}, ids=frozenset())
            else:
                data = read_dataset(folder, hidden=True)
                hides = of is not None and self._hides(data, of, parent)
                if not self.only or data.info.name in self.only or of in self._asked:
                    self._asked.add(node.key)
                named = None if hides else self._match(data, node.key in self._asked)
        except UserError:
            yield Reason("unknown", "its rows cannot be read")
            return
        if named is None:
            yield Reason("unknown", "it does not say whose, or of what, its rows are", via=of)
            return
        self.named[node.key] = named
        if named.count and not node.gone:
            yield Reason("holds", f"holds {told(named.rows)}", named.count)
        yield from self._scaled(node, named, of)

    def _scaled(self, node: Found, named: Named, of: str | None) -> Iterator[Reason]:
        """Constants of a dataset that were, or may have been, computed from the rows; those of its parent too."""
        if named.fitted is None and named.count:
            what = f"{named.name} does not say which rows its constants (mean, ranges, …) were computed from"
            self._constants[node.key] = Reason("unknown", what, named.count, node.key, constants=True)
        elif fitted := {name: named.rows[name] for name in named.fitted or () if name in named.rows}:
            what = f"constants of {named.name} were computed from {told(fitted)}"
            self._constants[node.key] = Reason("computed", what, _count(fitted), node.key, constants=True)
            yield Reason("computed", f"its constants were computed from {told(fitted)}", _count(fitted))
        if of and of not in self.named:
            what = "made of a dataset that is not in this store, or cannot be read"
            self._constants[of] = Reason("unknown", what, 0, of, constants=True)
        if of in self._constants:
            inherited = self._constants[of]
            self._constants.setdefault(node.key, replace(inherited, via=node.key))
            yield replace(inherited, via=of)

    def _match(self, data: Dataset, wanted: bool) -> Named | None:
        """What the request names in a dataset; None where the dataset cannot say."""
        info, rows = data.info, {}
        if wanted and self.asked.match == "subject" and info.subject is None:
            if info.origin == "real":
                return None
        elif wanted:
            rows = rows_named(data, self.asked.match, self.asked.ids)
        known: list[Match] = [match for match in MATCHES if match == "sample_id" or info.subject is not None]
        names = {
            match: {name: names_of(data.splits[name], match, at) for name, at in rows.items()} for match in known
        }  # fmt: skip
        found = {text for lists in names.get(self.asked.match, {}).values() for texts in lists for text in texts}
        own = {name: data.splits[name].ids[at].tolist() for name, at in rows.items()}
        return Named(
            info.name, tuple(data.splits), info.fitted, rows, own, names, frozenset(found & set(self.asked.ids))
        )

    def _hides(self, data: Dataset, of: str, parent: Named | None) -> bool:
        """Whether a dataset made of another hides what its rows were made of, where that could be a row named there."""
        if parent is None:
            return all(SOURCES not in split for split in data.splits.values())
        if not parent.count:
            return False
        if self.asked.match == "subject":
            return data.info.subject is None
        if any(SOURCES in split for split in data.splits.values()):
            return False
        before = read_dataset(self.project.store.path(self.nodes[of].folder), hidden=True)
        return not set(_ids(data)) <= set(_ids(before))

    def _selection(self, node: Found) -> Iterator[Reason]:
        of = node.inputs.get("of", "")
        if (named := self.named.get(of)) is None:
            yield Reason("unknown", "the dataset it chose from is not in this store, or cannot be read", via=of or None)
            return
        chosen = self._rows_of(node.key)
        if chosen is None:
            yield Reason("unknown", "it cannot be read", via=of)
        elif held := _common(named.rows, chosen):
            yield Reason("holds", f"lists {told(held)}", _count(held), of)

    def _rows_of(self, key: str) -> Mapping[str, np.ndarray] | None:
        """Rows that a selection chose; None where it is not here or cannot be read."""
        if key not in self._chosen:
            try:
                folder = self.project.store.path(self.nodes[key].folder)
                self._chosen[key] = read_selection(folder).rows
            except Exception:  # a damaged file fails in polars in many ways, and none of them says what it chose
                self._chosen[key] = None
        return self._chosen[key]

    # -- what is made of them -------------------------------------------------------------------------------------

    def _made(self, node: Found) -> Iterator[Reason]:
        """A model or an export: rows that it read, constants of its data, and what it was made of."""
        data = node.inputs.get("data")
        if data is not None and (named := self.named.get(data)) is not None:
            if asked := reads(node.stage, node.recipe, named.splits, self.code):
                yield from self._read(node, data, named, asked)
                if constants := self._constants.get(data):
                    yield constants
        elif data is not None:
            yield Reason("unknown", "the dataset it read is not in this store, or cannot be read", via=data)
        for role, key in node.inputs.items():
            if role in ("data", "selection"):
                continue
            before = self.nodes.get(key)
            if before is None:
                yield Reason("unknown", f"what it was made of ({role}) is not in this store", via=key)
            elif before.affected:
                yield _passed_on(before, role)

    def _read(self, node: Found, data: str, named: Named, asked: list[Read]) -> Iterator[Reason]:
        rows = self._handed(node, named)
        chosen = self._rows_of(node.inputs["selection"]) if "selection" in node.inputs else {}
        if node.recipe.get("kind") == "unlearn" and chosen:
            trained = {name: at for name, at in named.rows.items() if name == "train"}
            node.forgotten = _count(_common(trained, chosen))
            node.answered = 0 < node.forgotten == _count(trained)
        by_how: dict[How, dict[str, np.ndarray]] = {}
        for read in asked:
            if len(found := _part(rows, chosen, read)):
                at = by_how.setdefault("unknown" if chosen is None and read.part != "all" else read.how, {})
                at[read.split] = np.union1d(at.get(read.split, np.empty(0, int)), found)
        for how, found in by_how.items():
            what = f"{VERBS[how]} {told(found)}" if how in VERBS else f"its selection of {told(found)} cannot be read"
            yield Reason(how, what, _count(found), data)

    def _handed(self, node: Found, named: Named) -> dict[str, np.ndarray]:
        """Rows of the request that the node's job was handed at all: not those left out by tag or of other shards."""
        left, shard = node.recipe.get("without", {}), node.recipe.get("shard")
        kept: dict[str, np.ndarray] = {}
        for name, rows in named.rows.items():
            keep = np.ones(len(rows), dtype=bool)
            for match, tags in left.items():
                gone = set(tags)
                names = named.names.get(match, {}).get(name, [[] for _ in rows])
                keep &= [
                    not any((text if named.tagged else self._tag(text)) in gone for text in texts) for texts in names
                ]
            if shard and not named.tagged:
                by = named.own[name] if shard["by"] == "sample_id" else [one[0] for one in named.names["subject"][name]]
                places = [place_of(node.recipe["seed"], text, shard["count"], shard["slices"]) for text in by]
                keep &= [place == shard["index"] and piece <= shard["slice"] for place, piece in places]
            kept[name] = rows[keep]
        return {name: rows for name, rows in kept.items() if len(rows)}

    def _tag(self, text: str) -> str:
        if text not in self._tags:
            self._tags[text] = tag(self._key, text)
        return self._tags[text]

    @cached_property
    def _key(self) -> bytes:
        """The key, asked for only where the store holds tags. Raises UserError: without it they cannot be told."""
        return known_key(self.project.root)

    # -- what measures them ---------------------------------------------------------------------------------------

    def _metrics(self, node: Found) -> Iterator[Reason]:
        data = node.inputs.get("data", "")
        if ITEMS in node.files and (held := self._items(node)):
            yield Reason("holds", f"{ITEMS} names {held} of them", held)
        if (named := self.named.get(data)) and named.count:
            yield Reason("measured", f"measured on {told(named.rows)}", named.count, data)
        cells = [key for cell in json.loads(node.recipe.get("cells", "[]")) for key in cell[3:]]
        for key in dict.fromkeys([*node.inputs.values(), *cells, *node.recipe.get("studywide", [])]):
            if key != data and (before := self.nodes.get(key)) and before.kind != "selection" and before.how:
                yield Reason("measured", f"measures {before.folder}", via=key)
                return

    def _items(self, node: Found) -> int:
        """How many rows of a node's items are called as an id of the request."""
        try:
            column = pq.read_table(self.project.store.path(node.folder) / ITEMS, columns=["item"])["item"]
        except (OSError, ValueError, KeyError):
            return 1
        ids = set(self.asked.ids)
        return sum(text in ids for text in column.to_pylist())


def _passed_on(before: Found, role: str) -> Reason:
    """Why what is made of an affected node is affected; through constants alone if that node is."""
    if before.how is not None and all(reason.constants for reason in before.reasons):
        return Reason(before.how, f"made of {before.folder}: {before.reasons[0].what}", via=before.key, constants=True)
    beside = role.startswith("with.") and before.recipe.get("kind") == "analysis"
    return Reason("computed" if beside else "learned", f"made of {before.folder}", via=before.key)


def told(rows: Mapping[str, np.ndarray]) -> str:
    """`5 rows (train 4, test 1)`."""
    count = _count(rows)
    return f"{count} row{'s' if count != 1 else ''} ({', '.join(f'{n} {len(at)}' for n, at in rows.items())})"


def _part(rows: Mapping[str, np.ndarray], chosen: Mapping[str, np.ndarray] | None, read: Read) -> np.ndarray:
    """Those of the request's rows that belong to the part; all of them where the selection is not known."""
    part: Part = read.part
    own = rows.get(read.split, np.empty(0, dtype=int))
    if part == "all" or chosen is None:
        return own
    inside = np.isin(own, chosen.get(read.split, np.empty(0, dtype=int)))
    return own[inside if part == "forget" else ~inside]


def _common(rows: Mapping[str, np.ndarray], chosen: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = {name: np.intersect1d(rows[name], chosen[name]) for name in rows if name in chosen}
    return {name: at for name, at in found.items() if len(at)}


def _count(rows: Mapping[str, np.ndarray]) -> int:
    return sum(map(len, rows.values()))


def _ids(data: Dataset) -> Iterator[str]:
    for split in data.splits.values():
        yield from _own(split)


def _own(split: Split) -> list[str]:
    return split.ids.tolist()
