"""The number of endmembers against scenes of known number and against pysptools."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import norm

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.endmembers.components import (
    components_for_share,
    principal_components,
    scene_statistics,
)
from gossan.models.endmembers.counting import count_endmembers, hysime, virtual_dimensionality
from gossan.models.endmembers.scene import ArrayScene


def noisy_mixtures(number, seed=0, noise=0.002, bands=60, size=50):
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.05, (number, bands)).cumsum(axis=1)
    pure = 0.4 + steps - steps.mean(axis=1, keepdims=True)
    shares = rng.dirichlet(np.ones(number), (size, size))
    return shares @ pure + rng.normal(0, noise, (size, size, bands))


def statistics_of(spectra):
    return scene_statistics(ArrayScene(spectra), Progress(), dtype=np.float64)


@pytest.mark.parametrize("number", [2, 3, 5, 8])
def test_hysime_finds_the_number_of_endmembers(number):
    counted = count_endmembers(ArrayScene(noisy_mixtures(number)), Progress())
    assert counted.hysime == number
    assert counted.bands == 60
    assert counted.pixels == 2500


@pytest.mark.parametrize("seed", range(3))
def test_hysime_agrees_with_pysptools(seed):
    vd = pytest.importorskip("pysptools.material_count.vd")
    spectra = noisy_mixtures(4 + seed, seed).astype(np.float32).astype(np.float64)
    pixels = spectra.reshape(-1, 60)
    np.int, np.float = int, float  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            noise, correlation = vd.est_noise(pixels)
            expected, _ = vd.hysime(pixels, noise, correlation)
    except (AttributeError, TypeError) as problem:
        pytest.skip(f"pysptools does not run here: {problem}")
    finally:
        del np.int, np.float  # type: ignore[attr-defined]
    assert hysime(statistics_of(spectra)) == expected


@pytest.mark.parametrize("rate", [1e-2, 1e-3, 1e-5])
def test_hfc_counts_the_eigenvalues_that_the_mean_raises(rate):
    pixels = noisy_mixtures(5, 2).astype(np.float32).astype(np.float64).reshape(-1, 60)
    with_mean = np.sort(np.linalg.eigvalsh(pixels.T @ pixels / len(pixels)))[::-1]
    without = np.sort(np.linalg.eigvalsh(np.cov(pixels.T, bias=True)))[::-1]
    deviation = np.sqrt(2 * (with_mean**2 + without**2) / len(pixels))
    expected = int(((with_mean - without) / deviation > norm.isf(rate)).sum())
    assert virtual_dimensionality(statistics_of(pixels.reshape(50, 50, 60)), rate) == expected


def test_a_stricter_false_alarm_rate_never_counts_more():
    counted = count_endmembers(ArrayScene(noisy_mixtures(6)), Progress())
    numbers = [counted.hfc[rate] for rate in (1e-3, 1e-4, 1e-5)]
    assert numbers == sorted(numbers, reverse=True)


def test_statistics_are_those_of_numpy_also_in_strips(monkeypatch):
    monkeypatch.setattr("gossan.models.endmembers.scene.STRIP_BYTES", 50_000)
    spectra = noisy_mixtures(3)
    spectra[:2] = np.nan
    pixels = spectra[2:].reshape(-1, 60)
    for dtype, tolerance in ((np.float64, 1e-7), (np.float32, 1e-5)):
        found = scene_statistics(ArrayScene(spectra), Progress(), dtype=dtype)
        assert found.pixels == len(pixels)
        np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-6)
        expected = np.cov(pixels.T, bias=True)
        np.testing.assert_allclose(found.covariance, expected, atol=tolerance * expected.max())


def test_components_hold_the_share_of_the_variance_that_was_asked_for():
    statistics = statistics_of(noisy_mixtures(4))
    number = components_for_share(statistics, 0.95)
    assert principal_components(statistics, number).explained >= 0.95
    assert number == 1 or principal_components(statistics, number - 1).explained < 0.95
    vectors = principal_components(statistics, 6).vectors
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(6), atol=1e-10)


def test_fewer_pixels_than_bands_are_named():
    with pytest.raises(InputError, match="25 valid pixels and 60 bands"):
        count_endmembers(ArrayScene(noisy_mixtures(3, size=5)), Progress())


def test_one_band_is_named():
    with pytest.raises(InputError, match="at least 2"):
        count_endmembers(ArrayScene(noisy_mixtures(3)[..., :1]), Progress())
