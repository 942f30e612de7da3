"""Content hashes of files, read again only when size, time or inode changed."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from neurosieve.artifacts import hashes as module
from neurosieve.artifacts.hashes import FileHashes, content_of, files_in, sha256_of


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.png", "a/1.png", "a/c/3.png", ".hidden/x", "a/.DS_Store"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_text(name)
    return tmp_path / "photos"


def test_a_folder_is_the_names_and_contents_of_its_files(folder: Path, tmp_path: Path) -> None:
    assert files_in(folder) == ["a/1.png", "a/c/3.png", "b/2.png"]
    known = content_of(folder)
    assert known == FileHashes().sha256(folder)
    (folder / "a" / ".DS_Store").write_text("another")
    os.utime(folder / "b" / "2.png", (1, 1))
    assert content_of(folder) == known
    assert content_of(folder.rename(tmp_path / "moved")) == known


@pytest.mark.parametrize("change", ["content", "name", "more", "less"])
def test_any_change_in_a_folder_is_seen(folder: Path, change: str) -> None:
    memory = FileHashes()
    known = memory.sha256(folder)
    file = folder / "a" / "1.png"
    if change == "content":
        file.write_text("other")
        os.utime(file, (2, 2))
    elif change == "name":
        file.rename(folder / "a" / "2.png")
    elif change == "more":
        (folder / "a" / "2.png").write_text("a/1.png")
    else:
        file.unlink()
    assert memory.sha256(folder) != known


def test_an_unchanged_folder_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = FileHashes()
    known = memory.sha256(folder)
    monkeypatch.setattr(module, "sha256_of", lambda path: pytest.fail("read again"))
    assert memory.sha256(folder) == known
    assert FileHashes(json.loads(json.dumps(memory.memory))).sha256(folder) == known
