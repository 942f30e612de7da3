"""Metadata that others read: a study's run as a Workflow Run RO-Crate, its datasets as Croissant."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from neurosieve.errors import UserError
from neurosieve.plan.project import Project


def export_metadata(project: Project, study: str, output: Path) -> Iterator[str]:
    """Write `crate/` and `croissant/<dataset>-<key>/` into a new folder; what to print.

    Raises UserError when the libraries are absent, the folder is there and not empty, or the study is not complete.
    """
    for package in ("rocrate", "mlcroissant"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"the package {package} is not installed; `pip install -e '.[metadata]'` brings it")
    if output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty; name another folder, or delete it")
    plan = project.plan(study)
    missing = sum(not project.store.exists(node.folder) for node in plan.nodes.values())
    if missing:
        raise UserError(f"{missing} nodes of {study} are not computed; `snakemake {study}` computes them")

    from neurosieve.metadata.crate import write_crate
    from neurosieve.metadata.croissant import write_croissant

    actions = write_crate(project, plan, output / "crate")
    yield f"{output / 'crate'}: {actions} actions"
    for node in plan.nodes.values():
        if (project.store.path(node.folder) / "dataset.json").is_file():
            folder = output / "croissant" / f"{node.name}-{node.key}"
            rows = write_croissant(project, node, plan.settings["paper"], folder)
            yield f"{folder}: {rows} records"
