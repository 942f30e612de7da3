"""The view model: all that the report page shows, and nothing else. Filled from the store, rendered by `page.render`.

Numbers are in the units of the vocabulary (shares, seconds, bytes); the page rounds them and keeps the full value
in `<data value>`. Times are those of the run, read from provenance; nothing here reads a clock.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    """Wall seconds of the last run, from its first node's start to its last node's end; None where unknown."""
    from_store: int | None = None
    """Nodes that an earlier run had made; None where it is not known."""
    date: str = ""
    """Day on which the last run started, `2026-11-24`."""


class Cost(Part):
    """What the jobs of one stage of one study took: sums over its nodes, and the most memory that one of them used."""

    study: str
    stage: str
    nodes: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float | None = None


class Slow(Part):
    """One of the slowest nodes: what asked for it first, its name and key, and what it took."""

    title: str
    stage: str
    name: str
    key: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float | None = None


class Summary(Part):
    """What all claims say together: counts over every study shown, and how many would hold by luck."""

    decided: int = 0
    """Claims that hold or fail."""
    holds: int = 0
    holds_firmly: int = 0
    exact: int = 0
    """Decided claims that hold by construction or accounting."""
    luck: float = 0.0
    """Claims that would hold were every effect exactly on its threshold, exact ones apart."""
    q: dict[str, float] = {}
    """Benjamini-Hochberg q by `study/claim`, of the claims that have a p-value."""


class Certificate(Part):
    """One answered request to forget: file below `certificates/`, what it says of itself, and how that looks."""

    file: str
    title: str
    study: str = ""
    rows: int | None = None
    passed: int = 0
    tests: int = 0
    issued: str = ""
    verdict: Literal["holds", "inconclusive", "fails", "undecided"]
    """The verdict whose mark it gets; its words are `says`."""
    says: str
    remark: str = ""


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
    n: int | None = None
    """Rows (items) behind each value; None where that varies or does not apply."""
    models: dict[int | None, str] = {}
    """Key of the model that was measured, by seed."""

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return sum(self.values.values()) / len(self.values)


class TargetRow(Part):
    """One hardware target of one variant; what was measured on it are metric rows. `missing`: why there are none.

    `machines`: what of the CPU decides how products are summed, of the machines that compared it with its network.
    """

    variant: str
    target: str
    missing: str = ""
    machines: tuple[str, ...] = ()


class LayerRow(Part):
    """What an intervention did to one parameter tensor, by seed: how many of its elements it selected."""

    variant: str
    layer: str
    elements: int
    selected: dict[int | None, int]


class History(Part):
    """When a claim's criterion last changed, from the history of the study's file."""

    commit: str = ""
    """Commit that gave the criterion its present hash; empty where that is not known."""
    date: str = ""
    younger: bool | None = None
    """Whether that commit is no ancestor of the commit behind the result; None where one of them is unknown."""
    line: str = ""
    """Why the commit is not known."""
    earlier: tuple[str, ...] = ()
    """Verdicts on earlier forms of the criterion that are still in the store, in words."""


class Samples(Part):
    """Up to 40 rows of the dataset as the network sees them: grey images, 0 is no ink, 255 is full ink."""

    images: tuple[tuple[tuple[int, ...], ...], ...] = Field((), max_length=40)
    """[samples, height, width], each 0..255."""
    labels: tuple[str, ...] = ()


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
    content: str = ""
    """Content hash of the node."""
    settings: tuple[str, ...] = ()
    """Settings of the study that use it, `setting=random`; empty: all of them."""
    samples: Samples | None = None


class Node(Part):
    """One row of the provenance table: nodes of one stage and name, one per seed and setting."""

    stage: str
    name: str
    key: str
    """Key of the first of them."""
    nodes: int = 1
    component: str = ""
    cpu_seconds: float | None = None
    peak_memory_mb: float | None = None
    seeds: tuple[int, ...] = ()
    from_store: bool | None = None
    """Whether an earlier run had made all of them; None where it is not known."""
    date: str = ""
    """Day of the latest of them."""


class FigureTitle(Part):
    """A figure's finding in words, and the verdicts without which it is not claimed."""

    name: str
    title: str
    when: dict[str, str]


class FigureSpec(Part):
    """A figure that a study's file declares: `metric` over the axis `x`, one curve (lane, row) per value of `by`."""

    name: str
    kind: Literal["lines", "raster", "dots"] = "lines"
    """Curves of metric rows, lanes of the rows of items.parquet (`x` is then the item's number), or one dot per value
    of `by` (per variant where it has none), the largest first; `x` is not used."""
    metric: str
    x: str = ""
    over: Literal["mean", "rms"] = "mean"
    """What a dot shows of all runs: their mean, or the root of their mean square."""
    by: str = "variant"
    panel: str = ""
    """Axis with a panel per value."""
    split: str = ""
    target: str = "native"
    variants: tuple[str, ...] = ()
    """Variants that are drawn; empty: all that have the metric."""
    at: dict[str, Any] = {}
    """Values of other axes: `{omega: 60}`; a list allows each of its values."""
    theory: str = ""
    """Metric that is drawn as a dashed line beside."""
    log: tuple[Literal["x", "y"], ...] = ()
    words: str = ""
    """What the measure is called."""
    x_words: str = ""
    """What the axis is called."""
    question: str = ""
    """Title while nothing is claimed."""
    sub: str = ""
    title: str = ""
    when: dict[str, str] = {}

    @model_validator(mode="after")
    def _has_x(self) -> FigureSpec:
        if not self.x and self.kind != "dots":
            raise ValueError(f"figure {self.name} needs the axis `x`")
        return self


class Series(Part):
    """Rows of items.parquet in order: one metric of one variant, split and seed, `y` at the items' numbers `x`."""

    variant: str
    metric: str
    seed: int | None = None
    split: str = ""
    at: str = ""
    x: tuple[float, ...]
    y: tuple[float, ...]


class Attack(Part):
    """What one attack on one model found (`neurosieve.evaluation.evidence.Finding`)."""

    name: str
    outcome: str | None
    """no trace, not resolvable, trace found; None: reported, decides nothing."""
    estimate: float
    low: float
    high: float
    null_low: float | None
    null_high: float | None
    margin: float | None
    n: int
    unit: str
    half_width: float
    smallest_fpr: float
    why: str


class Evidence(Part):
    """The attacks on one variant, native or on a target, and what they say together."""

    variant: str
    target: str
    seed: int | None
    outcome: str
    attacks: tuple[Attack, ...]
    remarks: tuple[str, ...] = ()


class StudyState(Part):
    """One study: its page and its row in the ledger."""

    slug: str
    question: str = ""
    answer: str | None = None
    """Template (`report.answer`): names in braces are filled with measured numbers."""
    answer_for: dict[str, str] = {}
    """Verdict by claim that the answer was written for; with another one it is withheld."""
    titles: tuple[FigureTitle, ...] = ()
    figures: tuple[FigureSpec, ...] = ()
    """Figures that the study's file declares beside those that every study has."""
    series: tuple[Series, ...] = ()
    """Sequences that its declared figures show."""
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
    datasets: tuple[Dataset, ...] = ()
    stands_in_for: str = ""
    differs: str = ""
    """How data and settings differ from the paper's, in words."""
    forgotten: dict[str, dict[int | None, str]] = {}
    """Rule of the rows forgotten, by setting (`setting=full-class`; empty: the only one) and seed."""
    claims: tuple[dict[str, Any], ...] = ()
    """Verdict records of `neurosieve.evaluation.claims`, dumped."""
    pilots: dict[str, str] = {}
    """Remark by claim (`*`: every claim) that its criterion was written after a pilot."""
    histories: dict[str, History] = {}
    """History of each claim's criterion."""
    roles: dict[str, Role] = {}
    """Role by variant; a variant that is not named here gets its role from its name (`rows.role_of`)."""
    chains: dict[str, tuple[str, ...]] = {}
    """Steps from training to each variant, in order: `("unlearn", "prune")`; empty for a training."""
    layers: tuple[LayerRow, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    not_exported: str = ""
    """Why nothing of the study goes to hardware."""
    nodes: tuple[Node, ...] = ()
    packages: dict[str, str] = {}
    commands: tuple[tuple[str, str], ...] = ()
    """Commands of Reproduce with a word on each: `(command, remark)`. Empty: the usual ones."""
    machines: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    """Commits of the code that made its nodes."""
    config: str = ""
    """Path of the study's YAML below the repository."""
    to_compute: int = 0
    last_complete: str = ""
    """Key and day of the last complete state, where the study has changed since."""

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
    summary: Summary = Summary()
    costs: tuple[Cost, ...] = ()
    slowest: tuple[Slow, ...] = ()
    certificates: tuple[Certificate, ...] = ()
