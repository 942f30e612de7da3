"""Bits that flip in stored files, and results of an older version of the code: seen, named, never taken for good."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests import toys

from neurosieve.artifacts.store import PROVENANCE, read_provenance
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from neurosieve.plan import fingerprint
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.views import browse
from neurosieve.views.written import write_views

Ran = tuple[Project, StudyPlan]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The tiny study at two seeds, with checkpoints. Tests leave it as they found it."""
    content = toys.study(seeds=[11, 12])
    content["variants"]["original"]["train"]["checkpoints"] = [1]
    return toys.ran(tmp_path_factory.mktemp("damage"), content)


@pytest.fixture(autouse=True)
def tiny_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects that commands make for themselves have the tiny components too."""
    monkeypatch.setattr(Project, "source", toys.source())


def stored(made: Project) -> list[Path]:
    """Every file of every node but its record, whose hash nothing holds."""
    return [p for p in sorted(made.store.root.rglob("*")) if p.is_file() and p.name != PROVENANCE]


def test_a_flipped_bit_anywhere_is_found_and_named(ran: Ran) -> None:
    made, draw = ran[0], random.Random(7)
    kinds = {path.name for path in stored(made)}
    assert kinds >= {
        "train.arrow", "dataset.json", "selection.arrow", "selection.json", "model.safetensors", "model.json",
        "history.parquet", "timings.parquet", "centres.json", "export.json", "metrics.parquet", "verdicts.parquet",
    }  # fmt: skip
    assert "checkpoints" in {path.parents[1].name for path in stored(made)}
    for path in stored(made):
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        (problem,) = browse.check_store(made)[0]
        path.write_bytes(content)
        assert problem.startswith(f"results/store/{path.relative_to(made.store.root)} does not have the content")
    assert browse.check_store(made)[0] == []


def test_a_job_refuses_an_input_with_a_flipped_bit(ran: Ran) -> None:
    made, plan = ran
    readers = {key: node for node in plan.nodes.values() for key in node.inputs}
    for key, reader in readers.items():
        folder, target = made.store.path(plan.nodes[key].folder), made.store.path(reader.folder)
        files = [path for path in stored(made) if folder in path.parents]
        content = files[-1].read_bytes()
        files[-1].write_bytes(bytes([content[0] ^ 1]) + content[1:])
        aside = target.rename(made.store.work / "aside")
        with pytest.raises(UserError, match=r"delete \S+ and run the same command again"), toys.numba_undisturbed():
            run_node(made, plan, reader)
        files[-1].write_bytes(content)
        assert not target.exists()
        aside.rename(target)
    assert list(made.store.work.glob("job-*")) == []


def everything(made: Project) -> None:
    """Each command about plan, store and page."""
    *_, last = browse.tree(made, None)
    assert last.startswith("  verdict")
    list(browse.collect_garbage(made, False))
    browse.check_store(made)
    write_views(made)


OLDER: dict[str, Any] = {
    "nothing": {},
    "a list": [],
    "no run block": {"key": "k", "stage": "train", "name": "old", "recipe": {}, "files": {}},
    "an empty run block": {"key": "k", "stage": "train", "name": "old", "recipe": {}, "files": {}, "run": {}},
    "another recipe": {"key": "k", "stage": "train", "name": "old", "recipe": {"v": [1]}, "files": {}, "run": {"s": 1}},
}


@pytest.mark.parametrize("record", OLDER.values(), ids=OLDER)
@pytest.mark.parametrize("stage", ["train", "verdict"])
def test_a_node_of_an_older_version_is_passed_over(ran: Ran, record: Any, stage: str) -> None:
    made, plan = ran
    name = f"{plan.slug if stage == 'verdict' else 'old'}-0123456789abcdef"
    old = made.store.root / stage / name
    old.mkdir()
    (old / PROVENANCE).write_text(json.dumps(record))
    node = next(node for node in plan.nodes.values() if node.stage == stage)
    aside = made.store.path(node.folder).rename(made.store.work / "aside")
    try:
        everything(Project(made.root))
        assert list(browse.why(made, "tiny", node.key))
        assert [p for p in browse.check_store(made)[0] if name in p], "fsck names it"
        assert name in " ".join(browse.collect_garbage(made, False)), "gc would delete it"
    finally:
        aside.rename(made.store.path(node.folder))
        (old / PROVENANCE).unlink()
        old.rmdir()


@pytest.mark.parametrize("run", [{}, {"files": {}}, {"seconds": 1.5, "unknown": [1]}])
def test_a_run_block_of_another_version_is_read(ran: Ran, run: dict[str, Any]) -> None:
    made, plan = ran
    kept = {}
    for node in plan.nodes.values():
        path = made.store.path(node.folder) / PROVENANCE
        kept[path] = path.read_text()
        path.write_text(json.dumps({**json.loads(kept[path]), "run": run}))
    try:
        everything(made)
        assert browse.check_store(made)[0] == []
    finally:
        for path, text in kept.items():
            path.write_text(text)


def arrays_of(made: Project, node: Node) -> dict[str, str]:
    """Content hashes of a node's files but those in JSON, which hold keys (as a verdict's table does)."""
    files = read_provenance(made.store.path(node.folder))["files"]
    return {name: digest for name, digest in files.items() if not name.endswith(".json")}


def test_results_of_an_older_format_stay_and_are_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = toys.study(seeds=[11, 12])
    made, plan = toys.ran(tmp_path, content)
    monkeypatch.setattr(fingerprint, "FORMAT", fingerprint.FORMAT + 1)
    later = toys.project(tmp_path, {"tiny": content})
    later.source = Source(made.source.root)
    monkeypatch.setattr(Project, "source", later.source)
    for cache in (later.store.work / "plans").iterdir():
        cache.unlink()
    again = toys.run(later)
    assert not set(plan.nodes) & set(again.nodes)
    assert len(later.store.present()) == 2 * len(plan.nodes)
    for old, new in zip(plan.nodes.values(), again.nodes.values(), strict=True):
        assert old.stage == "verdict" or arrays_of(later, old) == arrays_of(later, new)
    everything(later)
    assert list(browse.collect_garbage(later, False))[-1].startswith(f"{len(plan.nodes)} nodes")
