import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.support import blobs, forgetting, golden, same_state, small_resnet

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.resume import Keeper
from neurosieve.interventions.unlearning import scrub
from neurosieve.interventions.unlearning.scrub import Params, intervene, loss, passes
from neurosieve.optim.losses import distilled

CASE = {name: torch.as_tensor(np.asarray(v)) for name, v in golden("corrective-unlearning", "scrub-loss").items()}


def test_worked_example():
    student, teacher = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    assert distilled(student, teacher, 4.0).item() == pytest.approx(7.394, abs=1e-3)


def test_kl_as_the_authors_code():
    assert distilled(CASE["in.student"], CASE["in.teacher"], 4.0).item() == pytest.approx(
        CASE["out.kl_T4"].item(), 1e-10
    )
    assert distilled(CASE["in.student"], CASE["in.teacher"], 1.0).item() == pytest.approx(
        CASE["out.kl_T1"].item(), 1e-10
    )


@pytest.mark.parametrize(("suffix", "a"), [("0.001", 0.001), ("0.5", 0.5), ("10", 10.0)])
@pytest.mark.parametrize("ascent", [False, True])
def test_loss_and_gradient_as_the_benchmark(suffix, a, ascent):
    kind = "max" if ascent else "min"
    student = CASE["in.student"].clone().requires_grad_(True)
    value = loss(student, CASE["in.teacher"], CASE["in.y"], Params(a=a), ascent)
    value.backward()
    assert value.item() == pytest.approx(CASE[f"out.loss_{kind}_a{suffix}"].item(), rel=1e-10)
    torch.testing.assert_close(student.grad, CASE[f"out.grad_{kind}_a{suffix}"], rtol=0, atol=1e-10)


def test_the_original_ascends_on_the_kl_alone():
    value = loss(CASE["in.student"], CASE["in.teacher"], CASE["in.y"], Params(variant="original"), True)
    assert value.item() == pytest.approx(CASE["out.original_loss_max"].item(), rel=1e-10)


def test_equal_logits_leave_cross_entropy():
    logits, labels = CASE["in.teacher"], CASE["in.y"]
    assert loss(logits, logits, labels, Params(a=5), False).item() == pytest.approx(
        F.cross_entropy(logits, labels).item()
    )


@pytest.mark.parametrize(("steps", "ascending"), [(0, []), (1, [1]), (5, [1]), (6, [1, 2]), (100, [1, 2, 3])])
def test_ascent_while_steps_are_few(steps, ascending):
    plan = passes(Params(epochs=3, ascent_steps=steps, batch=10), {"forget": 11, "retain": 30})
    assert sorted({epoch for epoch, part, _, _ in plan if part == "forget"}) == ascending
    assert [part for epoch, part, _, _ in plan if epoch == 1] == ["forget"] * (2 * bool(ascending)) + ["retain"] * 3
    assert [last for epoch, _, _, last in plan if epoch == 3][-3:] == [False, False, True]


def test_seeded_logged_and_the_given_model_stays():
    data, model = forgetting(blobs(60, 3, (1, 11, 11)), np.arange(0, 60, 7)), small_resnet()
    log = Log()
    one = intervene(model, data, Params(batch=16), 1, log).system
    two, three = (intervene(model, data, Params(batch=16), seed, Log()).system for seed in (1, 2))
    assert same_state(one, two)
    assert not same_state(one, three)
    assert same_state(model.system, small_resnet().system)
    assert [row["ascent"] for row in log.history] == [True, False, False]


class Cut(Exception):
    """The process ends here."""


@pytest.mark.parametrize("cut", [1, 2, 6])
def test_ended_and_resumed_gives_the_same_bytes(tmp_path, monkeypatch, cut):
    def run(ends=False):
        given, steps = scrub.loss, iter(range(cut))

        def counted(*arguments):
            if ends and next(steps, None) is None:
                raise Cut
            return given(*arguments)

        log = Log(keeper=Keeper(tmp_path if ends is not None else None, 0.0))
        with monkeypatch.context() as patch:
            patch.setattr(scrub, "loss", counted)
            return intervene(small_resnet(), data, Params(batch=16), 1, log).system, log.history, log.keeper.resumed

    data = forgetting(blobs(60, 3, (1, 11, 11)), np.arange(0, 60, 7))
    whole, rows, _ = run(None)
    with pytest.raises(Cut):
        run(True)
    again, found, resumed = run()
    assert same_state(whole, again)
    assert (found, resumed) == (rows, 1)
