"""Exactness: read off the descent of a model; the request is found again by its tags."""

from __future__ import annotations

import pytest
from tests import toys
from tests.requests.conftest import People

from neurosieve.errors import UserError
from neurosieve.plan.certifying import selection_of
from neurosieve.requests.exactness import asked_of, exactness
from neurosieve.requests.statement import Reading


def reading(people: People) -> Reading:
    return Reading(toys.again(people.project.root), people.plan)


def test_retrained_models_are_exact_and_what_was_made_of_the_others_is_not(people: People) -> None:
    read = reading(people)
    cell = next(cell for cell in people.plan.cells if cell.variant == "drop")
    asked = asked_of(read, people.plan.nodes[selection_of(people.plan, cell)])
    assert (asked.match, asked.ids) == ("subject", ("Person 001",))
    keys = {name: people.node(name).key for name in ("original", "retrained", "drop", "shifted")}
    found = exactness(read, asked, keys.values())
    assert {name: found[key]["exact"] for name, key in keys.items()} == {
        "original": False, "retrained": True, "drop": False, "shifted": True,
    }  # fmt: skip
    assert found[keys["retrained"]]["not_exact"] == []
    assert found[keys["original"]]["not_exact"][0].startswith("learned from 3 rows")
    assert not any("Person" in why or "p001" in why for one in found.values() for why in one["not_exact"])


def test_a_request_whose_file_is_gone(people: People) -> None:
    read = reading(people)
    node = next(node for node in people.plan.nodes.values() if node.name == "forget-ids")
    read.plan.requests, kept = {}, read.plan.requests
    try:
        with pytest.raises(UserError, match="no request file of the study lists the rows that were measured"):
            asked_of(read, node)
    finally:
        read.plan.requests = kept
