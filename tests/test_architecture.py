"""The layers of pyproject.toml hold, the generated page is up to date, and light commands stay light."""

import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
generate = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "generate.py")))
MODULES = generate.read_modules()
LAYERS = generate.read_layers()
HEAVY = {
    "matplotlib",
    "numba",
    "numpy",
    "onnx",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "snakemake",
    "torch",
}


def test_no_import_points_upwards_and_no_stage_imports_another():
    assert generate.misplaced(MODULES, LAYERS) == []


def test_no_import_cycles_between_modules():
    assert generate.cycles({name: module.imports for name, module in MODULES.items()}) == []


def test_the_generated_pages_are_up_to_date(capsys):
    assert generate.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module.is_package])
def test_every_package_says_what_it_represents(name):
    assert MODULES[name].represents, "needs an __init__.py with a docstring"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from neurosieve.__main__ import main; sys.argv[1:] = ['--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "NEUROSIEVE_WARM": "0"},
        check=True,
    )
    assert "usage" in done.stdout.lower()
    assert HEAVY & set(done.stderr.split()) == set()


def test_a_job_imports_nothing_that_only_planning_or_the_page_needs():
    code = "import sys, neurosieve.jobs.run, neurosieve.jobs.stages; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    ours = {name for name in done.stdout.split() if name.startswith("neurosieve.")}
    assert "neurosieve.plan.nodes" in ours
    unwanted = ("neurosieve.plan.study", "neurosieve.plan.planner", "neurosieve.report", "neurosieve.evaluation.claims")
    assert {name for name in ours if name.startswith(unwanted)} == set()


def a_package(folder, **files):
    """The modules of a package neurosieve whose files are given as a__b="text" for a/b.py."""
    for name, text in files.items():
        path = folder / "neurosieve" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    (folder / "neurosieve" / "__init__.py").touch()
    return generate.read_modules(folder)


@pytest.mark.parametrize(
    ("importer", "text", "allowed"),
    [
        ("training__sgd", "from neurosieve.optim import loop", True),
        ("training__sgd", "import neurosieve.datasets.digits", False),
        ("training__sgd", "def late():\n    from ..datasets.digits import load", False),
        ("training__sgd", "from . import digits\nimport numpy", True),
        ("optim__extra", "from neurosieve import training", False),
        ("optim__extra", "from .loop import fit", True),
        ("plan__nodes", "import neurosieve.plan.study", True),
        ("plan__study", "from neurosieve.cli import main", False),
        ("cli", "from neurosieve.datasets import digits", True),
        ("attic", "", False),
    ],
)
def test_what_counts_as_pointing_upwards(tmp_path, importer, text, allowed):
    others = dict.fromkeys(
        ["cli", "plan__nodes", "plan__study", "optim__loop", "datasets__digits", "training__digits", "training__sgd"],
        "",
    )
    modules = a_package(tmp_path, **{**others, importer: text})
    assert (generate.misplaced(modules, LAYERS) == []) is allowed


def test_imports_name_the_module_not_its_package(tmp_path):
    modules = a_package(tmp_path, optim__loop="from neurosieve.models import vision, Net", models__vision="")
    assert modules["neurosieve.optim.loop"].imports == {"neurosieve.models.vision", "neurosieve.models"}


def test_cycles_are_the_groups_that_reach_each_other():
    graph = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"], "f": ["a"]}
    assert generate.cycles(graph) == [["a", "b", "c"], ["d", "e"]]


def test_the_picture_leaves_out_what_longer_ways_imply():
    assert generate.reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}
