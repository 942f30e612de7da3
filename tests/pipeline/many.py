"""A synthetic project of many small studies, and a store that looks as if all of it had run.

Studies differ in one parameter, so all their nodes differ; datasets are shared. Components are the tiny ones of
`overlay`: they do next to nothing, so what is measured is what surrounds them.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import polars as pl

from neurosieve.artifacts.hashes import sha256_of
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project
from tests.pipeline.sandbox import Sandbox

VARIANTS: dict[str, Any] = {
    "original": {"model": {"use": "toy.centroid"}, "train": {"use": "toy.fit"}},
    "retrained": {"base": "original", "rows": "retain"},
    "counted": {"from": "original", "analysis": {"use": "analysis.toy_count"}},
    "drop": {"from": "original", "with": ["counted"], "unlearn": {"use": "unlearning.toy_drop", "far": 50}},
    "drop-again": {"from": "drop", "unlearn": {"use": "unlearning.toy_drop", "far": 10}},
    "shifted": {"from": "drop", "adapt": {"use": "adaptation.toy_shift", "by": 0.5}},
}
WORKER = """
--cores 1 --attempt 1 --force-use-threads --force --target-files-omit-workdir-adjustment --max-inventory-time 0
--retries 0 --nocolor --no-hooks --nolock --ignore-incomplete --rerun-triggers mtime --latency-wait 5
--scheduler greedy --mode remote"""
"""How an executor plugin of Snakemake 9 starts a job on a worker."""
SPREAD = {"metric": "error", "split": "test", "of": "drop", "at": {"of": "centre"}}
SEEDS = [11, 12, 13]


def study(number: int, per_variant: bool) -> dict[str, Any]:
    """Six variants at three seeds; study-wide metrics, and with `per_variant` those of every variant too."""
    variants = json.loads(json.dumps(VARIANTS))
    variants["original"]["train"]["noise"] = (number + 1) / 1e6
    every = [{"use": "toy_accuracy", "of": list(VARIANTS)}] if per_variant else []
    left = {"metric": "accuracy", "split": "forget", "of": "drop"} if per_variant else SPREAD
    claim = {
        "id": "T1",
        "says": "Dropping forgets the class.",
        "paper": "none",
        "metrics": [left["metric"]],
        "variants": ["drop"],
        "criterion": {"left": left, "is": "at_least", "right": 0},
    }
    return {
        "question": f"Do the tiny centres of study {number} forget?",
        "dataset": {"use": "toy.points", "rows": 2},
        "forget": {"where": "label = 1"},
        "seeds": SEEDS,
        "variants": variants,
        "evaluate": [{"use": "toy_spread"}, *every],
        "claims": [claim],
    }


def make(root: Path, studies: int, per_variant: bool = False, environment: dict[str, str] | None = None) -> Sandbox:
    """The project with so many studies, `s0000` and on; nothing has run."""
    return Sandbox.make(root, {f"s{number:04d}": study(number, per_variant) for number in range(studies)}, environment)


def fill(box: Sandbox) -> int:
    """Give every study the nodes that a run would have made: the first study's, renamed. How many nodes there are.

    The first study must have run, and all plans must be cached.
    """
    project = Project(box.root)
    project.source = Source(box.root / "src" / "neurosieve")
    plans = list(project.plans().values())
    first = plans[0]
    for plan in plans[1:]:
        renamed = {old.key: new for old, new in zip(first.nodes.values(), plan.nodes.values(), strict=True)}
        keys = {key: node.key for key, node in renamed.items()} | {first.slug: plan.slug}
        for old, new in ((first.nodes[key], node) for key, node in renamed.items()):
            if not project.store.exists(new.folder):
                _copy(project, first, old, new, keys)
    return len(project.store.present())


def _copy(project: Project, plan: StudyPlan, old: Node, new: Node, keys: dict[str, str]) -> None:
    """A node under another key: data by hard link, text and tables with the keys replaced in them."""
    source, target = project.store.path(old.folder), project.store.path(new.folder)
    target.mkdir(parents=True)
    changed = {}
    for path in sorted(source.iterdir()):
        if path.name == "provenance.json":
            continue
        content = _renamed(path, keys) if old.stage == "verdict" else None
        if content is None:
            os.link(path, target / path.name)
        else:
            (target / path.name).write_bytes(content)
            changed[path.name] = sha256_of(target / path.name)
    record = json.loads((source / "provenance.json").read_text())
    record |= {"key": new.key, "name": new.name, "recipe": dict(new.recipe), "asked_by": new.title}
    for files in (record["files"], record["run"]["files"]):
        files |= {name: digest for name, digest in changed.items() if name in files}
    (target / "provenance.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _renamed(path: Path, keys: dict[str, str]) -> bytes | None:
    if path.suffix == ".json":
        text = path.read_text()
        for old, new in keys.items():
            text = text.replace(old, new)
        return text.encode()
    if path.suffix == ".parquet":
        texts = [name for name, kind in pl.read_parquet_schema(path).items() if kind == pl.String]
        buffer = io.BytesIO()
        pl.read_parquet(path).with_columns(pl.col(texts).replace(keys)).write_parquet(buffer)
        return buffer.getvalue()
    return None


def run_first(box: Sandbox) -> None:
    """Run the first study and have every study planned."""
    for arguments in (("s0000", "-q", "all"), ("-n", "-q", "all")):
        ran = box.snakemake(*arguments)
        assert ran.code == 0, ran.output


def worker(box: Sandbox, stage: str, node: str) -> list[str]:
    """The command of a cluster's Snakemake for one node, `name-key`."""
    name, _, key = node.rpartition("-")
    job = ["--target-jobs", f"{stage}:name={name},key={key}", "--allowed-rules", stage]
    return ["snakemake", "--snakefile", str(box.root / "Snakefile"), *job, *WORKER.split()]
