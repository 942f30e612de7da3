"""Nodes as single files: what is packed here is the same node elsewhere."""

from pathlib import Path

import pytest

from neurosieve.artifacts.store import Store, read_provenance, write_provenance
from neurosieve.errors import UserError
from neurosieve.jobs.packed import pack, packed, unpack

NODE = "train/fit-0123456789abcdef"


@pytest.fixture
def made(tmp_path: Path) -> tuple[Store, Path]:
    """A store with one node, and a folder that has it packed."""
    store = Store(tmp_path / "here")
    scratch = store.scratch("train-fit")
    (scratch / "checkpoints").mkdir()
    (scratch / "model.json").write_text("{}")
    (scratch / "checkpoints" / "e1.json").write_text("[]")
    record = {"key": NODE[-16:], "stage": "train", "name": "fit", "recipe": {}}
    write_provenance(scratch, record, {})
    pack(store.publish(scratch, NODE), packed(tmp_path / "packed", NODE))
    return store, tmp_path / "packed"


def test_a_packed_node_is_the_same_node_in_another_store(made: tuple[Store, Path], tmp_path: Path) -> None:
    here, folder = made
    there = Store(tmp_path / "there")
    unpack(there, folder, [NODE, "train/absent-0000000000000000"])
    assert there.present() == {NODE}
    assert there.check(there.path(NODE)) is None
    assert read_provenance(there.path(NODE)) == read_provenance(here.path(NODE))
    assert sorted(p.name for p in folder.rglob("*.tar")) == ["fit-0123456789abcdef.tar"]
    assert not list(there.work.iterdir())


def test_a_node_that_is_there_stays(made: tuple[Store, Path]) -> None:
    here, folder = made
    packed(folder, NODE).write_bytes(b"damaged")
    unpack(here, folder, [NODE])
    assert here.check(here.path(NODE)) is None


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "no record"])
def test_a_damaged_file_is_one_line(made: tuple[Store, Path], tmp_path: Path, damage: str) -> None:
    here, folder = made
    file = packed(folder, NODE)
    if damage == "no record":
        (here.path(NODE) / "provenance.json").unlink()
        pack(here.path(NODE), file)
    else:
        content = {"cut": file.read_bytes()[:700], "noise": b"\x01" * 9000, "empty": b""}[damage]
        file.write_bytes(content)
    there = Store(tmp_path / "there")
    with pytest.raises(UserError, match="is no packed node"):
        unpack(there, folder, [NODE])
    assert there.present() == set()
    assert not list(there.work.iterdir())
