"""Real soils: Meuse with terrain and Landsat rasters, Jura with maps of rock and land use."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from affine import Affine

from gossan.core.blocks import Window
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, open_raster
from gossan.models.metals.jobs import assess, map_concentrations, train

MEUSE = ("cadmium", "copper", "lead", "zinc")
MEUSE_FEATURES = ("dist", "dem", "slope", "twi", "landimg2", "landimg3", "landimg4")
JURA = ("Co", "Ni", "Pb")


@pytest.fixture(scope="module")
def meuse(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("meuse")
    features = [
        str(shared_data / "metals" / "meuse_rasters" / f"{name}.tif") for name in MEUSE_FEATURES
    ]
    samples = str(shared_data / "metals" / "meuse_samples.csv")
    if not (shared_data / "metals" / "meuse_samples.csv").is_file():
        pytest.skip("the Meuse samples are not here")
    model = str(folder / "meuse.gossan")
    common = {"features": features, "samples": samples, "elements": MEUSE, "trees": 120}
    blocks = train(Progress(), model=model, **common)
    random = train(Progress(), validation="k-fold", **common)
    mapped = map_concentrations(
        Progress(),
        features=features,
        model=model,
        concentrations=str(folder / "map.tif"),
        uncertainty=str(folder / "uncertainty.tif"),
        applicability=str(folder / "applicability.tif"),
    )
    return blocks, random, mapped


def test_meuse_metals_are_told_by_distance_and_height(meuse):
    blocks, _, _ = meuse
    scores = {row["element"]: row for row in blocks["scores"]}
    assert blocks["samples"] + blocks["excluded"] == 155
    assert scores["zinc"]["r2"] > 0.3
    assert scores["copper"]["r2"] > 0.3
    assert all(row["rpd"] > 1 for row in scores.values())
    assert all(row["interval_coverage"] > 0.75 for row in scores.values())


def test_a_random_split_flatters_the_meuse_model(meuse):
    blocks, random, _ = meuse
    assert random["r2_mean"] > blocks["r2_mean"] + 0.03
    assert "at random" in random["validation"]


def test_the_meuse_map_is_high_along_the_river_and_stays_in_range(meuse, shared_data):
    _, _, mapped = meuse
    with open_raster(mapped["concentrations"]) as raster:
        zinc = raster.read()[..., 3]
        assert raster.info.crs_wkt is None
    with open_raster(shared_data / "metals" / "meuse_rasters" / "dist.tif") as raster:
        distance = raster.read()[..., 0]
    known = np.isfinite(zinc) & np.isfinite(distance)
    assert known.sum() > 2000
    near, far = zinc[known & (distance < 0.1)], zinc[known & (distance > 0.4)]
    assert np.median(near) > 2 * np.median(far)
    assert 113 <= zinc[known].min() <= zinc[known].max() <= 1839
    assert 0 < mapped["outside_share"] < 0.3


@pytest.fixture(scope="module")
def jura(shared_data, tmp_path_factory):
    source = shared_data / "metals"
    if not (source / "jura_grid.csv").is_file():
        pytest.skip("the Jura soils are not here")
    folder = tmp_path_factory.mktemp("jura")
    raster = str(folder / "jura.tif")
    write_jura_grid(source / "jura_grid.csv", raster)
    for name in ("calibration", "validation"):
        rows = read_rows(source / f"jura_{name}.csv")
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["fid", "x", "y", *JURA])
            table.writerows(
                [i, row["Xloc"], row["Yloc"], *(row[e] for e in JURA)] for i, row in enumerate(rows)
            )
    model = str(folder / "jura.gossan")
    trained = train(
        Progress(),
        features=[raster],
        samples=str(folder / "calibration.csv"),
        elements=JURA,
        trees=120,
        model=model,
    )
    mapped = map_concentrations(
        Progress(), features=[raster], model=model, concentrations=str(folder / "map.tif")
    )
    checked = assess(
        Progress(),
        concentrations=mapped["concentrations"],
        samples=str(folder / "validation.csv"),
        elements=JURA,
    )
    return trained, checked


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_jura_grid(table, path):
    """Turn the 50 m grid points into one band per rock and land use, and two of position."""
    rows = read_rows(table)
    x = np.array([float(row["Xloc"]) for row in rows])
    y = np.array([float(row["Yloc"]) for row in rows])
    columns = np.round((x - x.min()) / 0.05).astype(int)
    lines = np.round((y.max() - y) / 0.05).astype(int)
    kinds = [(f, v) for f in ("Rock", "Landuse") for v in sorted({row[f] for row in rows})]
    height, width = lines.max() + 1, columns.max() + 1
    values = np.full((height, width, len(kinds) + 2), np.nan, dtype=np.float32)
    for k, (name, value) in enumerate(kinds):
        values[lines, columns, k] = [row[name] == value for row in rows]
    values[lines, columns, -2], values[lines, columns, -1] = x, y
    names = [value for _, value in kinds] + ["east", "north"]
    place = Affine(0.05, 0, x.min() - 0.025, 0, -0.05, y.max() + 0.025)
    with RasterWriter(path, height, width, bands=names, transform=place) as writer:
        writer.write(Window(0, 0, height, width), values)


def test_jura_cobalt_and_nickel_follow_the_rock(jura):
    trained, checked = jura
    assert trained["samples"] > 200
    scores = {row["element"]: row for row in checked["scores"]}
    assert scores["Co"]["r2"] > 0.3
    assert scores["Ni"]["r2"] > 0.3
    assert checked["samples"] + checked["excluded"] == 100


def test_cross_validation_foretells_the_error_at_new_jura_samples(jura):
    trained, checked = jura
    for before, after in zip(trained["scores"], checked["scores"]):
        assert math.isclose(before["rmse"], after["rmse"], rel_tol=0.45), before["element"]
