"""`neurosieve new` writes a study that plans, keeps what was there, and leaves nothing behind where it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.own.projects import CONFIG, FACTORY, project, tree_of, trees

from neurosieve.cli import main
from neurosieve.errors import UserError
from neurosieve.own.new import Order, new_study, with_study
from neurosieve.plan import yaml12

GIVEN = {"data": Path("data/trees.csv"), "model": FACTORY, "weights": Path("data/weights.safetensors")}


def write(root: Path, said: list[str] | None = None, **changes: Any) -> Path:
    order: dict[str, Any] = {"name": "my-trees", **GIVEN, "forget": Path("request.csv"), **changes}
    return new_study(project(root), Order(**order), (said if said is not None else []).append)


def test_the_study_plans_and_says_what_was_guessed(folder: Path) -> None:
    said: list[str] = []
    path = write(folder, said, prune=0.4)
    study = yaml12.load(path)
    assert study["dataset"] == {
        "use": "own.csv",
        "file": "data/trees.csv",
        "name": "trees",
        "splits": "split",
        "id": "tree_id",
        "subject": "owner",
        "target": "kind",
        "classes": ["ash", "birch", "cedar"],
    }
    assert study["variants"]["original"]["train"]["file"] == "data/weights.safetensors"
    assert study["variants"]["ssd"]["unlearn"]["choose"]["by"]["rule"] == "strongest-within"
    assert study["certify"] == {"variants": ["ssd-pruned"], "before": "original"}
    assert study["targets"] == {"ssd-pruned": ["onnx", "onnx-int8"]}
    assert any("classes: ash, birch, cedar" in line for line in said)
    assert said[-1].startswith("next · neurosieve check my-trees")
    text = path.read_text()
    assert all(f"#   {line.removeprefix('guessed · ')}" in text for line in said if line.startswith("guessed"))
    for scale in ("smoke", "default", "full"):
        plan = project(folder, scale).plan("my-trees")
        assert {"ssd", "finetune", "ssd-pruned"} <= {cell.variant for cell in plan.cells}


def test_without_pruning_the_dampened_model_is_shipped(folder: Path) -> None:
    study = yaml12.load(write(folder, forget=None))
    assert study["targets"] == {"ssd": ["onnx", "onnx-int8"]}
    assert "certify" not in study, "a rehearsal is not certified"
    assert "ssd-pruned" not in study["variants"]
    assert study["forget"] == {"sample": 10}


def test_the_request_is_copied_where_requests_are_kept(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(folder, said := [])
    assert any(line.startswith("delete · request.csv: git sees it, and the ids in it") for line in said)
    kept = folder / "data" / "requests" / "request.csv"
    assert kept.read_bytes() == (folder / "request.csv").read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    outside = tmp_path_factory.mktemp("outside") / "request.csv"
    outside.write_bytes(kept.read_bytes())
    for name, file in (("again", kept), ("anew", outside)):
        write(folder, said := [], name=name, forget=file)
        assert not any(line.startswith("delete") for line in said)
    (folder / "request.csv").write_text("sample_id\n0001\n")
    with pytest.raises(UserError, match=r"data/requests/request\.csv is another request"):
        write(folder, name="third")


@pytest.mark.parametrize(
    ("request_file", "wrong"),
    [
        ("sample_id\n0001\n87\n", "1 of 2 ids not in the data: 87"),
        ("sample_id\n" + "".join(f"{n:04d}\n" for n in range(90)), "it names all 54 training rows of trees"),
        ("subject\np0\n", ""),
    ],
    ids=["unknown", "all", "good"],
)
def test_a_request_that_does_not_fit_is_told_at_once(folder: Path, request_file: str, wrong: str) -> None:
    (folder / "request.csv").write_text(request_file)
    write(folder, said := [])
    told = [line for line in said if line.startswith("wrong · ")]
    assert len(told) == bool(wrong)
    assert wrong in "".join(told)


def test_subjects_without_a_column_are_told_with_the_remedy(folder: Path) -> None:
    trees().rename({"owner": "of"}).write_csv(folder / "data" / "trees.csv")
    (folder / "request.csv").write_text("subject\np1\n")
    write(folder, said := [])
    assert any(line.startswith("wrong") and "`subject: COLUMN` below `dataset`" in line for line in said)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("studies: [a, b]  # two\nscale: full\n", "studies:  # two\n  - a\n  - b\n  - new\nscale: full\n"),
        ("studies: []\n", "studies:\n  - new\n"),
        (
            "scale: full\nstudies:\n- a\n\n- b\n\nseeds: [1]\n",
            "scale: full\nstudies:\n- a\n\n- b\n- new\n\nseeds: [1]\n",
        ),
        ("studies:\n    - a", "studies:\n    - a\n    - new\n"),
        ("studies:\n  - a\n# - b\n", "studies:\n  - a\n  - new\n# - b\n"),
    ],
    ids=["inline", "empty", "not-indented", "no-last-newline", "comment-after"],
)
def test_a_study_is_added_to_every_form_of_list(before: str, after: str) -> None:
    assert with_study(before, "new") == after


@pytest.mark.parametrize("text", ["scale: full\n", "studies: &x [a,\n  b]\n"])
def test_a_list_that_cannot_be_edited_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match="no block list `studies:`"):
        with_study(text, "new")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "first"}, r"'first' exists \(config/config\.yaml\)"),
        ({"name": "all"}, "'all' cannot be a study's name"),
        ({"name": "My Trees"}, "cannot be a study's name: small letters"),
        ({"data": Path("data/none.csv")}, r"--data data/none\.csv: no such file"),
        ({"data": Path("their_network.py")}, r"no loader for '\.py'"),
        ({"data": Path("/etc/hostname")}, "lies outside the project: copy it, or link it"),
        ({"weights": Path("data/none.pt")}, "--weights data/none.pt: no such file"),
        ({"model": "no.such.module:factory"}, "no.such.module"),
        ({"model": "winery.net"}, "nothing is written, .* network is written package.module:function"),
        ({"forget": Path("nobody.csv")}, r"nobody\.csv: cannot be read"),
    ],
    ids=["listed", "reserved", "letters", "no-data", "ending", "outside", "no-weights", "module", "form", "ids"],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing_behind(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    before = tree_of(folder)
    with pytest.raises(UserError, match=message):
        write(folder, **changes)
    assert tree_of(folder) == before


def test_the_list_keeps_its_comments_and_nothing_is_overwritten(folder: Path) -> None:
    path = write(folder)
    assert (folder / "config" / "config.yaml").read_text() == CONFIG.replace(
        "  - first  # theirs\n", "  - first  # theirs\n  - my-trees\n"
    )
    path.write_text(path.read_text() + "# mine\n")
    before = tree_of(folder)
    with pytest.raises(UserError, match=r"'my-trees' exists \(config/studies/my-trees\.yaml\)"):
        write(folder)
    assert tree_of(folder) == before


def test_the_command_says_what_is_wrong_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["new", "first", "--data", "data/trees.csv", "--model", FACTORY, "--weights", "data/weights.safetensors"]
    assert main(command) == 1
    assert capsys.readouterr().err.count("\n") == 1
