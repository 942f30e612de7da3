"""Looking at plan and store from the command line: plan, path, log, gc, fsck, verdicts."""

from __future__ import annotations

import copy
import json
import shutil

import pytest
import yaml

from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = pytest.mark.pipeline


def lines(box: Sandbox, *arguments: str, code: int = 0) -> list[str]:
    """What a command prints; with code 1 it is one line."""
    ran = box.cli(*arguments)
    assert ran.code == code, ran.output
    found = ran.output.splitlines()
    assert "Traceback" not in ran.output
    assert code == 0 or arguments[0] == "fsck" or (len(found) == 1 and found[0].startswith("neurosieve: error: "))
    return found


def key_of(box: Sandbox, address: str) -> str:
    return lines(box, "path", address)[0].rsplit("-", 1)[-1]


def test_plan_shows_what_is_done_and_what_is_to_do(project: Sandbox) -> None:
    done = lines(project, "plan")
    assert done[0] == "tiny (default): 40 of 40 nodes exist"
    assert len([line for line in done if line.lstrip().startswith("done ")]) == 15
    assert not any("to do" in line for line in done)
    branch = next(line for line in done if "drop-again/11" in line)
    assert branch.split()[:2] == ["done", "drop-again/11"]
    assert " s, " in branch
    shutil.rmtree(project.root / "results" / "store" / "evaluate")
    (folder,) = (path for name, path in project.nodes().items() if name.endswith(key_of(project, "drop-again/12")))
    (folder / "provenance.json").unlink()
    after = lines(project, "plan", "tiny")
    assert after[0] == "tiny (default): 24 of 40 nodes exist"
    assert "  evaluations: 0 of 15 done" in after
    assert any(line.split()[:3] == ["to", "do", "drop-again/12"] for line in after)
    assert "unknown study 'other'; config/config.yaml lists: tiny" in lines(project, "plan", "other", code=1)[0]


def test_why_shows_the_part_of_the_key_that_changed(project: Sandbox) -> None:
    assert lines(project, "plan", "--why", "tiny/drop/11")[0].endswith("is in the store; nothing of its key changed")
    study = copy.deepcopy(STUDY)
    study["variants"]["drop"]["unlearn"]["far"] = 60
    study["seeds"] = [11, 12, 14]
    project.write("tiny", study)
    parameter = lines(project, "plan", "--why", "tiny/drop/11")
    assert parameter[0].startswith("tiny/drop/11 (toy-drop-")
    assert parameter[1:] == ["  params.far: 50.0 -> 60.0"]
    follows = lines(project, "plan", "--why", "tiny/drop-again/11")
    assert follows[1].startswith("  inputs.model: ")
    assert follows[2].startswith("    that input is intervene tiny/drop/11; `neurosieve plan tiny --why ")
    seed = lines(project, "plan", "tiny", "--why", "original/14")
    assert any(line.startswith("  seed: 1") and line.endswith(" -> 14") for line in seed)
    project.edit("src/neurosieve/training/toy/fit.py", "/ epoch", "/ (epoch + 1)")
    code = lines(project, "plan", "--why", "tiny/original/12")
    assert [line.partition(":")[0] for line in code[1:]] == ["  component.code"]
    assert "no node 'tiny/nothing/11' in tiny" in lines(project, "plan", "--why", "tiny/nothing/11", code=1)[0]


def test_path_and_log(project: Sandbox) -> None:
    (path,) = lines(project, "path", "tiny/drop/11")
    assert path.startswith(str(project.root / "results" / "store" / "intervene" / "toy-drop-"))
    key = path.rsplit("-", 1)[-1]
    assert lines(project, "path", key) == lines(project, "path", f"toy-drop-{key}") == [path]
    assert "/export/toy-" in lines(project, "path", "tiny/drop/11/toy")[0]
    (logged,) = lines(project, "log", "tiny/drop/11")
    assert logged.endswith(path.removeprefix(str(project.root))), "a job prints its node's directory"
    for verb in ("path", "log"):
        for address in ("tiny/drop/99", "tiny/lost/11", "0123456789abcdef", "tiny/drop/11/onnx", ""):
            (error,) = lines(project, verb, address, code=1)
            assert f"no node '{address}' in tiny; write study/variant/seed, or a key" in error
    shutil.rmtree(path)
    (error,) = lines(project, "path", "tiny/drop/11", code=1)
    assert f"tiny/drop/11 (toy-drop-{key}) is not computed yet; it will be at {path}" in error
    (project.root / "results" / "logs" / "intervene" / f"toy-drop-{key}.log").unlink()
    assert f"no log of tiny/drop/11 (toy-drop-{key})" in lines(project, "log", "tiny/drop/11", code=1)[0]
    (error,) = lines(project, "train", "tiny", "drop/11", code=1)
    assert "is computed by `intervene`, not by `train`" in error
    (error,) = lines(project, "intervene", "tiny", "drop-again/11", code=0)
    assert "toy-drop-" in error
    shutil.rmtree(error)
    (error,) = lines(project, "intervene", "tiny", "drop-again/11", code=1)
    assert f"the input intervene/toy-drop-{key} is not computed yet; run `snakemake tiny`" in error


def test_gc_deletes_only_what_no_scale_of_a_configured_study_reaches(project: Sandbox) -> None:
    assert project.snakemake("--config", "scale=smoke").code == 0
    assert lines(project, "gc")[-1].startswith("0 nodes, 0 B")
    other = {**copy.deepcopy(STUDY), "seeds": [11], "claims": []}
    del other["variants"]["drop-again"]
    project.configure({"tiny": STUDY, "other": other})
    assert project.snakemake("other").code == 0
    verdicts = {name for name in project.nodes() if name.startswith("verdict/other-")}
    assert len(verdicts) == 1
    study = copy.deepcopy(STUDY)
    study["variants"]["drop-again"]["unlearn"]["far"] = 11
    project.configure({"tiny": study})
    before = project.nodes()
    listed = lines(project, "gc")
    unreached = {line.split()[-1] for line in listed if line.startswith("unreached")}
    assert listed[-1].endswith("`neurosieve gc --delete` deletes them")
    assert project.nodes() == before, "listing deletes nothing"
    kinds = sorted(name.partition("-")[0] for name in unreached)
    # drop-again of three seeds and of smoke with their metrics; the verdicts of tiny at both scales, and of `other`
    assert kinds == ["evaluate/toy"] * 4 + ["intervene/toy"] * 4 + ["verdict/other"] + ["verdict/tiny"] * 2
    deleted = lines(project, "gc", "--delete")
    assert {line.split()[-1] for line in deleted if line.startswith("deleted")} == unreached
    assert set(project.nodes()) == set(before) - unreached
    assert project.todo() == {
        *(f"{stage} tiny/drop-again/{seed}" for stage in ("intervene", "evaluate") for seed in (11, 12, 13)),
        "verdict tiny/verdict",
        "report",
    }


def test_fsck_finds_a_flipped_byte_a_missing_file_and_a_changed_record(project: Sandbox) -> None:
    assert lines(project, "fsck") == ["40 nodes checked, 0 damaged"]
    nodes = iter(path for name, path in project.nodes().items() if name.startswith("train/"))
    flipped, missing, renamed, unreadable, empty = (next(nodes) for _ in range(5))
    content = bytearray((flipped / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (flipped / "model.safetensors").write_bytes(bytes(content))
    (missing / "history.parquet").unlink()
    record = json.loads((renamed / "provenance.json").read_text())
    record["recipe"]["seed"] = 99
    (renamed / "provenance.json").write_text(json.dumps(record))
    (unreadable / "provenance.json").write_bytes(b"{")
    (empty / "provenance.json").write_text("{}")
    found = lines(project, "fsck", code=1)
    assert found[-1] == "40 nodes checked, 5 damaged"
    said = {
        flipped: "model.safetensors does not have the content it was stored with",
        missing: "history.parquet is missing",
        renamed: "provenance.json does not record the recipe that the node's key stands for",
        unreadable: "provenance.json cannot be read",
        empty: "provenance.json is no node's record",
    }
    for folder, text in said.items():
        (line,) = (line for line in found if folder.name in line)
        assert text in line
        assert "delete" in line


def test_verdicts(project: Sandbox) -> None:
    table = "\n".join(lines(project, "verdicts"))
    assert "tiny T1" in table
    assert "holds" in table
    assert f"page: {project.root / 'results' / 'report' / 'index.html'}" in table
    path = project.root / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "seeds": [11, 12]}))
    assert "tiny (default): not computed; `snakemake tiny` computes it" in lines(project, "verdicts", "tiny")
    assert "unknown study 'nope'" in lines(project, "verdicts", "nope", code=1)[0]
