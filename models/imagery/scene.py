"""What a scene is to a composite: one look of a satellite, its bands and its cloud masks."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gossan.core.bands import Band
from gossan.core.errors import InputError
from gossan.models.mines.image_scale import SENTINEL2_OFFSET

SENTINEL2, LANDSAT = "sentinel-2", "landsat"

LANDSAT_LEVEL2 = (2.75e-5, -0.2)
"""Gain and offset to reflectance of the ground in Landsat's Collection 2, level 2."""


@dataclass(frozen=True)
class BandSource:
    """Where a band of a scene lies, and how its numbers become reflectance.

    Parameters
    ----------
    path : str
        What GDAL opens.
    index : int
        Its band, from 0.
    gain, shift : float
        Reflectance = stored number x gain + shift.
    """

    path: str
    index: int = 0
    gain: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One look.

    Parameters
    ----------
    name : str
        What people call it.
    bands : tuple of (Band, BandSource)
        In its own order.
    date : datetime.date or None
        When it was taken; None where nothing tells.
    sensor : str
        ``sentinel-2``, ``landsat``, or empty.
    baseline : str
        Processing baseline of Sentinel-2, such as ``05.11``; empty where unknown.
    added : float
        What the processing added to the numbers of Sentinel-2 (taken off in the shifts of the
        bands).
    masks : mapping of str to BandSource
        Cloud masks by kind; see `gossan.models.imagery.clear_sky`.
    cloud : float or None
        Share of the scene under cloud as its metadata say, 0 to 1.
    footprint : tuple of float or None
        West, south, east, north in degrees, where a catalogue tells them.
    notes : tuple of str
        Sentences for the log on what was assumed.
    """

    name: str
    bands: tuple[tuple[Band, BandSource], ...]
    date: datetime.date | None = None
    sensor: str = ""
    baseline: str = ""
    added: float = 0.0
    masks: Mapping[str, BandSource] = field(default_factory=dict)
    cloud: float | None = None
    footprint: tuple[float, float, float, float] | None = None
    notes: tuple[str, ...] = ()


def sentinel2_added(baseline: str) -> float:
    """Return what a processing baseline (``04.00``, ``0510``, ``N0301``) adds to the numbers.

    Baselines from 04.00 on (January 2022, and all of Collection 1) add 1000; without one, 0.
    """
    digits = re.sub(r"\D", "", baseline)
    return SENTINEL2_OFFSET if len(digits) >= 3 and int(digits[:4].ljust(4, "0")) >= 400 else 0.0


def parse_date(text: str, what: str) -> datetime.date | None:
    """Return the day of ``YYYY-MM-DD``, with or without a time; None for an empty text.

    Raises
    ------
    InputError
        When it is none; ``what`` names it in the message.
    """
    if not text.strip():
        return None
    try:
        return datetime.date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise InputError(f"{what}: {text!r} is not a date such as 2024-09-21.") from None


def within(
    date: datetime.date | None, start: datetime.date | None, end: datetime.date | None
) -> bool:
    """Tell whether a day lies in a period; an unknown one only where there is no period."""
    if date is None:
        return start is None and end is None
    return (start is None or date >= start) and (end is None or date <= end)
