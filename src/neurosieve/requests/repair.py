"""The study that repairs what learned from a request's rows: written from the study that shipped it, in descent order.

A model is repaired where its chain begins: at the training, or at the step that answered an earlier request (the first
result). That parent forgets the rows, by a component below `interventions.unlearning`, by training again without them,
or, where it was trained in shards, by training those again that held them; then each child's own step is replayed from
the repaired parent, on rows that stay. Everything before the parent is written as it was: equal recipes, equal nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from neurosieve.errors import UserError
from neurosieve.plan.grid import split_checkpoint
from neurosieve.plan.study import Study, Variant

RETRAINED = "retrained"
IMPORTANCE: dict[str, Any] = {"use": "analysis.importance", "order": "class", "batch": 64}
"""Where the study has none of its own: batches restart at every class."""
SSD: dict[str, Any] = {
    "use": "unlearning.ssd",
    "choose": {
        "among": {"alpha": [1, 3, 10, 30, 100, 1000], "lambda": [0.1, 1]},
        "by": {"metric": "accuracy", "split": "validation", "rule": "strongest-within", "margin": 0.01},
    },
}
"""The strongest dampening that keeps accuracy on retained validation rows within one point, where the study has no rule
of its own; the weakest candidate leaves most networks as they are."""


@dataclass(frozen=True)
class Asked:
    """A request: its reference, its file below the project's folder, and the method (or `retrained`) that answers."""

    reference: str
    file: str
    method: str


@dataclass(frozen=True)
class Repaired:
    """One variant of the new study: what it repairs (empty for what only helps) and how, in words."""

    name: str
    of: str
    how: str


@dataclass
class Repair:
    """Variants of one study, repaired one by one; `affected` are the names of those that learned from the rows."""

    study: Study
    affected: Collection[str]
    asked: Asked
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the new study, in its order."""
    said: list[Repaired] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    """Repaired parent -> the variant it was before."""
    unlearned: set[str] = field(default_factory=set)
    """Repaired parents that are a step of their own, not the parent's training again."""
    _names: dict[tuple[str, str | None], tuple[str, str | None]] = field(default_factory=dict)

    def repaired(self, name: str, checkpoint: str | None = None) -> tuple[str, str | None]:
        """The variant (and checkpoint) of the new study that stands for this one. Raises UserError where none can."""
        if (name, checkpoint) not in self._names:
            self._names[name, checkpoint] = self._repaired(name, checkpoint)
        return self._names[name, checkpoint]

    def _repaired(self, name: str, checkpoint: str | None) -> tuple[str, str | None]:
        variant = self.study.variants[name]
        retrain = self.asked.method == RETRAINED
        if name not in self.affected:
            self._keep(name)
            return name, checkpoint
        if variant.from_ is None:
            if variant.shards or retrain:
                return self._trained_again(name, variant), checkpoint
            return self._unlearned(name, checkpoint, variant), None
        if variant.unlearn and self._own_request(variant):
            if not retrain:
                return self._unlearned(name, checkpoint, variant), None
            return self.repaired(*split_checkpoint(variant.from_))  # its rows are left out from the start
        return self._replayed(name, variant), checkpoint

    def _trained_again(self, name: str, variant: Variant) -> str:
        if variant.train and variant.train.use.startswith("given."):
            raise UserError(
                f"variant '{name}' takes its weights from a file: no training can leave rows out; use --method ssd"
            )
        label = self.label(name)
        how = "the shards that held the rows are trained again" if variant.shards else "trained again without the rows"
        self._keep(name)
        self._add(label, {"base": name, "without": self._without(name)}, name, how)
        self.parents[label] = name
        return label

    def _unlearned(self, name: str, checkpoint: str | None, variant: Variant) -> str:
        """The parent after the request's own step."""
        self._keep(name)
        begun = name if checkpoint is None else f"{name}@{checkpoint}"
        label = self.label(name, checkpoint)
        method = self.asked.method
        step: dict[str, Any] = {"from": begun}
        use: dict[str, Any] = {"use": f"unlearning.{method}"}
        if method == "ssd":
            step["with"] = [self._importance(begun, label, variant)]
            own = (v.unlearn for v in self.study.variants.values() if v.unlearn and v.unlearn.use == SSD["use"])
            use = next((one.model_dump(mode="json", exclude_unset=True) for one in own if one.choose), SSD)
        earlier = self._earlier(name)
        step |= {"unlearn": use, "forget": {"ids_file": self.asked.file}, **({"without": earlier} if earlier else {})}
        self.unlearned.add(label)
        self._add(label, step | _inherited(variant), name, f"forgets the rows by {use['use']}, from {begun}")
        self.parents[label] = name
        return label

    def _importance(self, begun: str, label: str, variant: Variant) -> str:
        """The importance stored of this very model before the first request, else a fresh one on rows that stay."""
        earlier = self._earlier(begun.partition("@")[0])
        for name, other in self.study.variants.items():
            stored = other.analysis is not None and other.analysis.use.startswith(IMPORTANCE["use"])
            if stored and other.from_ == begun and not other.with_ and not earlier:
                self._keep(name)
                return name
        found = (v.analysis for v in self.study.variants.values() if v.analysis and v.analysis.use == IMPORTANCE["use"])
        own = next(found, None)
        use = own.model_dump(mode="json", exclude_none=True) if own else IMPORTANCE
        name = f"importance-{label}"
        step = {"from": begun, "analysis": use, "without": [*earlier, self.asked.file]}
        self._add(name, step | _inherited(variant), "", f"importances of {begun} on rows that stay")
        return name

    def _replayed(self, name: str, variant: Variant) -> str:
        """The variant's own step from its repaired parent, beside what stands for its other parents."""
        label, given = self.label(name), written(variant)
        given["from"] = self._named(str(variant.from_))
        if variant.with_:
            given["with"] = [self._named(other) for other in variant.with_]
        given["without"] = self._without(name)
        self._add(label, given, name, f"{_step(variant)} replayed from {given['from']}")
        return label

    def _named(self, other: str) -> str:
        name, checkpoint = self.repaired(*split_checkpoint(other))
        return name if checkpoint is None else f"{name}@{checkpoint}"

    def reference(self, before: str) -> str | None:
        """A training without the rows to compare with, of what `before` began with; None where a file gives weights."""
        root = before
        while (above := self.study.variants[root].from_) is not None:
            root = split_checkpoint(above)[0]
        train = self.study.variants[root].train
        if train is None or train.use.startswith("given."):
            return None
        name = f"{RETRAINED}-{self.asked.reference}"
        self._keep(root)
        past = {"without": self.past} if self.past else {}
        step = {"base": root, "rows": "retain", "forget": {"ids_file": self.asked.file}, **past}
        self._add(name, step, "", "trained again without the rows, to compare with")
        return name

    def _keep(self, name: str) -> None:
        """Write a variant and all it is made from as they are."""
        if name in self.variants:
            return
        variant = self.study.variants[name]
        for other in ([variant.from_] if variant.from_ else []) + variant.with_:
            self._keep(split_checkpoint(other)[0])
        self.variants[name] = written(variant)

    def _add(self, name: str, variant: dict[str, Any], of: str, how: str) -> None:
        if name in self.study.variants:
            raise UserError(
                f"variant '{name}' exists already: {self.asked.reference} was repaired in this study before"
            )
        self.variants[name] = variant
        self.said.append(Repaired(name, of, how))

    def label(self, name: str, checkpoint: str | None = None) -> str:
        """What a repaired variant is called: the name it had before any request, and this request's reference."""
        for file in self._earlier(name):
            name = name.removesuffix(f"-{reference_of(file)}")
        return "-".join(part for part in (name, checkpoint, self.asked.reference) if part)

    @cached_property
    def past(self) -> list[str]:
        """Files of the requests that the study's shipped variants have answered, first one first."""
        return list(dict.fromkeys(file for name in shipped(self.study) for file in self._earlier(name)))

    def _without(self, name: str) -> list[str]:
        """Requests whose rows a repaired variant must not see: earlier ones, and the new one."""
        return list(dict.fromkeys([*self._earlier(name), *self.past, self.asked.file]))

    def _earlier(self, name: str) -> list[str]:
        """Files of the requests that the variant, or what it is made from, has answered, first one first."""
        variant = self.study.variants[name]
        others = ([variant.from_] if variant.from_ else []) + variant.with_
        found = [file for other in others for file in self._earlier(split_checkpoint(other)[0])]
        found += variant.without
        own = self._own_request(variant)
        found += [own] if own and (variant.unlearn or variant.rows == "retain") else []
        return list(dict.fromkeys(found))

    def _own_request(self, variant: Variant) -> str | None:
        """The file of the request whose rows are the ones to forget of a variant's own step."""
        rule = variant.forget or self.study.forget or {}
        return str(rule["ids_file"]) if "ids_file" in rule else None


def written(variant: Variant) -> dict[str, Any]:
    """A variant as a study's file writes it."""
    return variant.model_dump(mode="json", by_alias=True, exclude_unset=True)


def reference_of(file: str) -> str:
    """`data/requests/R-2026-01.csv` -> `R-2026-01`, as names of variants and studies may hold it."""
    stem = file.rpartition("/")[2].rpartition(".")[0]
    return "".join(c if c.isalnum() or c == "-" else "-" for c in stem)


def _inherited(variant: Variant) -> dict[str, Any]:
    """Seeds and device of the variant that a new step is put behind."""
    return {name: value for name in ("seeds", "device") if (value := getattr(variant, name)) is not None}


def _step(variant: Variant) -> str:
    step = variant.step
    return step[1].use if step else "its training"


def shipped(study: Study) -> list[str]:
    """Variants that leave the house: those with targets, and those that are certified."""
    return list(dict.fromkeys([*study.targets, *(study.certify.variants if study.certify else [])]))
