"""Pollution indices follow their published formulas."""

from __future__ import annotations

import numpy as np

from gossan.models.metals.pollution import (
    GEOACCUMULATION_CLASSES,
    GEOACCUMULATION_LIMITS,
    NEMEROW_CLASSES,
    NEMEROW_LIMITS,
    class_shares,
    exceedances,
    geoaccumulation_index,
    nemerow_index,
    single_index,
)

BACKGROUNDS = np.array([20.0, 0.1])


def test_geoaccumulation_is_zero_at_one_and_a_half_backgrounds_and_one_more_per_doubling():
    concentrations = np.array([[30.0, 0.15], [60.0, 0.6], [0.0, -1.0]])
    index = geoaccumulation_index(concentrations, BACKGROUNDS)
    np.testing.assert_allclose(index[:2], [[0.0, 0.0], [1.0, 2.0]], atol=1e-12)
    assert np.isnan(index[2]).all()


def test_nemerow_weighs_the_greatest_index_against_the_mean():
    single = single_index(np.array([[20.0, 0.7]]), BACKGROUNDS)
    np.testing.assert_allclose(single, [[1.0, 7.0]])
    np.testing.assert_allclose(nemerow_index(single), [np.sqrt((4.0**2 + 7.0**2) / 2)])
    assert np.isnan(nemerow_index(np.array([[1.0, np.nan]]))).all()


def test_an_element_without_limit_is_not_counted_and_a_limit_itself_is_no_exceedance():
    limits = np.array([50.0, np.nan, 5.0])
    concentrations = np.array([[50.0, 9e9, 5.1], [51.0, np.nan, 6.0], [51.0, 1.0, np.nan]])
    np.testing.assert_array_equal(exceedances(concentrations, limits), [1.0, 2.0, np.nan])


def test_without_any_limit_no_pixel_is_told_to_keep_them():
    concentrations = np.array([[50.0, 1.0], [np.nan, 1.0]])
    assert np.isnan(exceedances(concentrations, np.full(2, np.nan))).all()


def test_every_class_has_a_name_and_limits_belong_below():
    assert len(GEOACCUMULATION_CLASSES) == len(GEOACCUMULATION_LIMITS) + 1
    assert len(NEMEROW_CLASSES) == len(NEMEROW_LIMITS) + 1
    values = np.array([0.7, 0.71, 3.0, 3.5, np.nan])
    np.testing.assert_array_equal(class_shares(values, NEMEROW_LIMITS), [1, 1, 0, 1, 1])
