"""Golden vectors of public reference implementations of LiRA, U-LiRA and KLOM."""

import numpy as np
import pytest
from tests.support import golden

from neurosieve.evaluation.attacks.intervals import of_rows, operating_points
from neurosieve.evaluation.attacks.klom import histograms, klom
from neurosieve.evaluation.attacks.shadows import confidence, lira, margin, normal_fit, u_lira

BELOW = 0.001
"""False-positive rate of the reference's third figure."""


def close(value, expected):
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)


def test_confidence():
    case = golden("evidence", "confidence-score")
    logits, labels = case["in.logits"], case["in.y"]
    close(margin(logits[:, 0, 0], labels), case["out.margin_first_view"])
    for augmentation in range(2):
        views = logits[:, :, augmentation]
        close(confidence(views, labels), case["out.score"][:, augmentation])
        close(confidence(views[:, :1], labels), case["out.score_first_view"][:, augmentation])


@pytest.fixture(scope="module")
def scored():
    case = golden("evidence", "lira")
    return case, int(case["in.n_target_models"].item())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("online", {}),
        ("online_fixed", {"fixed": True}),
        ("offline", {"online": False}),
        ("offline_fixed", {"online": False, "fixed": True}),
    ],
)
def test_lira(scored, name, options):
    case, targets = scored
    score, keep = case["in.score"], case["in.keep"]
    found = lira(score[:-targets], keep[:-targets], score[-targets:], **options)
    close(found, case[f"out.{name}"])
    attacked(found, keep[-targets:], case[f"out.{name}.auc_acc_tpr"])


def test_global_attack(scored):
    case, targets = scored
    found = -case["in.score"][-targets:].mean(-1)
    close(found, case["out.global"])
    attacked(found, case["in.keep"][-targets:], case["out.global.auc_acc_tpr"])


def attacked(result, keep, expected):
    pair = -result[keep == 1], -result[keep == 0]
    best, points = operating_points(pair, [BELOW], resolved_only=False)
    close([of_rows(pair).value, best, points[BELOW]], expected)


def test_u_lira():
    case = golden("evidence", "u-lira")
    for side in ("unlearned", "retrained"):
        close(normal_fit(case[f"in.{side}_scores"]), case[f"out.mean_std_{side}"])
    ratio = u_lira(case["in.unlearned_scores"], case["in.retrained_scores"], case["in.target_score"])
    close(ratio, case["out.log_ratio"])
    np.testing.assert_allclose(ratio[:-1], case["out.official_log_ratio"][:-1], atol=1e-6)


def test_klom():
    case = golden("evidence", "klom")
    a, b = (margin(case[f"in.logits_{side}"], case["in.y"]) for side in ("unlearned", "oracle"))
    close(a, case["out.margin_unlearned"])
    close(b, case["out.margin_oracle"])
    for row in range(len(case["in.y"])):
        first, second, edges = histograms(a[:, row], b[:, row], open_top=True)
        np.testing.assert_array_equal(first, case["out.counts_unlearned"][row])
        np.testing.assert_array_equal(second, case["out.counts_oracle"][row])
        close(edges, case["out.edges"][row])
    close(klom(a, b, open_top=True), case["out.klom"])
    close(klom(b, a, open_top=True), case["out.klom_swapped"])
    close(klom(a, a), case["out.klom_self"])
    close(klom(a, b), case["out.klom_closed_top"])


def test_confidence_of_one():
    """Logits 60 and nine 0: in float32 the scaled logit of the probability is infinite, its margin is not."""
    logits = np.array([[60.0, *[0.0] * 9]], np.float32)
    assert margin(logits, np.array([0]))[0] == pytest.approx(57.803, abs=1e-3)
