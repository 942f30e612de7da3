"""What a study computes, and whether that is what its claims name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from neurosieve.errors import UserError, near
from neurosieve.evaluation.claims import forms, walk
from neurosieve.evaluation.claims.axes import ALL, axis_text, parse_axes, parse_point
from neurosieve.evaluation.claims.grammar import Claim

SMOKE = "smoke"


@dataclass(frozen=True)
class VariantGrid:
    """What is computed of one variant: values of its axes as text, seeds (none: nothing is drawn), targets."""

    axes: dict[str, list[str]]
    seeds: list[int]
    targets: list[str]


@dataclass(frozen=True)
class Grid:
    """What a study computes, by variant, and the study's seeds."""

    variants: dict[str, VariantGrid]
    seeds: list[int]


def check_grid(claims: Sequence[Claim], grid: Grid, absent: Mapping[str, str], scale: str) -> None:
    """Refuse claims that name what the study does not compute, before anything runs.

    `absent` declares what is left out, with the reason: a variant, `axis=value`, `variant@axis=value`,
    `target=name`, or `seeds` (fewer than `min_seeds`). Axes that only the metrics have, not the variant, cannot be
    known before the run and are not checked. At smoke scale nothing is decided, so only names of variants and
    targets are checked. Raises UserError naming claim, path and cell.
    """
    for claim in claims:
        for use in claim.uses():
            for problem in _problems(claim, use, grid, absent, scale):
                raise UserError(f"claim {claim.id}: {walk.path_text(use.path)}: {problem}")


def check_axes(claims: Sequence[Claim], measured: pl.DataFrame, grid: Grid, absent: Mapping[str, str]) -> None:
    """Refuse claims that bind an axis which nothing has: left alone, they would be judged over all its values.

    `measured` [variant, at]: all metrics of the study. Raises UserError naming claim, path and the axes there are.
    """
    points = measured.select("variant").unique().to_series().to_list()
    known = {axis for point in points for axis, _ in parse_point(point)[1]}
    known |= {axis for at in measured["at"].drop_nulls().unique() for axis, _ in parse_axes(at)}
    known |= {axis for variant in grid.variants.values() for axis in variant.axes}
    known |= {key.rpartition("=")[0].rpartition("@")[2] for key in absent if "=" in key}
    for claim in claims:
        for path, axis in _bound_axes(claim):
            if axis not in known:
                there = ", ".join(sorted(known)) or "none"
                raise UserError(
                    f"claim {claim.id}: {walk.path_text(path)}: neither a variant nor a metric of this study has the"
                    f" axis '{axis}'{near(axis, known)}; there are: {there}"
                )


def _bound_axes(claim: Claim) -> Iterator[tuple[walk.Path, str]]:
    """Every axis that a claim names, with the place."""
    yield from ((("at",), axis) for axis in claim.at)
    for use in claim.uses():
        yield from (((*use.path, "at"), axis) for axis in use.leaf.at)
    for name, part in claim.criteria.items():
        for path, form in walk.for_eaches(part, (name,)):
            yield from (
                ((*path, "for_each"), axis) for axis in form.for_each if axis not in (*forms.RESERVED, "target")
            )


def absent_reason(
    absent: Mapping[str, str], variant: str, axes: Mapping[str, Sequence[str]], target: str
) -> tuple[str, str] | None:
    """What of a leaf is declared absent, and why; `axes`: the values the leaf needs, by axis."""
    spelled = {_spell(key): (key, reason) for key, reason in absent.items()}
    wanted = [variant, f"target={target}"]
    for axis, values in axes.items():
        wanted += [text for value in values for text in (f"{axis}={value}", f"{variant}@{axis}={value}")]
    return next((spelled[key] for key in wanted if key in spelled), None)


def _spell(key: str) -> str:
    """`axis=1.0` as `axis=1`: an absent value is spelled like any other."""
    before, mark, value = key.rpartition("=")
    return f"{before}={axis_text(value)}" if mark else key


def listed_axes(claim: Claim, use: walk.Use) -> dict[str, list[str]]:
    """The axis values a leaf needs by name; an inner binding replaces an outer one, `all` needs none by name."""
    for_each = {name: values for name, values in use.bound.items() if name not in forms.RESERVED}
    if use.leaf.target == forms.EACH:
        for_each.pop("target", None)
    bound: dict[str, Any] = {**claim.at, **for_each, **use.leaf.at}
    lists = {axis: values if isinstance(values, list) else [values] for axis, values in bound.items()}
    return {axis: [axis_text(value) for value in values] for axis, values in lists.items() if values != [ALL]}


def _problems(claim: Claim, use: walk.Use, grid: Grid, absent: Mapping[str, str], scale: str) -> Iterator[str]:
    axes = listed_axes(claim, use)
    targets = _bound(use.leaf.target, use.bound.get("target"))
    for variant in [name for of in walk.named_variants(use.leaf.of) for name in _bound(of, use.bound.get("variant"))]:
        if variant in absent:
            continue
        if variant not in grid.variants:
            yield f"the study has no variant '{variant}'{near(variant, grid.variants)}; {_remedy(variant)}"
            continue
        has = grid.variants[variant]
        for target in targets:
            if target not in ("native", *has.targets) and not absent_reason(absent, variant, {}, target):
                known = ", ".join(["native", *has.targets])
                yield f"'{variant}' has no target '{target}'; it has {known}; {_remedy(f'target={target}')}"
        if scale == SMOKE:
            continue
        yield from _value_problems(variant, has, axes, absent)
        seeds = len(has.seeds)
        if has.seeds and seeds < claim.min_seeds and "seeds" not in absent:
            yield (
                f"'{variant}' has {seeds} seeds and the claim needs {claim.min_seeds} (min_seeds); "
                f"give it more seeds, or declare `seeds` absent with the reason"
            )


def _value_problems(
    variant: str, has: VariantGrid, axes: Mapping[str, list[str]], absent: Mapping[str, str]
) -> Iterator[str]:
    for axis, values in axes.items():
        known = [axis_text(value) for value in has.axes.get(axis, ())]
        for value in values if known else ():
            if value not in known and not absent_reason(absent, variant, {axis: [value]}, "native"):
                yield (
                    f"the study does not compute {variant}@{axis}={value}; its {axis} is "
                    f"{', '.join(known)}; {_remedy(f'{axis}={value}')}"
                )


def _bound(name: str, values: Any) -> list[str]:
    return [str(value) for value in values or ()] if name == forms.EACH else [name]


def _remedy(key: str) -> str:
    return f"add it to the study, or declare '{key}' absent with the reason"
