"""Restore: add the nodes that are absent here from every listing that is known, each checked, none trusted.

DVC's own `checkout` and `pull` make a directory equal to a listing: they delete, or refuse over, nodes that nobody
saved. Nodes are immutable and named by what made them, so adding those that are absent is always right.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from neurosieve.artifacts.store import PROVENANCE, Store, read_provenance, write_error
from neurosieve.errors import UserError
from neurosieve.plan.nodes import STAGES, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.versioning.listings import LOCK, Files, Listing, current, earlier
from neurosieve.versioning.objects import DAMAGED, Objects

BATCH = 500
"""How many nodes are built before they are flushed to disk and renamed into place together."""


def restore_store(project: Project, studies: Sequence[str] = (), stages: Collection[str] = STAGES) -> Iterator[str]:
    """Add absent nodes of some stages (of some studies, or all that `dvc.lock` names), draw the page; what to print.

    Earlier versions of `dvc.lock` are asked only for nodes that the studies need now. A node of which an object is
    missing or damaged stays absent and is reported. Raises UserError without git or DVC, or when the remote cannot
    be reached.
    """
    with Objects(project.root) as objects:
        plans = project.plans(studies) if studies else {}
        restoring = _Restoring(project.store, objects, frozenset(stages))
        yield from restoring.add(current(project.root), _folders(plans, stages) if studies else None)
        plans = plans or project.plans()
        yield from restoring.search(earlier(project.root), _folders(plans, stages))
        yield from restoring.complaints()
    yield f"{len(restoring.added)} nodes restored, {restoring.before} were here"
    yield from _state(plans, stages, project.store.present())

    from neurosieve.views.written import write_views

    page = write_views(project)
    yield f"page: {page.relative_to(project.root)}"


@dataclass
class _Restoring:
    """One restore; remembers which listings it has read, what it added and why it could not."""

    store: Store
    objects: Objects
    stages: frozenset[str]
    added: set[str] = field(default_factory=set)
    troubles: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    _seen: set[Listing] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.present = self.store.present()
        self.before = len(self.present)

    def add(self, listings: Iterable[Listing], wanted: Set[str] | None) -> Iterator[str]:
        """Add absent nodes (of those wanted, or all) that the listings name; what to print of listings not at hand."""
        stages = self.stages if wanted is None else {folder.partition("/")[0] for folder in wanted - self.present}
        fresh = [x for x in listings if x not in self._seen and x.stage in stages]
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
        whole = []
        for folder, files in sorted(nodes.items()):
            missing = [f"{path} (object {name})" for path, name in files.items() if name in lost]
            if missing:
                self.troubles[folder] = f"damaged or missing in cache and {self.objects.remote}: {', '.join(missing)}"
            else:
                whole.append(folder)
        for start in range(0, len(whole), BATCH):
            self._add_batch({folder: nodes[folder] for folder in whole[start : start + BATCH]})

    def _add_batch(self, nodes: dict[str, Files]) -> None:
        """Build nodes aside and publish them together; when something stops that, those that are built."""
        built: dict[str, Path] = {}
        try:
            for folder, files in nodes.items():
                scratch, trouble = self._build(folder, files)
                if trouble is None:
                    built[folder] = scratch
                    self.troubles.pop(folder, None)
                else:
                    self.troubles[folder] = trouble
        finally:
            self.store.publish_all(built)
            self.added.update(built)
            self.present.update(built)

    def _build(self, folder: str, files: Files) -> tuple[Path, str | None]:
        """A node's files in a scratch directory, checked; what is wrong with it, and then the directory is gone."""
        scratch = self.store.scratch(f"restore-{folder.replace('/', '-')}")
        trouble: str | None = "interrupted"
        try:
            for path in sorted(files, key=lambda path: path == PROVENANCE):  # provenance.json last, as ever
                self.objects.place(files[path], scratch / path)
            trouble = self._unsound(scratch, folder, files)
        except OSError as error:
            raise write_error(error, Path(error.filename or scratch)) from error
        finally:
            if trouble is not None:
                shutil.rmtree(scratch, ignore_errors=True)
        return scratch, trouble

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


def _folders(plans: dict[str, StudyPlan], stages: Collection[str]) -> set[str]:
    return {node.folder for plan in plans.values() for node in plan.nodes.values() if node.stage in stages}


def _state(plans: dict[str, StudyPlan], stages: Collection[str], present: Set[str]) -> Iterator[str]:
    of = "" if set(stages) == set(STAGES) else f" of {', '.join(stages)}"
    for slug, plan in plans.items():
        needed = _folders({slug: plan}, stages)
        there = len(needed & present)
        todo = f"; `snakemake {slug}` computes the rest" if there < len(needed) else ""
        yield f"{slug} ({plan.scale}): {there} of {len(needed)} nodes{of} are here{todo}"
