"""Purging: what still holds the rows of a request, or learned from them, listed; and deleted only when told.

Nodes are erased, not removed (`artifacts.erased`): their files go, their record stays. What was made to forget all the
rows, and what was made of that and read none of them since, is the answer to the request and stays; it is named. Copies
beyond this folder and its DVC remotes are never reached.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from neurosieve.artifacts.dataset import read_dataset
from neurosieve.artifacts.erased import MEASURED, RECORDS, erase_files, holds_ids, keep_tags, to_erase, without_ids
from neurosieve.artifacts.requested import Asked
from neurosieve.artifacts.tags import controller_key
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.requests.descent import Descent, descent
from neurosieve.requests.found import Found
from neurosieve.requests.judge import ITEMS
from neurosieve.versioning.erase import Stored, erase_stored, is_versioned, stored, tracked

LOOKED_FOR = 5
"""Shortest id that is searched for in logs and pages: shorter ones are found in every number."""
REDRAWN = ("report", "metadata", "logs", ".work/failed")
"""Folders below results/ whose files are written anew by the next run, or are about it."""
WORDS = {"dataset": "datasets", "model": "models", "export": "exports", "metrics": "tables of items"}


@dataclass
class Purge:
    """What holds the rows, and what is to be erased of it: `nodes`, ids in `selections`, `files` beside the store.

    `kept` are the answer to the request, `scaled` are affected through constants alone, `bases` are what models that
    stay are stored as differences from.
    """

    found: Descent
    nodes: list[Found] = field(default_factory=list)
    kept: list[Found] = field(default_factory=list)
    scaled: list[Found] = field(default_factory=list)
    bases: list[Found] = field(default_factory=list)
    selections: list[Found] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    dvc: Stored = field(default_factory=Stored)

    @property
    def project(self) -> Project:
        return self.found.project

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to erase."""
        objects = self.dvc.cached or any(self.dvc.remote.values())
        return not (self.nodes or self.selections or self.files or objects)

    def gone(self, node: Found) -> set[str]:
        """Files of a node that are erased, or were."""
        if node.kind == "metrics":
            return {ITEMS}
        inside = to_erase(self.project.store.path(node.folder))
        return {*inside, *(name for name in node.files if Path(name).name not in RECORDS | MEASURED)}

    def lines(self) -> Iterator[str]:
        """The list for the terminal."""
        store = self.project.store
        if not self.kept and any(node.kind == "model" for node in self.nodes):
            yield "no model here was made to forget these rows yet: what is erased is not replaced"
        for node in self.nodes:
            size = sum((store.path(node.folder) / name).stat().st_size for name in to_erase(store.path(node.folder)))
            yield f"{node.folder}: {node.reasons[0].what} ({size / 1e6:.1f} MB)"
        yield from (f"{node.folder}: has ids beside its row numbers" for node in self.selections)
        yield from (self._here(path) for path in self.files)
        if self.dvc.cached:
            yield f"DVC's cache: {len(self.dvc.cached)} objects"
        yield from (f"DVC remote '{name}': {len(there)} objects" for name, there in self.dvc.remote.items() if there)
        if self.nothing:
            yield "nothing in this store holds the rows, but for what is named next"
        yield from (f"stays: {line}" for line in self.remains)

    @property
    def remains(self) -> list[str]:
        """What is not erased here, in a line each."""
        return [*self._kept(), *self._sources(), *self._beyond()]

    def _kept(self) -> Iterator[str]:
        for node in self.kept:
            roles = self._roles(node)
            carries = f"; it carries {', '.join(roles)} tensors" if roles else ""
            made = "told to forget them" if node.forgotten else "made of what forgot them, or kept as it is"
            yield f"{node.folder}: {made}{carries}"
        yield from (
            f"{node.folder}: whole, though it {node.reasons[0].what}: a model that stays is stored as the difference"
            " from it"
            for node in self.bases
        )
        if self.scaled:
            which = ", ".join(node.folder for node in self.scaled[:3]) + (", …" if len(self.scaled) > 3 else "")
            yield f"{len(self.scaled)} nodes that read no such row, but {self.scaled[0].reasons[0].what}: {which}"
        if selections := self.found.of("selection"):
            yield f"{len(selections)} selections: row numbers and keyed tags, no id"
        measured = self.found.of("metrics", affected=None)
        if measured:
            yield f"{len(measured)} nodes of metrics: numbers about whole models, no row of their own"

    def _roles(self, node: Found) -> list[str]:
        """Roles of the extra tensors that a model carries: importances were computed from the rows too."""
        try:
            record = json.loads((self.project.store.path(node.folder) / "model.json").read_text())
            return sorted({name.partition(".")[0] for name in record["tensors"]})
        except (OSError, ValueError, KeyError):
            return []

    def _sources(self) -> Iterator[str]:
        """Where the rows came from: nobody but the user can take them out there."""
        raw = raw_files(self.project)
        for node in self.found.of("dataset") + [one for one in self.found.nodes.values() if one.gone]:
            if node.kind != "dataset" or node.inputs or not (self.found.named.get(node.key) or node.reasons):
                continue
            named = raw.get(node.key, [])
            for path in named:
                also = "; git or DVC has earlier versions of it" if tracked(self.project.root, path) else ""
                yield f"the raw file {path}: take the rows out of it{also}; then every study that reads it runs anew"
            if not named:
                yield f"the source of {node.folder} ({node.use}): no configured study names a raw file of it"

    def _beyond(self) -> Iterator[str]:
        root, asked = self.project.root, self.found.asked
        yield f"the request itself, {asked.name}, and the key: data/requests/ is yours to keep or to delete"
        pattern = _pattern(asked.ids)
        for path in sorted((root / "config" / "studies").glob("*.yaml")):
            if pattern is not None and pattern.search(path.read_bytes()):
                yield f"config/studies/{path.name} names an id (and so may its history in git): use `ids_file`"
        if pattern is None or any(len(text) < LOOKED_FOR for text in asked.ids):
            yield f"ids of fewer than {LOOKED_FOR} characters were not looked for in logs and pages"
        if self.dvc.shared:
            yield f"{len(self.dvc.shared)} objects of DVC that other nodes share"
        if self.dvc.elsewhere:
            yield f"{len(self.dvc.elsewhere)} nodes of DVC's history are not in this store: nothing is known of them"
        yield from self.dvc.troubles
        if is_versioned(root):
            yield "versions that a remote keeps of what is deleted there, if it keeps any"
        yield "copies elsewhere: other clones, devices, backups"

    def _here(self, path: Path) -> str:
        return str(path.relative_to(self.project.root))


def listed(
    project: Project, asked: Asked, *, datasets: bool = True, stays: Iterable[str] = (), only: Collection[str] = ()
) -> Purge:
    """What holds the rows of a request or learned from them, and what of it would be erased; nothing is touched.

    Without `datasets` those are left as they are; `stays` are keys of nodes to leave in any case; `only` names the
    datasets that the ids belong to, where others happen to use the same ones.
    """
    found = descent(project, asked, only)
    purge, leave = Purge(found), set(stays)
    for node in found.nodes.values():
        if not node.affected or node.kind == "selection" or (node.kind == "dataset" and not datasets):
            continue
        if node.answered or node.key in leave:
            purge.kept.append(node)
        elif all(reason.constants for reason in node.reasons):
            purge.scaled.append(node)
        elif ITEMS in node.erased if node.kind == "metrics" else not to_erase(project.store.path(node.folder)):
            continue
        else:
            purge.nodes.append(node)
    purge.bases = _bases(project, purge)
    purge.nodes = [node for node in purge.nodes if node not in purge.bases]
    purge.selections = [one for one in found.of("selection") if holds_ids(project.store.path(one.folder))]
    purge.files = sorted(_beside(project, purge))
    gone = {node.folder: purge.gone(node) for node in [*purge.nodes, *_erased_before(purge)]}
    gone |= {node.folder: {"selection.arrow"} for node in purge.selections}
    purge.dvc = stored(project.store, gone)
    return purge


def erase(project: Project, purge: Purge, *, told: bool) -> dict[str, str]:
    """Erase what was listed; what was done and what stays, in words, for the certificate.

    Raises UserError unless `told` to, while another run works here, and where the key that tags need is lost.
    """
    if not told:
        raise UserError("nothing was deleted: `--purge` lists, and `--purge --yes` deletes what it lists")
    lock, store = project.store.lock(), project.store
    try:
        when, asked = datetime.now(UTC).date().isoformat(), purge.found.asked
        key = controller_key(project.root)
        size = 0
        for node in reversed(purge.nodes):  # what was made of others first: a crash leaves no gap in a descent
            folder = store.path(node.folder)
            if node.kind == "dataset":
                keep_tags(folder, read_dataset(folder, hidden=True), key)
            names = [ITEMS] if node.kind == "metrics" else to_erase(folder)
            size += erase_files(folder, names, asked.reference, when)
        stripped = sum(without_ids(store.path(node.folder)) for node in purge.selections)
        for path in purge.files:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        cached, far = erase_stored(project.root, purge.dvc)
    finally:
        os.close(lock)
    kinds = Counter(WORDS[node.kind] for node in purge.nodes)
    words = {
        "request": asked.reference,
        "when": when,
        "erased here": ", ".join(f"{count} {word}" for word, count in kinds.items()) or "nothing",
        "bytes": str(size),
        "selections": f"ids taken out of {stripped}" if stripped else "hold row numbers and tags alone",
        "logs, states and caches": f"{len(purge.files)} deleted",
        "stays": "; ".join(purge.remains),
    }
    if is_versioned(project.root):
        words["DVC"] = f"{cached} objects erased from the cache, {far} from remotes; now `make save`, commit dvc.lock"
    return words


def raw_files(project: Project) -> dict[str, list[str]]:
    """Key of a dataset -> raw files that configured studies made it from."""
    found: dict[str, list[str]] = {}
    for slug in project.studies:
        try:
            nodes = project.plan(slug).nodes.values()
        except UserError:  # what cannot be planned names nothing
            continue
        found |= {node.key: sorted(node.paths.values()) for node in nodes if node.stage == "prepare" and node.paths}
    return found


def _erased_before(purge: Purge) -> list[Found]:
    """Nodes whose files went earlier: their objects may still lie in a remote that could not be reached then."""
    return [node for node in purge.found.nodes.values() if node.erased]


def _bases(project: Project, purge: Purge) -> list[Found]:
    """Nodes to erase that a model which stays is stored as a difference from."""
    wanted: set[str] = set()
    for node in [*purge.kept, *purge.found.of("model", affected=False)]:
        key: str | None = node.key
        while key and key in purge.found.nodes:
            try:
                path = project.store.path(purge.found.nodes[key].folder) / "model.json"
                key = json.loads(path.read_text()).get("base")
            except (OSError, ValueError):
                break
            wanted |= {key} if key else set()
    return [node for node in purge.nodes if node.key in wanted]


def _beside(project: Project, purge: Purge) -> Iterator[Path]:
    """Logs, kept states, leftovers and caches of what is erased, and files that name an id."""
    store, keys = project.store, {node.key for node in purge.nodes}
    yield from (log for node in purge.nodes if (log := store.log(node.folder)).is_file())
    yield from (state for key in sorted(keys) if (state := store.resume(key)).is_dir())
    for path in store.work.glob("*-*"):
        if path.name.startswith(("job-", "dead-")) and any(key in path.name for key in keys):
            yield path
    own = {store.log(node.folder) for node in purge.nodes}
    yield from (path for path in _naming(project, purge.found.asked.ids) if path not in own)
    hashes = store.work / "hashes.json"  # once it held the plain hash of a list of ids
    if hashes.is_file() and f"{project.root / purge.found.asked.name}" in hashes.read_text():
        yield hashes


def _naming(project: Project, ids: Iterable[str]) -> Iterator[Path]:
    """Files beside the store that name an id; of a page its stamps too, so that it is drawn anew."""
    results, pattern = project.store.results, _pattern(ids)
    if pattern is None:
        return
    folders = [*(results / name for name in REDRAWN), project.store.work / "plans", project.root / ".snakemake" / "log"]
    found = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and pattern.search(path.read_bytes())
    ]
    yield from found
    if any(path.is_relative_to(results / "report") for path in found):
        yield from (results / "report").glob("shown-*")


def _pattern(ids: Iterable[str]) -> re.Pattern[bytes] | None:
    """Any of the ids as a whole word; None where all are too short to look for."""
    long = [re.escape(text.encode()) for text in ids if len(text) >= LOOKED_FOR]
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + b"|".join(long) + rb")(?![0-9A-Za-z])") if long else None
