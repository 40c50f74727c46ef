"""Writing points and polygons as GeoJSON that QGIS and GDAL read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import shapes

from gossan.core.errors import InputError
from gossan.core.files import write_then_rename

_ABSENT: Any = object()

_KINDS = {bool: "boolean", int: "integer", float: "real", str: "text"}


def write_features(
    path: str | os.PathLike[str],
    rows: Iterable[Mapping[str, Any]],
    geometries: Iterable[Mapping[str, Any] | None],
    *,
    fields: Mapping[str, type] | None = None,
    crs_wkt: str | None = None,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> int:
    """Write features one by one; the file appears when the last one is written.

    Parameters
    ----------
    path : path
        The output, ``.geojson``.
    rows : iterable of mapping
        Fields of each feature: texts, numbers, booleans or None.
    geometries : iterable of mapping or None
        One for each row: GeoJSON geometries, as `point` and `polygons` give them.
    fields : mapping of name to type, or None
        The fields in their order with ``int``, ``float``, ``str`` or ``bool``; every feature gets
        all of them, None where a row has none. Without it every row must have the same fields.
    crs_wkt : str or None
        CRS of the coordinates, written as its authority's code or, where it has none, as WKT;
        GDAL understands both. Without one GDAL takes GeoJSON for longitude and latitude: whoever
        loads the file has to know better.
    name : str or None
        Name of the layer.
    tags : mapping of str or None
        Where the features come from, as `Origin.tags` gives it: a text field each, the last ones of
        every feature, because fields go along into whatever format the features are copied to.

    Returns
    -------
    int
        Number of features written.

    Raises
    ------
    InputError
        When there are not as many geometries as rows, or a row lacks a field or has another one.
    FileError
        When the output cannot be written there.
    """
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if name:
        head["name"] = name
    if fields is not None:
        # GeoJSON has no schema: the toolbox reads it here, for columns that hold nothing but null.
        kinds = {**fields, **dict.fromkeys(tags or {}, str)}
        head["fields"] = [{"name": key, "type": _KINDS[kind]} for key, kind in kinds.items()]
    if crs_wkt:
        head["crs"] = {"type": "name", "properties": {"name": _crs_name(crs_wkt)}}
    count = 0
    columns = None if fields is None else dict(fields)
    made = dict(tags or {})
    pairs = zip_longest(rows, geometries, fillvalue=_ABSENT)
    with write_then_rename(path) as part, open(part, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n')
        for row, geometry in pairs:
            if row is _ABSENT or geometry is _ABSENT:
                raise InputError(f"{path}: there are not as many geometries as rows.")
            if columns is None:
                columns = dict.fromkeys(row, object)
            values = _properties(row, columns, count, path, complete=fields is None)
            feature = {
                "type": "Feature",
                "properties": {**values, **made},
                "geometry": geometry,
            }
            text = json.dumps(feature, ensure_ascii=False, allow_nan=False)
            stream.write((",\n" if count else "") + text)
            count += 1
        stream.write("\n]}\n")
    return count


def point(x: float, y: float) -> dict[str, Any]:
    """Return a point as a GeoJSON geometry."""
    return {"type": "Point", "coordinates": [float(x), float(y)]}


def polygons(
    classes: np.ndarray, transform: Affine | None, *, nodata: int = 0, connectivity: int = 4
) -> Iterator[tuple[dict[str, Any], int]]:
    """Outline the connected areas of equal class.

    Parameters
    ----------
    classes : ndarray (rows, columns), integer
        Class of each pixel.
    transform : Affine or None
        From (column, row) to coordinates; None for pixel coordinates.
    nodata : int
        Class that gets no polygon.
    connectivity : int
        4, or 8 where pixels that touch at a corner belong together.

    Yields
    ------
    geometry : dict
        GeoJSON polygon.
    value : int
        Its class.
    """
    placed = Affine.identity() if transform is None else transform
    for geometry, value in shapes(
        classes, mask=classes != nodata, connectivity=connectivity, transform=placed
    ):
        yield geometry, int(value)


def positions(geometry: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Yield all positions of a GeoJSON geometry of any kind."""
    for part in geometry.get("geometries") or ():
        yield from positions(part)
    yield from _flat(geometry.get("coordinates") or [])


def _flat(coordinates: Any) -> Iterator[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], (int, float)):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for each in coordinates:
        yield from _flat(each)


def _crs_name(crs_wkt: str) -> str:
    crs = CRS.from_wkt(crs_wkt)
    authority = crs.to_authority()
    if authority:
        return f"urn:ogc:def:crs:{authority[0]}::{authority[1]}"
    return crs_wkt


def _properties(
    row: Mapping[str, Any],
    columns: Mapping[str, type],
    number: int,
    path: str | os.PathLike[str],
    *,
    complete: bool,
) -> dict[str, Any]:
    odd = set(row) ^ set(columns) if complete else set(row) - set(columns)
    if odd:
        raise InputError(
            f"{path}, feature {number + 1}: the fields {', '.join(sorted(odd))} are not those of "
            "the other features."
        )
    return {name: _plain(row.get(name), kind) for name, kind in columns.items()}


def _plain(value: Any, kind: type) -> Any:
    """Turn NumPy scalars into Python's, and what JSON cannot say into null."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if kind is object else kind(value)
