"""Looking at plan and store: the tree, why a key differs, where a node lies, its log, garbage, damage."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neurosieve.artifacts.store import PROVENANCE, read_provenance
from neurosieve.errors import AbsentError, UserError, killed
from neurosieve.plan.nodes import Cell, Node, StudyPlan, key_of
from neurosieve.plan.project import Project
from neurosieve.plan.settings import SCALES

MANY = 20
"""Studies whose trees are printed one after the other; of more, each gets one line."""


def tree(project: Project, study: str | None) -> Iterator[str]:
    """Variants of the studies as a tree: per node done or to do, last known seconds, disk; of many a line each."""
    present = project.store.present()
    plans = project.plans([study] if study else None)
    for slug, plan in plans.items():
        done = sum(node.folder in present for node in plan.nodes.values())
        yield f"{slug} ({plan.scale}): {done} of {len(plan.nodes)} nodes exist"
        if len(plans) <= MANY:
            yield from _nodes(project, plan, present)
    if study is None:
        yield from (f"{slug} ({project.scale}): skipped: {reason}" for slug, reason in project.skipped.items())
    if len(plans) > MANY:
        yield f"{len(plans)} studies; `neurosieve plan STUDY` shows the nodes of one"


def _nodes(project: Project, plan: StudyPlan, present: set[str]) -> Iterator[str]:
    """The tree of one study's models, and a line on each other stage."""
    models = _models(plan)
    made: dict[str | None, list[str]] = {}
    for key in models:
        made.setdefault(plan.nodes[key].recipe["inputs"].get("model"), []).append(key)
    shown: set[str] = set()
    for key in models:
        yield from _branch(project, plan, _root(plan, key), models, made, present, shown, 1)
    rest = {"prepare": "data", "export": "exports", "evaluate": "evaluations", "verdict": "verdict"}
    for stage, word in rest.items():
        nodes = [node for node in plan.nodes.values() if node.stage == stage]
        there = [node for node in nodes if node.folder in present]
        yield f"  {word}: {len(there)} of {len(nodes)} done{_cost(project, there)}"
    yield from (f"  target {target} is skipped: {lack['reason']}" for target, lack in plan.lacking.items())


def why(project: Project, study: str | None, address: str) -> Iterator[str]:
    """Which parts of a node's key differ from those of the nearest node in the store."""
    plan, node = find_node(project, address, study)
    if project.store.exists(node.folder):
        yield f"{node.name}-{node.key} is in the store; nothing of its key changed"
        return
    best: tuple[int, str, dict[str, tuple[Any, Any]]] | None = None
    wanted = _flat(dict(node.recipe))
    for folder in sorted(project.store.present()):
        stage, _, name = folder.partition("/")
        if stage != node.stage:
            continue
        try:
            recipe = read_provenance(project.store.path(folder))["recipe"]
        except UserError:
            continue  # damaged, or of an older version: `neurosieve fsck` names it
        differs = _differences(_flat(recipe), wanted)
        if best is None or len(differs) < best[0]:
            best = len(differs), name, differs
    if best is None:
        yield f"{node.title} ({node.name}-{node.key}): the store holds no node of stage {node.stage}"
        return
    yield f"{node.title} ({node.name}-{node.key}) is to do; the nearest node in the store is {best[1]}:"
    for field, (before, now) in best[2].items():
        yield f"  {field}: {_shown(before)} -> {_shown(now)}"
        yield from _input_why(plan, field, now)


def directory(project: Project, address: str) -> Path:
    """Directory of a node. Raises UserError when it was not computed yet."""
    _, node = find_node(project, address)
    path = project.store.path(node.folder)
    if not project.store.exists(node.folder):
        raise UserError(f"{node.title} ({node.name}-{node.key}) is not computed yet; it will be at {path}")
    return path


def log_text(project: Project, address: str) -> str:
    """Log of a node's last job. Raises UserError when there is none."""
    _, node = find_node(project, address)
    path = project.store.log(node.folder)
    if not path.is_file():
        raise UserError(f"no log of {node.title} ({node.name}-{node.key}) in {path.parent}: its job did not run here")
    text = path.read_text(errors="replace")
    lost = node.key in project.store.abandoned() and not project.store.exists(node.folder)
    if lost and killed(node.stage) not in text:
        text += f"neurosieve: error: {killed(node.stage)}\n"
    return text or f"(empty: the job of {node.title} printed nothing)\n"


def collect_garbage(project: Project, delete: bool, scales: Sequence[str] = ()) -> Iterator[str]:
    """Nodes that no configured study reaches at any of the scales; deleted only if `delete`, never beside a run.

    What was computed for a study that is skipped (its raw files are not here) is kept, with all that it was made of.
    Raises UserError when a study cannot be planned for another reason: what it reaches is then not known.
    """
    lock = project.store.lock() if delete else None
    wanted: set[str] = set()
    skipped: dict[str, str] = {}
    for scale in scales or SCALES:
        planned = Project(project.root, scale)
        try:
            plans = planned.plans()
        except AbsentError:  # every study lacks a file at this scale
            plans = {}
        except UserError as error:
            others = " ".join(f"--scale {other}" for other in SCALES if other != scale)
            raise UserError(f"{error}; or keep only what the other scales reach: `neurosieve gc {others}`") from None
        wanted |= {node.folder for plan in plans.values() for node in plan.nodes.values()}
        skipped |= planned.skipped
    garbage = sorted(project.store.present() - wanted)
    if skipped and garbage:
        garbage = sorted(set(garbage) - _computed_for(project, skipped))
        yield from (f"kept what {slug} has, which is skipped: {reason}" for slug, reason in skipped.items())
    total = 0
    for folder in garbage:
        size = _size(project.store.path(folder))
        total += size
        yield f"{'deleted' if delete else 'unreached'}  {_bytes(size):>8}  {folder}"
        if delete and (grave := project.store.bury(project.store.path(folder))):
            shutil.rmtree(grave, ignore_errors=True)
    if lock is not None:
        os.close(lock)
    told = "" if delete or not garbage else "; `neurosieve gc --delete` deletes them"
    yield f"{len(garbage)} nodes, {_bytes(total)}{told}"


def _computed_for(project: Project, slugs: Collection[str]) -> set[str]:
    """Nodes that these studies asked for first, as their provenance says, and all that those were made of."""
    records = {folder: read_provenance(project.store.path(folder)) for folder in project.store.present()}
    folders = {record["key"]: folder for folder, record in records.items()}
    found: set[str] = set()
    waiting = [f for f, record in records.items() if str(record.get("asked_by")).partition("/")[0] in slugs]
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            recipe = records[folder]["recipe"]
            cells = json.loads(recipe.get("cells", "[]"))  # of a verdict: variant, seed, target, keys of the metrics
            measured = [key for cell in cells for key in cell[3:]] + recipe.get("studywide", [])
            waiting += [folders[key] for key in (*recipe.get("inputs", {}).values(), *measured) if key in folders]
    return found


def check_store(project: Project) -> tuple[list[str], int]:
    """What is wrong with any node's files, a line each, and how many nodes were checked."""
    store = project.store
    problems, folders = [], sorted(store.present())
    for folder in folders:
        path = store.path(folder)
        try:
            record = read_provenance(path)
            problem = store.check(path, record) or _misnamed(path, record)
        except UserError as error:
            problem = str(error)
        if problem:
            problems.append(store.shown(f"{problem}; delete {path} and run the same command again"))
    return problems, len(folders)


def _misnamed(path: Path, record: Mapping[str, Any]) -> str | None:
    """What is wrong where a node's recorded recipe is not the one that its name stands for."""
    stage, recipe = record.get("stage"), record.get("recipe")
    if isinstance(recipe, dict) and key_of({"stage": stage, **recipe}) == path.name.rsplit("-", 1)[-1]:
        return None
    return f"{path / PROVENANCE} does not record the recipe that the node's key stands for"


def find_node(project: Project, address: str, study: str | None = None) -> tuple[StudyPlan, Node]:
    """A node by `study/variant/seed[/target]`, by key or by `name-key`. Raises UserError when nothing fits."""
    first, _, rest = address.partition("/")
    slugs = [study] if study else [first] if first in project.studies and rest else project.studies
    for slug in slugs:
        try:
            plan = project.plan(slug)
            return plan, plan.address(address)
        except AbsentError:
            if len(slugs) == 1:
                raise
        except KeyError:
            continue
    raise UserError(f"no node '{address}' in {', '.join(slugs)}; write study/variant/seed, or a key that `plan` shows")


def _models(plan: StudyPlan) -> dict[str, Cell]:
    """Model key -> the first cell that shows it, in plan order."""
    models: dict[str, Cell] = {}
    for cell in plan.cells:
        models.setdefault(cell.model, cell)
    return models


def _root(plan: StudyPlan, key: str) -> str:
    while "model" in plan.nodes[key].recipe["inputs"]:
        key = plan.nodes[key].recipe["inputs"]["model"]
    return key


def _branch(
    project: Project,
    plan: StudyPlan,
    key: str,
    models: Mapping[str, Cell],
    made: Mapping[str | None, Sequence[str]],
    present: set[str],
    shown: set[str],
    depth: int,
) -> Iterator[str]:
    if key in shown:
        return
    shown.add(key)
    node = plan.nodes[key]
    there = node.folder in present
    cell = models.get(key)
    title = f"{cell.variant}/{cell.seed if cell.seed is not None else 'any seed'}" if cell else node.title
    mark = "done " if there else "to do"
    yield f"{'  ' * depth}{mark} {title}  {node.name}-{node.key}{_cost(project, [node]) if there else ''}"
    for other in made.get(key, ()):
        yield from _branch(project, plan, other, models, made, present, shown, depth + 1)


def _cost(project: Project, nodes: list[Node]) -> str:
    if not nodes:
        return ""
    seconds, size = 0.0, 0
    for node in nodes:
        path = project.store.path(node.folder)
        seconds += read_provenance(path)["run"].get("seconds", 0.0)
        size += _size(path)
    return f"  {seconds:.1f} s, {_bytes(size)}"


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for name, item in value.items() for k, v in _flat(item, f"{prefix}{name}.").items()}
    return {prefix.rstrip("."): value}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*before, *now])
    return {name: (before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)}


def _input_why(plan: StudyPlan, field: str, key: Any) -> Iterator[str]:
    if field.startswith("inputs.") and key in plan.nodes:
        node = plan.nodes[key]
        yield f"    that input is {node.stage} {node.title}; `neurosieve plan {plan.slug} --why {key}` says more"


def _shown(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
