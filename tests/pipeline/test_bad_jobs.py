"""What only a job can see: one line in its log and in what Snakemake prints, and the other jobs go on."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from neurosieve.artifacts.hashes import sha256_of
from neurosieve.errors import STEP
from tests.pipeline.sandbox import STUDY, Sandbox
from tests.pipeline.watch import Run, assert_goes_on, failed_lines, gated, in_mid_job, open_gate, stamps

pytestmark = pytest.mark.pipeline
ROWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": ({"where": "label = 99"}, ("label = 99 matches no training row of points (90 rows)",)),
    "everything": ({"where": "label >= 0"}, ("label >= 0 matches all 90 training rows", "none would be retained")),
    "no-sql": ({"where": "label = = 1"}, ("forget.where: label = = 1: ", "columns of points: sample_id, label")),
    "no-column": ({"where": "lable = 1"}, ("forget.where: lable = 1: no such column", "points has sample_id, label")),
    "hidden": ({"where": "odd"}, ("forget.where: odd: no such column",)),
    "no-truth": ({"where": "label + 1"}, ("is not true or false", "label = 3")),
    "too-many": ({"sample": 90}, ("forget.sample: 90 rows wanted, points has 90 training rows",)),
    "numbers": (
        {"ids_file": "data/requests/numbers.csv"},
        ("2 of 2 ids not in the data of points; `neurosieve affected",),
    ),
    "other-split": ({"ids_file": "data/requests/other.csv"}, ("are rows of split 'test', not training rows",)),
}
FILES = {
    "data/requests/numbers.csv": "sample_id\n87\n5\n",
    "data/requests/other.csv": "2001\n",
    "data/requests/text.csv": "sample_id\n0087\n0005\n",
}


def errors_of(box: Sandbox, output: str) -> dict[str, str]:
    """Title of the node -> its error, as Snakemake prints it; each is also all that its log says beside progress."""
    found = {}
    for line in failed_lines(output):
        match = re.fullmatch(r"failed: \w+ \S+ \((\S+)\): neurosieve: error: (.*) · log: (\S+)", line)
        assert match, line
        lines = (box.root / match[3]).read_text().splitlines(keepends=True)
        log = "".join(line for line in lines if not line.startswith(STEP))
        assert log == f"neurosieve: error: {match[2]}\n" or (match[2].endswith("…") and match[2][:-1] in log)
        found[match[1]] = match[2]
    return found


def test_rows_that_cannot_be_chosen(fresh: Sandbox) -> None:
    (fresh.root / "data" / "requests").mkdir(parents=True)
    for name, text in FILES.items():
        (fresh.root / name).write_text(text)
    values = {name: {"forget": forget} for name, (forget, _) in ROWS.items()}
    study = {
        **gated(),
        "dataset": {"use": "toy.points", "rows": 30, "digits": True},
        "axes": {"rows": {**values, "text": {"forget": {"ids_file": "data/requests/text.csv"}}}},
        "variants": {
            "original": STUDY["variants"]["original"],
            "drop": {"from": "original", "unlearn": {"use": "unlearning.toy_drop"}},
        },
        "evaluate": [],
    }
    del study["forget"]
    fresh.configure({"tiny": study})
    ran = fresh.snakemake()
    assert ran.code != 0
    assert "Traceback" not in ran.output
    errors = errors_of(fresh, ran.output)
    assert set(errors) == {f"tiny/drop@rows={name}/11" for name in ROWS}
    for name, (_, said) in ROWS.items():
        for text in said:
            assert text in errors[f"tiny/drop@rows={name}/11"]
    kept = [name for name in fresh.nodes() if name.startswith(("train/", "intervene/", "prepare/forget"))]
    assert len(kept) == 3, "the rows that can be chosen are, and the variant goes on"
    (chosen,) = (folder for name, folder in fresh.nodes().items() if name.startswith("prepare/forget"))
    assert json.loads((chosen / "selection.json").read_text())["counts"] == {"train": 2}


def node_of(box: Sandbox, variant: str, seed: int, *, role: str = "") -> Path:
    """Folder of a model, or of its input of a role."""
    folder = (box.root / "results" / "studies" / "tiny" / variant / f"seed{seed}").resolve()
    if not role:
        return folder
    key = json.loads((folder / "provenance.json").read_text())["recipe"]["inputs"][role]
    (found,) = (box.root / "results" / "store").glob(f"*/*-{key}")
    return found


def test_damaged_inputs(project: Sandbox) -> None:
    dataset, model = node_of(project, "original", 11, role="data"), node_of(project, "original", 12)
    arrow, shown = dataset / "train.arrow", dataset.relative_to(project.root)
    arrow.write_bytes(arrow.read_bytes()[:-100])
    file, provenance = model / "model.safetensors", model / "provenance.json"
    save_file({**load_file(file), "ballast": np.zeros(7)}, file)
    record = json.loads(provenance.read_text())
    record["files"]["model.safetensors"] = sha256_of(file)
    provenance.write_text(json.dumps(record))
    study = {**copy.deepcopy(STUDY), "evaluate": [], "claims": [], "targets": {}}
    study["variants"] = {
        "original": STUDY["variants"]["original"],
        "drop": {"from": "original", "unlearn": {"use": "unlearning.toy_drop", "far": 7}},
    }
    project.write("tiny", study)
    ran = project.snakemake()
    assert ran.code != 0
    errors = errors_of(project, ran.output)
    assert errors == {
        "tiny/drop/11": f"{shown}/train.arrow does not have the content it was stored with (truncated or changed); "
        f"delete {shown} and run the same command again",
        "tiny/drop/12": f"{file} (toy.centroid) does not belong to this architecture: 'ballast' has shape (7,), "
        "wanted (4,)",
    }
    assert (node_of(project, "drop", 13) / "provenance.json").is_file()
    before = stamps(project)
    for folder in (dataset, model):
        shutil.rmtree(folder)
        del before[f"{folder.parent.name}/{folder.name}"]
    assert_goes_on(project, before)


def test_source_edited_while_jobs_run(fresh: Sandbox) -> None:
    """The code of a job that runs and of one that is to come: either is refused, and the next run computes anew."""
    fresh.configure({"tiny": gated()})
    run, _ = in_mid_job(fresh)
    fresh.edit("src/neurosieve/training/toy/fit.py", "model.with_(notes", "model.with_(  notes")
    fresh.edit("src/neurosieve/datasets/toy/points.py", "Three splits", "Three splits,")
    open_gate(fresh)
    assert run.end().code == 0, "only comments, docstrings and formatting changed"
    (fresh.root / "open").unlink()
    fresh.write("tiny", {**gated(), "seeds": [12]})
    known = len(fresh.nodes())
    run, _ = in_mid_job(fresh, nodes=known + 4)
    fresh.edit("src/neurosieve/training/toy/fit.py", "params.noise * random", "params.noise * 2 * random")
    open_gate(fresh)
    ran = run.end()
    assert ran.code != 0
    errors = errors_of(fresh, ran.output)
    assert errors["tiny/slow/12"] == (
        "the code of training.toy.fit changed while the job ran; run the same command again"
    )
    assert all(said.endswith("run the same command again") for said in errors.values())
    assert_goes_on(fresh, stamps(fresh))
    assert len({name for name in fresh.nodes() if name.startswith("train/")}) == 5, "original of 12 is there twice"


def test_configuration_and_raw_file_changed_while_jobs_run(fresh: Sandbox) -> None:
    study = gated()
    study["dataset"]["shift_file"] = "shift.txt"
    (fresh.root / "shift.txt").write_text("0.5\n")
    fresh.configure({"tiny": study})
    run, _ = in_mid_job(fresh)
    study["variants"]["drop"]["unlearn"]["far"] = 7
    fresh.write("tiny", study)
    open_gate(fresh)
    ran = run.end()
    assert ran.code != 0
    ((title, error),) = errors_of(fresh, ran.output).items()
    assert title == "tiny/drop/11"
    assert re.fullmatch(
        r"node [0-9a-f]{16} is no longer part of study 'tiny': its configuration or code changed while jobs ran; "
        "run the same command again",
        error,
    )
    assert len([name for name in fresh.nodes() if name.startswith("evaluate/")]) == 2, "unchanged nodes go on"
    assert_goes_on(fresh, stamps(fresh))
    (fresh.root / "open").unlink()
    study["variants"]["slow"]["train"]["noise"] = 0.5
    fresh.write("tiny", study)
    run = Run.start(fresh, "snakemake")
    in_mid_job(fresh, run, nodes=len(fresh.nodes()))
    (fresh.root / "shift.txt").write_text("0.7\n")
    open_gate(fresh)
    ran = run.end()
    assert ran.code != 0
    assert errors_of(fresh, ran.output)
    assert all("changed while jobs ran; run the same command again" in e for e in errors_of(fresh, ran.output).values())
    assert_goes_on(fresh, stamps(fresh))
