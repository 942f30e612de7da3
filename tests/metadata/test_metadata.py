"""A computed toy study as RO-Crate and Croissant, read back by the libraries' own readers and the profiles' demands."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import toys

from neurosieve.artifacts.dataset import read_dataset
from neurosieve.errors import UserError
from neurosieve.metadata import export_metadata
from neurosieve.plan.project import Project

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = os.environ.get("NEUROSIEVE_ROC_VALIDATOR", "")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A computed project with the files that a crate takes from it."""
    folder = tmp_path_factory.mktemp("metadata") / "p"
    toys.ran(folder, toys.study())
    shutil.copy(ROOT / "Snakefile", folder / "Snakefile")
    shutil.copytree(toys.sources(), folder / "src" / "neurosieve", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "CITATION.cff", folder)
    return toys.again(folder)


@pytest.fixture(scope="module")
def exported(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "metadata"
    lines = list(export_metadata(project, "tiny", out))
    assert lines[0].endswith(f"{len(project.plan('tiny').nodes) + 1} actions")
    return out


@pytest.fixture(scope="module")
def crate(exported: Path) -> Any:
    from rocrate.rocrate import ROCrate

    return ROCrate(exported / "crate")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def of_type(crate: Any, word: str) -> list[Any]:
    return [one for one in crate.get_entities() if word in listed(one.type)]


def test_the_workflow_is_the_snakefile(crate: Any) -> None:
    main = crate.mainEntity
    assert main.id == "Snakefile"
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"} == set(main.type)
    assert main["programmingLanguage"].name == "Snakemake"
    named = {one.id for one in crate.root_dataset["conformsTo"]}
    assert {f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow", "provenance")} <= named
    for field in ("name", "description", "datePublished", "license"):
        assert crate.root_dataset[field], field
    assert crate.root_dataset["license"].id == "https://spdx.org/licenses/Apache-2.0"
    assert {one["name"] for one in main["input"]} == {"study", "scale"}


def test_one_action_per_node_with_its_component_inputs_and_times(crate: Any, project: Project) -> None:
    plan = project.plan("tiny")
    actions = {one.id: one for one in of_type(crate, "CreateAction")}
    assert set(actions) == {"#run", *(f"#action-{key}" for key in plan.nodes)}
    for key, node in plan.nodes.items():
        action = actions[f"#action-{key}"]
        (result,) = listed(action["result"])
        assert result.id == f"results/store/{node.folder}/"
        objects = {one.id for one in listed(action["object"]) if "Dataset" in listed(one.type)}
        assert objects == {f"results/store/{plan.nodes[other].folder}/" for other in node.inputs}
        assert action["startTime"] <= action["endTime"]
        assert action["instrument"] in crate.mainEntity["hasPart"]
    drop = toys.model_node(plan, "drop", 12)
    told = {
        one["name"]: one["value"]
        for one in of_type(crate, "PropertyValue")
        if "toy-drop" in one.id or "toy_drop" in one.id
    }
    assert told["far"] in (10.0, 50.0)
    values = [one for one in actions[f"#action-{drop.key}"]["object"] if "PropertyValue" in listed(one.type)]
    assert {one["name"]: one["value"] for one in values}["far"] == 50
    assert actions[f"#action-{drop.key}"]["instrument"].id == "src/neurosieve/interventions/unlearning/toy_drop.py"


def test_run_and_engine(crate: Any, project: Project) -> None:
    run = crate.get("#run")
    assert run["instrument"] is crate.mainEntity
    assert {one.id for one in run["object"]} == {"config/studies/tiny.yaml", "#scale"}
    (organised,) = of_type(crate, "OrganizeAction")
    assert organised["result"] is run
    controls = of_type(crate, "ControlAction")
    assert len(controls) == len(project.plan("tiny").nodes) == len(listed(organised["object"]))
    assert all("HowToStep" in listed(one["instrument"].type) for one in controls)


def test_files_are_there_with_the_content_they_name(crate: Any, exported: Path) -> None:
    checked = 0
    for entity in of_type(crate, "File"):
        content = (exported / "crate" / entity.id).read_bytes()
        assert str(len(content)) == entity.get("contentSize", str(len(content)))
        if digest := entity.get("sha256"):
            assert hashlib.sha256(content).hexdigest() == digest
            checked += 1
    assert checked > 40


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's, in mlcroissant
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas', in mlcroissant
def test_croissant_is_valid_and_its_records_are_the_rows(exported: Path, project: Project) -> None:
    import mlcroissant as mlc

    for folder in (exported / "croissant").iterdir():
        found = mlc.Dataset(jsonld=folder / "metadata.json")
        assert not found.metadata.ctx.issues.errors
        key = folder.name.rsplit("-", 1)[-1]
        source = read_dataset(project.store.find(key))
        written = json.loads((folder / "metadata.json").read_text())
        assert written["conformsTo"] == "http://mlcommons.org/croissant/1.0"
        assert {one["@id"] for one in written["distribution"]} == {f"{split}.parquet" for split in source.splits}
        for split, rows in source.splits.items():
            records = list(found.records(split))
            assert len(records) == len(rows)
            for i in (0, len(rows) - 1):
                assert np.array_equal(np.ravel(records[i][f"{split}/{source.info.inputs}"]), np.ravel(rows.x[i]))
                assert records[i][f"{split}/sample_id"] in (rows.ids[i], str(rows.ids[i]).encode())


def test_bad_calls_are_one_line(
    project: Project, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="is not empty"):
        list(export_metadata(project, "tiny", exported))
    other = toys.project(tmp_path / "q")
    with pytest.raises(UserError, match="nodes of tiny are not computed; `snakemake tiny` computes them"):
        list(export_metadata(other, "tiny", tmp_path / "out"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"rocrate is not installed; `pip install -e '.\[metadata\]'`"):
        list(export_metadata(project, "tiny", tmp_path / "out"))


@pytest.mark.slow
@pytest.mark.skipif(not VALIDATOR, reason="NEUROSIEVE_ROC_VALIDATOR names no rocrate-validator")
@pytest.mark.parametrize("profile", ["process-run-crate", "workflow-run-crate", "provenance-run-crate"])
def test_the_profiles_validator_has_no_complaint(exported: Path, profile: str) -> None:
    command = [VALIDATOR, "--no-interactive", "--disable-color", "validate", "--no-paging", "--verbose"]
    command += ["--profile-identifier", profile, "--requirement-severity", "required"]
    if cache := os.environ.get("NEUROSIEVE_ROC_CACHE"):  # its HTTP cache, for machines without a network
        command += ["--offline", "--cache-path", cache]
    done = subprocess.run([*command, str(exported / "crate")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
