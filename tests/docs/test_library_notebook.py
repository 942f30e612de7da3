"""The notebook is the one its script builds, and its cells, run here without a kernel, give what it shows."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
ROOM = 0.05
"""Shares may differ between two kinds of processors by a few rows."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        return importlib.import_module("library_notebook")


@pytest.fixture(scope="module")
def notebook(script: ModuleType) -> nbformat.NotebookNode:
    return nbformat.read(script.NOTEBOOK, as_version=4)


def test_it_is_what_the_script_builds_with_all_outputs(script: ModuleType, notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == list(script.CELLS)
    assert [cell.id for cell in notebook.cells] == [cell.id for cell in script.built().cells]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(output.output_type == "stream" for cell in code for output in cell.outputs)
    assert script.NOTEBOOK.stat().st_size < 60_000


def test_its_cells_give_what_it_shows(notebook: nbformat.NotebookNode) -> None:
    place: dict[str, object] = {"__name__": "notebook"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(cell.source, cell.id, "exec"), place)
        shown = "".join(output.text for output in cell.outputs)
        assert NUMBER.sub("#", said.getvalue()) == NUMBER.sub("#", shown)
        for one, other in zip(NUMBER.findall(said.getvalue()), NUMBER.findall(shown), strict=True):
            assert float(one) == pytest.approx(float(other), rel=ROOM, abs=ROOM)
