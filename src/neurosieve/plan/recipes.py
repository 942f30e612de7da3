"""Recipes: a component with its checked parameters and inputs becomes a node, with every error at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosieve.artifacts.hashes import FileHashes
from neurosieve.errors import AbsentError, UserError
from neurosieve.plan.components import Component, ParamsError, checked_params, files_of, find, params_class
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node, StudyPlan, canonical
from neurosieve.plan.study import LoadedStudy, Resources

Place = tuple[str | int, ...]
"""Keys of the study's file that lead to a value; errors point there."""


@dataclass(frozen=True)
class Checked:
    """Parameters with defaults, raw files taken out; SHA-256 and path of those files by parameter."""

    params: dict[str, Any]
    files: dict[str, str]
    paths: dict[str, str]


@dataclass
class Request:
    """What a node is made of, and where the study's file asks for it."""

    stage: str
    name: str
    component: Component
    params: Mapping[str, Any]
    seed: int
    inputs: Mapping[str, str]
    place: Place
    title: str
    variant: str | None = None
    replicates: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    always_draws: bool = False


@dataclass
class Recipes:
    """Makes the nodes of one plan; parameters are checked once per distinct value."""

    loaded: LoadedStudy
    root: Path
    source: Source
    hashes: FileHashes
    plan: StudyPlan
    drawn: dict[str, bool] = field(default_factory=dict)
    """Key -> whether the node or anything before it draws random numbers."""
    _checked: dict[str, Checked] = field(default_factory=dict)

    def component(self, package: str, use: str, place: Place) -> Component:
        """The component of this name. Raises UserError at its line when there is none."""
        try:
            return find(self.source, package, use)
        except UserError as error:
            raise self.loaded.error(str(error), *place, "use") from None

    def check(self, component: Component, params: Mapping[str, Any], place: Place) -> Checked:
        """Parameters checked by the component. Raises UserError at the offending field's line."""
        known = canonical([component.module, params])
        if known not in self._checked:
            try:
                checked = checked_params(component, params)
                files = files_of(component, checked, self.root)
            except ParamsError as error:
                kind = AbsentError if error.absent else UserError
                raise self.loaded.error(str(error), *place, *error.field, kind=kind) from None
            sums = {name: self._sum(path, (*place, name)) for name, path in files.items()}
            paths = {name: str(checked[name]) for name in files}
            self.plan.files |= {paths[name]: sums[name] for name in files}
            kept = {name: value for name, value in checked.items() if name not in files}
            self._checked[known] = Checked(kept, sums, paths)
        return self._checked[known]

    def _sum(self, path: Path, place: Place) -> str:
        try:
            return self.hashes.sha256(path)
        except OSError as error:
            raise self.loaded.error(f"{path} cannot be read: {error.strerror}", *place) from None

    def node(self, request: Request) -> Node:
        """The node of a request; equal recipes are one node."""
        component, params = request.component, dict(request.params)
        if request.replicates and "replicates" in params_class(component).model_fields:
            params["replicates"] = request.replicates
        checked = self.check(component, params, request.place)
        draws = request.always_draws or component.draws
        recipe: dict[str, Any] = {
            "component": component.recipe(),
            "params": checked.params,
            "inputs": dict(request.inputs),
            "seed": request.seed if draws else None,
            **request.extra,
        }
        if checked.files:
            recipe["files"] = checked.files
        device = self._device(request)
        if device != "cpu":
            recipe["device"] = device
        asks = self.asks(request.stage, request.variant)
        inputs = tuple(dict.fromkeys(request.inputs.values()))
        node = self.plan.add(request.stage, request.name, recipe, inputs, request.title, asks, checked.paths)
        self.drawn[node.key] = draws or any(self.drawn.get(key, False) for key in inputs)
        return node

    def asks(self, stage: str, variant: str | None = None) -> Resources:
        """What a node asks of the machine: its variant's own, the study's for the stage, or the default."""
        own = self.loaded.study.variants[variant].resources if variant else None
        staged = {str(name): asked for name, asked in self.loaded.study.resources.items()}
        return own or staged.get(stage) or Resources()

    def _device(self, request: Request) -> str:
        if request.stage == "prepare":
            return "cpu"
        own = self.loaded.study.variants[request.variant].device if request.variant else None
        return own or self.loaded.study.device
