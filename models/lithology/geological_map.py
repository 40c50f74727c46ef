"""The geological map that a model learns from or a map is held against, on the grid of a stack."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from rasterio.features import rasterize

from gossan.core.blocks import Window, plan
from gossan.core.errors import InputError
from gossan.core.model_card import ClassLabel
from gossan.core.raster import RasterInfo, Stack, open_raster, open_stack
from gossan.models.lithology.legend import (
    Legend,
    colour_of,
    is_colour,
    legend_of_entries,
    legend_of_raster,
)
from gossan.models.lithology.preparation_jobs import read_features

if TYPE_CHECKING:
    from typing_extensions import Self

MAXIMUM_CLASSES = 255
"""More differing values than this are measurements, not classes."""

_SCAN_ROWS = 512


class GeologicalMap:
    """Classes of pixels, whatever the map is kept as; to be used in a ``with`` statement.

    Attributes
    ----------
    classes : tuple of ClassLabel
        All classes of the map with their colours.
    notes : tuple of str
        Sentences for the log on what had to be assumed.
    """

    classes: tuple[ClassLabel, ...] = ()
    notes: tuple[str, ...] = ()

    def labels(self, window: Window) -> np.ndarray:
        """Return the class of each pixel of a window, uint16, 0 where there is none."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file, where one is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class MapSource:
    """Where a geological map is.

    Parameters
    ----------
    features : str
        GeoJSON of polygons (or points) in the CRS of the grid; empty for a raster.
    field : str
        Their field with the class.
    colour_field : str
        Their field with ``#rrggbb``; optional.
    raster : str
        Class raster; empty for features.
    column : str
        Column of the raster's attribute table with the names; optional.
    legend : sequence of mapping
        What QGIS shows: ``name``, ``colour`` and, for rasters, ``value``.
    """

    features: str = ""
    field: str = ""
    colour_field: str = ""
    raster: str = ""
    column: str = ""
    legend: Sequence[Mapping[str, Any]] = ()

    def open(self, grid: RasterInfo) -> GeologicalMap:
        """Open the map on a grid.

        Raises
        ------
        InputError
            When neither or both kinds are given, or it holds no class.
        FileError
            When it cannot be read.
        """
        if bool(self.features) == bool(self.raster):
            raise InputError(
                "The geological map is either a layer of polygons with a class field or a class "
                "raster; give one of them."
            )
        if self.raster:
            return RasterMap(self, grid)
        return FeatureMap(self, grid)


class FeatureMap(GeologicalMap):
    """A map of polygons; a pixel has the class of the last polygon that holds its centre."""

    def __init__(self, source: MapSource, grid: RasterInfo) -> None:
        if not source.field:
            raise InputError("Name the field of the geological map that holds the class.")
        rows = read_features(source.features)
        by_name = legend_of_entries(source.legend)[1]
        kept: list[tuple[str, Mapping[str, Any]]] = []
        nameless = 0
        for number, row in enumerate(rows, start=1):
            properties = row.get("properties") or {}
            if source.field not in properties:
                raise InputError(
                    f"Feature {number} of the geological map has no field {source.field!r}."
                )
            name = _class_name(properties[source.field])
            geometry = row.get("geometry")
            if not name or not geometry:
                nameless += 1
                continue
            kept.append((name, geometry))
            colour = str(properties.get(source.colour_field) or "") if source.colour_field else ""
            if is_colour(colour):
                by_name.setdefault(name, colour.lower())
        names = sorted({name for name, _ in kept}, key=_in_order)
        if not names:
            raise InputError(
                f"No feature of the geological map has a class in the field {source.field!r}."
            )
        refuse_measurements(len(names), f"The field {source.field!r} of the geological map")
        values = {name: value for value, name in enumerate(names, start=1)}
        self.classes = tuple(
            ClassLabel(value, name, by_name.get(name, colour_of(value - 1)))
            for name, value in values.items()
        )
        self.notes = (
            (f"{nameless} features of the geological map have no class or no shape.",)
            if nameless
            else ()
        )
        self._transform = grid.transform or Affine.identity()
        self._shapes = [(geometry, values[name], _bounds(geometry)) for name, geometry in kept]

    def labels(self, window: Window) -> np.ndarray:
        """Return the class of each pixel of a window, uint16, 0 where there is none."""
        own = self._transform * Affine.translation(window.column, window.row)
        left, bottom, right, top = _window_bounds(own, window)
        near = [
            (geometry, value)
            for geometry, value, (west, south, east, north) in self._shapes
            if west <= right and east >= left and south <= top and north >= bottom
        ]
        out = np.zeros((window.height, window.width), dtype=np.uint16)
        if near:
            rasterize(near, out=out, transform=own)
        return out


class RasterMap(GeologicalMap):
    """A class raster of any grid, seen on another one by its nearest pixels."""

    def __init__(self, source: MapSource, grid: RasterInfo) -> None:
        with open_raster(source.raster) as raster:
            legend = legend_of_entries(source.legend)[0].over(
                legend_of_raster(raster, source.column)
            )
            present = _values_in(raster)
        refuse_measurements(len(present), source.raster)
        named_zero = 0 in present and bool(legend.names.get(0, ""))
        kept = sorted(value for value in present if value or named_zero)
        if not kept:
            raise InputError(f"{source.raster} holds no class: all its pixels are 0 or missing.")
        spare = max(kept) + 1
        # 0 stands for missing in all results, so a class of that value gets another one.
        self._values = {value: value or spare for value in kept}
        self.classes = tuple(_labelled(self._values, legend))
        self.notes = (
            (f"The class 0 of {source.raster} has the value {spare} in all results.",)
            if named_zero
            else ()
        )
        self._stack: Stack = open_stack([grid.path, source.raster], nearest=True)
        self._band = self._stack.rasters[0].info.count

    def labels(self, window: Window) -> np.ndarray:
        """Return the class of each pixel of a window, uint16, 0 where there is none."""
        read = self._stack.read(window, [self._band], scaled=False)[..., 0]
        out = np.zeros(read.shape, dtype=np.uint16)
        for value, kept in self._values.items():
            out[read == value] = kept
        return out

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()


def _values_in(raster: Any) -> set[int]:
    """Return the values of the first band of a class raster."""
    info = raster.info
    present: set[int] = set()
    for block in plan(info.height, info.width, rows=_SCAN_ROWS, columns=info.width):
        values = raster.read(block.inner, [0], scaled=False)
        found = np.unique(values[np.isfinite(values)])
        refuse_fractions(found, info.path)
        present.update(int(value) for value in found)
        refuse_measurements(len(present), info.path)
    return present


def refuse_fractions(values: np.ndarray, path: str) -> None:
    """Refuse sorted values of a raster (n,) that are no classes.

    Raises
    ------
    InputError
        For a fraction, a negative number or one above 65534; names it.
    """
    if values.size and (np.any(values != np.rint(values)) or values[0] < 0 or values[-1] > 65534):
        odd = next(v for v in values if v != np.rint(v) or v < 0 or v > 65534)
        raise InputError(
            f"{path} is no class raster: it holds {odd:g}; classes are whole numbers from 0 to "
            "65534."
        )


def _labelled(values: Mapping[int, int], legend: Legend) -> Iterable[ClassLabel]:
    taken: set[str] = set()
    for index, (value, kept) in enumerate(values.items()):
        name = legend.names.get(value, f"class {value}")
        if name in taken:
            name = f"{name} ({value})"
        taken.add(name)
        yield ClassLabel(kept, name, legend.colours.get(value, colour_of(index)))


def refuse_measurements(count: int, what: str) -> None:
    """Refuse more differing values than a map has classes.

    Raises
    ------
    InputError
        For more than `MAXIMUM_CLASSES`.
    """
    if count > MAXIMUM_CLASSES:
        raise InputError(
            f"{what} has more than {MAXIMUM_CLASSES} differing values; these are no classes. "
            "Choose the field or raster with the geological units."
        )


def _class_name(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return str(value).strip()


def _in_order(name: str) -> tuple[int, float, str]:
    """Numbers by their size, then texts by the alphabet."""
    try:
        number = float(name)
    except ValueError:
        return 1, 0.0, name
    return (0, number, name) if math.isfinite(number) else (1, 0.0, name)


def _bounds(geometry: Mapping[str, Any]) -> tuple[float, float, float, float]:
    points = np.array(list(_positions(geometry.get("coordinates", []))), dtype=np.float64)
    if geometry.get("type") not in ("Polygon", "MultiPolygon", "Point", "MultiPoint"):
        raise InputError(
            f"The geological map holds a {geometry.get('type')}; polygons or points are needed."
        )
    if not len(points):
        return math.inf, math.inf, -math.inf, -math.inf
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _positions(coordinates: Any) -> Iterable[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], (int, float)):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _positions(part)


def _window_bounds(transform: Affine, window: Window) -> tuple[float, float, float, float]:
    corners = [
        transform * (column, row) for column in (0, window.width) for row in (0, window.height)
    ]
    xs, ys = zip(*corners)
    return min(xs), min(ys), max(xs), max(ys)
