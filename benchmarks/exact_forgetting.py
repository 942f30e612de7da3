"""What exact forgetting by shards costs: `python benchmarks/exact_forgetting.py [--seeds 11 12 13]`.

A study in a temporary folder: ResNet-9 on 5,000 handwritten digits, in one piece and in shards, and requests for 1, 4,
16 and 64 drawn training rows, answered by training those shards again that held them, by training in one piece again,
and by dampening. Prints a table: CPU time as a share of training again in one piece, and accuracy on retained test
rows. About two minutes of CPU time a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from neurosieve.artifacts.dataset import read_dataset
from neurosieve.jobs.run import run_node
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project

ROWS = (1, 4, 16, 64)
SHARDS = ((4, 1), (8, 1), (8, 2), (16, 1))
"""Shards, slices."""
CANDIDATES = {"alpha": [1, 3, 10, 30, 100, 1000], "lambda": [0.1, 1]}
RULE = {"metric": "accuracy", "split": "validation", "rule": "strongest-within", "margin": 0.01}


def study(seed: int, *, requests: bool) -> dict[str, Any]:
    """The study; without `requests` only what is trained before there are any."""
    train = {"use": "supervised.backprop", "epochs": 8}
    variants: dict[str, Any] = {"original": {"model": {"use": "vision.resnet9", "width": 8}, "train": train}}
    made: dict[str, Any] = {
        "question": "What does exact forgetting cost?",
        "dataset": {"use": "images.mnist5k", "size": 14, "scaling": "unit", "train": 400, "validation": 30, "test": 70},
        "seeds": [seed],
        "variants": variants,
        "evaluate": [{"use": "classification"}, {"use": "cost"}],
    }
    if requests:
        made["axes"] = {"rows": {str(n): {"forget": {"ids_file": f"data/requests/R-{n}.csv"}} for n in ROWS}}
        variants["retrained"] = {"base": "original", "rows": "retain"}
        variants["importance"] = {"from": "original", "analysis": {"use": "analysis.importance", "order": "stored"}}
        choose = {"use": "unlearning.ssd", "choose": {"among": CANDIDATES, "by": RULE}}
        variants["ssd"] = {"from": "original", "with": ["importance"], "unlearn": choose}
        for count, slices in SHARDS:
            variants[before(count, slices)] = {"base": "original", "shards": {"count": count, "slices": slices}}
            variants[after(count, slices)] = {"base": before(count, slices), "rows": "retain"}
    return made


def before(count: int, slices: int) -> str:
    """Name of the variant before any request."""
    return f"sharded{count}x{slices}"


def after(count: int, slices: int) -> str:
    """Name of the variant that answered one."""
    return f"after{count}x{slices}"


def ran(root: Path, content: dict[str, Any]) -> tuple[Project, StudyPlan]:
    """The project with every node of the study computed, in this process."""
    (root / "config" / "studies" / "exact.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    project = Project(root)
    plan = project.plan("exact")
    for node in plan.nodes.values():
        run_node(project, plan, node)
    return project, plan


def ask(root: Path, project: Project, plan: StudyPlan) -> None:
    """Write the requests: the first rows of one drawn order, so that each holds the one before."""
    dataset = next(node for node in plan.nodes.values() if node.stage == "prepare")
    ids = read_dataset(project.store.path(dataset.folder)).split("train").ids.tolist()
    random.Random(0).shuffle(ids)
    for n in ROWS:
        (root / "data" / "requests" / f"R-{n}.csv").write_text("\n".join(["sample_id", *ids[:n]]) + "\n")


def measured(root: Path, seed: int) -> pl.DataFrame:
    """Everything that was measured at one seed, seconds too."""
    for name in ("config/studies", "data/requests"):
        (root / name).mkdir(parents=True)
    (root / "config" / "config.yaml").write_text("scale: default\nstudies:\n  - exact\n")
    ask(root, *ran(root, study(seed, requests=False)))
    project, plan = ran(root, study(seed, requests=True))
    folder = project.store.path(plan.nodes[plan.verdict].folder)
    return pl.concat([pl.read_parquet(folder / f"{name}.parquet") for name in ("metrics", "timings")])


def table(rows: pl.DataFrame) -> list[str]:
    """The lines of the table, means over the seeds."""
    accuracy, seconds = _means(rows, "accuracy", "retain"), _means(rows, "intervention_seconds")
    head = " | ".join(f"{n} row{'s' * (n > 1)}" for n in ROWS)
    lines = [f"| training | accuracy | {head} |", "|---|---|" + "---|" * len(ROWS)]
    names = {f"{c} shards" + (f", {s} slices" if s > 1 else ""): (before(c, s), after(c, s)) for c, s in SHARDS}
    for words, (first, then) in {**names, "in one piece, dampened": ("original", "ssd")}.items():
        shares = [seconds[f"{then}@rows={n}"] / seconds[f"retrained@rows={n}"] for n in ROWS]
        costs = " | ".join(f"{share:.2f}" if share >= 0.01 else f"{share:.3f}" for share in shares)
        lines.append(f"| {words} | {accuracy[f'{first}@rows=1']:.3f} | {costs} |")
    for words, values in (
        ("accuracy after dampening", [accuracy[f"ssd@rows={n}"] for n in ROWS]),
        ("accuracy after training again", [accuracy[f"retrained@rows={n}"] for n in ROWS]),
        ("seconds to train again in one piece", [seconds[f"retrained@rows={n}"] for n in ROWS]),
    ):
        lines.append(f"{words}: {min(values):.3f} to {max(values):.3f}")
    return lines


def _means(rows: pl.DataFrame, metric: str, split: str | None = None) -> dict[str, float]:
    """Mean over seeds by variant."""
    wanted = rows.filter(pl.col("metric") == metric)
    if split:
        wanted = wanted.filter(pl.col("split") == split)
    return dict(wanted.group_by("variant").agg(pl.col("value").mean()).iter_rows())


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11])
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):  # what jobs log
        frames = [measured(Path(folder) / str(seed), seed) for seed in parser.parse_args().seeds]
    print("\n".join(table(pl.concat(frames))))


if __name__ == "__main__":
    main()
