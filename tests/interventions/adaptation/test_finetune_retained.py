import numpy as np
import torch
from tests.support import blobs, dataset_of, forgetting, same_state, small_resnet

from neurosieve.artifacts.log import Log
from neurosieve.interventions.adaptation import finetune, finetune_retained
from neurosieve.interventions.adaptation.finetune_retained import Params, intervene

IMAGES = blobs(60, 3, (1, 11, 11))
CHOSEN = np.arange(0, 60, 7)


def test_the_forget_rows_have_no_influence():
    x = IMAGES.split("train").x.copy()
    x[CHOSEN] = 1e6
    changed = dataset_of({"train": (x, IMAGES.split("train").y)})
    one, two = (
        intervene(small_resnet(), forgetting(data, CHOSEN), Params(epochs=2), 3, Log()).system
        for data in (IMAGES, changed)
    )
    assert same_state(one, two)
    assert finetune_retained.VIEWS == ("retain",)


def test_it_is_the_fine_tuning_of_the_retained_rows_and_part_of_the_request():
    log, rows = Log(), np.setdiff1d(np.arange(60), CHOSEN)
    train = IMAGES.split("train")
    alone = forgetting(dataset_of({"train": (train.x[rows], train.y[rows])}), [])
    mask = torch.arange(6).view(3, 2) % 2 == 0
    model = small_resnet().add_role("mask", {"head.weight": mask})
    one = intervene(model, forgetting(IMAGES, CHOSEN), Params(epochs=2, batch=16), 0, log)
    two = finetune.intervene(model, alone, finetune.Params(epochs=2, batch=16), 0, Log())
    assert same_state(one.system, two.system)
    assert not one.system.head.weight[~mask].any()
    assert log.timings.keys() == {"intervention_seconds"}
