"""Bad input is answered before any job starts: one line with the place, the field and what is allowed."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from neurosieve import cli
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from tests.pipeline.sandbox import Sandbox

GOOD = """\
question: Is bad input answered in one line?
paper: {title: On mistakes, year: 2024}
dataset: {use: images.mnist5k, size: 7, train: 20, validation: 0, test: 10}
forget: {where: "label = 1"}
seeds: [11, 12]
axes:
  setting:
    one: {forget: {where: "label = {class}"}, bind: {class: [1, 2]}}
    few: {forget: {sample: 3}, set: {ssd.alpha: 5}}
resources:
  train: {memory: 1 GB, minutes: 2}
variants:
  original:
    model: {use: vision.resnet9, width: 2}
    train: {use: supervised.backprop, epochs: 2, checkpoints: [1]}
  retrained: {base: original, rows: retain}
  importance: {from: original, analysis: {use: analysis.importance, order: class, batch: 4}}
  ssd: {from: original, with: [importance], unlearn: {use: unlearning.ssd, alpha: 5}}
  early: {from: original@e1, prune: {use: pruning.magnitude, sparsity: 0.5}}
  swept: {from: original, prune: {use: pruning.magnitude}, sweep: {sparsity: [0.5, 0.9]}, only: {setting: [one]}}
targets:
  ssd: [onnx]
evaluate:
  - {use: classification, of: [original, ssd]}
claims:
  - id: T1
    says: It forgets.
    metrics: [accuracy]
    variants: [ssd]
    criterion: {left: {metric: accuracy, split: forget, of: ssd}, is: at_most, right: 0.1}
scales:
  smoke: {seeds: [11]}
"""
STUDY = "config/studies/bad.yaml"
TRAIN = "train: {use: supervised.backprop, epochs: 2, checkpoints: [1]}"
SSD = "unlearn: {use: unlearning.ssd, alpha: 5}"
SWEEP = "sweep: {sparsity: [0.5, 0.9]}"
FEW = "few: {forget: {sample: 3}, set: {ssd.alpha: 5}}"

CASES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    # what: text before, text after, text of the line that the error points at, what the error says
    "yaml syntax": ("seeds: [11, 12]", "seeds: [11, 12", "axes:", ("expected",)),
    "tab": ("  smoke: {", "\tsmoke: {", "smoke", ("cannot start any token",)),
    "duplicate key": ("seeds: [11, 12]", "seeds: [11, 12]\nseeds: [13]", "seeds: [13]", ("duplicate key 'seeds'",)),
    "two documents": ("scales:", "---\nscales:", "---", ("document",)),
    "no mapping": (GOOD, "- 1\n", "- 1", ("a study is a mapping",)),
    "empty file": (GOOD, "", "", ("a study is a mapping",)),
    "missing key": ("question: Is bad input answered in one line?\n", "", "paper:", ("key 'question' is missing",)),
    "unknown key of the study": (
        "evaluate:\n", "evaluat:\n", "evaluat:", ("unknown key 'evaluat'", "did you mean 'evaluate'", "variants")),
    "unknown key of a variant": (
        "rows: retain}", "rows: retain, form: ssd}", "retrained", ("'variants.retrained.form'", "'from'", "rows")),
    "unknown key of an axis' value": (FEW, FEW.replace("set:", "sets:"), "few", ("'set'", "allowed: forget, measured")),
    "unknown key of resources": ("memory: 1 GB", "ram: 1 GB", "train: {ram", ("'resources.train.ram'", "memory")),
    "unknown key of choose": (
        SSD, SSD.replace("alpha: 5", "choose: {among: {alpha: [1]}, bye: {metric: accuracy}}"), "ssd: {from",
        ("choose.bye", "did you mean 'by'")),
    "unknown key of the paper": ("{title: On mistakes, year", "{titel: On mistakes, year", "paper:", ("title",)),
    "unknown stage": ("  train: {memory", "  trian: {memory", "trian", ("'prepare', 'train'",)),
    "wrong type": ("epochs: 2", "epochs: many", TRAIN[:6], ("supervised.backprop: epochs", "integer", "'many'")),
    "text for a list": ("seeds: [11, 12]", "seeds: 11", "seeds: 11", ("seeds: Input should be a valid list", "11")),
    "seed that is no number": ("seeds: [11, 12]", "seeds: [a]", "seeds: [a]", ("seeds.0", "integer", "'a'")),
    "seed twice": ("seeds: [11, 12]", "seeds: [11, 11]", "seeds: [11, 11]", ("seeds must differ",)),
    "negative seed": ("seeds: [11, 12]", "seeds: [-1]", "seeds: [-1]", ("from 0",)),
    "not finite": ("alpha: 5}}\n  early", "alpha: .inf}}\n  early", "ssd: {from", ("unlearn.alpha", "finite")),
    "unknown component": ("unlearning.ssd", "unlearning.sdd", "ssd: {from", ("did you mean 'unlearning.ssd'",)),
    "unknown dataset": ("images.mnist5k", "images.mnist", "dataset:", ("did you mean 'images.mnist5k'",)),
    "unknown model": ("vision.resnet9", "vision.resnet", "model:", ("'vision.resnet'", "vision.resnet9")),
    "unknown evaluation": ("use: classification", "use: clasification", "use: clas", ("'classification'",)),
    "unknown target": ("[onnx]", "[onxx]", "onxx", ("did you mean 'onnx'",)),
    "component of another kind": (
        SSD, "unlearn: {use: pruning.magnitude}", "ssd: {from", ("`unlearn` takes a component below 'unlearning.'",)),
    "unknown parameter": (SSD, SSD.replace("alpha", "alhpa"), "ssd: {from", ("'alhpa'", "did you mean 'alpha'")),
    "parameter out of bounds": ("sparsity: 0.5}", "sparsity: 1.5}", "early:", ("pruning.magnitude: sparsity", "1.5")),
    "swept value out of bounds": ("[0.5, 0.9]", "[0.5, 9]", "swept:", ("sparsity", "9")),
    "empty sweep": ("[0.5, 0.9]", "[]", "swept:", ("sweep.sparsity", "at least 1")),
    "swept parameter of no block": (SWEEP, "sweep: {modle.width: [1]}", "swept:", ("modle.width", "prune.width")),
    "raw file that is not there": (
        "forget: {sample: 3}", "forget: {ids_file: data/requests/no.csv}", "few:",
        ("ids_file", "no file data/requests/no.csv")),
    "a list that git would store": (
        "forget: {sample: 3}", "forget: {ids_file: data/one.csv}", "few:", ("lies outside data/requests/",)),
    "nothing to forget is listed": (
        "forget: {sample: 3}", "forget: {ids_file: data/requests/bad.csv}", "few:",
        ("bad.csv: the list of ids is empty",)),
    "a row to forget is listed twice": (
        "forget: {sample: 3}", "forget: {ids_file: data/requests/twice.csv}", "few:",
        ("line 3 repeats the id of line 2",)),
    "a list and something else": (
        "forget: {sample: 3}", "forget: {ids_file: data/requests/one.csv, alpha: 1}", "few:", ("unknown key 'alpha'",)),
    "two ways to forget": (
        "forget: {sample: 3}", "forget: {sample: 3, where: a}", "few:", ("exactly one of where, sample, ids_file",)),
    "from that is not there": (
        "ssd: {from: original", "ssd: {from: orignal", "ssd: {from", ("'orignal'", "there are: original, retrained")),
    "from loop": (
        "importance: {from: original", "importance: {from: ssd", "importance:", ("importance -> ssd -> importance",)),
    "base loop": ("{base: original,", "{base: retrained,", "retrained", ("base loops", "retrained -> retrained")),
    "base that is not there": ("{base: original,", "{base: orignal,", "retrained", ("'orignal' is no variant",)),
    "with that is not there": ("with: [importance]", "with: [nothing]", "ssd: {from", ("with names 'nothing'",)),
    "with a checkpoint that is not kept": (
        "with: [importance]", "with: [original@e9]", "ssd: {from", ("no checkpoint 'e9'", "it keeps: e1")),
    "checkpoint that is not kept": ("original@e1", "original@e9", "early:", ("no checkpoint 'e9'", "it keeps: e1")),
    "neither training nor step": (
        "retrained: {base: original, rows: retain}", "retrained: {rows: retain}", "retrained:",
        ("`from` and one step",)),
    "rows without forget": (
        'forget: {where: "label = 1"}\nseeds: [11, 12]\naxes:\n  setting:\n',
        "seeds: [11, 12]\naxes:\n  setting:\n    all: {}\n",
        "retrained:", ("rows: retain, but the study forgets nothing",)),
    "unknown rows": ("rows: retain", "rows: retian", "retrained:", ("'retian' is not one of all, retain, forget",)),
    "bind list too short": ("class: [1, 2]", "class: [1]", "one:", ("class has 1 values, seed 12 is number 2",)),
    "unbound name": ("{class}", "{klass}", "one:", ("{klass} is bound by no axis", "bound here: class")),
    "empty axis": ("axes:\n", "axes:\n  other: {}\n", "other", ("axes.other", "at least 1")),
    "only on no axis": ("{setting: [one]}", "{setting: [two]}", "swept:", ("setting=two", "setting has: one, few")),
    "only with nothing in common": (
        "early: {from: original@e1,", "early: {from: swept, only: {setting: [few]},", "early:",
        ("no value of an axis",)),
    "set of an unknown variant": ("ssd.alpha: 5", "sdd.alpha: 5", "few:", ("set: 'sdd' is no variant",)),
    "set of no block": ("ssd.alpha: 5", "ssd.train.alpha: 5", "few:", ("'train.alpha'", "unlearn.alpha")),
    "targets of an unknown variant": ("  ssd: [onnx]", "  sdd: [onnx]", "sdd", ("'sdd' is no variant", "original")),
    "target twice": ("[onnx]", "[onnx, onnx]", "ssd: [onnx, onnx]", ("'onnx' is listed twice",)),
    "evaluation of an unknown variant": ("of: [original, ssd]", "of: [sdd]", "of: [sdd]", ("'sdd' is no variant",)),
    "claim with an unknown key": ("says: It", "sais: It", "id: T1", ("claim T1", "sais", "did you mean 'says'")),
    "claim on an unknown variant": (
        "variants: [ssd]\n    criterion: {left: {metric: accuracy, split: forget, of: ssd}",
        "variants: [sdd]\n    criterion: {left: {metric: accuracy, split: forget, of: sdd}",
        "id: T1", ("claim T1", "no variant 'sdd'", "did you mean 'ssd'")),
    "claim on a cell that is not computed": (
        "of: ssd}, is", "of: ssd, at: {setting: two}}, is", "id: T1", ("ssd@setting=two", "one, few")),
    "unknown scale": ("  smoke: {", "  tiny: {", "scales:", ("smoke, default, full",)),
    "mistake in a scale that is not in use": ("{seeds: [11]}", "{seeds: 11}", "smoke:", ("seeds", "list")),
    "unknown parameter in a scale that is not in use": (
        "{seeds: [11]}", "\n    variants:\n      ssd: {unlearn: {alhpa: 5}}", "ssd: {unlearn:",
        ("did you mean 'alpha'",)),
    "unknown device": ("seeds: [11, 12]", "seeds: [11, 12]\ndevice: gpu", "device", ("device", "cuda")),
}  # fmt: skip
LISTS = {"bad.csv": "sample_id\n", "twice.csv": "sample_id\n0087\n0087\n", "one.csv": "0087\n"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with the real components."""
    root = tmp_path_factory.mktemp("bad")
    (root / "config" / "studies").mkdir(parents=True)
    (root / "data" / "requests").mkdir(parents=True)
    return root


def answer(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command answers with."""
    code = cli.main([*arguments] or ["plan"])
    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("neurosieve: error: ")
    assert not (root / "results" / "store").exists()
    return lines[0].removeprefix("neurosieve: error: ")


def write(root: Path, study: str, config: str = "studies: [bad]\n", name: str = "bad") -> None:
    (root / "config" / "config.yaml").write_text(config)
    (root / "config" / "studies" / f"{name}.yaml").write_text(study)


def test_the_study_without_a_mistake_is_planned(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    write(root, GOOD)
    for scale in ("default", "smoke", "full"):
        assert cli.main(["plan", "--scale", scale]) == 0
    assert "0 of" in capsys.readouterr().out


@pytest.mark.parametrize("case", CASES)
def test_mistake_in_a_study(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    before, after, at, said = CASES[case]
    assert before in GOOD
    monkeypatch.chdir(root)
    write(root, GOOD.replace(before, after))
    for name, text in LISTS.items():
        (root / "data" / "requests" / name).write_text(text)
    line = answer(root, capsys)
    place = re.match(rf"(?:{re.escape(str(root))}/)?{re.escape(str(STUDY))}:(\d+)(:\d+)?: ", line)
    assert place, line
    assert at in [*(root / STUDY).read_text().splitlines(), ""][int(place[1]) - 1]
    for text in said:
        assert text in line


CONFIG_CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "no study file": (
        "studies:\n  - bad\n  - lost\n",
        ("config.yaml:3", "'lost' has no file config/studies/lost.yaml"),
    ),
    "unknown key": ("studies: [bad]\nseed: [1]\n", ("config.yaml:2", "unknown key 'seed'", "did you mean 'seeds'")),
    "no studies": ("scale: smoke\n", ("config.yaml:1", "key 'studies' is missing")),
    "studies as text": ("studies: bad\n", ("config.yaml:1", "studies", "list")),
    "bad scale": (
        "studies: [bad]\nscale: huge\n",
        ("config.yaml:2", "scale", "'smoke', 'default' or 'full'", "'huge'"),
    ),
    "study twice": ("studies: [bad, bad]\n", ("config.yaml:1", "listed twice")),
    "bad seeds": ("studies: [bad]\nseeds: [x]\n", ("config.yaml:2", "seeds.0", "integer")),
    "reserved name": ("studies:\n  - all\n", ("config.yaml:2", "'all' cannot be a study's name")),
    "syntax": ("studies: [bad\n", ("config.yaml:2", "expected")),
    "empty": ("", ("config.yaml:1", "mapping")),
    "list as a key": ("studies: [bad]\n? [a]\n: 1\n", ("config.yaml",)),
}


@pytest.mark.parametrize("case", CONFIG_CASES)
def test_mistake_in_the_configuration(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    config, said = CONFIG_CASES[case]
    monkeypatch.chdir(root)
    write(root, GOOD, config)
    shutil.copy(root / STUDY, root / "config" / "studies" / "all.yaml")
    line = answer(root, capsys)
    for text in said:
        assert text in line


def test_unknown_study_and_no_project(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    write(root, GOOD)
    assert "unknown study 'ssd'" in answer(root, capsys, "plan", "ssd")
    assert "unknown study 'ssd'" in answer(root, capsys, "train", "ssd", "original/11")
    assert "'bad' has no node 'lost/11'; variants: " in answer(root, capsys, "train", "bad", "lost/11")
    monkeypatch.chdir(tmp_path)
    assert "no config/config.yaml" in answer(root, capsys, "plan")


def test_raw_file_that_cannot_be_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    (root / "table.csv").write_text("z,a,y\n")
    images = "{use: images.mnist5k, size: 7, train: 20, validation: 0, test: 10}"
    write(root, GOOD.replace(images, "{use: tabular.table, file: table.csv}"))
    monkeypatch.setattr("neurosieve.artifacts.hashes.sha256_of", refuse)
    line = answer(root, capsys)
    assert "bad.yaml:3: " in line
    assert "table.csv cannot be read: Permission denied" in line


def refuse(path: Path) -> str:
    raise PermissionError(13, "Permission denied", str(path))


def test_base_follows_the_scale(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of a variant is a copy at every scale: original and retrained stay comparable."""
    write(
        root,
        GOOD.replace("{seeds: [11]}", "{seeds: [11], variants: {original: {train: {epochs: 1, checkpoints: [1]}}}}"),
    )
    nodes = Project(root, "smoke").plan("bad").nodes.values()
    assert {node.recipe["params"]["epochs"] for node in nodes if node.stage == "train"} == {1}


VALUES = [None, [], {}, "", "x", -1, 0, float("nan"), True, {"a": 1}, [[1]], "{class}", {"use": 5}, "original@e3"]


def places(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def test_no_mistake_gives_a_traceback(root: Path) -> None:
    """Any value in any place: there is a plan or one line."""
    random, good, refused = Random(7), yaml.safe_load(GOOD), []
    spots = list(places(good))[1:]
    for _ in range(80):
        study = copy.deepcopy(good)
        *inner, last = random.choice(spots)
        holder: Any = study
        for key in inner:
            holder = holder[key]
        holder[last] = random.choice(VALUES)
        write(root, yaml.safe_dump(study, sort_keys=False))
        try:
            Project(root).plan("bad")
        except UserError as error:
            refused.append(str(error))
    assert len(refused) > 40
    assert all("\n" not in message and "bad.yaml:" in message for message in refused)


@pytest.mark.pipeline
@pytest.mark.parametrize(
    ("arguments", "study", "said"),
    [
        ((), "seeds: [11, 11]\n", "seeds must differ"),
        (("--config", "scale=huge"), "", "'smoke', 'default' or 'full'"),
        (("--config", "sclae=smoke"), "", "unknown config key 'sclae'; allowed with --config: scale, plan, bundle"),
        (("--config", "plan=ful"), "", "only plan=full is known"),
    ],
)
def test_snakemake_says_it_in_one_line(fresh: Sandbox, arguments: tuple[str, ...], study: str, said: str) -> None:
    path = fresh.root / "config" / "studies" / "tiny.yaml"
    if study:
        path.write_text(re.sub(r"seeds:\n(- \d+\n)+", study, path.read_text(), count=1))
    ran = fresh.snakemake(*arguments)
    assert ran.code != 0
    lines = [line for line in ran.output.splitlines() if "error" in line.lower()]
    assert len(lines) == 1, ran.output
    assert lines[0].startswith("neurosieve: error: ")
    assert said in lines[0]
    assert "Traceback" not in ran.output
    assert not (fresh.root / "results" / "store").exists()
