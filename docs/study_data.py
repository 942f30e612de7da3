"""What a study's data are, read from the dataset components without making any: name, origin, source, licence.

A component says them where it makes its `DatasetInfo`. Constants, f-strings and a choice between two by parameters
are read from the syntax tree; what depends on more is left out.
"""

import ast
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from neurosieve.plan.components import find, params_class
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.settings import Scale
from neurosieve.plan.study import LoadedStudy, merge

INFO = ("name", "origin", "source", "licence")


class DataRow(NamedTuple):
    """One dataset as a study uses it; `chain` holds its component and those it is made of."""

    use: str
    chain: tuple[str, ...]
    name: str
    origin: str
    source: str
    licence: str
    used_by: str


class _Unknown(Exception):
    """An expression that only running the component would tell."""


def data_rows(scales: Mapping[Scale, LoadedStudy], source: Source) -> list[DataRow]:
    """Datasets of all scales, each once, with the settings and, where it is not at all of them, the scales."""
    found: dict[tuple[Any, ...], dict[str, list[str]]] = {}
    every: dict[str, list[str]] = {}
    for scale, loaded in scales.items():
        for setting, raw in _by_setting(loaded):
            chain = tuple(_chain(raw))
            facts = _facts(source, raw)
            used = found.setdefault((chain, *(facts.get(field, "") for field in INFO)), {})
            used.setdefault(scale, []).append(setting)
            every.setdefault(scale, []).append(setting)
    return [DataRow(" of ".join(key[0]), *key, used_by=_used_by(used, every)) for key, used in found.items()]


def _used_by(used: Mapping[str, list[str]], every: Mapping[str, list[str]]) -> str:
    """`full-class, random`; `full: fashion`; empty where every setting of every scale uses it."""
    if used == every:
        return ""
    everywhere = [used.get(scale, []) for scale in every]
    shared = [setting for setting in everywhere[0] if all(setting in settings for settings in everywhere)]
    parts = [", ".join(shared)] if shared else []
    for scale, settings in used.items():
        if more := [setting for setting in settings if setting not in shared]:
            parts.append(f"{scale} scale: {', '.join(filter(None, more)) or 'all'}")
    return "; ".join(parts)


def _by_setting(loaded: LoadedStudy) -> Iterator[tuple[str, dict[str, Any]]]:
    """The dataset of every combination of axis values that changes it, as the study's file asks for it."""
    study = loaded.study
    axes = [values for values in study.axes.values() if any(value.dataset for value in values.values())]
    for names in product(*axes):
        raw: Any = study.dataset.model_dump(exclude_none=True)
        for values, name in zip(axes, names, strict=True):
            raw = merge(raw, values[name].dataset)
        yield ", ".join(names), raw


def _chain(raw: Mapping[str, Any]) -> Iterator[str]:
    yield raw["use"]
    if raw.get("of"):
        yield from _chain(raw["of"])


def _facts(source: Source, raw: Mapping[str, Any]) -> dict[str, str]:
    """What the component says, else what that says of which it is made."""
    component = find(source, "datasets", raw["use"])
    # no check: that looks for raw files, which not every machine has
    params = params_class(component).model_construct(**_by_field(params_class(component), raw))
    facts = _facts(source, raw["of"]) if raw.get("of") else {}
    path = source.path(component.module)
    return facts | (_stated(path, params) if path else {})


def _by_field(cls: type[BaseModel], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters by the names of their fields, not of YAML."""
    names = {info.alias or name: name for name, info in cls.model_fields.items()}
    return {names[key]: value for key, value in raw.items() if key in names}


def _stated(path: Path, params: BaseModel) -> dict[str, str]:
    """Texts of the first `DatasetInfo(...)` in a module, as far as parameters alone decide them."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    made = next((call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "DatasetInfo"), None)
    found = {}
    for keyword in made.keywords if made else []:
        if keyword.arg in INFO:
            try:
                found[keyword.arg] = str(_value(keyword.value, params))
            except _Unknown:
                continue
    return found


def _value(node: ast.expr, params: BaseModel) -> Any:
    """The value of a constant, a parameter, an f-string or a choice between them."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.JoinedStr(values=parts):
            return "".join(str(_value(part, params)) for part in parts)
        case ast.FormattedValue(value=value, format_spec=None):
            return _value(value, params)
        case ast.Attribute(value=ast.Name(id="params"), attr=name) if hasattr(params, name):
            return getattr(params, name)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, params) else orelse, params)
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _value(left, params) == _value(right, params)
    raise _Unknown
