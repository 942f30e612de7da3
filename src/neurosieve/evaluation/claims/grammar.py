"""Reading claims: from YAML to typed claims, with one clear line for whatever is wrong, and their hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError, field_validator

from neurosieve.errors import UserError, near
from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims import forms, walk
from neurosieve.evaluation.claims.forms import AxisValues, Criterion, Form, Name, Quantity


class Claim(Form):
    """One falsifiable sentence of a paper with its criterion over measured metrics."""

    id: Name
    says: Name
    paper: StrictStr = ""
    metrics: list[Name] = Field(default_factory=list)
    variants: list[Name] = Field(default_factory=list)
    criterion: Criterion
    at: dict[Name, AxisValues] = Field(default_factory=dict)
    requires: Criterion | None = None
    inconclusive_if: Criterion | None = None
    report: list[Quantity] = Field(default_factory=list)
    min_seeds: Annotated[StrictInt, Field(ge=1)] = 2
    exact: StrictBool = False
    repaired: StrictStr | None = None

    @field_validator("id", mode="before")
    @classmethod
    def _id_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("at")
    @classmethod
    def _at_is_axes(cls, value: dict[str, Any]) -> dict[str, Any]:
        for axis in value:
            if axis in forms.RESERVED:
                raise ValueError(f"`at` binds axes; '{axis}' is no axis")
        return value

    @property
    def criteria(self) -> dict[str, Any]:
        """The criteria by their field: `criterion`, and `requires` and `inconclusive_if` where there are any."""
        named = {name: getattr(self, name) for name in ("criterion", "requires", "inconclusive_if")}
        return {name: part for name, part in named.items() if part is not None}

    def uses(self, reported: bool = True) -> Iterator[walk.Use]:
        """Every leaf with its path and what is bound around it; with `report` unless told otherwise."""
        for name, part in self.criteria.items():
            yield from walk.criterion_leaves(part, (name,))
        for place, quantity in enumerate(self.report if reported else ()):
            for path, leaf in walk.quantity_leaves(quantity, ("report", place)):
                yield walk.Use(path, leaf)

    def refers_to(self) -> Iterator[tuple[walk.Path, str]]:
        for name, part in self.criteria.items():
            yield from walk.referred(part, (name,))


def parse_claims(study: str, raw: list[dict[str, Any]]) -> list[Claim]:
    """Claims of a study as written. Raises UserError that names study, claim, the path in it and what is allowed."""
    if not isinstance(raw, list):
        raise UserError(f"study {study}: `claims` is a list of claims")
    claims = [_parse(study, place, entry) for place, entry in enumerate(raw)]
    by_id: dict[str, Claim] = {}
    for claim in claims:
        if claim.id in by_id:
            raise UserError(f"study {study}: two claims have the id {claim.id}; give one another id")
        by_id[claim.id] = claim
        for problem in _problems(claim):
            raise UserError(f"study {study}, claim {claim.id}: {problem}")
    for claim in claims:
        _check_references(study, claim, by_id, (claim.id,))
    return claims


def _parse(study: str, place: int, entry: Any) -> Claim:
    if not isinstance(entry, Mapping):
        raise UserError(f"study {study}, claims[{place}]: a claim is a mapping with id, says and criterion")
    where = f"study {study}, claim {entry.get('id', f'number {place + 1} (it has no id)')}"
    try:
        return Claim.model_validate(dict(entry))
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error, entry)}") from None


def _explain(error: ValidationError, entry: Mapping[str, Any]) -> str:
    """The first error (the deepest one where forms disagree) as path, problem and remedy."""
    found = max(error.errors(include_url=False), key=lambda one: (len(one["loc"]), one["type"] == "extra_forbidden"))
    path = tuple(step for step in found["loc"] if not (isinstance(step, str) and (step.startswith("‹") or "[" in step)))
    kind, last = found["type"], path[-1] if path else ""
    if kind == "extra_forbidden":
        allowed = _allowed(found["loc"])
        return f"{walk.path_text(path)}: unknown key '{last}'{near(str(last), allowed)}; allowed: {', '.join(allowed)}"
    if kind == "form":
        given = found["input"]
        keys = f"keys {', '.join(map(str, given))}" if isinstance(given, Mapping) else repr(given)
        return f"{walk.path_text(path)}: {keys}: {found['msg']}"
    if kind == "missing":
        return f"{walk.path_text(path)}: is missing"
    message = found["msg"].removeprefix("Value error, ")
    given = found["input"]
    shown = f" (it is {given!r})" if isinstance(given, str | int | float | bool) or given is None else ""
    return f"{walk.path_text(path) or 'claim'}: {message}{shown}"


_MODELS = {
    "‹best›": forms.Best, "‹worst›": forms.Worst, "‹mean›": forms.MeanOf, "‹leaf›": forms.Leaf,
    "‹diff›": forms.Diff, "‹ratio›": forms.Ratio, "‹abs›": forms.Abs, "‹interval›": forms.Interval,
    "‹p›": forms.Test, "‹se›": forms.StandardErrors, "‹sd›": forms.StandardDeviations,
    "‹compare›": forms.Compare, "‹all›": forms.AllOf, "‹any›": forms.AnyOf, "‹not›": forms.Not,
    "‹at least›": forms.AtLeast, "‹for each›": forms.ForEach, "‹claim›": forms.ClaimHolds,
}  # fmt: skip


def _allowed(loc: tuple[str | int, ...]) -> list[str]:
    """The keys of the innermost form that an error's location goes through."""
    model: type[Form] = Claim
    for step in loc[:-1]:
        model = _MODELS.get(str(step), {"by": forms.By, "among": forms.Among}.get(str(step), model))
    return [field.alias or name for name, field in model.model_fields.items()]


def _problems(claim: Claim) -> Iterator[str]:
    """What the types cannot see: lists that do not match, `each` without its binding, choices without direction."""
    metrics: set[str] = set()
    variants: set[str] = set()
    taken: dict[str, set[str]] = {}
    for use in claim.uses():
        leaf, path = use.leaf, walk.path_text(use.path)
        for name, values in (("metric", [leaf.metric]), ("variant", walk.named_variants(leaf.of)),
                             ("split", [leaf.split]), ("target", [leaf.target])):  # fmt: skip
            if forms.EACH in values:
                if name not in use.bound:
                    yield f"{path}: `each` stands for the {name} of a `for_each`, and none around it binds one"
                taken.setdefault(name, set()).add(path)
        metrics |= _names(leaf.metric, use.bound.get("metric"))
        for named in walk.named_variants(leaf.of):
            variants |= _names(named, use.bound.get("variant"))
        yield from _direction_problems(use, path)
    for name, part in claim.criteria.items():
        for path, form in walk.for_eaches(part, (name,)):
            inside = walk.path_text(path)
            for bound in sorted(set(form.for_each) & {"variant", "metric", "split"}):
                if not any(place.startswith(f"{inside}.that") for place in taken.get(bound, ())):
                    yield f"{inside}: binds {bound}, but nothing inside it says `each`"
    yield from _list_problems("metrics", claim.metrics, metrics)
    yield from _list_problems("variants", claim.variants, variants)


def _names(name: str, bound: Any) -> set[str]:
    return {str(one) for one in bound or ()} if name == forms.EACH else {name}


def _direction_problems(use: walk.Use, path: str) -> Iterator[str]:
    if use.path[-1] in ("by", "among") or not use.leaf.chooses:
        return
    chooser = walk.by_leaf(use.leaf) if use.leaf.by else use.leaf
    for metric in sorted(_names(chooser.metric, use.bound.get("metric"))):
        if vocabulary.direction(metric) == "ref":
            yield (
                f"{path}: best and worst need a direction, and '{metric}' has none in the vocabulary "
                "(evaluation/vocabulary.csv); use min or max, or choose `by` a metric that has one"
            )


def _list_problems(field: str, written: list[str], used: set[str]) -> Iterator[str]:
    if len(set(written)) != len(written):
        yield f"{field}: a name stands there twice"
    if missing := sorted(used - set(written)):
        hint = near(missing[0], written)
        yield f"{field}: the expressions also use {', '.join(missing)}{hint}; add it, or correct the expression"
    if unused := sorted(set(written) - used):
        hint = near(unused[0], sorted(used))
        yield f"{field}: no expression uses '{unused[0]}'{hint}; remove it, or correct the expression"


def _check_references(study: str, claim: Claim, by_id: Mapping[str, Claim], trail: tuple[str, ...]) -> None:
    for path, other in claim.refers_to():
        if other not in by_id:
            known = ", ".join(by_id)
            raise UserError(
                f"study {study}, claim {claim.id}: {walk.path_text(path)}: there is no claim {other}; "
                f"there are: {known}"
            )
        if other in trail:
            loop = " -> ".join([*trail[trail.index(other) :], other])
            raise UserError(f"study {study}, claim {trail[0]}: claims refer to each other in a circle: {loop}")
        _check_references(study, by_id[other], by_id, (*trail, other))


def claim_hash(claim: Claim, evaluation_params: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of all that decides a claim (CLAIMS.md, section 4): 64 hex digits.

    `evaluation_params`: the parameters of the evaluations whose metrics the claim reads, by evaluation.
    """
    written = claim.model_dump(mode="json", exclude_unset=True)
    decides = {name: written.get(name) for name in ("criterion", "requires", "inconclusive_if", "at")}
    metrics = sorted({metric for use in claim.uses(reported=False) for metric in _metric_names(use)})
    decides |= {
        "min_seeds": claim.min_seeds,
        "evaluations": dict(evaluation_params),
        "directions": {metric: vocabulary.direction(metric) for metric in metrics},
    }
    text = json.dumps(
        _plain(decides), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _metric_names(use: walk.Use) -> set[str]:
    return _names(use.leaf.metric, use.bound.get("metric"))


def _plain(value: Any) -> Any:
    """Numbers in one spelling (`1.0` is `1`), keys as text: rewriting a number does not change the hash."""
    if isinstance(value, Mapping):  # the paper's figure beside a compare decides nothing
        return {str(key): _plain(one) for key, one in value.items() if key != "paper" or "left" not in value}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
