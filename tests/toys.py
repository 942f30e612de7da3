"""Projects with the tiny components of tests/pipeline/overlay, planned and run in this process."""

from __future__ import annotations

import atexit
import copy
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.model import Model, read_model
from neurosieve.jobs.run import run_node
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from tests.pipeline.sandbox import OVERLAY, ROOT, STUDY, Sandbox


def study(**changes: Any) -> dict[str, Any]:
    """A copy of the tiny study with some keys replaced."""
    return {**copy.deepcopy(STUDY), **changes}


def bare(variants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A tiny study of these variants at seed 11, of one scale, without targets, evaluations and claims if not given."""
    fields = {"seeds": [11], "targets": {}, "evaluate": [], "claims": [], "scales": {}, **changes, "variants": variants}
    return study(**copy.deepcopy(fields))


ORIGINAL: dict[str, Any] = {"model": {"use": "toy.centroid"}, "train": {"use": "toy.fit"}}


@cache
def sources() -> Path:
    """A copy of the package with the tiny components in it, which this process can then import too."""
    folder = Path(tempfile.mkdtemp(prefix="neurosieve-toys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = folder / "neurosieve"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "neurosieve", root, ignore=ignore)
    shutil.copytree(OVERLAY, root, dirs_exist_ok=True, ignore=ignore)
    for here in [path for path in OVERLAY.rglob("*") if path.is_dir() and path.name != "__pycache__"]:
        relative = here.relative_to(OVERLAY)
        if (ROOT / "src" / "neurosieve" / relative / "__init__.py").is_file():
            importlib.import_module(".".join(("neurosieve", *relative.parts))).__path__.append(str(here))
    return root


@cache
def source() -> Source:
    """The sources, parsed once for all tests."""
    return Source(sources())


def project(root: Path, studies: dict[str, Any] | None = None, scale: str | None = None, **settings: Any) -> Project:
    """A project folder with these studies (the tiny one by default)."""
    root.mkdir(parents=True, exist_ok=True)
    Sandbox(root).configure({"tiny": STUDY} if studies is None else studies, **settings)
    made = Project(root, scale)
    made.source = source()
    return made


def again(root: Path, scale: str | None = None) -> Project:
    """The project of a folder that is there, as a new process sees it, but for the sources."""
    made = Project(root, scale)
    made.source = source()
    return made


def planned(root: Path, content: dict[str, Any], scale: str | None = None, **settings: Any) -> StudyPlan:
    """The plan of one study."""
    return project(root, {"tiny": content}, scale, **settings).plan("tiny")


def run(made: Project, slug: str = "tiny") -> StudyPlan:
    """Compute every node of a study in plan order, as jobs do."""
    plan = made.plan(slug)
    with numba_undisturbed():
        for node in plan.nodes.values():
            run_node(made, plan, node)
    return plan


def ran(root: Path, content: dict[str, Any], scale: str | None = None) -> tuple[Project, StudyPlan]:
    """A project with one study, computed."""
    made = project(root, {"tiny": content}, scale)
    return made, run(made)


@contextmanager
def numba_undisturbed() -> Iterator[None]:
    """Jobs point numba's cache into their project; tests after this one want their own back."""
    config = sys.modules["numba"].config if "numba" in sys.modules else None
    before, own = os.environ.get("NUMBA_CACHE_DIR"), config and config.CACHE_DIR
    try:
        yield
    finally:
        os.environ.pop("NUMBA_CACHE_DIR", None)
        if before is not None:
            os.environ["NUMBA_CACHE_DIR"] = before
        if config is not None:
            config.CACHE_DIR = own


def model_node(plan: StudyPlan, variant: str, seed: int | None = 11) -> Node:
    """The node that made a variant's model at a point and seed."""
    (cell,) = [c for c in plan.cells if (c.variant, c.seed, c.target) == (variant, seed, "native")]
    return plan.nodes[cell.model]


def directory(made: Project, node: Node) -> Path:
    """Where a node lies."""
    return made.store.path(node.folder)


def metrics(made: Project, plan: StudyPlan) -> pl.DataFrame:
    """The collected metrics of a computed study."""
    return pl.read_parquet(directory(made, plan.nodes[plan.verdict]) / "metrics.parquet")


def loaded(made: Project, plan: StudyPlan, node: Node) -> Model:
    """The model that a node made."""
    store = made.store
    return read_model(directory(made, node), lambda key: store.path(plan.nodes[key].folder), key=node.key)


def centres(made: Project, plan: StudyPlan, variant: str, seed: int | None = 11) -> np.ndarray:
    """Centres of a variant's system [classes, 2]."""
    return loaded(made, plan, model_node(plan, variant, seed)).system.state["centres"]
