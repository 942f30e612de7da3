from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import UserError
from neurosieve.evaluation.claims.grammar import claim_hash, parse_claims
from neurosieve.plan import yaml12

CLAIMS = Path(__file__).parents[2] / "data" / "claims"


def raw(**changes: Any) -> dict[str, Any]:
    claim: dict[str, Any] = {
        "id": "S1",
        "says": "SSD forgets.",
        "metrics": ["accuracy"],
        "variants": ["ssd"],
        "criterion": {"left": {"metric": "accuracy", "split": "forget", "of": "ssd"}, "is": "at_most", "right": 0.1},
    }
    return {**claim, **changes}


def message(*claims: dict[str, Any]) -> str:
    with pytest.raises(UserError) as found:
        parse_claims("ssd", list(claims))
    return str(found.value)


@pytest.mark.parametrize("path", sorted(CLAIMS.glob("*.yaml")), ids=lambda path: path.stem)
def test_written_claims_load(path: Path) -> None:
    written = yaml12.load(path)
    claims = parse_claims(written["study"], written["claims"])
    assert [claim.id for claim in claims] == [claim["id"] for claim in written["claims"]]
    for claim in claims:
        assert claim.model_dump(exclude_unset=True) == next(c for c in written["claims"] if c["id"] == claim.id)


def test_unknown_key_names_path_and_suggests() -> None:
    text = message(
        raw(criterion={"left": {"metric": "accuracy", "splt": "forget", "of": "ssd"}, "is": "below", "right": 0})
    )
    assert text.startswith("study ssd, claim S1: criterion.left.splt: unknown key 'splt' (did you mean 'split'?)")
    assert "allowed: metric, of, split, target" in text


def test_unknown_key_of_the_claim() -> None:
    text = message(raw(inconclusive={}))
    assert "claim S1: inconclusive: unknown key 'inconclusive' (did you mean 'inconclusive_if'?)" in text


def test_no_known_form_lists_the_forms() -> None:
    text = message(raw(criterion={"all_of": [{"lefft": 1, "is": "below", "right": 0}]}))
    assert "criterion.all_of[0]: keys lefft, is, right: no criterion" in text
    assert "`for_each`" in text
    text = message(raw(criterion={"left": {"metrics": "accuracy"}, "is": "below", "right": 0}))
    assert "criterion.left: keys metrics: no quantity" in text


def test_wrong_relation_shows_what_is_allowed() -> None:
    text = message(raw(criterion={"left": 1, "is": "under", "right": 0}))
    assert "criterion.is" in text
    assert "'at_most'" in text
    assert "'under'" in text


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ({"left": 1, "is": "within", "right": 0}, "`within` needs it"),
        ({"left": 1, "is": "below", "right": 0, "margin": 1}, "`margin` belongs to `within`"),
        ({"left": 1, "is": "between", "right": 0}, "`between` takes `right: [a, b]`"),
        ({"left": 1, "is": "below", "right": [0, 1]}, "`between` takes `right: [a, b]`"),
        ({"left": 1, "is": "below", "right": float("nan")}, "finite"),
        ({"left": True, "is": "below", "right": 0}, "criterion.left"),
        ({"left": 1, "is": "below", "right": 0, "confidence": {"p": 0.6, "test": "t"}}, "confidence.p"),
        ({"left": 1, "is": "below", "right": 0, "confidence": {"level": 0.6}}, "no confidence"),
        ({"at_least": 3, "of": [{"claim": "S1"}]}, "asks for 3 of 1"),
        ({"for_each": {"seed": "all"}, "need": 2, "that": {"claim": "S1"}}, "need"),
        ({"for_each": {"seed": 11}, "that": {"claim": "S1"}}, "`for_each` takes `all` or a list for 'seed'"),
    ],
)  # fmt: skip
def test_impossible_criteria(criterion: dict[str, Any], expected: str) -> None:
    assert expected in message(raw(criterion=criterion))


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ({"by": {"split": "validation"}}, "`by` and `among` need a choice"),
        ({"pool": "best", "by": {}}, "names no metric, split, target or variant"),
        ({"at": {"seed": 1}}, "'seed' is no axis"),
        ({"pool": "average"}, "pool"),
        ({"of": {"beste": ["ssd"]}}, "neither a variant's name nor"),
        ({"of": "each"}, "`each` stands for the variant of a `for_each`"),
        ({"metric": "conformal_coverage", "pool": "best"}, "'conformal_coverage' has none in the vocabulary"),
    ],
)
def test_impossible_leaves(leaf: dict[str, Any], expected: str) -> None:
    assert expected in message(
        raw(criterion={"left": {"metric": "accuracy", "of": "ssd", **leaf}, "is": "below", "right": 0})
    )


def test_lists_must_equal_what_is_used() -> None:
    assert "metrics: no expression uses 'accuracy'; remove it" in message(
        raw(criterion={"left": {"metric": "ece", "of": "ssd"}, "is": "below", "right": 0}, metrics=["ece", "accuracy"])
    )
    assert "variants: the expressions also use ssd" in message(raw(variants=[]))
    assert "variants: no expression uses 'sdd' (did you mean 'ssd'?)" in message(raw(variants=["ssd", "sdd"]))
    assert "metrics: a name stands there twice" in message(raw(metrics=["accuracy", "accuracy"]))


def test_for_each_that_binds_nothing() -> None:
    criterion = {"for_each": {"variant": ["ssd"]}, "that": raw()["criterion"]}
    assert "criterion: binds variant, but nothing inside it says `each`" in message(raw(criterion=criterion))


def test_ids_references_and_circles() -> None:
    assert "two claims have the id S1" in message(raw(), raw())
    bare = {"metrics": [], "variants": []}
    assert "criterion.all_of[1].claim: there is no claim S9; there are: S1, S2" in message(
        raw(), raw(id="S2", criterion={"all_of": [{"claim": "S1"}, {"claim": "S9"}]}, **bare)
    )
    assert "in a circle: S1 -> S2 -> S1" in message(
        raw(criterion={"claim": "S2"}, **bare), raw(id="S2", criterion={"not": {"claim": "S1"}}, **bare)
    )
    assert "a claim is a mapping" in message("S1")  # type: ignore[arg-type]
    assert "claim number 1 (it has no id): id: is missing" in message({k: v for k, v in raw().items() if k != "id"})


def test_an_axis_may_be_called_target() -> None:
    leaf = {"metric": "accuracy", "of": "ssd", "at": {"target": "random"}}
    assert parse_claims("ssd", [raw(criterion={"left": leaf, "is": "below", "right": 0})])


class TestHash:
    def hash(self, **changes: Any) -> str:
        return claim_hash(parse_claims("ssd", [raw(**changes)])[0], {"classification": {"batch": 64}})

    def test_is_sha256_and_stable(self) -> None:
        assert len(self.hash()) == 64
        assert self.hash() == self.hash(says="Other words.", paper="p", repaired="r", report=[], exact=True)

    def test_spelling_of_numbers_and_order_of_keys_do_not_count(self) -> None:
        criterion = {"right": 1.0, "is": "at_most", "left": {"of": "ssd", "split": "forget", "metric": "accuracy"}}
        same = {"left": {"metric": "accuracy", "split": "forget", "of": "ssd"}, "is": "at_most", "right": 1}
        assert self.hash(criterion=criterion) == self.hash(criterion=same)
        assert self.hash(criterion=criterion) == self.hash(criterion={**same, "paper": 0.02})

    def test_everything_that_decides_counts(self) -> None:
        other = copy.deepcopy(raw()["criterion"])
        other["right"] = 0.2
        hashes = {
            self.hash(),
            self.hash(criterion=other),
            self.hash(min_seeds=3),
            self.hash(at={"setting": "random"}),
            self.hash(requires=other),
            self.hash(inconclusive_if=other),
            claim_hash(parse_claims("ssd", [raw()])[0], {"classification": {"batch": 32}}),
        }
        assert len(hashes) == 7

    def test_directions_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = self.hash()
        monkeypatch.setattr("neurosieve.evaluation.vocabulary.direction", lambda _: "lower")
        assert self.hash() != before
