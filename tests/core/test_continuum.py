"""The continuum: equal to the hull of SciPy and to pysptools, at any order of bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from gossan.core.continuum import continuum, remove_continuum
from gossan.core.errors import InputError

WAVELENGTHS = np.arange(400.0, 2401.0)


def soils(count, seed=0, bands=WAVELENGTHS):
    random = np.random.default_rng(seed)
    base = 0.1 + 0.3 * (1 - np.exp(-(bands - 350) / 500))
    spectra = np.tile(base, (count, 1))
    for centre, width in ((900, 80), (1412, 20), (1912, 40), (2206, 20)):
        depth = random.uniform(0.02, 0.3, (count, 1))
        spectra *= 1 - depth * np.exp(-0.5 * ((bands - centre) / width) ** 2)
    return spectra + random.normal(0, 0.001, spectra.shape)


def test_it_equals_pysptools():
    hull_removal = pytest.importorskip("pysptools.spectro.hull_removal")
    spectra = soils(3)
    ours = remove_continuum(spectra, WAVELENGTHS)
    for row, spectrum in zip(ours, spectra):
        theirs, _, _ = hull_removal.convex_hull_removal(list(spectrum), list(WAVELENGTHS))
        assert np.abs(row - np.array(theirs)).max() < 1e-12


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 40), st.integers(0, 10_000))
def test_its_corners_are_those_of_scipys_hull(bands, seed):
    random = np.random.default_rng(seed)
    x = np.sort(random.choice(np.arange(100.0, 500.0), bands, replace=False))
    y = random.uniform(0.05, 1.0, bands)
    hull = continuum(y[None], x)[0]
    below = np.column_stack([np.r_[x, x[0], x[-1]], np.r_[y, -1.0, -1.0]])
    corners = sorted(v for v in ConvexHull(below).vertices if v < bands)
    assert np.allclose(hull, np.interp(x, x[corners], y[corners]), rtol=0, atol=1e-12)
    assert (hull >= y - 1e-12).all()


def test_the_order_of_the_bands_does_not_matter():
    spectra = soils(2)
    order = np.random.default_rng(1).permutation(len(WAVELENGTHS))
    shuffled = remove_continuum(spectra[:, order], WAVELENGTHS[order])
    np.testing.assert_array_equal(shuffled, remove_continuum(spectra, WAVELENGTHS)[:, order])


def test_missing_values_stay_missing_and_bear_no_hull():
    spectra = soils(1)
    gap = (WAVELENGTHS > 1350) & (WAVELENGTHS < 1450)
    holed = np.where(gap, np.nan, spectra)
    removed = remove_continuum(holed, WAVELENGTHS)
    assert np.isnan(removed[:, gap]).all()
    without = remove_continuum(spectra[:, ~gap], WAVELENGTHS[~gap])
    np.testing.assert_array_equal(removed[:, ~gap], without)


def test_nothing_is_left_of_a_straight_line_or_of_darkness():
    line = 0.2 + 1e-4 * (WAVELENGTHS - 400)
    assert np.allclose(remove_continuum(line[None], WAVELENGTHS), 1.0, atol=1e-12)
    assert (remove_continuum(np.zeros((1, 2001)), WAVELENGTHS) == 1.0).all()
    assert np.isnan(remove_continuum(np.full((1, 2001), np.nan), WAVELENGTHS)).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="2001 bands and 3 wavelengths"):
        remove_continuum(soils(1), WAVELENGTHS[:3])
    with pytest.raises(InputError, match="twice"):
        remove_continuum(np.ones((1, 3)), np.array([400.0, 400.0, 500.0]))
