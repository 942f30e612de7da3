import pytest
import torch
from tests.support import blobs, forgetting_class, model_of, perceptron

from neurosieve.artifacts.log import Log
from neurosieve.interventions.analysis import importance
from neurosieve.interventions.analysis.importance_official import Params, intervene

DATA = forgetting_class(blobs(60, 3), 1)
MODEL = model_of(perceptron(4, 5, 3), (4,), 3)


@pytest.mark.parametrize(("restart", "batches"), [(False, 4), (True, 5)])
def test_batches_run_on_across_the_border_or_restart(restart, batches):
    note = intervene(MODEL, DATA, Params(batch=16, restart=restart), Log()).notes["importance"]
    assert (note["batches"], note["order"], note["restart"], note["rows"]) == (batches, "official", restart, 60)


def test_one_batch_of_everything_does_not_depend_on_the_order():
    rule = {"mode": "batch", "loss": "ce", "batch": 60}
    one = intervene(MODEL, DATA, Params(**rule), Log()).role("importance")
    two = importance.intervene(MODEL, DATA, importance.Params(order="stored", **rule), Log()).role("importance")
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-9)


def test_pure_batches_leave_larger_gradients_than_mixed_ones():
    one = intervene(MODEL, DATA, Params(batch=20), Log()).role("importance")
    two = importance.intervene(MODEL, DATA, importance.Params(batch=20, order="stored"), Log())
    assert one["2.bias"].sum() > 3 * two.role("importance")["2.bias"].sum()
