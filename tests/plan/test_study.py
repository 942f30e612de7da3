"""Studies: shapes, scales, bases, and an error with file, line, field and what is allowed."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.errors import UserError
from neurosieve.plan.study import LoadedStudy, Resources, load_study, merge

TRAINING: dict[str, Any] = {"model": {"use": "toy.centroid"}, "train": {"use": "toy.fit", "epochs": 2}}
STUDY: dict[str, Any] = {
    "question": "Why?",
    "dataset": {"use": "toy.points", "rows": 10},
    "seeds": [11, 12],
    "variants": {"original": TRAINING, "drop": {"from": "original", "unlearn": {"use": "unlearning.toy_drop"}}},
}
TREES = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.none(), max_size=3),
)


def load(folder: Path, content: object, scale: Any = "default", name: str = "tiny", **overrides: Any) -> LoadedStudy:
    path = folder / f"{name}.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return load_study(path, scale, overrides)


def changed(**changes: Any) -> dict[str, Any]:
    return merge(copy.deepcopy(STUDY), changes)


def refused(folder: Path, content: object, message: str, scale: str = "default") -> None:
    with pytest.raises(UserError, match=message) as caught:
        load(folder, content, scale)
    assert "\n" not in str(caught.value)


def test_parameters_are_everything_beside_use(tmp_path: Path) -> None:
    study = load(tmp_path, STUDY).study
    assert study.dataset.params == {"rows": 10}
    assert study.variants["original"].train.params == {"epochs": 2}
    assert study.variants["original"].step is None
    key, use = study.variants["drop"].step
    assert (key, use.use) == ("unlearn", "unlearning.toy_drop")


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({}, "either `model` and `train`, or `from` and one step"),
        ({"model": {"use": "a"}}, "either `model` and `train`"),
        ({"train": {"use": "a"}}, "either `model` and `train`"),
        ({**TRAINING, "prune": {"use": "pruning.a"}}, "either `model` and `train`"),
        ({"from": "original"}, "exactly one step out of analysis, unlearn, prune, sparsify, adapt"),
        ({"from": "original", **TRAINING}, "exactly one step"),
        ({"from": "original", "rows": "retain", "prune": {"use": "pruning.a"}}, "exactly one step"),
        ({"from": "original", "prune": {"use": "pruning.a"}, "adapt": {"use": "adaptation.a"}}, "exactly one step"),
        ({"from": "original", "prune": {"use": "unlearning.a"}}, "`prune` takes a component below 'pruning.'"),
        ({**TRAINING, "replicates": 1}, "replicates"),
        ({**TRAINING, "seeds": []}, "seeds must differ, and there must be one"),
        ({**TRAINING, "seeds": [1, 1]}, "seeds must differ"),
        ({**TRAINING, "seeds": [-1]}, "a seed is a whole number from 0 to 4294967295"),
    ],
)
def test_shapes_of_a_variant(tmp_path: Path, variant: dict[str, Any], message: str) -> None:
    refused(tmp_path, changed(variants={"odd": variant}), rf"tiny\.yaml:\d+: .*{message}")


@pytest.mark.parametrize(
    ("content", "at", "message"),
    [
        (
            changed(qestion="?"),
            "qestion:",
            "unknown key 'qestion' .did you mean 'question'.*; allowed: question, paper",
        ),
        (changed(variants={"drop": {"wiht": ["a"]}}), "wiht:", "unknown key 'variants.drop.wiht' .did you mean 'with'"),
        (changed(question=None), "dataset:", "key 'question' is missing"),
        (changed(seeds=[]), "seeds:", "seeds must differ, and there must be one"),
        (changed(seeds=[11, 2**32]), "seeds:", "a seed is a whole number from 0"),
        (changed(seeds=[11, "x"]), "- x", "seeds.1: .*integer.*got 'x'"),
        (changed(dataset={"of": {"rows": 1}}), "of:", "key 'dataset.of.use' is missing"),
        (changed(resources={"train": {"memory": "1 TB"}}), "memory:", "resources.train.memory: .*got '1 TB'"),
        (changed(variants={"a/b": TRAINING}), "variants:", "variant name 'a/b': only letters"),
    ],
)
def test_errors_point_at_the_line(tmp_path: Path, content: dict[str, Any], at: str, message: str) -> None:
    lines = yaml.safe_dump(content, sort_keys=False).splitlines()
    line = next(number for number, text in enumerate(lines, 1) if at in text)
    refused(tmp_path, content, rf"tiny\.yaml:{line}: .*{message}")


@pytest.mark.parametrize("content", ["- a\n", "text\n", "", "12\n"])
def test_study_that_is_no_mapping(tmp_path: Path, content: str) -> None:
    refused(tmp_path, content, r"tiny\.yaml:1: a study is a mapping")


@pytest.mark.parametrize("name", ["train", "all", "report", "a b", "a.b"])
def test_names_that_no_study_may_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' cannot be a study's name"):
        load(tmp_path, STUDY, name=name)


# -- scales -------------------------------------------------------------------------------------------------------


def test_scale_merges_keys_deletes_null_and_replaces_lists(tmp_path: Path) -> None:
    smoke = {
        "seeds": [7],
        "dataset": {"rows": 2},
        "variants": {"drop": None, "original": {"train": {"epochs": None, "noise": 0}}},
    }
    content = changed(scales={"smoke": smoke, "full": None})
    small, default, full = (load(tmp_path, content, scale).study for scale in ("smoke", "default", "full"))
    assert small.seeds == [7]
    assert small.dataset.params == {"rows": 2}
    assert list(small.variants) == ["original"]
    assert small.variants["original"].train.params == {"noise": 0}
    assert default == full == load(tmp_path, STUDY).study


def test_error_inside_an_override_points_at_the_override(tmp_path: Path) -> None:
    content = changed(scales={"smoke": {"seeds": ["x"]}})
    line = yaml.safe_dump(content, sort_keys=False).splitlines().index("    - x") + 1
    for scale in ("smoke", "default"):  # every scale is checked, whichever is run
        refused(tmp_path, content, rf"tiny\.yaml:{line}: seeds\.0", scale)


def test_unknown_scale(tmp_path: Path) -> None:
    refused(tmp_path, changed(scales={"tiny": {}}), r"tiny\.yaml:\d+: scales are smoke, default, full")


def test_overrides_of_the_project_come_last(tmp_path: Path) -> None:
    assert load(tmp_path, changed(scales={"smoke": {"seeds": [7]}}), "smoke", seeds=[1, 2]).study.seeds == [1, 2]


@given(TREES, TREES)
def test_merge_replaces_all_but_mappings(base: Any, over: Any) -> None:
    merged = merge(base, over)
    if not (isinstance(base, dict) and isinstance(over, dict)):
        assert merged == over
    else:
        for key in {*base, *over}:
            if key not in over:
                assert merged[key] == base[key]
            elif over[key] is None:
                assert key not in merged
            else:
                assert merged[key] == merge(base.get(key), over[key])


@given(TREES)
def test_merging_nothing_changes_nothing(base: Any) -> None:
    assert not isinstance(base, dict) or merge(base, {}) == base


# -- base ---------------------------------------------------------------------------------------------------------


def test_base_is_a_copy_overridden(tmp_path: Path) -> None:
    variants = {
        "longer": {"base": "original", "train": {"epochs": 9}},
        "retrained": {"base": "longer", "rows": "retain"},
    }
    made = load(tmp_path, changed(variants=variants)).study.variants
    assert made["longer"].train.params == {"epochs": 9}
    assert made["original"].train.params == {"epochs": 2}
    assert (made["retrained"].rows, made["retrained"].train.params) == ("retain", {"epochs": 9})


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"a": {"base": "nowhere"}}, "base 'nowhere' is no variant of this study"),
        ({"a": {"base": "b"}, "b": {"base": "a"}}, "base loops: a -> b -> a"),
        ({"a": {"base": "a"}}, "base loops: a -> a"),
    ],
)
def test_base_that_leads_nowhere(tmp_path: Path, variants: dict[str, Any], message: str) -> None:
    refused(tmp_path, changed(variants=variants), rf"tiny\.yaml:\d+: {message}")


# -- parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("memory", "megabytes"), [("1 GB", 1000), ("1.5GB", 1500), ("300 MB", 300), ("0.5 GB", 500)])
def test_memory_in_megabytes(memory: str, megabytes: int) -> None:
    assert Resources(memory=memory).mem_mb == megabytes


def test_nothing_is_chosen_on_test_rows(tmp_path: Path) -> None:
    choose = {"among": {"far": [1]}, "by": {"metric": "accuracy", "split": "test"}}
    content = changed(variants={"drop": {"unlearn": {"choose": choose}}})
    refused(tmp_path, content, r"tiny\.yaml:\d+: .*never chosen on test rows")
