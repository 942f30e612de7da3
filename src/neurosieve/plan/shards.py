"""Trainings in shards (SISA): a node per shard and slice, and one that puts them together as an ordinary model.

A shard's recipe holds the dataset, its place and the tags of the requested rows that fall into it, nothing else of a
request: a request changes the keys of just the shards that held its rows, from the first slice that did, and the
pipeline reruns those. Which shard an id falls into depends on the id and the seed, so the plan knows it before it
reads a row. Where it cannot know (a request by person while shards are cut by row, a dataset made of another one),
every shard is told all tags: exact too, and dearer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neurosieve.artifacts.shards import ROLE, place_of
from neurosieve.plan.nodes import Node
from neurosieve.plan.recipes import Recipes, Request
from neurosieve.plan.study import Shards

ENSEMBLE = "sharded.ensemble"
Tags = Mapping[str, list[str]]
"""Column that a request names (`sample_id` or `subject`) -> sorted tags."""


def sharded(recipes: Recipes, request: Request, shards: Shards) -> Node:
    """The node of the ensemble; `request` is the same training in one piece.

    Rows that a selection without tags retains (drawn, or chosen by a condition) are not known to the plan: such a
    selection is an input of every shard.
    """
    request, left_out = _tagged(recipes, request)
    members = {}
    for index in range(shards.count):
        before: dict[str, str] = {}
        for place in range(shards.slices):
            own = _falling(recipes, request, shards, left_out, index, place)
            spec = {"index": index, "count": shards.count, "slice": place, "slices": shards.slices, "by": shards.by}
            part = f"shard{index + 1}" + (f".{place + 1}" if shards.slices > 1 else "")
            one = replace(
                request, name=f"{request.name}-shard", inputs={**request.inputs, **before}, always_draws=True,
                extra={**request.extra, "shard": spec, **({"without": own} if own else {})},
                title=f"{request.title}/{part}",
            )  # fmt: skip
            before = {"model": recipes.node(one).key}
        members[f"{ROLE}{index}"] = before["model"]
    return _ensemble(recipes, request, shards, members)


def _ensemble(recipes: Recipes, request: Request, shards: Shards, members: Mapping[str, str]) -> Node:
    variant = request.place[:-1]
    component = recipes.component("training", ENSEMBLE, variant)
    model = recipes.component("models", ENSEMBLE, variant)
    member = request.extra["model"]
    params = {
        "member": member["use"].removeprefix("models."), "params": member["params"],
        "count": shards.count, "combine": shards.combine,
    }  # fmt: skip
    checked = recipes.check(model, params, (*variant, "shards"))
    return recipes.node(
        replace(
            request, name=f"{request.name.partition('-')[0]}-ensemble", component=component, params={},
            inputs={"data": request.inputs["data"], **members}, always_draws=False,
            extra={"model": {**model.recipe(), "params": checked.params}},
        )
    )  # fmt: skip


def _tagged(recipes: Recipes, request: Request) -> tuple[Request, Tags]:
    """The request without what it leaves out by tag, and those tags: `without`, and a selection made of a request."""
    extra, inputs = dict(request.extra), dict(request.inputs)
    tags = {match: set(found) for match, found in extra.pop("without", {}).items()}
    selection = recipes.plan.nodes.get(inputs.get("selection", ""))
    chosen: Mapping[str, Any] = selection.recipe["params"] if selection else {}
    if "tags" in chosen and extra.get("rows") == "retain":
        tags.setdefault(chosen["match"], set()).update(chosen["tags"])
        del inputs["selection"], extra["rows"]
    return replace(request, extra=extra, inputs=inputs), {match: sorted(found) for match, found in sorted(tags.items())}


def _falling(recipes: Recipes, request: Request, shards: Shards, tags: Tags, index: int, place: int) -> Tags:
    """Tags that fall into a shard's slices up to this one; all of them where the plan cannot know."""
    derived = bool(recipes.plan.nodes[request.inputs["data"]].recipe.get("inputs"))
    found = {}
    for match, wanted in tags.items():
        if match == shards.by and not derived:
            at = {tag: place_of(request.seed, recipes.texts[tag], shards.count, shards.slices) for tag in wanted}
            wanted = [tag for tag in wanted if at[tag][0] == index and at[tag][1] <= place]
        if wanted:
            found[match] = wanted
    return found
