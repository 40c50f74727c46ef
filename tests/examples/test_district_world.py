"""The simulated world: same at every cell size and in every block, and made as told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gossan.core.errors import InputError
from gossan.examples.district import Settings
from gossan.examples.district.fields import Chance, Grid
from gossan.examples.district.geology import UNITS
from gossan.examples.district.registers import register, sexagesimal
from gossan.examples.district.world import COVER_CODES, MATERIALS

SETTINGS = Settings(seed=5, size=100)
GRID = SETTINGS.grid


@pytest.fixture(scope="module")
def patch():
    return SETTINGS.world.patch(GRID)


def test_fields_have_mean_zero_and_variance_one():
    field = Chance(1).field("any", Grid(0.0, 0.0, 10.0, 600, 600), 40.0, octaves=3)
    assert abs(field.mean()) < 0.05
    assert field.std() == pytest.approx(1.0, abs=0.03)


def test_fields_of_other_purposes_and_seeds_are_unrelated():
    grid = Grid(0.0, 0.0, 10.0, 300, 300)
    first = Chance(1).field("one", grid, 50.0)
    for other in (Chance(1).field("two", grid, 50.0), Chance(2).field("one", grid, 50.0)):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.1


def test_pieces_cover_every_pixel_once():
    grid = Grid(0.0, 0.0, 30.0, 301, 530)
    seen = np.zeros((grid.height, grid.width), dtype=int)
    for window, part in grid.pieces(rows=100):
        seen[window.slices] += 1
        assert (part.height, part.width) == (window.height, window.width)
        np.testing.assert_allclose(part.x, grid.x[window.slices[1]])
        np.testing.assert_allclose(part.y, grid.y[window.slices[0]])
    assert (seen == 1).all()


@pytest.mark.parametrize("name", ["units", "cover", "elevation", "abundances", "ground"])
def test_a_part_of_the_world_is_the_same_by_itself(patch, name):
    window, part = list(GRID.pieces(rows=30, columns=40))[4]
    alone = getattr(SETTINGS.world.patch(part), name)
    whole = getattr(patch, name)[window.slices]
    if alone.dtype == np.uint8:
        assert (alone == whole).mean() > 0.999
    else:
        np.testing.assert_allclose(alone, whole, atol=2e-3 * max(np.abs(whole).max(), 1.0))


def test_abundances_and_ground_sum_to_one(patch):
    np.testing.assert_allclose(patch.abundances.sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(patch.ground.sum(axis=-1), 1.0, atol=1e-5)
    assert patch.abundances.min() > -1e-5
    assert patch.abundances.shape[-1] == len(MATERIALS)


def test_the_main_mine_lies_in_the_middle_with_pit_tailings_and_dam(patch):
    for name in ("pit", "waste dump", "tailings", "tailings dam", "plant"):
        assert (patch.cover == COVER_CODES[name]).any(), name
    assert (patch.cover[47:53, 47:53] == COVER_CODES["pit"]).all()


def test_hard_rocks_stand_higher_than_soft_ones():
    # Over several seeds and away from the valleys, where rivers cut through everything.
    heights: dict[str, list[float]] = {"sandstone": [], "slate": []}
    for seed in range(1, 7):
        settings = Settings(seed=seed, size=200)
        patch = settings.world.patch(settings.grid)
        dry = patch.river_distance > 1500
        for code, unit in enumerate(UNITS, 1):
            here = dry & (patch.units == code)
            if unit.name in heights and here.sum() > 200:
                heights[unit.name].append(float(patch.elevation[here].mean()))
    assert np.mean(heights["sandstone"]) > np.mean(heights["slate"]) + 50


def test_metals_fall_off_with_distance_from_the_workings():
    settings = Settings(seed=2, size=300)
    patch = settings.world.patch(settings.grid)
    foreign = patch.ground[..., 1] + patch.ground[..., 2]
    x, y = patch.xy
    nearest = np.full(foreign.shape, np.inf)
    for mine in patch.mines:
        if mine.metallic:
            nearest = np.minimum(nearest, np.hypot(x - mine.x, y - mine.y))
    near = foreign[nearest < 700].mean()
    middle = foreign[(nearest > 1000) & (nearest < 1600)].mean()
    far = foreign[(nearest > 2500) & (patch.river_distance > 600)].mean()
    assert near > 2 * middle > 4 * far


def test_districts_of_other_seeds_differ():
    first, second = (Settings(seed=seed, size=60) for seed in (1, 2))
    assert first.grid.bounds != second.grid.bounds
    a, b = (s.world.patch(s.grid).cover for s in (first, second))
    assert (a != b).mean() > 0.3


def test_the_register_misses_some_mines_and_misplaces_others():
    settings = Settings(seed=4, size=900)
    mines = settings.world.places.mines(settings.grid.bounds)
    entries = register(mines, settings.world.chance)
    assert len(mines) >= 10
    assert 0.6 <= len(entries) / len(mines) <= 0.8
    errors = np.array([np.hypot(e.x - e.mine.x, e.y - e.mine.y) for e in entries])
    np.testing.assert_allclose(errors, [entry.misplaced for entry in entries])
    astray = errors > 300
    assert 0.15 <= astray.mean() <= 0.35
    assert errors[~astray].max() <= 60.0


def test_angles_are_written_in_every_style_of_the_registers():
    angle = -(27 + 55 / 60 + 53.65 / 3600)
    written = [sexagesimal(angle, style, "NS") for style in range(5)]
    assert written == [
        "-27°55'53.650\"",
        "27°55'53.65\"S",
        "27° 55' 53,65\" S",
        "27°55.8942'S",
        "27 55 53.65 S",
    ]


def test_a_dry_country_keeps_its_mines_and_gains_what_looks_like_them(patch):
    dry = replace(SETTINGS, landscape="dry").world.patch(GRID)
    bounds = replace(SETTINGS, size=400).grid.bounds
    assert dry.world.places.mines(bounds) == patch.world.places.mines(bounds)
    np.testing.assert_array_equal(dry.elevation, patch.elevation)
    usual = patch.world.places.irrigation_ponds(bounds)
    more = dry.world.places.irrigation_ponds(bounds)
    assert more[: len(usual)] == usual
    assert len(more) > len(usual)
    for name in ("bare field", "river bank"):
        code = COVER_CODES[name]
        assert (dry.cover == code).sum() > 1.2 * (patch.cover == code).sum(), name
    for name in ("pit", "tailings", "tailings dam"):
        code = COVER_CODES[name]
        np.testing.assert_array_equal(dry.cover == code, patch.cover == code)
    assert patch.strange_soils is None
    strange = dry.strange_soils
    assert strange.min() >= 0
    assert strange.sum(axis=-1).max() < 1
    mining = np.isin(dry.cover, [COVER_CODES[each] for each in ("pit", "tailings", "waste dump")])
    assert not strange[mining].any(), "no mine is of the landscape's own soils"
    np.testing.assert_allclose(dry.abundances.sum(axis=-1), 1.0, atol=1e-5)


def test_an_unknown_landscape_is_refused():
    with pytest.raises(InputError, match="Landscape 'wet' is unknown: humid or dry"):
        Settings(landscape="wet")
