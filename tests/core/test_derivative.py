"""Slopes of spectra: exact for parabolas, and never across a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.core.derivative import first_derivative
from gossan.core.errors import InputError


@given(st.lists(st.floats(1, 3), min_size=2, max_size=30), st.floats(-2, 2), st.floats(-1, 1))
def test_inside_it_is_exact_for_parabolas_on_any_spacing(steps, slope, bend):
    x = 400 + np.cumsum([0.0, *steps])
    y = slope * x + bend * (x - 400) ** 2
    derived = first_derivative(y, x)[0]
    np.testing.assert_allclose(derived[1:-1], (slope + 2 * bend * (x - 400))[1:-1], atol=1e-6)
    np.testing.assert_allclose(derived, np.gradient(y, x), atol=1e-9)


def test_missing_values_end_a_run():
    x = np.arange(400.0, 480.0, 10.0)
    y = np.array([[1.0, 2.0, np.nan, 7.0, 9.0, np.nan, 5.0, np.nan]])
    derived = first_derivative(y, x)[0]
    np.testing.assert_allclose(derived[[0, 1, 3, 4]], [0.1, 0.1, 0.2, 0.2])
    assert np.isnan(derived[[2, 5, 6, 7]]).all()


def test_a_gap_between_bands_is_not_crossed():
    x = np.array([400.0, 410.0, 420.0, 600.0, 610.0])
    derived = first_derivative(np.array([[0.0, 1.0, 2.0, 50.0, 49.0]]), x)[0]
    np.testing.assert_allclose(derived, [0.1, 0.1, 0.1, -0.1, -0.1])


def test_one_band_has_no_slope():
    assert np.isnan(first_derivative(np.array([[0.3]]), np.array([500.0]))).all()


def test_other_lengths_and_descending_wavelengths_are_refused():
    with pytest.raises(InputError, match="3 bands and 2 wavelengths"):
        first_derivative(np.ones((1, 3)), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="do not ascend"):
        first_derivative(np.ones((1, 2)), np.array([2.0, 1.0]))
