"""After a repair: what still holds a request's rows or learned from them is erased, and the certificates say so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from neurosieve.artifacts.requested import read_asked
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.requests.certificate import certify
from neurosieve.requests.purge import erase, listed
from neurosieve.requests.repair import reference_of


def answering(project: Project, file: str, study: str | None = None) -> list[str]:
    """Configured studies whose certificates answer the request of this file (or the one `study`, if it does)."""
    found = []
    for slug, plan in project.plans().items():
        asked = plan.settings.get("certify")
        named = asked and asked["reference"] in (Path(file).stem, reference_of(file))
        if named and file in plan.requests and study in (None, slug):
            found.append(slug)
    return found


def cleared(
    project: Project, file: str, slugs: Sequence[str], told: bool, only: Collection[str] = (), datasets: bool = True
) -> Iterator[str]:
    """Lines of what is to be erased; with `told` it is, and each study that answers gets a certificate that says so.

    What those studies deliver stays; without `datasets`, those do too. Raises UserError while one has jobs to do (the
    models before are its beginning), and, before anything is erased, where no certificate can be written.
    """
    stays: set[str] = set()
    for slug in slugs:
        plan = project.plan(slug)
        missing = [node for node in plan.nodes.values() if not project.store.exists(node.folder)]
        if missing:
            raise UserError(f"{slug}: {len(missing)} jobs are to do; run it before its models are erased (--run)")
        delivered = plan.settings["certify"]["variants"]
        for cell in plan.cells:
            if cell.variant.split("@")[0] in delivered:
                stays |= {key for key in (cell.model, cell.export, *cell.metrics) if key}
    purge = listed(project, read_asked(project.root / file, file), datasets=datasets, stays=stays, only=only)
    yield from purge.lines()
    if told:
        for slug in slugs:
            certify(project, slug)  # what cannot be certified now could not be after
        words = erase(project, purge, told=True)
        yield from (f"{what}: {done}" for what, done in words.items())
        yield from (certify(project, slug, purge=words).line(project.store.results) for slug in slugs)
    elif not purge.nothing:
        yield "nothing was deleted: `--purge --yes` deletes what is listed"
