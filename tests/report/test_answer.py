"""The answer is filled from measured numbers, and withheld where its verdicts or its names no longer fit."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neurosieve.report.answer import answer_of

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
whole = SimpleNamespace(**runpy.run_path(str(HERE / "whole.py")))
FORGET, RETAIN = sites.MEASURED["ssd"][1], sites.MEASURED["ssd"][0]


def filled(template, **more):
    return answer_of(sites.study(answer=template, **more))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("accuracy forget ssd", "1.8 %", np.mean(FORGET)),
        ("mia_success ssd", "28.2 %", np.mean(sites.MEASURED["ssd"][2])),
        ("intervention_seconds ssd", "0.03 s", np.mean(sites.MEASURED["ssd"][3])),
        ("accuracy retain ssd on onnx", "92.3 %", np.mean((0.9242, 0.9198, 0.9254))),
        (
            "accuracy retain original − accuracy retain ssd",
            "0.7 points",
            np.mean(sites.MEASURED["original"][0]) - np.mean(RETAIN),
        ),
        (
            "intervention_seconds retrained / intervention_seconds ssd",
            "332",
            np.mean(sites.MEASURED["retrained"][3]) / np.mean(sites.MEASURED["ssd"][3]),
        ),
    ],
)
def test_names_are_replaced_by_bold_numbers(name, text, value):
    answer = filled(f"It is {{{name}}}.")
    assert answer.withheld == ""
    assert answer.text.striptags() == f"It is {text}."
    written = str(answer.text).split('value="')[1].split('"')[0]
    assert float(written) == pytest.approx(value)
    assert "<b>" in answer.text


def test_a_point_is_found_whatever_the_order_of_its_axes():
    study = whole.study(answer="{accuracy retain ssd-sweep@setting=digits,lambda=1,alpha=5}", answer_for={})
    assert answer_of(study).text.striptags().endswith("%")


def test_verdicts_can_be_named():
    assert filled("S3 {claim S3}.").text.striptags() == "S3 fails."
    counted = sites.claims()[2] | {"deciding": {"passing": 1, "n": 3}}
    assert filled("In {seeds S3} runs.", claims=(counted,)).text.striptags() == "In 1 of 3 runs."


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{accuracy forget nothing}", "is not measured"),
        ("{accuracy ssd}", "several numbers"),
        ("{accuracy}", "is not `metric"),
        ("{__import__('os')}", "is not `metric"),
        ("{}", "is not `metric"),
        ("{accuracy forget ssd", "unmatched brace"),
        ("{claim S9}", "no claim 'S9'"),
        ("{seeds S1}", "counts no seeds"),
        ("{accuracy retain ssd − intervention_seconds ssd}", "different units"),
        ("{accuracy retain ssd / accuracy forget retrained}", "divides by zero"),
    ],
)
def test_what_cannot_be_filled_is_withheld_with_its_reason(template, reason):
    answer = filled(template)
    assert answer.text is None
    assert reason in answer.withheld


def test_another_verdict_withholds_the_sentence():
    written_for = {"S1": "holds", "S3": "holds"}
    answer = filled("All is well.", answer_for=written_for)
    assert answer.text is None
    assert answer.withheld == "it was written for other verdicts: S3 holds (now: fails)"
    assert filled("All is well.", answer_for={"S1": "holds", "S3": "fails"}).text == "All is well."


@pytest.mark.parametrize("more", [{"scale": "smoke"}, {"state": "incomplete"}, {"state": "failed"}, {"answer": None}])
def test_only_a_complete_run_is_answered(more):
    answer = answer_of(sites.study(**({"answer": "Yes."} | more)))
    assert (answer.text, answer.withheld) == (None, "")


def test_text_is_escaped():
    assert "<script>" not in str(filled("<script>alert(1)</script> {accuracy forget ssd}").text)
