"""Collars, down-sampling, clouds, locations: what chips are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from scipy.spatial.distance import cdist

from gossan.core.blocks import Window
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.deposits import collar as collar_module
from gossan.models.deposits.clouds import COLLECTION_1, COLLECTION_2, EARLIER, clouded, ranks
from gossan.models.deposits.collar import Collar, collar_of, outline_of
from gossan.models.deposits.downsampling import WAYS, downsample, weights
from gossan.models.deposits.locations import balanced, locations_of, overlapping, split
from gossan.models.deposits.scenes import Scene
from gossan.models.deposits.sphere import EARTH_RADIUS, SphericalPolygons, unit_vectors


def turned_square(side, lake=True):
    centre = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - centre
    a = np.radians(-12)
    along, across = x * np.cos(a) + y * np.sin(a), y * np.cos(a) - x * np.sin(a)
    valid = (np.abs(along) < 0.35 * side) & (np.abs(across) < 0.35 * side)
    empty = ~valid
    if lake:
        empty[side // 2 : side // 2 + 3, side // 2 : side // 2 + 3] = True
    return valid, empty


def test_the_collar_is_found_askew_and_a_dark_lake_stays():
    valid, empty = turned_square(60)
    assert np.array_equal(collar_of(empty), ~valid)
    assert not collar_of(np.zeros((5, 5), dtype=bool)).any()
    assert collar_of(np.ones((5, 5), dtype=bool)).all()


def test_a_bay_of_dark_pixels_at_a_corner_does_not_let_the_collar_in():
    empty = np.zeros((5, 5), dtype=bool)
    empty[0] = True
    empty[1, 0] = empty[2, 1] = True  # touches the collar at a corner only
    assert collar_of(empty).sum() == 6


@pytest.mark.parametrize("coarse", [4096, 40, 15])
def test_large_scenes_are_searched_in_cells_with_the_same_result(monkeypatch, coarse):
    monkeypatch.setattr(collar_module, "_LONGEST_COARSE_SIDE", coarse)
    valid, empty = turned_square(60)
    collar = Collar.find(60, 60, lambda w: empty[w.slices], Progress())
    whole = Window(0, 0, 60, 60)
    assert np.array_equal(collar.within(empty, whole), ~valid)
    rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    assert collar.box == (
        rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1,
    )  # fmt: skip


def test_all_collar_has_no_box():
    collar = Collar.find(20, 30, lambda w: np.ones((w.height, w.width), dtype=bool), Progress())
    assert collar.box is None


def test_the_outline_goes_around_the_valid_pixels():
    valid, _ = turned_square(200)
    around = outline_of(valid, Affine(2.0, 0, 100.0, 0, -2.0, 50.0))
    x, y = around.T
    area = abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2
    assert area / 4.0 == pytest.approx(valid.sum(), rel=0.02)
    assert len(around) <= 8
    assert outline_of(np.zeros((4, 4), dtype=bool), Affine.identity()) is None


def bring_down(values, valid, size, way, strip=7):
    height, width = valid.shape
    side = max(height, width)
    down = weights(height, size, way, start=-(side - height) / 2, span=side)
    across = weights(width, size, way, start=-(side - width) / 2, span=side)
    strips = [
        (row, values[row : row + strip], valid[row : row + strip])
        for row in range(0, height, strip)
    ]
    return downsample(strips, down, across, values.shape[-1])


def test_area_average_is_the_mean_of_blocks_over_valid_pixels():
    random = np.random.default_rng(1)
    values = random.random((24, 24, 2))
    valid = random.random((24, 24)) > 0.3
    found, kept = bring_down(values, valid, 6, "area average")
    blocks = values.reshape(6, 4, 6, 4, 2)
    there = valid.reshape(6, 4, 6, 4)
    total = (blocks * there[..., None]).sum(axis=(1, 3))
    count = there.sum(axis=(1, 3))
    assert np.array_equal(kept, count >= 8)
    assert found[kept] == pytest.approx((total / count[..., None])[kept], abs=1e-6)
    assert not found[~kept].any()


def test_nearest_takes_the_pixel_at_the_middle():
    values = np.arange(15.0 * 15).reshape(15, 15, 1)
    found, _ = bring_down(values, np.ones((15, 15), dtype=bool), 5, "nearest")
    assert np.array_equal(found[..., 0], values[1::3, 1::3, 0])


def test_resampling_is_that_of_another_package():
    image = pytest.importorskip("PIL.Image")
    values = np.random.default_rng(2).random((40, 40)).astype(np.float32)
    found, _ = bring_down(values[..., None], np.ones((40, 40), dtype=bool), 13, "resampling")
    theirs = np.asarray(image.fromarray(values).resize((13, 13), image.BICUBIC))
    assert found[2:-2, 2:-2, 0] == pytest.approx(theirs[2:-2, 2:-2], abs=2e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(WAYS),
    st.integers(5, 40),
    st.integers(5, 40),
    st.integers(3, 50),
    st.integers(1, 40),
)
def test_strips_do_not_matter_and_a_constant_stays(way, height, width, size, strip):
    random = np.random.default_rng(height)
    valid = np.ones((height, width), dtype=bool)
    values = random.random((height, width, 1))
    whole = bring_down(values, valid, size, way, strip=height)
    assert bring_down(values, valid, size, way, strip=strip)[0] == pytest.approx(whole[0], abs=1e-6)
    constant, kept = bring_down(np.full((height, width, 1), 0.4), valid, size, way)
    assert constant[kept] == pytest.approx(0.4, abs=1e-6)
    # A square without padding is wholly valid.
    if height == width:
        assert kept.all()


def test_bits_of_every_quality_band_are_understood():
    cloud, fill = clouded(np.array([1, 1 << 3, 1 << 4, 1 << 6, 21824]), COLLECTION_2)
    assert cloud.tolist() == [False, True, True, False, False]
    assert fill.tolist() == [True, False, False, False, False]
    cloud, _ = clouded(np.array([1, 1 << 4, 2720, 2800]), COLLECTION_1)
    assert cloud.tolist() == [False, True, False, True]
    cloud, _ = clouded(np.array([1, 20480, 53248, 61440, 36864]), EARLIER)
    assert cloud.tolist() == [False, False, True, True, False]


def test_the_clearest_scene_of_a_location_is_by_cloud_or_else_the_darkest():
    places = ["a", "a", "b", "b"]
    assert ranks(places, [0.5, 0.1, 0.2, None], [0.1, 0.9, 0.4, 0.3], "quality band") == [
        2, 1, 2, 1,
    ]  # fmt: skip
    assert ranks(places, [0.5, 0.1, 0.2, 0.3], [0.1, 0.9, 0.4, 0.3], "mean brightness") == [
        1, 2, 2, 1,
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=4, max_size=80),
    st.floats(0.1, 0.5),
    st.integers(0, 50),
)
def test_no_location_is_on_both_sides_of_a_split(samples, share, seed):
    places = [f"p{place}" for place, _ in samples]
    presence = np.array([int(found) for _, found in samples])
    if len(set(places)) < 2:
        with pytest.raises(InputError, match="one location"):
            split(places, presence, share, seed)
        return
    held = split(places, presence, share, seed)
    assert 0 < held.sum() < len(held)
    for place in set(places):
        assert len({bool(h) for h, p in zip(held, places) if p == place}) == 1
    chosen = balanced(presence, held, seed)
    for side in (True, False):
        members = presence[chosen & (held == side)]
        assert members.sum() * 2 == len(members)
    assert np.array_equal(held, split(places, presence, share, seed))


def test_a_split_has_its_share_of_samples_with_deposits():
    random = np.random.default_rng(0)
    places = [f"p{i}" for i in random.integers(0, 60, 600)]
    presence = (random.random(600) < 0.15).astype(int)
    held = split(places, presence, 0.2, 1)
    assert held.mean() == pytest.approx(0.2, abs=0.03)
    assert held[presence == 1].mean() == pytest.approx(0.2, abs=0.06)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(50.0, 3000.0))
def test_locations_by_distance_are_farther_apart_than_it(seed, kilometres):
    random = np.random.default_rng(seed)
    middles = np.column_stack([random.uniform(-180, 180, 40), random.uniform(-80, 80, 40)])
    scenes = [Scene(str(i), [], "") for i in range(40)]
    places = np.array(locations_of(scenes, middles, "distance", kilometres))
    vectors = unit_vectors(*middles.T)
    angles = 2 * np.arcsin(np.clip(cdist(vectors, vectors) / 2, 0, 1))
    apart = angles * EARTH_RADIUS / 1000
    assert (apart[places[:, None] != places[None, :]] > kilometres).all()
    # Joined scenes are led to each other by steps no longer than the distance.
    for i in range(40):
        group = places == places[i]
        assert group.sum() == 1 or apart[i, group & (np.arange(40) != i)].min() <= kilometres


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_training_chips_on_validation_ground_are_found(seed):
    random = np.random.default_rng(seed)
    corners = random.uniform(-3.0, 3.0, (14, 2))
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    held = random.random(14) < 0.4
    shapes = SphericalPolygons.from_rings([[corner + place] for place in corners])
    found = overlapping(shapes, held)
    apart = np.abs(corners[:, None] - corners[None]).max(axis=-1)
    meets = ~held[:, None] & held[None]
    # Squares that share a fifth of a side both ways overlap for sure, and those apart do not.
    assert found[(meets & (apart < 0.8)).any(axis=1)].all()
    assert not found[~(meets & (apart < 1.001)).any(axis=1)].any()


def test_locations_by_path_and_row_fall_back_on_places():
    scenes = [
        Scene("a", [], "", wrs_path=12, wrs_row=3),
        Scene("b", [], "", wrs_path=12, wrs_row=3),
        Scene("c", [], ""),
    ]
    middles = np.array([[1.0, 2.0], [1.1, 2.0], [7.123, 8.0]])
    assert locations_of(scenes, middles, "path and row", 0) == ["012003", "012003", "7.12 8.00"]
