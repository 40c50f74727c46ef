"""Rasters as they come: every algorithm copes with them or says in one sentence why not."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from osgeo import gdal
from qgis.core import QgsProcessing, QgsProcessingException

UNFORESEEN = ("not foreseen", "Traceback", "Errno", "report it", "NoneType", "ended unexpectedly")


def copy(source: str, target: Path, **options) -> str:
    """Write a raster anew with some of its properties changed."""
    gdal.Translate(str(target), source, **options)
    return str(target)


def without_crs(source, target):
    dataset = gdal.Open(copy(source, target), gdal.GA_Update)
    dataset.SetProjection("")
    return str(target)


def with_transform(change):
    def make(source, target):
        dataset = gdal.Open(copy(source, target), gdal.GA_Update)
        dataset.SetGeoTransform(change(dataset.GetGeoTransform(), dataset.RasterYSize))
        return str(target)

    return make


def south_up(t, rows):
    return (t[0], t[1], 0, t[3] + rows * t[5], 0, -t[5])


def rotated(t, rows):
    return (t[0], 0.8 * t[1], 0.6 * t[1], t[3], 0.6 * t[1], 0.8 * t[5])


def part(width, height):
    def make(source, target):
        return copy(source, target, srcWin=[0, 0, width, height])

    return make


def all_missing(source, target):
    dataset = gdal.Open(copy(source, target), gdal.GA_Update)
    for i in range(dataset.RasterCount):
        band = dataset.GetRasterBand(i + 1)
        band.Fill(band.GetNoDataValue())
    return str(target)


def first_band(source, target):
    return copy(source, target, bandList=[1])


def double(source, target):
    return copy(source, target, outputType=gdal.GDT_Float64)


def infinite(source, target):
    dataset = gdal.Open(double(source, target), gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    for row, value in enumerate((float("inf"), float("-inf"), float("nan"), 1e300)):
        values = struct.pack("5d", *[value] * 5)
        band.WriteRaster(0, row, 5, 1, values, buf_type=gdal.GDT_Float64)
    return str(target)


def truncated(source, target):
    shutil.copyfile(source, target)
    size = target.stat().st_size
    with open(target, "r+b") as file:
        file.truncate(size * 2 // 3)
    return str(target)


def no_raster(source, target):
    target.write_text("this is no raster")
    return str(target)


ODD = {
    "without CRS": without_crs,
    "south-up": with_transform(south_up),
    "rotated": with_transform(rotated),
    "one pixel": part(1, 1),
    "one row": part(48, 1),
    "all missing": all_missing,
    "first band only": first_band,
    "float64": double,
    "infinite values": infinite,
    "truncated": truncated,
    "no raster": no_raster,
}
MUST_WORK = ("without CRS", "south-up", "rotated", "float64", "infinite values")
MUST_FAIL = ("truncated", "no raster")
MAY_REFUSE = {("fusesources", "without CRS"), ("orthorectify", "without CRS")}
"""Rasters of differing grids cannot be laid over each other without one."""
MAKES_A_GRID = ("orthorectify",)
"""What gives its result another place than its source, which has none."""
READS_NO_PIXELS = ("resamplelibrary",)
CELLS = {"detectmines": (81, 27)}
"""Where the first pixel of a result begins and how wide it is, in pixels of its source."""


def takes_rasters(definition):
    several = definition.type() == "multilayer"
    rasters = several and definition.layerType() == QgsProcessing.SourceType.TypeRaster
    return rasters or definition.type() == "raster"


@pytest.mark.parametrize("oddity", ODD)
def test_odd_rasters_are_mapped_or_refused_in_one_sentence(
    case, oddity, bench, provider, feedback, tmp_path
):
    definitions = provider.algorithm(case.id).parameterDefinitions()
    names = [d.name() for d in definitions if takes_rasters(d)]
    names = [name for name in names if name in case.inputs]
    if not names:
        pytest.skip("takes no raster here")
    results = tmp_path / "results"
    results.mkdir()
    changes = {}
    for name in names:
        whole = bench.resolve(case.inputs[name])
        first = whole[0] if isinstance(whole, list) else whole
        odd = ODD[oddity](first, tmp_path / f"{name}.tif")
        changes[name] = [odd] if isinstance(whole, list) else odd
    try:
        bench.run(case, results, feedback, **changes)
    except (ValueError, QgsProcessingException) as refusal:
        sentence = str(refusal)
    else:
        sentence = ""
    assert not any(word in sentence for word in UNFORESEEN), sentence
    if sentence:
        assert len(sentence) > 20
        assert {path.name for path in results.iterdir()} <= set(case.state)
        assert oddity not in MUST_WORK or (case.id, oddity) in MAY_REFUSE, sentence
    else:
        pixels = case.id not in READS_NO_PIXELS
        assert not (pixels and oddity in MUST_FAIL)
        assert feedback.warned or not (pixels and oddity == "all missing")
        for path in results.glob("*.tif") if case.id not in MAKES_A_GRID else ():
            keeps_its_place(path, odd, *CELLS.get(case.id, (0, 1)))


def keeps_its_place(result, source, corner, side):
    """Hold a result to the CRS and the geotransform of its source, or to its grid of cells."""
    made, given = gdal.Open(str(result)), gdal.Open(source)
    x, a, b, y, d, e = given.GetGeoTransform()
    x, y = x + corner * (a + b), y + corner * (d + e)
    expected = (x, side * a, side * b, y, side * d, side * e)
    assert made.GetGeoTransform() == pytest.approx(expected)
    assert bool(made.GetProjection()) == bool(given.GetProjection())
