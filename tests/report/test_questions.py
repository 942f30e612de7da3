"""The plain questions: rows of a table from attacks and accuracies, each asked once, with a picture of its margin."""

from __future__ import annotations

from typing import Any

import pytest

from neurosieve.report.questions import asks, common_remarks, named, sentence, table_of, value_of


def attack(**changes: Any) -> dict[str, Any]:
    one = {
        "attack": "loss", "outcome": "no trace", "estimate": 0.53, "low": 0.48, "high": 0.58, "null_low": 0.5,
        "null_high": 0.5, "margin": 0.1, "n": 24, "unit": "rows", "before": 0.71, "half_width": 0.12,
        "smallest_fpr": 0.04, "level": 0.0125, "why": "rows ranked by the loss of their label: 0.53",
    }  # fmt: skip
    return {**one, **changes}


def file(target: str = "native", *attacks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    stays = {"metric": "accuracy", "split": "retain", "before": 0.971, "after": 0.966, "retrained": 0.969}
    one = {
        "target": target, "attacks": list(attacks) or [attack()], "answers": {"stays": stays, "forgotten": None},
        "remarks": [], "outcome": "no trace", "works": True, "held_against": 0, "files": [],
    }  # fmt: skip
    return {**one, **changes}


def said(*files: dict[str, Any]) -> dict[str, Any]:
    made = {"variant": "ssd", "seed": None, "exports": [], "evidence": list(files)}
    return {"delivered": [made], "may_lose": 0.05}


def tables(*files: dict[str, Any]) -> list[dict[str, Any]]:
    whole = said(*files)
    return table_of(whole["delivered"][0], whole)["tables"]


def test_an_attack_is_a_question_with_three_models_and_a_picture() -> None:
    row, work = tables(file())[0]["rows"]
    assert row["asks"] == "Can someone tell by its errors that these rows were used?"
    assert (row["before"], row["after"]) == ('<data value="0.71">0.71</data>', '<data value="0.53">0.53</data>')
    assert "chance" in row["never"]
    assert row["strip"]["tinted"] == ("40.00", "20.00")
    assert (row["strip"]["rule"], row["strip"]["bar"], row["strip"]["dot"]) == ("50.00", ("48.00", "58.00"), "53.00")
    assert work["answer"] == "still works"
    assert work["strip"] is None


def test_values_beyond_an_area_stretch_the_picture() -> None:
    one = attack(
        attack="relearning", estimate=8.0, low=4.0, high=12.0, null_low=9.0, null_high=11.0, margin=6.0, before=0.0
    )
    strip = tables(file("native", one))[0]["rows"][0]["strip"]
    assert (strip["rule"], strip["dot"], strip["before"]) == ("62.50", "50.00", "0.00")


def test_held_against_retrained_models_the_null_is_theirs() -> None:
    row = tables(file("native", attack(null_low=0.44, null_high=0.55), held_against=5))[0]["rows"][0]
    assert "chance" not in row["never"]
    assert " to " in row["never"]


def test_what_decides_nothing_is_told_beside() -> None:
    silent, shown = (
        attack(outcome=None),
        attack(attack="weights", outcome=None, margin=None, null_low=None, null_high=None),
    )
    assert (asks(silent), asks(shown)) == (True, False)
    (table,) = tables(file("native", silent, shown))
    assert [row["answer"] for row in table["rows"]] == ["tells nothing", "still works"]
    assert len(table["beside"]) == 1


def test_how_it_is_asked_is_said_once() -> None:
    first, second = tables(file(), file("onnx"))
    assert all(row["how"] for row in first["rows"])
    assert not any(row["how"] for row in second["rows"])
    assert second["name"] == "Exported: onnx"


def test_remarks_of_every_file_are_common() -> None:
    files = file(remarks=["alike", "mine"]), file("onnx", remarks=["alike"])
    assert common_remarks(said(*files)) == ["alike"]
    assert [table["remarks"] for table in tables(*files)] == [["Mine."], []]


@pytest.mark.parametrize(("works", "answer"), [(False, "no longer works"), (None, "for information")])
def test_a_model_that_no_longer_works(works: bool | None, answer: str) -> None:
    assert tables(file(works=works))[0]["rows"][-1]["answer"] == answer


def test_words() -> None:
    assert named({"variant": "ssd", "seed": 11}) == "ssd, seed 11"
    assert sentence("the rows") == "The rows."
    assert value_of(-0.1) == '<data value="-0.1">−0.1</data>'
    assert (value_of(True), value_of("class")) == ("true", "class")


def test_where_the_target_is_a_number_its_error_is_shown() -> None:
    stays = {"metric": "rmse", "split": "test", "before": 2.0, "after": 2.05}
    row = tables(file(answers={"stays": stays, "forgotten": None}))[0]["rows"][-1]
    assert row["how"].startswith("error (RMSE) on test rows. Passes if it rises by no more than ")
    assert (row["before"], row["never"]) == ('<data value="2">2.00</data>', "–")
