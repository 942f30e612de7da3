"""Restore: add the nodes that are absent here from every listing that is known, each checked, none trusted.

DVC's own `checkout` and `pull` make a directory equal to a listing: they delete, or refuse over, nodes that nobody
saved. Nodes are immutable and named by what made them, so adding those that are absent is always right.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from neurosieve.artifacts.store import PROVENANCE, Store, read_provenance, write_error
from neurosieve.errors import UserError
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project
from neurosieve.versioning.listings import LOCK, Files, Listing, current, earlier
from neurosieve.versioning.objects import DAMAGED, Objects


def restore_store(project: Project, studies: Sequence[str] = ()) -> Iterator[str]:
    """Add absent nodes (those of some studies, or all that `dvc.lock` names), draw the page; what to print.

    Earlier versions of `dvc.lock` are asked only for nodes that the studies need now. A node of which an object is
    missing or damaged stays absent and is reported. Raises UserError without git or DVC, or when the remote cannot
    be reached.
    """
    with Objects(project.root) as objects:
        plans = project.plans(studies) if studies else {}
        restoring = _Restoring(project.store, objects)
        yield from restoring.add(current(project.root), _folders(plans) if studies else None)
        plans = plans or project.plans()
        yield from restoring.search(earlier(project.root), _folders(plans))
        yield from restoring.complaints()
    yield f"{len(restoring.added)} nodes restored, {restoring.before} were here"
    yield from _state(plans, project.store.present())

    from neurosieve.views.written import write_views

    page = write_views(project)
    yield f"page: {page.relative_to(project.root)}"


@dataclass
class _Restoring:
    """One restore; remembers which listings it has read, what it added and why it could not."""

    store: Store
    objects: Objects
    added: set[str] = field(default_factory=set)
    troubles: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    _seen: set[Listing] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.present = self.store.present()
        self.before = len(self.present)

    def add(self, listings: Iterable[Listing], wanted: Set[str] | None) -> Iterator[str]:
        """Add absent nodes (of those wanted, or all) that the listings name; what to print of listings not at hand."""
        stages = None if wanted is None else {folder.partition("/")[0] for folder in wanted - self.present}
        fresh = [x for x in listings if x not in self._seen and (stages is None or x.stage in stages)]
        self._seen.update(fresh)
        lost = self._secure(listing.name for listing in fresh)
        for listing in fresh:
            if listing.name not in lost:
                nodes = listing.nodes(self.objects)
                self._add_nodes({f: nodes[f] for f in nodes.keys() - self.present if wanted is None or f in wanted})
            else:
                yield (
                    f"the listing {listing.name} of results/store/{listing.stage} is damaged or missing in cache and "
                    f"{self.objects.remote}: whoever committed {LOCK} has to `make save` again"
                )

    def search(self, versions: Iterable[list[Listing]], needed: Set[str]) -> Iterator[str]:
        """Look for needed nodes that are still absent in earlier versions of `dvc.lock`, newest first."""
        for listings in versions:
            if needed <= self.present:
                return
            try:
                for _ in self.add(listings, needed):  # an old listing that was never pushed is nobody's concern now
                    pass
            except UserError as error:
                yield f"earlier versions of {LOCK} could not be looked through: {error}"
                return

    def _secure(self, names: Iterable[str]) -> set[str]:
        lost = self.objects.secure(names)
        self.lost |= lost
        return lost

    def _add_nodes(self, nodes: dict[str, Files]) -> None:
        lost = self._secure({name for files in nodes.values() for name in files.values()})
        for folder, files in sorted(nodes.items()):
            missing = [f"{path} (object {name})" for path, name in files.items() if name in lost]
            if missing:
                self.troubles[folder] = f"damaged or missing in cache and {self.objects.remote}: {', '.join(missing)}"
            elif trouble := self._add_node(folder, files):
                self.troubles[folder] = trouble
            else:
                self.added.add(folder)
                self.present.add(folder)
                self.troubles.pop(folder, None)

    def _add_node(self, folder: str, files: Files) -> str | None:
        """Build a node aside, check it, rename it into place; what is wrong with it instead, if something is."""
        scratch = self.store.scratch(f"restore-{folder.replace('/', '-')}")
        try:
            for path in sorted(files, key=lambda path: path == PROVENANCE):  # provenance.json last, as ever
                self.objects.place(files[path], scratch / path)
            trouble = self._unsound(scratch, folder, files)
            if trouble is None:
                self.store.publish(scratch, folder)
            return trouble
        except OSError as error:
            raise write_error(error, Path(error.filename or scratch)) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _unsound(self, scratch: Path, folder: str, files: Files) -> str | None:
        try:
            record = read_provenance(scratch)
            named = {PROVENANCE, *record["files"], *record["run"].get("files", {})}
            if folder != f"{record['stage']}/{record['name']}-{record['key']}":
                return "its provenance.json is that of another node"
            if extra := sorted(files.keys() - named):
                return f"{extra[0]} is not in its provenance.json"
            trouble = self.store.check(scratch, record)
        except (UserError, KeyError, TypeError) as error:
            trouble = f"its provenance.json cannot be read: {error}"
        return trouble and trouble.replace(f"{scratch}/", "")

    def complaints(self) -> Iterator[str]:
        """What to print of nodes that were left out; their objects are noted for `save` to mend."""
        if self.lost:
            self.store.work.mkdir(parents=True, exist_ok=True)
            with (self.store.work / DAMAGED).open("a") as note:
                note.writelines(f"{name}\n" for name in sorted(self.lost))
        for folder, trouble in sorted(self.troubles.items()):
            yield f"{folder} is left out, the next run computes it: {trouble}"


def _folders(plans: dict[str, StudyPlan]) -> set[str]:
    return {node.folder for plan in plans.values() for node in plan.nodes.values()}


def _state(plans: dict[str, StudyPlan], present: Set[str]) -> Iterator[str]:
    for slug, plan in plans.items():
        there = sum(node.folder in present for node in plan.nodes.values())
        todo = f"; `snakemake {slug}` computes the rest" if there < len(plan.nodes) else ""
        yield f"{slug} ({plan.scale}): {there} of {len(plan.nodes)} nodes are here{todo}"
