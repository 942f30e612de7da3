"""The component on networks whose trace is known: kept, gone, overdone, and beside retrained models."""

import numpy as np
import polars as pl
import pytest
import torch
from tests.support import dataset_of, forgetting, forgetting_class, model_of, perceptron
from torch import nn

from neurosieve.artifacts.view import Step, View
from neurosieve.errors import UserError
from neurosieve.evaluation.evidence import conclusion, findings, remarks
from neurosieve.evaluation.forgetting_evidence import Params, evaluate

ROWS, CLASSES = 40, 3
SEEDS = {"all": 8, "kept": 17}


def made(seed=0, rows=ROWS):
    """Random rows with random labels: whoever answers them right was trained on them."""
    draw = np.random.default_rng(seed)

    def some(n):
        return draw.normal(size=(n, 8)).astype(np.float32), draw.integers(0, CLASSES, n)

    return dataset_of({"train": some(3 * rows), "test": some(4 * rows)})


def fitted(x, y, seed):
    """A network trained until it knows these rows."""
    module = perceptron(8, 32, CLASSES, seed=seed)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.03)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimiser.step()
    return model_of(module.eval(), (8,), CLASSES)


@pytest.fixture(scope="module")
def data():
    return forgetting(made(), np.arange(ROWS))


@pytest.fixture(scope="module")
def pools(data):
    """Models trained on all rows, and more of them on the retained ones."""
    parts = {name: (part.tensor(), part.tensor("label")) for name, part in (("all", data.all), ("kept", data.retain))}
    return {name: [fitted(x, y, seed) for seed in range(SEEDS[name])] for name, (x, y) in parts.items()}


def measured(view, **params):
    return evaluate(view, Params(**params), seed=11)


def by_attack(table, **options):
    return {one.attack: one for one in findings(table, **options)}


def test_quick(data, pools):
    step = Step("training.supervised.backprop", "train")
    known = measured(View(data, pools["all"][0], steps=(step,)))
    found = by_attack(known)
    assert list(found) == ["loss", "entropy"]
    assert found["loss"].outcome == "trace found"
    assert found["loss"].before == found["loss"].estimate
    unseen = View(data, pools["kept"][0], steps=(step,), parents=(pools["all"][0],))
    found = by_attack(measured(unseen, margin=0.3))
    assert [one.outcome for one in found.values()] == ["no trace", None, None]  # entropy knew nothing before either
    assert conclusion(list(found.values())) == "no trace"
    assert by_attack(measured(unseen))["loss"].outcome == "not resolvable"  # 40 rows do not resolve a tenth


def test_no_retrained_reference(data, pools):
    """Everything relative to retraining is absent, with one line that says so: no NaN, no 0 in its place."""
    table = measured(View(data, pools["kept"][0], parents=(pools["all"][0],)))
    assert remarks(table)[0] == "no retrained reference: cannot say whether it behaves as if never trained"
    assert table["value"].is_finite().all()
    assert "attack=outputs" not in table["at"].to_list()


def test_overdone(data, pools):
    system = nn.Sequential(pools["all"][0].system, nn.Linear(CLASSES, CLASSES, bias=False))
    with torch.no_grad():
        system[1].weight.copy_(-torch.eye(CLASSES))
    found = by_attack(measured(View(data, model_of(system, (8,), CLASSES))))
    assert found["loss"].estimate < 0.25
    assert found["loss"].outcome == "trace found"


def test_standard(data, pools):
    shadows = {"retrained": tuple(pools["kept"][12:])}
    view = View(data, pools["kept"][0], parents=(pools["all"][0],), shadows=shadows)
    table = measured(view, grade="standard", margin=0.3)
    found = by_attack(table)
    assert list(found) == ["loss", "entropy", "outputs", "weights"]
    assert found["loss"].outcome == "no trace"
    assert found["loss"].null_low < found["loss"].estimate < found["loss"].null_high
    assert "5 retrained models" in remarks(table)[0]
    kept = View(data, pools["all"][1], parents=(pools["all"][1],), shadows=shadows)
    table = measured(kept, grade="standard")
    assert by_attack(table)["loss"].outcome == "trace found"
    assert "the rows to forget are answered as before" in remarks(table)


@pytest.mark.parametrize(("kind", "outcome"), [("all", "trace found"), ("kept", "not resolvable")])
def test_strong(data, pools, kind, outcome):
    shadows = {"unlearned": tuple(pools[kind][:8]), "retrained": tuple(pools["kept"][9:])}
    view = View(data, pools[kind][0], parents=(pools["all"][0],), shadows=shadows)
    found = by_attack(measured(view, grade="strong", model_margin=0.05))
    assert {"u-lira", "u-lira-offline", "klom", "detectability", "relearning"} <= set(found)
    assert found["u-lira"].outcome == outcome
    assert found["u-lira"].n == 8
    assert found["klom"].outcome is None


def test_class_attack_leaves_the_forgotten_class_out(pools):
    data = forgetting_class(made(), 2)
    lifted = []
    for model in pools["kept"][:8]:  # an answer about the forgotten class alone must not be seen
        system = nn.Sequential(model.system, nn.Linear(CLASSES, CLASSES))
        with torch.no_grad():
            system[1].weight.copy_(torch.eye(CLASSES))
            system[1].bias.copy_(torch.tensor([0.0, 0.0, 50.0]))
        lifted.append(model_of(system, (8,), CLASSES))
    shadows = {"unlearned": tuple(lifted), "retrained": tuple(pools["kept"][:8])}
    found = by_attack(measured(View(data, lifted[0], shadows=shadows), grade="strong", model_margin=0.05))
    assert found["u-lira"].outcome == "trace found"
    for attack in ("class", "detectability"):
        assert found[attack].estimate == 0.5  # the very same answers otherwise: every pair is a tie


def test_on_a_target_rows_alone_are_attacked(data, pools):
    model = pools["all"][0]
    view = View(data, model, "onnx", lambda x: model.system(torch.from_numpy(x)).detach().numpy())
    table = measured(view)
    native = measured(View(data, model))
    pick = pl.col("metric") == "evidence_estimate"
    assert table.filter(pick)["value"].to_list() == native.filter(pick)["value"].to_list()


def test_regression_output():
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(80, 8)).astype(np.float32), draw.normal(size=80).astype(np.float32)
    dataset = dataset_of({"train": (x, y), "test": (x + 1, draw.normal(size=80).astype(np.float32))})
    memory = {row.tobytes(): value for row, value in zip(x, y, strict=True)}

    def run(rows):
        return np.array([[memory.get(row.tobytes(), 0.0)] for row in rows], np.float32)

    found = by_attack(measured(View(forgetting(dataset, np.arange(40)), None, "onnx", run)))
    assert list(found) == ["loss"]
    assert found["loss"].outcome == "trace found"


def test_refuses_outputs_that_are_not_finite(data):
    broken = perceptron(8, 4, CLASSES)
    with torch.no_grad():
        broken[0].bias.fill_(torch.nan)
    with pytest.raises(UserError, match="diverged"):
        measured(View(data, model_of(broken, (8,), CLASSES)))
