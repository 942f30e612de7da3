"""The picture of a part: where its points lie, the paper's figure among them."""

import pytest

from neurosieve.report.strips import strip_of

PART = {"is": "above", "left": 0.7, "right": 0.6, "difference": 0.1, "holds": True, "threshold": 0.0}


def test_without_a_figure_of_the_paper_there_is_no_diamond():
    strip = strip_of(PART)
    assert strip is not None
    assert strip.paper is None
    assert "paper" not in strip.label


@pytest.mark.parametrize(
    ("change", "beside"),
    [({}, 1), ({"left": 0.8, "difference": 0.2}, -1), ({"scale": "ratio", "threshold": 1.0}, 1)],
)
def test_the_papers_figure_lies_on_the_same_axis_and_in_the_picture(change, beside):
    strip = strip_of({**PART, **change, "paper": 0.75})
    assert strip is not None
    assert strip.paper is not None
    assert 0 < strip.paper < 100
    assert (strip.paper - strip.dot) * beside > 0
    assert strip.label.endswith(", the paper's figure is 0.75")


def test_on_an_axis_of_odds_there_is_none():
    strip = strip_of({**PART, "scale": "odds", "threshold": 1.0, "paper": 0.75})
    assert strip is not None
    assert strip.paper is None
