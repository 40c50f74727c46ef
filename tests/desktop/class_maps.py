"""Class maps with what is known of them: probabilities, a reference, a second map."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

NAMES = ("granite", "slate", "marble", "quartzite")
COLOURS = ((224, 92, 80), (90, 120, 150), (120, 180, 220), (236, 200, 96))
SIDE, PIXEL, WEST, NORTH = 120, 30.0, 500_000.0, 3_000_000.0


@dataclass(frozen=True)
class ClassMaps:
    """Files of one place.

    Parameters
    ----------
    units, probabilities, other, reference : Path
        The map, its probabilities, a second map with errors, and polygons of the truth.
    values, other_values : ndarray (rows, columns)
        Classes of the map and of the second one.
    shares : ndarray (rows, columns, classes)
    """

    units: Path
    probabilities: Path
    other: Path
    reference: Path
    values: np.ndarray
    other_values: np.ndarray
    shares: np.ndarray

    @staticmethod
    def truth(row: int, column: int) -> int:
        """Return the class of a pixel in the reference."""
        return 1 + 2 * (row >= SIDE // 2) + (column >= SIDE // 2)

    @staticmethod
    def place(row: float, column: float) -> tuple[float, float]:
        """Return the coordinates of the middle of a pixel."""
        return WEST + (column + 0.5) * PIXEL, NORTH - (row + 0.5) * PIXEL


def make_class_maps(folder: Path) -> ClassMaps:
    """Write four units that meet sharply in the west and ever more softly towards the east.

    The truth is four quarters; the map bends their borders a little.
    """
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    bend = 5 * np.sin(columns / 9)
    south, east = rows - SIDE / 2 - bend, columns - SIDE / 2 - 5 * np.sin(rows / 11)
    softness = 1 + 14 * columns / SIDE
    down, right = 1 / (1 + np.exp(-south / softness)), 1 / (1 + np.exp(-east / 2))
    shares = np.stack(
        [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], axis=-1
    )
    values = shares.argmax(axis=-1) + 1
    truth = 1 + (rows > SIDE / 2) * 2 + (columns > SIDE / 2)
    random = np.random.default_rng(2)
    other = np.where(random.random(truth.shape) < 0.1, random.integers(1, 5, truth.shape), truth)
    made = ClassMaps(
        *(folder / name for name in ("units.tif", "shares.tif", "other.tif", "truth.geojson")),
        values=values,
        other_values=other,
        shares=shares,
    )
    _write(made.units, values[None], gdal.GDT_Byte)
    _write(made.other, other[None], gdal.GDT_Byte)
    _write(made.probabilities, np.moveaxis(shares, -1, 0), gdal.GDT_Float32)
    made.reference.write_text(json.dumps(_quarters()))
    return made


def _write(path: Path, bands: np.ndarray, kind: int) -> None:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), SIDE, SIDE, len(bands), kind)
    dataset.SetGeoTransform((WEST, PIXEL, 0, NORTH, 0, -PIXEL))
    system = osr.SpatialReference()
    system.ImportFromEPSG(32650)
    dataset.SetProjection(system.ExportToWkt())
    if len(bands) == 1:
        # The colours go first: a TIFF that has pixels already takes none.
        table = gdal.ColorTable()
        for value, colour in enumerate(COLOURS, 1):
            table.SetColorEntry(value, colour)
        dataset.GetRasterBand(1).SetColorTable(table)
        dataset.GetRasterBand(1).SetNoDataValue(0)
        dataset.GetRasterBand(1).SetCategoryNames(["", *NAMES])
    for number, band in enumerate(bands, 1):
        dataset.GetRasterBand(number).WriteArray(band)
        if len(bands) > 1:
            dataset.GetRasterBand(number).SetDescription(NAMES[number - 1])


def _quarters() -> dict:
    half = SIDE / 2 * PIXEL
    features = []
    for number, name in enumerate(NAMES):
        left, top = WEST + number % 2 * half, NORTH - number // 2 * half
        ring = [[left, top], [left + half, top], [left + half, top - half], [left, top - half]]
        features.append(
            {
                "type": "Feature",
                "properties": {"number": number, "lithology": name},
                "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            }
        )
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32650"}}
    return {"type": "FeatureCollection", "crs": crs, "features": features}
