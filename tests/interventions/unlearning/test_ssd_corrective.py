import copy

import numpy as np
import pytest
import torch
from tests.support import BnNet, blobs, dataset_of, forgetting, golden, loaded, model_of, part, same_state, small_resnet

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.analysis.importance import importances
from neurosieve.interventions.unlearning import ssd_corrective
from neurosieve.interventions.unlearning.ssd_corrective import RULE, Params, intervene
from neurosieve.kernels.dampen import dampen_grid
from neurosieve.models.state import flat
from neurosieve.training.supervised import backprop

CLOUDS = blobs(120, 3, (1, 11, 11))
ROWS = {name: (CLOUDS.split(name).x, CLOUDS.split(name).y) for name in ("train", "test")}
IMAGES = dataset_of({"train": ROWS["train"], "validation": ROWS["test"], "test": ROWS["test"]})
NAMED = IMAGES.info.model_copy(update={"class_names": ("a", "b", "c")})


@pytest.fixture(scope="module")
def trained():
    return backprop.train(small_resnet(), Data.of(IMAGES), backprop.Params(epochs=4, batch=16, warmup=2), 0, Log())


def asked(rows=range(0, 120, 9)):
    found = forgetting(IMAGES, np.array(rows, int))
    return Data(NAMED, {name: split for name, split in found.splits.items() if name != "test"}, found.selection)


def test_against_retained_rows_as_the_authors_code():
    g = golden("corrective-unlearning", "ssd-retain-reference")
    model = model_of(loaded(BnNet(1, 4), part(g, "in.theta.")), (1, 6, 6), 4)
    rows = dataset_of({"train": (g["in.x"], g["in.trained_label"])}).split("train")
    orders = (torch.from_numpy(np.array(g[f"in.{name}_order"])) for name in ("retain", "forget"))
    reference, forget = (importances(model, rows, RULE, list(o.split(int(g["in.batch_size"][0])))) for o in orders)
    for name in forget:
        for found, expected in ((reference, "retain"), (forget, "forget")):
            wanted = torch.from_numpy(np.array(g[f"out.importance_{expected}.{name}"]))
            torch.testing.assert_close(found[name], wanted, rtol=1e-5, atol=1e-10)
    names = [name for name, _ in model.system.named_parameters()]
    vectors = [flat([found[name] for name in names]) for found in (reference, forget)]
    alpha, lambda_ = g["in.alpha_lambda"].astype(np.float64)
    result, selected = dampen_grid(
        flat(list(model.system.parameters())), *vectors, np.array([alpha]), np.array([lambda_])
    )
    np.testing.assert_allclose(result[0], np.concatenate([g[f"out.theta.{n}"].ravel() for n in names]), 1e-5, 1e-8)
    assert selected[0] == g["out.selected_count"][0]


def test_the_best_score_wins_and_the_first_of_equals(trained):
    log, before = Log(), copy.deepcopy(trained.system)
    result = intervene(trained, asked(), Params(alphas=(0.1, 1, 10), ratios=(0.1, 1)), 0, log)
    rows = log.history
    assert [(row["alpha"], row["lambda"]) for row in rows[:3]] == [(0.1, 0.1 * 0.1), (0.1, 0.1), (1, 0.1)]
    best = max(range(6), key=lambda place: rows[place]["score"])
    assert [row["chosen"] for row in rows] == [place == best for place in range(6)]
    assert same_state(trained.system, before)
    validation = asked().validation
    with torch.no_grad():
        right = (result.system(validation.tensor()).argmax(1).numpy() == validation.y).mean()
    assert rows[best]["accuracy"] == pytest.approx(right)
    buffers = zip(result.system.buffers(), trained.system.buffers(), strict=True)
    assert all(torch.equal(one, other) for one, other in buffers)


def test_a_huge_alpha_gives_the_model_back(trained):
    log = Log()
    assert same_state(intervene(trained, asked(), Params(alphas=(1e9,), ratios=(1,)), 0, log).system, trained.system)
    assert log.history[0]["selected"] == 0


def test_candidates_in_pieces_are_the_same(trained, monkeypatch):
    params = Params(alphas=(0.1, 1, 10), ratios=(0.1, 1))
    whole = intervene(trained, asked(), params, 0, Log()).system
    monkeypatch.setattr(ssd_corrective, "HELD", 1)
    assert same_state(whole, intervene(trained, asked(), params, 0, Log()).system)


def test_nothing_identified(trained):
    with pytest.raises(UserError, match="forget set is empty"):
        intervene(trained, asked([]), Params(), 0, Log())


def test_no_validation_rows(trained):
    with pytest.raises(UserError, match="no split 'validation'"):
        intervene(trained, forgetting(CLOUDS, np.arange(5)), Params(), 0, Log())
