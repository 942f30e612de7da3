"""`certify:` of a study: what it may name, the request's reference, and one request per certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests import toys
from tests.owned import request

from neurosieve.errors import UserError
from neurosieve.plan.certifying import before_of, certified_cells, selection_of

ASKED = {"variants": ["drop"], "before": "original"}


def planned(root: Path, certify: dict[str, Any], **changes: Any) -> Any:
    fields = {"seeds": [11], "claims": [], "scales": {}, **changes}
    return toys.planned(root, toys.study(certify=certify, **fields))


def test_what_the_plan_keeps(tmp_path: Path) -> None:
    plan = planned(tmp_path, {**ASKED, "retention": "2027-01-31"})
    kept = {**ASKED, "at": {}, "reference": "tiny", "retention": "2027-01-31", "loss": 0.05}
    assert plan.settings["certify"] == kept
    (cell,) = certified_cells(plan, ["drop"], {})
    assert before_of(plan, cell, "original").model == toys.model_node(plan, "original").key
    assert plan.nodes[selection_of(plan, cell)].name == "forget-where"


def test_the_reference_is_the_name_of_the_requests_file(tmp_path: Path) -> None:
    request(tmp_path, "train-0000", name="R-2026-07")
    plan = planned(tmp_path, ASKED, forget={"ids_file": "data/requests/R-2026-07.csv"})
    assert plan.settings["certify"]["reference"] == "R-2026-07"


def test_it_changes_no_key(tmp_path: Path) -> None:
    fields = {"seeds": [11], "claims": [], "scales": {}}
    plain = toys.planned(tmp_path / "a", toys.study(**fields))
    assert set(planned(tmp_path / "b", ASKED).nodes) == set(plain.nodes)
    assert "certify" not in plain.settings


@pytest.mark.parametrize(
    ("certify", "message"),
    [
        ({**ASKED, "variants": ["dorp"]}, r"'dorp' is no variant \(did you mean 'drop'\?\); there are: original"),
        ({**ASKED, "before": "nothing"}, "'nothing' is no variant; there are: original"),
        ({**ASKED, "before": "drop"}, "'drop' is the model before, it is not delivered"),
        ({**ASKED, "variants": []}, "certify.variants"),
        ({**ASKED, "variants": ["counted"]}, "'counted' never reads the rows to forget"),
        ({**ASKED, "reference": "Jane Doe"}, "a reference is up to 64 letters, digits"),
        ({**ASKED, "reference": "../up"}, "a reference is up to 64 letters, digits"),
        ({**ASKED, "retention": "soon"}, "certify.retention"),
        ({**ASKED, "loss": 2}, "certify.loss"),
        ({**ASKED, "at": {"setting": "a"}}, "'drop' is not there at setting=a"),
        ({**ASKED, "sign": "key.pem"}, "certify.sign"),
    ],
)
def test_mistakes_are_told_at_their_line(tmp_path: Path, certify: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        planned(tmp_path, certify)
    assert "config/studies/tiny.yaml:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_whose_name_cannot_be_a_reference(tmp_path: Path) -> None:
    request(tmp_path, "train-0000", name="of today (2)")
    forget = {"ids_file": "data/requests/of today (2).csv"}
    with pytest.raises(UserError, match=r"'of today \(2\)' cannot be a reference .*; set certify.reference"):
        planned(tmp_path, ASKED, forget=forget)
    assert planned(tmp_path, {**ASKED, "reference": "R-2"}, forget=forget).settings["certify"]["reference"] == "R-2"


def test_one_certificate_answers_one_request(tmp_path: Path) -> None:
    """Three seeds draw three datasets, whose rows to forget are three choices."""
    with pytest.raises(UserError, match=r"forget 3 different choices of rows .* list the rows in an ids_file"):
        planned(tmp_path, ASKED, seeds=[11, 12, 13])
    axes = {"class": {"one": {"forget": {"where": "label = 1"}}, "two": {"forget": {"where": "label = 2"}}}}
    with pytest.raises(UserError, match="forget 2 different choices of rows"):
        planned(tmp_path, ASKED, axes=axes)
    plan = planned(tmp_path, {**ASKED, "at": {"class": "two"}}, axes=axes)
    (cell,) = certified_cells(plan, ["drop"], {"class": "two"})
    assert cell.variant == "drop@class=two"
    assert before_of(plan, cell, "original").variant == "original@class=two"


def test_rows_that_nothing_measures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing measures the rows to forget; list an evaluation that reads them"):
        planned(tmp_path, ASKED, evaluate=[{"use": "toy_error"}])
