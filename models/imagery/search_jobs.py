"""Job: search scenes in a catalogue of images."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rasterio.crs import CRS

from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.remote import RemoteAccess
from gossan.core.vectors import write_features
from gossan.models.imagery.catalogues import catalogue_of
from gossan.models.imagery.found_scenes import FIELDS
from gossan.models.imagery.scene import parse_date, within
from gossan.models.imagery.search_area import SearchArea, area_of_extent, area_of_layer
from gossan.models.imagery.stac_client import PatientIO, search_items
from gossan.models.imagery.stac_items import scene_row

MOST = 10_000


@job_files(reads=("area",), writes=("output",))
def search(
    progress: Progress,
    *,
    catalogue: str,
    url: str = "",
    collection: str = "",
    extent: Sequence[float] = (),
    extent_crs: str = "",
    area: str = "",
    start: str = "",
    end: str = "",
    cloud_limit: float = 20.0,
    coverage: float = 0.0,
    most: int = 500,
    timeout: float = 30.0,
    retries: int = 4,
    proxy: str = "",
    headers: Mapping[str, Any] | None = None,
    output: str,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Find the scenes of an area and a period, best first.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    catalogue, url, collection : str
        See `gossan.models.imagery.catalogues.catalogue_of`.
    extent : sequence of float
        Least x, least y, greatest x, greatest y; or give ``area``.
    extent_crs : str
        That of the extent; degrees when empty.
    area : str
        GeoJSON in longitude and latitude.
    start, end : str
        First and last day, ``YYYY-MM-DD``; empty for no limit.
    cloud_limit : float
        Scenes with more cloud are left out, percent; those that tell nothing of clouds stay.
    coverage : float
        Scenes that cover less of the area are left out, percent.
    most : int
        Scenes to take from the catalogue at most.
    timeout : float
        Seconds to wait for an answer.
    retries : int
        How often a failed request is repeated.
    proxy, headers
        See `gossan.core.remote.RemoteAccess`.
    output : str
        GeoJSON of footprints to write, with the fields of
        `gossan.models.imagery.found_scenes.FIELDS`.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the output.

    Returns
    -------
    dict
        ``found`` (scenes written), ``best_coverage`` (percent of the area that the best one
        covers), ``covered`` (percent that all together cover) and ``output``.

    Raises
    ------
    InputError
        When a parameter cannot be used.
    FileError
        When the catalogue gives no usable answer.
    """
    made = Origin.from_dict(origin)
    source = catalogue_of(catalogue, url, collection)
    place = _area(extent, extent_crs, area)
    first, last = parse_date(start, "The first day"), parse_date(end, "The last day")
    _check(first, last, cloud_limit, coverage, most, timeout)
    access = RemoteAccess(
        proxy, {str(k): str(v) for k, v in (headers or {}).items()}, timeout, retries
    )
    progress.say(
        f"Searching {source.collection} at {source.url}, longitude {place.bbox[0]:.4g} to "
        f"{place.bbox[2]:.4g}, latitude {place.bbox[1]:.4g} to {place.bbox[3]:.4g}."
    )
    io = PatientIO(access, progress)
    scenes: list[tuple[dict[str, Any], dict[str, Any]]] = []
    left_out = {"footprint": 0, "cloud": 0, "coverage": 0, "period": 0}
    total = 0
    for item in search_items(
        source.url, source.collection, place.bbox, (first, last), cloud_limit, most, io, progress
    ):
        total += 1
        progress.fraction(min(total / most, 0.99))
        row, geometry = scene_row(item, source.collection), item.get("geometry") or {}
        share = _share(place, geometry)
        if share is None:
            left_out["footprint"] += 1
        elif not within(_day(row), first, last):
            left_out["period"] += 1
        elif row["cloud_cover"] is not None and row["cloud_cover"] > cloud_limit:
            left_out["cloud"] += 1
        elif share <= 0.0 or 100.0 * share < coverage:
            left_out["coverage"] += 1
        else:
            scenes.append(({**row, "coverage": round(100.0 * share, 1)}, geometry))
    scenes.sort(key=_best_first)
    rows = [{"rank": rank, **row} for rank, (row, _) in enumerate(scenes, start=1)]
    geometries = [geometry for _, geometry in scenes]
    write_features(
        output,
        rows,
        geometries,
        fields=FIELDS,
        crs_wkt=CRS.from_epsg(4326).to_wkt(),
        name="found scenes",
        tags=made.tags(),
    )
    covered = 100.0 * place.covered(*geometries)
    _tell(progress, rows, total, most, left_out, covered)
    return {
        "found": len(rows),
        "best_coverage": rows[0]["coverage"] if rows else 0.0,
        "covered": round(covered, 1),
        "output": output,
    }


def _area(extent: Sequence[float], extent_crs: str, area: str) -> SearchArea:
    if bool(extent) == bool(area):
        raise InputError("Give either an extent or a layer as the area to search.")
    return area_of_layer(area) if area else area_of_extent(extent, extent_crs)


def _check(
    first: datetime.date | None,
    last: datetime.date | None,
    cloud_limit: float,
    coverage: float,
    most: int,
    timeout: float,
) -> None:
    if first and last and first > last:
        raise InputError(f"The first day {first} lies after the last one {last}.")
    for value, what in ((cloud_limit, "cloud limit"), (coverage, "least coverage")):
        if not 0.0 <= value <= 100.0:
            raise InputError(f"A {what} of {value:g} is no percentage from 0 to 100.")
    if not 1 <= most <= MOST:
        raise InputError(f"Scenes to take at most: {most} is not from 1 to {MOST}.")
    if not (math.isfinite(timeout) and timeout > 0):
        raise InputError(f"A time-out of {timeout:g} s makes no sense. Give one above zero.")


def _day(row: Mapping[str, Any]) -> datetime.date | None:
    """Return the day of a scene; None where the catalogue gives none that can be understood."""
    try:
        return parse_date(row["date"], row["scene"])
    except InputError:
        return None


def _share(area: SearchArea, geometry: Mapping[str, Any]) -> float | None:
    """Return the share of the area under a footprint; None for a footprint that is none."""
    if geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return None
    try:
        return area.covered(geometry)
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def _best_first(scene: tuple[dict[str, Any], Any]) -> tuple[Any, ...]:
    row = scene[0]
    cloud = row["cloud_cover"]
    return -round(row["coverage"]), cloud is None, cloud or 0.0, row["date"], row["scene"]


def _tell(
    progress: Progress,
    rows: Sequence[Mapping[str, Any]],
    total: int,
    most: int,
    left_out: Mapping[str, int],
    covered: float,
) -> None:
    reasons = {
        "footprint": "have no usable footprint",
        "cloud": "have more cloud",
        "coverage": "cover too little of the area",
        "period": "are of other days",
    }
    for reason, count in left_out.items():
        if count:
            progress.say(f"{count} of the scenes {reasons[reason]} and are left out.")
    if not rows:
        progress.warn(
            "No scene was found. Raise the cloud limit, widen the period, or check the area and "
            "the collection."
        )
        return
    best = rows[0]
    cloud = "unknown cloud" if best["cloud_cover"] is None else f"{best['cloud_cover']:.0f} % cloud"
    progress.say(
        f"{len(rows)} scenes, which together cover {covered:.0f} % of the area. Best: "
        f"{best['scene']}, {best['date'][:10]}, {cloud}, {best['coverage']:.0f} % of the area."
    )
    if total >= most:
        progress.warn(
            f"The catalogue has more than the {most} scenes that were asked for. Narrow the period "
            "or the area, or take more."
        )
    unknown = sum(row["cloud_cover"] is None for row in rows)
    if unknown:
        progress.warn(f"{unknown} scenes tell nothing of their clouds.")
