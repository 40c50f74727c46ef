"""The World Reference System 2 of Landsat 4 to 9: where a path and a row lie."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from gossan.core.errors import InputError
from gossan.models.deposits.sphere import EARTH_RADIUS, degrees, unit_vectors

PATHS, ROWS = 233, 248
"""Paths around the Earth; rows along an orbit. Row 60 is the descending crossing of the equator."""

_INCLINATION = math.radians(98.2)
_FIRST_CROSSING = -64.6
"""Longitude at which path 1 crosses the equator on its way south, degrees."""
_ORBITS_PER_CYCLE, _DAYS_PER_CYCLE = 233, 16
_FLATTENING = 1.0 / 298.257223563
_HALF_WIDTH, _HALF_LENGTH = 92_500.0, 90_000.0
"""Half of a frame across and along the track, metres."""

_COLLECTION_NAME = re.compile(r"^(L[COTEM]0[4-9])_L\d[A-Z]{2}_(\d{3})(\d{3})_(\d{8})_")
_EARLIER_NAME = re.compile(r"^(L[COTEM][4-9])(\d{3})(\d{3})(\d{4})(\d{3})")


class Identity(NamedTuple):
    """What the name of a Landsat scene tells."""

    spacecraft: str
    wrs_path: int
    wrs_row: int
    date: str


def centre(path: int, row: int) -> tuple[float, float]:
    """Return longitude and latitude of the nominal centre of a frame, degrees.

    The ground track of the circular, sun-synchronous orbit (98.2 degrees, 233 orbits in 16 days)
    at the angle that row and row 60 are apart, with geodetic latitude.

    Raises
    ------
    InputError
        When there is no such path or row.
    """
    if not (1 <= path <= PATHS and 1 <= row <= ROWS):
        raise InputError(
            f"There is no path {path}, row {row}: paths are 1 to {PATHS}, rows 1 to {ROWS}."
        )
    along = math.radians((row - 60) * 360.0 / ROWS)
    return _place(path, along)


def frame(path: int, row: int) -> np.ndarray:
    """Return the corners (4, 2) of the nominal frame, longitude and latitude, degrees.

    185 km across the track and 180 km along it, askew as the track is. Scenes begin and end a few
    kilometres off, and their files have a collar around them.
    """
    middle = unit_vectors(*(np.array([value]) for value in centre(path, row)))[0]
    along = math.radians((row - 60) * 360.0 / ROWS)
    ahead = unit_vectors(*(np.array([value]) for value in _place(path, along + 1e-4)))[0]
    heading = ahead - middle * float(ahead @ middle)
    heading /= np.linalg.norm(heading)
    right = np.cross(heading, middle)
    corners = [
        middle + (sideways * _HALF_WIDTH * right + forward * _HALF_LENGTH * heading) / EARTH_RADIUS
        for forward, sideways in ((-1, 1), (-1, -1), (1, -1), (1, 1))
    ]
    return degrees(np.array(corners))


def identify(name: str) -> Identity | None:
    """Return what a scene's name tells, of the collections or before; None for other names."""
    match = _COLLECTION_NAME.match(name)
    if match:
        kind, path, row, day = match.groups()
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        return Identity(f"LANDSAT_{int(kind[2:])}", int(path), int(row), date)
    match = _EARLIER_NAME.match(name)
    if match:
        kind, path, row, year, day = match.groups()
        first = np.datetime64(f"{year}-01-01") + np.timedelta64(int(day) - 1, "D")
        return Identity(f"LANDSAT_{kind[2]}", int(path), int(row), str(first))
    return None


def _place(path: int, along: float) -> tuple[float, float]:
    """Return longitude and latitude of a path at an angle from its southbound crossing."""
    crossing = _FIRST_CROSSING - (path - 1) * 360.0 / PATHS
    geocentric = -math.asin(math.sin(along) * math.sin(_INCLINATION))
    latitude = math.atan(math.tan(geocentric) / (1.0 - _FLATTENING) ** 2)
    turned = math.atan2(math.cos(_INCLINATION) * math.sin(along), math.cos(along))
    # atan2 ends at half a turn, the orbit does not.
    turned += 2.0 * math.pi * round((-along - turned) / (2.0 * math.pi))
    drift = along * _DAYS_PER_CYCLE / _ORBITS_PER_CYCLE
    longitude = crossing + math.degrees(turned - drift)
    return (longitude + 180.0) % 360.0 - 180.0, math.degrees(latitude)
