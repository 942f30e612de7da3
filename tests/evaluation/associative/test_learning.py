import pytest

from neurosieve.evaluation.associative.learning import Params, evaluate


def test_equal_entropy_gives_equal_overlap_for_every_quality_and_order_with_many_examples(memory, values):
    params = Params(spins=300, qualities=(0.1, 0.2), entropies=(0.525,), runs=30)
    frame = evaluate(memory(2, 300, 2), params, 11)
    overlap, theory = values(frame, "overlap"), values(frame, "overlap_theory")
    assert list(overlap) == [f"P={p},r={r},rho=0.525" for r in (0.1, 0.2) for p in (2, 4)]
    for at, value in overlap.items():
        assert value == pytest.approx(theory[at], abs=0.02)


def test_converged_states_have_no_one_step_theory(memory, values):
    params = Params(spins=100, qualities=(0.4,), entropies=(0.25,), runs=5, sweeps=10)
    frame = evaluate(memory(2, 100, 2), params, 11)
    assert values(frame, "overlap_theory") == {}
    assert min(values(frame, "overlap").values()) > 0.85
