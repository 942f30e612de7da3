"""Every component on disk keeps the convention, and does its work once on small data: same seed, same bytes.

Components are found, not listed. What a new one needs to be tried is small parameters (`SMALL`) where its defaults are
too dear or incomplete, and companions (`WITH`) where it reads models named by `with:`.
"""

from __future__ import annotations

import ast
import copy
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from pydantic import BaseModel, ValidationError
from tests.plan.components import (
    ALL,
    FOUND,
    KEY,
    MANIPULATED,
    SMALL,
    SOURCE,
    WITH,
    made,
    module_of,
    needs_files,
    small,
    tree_of,
    write_own,
)
from tests.specimens import (
    Specimen,
    assert_same_dataset,
    assert_same_model,
    evaluation_params,
    specimen,
    state,
)
from tests.support import blobs, forgetting_class

from neurosieve.artifacts.data import Data, Selection, write_selection
from neurosieve.artifacts.dataset import Dataset, read_dataset, write_dataset
from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.metrics import ITEM_SCHEMA, NODE_SCHEMA, write_metrics
from neurosieve.artifacts.model import Model, build_model, read_model, write_model
from neurosieve.artifacts.view import Step, View
from neurosieve.datasets.corruption import backdoor
from neurosieve.errors import UserError
from neurosieve.evaluation.vocabulary import metric
from neurosieve.jobs.load import Verb, verb
from neurosieve.plan.components import VERBS, checked_params, find

ARGUMENTS = {
    "datasets": {"params", "seed", "of", "key"},
    "models": {"params", "schema"},
    "training": {"model", "data", "params", "seed", "log"},
    "interventions": {"model", "data", "params", "seed", "log"},
    "export": {"model", "example", "validation", "params", "path", "seed"},
    "evaluation": {"view", "params", "seed"},
}
SHAPE = (1, 11, 11)


def test_there_is_something_to_try() -> None:
    assert all(FOUND.values()), FOUND
    assert set(SMALL) <= {f"{package}.{use}" for package, use in ALL}


# -- form ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("package", "use"), ALL)
def test_module_params_and_verb_are_documented(package: str, use: str) -> None:
    module = module_of(package, use)
    function = getattr(module, VERBS[package])
    assert module.__doc__
    assert module.Params.__doc__
    assert inspect.getdoc(function)
    classes = {node.name: node for node in tree_of(module).body if isinstance(node, ast.ClassDef)}
    body = classes["Params"].body
    for at, statement in enumerate(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            below = body[at + 1] if at + 1 < len(body) else None
            text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            assert text or module.Params.model_fields[name].description, f"Params.{name} has no text under it"


@pytest.mark.parametrize(("package", "use"), ALL)
def test_params_are_frozen_closed_and_typed(package: str, use: str) -> None:
    cls = module_of(package, use).Params
    assert issubclass(cls, BaseModel)
    assert cls.model_config.get("frozen") is True
    assert cls.model_config.get("extra") == "forbid"
    assert all(info.annotation is not Any for info in cls.model_fields.values())
    for name, info in cls.model_fields.items():
        assert not name.endswith("_") or info.alias == name[:-1], f"Params.{name} has no alias"


@pytest.mark.parametrize(("package", "use"), ALL)
def test_defaults_are_valid_and_unknown_fields_refused_in_one_line(
    package: str, use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no raw files here
    component = find(SOURCE, package, use)
    cls = module_of(package, use).Params
    required = {info.alias or name for name, info in cls.model_fields.items() if info.is_required()}
    given = {name: value for name, value in small(package, use).items() if name in required}
    assert required == set(given), "a required field has no value in SMALL"
    if needs_files(package, use):
        with pytest.raises(UserError, match=f"{use}: .*no file"):
            checked_params(component, given)
        return
    checked = checked_params(component, given)
    assert checked.keys() == {info.alias or name for name, info in cls.model_fields.items()}
    assert checked_params(component, checked) == checked
    with pytest.raises(UserError, match=f"{use}: unknown key 'zzz'; allowed: |{use}: unknown key 'zzz'") as caught:
        checked_params(component, {**given, "zzz": 1})
    assert "\n" not in str(caught.value)
    with pytest.raises(ValidationError):
        setattr(cls.model_validate(given), next(iter(cls.model_fields), "zzz"), 1)


@pytest.mark.parametrize(("package", "use"), ALL)
def test_verb_asks_for_what_its_stage_gives(package: str, use: str) -> None:
    asked = inspect.signature(getattr(module_of(package, use), VERBS[package])).parameters
    assert set(asked) <= ARGUMENTS[package]
    assert "params" in asked or not module_of(package, use).Params.model_fields
    assert find(SOURCE, package, use).arguments == tuple(asked)


@pytest.mark.parametrize(("package", "use"), ALL)
def test_constants_mean_something_and_views_are_declared(package: str, use: str) -> None:
    module, component = module_of(package, use), find(SOURCE, package, use)
    declared = {
        name: getattr(module, name)
        for name in ("VIEWS", "DELTA", "LOOKS_AT", "TARGETS", "DRAWS")
        if hasattr(module, name)
    }
    assert set(declared.get("VIEWS", ())) <= {"forget", "retain"}
    assert tuple(declared.get("VIEWS", ())) == component.views
    assert declared.get("LOOKS_AT", "model") == component.looks_at
    assert component.looks_at in ("model", "study")
    assert (declared.get("DELTA", False), declared.get("TARGETS", False)) == (component.delta, component.targets)
    read = {node.attr for node in ast.walk(tree_of(module)) if isinstance(node, ast.Attribute) and reads_data(node)}
    assert read & {"forget", "retain"} <= set(component.views), "reads rows that VIEWS does not name"


def reads_data(node: ast.Attribute) -> bool:
    """Whether this is `data.<attribute>` or `view.data.<attribute>`."""
    of = node.value
    return (isinstance(of, ast.Name) and of.id == "data") or (isinstance(of, ast.Attribute) and of.attr == "data")


# -- work ---------------------------------------------------------------------------------------------------------


@cache
def images() -> Dataset:
    """Little images of three classes, with rows of all three in every split."""
    train = blobs(rows=24, classes=3, shape=SHAPE, seed=1, test=12)
    info = train.info.model_copy(update={"class_names": ("a", "b", "c")})
    splits = {name: {c: split[c] for c in info.columns} for name, split in train.splits.items()}
    splits["validation"] = {c: v[:6] for c, v in splits["test"].items()} | {"sample_id": [f"v{n}" for n in range(6)]}
    return Dataset.from_arrays(info, splits)


def source_of(use: str) -> Dataset:
    """What a component is given: with some rows manipulated where it needs them."""
    return backdoor.prepare(backdoor.Params(rows=8), images(), 0) if use in MANIPULATED else images()


def data(use: str = "") -> Data:
    return forgetting_class(source_of(use), 1)


def fresh(width: int = 1) -> Model:
    torch.manual_seed(3)
    schema = {"input_shape": list(SHAPE), "classes": 3}
    return build_model("vision.resnet9", {"width": width}, schema).with_(key="0" * 16)


@cache
def trained() -> Model:
    """A network that the others start from; nobody may change it."""
    component = made("training", "supervised.backprop")
    torch.manual_seed(3)
    model = component(model=fresh(), data=data(), params=component.params, seed=3, log=Log())
    model.system.eval()
    return model


def outputs(model: Model) -> np.ndarray:
    return View(data(), model).logits(images().split("test").x)


def stored(model: Model, folder: Path, base: Model | None = None) -> Model:
    """The model after a round trip through a directory (and one more for its base)."""
    folders = {"base": folder / "base", "own": folder / "own"}
    for path in folders.values():
        path.mkdir(parents=True)
    if base is not None:
        write_model(folders["base"], base)
    write_model(folders["own"], model, base=base)
    return read_model(folders["own"], lambda key: folders["base"])


@pytest.mark.parametrize("use", FOUND["datasets"])
def test_dataset_is_prepared_twice_the_same(use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "patterns.npz", x=images().split("train").x, label=images().split("train").y)
    np.savez(tmp_path / "counts.npz", counts=np.arange(40).reshape(2, 10, 2))
    (tmp_path / "table.csv").write_text("z,a,y,x\n0,0,1,0.5\n0,1,2,1\n1,0,3,2\n1,1,5,0\n")
    if use.startswith("own."):
        write_own(tmp_path)
    if needs_files("datasets", use):
        pytest.skip("its raw files are not part of the sources; its own tests make some")
    component = made("datasets", use)
    one, two = (component(params=component.params, seed=5, of=source_of(use), key=KEY) for _ in range(2))
    if isinstance(one, Selection):
        write_selection(tmp_path, one, source_of(use))
        assert {name: rows.tolist() for name, rows in one.rows.items()} == {
            name: rows.tolist() for name, rows in two.rows.items()
        }
        return
    assert_same_dataset(one, two)
    write_dataset(tmp_path, one)
    assert_same_dataset(one, read_dataset(tmp_path, hidden=True))
    assert set(one.splits) & {"train", "test"}
    assert {"train", "test"} <= set(one.splits) or one.info.target is None
    assert one.info.source
    assert one.info.licence
    assert one.info.inputs in one.info.columns
    if "seed" in find(SOURCE, "datasets", use).arguments:
        other = component(params=component.params, seed=6, of=images())
        assert any(not np.array_equal(one.split(s)[c], other.split(s)[c]) for s in one.splits for c in one.info.columns)


@pytest.mark.parametrize("use", FOUND["models"])
def test_model_is_built_twice_the_same_and_survives_storage(use: str, tmp_path: Path) -> None:
    shape = (1, 12, 12)
    if found := specimen("models", use):
        models = [found.started(found.variant), found.started(found.variant)]
        assert_same_model(*models)
        assert_same_model(models[0], stored(models[0], tmp_path))
        return
    models = []
    for _ in range(2):
        torch.manual_seed(4)
        models.append(build_model(use, small("models", use), {"input_shape": list(shape), "classes": 3}))
    assert_same_model(*models)
    assert_same_model(models[0], stored(models[0], tmp_path))
    system = models[0].system
    if isinstance(system, torch.nn.Module):
        x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
        system.eval()
        with torch.inference_mode():
            assert system(x).shape == (4, 3)
            assert torch.isfinite(system(x)).all()
    if find(SOURCE, "models", use).builds_at_random:
        torch.manual_seed(5)
        other = build_model(use, small("models", use), {"input_shape": list(shape), "classes": 3})
        assert any(not torch.equal(v, other.system.state_dict()[n]) for n, v in system.state_dict().items())


@pytest.mark.parametrize("use", FOUND["training"])
def test_training_is_the_same_under_a_seed(use: str, tmp_path: Path) -> None:
    if use in ("sharded.ensemble", "given.weights"):
        pytest.skip("it fits nothing: it is given trained networks, or weights of a file; its own tests do")
    if found := specimen("training", use):
        one, two = found.model(found.variant), found.model(found.variant)
        assert_same_model(one, two)
        assert_same_model(one, stored(one, tmp_path))
        return
    component = made("training", use)
    withheld = Data(images().info, {n: s for n, s in images().splits.items() if n != "test"}, data().selection)
    results, logs = [], [Log(), Log()]
    for log in logs:
        start = fresh()
        before = copy.deepcopy(start.system.state_dict())
        torch.manual_seed(5)
        results.append(component(model=start, data=withheld, params=component.params, seed=5, log=log))
    assert_same_model(*results)
    assert any(not torch.equal(value, before[name]) for name, value in results[0].system.state_dict().items())
    assert_same_model(results[0], stored(results[0], tmp_path))
    assert logs[0].timings.keys() == {"train_seconds"}
    assert logs[0].history == logs[1].history
    assert np.array_equal(outputs(results[0]), outputs(stored(results[0], tmp_path / "again")))


@pytest.mark.parametrize("use", FOUND["interventions"])
def test_intervention_is_the_same_under_a_seed_and_leaves_its_parent(use: str, tmp_path: Path) -> None:
    if found := specimen("interventions", use):
        one, two, before = found.model(found.variant), found.model(found.variant), found.started(found.variant)
        assert_same_model(one, two)
        assert_same_model(one, stored(one, tmp_path))
        assert state(one) != state(before) or one.tensors.keys() != before.tensors.keys()
        return
    component, facts = made("interventions", use), find(SOURCE, "interventions", use)
    withheld = Data(images().info, {n: s for n, s in images().splits.items() if n != "test"}, data().selection)
    if not facts.views:
        withheld = Data(withheld.info, withheld.splits)
    companions = [made("interventions", other) for other in WITH.get(f"interventions.{use}", [])]
    parent, results, logs = trained(), [], [Log(), Log()]
    before = copy.deepcopy(parent.system.state_dict())
    beside = tuple(c(model=parent, data=withheld, params=c.params, seed=5, log=Log()) for c in companions)
    for log in logs:
        torch.manual_seed(5)
        given = parent.with_(companions=beside)
        results.append(component(model=given, data=withheld, params=component.params, seed=5, log=log))
    assert_same_model(*results)
    assert results[0].system is not parent.system or facts.delta
    assert all(torch.equal(value, before[name]) for name, value in parent.system.state_dict().items())
    result = results[0].with_(companions=())
    assert_same_model(result, stored(result, tmp_path, parent if facts.delta else None))
    assert logs[0].timings.keys() <= {"intervention_seconds", "analysis_seconds", "train_seconds"}
    assert logs[0].timings, "takes its own CPU seconds with log.timed"
    changed = any(not torch.equal(v, before[n]) for n, v in result.system.state_dict().items())
    added = result.tensors.keys() - parent.tensors.keys()
    assert changed or added
    assert not (use.startswith("analysis.") and changed)


@pytest.mark.parametrize("use", FOUND["export"])
def test_export_runs_with_parity(use: str, tmp_path: Path) -> None:
    component = made("export", use)
    if found := specimen("export", use):
        step_runs_with_parity(component, found, tmp_path)
        return
    x = images().split("train").x
    record = component(model=trained(), example=x, params=component.params, path=tmp_path, seed=5)
    assert isinstance(record, ExportRecord)
    assert record.files
    assert all((tmp_path / name).is_file() for name in record.files)
    rows = {measure.metric: measure for measure in record.measures}
    assert {"max_logit_difference", "size_bytes"} <= set(rows)
    assert all(metric(name).known for name in rows)
    assert all(measure.timing == ("latency" in name) for name, measure in rows.items())
    runtime = component.module.load(tmp_path)
    test = images().split("test").x
    worst = float(np.abs(runtime(test) - outputs(trained())).max())
    assert worst <= max(10 * rows["max_logit_difference"].value, 1e-4)


def step_runs_with_parity(component: Verb, found: Specimen, folder: Path) -> None:
    """A target of a system that is no network: its parity is measured by itself, and its file runs on other rows."""
    model, data = found.model(found.variant), found.data()
    x = data.split("train").x
    record = component(model=model, example=x, params=component.params, path=folder, seed=5)
    assert all((folder / name).is_file() for name in record.files)
    rows = {measure.metric: measure for measure in record.measures}
    assert {"max_absolute_difference", "size_bytes"} <= set(rows)
    assert all(metric(name).known for name in rows)
    said = component.module.load(folder)(data.test.x)
    assert len(said) == len(data.test)
    assert np.isfinite(said).all()


def view(use: str = "") -> View:
    """A variant made by a training and an intervention, with its parent."""
    steps = (
        Step("training.supervised.backprop", "train", "all", {"train_seconds": 2.0}),
        Step("interventions.unlearning.finetune", "intervene", "all", {"intervention_seconds": 1.0}),
    )
    return View(data(use), trained(), steps=steps, parents=(trained(),))


@pytest.mark.parametrize("use", FOUND["evaluation"])
def test_evaluation_gives_known_metrics(use: str, tmp_path: Path) -> None:
    if use == "regression":
        pytest.skip("these networks name classes; its own tests have one that predicts numbers")
    component, facts = made("evaluation", use), find(SOURCE, "evaluation", use)
    found = specimen("evaluation", use)
    if found:
        component = verb(f"evaluation.{use}", "evaluate", evaluation_params(found.study, use, found.variant))
        looks = View(found.data(), found.model(found.variant), steps=view().steps)
        if facts.looks_at == "study":
            names = found.compared(use)
            looks = View(found.data(), variants={name: View(looks.data, found.model(name)) for name in names})
    elif facts.looks_at == "model":
        looks = view(use)
    else:
        looks = View(data(), variants={"original": view(), "other": view()})
    frames = []
    for _ in range(2):
        torch.manual_seed(5)
        frames.append(component(view=looks, params=component.params, seed=5))
    rows = frames[0]
    assert rows.schema == pl.Schema({**NODE_SCHEMA, "item": pl.String, "timing": pl.Boolean})
    assert len(rows) > 0
    assert ITEM_SCHEMA.keys() - {"item"} <= set(rows.columns)
    assert [name for name in rows["metric"].unique() if not metric(name).known] == []
    assert rows["value"].is_finite().all()
    keys = ["variant", "target", "seed", "metric", "split", "at", "item"]
    assert not rows.select(keys).is_duplicated().any()
    untimed = [frame.filter(~pl.col("timing")) for frame in frames]
    assert untimed[0].equals(untimed[1])
    write_metrics(tmp_path, rows)
