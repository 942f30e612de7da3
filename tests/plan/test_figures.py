"""Figures that a study declares, checked when it is planned."""

from pathlib import Path

import pytest

from neurosieve.errors import UserError
from neurosieve.plan.figures import check_figures
from neurosieve.plan.study import load_study

STUDY = Path(__file__).resolve().parents[2] / "config" / "studies" / "self-sorting-arrays.yaml"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("metric: monotonicity_error\n    x:", "metric: monotonicity_eror\n    x:",
         "metric: there is no metric 'monotonicity_eror' (did you mean 'monotonicity_error'?)"),
        ("variants: [cell-view, top-down]\n    at: {kind: movable}", "variants: [cell-veiw]\n    at: {kind: movable}",
         "the study has no variant 'cell-veiw' (did you mean 'cell-view'?)"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_stops_the_plan_at_its_line(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = STUDY.read_text()
    assert before in text
    path = tmp_path / STUDY.name
    path.write_text(text.replace(before, after, 1))
    check_figures(load_study(STUDY, "default"))
    with pytest.raises(UserError) as found:
        check_figures(load_study(path, "default"))
    assert said in str(found.value)
    line = int(str(found.value).split(":")[1])
    assert path.read_text().splitlines()[line - 1].strip().startswith(after.split(":")[0])
