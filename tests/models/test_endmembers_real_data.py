"""Extraction on real scenes: Samson, Jasper Ridge, Gamsberg and an EnMAP tile."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.bench.extraction_scenes import angles_to_reference, reference_scenes
from gossan.bench.published_vca import published_vca
from gossan.core.progress import Progress
from gossan.core.spectra import read_library
from gossan.models.endmembers.extraction import extract as extract_from_array
from gossan.models.endmembers.jobs import count, extract
from gossan.models.endmembers.options import ExtractionOptions

SEEDS = range(10)


@pytest.fixture(scope="module")
def scenes(shared_data):
    return {scene.name: scene for scene in reference_scenes(shared_data)}


@pytest.mark.parametrize("name", ["Samson", "Jasper Ridge"])
def test_priors_from_usgs_bring_pccee_no_farther_from_the_reference_than_published_vca(
    scenes, name
):
    scene = scenes[name]
    number = len(scene.reference)
    pixels = scene.spectra.reshape(-1, scene.spectra.shape[-1])
    ours, published = [], []
    for seed in SEEDS:
        options = ExtractionOptions(endmembers=number, seed=seed)
        found = extract_from_array(scene.spectra, scene.wavelengths, options, priors=scene.priors)
        ours.append(angles_to_reference(found.spectra, scene.reference))
        chosen, _ = published_vca(pixels, number, seed)
        published.append(angles_to_reference(pixels[chosen], scene.reference))
    assert np.median(ours) <= np.median(published)
    assert np.median(np.mean(ours, axis=1)) <= np.median(np.mean(published, axis=1))


@pytest.mark.parametrize("name", ["Samson", "Jasper Ridge"])
def test_vca_alone_is_as_near_to_the_reference_as_published_vca(scenes, name):
    scene = scenes[name]
    number = len(scene.reference)
    pixels = scene.spectra.reshape(-1, scene.spectra.shape[-1])
    ours, published = [], []
    for seed in SEEDS:
        options = ExtractionOptions(workflow="VCA", endmembers=number, seed=seed, skewers=100)
        found = extract_from_array(scene.spectra, scene.wavelengths, options)
        ours.append(angles_to_reference(found.spectra, scene.reference).mean())
        chosen, _ = published_vca(pixels, number, seed)
        published.append(angles_to_reference(pixels[chosen], scene.reference).mean())
    assert np.median(ours) <= 1.1 * np.median(published)


def test_the_gamsberg_cube_runs_with_its_field_library(shared_data, tmp_path):
    folder = shared_data / "endmembers" / "gamsberg"
    result = extract(
        Progress(),
        raster=str(folder / "cubus_gamsberg_subset"),
        priors=str(folder / "gamsberg_field_library.hdr"),
        library=str(tmp_path / "e.sli"),
        points=str(tmp_path / "e.geojson"),
        report=str(tmp_path / "e.html"),
    )
    library = read_library(tmp_path / "e.sli")
    assert len(library) == result["endmembers"] >= 2
    field = read_library(folder / "gamsberg_field_library.hdr")
    assert set(result["classes"]) <= set(field.names)
    assert 0 < library.spectra.min() < library.spectra.max() < 1


@pytest.mark.parametrize("workflow", ["PCCEE", "N-FINDR"])
def test_an_enmap_tile_runs_through(shared_data, tmp_path, workflow):
    tile = sorted((shared_data / "endmembers" / "enmap_potsdam" / "images").glob("*.tif"))[0]
    result = extract(
        Progress(),
        raster=str(tile),
        workflow=workflow,
        library=str(tmp_path / "e.sli"),
        points=str(tmp_path / "e.geojson"),
    )
    library = read_library(tmp_path / "e.sli")
    assert len(library) == result["endmembers"] >= 3
    assert library.wavelengths.min() > 400
    assert library.wavelengths.max() < 2500
    water = (library.wavelengths > 1340) & (library.wavelengths < 1460)
    assert not water.any()
    counted = count(Progress(), raster=str(tile))
    assert 2 <= counted["hysime"] < counted["bands"]
