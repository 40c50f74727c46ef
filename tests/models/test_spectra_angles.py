"""Spectral angles over scenes, their classes, and the job that maps them."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window, open_raster
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.spectra.angles import nearest_reference
from gossan.models.spectra.jobs import class_colours, map_angles

WAVELENGTHS = np.linspace(420, 2400, 40)


@pytest.fixture
def references():
    return np.random.default_rng(1).uniform(0.1, 0.8, (3, 40))


def test_the_least_angle_below_the_threshold_gives_the_class():
    angles = np.array([[0.3, 0.05], [0.09, 0.2], [0.11, 0.12], [np.nan, np.nan]])
    np.testing.assert_array_equal(nearest_reference(angles, 0.1), [2, 1, 0, 0])


def test_class_colours_differ():
    assert len(set(class_colours(64))) == 64


@pytest.fixture
def scene(tmp_path, references):
    """Left half the first reference, right half the third, one pixel of neither, one missing."""
    values = np.empty((6, 8, 40))
    values[:, :4], values[:, 4:] = 0.5 * references[0], 2.0 * references[2]
    values[2, 2] = references[0][::-1]
    values[3, 3, 7] = np.nan
    path = tmp_path / "scene.tif"
    with RasterWriter(
        path,
        6,
        8,
        bands=[f"band {i}" for i in range(40)],
        wavelengths=WAVELENGTHS,
        transform=Affine(30, 0, 0, 0, -30, 0),
    ) as writer:
        writer.write(Window(0, 0, 6, 8), values.astype(np.float32))
    library = tmp_path / "library.sli"
    write_library(library, SpectralLibrary(("one", "two", "three"), references, WAVELENGTHS))
    return str(path), str(library)


def test_the_job_maps_angles_and_named_classes(tmp_path, scene):
    raster, library = scene
    result = map_angles(
        Progress(),
        raster=raster,
        library=library,
        angles=str(tmp_path / "angles.tif"),
        classes=str(tmp_path / "classes.tif"),
        threshold=0.05,
        origin={"algorithm": "gossan:mapspectralangles"},
    )
    with open_raster(tmp_path / "angles.tif") as maps:
        assert [band.name for band in maps.info.bands] == ["one", "two", "three"]
        assert maps.info.tags["GOSSAN_ALGORITHM"] == "gossan:mapspectralangles"
        angles = maps.read()
    assert np.isnan(angles[3, 3]).all()
    assert np.nanmax(angles[[0, 1, 4, 5], :4, 0]) < 1e-6
    with open_raster(tmp_path / "classes.tif") as maps:
        assert maps.info.dtype == "uint8"
        stored = maps.read_stored()[..., 0]
    expected = np.where(np.arange(8) < 4, 1, 3) * np.ones((6, 1), dtype=int)
    expected[2, 2] = expected[3, 3] = 0
    np.testing.assert_array_equal(stored, expected)
    assert [row["name"] for row in result["legend"]] == ["one", "two", "three"]
    assert [row["pixels"] for row in result["legend"]] == [22, 0, 24]
    assert (result["valid_pixels"], result["unclassified_pixels"]) == (47, 1)


def test_the_class_raster_is_optional(tmp_path, scene):
    raster, library = scene
    result = map_angles(
        Progress(), raster=raster, library=library, angles=str(tmp_path / "angles.tif")
    )
    assert result["classes"] == ""
    assert sorted(path.suffix for path in tmp_path.glob("*.tif")) == [".tif", ".tif"]


def test_thresholds_and_references_without_meaning_are_refused(tmp_path, scene, references):
    raster, library = scene
    outputs = {"angles": str(tmp_path / "a.tif"), "classes": str(tmp_path / "c.tif")}
    with pytest.raises(InputError, match="threshold of 0 rad"):
        map_angles(Progress(), raster=raster, library=library, threshold=0, **outputs)
    references[1] = 0
    write_library(library, SpectralLibrary(("one", "two", "three"), references, WAVELENGTHS))
    with pytest.raises(InputError, match="two is zero everywhere"):
        map_angles(Progress(), raster=raster, library=library, **outputs)
    assert not list(tmp_path.glob("[ac].tif"))
