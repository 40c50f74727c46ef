"""Files of the district: rasters piece by piece, ENVI cubes, features and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rasterio.crs

from gossan.core import vectors
from gossan.core.blocks import Window
from gossan.core.files import write_then_rename
from gossan.core.raster import RasterWriter
from gossan.examples.district.fields import Grid
from gossan.examples.district.hyperspectral import NODATA, SCALE, Sensor

CRS = "EPSG:32649"
WKT = rasterio.crs.CRS.from_string(CRS).to_wkt()
_STORED = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
"""Rows, columns and bands (0, 1, 2) in the order in which an interleave stores them."""


def raster(path: Path, grid: Grid, bands: Sequence[str], **options: Any) -> RasterWriter:
    """Return a writer on a grid of the district; options as for `RasterWriter`."""
    return RasterWriter(
        path,
        grid.height,
        grid.width,
        bands=bands,
        crs_wkt=WKT,
        transform=grid.transform,
        **options,
    )


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue (0 to 255) of ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


class EnviCube:
    """An int16 ENVI cube with its header, written window by window.

    Parameters
    ----------
    path : Path
        The data file; the header stands beside it with the suffix ``.hdr``.
    grid : Grid
        Size and place.
    sensor : Sensor
        Its bands.
    interleave : str
        ``"bsq"``, ``"bil"`` or ``"bip"``.
    """

    def __init__(self, path: Path, grid: Grid, sensor: Sensor, interleave: str) -> None:
        self._path, self._grid, self._sensor = path, grid, sensor
        self._interleave = interleave
        self._axes = _STORED[interleave]
        self._cube: np.ndarray | None = None

    def __enter__(self) -> EnviCube:
        size = (self._grid.height, self._grid.width, len(self._sensor.wavelengths))
        stored = tuple(size[axis] for axis in self._axes)
        memory = np.memmap(self._path, dtype="<i2", mode="w+", shape=stored)
        self._cube = memory.transpose(np.argsort(self._axes))
        return self

    def write(self, window: Window, numbers: np.ndarray) -> None:
        """Write stored numbers (rows, columns, bands) of a window."""
        assert self._cube is not None
        self._cube[window.slices] = numbers

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cube = None
        if problem is None:
            with write_then_rename(self._path.with_suffix(".hdr")) as part:
                part.write_text(self._header(), encoding="ascii")
        else:
            self._path.unlink()

    def _header(self) -> str:
        grid, sensor = self._grid, self._sensor
        place = f"UTM, 1, 1, {grid.left}, {grid.top}, {grid.cell}, {grid.cell}, 49, North, WGS-84"

        def numbers(values: Iterable[object]) -> str:
            return "{" + ", ".join(str(value) for value in values) + "}"

        fields = {
            "description": "{simulated mining district}",
            "samples": grid.width,
            "lines": grid.height,
            "bands": len(sensor.wavelengths),
            "header offset": 0,
            "file type": "ENVI Standard",
            "data type": 2,
            "interleave": self._interleave,
            "byte order": 0,
            "map info": "{" + place + ", units=Meters}",
            "data ignore value": NODATA,
            "reflectance scale factor": SCALE,
            "wavelength units": "Nanometers",
            "wavelength": numbers(np.round(sensor.wavelengths, 3)),
            "fwhm": numbers(np.round(sensor.fwhm, 3)),
            "bbl": numbers(sensor.good.astype(int)),
        }
        return "ENVI\n" + "".join(f"{name} = {value}\n" for name, value in fields.items())


def write_features(
    path: Path, features: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    """Write (fields, geometry) pairs as GeoJSON in the district's projection."""
    pairs = list(features)
    vectors.write_features(
        path,
        [fields for fields, _ in pairs],
        [geometry for _, geometry in pairs],
        crs_wkt=WKT,
        name=path.stem,
    )


def write_json(path: Path, content: object) -> None:
    """Write JSON, UTF-8."""
    with write_then_rename(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def polygon(*rings: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return a GeoJSON polygon of closed rings, the outer one first."""
    return {
        "type": "Polygon",
        "coordinates": [[[round(x, 2), round(y, 2)] for x, y in ring] for ring in rings],
    }
