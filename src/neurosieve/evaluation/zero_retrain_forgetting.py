"""Zero-retrain forgetting: how like a network that learned nothing the model behaves on test rows to be forgotten.

Chundawat et al. 2023, as Foster et al. 2024 use it: ZRF = 1 - mean over rows of JS(model || random teacher), the
teacher being the same network with fresh weights. JS is the Jensen-Shannon divergence in nats of the softmaxes (0 to
ln 2), so ZRF lies between 0.307 and 1. Higher is not better: the reference is a model retrained without the rows. The
authors' code reverses both divergences and averages over classes too: no Jensen-Shannon divergence, not done here.

Undefined where no test row belongs to what is forgotten (drawn or listed rows): then there are no rows.
"""

from __future__ import annotations

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View, module_runtime
from neurosieve.errors import UserError

VIEWS = ("forget",)


class Params(BaseModel):
    """The comparison with the teacher."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    temperature: float = Field(1.0, gt=0)
    """T of both softmaxes."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """`zrf` on split forget, from test rows; no rows where none is selected."""
    import torch

    from neurosieve.optim.losses import jensen_shannon
    from neurosieve.optim.teachers import random_teacher

    if view.model is None or not isinstance(view.model.system, torch.nn.Module):
        raise UserError("zero-retrain forgetting needs a torch module that maps a batch to logits")
    rows = view.data.part("forget", "test")
    if len(rows) == 0:
        return frame([])
    teacher = module_runtime(random_teacher(view.model, seed, "zero-retrain forgetting"), view.model.device)
    said, random = (torch.from_numpy(logits).double() for logits in (view.logits(rows.x), teacher(rows.x)))
    divergence = jensen_shannon(said, random, params.temperature)
    return frame([Measure("zrf", 1 - float(divergence.mean()), split="forget", n=len(rows))])
