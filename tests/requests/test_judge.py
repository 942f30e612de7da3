"""Who is affected, through what: each kind of node, and everything that cannot be known."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests import toys
from tests.requests.conftest import ORIGINAL, PEOPLE, VARIANTS, People, computed, study

from neurosieve.artifacts.dataset import read_dataset
from neurosieve.artifacts.erased import erase_files, keep_tags, to_erase
from neurosieve.artifacts.shards import place_of
from neurosieve.artifacts.tags import KEY, controller_key
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from neurosieve.requests.found import Found

FEW = {name: VARIANTS[name] for name in ("original", "retrained")}


def reasons(node: Found) -> list[tuple[str, int]]:
    return [(reason.how, reason.rows) for reason in node.reasons]


def test_what_each_variant_did_with_the_rows(people: People) -> None:
    answer = people.asks("Person 001")
    assert people.hows(answer) == {
        "original": "learned",
        "retrained": None,
        "forgotten": "learned",
        "counted": "learned",  # it carries the original's weights
        "drop": "learned",
        "shifted": None,  # it reads no row, and what it is made of did not either
        "taught": "learned",  # by the original
        "chosen": "chosen",  # by all validation rows
        "within": None,  # by retained ones
        "peeked": "learned",  # its code may read any row
        "recounted": "computed",
    }
    assert reasons(people.found(answer, "original")) == [("learned", 3)]
    assert reasons(people.found(answer, "drop")) == [("learned", 0), ("learned", 3), ("computed", 0)]
    assert people.found(answer, "drop").forgotten == 3
    assert reasons(people.found(answer, "chosen")) == [("chosen", 1)]
    assert reasons(people.found(answer, "peeked")) == [("learned", 4)]
    assert {name: people.found(answer, *name).how for name in (("drop", "toy"), ("retrained", "toy"))} == {
        ("drop", "toy"): "learned",
        ("retrained", "toy"): "computed",  # it is shown rows of all, having declared none
    }
    assert people.found(answer, "retrained", "toy_seen").how is None, "it is shown retained rows"


def test_chains_lead_back_to_the_data(people: People) -> None:
    answer = people.asks("Person 001")
    drop, toy = (people.node("drop", target) for target in ("native", "toy"))
    data = drop.recipe["inputs"]["data"]
    assert answer.chain(toy.key) == [data, people.node("original").key, drop.key, toy.key]
    assert answer.chain(people.node("taught").key) == [data, people.node("original").key, people.node("taught").key]
    assert answer.chain(data) == [data]


def test_datasets_and_selections_hold_rows_and_metrics_only_measure(people: People) -> None:
    answer = people.asks("Person 001")
    assert [(node.kind, reasons(node)) for node in answer.of("dataset", "selection")] == [
        ("dataset", [("holds", 5)]),
        ("selection", [("holds", 5)]),
    ]
    measured = answer.of("metrics", affected=None)
    assert len(measured) == len([node for node in people.plan.nodes.values() if node.stage in ("evaluate", "verdict")])
    assert not any(node.affected for node in measured)
    assert answer.missing == set()


def test_another_person_was_retained(people: People) -> None:
    answer = people.asks("Person 002")
    hows = people.hows(answer)
    assert hows.pop("forgotten") is None
    assert hows.pop("drop") == "learned"
    assert hows.pop("within") == hows.pop("retrained") == hows.pop("shifted") == "learned"
    assert people.found(answer, "drop").forgotten == 0
    assert people.found(answer, "retrained", "toy_seen").how == "learned"
    assert not answer.of("selection"), "it lists Person 001 alone"


@pytest.mark.parametrize(
    ("ids", "trained", "chosen"),
    [(["p001-tr0", "p001-te0"], "learned", None), (["p001-va0"], None, "chosen"), (["p001-te0"], None, None)],
)
def test_rows_by_sample_id_and_split(people: People, ids: list[str], trained: str | None, chosen: str | None) -> None:
    answer = people.asks(*ids, match="sample_id")
    assert people.found(answer, "original").how == trained, "toy.fit takes training rows alone"
    assert people.found(answer, "chosen").how == chosen
    assert people.found(answer, "retrained").how is None


def test_people_and_ids_that_are_not_here(people: People) -> None:
    answer = people.asks("Person 001", "Person 999")
    assert answer.missing == {"Person 999"}
    nobody = people.asks("87", match="sample_id")
    assert nobody.missing == {"87"}
    assert not any(node.reasons for node in nobody.nodes.values())
    assert people.asks("Person 001", only=("others",)).missing == {"Person 001"}
    assert people.asks("Person 001", only=("people",)).missing == set()


def test_more_rows_than_the_selection_covers(people: People) -> None:
    answer = people.asks("Person 001", "Person 003")
    assert reasons(people.found(answer, "retrained")) == [("learned", 3)]
    assert reasons(people.found(answer, "original")) == [("learned", 6)]


@pytest.mark.parametrize(
    ("dataset", "how"),
    [
        ({"constants": "fitted"}, "computed"),
        ({"constants": "unsaid"}, "unknown"),
        ({"subject": False, "origin": "real"}, "unknown"),
    ],
)
def test_a_retained_training_is_affected_through_its_data(tmp_path: Path, dataset, how: str) -> None:
    """Constants that were, or may have been, computed from the rows; and rows of which nobody says whose they are."""
    match, ids = ("subject", ["Person 001"]) if dataset.get("subject", True) else ("sample_id", ["p001-tr0"])
    made = computed(tmp_path, study({**PEOPLE, **dataset}, variants=FEW, targets={}, evaluate=[]), *ids, match=match)
    answer = made.asks("Person 001")
    assert made.hows(answer) == {"original": "unknown" if match == "sample_id" else "learned", "retrained": how}


def test_simulated_rows_that_belong_to_nobody(tmp_path: Path) -> None:
    content = study({**PEOPLE, "subject": False}, variants=FEW, targets={}, evaluate=[])
    made = computed(tmp_path, content, "p001-tr0", match="sample_id")
    answer = made.asks("Person 001")
    assert set(made.hows(answer).values()) == {None}
    assert answer.missing == {"Person 001"}


@pytest.mark.parametrize(("says", "how"), [(True, "learned"), (False, "unknown")])
def test_rows_are_found_through_what_they_were_made_of(tmp_path: Path, says: bool, how: str) -> None:
    dataset = {"use": "toy.pairs", "says": says, "of": PEOPLE}
    content = study(dataset, variants={"original": ORIGINAL}, targets={}, evaluate=[], forget=None)
    made = computed(tmp_path, content, "p001-tr0", match="sample_id")
    answer = made.asks("p001-tr0", match="sample_id")
    assert made.found(answer, "original").how == how
    named = [named.count for named in answer.named.values()]
    assert named == [1, 2] if says else [1], "a row goes into two pairs"


def test_what_is_missing_or_damaged_counts_as_affected(tmp_path: Path) -> None:
    made = computed(tmp_path, study(variants=FEW, targets={}, evaluate=[]), "Person 001")
    original, retrained = made.node("original"), made.node("retrained")
    store = made.project.store
    data, selection = (store.path(made.plan.nodes[retrained.recipe["inputs"][r]].folder) for r in ("data", "selection"))
    kept = (selection / "selection.arrow").read_bytes()
    (selection / "selection.arrow").write_bytes(kept[:50])
    answer = made.asks("Person 001")
    assert made.found(answer, "retrained").how == "unknown"
    (selection / "selection.arrow").write_bytes(kept)
    assert made.found(made.asks("Person 001"), "retrained").how is None
    (selection / "provenance.json").write_text("{")
    answer = made.asks("Person 001")
    assert answer.lost == [f"prepare/{selection.name}"]
    assert made.found(answer, "retrained").how == "unknown"
    shutil.rmtree(data)
    answer = made.asks("Person 001")
    assert {made.found(answer, name).how for name in ("original", "retrained")} == {"unknown"}
    assert (answer.chain(original.key), answer.missing) == ([data.name[-16:], original.key], {"Person 001"})


def test_rows_left_out_by_tag_need_the_key(tmp_path: Path) -> None:
    variants = {"original": ORIGINAL, "repaired": {**ORIGINAL, "without": ["data/requests/R-2026-01.csv"]}}
    made = computed(tmp_path, study(variants=variants, targets={}, evaluate=[], forget=None), "Person 001")
    assert made.hows(made.asks("Person 001")) == {"original": "learned", "repaired": None}
    by_row = made.asks("p001-tr1", "p002-tr0", match="sample_id")
    assert [reasons(made.found(by_row, name)) for name in ("original", "repaired")] == [
        [("learned", 2)],
        [("learned", 1)],
    ]
    (tmp_path / KEY).unlink()
    with pytest.raises(UserError, match="data/requests/key is missing"):
        made.asks("Person 001")


def test_rows_of_an_erased_dataset_need_the_key_that_its_tags_were_made_with(tmp_path: Path) -> None:
    variants = {"original": ORIGINAL}
    made = computed(tmp_path, study(variants=variants, targets={}, evaluate=[], forget=None), "Person 001")
    folder = toys.directory(made.project, next(n for n in made.plan.nodes.values() if n.name == "people"))
    keep_tags(folder, read_dataset(folder, hidden=True), controller_key(tmp_path))
    erase_files(folder, to_erase(folder), "R-0", "2026-11-25")
    assert made.asks("Person 001").missing == set()
    for wrong, told in ((None, "is missing"), ("ab" * 32, "is not the one the tags here were made with")):
        (tmp_path / KEY).write_text(wrong) if wrong else (tmp_path / KEY).unlink()
        with pytest.raises(UserError, match=f"data/requests/key {told}"):
            made.asks("Person 001")


def test_only_the_shards_that_held_the_rows(tmp_path: Path) -> None:
    variants = {"sharded": {**ORIGINAL, "shards": {"count": 3, "by": "subject"}}}
    project = toys.project(tmp_path, {"tiny": study(variants=variants, targets={}, evaluate=[], forget=None)})
    plan = project.plan("tiny")
    for node in plan.nodes.values():
        if node.stage == "prepare" or "shard" in node.recipe:
            run_node(project, plan, node)
    answer = People(project, plan).asks("Person 001")
    hows = {node.recipe["shard"]["index"]: node.how for node in answer.nodes.values() if node.kind == "model"}
    held = place_of(11, "Person 001", 3, 1)[0]
    assert hows == {index: "learned" if index == held else None for index in range(3)}


def test_items_that_name_a_row_hold_it(tmp_path: Path) -> None:
    made = computed(tmp_path, study(variants=FEW, targets={}), "Person 001")
    folder = next(path for path in (tmp_path / "results" / "store" / "evaluate").iterdir())
    record = (folder / "provenance.json").read_text()
    (folder / "provenance.json").write_text(record.replace('"files": {', '"files": {"items.parquet": "",', 1))
    pl.DataFrame({"item": ["p001-tr0", "p002-tr0", "p001-te0"]}).write_parquet(folder / "items.parquet")
    (held,) = made.asks("p001-tr0", match="sample_id").of("metrics")
    assert (held.folder, held.how, held.reasons[0].rows) == (f"evaluate/{folder.name}", "holds", 1)
