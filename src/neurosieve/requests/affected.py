"""The answer to a request: what in this store learned from its rows, and what did not, as text and as JSON.

Ids are printed to the terminal of the person who holds the file, and only where they are in no dataset; JSON, which is
likely to be kept, has their lines in the file instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from neurosieve.artifacts.requested import read_asked
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.requests.descent import Descent, descent, refuse_unknown
from neurosieve.requests.found import Found
from neurosieve.requests.judge import told
from neurosieve.requests.reads import HOW

GROUPS = {"datasets": ("dataset", "selection"), "models": ("model",), "exports": ("export",), "items": ("metrics",)}
"""Heading -> kinds of nodes below it."""


def answer(project: Project, file: Path, only: Collection[str] = ()) -> Answer:
    """Who learned from the rows that a file names. Raises UserError when no dataset in the store has any of its ids."""
    asked = read_asked(file)
    found = descent(project, asked, only)
    refuse_unknown(found, only)
    if len(found.missing) == len(asked.ids) and not found.of("dataset"):
        where = f"dataset {' or '.join(sorted(only))}" if only else "any dataset of this store"
        which = asked.told(found.missing, say_ids=True)
        raise UserError(f"{file}: {len(asked.ids)} of {len(asked.ids)} ids not in {where}: {which}")
    return Answer(found)


class Answer:
    """Lines for a terminal, and the same as a mapping for JSON."""

    def __init__(self, found: Descent) -> None:
        self.found, self.asked = found, found.asked

    def lines(self) -> Iterator[str]:
        """The whole answer."""
        found, asked = self.found, self.asked
        rows = Counter(f"{named.name}: {told(named.rows)}" for named in found.named.values() if named.count)
        many = f"{len(asked.ids)} {'subject' if asked.match == 'subject' else 'sample id'}{'s' * (len(asked.ids) > 1)}"
        yield f"{asked.reference}: {many}; {_each(rows) or 'no row of any dataset here'}"
        if found.missing:
            which = asked.told(found.missing, say_ids=True)
            yield f"{len(found.missing)} of {len(asked.ids)} ids not in any dataset of this store: {which}"
        for heading, kinds in GROUPS.items():
            nodes = found.of(*kinds)
            if nodes or heading != "items":
                yield f"{heading}: {len(nodes) or 'none'} affected"
            for node in nodes:
                yield from self._node(node)
        measured = found.of("metrics", affected=None)
        yield f"only measured on the rows, or on what they affect: {len(measured) or 'no'} nodes of metrics"
        spared = found.of("dataset", "model", "export", affected=False)
        yield f"not affected: {len(spared) or 'none'}"
        yield from (f"  {self._called(node)}" for node in spared)
        if erased := [node for node in found.nodes.values() if node.gone]:
            yield f"erased before: {len(erased)}"
        yield from (f"cannot be read, so nothing is known of it: {folder}" for folder in found.lost)
        yield f"of this store only ({len(found.nodes)} nodes): copies elsewhere are beyond it"

    def _node(self, node: Found) -> Iterator[str]:
        first, *others = node.reasons
        forgot = f"; its step was told to forget {node.forgotten} of them" if node.forgotten else ""
        yield f"  {self._called(node)}: {'unknown: ' * (first.how == 'unknown')}{first.what}{forgot}"
        keys = self.found.chain(node.key)
        if len(keys) > 2:
            yield f"    through {' › '.join(self._short(key) for key in keys)}"
        if more := dict.fromkeys(one.what for one in others if one.how != "unknown"):
            yield f"    also {'; '.join(more)}"

    def _called(self, node: Found) -> str:
        """`study/variant/seed` where a configured plan knows it, and the node's folder."""
        names = self.addresses.get(node.key, [])
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        return f"{', '.join(names[:2])}{more} ({node.folder})" if names else node.folder

    def _short(self, key: str) -> str:
        names = self.addresses.get(key)
        node = self.found.nodes.get(key)
        return names[0] if names else node.folder.partition("/")[2] if node else f"{key} (not here)"

    @cached_property
    def addresses(self) -> dict[str, list[str]]:
        """Key -> `study/variant/seed[/target]` by the plans of the configured studies; those that fail have none."""
        found: dict[str, list[str]] = {}
        for slug, plan in _plans(self.found.project):
            for cell in plan.cells:
                name = f"{slug}/{cell.variant}/{'any' if cell.seed is None else cell.seed}"
                key = cell.export or cell.model
                name += f"/{cell.target}" if cell.export else ""
                if name not in found.setdefault(key, []):
                    found[key].append(name)
        return found

    def json(self) -> dict[str, Any]:
        """The answer for programs, without any id."""
        found, asked = self.found, self.asked
        return {
            "request": {
                "reference": asked.reference,
                "match": asked.match,
                "ids": len(asked.ids),
                "missing_lines": [n for n, text in zip(asked.lines, asked.ids, strict=True) if text in found.missing],
                "rows": {
                    found.nodes[key].folder: {name: len(rows) for name, rows in named.rows.items()}
                    for key, named in found.named.items()
                    if named.count
                },
            },
            "affected": {heading: [self._entry(n) for n in found.of(*kinds)] for heading, kinds in GROUPS.items()},
            "measured": [node.folder for node in found.of("metrics", affected=None)],
            "not_affected": {
                heading: [self._entry(node) for node in found.of(*kinds, affected=False)]
                for heading, kinds in GROUPS.items()
                if heading != "items"
            },
            "erased": [node.folder for node in found.nodes.values() if node.gone],
            "unreadable": found.lost,
            "meaning": dict(HOW),
            "scope": "of this store only",
            "nodes": len(found.nodes),
        }

    def _entry(self, node: Found) -> dict[str, Any]:
        entry: dict[str, Any] = {"node": node.folder, "kind": node.kind, "addresses": self.addresses.get(node.key, [])}
        if not node.reasons:
            return entry
        chain = [self.found.nodes[key].folder if key in self.found.nodes else key for key in self.found.chain(node.key)]
        reasons = [{"how": one.how, "what": one.what, "rows": one.rows, "through": one.via} for one in node.reasons]
        return {**entry, "how": node.how, "reasons": reasons, "chain": chain, "told_to_forget": node.forgotten}


def _each(rows: Counter[str]) -> str:
    """`glyph100: 3 rows (train 3) in each of 6 datasets; …`."""
    return "; ".join(f"{text} in each of {n} datasets" if n > 1 else text for text, n in rows.items())


def _plans(project: Project) -> Iterator[tuple[str, Any]]:
    """The plans of configured studies that can be planned: a mistake in one must not hide what the store holds."""
    for slug in project.studies:
        try:
            yield slug, project.plan(slug)
        except UserError:
            continue
