"""The grid of a study: variants crossed with axes, sweeps and seeds, each cell a point."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from neurosieve.artifacts.metrics import axes_text
from neurosieve.errors import UserError
from neurosieve.plan.study import AxisValue, LoadedStudy

_CHECKPOINT = re.compile(r"(?P<variant>[^@]+)@(?P<checkpoint>[A-Za-z]\w*)")


@dataclass(frozen=True)
class Point:
    """One cell of the grid before seeds: a variant at values of its axes and of its (inherited) sweep."""

    variant: str
    axes: Mapping[str, str]
    sweep: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`ssd@alpha=5,setting=full-class`: how metrics, pages and claims name it."""
        text = axes_text({**self.axes, **self.sweep})
        return f"{self.variant}@{text}" if text else self.variant


def split_checkpoint(name: str) -> tuple[str, str | None]:
    """`dense@e4` -> (`dense`, `e4`); a plain variant has no checkpoint."""
    match = _CHECKPOINT.fullmatch(name)
    return (match["variant"], match["checkpoint"]) if match else (name, None)


@dataclass(frozen=True)
class Cells:
    """Points and seeds of a study's variants."""

    loaded: LoadedStudy

    def parents(self, name: str) -> Iterator[str]:
        """Variants that this one is made from (`from`, then `with`), without checkpoints."""
        variant = self.loaded.study.variants[name]
        for other in ([variant.from_] if variant.from_ else []) + variant.with_:
            yield split_checkpoint(other)[0]

    def check_tree(self) -> None:
        """Every `from` and `with` names a variant, and nothing loops. Raises UserError at its line."""
        variants = self.loaded.study.variants
        for name, variant in variants.items():
            for key, others in (("from", [variant.from_] if variant.from_ else []), ("with", variant.with_)):
                for other in others:
                    if split_checkpoint(other)[0] not in variants:
                        known = ", ".join(variants)
                        raise self.loaded.error(
                            f"variant '{name}': {key} names '{other}', which is no variant; there are: {known}",
                            "variants", name, key,
                        )  # fmt: skip
        for name in variants:
            self._walk(name, ())
        for name in variants:
            self._check_sweep(name)

    def _walk(self, name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            loop = " -> ".join([*trail[trail.index(name) :], name])
            raise self.loaded.error(f"variants loop: {loop}", "variants", name, "from")
        for other in self.parents(name):
            self._walk(other, (*trail, name))

    def _check_sweep(self, name: str) -> None:
        """A swept parameter is no axis, has no value twice, and means the same in every variant of a chain."""
        for parameter, values in self.loaded.study.variants[name].sweep.items():
            problem = None
            if parameter in self.loaded.study.axes:
                problem = f"'{parameter}' is an axis of this study"
            if len(set(map(str, values))) != len(values):
                problem = f"'{parameter}' needs values that differ, got {values}"
            for other in self.parents(name):
                if parameter in self.sweep(other):
                    problem = f"'{parameter}' is swept already by what it is made from, '{other}'"
            if problem:
                raise self.loaded.error(f"variant '{name}': sweep: {problem}", "variants", name, "sweep", parameter)
        inherited: dict[str, list[Any]] = {}
        for other in self.parents(name):
            for parameter, values in self.sweep(other).items():
                if inherited.setdefault(parameter, values) != values:
                    message = f"variant '{name}' is made from variants that sweep '{parameter}' over different values"
                    raise self.loaded.error(message, "variants", name)

    def sweep(self, name: str) -> dict[str, list[Any]]:
        """The variant's own sweep and those of the variants it is made from."""
        merged: dict[str, list[Any]] = {}
        for other in self.parents(name):
            merged |= self.sweep(other)
        return merged | self.loaded.study.variants[name].sweep

    def points(self, name: str) -> Iterator[Point]:
        """All points of a variant, in the order of the study's file."""
        study = self.loaded.study
        self.check_only(study.variants[name].only, "variants", name, "only")
        names, values = list(study.axes), [self._values(axis, name) for axis in study.axes]
        sweep = self.sweep(name)
        for axes in product(*values):
            for settings in product(*sweep.values()):
                yield Point(name, dict(zip(names, axes, strict=True)), dict(zip(sweep, settings, strict=True)))

    def seeds(self, name: str) -> list[int]:
        variant = self.loaded.study.variants[name]
        return list(variant.seeds if variant.seeds is not None else self.loaded.study.seeds)

    def axis_values(self, point: Point) -> Iterator[tuple[str, AxisValue]]:
        for axis, value in point.axes.items():
            yield axis, self.loaded.study.axes[axis][value]

    def forget(self, point: Point, measured: bool) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """The rule that chooses the rows to forget at a point, and its place in the file.

        A variant's own rule is for its step (or training) and exports; `measured` rows are what evaluations look at.
        """
        study, own = self.loaded.study, self.loaded.study.variants[point.variant].forget
        if own is not None and not measured:
            return own, ("variants", point.variant, "forget")
        found, place = study.forget, ("forget",)
        for axis, value in self.axis_values(point):
            if value.forget is not None:
                found, place = value.forget, ("axes", axis, point.axes[axis], "forget")
        if measured and study.measured is not None:
            found, place = study.measured, ("measured",)
        for axis, value in self.axis_values(point):
            if measured and value.measured is not None:
                found, place = value.measured, ("axes", axis, point.axes[axis], "measured")
        return found, place

    def bindings(self, point: Point, seed: int) -> dict[str, Any]:
        """`{name}` values at this point and seed, by the seed's position. Raises UserError if a list is too short.

        The position is that in the study's seeds, else in those of the first variant that has the seed, so that a
        variant and what it is made from are bound alike.
        """
        bound: dict[str, Any] = {}
        lists = [self.loaded.study.seeds, *(self.seeds(name) for name in self.loaded.study.variants)]
        for axis, value in self.axis_values(point):
            for name, options in value.bind.items():
                position = next(seeds.index(seed) for seeds in lists if seed in seeds)
                if position >= len(options):
                    raise self.loaded.error(
                        f"bind: {name} has {len(options)} values, seed {seed} is number {position + 1}",
                        "axes", axis, point.axes[axis], "bind", name,
                    )  # fmt: skip
                bound[name] = options[position]
        return bound

    def settings(self, point: Point) -> dict[str, Any]:
        """`set:` overrides of the point's axis values: `{"ssd.alpha": 5}`."""
        merged: dict[str, Any] = {}
        for _, value in self.axis_values(point):
            merged |= value.set
        return merged

    def _values(self, axis: str, name: str) -> list[str]:
        """Values of an axis at which a variant exists: its own `only`, and that of every variant it is made from."""
        allowed = self.loaded.study.variants[name].only.get(axis, list(self.loaded.study.axes[axis]))
        for other in self.parents(name):
            allowed = [value for value in allowed if value in self._values(axis, other)]
        return allowed

    def check_only(self, only: Mapping[str, list[str]], *place: str | int) -> None:
        """Axes and values that `only` names exist. Raises UserError at its place (keys)."""
        for axis, values in only.items():
            known = list(self.loaded.study.axes.get(axis, {}))
            for value in values:
                if value not in known:
                    has = ", ".join(known) or "no values"
                    message = f"only: {axis}={value} is not on an axis of this study; {axis} has: {has}"
                    raise self.loaded.error(message, *place)


def substitute(value: Any, bound: Mapping[str, Any]) -> Any:
    """Put bound values for `{name}`; a text that is just `{name}` takes the value with its type."""
    if isinstance(value, dict):
        return {key: substitute(item, bound) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, bound) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    if (whole := re.fullmatch(r"\{(\w+)\}", value)) and whole[1] in bound:
        return bound[whole[1]]
    unknown = sorted({name for name in re.findall(r"\{(\w+)\}", value) if name not in bound})
    if unknown:
        raise UserError(f"'{value}': {{{unknown[0]}}} is bound by no axis; bound here: {', '.join(bound) or 'nothing'}")
    return re.sub(r"\{(\w+)\}", lambda match: str(bound[match[1]]), value)
