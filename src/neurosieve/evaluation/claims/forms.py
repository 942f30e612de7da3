"""The forms of the grammar: quantities and criteria as typed, frozen models; a mapping's keys choose its form.

Nothing here reads data. Tags in angle quotes mark the chosen form in pydantic's error locations, so that
`grammar` can leave them out of the path it prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

EACH = "each"
BOUND = ("variant", "metric", "split", "target")
"""What `for_each` binds beside axes and `seed`; a leaf takes it with `each`."""
RESERVED = ("seed", "variant", "metric", "split")
"""No names of axes. `target` may be one: a leaf takes an export target from `for_each` only where it says `each`."""

Finite = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False)]
Name = Annotated[StrictStr, Field(min_length=1)]
AxisValue = StrictBool | StrictInt | StrictFloat | StrictStr
AxisValues = AxisValue | Annotated[list[AxisValue], Field(min_length=1)]
Over = Literal["mean", "median", "min", "max", "sd", "sum", "rms"]
Pool = Literal["mean", "median", "min", "max", "sum", "spread", "best", "worst"]
Relation = Literal["above", "at_least", "below", "at_most", "within", "between"]
Units = Literal["seeds", "items", "both"]


class Form(BaseModel):
    """Every form: frozen, no unknown keys, only finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


def _by_keys(kinds: Mapping[str, str]) -> Any:
    """A discriminator: the first of `kinds` that is a key of the mapping chooses the form."""

    def choose(value: Any) -> str | None:
        if isinstance(value, BaseModel):
            keys = {field.alias or name for name, field in type(value).model_fields.items()}
        elif isinstance(value, Mapping):
            keys = set(value)
        else:
            return "‹number›" if isinstance(value, int | float) and "" in kinds else None
        return next((tag for key, tag in kinds.items() if key in keys), None)

    return choose


class Best(Form):
    """The best of several variants, by the metric's direction."""

    best: Annotated[list[Name], Field(min_length=1)]


class Worst(Form):
    """The worst of several variants, by the metric's direction."""

    worst: Annotated[list[Name], Field(min_length=1)]


class MeanOf(Form):
    """The mean of several variants."""

    mean: Annotated[list[Name], Field(min_length=1)]


Choice = Best | Worst | MeanOf
Of = Annotated[
    Annotated[Name, Tag("‹name›")]
    | Annotated[Best, Tag("‹best›")]
    | Annotated[Worst, Tag("‹worst›")]
    | Annotated[MeanOf, Tag("‹mean›")],
    Discriminator(
        lambda value: (
            "‹name›"
            if isinstance(value, str)
            else _by_keys({"best": "‹best›", "worst": "‹worst›", "mean": "‹mean›"})(value)
        ),
        custom_error_type="form",
        custom_error_message="neither a variant's name nor `{best: […]}`, `{worst: […]}` or `{mean: […]}`",
    ),
]


class By(Form):
    """Choose by another metric, split, target or variant than the one that is read."""

    metric: Name | None = None
    split: Name | None = None
    target: Name | None = None
    of: Name | None = None

    @model_validator(mode="after")
    def _names_something(self) -> By:
        if not self.model_fields_set:
            raise ValueError("names no metric, split, target or variant to choose by")
        return self


class Among(Form):
    """Choose only among candidates that pass this compare (left: the candidate's own metric)."""

    metric: Name | None = None
    split: Name | None = None
    target: Name | None = None
    is_: Relation = Field(alias="is")
    right: Quantity
    margin: Annotated[Finite, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _shape(self) -> Among:
        if self.is_ == "between":
            raise ValueError("`among` takes above, at_least, below, at_most or within")
        return _margin_matches(self)


class Leaf(Form):
    """A measured metric of a variant: `over` reduces its seeds, then `pool` its axis points."""

    metric: Name
    of: Of
    split: Name | None = None
    target: Name = "native"
    at: dict[Name, AxisValues] = {}
    over: Over = "mean"
    pool: Pool | dict[Name, Pool] = "mean"
    by: By | None = None
    among: Among | None = None
    times: Finite = 1
    plus: Finite = 0

    @property
    def pools(self) -> list[str]:
        return list(self.pool.values()) if isinstance(self.pool, dict) else [self.pool]

    @property
    def chooses(self) -> bool:
        """Something is picked here: the best or worst of axis points or of variants."""
        return isinstance(self.of, Best | Worst) or any(pool in ("best", "worst") for pool in self.pools)

    @model_validator(mode="after")
    def _consistent(self) -> Leaf:
        if (self.by or self.among) and not self.chooses:
            raise ValueError("`by` and `among` need a choice: pool best or worst, or of {best: […]}")
        for axis in self.at:
            if axis in RESERVED:
                raise ValueError(f"`at` binds axes; '{axis}' is no axis")
        return self


class _Derived(Form):
    times: Finite = 1
    plus: Finite = 0


class Diff(_Derived):
    """First minus second."""

    diff: Annotated[list[Quantity], Field(min_length=2, max_length=2)]


class Ratio(_Derived):
    """First by second; its interval is that of the logarithm."""

    ratio: Annotated[list[Quantity], Field(min_length=2, max_length=2)]


class Abs(_Derived):
    """Absolute value."""

    abs: Quantity


Quantity = Annotated[
    Annotated[Finite, Tag("‹number›")]
    | Annotated[Leaf, Tag("‹leaf›")]
    | Annotated[Diff, Tag("‹diff›")]
    | Annotated[Ratio, Tag("‹ratio›")]
    | Annotated[Abs, Tag("‹abs›")],
    Discriminator(
        _by_keys({"": "‹number›", "metric": "‹leaf›", "diff": "‹diff›", "ratio": "‹ratio›", "abs": "‹abs›"}),
        custom_error_type="form",
        custom_error_message="no quantity: that is a number, or a mapping with `metric` (and `of`), `diff`, "
        "`ratio` or `abs`",
    ),
]


Right = Annotated[
    Annotated[Quantity, Tag("‹one›")]
    | Annotated[Annotated[list[Quantity], Field(min_length=2, max_length=2)], Tag("‹two›")],
    Discriminator(lambda value: "‹two›" if isinstance(value, list) else "‹one›"),
]


class Interval(Form):
    """The whole two-sided interval of this level must lie beyond the threshold (inside it, for `within`)."""

    interval: Annotated[float, Field(gt=0, lt=1)]
    units: Units = "seeds"


class Test(Form):
    """A one-sided test of the compare must reach this level."""

    p: Annotated[float, Field(gt=0, lt=0.5)]
    test: Literal["t", "welch", "wilcoxon", "sign"]
    units: Units = "seeds"

    @model_validator(mode="after")
    def _unpaired(self) -> Test:
        if self.test == "welch" and self.units != "seeds":
            raise ValueError("`welch` compares unpaired seeds: `units` can only be seeds")
        return self


class StandardErrors(Form):
    """The mean must lie this many standard errors beyond the threshold."""

    se: Annotated[float, Field(gt=0)]
    units: Units = "seeds"


class StandardDeviations(Form):
    """The mean must lie this many standard deviations of the paired differences beyond the threshold."""

    sd: Annotated[float, Field(gt=0)]
    units: Units = "seeds"


Confidence = Annotated[
    Annotated[Interval, Tag("‹interval›")]
    | Annotated[Test, Tag("‹p›")]
    | Annotated[StandardErrors, Tag("‹se›")]
    | Annotated[StandardDeviations, Tag("‹sd›")],
    Discriminator(
        _by_keys({"interval": "‹interval›", "p": "‹p›", "se": "‹se›", "sd": "‹sd›"}),
        custom_error_type="form",
        custom_error_message="no confidence: that is `{interval: 0.95}`, `{p: 0.1, test: t}`, `{se: 2}` or `{sd: 1}`",
    ),
]


class Compare(Form):
    """Left compared with right (two rights for `between`); with `confidence`, for the whole interval."""

    left: Quantity
    is_: Relation = Field(alias="is")
    right: Right
    margin: Annotated[Finite, Field(ge=0)] | None = None
    confidence: Confidence | None = None
    if_none: Literal["true", "false"] | None = None
    paper: Finite | dict[Name, dict[Name, Finite]] | None = None
    """The paper's own figure for left, in its unit, or one by value of an axis of `for_each`. It decides nothing."""

    @model_validator(mode="before")
    @classmethod
    def _if_none_text(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("if_none"), bool):
            return {**data, "if_none": "true" if data["if_none"] else "false"}
        return data

    @model_validator(mode="after")
    def _shape(self) -> Compare:
        if isinstance(self.right, list) != (self.is_ == "between"):
            raise ValueError("`between` takes `right: [a, b]`, every other relation takes one quantity")
        return _margin_matches(self)

    @property
    def rights(self) -> list[Any]:
        return self.right if isinstance(self.right, list) else [self.right]


def _margin_matches(form: Any) -> Any:
    if (form.margin is not None) != (form.is_ == "within"):
        raise ValueError("`margin` belongs to `within`, and `within` needs it")
    return form


class AllOf(Form):
    """Every one of these holds."""

    all_of: Annotated[list[Criterion], Field(min_length=1)]


class AnyOf(Form):
    """At least one of these holds."""

    any_of: Annotated[list[Criterion], Field(min_length=1)]


class Not(Form):
    """This does not hold."""

    not_: Criterion = Field(alias="not")


class AtLeast(Form):
    """At least this many of a list hold."""

    at_least: Annotated[StrictInt, Field(ge=1)]
    of: Annotated[list[Criterion], Field(min_length=1)]

    @model_validator(mode="after")
    def _possible(self) -> AtLeast:
        if self.at_least > len(self.of):
            raise ValueError(f"asks for {self.at_least} of {len(self.of)}")
        return self


class ForEach(Form):
    """One criterion over cells (axes, seeds, variants, metrics, splits, targets): all, any or a share of them."""

    for_each: Annotated[dict[Name, AxisValues], Field(min_length=1)]
    need: Literal["all", "any"] | Annotated[Finite, Field(gt=0, le=1)] = "all"
    that: Criterion

    @model_validator(mode="after")
    def _lists(self) -> ForEach:
        for name, values in self.for_each.items():
            if name in ("variant", "metric", "split") and not isinstance(values, list):
                raise ValueError(f"`for_each` takes the {name}s as a list")
            if not isinstance(values, list) and values != "all":
                raise ValueError(f"`for_each` takes `all` or a list for '{name}'")
        return self


class ClaimHolds(Form):
    """Another claim of this study holds."""

    claim: Name


Criterion = Annotated[
    Annotated[Compare, Tag("‹compare›")]
    | Annotated[AllOf, Tag("‹all›")]
    | Annotated[AnyOf, Tag("‹any›")]
    | Annotated[Not, Tag("‹not›")]
    | Annotated[AtLeast, Tag("‹at least›")]
    | Annotated[ForEach, Tag("‹for each›")]
    | Annotated[ClaimHolds, Tag("‹claim›")],
    Discriminator(
        _by_keys(
            {
                "left": "‹compare›",
                "all_of": "‹all›",
                "any_of": "‹any›",
                "not": "‹not›",
                "at_least": "‹at least›",
                "for_each": "‹for each›",
                "claim": "‹claim›",
            }
        ),
        custom_error_type="form",
        custom_error_message="no criterion: that is a mapping with `left` (and `is`, `right`), `all_of`, `any_of`, "
        "`not`, `at_least` (and `of`), `for_each` (and `that`) or `claim`",
    ),
]

for _form in (Among, Leaf, Diff, Ratio, Abs, Compare, AllOf, AnyOf, Not, AtLeast, ForEach):
    _form.model_rebuild()
