"""Walking over claims: every leaf that an expression reads, also those that only choose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from neurosieve.evaluation.claims import forms

Path = tuple[str | int, ...]


def by_leaf(leaf: forms.Leaf, of: str | None = None) -> forms.Leaf:
    """The leaf that `by` chooses with: the leaf's own, where `by` names nothing else."""
    assert leaf.by is not None
    return _other(leaf, leaf.by, of)


def among_leaf(leaf: forms.Leaf, of: str | None = None) -> forms.Leaf:
    """The left side of `among`, read for one candidate."""
    assert leaf.among is not None
    return _other(leaf, leaf.among, of)


def _other(leaf: forms.Leaf, change: forms.By | forms.Among, of: str | None) -> forms.Leaf:
    named = getattr(change, "of", None)
    return leaf.model_copy(
        update={
            "metric": change.metric or leaf.metric,
            # Another metric has its own home split: the split of the leaf does not go with it.
            "split": change.split or (None if change.metric else leaf.split),
            "target": change.target or leaf.target,
            "of": named or of or leaf.of,
            "by": None,
            "among": None,
            "times": 1,
            "plus": 0,
        }
    )


def quantity_leaves(quantity: Any, path: Path = ()) -> Iterator[tuple[Path, forms.Leaf]]:
    """Leaves of a quantity with their paths; a leaf's `by` and `among` come as leaves of their own."""
    match quantity:
        case forms.Leaf():
            yield path, quantity
            if quantity.by:
                yield (*path, "by"), by_leaf(quantity)
            if quantity.among:
                yield (*path, "among"), among_leaf(quantity)
                yield from quantity_leaves(quantity.among.right, (*path, "among", "right"))
        case forms.Diff():
            for place, part in enumerate(quantity.diff):
                yield from quantity_leaves(part, (*path, "diff", place))
        case forms.Ratio():
            for place, part in enumerate(quantity.ratio):
                yield from quantity_leaves(part, (*path, "ratio", place))
        case forms.Abs():
            yield from quantity_leaves(quantity.abs, (*path, "abs"))


def compare_leaves(compare: forms.Compare, path: Path = ()) -> Iterator[tuple[Path, forms.Leaf]]:
    """Leaves of both sides of a compare."""
    yield from quantity_leaves(compare.left, (*path, "left"))
    if isinstance(compare.right, list):
        for place, right in enumerate(compare.right):
            yield from quantity_leaves(right, (*path, "right", place))
    else:
        yield from quantity_leaves(compare.right, (*path, "right"))


def parts(criterion: Any) -> list[tuple[Path, Any]]:
    """The criteria directly inside a criterion, with the path to each."""
    match criterion:
        case forms.AllOf():
            return [(("all_of", place), part) for place, part in enumerate(criterion.all_of)]
        case forms.AnyOf():
            return [(("any_of", place), part) for place, part in enumerate(criterion.any_of)]
        case forms.Not():
            return [(("not",), criterion.not_)]
        case forms.AtLeast():
            return [(("of", place), part) for place, part in enumerate(criterion.of)]
        case forms.ForEach():
            return [(("that",), criterion.that)]
        case _:
            return []


@dataclass(frozen=True)
class Use:
    """A leaf where it stands, and the values each enclosing `for_each` binds (`"all"` or a list) by name."""

    path: Path
    leaf: forms.Leaf
    bound: dict[str, Any] = field(default_factory=dict)


def criterion_leaves(criterion: Any, path: Path = (), bound: dict[str, Any] | None = None) -> Iterator[Use]:
    """Every leaf of a criterion, with what the `for_each` around it bind."""
    bound = bound or {}
    if isinstance(criterion, forms.Compare):
        for inner, leaf in compare_leaves(criterion, path):
            yield Use(inner, leaf, bound)
    if isinstance(criterion, forms.ForEach):
        bound = {**bound, **criterion.for_each}
    for step, part in parts(criterion):
        yield from criterion_leaves(part, (*path, *step), bound)


def referred(criterion: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Claims that a criterion refers to by `{claim: id}`."""
    if isinstance(criterion, forms.ClaimHolds):
        yield (*path, "claim"), criterion.claim
    for step, part in parts(criterion):
        yield from referred(part, (*path, *step))


def for_eaches(criterion: Any, path: Path = ()) -> Iterator[tuple[Path, forms.ForEach]]:
    """Every `for_each` of a criterion."""
    if isinstance(criterion, forms.ForEach):
        yield path, criterion
    for step, part in parts(criterion):
        yield from for_eaches(part, (*path, *step))


def named_variants(of: Any) -> list[str]:
    """The variants a leaf names: one, or those it chooses among or averages."""
    match of:
        case forms.Best():
            return list(of.best)
        case forms.Worst():
            return list(of.worst)
        case forms.MeanOf():
            return list(of.mean)
        case _:
            return [of]


def path_text(path: Path) -> str:
    """`("criterion", "all_of", 0, "left")` -> `criterion.all_of[0].left`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
