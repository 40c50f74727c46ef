"""Scenes: what they are called, where they lie, and where their pixels are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.core.landsat_mtl import LandsatScene, find_mtl_files, read_mtl
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.core.samples import read_table
from gossan.models.deposits import collar, wrs
from gossan.models.deposits.sphere import Rings

FOOTPRINTS = ("valid pixels or corners", "corners of the file")
"""The outline of the valid pixels where they are at hand, or the corners that the MTL gives."""

_RASTERS = (".tif", ".tiff", ".img", ".dat", ".vrt", ".jp2", ".bsq", ".bil", ".bip")


@dataclass(frozen=True)
class Scene:
    """One scene.

    Parameters
    ----------
    name : str
        Product or scene identifier, or the name of its file or polygon.
    rings : rings
        Its footprint: longitude and latitude, degrees, edges along great circles.
    footprint : str
        Where the footprint comes from, in words.
    file : str
        Its MTL file or raster; empty where there are no pixels.
    spacecraft : str
        ``LANDSAT_8``; empty where unknown.
    wrs_path, wrs_row : int or None
    date : str
        ``2015-08-04``; empty where unknown.
    cloud_cover : float or None
        Percent, from the metadata.
    """

    name: str
    rings: Rings
    footprint: str
    file: str = ""
    spacecraft: str = ""
    wrs_path: int | None = None
    wrs_row: int | None = None
    date: str = ""
    cloud_cover: float | None = None


def scenes_in_folder(
    folder: str | os.PathLike[str], rule: str, band: str, progress: Progress
) -> list[Scene]:
    """Return the scenes in a folder and all folders below it.

    Parameters
    ----------
    folder : path
        Every MTL file is a scene, and so is every raster in a folder without one.
    rule : str
        One of `FOOTPRINTS`.
    band : str
        Band that tells which pixels are valid, such as ``B7``; another one stands in for it.

    Raises
    ------
    FileError
        When there is no such folder.
    InputError
        When no scene in it has a footprint.
    """
    if rule not in FOOTPRINTS:
        raise InputError(f"Unknown footprints {rule!r}; use one of {', '.join(FOOTPRINTS)}.")
    metadata = find_mtl_files(folder)
    rasters = _rasters_without_metadata(Path(folder), {file.parent for file in metadata})
    files = [*metadata, *rasters]
    if not files:
        raise InputError(
            f"{folder} holds neither Landsat metadata (..._MTL.txt, .xml or .json) nor rasters. "
            "Choose the folder that holds the scenes."
        )
    scenes = []
    for number, file in enumerate(files):
        try:
            if number < len(metadata):
                scenes.append(_landsat_scene(read_mtl(file), rule, band, progress))
            else:
                scenes.append(_raster_scene(file, progress))
        except (InputError, FileError) as problem:
            progress.warn(f"Left out: {problem}")
        progress.fraction((number + 1) / len(files))
    if not scenes:
        raise InputError(f"None of the {len(files)} scenes in {folder} can be used; see the log.")
    return scenes


def scenes_of_polygons(path: str | os.PathLike[str]) -> list[Scene]:
    """Return scenes of polygons in a GeoJSON file in longitude and latitude.

    Fields named as `Scene` has them (``name``, ``file``, ``wrs_path`` ...) are taken over.

    Raises
    ------
    InputError
        When it holds no polygon.
    """
    scenes = []
    for number, feature in enumerate(read_features(path), start=1):
        rings = rings_of(feature.get("geometry"))
        if not rings:
            continue
        fields = {str(k).lower(): v for k, v in (feature.get("properties") or {}).items()}
        name = str(fields.get("name") or feature.get("id") or number)
        known = wrs.identify(name)
        scenes.append(
            Scene(
                name=name,
                rings=rings,
                footprint=str(fields.get("footprint") or "polygon"),
                file=str(fields.get("file") or ""),
                spacecraft=str(fields.get("spacecraft") or (known.spacecraft if known else "")),
                wrs_path=_whole(fields.get("wrs_path")) or (known.wrs_path if known else None),
                wrs_row=_whole(fields.get("wrs_row")) or (known.wrs_row if known else None),
                date=str(fields.get("date") or (known.date if known else "")),
                cloud_cover=_decimal(fields.get("cloud_cover")),
            )
        )
    if not scenes:
        raise InputError("The footprint layer has no polygon with a geometry.")
    return scenes


def scenes_of_names(path: str, progress: Progress) -> list[Scene]:
    """Return scenes of a list of Landsat 4 to 9 identifiers, with their nominal WRS-2 frames.

    Parameters
    ----------
    path : path
        Text or CSV with a header; the identifiers stand in its first column.

    Raises
    ------
    InputError
        When no line names a scene of Landsat 4 to 9.
    """
    header, rows = read_table(path)
    names = [row[0].strip() for row in ([header] if wrs.identify(header[0]) else []) + rows]
    scenes, odd = [], []
    for name in names:
        known = wrs.identify(name)
        if known is None or not (known.wrs_path <= wrs.PATHS and known.wrs_row <= wrs.ROWS):
            odd.append(name)
            continue
        bare = name[:-4] if name.endswith("_MTL") else name
        rings = [wrs.frame(known.wrs_path, known.wrs_row)]
        scenes.append(Scene(bare, rings, "WRS-2 frame", "", *known))
    if odd:
        progress.warn(
            f"{Path(path).name}: {len(odd)} lines name no scene of Landsat 4 to 9, such as "
            f"{odd[0]!r:.60}; they are left out."
        )
    if not scenes:
        raise InputError(
            f"{path} names no scene of Landsat 4 to 9 in its first column, such as "
            "LT04_L1TP_032024_19821211_20170220_01_T1."
        )
    return scenes


def without_repeats(scenes: Sequence[Scene], progress: Progress) -> list[Scene]:
    """Return the scenes, each name once; scenes of other files get a number behind their name."""
    seen: dict[str, Scene] = {}
    repeats = 0
    for scene in scenes:
        name, number = scene.name, 1
        known = seen.get(name)
        while known is not None and known.file != scene.file:
            number += 1
            name = f"{scene.name} ({number})"
            known = seen.get(name)
        if known is not None:
            repeats += 1
            continue
        seen[name] = replace(scene, name=name)
    if repeats:
        progress.say(f"{repeats} scenes were given twice and count once.")
    return list(seen.values())


def read_features(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON file.

    Raises
    ------
    FileError
        When it cannot be read.
    InputError
        When it is no GeoJSON collection.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        features = content["features"]
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise InputError(f"{path} is no GeoJSON feature collection.") from problem
    return list(features)


def rings_of(geometry: Any) -> list[np.ndarray]:
    """Return all rings of a GeoJSON polygon or multipolygon; none for anything else."""
    if not isinstance(geometry, dict):
        return []
    coordinates = geometry.get("coordinates") or []
    if geometry.get("type") == "Polygon":
        coordinates = [coordinates]
    elif geometry.get("type") != "MultiPolygon":
        return []
    rings = [np.array(ring, dtype=np.float64)[:, :2] for part in coordinates for ring in part]
    return [ring for ring in rings if len(ring) >= 3]


def band_file(scene: LandsatScene, band: str) -> Path | None:
    """Return the file of a band, or of the first band that is there instead."""
    names = [each.name for each in scene.bands]
    first = [name for name in names if name.upper() == band.upper()]
    for name in [*first, *names]:
        file = scene.band_path(name)
        if file is not None:
            return file
    return None


def _landsat_scene(metadata: LandsatScene, rule: str, band: str, progress: Progress) -> Scene:
    scene = Scene(
        name=metadata.product,
        rings=[],
        footprint="",
        file=os.path.abspath(metadata.path),
        spacecraft=metadata.spacecraft,
        wrs_path=metadata.wrs_path,
        wrs_row=metadata.wrs_row,
        date=metadata.date.isoformat() if metadata.date else "",
        cloud_cover=metadata.cloud_cover,
    )
    image = band_file(metadata, band) if rule == FOOTPRINTS[0] else None
    if image is not None:
        outline = _outline_of(image, progress)
        if outline is not None:
            return replace(scene, rings=[outline], footprint="valid pixels")
    if metadata.corners is not None:
        return replace(scene, rings=[np.array(metadata.corners)], footprint="MTL corners")
    if metadata.wrs_path and metadata.wrs_row:
        ring = wrs.frame(metadata.wrs_path, metadata.wrs_row)
        return replace(scene, rings=[ring], footprint="WRS-2 frame")
    raise InputError(
        f"{metadata.path} gives neither corners nor path and row, and there is no image with a "
        "CRS beside it, so where the scene lies is unknown."
    )


def _raster_scene(file: Path, progress: Progress) -> Scene:
    ring = _outline_of(file, progress)
    if ring is None:
        raise InputError(
            f"{file} has no CRS and no metadata beside it, so where it lies is unknown. Give it a "
            "CRS (Assign projection), or put its MTL file beside it."
        )
    known = wrs.identify(file.stem)
    scene = Scene(file.stem, [ring], "valid pixels", str(file.absolute()))
    if known is None:
        return scene
    spacecraft, path, row, date = known
    return replace(scene, spacecraft=spacecraft, wrs_path=path, wrs_row=row, date=date)


def _outline_of(file: Path, progress: Progress) -> np.ndarray | None:
    """Return the outline of a raster's valid pixels in degrees; None where it has no place."""
    with open_raster(file) as raster:
        if raster.info.transform is None or not raster.info.crs_wkt:
            return None
        outline = collar.outline(raster, list(range(raster.info.count)), progress)
        if outline is None:
            raise InputError(f"{file} is all collar: none of its pixels holds data.")
        return collar.to_degrees(outline, raster.info.crs_wkt)


def _rasters_without_metadata(folder: Path, with_metadata: set[Path]) -> list[Path]:
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in _RASTERS
        and file.is_file()
        and not file.name.startswith(".")
        and file.parent not in with_metadata
    ]


def _whole(value: Any) -> int | None:
    number = _decimal(value)
    return None if number is None else int(number)


def _decimal(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None
