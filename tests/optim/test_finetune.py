import torch
from tests.support import blobs, same_state, small_resnet

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.optim.finetune import trained_on
from neurosieve.optim.loop import Recipe, columns_of, fit, generator
from neurosieve.optim.losses import supervised

DATA = Data.of(blobs(40, 3, (1, 11, 11)))
RECIPE = Recipe(2, 8, 0.02, weight_decay=1e-2)


def test_it_is_the_loop_on_a_copy():
    model, log = small_resnet(), Log()
    result = trained_on(model, DATA.train, RECIPE, generator(5, "order"), log, "train_seconds")
    plain = small_resnet().system
    history = fit(plain, columns_of(DATA.train), supervised, RECIPE, generator(5, "order"))
    assert same_state(result.system, plain)
    assert same_state(model.system, small_resnet().system)
    assert log.history == history
    assert log.timings.keys() == {"train_seconds"}


def test_masks_hold():
    mask = torch.rand(small_resnet().system.head.weight.shape, generator=torch.Generator().manual_seed(0)) > 0.5
    model = small_resnet().add_role("mask", {"head.weight": mask})
    result = trained_on(model, DATA.train, RECIPE, generator(5, "order"), Log())
    assert not result.system.head.weight[~mask].any()
    assert result.system.head.weight[mask].all()
