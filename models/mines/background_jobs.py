"""Job: spread background points over strata, away from known mines."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from affine import Affine

from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, open_raster
from gossan.core.raster_stack import on_grid
from gossan.core.vectors import point, write_features
from gossan.models.mines.background import (
    Background,
    Spread,
    Strata,
    block_side,
    class_strata,
    image_strata,
    keep_within,
    spread_points,
)
from gossan.models.mines.chips import BACKGROUND
from gossan.models.mines.image_grid import pixel_metres
from gossan.models.mines.masks import read_geometries

POINT_FIELDS: Mapping[str, type] = {
    "class": str,
    "stratum": int,
    "stratum_name": str,
    "mine_distance_m": float,
}


@job_files(reads=("raster", "strata", "area", "mines"), writes=("points",))
def sample_background(
    progress: Progress,
    *,
    points: str,
    raster: str = "",
    strata: str = "",
    area: str = "",
    mines: str = "",
    count: int = 300,
    mine_distance: float = 2500.0,
    spacing: float = 500.0,
    clusters: int = 8,
    seed: int = 0,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Spread background points over the ground, every stratum alike.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    points : str
        Points to write (.geojson), in the CRS of the image, else of the strata.
    raster : str
        Image; its blocks are clustered into strata where ``strata`` is empty.
    strata : str
        Class raster, such as land cover; 0 is none.
    area : str
        GeoJSON of polygons, in that CRS; all of the image when empty.
    mines : str
        GeoJSON of known mines, points or polygons, in that CRS.
    count : int
        Points wanted.
    mine_distance, spacing : float
        Least distance to known mines and between two points, metres.
    clusters : int
        Strata that an image is clustered into.
    seed : int
        The same seed gives the same points.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the output.

    Returns
    -------
    dict
        ``points`` (path), ``count``, ``wanted`` and ``strata`` (number of points by name).
    """
    spread = Spread(count, mine_distance, spacing, seed)
    known = read_geometries(mines) if mines else []
    within = read_geometries(area) if area else []
    with ExitStack() as opened:
        base = opened.enter_context(open_raster(raster or strata))
        info = base.info
        if info.transform is None:
            raise InputError(f"{info.path} has no georeference, so its points have no place.")
        metres = _metres(info, progress)
        side = block_side(info.height, info.width, float(np.sqrt(metres[0] * metres[1])))
        if strata:
            classes = base
            if raster:
                classes = on_grid(opened.enter_context(open_raster(strata)), info, nearest=True)
            names = dict(classes.info.categories)
            found = class_strata(classes, side, names, progress.part(0.0, 0.6))
        else:
            found = image_strata(base, side, clusters, seed, progress.part(0.0, 0.6))
    if within:
        found = keep_within(found, within, info.transform)
        if not (found.labels > 0).any():
            raise InputError("The area and the image have no ground in common.")
    chosen = spread_points(found, metres, known, info.transform, spread, progress.part(0.6, 1.0))
    if not len(chosen.places):
        raise InputError(
            f"No place lies {mine_distance:g} m or more from the known mines. Ask for a smaller "
            "distance or a larger area."
        )
    told = _tell(found, chosen, count, progress)
    _write(points, chosen, found, info.transform, info, Origin.from_dict(origin))
    return {"points": points, "count": len(chosen.places), "wanted": count, "strata": told}


def _metres(info: RasterInfo, progress: Progress) -> tuple[float, float]:
    metres = pixel_metres(info, info.height / 2, info.width / 2)
    if metres is None:
        size = info.pixel_size or 1.0
        progress.warn(
            f"{info.path} does not tell how large its pixels are: distances are taken in its own "
            "units."
        )
        return size, size
    return metres


def _tell(strata: Strata, chosen: Background, wanted: int, progress: Progress) -> dict[str, int]:
    """Say how many points each stratum has, and how much of the ground it covers."""
    labels, blocks = np.unique(strata.labels[strata.labels > 0], return_counts=True)
    told = {}
    for label, covered in zip(labels, blocks):
        name = strata.names[int(label)]
        told[name] = int((chosen.strata == label).sum())
        progress.say(f"{name}: {told[name]} points, {covered / blocks.sum():.1%} of the ground.")
    if len(chosen.places) < wanted:
        progress.warn(
            f"{len(chosen.places)} of {wanted} points were found: there is no room for more at "
            "these distances. Ask for smaller ones or a larger area."
        )
    return told


def _write(
    path: str,
    chosen: Background,
    strata: Strata,
    transform: Affine,
    info: RasterInfo,
    origin: Origin,
) -> None:
    rows = [
        {
            "class": BACKGROUND,
            "stratum": int(label),
            "stratum_name": strata.names[int(label)],
            "mine_distance_m": float(distance),
        }
        for label, distance in zip(chosen.strata, chosen.distances)
    ]
    write_features(
        path,
        rows,
        (point(*(transform @ (column, row))) for row, column in chosen.places),
        fields=POINT_FIELDS,
        crs_wkt=info.crs_wkt,
        name="background",
        tags=origin.tags(),
    )
