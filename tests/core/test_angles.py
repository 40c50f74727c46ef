"""Spectral angles between many spectra and some references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gossan.core.errors import InputError
from gossan.core.spectra import spectral_angle


def exact_angle(u, v):
    """Angle in long double by the arc tangent."""
    u, v = np.asarray(u, np.longdouble), np.asarray(v, np.longdouble)
    u, v = u / np.sqrt((u * u).sum()), v / np.sqrt((v * v).sum())
    return float(2 * np.arctan2(np.sqrt(((u - v) ** 2).sum()), np.sqrt(((u + v) ** 2).sum())))


def laid_out(spectra, layout):
    """Return the same spectra (n, bands) in another arrangement of memory."""
    if layout == "by band":
        return np.ascontiguousarray(spectra.T).T
    if layout == "by band, part of an image":
        return np.ascontiguousarray(np.pad(spectra, ((3, 5), (0, 0))).T)[:, 3:-5].T
    if layout == "every other pixel":
        return np.repeat(spectra, 2, axis=0)[::2]
    return spectra


LAYOUTS = ["by pixel", "by band", "by band, part of an image", "every other pixel"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("references", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("bands", [2, 49, 50, 52])
def test_angles_equal_the_long_double_ones(dtype, layout, references, bands):
    generator = np.random.default_rng(0)
    a = laid_out(generator.random((7, bands)).astype(dtype), layout)
    b = generator.random((references, bands))
    expected = [[exact_angle(u, v) for v in b] for u in a]
    np.testing.assert_allclose(spectral_angle(a, b), expected, rtol=1e-11)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_angles_of_all_sizes_are_those_of_float64_in_images_of_float32(layout):
    generator = np.random.default_rng(0)
    references = generator.uniform(0.1, 0.8, (3, 40))
    steps = np.repeat([0.0, 1e-9, 1e-6, 1e-4, 1e-2, 0.1, 1.0], 800)[:, np.newaxis]
    spectra = references[generator.integers(3, size=5600)]
    spectra = spectra + steps * generator.uniform(-0.1, 0.1, (5600, 40))
    spectra = (spectra * generator.uniform(1e-3, 1e4, (5600, 1))).astype(np.float32)
    unit = spectra / np.linalg.norm(spectra.astype(float), axis=1, keepdims=True)
    found = spectral_angle(laid_out(spectra, layout), references)
    for angles, reference in zip(found.T, references / np.linalg.norm(references, axis=1)[:, None]):
        halves = np.linalg.norm(unit - reference, axis=1), np.linalg.norm(unit + reference, axis=1)
        np.testing.assert_allclose(angles, 2 * np.arctan2(*halves), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_spectrum_in_many_copies_has_no_angle_to_itself(dtype):
    spectrum = np.random.default_rng(2).random(224).astype(dtype)
    angles = spectral_angle(np.tile(spectrum, (9000, 1)), spectrum)
    assert angles.shape == (9000, 1)
    assert angles.max() < 1e-8


@pytest.mark.parametrize("layout", LAYOUTS)
def test_spectra_with_gaps_or_of_zeros_have_no_angle(layout):
    spectra = np.ones((5, 39), dtype=np.float32)
    spectra[1, 38], spectra[2], spectra[3, 0] = np.nan, 0, np.inf
    found = spectral_angle(laid_out(spectra, layout), np.ones((3, 39)))
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), [False, True, True, True, False])
    np.testing.assert_allclose(found[[0, 4]], 0, atol=1e-8)


def test_integers_are_compared_without_overflow():
    spectra = np.array([[200, 250, 100], [250, 250, 250]], dtype=np.uint8)
    np.testing.assert_allclose(
        spectral_angle(spectra, [[1.0, 1.0, 1.0]])[:, 0],
        [exact_angle(spectra[0], [1, 1, 1]), 0],
        atol=1e-12,
    )


def test_no_spectra_have_no_angles():
    assert spectral_angle(np.empty((0, 5)), np.ones((2, 5))).shape == (0, 2)


@pytest.mark.parametrize("angle", [1e-3, 1e-5, 1e-8, 1e-12, 0.0])
def test_tiny_angles_are_exact(angle):
    generator = np.random.default_rng(1)
    u = generator.random(200)
    v = generator.random(200)
    v -= u * (u @ v) / (u @ u)
    turned = u / np.linalg.norm(u) + np.tan(angle) * v / np.linalg.norm(v)
    found = spectral_angle(turned[np.newaxis] * 3.0, u[np.newaxis] * 0.1)[0, 0]
    assert found == pytest.approx(exact_angle(turned, u), rel=1e-6, abs=3e-16)


def test_a_spectrum_has_no_angle_to_itself_in_any_brightness():
    spectra = np.random.default_rng(0).random((50, 300)).astype(np.float32)
    angles = spectral_angle(spectra * np.float32(0.25), spectra)
    assert np.diag(angles).max() < 1e-7


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.float64, (3, 12), elements=st.floats(0.01, 1.0)),
    arrays.arrays(np.float64, (2, 12), elements=st.floats(0.01, 1.0)),
)
def test_angles_are_symmetric_and_ignore_brightness(a, b):
    angles = spectral_angle(a, b)
    np.testing.assert_allclose(spectral_angle(b, a).T, angles, atol=1e-13)
    np.testing.assert_allclose(spectral_angle(a * 7.3, b), angles, atol=1e-13)
    assert ((angles >= 0) & (angles <= np.pi / 2 + 1e-12)).all()


def test_opposite_and_empty_spectra():
    np.testing.assert_allclose(spectral_angle([[1.0, 2.0]], [[-1.0, -2.0]]), np.pi)
    assert np.isnan(spectral_angle([[0.0, 0.0]], [[1.0, 2.0]])).all()


def test_missing_bands_are_left_out_only_on_request():
    a = np.array([[0.2, np.nan, 0.4], [0.1, 0.2, 0.3]])
    b = np.array([[0.3, 0.9, 0.1], [np.nan, 0.5, 0.1]])
    np.testing.assert_array_equal(np.isnan(spectral_angle(a, b)), [[True, True], [False, True]])
    found = spectral_angle(a, b, ignore_missing=True)
    assert found[0, 0] == pytest.approx(exact_angle([0.2, 0.4], [0.3, 0.1]))
    assert found[1, 1] == pytest.approx(exact_angle([0.2, 0.3], [0.5, 0.1]))


def test_angles_between_other_numbers_of_bands_are_refused():
    with pytest.raises(InputError, match="3 and of 4 bands"):
        spectral_angle(np.ones((1, 3)), np.ones((1, 4)))


def test_angles_agree_with_spectral_python():
    reference = pytest.importorskip("spectral")
    generator = np.random.default_rng(0)
    image, members = generator.random((8, 9, 40)), generator.random((5, 40))
    found = spectral_angle(image.reshape(-1, 40), members).reshape(8, 9, 5)
    np.testing.assert_allclose(found, reference.spectral_angles(image, members), atol=1e-12)
