"""From a study and what is affected to the variants that repair it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.toys import ORIGINAL, bare

from neurosieve.errors import UserError
from neurosieve.plan.study import Study
from neurosieve.requests.repair import SSD, Asked, Repair, reference_of, shipped

FILE = "data/requests/R-1.csv"
SECOND = "data/requests/R-2.csv"
PRUNE = {"use": "pruning.magnitude", "sparsity": 0.5}
TEACHER: dict[str, Any] = {**ORIGINAL, "train": {"use": "toy.fit", "epochs": 3}}
VARIANTS: dict[str, Any] = {
    "original": ORIGINAL,
    "teacher": TEACHER,
    "importance": {"from": "original", "analysis": {"use": "analysis.importance", "order": "stored"}},
    "ssd": {"from": "original", "with": ["importance"], "unlearn": {"use": "unlearning.ssd", "alpha": 3}},
    "pruned": {"from": "ssd", "prune": PRUNE},
    "distilled": {"from": "pruned", "with": ["teacher"], "adapt": {"use": "adaptation.finetune"}},
}


def study_of(variants: dict[str, Any], **changes: Any) -> Study:
    content = bare(variants, **changes)
    del content["scales"]
    return Study.model_validate(content)


def repair(variants: dict[str, Any], affected: set[str] | None = None, method: str = "ssd", **changes: Any) -> Repair:
    return Repair(
        study_of(variants, **changes), set(variants) if affected is None else affected, Asked("R-1", FILE, method)
    )


def test_the_parent_forgets_and_each_child_is_replayed_from_it() -> None:
    made = repair(VARIANTS)
    assert made.repaired("distilled") == ("distilled-R-1", None)
    assert list(made.variants) == [
        "original", "importance", "original-R-1", "importance-R-1", "ssd-R-1", "pruned-R-1", "teacher",
        "importance-teacher-R-1", "teacher-R-1", "distilled-R-1",
    ]  # fmt: skip
    assert made.variants["original"] == ORIGINAL
    assert made.variants["original-R-1"] == {
        "from": "original", "with": ["importance"], "unlearn": SSD, "forget": {"ids_file": FILE},
    }  # fmt: skip
    assert made.variants["ssd-R-1"] == {
        "from": "original-R-1", "with": ["importance-R-1"], "unlearn": {"use": "unlearning.ssd", "alpha": 3},
        "without": [FILE],
    }  # fmt: skip
    assert made.variants["pruned-R-1"] == {"from": "ssd-R-1", "prune": PRUNE, "without": [FILE]}
    assert made.variants["distilled-R-1"]["with"] == ["teacher-R-1"]
    assert [one.of for one in made.said if one.of] == [
        "original",
        "importance",
        "ssd",
        "pruned",
        "teacher",
        "distilled",
    ]


def test_importances_are_fresh_where_none_is_stored_of_this_model() -> None:
    made = repair(VARIANTS)
    made.repaired("teacher")
    assert made.variants["importance-teacher-R-1"] == {
        "from": "teacher", "analysis": {"use": "analysis.importance", "order": "stored"}, "without": [FILE],
    }  # fmt: skip


def test_a_rule_that_the_study_chooses_by_is_kept() -> None:
    rule = {
        "among": {"alpha": [5, 50]},
        "by": {"metric": "mse", "use": "regression", "rule": "strongest-within", "margin": 1},
    }
    use = {"use": "unlearning.ssd", "choose": rule}
    made = repair({**VARIANTS, "chosen": {"from": "original", "with": ["importance"], "unlearn": use}})
    made.repaired("original")
    assert made.variants["original-R-1"]["unlearn"] == use


def test_what_is_not_affected_stays_as_it_is() -> None:
    made = repair(VARIANTS, set(VARIANTS) - {"teacher"})
    made.repaired("distilled")
    assert made.variants["distilled-R-1"]["with"] == ["teacher"]
    assert made.variants["teacher"] == TEACHER
    assert "teacher-R-1" not in made.variants


def test_trained_again_without_the_rows() -> None:
    made = repair(VARIANTS, method="retrained")
    made.repaired("pruned")
    assert made.variants["original-R-1"] == {"base": "original", "without": [FILE]}
    assert made.variants["ssd-R-1"]["from"] == "original-R-1"
    assert made.parents == {"original-R-1": "original"}


def test_shards_are_trained_again_whatever_the_method() -> None:
    made = repair({"sharded": {**ORIGINAL, "shards": {"count": 4}}, "pruned": {"from": "sharded", "prune": PRUNE}})
    made.repaired("pruned")
    assert made.variants["sharded-R-1"] == {"base": "sharded", "without": [FILE]}
    assert "importance-sharded-R-1" not in made.variants


def test_checkpoints() -> None:
    kept = {**ORIGINAL, "train": {"use": "toy.fit", "epochs": 3, "checkpoints": [2]}}
    variants = {
        "original": kept,
        "early": {"from": "original@e2", "prune": PRUNE},
        "late": {"from": "original", "prune": PRUNE},
    }
    made = repair(variants)
    assert made.repaired("early") == ("early-R-1", None)
    assert made.variants["original-e2-R-1"]["from"] == "original@e2"
    assert made.variants["importance-original-e2-R-1"]["from"] == "original@e2"
    assert made.variants["early-R-1"]["from"] == "original-e2-R-1"
    made.repaired("late")
    assert made.variants["late-R-1"]["from"] == "original-R-1"
    again = repair(variants, method="retrained")
    again.repaired("early")
    assert again.variants["early-R-1"]["from"] == "original-R-1@e2"


def test_a_second_request_starts_from_the_first_result() -> None:
    first = repair(VARIANTS, targets={"pruned": ["toy"]})
    first.repaired("pruned")
    again = study_of(first.variants, targets={"pruned-R-1": ["toy"]})
    for method, start in (("ssd", "original-R-1"), ("retrained", "original")):
        made = Repair(again, set(first.variants), Asked("R-2", SECOND, method))
        assert made.past == [FILE]
        assert made.repaired("pruned-R-1") == ("pruned-R-2", None)
        assert made.parents == {"original-R-2": start}
        assert made.variants["pruned-R-2"]["without"] == [FILE, SECOND]
        for name in ("original", "original-R-1"):  # the chain before is replayed by equal recipes
            if name in made.variants:
                assert made.variants[name] == first.variants[name]
        repaired = made.variants["original-R-2"]
        if method == "ssd":
            assert (repaired["from"], repaired["with"]) == ("original-R-1", ["importance-original-R-2"])
            assert (repaired["forget"], repaired["without"]) == ({"ids_file": SECOND}, [FILE])
            assert made.variants["importance-original-R-2"]["without"] == [FILE, SECOND]
        else:
            assert repaired == {"base": "original", "without": [FILE, SECOND]}


def test_a_study_of_ones_own_that_answered_a_request_is_a_first_result() -> None:
    variants = {name: VARIANTS[name] for name in ("original", "importance", "ssd", "pruned")}
    study = study_of(variants, forget={"ids_file": FILE}, targets={"pruned": ["toy"]})
    made = Repair(study, set(variants), Asked("R-2", SECOND, "ssd"))
    made.repaired("pruned")
    assert made.variants["ssd-R-2"]["from"] == "ssd"
    assert made.variants["ssd"] == VARIANTS["ssd"]
    assert made.variants["pruned-R-2"]["without"] == [FILE, SECOND]


def test_seeds_and_device_of_a_variant_stay_with_what_is_put_behind_it() -> None:
    made = repair({"original": {**ORIGINAL, "seeds": [7], "device": "cuda"}})
    made.repaired("original")
    for name in ("original-R-1", "importance-original-R-1"):
        assert (made.variants[name]["seeds"], made.variants[name]["device"]) == ([7], "cuda")


def test_what_cannot_be_repaired_is_refused() -> None:
    given = repair({"original": {**ORIGINAL, "train": {"use": "given.weights", "file": "w"}}}, method="retrained")
    with pytest.raises(UserError, match="'original' takes its weights from a file: no training can leave rows out"):
        given.repaired("original")
    twice = repair({"original": ORIGINAL, "original-R-1": {**ORIGINAL, "rows": "retain"}})
    with pytest.raises(UserError, match="variant 'original-R-1' exists already: R-1 was repaired in this study before"):
        twice.repaired("original")


def test_names() -> None:
    assert reference_of("data/requests/R_2026.01.csv") == "R-2026-01"
    certified = {"variants": ["pruned"], "before": "original"}
    study = study_of(VARIANTS, targets={"ssd": ["toy"], "pruned": []}, certify=certified)
    assert shipped(study) == ["ssd", "pruned"]
