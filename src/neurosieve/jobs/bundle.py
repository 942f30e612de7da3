"""A bundle: many short nodes in one process of a cluster, each a job of its own through the warm start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from neurosieve.errors import UserError
from neurosieve.jobs.run import refuse_if_changed
from neurosieve.plan.bundles import read_slice
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project

BATCH = "NEUROSIEVE_WARM_BATCH"
"""Set where a cluster's worker turned the warm start off for jobs of one node; its value tells servers apart."""


def run_bundle(name: str, cpus: int, scale: str | None, say: Callable[[str], object]) -> None:
    """Compute the nodes of a slice that the store lacks, needs first, up to `cpus` at a time.

    A node that fails stops what needs it and nothing else. Raises UserError when one failed, or when the study
    changed since the run was planned.
    """
    project = Project.here(scale)
    piece = read_slice(project.store.work, name)
    plan = project.plan(piece.study)
    nodes = {key: refuse_if_changed(plan, key, piece.study) for key in piece.keys}
    to_do = {key: node for key, node in nodes.items() if not project.store.exists(node.folder)}
    say(f"{len(to_do)} of {len(nodes)} nodes of {piece.study} to do, {cpus} at a time")
    with _warm_start(project) as environment:
        failed = _in_order(to_do, cpus, lambda node: _job(project, plan, node, environment), say)
    if failed:
        raise UserError(f"{len(failed)} of {len(nodes)} nodes failed or need one that did: {', '.join(failed)}")


def _in_order(to_do: dict[str, Node], cpus: int, job: Callable[[Node], int], say: Callable[[str], object]) -> list[str]:
    """Run a job per node, each after those it needs; names of the nodes that failed or need one that did."""
    waiting, failed = dict(to_do), dict[str, Node]()
    running: dict[Future[int], Node] = {}
    with ThreadPoolExecutor(cpus) as pool:
        while waiting or running:
            at_work = {node.key for node in running.values()}
            for key, node in list(waiting.items()):
                if failed.keys() & set(node.inputs):
                    failed[key] = waiting.pop(key)
                elif len(running) < cpus and not (waiting.keys() | at_work) & set(node.inputs):
                    running[pool.submit(job, node)] = waiting.pop(key)
                    at_work.add(key)
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                node, code = running.pop(ended), ended.result()
                say(f"{'done' if code == 0 else 'failed'}: {node.stage} {node.title} ({node.name}-{node.key})")
                if code:
                    failed[node.key] = node
    return [f"{node.name}-{node.key}" for node in failed.values()]


def _job(project: Project, plan: StudyPlan, node: Node, environment: dict[str, str]) -> int:
    """Exit code of the node's own command, as Snakemake would give it; its output is the node's log."""
    log = project.store.log(node.folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "neurosieve", node.stage, plan.slug, node.key, "--scale", plan.scale]
    with log.open("wb") as out:
        return subprocess.run(
            command, cwd=project.root, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode


@contextmanager
def _warm_start(project: Project) -> Iterator[dict[str, str]]:
    """Environment of the nodes' jobs; on a cluster with a warm start that ends with this job, and serves no other."""
    if BATCH not in os.environ:
        yield dict(os.environ)
        return
    environment = {name: value for name, value in os.environ.items() if name != "NEUROSIEVE_WARM"}
    environment[BATCH] = f"{os.environ.get('SLURM_JOB_ID', '')}-{os.getpid()}"
    try:
        yield environment
    finally:
        command = [sys.executable, "-m", "neurosieve.warm", "stop"]
        subprocess.run(command, cwd=project.root, env=environment, capture_output=True, check=False)
