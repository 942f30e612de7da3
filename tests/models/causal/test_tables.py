import numpy as np
import pytest

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.datasets.tabular import iv_sim, k401
from neurosieve.errors import UserError
from neurosieve.models.causal.tables import Table, tables


def rows_of(**columns):
    columns = {"sample_id": [f"p{i}" for i in range(len(columns["z"]))], **columns}
    infos = {name: ColumnInfo(meaning=name) for name in columns}
    info = DatasetInfo(name="t", origin="simulated", source="s", licence="l", inputs="x", columns=infos)
    return Dataset.from_arrays(info, {"train": columns}).split("train")


def test_rows_are_persons_of_one_study_or_studies():
    studies = iv_sim.prepare(iv_sim.Params(size=30, studies=4), 3).split("train")
    found = tables(studies, 3)
    assert len(found) == 3
    np.testing.assert_array_equal(found[2].y, studies["y"][2])
    (one,) = tables(k401.prepare(k401.Params(families=150)).split("train"))
    assert one.x.shape == (150, 8)
    assert one.z.dtype == np.float64
    assert one.one_sided
    assert not found[0].one_sided


def test_keys_are_the_persons_own():
    data = k401.prepare(k401.Params(families=150)).split("train")
    (all_,), (some,) = tables(data), tables(data.take(np.arange(20, 60)))
    np.testing.assert_array_equal(some.keys, all_.keys[20:60])
    assert len(np.unique(all_.keys)) == 150


def test_too_many_replicates_and_other_values_are_one_line():
    studies = iv_sim.prepare(iv_sim.Params(size=30, studies=2), 3).split("train")
    with pytest.raises(UserError, match="3 replicates are asked for, but the data hold 2"):
        tables(studies, 3)
    columns = {"x": np.zeros((3, 1)), "z": np.array([0, 1, 2]), "a": np.array([0, 1, 1]), "y": np.zeros(3)}
    with pytest.raises(UserError, match="instrument z: 2 is neither 0 nor 1"):
        tables(rows_of(**columns))


def test_empty_cells_are_said():
    z, a = np.array([0.0, 0, 1, 1]), np.array([0.0, 0, 0, 1])
    one = Table(np.zeros((4, 1)), z, a, np.zeros(4), np.arange(4, dtype=np.uint64))
    one.check_cells(one_sided=True)
    with pytest.raises(UserError, match="no person has instrument 0 and treatment 1; say one_sided: true"):
        one.check_cells(one_sided=False)
    with pytest.raises(UserError, match=r"no person has instrument 1 and treatment 0$"):
        one.take(np.array([0, 3])).check_cells(one_sided=True)
