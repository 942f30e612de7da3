"""The tutorial's listings and commands, as they stand, lead from nothing to a certified, exported model."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from tests.own.projects import SOURCE
from tests.toys import numba_undisturbed

from neurosieve.cli import main
from neurosieve.jobs.run import run_node
from neurosieve.plan.project import Project

TEXT = (Path(__file__).parents[2] / "docs" / "own-model.md").read_text()
LISTINGS = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
(MENDED,) = re.findall(r"^```yaml\n# in \S+, in place of `classes:`\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
RUNS = [line for block in BLOCKS for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE)]
SHOWN = [re.split(r"^\$ .*\n", block, flags=re.MULTILINE)[-1] for block in BLOCKS]
BINARY = ".venv/bin/neurosieve "
MEASURED = re.compile(r"\d+(?:\.\d+)?")
"""Times, memory and hashes differ from machine to machine; counts are compared where they are not among them."""
ROUGH = ("time ·", "memory ·", "evidence ·")


def masked(line: str) -> str:
    """The line without the numbers that are measured."""
    return MEASURED.sub("#", re.sub(r"\(onnx.*?\)", "()", line)) if line.startswith(ROUGH) else line


def assert_said(shown: str, said: str) -> None:
    """Every line that the page shows was said, in that order; `…` stands for lines left out."""
    lines = iter(map(masked, said.splitlines()))
    for line in shown.splitlines():
        assert line == "…" or masked(line) in lines, f"not said: {line}\n{said}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with the user's two files."""
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("scale: default\nstudies: []\n")
    for name, text in LISTINGS.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "tumours", raising=False)
    monkeypatch.setattr(Project, "source", SOURCE)
    return tmp_path


def make(root: Path, slug: str) -> None:
    """What `make STUDY=slug` computes, in this process."""
    project = Project(root)
    plan = project.plan(slug)
    with numba_undisturbed():
        for node in plan.nodes.values():
            run_node(project, plan, node)
    assert main(["certify", slug]) == 0


@pytest.mark.slow
def test_from_nothing_to_a_certificate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert RUNS[0] == ".venv/bin/python train.py"
    runpy.run_path("train.py", run_name="__main__")
    new, check, check_again, made, verify = RUNS[1:]
    for command, shown, code in ((new, SHOWN[1], 0), (check, SHOWN[2], 1)):
        assert main(command.removeprefix(BINARY).split()) == code
        said = capsys.readouterr()
        assert_said(shown, said.out + said.err)
    study = folder / "config" / "studies" / "tumours.yaml"
    study.write_text(re.sub(r"^  classes: .*\n", MENDED, study.read_text(), count=1, flags=re.MULTILINE))
    assert main(check_again.removeprefix(BINARY).split()) == 0
    assert_said(SHOWN[3], capsys.readouterr().out)
    assert made == "make STUDY=tumours"
    make(folder, "tumours")
    capsys.readouterr()
    assert main(verify.removeprefix(BINARY).split()) == 0
    assert_said(SHOWN[4], capsys.readouterr().out)
    written = json.loads(Path(verify.split()[-1]).read_text())
    assert written["statement"]["title"].lower() == "not resolvable"
    exports = sorted(path.name.rpartition("-")[0] for path in (folder / "results" / "store" / "export").iterdir())
    assert exports == ["onnx", "onnx-int8"]


def test_the_page_names_every_loader() -> None:
    from neurosieve.own.guess import LOADERS

    table = TEXT.partition("| `--data` |")[2]
    for use in {*LOADERS.values(), "own.image_folder"}:
        assert f"`{use}`" in table
