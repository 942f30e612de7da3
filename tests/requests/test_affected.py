"""The answer as lines and as JSON; ids are printed only where the data do not have them, and never in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests import toys
from tests.owned import request
from tests.requests.conftest import People

from neurosieve import cli
from neurosieve.errors import UserError
from neurosieve.requests.affected import Answer, answer


def asks(people: People, *ids: str, match: str = "subject") -> Answer:
    file = request(people.project.root, *ids, match=match, name="asked")
    return answer(toys.again(people.project.root), file)


def test_lines(people: People) -> None:
    lines = list(asks(people, "Person 001", "Person 999").lines())
    assert lines[0] == "asked: 2 subjects; people: 5 rows (test 1, train 3, validation 1)"
    assert lines[1] == "1 of 2 ids not in any dataset of this store: Person 999"
    drop, toy = people.node("drop"), people.node("drop", "toy")
    assert f"  tiny/drop/11/toy ({toy.folder}): made of {drop.folder}" in lines
    data = drop.recipe["inputs"]["data"]
    chain = f"people-{data} › tiny/original/11 › tiny/drop/11 › tiny/drop/11/toy"
    assert f"    through {chain}" in lines
    line = next(line for line in lines if line.startswith("  tiny/drop/11 ("))
    assert line.endswith("; its step was told to forget 3 of them")
    assert "    also learned from 3 rows (train 3); made of " in "\n".join(lines)
    at = lines.index("not affected: 4")
    assert f"  tiny/retrained/11 ({people.node('retrained').folder})" in lines[at:]
    assert lines[-1] == f"of this store only ({len(people.plan.nodes)} nodes): copies elsewhere are beyond it"
    headings = [line for line in lines if not line.startswith(" ")]
    assert [line.partition(":")[0] for line in headings[2:5]] == ["datasets", "models", "exports"]


def test_a_dataset_that_is_not_here(people: People) -> None:
    file = request(people.project.root, "Person 001", match="subject", name="asked")
    with pytest.raises(UserError, match=r"no dataset 'peple' in this store \(did you mean 'people'\?\)"):
        answer(toys.again(people.project.root), file, ["peple"])


def test_json_has_no_id(people: People) -> None:
    told = asks(people, "Person 001", "Person 999").json()
    text = json.dumps(told)
    assert "Person" not in text
    assert told["request"]["missing_lines"] == [3]
    assert told["request"]["match"] == "subject"
    (rows,) = told["request"]["rows"].values()
    assert rows == {"test": 1, "train": 3, "validation": 1}
    models = {one["addresses"][0]: one for one in told["affected"]["models"]}
    assert models["tiny/chosen/11"]["how"] == "chosen"
    assert models["tiny/drop/11"]["told_to_forget"] == 3
    assert models["tiny/drop/11"]["chain"][1] == people.node("original").folder
    spared = [one["node"] for one in told["not_affected"]["models"]]
    assert people.node("within").folder in spared
    assert told["scope"] == "of this store only"


def test_the_command(people: People, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(people.project.root)
    request(people.project.root, "p001-tr0", "87", match="sample_id", name="rows")
    assert cli.main(["affected", "--ids", "data/requests/rows.csv", "--data", "people"]) == 0
    assert "1 of 2 ids not in any dataset of this store: 87" in capsys.readouterr().out
    assert cli.main(["affected", "--ids", "data/requests/rows.csv", "--data", "others"]) == 1
    said = capsys.readouterr().err
    assert said == "neurosieve: error: --data: no dataset 'others' in this store; there are people\n"
    assert cli.main(["affected", "--ids", "none.csv"]) == 1
    assert "none.csv: cannot be read as CSV (No such file" in capsys.readouterr().err


def test_a_study_that_cannot_be_planned_hides_nothing(people: People, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="5 of 5 ids not in any dataset of this store: a, b, c, …"):
        asks(people, *"abcde", match="sample_id")
    (tmp_path / "results").symlink_to(people.project.root / "results")
    made = toys.project(tmp_path, {"tiny": {"question": "?"}})
    lines = list(answer(made, request(tmp_path, "Person 001", match="subject")).lines())
    assert f"  {people.node('retrained').folder}" in lines, "no address, but the answer"
