"""The command line: help without heavy imports, the schema, one line for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from neurosieve import cli
from neurosieve.plan import yaml12

ROOT = Path(__file__).parents[1]
VERBS = sorted(cli.cli.commands)
HEAVY = ("torch", "polars", "snakemake", "numpy", "sklearn", "pydantic", "rich")


def test_every_verb_has_a_test_here() -> None:
    wanted = {"prepare", "train", "intervene", "export", "evaluate", "verdict", "report"}
    assert wanted | {"plan", "path", "log", "gc", "fsck", "verdicts", "schema", "save", "restore"} <= set(VERBS)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    for flag in ("--help", "-h"):
        assert cli.main([verb, flag] if verb else [flag]) == 0
        said = capsys.readouterr()
        assert said.out.startswith(f"Usage: neurosieve {verb}".rstrip())
        assert said.err == ""
        if verb in ("", "restore"):
            continue
        assert cli.cli.commands[verb].help in " ".join(said.out.split()) or len(said.out) > 80


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from neurosieve import cli\n"
        f"for verb in {['', *VERBS]!r}:\n"
        "    assert cli.main([verb, '--help'] if verb else ['--help']) == 0\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert done.stdout.count("Usage: neurosieve") == len(VERBS) + 1


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["plan", "--nonsense"], ["train", "ssd"], ["plan", "--scale", "x"]]
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: neurosieve")
    assert "Error: " in said.err.splitlines()[-1]


def test_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    checker = jsonschema.Draft202012Validator
    checker.check_schema(schema)
    study = yaml12.load(ROOT / "config" / "studies" / "ssd.yaml")
    assert [error.message for error in checker(schema).iter_errors(study)] == []
    text = json.dumps(schema)
    for component in ("unlearning.ssd", "supervised.backprop", "vision.resnet9", "images.mnist5k", "classification"):
        assert f'"{component}"' in text
    for wrong in (
        {"seeds": "11"},
        {"evaluat": []},
        {"variants": {"a": {"form": "b"}}},
        {"dataset": {"use": "images.x"}},
    ):
        assert list(checker(schema).iter_errors({**study, **wrong})), wrong
    assert cli.main(["schema", str(tmp_path / "study.json")]) == 0
    assert json.loads((tmp_path / "study.json").read_text()) == schema


def test_schema_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    assert cli.main(["schema", str(tmp_path / "folder")]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"neurosieve: error: cannot write {tmp_path / 'folder'}: Is a directory"]


@pytest.mark.parametrize("verb", ["plan", "gc", "fsck", "verdicts", "report", "save", "restore"])
def test_outside_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([verb]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"neurosieve: error: no config/config.yaml in {tmp_path} or above: run this inside a neurosieve project\n"
    )
