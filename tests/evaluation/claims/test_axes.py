from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neurosieve.evaluation.claims.axes import axes_label, axis_text, make_axes, natural, parse_axes, parse_point


def test_one_spelling_for_each_value() -> None:
    assert {axis_text(value) for value in (1, 1.0, "1", "1.0", " 1 ", "+1")} == {"1"}
    assert {axis_text(value) for value in (1e-3, "1e-3", "0.001", ".001")} == {"0.001"}
    assert axis_text(1e5) == axis_text(100000) == "100000"
    assert axis_text(True) == axis_text("True") == "true"
    assert [axis_text(name) for name in ("erk", "beta-2-2", "1_000", "nan")] == ["erk", "beta-2-2", "1_000", "nan"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive(value: float) -> None:
    assert float(axis_text(value)) == value
    assert axis_text(axis_text(value)) == axis_text(value)


def test_points() -> None:
    assert parse_point("ssd@alpha=5.0,setting=full-class") == ("ssd", (("alpha", "5"), ("setting", "full-class")))
    assert parse_point("ssd") == ("ssd", ())
    assert parse_point("dense@e4") == ("dense@e4", ())
    assert parse_point("dense@e4@density=0.1") == ("dense@e4", (("density", "0.1"),))
    assert parse_axes("b=2,a=x,y") == (("a", "x,y"), ("b", "2"))
    assert parse_axes("") == ()


def test_order_and_label() -> None:
    assert sorted(["10", "erk", "9", "0.5"], key=natural) == ["0.5", "9", "10", "erk"]
    assert make_axes({"b": 1.0, "a": "x"}) == (("a", "x"), ("b", "1"))
    assert axes_label((("a", "x"), ("b", "1"))) == "a=x, b=1"
