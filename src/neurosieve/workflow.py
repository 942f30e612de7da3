"""What the Snakefile asks: which nodes are to do, what each job needs, which page to draw; and the folder's lock.

The plan prunes, Snakemake runs: only nodes that are missing from the store take part in the DAG. With
`--config plan=full` every node does (for `--report`, `--rulegraph`, `-F`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from neurosieve.errors import UserError
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.views.written import missing_nodes, page_key

STORE = "results/store"
PAGE = "results/report"
KILLED = "its process was killed before it could end (out of memory, out of time, or by a signal)"


class Workflow:
    """The plans of all configured studies as Snakemake sees them."""

    def __init__(self, root: str | Path, config: Mapping[str, Any]) -> None:
        unknown = set(config) - {"scale", "plan"}
        if unknown:
            raise UserError(f"unknown config key '{sorted(unknown)[0]}'; allowed with --config: scale, plan")
        if config.get("plan", "full") != "full":
            raise UserError(f"--config plan={config['plan']}: only plan=full is known")
        self.project = Project(Path(root).resolve(), config.get("scale"))
        self.full = config.get("plan") == "full"
        self.plans = self.project.plans()
        self.present = self.project.store.present()
        self._nodes: dict[str, tuple[StudyPlan, Node]] = {}
        for plan in self.plans.values():
            for key, node in plan.nodes.items():
                self._nodes.setdefault(key, (plan, node))
        self._missing = missing_nodes(self.plans, self.present)
        self._pages: dict[str, list[str]] = {}
        self._lock: int | None = None

    # -- targets ------------------------------------------------------------------------------------------------

    def study(self, slug: str) -> list[str]:
        """Targets of one study: what is missing of it, and the page."""
        return self._targets([slug])

    def all(self) -> list[str]:
        """Targets of every configured study, and the page."""
        return self._targets(list(self.plans))

    def _targets(self, slugs: Iterable[str]) -> list[str]:
        slugs = list(slugs)
        keys = [key for slug in slugs for key in (self.plans[slug].nodes if self.full else self._missing[slug])]
        needed = [self._file(self._nodes[key][1]) for key in dict.fromkeys(keys)]
        key = page_key(self.project, self.plans, self._missing, assume=set(slugs))
        self._pages[key] = needed
        return [*needed, f"{PAGE}/shown-{key}"]

    # -- one job ------------------------------------------------------------------------------------------------

    def inputs(self, wildcards: Any) -> Any:
        """Provenance files of the inputs that are to be computed first."""
        needed = [self._nodes[key][1] for key in self._node(wildcards).inputs]
        files = [self._file(node) for node in needed if self.full or node.folder not in self.present]
        return [_ancient(file) for file in files] if self.full else files

    def page_inputs(self, wildcards: Any) -> list[str]:
        """What must exist before this state of the page can be drawn."""
        return self._pages.get(wildcards.key, [])

    def study_of(self, wildcards: Any) -> str:
        return self._nodes[wildcards.key][0].slug

    def title(self, wildcards: Any) -> str:
        return self._node(wildcards).title

    def scale(self, wildcards: Any) -> str:
        return self.project.scale

    def ask(self, name: str) -> Callable[..., Any]:
        """A resource of the job (`mem_mb`, `minutes`, `threads`, `gpu`); memory doubles with each attempt."""

        def resource(wildcards: Any, attempt: int = 1) -> Any:
            value = getattr(self._node(wildcards), name)
            return value * 2 ** (attempt - 1) if name == "mem_mb" else value

        return resource

    def _node(self, wildcards: Any) -> Node:
        if wildcards.key not in self._nodes:
            raise UserError(f"node {wildcards.key} is in no plan of the configured studies")
        return self._nodes[wildcards.key][1]

    def _file(self, node: Node) -> str:
        return f"{STORE}/{node.folder}/provenance.json"

    # -- the run ------------------------------------------------------------------------------------------------

    def start(self, snakemake: Any) -> None:
        """Take the folder's lock (held until this process ends, however it ends) and sweep old leftovers.

        `snakemake` is Snakemake's own workflow: on this machine its rate of starting jobs needs no limit. Exits with
        one line when another run holds the lock.
        """
        try:
            self._lock = self.project.store.lock()
        except UserError as error:
            _leave(str(error))
        self.project.store.sweep()
        if snakemake.scheduler is not None and not snakemake.non_local_exec:
            # to enforce its rate Snakemake starts a timer per round, and each timer another round: quadratic in jobs
            snakemake.scheduler.job_rate_limiter = None

    def draw_after_failure(self) -> None:
        """Draw the page as things stand, so that a failed study is seen as failed, also where its job was killed."""
        store = self.project.store
        for key in store.abandoned() & self._nodes.keys():
            if not store.exists(self._nodes[key][1].folder) and store.failure(key).read() is None:
                store.failure(key).write(KILLED)
        command = [sys.executable, "-m", "neurosieve", "report", "--scale", self.project.scale]
        drawn = subprocess.run(command, cwd=self.project.root, capture_output=True, text=True, check=False)
        if drawn.returncode:
            print(f"the page could not be drawn: {(drawn.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)


def _leave(message: str) -> NoReturn:
    """End Snakemake at once with one line; nothing has been touched yet."""
    print(f"neurosieve: error: {message}", file=sys.stderr, flush=True)
    os._exit(1)


def _ancient(file: str) -> Any:
    from snakemake.io import ancient

    return ancient(file)
