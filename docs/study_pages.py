"""The pages docs/studies/<slug>.md and their index, from the typed studies of config/studies/ and their components.

They say what a study is and how it is decided: no verdict and no measured number, which only the report page shows.
Nothing is planned: that needs raw data, which differ from machine to machine. `docs/generate.py` writes the pages.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from study_data import data_rows
from study_words import cell, code, criterion_lines, flow, inline, link, table

from neurosieve.evaluation.claims.grammar import Claim, parse_claims
from neurosieve.plan import yaml12
from neurosieve.plan.components import find
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.grid import Cells
from neurosieve.plan.planner import FORGET
from neurosieve.plan.settings import SCALES, Scale
from neurosieve.plan.study import LoadedStudy, Resources, StepUse, Use, Variant, load_study
from neurosieve.views.site import notes

WRITTEN = "<!-- written by `make docs` from {}: do not edit -->"
ROWS = {"all": "all rows", "retain": "retained rows", "forget": "forgotten rows"}
NOT_SHOWN = {"field", "answer-for"}
"""Keys of `notes:` that have another place, or that speak of results."""


class Described(NamedTuple):
    """One study at every scale, and what its file says of scales."""

    loaded: LoadedStudy
    scales: dict[Scale, LoadedStudy]
    raw: Mapping[str, Any]
    claims: list[Claim]
    source: Source

    @property
    def cells(self) -> Cells:
        return Cells(self.loaded)


def pages(root: Path, source: Source) -> dict[str, str]:
    """Every page by its path below docs/. Raises UserError for a study that is malformed."""
    described = [read(path, source) for path in sorted((root / "config" / "studies").glob("*.yaml"))]
    texts = {f"studies/{one.loaded.slug}.md": page(one) for one in described}
    return {"studies/README.md": index(described), **texts}


def read(path: Path, source: Source) -> Described:
    """One study file."""
    scales = {scale: load_study(path, scale) for scale in SCALES}
    for one in scales.values():
        Cells(one).check_tree()
    loaded = scales["default"]
    return Described(loaded, scales, yaml12.load(path), parse_claims(loaded.slug, loaded.study.claims), source)


def index(described: Iterable[Described]) -> str:
    """docs/studies/README.md."""
    rows = []
    for one in sorted(described, key=lambda one: (one.loaded.study.notes.get("field", "~"), one.loaded.slug)):
        study, slug = one.loaded.study, one.loaded.slug
        paper = f"{study.paper.title} ({study.paper.year})" if study.paper else "–"
        field = study.notes.get("field", "–")
        rows.append([link(slug, f"{slug}.md"), cell(study.question), cell(paper), cell(field),
                     len(study.variants), len(study.claims) or "–"])  # fmt: skip
    intro = [
        "# Studies",
        "",
        WRITTEN.format("config/studies/"),
        "",
        "What each study asks, of which data, by which steps, and what decides its claims, from its file. What came",
        "out is on the page that a run draws, `results/report/index.html`.",
        "",
    ]
    return "\n".join([*intro, *table(["study", "question", "paper", "field", "variants", "claims"], rows), ""])


def page(one: Described) -> str:
    """docs/studies/<slug>.md."""
    parts = {
        "How to run it": run_lines(one),
        "Data": data_lines(one),
        "Settings": setting_lines(one),
        "Variants": [*graph(one), "", *variant_lines(one)],
        "Measured by": evaluation_lines(one),
        "Claims": claim_lines(one),
        "Departures from the paper" if one.loaded.study.paper else "Remarks": departure_lines(one),
        "Scales": scale_lines(one),
        "Budget": budget_lines(one),
        "Components": component_lines(one),
    }
    body = [line for title, lines in parts.items() if lines for line in (f"## {title}", "", *lines, "")]
    return "\n".join([*head_lines(one), *body])


def head_lines(one: Described) -> list[str]:
    """Title, question, paper."""
    study, slug = one.loaded.study, one.loaded.slug
    file = f"config/studies/{slug}.yaml"
    where = f"Study file: {link(code(file), f'../../{file}')}. All studies: [index](README.md)."
    lines = [f"# {slug}", "", WRITTEN.format(f"{file} and docstrings"), "", f"**{inline(study.question)}**", ""]
    if (paper := study.paper) is None:
        return [*lines, f"A study of its own, without a paper behind it. {where}", ""]
    by = f"{inline(paper.authors)}{f' ({paper.year})' if paper.year else ''}. " if paper.authors else ""
    places = [link(f"arXiv {paper.arxiv}", f"https://arxiv.org/abs/{paper.arxiv}")] if paper.arxiv else []
    places += [link("the authors' code", paper.code)] if paper.code.startswith(("https://", "http://")) else []
    linked = f" {' · '.join(places)}." if places else ""
    return [*lines, f"{by}*{inline(paper.title)}*.{linked}", "", where, ""]


def run_lines(one: Described) -> list[str]:
    """Commands."""
    slug = one.loaded.slug
    rows = [
        (f"make STUDY={slug}", "runs it and draws its page"),
        (f".venv/bin/snakemake {slug} --config scale=smoke", "within seconds: mechanics only, decides no claim"),
        (f".venv/bin/neurosieve plan {slug}", "every node, done or to do"),
        (f".venv/bin/neurosieve verdicts {slug}", "what it decided"),
    ]
    width = max(len(command) for command, _ in rows)
    return ["```console", *(f"{command:{width}}  # {remark}" for command, remark in rows), "```"]


def data_lines(one: Described) -> list[str]:
    """Datasets at every scale, and which rows are forgotten."""
    rows = [
        [cell(row.name), cell(row.origin), cell(row.source), cell(row.licence), code(row.use), cell(row.used_by)]
        for row in data_rows(one.scales, one.source)
    ]
    lines = table(["name", "origin", "source", "licence", "component", "used by"], rows)
    forget = one.loaded.study.forget
    return [*lines, "", f"Rows to forget: {code(flow(forget))}."] if forget else lines


def setting_lines(one: Described) -> list[str]:
    """The axes that cross all variants."""
    lines: list[str] = []
    for axis, values in one.loaded.study.axes.items():
        rows = [
            [code(name), code(flow(value.dataset)), code(flow(value.forget)), code(flow(value.bind)),
             code(flow(value.set))]
            for name, value in values.items()
        ]  # fmt: skip
        heads = [f"`{axis}`", "data", "rows to forget", "by seed", "parameters set"]
        lines += [*table(heads, rows), ""]
    if lines:
        lines.insert(0, "Every variant is computed at each of these, unless it names those it is made for.\n")
    return lines[:-1]


def graph(one: Described) -> list[str]:
    """The tree of variants: an arrow is a step, a dotted one gives tensors that the step reads."""
    study = one.loaded.study
    ids = {name: f"v{number}" for number, name in enumerate(study.variants)}
    used = dict.fromkeys(row.use for row in data_rows({"default": one.loaded}, one.source))
    lines = ["```mermaid", "graph LR", f'  data[("{"<br/>".join(used)}")]']
    for name, variant in study.variants.items():
        opening, closing = ("([", "])") if variant.from_ is None else ("[/", "/]") if variant.analysis else ("[", "]")
        uses = (use.use for use in uses_of(variant).values())
        label = "<br/>".join([name, *uses, *([ROWS[variant.rows]] if variant.rows != "all" else [])])
        lines.append(f'  {ids[name]}{opening}"{label}"{closing}')
        parents = list(one.cells.parents(name))
        if variant.from_ is None:
            lines.append(f"  data --> {ids[name]}")
        lines += [f"  {ids[parent]} --> {ids[name]}" for parent in parents[: bool(variant.from_)]]
        lines += [f"  {ids[parent]} -.-> {ids[name]}" for parent in parents[bool(variant.from_) :]]
        if targets := targets_of(one, name):
            lines += [f'  {ids[name]} --> {ids[name]}t{{{{"{"<br/>".join(targets)}"}}}}']
    return [*lines, "```"]


def uses_of(variant: Variant) -> dict[str, Use]:
    """The components of a variant by the key that names them."""
    if step := variant.step:
        return {step[0]: step[1]}
    return {key: use for key, use in (("model", variant.model), ("train", variant.train)) if use}


def targets_of(one: Described, name: str) -> list[str]:
    """Hardware targets of a variant."""
    return [target if isinstance(target, str) else target.use for target in one.loaded.study.targets.get(name, [])]


def exports_of(one: Described, name: str) -> list[str]:
    """Hardware targets of a variant, with the values of the axes that they are made at where not at all."""
    made = []
    for use, target in zip(targets_of(one, name), one.loaded.study.targets[name], strict=True):
        only = {} if isinstance(target, str) else target.only
        at = "; ".join(f"{axis} {', '.join(values)}" for axis, values in only.items())
        made.append(code(use) + (f" (at {at})" if at else ""))
    return made


def variant_lines(one: Described) -> list[str]:
    """One row per variant."""
    rows = []
    for name, variant in one.loaded.study.variants.items():
        base = code(variant.from_) if variant.from_ else ROWS.get(variant.rows, variant.rows)
        beside = f", with {', '.join(map(code, variant.with_))}" if variant.with_ else ""
        rows.append([code(name), base + beside, "<br/>".join(step_lines(variant)), where(one, name)])
    heads = ["variant", "made from", "step and parameters", "only for"]
    told = "Parameters that are not named have the component's defaults."
    targets = [f"{code(name)} on {', '.join(exports_of(one, name))}" for name in one.loaded.study.targets]
    exported = ["", f"Exported to hardware targets: {'; '.join(targets)}."] if targets else []
    return [*table(heads, rows), "", told, *exported]


def step_lines(variant: Variant) -> Iterator[str]:
    """The components of a variant with what its file sets, sweeps and chooses."""
    for key, use in uses_of(variant).items():
        yield f"{key}: {code(use.use)}" + (f" ({code(flow(use.params))})" if use.params else "")
        if isinstance(use, StepUse) and (choose := use.choose):
            by = choose.by
            rule = f"the strongest that loses at most {by.margin} of " if by.margin is not None else ""
            rows = f"retained {by.split}" if by.margin is not None else by.split
            yield f"chooses among {code(flow(choose.among))} by {rule}{cell(by.metric)} on {rows} rows"
    yield from (f"sweeps {code(f'{name}: {flow(values)}')}" for name, values in variant.sweep.items())


def where(one: Described, name: str) -> str:
    """Axis values, seeds and replicates where they are not those of the study."""
    study, variant = one.loaded.study, one.loaded.study.variants[name]
    points = list(one.cells.points(name))
    parts = []
    for axis, values in study.axes.items():
        there = [value for value in values if any(point.axes[axis] == value for point in points)]
        if len(there) < len(values):
            parts.append(f"{axis} {', '.join(there)}")
    if variant.seeds is not None:
        parts.append(f"seeds {', '.join(map(str, variant.seeds))}")
    if variant.replicates:
        parts.append(f"{variant.replicates} replicates")
    return cell("; ".join(parts))


def evaluation_lines(one: Described) -> list[str]:
    """The evaluations, of all variants or of some."""
    return [
        f"- {code(evaluation.use)}"
        + (f" ({code(flow(evaluation.params))})" if evaluation.params else "")
        + (f", of {', '.join(map(code, evaluation.of))} only" if evaluation.of else "")
        for evaluation in one.loaded.study.evaluate
    ]


def claim_lines(one: Described) -> list[str]:
    """What decides each claim, and what the paper says; never what came out."""
    if not one.claims:
        return []
    rows = [
        [f"**{cell(claim.id)}**", cell(claim.says), "<br/>".join(criterion_lines(claim)), cell(claim.paper)]
        for claim in one.claims
    ]
    repaired = [f"- {claim.id}: {inline(claim.repaired)}" for claim in one.claims if claim.repaired]
    absent = [f"- {code(name)}: {inline(reason)}" for name, reason in one.loaded.study.absent.items()]
    return [
        "A criterion is written before its results are seen; values are means over the seeds unless it says otherwise.",
        "",
        *table(["claim", "says", "holds if", "in the paper"], rows),
        *(["", "Where a criterion departs from its first wording:", "", *repaired] if repaired else []),
        *(["", "Named by claims and not computed here:", "", *absent] if absent else []),
    ]


def departure_lines(one: Described) -> list[str]:
    """`notes:` of the study."""
    known = notes.read(one.loaded.study.notes)
    rows = [("stands in for", known["stands_in_for"]), ("differs", known["differs"])]
    rows += [("pilot" if claim == "*" else f"pilot of {claim}", text) for claim, text in known["pilots"].items()]
    shown = {"stands-in-for", "differs", *NOT_SHOWN}
    rest = {name: text for name, text in one.loaded.study.notes.items() if name not in shown}
    rows += [(name, text) for name, text in rest.items() if not name.startswith("pilot")]
    return [f"- **{name}**: {inline(text)}" for name, text in rows if text]


def scale_lines(one: Described) -> list[str]:
    """What the scales change: each overridden key, with its value at every scale."""
    raw = one.raw
    over = {scale: raw.get("scales", {}).get(scale) or {} for scale in SCALES}
    changed = dict.fromkeys(path for scale in SCALES for path in overridden(over[scale], raw))
    rows = []
    for path in changed:
        values = [look_up(over[scale], path, look_up(raw, path)) for scale in SCALES]
        rows.append([code(".".join(path)), *(code(flow(value)) or "–" for value in values)])
    if not rows:
        return ["The same at every scale."]
    told = "Everything else is the same at every scale; – is what the component has by default."
    return [told, "", *table(["key", *SCALES], rows)]


def overridden(over: Mapping[str, Any], base: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of a scale's overrides, as deep as the study itself has them."""
    for key, value in over.items():
        inner = base.get(key) if isinstance(base, Mapping) else None
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            yield from overridden(value, inner, (*path, str(key)))
        else:
            yield (*path, str(key))


def look_up(tree: Any, path: tuple[str, ...], otherwise: Any = None) -> Any:
    """The value at a path of keys."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return otherwise
        tree = tree[key]
    return "removed" if tree is None else tree


def budget_lines(one: Described) -> list[str]:
    """How much is computed at each scale, and what a job asks of the machine."""
    rows = [[scale, flow(loaded.study.seeds), *counts(loaded)] for scale, loaded in one.scales.items()]
    asked = [*asked_of_machine(one), ("every other job", Resources())]
    return [
        "Settings × sweep × seeds of all variants; what is equal, or draws nothing, is computed once.",
        "",
        *table(["scale", "seeds", "trainings", "interventions", "exports"], rows),
        "",
        "Asked of the machine, at most:",
        "",
        *table(
            ["job", "memory", "minutes", "threads", "GPUs"],
            [[place, asks.memory, flow(asks.minutes), asks.threads, asks.gpu] for place, asks in asked],
        ),
    ]


def asked_of_machine(one: Described) -> Iterator[tuple[str, Resources]]:
    """What the study's file asks for its jobs, by stage and by variant."""
    yield from ((str(stage), asks) for stage, asks in one.loaded.study.resources.items())
    for name, variant in one.loaded.study.variants.items():
        if variant.resources:
            yield f"variant {code(name)}", variant.resources
        for scale, loaded in one.scales.items():
            there = loaded.study.variants.get(name)
            if there and there.resources and there.resources != variant.resources:
                yield f"variant {code(name)} at {scale} scale", there.resources


def counts(loaded: LoadedStudy) -> list[int]:
    """Trainings, interventions and exports of a study's grid."""
    cells, found = Cells(loaded), [0, 0, 0]
    for name, variant in loaded.study.variants.items():
        seeds = 1 if variant.replicates else len(cells.seeds(name))
        models = seeds * sum(1 for _ in cells.points(name))
        found[0 if variant.from_ is None else 1] += models
        found[2] += models * len(loaded.study.targets.get(name, []))
    return found


def component_lines(one: Described) -> list[str]:
    """Every component of any scale, with what its file says that it is."""
    named = dict.fromkeys(pair for loaded in one.scales.values() for pair in components(loaded, one.source))
    order = {"datasets": 0, "models": 1, "training": 2, "interventions": 3, "export": 4, "evaluation": 5}
    rows = []
    for package, use in sorted(named, key=lambda pair: (order[pair[0]], pair[1])):
        if path := one.source.path(find(one.source, package, use).module):
            target = f"../../src/{path.relative_to(one.source.root.parent).as_posix()}"
            rows.append([package, link(code(use), target), cell(summary(path))])
    return table(["stage", "component", "what it is"], rows)


def components(loaded: LoadedStudy, source: Source) -> Iterator[tuple[str, str]]:
    """Package and name of each component that a study names."""
    study = loaded.study
    yield from (("datasets", use) for row in data_rows({loaded.scale: loaded}, source) for use in row.chain)
    forgets = [study.forget, *(value.forget for values in study.axes.values() for value in values.values())]
    yield from (("datasets", FORGET[kind]) for forget in forgets for kind in forget or {} if kind in FORGET)
    packages = {"model": "models", "train": "training"}
    for name, variant in study.variants.items():
        for key, use in uses_of(variant).items():
            yield packages.get(key, "interventions"), use.use
            if isinstance(use, StepUse) and use.choose:
                yield "evaluation", use.choose.by.use
        yield from (("export", t if isinstance(t, str) else t.use) for t in study.targets.get(name, []))
    yield from (("evaluation", evaluation.use) for evaluation in study.evaluate)


def summary(path: Path) -> str:
    """First line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
