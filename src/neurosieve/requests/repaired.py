"""The file of a repaired study: dataset, axes, targets and evaluations of the one it repairs, and what is certified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurosieve.plan.components import find
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.references import References
from neurosieve.plan.study import LoadedStudy
from neurosieve.requests.repair import Repair, reference_of

AXIS = "request"
"""Axis of a study that answers more than one request, and key of its notes: the rows of each are measured again."""
EVIDENCE = "forgetting_evidence"
CLASSIFIED = ("classification", "membership_inference")
COPIED = {"dataset", "forget", "seeds", "resources", "device"}
"""Keys that a repaired study has from the one it repairs."""
Kept = Mapping[str, Sequence[str]]
"""Axis -> the values at which something that was shipped is affected."""


def content_of(loaded: LoadedStudy, repair: Repair, names: Sequence[str], kept: Kept, source: Source) -> dict[str, Any]:
    """The study that repairs the shipped variants `names` of another one, as its file holds it."""
    study, asked = loaded.study, repair.asked
    labels = [repair.repaired(name)[0] for name in names]
    past = repair.past
    dumped = study.model_dump(mode="json", by_alias=True, exclude_unset=True)
    measured: dict[str, Any] = {"measured": {"ids_file": asked.file}}
    axes = _axes(loaded, repair, dumped.get("axes", {}), kept)
    if past:
        axes[AXIS] = {reference_of(file): {"measured": {"ids_file": file}} for file in [*past, asked.file]}
        measured = {}
    before = sorted(set(repair.parents.values()))
    evaluations = dumped.get("evaluate", [])
    reference = repair.reference(before[0]) if any(_trains(one) for one in evaluations) else None
    looked_at = list(dict.fromkeys([*before, *(one.name for one in repair.said if one.of)]))
    certify = {key: value for key, value in (dumped.get("certify") or {}).items() if key in ("retention", "loss")}
    targets = {
        repair.repaired(name)[0]: [_limited(use, kept) for use in used if _somewhere(use, kept)]
        for name, used in dumped.get("targets", {}).items()
        if name in names and used
    }
    return {
        "question": f"Do the repaired models still know the rows of request {asked.reference}?",
        **{key: value for key, value in dumped.items() if key in COPIED and value is not None},
        **measured,
        **({"axes": axes} if axes else {}),
        "variants": {name: _limited(variant, kept) for name, variant in repair.variants.items()},
        **({"targets": targets} if targets else {}),
        "evaluate": _evaluations(evaluations, looked_at, reference, source),
        "certify": {
            "variants": labels, "before": before[0], "reference": asked.reference, **certify,
            **({"at": {AXIS: asked.reference}} if past else {}),
        },
        "notes": {"study": study.notes.get("study", loaded.slug), "repairs": loaded.slug, AXIS: asked.reference},
    }  # fmt: skip


def _axes(loaded: LoadedStudy, repair: Repair, axes: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """Axes with the values that are kept; what they `set` in a variant is set in what repairs it too."""
    made: dict[str, Any] = {}
    for axis, values in axes.items():
        if axis != AXIS:
            made[axis] = {name: _value(loaded, repair, value) for name, value in values.items() if name in kept[axis]}
    return made


def _value(loaded: LoadedStudy, repair: Repair, value: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, given in value.get("set", {}).items():
        variant, parameter = References(loaded).split_setting(name)
        again = [one.name for one in repair.said if one.of == variant and one.name not in repair.unlearned]
        settings |= {f"{other}.{parameter}": given for other in (variant, *again) if other in repair.variants}
    rest = {key: content for key, content in value.items() if key != "set"}
    return {**rest, **({"set": settings} if settings else {})}


def _somewhere(use: Any, kept: Kept) -> bool:
    """Whether a target is wanted at a value that is kept."""
    only = use.get("only", {}) if isinstance(use, dict) else {}
    return all(set(values) & set(kept[axis]) for axis, values in only.items())


def _limited(part: Any, kept: Kept) -> Any:
    """A variant or a target at the values that are kept."""
    if not isinstance(part, dict) or "only" not in part:
        return part
    only = {axis: [value for value in values if value in kept[axis]] for axis, values in part["only"].items()}
    return {**part, "only": only}


def _trains(evaluation: Mapping[str, Any]) -> bool:
    """Whether an evaluation asks for models that are trained again."""
    return evaluation.get("grade", "quick") != "quick"


def _evaluations(
    given: Sequence[Mapping[str, Any]], names: list[str], reference: str | None, source: Source
) -> list[dict[str, Any]]:
    """What looks at one model, of the models before and after; attacks on them where classes are told apart."""
    single = [dict(one) for one in given if find(source, "evaluation", one["use"]).looks_at == "model"]
    for one in filter(_trains, single):
        one |= {"retrained": reference} if reference else {"grade": "quick"}  # a file's weights are not trained again
    found = [{**one, "of": names} for one in single]
    uses = {str(one["use"]).replace("-", "_") for one in single}
    if EVIDENCE not in uses and uses & set(CLASSIFIED):
        found.append({"use": EVIDENCE, "of": names})
    return found
