"""What the Snakefile asks: which nodes are to do, what each job needs, which page to draw; and the folder's lock.

The plan prunes, Snakemake runs: only nodes that are missing from the store take part in the DAG. With
`--config plan=full` every node does (for `--report`, `--rulegraph`, `-F`), with `--config bundle=MINUTES` short ones
share jobs.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import math
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from neurosieve.errors import UserError, killed
from neurosieve.plan.bundles import Slice, read_slice, slices, write_slices
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.views.written import certificate_key, certificate_stamp, missing_nodes, page_key, write_views

STORE = "results/store"
PAGE = "results/report"
WORK = "results/.work"
PACKED = "results/packed"


class Workflow:
    """The plans of all configured studies as Snakemake sees them.

    A Snakemake that a cluster started for one job (`one_job`) reads one plan only, that of the job's node.
    """

    def __init__(
        self,
        root: str | Path,
        config: Mapping[str, Any],
        one_job: bool = False,
        stored: bool = False,
        reported: bool = False,
    ) -> None:
        self._minutes = _minutes_of_bundles(config)
        self.project = Project(Path(root).resolve(), config.get("scale"))
        self.full = config.get("plan") == "full"
        self._one_job, self._packed, self._reported = one_job, stored, reported
        if stored and not self.full:
            raise UserError("a storage plugin carries whole nodes: add plan=full to --config")
        if stored:  # a worker has the sources that Snakemake brought, whatever its image has installed
            source = str(self.project.root / "src")
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
        self._nodes: dict[str, tuple[StudyPlan, Node]] = {}
        self._earlier: dict[str, set[str]] = {}
        self._pages: dict[str, list[str]] = {}
        self._certified: dict[str, list[str]] = {}
        self._lock: int | None = None
        self._told: set[str] = set()
        self.inputs, self.page_inputs, self.job = map(_with_signature, (self._inputs, self._page_inputs, self._job))
        self.certified = _with_signature(self._certificate_inputs)
        if one_job and "NEUROSIEVE_WARM" not in os.environ:  # for one node it costs more than it saves; bundles know
            os.environ |= {"NEUROSIEVE_WARM": "0", "NEUROSIEVE_WARM_BATCH": "1"}
        if not one_job:
            gc.set_threshold(100_000, 20, 100)  # a large DAG is millions of objects that all stay
            self.project.index()
            for plan in self.plans.values():
                self._know(plan)

    @cached_property
    def plans(self) -> dict[str, StudyPlan]:
        return self.project.plans()

    @cached_property
    def present(self) -> set[str]:
        return self.project.store.present()

    @cached_property
    def _missing(self) -> dict[str, list[str]]:
        return missing_nodes(self.plans, self.present)

    @cached_property
    def _slices(self) -> dict[str, Slice]:
        """Slices of short nodes by id; none where each node is a job."""
        if self._one_job or not self._minutes:
            return {}
        return {piece.id: piece for piece in slices(self.plans, self._missing, self._minutes, uuid.uuid4().hex)}

    @cached_property
    def _slice_of(self) -> dict[str, str]:
        return {key: piece.id for piece in self._slices.values() for key in piece.keys}

    def _know(self, plan: StudyPlan) -> None:
        for key, node in plan.nodes.items():
            self._nodes.setdefault(key, (plan, node))

    # -- targets ------------------------------------------------------------------------------------------------

    @property
    def aliases(self) -> list[str]:
        """Studies that are rules of their own: none where Snakemake was told which job to run."""
        return [] if self._one_job else self.project.studies

    def study(self, slug: str) -> Callable[[Any], list[str]]:
        """Targets of one study, once it is asked for: what is missing of it, and the page. A skipped one is refused."""

        def targets(wildcards: Any) -> list[str]:
            if slug in self.project.skipped:
                _leave(self.project.skipped[slug])
            return self._targets([slug])

        return _with_signature(targets)

    def all(self, wildcards: Any) -> list[str]:
        """Targets of every configured study that can run here, and the page; a line on each that is skipped."""
        for slug, reason in self.project.skipped.items():
            self._tell(f"{slug} is skipped: {reason}")
        return self._targets(self.plans)

    def _tell(self, line: str) -> None:
        """Say it once: Snakemake asks for targets more than once."""
        if line not in self._told:
            self._told.add(line)
            print(f"neurosieve: {line}", file=sys.stderr, flush=True)

    def _targets(self, slugs: Iterable[str]) -> list[str]:
        """What is missing and the page of the state to come; with `plan=full` every node.

        The page alone is not enough: Snakemake leaves an input missing while the page that needed it is there.
        """
        slugs = list(slugs)
        for slug in slugs:
            for target, lack in self.plans[slug].lacking.items():
                self._tell(f"{slug}: target {target} is skipped: {lack['reason']}")
        key = page_key(self.project, self.plans, self._missing, assume=set(slugs))
        if self.full:
            needed = list(dict.fromkeys(one for slug in slugs for one in self.plans[slug].nodes))
        else:
            needed = self._last((self.plans[slug], one) for slug in slugs for one in self._missing[slug])
        self._pages[key] = list(dict.fromkeys(self._file(self._nodes[one][1]) for one in needed))
        if self._reported:
            self._copy_page(key)
        if self._packed:
            collected = _local(f"{WORK}/collected/{key}")
            return [collected, *map(_local, self._certificates(slugs, [collected]))]
        self._pages[key] += self._certificates(slugs, self._pages[key])
        return [*self._pages[key], f"{PAGE}/shown-{key}"]

    def _certificates(self, slugs: Iterable[str], after: list[Any]) -> list[str]:
        """Stamps of these studies' certificates, each of which is written once the files `after` are there."""
        keys = {slug: key for slug in slugs if (key := certificate_key(self.plans[slug]))}
        self._certified |= {key: list(after) for key in keys.values()}
        stamps = (certificate_stamp(self.project.store.results, slug, key) for slug, key in keys.items())
        return [str(stamp.relative_to(self.project.root)) for stamp in stamps]

    def _last(self, asked: Iterable[tuple[StudyPlan, str]]) -> list[str]:
        """The missing nodes that no other one asked for needs: Snakemake finds the rest, and pays for every edge."""
        keys, needed = {}, set()
        for plan, key in asked:
            keys[key] = None
            needed |= self._before(plan, key)
        return [key for key in keys if key not in needed]

    # -- Snakemake's own report ---------------------------------------------------------------------------------

    def copies(self, *of_the_page: Any) -> list[Any]:
        """What only a run with `--report` has to do with; else nothing."""
        return list(of_the_page) if self._reported else []

    def _copy_page(self, key: str) -> None:
        """Give a page that was drawn the copies that the report shows; one that is to be drawn gets them then."""
        page = self.project.root / PAGE
        if (page / f"shown-{key}").exists() and not (page / f"snakemake-{key}").exists():
            write_views(self.project, key, copies=True)

    def shown_under(self, wildcards: Any) -> str:
        """Category of a page: its study."""
        return wildcards.get("study", "all studies")

    def shown_as(self, wildcards: Any) -> str:
        """Subcategory of a page: the stage that drew it; scripts apart, which only pages ask for."""
        return "scripts of the pages" if wildcards.get("script") else "report"

    def shown_labels(self, wildcards: Any) -> dict[str, str]:
        """What tells a page from others of its category."""
        name = wildcards.get("page") or wildcards.get("script") or "page"
        return {"shows": {"index": "every study: ledger and verdicts", "page": "the study's page"}.get(name, name)}

    # -- one job ------------------------------------------------------------------------------------------------

    def _inputs(self, wildcards: Any) -> Any:
        """Provenance files of the inputs that are to be computed first.

        One that another of them needs is left out: the order is the same.
        """
        plan, node = self._asked(wildcards.key)
        if self.full:
            needed = [one.key for one in plan.with_ancestors(node.key)][:-1] if self._packed else node.inputs
            return [_ancient(self._file(plan.nodes[key])) for key in needed]
        if self._one_job:  # what it needs is there, or it would not have been started
            return self._files(plan, node.inputs)
        there = [key for key in node.inputs if self._there(plan.nodes[key])]  # a job may read what these are made of
        return self._files(plan, [*node.inputs, *sorted(set[str]().union(*(self._before(plan, key) for key in there)))])

    def _files(self, plan: StudyPlan, keys: Iterable[str]) -> list[str]:
        """Files of those of the nodes that are missing and that no other of them needs."""
        missing = [key for key in keys if not self._there(plan.nodes[key])]
        implied = set[str]().union(*(self._before(plan, key) for key in missing))
        return list(dict.fromkeys(self._file(plan.nodes[key]) for key in missing if key not in implied))

    def _before(self, plan: StudyPlan, key: str) -> set[str]:
        """Missing nodes that come before a node."""
        if key not in self._earlier:
            inputs = plan.nodes[key].inputs
            missing = {other for other in inputs if not self._there(plan.nodes[other])}
            self._earlier[key] = missing.union(*(self._before(plan, other) for other in inputs))
        return self._earlier[key]

    def _there(self, node: Node) -> bool:
        return self.project.store.exists(node.folder) if self._one_job else node.folder in self.present

    def _page_inputs(self, wildcards: Any) -> list[str]:
        """What must exist before this state of the page can be drawn."""
        return self._pages.get(wildcards.key, [])

    def _certificate_inputs(self, wildcards: Any) -> list[Any]:
        """What must exist before a certificate is written."""
        files = self._certified.get(wildcards.key, [])
        return [_ancient(file) for file in files] if self.full and not self._packed else files

    def _job(self, wildcards: Any) -> dict[str, str]:
        """What a job's command and its lines say: `study`, `title`, `scale`."""
        plan, node = self._asked(wildcards.key)
        return {"study": plan.slug, "title": node.title, "scale": self.project.scale}

    def ask(self, name: str) -> Any:
        """A resource of the job (`mem_mb`, `minutes`, `threads`, `gpu`); memory doubles with each attempt.

        A number where it is the same for all jobs: Snakemake then asks no more.
        """
        values = {getattr(node, name) for _, node in self._nodes.values()}
        if len(values) == 1 and name != "mem_mb" and not self._one_job:
            return math.ceil(values.pop())

        def resource(wildcards: Any, attempt: int = 1) -> Any:
            value = getattr(self._asked(wildcards.key)[1], name)
            return value * 2 ** (attempt - 1) if name == "mem_mb" else math.ceil(value)

        return _with_signature(resource)

    def _asked(self, key: str) -> tuple[StudyPlan, Node]:
        """The node of this key and the plan of a study that has it."""
        if key not in self._nodes and self._one_job and (plan := self.project.plan_with(key)):
            self._know(plan)
        if key not in self._nodes:
            raise UserError(f"node {key} is in no plan of the configured studies")
        return self._nodes[key]

    def _file(self, node: Node) -> str:
        """What tells Snakemake that a node is there: its provenance, or the stamp of the slice that computes it."""
        piece = self._slice_of.get(node.key)
        if piece:
            return f"{WORK}/bundle-{piece}/done"
        return self.output(node.stage).format(name=node.name, key=node.key)

    def output(self, stage: str) -> str:
        """What a job makes, with wildcards: the record that its node ends with, or the whole node as one file."""
        return (
            f"{PACKED}/{stage}/{{name}}-{{key}}.tar"
            if self._packed
            else f"{STORE}/{stage}/{{name}}-{{key}}/provenance.json"
        )

    # -- a slice of short nodes ---------------------------------------------------------------------------------

    def slice_inputs(self, wildcards: Any) -> list[str]:
        """Files of what its nodes need and do not make; none in its own job, which starts when all are there."""
        piece, plan = self._slice(wildcards)
        if self._one_job:
            return []
        own = set(piece.keys)
        return self._files(plan, dict.fromkeys(i for key in piece.keys for i in plan.nodes[key].inputs if i not in own))

    def slice_memory(self, wildcards: Any, attempt: int, threads: int) -> int:
        """MB for as many of its nodes as run at a time; doubles with each attempt."""
        piece, plan = self._slice(wildcards)
        return max(plan.nodes[key].mem_mb for key in piece.keys) * threads * 2 ** (attempt - 1)

    def slice_minutes(self, wildcards: Any) -> int:
        """Minutes for all of its nodes one after the other."""
        piece, plan = self._slice(wildcards)
        return math.ceil(sum(plan.nodes[key].minutes for key in piece.keys))

    def slice_job(self, wildcards: Any) -> dict[str, str]:
        """What its command and its lines say: `title`, `scale`."""
        piece, plan = self._slice(wildcards)
        title = f"{piece.study}, {len(piece.keys)} nodes from {plan.nodes[piece.keys[0]].title}"
        return {"title": title, "scale": self.project.scale}

    def _slice(self, wildcards: Any) -> tuple[Slice, StudyPlan]:
        piece = self._slices.get(wildcards.slice) or read_slice(self.project.store.work, wildcards.slice)
        plan = self.project.plan(piece.study)
        if lost := [key for key in piece.keys if key not in plan.nodes]:
            raise UserError(f"node {lost[0]} is in no plan of the configured studies")
        return piece, plan

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
        if self._slices:
            write_slices(self.project.store.work, self._slices.values())
        if snakemake.non_local_exec:
            # sbatch and squeue that ask a busy scheduler again
            os.environ["PATH"] = os.pathsep.join((str(self.project.root / "workflow" / "slurm"), os.environ["PATH"]))
        if snakemake.scheduler is not None and not snakemake.non_local_exec:
            # to enforce its rate Snakemake starts a timer per round, and each timer another round: quadratic in jobs
            snakemake.scheduler.job_rate_limiter = None

    def draw_after_failure(self) -> None:
        """Draw the page as things stand, so that a failed study is seen as failed, also where its job was killed."""
        store, nodes = self.project.store, {node.folder: node for _, node in self._nodes.values()}
        for folder in store.killed(nodes):
            told = killed(nodes[folder].stage)
            store.failure(nodes[folder].key).write(told)
            with contextlib.suppress(OSError), store.log(folder).open("a") as log:
                log.write(f"neurosieve: error: {told}\n")
        command = [sys.executable, "-m", "neurosieve", "report", "--scale", self.project.scale]
        drawn = subprocess.run(command, cwd=self.project.root, capture_output=True, text=True, check=False)
        if drawn.returncode:
            print(f"the page could not be drawn: {(drawn.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)


def _minutes_of_bundles(config: Mapping[str, Any]) -> float | None:
    """Minutes of one bundle, None without. Raises UserError for a key or value that the command line may not have."""
    unknown = set(config) - {"scale", "plan", "bundle"}
    if unknown:
        raise UserError(f"unknown config key '{sorted(unknown)[0]}'; allowed with --config: scale, plan, bundle")
    if config.get("plan", "full") != "full":
        raise UserError(f"--config plan={config['plan']}: only plan=full is known")
    minutes = config.get("bundle", 0)
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not 0 <= minutes < math.inf:
        raise UserError(f"--config bundle={minutes}: give the minutes of one submission, or 0 for no bundles")
    if minutes and "plan" in config:
        raise UserError("--config plan=full and bundle=… exclude each other; bundle=0 turns a profile's bundles off")
    return minutes or None


def _with_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same as a plain function that carries its signature, which Snakemake works out anew at every call."""

    def call(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    setattr(call, "__signature__", inspect.signature(function))  # noqa: B010 - functions declare no such attribute
    return call


def _leave(message: str) -> NoReturn:
    """End Snakemake at once with one line; nothing has been touched yet."""
    print(f"neurosieve: error: {message}", file=sys.stderr, flush=True)
    os._exit(1)


def _ancient(file: str) -> Any:
    from snakemake.io import ancient

    return ancient(file)


def _local(file: str) -> Any:
    from snakemake.io import local

    return local(file)
