"""Tags of ids under the controller's key."""

import hashlib
import hmac
import json
import stat
import threading
from pathlib import Path

import pytest

from neurosieve.artifacts import tags
from neurosieve.artifacts.tags import KEY, controller_key, digest, known_key, tag, tags_of
from neurosieve.errors import UserError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_key_is_drawn_on_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    key = controller_key(tmp_path)
    assert len(key) == 32
    assert controller_key(tmp_path) == known_key(tmp_path) == key
    assert (tmp_path / KEY).read_text() == f"{key.hex()}\n"
    assert (mode(tmp_path / KEY), mode(tmp_path / "data" / "requests")) == (0o600, 0o700)
    assert [path.name for path in (tmp_path / "data" / "requests").iterdir()] == ["key"]
    assert controller_key(tmp_path / "other") != key


def test_a_key_that_others_can_read_becomes_private(tmp_path: Path) -> None:
    key = controller_key(tmp_path)
    (tmp_path / KEY).chmod(0o644)
    assert known_key(tmp_path) == key
    assert mode(tmp_path / KEY) == 0o600


def test_many_that_draw_at_once_have_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(controller_key(tmp_path))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len(set(found)) == 1


def test_tag_is_hmac_sha256_of_the_text() -> None:
    key = bytes(range(32))
    assert tag(key, "0087") == hmac.new(key, b"0087", hashlib.sha256).hexdigest()
    # RFC 4231, test case 2
    assert tag(b"Jefe", "what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert tags_of(key, ["b", "é", "a"]) == sorted(tag(key, one) for one in "abé")
    assert digest(key, b"0087") != tag(key, "0087"), "a file of one id has not the id's tag"


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "ab" * 31])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    controller_key(tmp_path)
    (tmp_path / KEY).write_text(text)
    with pytest.raises(UserError, match=r"data/requests/key is not a key \(64 hex digits"):
        controller_key(tmp_path)


def test_a_lost_key_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="data/requests/key is missing: the tags of a request were made with it"):
        known_key(tmp_path)
    node = tmp_path / "results" / "store" / "prepare" / "forget-ids-0123456789abcdef"
    node.mkdir(parents=True)
    (node / "provenance.json").write_text('{"recipe": {"params": {"tags": []}}}')
    with pytest.raises(UserError, match="is missing: forget-ids-0123456789abcdef and perhaps others hold tags"):
        controller_key(tmp_path)
    assert not (tmp_path / tags.KEY).exists()


@pytest.mark.parametrize(
    "record",
    [
        {"recipe": {"params": {"tags": []}}},
        {"recipe": {"params": {}, "without": {"sample_id": []}}},
        {"recipe": {}, "files": {"erased.arrow": ""}},
    ],
)
def test_a_key_in_the_place_of_another_is_refused_where_there_are_tags(tmp_path: Path, record: dict) -> None:
    right = controller_key(tmp_path)
    (tmp_path / KEY).write_text("ab" * 32)
    assert known_key(tmp_path) == bytes.fromhex("ab" * 32), "nothing was tagged yet"
    (tmp_path / KEY).write_text(right.hex())
    assert known_key(tmp_path) == right
    node = tmp_path / "results" / "store" / "train" / "original-0123456789abcdef"
    node.mkdir(parents=True)
    (node / "provenance.json").write_text(json.dumps(record))
    (tmp_path / KEY).write_text("ab" * 32)
    for ask in (known_key, controller_key):
        with pytest.raises(UserError, match=r"is not the one the tags here were made with \(original-0123456789abcdef"):
            ask(tmp_path)
    (tmp_path / KEY).unlink()
    with pytest.raises(UserError, match="data/requests/key is missing: original-0123456789abcdef"):
        controller_key(tmp_path)
    (tmp_path / KEY).write_text(right.hex())
    assert known_key(tmp_path) == right
    assert right.hex() not in (tmp_path / tags.CHECK).read_text()
