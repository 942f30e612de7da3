"""The store: a node is there whole or not at all, whoever writes, whenever."""

import errno
import json
import os
import sys
import time
from pathlib import Path

import pytest

from neurosieve.artifacts import store as module
from neurosieve.artifacts.store import Store, read_provenance, storage_error, write_provenance
from neurosieve.errors import UserError

FOLDER = "train/little-0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def written(store: Store, text: str = "content", run: dict | None = None) -> Path:
    """A complete node in a scratch directory."""
    scratch = store.scratch("train-little-0123456789abcdef")
    (scratch / "model.txt").write_text(text)
    (scratch / "checkpoints" / "e1").mkdir(parents=True)
    (scratch / "checkpoints" / "e1" / "model.txt").write_text("early")
    (scratch / "timings.parquet").write_text("1.5")
    record = {"key": "0123456789abcdef", "stage": "train", "name": "little", "recipe": {}}
    write_provenance(scratch, record, run or {"seconds": 1})
    return scratch


def test_published_node_exists_is_present_and_found(store: Store) -> None:
    assert not store.exists(FOLDER)
    assert store.present() == set()
    path = store.publish(written(store), FOLDER)
    assert path == store.path(FOLDER)
    assert store.exists(FOLDER)
    assert store.present() == {FOLDER}
    assert store.find("0123456789abcdef") == path
    assert list(store.work.glob("job-*")) == []


def test_publish_over_the_empty_directory_that_snakemake_made(store: Store) -> None:
    store.path(FOLDER).mkdir(parents=True)
    assert not store.exists(FOLDER)
    store.publish(written(store), FOLDER)
    assert (store.path(FOLDER) / "model.txt").read_text() == "content"


def test_publish_over_a_dead_directory_buries_it(store: Store) -> None:
    store.path(FOLDER).mkdir(parents=True)
    (store.path(FOLDER) / "half.txt").write_text("half")
    store.publish(written(store), FOLDER)
    assert sorted(p.name for p in store.path(FOLDER).iterdir()) == [
        "checkpoints",
        "model.txt",
        "provenance.json",
        "timings.parquet",
    ]
    (grave,) = store.work.glob("dead-*")
    assert (grave / "half.txt").read_text() == "half"


def test_publish_over_a_complete_node_keeps_the_first(store: Store) -> None:
    store.publish(written(store, "first"), FOLDER)
    second = written(store, "second")
    assert store.publish(second, FOLDER) == store.path(FOLDER)
    assert (store.path(FOLDER) / "model.txt").read_text() == "first"
    assert not second.exists()


def test_publish_gives_up_on_a_directory_that_keeps_coming_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def stubborn(path: Path) -> None:
        return None

    store.path(FOLDER).mkdir(parents=True)
    (store.path(FOLDER) / "half.txt").write_text("half")
    monkeypatch.setattr(store, "bury", stubborn)
    with pytest.raises(UserError, match="could not be put in place: another process keeps writing there"):
        store.publish(written(store), FOLDER)


def test_provenance_is_written_last_and_hashes_everything_else(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    rename = os.rename

    def watched(source: str, target: str) -> None:
        seen.append({path.name for path in Path(target).parent.iterdir() if path.is_file()})
        rename(source, target)

    monkeypatch.setattr(module.os, "rename", watched)
    scratch = written(store)
    assert seen == [{"model.txt", "timings.parquet", ".provenance.json"}]
    record = read_provenance(scratch)
    assert set(record["files"]) == {"model.txt", "checkpoints/e1/model.txt"}
    assert set(record["run"]["files"]) == {"timings.parquet"}
    assert record["run"]["seconds"] == 1


def test_directory_without_provenance_is_no_node(store: Store) -> None:
    store.publish(written(store), FOLDER)
    (store.path(FOLDER) / "provenance.json").unlink()
    assert not store.exists(FOLDER)
    assert store.present() == set()
    with pytest.raises(UserError, match="node 0123456789abcdef is not in the store; run the same command again"):
        store.find("0123456789abcdef")


def test_find_sees_a_node_that_came_later(store: Store) -> None:
    with pytest.raises(UserError, match="is not in the store"):
        store.find("0123456789abcdef")
    store.publish(written(store), FOLDER)
    assert store.find("0123456789abcdef") == store.path(FOLDER)


@pytest.mark.parametrize("name", ["model.txt", "checkpoints/e1/model.txt", "timings.parquet"])
@pytest.mark.parametrize("harm", ["truncate", "change", "delete"])
def test_check_finds_damage(store: Store, name: str, harm: str) -> None:
    path = store.publish(written(store), FOLDER)
    assert store.check(path) is None
    file = path / name
    if harm == "delete":
        file.unlink()
    else:
        text = file.read_text()
        file.write_text(text[:-1] if harm == "truncate" else text.swapcase() + "!")
    problem = store.check(path)
    assert problem is not None
    assert str(file) in problem
    assert ("is missing" in problem) == (harm == "delete")


@pytest.mark.parametrize("content", ["[]", "{}", '{"key": "0123456789abcdef", "recipe": {}, "files": {}}'])
def test_record_of_another_shape_is_one_line(store: Store, content: str) -> None:
    path = store.publish(written(store), FOLDER)
    (path / "provenance.json").write_text(content)
    with pytest.raises(UserError, match=r"provenance\.json is no node's record, or an older one; delete the folder"):
        store.check(path)


@pytest.mark.parametrize("content", ["", "{", "[]"[:1]])
def test_unreadable_provenance_is_one_line(store: Store, content: str) -> None:
    path = store.publish(written(store), FOLDER)
    (path / "provenance.json").write_text(content)
    with pytest.raises(UserError, match=r"provenance\.json cannot be read.*delete the folder and rerun"):
        store.check(path)


def test_record_of_a_node_is_sorted_json(store: Store) -> None:
    text = (store.publish(written(store), FOLDER) / "provenance.json").read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


def test_sweep_deletes_old_leftovers_only(store: Store) -> None:
    new, mine = store.scratch("new"), store.scratch("train-little-0123456789abcdef")
    old = mine.with_name(mine.name.replace(f"-{os.getpid()}-", "-4194999-"))
    state, fresh = store.resume("0123456789abcdef"), store.resume("1123456789abcdef")
    for folder in (old, store.work / "plans-x", state, fresh):
        folder.mkdir(parents=True)
    for folder in (old, mine, store.work / "plans-x", state):
        os.utime(folder, (1, 1))
    assert store.sweep() == 2
    assert not old.exists()
    assert not state.exists()
    assert mine.exists(), "it is old by the clock, but its job lives"
    assert all(folder.exists() for folder in (new, fresh, store.work / "plans-x"))
    assert time.time() - new.stat().st_mtime < 86400


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell")
def test_a_job_whose_process_ended_unheard_of_is_abandoned(store: Store) -> None:
    """Where everything is killed at once, a worker stays in the process table until somebody waits for it."""
    process = os.fork()
    if process == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # ended, and not reaped
        mine = store.scratch("train-little-0123456789abcdef")
        mine.rename(mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{process}-")))
        assert store.abandoned() == {"0123456789abcdef"}
        assert not store.working("0123456789abcdef")
    finally:
        os.waitpid(process, 0)


def test_lock_is_exclusive_and_named(store: Store) -> None:
    held = store.lock()
    with pytest.raises(UserError, match=rf"another run \(process {os.getpid()}\) works in this folder"):
        store.lock()
    os.close(held)
    os.close(store.lock())


def test_notes_on_failures(store: Store) -> None:
    note = store.failure("0123456789abcdef")
    assert note.read() is None
    note.write("it ran dry")
    assert store.failure("0123456789abcdef").read() == "it ran dry"
    note.clear()
    note.clear()
    assert note.read() is None


def test_job_that_ended_without_a_word_is_abandoned(store: Store) -> None:
    alive = store.scratch("train-little-0123456789abcdef")
    assert store.abandoned() == set()
    dead = alive.with_name(alive.name.replace(f"-{os.getpid()}-", "-4194999-"))
    alive.rename(dead)
    assert store.abandoned() == {"0123456789abcdef"}
    assert store.killed([FOLDER]) == [FOLDER]
    elsewhere = dead.with_name(f"{dead.name[:-8]}{int(dead.name[-8:-4], 16) ^ 1:04x}{dead.name[-4:]}")
    dead.rename(elsewhere)
    assert store.abandoned() == set(), "a process of another machine may live"
    os.utime(elsewhere, (1, 1))
    assert store.sweep() == 1


def test_job_that_left_an_empty_log_was_killed(store: Store) -> None:
    log = store.log(FOLDER)
    log.parent.mkdir(parents=True)
    log.touch()
    assert store.killed([FOLDER, "train/other-1123456789abcdef"]) == [FOLDER]
    store.publish(written(store), FOLDER)
    assert store.killed([FOLDER]) == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/y"), "the disk that holds /x/y is full"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x/y"), "no permission to write /x/y"),
        (RuntimeError(f"rust: {os.strerror(errno.ENOSPC)} (os error 28)"), "the disk that holds /here is full"),
        (OSError(f"{os.strerror(errno.ENOSPC)} (os error 28)"), "the disk that holds /here is full"),  # polars
        (OSError(errno.EIO, "input/output"), None),
        (ValueError("shape mismatch"), None),
        (UserError("no space left on device"), None),
    ],
)
def test_errors_of_the_disk(error: Exception, says: str | None) -> None:
    found = storage_error(error, Path("/here"))
    assert (found is None) == (says is None)
    assert says is None or says in str(found)


@pytest.mark.parametrize("at_once", [True, False], ids=["syncfs", "file by file"])
def test_many_are_published_whole_and_those_that_were_there_win(
    store: Store, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:  # as on a system without that call
        monkeypatch.setattr(module, "_sync_file_system", lambda directory: False)
    folders = [f"train/little-{digit * 16}" for digit in "123"]
    store.publish(written(store, "first"), folders[0])
    store.path(folders[1]).mkdir(parents=True)
    store.publish_all({folder: written(store, "second") for folder in folders})
    assert store.present() == set(folders)
    assert [(store.path(f) / "model.txt").read_text() for f in folders] == ["first", "second", "second"]
    assert list(store.work.glob("job-*")) == []
    store.publish_all({})
