"""The searches for outermost pixels against brute force, pysptools and known vertices."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.errors import CancelledError
from gossan.core.progress import Progress
from gossan.models.endmembers import cloud as clouds
from gossan.models.endmembers.atgp import generate_targets
from gossan.models.endmembers.boxes import sort_into_boxes
from gossan.models.endmembers.cloud import MemoryCloud, SceneCloud
from gossan.models.endmembers.nfindr import largest_simplex
from gossan.models.endmembers.ppi import pixel_purity, random_skewers
from gossan.models.endmembers.scene import ArrayScene
from gossan.models.endmembers.vca import (
    projective_cloud,
    vertex_components,
    vertex_components_by_projection,
)

QUIET = Progress()


def mixtures(seed, pixels=400, vertices=5, bands=30):
    """Return noise-free mixtures (pixels, bands) and the pixels that are pure."""
    rng = np.random.default_rng(seed)
    pure = rng.uniform(0.05, 0.9, (vertices, bands))
    shares = rng.dirichlet(np.ones(vertices), pixels)
    where = rng.choice(pixels, vertices, replace=False)
    shares[where] = np.eye(vertices)
    return shares @ pure, set(where.tolist())


def scores(spectra, dimensions):
    centred = spectra - spectra.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:dimensions].T


def brute_force_hits(points, skewers):
    """Return how often each point is outermost, one skewer at a time in float64."""
    hits = np.zeros(len(points), dtype=int)
    for skewer in skewers:
        along = points.astype(np.float64) @ skewer
        hits[along.argmax()] += 1
        hits[along.argmin()] += 1
    return hits


@pytest.mark.parametrize("dimensions", [2, 9, 40])
def test_ppi_counts_what_brute_force_counts(dimensions):
    rng = np.random.default_rng(dimensions)
    points = rng.standard_normal((3000, dimensions)) * rng.uniform(0.01, 1, dimensions)
    skewers = random_skewers(500, dimensions, 1)
    found = pixel_purity(MemoryCloud(points), skewers, QUIET)
    counted = np.zeros(len(points), dtype=int)
    counted[found.pixels] = found.hits
    np.testing.assert_array_equal(counted, brute_force_hits(points, skewers))
    assert found.hits.sum() == 2 * len(skewers)
    assert (np.diff(found.hits) <= 0).all()


def test_boxes_find_the_same_as_every_point(monkeypatch):
    spectra, _ = mixtures(3, pixels=6000, vertices=6)
    points = scores(spectra, 7) + np.random.default_rng(0).normal(0, 0.01, (6000, 7))
    skewers = random_skewers(300, 7, 2)
    monkeypatch.setattr(clouds, "FEW_POINTS", 1000)
    found = pixel_purity(MemoryCloud(points), skewers, QUIET)
    counted = np.zeros(len(points), dtype=int)
    counted[found.pixels] = found.hits
    np.testing.assert_array_equal(counted, brute_force_hits(points, skewers))


@pytest.mark.parametrize("count", [1, 5, 128, 129, 1000])
def test_every_point_is_in_a_box_that_encloses_it(count):
    points = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
    boxes = sort_into_boxes(points)
    assert set(boxes.members.ravel().tolist()) == set(range(count))
    gap = np.abs(points[boxes.members] - boxes.centres[:, None]) - boxes.halves[:, None]
    assert gap.max() <= 1e-6


def test_a_scene_gone_through_in_strips_gives_the_same_extremes(monkeypatch):
    monkeypatch.setattr("gossan.models.endmembers.scene.STRIP_BYTES", 3000)
    spectra, _ = mixtures(8, pixels=300)
    scene = ArrayScene(spectra.reshape(20, 15, -1).astype(np.float32))
    mean = spectra.mean(axis=0)
    streamed = SceneCloud(scene, mean, 300)
    directions = random_skewers(50, spectra.shape[1], 4)
    ends = streamed.extremes(directions, QUIET)
    along = (spectra.astype(np.float32) - mean.astype(np.float32)).astype(float) @ directions.T
    np.testing.assert_array_equal(ends.highest, along.argmax(axis=0))
    np.testing.assert_array_equal(ends.lowest, along.argmin(axis=0))
    for index in {*ends.highest.tolist(), *ends.lowest.tolist()}:
        np.testing.assert_allclose(streamed.point(index), spectra[index] - mean, atol=1e-6)


def test_purity_is_one_on_the_hull_and_zero_at_the_mean():
    points = np.random.default_rng(5).uniform(-1, 1, (500, 3))
    points -= points.mean(axis=0)
    found = pixel_purity(MemoryCloud(points), random_skewers(2000, 3, 0), QUIET)
    np.testing.assert_allclose(found.purity(points[found.pixels]), 1.0, atol=1e-9)
    assert found.purity(np.zeros((1, 3)))[0] == 0
    half = found.purity(points[found.pixels[:1]] / 2)[0]
    assert half == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(8))
def test_vca_finds_the_pure_pixels_of_noise_free_mixtures(seed):
    spectra, pure = mixtures(seed)
    assert set(vertex_components(MemoryCloud(scores(spectra, 4)), 5, seed, QUIET)) == pure
    centred = MemoryCloud(spectra - spectra.mean(axis=0))
    assert set(vertex_components(centred, 5, seed, QUIET)) == pure


@pytest.mark.parametrize("seed", range(5))
def test_vca_through_the_origin_finds_pure_pixels_of_any_brightness(seed):
    spectra, pure = mixtures(seed)
    brightness = np.random.default_rng(seed).uniform(0.5, 1.5, len(spectra))
    lit = spectra * brightness[:, None]
    leading = np.linalg.eigh(lit.T @ lit)[1][:, ::-1][:, :5]
    found = vertex_components_by_projection(projective_cloud(lit @ leading), 5, seed, QUIET)
    assert set(found) == pure


@pytest.mark.parametrize("seed", range(8))
def test_nfindr_and_atgp_find_the_pure_pixels_of_noise_free_mixtures(seed):
    spectra, pure = mixtures(seed)
    assert set(largest_simplex(scores(spectra, 6), 5, QUIET)) == pure
    assert set(generate_targets(MemoryCloud(spectra), 5, QUIET)) == pure


def test_nfindr_ends_with_a_simplex_that_no_exchange_enlarges():
    points = np.random.default_rng(2).normal(size=(60, 3))
    points -= points.mean(axis=0)
    vertices = largest_simplex(points, 4, QUIET)

    def volume(chosen):
        return abs(np.linalg.det(np.vstack([np.ones(4), points[chosen].T])))

    reached = volume(vertices)
    for place in range(4):
        for pixel in range(60):
            changed = [*vertices]
            changed[place] = pixel
            assert volume(changed) <= reached * (1 + 1e-5)


@pytest.fixture(scope="module")
def pysptools_eea():
    """The peer's endmember module, written for a NumPy that still had np.int and sp.linalg."""
    np.int, np.float = int, float  # type: ignore[attr-defined]
    try:
        eea = pytest.importorskip("pysptools.eea.eea")
        yield eea
    finally:
        del np.int, np.float  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(3))
def test_atgp_takes_the_pixels_that_pysptools_takes(pysptools_eea, seed):
    rng = np.random.default_rng(seed)
    spectra = rng.uniform(0.1, 0.8, (200, 12))
    try:
        _, expected = pysptools_eea.ATGP(spectra, 6)
    except (AttributeError, TypeError, ValueError) as problem:
        pytest.skip(f"pysptools does not run here: {problem}")
    assert generate_targets(MemoryCloud(spectra), 6, QUIET) == expected.tolist()


def test_ppi_ranks_first_what_pysptools_ranks_first(pysptools_eea):
    spectra, pure = mixtures(4)
    try:
        _, expected = pysptools_eea.PPI(spectra, 5, 2000)
    except (AttributeError, TypeError, ValueError) as problem:
        pytest.skip(f"pysptools does not run here: {problem}")
    centred = MemoryCloud(spectra - spectra.mean(axis=0))
    found = pixel_purity(centred, random_skewers(2000, spectra.shape[1], 0), QUIET)
    assert set(found.pixels[:5].tolist()) == pure
    assert set(np.asarray(expected).tolist()) <= pure


def test_searches_stop_when_they_are_cancelled():
    cancelled = Progress(cancelled=lambda: True)
    cloud = MemoryCloud(np.random.default_rng(0).normal(size=(500, 5)))
    with pytest.raises(CancelledError):
        pixel_purity(cloud, random_skewers(100, 5, 0), cancelled)
    with pytest.raises(CancelledError):
        vertex_components(cloud, 3, 0, cancelled)
    with pytest.raises(CancelledError):
        generate_targets(cloud, 3, cancelled)
