"""Lithology on real ground, where the shared data are: sense, not records."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.models.registry import load


@pytest.fixture
def ground(shared_data):
    folder = shared_data / "lithology"
    if not folder.is_dir():
        pytest.skip("the shared data hold no lithology")
    return folder


def run_through(stack, folder, **geology):
    """Train, map and assess; return the scores of all three."""
    model, out = str(folder / "m.gossan"), str(folder / "map.tif")
    trained = load("lithology.train")(
        Progress(), features=[stack], method="random forest", trees=20, model=model, **geology
    )
    mapped = load("lithology.map")(Progress(), features=[stack], model=model, output=out)
    reference = {f"reference_{key.partition('_')[2]}": value for key, value in geology.items()}
    assessed = load("lithology.assess")(Progress(), raster=out, **reference)
    return trained, mapped, assessed


def test_ebergotzen_is_mapped_better_than_by_its_most_frequent_class(ground, tmp_path):
    source = ground / "ebergotzen"
    geology = str(source / "parent_material_100m.tif")
    trained, mapped, assessed = run_through(
        str(source / "covariates_100m.tif"), tmp_path, map_raster=geology
    )
    with open_raster(geology) as raster:
        values = raster.read()
    counts = np.bincount(values[np.isfinite(values)].astype(int))[1:]
    assert len(trained["classes"]) == np.count_nonzero(counts) == 8
    assert trained["overall_accuracy"] > counts.max() / counts.sum()
    assert trained["overall_accuracy"] < trained["overall_accuracy_leaky"] + 0.05
    assert mapped["mapped"] == 100 * 100
    assert assessed["overall_accuracy"] > trained["overall_accuracy"], "it knows these labels"


def test_hamersleys_polygons_are_learned_from_the_terrain(ground, tmp_path):
    source = ground / "hamersley"
    trained, mapped, _ = run_through(
        str(source / "dtm_rp.tif"),
        tmp_path,
        map_features=str(source / "geology.geojson"),
        map_field="rocktype1",
    )
    with open_raster(source / "dtm_rp.tif") as raster:
        known = int(np.isfinite(raster.read()).sum())
    assert mapped["mapped"] == known < 204 * 197
    assert 0.1 < trained["overall_accuracy"] < 0.9
    assert any(one["name"].startswith("sedimentary") for one in trained["classes"])


def test_nanlings_oxides_are_fused_and_stay_centred(ground, tmp_path):
    source = ground / "nanling_china"
    out = str(tmp_path / "fused.tif")
    oxides = [str(source / f"Idw_{name}.tif") for name in ("SiO2", "Al2O3", "MgO", "Sb")]
    result = load("lithology.fuse")(
        Progress(), image=str(source / "Granite.tif"), composition=oxides, output=out
    )
    assert result["layers"][0]["ratio"] == pytest.approx(4.2, abs=0.05)
    with rasterio.open(out) as dataset:
        values = dataset.read()
    known = np.isfinite(values).all(axis=0)
    assert known.mean() > 0.9
    np.testing.assert_allclose(values[:, known].sum(axis=0), 0.0, atol=1e-3)
