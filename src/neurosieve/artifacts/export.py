"""Exports: the artifact of one target, `export.json`, and parity and cost rows in the metrics schema."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure


class ExportRecord(BaseModel):
    """What an export tells of itself. `files` lie beside `export.json`; `facts` are free (opset, runtime, …).

    `measures` hold parity (`max_logit_difference`), `size_bytes`, and latency as timings; they become the
    node's `metrics.parquet` and `timings.parquet`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    target: str
    files: tuple[str, ...]
    runtime: str
    facts: dict[str, str | int | float | bool | list[int]] = {}
    measures: tuple[Measure, ...] = ()
