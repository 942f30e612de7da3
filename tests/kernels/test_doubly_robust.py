"""AIPW and LATE against golden numbers of DoubleML with the same predictions."""

import pytest
from tests.support import golden

from neurosieve.kernels.doubly_robust import aipw, late


def test_both_are_those_of_doubleml():
    one = golden("selective-iv", "aipw-and-late")
    z, a, y = one["Z"], one["A"], one["Y"]
    assert aipw(a, y, one["m_treatment"], one["g0"], one["g1"]) == pytest.approx(tuple(one["ate"]), abs=1e-9)
    found = late(z, a, y, one["m_instrument"], (one["g0"], one["g1"]), (one["r0"], one["r1"]))
    assert found == pytest.approx(tuple(one["late"]), abs=1e-9)
