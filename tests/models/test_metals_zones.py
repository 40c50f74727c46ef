"""Zones are found where there are any, ordered by contamination, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.errors import InputError
from gossan.models.metals.zones import elbow, fit_zones, zone_names


@pytest.fixture(scope="module")
def three_grounds() -> tuple[np.ndarray, np.ndarray]:
    """Concentrations of two elements around three well-parted levels, and the level of each."""
    generator = np.random.default_rng(11)
    levels = np.array([[200.0, 4.0], [20.0, 0.2], [80.0, 1.5]])
    truth = generator.integers(0, 3, 900)
    return levels[truth] * generator.normal(1.0, 0.05, (900, 2)), truth


def test_the_number_of_zones_is_found_and_they_rise_from_background_to_high_risk(three_grounds):
    concentrations, truth = three_grounds
    zones, choices, _ = fit_zones(concentrations, 0, largest=6, seed=1)
    assert [choice.zones for choice in choices] == [2, 3, 4, 5, 6]
    assert zones.names == ["low background", "elevated", "high-risk"]
    np.testing.assert_array_equal(zones.assign(concentrations), np.array([3, 1, 2])[truth])
    np.testing.assert_allclose(
        zones.concentrations(), [[20.0, 0.2], [80.0, 1.5], [200.0, 4.0]], rtol=0.03
    )


def test_each_pixel_goes_to_its_nearest_centre_and_missing_ones_to_none(three_grounds):
    concentrations, _ = three_grounds
    zones, _, _ = fit_zones(concentrations, 4, seed=2)
    image = concentrations[:12].reshape(3, 4, 2).copy()
    image[1, 2, 0] = np.nan
    assigned = zones.assign(image)
    scaled = (image - zones.means) / zones.deviations
    distances = np.linalg.norm(scaled[:, :, None] - zones.centres, axis=-1)
    expected = np.where(np.isnan(image).any(axis=-1), 0, distances.argmin(axis=-1) + 1)
    np.testing.assert_array_equal(assigned, expected)
    assert assigned.dtype == np.uint8


def test_the_same_seed_gives_the_same_zones(three_grounds):
    concentrations, _ = three_grounds
    first, _, _ = fit_zones(concentrations, 5, seed=4)
    again, _, _ = fit_zones(concentrations, 5, seed=4)
    np.testing.assert_array_equal(first.centres, again.centres)


def test_the_elbow_is_where_the_inertia_stops_falling(three_grounds):
    concentrations, _ = three_grounds
    _, choices, found = fit_zones(concentrations, 0, largest=7, seed=1)
    assert found == 3
    assert elbow(choices[:2]) == 0


def test_names_run_from_background_to_high_risk_for_every_number():
    for count in range(2, 12):
        names = zone_names(count)
        assert len(set(names)) == count
        assert (names[0], names[-1]) == ("low background", "high-risk")


def test_an_element_that_does_not_vary_is_named():
    values = np.column_stack([np.arange(50.0), np.full(50, 0.1, dtype=np.float32)])
    with pytest.raises(InputError, match=r"band\(s\) \[2\]"):
        fit_zones(values, 2)


def test_fewer_different_pixels_than_zones_are_refused():
    values = np.repeat([[1.0, 2.0], [3.0, 5.0]], 20, axis=0)
    with pytest.raises(InputError, match="Only 2 different"):
        fit_zones(values, 3)


@pytest.mark.parametrize("zones", [1, 256])
def test_a_number_of_zones_that_cannot_be_mapped_is_refused(three_grounds, zones):
    with pytest.raises(InputError, match="2 to 255"):
        fit_zones(three_grounds[0], zones)
