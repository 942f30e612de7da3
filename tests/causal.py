"""Data and models that tests of the estimators share."""

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.tabular import iv_sim, k401


def simulated(size=400, studies=2, design="g1", seed=3):
    return Data.of(iv_sim.prepare(iv_sim.Params(design=design, size=size, studies=studies), seed))


def families(count=1500):
    return Data.of(k401.prepare(k401.Params(families=count)))


def fresh(**params):
    return build_model("causal.estimator", params, {})
