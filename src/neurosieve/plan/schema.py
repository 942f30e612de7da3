"""JSON Schema of a study's YAML, with the components on disk as values of `use`, for completion in editors."""

from __future__ import annotations

import json
from typing import Any

from neurosieve.plan.components import available
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.study import STEPS, Study


def study_schema() -> str:
    """The schema as JSON text."""
    schema = Study.model_json_schema(by_alias=True)
    source = Source()
    properties = schema["properties"]
    properties["scales"] = {
        "description": "Overrides by scale (smoke, default, full): merged key by key into the study, null deletes.",
        "type": "object",
        "additionalProperties": {"type": "object"},
    }
    variant = schema["$defs"]["Variant"]["properties"]
    variant["base"] = {"type": "string", "description": "Start as a copy of this variant."}
    packages = {"model": "models", "train": "training"}
    _let_bases_name_components(schema, [*packages, *STEPS])
    for key, package in packages.items():
        variant[key] = _use(variant[key], available(source, package))
    steps = available(source, "interventions")
    for key, kind in STEPS.items():
        variant[key] = _use(variant[key], [name for name in steps if name.startswith(f"{kind}.")])
    properties["dataset"] = _use(properties["dataset"], available(source, "datasets"))
    schema["$defs"]["Evaluation"]["properties"]["use"]["enum"] = available(source, "evaluation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "neurosieve study"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _let_bases_name_components(schema: dict[str, Any], keys: list[str]) -> None:
    """A variant with a `base` may change parameters of the components that its base names; others name their own."""
    kinds = schema["$defs"]
    for kind in ("Use", "StepUse"):
        kinds[f"{kind}OrChanges"] = {name: value for name, value in kinds[kind].items() if name != "required"}
    for key in keys:
        for part in kinds["Variant"]["properties"][key]["anyOf"]:
            if "$ref" in part:
                part["$ref"] += "OrChanges"
    named = {"properties": {key: {"required": ["use"]} for key in keys}}
    kinds["Variant"] |= {"if": {"not": {"required": ["base"]}}, "then": named}


def _use(part: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The part with `use` restricted to these components."""
    return {"allOf": [part], "properties": {"use": {"enum": names}}} if names else part
