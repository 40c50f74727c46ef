"""Statistics and correlations agree with numpy and scipy, however the pixels come in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gossan.core.errors import InputError
from gossan.models.metals.statistics import CoMoments, describe

ELEMENTS = ["As", "Cd", "Pb"]


@pytest.fixture(scope="module")
def concentrations() -> np.ndarray:
    generator = np.random.default_rng(3)
    base = generator.lognormal(3.0, 0.6, (5000, 3))
    base[:, 1] = 0.01 * base[:, 0] + generator.normal(0, 0.05, 5000)
    return base


def in_blocks(values: np.ndarray, size: int):
    return lambda: (values[i : i + size] for i in range(0, len(values), size))


@pytest.mark.parametrize("size", [1, 7, 640, 5000])
def test_statistics_equal_scipy_for_any_block_size(concentrations, size):
    statistics, correlation, thinned = describe(ELEMENTS, in_blocks(concentrations, size))
    assert not thinned
    np.testing.assert_allclose(correlation, np.corrcoef(concentrations.T), atol=1e-12)
    for column, found in enumerate(statistics):
        values = concentrations[:, column]
        assert found.count == 5000
        assert found.minimum == values.min()
        assert found.maximum == values.max()
        assert found.median == pytest.approx(np.median(values))
        assert found.standard_deviation == pytest.approx(values.std(ddof=1))
        assert found.skewness == pytest.approx(stats.skew(values))
        assert found.kurtosis == pytest.approx(stats.kurtosis(values))
        assert found.coefficient_of_variation == pytest.approx(stats.variation(values, ddof=1))


def test_an_observation_with_a_missing_element_is_left_out(concentrations):
    holed = concentrations.copy()
    holed[::3, 1] = np.nan
    kept = holed[np.isfinite(holed).all(axis=1)]
    statistics, correlation, _ = describe(ELEMENTS, in_blocks(holed, 100))
    assert statistics[0].count == len(kept)
    np.testing.assert_allclose(correlation, np.corrcoef(kept.T), atol=1e-12)


def test_a_constant_element_correlates_with_nothing(concentrations):
    flat = concentrations.astype(np.float32)
    flat[:, 2] = 0.1
    _, correlation, _ = describe(ELEMENTS, in_blocks(flat, 64))
    assert np.isnan(correlation[2]).all()
    assert correlation[0, 0] == 1.0


def test_quartiles_of_many_observations_come_from_an_even_sample(concentrations, monkeypatch):
    monkeypatch.setattr("gossan.models.metals.statistics.QUANTILE_PIXELS", 1000)
    statistics, _, thinned = describe(ELEMENTS, in_blocks(concentrations, 33))
    assert thinned
    assert statistics[0].median == np.median(concentrations[::5, 0])


def test_one_complete_observation_is_too_few():
    values = np.array([[1.0, np.nan, 2.0], [1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="1 observation"):
        describe(ELEMENTS, in_blocks(values, 2))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_merging_blocks_keeps_digits_far_from_zero(sizes, seed):
    values = np.random.default_rng(seed).normal(1e6, 1.0, (sum(sizes) + 2, 2))
    moments = CoMoments(2)
    start = 0
    for size in [*sizes, 2]:
        moments.add(values[start : start + size])
        start += size
    np.testing.assert_allclose(moments.covariance(), np.cov(values.T), rtol=1e-7, atol=1e-9)
