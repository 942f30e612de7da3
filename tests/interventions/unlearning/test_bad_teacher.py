import copy

import numpy as np
import pytest
import torch
from tests.support import blobs, forgetting, forgetting_class, same_state, small_resnet

from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.unlearning.bad_teacher import Params, intervene
from neurosieve.interventions.unlearning.finetune import Params as Finetune
from neurosieve.interventions.unlearning.finetune import intervene as finetune

IMAGES = blobs(120, 3, (1, 11, 11))


def test_teaches_forget_rows_uncertainty_and_keeps_the_others():
    data = forgetting_class(IMAGES, 1)
    trained = finetune(small_resnet(width=2), forgetting(IMAGES, [0]), Finetune(epochs=5, batch=16), 0, Log())
    log, before = Log(), copy.deepcopy(trained.system)
    result = intervene(trained, data, Params(epochs=20, lr=1e-2, batch=32, share=0.5), 0, log)

    def own_probability(system, rows):
        with torch.no_grad():
            probabilities = system(rows.tensor()).softmax(1)
        return probabilities[torch.arange(len(rows)), torch.from_numpy(rows.y)].mean()

    assert own_probability(trained.system, data.forget) > 0.9
    assert own_probability(result.system, data.forget) < 0.5
    assert own_probability(result.system, data.retain) > 0.9
    assert log.history[-1]["loss"] < log.history[0]["loss"]
    assert same_state(trained.system, before)


def test_seeded():
    data, model = forgetting_class(IMAGES, 1), small_resnet()
    one, two, three = (intervene(model, data, Params(), seed, Log()).system for seed in (0, 0, 1))
    assert same_state(one, two)
    assert not same_state(one, three)


def test_no_forget_rows():
    with pytest.raises(UserError, match="forget set is empty"):
        intervene(small_resnet(), forgetting(IMAGES, np.array([], int)), Params(), 0, Log())
