import numpy as np
import torch
from tests.support import blobs, dataset_of, forgetting, forgetting_class, same_state, small_resnet

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.interventions.unlearning.finetune import Params, intervene

IMAGES = blobs(60, 3, (1, 11, 11))


def test_trains_on_retained_rows_only():
    data, log = forgetting_class(IMAGES, 1), Log()
    model = small_resnet()
    result = intervene(model, data, Params(epochs=6, batch=8), 0, log)
    with torch.no_grad():
        said = result.system(data.train.tensor()).argmax(1).numpy()
    assert (said[data.train.y != 1] == data.train.y[data.train.y != 1]).mean() > 0.9
    assert (said == 1).sum() == 0
    assert [row["epoch"] for row in log.history] == [1, 2, 3, 4, 5, 6]
    assert log.timings["intervention_seconds"] > 0


def test_the_forget_rows_have_no_influence():
    chosen = np.arange(0, 60, 7)
    x = IMAGES.split("train").x.copy()
    y = IMAGES.split("train").y
    x[chosen] = 1e6
    changed = dataset_of({"train": (x, y)})
    one, two = (
        intervene(small_resnet(), forgetting(d, chosen), Params(epochs=1), 3, Log()).system for d in (IMAGES, changed)
    )
    assert same_state(one, two)


def test_seeded_and_the_given_model_stays():
    data, model = forgetting_class(IMAGES, 0), small_resnet()
    one, two, three = (intervene(model, data, Params(epochs=1), s, Log()).system for s in (1, 1, 2))
    assert same_state(one, two)
    assert not same_state(one, three)
    assert same_state(model.system, small_resnet().system)


def test_pruned_weights_stay_pruned():
    model = small_resnet()
    mask = torch.rand(model.system.head.weight.shape) > 0.5
    data = Data.of(IMAGES)
    pruned = model.add_role("mask", {"head.weight": mask})
    result = intervene(pruned, forgetting_class(IMAGES, 0), Params(epochs=2, batch=8), 0, Log())
    assert not result.system.head.weight[~mask].any()
    assert torch.equal(result.role("mask")["head.weight"], mask)
    assert len(data.train) == 60
