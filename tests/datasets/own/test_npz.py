"""NPZ: arrays by name, and nothing is ever unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from neurosieve.datasets.own.npz import Params, prepare
from neurosieve.errors import UserError

N = 40
X = np.arange(N * 4).reshape(N, 2, 2)


def write(folder: Path, **arrays: np.ndarray) -> str:
    path = folder / "a.npz"
    np.savez(path, **arrays)
    return str(path)


def test_arrays_by_name(tmp_path: Path) -> None:
    file = write(tmp_path, x=X / 2, y=np.arange(N) % 3, names=np.array([f"{n:02d}" for n in range(N)]))
    made = prepare(Params(file=file, inputs="x", target="y", id="names", splits={"test": 0.3, "validation": 0}))
    assert set(made.splits) == {"train", "test"}
    row = int(made.split("test").ids[3])
    assert np.array_equal(made.split("test").x[3], X[row] / 2)


def test_whole_numbers_are_token_ids_and_bytes_are_not(tmp_path: Path) -> None:
    for array, kind in ((X, np.int64), (X.astype(np.uint8), np.float32)):
        assert prepare(Params(file=write(tmp_path, x=array))).split("train").x.dtype == kind


class Bomb:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("kind", ["member", "file"])
def test_pickles_are_refused_and_not_run(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "member":
        file = write(tmp_path, y=np.zeros(3), x=np.array([Bomb()] * 3, dtype=object))
    else:
        file = str(tmp_path / "a.npz")
        Path(file).write_bytes(pickle.dumps(Bomb()))
    says = f"{'x' if kind == 'member' else 'its content'} is pickled Python objects, which are never read"
    with pytest.raises(UserError, match=says) as caught:
        prepare(Params(file=file, inputs="x"))
    assert not Path("exploded").exists()
    assert "allow_pickle" not in str(caught.value)


def test_arrays_of_other_lengths_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"every array has one entry per row, these differ: x \[40, 2, 2\], y \[3\]"):
        prepare(Params(file=write(tmp_path, x=X, y=np.zeros(3))))
    with pytest.raises(UserError, match=r"these differ: x \[40, 2, 2\], y \[\]"):
        prepare(Params(file=write(tmp_path, x=X, y=np.float64(3))))
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UserError, match=r"a.npz is no NPZ file, or is damaged"):
        prepare(Params(file=str(tmp_path / "a.npz")))
    np.save(tmp_path / "b.npy", X)
    with pytest.raises(UserError, match="holds a single array; save several by name"):
        prepare(Params(file=str(tmp_path / "b.npy")))
