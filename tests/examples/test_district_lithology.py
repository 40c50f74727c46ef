"""What the district's grids tell of its rocks: little by the pixel, more by the surroundings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import minimum_filter, uniform_filter
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import jaccard_score

from gossan.examples.district import Settings
from gossan.examples.district.difficulty import Difficulty
from gossan.examples.district.geology import UNIT_CODES
from gossan.examples.district.geophysics import (
    OXIDES,
    oxides,
    radiometrics,
    total_magnetic_intensity,
)

EXACT = replace(Difficulty(), geochemical_error=0.0, radioelements=0.0)


@pytest.fixture(scope="module")
def exact():
    """Settings without error in the surveys, and the ground by cells of 60 m."""
    settings = Settings(seed=2, size=300, difficulty=EXACT)
    grid = settings.grid.covering(60.0)
    return settings.world, grid, settings.world.patch(grid)


def _interior(here):
    """Return where all pixels around are of the kind, too."""
    return minimum_filter(here, size=7)


def test_baked_beds_keep_their_composition_and_their_gamma_rays(exact):
    world, grid, patch = exact
    silica = oxides(world, grid)[..., OXIDES.index("SiO2")]
    thorium = radiometrics(world, grid)[..., 2]
    baked = patch.units == UNIT_CODES["hornfels"]
    found = {}
    for bed in ("limestone", "sandstone", "slate"):
        here = _interior(baked & (patch.country_rock == UNIT_CODES[bed]))
        if here.sum() > 20:
            found[bed] = silica[here].mean(), thorium[here].mean()
    assert len(found) >= 2
    for bed, (baked_silica, baked_thorium) in found.items():
        fresh = _interior(patch.units == UNIT_CODES[bed])
        assert baked_silica == pytest.approx(silica[fresh].mean(), abs=9.0), bed
        assert baked_thorium == pytest.approx(thorium[fresh].mean(), abs=0.8), bed


def test_gravel_is_made_of_what_lies_around_it(exact):
    world, grid, patch = exact
    lime = oxides(world, grid)[..., OXIDES.index("CaO")]
    gravel = _interior(patch.units == UNIT_CODES["alluvium"])
    around = uniform_filter((patch.country_rock == UNIT_CODES["limestone"]).astype(float), 41)
    rich, poor = (
        around > np.quantile(around[gravel], 0.7),
        around < np.quantile(around[gravel], 0.3),
    )
    assert lime[gravel & rich].mean() > lime[gravel & poor].mean() + 1.0


def test_gamma_rays_are_as_uncertain_as_counts_are(exact):
    world, grid, patch = exact
    granite = _interior(patch.units == UNIT_CODES["granite"])
    seen = radiometrics(world, grid)[granite]
    for band, counts in enumerate((5.0, 0.8, 0.5)):
        values = seen[:, band] * counts
        assert values.var() == pytest.approx(values.mean(), rel=0.3)
        np.testing.assert_allclose(values, np.rint(values), atol=1e-3)


def test_the_fabric_of_the_rocks_differs(exact):
    _, _, patch = exact
    rough = {}
    for name in ("alluvium", "limestone", "sandstone", "slate", "basalt"):
        here = _interior(patch.units == UNIT_CODES[name])
        rough[name] = float(np.hypot(*np.gradient(patch.fabric))[here].mean())
    assert rough["alluvium"] < 0.3 * min(rough["limestone"], rough["sandstone"], rough["slate"])
    assert rough["basalt"] < 0.8 * rough["sandstone"]


def test_the_surroundings_tell_more_of_a_rock_than_the_pixel_does():
    """The forest errs as it was made to, and the mean of the surroundings repairs part of it."""
    settings = Settings(seed=1, size=400)
    world, grid = settings.world, settings.grid
    patch = world.patch(grid)
    height = patch.elevation + patch.fabric
    pole = total_magnetic_intensity(world, grid.covering(90.0), 90.0, 0.0)
    pixel = np.concatenate(
        [
            _spread(np.log(oxides(world, grid.covering(1020.0))), 34, grid),
            _spread(pole[..., None], 3, grid),
            radiometrics(world, grid),
            np.stack([height, np.hypot(*np.gradient(height))], axis=-1),
        ],
        axis=-1,
    )
    around = np.concatenate([pixel, uniform_filter(pixel, (9, 9, 0), mode="nearest")], axis=-1)
    rows, columns = np.mgrid[: grid.height, : grid.width] // 80
    test = ((rows + 2 * columns) % 5 == 0).ravel()
    units = patch.units.ravel()
    random = np.random.default_rng(0)
    learned = random.choice(np.flatnonzero(~test), 8000, replace=False)
    judged = np.flatnonzero(test)[::2]
    scores = []
    for bands in (pixel, around):
        flat = bands.reshape(len(units), -1)
        forest = RandomForestClassifier(30, max_features=3, random_state=0, n_jobs=2)
        found = forest.fit(flat[learned], units[learned]).predict(flat[judged])
        scores.append(jaccard_score(units[judged], found, average="macro"))
    assert 0.65 < scores[0] < 0.85
    assert scores[1] > scores[0] + 0.02


def _spread(coarse, factor, grid):
    """Return coarse cells on the fine grid."""
    fine = coarse.repeat(factor, axis=0).repeat(factor, axis=1)[: grid.height, : grid.width]
    return uniform_filter(fine, (factor, factor, 0), mode="nearest")
