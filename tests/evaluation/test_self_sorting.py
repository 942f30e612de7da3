import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.datasets.patterns import arrays
from neurosieve.errors import UserError
from neurosieve.evaluation.self_sorting import Params, evaluate
from neurosieve.interventions.pruning import freeze_cells
from neurosieve.models.agents.sorting import Params as Sorting
from neurosieve.models.agents.sorting import build


@pytest.fixture(scope="module")
def data():
    return Data.of(arrays.prepare(arrays.Params(cells=30, runs=12, levels=5), 3))


def measured(data, damage=None, runs=12, **params):
    model = Model(build(Sorting(**params), {}), "agents.sorting", {}, {})
    if damage is not None:
        model = freeze_cells.intervene(model, data, freeze_cells.Params(cells=damage))
    return evaluate(View(data, model), Params(replicates=runs), 11)


def values(frame, metric, at):
    found = frame.filter(pl.col("metric") == metric, pl.col("at") == at).sort("seed")
    return found["value"].to_numpy()


def test_every_run_has_a_row_at_every_point(data):
    frame = measured(data, damage=(0, 2))
    ends = frame.filter(pl.col("metric") == "monotonicity_error")
    assert len(ends) == 3 * 2 * 2 * 12
    assert ends["seed"].unique().sort().to_list() == list(range(12))


def test_without_damage_both_kinds_are_one_run_and_end_sorted(data):
    frame = measured(data, damage=(0,))
    for algorithm in ("bubble", "insertion", "selection"):
        one, other = (
            values(frame, "comparisons", f"algorithm={algorithm},frozen=0,kind={kind}")
            for kind in ("movable", "immovable")
        )
        np.testing.assert_array_equal(one, other)
        assert values(frame, "monotonicity_error", f"algorithm={algorithm},frozen=0,kind=movable").sum() == 0


def test_swaps_of_bubble_and_insertion_are_those_of_the_controller_run_by_run(data):
    cells, controller = (measured(data, damage=(0,), view=view) for view in ("cell", "controller"))
    for algorithm in ("bubble", "insertion"):
        at = f"algorithm={algorithm},frozen=0,kind=movable"
        np.testing.assert_array_equal(values(cells, "swaps", at), values(controller, "swaps", at))


def test_courses_begin_disordered_and_end_where_the_runs_end(data):
    frame = measured(data, damage=(0,))
    at = "algorithm=bubble,frozen=0,kind=movable"
    assert values(frame, "descents", f"{at},progress=0.0") > 10
    assert values(frame, "descents", f"{at},progress=1.0") == 0


def test_mixed_arrays_and_their_null_have_all_pairs_and_both_kinds_of_values(data):
    for labels_only in (False, True):
        frame = measured(data, mixed=True, labels_only=labels_only)
        points = frame.filter(metric="aggregation_peak")["at"].unique().sort().to_list()
        assert points == [
            f"pair={pair},values={kind}" for pair in ("BI", "BS", "SI") for kind in ("distinct", "duplicate")
        ]
        assert frame.filter(metric="monotonicity_error")["value"].sum() == 0


def test_sorted_distinct_values_end_with_one_clustering_whoever_sorted_them(data):
    mixed, null = (measured(data, mixed=True, labels_only=labels_only) for labels_only in (False, True))
    at = "pair=BS,values=distinct"
    np.testing.assert_array_equal(values(mixed, "aggregation_final", at), values(null, "aggregation_final", at))


def test_two_calls_give_the_same_and_fewer_runs_are_the_first_of_more(data):
    frame = measured(data, damage=(1,))
    assert frame.equals(measured(data, damage=(1,)))
    at = "algorithm=selection,frozen=1,kind=movable"
    np.testing.assert_array_equal(values(measured(data, (1,), 5), "swaps", at), values(frame, "swaps", at)[:5])


def test_too_few_arrays_are_one_line(data):
    with pytest.raises(UserError, match="13 replicates are asked for, but the data hold 12 arrays"):
        measured(data, runs=13)
