"""Components: one module = one `Params` class + one verb; found by name on disk, never registered.

`use: unlearning.ssd` in an intervention is `neurosieve.interventions.unlearning.ssd`. What the plan must know
(does it draw, which rows does it read) is read from the syntax tree, so that planning imports nothing heavy; the
module itself is imported only to check parameters.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from neurosieve.artifacts.raw import fields, raw_fields
from neurosieve.errors import UserError, near
from neurosieve.plan.fingerprint import Fingerprint, Source

VERBS = {
    "datasets": "prepare",
    "models": "build",
    "training": "train",
    "interventions": "intervene",
    "export": "export",
    "evaluation": "evaluate",
}
"""Package below neurosieve -> name of the verb its components have."""

KINDS = ("[key]", "str", "declared", "titled")
"""What pydantic puts into the place of an error to say which kind of a union it took."""
_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")


class ParamsError(UserError):
    """Parameters that the component refuses; `field` is the offending field's path, `absent`: its file is not here."""

    def __init__(self, message: str, field: tuple[str | int, ...], absent: bool = False) -> None:
        super().__init__(message)
        self.field, self.absent = field, absent


@dataclass(frozen=True)
class Component:
    """What the plan knows of a component without importing it.

    `arguments` are the verb's arguments (one without `seed` draws nothing), `views` the parts of the data it
    reads (`forget`, `retain`), `delta` says that it stores only changed tensors, `looks_at` is `model` or `study`,
    `targets` that an evaluation also runs on export targets, `builds_at_random` that a model's initial weights are
    drawn (unless its module says `DRAWS = False`), `needs` the third-party packages without which a target cannot run,
    `given` that a training takes its weights from a file, whatever was drawn and whichever rows a study names,
    `shadows` the models of further seeds that an evaluation of each grade looks at (see `plan.shadows`).
    """

    package: str
    use: str
    module: str
    fingerprint: Fingerprint
    arguments: tuple[str, ...]
    views: tuple[str, ...]
    delta: bool
    looks_at: str
    targets: bool
    builds_at_random: bool
    needs: tuple[str, ...] = ()
    given: bool = False
    shadows: tuple[tuple[str, int, int], ...] = ()

    @property
    def lacks(self) -> list[str]:
        """What it needs and is not installed here."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]

    @property
    def draws(self) -> bool:
        return "seed" in self.arguments

    def recipe(self) -> dict[str, Any]:
        """The part of a key that says which code runs."""
        return {"use": f"{self.package}.{self.use}", **self.fingerprint.recipe()}


def find(source: Source, package: str, use: Any) -> Component:
    """The component named by `use:` below a package. Raises UserError listing near names when there is none."""
    module = f"neurosieve.{package}.{str(use).replace('-', '_')}"
    verb = VERBS[package]
    if not isinstance(use, str) or not _NAME.fullmatch(use) or source.path(module) is None:
        raise UserError(_unknown(source, package, use))
    facts = source.facts(module)
    if verb not in facts["verbs"]:
        raise UserError(f"'{use}' is no component: {module} has no function `{verb}`")
    constants = facts["constants"]
    return Component(
        package,
        use.replace("-", "_"),  # either spelling is found, and one enters the keys
        module,
        source.fingerprint(module),
        tuple(facts["verbs"][verb]),
        tuple(constants.get("VIEWS", ())),
        bool(constants.get("DELTA", False)),
        str(constants.get("LOOKS_AT", "model")),
        bool(constants.get("TARGETS", False)),
        package == "models" and bool(constants.get("DRAWS", True)),
        tuple(constants.get("NEEDS", ())),
        bool(constants.get("GIVEN", False)),
        tuple(constants.get("SHADOWS", ())),
    )


def available(source: Source, package: str) -> list[str]:
    """Names of all components of a package, as `use:` names them."""
    found = []
    for path in sorted((source.root / package).rglob("*.py")):
        parts = path.relative_to(source.root).with_suffix("").parts
        if parts[-1] != "__init__" and VERBS[package] in source.facts(".".join(("neurosieve", *parts)))["verbs"]:
            found.append(".".join(parts[1:]))
    return found


def params_class(component: Component) -> type[BaseModel]:
    """The component's `Params`, imported."""
    return importlib.import_module(component.module).Params


def checked_params(component: Component, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters checked and completed with defaults, by their YAML names, as JSON values.

    Raises ParamsError with the field, what is wrong and what is allowed.
    """
    cls = params_class(component)
    try:
        return cls.model_validate(dict(params)).model_dump(mode="json", by_alias=True)
    except ValidationError as error:
        raise _params_error(component, cls, error) from None


def files_of(component: Component, params: Mapping[str, Any], root: Path) -> dict[str, Path]:
    """Raw files and folders that the parameters name: field -> path. Raises UserError when one does not exist."""
    cls, files = params_class(component), {}
    folders = fields(cls, "folder")
    for field in raw_fields(cls):
        if params.get(field) is not None:
            files[field] = path = root / str(params[field])
            if not (path.is_dir() if field in folders else path.is_file()):
                what = f"no {'folder' if field in folders else 'file'} {params[field]}; put it there"
                raise ParamsError(f"{component.use}: {field}: {what}", (field,), absent=True)
    return files


def field_names(cls: type[BaseModel]) -> list[str]:
    """Names of the fields as YAML writes them."""
    return [info.alias or name for name, info in cls.model_fields.items()]


def first_problem(error: ValidationError) -> Any:
    """The problem that is told: the first one, but an unknown key rather than the missing key that it stands for."""
    first, *others = error.errors()
    unknown = (one for one in others if one["type"] == "extra_forbidden" and one["loc"][:-1] == first["loc"][:-1])
    return next(unknown, first) if first["type"] == "missing" else first


def explain(error: ValidationError, allowed: list[str]) -> tuple[str, tuple[str | int, ...]]:
    """The first problem of a pydantic error in one line, with the field's path."""
    first = first_problem(error)
    place = tuple(part for part in first["loc"] if part not in KINDS)
    name = ".".join(str(part) for part in place) or "value"
    if first["type"] == "extra_forbidden":
        return f"unknown key '{name}'{near(str(place[-1]), allowed)}; allowed: {', '.join(allowed)}", place
    if first["type"] == "missing":
        return f"key '{name}' is missing", place
    if first["type"] == "value_error":  # a validator's own words
        return f"{name}: {first['ctx']['error']}", place
    message = re.sub(r"valid dictionary( or instance of \w+)?", "mapping", first["msg"])
    shown = repr(first["input"])
    return f"{name}: {message} (got {shown if len(shown) < 60 else shown[:57] + '...'})", place


def _params_error(component: Component, cls: type[BaseModel], error: ValidationError) -> ParamsError:
    text, place = explain(error, field_names(cls))
    return ParamsError(f"{component.use}: {text}", place, absent=first_problem(error)["type"] == "missing_file")


def _unknown(source: Source, package: str, use: Any) -> str:
    names = available(source, package) if (source.root / package).is_dir() else []
    return f"unknown component '{use}'{near(str(use), names)}; {package} has: {', '.join(names) or 'none'}"
