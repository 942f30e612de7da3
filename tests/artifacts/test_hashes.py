"""Content hashes of files, read again only when size, time or inode changed."""

import hashlib
import os
from pathlib import Path

import pytest

from neurosieve.artifacts import hashes as module
from neurosieve.artifacts.hashes import FileHashes, sha256_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "raw.bin"
    file.write_bytes(b"content" * 1000)
    return file


def test_is_sha256(path: Path) -> None:
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest() == FileHashes().sha256(path)


def test_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = FileHashes()
    known = memory.sha256(path)
    monkeypatch.setattr(module, "sha256_of", lambda path: pytest.fail("read again"))
    assert memory.sha256(path) == known
    assert FileHashes(memory.memory).sha256(path) == known


def test_touched_file_keeps_its_hash_and_changed_content_does_not(path: Path) -> None:
    memory = FileHashes()
    known = memory.sha256(path)
    os.utime(path, (1, 1))
    assert memory.sha256(path) == known
    path.write_bytes(b"CONTENT" * 1000)
    os.utime(path, (2, 2))
    assert memory.sha256(path) != known


def test_replaced_file_of_equal_size_and_time_is_read_again(path: Path, tmp_path: Path) -> None:
    memory = FileHashes()
    os.utime(path, (1, 1))
    known = memory.sha256(path)
    other = tmp_path / "other"
    other.write_bytes(b"CONTENT" * 1000)
    os.utime(other, (1, 1))
    os.replace(other, path)
    assert memory.sha256(path) != known


def test_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileHashes().sha256(tmp_path / "nowhere")
