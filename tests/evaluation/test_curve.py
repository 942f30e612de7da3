import math

import polars as pl
import pytest
from scipy.stats import linregress, spearmanr

from neurosieve.artifacts.metrics import COLLECTED
from neurosieve.evaluation.curve import with_derived


def table(*rows):
    """Collected rows from (variant, at, seed, value) of one metric."""
    fixed = {"study": "s", "target": "native", "scale": "default", "metric": "m", "split": "", "unit": "–", "n": 1}
    listed = [{**fixed, "variant": v, "at": at, "seed": s, "value": y, "model": f"{v}{s}"} for v, at, s, y in rows]
    return pl.DataFrame(listed).select(COLLECTED)


CURVE = [(1, 0.2), (2, 0.9), (4, 0.4), (8, 3.0)]


def derived(rows, name):
    made = with_derived(table(*rows), [name])
    return {(row["variant"], row["at"], row["seed"]): row for row in made.filter(metric=name).iter_rows(named=True)}


@pytest.mark.parametrize("place", ["variant", "at"])
def test_statistics_of_a_curve_are_scipys(place):
    rows = [(f"v@k={x}", "", 1, y) if place == "variant" else ("v", f"k={x}", 1, y) for x, y in CURVE]
    x, y = zip(*CURVE, strict=True)
    line = linregress(x, y)
    expected = {
        "slope": line.slope,
        "r2": line.rvalue**2,
        "spearman": spearmanr(x, y).statistic,
        "spearman_p": spearmanr(x, y).pvalue,
        "spread": 2.8,
        "area": 0.55 + 1.3 + 6.8,
    }
    for statistic, value in expected.items():
        (row,) = derived(rows, f"m.{statistic}.k").values()
        assert row["value"] == pytest.approx(value), statistic
        assert (row["variant"], row["at"], row["n"]) == ("v", "", 4)


def test_every_seed_and_every_point_of_the_other_axes_has_its_own_curve():
    rows = [("v@a=x", f"k={k},q={q}", seed, q * k + seed) for k in (1, 3) for q in (2, 5) for seed in (11, 12)]
    found = derived(rows, "m.slope.k")
    assert {key: row["value"] for key, row in found.items()} == {
        ("v@a=x", f"q={q}", seed): pytest.approx(q) for q in (2, 5) for seed in (11, 12)
    }


def test_logarithms_of_metric_and_axis():
    rows = [("v", f"N={n}", 1, n**3) for n in (10, 100, 1000)]
    (row,) = derived(rows, "log_m.slope.log_N").values()
    assert row["value"] == pytest.approx(3)
    (row,) = derived([("v", f"n={math.exp(s)}", 1, 2 * s**0.5) for s in (1, 4, 9)], "m.slope.sqrt_log_n").values()
    assert row["value"] == pytest.approx(2)


def test_a_constant_curve_has_no_rank_and_short_or_ambiguous_ones_have_no_value():
    flat = [("v", f"k={k}", 1, 5) for k in (1, 2, 3)]
    assert derived(flat, "m.spearman.k")["v", "", 1]["value"] == 0
    assert derived(flat, "m.spearman_p.k")["v", "", 1]["value"] == 1
    assert derived(flat[:1], "m.slope.k") == {}
    assert derived(flat[:2], "m.spearman.k") == {}
    assert derived([*flat, ("v", "k=1.0", 1, 6)], "m.slope.k") == {}
    assert derived([("v", f"k={name}", 1, 5) for name in "ab"], "m.slope.k") == {}


def test_what_is_there_or_is_no_statistic_stays():
    rows = table(("v", "k=1", 1, 5), ("v", "k=2", 1, 6))
    assert with_derived(rows, ["m", "m.median.k", "other.slope.k"]).equals(rows)
    once = with_derived(rows, ["m.slope.k"])
    assert with_derived(once, ["m.slope.k"]).equals(once)
