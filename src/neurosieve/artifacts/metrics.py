"""Metrics: one tidy schema for all studies, timings apart, per-item rows apart.

A node writes `metrics.parquet`, `timings.parquet` (values that differ between two runs: seconds, ratios of
seconds) and `items.parquet` (the same with `item` in place of `n`). A node does not know which study asks for
it, so study, variant, scale and unit are filled in when the verdict stage collects a study's table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

NODE_SCHEMA = {
    "variant": pl.String,
    "target": pl.String,
    "seed": pl.Int64,
    "metric": pl.String,
    "split": pl.String,
    "at": pl.String,
    "value": pl.Float64,
    "n": pl.Int64,
}
ITEM_SCHEMA = {**{k: v for k, v in NODE_SCHEMA.items() if k != "n"}, "item": pl.String}
COLLECTED = (
    "study",
    "variant",
    "target",
    "seed",
    "scale",
    "metric",
    "split",
    "at",
    "value",
    "unit",
    "n",
    "model",
)


@dataclass(frozen=True)
class Measure:
    """One measured number.

    `split` is the split it belongs to ("" for sizes, counts and times), `n` the rows behind it, `at` the metric's
    own axes (`{"task": 3}`), `item` the row it describes (then it goes to `items.parquet`), `timing` marks
    what differs between two runs. `variant`, `target` and `seed` are only for evaluations that look at a whole
    study, at several targets, or at replicates; otherwise the node's own are meant.
    """

    metric: str
    value: float
    split: str = ""
    n: int = 0
    at: dict[str, object] | None = None
    item: str | None = None
    timing: bool = False
    variant: str | None = None
    target: str | None = None
    seed: int | None = None


def axes_text(axes: dict[str, object] | None) -> str:
    """`{"b": 2, "a": 1}` -> `a=1,b=2`: how axis points are written everywhere."""
    return ",".join(f"{name}={axes[name]}" for name in sorted(axes)) if axes else ""


def frame(measures: Iterable[Measure]) -> pl.DataFrame:
    """Measures as the frame an evaluation returns: NODE_SCHEMA plus `item` and `timing`."""
    rows = [{**asdict(m), "at": axes_text(m.at), "value": float(m.value)} for m in measures]
    return pl.DataFrame(rows, schema={**NODE_SCHEMA, "item": pl.String, "timing": pl.Boolean})


def write_metrics(directory: Path, measured: pl.DataFrame) -> None:
    """Split an evaluation's frame into `metrics.parquet`, `timings.parquet` and `items.parquet` (if any), sorted."""
    metrics = measured.filter(pl.col("item").is_null() & ~pl.col("timing"))
    timings = measured.filter(pl.col("item").is_null() & pl.col("timing"))
    items = measured.filter(pl.col("item").is_not_null())
    _write(directory / "metrics.parquet", metrics.select(list(NODE_SCHEMA)))
    if len(timings):
        _write(directory / "timings.parquet", timings.select(list(NODE_SCHEMA)))
    if len(items):
        _write(directory / "items.parquet", items.select(list(ITEM_SCHEMA)))


def read_metrics(directory: Path, name: str = "metrics") -> pl.DataFrame | None:
    """`metrics`, `timings` or `items` of a node; None where it wrote none."""
    path = directory / f"{name}.parquet"
    return pl.read_parquet(path) if path.exists() else None


def _write(path: Path, rows: pl.DataFrame) -> None:
    rows.sort(rows.columns, nulls_last=True).write_parquet(path, compression="uncompressed", statistics=False)
