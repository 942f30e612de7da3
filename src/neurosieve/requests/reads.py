"""Which rows of its dataset a node read, and what for: one rule, by a node's recipe alone.

What a job hands to a component is enforced by the job (`rows`, `without`, `shard`, splits that its stage never sees),
so the recipe says it for good. What a component then takes of the data is read from its syntax tree, where the code is
still the one that ran; of other code, and wherever the tree leaves it open, every row that it could see counts as read.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from neurosieve.artifacts.data import Part
from neurosieve.errors import UserError
from neurosieve.plan.components import VERBS, find
from neurosieve.plan.fingerprint import Source

How = Literal["learned", "chosen", "computed", "holds", "unknown", "measured"]
HOW: dict[How, str] = {
    "learned": "weights were fitted to the rows, or to what a model that learned from them says",
    "chosen": "a setting, or the moment to stop, was chosen by them",
    "computed": "importances, thresholds, ranges or normalisation constants were computed from them",
    "holds": "the rows, or what names them, are stored in it",
    "unknown": "nothing in this store tells, so it counts as affected",
    "measured": "it was only measured on them, or measures what they affect",
}
"""What a node did with rows, the gravest first; all but `measured` make it affected."""
TRAIN, VALIDATION = "train", "validation"
PARTS: dict[str, Part] = {"train": "all", "all": "all", "retain": "retain", "forget": "forget"}
"""Attribute of `data` -> the part of the training split that it is."""
HARMLESS = {"info", "selection"}
Taken = frozenset[tuple[str, Part]]
"""Splits and the parts of them that a verb takes of its data."""


@dataclass(frozen=True)
class Read:
    """Rows of a `split` that a node read: the `part` of them under its selection."""

    split: str
    part: Part
    how: How


@dataclass
class Code:
    """What the sources that are here say of components; asked once for each."""

    source: Source
    _taken: dict[tuple[str, str], Taken | None] = field(default_factory=dict)
    _given: dict[str, bool] = field(default_factory=dict)

    def taken(self, component: Mapping[str, Any]) -> Taken | None:
        """Split and part of all that the verb takes of its `data`; None where that cannot be told."""
        known = component["use"], component["code"]
        if known not in self._taken:
            self._taken[known] = self._read(*known)
        return self._taken[known]

    def given(self, component: Mapping[str, Any]) -> bool:
        """Whether a training takes its weights from a file, whatever it is handed; unknown code might."""
        use = component["use"]
        if use not in self._given:
            try:
                self._given[use] = find(self.source, *use.split(".", 1)).given
            except UserError:
                self._given[use] = True
        return self._given[use]

    def _read(self, use: str, code: str) -> Taken | None:
        package = use.partition(".")[0]
        module = f"neurosieve.{use.replace('-', '_')}"
        path = self.source.path(module)
        if path is None or self.source.code(module) != code:
            return None
        tree = ast.parse(path.read_bytes())
        verb = next(one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == VERBS[package])
        return _uses(verb)


def _uses(verb: ast.FunctionDef) -> Taken | None:
    """What a verb takes of its argument `data`; None where it hands `data` on, or takes what is not known here."""
    found: set[tuple[str, Part]] = set()
    attributes = [node for node in ast.walk(verb) if isinstance(node, ast.Attribute) and _is_data(node.value)]
    calls = {id(node.func): node for node in ast.walk(verb) if isinstance(node, ast.Call)}
    if len(attributes) != sum(isinstance(node, ast.Name) and node.id == "data" for node in ast.walk(verb)):
        return None
    for node in attributes:
        if node.attr in PARTS:
            found.add((TRAIN, PARTS[node.attr]))
        elif node.attr == VALIDATION:
            found.add((VALIDATION, "all"))
        elif node.attr in ("part", "split") and (texts := _texts(calls.get(id(node)))):
            part, split = (texts[0], (*texts, TRAIN)[1]) if node.attr == "part" else ("all", texts[0])
            if part not in PARTS:
                return None
            found.add((split, PARTS[part]))
        elif node.attr not in HARMLESS:
            return None
    return frozenset(found)


def _is_data(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "data"


def _texts(call: ast.Call | None) -> tuple[str, ...]:
    """The arguments of a call, if all are texts."""
    if call is None or call.keywords or not all(isinstance(one, ast.Constant) for one in call.args):
        return ()
    return tuple(str(one.value) for one in call.args if isinstance(one, ast.Constant))


def reads(stage: str, recipe: Mapping[str, Any], splits: Collection[str], code: Code) -> list[Read]:
    """What a node read of its dataset, which has these splits. A dataset and a selection have none: they hold rows."""
    if stage == "prepare" or "data" not in recipe["inputs"]:
        return []
    return list({"train": _trained, "intervene": _intervened, "export": _exported}.get(stage, _measured)(
        recipe, splits, code
    ))  # fmt: skip


def _trained(recipe: Mapping[str, Any], splits: Collection[str], code: Code) -> Iterator[Read]:
    """The rows that `rows` names. Other splits may have stopped it or chosen in it; retained ones where it retains.

    Weights from a file were trained elsewhere: on everything but the test rows, as far as is known here.
    """
    given, rows = code.given(recipe["component"]), recipe.get("rows", "all")
    taken = None if given else code.taken(recipe["component"])
    if taken is None or any(split == TRAIN for split, _ in taken):
        yield Read(TRAIN, rows, "learned")
    for split in splits:
        if split not in (TRAIN, "test") and (taken is None or any(one == split for one, _ in taken)):
            yield Read(split, "retain" if rows == "retain" else "all", "chosen")


def _intervened(recipe: Mapping[str, Any], splits: Collection[str], code: Code) -> Iterator[Read]:
    """What the component takes, and the rows that the judge of `choose` was handed."""
    how: How = "computed" if recipe.get("kind") == "analysis" else "learned"
    taken = code.taken(recipe["component"])
    if taken is None:
        yield from (Read(split, "all", how) for split in splits if split != "test")
    else:
        yield from (Read(split, part, how) for split, part in sorted(taken))
    if rule := recipe.get("choose"):
        named = rule["split"] if rule["split"] in splits else TRAIN  # a part such as `forget`, of whichever rows
        yield Read(named, "all" if rule.get("rule", "best") == "best" else "retain", "chosen")


def _exported(recipe: Mapping[str, Any], splits: Collection[str], code: Code) -> Iterator[Read]:
    """Rows to run and to calibrate by, retained ones where there is a selection (`jobs.stages.export`)."""
    part: Part = "retain" if "selection" in recipe["inputs"] else "all"
    yield from (Read(split, part, "computed") for split in splits if split != "test")


def _measured(recipe: Mapping[str, Any], splits: Collection[str], code: Code) -> Iterator[Read]:
    yield from (Read(split, "all", "measured") for split in splits)
