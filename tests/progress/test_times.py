"""The estimate of what is left, and remembered times that cannot be read."""

import pytest

from neurosieve.progress.times import Times


def test_the_estimate_shares_what_is_left_among_the_cores():
    times = Times()
    times.seconds = {"train": 10.0, "train/net": 20.0, "export": 4.0}
    assert times.seconds_left({"train": 4, "export": 2}, [], 2) == 24
    assert times.seconds_left({"export": 1}, [], 8) == 4, "one job uses one core"
    assert times.seconds_left({"export": 1}, [("train", "net", 5.0)], 2) == 15, "the longest job decides"
    assert times.seconds_left({"export": 2}, [("train", "net", 500.0)], 1) == 8
    assert times.seconds_left({"evaluate": 1}, [], 1) is None


def test_the_estimate_follows_the_run_at_hand():
    times = Times()
    times.seconds = {"train": 10.0, "train/net": 20.0}
    times.add("train", "other", 100.0)
    assert times.expected("train") == 100
    assert times.expected("train", "net") == 200, "twice as long as its rule, as ever"
    times.add("train", "other", 50.0)
    assert times.expected("evaluate") == 75, "nothing known: the mean of all"


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"train": "x", "a": -1, "b": NaN}', "\udcff"])
def test_broken_times_hold_nothing(text, tmp_path):
    path = tmp_path / "times.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    times = Times()
    times.load(path)
    assert times.seconds == {}
