"""Findings and cells of a search as features that people and other programs use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine

from gossan.core.raster import RasterInfo
from gossan.core.vectors import point, polygons, write_features
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.clusters import Cluster, Clusters, Impacts
from gossan.models.mines.image_grid import longitude_latitude, pixel_hectares

FIELDS: Mapping[str, type] = {
    "finding": int,
    "cells": int,
    "area_ha": float,
    "max_probability": float,
    "mean_probability": float,
    "impact": str,
    "impact_votes": str,
    "longitude": float,
    "latitude": float,
    "detector": str,
    "impact_model": str,
}
"""Fields of a finding, as polygon and as point."""

CELL_FIELDS: Mapping[str, type] = {
    "row": int,
    "column": int,
    "probability": float,
    "impact": str,
    "finding": int,
    "longitude": float,
    "latitude": float,
}

_FINGERPRINT_LETTERS = 12
_LEAST_WEIGHT = 1e-9


@dataclass(frozen=True)
class CellGrid:
    """The cells of a search as places on the ground.

    Parameters
    ----------
    image : RasterInfo
        The grid of the image that was searched.
    cells : CellGeometry
    """

    image: RasterInfo
    cells: CellGeometry

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.cells.cells(self.image.height), self.cells.cells(self.image.width)

    @property
    def transform(self) -> Affine:
        """From (column, row) of cells to coordinates: pixels where the image has no place."""
        corner = self.cells.corner(0)
        base = self.image.transform or Affine.identity()
        return base @ Affine.translation(corner, corner) @ Affine.scale(self.cells.stride)

    def places(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return coordinates (n,) of the centres of cells, whole ones or between them."""
        a, b, c, d, e, f = tuple(self.transform)[:6]
        right, down = np.asarray(columns) + 0.5, np.asarray(rows) + 0.5
        return a * right + b * down + c, d * right + e * down + f

    def hectares(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray | None:
        """Return the area (n,) of the squares that cells stand for; None where it is not known."""
        centres = (self.cells.stride * np.asarray(places) + self.cells.first_centre
                   for places in (rows, columns))  # fmt: skip
        area = pixel_hectares(self.image, *centres)
        return None if area is None else area * self.cells.stride**2


@dataclass(frozen=True)
class Findings:
    """The findings of a search, with all that their features tell.

    Parameters
    ----------
    grid : CellGrid
    clusters : Clusters
    detector, impact_model : str
        Fingerprints; "" without an impact model.
    """

    grid: CellGrid
    clusters: Clusters
    detector: str
    impact_model: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """Return the fields of each finding."""
        found = self.clusters.found
        if not found:
            return []
        middles = np.array([_middle(cluster) for cluster in found])
        areas = self.grid.hectares(middles[:, 0], middles[:, 1])
        degrees = longitude_latitude(
            self.grid.image.crs_wkt, *self.grid.places(middles[:, 0], middles[:, 1])
        )
        rows = []
        for number, cluster in enumerate(found):
            rows.append(
                {
                    "finding": number + 1,
                    "cells": len(cluster.rows),
                    "area_ha": None if areas is None else areas[number] * len(cluster.rows),
                    "max_probability": cluster.probability.max(),
                    "mean_probability": cluster.probability.mean(),
                    "impact": cluster.impact,
                    "impact_votes": ", ".join(f"{k} {n}" for k, n in cluster.votes.items()),
                    "longitude": None if degrees is None else degrees[0][number],
                    "latitude": None if degrees is None else degrees[1][number],
                    "detector": self.detector[:_FINGERPRINT_LETTERS],
                    "impact_model": self.impact_model[:_FINGERPRINT_LETTERS],
                }
            )
        return rows

    def write_polygons(self, path: str, tags: Mapping[str, str]) -> None:
        """Write each finding as the union of its cells' squares, as GeoJSON."""
        self._write(path, map(self._outline, self.clusters.found), tags)

    def write_points(self, path: str, tags: Mapping[str, str]) -> None:
        """Write each finding as its centre, weighted by probability, as GeoJSON."""
        middles = (_middle(cluster) for cluster in self.clusters.found)
        places = (self.grid.places(np.array(row), np.array(column)) for row, column in middles)
        self._write(path, (point(float(x), float(y)) for x, y in places), tags)

    def write_cells(
        self,
        path: str,
        probability: np.ndarray,
        threshold: float,
        impacts: Impacts | None,
        tags: Mapping[str, str],
    ) -> None:
        """Write every cell from the threshold on as a point; dropped ones are of no finding."""
        rows, columns = np.nonzero(probability >= threshold)
        owner = np.zeros(probability.shape, dtype=np.int64)
        for number, cluster in enumerate(self.clusters.found, start=1):
            owner[cluster.rows, cluster.columns] = number
        classes = None if impacts is None else impacts.of_grid(probability.shape)
        x, y = self.grid.places(rows, columns)
        degrees = longitude_latitude(self.grid.image.crs_wkt, x, y) if len(rows) else None
        write_features(
            path,
            (
                {
                    "row": row,
                    "column": column,
                    "probability": probability[row, column],
                    "impact": ""
                    if classes is None or impacts is None
                    else impacts.classes[classes[row, column]],
                    "finding": int(owner[row, column]) or None,
                    "longitude": None if degrees is None else degrees[0][number],
                    "latitude": None if degrees is None else degrees[1][number],
                }
                for number, (row, column) in enumerate(zip(rows, columns))
            ),
            (point(float(east), float(north)) for east, north in zip(x, y)),
            fields=CELL_FIELDS,
            crs_wkt=self.grid.image.crs_wkt,
            name="cells",
            tags=tags,
        )

    def _write(
        self, path: str, geometries: Iterator[Mapping[str, Any]], tags: Mapping[str, str]
    ) -> None:
        write_features(
            path,
            self.rows(),
            geometries,
            fields=FIELDS,
            crs_wkt=self.grid.image.crs_wkt,
            name="findings",
            tags=tags,
        )

    def _outline(self, cluster: Cluster) -> dict[str, Any]:
        """Return the union of the cells' squares; parts that touch at a corner stay apart in it.

        As one ring they would touch themselves, which is no valid polygon.
        """
        top, left = int(cluster.rows.min()), int(cluster.columns.min())
        shape = int(cluster.rows.max()) - top + 1, int(cluster.columns.max()) - left + 1
        mask = np.zeros(shape, dtype=np.uint8)
        mask[cluster.rows - top, cluster.columns - left] = 1
        placed = self.grid.transform @ Affine.translation(left, top)
        parts = [geometry["coordinates"] for geometry, _ in polygons(mask, placed)]
        if len(parts) == 1:
            return {"type": "Polygon", "coordinates": parts[0]}
        return {"type": "MultiPolygon", "coordinates": parts}


def _middle(cluster: Cluster) -> tuple[float, float]:
    """Return row and column of a cluster's centre, weighted by probability."""
    weights = np.maximum(cluster.probability, _LEAST_WEIGHT)
    return (
        float(np.average(cluster.rows, weights=weights)),
        float(np.average(cluster.columns, weights=weights)),
    )
