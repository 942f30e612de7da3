"""Recipes: a component with its checked parameters and inputs becomes a node, with every error at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosieve.artifacts.hashes import FileHashes
from neurosieve.artifacts.raw import fields
from neurosieve.artifacts.tags import controller_key, tag, tags_of
from neurosieve.errors import AbsentError, UserError
from neurosieve.plan.components import Component, ParamsError, checked_params, files_of, find, params_class
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node, StudyPlan, canonical
from neurosieve.plan.own_code import own_code
from neurosieve.plan.requests import read_request, refuse_absent_rows
from neurosieve.plan.study import LoadedStudy, Resources

Place = tuple[str | int, ...]
"""Keys of the study's file that lead to a value; errors point there."""


@dataclass(frozen=True)
class Checked:
    """Parameters with defaults, raw files taken out; SHA-256 and path of those files by parameter."""

    params: dict[str, Any]
    files: dict[str, str]
    paths: dict[str, str]
    own: dict[str, Any]
    """`own` of a recipe: fingerprints of the user's code by parameter; empty where none is named."""


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
    texts: dict[str, str] = field(default_factory=dict)
    """Tag -> id of the requests read: shards are found by id. Kept in memory, never in a plan."""
    _checked: dict[str, Checked] = field(default_factory=dict)
    _left_out: dict[tuple[str, str, bool], dict[str, list[str]]] = field(default_factory=dict)

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
            self._checked[known] = Checked(kept, sums, paths, self._own(component, checked, place))
        return self._checked[known]

    def _own(self, component: Component, checked: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """The user's own code that parameters name, which is read and not imported; its files are the plan's."""
        found = {}
        for name in fields(params_class(component), "code"):
            if checked[name] is None:
                continue
            try:
                read = own_code(checked[name], self.root, self.source)
            except UserError as error:
                raise self.loaded.error(f"{component.use}: {name}: {error}", *place, name) from None
            found[name] = read.recipe(checked[name].partition(":")[0])
            shown = {str(p.relative_to(self.root) if p.is_relative_to(self.root) else p): p for p in read.files}
            self.plan.files |= {path: self._sum(file, (*place, name)) for path, file in shown.items()}
        return {"own": found} if found else {}

    def asked(self, forget: Mapping[str, Any], dataset: Node, place: Place) -> dict[str, Any]:
        """A deletion request's file as parameters: tags of its ids, so that neither they nor a hash of them is kept.

        Raises UserError at the file's line in the study when it cannot be used; of the dataset too, if it is here.
        """
        named, *others = forget["ids_file"], *(name for name in forget if name != "ids_file")
        if others:
            raise self.loaded.error(f"forget: unknown key '{others[0]}' beside ids_file", *place, others[0])
        if not isinstance(named, str):
            raise self.loaded.error(f"ids_file: {named!r} is no file's name", *place, "ids_file")
        try:
            asked, self.plan.requests[named] = read_request(self.root, named)
            refuse_absent_rows(self.root, dataset, asked)
            key = controller_key(self.root)
            self.texts |= {tag(key, text): text for text in asked.ids}
            return {"tags": tags_of(key, asked.ids), "match": asked.match}
        except AbsentError as error:
            raise self.loaded.error(str(error), *place, "ids_file", kind=AbsentError) from None
        except UserError as error:
            raise self.loaded.error(str(error), *place, "ids_file") from None

    def left_out(self, name: str, dataset: Node, *, exported: bool = False) -> dict[str, Any]:
        """`without` of a variant as part of a recipe: sorted tags by what they match; empty where none is left out.

        Its exports (`exported`) do not see the request either that its own step answers by `forget`.
        """
        memory = (name, dataset.key, exported)
        if memory not in self._left_out:
            variant, found = self.loaded.study.variants[name], dict[str, set[str]]()
            places: list[tuple[str, Place]] = [(one, ("without", at)) for at, one in enumerate(variant.without)]
            if exported and variant.forget and "ids_file" in variant.forget:
                places.append((variant.forget["ids_file"], ("forget",)))
            for named, place in places:
                asked = self.asked({"ids_file": named}, dataset, ("variants", name, *place))
                found.setdefault(asked["match"], set()).update(asked["tags"])
            self._left_out[memory] = {match: sorted(tags) for match, tags in sorted(found.items())}
        tags = self._left_out[memory]
        return {"without": tags} if tags else {}

    def refuse_seen(self, companion: Node, named: str, left_out: Mapping[str, Any], place: Place) -> None:
        """Raises UserError where an analysis given by `with` was computed from rows that its step must not see."""
        if companion.recipe.get("kind") != "analysis":
            return
        knows = companion.recipe.get("without", {})
        seen = sum(len(set(tags) - set(knows.get(match, []))) for match, tags in left_out.get("without", {}).items())
        if seen:
            message = f"with: '{named}' was computed from the rows of {seen} ids that `without` leaves out here"
            raise self.loaded.error(f"{message}; give it the same `without`", *place, "with")

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
            **checked.own,
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
