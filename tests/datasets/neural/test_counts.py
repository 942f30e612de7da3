"""A user's own counts: sunspots as events of a Parquet file, an archive of arrays, and every bad file in one line."""

import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.artifacts.view import View
from neurosieve.datasets.neural.counts import Params, prepare
from neurosieve.errors import UserError
from neurosieve.evaluation import hmm_glm as evaluation
from neurosieve.training.em import hmm_glm as training


def test_real_counts_from_parquet_are_fitted_and_judged(tmp_path):
    import statsmodels.api as sm

    spots = sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    counts = np.floor(spots / 20).astype(int)
    table = pl.DataFrame({"early": counts[:-1], "late": counts[1:]})
    table.write_parquet(tmp_path / "spots.parquet")
    data = Data.of(prepare(Params(file=str(tmp_path / "spots.parquet"), bins=44, test=0.3, name="sunspots")))
    assert (data.train.x.shape, data.test.x.shape) == ((5, 44, 2), (2, 44, 2))
    np.testing.assert_array_equal(data.train.x[0, :, 0], counts[:44])
    assert data.info.columns["counts"].meaning.endswith("early, late")
    log = Log()
    fresh = build_model("neural.hmm_glm", {"link": "softplus", "states": 2}, {"input_shape": [44, 2]})
    model = training.train(fresh, data, training.Params(rounds=8), 0, log)
    values = [row["log_likelihood_per_spike"] for row in log.history]
    assert values[-1] > values[0]
    rows = evaluation.evaluate(View(data, model), evaluation.Params())
    assert set(rows["metric"]) <= {"log_likelihood_per_spike", "state", "rare_states"}


def test_sequences_of_a_parquet_file_keep_their_order(tmp_path):
    table = pl.DataFrame({"sequence": ["b", "b", "a", "a", "c", "c"], "u": [1, 2, 3, 4, 5, 6]})
    table.write_parquet(tmp_path / "x.parquet")
    data = prepare(Params(file=str(tmp_path / "x.parquet")))
    assert data.split("train").x[..., 0].tolist() == [[1, 2], [3, 4]]
    assert data.split("test").x[..., 0].tolist() == [[5, 6]]


def test_an_archive_of_arrays(tmp_path):
    np.savez(tmp_path / "x.npz", counts=np.arange(24).reshape(3, 4, 2), units=["left", "right"])
    data = prepare(Params(file=str(tmp_path / "x.npz")))
    assert data.split("train").x.tolist() == np.arange(16).reshape(2, 4, 2).tolist()
    assert "left, right" in data.info.columns["counts"].meaning


def bad_files(folder):
    """What is wrong with a file -> its name."""
    np.savez(folder / "pickled.npz", counts=np.array([{"a": 1}], dtype=object))
    np.savez(folder / "other.npz", spikes=np.zeros((2, 3, 1)))
    np.savez(folder / "names.npz", counts=np.zeros((2, 3, 1)), units=["a", "b"])
    np.savez(folder / "one.npz", counts=np.zeros((3, 1)))
    np.savez(folder / "negative.npz", counts=np.array([[[0], [1]], [[0], [-1]]]), units=["axon"])
    pl.DataFrame({"a": ["x"]}).write_parquet(folder / "text.parquet")
    pl.DataFrame({"sequence": [0, 0, 1], "a": [1, 2, 3]}).write_parquet(folder / "ragged.parquet")
    pl.DataFrame({"a": [1, None, 3]}).write_parquet(folder / "gap.parquet")
    (folder / "not.parquet").write_text("a,b")
    return {
        "pickled.npz": "without pickle",
        "other.npz": "needs numbers `counts`.*it holds spikes",
        "names.npz": "names 2 units, counts has 1",
        "one.npz": "too few to hold 20% out; give bins",
        "negative.npz": "-1 at sequence 1, time bin 1, neuron axon",
        "text.parquet": "column 'a' holds String",
        "ragged.parquet": "sequences have 1 to 2 bins; give .* bins",
        "gap.parquet": "nan at sequence 0, time bin 1, neuron a",
        "not.parquet": "is no Parquet file",
        "x.csv": "give a .parquet or a .npz file",
    }


def test_bad_files_are_refused_in_one_line(tmp_path):
    for name, message in bad_files(tmp_path).items():
        with pytest.raises(UserError, match=message) as caught:
            prepare(Params(file=str(tmp_path / name)))
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no sequence has so many bins"):
        prepare(Params(file=str(tmp_path / "one.npz"), bins=10))
