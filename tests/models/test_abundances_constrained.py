"""NNLS and FCLS against scipy and against every passive set tried in turn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls as scipy_nnls

from gossan.core.errors import InputError
from gossan.models.abundances import compiled_active_set
from gossan.models.abundances.active_set import ActiveSetSolver
from gossan.models.abundances.fcls import fcls
from gossan.models.abundances.nnls import nnls
from gossan.models.abundances.unconstrained import unconstrained


def misfits(spectra, endmembers, abundances):
    return np.linalg.norm(spectra - abundances @ endmembers, axis=1)


def tolerance(spectra, endmembers):
    """Return how far a misfit may be from the least: the gradient that is taken for zero.

    A gradient is rounding below a few 1e-15 of the spectrum; the misfit behind it is greater by
    the condition of the endmembers.
    """
    values = np.linalg.svd(endmembers, compute_uv=False)
    condition = values[0] / values[values > 1e-12 * values[0]].min(initial=values[0] or 1.0)
    return 1e-14 * condition * (1 + np.linalg.norm(spectra, axis=1)) + 1e-10


def best_by_enumeration(spectrum, endmembers, *, sum_to_one):
    """Try every subset of endmembers; return the best feasible abundances and their misfit."""
    k = len(endmembers)
    best, least = None, np.inf
    for size in range(1 if sum_to_one else 0, k + 1):
        for members in map(list, combinations(range(k), size)):
            candidate = np.zeros(k)
            if sum_to_one:
                first, others = members[0], members[1:]
                differences = (endmembers[others] - endmembers[first]).T
                rest = np.linalg.lstsq(differences, spectrum - endmembers[first], rcond=None)[0]
                candidate[others] = rest
                candidate[first] = 1 - rest.sum()
            elif members:
                candidate[members] = np.linalg.lstsq(endmembers[members].T, spectrum, rcond=None)[0]
            if (candidate < -1e-12).any():
                continue
            misfit = np.linalg.norm(spectrum - candidate @ endmembers)
            if misfit < least:
                best, least = candidate, misfit
    return best, least


@st.composite
def scenes(draw, most_endmembers):
    """Return random endmembers and pixels: inside, outside and far outside their cone."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k = draw(st.integers(1, most_endmembers))
    bands = draw(st.integers(1, 12))
    kind = draw(st.sampled_from(["signed", "reflectance", "alike"]))
    if kind == "signed":
        endmembers = rng.normal(size=(k, bands))
    elif kind == "reflectance":
        endmembers = rng.uniform(0.02, 1.0, size=(k, bands))
    else:
        shared = rng.uniform(0.2, 1.0, size=bands)
        endmembers = shared + 10.0 ** -draw(st.integers(1, 5)) * rng.normal(size=(k, bands))
    if draw(st.booleans()):
        endmembers[rng.integers(k)] = endmembers[rng.integers(k)]  # a duplicate
    if draw(st.booleans()):
        endmembers[rng.integers(k)] = 0.0  # shade
    if k > 2 and draw(st.booleans()):
        endmembers[-1] = 0.5 * (endmembers[0] + endmembers[1])
    inside = rng.dirichlet(np.full(k, 0.5), size=6) @ endmembers
    noisy = inside + 0.1 * rng.normal(size=inside.shape)
    away = 3.0 * rng.normal(size=(4, bands))
    return endmembers, np.vstack([inside, noisy, away, np.zeros((1, bands)), endmembers])


@settings(max_examples=150, deadline=None)
@given(scenes(most_endmembers=5))
def test_nnls_finds_the_least_misfit_of_all_passive_sets(scene):
    endmembers, spectra = scene
    abundances = nnls(spectra, endmembers)
    assert (abundances >= 0).all()
    least = [best_by_enumeration(y, endmembers, sum_to_one=False)[1] for y in spectra]
    excess = misfits(spectra, endmembers, abundances) - least
    assert (excess <= tolerance(spectra, endmembers)).all()


@settings(max_examples=150, deadline=None)
@given(scenes(most_endmembers=5))
def test_fcls_finds_the_least_misfit_of_all_passive_sets(scene):
    endmembers, spectra = scene
    abundances = fcls(spectra, endmembers)
    assert (abundances >= 0).all()
    np.testing.assert_allclose(abundances.sum(axis=1), 1.0, rtol=0, atol=1e-9)
    least = [best_by_enumeration(y, endmembers, sum_to_one=True)[1] for y in spectra]
    excess = misfits(spectra, endmembers, abundances) - least
    assert (excess <= tolerance(spectra, endmembers)).all()


@settings(max_examples=100, deadline=None)
@given(scenes(most_endmembers=14))
def test_nnls_fits_as_well_as_scipy_with_many_or_dependent_endmembers(scene):
    endmembers, spectra = scene
    abundances = nnls(spectra, endmembers)
    least = [scipy_nnls(endmembers.T, y)[1] for y in spectra]
    excess = misfits(spectra, endmembers, abundances) - least
    assert (excess <= tolerance(spectra, endmembers)).all()


def mixtures(k, pixels=2000, bands=200, seed=0):
    rng = np.random.default_rng(seed)
    endmembers = np.clip(0.3 + np.cumsum(rng.normal(0, 0.02, (k, bands)), axis=1), 0.02, 1)
    spectra = rng.dirichlet(np.full(k, 0.5), pixels) @ endmembers
    return spectra + rng.normal(0, 0.005, spectra.shape), endmembers


@pytest.mark.parametrize("k", [1, 2, 4, 8, 16, 40])
def test_nnls_equals_scipy(k):
    spectra, endmembers = mixtures(k)
    expected = np.array([scipy_nnls(endmembers.T, y)[0] for y in spectra])
    np.testing.assert_allclose(nnls(spectra, endmembers), expected, rtol=0, atol=1e-9)
    single = spectra.astype(np.float32)
    np.testing.assert_allclose(nnls(single, endmembers), expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("k", [2, 4, 8, 16])
def test_fcls_meets_the_optimality_conditions(k):
    spectra, endmembers = mixtures(k)
    abundances = fcls(spectra, endmembers)
    assert (abundances >= 0).all()
    np.testing.assert_allclose(abundances.sum(axis=1), 1.0, rtol=0, atol=1e-9)
    gradient = (abundances @ endmembers - spectra) @ endmembers.T
    lowest = gradient.min(axis=1, keepdims=True)
    # The endmembers present share the lowest gradient: moving shares between them gains nothing.
    assert np.abs((gradient - lowest)[abundances > 0]).max() < 1e-10


def test_fcls_sums_to_one_for_float32_spectra():
    spectra, endmembers = mixtures(4)
    abundances = fcls(spectra.astype(np.float32), endmembers)
    np.testing.assert_allclose(abundances.sum(axis=1), 1.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(abundances, fcls(spectra, endmembers), rtol=0, atol=5e-5)


def test_a_band_sequential_view_gives_the_same_as_a_copy():
    spectra, endmembers = mixtures(5)
    view = np.ascontiguousarray(spectra.T).T
    assert not view.flags.c_contiguous
    np.testing.assert_allclose(nnls(view, endmembers), nnls(spectra, endmembers), atol=1e-12)


@pytest.mark.parametrize("method", [nnls, fcls, unconstrained])
def test_pixels_without_all_values_have_no_abundances(method):
    spectra, endmembers = mixtures(3, pixels=6)
    spectra[1, 7] = np.nan
    spectra[4, 0] = np.inf
    abundances = method(spectra, endmembers)
    assert np.isnan(abundances[[1, 4]]).all()
    whole = [0, 2, 3, 5]
    np.testing.assert_allclose(abundances[whole], method(spectra[whole], endmembers), atol=1e-14)


def test_shade_takes_the_rest_of_the_sum():
    endmembers = np.array([[0.2, 0.4, 0.6], [0.0, 0.0, 0.0]])
    abundances = fcls(0.3 * endmembers[:1], endmembers)
    np.testing.assert_allclose(abundances, [[0.3, 0.7]], atol=1e-14)
    np.testing.assert_allclose(nnls(0.3 * endmembers[:1], endmembers), [[0.3, 0.0]], atol=1e-14)


@pytest.mark.parametrize("sum_to_one", [False, True])
def test_results_do_not_depend_on_the_room_for_passive_sets(monkeypatch, sum_to_one):
    spectra, endmembers = mixtures(9)
    expected = ActiveSetSolver(endmembers, sum_to_one=sum_to_one).solve(spectra)
    monkeypatch.setattr(compiled_active_set, "CACHE_BYTES", 0)
    np.testing.assert_array_equal(
        ActiveSetSolver(endmembers, sum_to_one=sum_to_one).solve(spectra), expected
    )


@pytest.mark.parametrize("sum_to_one", [False, True])
def test_lawson_hanson_alone_gives_the_same_result(monkeypatch, sum_to_one):
    spectra, endmembers = mixtures(9, pixels=200)
    solver = ActiveSetSolver(endmembers, sum_to_one=sum_to_one)
    expected = solver.solve(spectra)
    basis, reduced = solver._basis, solver._reduced
    for pixel, spectrum in enumerate(spectra):
        projected = spectrum @ basis * solver._data_scale
        result = np.empty(len(endmembers))
        slot = compiled_active_set._lawson_hanson(
            reduced, projected, -1e-15, sum_to_one, solver._maps, result
        )
        members = [(int(solver._maps.members[slot]) >> j) & 1 for j in range(len(endmembers))]
        np.testing.assert_allclose(
            np.where(members, result, 0.0) * solver._scale, expected[pixel], atol=1e-11
        )


def test_unconstrained_gives_signs_and_sums_back():
    rng = np.random.default_rng(1)
    endmembers = rng.uniform(size=(3, 20))
    truth = np.array([[1.5, -0.5, 0.2], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(unconstrained(truth @ endmembers, endmembers), truth, atol=1e-12)


@pytest.mark.parametrize("method", [nnls, fcls, unconstrained])
def test_other_bands_than_the_endmembers_are_refused(method):
    with pytest.raises(InputError, match=r"\(pixels, 5\) is needed"):
        method(np.ones((4, 6)), np.eye(3, 5))


@pytest.mark.parametrize("method", [nnls, fcls, unconstrained])
def test_endmembers_with_gaps_are_named(method):
    endmembers = np.eye(3, 5)
    endmembers[1, 2] = np.nan
    with pytest.raises(InputError, match="Endmember 2 has missing values"):
        method(np.ones((4, 5)), endmembers)


def test_too_many_endmembers_are_refused():
    with pytest.raises(InputError, match="65 endmembers are too many"):
        nnls(np.ones((1, 100)), np.eye(65, 100))
