"""What `choose:` puts into a node's recipe: nothing new where the best is kept, so stored nodes keep their keys."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from neurosieve.plan.choosing import Choose

JUDGE = {"use": "evaluation.classification", "code": "0", "packages": {}}


def test_the_recipe_of_the_best_is_as_it_always_was() -> None:
    choose = Choose.model_validate({"among": {"alpha": [5, 10]}, "by": {"metric": "accuracy"}})
    assert choose.recipe("higher", JUDGE) == {
        "among": {"alpha": [5, 10]},
        "metric": "accuracy",
        "split": "validation",
        "better": "higher",
        "judge": JUDGE,
    }


def test_the_recipe_of_the_strongest_names_rule_and_margin() -> None:
    by = {"metric": "accuracy", "rule": "strongest-within", "margin": 0.01}
    recipe = Choose.model_validate({"among": {"alpha": [5]}, "by": by}).recipe("higher", JUDGE)
    assert (recipe["rule"], recipe["margin"]) == ("strongest-within", 0.01)


def test_a_parameter_without_values_is_refused() -> None:
    with pytest.raises(ValidationError, match="'alpha' has no value to choose from"):
        Choose.model_validate({"among": {"alpha": []}, "by": {"metric": "accuracy"}})
