"""Texts of quantities and criteria, as the page shows them."""

from __future__ import annotations

from typing import Any

from neurosieve.evaluation.claims import forms
from neurosieve.evaluation.claims.axes import axis_text

RELATIONS = {
    "above": "above",
    "at_least": "at least",
    "below": "below",
    "at_most": "at most",
    "within": "within",
    "between": "between",
}


def number(value: float) -> str:
    """Four significant digits, without an exponent where it can be had."""
    return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e+")


def _of(of: Any) -> str:
    match of:
        case forms.Best():
            return f"best of {', '.join(of.best)}"
        case forms.Worst():
            return f"worst of {', '.join(of.worst)}"
        case forms.MeanOf():
            return f"mean of {', '.join(of.mean)}"
        case _:
            return str(of)


def _values(value: Any) -> str:
    return "|".join(axis_text(one) for one in value) if isinstance(value, list) else axis_text(value)


def leaf_label(leaf: forms.Leaf) -> str:
    """`accuracy forget ssd`, with target, axes, reduction and choice where they are not the usual ones."""
    words = [leaf.metric, *([leaf.split] if leaf.split else []), _of(leaf.of)]
    if leaf.target != "native":
        words.append(f"on {leaf.target}")
    if leaf.at:
        words.append("at " + ", ".join(f"{axis}={_values(value)}" for axis, value in leaf.at.items()))
    notes = [] if leaf.over == "mean" else [f"{leaf.over} over seeds"]
    if isinstance(leaf.pool, dict):
        notes += [f"{pool} over {axis}" for axis, pool in leaf.pool.items()]
    elif leaf.pool != "mean":
        notes.append(f"{leaf.pool} of the points")
    if leaf.by:
        by = [leaf.by.metric, leaf.by.split, leaf.by.of, leaf.by.target]
        notes.append(f"chosen by {' '.join(word for word in by if word)}")
    if leaf.among:
        among = [leaf.among.metric or leaf.metric, leaf.among.split]
        relation = f"{RELATIONS[leaf.among.is_]} {quantity_label(leaf.among.right)}"
        notes.append(f"among those with {' '.join(word for word in among if word)} {relation}")
    return " ".join(words) + (f" ({'; '.join(notes)})" if notes else "")


def quantity_label(quantity: Any) -> str:
    """A quantity in words."""
    match quantity:
        case forms.Leaf():
            text = leaf_label(quantity)
        case forms.Diff():
            text = f"[{quantity_label(quantity.diff[0])} − {quantity_label(quantity.diff[1])}]"
        case forms.Ratio():
            text = f"[{quantity_label(quantity.ratio[0])} / {quantity_label(quantity.ratio[1])}]"
        case forms.Abs():
            text = f"|{quantity_label(quantity.abs)}|"
        case _:
            return number(quantity)
    if quantity.times != 1:
        text += f" × {number(quantity.times)}"
    if quantity.plus:
        text += f" {'+' if quantity.plus > 0 else '−'} {number(abs(quantity.plus))}"
    return text


def right_label(compare: forms.Compare) -> str:
    """The right side with its margin: `0.1`, `0 ± 0.02`, `0.4 and 0.6`."""
    text = " and ".join(quantity_label(right) for right in compare.rights)
    return text if compare.margin is None else f"{number(compare.margin)} of {text}"


def confidence_label(confidence: Any) -> str:
    """`95 % interval over items`."""
    match confidence:
        case forms.Interval():
            text = f"{number(100 * confidence.interval)} % interval"
        case forms.Test():
            text = f"{confidence.test} test, p < {number(confidence.p)}"
        case forms.StandardErrors():
            text = f"{number(confidence.se)} standard errors"
        case forms.StandardDeviations():
            text = f"{number(confidence.sd)} standard deviations"
        case _:
            return ""
    return text if confidence.units == "seeds" else f"{text} over {confidence.units.replace('both', 'both units')}"


def criterion_label(criterion: Any) -> str:
    """A criterion in words, on one line."""
    match criterion:
        case forms.Compare():
            text = f"{quantity_label(criterion.left)} {RELATIONS[criterion.is_]} {right_label(criterion)}"
            return f"{text} ({confidence_label(criterion.confidence)})" if criterion.confidence else text
        case forms.AllOf():
            return " and ".join(f"({criterion_label(part)})" for part in criterion.all_of)
        case forms.AnyOf():
            return " or ".join(f"({criterion_label(part)})" for part in criterion.any_of)
        case forms.Not():
            return f"not ({criterion_label(criterion.not_)})"
        case forms.AtLeast():
            return f"at least {criterion.at_least} of: " + "; ".join(map(criterion_label, criterion.of))
        case forms.ForEach():
            cells = ", ".join(f"{name} {_values(value)}" for name, value in criterion.for_each.items())
            need = {"all": "each", "any": "any"}.get(str(criterion.need), f"{criterion.need} of each")
            return f"for {need} {cells}: {criterion_label(criterion.that)}"
        case _:
            return f"claim {criterion.claim} holds"
