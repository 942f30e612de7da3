"""A store whose rows belong to people, computed once: what learned from Person 001, and what did not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import toys
from tests.owned import request as written
from tests.toys import ORIGINAL, bare

from neurosieve.artifacts.requested import read_asked
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.requests.descent import Descent, descent
from neurosieve.requests.found import Found

PEOPLE = {"use": "toy.people"}
SHIFT = {"use": "adaptation.toy_shift"}
CHOSEN = {"among": {"by": [0.0, 1.0]}, "by": {"metric": "accuracy", "use": "toy_accuracy"}}
WITHIN = {**CHOSEN, "by": {**CHOSEN["by"], "rule": "strongest-within", "margin": 0.9}}
VARIANTS: dict[str, Any] = {
    "original": ORIGINAL,
    "retrained": {**ORIGINAL, "rows": "retain"},
    "forgotten": {**ORIGINAL, "rows": "forget"},
    "counted": {"from": "original", "analysis": {"use": "analysis.toy_count"}},
    "drop": {"from": "original", "with": ["counted"], "unlearn": {"use": "unlearning.toy_drop"}},
    "shifted": {"from": "retrained", "adapt": SHIFT},
    "taught": {"from": "retrained", "with": ["original"], "adapt": {"use": "adaptation.toy_mix", "weights": [1.0]}},
    "chosen": {"from": "retrained", "adapt": {**SHIFT, "choose": CHOSEN}},
    "within": {"from": "retrained", "adapt": {**SHIFT, "choose": WITHIN}},
    "peeked": {"from": "retrained", "adapt": {"use": "adaptation.toy_peek", "column": "x"}},
    "recounted": {"from": "retrained", "analysis": {"use": "analysis.toy_count"}},
}
REQUEST = "data/requests/R-2026-01.csv"


def study(dataset: dict[str, Any] = PEOPLE, **changes: Any) -> dict[str, Any]:
    """A study of people that forgets what the request lists."""
    whole: dict[str, Any] = {
        "variants": VARIANTS,
        "targets": {"drop": ["toy"], "retrained": ["toy", "toy_seen"]},
        "evaluate": [{"use": "toy_accuracy"}],
        "forget": {"ids_file": REQUEST},
    }
    fields = {**whole, **changes}
    return bare(fields.pop("variants"), dataset=dataset, **fields)


@dataclass
class People:
    """The computed study, and the answer to a request about it."""

    project: Project
    plan: StudyPlan

    def asks(self, *ids: str, match: str = "subject", only: tuple[str, ...] = ()) -> Descent:
        file = written(self.project.root, *ids, match=match, name="asked")
        return descent(toys.again(self.project.root), read_asked(file), only)

    def node(self, variant: str, target: str = "native") -> Node:
        (cell,) = [c for c in self.plan.cells if (c.variant, c.target) == (variant, target)]
        return self.plan.nodes[cell.export or cell.model]

    def found(self, answer: Descent, variant: str, target: str = "native") -> Found:
        return answer.nodes[self.node(variant, target).key]

    def hows(self, answer: Descent) -> dict[str, str | None]:
        """What each variant did with the rows, by name."""
        return {name: self.found(answer, name).how for name in self.plan_variants}

    @property
    def plan_variants(self) -> list[str]:
        return list(dict.fromkeys(cell.variant for cell in self.plan.cells))


def computed(root: Path, content: dict[str, Any], *ids: str, match: str = "subject") -> People:
    """A project with one study of people, computed under a request of these ids."""
    written(root, *ids, match=match)
    return People(*toys.ran(root, content))


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    """The whole study under a request of Person 001; nobody may change its store."""
    return computed(tmp_path_factory.mktemp("people"), study(), "Person 001")
