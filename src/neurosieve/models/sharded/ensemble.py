"""An ensemble of networks of one architecture: `count` members, combined into one network that answers like a member.

Bourtoule et al., "Machine Unlearning" (IEEE S&P 2021, arXiv 1912.03817), section IV: the aggregation of SISA. With
outputs z_s [rows, classes] of member s, and S members:
  mean  log((1/S) sum_s softmax(z_s)), so that a softmax of it gives the mean of the members' probabilities;
  vote  log of the share of members whose largest output is the class, at least 1e-6 (equal outputs share no vote: each
        gets one).
Where the schema names no classes (regression) the mean is that of the outputs themselves.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.errors import UserError

FLOOR = 1e-6
"""Share of votes of a class that nobody votes for: its logarithm stays finite."""


class Params(BaseModel):
    """The members' architecture, how many there are, and how they answer together."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    member: str
    """Component below `models` that builds one member."""
    params: dict[str, Any] = {}
    """The members' parameters."""
    count: int = Field(ge=2)
    """Members."""
    combine: Literal["mean", "vote"] = "mean"
    """mean: of the members' probabilities; vote: the share of members for each class."""


class Ensemble(nn.Module):
    """Members [S], each from inputs to outputs [rows, classes], answering together."""

    def __init__(self, members: Iterable[nn.Module], combine: str, classes: int | None) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.combine, self.classes = combine, classes

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the ensemble [rows, classes]."""
        outputs = torch.stack([member(x) for member in self.members])
        if self.classes is None:
            return outputs.mean(0)
        if self.combine == "vote":
            votes = (outputs == outputs.amax(-1, keepdim=True)).to(outputs.dtype)
            return votes.mean(0).clamp_min(FLOOR).log()
        return outputs.log_softmax(-1).logsumexp(0) - math.log(len(self.members))


def build(params: Params, schema: Mapping[str, Any]) -> Ensemble:
    """The ensemble with freshly drawn members. Raises UserError where one is no torch module, or cannot vote."""
    if params.combine == "vote" and not schema.get("classes"):
        raise UserError("shards: combine: vote needs classes to vote for; this dataset has none, use mean")
    module = importlib.import_module(f"neurosieve.models.{params.member.replace('-', '_')}")
    wanted = module.Params.model_validate(params.params)
    members = [module.build(wanted, schema) for _ in range(params.count)]
    if not isinstance(members[0], nn.Module):
        raise UserError(f"shards: {params.member} is no torch module; an ensemble is made of networks")
    return Ensemble(members, params.combine, schema.get("classes"))
