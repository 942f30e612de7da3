"""Every unlearning method in three lines on one's own network: the bytes that a study of the same rows gives."""

from __future__ import annotations

import copy
import importlib
import random
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from tests import toys
from tests.plan.components import FOUND, module_of, small
from tests.support import blobs, perceptron, small_resnet
from torch import nn

from neurosieve.artifacts.data import Data, Selection, read_selection
from neurosieve.artifacts.dataset import Dataset, read_dataset
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.interventions.analysis import importance
from neurosieve.interventions.unlearning import amnesiac, bad_teacher, finetune, ssd
from neurosieve.jobs.run import run_node
from neurosieve.own import rows, unlearn
from neurosieve.own.library import BESIDE
from neurosieve.plan.project import Project

METHODS = [use for use in FOUND["interventions"] if use.startswith("unlearning.")]
SEED = 11
FACTORY = "resnet_of_mine:resnet"
NETWORK = {"model": {"use": "own.module", "factory": FACTORY}, "train": {"use": "supervised.backprop", "epochs": 1}}
MODULE = """
from neurosieve.models.vision.resnet9 import Params, build


def resnet():
    return build(Params(width=1), {"input_shape": [1, 14, 14], "classes": 10})
"""
MEMORY = {"model": {"use": "associative.factor"}, "train": {"use": "hebbian.supervised"}}
LIBRARY = {"use": "causal.estimator", "library": ["linear", "spline"]}
ESTIMATE = {"model": LIBRARY, "train": {"use": "causal.cross_fitted", "splits": 2, "keep": True, "one_sided": True}}
ROWS = {"train": 6, "test": 2, "validation": 2}
IMAGES = {"use": "images.mnist5k", "size": 14, **ROWS}
SPINS = {"use": "images.digits8", "scaling": "spins", **ROWS}
CLASS = {"where": "label = 3"}
STUDIES: dict[str, dict[str, Any]] = {
    "network": {"dataset": IMAGES, "forget": CLASS, "variants": {"before": NETWORK}},
    "memory": {"dataset": SPINS, "forget": CLASS, "variants": {"before": MEMORY}},
    "estimate": {
        "dataset": {"use": "tabular.k401", "families": 400},
        "forget": {"sample": 7},
        "variants": {"fit": ESTIMATE, "before": {"from": "fit", "prune": {"use": "pruning.triple"}}},
    },
}
"""What is unlearned from: a network, or the two systems that some methods are for."""
BATCH = {"batch": 8}
SYSTEM = {"unlearning.drop_columns": "memory", "unlearning.influence": "estimate"}


@dataclass(frozen=True)
class Studied:
    """What a study made: the model before the method and after it, its rows, and the ids that it forgot."""

    before: Model
    after: Model
    data: Dataset
    ids: list[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three studies, in which every method is a variant."""
    contents = copy.deepcopy(STUDIES)
    contents["network"]["variants"]["importance"] = {
        "from": "before",
        "analysis": {"use": "analysis.importance", **BATCH},
    }
    for use in METHODS:
        step = {"from": "before", "unlearn": {"use": use, **small("interventions", use)}}
        beside = {"with": ["importance"]} if f"interventions.{use}" in BESIDE else {}
        contents[SYSTEM.get(use, "network")]["variants"][use] = {**step, **beside}
    studies = {name: {"question": "The same?", "seeds": [SEED], **content} for name, content in contents.items()}
    folder = tmp_path_factory.mktemp("studies")
    (folder / f"{FACTORY.partition(':')[0]}.py").write_text(MODULE)
    return toys.project(folder, studies)


def studied(project: Project, use: str) -> Studied:
    plan = project.plan(SYSTEM.get(use, "network"))
    (cell,) = [cell for cell in plan.cells if cell.variant == use and cell.target == "native"]
    node = plan.nodes[cell.model]
    with toys.numba_undisturbed():
        for needed in plan.with_ancestors(node.key):
            run_node(project, plan, needed)
    at = {role: plan.nodes[key] for role, key in node.recipe["inputs"].items()}
    data = read_dataset(toys.directory(project, at["data"]))
    rows_of = read_selection(toys.directory(project, at["selection"])).rows["train"]
    ids = data.split("train").ids[rows_of].tolist()
    return Studied(toys.loaded(project, plan, at["model"]), toys.loaded(project, plan, node), data, ids)


def given(found: Studied) -> Dataset:
    """The study's rows as arrays that a user would hold; the estimator's have no labels."""
    train, other = (found.data.splits.get(name) for name in ("train", "validation"))
    assert train is not None
    label = "label" if "label" in train else "a"
    validation = (other.x, other[label]) if other is not None else None
    return rows(np.array(train.x), np.array(train[label]), train.ids.tolist(), validation=validation)


@pytest.mark.parametrize("use", METHODS)
def test_a_method_gives_the_bytes_that_a_study_gives(project: Project, use: str) -> None:
    found = studied(project, use)
    params = module_of("interventions", use).Params.model_validate(small("interventions", use))
    held, torch_state = as_bytes(found.before), torch.get_rng_state()
    drawn = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    beside = [importance.Params(**BATCH)] if f"interventions.{use}" in BESIDE else None
    resnet = importlib.import_module(FACTORY.partition(":")[0]).resnet if use not in SYSTEM else None
    forgotten = unlearn(found.before.system, given(found), found.ids, params, seed=SEED, beside=beside, factory=resnet)
    assert as_bytes(found.after) == as_bytes(found.after.with_(system=forgotten.network))
    assert as_bytes(found.after) != held, "a method that changes nothing shows nothing"
    assert as_bytes(found.before) == held
    assert forgotten.params == params
    assert forgotten.seconds > 0
    assert len(forgotten.history) > 0
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == drawn  # noqa: NPY002


def as_bytes(model: Model) -> dict[str, bytes]:
    return {name: np.asarray(value).tobytes() for name, value in model.system.state_dict().items()}


# -- a user's own network -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> nn.Sequential:
    """A perceptron that knows three clouds."""
    data, module = cloud(), perceptron(4, 8, 3, seed=1)
    model = Model(module, "tests", {}, {"input_shape": [4], "classes": 3})
    everything = Data(data.info, data.splits, Selection({}, "nothing"))
    return finetune.intervene(model, everything, finetune.Params(epochs=15), 1, Log()).system


def cloud() -> Dataset:
    made = blobs(rows=60, classes=3, seed=2, test=30)
    train, other = made.split("train"), made.split("test")
    return rows(torch.from_numpy(np.array(train.x)), train.y, train.ids.tolist(), validation=(other.x, other.y))


def class_ids(label: int) -> list[str]:
    train = cloud().split("train")
    return train.ids[train.y == label].tolist()


def test_the_strongest_setting_within_a_point_is_chosen(network: nn.Sequential) -> None:
    among = {"alpha": [1e9, 2.0, 1.2], "lambda": [1.0, 0.1]}
    forgotten = unlearn(network.eval(), cloud(), class_ids(1), ssd.Params(), among=among, margin=0.05)
    table = forgotten.candidates
    assert len(table) == 6
    passed = table.filter(table["within"]).sort("strength", descending=True)
    assert 0 < len(passed) < 6
    assert forgotten.params == ssd.Params(**{name: passed[name][0] for name in among})
    assert not forgotten.network.training
    assert forgotten.network is not network


def test_a_number_is_predicted_as_well_as_before() -> None:
    """Regression: the loss is the squared error, the choice is by the share of variance explained."""
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    data = rows(x, x.sum(axis=1), validation=(x[:30], x[:30].sum(axis=1)))
    model = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1)
    by, beside = ssd.Params(), [importance.Params(order="stored")]
    found = unlearn(model, data, ["00", "07"], by, beside=beside, among={"alpha": [0.1, 1e9]}, margin=0.1)
    assert found.params.alpha == 1e9
    assert found.candidates["r2"][1] == pytest.approx(1)
    assert unlearn(model, data, ["00"], finetune.Params(epochs=1)).network.weight.shape == (1, 4)
    with pytest.raises(UserError, match="amnesiac"):
        unlearn(model, data, ["00"], amnesiac.Params())


def test_another_importance_is_another_result(network: nn.Sequential) -> None:
    by = ssd.Params(alpha=1.5)
    kinds = [None, [importance.Params()], [importance.Params(loss="logit_norm")]]
    found = [unlearn(network, cloud(), class_ids(1), by, beside=kind) for kind in kinds]
    weights = [torch.cat([p.flatten() for p in one.network.parameters()]).tolist() for one in found]
    assert weights[0] == weights[1] != weights[2]


def test_threads_and_mode_are_as_they_were(network: nn.Sequential) -> None:
    before = torch.get_num_threads()
    assert unlearn(network.train(), cloud(), class_ids(1), ssd.Params(), threads=1).network.training
    assert torch.get_num_threads() == before


def test_strided_weights_give_the_same_bytes() -> None:
    """Weights in another memory order are the same weights (field case A8)."""
    plain = small_resnet()
    made = blobs(rows=12, classes=3, shape=(1, 11, 11), test=3).split("train")
    data, ids = rows(made.x, made.y), ["00", "03"]
    strided = copy.deepcopy(plain.system).to(memory_format=torch.channels_last)
    found = [unlearn(one, data, ids, ssd.Params(alpha=1.0)) for one in (plain.system, strided)]
    one, other = (plain.with_(system=result.network) for result in found)
    assert as_bytes(one) == as_bytes(other) != as_bytes(plain)


# -- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "the list of ids is empty"),
        (["train0001", "x", "y"], "2 of 3 ids not in the data: x, y"),
        (["train0001", "train0001"], "'train0001' is listed twice"),
        ("train0001", "a list of texts"),
        ([1], "a list of texts: numbers lose leading zeros"),
        ([f"train{row:04d}" for row in range(60)], "names all 60 training rows"),
    ],
    ids=["none", "unknown", "twice", "one-text", "number", "all"],
)
def test_ids_that_cannot_be_forgotten_are_one_line(network: nn.Sequential, ids: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        unlearn(network, cloud(), ids, ssd.Params())


def test_what_does_not_fit_the_network_is_one_line(network: nn.Sequential) -> None:
    x, y = np.zeros((4, 4), np.float32), np.arange(4)
    for data, message in (
        (rows(x[:, :3], y % 3), r"the network refuses a batch \[1, 3\]"),
        (rows(x, y), "labels are whole numbers from 0 to 2"),
        (rows(x, y / 2), "labels are whole numbers from 0 to 2"),
        (rows(x[:, 0], y % 3), "the network refuses a batch"),
    ):
        with pytest.raises(UserError, match=message):
            unlearn(network, data, ["0"], ssd.Params())
    with pytest.raises(UserError, match=r"logits \[rows, classes\]; it gives \[1\]"):
        unlearn(nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)), rows(x, y), ["0"], ssd.Params())


def test_what_is_no_method_or_lacks_what_it_needs_is_one_line(network: nn.Sequential) -> None:
    class Params(BaseModel):
        alpha: float = 1

    with pytest.raises(UserError, match="is no method's Params"):
        unlearn(network, cloud(), class_ids(1), Params())
    with pytest.raises(UserError, match="builds the network afresh: give `factory=`"):
        unlearn(network, cloud(), class_ids(1), bad_teacher.Params())
    with pytest.raises(UserError, match=r"unlearning\.ssd: alpha: .*greater than 0"):
        unlearn(network, cloud(), class_ids(1), ssd.Params(), among={"alpha": [0]})
    train = cloud().split("train")
    with pytest.raises(UserError, match="no validation rows"):
        unlearn(network, rows(train.x, train.y), ["00"], ssd.Params(), among={"alpha": [1]})


def test_rows_that_are_no_rows_are_one_line() -> None:
    x, y = np.zeros((2, 4), np.float32), np.arange(2)
    for given_rows, message in (
        ((x, y, ["a", "a"]), "occur twice"),
        ((x, y, [1, 2]), "sample_id is not text"),
        ((x, y[:1], ["a", "b"]), "differ in length"),
        (([[1.0], [1.0, 2.0]], y), "rows cannot be one array"),
    ):
        with pytest.raises(UserError, match=message):
            rows(*given_rows)


def test_importing_the_package_loads_no_torch() -> None:
    code = "import sys, neurosieve.own; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
