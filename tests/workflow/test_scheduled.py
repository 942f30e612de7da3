"""The files that schedule the nightly run are sound, and name what is here."""

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from neurosieve.plan import yaml12

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "workflow" / "scheduled"
UNITS = ["neurosieve-nightly.service", "neurosieve-nightly.timer"]


def unit(name):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(FOLDER / name)
    return parser


def test_units_call_the_script_once_a_night():
    command = unit(UNITS[0])["Service"]["ExecStart"].split()
    assert command[:2] == ["/usr/bin/env", "python3"]
    assert (ROOT / command[2]).is_file()
    assert unit(UNITS[1])["Timer"]["OnCalendar"] == "*-*-* 02:30"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_accepts_the_units(tmp_path):
    command = ["systemd-analyze", "verify", "--user", *(str(FOLDER / name) for name in UNITS)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}  # where nobody is logged in there is none
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "neurosieve" in line]


def test_schedule_of_the_actions_runs_the_script():
    schedule = yaml12.load(FOLDER / "github-actions.yaml")
    assert schedule["on"]["schedule"] == [{"cron": "30 2 * * *"}]
    steps = schedule["jobs"]["nightly"]["steps"]
    (call,) = [step["run"] for step in steps if "nightly.py" in step.get("run", "")]
    assert (ROOT / call.split()[1]).is_file()
    (kept,) = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    assert kept == "results/nightly/"
