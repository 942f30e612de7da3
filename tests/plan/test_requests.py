"""A study that forgets what a file lists: tags in the plan, and neither ids nor a plain hash of them anywhere."""

import hashlib
import json
from pathlib import Path

import pytest
from tests import toys
from tests.owned import request
from tests.toys import ORIGINAL, bare

from neurosieve.artifacts.tags import KEY, controller_key, digest, tags_of
from neurosieve.errors import AbsentError, UserError
from neurosieve.jobs.run import run_node
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.requests import is_as_planned, read_request

FILE = "data/requests/R-2026-01.csv"
STUDY = bare(
    {"retrained": {**ORIGINAL, "rows": "retain"}},
    dataset={"use": "toy.points", "rows": 30, "digits": True},
    forget={"ids_file": FILE},
)


def selection(plan: StudyPlan):
    return next(node for node in plan.nodes.values() if node.name == "forget-ids")


def test_the_recipe_holds_tags_and_nothing_of_the_file(tmp_path: Path) -> None:
    request(tmp_path, "0087", "0005")
    (tmp_path / KEY).write_text("ab" * 32)  # a drawn one gives tags in which such short ids may occur
    made = toys.project(tmp_path, {"tiny": STUDY})
    node = selection(made.plan("tiny"))
    key = controller_key(tmp_path)
    assert node.recipe["params"] == {"tags": tags_of(key, ["0087", "0005"]), "match": "sample_id"}
    assert (node.recipe.get("files"), dict(node.paths)) == (None, {})
    plain = hashlib.sha256((tmp_path / FILE).read_bytes()).hexdigest()
    for path in (tmp_path / "results").rglob("*"):
        if path.is_file():
            assert not any(text in path.read_text() for text in ("0087", "0005", plain)), path


def test_the_order_of_a_list_is_nobodys_business(tmp_path: Path) -> None:
    keys = []
    for ids in (["0087", "0005"], ["0005", "0087"], ["0005", "0088"]):
        request(tmp_path, *ids)
        keys.append(selection(toys.project(tmp_path, {"tiny": STUDY}).plan("tiny")).key)
    assert keys[0] == keys[1] != keys[2]


def test_a_cached_plan_is_taken_until_the_file_or_the_key_changes(tmp_path: Path) -> None:
    request(tmp_path, "0087", "0005")
    first = toys.project(tmp_path, {"tiny": STUDY}).plan("tiny")
    (cache,) = (tmp_path / "results" / ".work" / "plans").glob("tiny-*.json")
    written = cache.stat().st_mtime_ns
    assert toys.again(tmp_path).plan("tiny") == first
    assert cache.stat().st_mtime_ns == written
    assert json.loads(cache.read_text())["requests"].keys() == {FILE}
    request(tmp_path, "0087")
    second = toys.again(tmp_path).plan("tiny")
    assert selection(second).key != selection(first).key
    (tmp_path / KEY).unlink()
    assert selection(toys.again(tmp_path).plan("tiny")).key != selection(second).key, "no result holds a tag yet"


def test_what_the_plan_says_of_a_dataset_that_is_there(tmp_path: Path) -> None:
    request(tmp_path, "0087", "0005", "87")
    made = toys.project(tmp_path, {"tiny": STUDY})
    plan = made.plan("tiny")  # nothing is known of a dataset that is to be made
    run_node(made, plan, plan.nodes[selection(plan).recipe["inputs"]["of"]])
    with pytest.raises(UserError, match="forget: 1 of 3 ids not in the data of points"):
        run_node(made, plan, selection(plan))
    request(tmp_path, "0087", "0005", "99")
    with pytest.raises(UserError, match=rf"tiny.yaml:\d+: {FILE}: 1 of 3 ids not in the data: line 4"):
        toys.again(tmp_path).plan("tiny")
    request(tmp_path, "2001", "1001")
    with pytest.raises(UserError, match=r"tiny.yaml:\d+: .*rows of split 'test' and 'validation', not training rows"):
        toys.again(tmp_path).plan("tiny")


def test_a_lost_key_is_one_line(tmp_path: Path) -> None:
    request(tmp_path, "0087", "0005")
    made = toys.project(tmp_path, {"tiny": STUDY})
    plan = made.plan("tiny")
    data = plan.nodes[selection(plan).recipe["inputs"]["of"]]
    run_node(made, plan, data)
    key = (tmp_path / KEY).read_text()
    (tmp_path / KEY).unlink()
    with pytest.raises(UserError, match="data/requests/key is missing: the tags of a request were made with it"):
        run_node(made, plan, selection(plan))
    (tmp_path / KEY).write_text(key)
    run_node(made, plan, selection(plan))
    (tmp_path / KEY).unlink()
    with pytest.raises(UserError, match="data/requests/key is missing: forget-ids-"):
        toys.again(tmp_path).plan("tiny")


@pytest.mark.parametrize(
    ("forget", "message"),
    [
        ({"ids_file": FILE, "sample": 3}, "forget takes exactly one of where, sample, ids_file"),
        ({"ids_file": FILE, "match": "subject"}, "forget: unknown key 'match' beside ids_file"),
        ({"ids_file": 5}, "ids_file: 5 is no file's name"),
    ],
)
def test_refused_in_the_study(tmp_path: Path, forget: dict[str, object], message: str) -> None:
    request(tmp_path, "0087")
    with pytest.raises(UserError, match=rf"tiny.yaml:\d+: {message}"):
        toys.planned(tmp_path, {**STUDY, "forget": forget})


def test_a_request_that_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match=rf"tiny.yaml:\d+: ids_file: no file {FILE}; put it there"):
        toys.planned(tmp_path, STUDY)
    assert not (tmp_path / KEY).exists()


def test_keyed_hash_of_the_file(tmp_path: Path) -> None:
    request(tmp_path, "0087")
    asked, planned = read_request(tmp_path, FILE)
    assert (asked.ids, asked.name) == (("0087",), FILE)
    assert planned == digest(controller_key(tmp_path), (tmp_path / FILE).read_bytes())
    assert is_as_planned(tmp_path, FILE, planned)
    request(tmp_path, "0088")
    assert not is_as_planned(tmp_path, FILE, planned)
    (tmp_path / KEY).unlink()
    assert not is_as_planned(tmp_path, FILE, planned)


@pytest.mark.parametrize("name", ["R-1.csv", "data/R-1.csv", "data/requests/../R-1.csv", "/tmp/data/requests/R-1.csv"])
def test_a_request_that_git_would_store_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"tiny.yaml:\d+: ids_file: \S+ lies outside data/requests/, .*; move it there"):
        toys.planned(tmp_path, {**STUDY, "forget": {"ids_file": name}})
