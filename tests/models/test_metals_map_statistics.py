"""Correlation, zones and indices of concentration rasters, from file to file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window, open_raster
from gossan.models.metals.concentrations import even_sample
from gossan.models.metals.correlation_jobs import correlate
from gossan.models.metals.indices_jobs import indices
from gossan.models.metals.zones_jobs import cluster

ELEMENTS = ["As", "Cd", "Pb"]
UTM = rasterio.crs.CRS.from_epsg(32649).to_wkt()
GRID = Affine(30.0, 0.0, 400_000.0, 0.0, -30.0, 2_900_000.0)


def write(path: Path, values: np.ndarray, *, crs: str | None = UTM, names=ELEMENTS) -> str:
    rows, columns, _ = values.shape
    with RasterWriter(
        path, rows, columns, bands=names, crs_wkt=crs, transform=GRID if crs else None
    ) as writer:
        writer.write(Window(0, 0, rows, columns), values.astype(np.float32))
    return str(path)


@pytest.fixture
def concentrations(tmp_path: Path) -> tuple[str, np.ndarray]:
    """A clean half and a contaminated half, with a gap in one band."""
    generator = np.random.default_rng(7)
    level = np.ones((40, 30, 1))
    level[:, 15:] = 6.0
    values = level * [8.0, 0.2, 25.0] * generator.lognormal(0, 0.05, (40, 30, 3))
    values[3, 4, 1] = np.nan
    return write(tmp_path / "metals.tif", values), values.astype(np.float32)


def test_correlation_over_a_raster_equals_numpy_on_complete_pixels(concentrations, tmp_path):
    path, values = concentrations
    matrix = tmp_path / "matrix.csv"
    table = tmp_path / "table.csv"
    report = tmp_path / "report.html"
    found = correlate(
        Progress(), raster=path, matrix=str(matrix), table=str(table), report=str(report)
    )
    complete = values.reshape(-1, 3)
    complete = complete[np.isfinite(complete).all(axis=1)].astype(float)
    expected = np.corrcoef(complete.T)
    assert found["count"] == 40 * 30 - 1
    np.testing.assert_allclose(found["correlation"], expected, atol=1e-9)
    upper = np.triu(expected, 1)
    assert found["strongest_r"] == pytest.approx(upper.max())
    with open(matrix, encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["element", *ELEMENTS]
    np.testing.assert_allclose(np.array([r[1:] for r in rows[1:]], float), expected, atol=1e-9)
    with open(table, encoding="utf-8") as file:
        assert [row["element"] for row in csv.DictReader(file)] == ELEMENTS
    assert "1,199 of 1,200 pixels" in report.read_text(encoding="utf-8")


def test_correlation_over_samples_counts_censored_values_by_the_rule(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("fid,As,Pb\n1,<4,10\n2,4,20\n3,6,30\n4,8,>40\n5,,50\n", encoding="utf-8")
    report = tmp_path / "report.html"
    found = correlate(Progress(), samples=str(path), elements=["As", "Pb"], report=str(report))
    assert found["count"] == 4
    expected = np.corrcoef([2, 4, 6, 8], [10, 20, 30, 40])
    np.testing.assert_allclose(found["correlation"], expected)
    assert "1 value(s) below the detection limit" in report.read_text(encoding="utf-8")


def test_correlation_needs_raster_or_samples(concentrations):
    with pytest.raises(InputError, match="either"):
        correlate(Progress())
    with pytest.raises(InputError, match="no band 9"):
        correlate(Progress(), raster=concentrations[0], bands=[9])


def test_zones_part_clean_from_contaminated_ground(concentrations, tmp_path):
    path, _ = concentrations
    output, polygons = tmp_path / "zones.tif", tmp_path / "zones.geojson"
    table, report = tmp_path / "zones.csv", tmp_path / "zones.html"
    found = cluster(
        Progress(),
        raster=path,
        zones=2,
        output=str(output),
        polygons=str(polygons),
        table=str(table),
        report=str(report),
        origin={"algorithm": "gossan:clusterpollution", "parameters": {"ZONES": 2}},
    )
    with rasterio.open(output) as dataset:
        classes = dataset.read(1)
        assert dataset.nodata == 0
        assert dataset.crs.to_epsg() == 32649
        assert dataset.transform == GRID
        assert dataset.tags()["GOSSAN_ALGORITHM"] == "gossan:clusterpollution"
    expected = np.ones((40, 30), dtype=np.uint8)
    expected[:, 15:] = 2
    expected[3, 4] = 0
    np.testing.assert_array_equal(classes, expected)
    assert found["names"] == ["low background", "high-risk"]
    np.testing.assert_allclose(found["areas"], [599 * 0.09, 600 * 0.09])
    np.testing.assert_allclose(found["centres"][1], [48.0, 1.2, 150.0], rtol=0.05)
    features = json.loads(polygons.read_text(encoding="utf-8"))["features"]
    assert {f["properties"]["name"] for f in features} == {"low background", "high-risk"}
    by_zone = {f["properties"]["zone"]: f["properties"] for f in features}
    # The patch of the clean zone has the gap as its hole.
    assert by_zone[1]["area"] == pytest.approx(599 * 0.09)
    assert by_zone[2]["area"] == pytest.approx(600 * 0.09)
    assert by_zone[2]["Pb"] == pytest.approx(150.0, rel=0.05)
    assert by_zone[1]["GOSSAN_ALGORITHM"] == "gossan:clusterpollution"
    assert "high-risk" in report.read_text(encoding="utf-8")
    assert len(table.read_text(encoding="utf-8").splitlines()) == 3


def test_small_patches_join_their_neighbour(tmp_path):
    values = np.full((20, 20, 3), [8.0, 0.2, 25.0]) * np.linspace(1, 1.01, 20)[:, None, None]
    values[:, 10:] *= 5
    values[5, 4] *= 5
    path = write(tmp_path / "metals.tif", values)
    output = tmp_path / "zones.tif"
    cluster(Progress(), raster=path, zones=2, smallest_patch=4, output=str(output))
    with rasterio.open(output) as dataset:
        assert dataset.read(1)[5, 4] == 1


def test_without_a_metric_crs_areas_are_pixels(tmp_path):
    values = np.random.default_rng(1).lognormal(0, 1, (12, 10, 3))
    path = write(tmp_path / "metals.tif", values, crs=None)
    found = cluster(Progress(), raster=path, zones=3, output=str(tmp_path / "zones.tif"))
    assert sum(found["areas"]) == 120


def test_indices_follow_the_formulas_and_say_what_share_exceeds(concentrations, tmp_path):
    path, values = concentrations
    output, report = tmp_path / "indices.tif", tmp_path / "indices.html"
    found = indices(
        Progress(),
        raster=path,
        backgrounds="As=5; Cd=0.1; Pb=20",
        limits="As=25;Pb=100",
        output=str(output),
        report=str(report),
    )
    with open_raster(str(output)) as image:
        names = [band.name for band in image.info.bands]
        result = image.read()
    assert names == [
        "Igeo As",
        "Igeo Cd",
        "Igeo Pb",
        "P As",
        "P Cd",
        "P Pb",
        "Nemerow index",
        "Elements above limit",
    ]
    single = values.astype(float) / [5, 0.1, 20]
    np.testing.assert_allclose(result[..., :3], np.log2(single / 1.5), rtol=1e-5, atol=1e-6)
    nemerow = np.sqrt((single.mean(axis=-1) ** 2 + single.max(axis=-1) ** 2) / 2)
    np.testing.assert_allclose(result[..., 6], nemerow, rtol=1e-5)
    assert np.isnan(result[3, 4, 6])
    assert found["pixels"] == 1199
    assert found["nemerow_mean"] == pytest.approx(np.nanmean(nemerow), rel=1e-5)
    # The pixel without cadmium still counts, for cadmium has no limit.
    assert found["exceeding_share"] == pytest.approx(0.5)
    assert "Nemerow" in report.read_text(encoding="utf-8")


def test_a_band_without_background_is_left_out_or_refused(concentrations, tmp_path):
    path, _ = concentrations
    said: list[str] = []
    output = str(tmp_path / "indices.tif")
    found = indices(
        Progress(on_warning=said.append), raster=path, backgrounds="as=5", output=output
    )
    assert found["elements"] == ["As"]
    assert found["exceeding_share"] is None
    assert "Cd, Pb" in said[0]
    with pytest.raises(InputError, match="No background value for Cd"):
        indices(Progress(), raster=path, bands=[2], backgrounds="As=5", output=output)
    with pytest.raises(InputError, match="above zero"):
        indices(Progress(), raster=path, backgrounds="As=0", output=output)


def test_cancelling_leaves_nothing_behind(concentrations, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    cancelled = Progress(cancelled=lambda: True)
    for job, options in (
        (cluster, {"output": str(folder / "zones.tif")}),
        (indices, {"output": str(folder / "i.tif"), "backgrounds": "As=5"}),
        (correlate, {"report": str(folder / "c.html")}),
    ):
        with pytest.raises(CancelledError):
            job(cancelled, raster=concentrations[0], **options)
    assert list(folder.iterdir()) == []


def test_progress_of_a_correlation_never_goes_back(concentrations):
    shares: list[float] = []
    correlate(Progress(on_fraction=shares.append), raster=concentrations[0])
    assert shares == sorted(shares)
    assert shares[-1] >= 0.5


def test_an_even_sample_holds_no_more_pixels_than_it_may(concentrations):
    with open_raster(concentrations[0]) as image:
        values = even_sample(image, [0], 700, Progress())
    assert len(values) == 600
