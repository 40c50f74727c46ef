"""Spectral libraries on other bands."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.errors import InputError
from gossan.core.spectra import SpectralLibrary, band_spacing, resample


def library(spectra, wavelengths, **options):
    spectra = np.atleast_2d(np.asarray(spectra, dtype=float))
    return SpectralLibrary([f"s{i}" for i in range(len(spectra))], spectra, wavelengths, **options)


def test_a_library_keeps_its_parts_together():
    whole = library(np.eye(3), [1, 2, 3], classes=["a", "b", "c"], sources=["x", "y", "z"])
    part = whole.subset([2, 0])
    assert part.names == ("s2", "s0")
    assert part.classes == ("c", "a")
    assert part.sources == ("z", "x")
    np.testing.assert_array_equal(part.spectra, np.eye(3)[[2, 0]])
    assert len(whole.subset([True, False, True])) == 2


def test_lengths_that_disagree_are_refused():
    with pytest.raises(InputError, match="wavelengths"):
        library(np.eye(3), [1, 2])
    with pytest.raises(InputError, match="classes"):
        library(np.eye(3), [1, 2, 3], classes=["a"])
    with pytest.raises(InputError, match="widths"):
        library(np.eye(3), [1, 2, 3], fwhm=[1.0])


def test_linear_resampling_is_numpys_interpolation_in_any_order():
    generator = np.random.default_rng(0)
    wavelengths = np.sort(generator.uniform(400, 2500, 50))
    spectra = generator.random((4, 50))
    shuffled = generator.permutation(50)
    target = generator.uniform(wavelengths[0], wavelengths[-1], 30)
    result = resample(library(spectra[:, shuffled], wavelengths[shuffled]), target)
    expected = [np.interp(target, wavelengths, spectrum) for spectrum in spectra]
    np.testing.assert_allclose(result.spectra, expected, rtol=1e-12)
    np.testing.assert_array_equal(result.wavelengths, target)


def test_outside_its_range_a_library_is_missing_and_nothing_in_common_is_refused():
    source = library([0.1, 0.2, 0.3], [500, 600, 700])
    result = resample(source, [499, 500, 700, 701])
    np.testing.assert_allclose(result.spectra, [[np.nan, 0.1, 0.3, np.nan]])
    with pytest.raises(InputError, match=r"500 to 700 nm and the bands 0\.5 to 2\.4 nm"):
        resample(source, [0.5, 2.4])
    with pytest.raises(InputError, match="linear or gaussian"):
        resample(source, [500], method="cubic")


def test_missing_values_are_not_bridged():
    source = library([0.1, np.nan, 0.3, 0.4], [500, 600, 700, 800])
    np.testing.assert_allclose(
        resample(source, [500, 550, 650, 700, 750]).spectra, [[0.1, np.nan, np.nan, 0.3, 0.35]]
    )


def test_gaussian_resampling_widens_a_gaussian_line_as_theory_says():
    wavelengths = np.arange(400.0, 800.0)
    per_fwhm = 1 / (2 * np.sqrt(2 * np.log(2)))
    line, band = 40.0, 30.0
    spectrum = np.exp(-0.5 * ((wavelengths - 600) / (line * per_fwhm)) ** 2)
    target = np.arange(450.0, 750.0, 10)
    result = resample(
        library(spectrum, wavelengths), target, fwhm=np.full(target.size, band), method="gaussian"
    )
    together = np.hypot(line, band) * per_fwhm
    expected = line * per_fwhm / together * np.exp(-0.5 * ((target - 600) / together) ** 2)
    np.testing.assert_allclose(result.spectra[0], expected, atol=1e-4)


def test_the_librarys_own_width_is_taken_off():
    wavelengths = np.arange(400.0, 800.0)
    spectrum = np.random.default_rng(0).random(400)
    target, wide = np.array([550.0, 600.0]), np.full(2, 50.0)
    sharp = resample(library(spectrum, wavelengths), target, fwhm=wide * 0.8, method="gaussian")
    blunt = resample(
        library(spectrum, wavelengths, fwhm=np.full(400, 30.0)),
        target,
        fwhm=wide,
        method="gaussian",
    )
    np.testing.assert_allclose(blunt.spectra, sharp.spectra, rtol=1e-10)


def test_bands_narrower_than_the_library_are_interpolated():
    source = library([0.1, 0.2, 0.4], [500, 600, 700])
    result = resample(source, [550, 650], fwhm=[5.0, 5.0], method="gaussian")
    np.testing.assert_allclose(result.spectra, [[0.15, 0.3]])


def test_gaussian_keeps_a_constant_and_needs_most_of_its_response():
    wavelengths = np.arange(400.0, 900.0)
    spectrum = np.full(500, 0.3)
    spectrum[200:260] = np.nan
    result = resample(
        library(spectrum, wavelengths), [500, 600, 630, 800], fwhm=[20] * 4, method="gaussian"
    )
    np.testing.assert_allclose(result.spectra, [[0.3, np.nan, np.nan, 0.3]])


def test_gaussian_without_widths_takes_the_spacing_and_says_so():
    source = library(np.linspace(0, 1, 400), np.arange(400.0, 800.0))
    result = resample(source, [500, 520, 540], method="gaussian")
    np.testing.assert_allclose(result.fwhm, 20)
    assert any("spacing" in note for note in result.notes)


def test_band_spacing_works_in_any_order():
    np.testing.assert_allclose(band_spacing(np.array([30.0, 10.0, 20.0])), 10)
