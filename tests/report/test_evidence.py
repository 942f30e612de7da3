"""The evidence table of a study page: methods by attacks, with what each found."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from neurosieve.report.evidence import tables
from neurosieve.report.page import render
from neurosieve.report.state import Attack, Evidence

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
pages = SimpleNamespace(**runpy.run_path(str(HERE / "pages.py")))


def attack(name, outcome, estimate, **changes):
    fields = {
        "low": estimate - 0.0312, "high": estimate + 0.0287, "null_low": 0.44, "null_high": 0.53, "margin": 0.1,
        "n": 54, "unit": "rows", "half_width": 0.0776, "smallest_fpr": 1 / 54, "why": f"why of {name} {estimate}",
    }  # fmt: skip
    return Attack(name=name, outcome=outcome, estimate=estimate, **{**fields, **changes})


def evidence(variant, outcome, *attacks, target="native", **more):
    return Evidence(variant=variant, target=target, seed=11, outcome=outcome, attacks=attacks, **more)


def study():
    distance = attack("klom", None, 3.4567, margin=None, unit="models", n=32)
    said = ("32 retrained models",)
    return sites.study(
        evidence=(
            evidence("ssd", "trace found", attack("loss", "trace found", 0.1234), distance, remarks=said),
            evidence("ssd", "not resolvable", attack("loss", "not resolvable", 0.5432), target="onnx"),
            evidence("retrained", "no trace", attack("loss", "no trace", 0.4876), distance, remarks=said),
        )
    )


def test_every_attack_and_what_they_say_together(tmp_path):
    render(sites.site(study()), tmp_path, tmp_path / "kept")
    part = pages.read(tmp_path / "studies" / "ssd.html").by_id("evidence").parent.parent
    for text in ("0.12", "0.09 to 0.15", "0.44 to 0.53", "trace found", "no trace", "ssd on onnx", "54 rows", "± 0.1"):
        assert text in part.text
    assert "resolves at best" in part.text
    assert "± 0.08" in part.text
    assert "why of loss 0.1234" in (tmp_path / "studies" / "ssd.html").read_text()
    assert "32 retrained models (retrained, ssd)" in part.text
    other = pages.read(tmp_path / "studies" / "ssd.html").by_id("methods").parent.parent.text
    assert "evidence" not in other


def test_table():
    (table,) = tables(study())
    assert table["head"] == ["loss", "klom"]
    assert [row["name"] for row in table["body"]] == ["retrained", "ssd", "ssd on onnx"]
    assert [row["verdict"] for row in table["body"]] == ["holds", "fails", "inconclusive"]
    assert table["body"][2]["cells"][1] is None  # an attack that was not run there
    beside = {words: list(map(str, cells)) for words, cells in table["beside"]}
    assert beside["units"] == ["54 rows", "32 models"]
    assert beside["margin"][1] == "–"  # what decides nothing has none
    assert tables(sites.study()) == []
