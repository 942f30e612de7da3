import numpy as np
import pytest

from neurosieve.artifacts.model import Model, load_state, write_model
from neurosieve.errors import UserError
from neurosieve.models.arrays import Arrays


class Walk(Arrays):
    """Remembers its step beside its arrays."""

    def __init__(self, step: int) -> None:
        super().__init__(place=np.zeros(3), count=0)
        self.step = step


def test_changed_is_a_copy_that_shares_what_stays():
    walk = Walk(2)
    moved = walk.changed(place=[1.0, 2.0, 3.0])
    assert walk["place"].tolist() == [0, 0, 0]
    assert moved["place"].tolist() == [1, 2, 3]
    assert moved["count"] is walk["count"]
    assert (type(moved), moved.step) == (Walk, 2)
    with pytest.raises(KeyError, match="plac"):
        walk.changed(plac=1)


def test_is_stored_and_loaded_like_a_network(tmp_path):
    walk = Walk(2).changed(place=np.array([0.1, -0.0, np.nan]), count=7)
    write_model(tmp_path, Model(walk, "tests", {}, {}))
    from safetensors.numpy import load_file

    other = Walk(2)
    load_state(other, load_file(tmp_path / "model.safetensors"), "file")
    assert {name: value.tobytes() for name, value in other.state.items()} == {
        name: value.tobytes() for name, value in walk.state.items()
    }
    with pytest.raises(UserError, match="shape"):
        load_state(other, {"place": np.zeros(4), "count": np.array(0)}, "file")
    other.resizable = frozenset({"place"})
    load_state(other, {"place": np.zeros(4), "count": np.array(0)}, "file")
    assert other["place"].shape == (4,)
