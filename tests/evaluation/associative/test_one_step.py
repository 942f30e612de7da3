import pytest

from neurosieve.evaluation.associative.one_step import Params, evaluate

GRID = ((2, 400, 40), (4, 60, 3000))


def test_cells_are_numbered_over_the_whole_grid_and_follow_the_formula(memory, values):
    params = Params(networks=GRID, samples=((1.0, 1), (0.5, 20)))
    cells = {}
    for order, n, count in GRID:
        frame = evaluate(memory(order, n, count), params, 11)
        found, theory, error = (values(frame, name) for name in ("overlap", "overlap_theory", "overlap_standard_error"))
        for at, overlap in found.items():
            assert abs(overlap - theory[at]) < 4 * error[at] + 0.01
        cells |= found
    assert [at.split("cell=")[1].split(",")[0] for at in cells] == ["1", "2", "3", "4"]
    assert list(cells)[3] == "K=3000,M=20,P=4,cell=4,r=0.5"


def test_networks_larger_than_the_dataset_are_refused(memory):
    from neurosieve.errors import UserError

    with pytest.raises(UserError, match="500 archetypes of 60 spins are asked for, there are 10 of 30"):
        evaluate(memory(4, 30, 10), Params(networks=((4, 60, 500),)), 11)
