"""The stages: each turns a node's inputs into the files of its directory."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.data import Data, Part, Selection, write_selection
from neurosieve.artifacts.dataset import DatasetInfo, write_dataset
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.metrics import Measure, frame, write_metrics
from neurosieve.artifacts.model import Model, build_model, write_model
from neurosieve.artifacts.view import Runtime, View
from neurosieve.errors import UserError
from neurosieve.jobs.load import Inputs, Verb, node_params, verb
from neurosieve.jobs.told import Told

WITHHELD = ("test",)
"""Splits that train and intervene never see."""
SEEN = ("train", "validation")
"""Splits that an export is shown."""
EXAMPLES = 512
"""Rows that an export gets to run, at most."""


def schema_of(info: DatasetInfo) -> dict[str, Any]:
    """What a model's `build` is told about the data."""
    return {"input_shape": list(info.input_shape), "classes": len(info.class_names) or None}


def prepare(inputs: Inputs, directory: Path) -> None:
    """A dataset, or the rows to forget."""
    node = inputs.node
    component = verb(node.recipe["component"]["use"], "prepare", node_params(inputs.project, node))
    of = inputs.dataset(inputs.roles["of"], hidden=True) if "of" in inputs.roles else None
    made = component(params=component.params, seed=node.recipe["seed"], of=of)
    if isinstance(made, Selection):
        assert of is not None
        write_selection(directory, made, of)
    else:
        write_dataset(directory, made)


def train(inputs: Inputs, directory: Path) -> None:
    """A model trained on all rows or on the retained ones; it sees neither test rows nor hidden columns."""
    node = inputs.node
    data = inputs.data(hidden=False, withhold=WITHHELD)
    rows = node.recipe.get("rows", "all")
    if rows != "all":
        data = Data(data.info, {**data.splits, "train": data.part(rows)})
    recipe = node.recipe["model"]
    _seed(node.recipe["seed"])
    builder = recipe["use"].removeprefix("models.").replace("-", "_")
    model = build_model(builder, recipe["params"], schema_of(data.info), node.recipe.get("device", "cpu"))
    component = verb(node.recipe["component"]["use"], "train", node_params(inputs.project, node))
    log = _log(inputs, directory)
    _seed(node.recipe["seed"])
    trained = component(model=model, data=data, params=component.params, seed=node.recipe["seed"], log=log)
    _write_model(directory, trained.with_(key=node.key, steps=(node.recipe["component"]["use"],)), log)


def intervene(inputs: Inputs, directory: Path) -> None:
    """A model changed after training; with `choose`, the best of several settings by a validation metric."""
    node = inputs.node
    data = inputs.data(hidden=False, withhold=WITHHELD)
    parent = inputs.model(inputs.roles["model"], checkpoint=node.recipe.get("checkpoint"))
    given = parent.with_(companions=inputs.companions())
    use = node.recipe["component"]["use"]
    params = node_params(inputs.project, node)
    if "choose" in node.recipe:
        params = {**params, **_choose(inputs, directory, given, data, use, params)}
    component = verb(use, "intervene", params)
    log = _log(inputs, directory)
    _seed(node.recipe["seed"])
    changed: Model = component(model=given, data=data, params=component.params, seed=node.recipe["seed"], log=log)
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
    _seed(node.recipe["seed"])
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
    return View(data, inputs.model(key), target, runtime, inputs.steps(key), inputs.parents(key))


def _runtime(inputs: Inputs, key: str) -> Runtime:
    """The exported artifact in its own runtime."""
    use = inputs.plan.nodes[key].recipe["component"]["use"]
    return importlib.import_module(f"neurosieve.{use.replace('-', '_')}").load(inputs.directory(key))


def _choose(
    inputs: Inputs, directory: Path, model: Model, data: Data, use: str, params: dict[str, Any]
) -> dict[str, Any]:
    """Run the step for every candidate and judge it; the table of candidates stays in the node."""
    rule = inputs.node.recipe["choose"]
    judge = verb(rule["judge"]["use"], "evaluate", {})
    rows: list[dict[str, Any]] = []
    told = Told()
    for values in itertools.product(*rule["among"].values()):
        candidate = dict(zip(rule["among"], values, strict=True))
        component = verb(use, "intervene", {**params, **candidate})
        _seed(inputs.node.recipe["seed"])
        log = Log(keeper=inputs.keeper.part(f"candidate{len(rows)}"))
        made = component(model=model, data=data, params=component.params, seed=inputs.node.recipe["seed"], log=log)
        rows.append({**candidate, rule["metric"]: _judged(judge, View(data, made), rule, inputs.node.recipe["seed"])})
        told({"candidate": len(rows), **rows[-1]})
    told.rest()
    pl.DataFrame(rows).write_parquet(directory / "candidates.parquet")
    sign = -1 if rule["better"] == "lower" else 1
    best = max(rows, key=lambda row: sign * row[rule["metric"]])  # the first of equals
    return {name: best[name] for name in rule["among"]}


def _judged(judge: Verb, view: View, rule: dict[str, Any], seed: int | None) -> float:
    measured = judge(view=view, params=judge.params, seed=seed)
    found = measured.filter((pl.col("metric") == rule["metric"]) & (pl.col("split") == rule["split"]))
    if len(found) != 1:
        raise UserError(
            f"choose: {rule['judge']['use']} gives no {rule['metric']} on split {rule['split']} of this dataset"
        )
    return float(found["value"][0])


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


def _seed(seed: int | None) -> None:
    """Seed the global generators: layers draw their initial weights from them, and so does third-party code.

    What says that it draws nothing gets 0: if it does draw after all, two runs still give the same.
    """
    import random
    import sys

    seed = seed or 0
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - third-party code draws from the global generator
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
