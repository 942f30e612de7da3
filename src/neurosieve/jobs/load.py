"""What a job reads: inputs checked against the hashes they were stored with, opened as components see them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from neurosieve.artifacts.data import Data, read_selection
from neurosieve.artifacts.dataset import Dataset, read_dataset
from neurosieve.artifacts.hashes import content_of
from neurosieve.artifacts.metrics import read_metrics
from neurosieve.artifacts.model import Model, read_model
from neurosieve.artifacts.requested import rows_tagged
from neurosieve.artifacts.resume import Keeper
from neurosieve.artifacts.shards import ROLE
from neurosieve.artifacts.store import erased, read_provenance
from neurosieve.artifacts.tags import known_key
from neurosieve.artifacts.view import Step
from neurosieve.errors import UserError
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project


@dataclass
class Inputs:
    """The inputs of one node. Every directory is checked once against its content hashes before it is read."""

    project: Project
    plan: StudyPlan
    node: Node
    keeper: Keeper = field(default_factory=Keeper)
    _checked: set[str] = field(default_factory=set)

    @property
    def roles(self) -> Mapping[str, str]:
        return self.node.recipe.get("inputs", {})

    def directory(self, key: str) -> Path:
        """Directory of an input. Raises UserError when it is missing or its content is not what was stored."""
        store = self.project.store
        path = store.path(self.plan.nodes[key].folder) if key in self.plan.nodes else store.find(key)
        if key not in self._checked:
            name = str(path.relative_to(store.root))
            if not store.exists(name):
                raise UserError(f"the input {name} is not computed yet; run `snakemake {self.plan.slug}`")
            record = read_provenance(path)
            if gone := erased(record):
                raise UserError(gone)
            problem = store.check(path, record)
            if problem:
                raise UserError(store.shown(f"{problem}; delete {path} and run the same command again"))
            self._checked.add(key)
        return path

    def dataset(self, key: str, *, hidden: bool = False) -> Dataset:
        return read_dataset(self.directory(key), hidden=hidden)

    def data(self, *, hidden: bool, withhold: tuple[str, ...] = ()) -> Data:
        """The node's data with its selection, without the splits that its stage must not see."""
        dataset = self.dataset(self.roles["data"], hidden=hidden)
        selection = read_selection(self.directory(self.roles["selection"])) if "selection" in self.roles else None
        left_out = self._left_out(dataset)
        splits = {
            name: split.take(~left_out[name]) if name in left_out else split
            for name, split in dataset.splits.items()
            if name not in withhold
        }
        return Data(dataset.info, splits, selection)

    def _left_out(self, dataset: Dataset) -> dict[str, np.ndarray]:
        """True where a row belongs to a request that the node must not see [rows], by split."""
        masks: dict[str, np.ndarray] = {}
        for match, tags in self.node.recipe.get("without", {}).items():
            for name, rows in rows_tagged(dataset, match, tags, known_key(self.project.root)).items():
                masks.setdefault(name, np.zeros(len(dataset.splits[name]), dtype=bool))[rows] = True
        return masks

    def model(self, key: str, *, checkpoint: str | None = None) -> Model:
        directory = self.directory(key)
        if checkpoint:
            directory = directory / "checkpoints" / checkpoint
        return read_model(directory, self.directory, device=self.node.recipe.get("device", "cpu"), key=key)

    def companions(self, prefix: str = "with.") -> tuple[Model, ...]:
        """Models named by `with:` (or of the shards, by another prefix of their roles), in order."""
        roles = [role for role in self.roles if role.startswith(prefix)]
        roles.sort(key=lambda role: int(role.removeprefix(prefix)))
        kept = self.node.recipe.get("checkpoints", {})
        return tuple(self.model(self.roles[role], checkpoint=kept.get(role)) for role in roles)

    def steps(self, key: str, *, beside: bool = False) -> tuple[Step, ...]:
        """The chain of nodes behind a model, first training first, then chains of models named by `with:`."""
        node = self.plan.nodes[key]
        roles = node.recipe["inputs"]
        earlier = self.steps(roles["model"], beside=beside) if "model" in roles else ()
        others = [step for role in roles if role.startswith("with.") for step in self.steps(roles[role], beside=True)]
        others += [step for role in roles if role.startswith(ROLE) for step in self.steps(roles[role], beside=beside)]
        timings = read_metrics(self.directory(key), "timings")
        seconds = dict(zip(timings["metric"], timings["value"], strict=True)) if timings is not None else {}
        rows = "retain" if "without" in node.recipe else node.recipe.get("rows", "all")
        own = Step(node.recipe["component"]["use"], node.stage, rows, seconds, beside)
        return _unique((*earlier, *others, own))

    def parents(self, key: str) -> list[str]:
        """Keys of the models that this one was made from, nearest first."""
        roles = self.plan.nodes[key].recipe["inputs"]
        return [roles["model"], *self.parents(roles["model"])] if "model" in roles else []


@dataclass(frozen=True)
class Verb:
    """A component's verb with its parameters: called with what its signature asks for."""

    module: Any
    function: Callable[..., Any]
    params: BaseModel

    def asks(self, argument: str) -> bool:
        """Whether the verb takes this argument."""
        return argument in inspect.signature(self.function).parameters

    def __call__(self, **arguments: Any) -> Any:
        wanted = inspect.signature(self.function).parameters
        return self.function(**{name: value for name, value in arguments.items() if name in wanted})


def verb(use: str, name: str, params: Mapping[str, Any]) -> Verb:
    """`training.supervised.backprop` and its parameters, imported and ready to call."""
    module = importlib.import_module(f"neurosieve.{use.replace('-', '_')}")
    return Verb(module, getattr(module, name), module.Params.model_validate(dict(params)))


def node_params(project: Project, node: Node) -> dict[str, Any]:
    """Parameters of a node, raw files as absolute paths. Raises UserError when a file is not what was planned."""
    params = dict(node.recipe["params"])
    for name, digest in node.recipe.get("files", {}).items():
        path = project.root / node.paths[name]
        if not path.exists() or content_of(path) != digest:
            raise UserError(f"{path} changed or vanished while jobs ran; run the same command again")
        params[name] = str(path)
    return params


def _unique(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Each step once; one that lies on the chain itself is not also beside it."""
    seen: list[Step] = []
    for step in sorted(steps, key=lambda step: step.beside):
        if not any(
            (s.use, s.stage, s.rows, s.seconds) == (step.use, step.stage, step.rows, step.seconds) for s in seen
        ):
            seen.append(step)
    return tuple(seen)
