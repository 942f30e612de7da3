"""Studies: one YAML in `config/studies/`, typed, with its scale's overrides applied, every error with its place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from neurosieve.errors import UserError
from neurosieve.plan import yaml12
from neurosieve.plan.certify import Certify
from neurosieve.plan.choosing import Choose
from neurosieve.plan.components import explain, field_names, first_problem
from neurosieve.plan.settings import RESERVED, SCALES, Scale, distinct_seeds
from neurosieve.report.state import FigureSpec, FigureTitle, Paper

STEPS = {
    "analysis": "analysis",
    "unlearn": "unlearning",
    "prune": "pruning",
    "sparsify": "sparsification",
    "adapt": "adaptation",
}
"""Keys of a variant that apply an intervention -> the kind (first part of `use:`) they take."""
Stage = Literal["prepare", "train", "intervene", "export", "evaluate", "verdict"]
Device = Annotated[str, Field(pattern=r"^(cpu|mps|cuda(:\d+)?)$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Use(BaseModel):
    """A component and its parameters: `{use: unlearning.ssd, alpha: 25}`; everything beside `use` is a parameter."""

    model_config = ConfigDict(frozen=True, extra="allow")
    use: str

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class DatasetUse(Use):
    """A dataset, perhaps made of another: `{use: corruption.backdoor, of: {use: images.mnist5k}}`."""

    of: DatasetUse | None = None


class StepUse(Use):
    """An intervention's component, its parameters and perhaps the rule that chooses some of them."""

    choose: Choose | None = None


class Resources(_Part):
    """What a node asks of the machine: memory such as `1 GB`, minutes, threads, gpu; and how often it saves itself."""

    memory: str = Field("1 GB", pattern=r"^\d+(\.\d+)? ?[MG]B$")
    minutes: float = Field(10, gt=0)
    threads: int = Field(1, ge=1)
    gpu: int = Field(0, ge=0)
    checkpoint_minutes: float = Field(5, ge=0)
    """Between two states that a long fit keeps, to go on from if its job is ended; 0: after every step."""

    @property
    def mem_mb(self) -> int:
        number, unit = float(self.memory[:-2]), self.memory[-2:]
        return int(number * (1000 if unit == "GB" else 1))


class Shards(_Part):
    """A training in disjoint shards of the rows, so that forgetting reruns only those that held them (SISA)."""

    count: int = Field(ge=2, le=1000)
    slices: int = Field(1, ge=1, le=100)
    """A shard is trained on its first slice, then on its first two, and so on, each time as `train` says."""
    combine: Literal["mean", "vote"] = "mean"
    by: Literal["sample_id", "subject"] = "sample_id"
    """What is hashed to find a row's shard; `subject` keeps a person's rows together."""


class Variant(_Part):
    """A training (`model` and `train`), or one step applied to another variant (`from`)."""

    model: Use | None = None
    train: Use | None = None
    shards: Shards | None = None
    rows: str = "all"
    forget: dict[str, Any] | None = None
    """Rows to forget for this variant's own step and exports, instead of the study's."""
    without: list[str] = []
    """Files of requests (`ids_file`) whose rows neither its making nor its exports may see."""
    from_: str | None = Field(None, alias="from")
    with_: list[str] = Field([], alias="with")
    analysis: StepUse | None = None
    unlearn: StepUse | None = None
    prune: StepUse | None = None
    sparsify: StepUse | None = None
    adapt: StepUse | None = None
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    seeds: list[StrictInt] | None = None
    replicates: int | None = Field(None, ge=2)
    only: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    resources: Resources | None = None
    device: Device | None = None

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int] | None) -> list[int] | None:
        return distinct_seeds(seeds) if seeds is not None else None

    @property
    def step(self) -> tuple[str, StepUse] | None:
        """The key and the component of the step this variant applies; None for a training."""
        for key in STEPS:
            if (use := getattr(self, key)) is not None:
                return key, use
        return None

    @model_validator(mode="after")
    def _one_shape(self) -> Variant:
        steps = [key for key in STEPS if getattr(self, key) is not None]
        if self.from_ is None and (self.model is None or self.train is None or steps):
            raise ValueError("a variant has either `model` and `train`, or `from` and one step")
        fitted = self.model or self.train or self.shards or self.rows != "all"
        if self.from_ is not None and (fitted or len(steps) != 1):
            raise ValueError(
                f"a variant with `from` has exactly one step out of {', '.join(STEPS)}, and no model, train or rows"
            )
        for key in steps:
            use = getattr(self, key).use
            if use.split(".")[0] != STEPS[key]:
                raise ValueError(f"`{key}` takes a component below '{STEPS[key]}.', got '{use}'")
        return self


class AxisValue(_Part):
    """What one value of an axis binds: rows to forget, dataset overrides, `{names}` by seed, parameters."""

    forget: dict[str, Any] | None = None
    measured: dict[str, Any] | None = None
    dataset: dict[str, Any] = {}
    bind: dict[str, list[Any]] = {}
    set: dict[str, Any] = {}


class Evaluation(Use):
    """An evaluation, perhaps of some variants only (`of`)."""

    of: list[str] | None = None


def _kind_of_figure(one: Any) -> str:
    return "declared" if isinstance(one, FigureSpec) or (isinstance(one, Mapping) and "metric" in one) else "titled"


Figure = Annotated[
    Annotated[FigureSpec, Tag("declared")] | Annotated[FigureTitle, Tag("titled")],
    Discriminator(_kind_of_figure),
]
"""A figure of the study's own, or the finding of one that every study has."""


class TargetUse(Use):
    """A target and its parameters, perhaps at some values of the axes only (`only`)."""

    only: dict[str, Annotated[list[str], Field(min_length=1)]] = {}

    def at(self, axes: Mapping[str, str]) -> bool:
        """Whether the target is wanted at these values of the axes."""
        return all(axes.get(axis) in values for axis, values in self.only.items())


class Study(_Part):
    """One published system, or a user's own model."""

    question: str
    paper: Paper | None = None
    answer: str | None = None
    dataset: DatasetUse
    forget: dict[str, Any] | None = None
    measured: dict[str, Any] | None = None
    """Rows that evaluations look at as the forgotten ones, where those are not the ones of `forget`."""
    seeds: list[StrictInt]
    axes: dict[str, Annotated[dict[str, AxisValue], Field(min_length=1)]] = {}
    resources: dict[Stage, Resources] = {}
    variants: dict[str, Variant] = Field(min_length=1)
    targets: dict[str, list[str | TargetUse]] = {}
    evaluate: list[Evaluation] = []
    claims: list[dict[str, Any]] = []
    absent: dict[str, str] = {}
    """Variants or axis values that claims name and this study does not compute, with the reason."""
    figures: list[Figure] = []
    notes: dict[str, str] = {}
    certify: Certify | None = None
    device: Device = "cpu"

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        return distinct_seeds(seeds)

    @field_validator("variants")
    @classmethod
    def _names(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        for name in variants:
            if not name or not all(c.isalnum() or c in "-_." for c in name):
                raise ValueError(f"variant name '{name}': only letters, digits, '-', '_' and '.'")
        return variants


@dataclass(frozen=True)
class LoadedStudy:
    """A study at a scale, with the file it came from."""

    slug: str
    path: Path
    scale: Scale
    study: Study

    def error(self, message: str, *place: str | int, kind: type[UserError] = UserError) -> UserError:
        """A UserError (or another `kind` of it) that points at a place (keys) of the study's file."""
        return kind(f"{_position(self.path, self.scale, place)}: {message}")


def load_study(path: Path, scale: Scale, overrides: Mapping[str, Any] | None = None) -> LoadedStudy:
    """Read, merge the scale's overrides and check. Raises UserError with file, line, field and what is allowed."""
    raw = yaml12.load(path)
    if not isinstance(raw, dict):
        raise UserError(f"{path}:1: a study is a mapping, see config/README.md")
    slug = path.stem
    if slug in RESERVED or not slug.replace("-", "").isalnum():
        raise UserError(f"{path}: '{slug}' cannot be a study's name (reserved: {', '.join(sorted(RESERVED))})")
    for place in _unusable(raw, (), ()):
        raise UserError(f"{yaml12.position(path, place)}: {'.'.join(map(str, place))}: not a finite number, or a loop")
    scales = {} if raw.get("scales") is None else raw["scales"]
    if not isinstance(scales, dict) or set(scales) - set(SCALES):
        raise UserError(f"{yaml12.position(path, ['scales'])}: scales are {', '.join(SCALES)}")
    plain = {key: value for key, value in raw.items() if key != "scales"}
    wanted = _study(path, plain, scale, scales.get(scale), overrides)
    for other in scales:  # what is wrong in another scale is told now, not when it is used
        _study(path, plain, other, scales[other], overrides)
    return LoadedStudy(slug, path, scale, wanted)


def _study(path: Path, plain: dict[str, Any], scale: Scale, over: Any, overrides: Mapping[str, Any] | None) -> Study:
    """The study at one scale, checked."""
    if not isinstance(over, dict | None):
        raise UserError(f"{yaml12.position(path, ['scales', scale])}: scales.{scale}: a mapping of overrides")
    merged = merge(_with_bases(path, merge(plain, over or {})), overrides or {})
    try:
        return Study.model_validate(merged)
    except ValidationError as error:
        text, place = _explain(error)
        raise UserError(f"{_position(path, scale, place)}: {text}") from None


def _unusable(value: Any, place: tuple[str | int, ...], trail: tuple[int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Places of numbers that are not finite, and of a YAML alias that contains itself: neither can be in a key."""
    if id(value) in trail or (isinstance(value, float) and not math.isfinite(value)):
        yield place
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _unusable(item, (*place, key), (*trail, id(value)))


def merge(base: Any, over: Any) -> Any:
    """Mappings merge key by key (null deletes), everything else is replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _with_bases(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """Replace `base: other` in a variant by a copy of the other variant, overridden by the variant's own keys."""
    variants = raw.get("variants")
    if not isinstance(variants, dict):
        return raw

    def resolve(name: str, trail: tuple[str, ...]) -> Any:
        variant = variants[name]
        if not isinstance(variant, dict) or "base" not in variant:
            return variant
        base = variant["base"]
        where = yaml12.position(path, ["variants", name, "base"])
        if not isinstance(base, str) or base not in variants:
            raise UserError(f"{where}: base '{base}' is no variant of this study")
        if base in trail:
            raise UserError(f"{where}: base loops: {' -> '.join([*trail, base])}")
        own = {key: value for key, value in variant.items() if key != "base"}
        return merge(resolve(base, (*trail, base)), own)

    return {**raw, "variants": {name: resolve(name, (name,)) for name in variants}}


def _explain(error: ValidationError) -> tuple[str, tuple[str | int, ...]]:
    owner = _owner(Study, first_problem(error)["loc"])
    return explain(error, field_names(owner) if owner else [])


def _owner(annotation: Any, place: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that the last key of a place belongs to, found by walking the annotations."""
    inside, origin = get_args(annotation), get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = next((info for name, info in annotation.model_fields.items() if place[0] in (name, info.alias)), None)
        return annotation if len(place) == 1 else _owner(field.annotation, place[1:]) if field else None
    if origin is Annotated:
        return _owner(inside[0], place)
    if origin in (dict, list):
        return _owner(inside[-1], place[1:]) if len(place) > 1 else None
    return next((found for one in inside if (found := _owner(one, place))), None)


def _position(path: Path, scale: str, place: tuple[str | int, ...]) -> str:
    """The place in the file; where the scale overrides it, the override's line."""
    here = yaml12.position(path, place)
    over = yaml12.position(path, ["scales", scale, *place])
    return over if _depth(path, ["scales", scale, *place]) > len(place) + 1 else here


def _depth(path: Path, place: list[str | int]) -> int:
    """How many keys of the place exist in the file."""
    value, depth = yaml12.load(path), 0
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        depth += 1
    return depth
