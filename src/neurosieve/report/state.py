"""The view model: all that the report page shows, and nothing else. Filled from the store, rendered by `page.render`.

Numbers are in the units of the vocabulary (shares, seconds, bytes); the page rounds them and keeps the full value
in `<data value>`. Times are those of the run, read from provenance; nothing here reads a clock.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

STAGES = ("prepare", "train", "intervene", "export", "evaluate", "verdict", "report")

State = Literal["complete", "incomplete", "failed", "changed", "skipped", "not run"]
Role = Literal["original", "retrained", "method", "baseline"]


class Part(BaseModel):
    """Base of the view model: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StageTotal(Part):
    """What one stage did: nodes that exist, and their CPU seconds."""

    stage: str
    nodes: int = 0
    cpu_seconds: float = 0.0


class Run(Part):
    """Totals of all studies shown."""

    stages: tuple[StageTotal, ...] = ()
    wall_seconds: float | None = None
    """Wall seconds of the run that wrote the page; None where it is not known."""
    from_store: int | None = None
    """Nodes that an earlier run had made; None where it is not known."""


class Paper(Part):
    """The published system behind a study."""

    title: str
    authors: str = ""
    year: int | None = None
    arxiv: str = ""
    """arXiv identifier, without address."""
    code: str = ""
    """Address of the authors' code."""


class Failure(Part):
    """One node that failed: stage, its one-line error, its log and the command that runs it again."""

    stage: str
    title: str
    error: str
    log: str = ""
    rerun: str = ""


class MetricRow(Part):
    """One metric of one variant (and target) with the value of every seed."""

    variant: str
    metric: str
    values: dict[int | None, float]
    """Value by seed; the seed is None where nothing is drawn."""
    target: str = "native"
    split: str = ""
    at: str = ""
    """Axes of the metric or of the variant's point, `axis=value,…`."""
    unit: str = ""
    direction: Literal["higher", "lower", "ref"] = "ref"
    timing: bool = False
    """Seconds, or a ratio of seconds: differs between two runs."""

    @property
    def mean(self) -> float:
        return sum(self.values.values()) / len(self.values)


class TargetRow(Part):
    """One hardware target of one variant, as its export measured it; `missing` says why there is none."""

    variant: str
    target: str
    size_bytes: float | None = None
    max_logit_difference: float | None = None
    latency_ratio: dict[str, float] = {}
    """Median time over that of the network, by what it was measured at (`batch=1`)."""
    missing: str = ""


class Dataset(Part):
    """The dataset of a study: content of `dataset.json`, and what the page adds."""

    name: str
    origin: Literal["real", "rendered", "simulated"]
    source: str = ""
    licence: str = ""
    counts: dict[str, int] = {}
    """Rows by split."""
    class_names: tuple[str, ...] = ()
    input_shape: tuple[int, ...] = ()
    notes: str = ""
    stands_in_for: str = ""
    content: str = ""
    """Content hash of the node."""


class Samples(Part):
    """Up to 40 rows of the dataset as the network sees them: grey images, 0 is no ink, 255 is full ink."""

    images: tuple[tuple[tuple[int, ...], ...], ...] = Field((), max_length=40)
    """[samples, height, width], each 0..255."""
    labels: tuple[str, ...] = ()


class Node(Part):
    """One row of the provenance table: nodes of one stage and name, one per seed."""

    stage: str
    name: str
    key: str
    component: str = ""
    cpu_seconds: float | None = None
    peak_memory_mb: float | None = None
    seeds: tuple[int, ...] = ()
    from_store: bool | None = None
    """Whether an earlier run had made it; None where it is not known."""


class StudyState(Part):
    """One study: its page and its row in the ledger."""

    slug: str
    question: str = ""
    answer: str | None = None
    paper: Paper | None = None
    family: str = ""
    state: State = "complete"
    state_line: str = ""
    """What is behind `incomplete`, `changed` or `skipped`, where it is more than the node count."""
    nodes_done: int = 0
    nodes_total: int = 0
    failures: tuple[Failure, ...] = ()
    scale: str = "default"
    seeds: tuple[int, ...] = ()
    dataset: Dataset | None = None
    samples: Samples | None = None
    claims: tuple[dict[str, Any], ...] = ()
    """Verdict records of `neurosieve.evaluation.claims`, dumped."""
    roles: dict[str, Role] = {}
    """Role by variant; a variant that is not named here gets its role from its name (`figures.role_of`)."""
    metrics: tuple[MetricRow, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    nodes: tuple[Node, ...] = ()
    packages: dict[str, str] = {}
    commands: tuple[tuple[str, str], ...] = ()
    """Commands of Reproduce with a word on each: `(command, remark)`. Empty: the usual ones."""
    config: str = ""
    """Path of the study's YAML below the repository."""

    @property
    def cpu_seconds(self) -> float:
        return sum(node.cpu_seconds or 0.0 for node in self.nodes)


class Site(Part):
    """Everything the report shows."""

    studies: tuple[StudyState, ...] = ()
    scale: str = "default"
    generated_from: str | None = None
    """Commit of the code behind the results; None where there is no git history."""
    version: str = ""
    run: Run = Run()
