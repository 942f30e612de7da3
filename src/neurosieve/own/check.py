"""`neurosieve check`: data, model, weights and request looked at, one batch run, before anything is spent.

Nothing is written. What is wrong with a file ends the check at once; what only looks wrong (labels in another order,
ids that are not in the data) is told at its end, after all that was found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.dataset import Dataset, read_dataset
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.artifacts.requested import read_asked, refuse_unmatched, rows_named
from neurosieve.artifacts.tags import known_key
from neurosieve.datasets.own.splits import NAMES
from neurosieve.errors import UserError
from neurosieve.jobs.load import node_params, verb
from neurosieve.jobs.seeding import seed_generators
from neurosieve.jobs.stages import WITHHELD, schema_of
from neurosieve.plan.components import find
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.own_code import importable
from neurosieve.plan.project import Project

if TYPE_CHECKING:
    from neurosieve.own.estimate import Pace, Rows

Say = Callable[[str], None]
EPOCHS = 20
"""Passes of a training that has to be assumed, where the study has no variant that retrains."""


def check_study(project: Project, slug: str, say: Say) -> None:
    """Tell what a study has to work with. Raises UserError in one line where something is wrong."""
    from neurosieve.own import estimate
    from neurosieve.own.batch import tell_data, tell_model

    plan = project.plan(slug)
    importable(project.root)
    node = _training(plan)
    data = _dataset(project, plan, plan.nodes[node.recipe["inputs"]["data"]])
    tell_data(data, say)
    model = _model(project, node, data)
    problems = [*tell_model(model, data, _given(project, node), say)]
    selection, wrong = _request(project, plan, data, say)
    _tell_resolution(selection, data, say)
    problems += wrong
    split = data.split("train")
    counted = estimate.Rows(
        len(split), len(selection.rows.get("train", ())) if selection else 0, len(data.splits.get("validation", ())),
        sum(map(len, data.splits.values())),
    )  # fmt: skip
    at = estimate.pace(model.system, split)
    _tell_cost(project, plan, counted, at, say)
    _tell_evidence(plan, counted, at, say)
    if problems:
        raise UserError("; ".join(problems))
    say(f"ok · make STUDY={slug}")


def misfits(project: Project, plan: StudyPlan) -> list[str]:
    """What is wrong with a study's data, and with its requests beside them, a line each; ids are named."""
    try:
        data = _dataset(project, plan, plan.nodes[_training(plan).recipe["inputs"]["data"]])
        return _request(project, plan, data, lambda _line: None)[1]
    except UserError as error:
        return [str(error)]


def _training(plan: StudyPlan) -> Node:
    """The node of the study's first training."""
    for cell in plan.cells:
        for node in plan.with_ancestors(cell.model):
            if node.stage == "train":
                return node
    raise UserError(f"study '{plan.slug}' trains nothing and is given no weights")


def _dataset(project: Project, plan: StudyPlan, node: Node) -> Dataset:
    """The dataset, from the store where it is there, else prepared in memory; its splits in the usual order."""
    if project.store.exists(node.folder):
        kept = read_dataset(project.store.path(node.folder))
        return Dataset(kept.info, {name: kept.splits[name] for name in sorted(kept.splits, key=_turn)})
    made = _prepared(project, plan, node)
    if not isinstance(made, Dataset):
        raise UserError(f"{node.title}: {node.name} makes no dataset")
    return made


def _turn(split: str) -> tuple[int, str]:
    return NAMES.index(split) if split in NAMES else len(NAMES), split


def _prepared(project: Project, plan: StudyPlan, node: Node) -> Any:
    inputs = node.recipe["inputs"]
    of = _dataset(project, plan, plan.nodes[inputs["of"]]) if "of" in inputs else None
    component = verb(node.recipe["component"]["use"], "prepare", node_params(project, node))
    key = known_key(project.root) if component.asks("key") else None
    return component(params=component.params, seed=node.recipe["seed"], of=of, key=key)


def _given(project: Project, node: Node) -> bool:
    """Whether the weights come from a file."""
    package, _, use = node.recipe["component"]["use"].partition(".")
    return find(project.source, package, use).given


def _model(project: Project, node: Node, data: Dataset) -> Model:
    """The network with the user's weights, or as it is before a training."""
    recipe = node.recipe["model"]
    seed_generators(node.recipe["seed"])
    builder = recipe["use"].removeprefix("models.").replace("-", "_")
    model = build_model(builder, recipe["params"], schema_of(data.info))
    if _given(project, node):
        component = verb(node.recipe["component"]["use"], "train", node_params(project, node))
        seen = Data(data.info, {name: split for name, split in data.splits.items() if name not in WITHHELD})
        model = component(model=model, data=seen, params=component.params, seed=node.recipe["seed"], log=Log())
    return model


def _request(project: Project, plan: StudyPlan, data: Dataset, say: Say) -> tuple[Selection | None, list[str]]:
    """What is to be forgotten, and what is wrong with the request."""
    problems, chosen = [], None
    for name in plan.requests:
        asked = read_asked(project.root / name, name)
        rows = rows_named(data, asked.match, asked.ids)
        counts = ", ".join(f"{len(found)} {split}" for split, found in rows.items()) or "no"
        say(f"request · {name}: {len(asked.ids)} ids ({asked.match}) name {counts} rows")
        chosen = chosen or Selection(rows, asked.reference)
        try:
            refuse_unmatched(asked, data, say_ids=True)
        except UserError as error:
            problems.append(str(error))
    if not plan.requests:
        node = next((one for one in plan.nodes.values() if _selects(one)), None)
        made = _prepared(project, plan, node) if node else None
        if isinstance(made, Selection):
            chosen = made
            counts = ", ".join(f"{len(rows)} {split}" for split, rows in made.rows.items())
            say(f"request · {made.what}: {counts} rows")
    return chosen, problems


def _selects(node: Node) -> bool:
    return node.recipe.get("component", {}).get("use", "").startswith("datasets.selection.")


def _tell_resolution(chosen: Selection | None, data: Dataset, say: Say) -> None:
    """How finely that many rows can be told from those never trained on: the test rows asked for too, else all."""
    from neurosieve.evaluation.attacks.tidy import resolves

    rows = len(chosen.rows.get("train", ())) if chosen else 0
    others = len(chosen.rows.get("test", ())) if chosen else 0
    others = others or len(data.splits.get("test", ()))
    if rows and others:
        half = resolves(rows, others)
        usual = ": expect *not resolvable*, which is honest and usual for one person" if half > 0.1 else ""
        among = f"{rows} rows, beside {others} never trained on,"
        say(f"request · an attack on {among} is known to ±{half:.2f} of its AUC{usual}")


def _tell_cost(project: Project, plan: StudyPlan, rows: Rows, at: Pace, say: Say) -> None:
    """CPU time of what is still to do, and the memory of a job; from one batch, so estimates."""
    from neurosieve.own import estimate

    todo = [node for node in plan.nodes.values() if not project.store.exists(node.folder)]
    steps = estimate.by_step(todo, rows, at, project.source)
    dearest = ", ".join(f"{name} {estimate.shown(spent)}" for name, spent in list(steps.items())[:4])
    total = estimate.shown(sum(steps.values()))
    say(f"time · about {total} of CPU for the {len(todo)} steps to do ({dearest}); an estimate from one batch")
    asked = min((node.mem_mb for node in todo if node.stage in ("train", "intervene")), default=1000)
    more = ", more than the study asks for: set `resources: {intervene: {memory: 4 GB}}`, say"
    say(f"memory · about {at.megabytes:.0f} MB a job, an estimate too{more if at.megabytes > asked else ''}")


def _tell_evidence(plan: StudyPlan, rows: Rows, at: Pace, say: Say) -> None:
    """The grades of evidence, with what each would add."""
    from neurosieve.evaluation.forgetting_evidence import SHADOWS
    from neurosieve.own.estimate import JOB, shown

    asked = plan.settings.get("evaluations", {}).get("forgetting_evidence")
    if asked is None:
        say("evidence · none is asked for: add `- {use: forgetting_evidence}` to `evaluate`")
        return
    again = next((n for n in plan.nodes.values() if n.stage == "train" and n.recipe.get("rows") == "retain"), None)
    epochs = again.recipe["params"].get("epochs", EPOCHS) if again else EPOCHS
    training = JOB + epochs * (rows.train - rows.forget) * at.learn
    assumed = "" if again else f", of {EPOCHS} epochs (assumed: no variant `retrained`)"
    here = asked.get("grade", "quick")
    say(f"evidence · quick{_mark(here, 'quick')}: trains nothing; weak: compares rows with rows never trained on")
    for grade, retrained, unlearned in SHADOWS:
        spent = retrained * training + unlearned * (2 * training)
        count = f"{retrained} trained without the rows" + (f", {unlearned} trained and unlearned" if unlearned else "")
        say(f"evidence · {grade}{_mark(here, grade)}: about {shown(spent)} more: {count}{assumed}")


def _mark(here: str, grade: str) -> str:
    return " (asked for)" if here == grade else ""
