"""The pages in a real browser: charts, filters, no request, no accessibility violation, print.

Needs Chromium; Playwright and axe-core come with the development packages. What is absent is skipped in one line, and
fails where CI is set.
"""

import importlib.util
import os
import re
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.report.page import render

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
whole = SimpleNamespace(**runpy.run_path(str(HERE / "whole.py")))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
STUDIES = ["studies/ssd.html", "studies/granet.html", "studies/tadred.html"]
PAGES = ["index.html", "composition.html", "time.html", *STUDIES]


def absent(what):
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{what} is needed on CI")
    pytest.skip(f"{what} is not here")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        absent("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("the package playwright")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def axe():
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None or package.origin is None:
        absent("the package axe-playwright-python")
    found = Path(package.origin).with_name("axe.min.js")
    return found.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    several = sites.several()
    render(several.model_copy(update={"studies": (whole.study(), *several.studies[1:])}), out)
    return out


@pytest.fixture
def opened(browser, report):
    """Opens a page; what it asked for and what it complained of are kept on it."""
    contexts = []

    def open_page(name, width=1280, scheme="light", **more):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"file://{report}/{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def draw_all(page):
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("[...document.querySelectorAll('.chart')].every(c => c.querySelector('svg[aria-hidden]'))")


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_pages_ask_for_nothing_and_complain_of_nothing(opened, report, name):
    page = opened(name)
    draw_all(page)
    assert page.complaints == []
    wanted = {f"file://{report}/{name}"} | {f"file://{path}" for path in (report / "assets").iterdir()}
    assert set(page.asked) <= wanted
    assert ("vega.js" in " ".join(page.asked)) == (page.locator(".chart").count() > 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_no_accessibility_violation_and_no_sideways_scrolling(opened, axe, name, width, scheme):
    page = opened(name, width, scheme)
    draw_all(page)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate(axe)
    found = page.evaluate("axe.run({preload: false})")["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["studies/ssd.html", "composition.html", "time.html"])
def test_no_text_of_a_chart_is_cut_off(opened, name, width):
    page = opened(name, width)
    draw_all(page)
    outside = """[...document.querySelectorAll('.chart svg text')].filter(t => {
        const box = t.getBoundingClientRect();
        return t.textContent && box.width && (box.right > innerWidth || box.left < 0);
    }).map(t => t.textContent)"""
    assert page.evaluate(outside) == []


def test_charts_are_drawn_when_they_come_near(opened):
    page = opened("studies/ssd.html")
    assert page.locator(".chart svg").count() < page.locator(".chart").count()
    page.locator("#membership").scroll_into_view_if_needed()
    page.wait_for_selector("#membership .chart svg[aria-hidden]")


def test_a_chart_that_fails_says_so_and_points_to_its_table(opened):
    page = opened("studies/ssd.html")
    page.evaluate("document.getElementById('layers-spec').textContent = '{broken'")
    page.locator("#layers").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#layers .chart').textContent.includes('could not be drawn')")
    assert page.locator("#layers details table").count() == 1


def test_without_scripts_the_pages_are_complete(opened):
    index = opened("index.html", java_script_enabled=False)
    assert not index.locator("#filters").is_visible()
    assert index.locator("#ssd").is_visible()
    assert index.locator(".static-chart svg[role=img]").count() == 3
    study = opened("studies/ssd.html", java_script_enabled=False)
    assert "numbers are in the table below" in study.locator(".chart").first.inner_text()
    assert not study.locator("[data-copy]").is_visible()


def test_filters_live_in_the_address(opened):
    page = opened("index.html#v=fails&data=real")
    assert page.locator("input[value=fails]").is_checked()
    assert page.locator("select[name=data]").input_value() == "real"
    assert page.locator("#count").inner_text() == "2 claims in 2 studies"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("!location.hash")
    page.locator("input[name=q]").fill("zero")
    page.wait_for_function("location.hash === '#q=zero'")
    assert page.locator("#ssd details").get_attribute("open") is not None
    page.locator("input[name=q]").fill("no such thing")
    assert page.locator("#empty").is_visible()
    assert page.locator(".study:visible").count() == 0


def test_the_count_of_a_state_leads_to_exactly_its_studies(opened):
    page = opened("index.html")
    page.get_by_role("link", name="1 failed").click()
    page.wait_for_function("location.hash === '#state=failed'")
    assert page.locator(".study:visible").count() == 1
    assert page.locator(".study:visible").get_attribute("id") == "granet"
    page.get_by_role("link", name="1 not run").click()
    page.wait_for_function("document.querySelector('#granet').hidden")
    assert page.locator(".study:visible").get_attribute("id") == "disgan"


def test_a_link_to_a_study_opens_it(opened):
    page = opened("index.html#ssd")
    assert page.locator("#ssd details").get_attribute("open") is not None
    assert page.locator("#sparsey details").get_attribute("open") is None


def test_copy_gives_the_command(opened):
    page = opened("studies/ssd.html", permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("[data-copy]")
    button.click()
    page.wait_for_function("document.querySelector('[data-copy]').textContent === 'Copied'")
    assert page.locator("#commands").get_attribute("data-cmd") == "git checkout 4c1f9e2 && snakemake ssd"


@pytest.mark.slow
def test_the_study_page_prints_light_whole_and_without_controls(opened):
    page = opened("studies/ssd.html", 680, "dark")
    draw_all(page)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in (".bar nav", ".toc", "[data-copy]", ".fig details"):
        assert not page.locator(hidden).first.is_visible()
    wide = "[...document.querySelectorAll('.scroll, .fig, .claim')].filter(e => e.scrollWidth > 690).length"
    assert page.evaluate(wide) == 0
    # a sheet is as narrow as a phone, and yet its tables are tables
    assert page.evaluate("getComputedStyle(document.querySelector('table.stack tr')).display") == "table-row"
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")


@pytest.mark.slow
def test_a_wide_table_prints_on_its_side_with_intervals_under_their_values(opened):
    page = opened("studies/ssd.html", 1000)
    page.emulate_media(media="print")
    page.evaluate("""() => document.querySelectorAll('.methods tr').forEach(row => {
      while (row.children.length < 24) row.append(...[...row.children].slice(1, 3).map(cell => cell.cloneNode(true)));
    })""")
    beside = """() => { const [value, ends] = [...document.querySelectorAll('.methods tbody tr:first-child > td')]
      .map(cell => cell.getBoundingClientRect()); return [ends.top - value.bottom, ends.right - value.right]; }"""
    assert page.evaluate("document.querySelector('.methods tbody td + td').className") == "ci"
    assert page.evaluate(beside) == [pytest.approx(0, abs=1), pytest.approx(0, abs=1)]
    assert page.evaluate("document.querySelector('.methods').scrollWidth") <= 1010
    sheets = re.findall(rb"/MediaBox ?\[0 0 (\d+)", page.pdf(prefer_css_page_size=True))
    assert {b"594", b"841"} == set(sheets)
