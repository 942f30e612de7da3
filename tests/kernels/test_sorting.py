"""Golden trajectories of the official cells, the plain loop, and what holds of every run."""

import itertools

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels import sorting
from neurosieve.kernels.detours import aggregation, descents
from neurosieve.kernels.sorting import BUBBLE, INSERTION, RANDOM, SELECTION, replay, run, top_down

POLICIES = [BUBBLE, INSERTION, SELECTION]


def cases(name):
    arrays = golden("self-sorting-arrays", name)
    prefixes = sorted({key.removesuffix("_order") for key in arrays if key.endswith("_order")} - {"pair"})
    return [(name, prefix) for prefix in prefixes]


def ints(arrays, prefix, name):
    return arrays[f"{prefix}_{name}"].astype(np.int64)


@pytest.mark.parametrize(
    ("name", "prefix"), [c for n in ("single-type", "movable-frozen", "chimeric") for c in cases(n)]
)
def test_golden_trajectories(name, prefix):
    arrays = golden("self-sorting-arrays", name)
    values, types, frozen = (ints(arrays, prefix, key) for key in ("values", "types", "frozen"))
    order, coin = (ints(arrays, prefix, key) for key in ("order", "coin"))
    ticks, snapshots, ideal, _ = replay(values, types, np.zeros_like(types), frozen, True, order, coin)
    np.testing.assert_array_equal(ticks, ints(arrays, prefix, "swap_tick"))
    np.testing.assert_array_equal(snapshots, ints(arrays, prefix, "snap_cells"))
    np.testing.assert_array_equal(values[snapshots], ints(arrays, prefix, "snap_values"))
    np.testing.assert_array_equal(descents(values[snapshots]), ints(arrays, prefix, "error"))
    np.testing.assert_allclose(aggregation(types[snapshots]), arrays[f"{prefix}_aggregation"], atol=1e-12)
    if f"{prefix}_ideal" in arrays:
        np.testing.assert_array_equal(np.where(types == SELECTION, ideal, -1), ints(arrays, prefix, "ideal"))


def test_golden_selection_cell_swaps_into_the_old_place_of_a_frozen_one():
    arrays = golden("self-sorting-arrays", "movable-frozen")
    value, order = ints(arrays, "pair", "values"), ints(arrays, "pair", "order")
    both = np.full(2, SELECTION), np.zeros(2, np.int64), np.array([1, 0])
    _, snapshots, ideal, _ = replay(value, *both, True, order, order * 0)
    np.testing.assert_array_equal(value[snapshots], ints(arrays, "pair", "snap_values"))
    np.testing.assert_array_equal(ideal, ints(arrays, "pair", "ideal"))


def test_golden_swap_counts():
    arrays = golden("self-sorting-arrays", "swap-counts")
    none = np.zeros(10, np.int64)
    for row, values in enumerate(arrays["permutations"].astype(np.int64)):
        order, coin = arrays["order"][row].astype(np.int64), arrays["coin"][row].astype(np.int64)
        for name, policy in (("bubble", BUBBLE), ("insertion", INSERTION), ("selection", SELECTION)):
            ticks, *_ = replay(values, np.full(10, policy), none, none, True, order, coin)
            assert len(ticks) == arrays[name][row], name
            expected = arrays["topdown_selection" if policy == SELECTION else "topdown_adjacent"][row]
            assert len(top_down(values, policy, none, True)[0]) == expected


def simulated(values, policy, seed=0, frozen=None, movable=True, down=None, one_goal=True, uniform=False, plain=False):
    n = len(values)
    policy = np.full(n, policy) if np.isscalar(policy) else policy
    frozen = np.zeros(n, np.int64) if frozen is None else frozen
    down = np.zeros(n, np.int64) if down is None else down
    function = run.py_func if plain else run
    return function(
        values, policy, policy, down, frozen, movable, one_goal, uniform, 60, 15_000, np.random.default_rng(seed)
    )


@pytest.mark.parametrize("policy", [*POLICIES, RANDOM])
@pytest.mark.parametrize("uniform", [False, True])
def test_the_compiled_run_is_the_plain_one(policy, uniform, monkeypatch):
    values = np.random.default_rng(3).permutation(9)
    frozen = (np.arange(9) == 4).astype(np.int64)
    limit = {"one_goal": policy != RANDOM, "uniform": uniform, "frozen": frozen}
    compiled = [simulated(values, policy, 1, movable=movable, **limit) for movable in (True, False)]
    for name in ("act", "in_order", "settle", "around", "swap", "start"):
        monkeypatch.setattr(sorting, name, getattr(sorting, name).py_func)
    for one, movable in zip(compiled, (True, False), strict=True):
        for ours, plain in zip(one, simulated(values, policy, 1, movable=movable, plain=True, **limit), strict=True):
            np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize("policy", [BUBBLE, INSERTION])
def test_without_damage_swaps_are_inversions(policy):
    for seed, uniform in itertools.product(range(5), (False, True)):
        values = np.random.default_rng(seed).permutation(30)
        inversions = sum(values[i] > values[j] for i, j in itertools.combinations(range(30), 2))
        errors, *_ = simulated(values, policy, seed, uniform=uniform)
        assert len(errors) == inversions
        assert len(top_down(values, policy, np.zeros(30, np.int64), True)[0]) == inversions


@pytest.mark.parametrize("mixture", [[BUBBLE], [INSERTION], [SELECTION], [0, 1], [1, 2], [0, 2], [0, 1, 2]])
def test_every_mixture_with_one_goal_sorts(mixture):
    rng = np.random.default_rng(5)
    for values in (rng.permutation(24), rng.integers(0, 5, 24)):
        policy = rng.choice(mixture, 24)
        _, _, cells, *_ = simulated(values, policy, 2)
        assert (np.diff(values[cells]) >= 0).all()
        if {INSERTION, SELECTION} <= set(mixture):
            continue  # downwards, selection works from the right and insertion from the left: each may wait
        _, _, cells, *_ = simulated(values, policy, 2, down=np.ones(24, np.int64), one_goal=False)
        assert (np.diff(values[cells]) <= 0).all()


@pytest.mark.parametrize("policy", [*POLICIES, RANDOM])
def test_immovable_frozen_cells_end_where_they_began_and_nothing_is_lost(policy):
    rng = np.random.default_rng(7)
    values, frozen = rng.permutation(20), np.zeros(20, np.int64)
    frozen[rng.choice(20, 4, replace=False)] = 1
    _, snapshots, *_ = replay(
        values,
        np.full(20, policy),
        np.zeros(20, np.int64),
        frozen,
        False,
        rng.integers(0, 20, 4000),
        rng.integers(0, 2, 4000),
    )
    held = np.flatnonzero(frozen)
    assert (snapshots[:, held] == held).all()
    assert (np.sort(snapshots, axis=1) == np.arange(20)).all()
    for algorithm in POLICIES:
        _, cells, _ = top_down(values, algorithm, frozen, False)
        assert (cells[held] == held).all()


def test_all_frozen_stops_by_the_idle_rule_without_a_swap():
    errors, _, cells, reads, ticks = simulated(np.arange(9)[::-1].copy(), BUBBLE, frozen=np.ones(9, np.int64))
    assert (len(errors), reads, ticks) == (0, 0, 60 * 9)
    assert cells.tolist() == list(range(9))


def test_courses_kept_by_the_step_are_those_of_the_snapshots():
    rng = np.random.default_rng(11)
    values, policy = rng.permutation(25), rng.choice([BUBBLE, SELECTION], 25)
    errors, alike, cells, *_ = simulated(values, policy, 4)
    assert errors[-1] == descents(values[cells]) == 0
    assert alike[-1] / 25 == aggregation(policy[cells])
    errors, cells, _ = top_down(values, SELECTION, np.zeros(25, np.int64), True)
    assert errors[-1] == descents(values[cells]) == 0


@pytest.mark.parametrize("movable", [True, False])
def test_insertion_ends_with_the_same_error_cell_view_and_top_down(movable):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values, frozen = rng.permutation(40), np.zeros(40, np.int64)
        frozen[rng.choice(40, 1 + seed % 3, replace=False)] = 1
        _, _, cells, *_ = simulated(values, INSERTION, seed, frozen, movable)
        _, other, _ = top_down(values, INSERTION, frozen, movable)
        assert descents(values[cells]) == descents(values[other])


def test_opposed_goals_end_at_the_limit_or_when_nothing_moves():
    rng = np.random.default_rng(1)
    policy = rng.permutation(np.repeat([BUBBLE, SELECTION], 15))
    errors, *_ = simulated(rng.permutation(30), policy, 1, down=(policy == SELECTION).astype(np.int64), one_goal=False)
    assert 0 < len(errors) <= 15_000
