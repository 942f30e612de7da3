"""What a study's `notes:` and `figures:` say to the page."""

import pytest

from neurosieve.errors import UserError
from neurosieve.views.site import notes


def test_known_keys_become_fields_of_the_page():
    found = notes.read(
        {
            "field": "Forgetting",
            "stands-in-for": "CIFAR-100",
            "differs": "smaller",
            "answer-for": "S1 holds, S2 not decided; S3 fails",
            "pilot": "all of them",
            "pilot-S1": "alpha",
            "no-export": "no tensor program",
            "method": "cell-view, chimera",
            "something else": "kept out",
        }
    )
    assert found == {
        "family": "Forgetting",
        "stands_in_for": "CIFAR-100",
        "differs": "smaller",
        "answer_for": {"S1": "holds", "S2": "not decided", "S3": "fails"},
        "not_exported": "no tensor program",
        "roles": {"cell-view": "method", "chimera": "method"},
        "pilots": {"*": "all of them", "S1": "alpha"},
    }


@pytest.mark.parametrize("text", ["S1", "S1 maybe", "holds"])
def test_a_malformed_verdict_is_one_line(text):
    with pytest.raises(UserError, match="answer-for"):
        notes.read({"answer-for": text})


def test_titles_need_verdicts():
    found = notes.titles(
        [{"name": "map", "title": "It lands", "when": {"S1": "holds"}}, {"name": "cost"}, {"name": "x", "title": "y"}]
    )
    assert [(one.name, one.when) for one in found] == [("map", {"S1": "holds"})]
