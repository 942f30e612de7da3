"""Pages of studies: published ones, a user's own, systems that are no networks; never a verdict, always the same."""

from __future__ import annotations

import copy
import importlib
import re
import runpy
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from tests import toys

from neurosieve.errors import UserError

ROOT = Path(__file__).parents[2]
OWN: dict[str, Any] = {
    "question": "Does my <own> *ring* | forget?",
    "dataset": {"use": "toy.points", "rows": 10},
    "forget": {"where": "label = 1"},
    "seeds": [11, 12],
    "axes": {
        "shape": {"points": {"bind": {"far": [5, 10]}}, "ring": {"dataset": {"use": "toy.ring", "rows": 8}}},
        "order": {"old": {}, "new": {"set": {"drop.far": 3}}},
    },
    "variants": {
        "centres": {"model": {"use": "toy.centroid"}, "train": {"use": "toy.fit", "epochs": 3, "checkpoints": [1]}},
        "again": {"base": "centres", "rows": "retain", "only": {"shape": ["ring"]}},
        "counted": {"from": "centres@e1", "analysis": {"use": "analysis.toy_count"}, "seeds": [11]},
        "drop": {
            "from": "centres",
            "with": ["counted"],
            "unlearn": {
                "use": "unlearning.toy_drop",
                "choose": {"among": {"far": [1, 2]}, "by": {"metric": "accuracy", "use": "toy_accuracy"}},
            },
            "seeds": [11],
        },
        "swept": {"from": "centres", "unlearn": {"use": "unlearning.toy_drop"}, "sweep": {"far": [5, 50, 500]}},
        "many": {"base": "centres", "replicates": 20, "only": {"shape": ["points"], "order": ["old"]}},
    },
    "targets": {"swept": ["toy"]},
    "evaluate": [{"use": "toy_accuracy", "of": ["drop"]}, {"use": "toy_error"}],
    "notes": {"weather": "fine | dry"},
    "resources": {"train": {"memory": "2 GB", "minutes": 3}},
    "scales": {
        "smoke": {"seeds": [11], "variants": {"centres": {"train": {"epochs": 1}}, "swept": {"sweep": {"far": [5]}}}},
        "full": {
            "axes": {"order": {"new": None}},
            "dataset": {"rows": 100},
            "variants": {"centres": {"resources": {"memory": "8 GB", "minutes": 90}}},
        },
    },
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("study_pages")


def write(root: Path, **studies: dict[str, Any]) -> Path:
    (root / "config" / "studies").mkdir(parents=True, exist_ok=True)
    for slug, content in studies.items():
        path = root / "config" / "studies" / f"{slug.replace('_', '-')}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return root


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The first table below a heading, by its first column."""
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    first = re.search(r"(^\|.*\|\n)+", part, re.MULTILINE)
    lines = [line[2:-2] for line in first[0].splitlines()] if first else []
    cells = [re.split(r" \| ", line) for line in lines[2:]]
    assert {len(one) for one in cells} == {len(re.split(r" \| ", lines[0]))}, "every row has every column"
    return {one[0].strip("`*"): one[1:] for one in cells}


def test_a_study_of_ones_own_needs_no_paper_and_no_claims(made: ModuleType, tmp_path: Path) -> None:
    texts = made.pages(write(tmp_path, own=OWN), toys.source())
    assert list(texts) == ["studies/README.md", "studies/own.md"]
    page = texts["studies/own.md"]
    assert "**Does my \\<own> \\*ring\\* | forget?**" in page
    assert "A study of its own, without a paper behind it." in page
    assert "## Claims" not in page
    assert "## Departures" not in page
    assert "## Remarks\n\n- **weather**: fine | dry\n" in page
    assert "Does my \\<own> \\*ring\\* \\| forget? | – | – | 6 | – |" in texts["studies/README.md"]
    assert "make STUDY=own " in page


def test_data_say_what_they_are_and_which_settings_use_them(made: ModuleType, tmp_path: Path) -> None:
    page = made.pages(write(tmp_path, own=OWN), toys.source())["studies/own.md"]
    assert rows(page, "Data") == {
        "points": ["simulated", "made here", "Apache-2.0", "`toy.points`", "points"],
        "ring": ["simulated", "made here", "Apache-2.0", "`toy.ring`", "ring"],
    }
    assert "Rows to forget: `where: label = 1`." in page
    assert rows(page, "Settings")["ring"] == ["`use: toy.ring, rows: 8`", ""]


def test_variants_show_steps_parameters_and_where_they_exist(made: ModuleType, tmp_path: Path) -> None:
    page = made.pages(write(tmp_path, own=OWN), toys.source())["studies/own.md"]
    variants = rows(page, "Variants")
    fit = "model: `toy.centroid`<br/>train: `toy.fit` (`epochs: 3, checkpoints: [1]`)"
    assert variants["centres"] == ["all rows", fit, ""]
    assert variants["again"] == ["retained rows", fit, "shape ring"]
    assert variants["counted"] == ["`centres@e1`", "analysis: `analysis.toy_count`", "seeds 11"]
    chosen = "unlearn: `unlearning.toy_drop`<br/>chooses among `far: [1, 2]` by accuracy on validation rows"
    assert variants["drop"] == ["`centres`, with `counted`", chosen, "seeds 11"]
    assert variants["swept"][1] == "unlearn: `unlearning.toy_drop`<br/>sweeps `far: 5, 50, 500`"
    assert variants["many"][2] == "shape points; order old; 20 replicates"
    graph = page.partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert graph[0] == "graph LR"
    assert '  v3["drop<br/>unlearning.toy_drop"]' in graph
    assert {"  data --> v0", "  v0 --> v2", "  v0 --> v3", "  v2 -.-> v3", '  v4 --> v4t{{"toy"}}'} <= set(graph)
    assert "Exported to hardware targets: `swept` on `toy`." in page
    assert "- `toy_accuracy`, of `drop` only\n- `toy_error`\n" in page


def test_a_choice_within_a_margin_is_told_as_one(made: ModuleType, tmp_path: Path) -> None:
    study = copy.deepcopy(OWN)
    by = {"metric": "accuracy", "use": "toy_accuracy", "rule": "strongest-within", "margin": 0.01}
    study["variants"]["drop"]["unlearn"]["choose"]["by"] = by
    page = made.pages(write(tmp_path, own=study), toys.source())["studies/own.md"]
    told = "chooses among `far: [1, 2]` by the strongest that loses at most 0.01 of accuracy on retained validation"
    assert f"{told} rows" in rows(page, "Variants")["drop"][1]


def test_scales_and_budget_are_counted_from_the_grid(made: ModuleType, tmp_path: Path) -> None:
    page = made.pages(write(tmp_path, own=OWN), toys.source())["studies/own.md"]
    scales = rows(page, "Scales")
    assert scales["variants.centres.train.epochs"] == ["`1`", "`3`", "`3`"]
    assert scales["axes.order.new"] == ["`set: {drop.far: 3}`", "`set: {drop.far: 3}`", "`removed`"]
    # smoke: 4 points of centres, 2 of again, 1 of many, at one seed; swept has one value of its sweep
    budget = rows(page, "Budget")
    assert budget["smoke"] == ["11", "7", "12", "4"]
    assert budget["default"] == ["11, 12", str(8 + 4 + 1), str(4 + 4 + 24), "24"]
    assert budget["full"] == ["11, 12", str(4 + 2 + 1), str(2 + 2 + 12), "12"]
    assert "| train | 2 GB | 3 | 1 | 0 |" in page
    assert "| variant `centres` at full scale | 8 GB | 90 | 1 | 0 |" in page
    assert "variant `centres` |" not in page


def test_components_come_with_their_first_line_and_a_link(made: ModuleType, tmp_path: Path) -> None:
    page = made.pages(write(tmp_path, own=OWN), toys.source())["studies/own.md"]
    found = re.findall(r"^\| (\w+) \| \[`([\w.-]+)`\]\(\.\./\.\./src/(\S+)\) \| (.+) \|$", page, re.MULTILINE)
    assert [(stage, use) for stage, use, _, _ in found] == [
        ("datasets", "selection.where"),
        ("datasets", "toy.points"),
        ("datasets", "toy.ring"),
        ("models", "toy.centroid"),
        ("training", "toy.fit"),
        ("interventions", "analysis.toy_count"),
        ("interventions", "unlearning.toy_drop"),
        ("export", "toy"),
        ("evaluation", "toy_accuracy"),
        ("evaluation", "toy_error"),
    ]
    root = toys.source().root
    for _, _, path, line in found:
        assert (root.parent / path).read_text().removeprefix('"""').startswith(line.replace("\\", ""))


def test_claims_stand_with_their_criteria_and_without_what_came_out(made: ModuleType, tmp_path: Path) -> None:
    (claim,) = copy.deepcopy(toys.study()["claims"])
    within = {"left": {"metric": "accuracy", "of": "drop"}, "is": "within", "right": 0, "margin": 0.01}
    gap = {"abs": {"diff": [{"metric": "accuracy", "of": "drop"}, {"metric": "accuracy", "of": "original"}]}}
    second = {**claim, "id": "T2", "paper": "", "requires": within, "inconclusive_if": within, "exact": True}
    second["variants"] = ["drop", "original"]
    second["criterion"] = {"all_of": [claim["criterion"], {"left": gap, "is": "below", "right": 0.5}]}
    paper = {"title": "On Rings", "authors": "A. Ring", "year": 2020, "arxiv": "2001.00001", "code": "ring.tar"}
    told = {"answer-for": "T1 holds", "differs": "smaller", "pilot-T1": "one seed", "field": "rings"}
    study = toys.study(
        claims=[claim, second], paper=paper, notes=told, answer="It forgets {accuracy forget drop}.", absent={"x": "y"}
    )
    texts = made.pages(write(tmp_path, tiny=study), toys.source())
    page = texts["studies/tiny.md"]
    assert rows(page, "Claims") == {
        "T1": ["Dropping forgets the class.", "accuracy forget drop at most 0.1", "none"],
        "T2": [
            "Dropping forgets the class.",
            "accuracy forget drop at most 0.1, and<br/>\\|accuracy drop − accuracy original\\| below 0.5"
            "<br/>*control:* accuracy drop within 0.01 of 0<br/>*inconclusive if* accuracy drop within 0.01 of 0"
            "<br/>*holds by construction or accounting*",
            "",
        ],
    }
    assert "A. Ring (2020). *On Rings*. [arXiv 2001.00001](https://arxiv.org/abs/2001.00001).\n" in page
    assert "## Departures from the paper\n\n- **differs**: smaller\n- **pilot of T1**: one seed\n" in page
    assert "- `x`: y" in page
    assert "answer" not in page
    assert "It forgets" not in page
    assert "T1 holds" not in page
    assert "On Rings (2020) | rings |" in texts["studies/README.md"]


def test_pages_do_not_depend_on_what_was_made_before(made: ModuleType, tmp_path: Path) -> None:
    first = made.pages(write(tmp_path / "a", own=OWN, tiny=toys.study()), toys.source())
    second = made.pages(write(tmp_path / "b", tiny=toys.study(), own=OWN), toys.source())
    assert first == second
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in first.values())


def test_what_only_running_tells_is_left_out(made: ModuleType, tmp_path: Path) -> None:
    data = importlib.import_module("study_data")
    module = tmp_path / "some.py"
    module.write_text(
        "DatasetInfo(name=f'{params.kind}-{params.size}', origin='real', source=read(), "
        "licence='free' if params.kind == 'a' else other)"
    )
    params = SimpleNamespace(kind="a", size=3)
    assert data._stated(module, params) == {"name": "a-3", "origin": "real", "licence": "free"}
    params.kind = "b"
    assert data._stated(module, params) == {"name": "b-3", "origin": "real"}


def test_a_malformed_study_is_one_line(made: ModuleType, tmp_path: Path) -> None:
    root = write(tmp_path, own={**OWN, "question": 3})
    with pytest.raises(UserError, match=r"own\.yaml:1: question"):
        made.pages(root, toys.source())


def test_make_docs_writes_pages_and_removes_those_of_studies_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    folder = tmp_path / "docs" / "studies"
    folder.mkdir(parents=True)
    (folder / "gone.md").write_text("# gone\n")
    main = module["main"]
    monkeypatch.setitem(main.__globals__, "ROOT", tmp_path)
    monkeypatch.setitem(main.__globals__, "pages", lambda: {"architecture.md": "a\n", "studies/own.md": "o\n"})
    assert main(["--check"]) == 1
    assert (folder / "gone.md").exists()
    assert not (folder / "own.md").exists()
    assert main([]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["own.md"]
    assert "docs/studies/gone.md: removed" in capsys.readouterr().out
    assert main(["--check"]) == 0
