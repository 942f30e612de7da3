"""What `make` installs: an extra of ours that names other extras of ours asks for what they ask for."""

import re
import runpy
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
needs = runpy.run_path(str(ROOT / "workflow" / "install.py"))["needs"]


def test_extras_that_name_extras_are_opened_at_any_depth():
    extras = {"a": ["x", "neurosieve[b,c]"], "b": ["y[z]"], "c": ["neurosieve[d]", "w"], "d": ["v"]}
    assert needs(extras, "a") == ["x", "y[z]", "v", "w"]
    assert needs(extras, "run") == []


def test_everything_that_can_be_installed_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {
        line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    wanted = project["dependencies"] + needs(project["optional-dependencies"], "dev")
    assert {re.split(r"[\[=<>]", name)[0].lower() for name in wanted} - pins == set()
