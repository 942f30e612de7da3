"""Descent: which nodes of the store learned from the rows of a request, through what, and which did not.

Every node in the store counts, whether a configured study knows it or not: its provenance has the whole recipe and the
keys of its inputs. Datasets are asked which rows the request names; the rule of `reads` says which of those each node
read; and what was made of an affected node is affected. What cannot be known (an input that is not here, a file that
cannot be read) counts as affected.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from neurosieve.artifacts.requested import Asked
from neurosieve.errors import UserError, near
from neurosieve.plan.project import Project
from neurosieve.requests.found import Found, Named, in_order, read_store
from neurosieve.requests.judge import Judge
from neurosieve.requests.reads import Code


@dataclass
class Descent:
    """The store under one request; `nodes` are in an order in which inputs come first."""

    project: Project
    asked: Asked
    nodes: dict[str, Found]
    lost: list[str] = field(default_factory=list)
    """Folders whose provenance cannot be read: nothing is known of them."""
    named: dict[str, Named] = field(default_factory=dict)
    """Key of a dataset -> what the request names in it."""

    def of(self, *kinds: str, affected: bool | None = True) -> list[Found]:
        """Nodes of these kinds that are not erased, inputs first; with `affected` None those only measured."""
        wanted = [node for node in self.nodes.values() if node.kind in kinds and not node.gone]
        if affected is None:
            return [node for node in wanted if node.how == "measured"]
        return [node for node in wanted if (node.affected if affected else node.how is None)]

    def chain(self, key: str) -> list[str]:
        """Keys from where it began to this node, along the gravest descent."""
        keys = [key]
        while (node := self.nodes.get(keys[-1])) and node.reasons and (via := node.reasons[0].via) is not None:
            keys.append(via)
        return keys[::-1]

    @cached_property
    def missing(self) -> set[str]:
        """Ids of the request that no dataset in this store has."""
        return set(self.asked.ids).difference(*(named.ids for named in self.named.values()))


def descent(project: Project, asked: Asked, only: Collection[str] = ()) -> Descent:
    """Who learned from the request's rows. `only` names the datasets that its ids belong to; all if it is empty."""
    nodes, lost = read_store(project.store)
    ordered = {key: nodes[key] for key in in_order(nodes)}
    judge = Judge(project, asked, frozenset(only), ordered, Code(project.source))
    for node in ordered.values():
        judge.decide(node)
    return Descent(project, asked, ordered, lost, judge.named)


def refuse_unknown(found: Descent, only: Collection[str]) -> None:
    """Raises UserError where `only` names a dataset that this store does not have."""
    known = sorted({named.name for named in found.named.values()})
    for name in sorted(set(only).difference(known)):
        raise UserError(f"--data: no dataset '{name}' in this store{near(name, known)}; there are {_some(known)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + ", …" * (len(names) > 8) if names else "none"
