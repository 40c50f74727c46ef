"""What a STAC item says of a scene, from the dialects of the well-known catalogues."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from gossan.models.imagery.found_scenes import Asset, sensor_key, sensor_of
from gossan.models.imagery.scene import LANDSAT, SENTINEL2, sentinel2_added

_CODE = re.compile(r"(?:^|_)B(\d{1,2}A?)(?:_[126]0m)?$", re.IGNORECASE)
_SENTINEL2_NAMES = {
    "coastal": "B1", "blue": "B2", "green": "B3", "red": "B4", "rededge1": "B5", "rededge2": "B6",
    "rededge3": "B7", "nir": "B8", "nir08": "B8A", "nir09": "B9", "cirrus": "B10", "swir16": "B11",
    "swir22": "B12",
}  # fmt: skip
_OLI_NAMES = {
    "coastal": "B1", "blue": "B2", "green": "B3", "red": "B4", "nir08": "B5", "swir16": "B6",
    "swir22": "B7", "pan": "B8", "cirrus": "B9",
}  # fmt: skip
_TM_NAMES = {
    "blue": "B1", "green": "B2", "red": "B3", "nir08": "B4", "swir16": "B5", "swir22": "B7",
    "pan": "B8",
}  # fmt: skip
_MASKS = {
    "scl": "scl",
    "scl_20m": "scl",
    "qa60": "qa60",
    "qa_pixel": "qa_pixel",
    "cloud": "probability",
    "cld": "probability",
    "cld_20m": "probability",
}
"""Assets that are masks, by their key in small letters."""


def scene_row(item: Mapping[str, Any], collection: str) -> dict[str, Any]:
    """Return the fields of a found scene, without rank and coverage.

    Parameters
    ----------
    item : mapping
        A STAC item as JSON.
    collection : str
        Where it was searched.

    Returns
    -------
    dict
        See `gossan.models.imagery.found_scenes.FIELDS`.
    """
    properties = item.get("properties") or {}
    platform = str(properties.get("platform") or _platform(item, collection))
    sensor = sensor_of(platform)
    baseline = _baseline(item, properties) if sensor == SENTINEL2 else ""
    return {
        "scene": str(item.get("id") or ""),
        "collection": str(item.get("collection") or collection),
        "date": str(properties.get("datetime") or properties.get("start_datetime") or ""),
        "cloud_cover": _number(properties.get("eo:cloud_cover")),
        "platform": platform,
        "level": _level(properties, collection),
        "baseline": baseline,
        "offset_removed": _offset_removed(properties, baseline) if sensor == SENTINEL2 else "",
        "tile": _tile(properties, str(item.get("id") or "")) if sensor == SENTINEL2 else "",
        "wrs_path": _whole(properties.get("landsat:wrs_path")),
        "wrs_row": _whole(properties.get("landsat:wrs_row")),
        "sun_elevation": _sun(properties),
        "assets": json.dumps(
            {name: asset.to_dict() for name, asset in _assets(item, platform).items()},
            ensure_ascii=False,
        ),
    }


def _assets(item: Mapping[str, Any], platform: str) -> dict[str, Asset]:
    """Return bands by their codes (``B8A``) and masks by their kinds, bands first and in order."""
    base = next(
        (
            str(link["href"])
            for link in item.get("links") or []
            if isinstance(link, dict) and link.get("rel") == "self" and link.get("href")
        ),
        "",
    )
    bands: dict[str, tuple[float, Asset]] = {}
    masks: dict[str, Asset] = {}
    for key, asset in (item.get("assets") or {}).items():
        href = asset.get("href") if isinstance(asset, dict) else None
        if not href:
            continue
        address = urljoin(base, str(href)) if base and "://" not in str(href) else str(href)
        if key.lower() in _MASKS:
            masks.setdefault(_MASKS[key.lower()], Asset(address))
            continue
        if set(asset.get("roles") or ()) & {"thumbnail", "overview", "metadata", "visual"}:
            continue
        size = _pixel_size(key, asset)
        for index, (name, scale, offset) in enumerate(_bands_of(str(key), asset, platform)):
            # One band in several pixel sizes: the finest counts.
            if name and (name not in bands or size < bands[name][0]):
                bands[name] = size, Asset(address, index, scale, offset)
    ordered = sorted(bands, key=lambda name: (int(re.sub(r"\D", "", name)), name))
    return {**{name: bands[name][1] for name in ordered}, **masks}


def _bands_of(
    key: str, asset: Mapping[str, Any], platform: str
) -> list[tuple[str, float | None, float | None]]:
    """Return name, scale and offset of each band of an asset's file; "" for what is no band."""
    spectral, stored, joined = (
        _list(asset, name) for name in ("eo:bands", "raster:bands", "bands")
    )
    count = max(len(spectral), len(stored), len(joined), 1)
    found = []
    for index in range(count):
        # STAC 1.1 joins what were two lists, and keeps the prefixes of some fields.
        together = _at(joined, index)
        about = {**together, **_at(spectral, index)}
        numbers = {
            "scale": together.get("raster:scale", asset.get("raster:scale")),
            "offset": together.get("raster:offset", asset.get("raster:offset")),
            **_at(stored, index),
        }
        texts = [about.get(name) for name in ("name", "eo:common_name", "common_name")]
        if count == 1:
            texts.insert(1, key)
        code = _code([str(text) for text in texts if text], platform)
        found.append((code, _number(numbers.get("scale")), _number(numbers.get("offset"))))
    return found


def _code(texts: list[str], platform: str) -> str:
    """Return a band's code from its name, its asset's key or its common name."""
    for text in texts:
        match = _CODE.search(text.strip())
        if match:
            return f"B{match.group(1).upper().lstrip('0')}"
    names = _names(platform)
    return next((names[text.lower()] for text in texts if text.lower() in names), "")


def _names(platform: str) -> Mapping[str, str]:
    if sensor_of(platform) == SENTINEL2:
        return _SENTINEL2_NAMES
    if sensor_of(platform) == LANDSAT:
        return _OLI_NAMES if sensor_key(platform) in ("landsat-8", "landsat-9") else _TM_NAMES
    return {}


def _pixel_size(key: str, asset: Mapping[str, Any]) -> float:
    told = re.search(r"_([126]0)m$", key, re.IGNORECASE)
    values = [asset.get("gsd"), asset.get("raster:spatial_resolution")]
    values += [each.get("spatial_resolution") for each in _list(asset, "raster:bands")]
    numbers = [number for value in values if (number := _number(value)) is not None]
    return float(told.group(1)) if told else min(numbers, default=math.inf)


def _list(asset: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = asset.get(name)
    listed = value if isinstance(value, list) else []
    return [each if isinstance(each, dict) else {} for each in listed]


def _at(listed: list[dict[str, Any]], index: int) -> dict[str, Any]:
    return listed[index] if index < len(listed) else {}


def _platform(item: Mapping[str, Any], collection: str) -> str:
    """Return the satellite by the name of the scene, where the item has no platform."""
    name = str(item.get("id") or "")
    match = re.match(r"S2([ABCD])_", name)
    if match:
        return f"sentinel-2{match.group(1).lower()}"
    match = re.match(r"L[COTEM]0?([4-9])_", name)
    if match:
        return f"landsat-{match.group(1)}"
    return SENTINEL2 if collection.lower().startswith("sentinel-2") else ""


def _baseline(item: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    for name in ("s2:processing_baseline", "processing:version", "sentinel:processing_baseline"):
        text = str(properties.get(name) or "").strip()
        if re.fullmatch(r"\d{2}\.\d{2}", text):
            return text
    for text in (str(properties.get("s2:product_uri") or ""), str(item.get("id") or "")):
        match = re.search(r"_N(\d{2})(\d{2})_", text)
        if match:
            return f"{match.group(1)}.{match.group(2)}"
    return ""


def _offset_removed(properties: Mapping[str, Any], baseline: str) -> str:
    """Return whether the files lack the offset that their baseline adds: yes, no; "" unknown."""
    for name in ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied"):
        if isinstance(properties.get(name), bool):
            return "yes" if properties[name] else "no"
    if not baseline:
        return ""
    # Before baseline 04.00 there was none to take off.
    return "no" if sentinel2_added(baseline) else "yes"


def _level(properties: Mapping[str, Any], collection: str) -> str:
    for name in ("landsat:correction", "processing:level"):
        if properties.get(name):
            return str(properties[name])
    match = re.search(r"l(1c|2a|[12])(?:-|$)", collection.lower())
    return f"L{match.group(1).upper()}" if match else ""


def _tile(properties: Mapping[str, Any], name: str) -> str:
    code = str(properties.get("grid:code") or "")
    if code.upper().startswith("MGRS-"):
        return code[5:]
    if properties.get("s2:mgrs_tile"):
        return str(properties["s2:mgrs_tile"])
    parts = [properties.get(f"mgrs:{p}") for p in ("utm_zone", "latitude_band", "grid_square")]
    if all(parts):
        return "".join(map(str, parts))
    match = re.search(r"_T?(\d{2}[A-Z]{3})_", name)
    return match.group(1) if match else ""


def _sun(properties: Mapping[str, Any]) -> float | None:
    elevation = _number(properties.get("view:sun_elevation"))
    zenith = _number(properties.get("s2:mean_solar_zenith"))
    return elevation if elevation is not None or zenith is None else 90.0 - zenith


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
