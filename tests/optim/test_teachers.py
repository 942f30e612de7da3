import torch
from tests.support import same_state, small_resnet

from neurosieve.optim.teachers import random_teacher


def test_a_random_teacher_is_fresh_seeded_and_draws_nothing_from_outside():
    model = small_resnet()
    state = torch.get_rng_state()
    one, two, three = (random_teacher(model, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert same_state(one, two)
    assert not same_state(one, three)
    assert not same_state(one, model.system)
    assert not same_state(one, random_teacher(model, 0, "another purpose"))
    assert not one.training
