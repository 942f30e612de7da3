"""Switching Poisson GLMs: held-out likelihood, states, couplings and connections against the truth (Li et al. 2024).

log_likelihood_per_spike (nats) is the one-step predictive log-likelihood of whole sequences over their spikes, on test
rows and, where the study forgets, on forgotten and retained training rows. Where the data hold the truth, states are
matched first (most agreeing bins of the test split); then state_accuracy (balanced), weight_correlation, mse (of the
weights), adjacency_f1 (macro over inhibitory, none, excitatory; free weights keep as many entries, the largest, as the
truth has) and edge_auc: how well the shared prior's probability of a connection (of free weights |mean over states|)
tells pairs that are connected in every state from pairs that never are, and wiring_auc pairs that the true prior
connects from the others. A one-hot model is read at its most probable classes. On a target only states are judged, as
it filters them: from past and present counts. rare_states counts states with fewer than five bins, where there are any.
path_accuracy is state_accuracy of the most probable sequence of states (Viterbi), not of the states of single bins.
Items: the state of each bin of the first test sequence, at lane=actual (the truth), lane=decoded and lane=path.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import Runtime, View
from neurosieve.errors import UserError
from neurosieve.kernels.ranks import auc
from neurosieve.models.neural.hmm_glm import NONE, HmmGlm, largest, matching

VIEWS = ("forget", "retain")
TARGETS = True
RARE = 5


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """Rows of one variant. Raises UserError for a model that is not `neural.hmm_glm`."""
    if view.model is None or not isinstance(view.model.system, HmmGlm):
        raise UserError("evaluation hmm_glm looks at models of neural.hmm_glm")
    system, test = view.model.system, view.data.test
    if view.runtime is not None:
        return frame(_filtered(view.runtime, test) if "states" in test else [])
    return frame([*_likelihoods(system, view), *_measured(system, test)])


def _likelihoods(system: HmmGlm, view: View) -> Iterator[Measure]:
    parts = {"test": view.data.test}
    if view.data.selection is not None:
        parts |= {"forget": view.data.forget, "retain": view.data.retain}
    for name, rows in parts.items():
        counts = rows.x.astype(np.float64)
        _, total = system.posterior(counts)
        yield Measure("log_likelihood_per_spike", total.sum() / max(1.0, counts.sum()), split=name, n=len(rows))


def _measured(system: HmmGlm, test: Split) -> Iterator[Measure]:
    counts = test.x.astype(np.float64)
    gamma, path = system.posterior(counts)[0], system.path(counts)
    found = gamma.argmax(axis=-1)
    rare = int((gamma.sum(axis=(0, 1)) < RARE).sum())
    if rare:
        yield Measure("rare_states", rare, split="test")
    if "states" not in test:
        yield from _course("decoded", found[0])
        yield from _course("path", path[0])
        return
    states, truth = test["states"], test["weight"][0]
    order = matching(found, states, system.states, len(truth))
    for lane, one in (("actual", states), ("decoded", order[found]), ("path", order[path])):
        yield from _course(lane, one[0])
    yield _states("state_accuracy", states, order[found])
    yield _states("path_accuracy", states, order[path])
    if system.states == len(truth):
        yield from _couplings(system, truth, np.argsort(order))
    yield from _edges(system, truth, test["prior"][0])


def _course(lane: str, states: np.ndarray) -> Iterator[Measure]:
    for place, state in enumerate(states):
        yield Measure("state", float(state), split="test", at={"lane": lane}, item=str(place))


def _states(metric: str, truth: np.ndarray, found: np.ndarray) -> Measure:
    recalls = [(found[truth == state] == state).mean() for state in np.unique(truth)]
    return Measure(metric, float(np.mean(recalls)), split="test", n=truth.size)


def _filtered(runtime: Runtime, test: Split) -> Iterator[Measure]:
    """The states that a target names bin by bin, matched like the model's own."""
    gamma, truth = runtime(test.x), test["states"]
    found = gamma.argmax(axis=-1)
    order = matching(found, truth, gamma.shape[-1], int(truth.max()) + 1)
    yield _states("state_accuracy", truth, order[found])


def _couplings(system: HmmGlm, truth: np.ndarray, order: np.ndarray) -> Iterator[Measure]:
    """Weights and classes; `order` [S]: the found state that plays each true one."""
    weight, classes = system.weights()[order], system.classes()[order]
    spread = np.corrcoef(weight.ravel(), truth.ravel())[0, 1] if np.ptp(weight) else 0.0
    yield Measure("weight_correlation", float(spread))
    yield Measure("mse", float(((weight - truth) ** 2).mean()), split="test")
    if not system.params.discrete:
        classes = np.where(largest(weight, int(np.count_nonzero(truth))), classes, 0)
    yield Measure("adjacency_f1", macro_f1(np.sign(truth), classes), n=truth.size)


def macro_f1(truth: np.ndarray, found: np.ndarray) -> float:
    """Mean F1 over the classes -1, 0, 1; a class that is neither there nor found counts 0."""
    scores = []
    for one in (-1, 0, 1):
        hits, both = ((truth == one) & (found == one)).sum(), (truth == one).sum() + (found == one).sum()
        scores.append(2 * hits / both if both else 0.0)
    return float(np.mean(scores))


def _edges(system: HmmGlm, truth: np.ndarray, prior: np.ndarray) -> Iterator[Measure]:
    score = 1 - system.prior()[..., NONE] if system.params.discrete else np.abs(system["weight"].mean(axis=0))
    always, never = (truth != 0).all(axis=0), (truth == 0).all(axis=0)
    every = np.ones_like(always)
    for metric, positive, asked in (
        ("edge_auc", always, always | never),
        ("wiring_auc", prior[..., NONE] < 0.5, every),
    ):
        if 0 < positive[asked].sum() < asked.sum():
            yield Measure(metric, auc(score[asked & positive], score[asked & ~positive]), n=int(asked.sum()))
