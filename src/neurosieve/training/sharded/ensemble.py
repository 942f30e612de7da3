"""Puts networks that were trained on shards of the rows together as one ensemble (SISA: sharded, isolated, sliced).

Bourtoule et al., "Machine Unlearning" (IEEE S&P 2021, arXiv 1912.03817), section IV. A variant with `shards:` is
planned as one training per shard and slice, and this step. Nothing is fitted here: the members come as companions, in
the order of their shards. Their extra tensors (masks) come along under the members' names.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.sharded.ensemble import Ensemble


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def train(model: Model) -> Model:
    """The ensemble with its members' weights, in eval mode. Raises UserError where they are not its members."""
    system, members = model.system, model.companions
    if not isinstance(system, Ensemble) or len(members) != len(system.members):
        raise UserError("sharded.ensemble puts shards together: give a training `shards: {count: …}`")
    tensors, notes = {}, {}
    for index, (place, member) in enumerate(zip(system.members, members, strict=True)):
        place.load_state_dict(member.system.state_dict())
        for name, tensor in member.tensors.items():
            role, _, rest = name.partition(".")
            tensors[f"{role}.members.{index}.{rest}"] = tensor
        notes |= member.notes
    return model.with_(system=system.eval(), tensors=tensors, notes=notes, companions=())
