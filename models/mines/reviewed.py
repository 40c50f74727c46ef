"""Reviewed findings as examples: what the analyst confirmed and what the detector got wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, Window
from gossan.models.mines import geometry
from gossan.models.mines.chips import (
    BACKGROUND,
    CELL_BACKGROUND,
    CELL_MINE,
    HIGH,
    LOW,
    MINE,
    MINE_CLASSES,
    NO_ORE,
    TILE,
    ChipImage,
    ChipWriter,
    Label,
    cell_window,
    point_window,
)
from gossan.models.mines.edge_chips import EdgeChip, edge_chip
from gossan.models.mines.extraction import Counts
from gossan.models.mines.masks import inside_polygons, outlines

CONFIRMED = {"mine": MINE, "dam": "dam"}
REJECTED = "false"
UNSURE = "unsure"

_IMPACTS = (HIGH, LOW)


@dataclass(frozen=True)
class Finding:
    """A reviewed finding.

    Parameters
    ----------
    number : str
        By which people know it.
    decision : str
        ``mine``, ``dam``, ``false``, ``unsure`` or empty.
    impact : str
        Class of impact; empty where unknown.
    reason : str
        Why it was rejected.
    geometry : dict
        GeoJSON in the CRS of the image: the cells of a polygon, or the place of a point.
    """

    number: str
    decision: str
    impact: str
    reason: str
    geometry: dict[str, Any]


def read_findings(rows: Sequence[dict[str, Any]], decision: str, path: str) -> list[Finding]:
    """Read findings from GeoJSON features.

    Parameters
    ----------
    rows : sequence of dict
        Features.
    decision : str
        Field of the decisions.
    path : str
        For messages.

    Raises
    ------
    InputError
        When there is no such field, or a decision is unknown.
    """
    found: list[Finding] = []
    for row in rows:
        values, shape = row.get("properties") or {}, row.get("geometry")
        if decision not in values:
            raise InputError(
                f"{path} has no field {decision!r}: the findings are to be reviewed first. Its "
                f"fields are {', '.join(values)}."
            )
        decided = str(values[decision] or "").strip().lower()
        if decided not in (*CONFIRMED, REJECTED, UNSURE, ""):
            raise InputError(
                f"{path}, finding {values.get('finding')}: the decision {decided!r} is unknown; it "
                "may be mine, dam, false, unsure or empty."
            )
        if shape:
            impact = str(values.get("impact") or "").strip().lower()
            reason = str(values.get("reason") or "").strip()
            number = str(values.get("finding") or len(found) + 1)
            found.append(Finding(number, decided, impact, reason, shape))
    return found


def cut_findings(
    image: ChipImage,
    findings: Sequence[Finding],
    size: int,
    writer: ChipWriter,
    counts: Counts,
    progress: Progress,
    *,
    largest_missing: float,
) -> set[str]:
    """Cut chips of confirmed and of rejected findings.

    A confirmed polygon gives the cell of it that is nearest to its middle and those beside that
    one, for the finding as a whole was confirmed and its fringe may be something else; a rejected
    one gives each of its cells, for none of them is a mine. Points give the chip around them.

    Parameters
    ----------
    size : int
        243 for the detector, 21 for the impact classifier.

    Returns
    -------
    set of str
        Numbers of the findings that lie on the image.
    """
    seen: set[str] = set()
    for number, finding in enumerate(findings):
        progress.fraction(number / max(len(findings), 1))
        places, are_cells = places_of(finding, image.raster.info)
        if not places:
            continue
        seen.add(finding.number)
        site = f"{Path(image.raster.info.path).stem}, finding {finding.number}"
        label = _label(finding, size, site, counts)
        if label is None:
            continue
        chosen = places if finding.decision == REJECTED else _core(places)
        for row, column in chosen:
            shape = _shape_of(image, row, column, size, are_cells=are_cells)
            if shape is None:
                counts.dropped["nearer to the edge of an image than half a chip"] += 1
                continue
            missing = image.missing(shape.window)
            if missing.mean() > largest_missing:
                counts.dropped[f"more than {largest_missing:.0%} of their chip is missing"] += 1
                continue
            called, cells = label, None
            if isinstance(shape, EdgeChip):
                called, cells = _as_tile(label), shape.classes(_cell_class(label.klass))
                row, column = (geometry.centre(_cell_at(place)) for place in (row, column))
            writer.cut(image, shape.window, (row, column), called, missing=missing, cells=cells)
            counts.cut[label.klass] += 1
    return seen


class _Square(NamedTuple):
    """A chip whose middle counts."""

    window: Window


def _shape_of(
    image: ChipImage, row: float, column: float, size: int, *, are_cells: bool
) -> _Square | EdgeChip | None:
    """Return where the chip of a place is cut; None where none fits into the image."""
    cell = _cell_at(row), _cell_at(column)
    if are_cells and size == geometry.EXACT_CHIP:
        window = cell_window(*cell, size)
    else:
        window = point_window(row, column, size)
    if image.holds(window):
        return _Square(window)
    if size != geometry.EXACT_CHIP:
        return None
    # At the edge a point stands for the cell of the search that it lies in, if in any.
    info = image.raster.info
    if not (
        0 <= cell[0] < geometry.cells(info.height) and 0 <= cell[1] < geometry.cells(info.width)
    ):
        return None
    return edge_chip(*cell, info.height, info.width)


def _as_tile(label: Label) -> Label:
    """Return the label of an edge's chip, whose class stands in the raster of its cells."""
    note = f"{label.klass} at the edge"
    return Label(TILE, label.origin, label.group, f"{note}: {label.note}" if label.note else note)


def _cell_class(klass: str) -> int:
    return CELL_MINE if klass in MINE_CLASSES else CELL_BACKGROUND


def places_of(finding: Finding, info: RasterInfo) -> tuple[list[tuple[float, float]], bool]:
    """Return the places of a finding on an image.

    Returns
    -------
    places : list of (row, column)
        Corner-based pixels: the centres of the cells of a polygon, or the middle of the pixel of a
        point or of a polygon smaller than a cell; nothing where it lies off the image.
    are_cells : bool
        Whether they are centres of cells.
    """
    if info.transform is None:
        raise InputError(f"{info.path} has no georeference, so findings have no place on it.")
    if finding.geometry["type"] in ("Polygon", "MultiPolygon"):
        cells = _cells_within(finding.geometry, info, info.transform)
        if cells:
            return cells, True
    positions = [position[:2] for line in outlines(finding.geometry) for position in line]
    x, y = np.array(positions, dtype=np.float64).mean(axis=0)
    column, row = ~info.transform @ (float(x), float(y))
    inside = 0 <= row < info.height and 0 <= column < info.width
    return ([(math.floor(row) + 0.5, math.floor(column) + 0.5)] if inside else []), False


def _cells_within(
    shape: dict[str, Any], info: RasterInfo, transform: Affine
) -> list[tuple[float, float]]:
    """Return the centres of the cells whose middle pixel lies in a polygon."""
    rings = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    corners = np.array([position[:2] for polygon in rings for position in polygon[0]])
    a, b, c, d, e, f = tuple(~transform)[:6]
    columns = a * corners[:, 0] + b * corners[:, 1] + c
    rows = d * corners[:, 0] + e * corners[:, 1] + f
    down = _range(rows, geometry.cells(info.height))
    across = _range(columns, geometry.cells(info.width))
    centres = [(geometry.centre(r), geometry.centre(c)) for r in down for c in across]
    if not centres:
        return []
    inside = inside_polygons(np.array(centres), [shape], transform)
    return [place for place, within in zip(centres, inside) if within]


def _range(places: np.ndarray, cells: int) -> range:
    low = math.floor((places.min() - geometry.FIRST_CENTRE) / geometry.STRIDE)
    high = math.ceil((places.max() - geometry.FIRST_CENTRE) / geometry.STRIDE)
    return range(max(low, 0), min(high + 1, cells))


def _cell_at(place: float) -> int:
    return round((place - geometry.FIRST_CENTRE) / geometry.STRIDE)


def _core(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the place that is nearest to the mean of all, and the cells beside it."""
    array = np.array(places)
    nearest = array[np.argmin(((array - array.mean(axis=0)) ** 2).sum(axis=1))]
    beside = np.abs(array - nearest).max(axis=1) <= geometry.STRIDE
    return [place for place, near in zip(places, beside) if near]


def _label(finding: Finding, size: int, group: str, counts: Counts) -> Label | None:
    """Return what the chips of a finding are called; None (counted) where they teach nothing."""
    if finding.decision in ("", UNSURE):
        why = "unsure" if finding.decision else "not reviewed"
        counts.dropped[f"findings that are {why}"] += 1
        return None
    if finding.decision == REJECTED:
        klass = NO_ORE if size == geometry.IMPACT_CHIP else BACKGROUND
        return Label(klass, "reviewed", group=group, note=finding.reason)
    if finding.impact in _IMPACTS:
        return Label(finding.impact, "reviewed", group=group, note=finding.decision)
    if size == geometry.IMPACT_CHIP:
        counts.dropped["confirmed findings without a class of impact"] += 1
        return None
    return Label(CONFIRMED[finding.decision], "reviewed", group=group, note=finding.decision)
