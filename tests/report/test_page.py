"""The pages say what the view model says, for every state, ask for nothing and can be read by everyone."""

import re
import runpy
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from neurosieve.errors import UserError
from neurosieve.report.page import render
from neurosieve.report.state import MetricRow

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
whole = SimpleNamespace(**runpy.run_path(str(HERE / "whole.py")))
pages = SimpleNamespace(**runpy.run_path(str(HERE / "pages.py")))

SITES = {
    "one": lambda: sites.site(sites.study()),
    "several": sites.several,
    "smoke": lambda: sites.site(sites.study(scale="smoke"), scale="smoke"),
    "nothing has run": lambda: sites.site(sites.study(state="not run", claims=(), metrics=(), nodes=())),
    "no study": sites.site,
    "axes": lambda: sites.site(sites.study(metrics=sites.metric_rows("{}@setting=random") + sites.metric_rows())),
    "a user's own": lambda: sites.site(sites.study(slug="my-model", paper=None, claims=(), answer=None)),
    "whole": lambda: sites.site(whole.study()),
}


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Where the chart script is kept between renderings."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module", params=SITES)
def report(request, tmp_path_factory, kept):
    """Folder of a rendered site, for every kind of site."""
    out = tmp_path_factory.mktemp("report")
    render(SITES[request.param](), out, kept)
    return out


@pytest.fixture
def drawn(tmp_path, kept):
    """Renders studies; the folder of the report."""

    def draw(*studies, **more):
        render(sites.site(*studies, **more), tmp_path, kept)
        return tmp_path

    return draw


def index(out):
    return pages.read(out / "index.html")


def study_page(out, slug="ssd"):
    return pages.read(out / "studies" / f"{slug}.html")


def every(out):
    return [pages.read(path) for path in sorted(out.rglob("*.html"))]


def test_same_view_model_gives_the_same_bytes(tmp_path):
    def files(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    site = sites.several().model_copy(update={"studies": (whole.study(), *sites.several().studies[1:])})
    render(site, tmp_path / "a", tmp_path / "kept")
    render(site, tmp_path / "b")
    render(site, tmp_path / "b", tmp_path / "kept")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    # index, composition, time, five studies (one has not run), stylesheet, two scripts
    assert len(files(tmp_path / "a")) == 11


def test_pages_ask_for_nothing_but_the_assets_beside_them(report):
    for path in report.rglob("*.html"):
        page = pages.read(path)
        assert page.all("iframe", "object", "base") == []
        for script in page.all("script"):
            assert script.attributes.get("src", "").startswith(("assets/", "../assets/")) or script.json
            assert "module" not in script.attributes.get("type", "")
        for element in page.walk():
            assert not [name for name in element.attributes if name.startswith("on") or name in ("srcset", "poster")]
            for name in ("src", "href"):
                target = element.attributes.get(name)
                if target is None or target.startswith(("#", "data:")):
                    continue
                if target.startswith("http"):
                    assert element.tag == "a"
                else:
                    assert (path.parent / target.partition("#")[0]).exists(), target
        assert bool(page.classed("chart")) == any("vega" in one.attributes.get("src", "") for one in page.all("script"))
    assert [one.attributes["src"] for one in index(report).all("script")] == ["assets/report.js"]
    style = (report / "assets" / "neurosieve.css").read_text()
    assert not re.search(r"url\(|@import|https?:", style)


def test_links_within_a_page_lead_somewhere(report):
    for page in every(report):
        names = [one.attributes["id"] for one in page.walk() if "id" in one.attributes]
        assert len(names) == len(set(names))
        for one in page.all("a", "use"):
            target = one.attributes["href"]
            assert not target.startswith("#") or target[1:] in names
        for one in page.walk():
            assert one.attributes.get("aria-labelledby", names[0]) in names


def test_headings_are_in_order(report):
    for page in every(report):
        levels = [int(one.tag[1]) for one in page.walk() if re.fullmatch("h[1-6]", one.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_a_caption_and_scopes_and_no_ragged_rows(report):
    for page in every(report):
        for table in page.all("table"):
            assert [one.text != "" for one in table.all("caption")] == [True]
            assert {one.attributes.get("scope") for one in table.all("thead")[0].all("th")} == {"col"}
            assert all(row.all("th", scope="row") for row in table.all("tbody")[0].all("tr"))
            assert len({len(row.all("td", "th")) for row in table.all("tr")}) == 1


def test_every_picture_has_one_label_and_pages_have_language_and_title(report):
    for page in every(report):
        assert page.all("html")[0].attributes["lang"] == "en"
        assert page.all("title")[0].text
        assert len(page.all("main")) == 1
        for one in page.all("img"):
            assert one.attributes["alt"]
        for one in page.all(role="img"):
            assert one.attributes["aria-label"]


def test_pages_stay_small(report):
    assert (report / "index.html").stat().st_size <= 700_000
    assert all(path.stat().st_size <= 200_000 for path in report.glob("*/*.html"))


def test_the_table_of_methods_shows_means_and_their_intervals(drawn):
    page = study_page(drawn(sites.study()))
    table = page.classed("methods")[0]
    rows = {row.all("th")[0].text.strip("■◆●▲ "): row for row in table.all("tbody")[0].all("tr")}
    assert list(rows) == list(sites.MEASURED)
    for variant, columns in sites.MEASURED.items():
        expected = []
        for (*_, timing), values in zip(sites.METRICS, columns, strict=True):
            if values is None:
                continue
            expected.append(np.mean(values))
            if not timing and len(set(values)) > 1:
                ends = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
                expected += np.clip(ends, 0, 1).tolist()
        assert pages.numbers(rows[variant]) == pytest.approx(expected), variant
    assert rows["original"].all("td")[-1].text == "–"
    assert rows["ssd"].all("td")[0].text == "92.3"
    assert "The same for all: parameters 20 490." in page.text


def test_parts_of_a_claim_show_what_was_measured(drawn):
    page = study_page(drawn(sites.study()))
    for record in sites.claims():
        block = page.by_id(record["claim"])
        assert record["says"] in block.text
        assert record["hash"] in block.text
        assert block.classed("v")[0].text == record["verdict"]
        for part, row in zip(record["parts"], block.all("tbody")[0].all("tr"), strict=True):
            ours, interval, needs = row.all("td")[:3]
            known = part["left"] is not None
            assert pages.numbers(ours) == ([part["left"]] if known else [])
            # against a constant the interval is that of ours, else of the difference or the ratio
            shift = part["right"] if known and part["against"] == str(part["right"]) else 0
            ends = [part["low"] + shift, part["high"] + shift] if known else []
            assert pages.numbers(interval) == pytest.approx(ends)
            assert interval.text.startswith("Δ") == (known and not shift and part["scale"] == "difference")
            margin = [part["margin"]] if known and part["margin"] is not None else []
            assert pages.numbers(needs) == ([part["right"], *margin] if known else [])
            words = {True: "holds", False: "fails", None: "inconclusive" if known else "not decided"}
            assert row.classed("v")[0].text == words[part["holds"]]


def test_rounding_follows_the_house_style(drawn):
    block = study_page(drawn(sites.study())).by_id("S1")
    first, second = block.all("tbody")[0].all("tr")
    assert [one.text for one in first.all("td")[:3]] == ["1.8", "[−3.4, 6.9]", "≤ 10.0"]
    assert second.all("td")[2].text == "≥ 90.0 accuracy retain original − 0.03"


def test_a_fragile_verdict_says_so_in_word_and_shape(drawn):
    out = drawn(sites.study())
    block = study_page(out).by_id("S3")
    assert [one.text for one in block.classed("fragile")] == ["fragile"]
    assert block.classed("v")[0].all("use")[0].attributes["href"] == "#fails-f"
    assert study_page(out).by_id("S1").classed("fragile") == []


def test_controls_choices_and_ties_are_told_apart_from_what_decides(drawn, tmp_path):
    shared = {"low": None, "high": None}
    record = sites.verdict(
        "S4",
        "Dampening beats zeroing.",
        "inconclusive",
        (
            sites.part(
                "accuracy forget ssd", "at_most", 0.02, 0.1, holds=True, path="requires", chosen="alpha=5", **shared
            ),
            sites.part(
                "accuracy retain ssd", "within", 0.92, 0.91, holds=True, path="inconclusive_if", p=0.031, **shared
            ),
        ),
        firm=None,
        reason="accuracy_gap is -0.01",
    )
    control, tie = study_page(drawn(sites.study(claims=(record,)))).by_id("S4").all("tbody")[0].all("tr")
    assert control.all("small")[0].text == "control; chosen: alpha=5"
    assert tie.all("small")[0].text == "inconclusive if this is met; p = 0.031"
    assert tie.all("td")[3].text == "met"
    assert tie.classed("holds") == []
    assert study_page(tmp_path).by_id("S4").classed("why")[0].text == "Accuracy gap is −0.01."


def test_the_deciding_part_stands_in_the_ledger(drawn):
    weak = sites.claims()[0]["parts"][1]
    out = drawn(sites.study(claims=(sites.claims()[0] | {"deciding": weak}, *sites.claims()[1:])))
    ledger = index(out).by_id("ssd")
    rows = ledger.all("tbody")[0].all("tr")
    ends = [weak["low"] + 0.1, weak["high"] + 0.1] if weak["right"] == 0.1 else [weak["low"], weak["high"]]
    assert pages.numbers(rows[0]) == pytest.approx([weak["left"], *ends, weak["right"]])
    assert ledger.classed("strip")[0].classed("sr")[0].text == "2 hold, 1 fails, 1 inconclusive, 1 not decided"


def test_headline_and_unit_chart_count_the_claims(drawn):
    page = index(drawn(sites.study(), sites.study(slug="granet")))
    assert page.all("h1")[0].text == "2 published systems ran as studies. Of their 10 testable claims, 4 hold."
    shapes = [[use.attributes["href"] for use in cells.all("use")] for cells in page.classed("cells")]
    assert shapes == [["#holds"] * 4, ["#fails-f"] * 2, ["#inconclusive"] * 2, ["#undecided"] * 2]


def test_one_study_is_called_by_its_name(drawn):
    assert index(drawn(sites.study())).all("h1")[0].text.startswith("ssd ran as a study. Of its 5")


def test_what_ran_shows_nodes_and_seconds_of_each_stage(drawn):
    stages = index(drawn(sites.study())).classed("pipe")[0].all("li")
    assert [one.all("b")[0].text for one in stages][:4] == ["prepare", "train", "intervene", "export"]
    assert pages.numbers(stages[1]) == [6, 58.9]


def test_nothing_has_run_yet(drawn):
    out = drawn(sites.study(state="not run", claims=(), metrics=(), nodes=()))
    page = index(out)
    assert page.all("h1")[0].text == "Nothing has run yet."
    assert "Start with snakemake ssd" in page.text
    assert page.classed("units") == page.classed("pipe") == []
    assert not (out / "studies" / "ssd.html").exists()


def test_smoke_numbers_are_never_evidence(drawn):
    out = drawn(sites.study(scale="smoke"), scale="smoke")
    page, study = index(out), study_page(out)
    assert "Smoke scale: mechanics only, no verdicts." in page.all("h1")[0].text
    assert page.classed("units") == []
    for one in (page, study):
        assert one.classed("holds") == one.classed("fails") == one.classed("inconclusive") == []
    assert all(pages.numbers(block) == [] for block in study.classed("claim"))
    assert "mechanics only, no verdicts" in study.classed("notices")[0].text
    assert sites.study().answer not in study.text
    assert index(out).classed("luck") == []


def test_a_failed_study_is_seen_as_failed(drawn):
    out = drawn(sites.study(state="failed", failures=(sites.failure(),)))
    failure = sites.failure()
    state = index(out).by_id("ssd").classed("state")[0].text
    assert state == "failed at train: loss is not finite after step 212"
    notice = study_page(out).classed("notices")[0].text
    assert all(text in notice for text in (failure.error, failure.log, failure.rerun, failure.title))
    assert sites.study().answer not in study_page(out).text


def test_states_have_their_words_and_the_counts_lead_to_them(tmp_path):
    render(sites.several(), tmp_path)
    page = index(tmp_path)
    states = {row.attributes["id"]: row.classed("state") for row in page.classed("study")}
    assert states["ssd"] == []
    assert states["sparsey"][0].text == "incomplete 31 of 38 nodes exist"
    assert states["tadred"][0].text == "skipped needs data/hcp/, which is not here"
    assert states["disgan"][0].text == "not run"
    facts = page.classed("facts")[0]
    assert "1 of 6 complete" in facts.text
    states_ = [one.attributes["href"] for one in facts.all("a")]
    assert states_ == ["#state=failed", "#state=incomplete", "#state=changed", "#state=skipped", "#state=not+run"]
    assert states["brain-simulator"][0].text == "changed since its last run 2 nodes to compute"
    changed = study_page(tmp_path, "brain-simulator").classed("notices")[0].text
    assert "51d2e07cab120034 of 2026-11-12" in changed
    assert "snakemake brain-simulator" in changed
    assert study_page(tmp_path, "brain-simulator").classed("claim") == []
    assert pages.numbers(states["sparsey"][0]) == [31, 38]


def test_hostile_text_stays_text(drawn):
    evil = '<script>alert("x")</script>\'"&<img src=https://x.y/z onerror=a>'
    claim = sites.claims()[0] | {"says": evil, "reason": evil, "criterion": evil, "hash": evil}
    claim["parts"] = [claim["parts"][0] | {"label": evil, "against": evil, "cell": evil}]
    paper = sites.study().paper.model_copy(update={"title": evil, "code": "javascript:alert(1)", "authors": evil})
    study = sites.study(
        question=evil,
        answer=evil,
        paper=paper,
        family=evil,
        claims=(claim,),
        failures=(sites.failure(error=evil, log=evil),),
        pilots={"*": evil},
        stands_in_for=evil,
        differs=evil,
        metrics=(MetricRow(variant=evil, metric=evil, split=evil, unit=evil, values={11: 0.5, 12: 0.7}),),
        packages={evil: evil},
        commands=((evil, evil),),
    )
    out = drawn(study, generated_from=evil)
    for page in every(out):
        assert all("src" in one.attributes or one.json for one in page.all("script"))
        assert [one for one in page.all("img") if not one.attributes["src"].startswith("data:image/png")] == []
        assert [one for one in page.all("a") if one.attributes["href"].startswith("javascript")] == []
        assert evil in page.text


def test_a_slug_that_cannot_be_a_file_name_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"study '\.\./x'"):
        render(sites.site(sites.study(slug="../x")), tmp_path)
    with pytest.raises(UserError, match="two studies"):
        render(sites.site(sites.study(), sites.study()), tmp_path)


def test_targets_show_sizes_differences_and_why_one_is_missing(drawn):
    rows = study_page(drawn(sites.study())).by_id("targets").parent.parent.all("tbody")[0].all("tr")
    assert pages.numbers(rows[0]) == pytest.approx([84211, 3.814e-06, 0.1234, 0.4321, 0.923133333])
    assert rows[0].all("td")[2].text == "3.8 × 10⁻⁶"
    assert "not exported: no spiking layers" in rows[1].text


def test_a_study_that_goes_to_no_hardware_says_why(drawn):
    page = study_page(drawn(sites.study(targets=(), not_exported="no tensor program: a simulation of agents")))
    assert "no tensor program: a simulation of agents" in page.by_id("targets").parent.parent.text
    assert "#targets" in [one.attributes["href"] for one in page.classed("toc")[0].all("a")]


def test_the_data_card_names_the_origin_and_provenance_every_node(drawn):
    page = study_page(drawn(sites.study()))
    card = page.by_id("data").parent.parent
    assert [one.text for one in card.classed("origin")] == ["real"]
    assert pages.numbers(card.all("dl")[0]) == [5000, 3500, 500, 1000, 10]
    rows = page.by_id("provenance").parent.parent.all("tbody")[0].all("tr")
    assert [row.all("th")[0].text for row in rows] == ["mnist5k", "original"]
    assert pages.numbers(rows[1]) == [1, 29.4417, 412.9]
    assert [row.all("td")[-1].text for row in rows] == ["store", "–"]


def test_contents_list_the_parts_in_their_fixed_order(drawn):
    page = study_page(drawn(sites.study()))
    fixed = ["claims", "figures", "methods", "targets", "data", "reproduce", "provenance"]
    assert [one.attributes["id"] for one in page.all("h2")] == fixed
    assert [one.attributes["href"] for one in page.classed("toc")[0].all("a")] == [f"#{name}" for name in fixed]


def test_a_study_without_claims_starts_at_its_figures(drawn):
    page = study_page(drawn(sites.study(slug="my-model", paper=None, claims=())), "my-model")
    assert page.all("h2")[0].attributes["id"] == "figures"
    assert page.classed("tally") == page.classed("paper") == []
