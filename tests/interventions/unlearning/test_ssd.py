import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.support import (
    BnNet,
    blobs,
    dataset_of,
    forgetting,
    forgetting_class,
    golden,
    loaded,
    model_of,
    part,
    perceptron,
    same_state,
    small_resnet,
)

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import write_model
from neurosieve.errors import UserError
from neurosieve.interventions.analysis import importance, importance_official
from neurosieve.interventions.unlearning.ssd import Params, dampened, intervene
from neurosieve.training.supervised import backprop

IMAGES = blobs(120, 3, (1, 11, 11), test=60)


@pytest.fixture(scope="module")
def trained():
    """A small network that tells three classes apart."""
    recipe = backprop.Params(epochs=4, batch=16, warmup=2)
    return backprop.train(small_resnet(), Data.of(IMAGES), recipe, 0, Log())


def with_importance(model, data, **rule):
    found = importance.intervene(model, data, importance.Params(**rule), Log())
    return model.with_(companions=(found,))


def forget(model, data, **params):
    log = Log()
    return intervene(model, data, Params(**params), log), log


@pytest.mark.parametrize("case", ["conv-bn-eval", "lfssd"])
@pytest.mark.parametrize("setting", [0, 1, 2])
def test_golden_networks_end_to_end(case, setting):
    g = golden("ssd", case)
    state, loss = part(g, "in.theta."), "ce" if case == "conv-bn-eval" else "logit_norm"
    model = model_of(loaded(BnNet(1, 4), state), (1, 6, 6), 4)
    n, count = len(g["in.y"]), int(g["in.n_forget"][0])
    data = forgetting(dataset_of({"train": (g["in.x"], g["in.y"])}), np.arange(n - count, n))
    stored = importance_official.intervene(model, data, importance_official.Params(loss=loss, batch=8), Log())
    alpha, lambda_ = (float(g[f"in.{name}"][setting]) for name in ("alpha", "lambda"))
    result, log = forget(model.with_(companions=(stored,)), data, alpha=alpha, lambda_=lambda_)
    parameters = dict(result.system.named_parameters())
    expected = part(g, f"out.theta{setting}.")
    selected, elements = expected.pop("selected_count").tolist()
    assert set(parameters) == set(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(parameters[name].detach(), tensor, rtol=1e-6, atol=1e-9)
    assert (sum(r["selected"] for r in log.history), sum(r["elements"] for r in log.history)) == (
        selected,
        elements,
    )
    for name, buffer in result.system.named_buffers():
        assert torch.equal(buffer, state[name])


@pytest.mark.parametrize(("setting", "alpha", "lambda_"), [(0, 1.0, 1.0), (1, 0.5, 0.3)])
def test_golden_units_that_never_fire(setting, alpha, lambda_):
    g = golden("ssd", "dampen-vectors")
    net = loaded(perceptron(5, 6, 3), part(g, "dead.in."))
    data = forgetting(dataset_of({"train": (g["dead.x"], g["dead.y"])}), np.arange(8))
    rule = {"mode": "batch", "loss": "ce", "order": "stored", "batch": 8, "by": ""}
    model = model_of(net, (5,), 3)
    full = importance.intervene(model, data, importance.Params(order="stored", batch=8), Log())
    part_ = importance.importances(model, data.forget, rule, importance.row_batches(data.forget, rule))
    for name in part_:
        torch.testing.assert_close(
            full.role("importance")[name], part(g, "dead.importance_full.")[name], rtol=1e-6, atol=1e-9
        )
        torch.testing.assert_close(part_[name], part(g, "dead.importance_forget.")[name], rtol=1e-6, atol=1e-9)
    system, table = dampened(net, full.role("importance"), part_, Params(alpha=alpha, lambda_=lambda_))
    for name, p in system.named_parameters():
        torch.testing.assert_close(p.detach(), part(g, f"dead.out{setting}.")[name], rtol=1e-6, atol=1e-9)
    assert sum(r["selected"] for r in table) == g[f"dead.out{setting}.selected_count"][0]


def test_forgets_a_class_and_keeps_the_rest():
    images = blobs(240, 6, (1, 11, 11), test=120)
    recipe = backprop.Params(epochs=5, batch=16, warmup=2)
    model = backprop.train(small_resnet(6, width=4), Data.of(images), recipe, 0, Log())
    data, test = forgetting_class(images, 1), images.split("test")

    def accuracy(system):
        with torch.no_grad():
            right = system(test.tensor()).argmax(1).numpy() == test.y
        return right[test.y == 1].mean(), right[test.y != 1].mean()

    assert min(accuracy(model.system)) > 0.95
    result, _ = forget(with_importance(model, data, batch=8), data, alpha=3)
    forgotten, kept = accuracy(result.system)
    assert forgotten < 0.1
    assert kept > 0.95


def test_ratio_of_importances_is_bounded_by_the_batches(trained):
    data = forgetting_class(IMAGES, 2)
    rule = {"mode": "batch", "loss": "ce", "order": "class", "batch": 8, "by": ""}
    full, some = (
        importance.importances(trained, split, rule, importance.row_batches(split, rule))
        for split in (data.train, data.forget)
    )
    ratios = torch.cat([(some[n] / full[n])[full[n] > 0].flatten() for n in full])
    assert ratios.max() <= 3 * (1 + 1e-6)
    assert ratios.max() > 1
    model = with_importance(trained, data, batch=8)
    assert same_state(forget(model, data, alpha=3 * (1 + 1e-6))[0].system, trained.system)
    assert not same_state(forget(model, data, alpha=1.5)[0].system, trained.system)


def test_huge_alpha_and_all_rows_change_nothing(trained):
    data = forgetting_class(IMAGES, 0)
    assert same_state(forget(with_importance(trained, data), data, alpha=1e30)[0].system, trained.system)
    everything = forgetting(IMAGES, np.arange(120))
    model = with_importance(trained, everything)
    result, log = forget(model, everything, alpha=1.0)
    assert same_state(result.system, trained.system)
    assert sum(row["selected"] for row in log.history) == 0


def test_zero_removes_what_lambda_dampens(trained):
    data = forgetting_class(IMAGES, 0)
    model = with_importance(trained, data, batch=8)
    (soft, one), (hard, two) = (forget(model, data, alpha=1.2, zero=zero) for zero in (False, True))
    assert [r["selected"] for r in one.history] == [r["selected"] for r in two.history]
    for before, a, b in zip(
        trained.system.parameters(), soft.system.parameters(), hard.system.parameters(), strict=True
    ):
        changed = a != before
        assert torch.equal(b[~changed], before[~changed]) or not b[b != before].any()
        assert not b[changed].any()
        assert (a.abs() <= before.abs()).all()


def test_history_is_one_row_per_tensor(trained):
    data = forgetting_class(IMAGES, 0)
    _, log = forget(with_importance(trained, data, batch=8), data, alpha=1.2)
    assert [row["layer"] for row in log.history] == [n for n, _ in trained.system.named_parameters()]
    hit = [row for row in log.history if row["selected"]]
    assert all(0 <= row["min_beta"] <= row["mean_beta"] < 1 for row in hit)
    assert all(row["mean_beta"] is None for row in log.history if not row["selected"])
    assert log.timings["intervention_seconds"] > 0


def test_equal_inputs_give_equal_bytes_on_disk_and_the_given_model_stays(trained, tmp_path):
    data, written = forgetting_class(IMAGES, 0), []
    model = with_importance(trained, data, batch=8)
    before = {name: value.clone() for name, value in trained.system.state_dict().items()}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_model(tmp_path / name, forget(model, data, alpha=1.2)[0])
        written.append((tmp_path / name / "model.safetensors").read_bytes())
    assert written[0] == written[1]
    assert all(torch.equal(before[n], value) for n, value in trained.system.state_dict().items())


def test_the_importance_of_the_step_before_serves_and_then_goes(trained):
    data = forgetting_class(IMAGES, 0)
    itself = importance.intervene(trained, data, importance.Params(batch=8), Log())
    result, _ = forget(itself, data, alpha=1.2)
    assert same_state(result.system, forget(with_importance(trained, data, batch=8), data, alpha=1.2)[0].system)
    assert result.role("importance") == {}
    assert "importance" not in result.notes


def test_refusals_name_both_values(trained):
    data = forgetting_class(IMAGES, 0)
    model = with_importance(trained, data, batch=8)
    for name, mine, wanted in [
        ("mode", "batch", "per_sample"),
        ("loss", "ce", "logit_norm"),
        ("order", "class", "stored"),
        ("batch", 8, 64),
    ]:
        with pytest.raises(UserError, match=rf"with {name} {mine}, .* asks for {name} {wanted}"):
            forget(model, data, **{name: wanted})
    other = small_resnet(seed=5).with_(companions=model.companions, key="k2")
    with pytest.raises(UserError, match=r"computed for checkpoint \w{16} \(no node\), this model is \w{16} \(k2\)"):
        forget(other, data)
    with pytest.raises(UserError, match="finds no stored importance"):
        forget(trained, data)
    with pytest.raises(UserError, match="forget set is empty"):
        forget(model, forgetting(IMAGES, np.array([], dtype=int)))


def test_importances_that_are_not_finite_or_missing_are_refused(trained):
    data = forgetting_class(IMAGES, 0)
    good = with_importance(trained, data, batch=8).companions[0]
    broken = {name: t.clone() for name, t in good.role("importance").items()}
    broken["head.weight"][0, 0] = float("nan")
    with pytest.raises(UserError, match=r"importance of 'head.weight' is not finite"):
        forget(trained.with_(companions=(good.add_role("importance", broken),)), data)
    del broken["head.weight"]
    with pytest.raises(UserError, match=r"no tensor 'head.weight' of shape \[3, 2\]"):
        forget(trained.with_(companions=(good.add_role("importance", broken),)), data)


@pytest.mark.parametrize("bad", [{"alpha": 0}, {"alpha": -1}, {"lambda": 0}, {"lambda": -0.1}, {"alfa": 3}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        Params(**bad)


def test_lambda_is_written_lambda():
    assert Params(**{"lambda": 0.5}) == Params(lambda_=0.5)
    assert Params(lambda_=0.5).model_dump(by_alias=True)["lambda"] == 0.5
