"""NMF and SVR, which learn from the scene or from mixtures of the library."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.spectra import spectral_angle
from gossan.models.abundances.nmf import correct_endmembers, nmf
from gossan.models.abundances.nnls import nnls
from gossan.models.abundances.svr import MixtureRegression, random_shares, svr


@pytest.fixture
def scene():
    """Three spectra with bumps of their own, and 1500 pixels mixed from them, some pure."""
    wavelengths = np.linspace(0, 1, 60)
    endmembers = np.array(
        [0.15 + 0.6 * np.exp(-(((wavelengths - centre) / 0.15) ** 2)) for centre in (0.2, 0.5, 0.8)]
    )
    rng = np.random.default_rng(5)
    shares = np.vstack([np.eye(3).repeat(20, axis=0), rng.dirichlet(np.full(3, 0.5), 1440)])
    spectra = shares @ endmembers + rng.normal(0, 0.002, (len(shares), 60))
    return spectra, endmembers, shares


def rmse(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


def test_svr_recovers_the_shares_of_mixtures(scene):
    spectra, endmembers, shares = scene
    abundances = svr(spectra, endmembers)
    assert abundances.shape == shares.shape
    assert (abundances >= 0).all()
    assert rmse(abundances, shares) < 0.03


def test_svr_predicts_what_scikit_learns_machines_predict(scene, monkeypatch):
    from sklearn.svm import SVR

    machines = []
    fit = SVR.fit
    monkeypatch.setattr(SVR, "fit", lambda self, x, y: machines.append(fit(self, x, y)) or self)
    spectra, endmembers, _ = scene
    regression = MixtureRegression(endmembers, mixtures=300)
    coordinates = spectra @ regression._basis - regression._centre
    expected = np.column_stack([machine.predict(coordinates) for machine in machines])
    np.testing.assert_allclose(regression.predict(spectra), np.maximum(expected, 0), atol=2e-4)


def test_svr_repeats_with_its_seed(scene):
    spectra, endmembers, _ = scene
    first = svr(spectra[:50], endmembers, seed=3)
    np.testing.assert_array_equal(first, svr(spectra[:50], endmembers, seed=3))
    assert (first != svr(spectra[:50], endmembers, seed=4)).any()


def test_svr_leaves_gaps_and_takes_dependent_endmembers(scene):
    spectra, endmembers, _ = scene
    spectra = spectra[:4].astype(np.float32)
    spectra[2, 5] = np.nan
    doubled = np.vstack([endmembers, endmembers[:1]])
    abundances = svr(spectra, doubled, mixtures=200)
    assert np.isnan(abundances[2]).all()
    assert np.isfinite(abundances[[0, 1, 3]]).all()


@pytest.mark.parametrize("k", [1, 2, 5])
def test_synthetic_shares_sum_to_one_and_hold_the_pure_ones(k):
    shares = random_shares(k, 100, np.random.default_rng(0))
    assert shares.shape == (100, k)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(shares[:k], np.eye(k))
    assert (shares >= 0).all()


def test_nmf_corrects_a_library_that_is_roughly_right(scene):
    spectra, endmembers, _ = scene
    rough = endmembers * (1 + 0.15 * np.sin(np.linspace(0, 9, 60)))
    before = nnls(spectra, rough)
    abundances, corrected = nmf(spectra, rough, iterations=500)
    assert (abundances >= 0).all()
    assert (corrected >= 0).all()
    start, end = (np.diag(spectral_angle(x, endmembers)) for x in (rough, corrected))
    assert end.mean() < 0.7 * start.mean()
    left = [rmse(a @ e, spectra) for a, e in ((before, rough), (abundances, corrected))]
    assert left[1] < 0.5 * left[0]


def test_nmf_keeps_the_meaning_of_abundances(scene):
    spectra, endmembers, shares = scene
    abundances, corrected = nmf(spectra, endmembers)
    assert rmse(abundances, shares) < 0.05
    scale = np.einsum("kb,kb->k", corrected, endmembers) / np.einsum(
        "kb,kb->k", corrected, corrected
    )
    np.testing.assert_allclose(scale, 1.0, atol=1e-9)


def test_nmf_keeps_a_spectrum_that_the_scene_does_not_hold(scene):
    _, endmembers, _ = scene
    only_first = np.outer(np.linspace(0.5, 1, 200), endmembers[0])
    absent = np.zeros_like(endmembers[0])
    absent[-1] = 1.0
    corrected = correct_endmembers(only_first * (absent == 0), np.vstack([endmembers[0], absent]))
    assert np.isfinite(corrected).all()
    assert corrected[1].any()


def test_nmf_ignores_pixels_with_gaps_and_repeats_with_its_seed(scene):
    spectra, endmembers, _ = scene
    spectra = spectra.copy()
    spectra[7, 3] = np.nan
    first, _ = nmf(spectra, endmembers, pixels=300, seed=1)
    assert np.isnan(first[7]).all()
    assert np.isfinite(np.delete(first, 7, axis=0)).all()
    np.testing.assert_array_equal(first, nmf(spectra, endmembers, pixels=300, seed=1)[0])
    with pytest.raises(InputError, match="nothing to factorise"):
        nmf(spectra[7:8], endmembers)


def test_svr_follows_the_illumination(scene):
    spectra, endmembers, shares = scene
    for light in (0.3, 0.7, 1.2):
        assert rmse(svr(light * spectra, endmembers), light * shares) < 0.03


def test_training_can_be_cancelled(scene):
    spectra, endmembers, _ = scene
    stopped = Progress(cancelled=lambda: True)
    with pytest.raises(CancelledError):
        correct_endmembers(spectra, endmembers, progress=stopped)
    with pytest.raises(CancelledError):
        MixtureRegression(endmembers, progress=stopped)
