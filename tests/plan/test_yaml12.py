"""YAML as YAML 1.2 reads it, with the place of every value."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.errors import UserError
from neurosieve.plan import yaml12

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\ufeff"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("NO", "NO"),
        ("true", True), ("True", True), ("FALSE", False),
        ("1e-3", 0.001), ("1E5", 1e5), ("-.5", -0.5), ("1.", 1.0), ("+12.5e+2", 1250.0), (".inf", math.inf),
        ("007", 7), ("-12", -12), ("+3", 3), ("0o17", 15), ("0x1F", 31), ("1_000", "1_000"), ("017", 17),
        ("~", None), ("null", None), ("", None), ("nil", "nil"), ("12:30:45", "12:30:45"), ("1:2", "1:2"),
        ("2024-01-02", "2024-01-02"), ("'1'", "1"), ('"on"', "on"), ("1e", "1e"), (".", "."), ("e5", "e5"),
        ("0b11", "0b11"), ("1.2.3", "1.2.3"), ("2308.07707", 2308.07707),
    ],
)  # fmt: skip
def test_core_schema(text: str, value: object) -> None:
    found = yaml12.loads(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(yaml12.loads(".nan"))


@given(VALUES)
def test_json_is_yaml(value: object) -> None:
    assert yaml12.loads(json.dumps(value, ensure_ascii=False)) == value


def test_merge_keys_and_anchors() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}]}"
    assert yaml12.loads(text)["b"] == {"x": 1, "y": 3}
    assert yaml12.loads(text)["c"] == {"x": 1, "y": 2, "z": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key 'a'"),
        ("a: {x: 1, x: 2}\n", "f.yaml:1:11: duplicate key 'x'"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2:"),
        ("a:\n\t- 1\n", "f.yaml:2:"),
        ("a: *nowhere\n", "f.yaml:1:4: found undefined alias"),
        ("a: !!python/object/apply:os.system [ls]\n", "f.yaml:1:4: could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: but found another document"),
    ],
)
def test_errors_carry_file_line_and_column(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        yaml12.loads(text, "f.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00a"], ids=["missing", "not-utf-8"])
def test_unreadable_file_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "f.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"f\.yaml cannot be read"):
        yaml12.load(path)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (["a"], 1), (["b", "c"], 3), (["b", "list", 1], 6), (["b", "list", 1, "x"], 6), (["b", "nowhere"], 2),
        (["nowhere"], 1), ([], 1), (["b", "list", 9], 4),
    ],
)  # fmt: skip
def test_position_of_the_deepest_part_that_exists(tmp_path: Path, place: list, line: int) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: 1\nb:\n  c: 2\n  list:\n    - {x: 1}\n    - {x: 2}\n")
    assert yaml12.position(path, place) == f"{path}:{line}"


def test_position_in_a_broken_file_is_the_file(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: [\n")
    assert yaml12.position(path, ["a"]) == str(path)
