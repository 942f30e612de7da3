import numpy as np
import pytest
import torch
from tests.support import blobs, dataset_of, forgetting, forgetting_class, golden, model_of
from torch import nn

from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation.membership_inference import Params, attack, entropy, evaluate, loss


@pytest.fixture
def g():
    return golden("ssd", "mia")


def test_golden_entropies(g):
    for name in ("retain", "test", "forget"):
        np.testing.assert_allclose(entropy(g[f"in.logits_{name}"])[:, 0], g[f"out.entropy_{name}"], atol=1e-12)
    assert entropy(g["in.logits_forget"])[0, 0] == 0


@pytest.mark.parametrize(("C", "boundary"), [(1.0, "plain_boundary"), (2.0, "c2_boundary")])
def test_golden_boundaries(g, C, boundary):
    fitted = attack(g["in.logits_retain"], g["in.logits_test"], C)
    slope, offset = fitted.coef_[0, 0], fitted.intercept_[0]
    assert -offset / slope == pytest.approx(g[f"out.{boundary}"][0], abs=1e-3)
    if C == 1:
        np.testing.assert_allclose([slope, offset], g["out.plain_coef_intercept"], atol=1e-3)


def view(g, model=None):
    retain, forget, test = (g[f"in.logits_{name}"] for name in ("retain", "forget", "test"))
    x = np.concatenate([retain, forget])
    dataset = dataset_of({"train": (x, np.zeros(len(x), int)), "test": (test, np.zeros(len(test), int))})
    return View(forgetting(dataset, np.arange(len(retain), len(x))), model or model_of(nn.Identity(), (4,), 4))


def test_golden_attack(g):
    rows = evaluate(view(g), Params())
    assert rows.select("metric", "split", "n").row(0) == ("mia_success", "forget", 20)
    assert rows["metric"].to_list() == ["mia_success", "attack_auc", "leakage"]
    assert rows["value"][0] == pytest.approx(g["out.plain_mia"][0])
    called = attack(g["in.logits_retain"], g["in.logits_test"]).predict(entropy(g["in.logits_forget"]))
    np.testing.assert_array_equal(called, g["out.plain_predicted"])
    assert evaluate(view(g), Params(C=2))["value"][0] == pytest.approx(g["out.official_mia"][0])


def test_golden_uniform_outputs(g):
    constant = View(view(g).data, runtime=np.zeros_like)
    assert evaluate(constant, Params())["value"][0] == g["out.uniform_mia"][0]


def test_outputs_that_are_not_finite_are_one_line(g):
    with pytest.raises(UserError, match="not finite"):
        evaluate(View(view(g).data, runtime=lambda x: x + np.inf), Params())


def test_the_loss_is_the_cross_entropy():
    draw = torch.Generator().manual_seed(0)
    logits, labels = 30 * torch.randn(9, 4, generator=draw, dtype=torch.float64), torch.arange(9) % 4
    expected = nn.functional.cross_entropy(logits, labels, reduction="none")
    np.testing.assert_allclose(loss(logits.numpy(), labels.numpy()), expected, atol=1e-12)


def attacked(model, data):
    rows = evaluate(View(data, model), Params())
    return {row["metric"]: (row["value"], row["n"]) for row in rows.iter_rows(named=True)}


def test_of_a_class_the_others_are_the_test_rows_of_that_class():
    """The network takes the class for another: its rows in test are answered as badly as those in training."""
    images = blobs(60, 3, test=30)
    net = nn.Linear(4, 3)
    nn.init.zeros_(net.weight)
    net.bias.data = torch.tensor([0.0, -9.0, 0.0])
    assert attacked(model_of(net, (4,), 3), forgetting_class(images, 1))["attack_auc"] == (0.5, 10)
    assert attacked(model_of(net, (4,), 3), forgetting(images, np.flatnonzero(images.split("train").y == 1)))[
        "attack_auc"
    ] == (pytest.approx(1 / 6), 20)
