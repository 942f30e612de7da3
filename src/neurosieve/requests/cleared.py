"""After a repair: what still holds a request's rows or learned from them is erased, and the certificates say so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from neurosieve.artifacts.requested import read_asked
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.requests.certificate import certify
from neurosieve.requests.forget import Written, requested
from neurosieve.requests.purge import erase, listed


def cleared(
    project: Project, written: Sequence[Written], told: bool, only: Collection[str] = (), datasets: bool = True
) -> Iterator[str]:
    """Lines of what is to be erased; with `told` it is, and each repaired study gets a certificate that says so.

    What a repair made stays; without `datasets`, those do too. Raises UserError while a repair has jobs to do: the
    models before are its beginning.
    """
    stays: set[str] = set()
    for one in written:
        plan = project.plan(one.slug)
        missing = [node for node in plan.nodes.values() if not project.store.exists(node.folder)]
        if missing:
            raise UserError(f"{one.slug}: {len(missing)} jobs are to do; run it before its models are erased (--run)")
        repaired = {made.name for made in one.said}
        for cell in plan.cells:
            if cell.variant.split("@")[0] in repaired:
                stays |= {key for key in (cell.model, cell.export, *cell.metrics) if key}
    file = requested(written[0])
    purge = listed(project, read_asked(project.root / file, file), datasets=datasets, stays=stays, only=only)
    yield from purge.lines()
    if told:
        words = erase(project, purge, told=True)
        yield from (f"{what}: {done}" for what, done in words.items())
        yield from (certify(project, one.slug, purge=words).line(project.store.results) for one in written)
    elif not purge.nothing:
        yield "nothing was deleted: `--purge --yes` deletes what is listed"
