"""Golden fields and sweeps (explicit tensors), and what holds of every dynamics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import golden

from neurosieve.kernels import glauber
from neurosieve.kernels.noisy_examples import rademacher

COLD = np.inf


def plain_energy(couplings, state, order, scale=1.0):
    return -scale * len(state) / order * ((couplings.T @ state / len(state)) ** order).sum()


def plain_fields(couplings, state, order, scale=1.0):
    found = []
    for i in range(len(state)):
        up, down = state.copy(), state.copy()
        up[i], down[i] = 1, -1
        found.append((plain_energy(couplings, down, order, scale) - plain_energy(couplings, up, order, scale)) / 2)
    return np.array(found)


def network(order, seed, spins=12, columns=7):
    rng = np.random.default_rng([order, seed])
    return rng.normal(size=(spins, columns)), rademacher(1, spins, rng)[0].astype(float), rng


@pytest.mark.parametrize("order", [2, 4, 6])
def test_golden_energies_and_fields_of_the_explicit_tensor(order):
    arrays = golden("dense-hebbian", "energies-and-fields")
    moment = arrays["R_and_rho"][0]
    for state, energy, *fields in zip(
        arrays["states"], arrays[f"energy_P{order}"], *(
            arrays[f"field{kind}_P{order}"] for kind in ("", "_xi", "_normalised")
        ), strict=True,
    ):  # fmt: skip
        assert glauber.energy(arrays["E"], state, order, 1.0) == pytest.approx(energy, abs=1e-12)
        found = [
            glauber.fields(arrays["E"], state, order, 1.0),
            glauber.fields(arrays["xi"], state, order, 1.0),
            glauber.fields(arrays["E"], state, order, moment ** (-order / 2)),
        ]
        for one, wanted in zip(found, fields, strict=True):
            np.testing.assert_allclose(one, wanted, atol=1e-12)


@pytest.mark.parametrize("order", [2, 4])
def test_golden_sum_over_examples_inside_or_outside_the_power(order):
    arrays = golden("dense-hebbian", "supervised-vs-unsupervised")
    every = np.ascontiguousarray(arrays["examples"].reshape(-1, 9).T)
    for row, state in enumerate(arrays["states"]):
        for kind, couplings, scale in (("supervised", arrays["E"], 1.0), ("unsupervised", every, 1 / 5)):
            energy = glauber.energy(couplings, state, order, scale)
            assert energy == pytest.approx(arrays[f"{kind}_energy_P{order}"][row], abs=1e-12)
            found = glauber.fields(couplings, state, order, scale)
            np.testing.assert_allclose(found, arrays[f"{kind}_field_P{order}"][row], atol=1e-12)


@pytest.mark.parametrize("order", [2, 4, 6])
@pytest.mark.parametrize(("kind", "beta"), [("zero", COLD), ("glauber", 1 / 0.4)])
def test_golden_sweeps(order, kind, beta):
    arrays = golden("dense-hebbian", "sweeps")
    couplings, start, sites, draws, xi = (arrays[f"P{order}_{name}"] for name in ("E", "start", "order", "u", "xi1"))
    moment = 0.49 + 0.51 / 4
    scale = 1.0 if order == 2 else moment ** (-order / 2)
    states, fields = glauber.run(couplings, start, order, scale, beta, sites, draws)
    np.testing.assert_array_equal(states, arrays[f"P{order}_{kind}_states"])
    np.testing.assert_allclose(fields, arrays[f"P{order}_{kind}_fields"], atol=1e-10)
    energies = [glauber.energy(couplings, state, order, scale) for state in states]
    np.testing.assert_allclose(energies, arrays[f"P{order}_{kind}_energy"], atol=1e-10)
    np.testing.assert_allclose(states @ xi / 16, arrays[f"P{order}_{kind}_m"], atol=1e-12)


@pytest.mark.parametrize("order", [2, 3, 4, 6, 8])
def test_fields_are_half_the_difference_of_two_energies(order):
    couplings, state, _ = network(order, 0, 6, 3)
    np.testing.assert_allclose(
        glauber.fields(couplings, state, order, 0.7), plain_fields(couplings, state, order, 0.7), atol=1e-12
    )


def test_fields_of_pairs_leave_the_own_spin_out():
    _, state, rng = network(2, 1)
    xi = rademacher(5, 12, rng).T.astype(float)
    pairs = xi @ xi.T / 12
    np.fill_diagonal(pairs, 0)
    np.testing.assert_allclose(glauber.fields(xi, state, 2, 1.0), pairs @ state, atol=1e-12)


@given(st.sampled_from([2, 4, 6, 8]), st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_energy_never_rises_at_temperature_zero(order, seed):
    couplings, state, rng = network(order, seed)
    sites = glauber.sites("permutation", (6, 12), rng)
    states, _ = glauber.run(couplings, state, order, 1.0, COLD, sites, np.zeros((6, 12)))
    energies = [plain_energy(couplings, one, order) for one in (state, *states)]
    assert (np.diff(energies) <= 1e-9).all()


@pytest.mark.parametrize("order", [2, 4, 8])
def test_relaxing_many_states_is_running_each_at_temperature_zero(order):
    couplings, _, rng = network(order, 3, 20, 9)
    starts = rademacher(8, 20, rng).astype(float)
    sites = glauber.sites("permutation", (8, 5, 20), rng)
    ends = glauber.relax(couplings, starts, order, 1.0, sites)
    for start, end, visits in zip(starts, ends, sites, strict=True):
        states, _ = glauber.run(couplings, start, order, 1.0, COLD, visits, np.zeros((5, 20)))
        np.testing.assert_array_equal(end, states[-1])


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_one_exact_pattern_is_found_in_one_sweep_from_any_start_that_overlaps(order):
    rng = np.random.default_rng(order)
    xi = rademacher(1, 41, rng)[0].astype(float)
    starts = rademacher(20, 41, rng).astype(float)  # an odd number of spins always overlaps
    sites = glauber.sites("permutation", (20, 1, 41), rng)
    ends = glauber.relax(np.ascontiguousarray(xi[:, None]), starts, order, 1.0, sites)
    assert (np.abs(ends @ xi) == 41).all()


def test_hot_spins_are_fair():
    couplings, state, rng = network(4, 9, 100, 20)
    states, _ = glauber.run(
        couplings, state, 4, 1.0, 1e-9, glauber.sites("permutation", (400, 100), rng), rng.random((400, 100))
    )
    assert abs(states.mean()) < 4 / np.sqrt(states.size)


@pytest.mark.parametrize("order", [2, 4, 6])
@pytest.mark.parametrize("temperature", [0.3, 0.8])
def test_golden_long_runs_visit_states_by_their_boltzmann_weights(order, temperature):
    arrays = golden("dense-hebbian", "exact-thermodynamics")
    row = next(row for row in arrays["averages"] if row[0] == order and row[1] == pytest.approx(temperature))
    rng = np.random.default_rng([order, round(10 * temperature)])
    scale, sweeps = (0.36 + 0.64 / 5) ** (-order / 2), 40_000
    sites, draws = glauber.sites("permutation", (sweeps, 10), rng), rng.random((sweeps, 10))
    states, _ = glauber.run(arrays["E"], arrays["xi"][:, 0], order, scale, 1 / temperature, sites, draws)
    m, n = states @ arrays["xi"] / 10, states @ arrays["E"] / 10
    energies = -scale * 10 / order * (n**order).sum(axis=1)
    found = (energies, np.abs(m[:, 0]), m[:, 0] ** 2, np.abs(m[:, 1]), m[:, 1] ** 2, n[:, 0] ** 2)
    for series, wanted in zip(found, row[3:], strict=True):
        blocks = series.reshape(40, -1).mean(axis=1)
        assert abs(series.mean() - wanted) < 4 * blocks.std(ddof=1) / np.sqrt(40) + 1e-3


def test_sites_visit_each_spin_once_or_any():
    rng = np.random.default_rng(0)
    each = glauber.sites("permutation", (3, 50), rng)
    np.testing.assert_array_equal(np.sort(each, axis=1), np.tile(np.arange(50), (3, 1)))
    assert len({tuple(row) for row in each}) == 3
    assert len(np.unique(glauber.sites("random_site", (1, 50), rng))) < 45


def test_a_field_of_zero_keeps_the_spin():
    couplings = np.zeros((4, 2))
    state = np.array([1.0, -1, 1, -1])
    np.testing.assert_array_equal(glauber.update(couplings, state, 4, 1.0), state)
