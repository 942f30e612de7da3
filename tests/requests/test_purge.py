"""Purging: what still holds the rows is listed, and erased only when told; the answer to the request stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests import toys
from tests.owned import request
from tests.pipeline.clones import save, versioned
from tests.requests.conftest import ORIGINAL, PEOPLE, REQUEST, VARIANTS, People, computed, study

from neurosieve.artifacts.requested import Asked, read_asked
from neurosieve.artifacts.store import read_provenance
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from neurosieve.plan.project import Project
from neurosieve.requests.purge import Purge, erase, listed

FEW: dict[str, Any] = {name: VARIANTS[name] for name in ("original", "retrained", "counted", "drop", "shifted")}
FEW["again"] = {"from": "drop", "adapt": {"use": "adaptation.toy_shift"}}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> People:
    """A computed study in which one person was forgotten."""
    return computed(tmp_path_factory.mktemp("purge"), study(variants=FEW, targets={"drop": ["toy"]}), "Person 001")


@pytest.fixture
def people(once: People, tmp_path: Path) -> People:
    """A copy of it to purge."""
    shutil.copytree(once.project.root, tmp_path / "here", symlinks=True)
    return People(toys.again(tmp_path / "here"), once.plan)


def asked(people: People, name: str = REQUEST) -> Asked:
    return read_asked(people.project.root / name, name)


def folders(purge: Purge) -> set[str]:
    return {node.folder for node in purge.nodes}


def test_what_is_listed_and_what_stays(people: People) -> None:
    purge = listed(people.project, asked(people))
    drop, again, toy = (people.node("drop"), people.node("again"), people.node("drop", "toy"))
    data = people.plan.nodes[drop.recipe["inputs"]["data"]]
    gone = {data.folder, people.node("original").folder, people.node("counted").folder, toy.folder}
    assert folders(purge) == gone, "the export was shown rows of all"
    assert {node.folder for node in purge.kept} == {drop.folder, again.folder}
    lines = list(purge.lines())
    assert any(line.startswith(f"{data.folder}: holds 5 rows (") for line in lines)
    assert f"stays: {drop.folder}: told to forget them" in lines
    assert f"stays: {again.folder}: made of what forgot them, or kept as it is" in lines
    assert "stays: 1 selections: row numbers and keyed tags, no id" in lines
    assert (
        f"stays: the source of {data.folder} (datasets.toy.people): no configured study names a raw file of it" in lines
    )
    assert lines[-1] == "stays: copies elsewhere: other clones, devices, backups"
    with pytest.raises(UserError, match="nothing was deleted: `--purge` lists, and `--purge --yes` deletes"):
        erase(people.project, purge, told=False)
    assert folders(listed(people.project, asked(people), datasets=False)) == gone - {data.folder}
    assert folders(listed(people.project, asked(people), stays=[toy.key])) == gone - {toy.folder}
    assert listed(people.project, asked(people), only=["others"]).nothing


def test_what_is_erased_is_not_computed_again_and_its_descent_is_known(people: People) -> None:
    project, original = people.project, people.node("original")
    before = read_provenance(project.store.path(original.folder))["files"]
    log, state = project.store.log(original.folder), project.store.resume(original.key)
    for path in (log, state / "walk.json", project.store.results / "report" / "index.html", project.store.work / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Person 001 was here, p001-tr0 too")
    said = erase(project, listed(project, asked(people)), told=True)
    assert said["erased here"] == "1 datasets, 2 models, 1 exports"
    assert not log.exists()
    assert not state.exists()
    assert not (project.store.results / "report" / "index.html").exists(), "a page that names a person is drawn anew"
    assert listed(project, asked(people)).nothing
    assert read_provenance(project.store.path(original.folder))["files"] == before, "the certificate names the hash"
    again = toys.again(project.root)
    assert {node.folder for node in again.plan("tiny").nodes.values()} <= again.store.present()
    answer = people_of(again, people).asks("Person 001")
    assert {name: people.found(answer, name).how for name in ("drop", "again", "shifted", "retrained")} == {
        "drop": "learned", "again": "learned", "shifted": None, "retrained": None,
    }  # fmt: skip
    later = people_of(again, people).asks("Person 002")
    assert people.found(later, "retrained").how == "learned", "another person can still be answered"
    assert later.missing == set()
    assert not later.of("dataset"), "the rows are gone"


def people_of(project: Project, people: People) -> People:
    return People(project, people.plan)


def test_a_job_that_needs_what_was_erased_is_refused(people: People) -> None:
    project = people.project
    erase(project, listed(project, asked(people)), told=True)
    content = study(variants={**FEW, "late": {"from": "original", "adapt": {"use": "adaptation.toy_shift", "by": 2.0}}})
    made = toys.project(project.root, {"tiny": content})
    plan = made.plan("tiny")
    late = next(node for node in plan.nodes.values() if node.title == "tiny/late/11" and node.stage == "intervene")
    with pytest.raises(
        UserError, match=r"prepare/people-\w+ was erased for request R-2026-01: what needs it must begin"
    ):
        run_node(made, plan, late)


def test_a_second_person_after_the_first(people: People) -> None:
    """Who was retained the first time is found in what was retrained, without the rows: by tags."""
    project = people.project
    erase(project, listed(project, asked(people)), told=True)
    request(project.root, "Person 002", match="subject", name="R-2026-02")
    purge = listed(toys.again(project.root), asked(people, "data/requests/R-2026-02.csv"))
    expected = {people.node(name).folder for name in ("retrained", "drop", "again", "shifted")}
    assert folders(purge) == expected


def test_what_a_model_that_stays_is_stored_as_the_difference_from_stays(tmp_path: Path) -> None:
    shift = {"use": "adaptation.toy_shift"}
    variants = {"original": ORIGINAL, "light": {"from": "original", "adapt": shift}}
    made = computed(tmp_path, study(variants=variants, targets={}, evaluate=[], forget=None), "Person 001")
    purge = listed(made.project, asked(made), stays=[made.node("light").key])
    assert [node.folder for node in purge.bases] == [made.node("original").folder]
    assert made.node("original").folder not in folders(purge)
    base = f"{made.node('original').folder}: whole, though it learned from 3 rows (train 3): a model that stays is"
    assert f"{base} stored as the difference from it" in purge.remains, "the certificate says it too"


def test_what_answers_a_later_request_stays_though_a_second_parent_is_beside_it(tmp_path: Path) -> None:
    """Dampened again with an importance of its own: both come from what forgot the person, and read nobody since."""
    importance = {"from": "drop", "analysis": FEW["counted"]["analysis"], "without": [REQUEST]}
    again = {"from": "drop", "with": ["fresh"], "adapt": {"use": "adaptation.toy_mix", "weights": [1.0]}}
    variants = {name: FEW[name] for name in ("original", "counted", "drop")} | {"fresh": importance, "again": again}
    made = computed(tmp_path, study(variants=variants, targets={}, evaluate=[]), "Person 001")
    purge = listed(made.project, asked(made))
    assert {node.folder for node in purge.kept} == {made.node(name).folder for name in ("drop", "fresh", "again")}


def test_models_of_scaled_data_stay_and_are_named(tmp_path: Path) -> None:
    variants = {name: FEW[name] for name in ("original", "retrained", "shifted")}
    content = study({**PEOPLE, "constants": "fitted"}, variants=variants, targets={}, evaluate=[])
    made = computed(tmp_path, content, "Person 001")
    purge = listed(made.project, asked(made))
    assert {node.folder for node in purge.scaled} == {made.node(name).folder for name in ("retrained", "shifted")}
    assert any(
        "2 nodes that read no such row, but constants of people were computed from 3 rows (train 3)" in line
        for line in purge.remains
    )


def test_objects_of_dvc_go_from_cache_and_remote_and_shared_ones_stay(people: People) -> None:
    root = people.project.root
    versioned(root)
    config = root / ".dvc" / "config"
    config.write_text(config.read_text().replace("../../neurosieve-remote", "../../remote"))
    (root.parent / "remote").mkdir()
    twin = people.project.store.path(people.node("original").folder)
    other = people.project.store.path(people.node("retrained").folder)
    shared = other / "twin.safetensors"
    shutil.copy(twin / "model.safetensors", shared)  # an object that a node that stays has too
    record, digest = (other / "provenance.json").read_text(), read_provenance(twin)["files"]["model.safetensors"]
    record = record.replace('"model.safetensors"', f'"twin.safetensors": "{digest}",\n  "model.safetensors"', 1)
    (other / "provenance.json").write_text(record)
    save(root)
    far = root.parent / "remote" / "files" / "md5"
    near = root / ".dvc" / "cache" / "files" / "md5"
    before = {path.name for path in far.rglob("*") if path.is_file()}
    purge = listed(people.project, asked(people))
    assert purge.dvc.cached == purge.dvc.names
    assert purge.dvc.remote == {"store": purge.dvc.names}
    assert len(purge.dvc.shared) == 1
    said = erase(people.project, purge, told=True)
    assert f"{len(purge.dvc.names)} objects erased from the cache, {len(purge.dvc.names)} from remotes" in said["DVC"]
    left = {path.name for path in far.rglob("*") if path.is_file()}
    assert before - left == {name[2:] for name in purge.dvc.names}
    ids = (b"p001-tr0", b"Person 001")
    for path in (*far.rglob("*"), *near.rglob("*")):
        assert path.is_dir() or not any(one in path.read_bytes() for one in ids), path
    assert listed(people.project, asked(people)).nothing
