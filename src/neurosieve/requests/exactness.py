"""Whether a delivered model is exact: nothing behind it read the rows, as the store records; else why it is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosieve.artifacts.data import read_selection
from neurosieve.artifacts.dataset import read_dataset
from neurosieve.artifacts.requested import Asked, read_asked
from neurosieve.artifacts.tags import controller_key, tags_of
from neurosieve.errors import UserError
from neurosieve.plan.nodes import Node
from neurosieve.requests.descent import descent
from neurosieve.requests.found import Found

MADE_OF = "made of "
"""How a reason begins that only names an input."""


def asked_of(reading: Any, node: Node) -> Asked:
    """The request behind a selection: the file whose ids have its tags; of a rule, the ids of the rows it chose.

    Raises UserError where no file of the study has these tags any more.
    """
    reading.record(node.key)
    params, root = node.recipe["params"], reading.project.root
    if "tags" not in params:
        of = node.recipe["inputs"]["of"]
        reading.record(of)
        dataset, chosen = read_dataset(reading.directory(of)), read_selection(reading.directory(node.key))
        ids = [str(one) for name, rows in chosen.rows.items() for one in dataset.split(name).ids[rows]]
        return Asked("rows chosen by a rule", "sample_id", tuple(ids), tuple(range(1, len(ids) + 1)))
    key = controller_key(root)
    for name in reading.plan.requests:
        asked = read_asked(root / name, name)
        if asked.match == params["match"] and tags_of(key, asked.ids) == sorted(params["tags"]):
            return asked
    raise UserError(
        f"{reading.plan.slug}: no request file of the study lists the rows that were measured; run it again"
    )


def exactness(reading: Any, asked: Asked, models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By model: whether it is exact, and the reasons why not, the gravest first."""
    nodes = descent(reading.project, asked).nodes
    return {key: _said(nodes[key]) for key in models}


def _said(node: Found) -> dict[str, Any]:
    """Reasons of its own, the gravest first; where it has none, what it was made of was affected."""
    grave = [reason for reason in node.reasons if reason.how != "measured"]
    own = [reason.what for reason in grave if not reason.what.startswith(MADE_OF)] or [reason.what for reason in grave]
    return {"exact": not node.affected, "not_exact": list(dict.fromkeys(own)) if node.affected else []}
