"""Run one node: check the plan, compute into a scratch directory, write provenance last, rename into place."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neurosieve.artifacts.ending import ENDING, Ended
from neurosieve.artifacts.resume import Keeper
from neurosieve.artifacts.store import storage_error, write_provenance
from neurosieve.errors import UserError
from neurosieve.jobs.load import Inputs
from neurosieve.jobs.packed import pack, unpack
from neurosieve.plan.fingerprint import PACKAGE, Source
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.own_code import importable, own_code
from neurosieve.plan.project import Project

NO_MEMORY = ("cannot allocate memory", "can't allocate memory", "not enough memory", "out of memory", "bad_alloc")
"""How libraries that do not raise MemoryError say it."""


def run_node(project: Project, plan: StudyPlan, node: Node) -> Path:
    """Compute a node unless it exists; its directory in the store.

    Raises UserError for bad input, missing or damaged inputs, code edited meanwhile, too little memory, a full disk or
    a read-only folder; nothing half-written is left where a result would be.
    """
    store = project.store
    if store.exists(node.folder):
        return store.path(node.folder)
    _prepare_process(project, plan, node)
    scratch = store.scratch(node.folder.replace("/", "-"))
    keeper = Keeper(store.resume(node.key), node.checkpoint_minutes * 60, scratch)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        _compute(Inputs(project, plan, node, keeper), scratch)
        refuse_if_edited(project, plan, node)
        store.not_from_the_future(plan.nodes[key].folder for key in node.inputs)
        write_provenance(scratch, _record(plan, node), {"started": started, **_run(project, keeper)})
        directory = store.publish(scratch, node.folder)
    except Exception as error:
        told = storage_error(error, scratch) or memory_error(error, plan, node)
        if told is None:
            raise
        raise told from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    keeper.forget()
    return directory


def _compute(inputs: Inputs, scratch: Path) -> None:
    if inputs.node.stage == "verdict":
        from neurosieve.jobs.verdict import decide_study

        decide_study(inputs, scratch)
    else:
        from neurosieve.jobs.stages import STAGES

        STAGES[inputs.node.stage](inputs, scratch)


def _run(project: Project, keeper: Keeper) -> dict[str, Any]:
    """What running it took; of a job that went on from a kept state, with what was spent on that."""
    return {
        **{name: round(spent, 3) for name, spent in keeper.total().items()},
        **({"resumed": keeper.resumed} if keeper.resumed else {}),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "commit": _commit(project.root),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _record(plan: StudyPlan, node: Node) -> dict[str, Any]:
    return {
        "key": node.key,
        "stage": node.stage,
        "name": node.name,
        "recipe": dict(node.recipe),
        "asked_by": node.title,
    }


def _prepare_process(project: Project, plan: StudyPlan, node: Node) -> None:
    """One thread (results must not depend on the machine), and a numba cache that follows the kernels' code.

    A node that works with torch imports it here: it is seeded and limited only where it is already imported, and a
    cold process must give what a warm one gives.
    """
    kernels = project.source.digest_of("kernels")
    cache = str(project.store.work / "numba" / kernels)
    os.environ["NUMBA_CACHE_DIR"] = cache
    if any(_owned(needed.recipe) for needed in plan.with_ancestors(node.key)):
        importable(project.root)
    if "numba" in sys.modules:
        import numba

        setattr(numba.config, "CACHE_DIR", cache)  # noqa: B010 - numba declares its settings at run time
    if "torch" in sys.modules or _works_with(plan, node, "torch"):
        import torch

        torch.set_num_threads(node.threads)


def _works_with(plan: StudyPlan, node: Node, package: str) -> bool:
    """Whether the code of a node, or of what it is made from, imports a third-party package."""
    if node.stage == "verdict":
        return False
    parts = [part for needed in plan.with_ancestors(node.key) for part in needed.recipe.values()]
    return any(package in part.get("packages", {}) for part in parts if isinstance(part, Mapping))


def _commit(root: Path) -> str | None:
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() or None


def refuse_if_changed(plan: StudyPlan, key: str, study: str) -> Node:
    """The node of this key. Raises UserError when the configuration changed since the run was planned."""
    if key not in plan.nodes:
        raise UserError(
            f"node {key} is no longer part of study '{study}': its configuration or code changed while jobs ran; "
            "run the same command again"
        )
    return plan.nodes[key]


def refuse_if_edited(project: Project, plan: StudyPlan, node: Node) -> None:
    """Raises UserError when code behind the node's key changed since it was planned: what ran may be either."""
    now = Source(project.source.root, project.source.memory)
    for use, code in dict.fromkeys(pair for needed in plan.with_ancestors(node.key) for pair in _codes(needed.recipe)):
        module = f"{PACKAGE}.{use.replace('-', '_')}"
        if now.path(module) is None or now.code(module) != code:
            raise UserError(f"the code of {use} changed while the job ran; run the same command again")
    for module, code in dict.fromkeys(
        pair for needed in plan.with_ancestors(node.key) for pair in _owned(needed.recipe)
    ):
        if own_code(module, project.root, now).code != code:
            raise UserError(f"the code of {module} changed while the job ran; run the same command again")


def _codes(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Components named in a recipe, with the fingerprints that they had."""
    if {"use", "code"} <= recipe.keys():
        yield recipe["use"], recipe["code"]
    for part in recipe.values():
        if isinstance(part, Mapping):
            yield from _codes(part)


def _owned(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Modules of the user's own named in a recipe, with the fingerprints that they had."""
    parts = [recipe, recipe.get("model")]
    return [(own["module"], own["code"]) for part in parts if part for own in part.get("own", {}).values()]


def memory_error(error: Exception, plan: StudyPlan, node: Node) -> UserError | None:
    """The one line for memory that the machine or a limit refused, None for any other error."""
    said = isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)
    if not said or isinstance(error, UserError):
        return None
    return UserError(
        f"memory ran out (the job asks for {node.mem_mb} MB): set `resources: {{{node.stage}: {{memory: 4 GB}}}}` in "
        f"config/studies/{plan.slug}.yaml to what it needs, or run fewer jobs at once, and run the same command again"
    )


def run_job(study: str, address: str, stage: str, scale: str | None, target: Path | None = None) -> Path:
    """A job as Snakemake or a person asks for it; what goes wrong is kept for the page.

    With a `target`, a file beside which its inputs lie, the node is also packed there: nothing else is shared.

    Raises UserError as `run_node`, and when the node is of another stage or its study's configuration changed.
    """
    project = Project.here(scale)
    plan = project.plan(study)
    node = _addressed(plan, address, study)
    if node.stage != stage:
        raise UserError(f"{node.title} ({node.name}-{node.key}) is computed by `{node.stage}`, not by `{stage}`")
    note = project.store.failure(node.key)
    try:
        with ENDING.heeded():
            if target:
                before = [needed.folder for needed in plan.with_ancestors(node.key)]
                unpack(project.store, target.parents[1], before)
            directory = run_node(project, plan, node)
            if target:
                pack(directory, target)
    except Ended as ended:
        note.write(ended.message)
        print(f"neurosieve: error: {ended.message}", file=sys.stderr)
        raise
    except KeyboardInterrupt:  # for the log alone: who interrupts a job knows why it did not end
        print("neurosieve: error: stopped (Ctrl-C, SIGINT); run the same command again", file=sys.stderr)
        raise
    except (Exception, SystemExit) as error:
        note.write(in_one_line(error))
        raise
    note.clear()
    return directory


def in_one_line(error: BaseException) -> str:
    """What the page says of a failed job: the message of a UserError, kind and first line of any other error."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if isinstance(error, UserError):
        return str(error)
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _addressed(plan: StudyPlan, address: str, study: str) -> Node:
    try:
        return plan.address(address)
    except KeyError:
        if re.fullmatch(r"[0-9a-f]{16}", address):
            refuse_if_changed(plan, address, study)
        known = sorted({cell.variant for cell in plan.cells})
        raise UserError(f"study '{study}' has no node '{address}'; variants: {', '.join(known)}") from None
