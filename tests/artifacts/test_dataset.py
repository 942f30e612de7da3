"""Datasets: any dtype and shape comes back to the bit, mapped from the file without a copy, read-only."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo, Split, read_dataset, write_dataset
from neurosieve.errors import UserError

DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32"]


def info(*columns: str, hidden: tuple[str, ...] = (), target: str | None = None) -> DatasetInfo:
    described = {name: ColumnInfo(meaning=name, hidden=name in hidden) for name in ("sample_id", *columns)}
    return DatasetInfo(
        name="little", origin="simulated", source="tests", licence="none", inputs="x", target=target, columns=described
    )


def made(x: np.ndarray, name: str = "train") -> Dataset:
    ids = [f"{row:04d}" for row in range(len(x))]
    return Dataset.from_arrays(info("x"), {name: {"sample_id": ids, "x": x}})


def stored(directory: Path, dataset: Dataset, *, hidden: bool = False) -> Dataset:
    write_dataset(directory, dataset)
    return read_dataset(directory, hidden=hidden)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", [*DTYPES, "float64"])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 2, 3), (1, 2, 2, 2)], ids=str)
def test_round_trip_of_every_dtype_and_shape(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    x = (np.random.default_rng(0).normal(size=shape) * 50).astype(dtype)
    dataset = stored(tmp_path, made(x))
    assert same(dataset.split("train").x, x)
    assert dataset.info.columns["x"].shape == shape[1:] == dataset.info.input_shape
    assert dataset.info.columns["x"].dtype == dtype
    assert dataset.info.counts == {"train": shape[0]}
    assert same(dataset.split("train").tensor().numpy(), x)


@given(hnp.arrays(hnp.floating_dtypes(sizes=(32, 64), endianness="<"), hnp.array_shapes(max_dims=3, max_side=4)))
def test_round_trip_keeps_every_bit(tmp_path_factory: pytest.TempPathFactory, x: np.ndarray) -> None:
    """NaN payloads, infinities, signed zeros and denormal numbers."""
    assert same(stored(tmp_path_factory.mktemp("d"), made(x)).split("train").x, x)


@pytest.mark.parametrize(
    "view",
    [lambda a: np.asfortranarray(a), lambda a: a[::2], lambda a: a[:, ::-1], lambda a: a.transpose(0, 2, 1)],
    ids=["fortran", "strided", "reversed", "transposed"],
)
@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_strided_arrays_are_stored_by_value(tmp_path: Path, view, dtype: str) -> None:
    x = view((np.arange(24).reshape(4, 2, 3) % 5).astype(dtype))
    assert same(stored(tmp_path, made(x)).split("train").x, np.ascontiguousarray(x))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (0, 1, 14, 14)], ids=str)
def test_empty_split(tmp_path: Path, shape: tuple[int, ...]) -> None:
    full = np.ones((2, *shape[1:]), np.float32)
    splits = {
        "train": {"sample_id": ["a", "b"], "x": full},
        "validation": {"sample_id": [], "x": np.zeros(shape, np.float32)},
    }
    dataset = stored(tmp_path, Dataset.from_arrays(info("x"), splits))
    assert same(dataset.split("validation").x, np.zeros(shape, np.float32))
    assert (len(dataset.split("validation")), dataset.info.counts) == (0, {"train": 2, "validation": 0})
    assert len(dataset.split("validation").ids) == 0


def test_text_ids_keep_leading_zeros(tmp_path: Path) -> None:
    ids = ["0087", "87", "ünï-0", "007", "1e3"]
    dataset = stored(tmp_path, Dataset.from_arrays(info("x"), {"train": {"sample_id": ids, "x": np.zeros(5)}}))
    assert dataset.split("train").ids.tolist() == ids
    assert pl.read_ipc(tmp_path / "train.arrow")["sample_id"].to_list() == ids


@pytest.mark.parametrize("shape", [(300,), (300, 7, 5)], ids=["scalars", "tensors"])
def test_arrays_lie_in_the_mapped_file(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write_dataset(tmp_path, made(np.random.default_rng(0).normal(size=shape)))
    split = read_dataset(tmp_path).split("train")
    pa.total_allocated_bytes()
    before = pa.total_allocated_bytes()
    x = split.x
    assert pa.total_allocated_bytes() == before
    start, size = x.__array_interface__["data"][0], x.nbytes
    assert any(low <= start and start + size <= high for low, high in mappings(tmp_path / "train.arrow"))
    assert np.shares_memory(x, split.x)
    assert np.shares_memory(x, split.tensor().numpy())


def mappings(path: Path) -> list[tuple[int, int]]:
    """Address ranges at which this process has mapped a file."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not tell where files are mapped")
    lines = [line.split() for line in maps.read_text().splitlines() if line.endswith(str(path))]
    ranges = [line[0].split("-") for line in lines]
    return [(int(low, 16), int(high, 16)) for low, high in ranges]


def test_arrays_are_read_only(tmp_path: Path) -> None:
    x = stored(tmp_path, made(np.ones((4, 2), np.float32))).split("train").x
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 2


def test_take_orders_rows_and_composes(tmp_path: Path) -> None:
    x = np.arange(10.0)[:, None] * np.ones((1, 3))
    split = stored(tmp_path, made(x)).split("train")
    part = split.take(np.array([7, 1, 1, 4]))
    assert part.x[:, 0].tolist() == [7, 1, 1, 4]
    assert part.ids.tolist() == ["0007", "0001", "0001", "0004"]
    assert part.take(np.array([3, 0])).x[:, 0].tolist() == [4, 7]
    assert part.frame()["sample_id"].to_list() == ["0007", "0001", "0001", "0004"]
    assert len(part.take(np.array([], dtype=int))) == 0
    assert torch.equal(part.tensor(), torch.from_numpy(x[[7, 1, 1, 4]]))


def test_take_by_mask_is_take_by_rows(tmp_path: Path) -> None:
    split = stored(tmp_path, made(np.arange(5.0))).split("train")
    assert split.take(np.array([True, False, False, True, False])).x.tolist() == [0, 3]


def test_taken_rows_are_stored_as_a_dataset_of_their_own(tmp_path: Path) -> None:
    whole = made((np.arange(12).reshape(6, 2) % 2).astype(bool))
    part = Dataset(whole.info, {"train": whole.split("train").take(np.array([5, 0]))})
    assert same(stored(tmp_path, part).split("train").x, whole.split("train").x[[5, 0]])


def test_hidden_columns_only_for_those_who_ask(tmp_path: Path) -> None:
    columns = {"sample_id": ["a", "b"], "x": np.zeros((2, 2)), "odd": np.array([True, False])}
    write_dataset(tmp_path, Dataset.from_arrays(info("x", "odd", hidden=("odd",)), {"train": columns}))
    seen, withheld = (read_dataset(tmp_path, hidden=hidden).split("train") for hidden in (True, False))
    assert seen["odd"].tolist() == [True, False]
    assert "odd" not in withheld
    assert withheld.frame().columns == ["sample_id"]
    with pytest.raises(UserError, match="column 'odd' is hidden from this stage; columns here: sample_id, x"):
        withheld["odd"]
    with pytest.raises(UserError, match="column 'even' does not exist"):
        withheld["even"]


def test_frame_holds_the_scalar_columns(tmp_path: Path) -> None:
    columns = {
        "sample_id": ["01", "02"],
        "x": np.zeros((2, 2)),
        "label": np.array([3, 4]),
        "flag": np.array([1, 0], bool),
    }
    dataset = stored(tmp_path, Dataset.from_arrays(info("x", "label", "flag"), {"train": columns}))
    frame = dataset.split("train").frame()
    assert frame.rows() == [("01", 3, True), ("02", 4, False)]


def test_no_target_column(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no target column"):
        _ = made(np.zeros(2)).split("train").y


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({}, "has no split"),
        ({"train": {"x": np.zeros(2)}}, "sample_id is required"),
        ({"train": {"sample_id": ["a"], "x": np.zeros(1), "y": np.zeros(1)}}, "are not those described"),
        ({"train": {"sample_id": ["a"], "x": np.zeros(2)}}, "columns differ in length"),
        ({"train": {"sample_id": ["a", "a"], "x": np.zeros(2)}}, "1 sample ids occur twice, first that of row 1"),
        ({"train": {"sample_id": ["a"], "x": np.zeros(1)}, "test": {"sample_id": ["a"], "x": np.zeros(1)}}, "twice"),
        ({"train": {"sample_id": [1, 2], "x": np.zeros(2)}}, "sample_id is not text"),
        (
            {"train": {"sample_id": ["a"], "x": np.zeros(1)}, "test": {"sample_id": ["b"], "x": np.zeros(1, int)}},
            r"column 'x' is float64 \(\) in split train and int64 \(\) in test",
        ),
        (
            {"train": {"sample_id": ["a"], "x": np.zeros((1, 2))}, "test": {"sample_id": ["b"], "x": np.zeros((1, 3))}},
            r"float64 \(2,\) in split train and float64 \(3,\) in test",
        ),
        ({"train": {"sample_id": ["a"], "x": np.zeros((1, 0))}}, r"'x' \(float64 of shape \(1, 0\)\) cannot be stored"),
        ({"train": {"sample_id": ["a"], "x": np.array([["b", "c"]])}}, "column 'x' .text.* cannot be stored"),
        ({"train": {"sample_id": ["a"], "x": np.array([1j])}}, "column 'x' .complex128.* cannot be stored"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:20],
)
def test_refused_with_one_line(splits, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Dataset.from_arrays(info("x"), splits)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_truncated_file_is_one_line(tmp_path: Path, keep: float) -> None:
    write_dataset(tmp_path, made(np.ones((50, 4))))
    path = tmp_path / "train.arrow"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(UserError, match=r"train\.arrow is missing, truncated or not Arrow IPC .*delete its folder"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", '{"name": "x"}'], ids=["missing", "empty", "broken", "incomplete"])
def test_unreadable_description_is_one_line(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(UserError, match=r"dataset\.json cannot be read"):
        read_dataset(tmp_path)


def test_missing_split_names_those_there_are() -> None:
    with pytest.raises(UserError, match="has no split 'test'; it has train"):
        made(np.zeros(2)).split("test")


def test_split_without_a_copy_of_its_table() -> None:
    split = made(np.zeros((3, 2))).split("train")
    assert isinstance(split.take(np.array([0])), Split)
    assert split.take(np.array([0])).table is split.table


@given(st.lists(st.integers(0, 9), max_size=12))
def test_take_is_indexing(rows: list[int]) -> None:
    split = made(np.arange(20.0).reshape(10, 2)).split("train")
    assert np.array_equal(split.take(np.array(rows, dtype=int)).x, np.arange(20.0).reshape(10, 2)[rows])
