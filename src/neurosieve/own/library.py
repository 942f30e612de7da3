"""Unlearning without a pipeline: three lines on one's own network and arrays, the same code and the same result.

    from neurosieve.interventions.unlearning import ssd
    from neurosieve.own import rows, unlearn

    forgotten = unlearn(network, rows(x, y, ids), ["0087", "0012"], ssd.Params(alpha=10)).network

The method is the one whose `Params` are given. Its verb is called as a job calls it: on a copy in one memory layout, on
one thread, with every generator seeded, so that a study with the same rows, weights, parameters and seed gives the same
bytes. Nothing that is passed in is changed, and the global generators go on as if nothing had been drawn.
"""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
import torch
from pydantic import BaseModel, ValidationError
from torch import nn

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.requested import Asked, refuse_unmatched, rows_named
from neurosieve.errors import UserError
from neurosieve.jobs.choosing import choose
from neurosieve.jobs.load import verb
from neurosieve.jobs.seeding import seed_generators
from neurosieve.models.own.module import contiguous
from neurosieve.plan.choosing import Choose, ChooseBy
from neurosieve.plan.components import explain, field_names

BESIDE = {"interventions.unlearning.ssd": "interventions.analysis.importance"}
"""Methods that read what an analysis stored, and the one that is run, with its defaults, where none is given."""
Arrays = Sequence[Any] | np.ndarray | torch.Tensor
P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Unlearned(Generic[P]):
    """What came out: the changed `network` (the caller's own class, in the mode it had), and how.

    `history` holds one row per step that the method logged, `seconds` its CPU seconds, `params` what was used (chosen
    values filled in), `candidates` the table of what was tried, empty where nothing was chosen.
    """

    network: Any
    params: P
    history: pl.DataFrame
    seconds: float
    candidates: pl.DataFrame


def rows(x: Arrays, y: Arrays, ids: Sequence[str] | None = None, *, validation: Sequence[Any] | None = None) -> Dataset:
    """Training rows: inputs x [rows, ...], labels y [rows] and ids, text (row numbers where none are given).

    `validation` is another (x, y) or (x, y, ids) that a setting is chosen on; those of its ids that are to be forgotten
    do not count there. Raises UserError for lengths, types or ids that do not fit: two equal ids, ids that are numbers,
    ragged inputs.
    """
    given = {"train": (x, y, ids), **({"validation": validation} if validation is not None else {})}
    columns = {"sample_id": "the row's id", "x": "what the network reads", "label": "what it should say"}
    info = DatasetInfo(
        name="the data", origin="real", source="arrays in memory", licence="your own", inputs="x", target="label",
        columns={name: ColumnInfo(meaning=text) for name, text in columns.items()},
    )  # fmt: skip
    splits = {}
    for name, (inputs, labels, *named) in given.items():
        texts = named[0] if named and named[0] is not None else _numbered("" if name == "train" else f"{name} ", inputs)
        splits[name] = {"sample_id": list(texts), "x": _array(inputs), "label": _array(labels)}
    return Dataset.from_arrays(info, splits)


def unlearn(
    network: Any,
    data: Dataset,
    forget: Sequence[str],
    by: P,
    *,
    seed: int = 0,
    beside: Sequence[BaseModel] | None = None,
    factory: Callable[[], nn.Module] | None = None,
    among: Mapping[str, list[Any]] | None = None,
    margin: float = 0.01,
    threads: int = 1,
) -> Unlearned[P]:
    """The network made to forget the rows of these ids; `by` are a method's `Params`, such as `ssd.Params(alpha=10)`.

    beside: `Params` of the analyses whose models the method reads (for ssd the importance, by default with its
    defaults), run first. factory: a function of a module that builds the network afresh, for methods that need one
    that knows nothing. among: candidates such as {"alpha": [5, 10], "lambda": [0.1, 1]}; the strongest that loses at
    most `margin` accuracy on the retained validation rows is taken.

    Raises UserError in one line for ids that are not in the data, listed twice, none or all, and as the method does.
    """
    use, base, selection = _use(by), by.model_dump(by_alias=True), _selected(data, forget)
    with _as_a_job(threads):
        model = _model(network, data, factory)
        names = tuple(map(str, range(model.schema["classes"] or 0)))
        seen = Data(data.info.model_copy(update={"class_names": names}), data.splits, selection)
        others = [_step(_use(one), one, model, seen, seed, Log()) for one in _beside(use, beside)]
        model = model.with_(companions=tuple(others))

        def made(candidate: Mapping[str, Any], _number: int) -> Model:
            return _step(use, _checked(by, {**base, **candidate}), model, seen, seed, Log())

        chosen, table = {}, pl.DataFrame()
        if among:
            rule = _rule(among, margin, data.info.regression)
            chosen, table = choose(rule, made, model, seen, seed, lambda _row: None)
        params, log = _checked(by, {**base, **chosen}), Log()
        changed = _step(use, params, model, seen, seed, log)
    history = pl.DataFrame(log.history, infer_schema_length=None)
    seconds = log.timings.get("intervention_seconds", 0.0)
    return Unlearned(_like(changed.system, network), params, history, seconds, table)


def _rule(among: Mapping[str, list[Any]], margin: float, regression: bool) -> dict[str, Any]:
    """The rule as a node's recipe holds it."""
    metric, judge = ("r2", "regression") if regression else ("accuracy", "classification")
    by = ChooseBy(metric=metric, use=judge, rule="strongest-within", margin=margin)
    return Choose(among=dict(among), by=by).recipe("higher", {"use": f"evaluation.{judge}"})


def _use(params: BaseModel) -> str:
    """`interventions.unlearning.ssd` of its `Params`."""
    module = type(params).__module__
    if not module.startswith("neurosieve.interventions.") or not hasattr(sys.modules[module], "intervene"):
        raise UserError(
            f"{type(params).__qualname__} of {module} is no method's Params: give `ssd.Params(alpha=10)`, or another's"
            " of neurosieve.interventions"
        )
    return module.removeprefix("neurosieve.")


def _beside(use: str, given: Sequence[BaseModel] | None) -> Sequence[BaseModel]:
    if given is not None or use not in BESIDE:
        return given or ()
    return (verb(BESIDE[use], "intervene", {}).params,)


def _step(use: str, params: BaseModel, model: Model, data: Data, seed: int, log: Log) -> Model:
    """One intervention, called and seeded as a job does it."""
    component = verb(use, "intervene", params.model_dump(by_alias=True))
    drawn = seed if component.asks("seed") else None
    seed_generators(drawn)
    try:
        return component(model=model, data=data, params=component.params, seed=drawn, log=log)
    except ValidationError:
        if model.params:
            raise
        raise UserError(f"{use} builds the network afresh: give `factory=`, a function of a module that does") from None


def _checked(by: P, values: Mapping[str, Any]) -> P:
    try:
        kind: type[P] = type(by)
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(f"{_use(by)}: {explain(error, field_names(type(by)))[0]}") from None


def _selected(data: Dataset, forget: Sequence[str]) -> Selection:
    """The rows of these ids. Raises UserError where they are none, not in the data, listed twice, or all of it."""
    ids = [str(one) for one in forget]
    if isinstance(forget, str) or ids != list(forget):
        raise UserError("the ids to forget are a list of texts: numbers lose leading zeros")
    if not ids:
        raise UserError("the list of ids is empty: nothing to forget")
    twice = sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise UserError(f"id '{twice[0]}' is listed twice; list each row once")
    asked = Asked("ids to forget", "sample_id", tuple(ids), tuple(range(1, len(ids) + 1)))
    refuse_unmatched(asked, data, say_ids=True)
    return Selection(rows_named(data, "sample_id", ids), f"{len(ids)} listed rows")


def _model(network: Any, data: Dataset, factory: Callable[[], nn.Module] | None) -> Model:
    """A copy of the network as a job reads it back: contiguous, in train mode, with what it takes to build it again."""
    schema: dict[str, Any] = {"input_shape": list(data.info.input_shape), "classes": None}
    if not isinstance(network, nn.Module):
        return Model(copy.deepcopy(network), "", {}, schema)
    system = contiguous(copy.deepcopy(network)).train()
    device = str(next((p.device for p in system.parameters()), "cpu"))
    schema["classes"] = _classes(system, data, device)
    params = {"factory": f"{factory.__module__}:{factory.__qualname__}"} if factory else {}
    return Model(system, "own.module", params, schema, device=device)


def _classes(system: nn.Module, data: Dataset, device: str) -> int | None:
    """Width of the network's output, None where it predicts a number.

    Raises UserError where a row does not go through, or is given no logits.
    """
    split = data.split("train")
    one = split.take(np.arange(1)).tensor().to(device)
    work = copy.deepcopy(system).eval()
    try:
        with torch.no_grad():
            logits = work(one)
    except (RuntimeError, TypeError, ValueError) as error:
        first = str(error).strip().split("\n")[0]
        raise UserError(f"the network refuses a batch {list(one.shape)} of {one.dtype}: {first}") from None
    if data.info.regression and isinstance(logits, torch.Tensor) and logits.numel() == 1:
        return None
    if not isinstance(logits, torch.Tensor) or logits.dim() != 2:
        shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise UserError(f"the network must map a batch to logits [rows, classes]; it gives {shape}")
    labels = split.y
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise UserError(f"labels are whole numbers from 0 to {logits.shape[1] - 1}, one per logit of the network")
    return int(logits.shape[1])


def _like(system: Any, network: Any) -> Any:
    """The changed system in the mode that the caller's network has."""
    return system.train(network.training) if isinstance(system, nn.Module) else system


@contextmanager
def _as_a_job(threads: int) -> Iterator[None]:
    """One thread, so that results do not depend on the machine; afterwards threads and generators are as before."""
    before, python, arrays = torch.get_num_threads(), random.getstate(), np.random.get_state()  # noqa: NPY002
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(before)
        random.setstate(python)
        np.random.set_state(arrays)  # noqa: NPY002


def _array(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        return values.detach().to("cpu").numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise UserError(f"rows cannot be one array: {error}") from None


def _numbered(prefix: str, inputs: Any) -> list[str]:
    width = len(str(max(len(inputs) - 1, 0)))
    return [f"{prefix}{row:0{width}d}" for row in range(len(inputs))]
