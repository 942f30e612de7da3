"""Spike counts of simulated neurons whose couplings switch between states, with the whole truth (Li et al., ICLR 2024).

Every state draws the class of each connection (inhibitory, none, excitatory) from one prior per pair,
Dirichlet(2 [sp (1 - pe), 1 - sp, sp pe]), as the argmax of a Gumbel-softmax sample; strengths are ln(1 + u), u uniform
in (0, 3), biases 0.1 (u - 0.5); states last 1 / (1 - stay) bins on average and begin uniformly (the authors' begin in
state 0). Rates are a sigmoid of bias plus couplings to the last five bins. Rows are sequences: `counts` [T, N] and,
hidden from training, `states` [T], `weight` [S, post, pre], `bias` [N], `prior` [post, pre, 3]. A longer training split
begins with the shorter one's sequences, and test sequences do not depend on it.

`wiring: celegans` takes the prior from a real wiring diagram instead: the twelve command and sensory neurons of
Caenorhabditis elegans with the most chemical synapses among each other (White et al. 1986, whole animal, as the
C. elegans Connectome Toolbox gives it, MIT licence; transmitters from WormAtlas). A pair of more than four synapses is
excitatory, inhibitory where the sender uses GABA (none of the twelve does), with probability 0.9; the other two classes
have 0.05 each, and so does every connection of the other pairs.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm

WIRING = Path(__file__).with_name("celegans12.csv")
SYNAPSES = 4
"""A pair with more of them is a connection."""


class Params(BaseModel):
    """Sizes and statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    states: int = Field(3, ge=1)
    """Hidden states."""
    neurons: int = Field(12, ge=2)
    """Neurons."""
    bins: int = Field(500, ge=10)
    """Time bins of a sequence."""
    train: int = Field(10, ge=1)
    """Training sequences."""
    test: int = Field(10, ge=1)
    """Test sequences."""
    density: float = Field(0.2, gt=0, lt=1)
    """Mean share of pairs that are connected (sp)."""
    excitatory: float = Field(0.5, gt=0, lt=1)
    """Share of connections that excite (pe)."""
    stay: float = Field(0.98, gt=0, lt=1)
    """Probability that a state lasts to the next bin."""
    wiring: Literal["drawn", "celegans"] = "drawn"
    """Where the prior over connections comes from."""


def prepare(params: Params, seed: int) -> Dataset:
    """Draw the couplings, then the sequences. Raises UserError where a wiring has other neurons than asked for."""
    rng = np.random.default_rng([seed, 0])
    prior = priors(params, rng) if params.wiring == "drawn" else anatomy(params.neurons)
    truth = couplings(params, prior, rng)
    splits = {"train": (1, params.train), "test": (2, params.test)}
    arrays = {
        name: _sequences(params, truth, name, [np.random.default_rng([seed, part, row]) for row in range(rows)])
        for name, (part, rows) in splits.items()
    }
    return Dataset.from_arrays(_info(params), arrays)


def priors(params: Params, rng: np.random.Generator) -> np.ndarray:
    """Probabilities [post, pre, 3] of inhibitory, none, excitatory."""
    sp, pe = params.density, params.excitatory
    return rng.dirichlet(2 * np.array([sp * (1 - pe), 1 - sp, sp * pe]), (params.neurons, params.neurons))


def anatomy(neurons: int) -> np.ndarray:
    """Probabilities [post, pre, 3] after the wiring diagram, neurons in the order of their names."""
    with WIRING.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row[end] for row in rows for end in ("pre", "post")})
    if neurons != len(names):
        raise UserError(f"neural.hmm_glm: wiring celegans has {len(names)} neurons, not {neurons}")
    classes = np.ones((neurons, neurons), np.int64)
    for row in rows:
        if int(row["synapses"]) > SYNAPSES:
            classes[names.index(row["post"]), names.index(row["pre"])] = 0 if row["transmitter"] == "GABA" else 2
    return np.where(np.arange(3) == classes[..., None], 0.9, 0.05)


def couplings(params: Params, prior: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """prior, weight [S, N, N], bias [N], transition [S, S]."""
    pairs = (params.states, params.neurons, params.neurons)
    with np.errstate(divide="ignore"):
        classes = (np.log(prior) + rng.gumbel(size=(*pairs, 3))).argmax(axis=-1) - 1
    strength = np.log1p(rng.uniform(0, 3, pairs))
    transition = np.full((params.states, params.states), (1 - params.stay) / max(1, params.states - 1))
    np.fill_diagonal(transition, params.stay if params.states > 1 else 1.0)
    bias = 0.1 * (rng.random(params.neurons) - 0.5)
    return {"prior": prior, "weight": classes * strength, "bias": bias, "transition": transition}


def _sequences(
    params: Params, truth: dict[str, np.ndarray], split: str, draws: list[np.random.Generator]
) -> dict[str, np.ndarray]:
    """Columns of one split, a sequence per generator."""
    made = [_sequence(params.bins, truth, rng) for rng in draws]
    hidden = ("weight", "bias", "prior")
    return {
        "sample_id": np.array([f"{split}{row:04d}" for row in range(len(made))]),
        "counts": np.stack([counts for counts, _ in made]),
        "states": np.stack([states for _, states in made]),
        **{name: np.repeat(truth[name][None], len(made), axis=0) for name in hidden},
    }


def _sequence(bins: int, truth: dict[str, np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Counts [T, N] and states [T]."""
    weight, bias, states = truth["weight"], truth["bias"], np.empty(bins, np.int64)
    phi = glm.taps(5)
    counts, last = np.zeros((bins + len(phi), len(bias)), np.int64), len(weight)
    climbing, coins = truth["transition"].cumsum(axis=1), rng.random(bins)
    for t in range(bins):
        states[t] = (
            int(coins[t] * last) if t == 0 else min(last - 1, np.searchsorted(climbing[states[t - 1]], coins[t]))
        )
        c = phi @ counts[t : t + len(phi)][::-1]
        counts[t + len(phi)] = rng.poisson(glm.rate(bias + weight[states[t]] @ c, "sigmoid"))
    return counts[len(phi) :], states


def _info(params: Params) -> DatasetInfo:
    return DatasetInfo(
        name=f"{params.neurons} switching neurons{'' if params.wiring == 'drawn' else ', wired like a worm'}",
        origin="simulated",
        source="drawn by seed"
        if params.wiring == "drawn"
        else "drawn by seed; wiring diagram: White et al. 1986, C. elegans Connectome Toolbox",
        licence="none needed" if params.wiring == "drawn" else "MIT (wiring diagram)",
        inputs="counts",
        columns={
            "sample_id": ColumnInfo(meaning="sequence"),
            "counts": ColumnInfo(meaning="spikes of each neuron in each time bin", unit="spikes"),
            "states": ColumnInfo(meaning="true state of each bin", hidden=True),
            "weight": ColumnInfo(meaning="true couplings [state, post, pre]", hidden=True),
            "bias": ColumnInfo(meaning="true biases", hidden=True),
            "prior": ColumnInfo(meaning="true prior [post, pre, (inhibitory, none, excitatory)]", hidden=True),
        },
    )
