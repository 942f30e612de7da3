"""The JSON Schema of a study: what the pipeline accepts, editors accept, and the names of components are in it."""

import json
from pathlib import Path

import jsonschema
import pytest

from neurosieve.plan import yaml12
from neurosieve.plan.schema import study_schema

CONFIG = Path(__file__).resolve().parents[2] / "config" / "studies"
SCHEMA = json.loads(study_schema())


def test_is_a_valid_schema_and_the_same_text_each_time() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert study_schema() == study_schema()


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_study_is_valid(path: Path) -> None:
    jsonschema.validate(yaml12.load(path), SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["qestion"], "?"),
        (["variants", "ssd", "unlearn", "use"], "unlearning.sdd"),
        (["variants", "ssd", "unlearn", "use"], "pruning.magnitude"),
        (["variants", "original", "model", "use"], "vision.resnet99"),
        (["variants", "original", "train", "use"], "supervised.backprob"),
        (["variants", "ssd", "wiht"], ["importance"]),
        (["dataset", "use"], "images.mnist5kk"),
        (["evaluate", 0, "use"], "clasification"),
        (["resources", "train", "memory"], "1 TB"),
        (["scales", "smoke"], 3),
        (["seeds"], "eleven"),
    ],
)
def test_mistakes_are_marked(place: list, value: object) -> None:
    study = yaml12.load(CONFIG / "ssd.yaml")
    inner = study
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(study, SCHEMA)


def test_a_variant_names_its_components_unless_its_base_does() -> None:
    study = yaml12.load(CONFIG / "ssd.yaml")
    study["variants"]["wide"] = {"base": "original", "model": {"width": 16}, "train": {"epochs": 2}}
    study["variants"]["mild"] = {"base": "ssd", "unlearn": {"alpha": 100}}
    jsonschema.validate(study, SCHEMA)
    study["variants"]["wide"]["model"]["use"] = "vision.resnet99"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(study, SCHEMA)
    for name, key in (("original", "model"), ("original", "train"), ("ssd", "unlearn")):
        study = yaml12.load(CONFIG / "ssd.yaml")
        del study["variants"][name][key]["use"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(study, SCHEMA)
