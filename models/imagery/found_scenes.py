"""Scenes that a search has found: their fields, and how the composite reads them back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gossan.core.bands import Band
from gossan.core.errors import FileError, InputError
from gossan.core.remote import gdal_address
from gossan.core.sensors import SENSORS
from gossan.core.vectors import positions
from gossan.models.imagery.scene import (
    LANDSAT,
    LANDSAT_LEVEL2,
    SENTINEL2,
    BandSource,
    Scene,
    parse_date,
    sentinel2_added,
)
from gossan.models.mines.image_scale import SENTINEL2_SCALE

_WIDEST = 180.0

FIELDS: dict[str, type] = {
    "rank": int,
    "scene": str,
    "collection": str,
    "date": str,
    "cloud_cover": float,
    "coverage": float,
    "platform": str,
    "level": str,
    "baseline": str,
    "offset_removed": str,
    "tile": str,
    "wrs_path": int,
    "wrs_row": int,
    "sun_elevation": float,
    "assets": str,
}
"""What a search tells of each scene, in this order; ``assets`` is JSON, see `Asset`."""

READ_FIELDS = (
    "scene",
    "date",
    "cloud_cover",
    "platform",
    "level",
    "baseline",
    "offset_removed",
    "assets",
)
"""What the composite needs of them."""


@dataclass(frozen=True)
class Asset:
    """One band or mask of a found scene.

    Parameters
    ----------
    href : str
        Address of its file.
    index : int
        Band of the file, from 0.
    scale, offset : float or None
        As the catalogue says.
    """

    href: str
    index: int = 0
    scale: float | None = None
    offset: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what the field ``assets`` holds of it: nothing that stands at its default."""
        plain: dict[str, Any] = {"href": self.href}
        if self.index:
            plain["index"] = self.index
        if self.scale is not None:
            plain["scale"] = self.scale
        if self.offset is not None:
            plain["offset"] = self.offset
        return plain


def read_found_scenes(
    path: str,
    *,
    scale: float | None = None,
    offset: float | None = None,
    offset_removed: bool = False,
) -> list[Scene]:
    """Return the scenes of a layer of found scenes.

    Parameters
    ----------
    path : str
        GeoJSON with the fields `READ_FIELDS`.
    scale, offset : float or None
        Reflectance = stored number x scale + offset for all of them, instead of what the
        catalogue says.
    offset_removed : bool
        The offset of Sentinel-2's baseline 04.00 is off already, whatever the catalogue says.

    Raises
    ------
    FileError
        When it cannot be read.
    InputError
        When a field is missing or a scene cannot be used.
    """
    try:
        features = json.loads(Path(path).read_text(encoding="utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise FileError(f"The layer of found scenes cannot be read ({problem}).") from problem
    scenes = []
    for number, feature in enumerate(features, start=1):
        row = feature.get("properties") or {}
        missing = [name for name in READ_FIELDS if name not in row]
        if missing:
            raise InputError(
                f"The layer of scenes has no field {', '.join(missing)}. Use a layer made by "
                "Search imagery, with all its fields."
            )
        if offset_removed:
            row = {**row, "offset_removed": "yes"}
        scene = _scene(row, number, scale, offset)
        scenes.append(replace(scene, footprint=_footprint(feature.get("geometry"))))
    return scenes


def _scene(row: Mapping[str, Any], number: int, scale: float | None, offset: float | None) -> Scene:
    name = str(row["scene"] or f"scene {number}")
    assets = _assets(row["assets"], name)
    sensor = sensor_of(str(row["platform"] or ""))
    baseline = str(row["baseline"] or "")
    removed = str(row["offset_removed"] or "").lower() == "yes"
    added = 0.0 if removed or sensor != SENTINEL2 else sentinel2_added(baseline)
    known = SENSORS.get(sensor_key(str(row["platform"] or "")), {})
    bands: list[tuple[Band, BandSource]] = []
    masks: dict[str, BandSource] = {}
    for key, asset in assets.items():
        if not re.fullmatch(r"B\d{1,2}A?", key):
            masks[key] = BandSource(gdal_address(asset.href), asset.index)
            continue
        gain, shift = _rescaling(asset, name, sensor, str(row["level"] or ""), added)
        if scale is not None or offset is not None:
            gain, shift = 1.0 if scale is None else scale, offset or 0.0
        centre, width = known.get(key, (None, None))
        band = Band(len(bands), key, centre, width)
        bands.append((band, BandSource(gdal_address(asset.href), asset.index, gain, shift)))
    if not bands:
        raise InputError(f"The scene {name} lists no band. Leave it out of the layer.")
    cloud = row["cloud_cover"]
    return Scene(
        name,
        tuple(bands),
        parse_date(str(row["date"] or ""), f"The date of the scene {name}"),
        sensor,
        baseline,
        added,
        masks,
        None if cloud is None else float(cloud) / 100.0,
    )


def _footprint(geometry: Any) -> tuple[float, float, float, float] | None:
    """Return the box of a geometry in degrees; None without one, or where it spans the world."""
    points = list(positions(geometry)) if isinstance(geometry, dict) else []
    if not points:
        return None
    xs, ys = zip(*points)
    # A footprint across the 180th meridian has both of its ends there.
    return None if max(xs) - min(xs) > _WIDEST else (min(xs), min(ys), max(xs), max(ys))


def _assets(text: Any, name: str) -> dict[str, Asset]:
    try:
        listed = json.loads(text)
        return {
            str(key): Asset(
                str(entry["href"]),
                int(entry.get("index", 0)),
                _number(entry.get("scale")),
                _number(entry.get("offset")),
            )
            for key, entry in listed.items()
        }
    except (TypeError, ValueError, KeyError, AttributeError) as problem:
        raise InputError(
            f"The assets of the scene {name} are damaged (some formats cut texts off after 254 "
            "characters: keep the layer as GeoPackage or GeoJSON)."
        ) from problem


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _rescaling(
    asset: Asset, name: str, sensor: str, level: str, added: float
) -> tuple[float, float]:
    """Return gain and shift to reflectance."""
    if sensor == SENTINEL2:
        # By baseline and flag: catalogues are known to list an offset that is off already.
        return SENTINEL2_SCALE, -added * SENTINEL2_SCALE
    if sensor == LANDSAT:
        if level.upper().startswith("L1"):
            raise InputError(
                f"The scene {name} is of Landsat's level 1, which needs its metadata file to "
                "become reflectance. Search level 2, or download it and use the files."
            )
        return LANDSAT_LEVEL2
    return 1.0 if asset.scale is None else asset.scale, asset.offset or 0.0


def sensor_of(platform: str) -> str:
    """Return the kind of satellite that a platform (``sentinel-2a``, ``landsat-9``) is."""
    text = platform.lower().replace("_", "-")
    if text.startswith("sentinel-2"):
        return SENTINEL2
    return LANDSAT if text.startswith("landsat") else ""


def sensor_key(platform: str) -> str:
    """Return a platform's name among the known sensors: ``sentinel-2a`` is ``sentinel-2``."""
    text = platform.lower().replace("_", "-")
    return SENTINEL2 if text.startswith(SENTINEL2) else text
