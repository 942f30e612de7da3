"""The stages: each turns a node's inputs into the files of its directory."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.data import Data, Part, Selection, write_selection
from neurosieve.artifacts.dataset import DatasetInfo, write_dataset
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.metrics import Measure, frame, write_metrics
from neurosieve.artifacts.model import Model, build_model, write_model
from neurosieve.artifacts.shadows import RETRAINED, UNLEARNED
from neurosieve.artifacts.shards import ROLE, Shard
from neurosieve.artifacts.tags import known_key
from neurosieve.artifacts.view import Later, Runtime, View
from neurosieve.errors import UserError
from neurosieve.jobs.choosing import choose
from neurosieve.jobs.load import Inputs, node_params, verb
from neurosieve.jobs.seeding import seed_generators
from neurosieve.jobs.told import Told

WITHHELD = ("test",)
"""Splits that train and intervene never see."""
SEEN = ("train", "validation")
"""Splits that an export is shown."""
EXAMPLES = 512
"""Rows that an export gets to run, at most."""
HELD = 8
"""Candidates of `choose` whose models are held, so that the chosen one need not be made again."""


def schema_of(info: DatasetInfo) -> dict[str, Any]:
    """What a model's `build` is told about the data."""
    return {"input_shape": list(info.input_shape), "classes": len(info.class_names) or None}


def prepare(inputs: Inputs, directory: Path) -> None:
    """A dataset, or the rows to forget."""
    node = inputs.node
    component = verb(node.recipe["component"]["use"], "prepare", node_params(inputs.project, node))
    of = inputs.dataset(inputs.roles["of"], hidden=True) if "of" in inputs.roles else None
    key = known_key(inputs.project.root) if component.asks("key") else None
    made = component(params=component.params, seed=node.recipe["seed"], of=of, key=key)
    if isinstance(made, Selection):
        assert of is not None
        write_selection(directory, made, of)
    else:
        write_dataset(directory, made)


def train(inputs: Inputs, directory: Path) -> None:
    """A model trained on all rows or on the retained ones; it sees neither test rows nor hidden columns.

    One that is trained on retained rows does not see the rows to forget in any other split either.
    """
    node = inputs.node
    data = inputs.data(hidden=False, withhold=WITHHELD)
    rows = node.recipe.get("rows", "all")
    if rows != "all":
        kept = {name: data.part("retain", name) for name in data.splits if rows == "retain"}
        data = Data(data.info, {**data.splits, **kept, "train": data.part(rows)})
    if "shard" in node.recipe:
        data = Shard.of(node.recipe["shard"]).data(data, node.recipe["seed"])
    recipe = node.recipe["model"]
    seed_generators(node.recipe["seed"])
    builder = recipe["use"].removeprefix("models.").replace("-", "_")
    if "model" in inputs.roles:  # a shard's slices before
        model = inputs.model(inputs.roles["model"])
    else:
        model = build_model(builder, recipe["params"], schema_of(data.info), node.recipe.get("device", "cpu"))
    model = model.with_(companions=inputs.companions(ROLE))
    if "own" in recipe:
        from neurosieve.models.trial import check_model

        check_model(model, data.train)
    component = verb(node.recipe["component"]["use"], "train", node_params(inputs.project, node))
    log = _log(inputs, directory)
    seed_generators(node.recipe["seed"])
    trained = component(model=model, data=data, params=component.params, seed=node.recipe["seed"], log=log)
    trained = trained.with_(key=node.key, steps=(node.recipe["component"]["use"],), companions=())
    _write_model(directory, trained, log)


def intervene(inputs: Inputs, directory: Path) -> None:
    """A model changed after training; with `choose`, one of several settings by a validation metric."""
    node = inputs.node
    data = inputs.data(hidden=False, withhold=WITHHELD)
    parent = inputs.model(inputs.roles["model"], checkpoint=node.recipe.get("checkpoint"))
    given = parent.with_(companions=inputs.companions())
    use = node.recipe["component"]["use"]
    params, kept = node_params(inputs.project, node), None
    if "choose" in node.recipe:
        chosen, kept = _choose(inputs, directory, given, data, use, params)
        params = {**params, **chosen}
    component = verb(use, "intervene", params)
    if kept is None:
        log = _log(inputs, directory)
        seed_generators(node.recipe["seed"])
        kept = component(model=given, data=data, params=component.params, seed=node.recipe["seed"], log=log), log
    changed, log = kept
    changed = changed.with_(key=node.key, parent=parent.key, steps=(*parent.steps, use), companions=())
    light = getattr(component.module, "DELTA", False) and "checkpoint" not in node.recipe
    _write_model(directory, changed, log, base=parent if light else None)


def export(inputs: Inputs, directory: Path) -> None:
    """One target's artifact, run for parity.

    `example` are training rows, `validation` validation rows (none where the dataset has none), of both the retained
    ones where the study forgets, from the whole split: rows may be stored class after class.
    """
    node = inputs.node
    data = inputs.data(hidden=False, withhold=WITHHELD)
    part: Part = "all" if data.selection is None else "retain"
    example, validation = (_some(data.part(part, name).x) if name in data.splits else None for name in SEEN)
    component = verb(node.recipe["component"]["use"], "export", node_params(inputs.project, node))
    model = inputs.model(inputs.roles["model"])
    record = component(
        model=model, example=example, validation=validation, params=component.params, path=directory,
        seed=node.recipe["seed"],
    )  # fmt: skip
    write_metrics(directory, frame(record.measures))
    (directory / "export.json").write_text(record.model_dump_json(indent=2, exclude={"measures"}) + "\n")


def _some(rows: np.ndarray) -> np.ndarray:
    """At most `EXAMPLES` of rows [n, ...], evenly spaced."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), EXAMPLES)).round().astype(int)]


def evaluate(inputs: Inputs, directory: Path) -> None:
    """Metrics of one variant (native or on a target), or of a whole study."""
    node = inputs.node
    data = inputs.data(hidden=True)
    component = verb(node.recipe["component"]["use"], "evaluate", node_params(inputs.project, node))
    named = {role[6:]: key for role, key in inputs.roles.items() if role.startswith("model.")}
    if named:
        view = View(data, variants={name: _view(inputs, data, key) for name, key in named.items()})
    else:
        view = _view(inputs, data, inputs.roles["model"], inputs.roles.get("export"))
        kinds = (RETRAINED, UNLEARNED)
        view = replace(view, shadows={kind.rstrip("."): inputs.companions(kind) for kind in kinds})
    seed_generators(node.recipe["seed"])
    measured = component(view=view, params=component.params, seed=node.recipe["seed"])
    _refuse_unlisted(measured, node.recipe["component"]["use"])
    write_metrics(directory, measured)


def _refuse_unlisted(measured: pl.DataFrame, use: str) -> None:
    """Raises UserError for a metric of no known unit and direction."""
    from neurosieve.evaluation.vocabulary import metric

    for name in measured["metric"].unique(maintain_order=True):
        if not metric(name).known:
            raise UserError(
                f"{use} gives the metric '{name}', which is not in src/neurosieve/evaluation/vocabulary.csv: add a line"
                " with its unit, direction, home split and definition"
            )


STAGES: dict[str, Callable[[Inputs, Path], None]] = {
    "prepare": prepare,
    "train": train,
    "intervene": intervene,
    "export": export,
    "evaluate": evaluate,
}


def _view(inputs: Inputs, data: Data, key: str, export_key: str | None = None) -> View:
    runtime = _runtime(inputs, export_key) if export_key else None
    target = inputs.plan.nodes[export_key].name if export_key else "native"
    chain, parents = cache(lambda: inputs.steps(key)), inputs.parents(key)
    steps = Later(lambda: len(chain()), lambda place: chain()[place])
    above = Later(lambda: len(parents), lambda place: inputs.model(parents[place]))
    return View(data, inputs.model(key), target, runtime, steps, above)


def _runtime(inputs: Inputs, key: str) -> Runtime:
    """The exported artifact in its own runtime."""
    use = inputs.plan.nodes[key].recipe["component"]["use"]
    return importlib.import_module(f"neurosieve.{use.replace('-', '_')}").load(inputs.directory(key))


def _choose(
    inputs: Inputs, directory: Path, model: Model, data: Data, use: str, params: dict[str, Any]
) -> tuple[dict[str, Any], tuple[Model, Log] | None]:
    """The parameters that the node's rule chooses, with the model and log made by them unless there are too many.

    The table of candidates stays in the node.
    """
    seed, told = inputs.node.recipe["seed"], Told()
    held: dict[str, tuple[Model, Log]] = {}

    def made(candidate: Mapping[str, Any], number: int) -> Model:
        component = verb(use, "intervene", {**params, **candidate})
        seed_generators(seed)
        log = Log(keeper=inputs.keeper.part(f"candidate{number}"))
        result: Model = component(model=model, data=data, params=component.params, seed=seed, log=log)
        if number < HELD:
            held[str(candidate)] = result, log
        return result

    chosen, table = choose(inputs.node.recipe["choose"], made, model, data, seed, told)
    told.rest()
    table.write_parquet(directory / "candidates.parquet")
    return chosen, held.get(str(chosen))


def _log(inputs: Inputs, directory: Path) -> Log:
    def save(name: str, model: Model) -> None:
        folder = directory / "checkpoints" / name
        folder.mkdir(parents=True)
        write_model(folder, model)

    return Log(save_checkpoint=save, keeper=inputs.keeper, say=Told())


def _write_model(directory: Path, model: Model, log: Log, base: Model | None = None) -> None:
    if isinstance(log.say, Told):
        log.say.rest()
    write_model(directory, model, base=base)
    if log.history:
        pl.DataFrame(log.history, infer_schema_length=None).write_parquet(
            directory / "history.parquet", compression="uncompressed"
        )
    timings = [Measure(metric, seconds, timing=True) for metric, seconds in log.timings.items()]
    if timings:
        write_metrics(directory, frame(timings))
        (directory / "metrics.parquet").unlink()
