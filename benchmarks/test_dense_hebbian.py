"""Fields of a dense Hebbian network: the kernel over overlaps against numpy per spin and the explicit tensor."""

import numpy as np
import pytest

from benchmarks.racing import TIMED, Racer
from neurosieve.kernels import glauber
from neurosieve.kernels.noisy_examples import rademacher

pytestmark = TIMED
ORDER = 4


def network(spins, columns):
    rng = np.random.default_rng(11)
    couplings = np.ascontiguousarray(rademacher(columns, spins, rng).T, np.float64)
    return couplings, couplings[:, 0].copy(), glauber.sites("permutation", (3, spins), rng)


def numpy_sweeps(couplings, start, sites):
    """The same sweeps at temperature 0, one vectorised field per spin."""
    state, n = start.copy(), len(start)
    for order in sites:
        overlaps = couplings.T @ state
        for i in order:
            rest = overlaps - couplings[i] * state[i]
            h = (((rest + couplings[i]) / n) ** ORDER - ((rest - couplings[i]) / n) ** ORDER).sum()
            spin = state[i] if abs(h) < 1e-12 else np.sign(h)
            overlaps += couplings[i] * (spin - state[i])
            state[i] = spin
    return state


@pytest.mark.parametrize(("spins", "columns"), [(100, 500), (60, 5000)])
def test_sweeps(race, spins, columns):
    couplings, start, sites = network(spins, columns)
    race(
        "sweeps at temperature 0, P = 4",
        f"{spins} spins, {columns} archetypes",
        Racer(lambda: glauber.relax(couplings, start[None], ORDER, 1.0, sites[None])[0]),
        {"numpy, spin by spin": Racer(lambda: numpy_sweeps(couplings, start, sites))},
        np.testing.assert_array_equal,
        rounds=5,
    )


def test_explicit_tensor(race):
    couplings, start, _ = network(48, 100)
    tensor = np.einsum("im,jm,km,lm->ijkl", *[couplings] * ORDER, optimize=True) / 48**3

    def contracted():
        return np.einsum("ijkl,j,k,l->i", tensor, start, start, start, optimize=True)

    def close(theirs, ours):
        # the tensor leaves the own spin's repeated indices in, which move no field by more than a few per cent
        np.testing.assert_allclose(theirs, ours, atol=0.2 * np.abs(ours).max())

    race(
        "fields of all spins, P = 4",
        "48 spins, 100 archetypes",
        Racer(lambda: glauber.fields(couplings, start, ORDER, 1.0)),
        {"explicit tensor": Racer(contracted)},
        close,
        rounds=5,
    )
