import numpy as np
import pytest
import torch
from tests.support import (
    BnNet,
    blobs,
    dataset_of,
    forgetting,
    golden,
    loaded,
    model_of,
    part,
    perceptron,
    same_state,
)

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.analysis import importance_official
from neurosieve.interventions.analysis.importance import Params, importances, intervene, row_batches


def close(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-9)


def toy(order="class", mode="batch", loss="ce", batch=64, by=""):
    return {"order": order, "mode": mode, "loss": loss, "batch": batch, "by": by}


@pytest.mark.parametrize(("batch", "mode"), [(32, "batch"), (70, "batch"), (1, "batch"), (1, "per_sample")])
def test_golden_batches(batch, mode):
    g = golden("ssd", "importance-batch")
    data = Data.of(dataset_of({"train": (g["in.x"], g["in.y"])}))
    model = model_of(loaded(perceptron(6, 8, 3), part(g, "in.theta.")), (6,), 3)
    rule = Params(order="stored", batch=batch if mode == "batch" else 16, mode=mode)
    close(intervene(model, data, rule, Log()).role("importance"), part(g, f"out.batch{batch}."))


@pytest.mark.parametrize(("case", "loss"), [("conv-bn-eval", "ce"), ("lfssd", "logit_norm")])
def test_golden_official_order_on_a_network_with_batchnorm(case, loss):
    g = golden("ssd", case)
    model = model_of(loaded(BnNet(1, 4), part(g, "in.theta.")), (1, 6, 6), 4)
    n, forget = len(g["in.y"]), int(g["in.n_forget"][0])
    data = forgetting(dataset_of({"train": (g["in.x"], g["in.y"])}), np.arange(n - forget, n))
    full = importance_official.intervene(model, data, importance_official.Params(loss=loss, batch=8), Log())
    close(full.role("importance"), part(g, "out.importance_full."))
    rule = toy("official", loss=loss, batch=8)
    found = importances(model, data.forget, rule, row_batches(data.forget, rule))
    close(found, part(g, "out.importance_forget."))
    one_by_one = intervene(model, data, Params(mode="per_sample", loss=loss, batch=8), Log())
    close(one_by_one.role("importance"), part(g, "out.importance_full_batch1."))


def test_class_order_restarts_at_every_class():
    split = dataset_of({"train": (np.zeros((10, 1)), np.array([2, 0, 0, 2, 0, 0, 0, 2, 5, 5]))}).split("train")
    batches = [rows.tolist() for rows in row_batches(split, toy("class", batch=3))]
    assert batches == [[1, 2, 4], [5, 6], [0, 3, 7], [8, 9]]
    running_on = [rows.tolist() for rows in row_batches(split, toy("official", batch=3))]
    assert running_on == [[1, 2, 4], [5, 6, 0], [3, 7, 8], [9]]
    stored = [rows.tolist() for rows in row_batches(split, toy("stored", batch=4))]
    assert stored == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_grouping_by_another_column():
    fine = np.array([1, 0, 1, 0])
    split = dataset_of({"train": (np.zeros((4, 1)), np.array([0, 0, 0, 0]))}, fine=fine).split("train")
    assert [rows.tolist() for rows in row_batches(split, toy(by="fine"))] == [[1, 3], [0, 2]]
    with pytest.raises(UserError, match="column 'font' does not exist"):
        row_batches(split, toy(by="font"))


def test_weights_stay_and_the_note_tells_the_rule():
    net = BnNet(1, 3)
    data, log = Data.of(blobs(30, 3, (1, 6, 6))), Log()
    model = model_of(net, (1, 6, 6), 3, key="abc")
    found = intervene(model, data, Params(batch=4), log)
    assert found.system is net
    assert set(found.role("importance")) == {name for name, _ in net.named_parameters()}
    note = found.notes["importance"]
    assert {key: note[key] for key in ("mode", "loss", "order", "batch", "by", "rows", "batches", "node")} == {
        **toy(batch=4),
        "rows": 30,
        "batches": 9,
        "node": "abc",
    }
    assert log.timings["intervention_seconds"] > 0
    fresh = BnNet(1, 3)
    fresh.load_state_dict(net.state_dict())
    assert same_state(net, fresh)


def test_labels_play_no_part_in_the_loss_free_variant():
    one, two = blobs(30, 3), blobs(30, 3)
    shuffled = dataset_of({"train": (two.split("train").x, np.zeros(30, np.int64))})
    model = model_of(perceptron(4, 5, 3), (4,), 3)
    rule = Params(loss="logit_norm", order="stored", batch=8)
    found = [intervene(model, Data.of(d), rule, Log()).role("importance") for d in (one, shuffled)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_overflow_is_one_line():
    model = model_of(perceptron(4, 3), (4,), 3)
    huge = dataset_of({"train": (np.full((4, 4), 3e38, np.float32), np.array([0, 1, 2, 0]))})
    with pytest.raises(UserError, match=r"importance of '0\.weight' is not finite"):
        intervene(model, Data.of(huge), Params(), Log())


def test_no_rows_is_one_line():
    with pytest.raises(UserError, match="no rows in split 'train'"):
        row_batches(blobs(30).split("train").take(np.array([])), toy())
