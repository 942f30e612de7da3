"""Centres that walk to the class means in many small noisy steps, and go on where an ended job was."""

import time

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model


class Params(BaseModel):
    """Steps, seconds to sleep in each, and megabytes to fill."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    steps: int = Field(40, ge=1)
    sleep: float = Field(0, ge=0)
    megabytes: int = Field(0, ge=0)


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """A tenth of the way in each step, plus noise."""
    hoard = np.ones(params.megabytes << 20, dtype=np.uint8)
    draws, centres, resume = np.random.default_rng(seed), model.system.state["centres"], log.resume("walk")
    means = np.stack([data.train.x[data.train.y == label].mean(0) for label in range(len(centres))])
    state = resume.start({"step": 0, "centres": centres, "draws": draws})
    while state["step"] < params.steps:
        time.sleep(params.sleep)
        noise = 0.01 * draws.standard_normal(centres.shape)
        state["centres"] = state["centres"] + 0.1 * (means - state["centres"]) + noise
        state["step"] += 1
        log.step(step=state["step"], far=float(np.abs(means - state["centres"]).max()))
        if state["step"] == 10:
            model.system.state["centres"] = state["centres"]
            log.checkpoint("e10", model)
        resume.keep(state, done=state["step"] == params.steps)
    model.system.state["centres"] = state["centres"]
    return model.with_(notes={"megabytes": int(hoard.sum()) >> 20})
