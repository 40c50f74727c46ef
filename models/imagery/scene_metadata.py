"""What names, tags and companions of files tell of a scene: satellite, day, baseline, offset."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gossan.core.bands import Band
from gossan.core.landsat_mtl import LandsatScene
from gossan.models.imagery.scene import LANDSAT, SENTINEL2, sentinel2_added
from gossan.models.mines.image_scale import is_sentinel2

_DATE = re.compile(r"(?<!\d)((?:19[789]|20\d)\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
_BASELINE = re.compile(r"_N(\d{2})(\d{2})_")
LANDSAT_NAME = re.compile(r"^L([COTEM])(0?[4-9])", re.IGNORECASE)
"""How the names of Landsat's products begin."""

_SENTINEL_NAME = re.compile(r"S2[ABCD]?_|(?:^|_)T\d{2}[A-Z]{3}_|sentinel-?2", re.IGNORECASE)


def sensor_of_files(
    path: str, metadata: LandsatScene | None, bands: Sequence[Band], tags: Mapping[str, str]
) -> str:
    """Return the kind of satellite by metadata, names, tags or bands; "" for another one."""
    name = Path(path).name
    if metadata is not None or LANDSAT_NAME.match(name):
        return LANDSAT
    told = " ".join(value for key, value in tags.items() if key.lower() in ("sensor", "platform"))
    if "landsat" in told.lower():
        return LANDSAT
    if _SENTINEL_NAME.search(name) or _SENTINEL_NAME.search(told):
        return SENTINEL2
    return SENTINEL2 if is_sentinel2(bands, tags) else ""


def key_of_sensor(path: str, metadata: LandsatScene | None, sensor: str) -> str:
    """Return the name among the known sensors, such as ``landsat-8``; "" for none of them."""
    if sensor != LANDSAT:
        return sensor
    if metadata is not None:
        return metadata.spacecraft.lower().replace("_", "-")
    match = LANDSAT_NAME.match(Path(path).name)
    return f"landsat-{int(match.group(2))}" if match else ""


def date_of_files(
    path: str, metadata: LandsatScene | None, tags: Mapping[str, str]
) -> datetime.date | None:
    """Return the day by metadata, tags, the name of the file or those of its folders."""
    if metadata is not None and metadata.date is not None:
        return metadata.date
    lower = {key.lower(): value for key, value in tags.items()}
    told = [lower.get(key, "") for key in ("date", "date_acquired", "product_start_time")]
    first = Path(path)
    products = [part.name for part in first.parents if part.suffix.upper() == ".SAFE"]
    names = [first.name, *products, first.parent.name]
    for text in [*told, *names]:
        match = _DATE.search(text.replace("T", " ").replace("_", " "))
        if match:
            try:
                return datetime.date(*(int(part) for part in match.groups()))
            except ValueError:
                continue
    return None


def baseline_of(path: str, tags: Mapping[str, str]) -> str:
    """Return the processing baseline of Sentinel-2 from tags, product metadata or names."""
    for key, value in tags.items():
        if key.lower() == "processing_baseline" and value.strip():
            return value.strip()
    told = re.search(r"<PROCESSING_BASELINE>\s*([\d.]+)", _product_metadata(path))
    if told:
        return told.group(1)
    match = _BASELINE.search(path)
    return f"{match.group(1)}.{match.group(2)}" if match else ""


def added_to_numbers(baseline: str, path: str, tags: Mapping[str, str]) -> float:
    """Return what was added to the numbers: as tags or product metadata say, else by baseline."""
    told = tagged_number(tags, ("offset",))
    if told is not None:
        return abs(told)
    # The few numbers that are needed stand in plain elements; no XML parser has to trust the file.
    text = _product_metadata(path)
    listed = re.search(r"<(?:BOA|RADIO)_ADD_OFFSET[^>]*>\s*(-?\d+)", text)
    if listed:
        return abs(float(listed.group(1)))
    return sentinel2_added(baseline)


def _product_metadata(path: str) -> str:
    """Return the product metadata of the SAFE folder that a file lies in; "" without."""
    for folder in Path(os.path.abspath(path)).parents[:5]:
        for name in ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml"):
            if (folder / name).is_file():
                return (folder / name).read_text(encoding="utf-8", errors="replace")
    return ""


def tagged_number(tags: Mapping[str, str], names: Sequence[str]) -> float | None:
    """Return the number that a tag of one of these names holds; None without."""
    for key, value in tags.items():
        if key.lower() in {name.lower() for name in names}:
            try:
                return float(value)
            except ValueError:
                continue
    return None
