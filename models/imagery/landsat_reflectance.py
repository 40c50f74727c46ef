"""From the numbers of a Landsat scene to reflectance, as its metadata say."""

from __future__ import annotations

import datetime
import math

from gossan.core.errors import InputError
from gossan.core.landsat_mtl import LandsatScene, Rescaling

SOLAR_IRRADIANCE = {
    "LANDSAT_4": {"B1": 1983.0, "B2": 1795.0, "B3": 1539.0, "B4": 1028.0, "B5": 219.8, "B7": 83.49},
    "LANDSAT_5": {"B1": 1983.0, "B2": 1796.0, "B3": 1536.0, "B4": 1031.0, "B5": 220.0, "B7": 83.44},
    "LANDSAT_7": {
        "B1": 1997.0, "B2": 1812.0, "B3": 1533.0, "B4": 1039.0, "B5": 230.8, "B7": 84.90,
        "B8": 1362.0,
    },
}  # fmt: skip
"""Mean solar irradiance above the air, W/(m2 um), for metadata without reflectance rescaling.

Source: Chander, Markham and Helder 2009, Remote Sensing of Environment 113, table 4.
"""


def reflectance_rescaling(scene: LandsatScene, band: str) -> Rescaling:
    """Return the rescaling from a band's numbers to reflectance.

    Level 1 gives what is seen above the air: (number x gain + offset) / sin(sun's elevation), or,
    from metadata without reflectance rescaling, pi L d2 / (E sin(sun's elevation)) with the
    radiance L, the distance d of the sun and its irradiance E. Level 2 gives the ground.

    Parameters
    ----------
    scene : LandsatScene
    band : str
        Its name, such as ``B4``.

    Raises
    ------
    InputError
        When the band is thermal, or the metadata lack what is needed.
    """
    found = scene.band(band)
    if scene.is_surface:
        if found.reflectance is None:
            raise InputError(f"{scene.path} gives no rescaling to reflectance for {band}.")
        return found.reflectance
    light = sine_of_sun(scene.sun_elevation, scene.path)
    if found.reflectance is not None:
        return Rescaling(found.reflectance.gain / light, found.reflectance.offset / light)
    irradiance = SOLAR_IRRADIANCE.get(scene.spacecraft, {}).get(found.name)
    if found.radiance is None or irradiance is None:
        raise InputError(
            f"{scene.path} gives no rescaling to reflectance for {band}, or it is a thermal band. "
            "Leave it out."
        )
    distance = scene.earth_sun_distance
    if distance is None:
        if scene.date is None:
            raise InputError(
                f"{scene.path} says neither the distance of the sun nor the day (DATE_ACQUIRED)."
            )
        distance = earth_sun_distance(scene.date)
    factor = radiance_factor(irradiance, distance, light)
    return Rescaling(found.radiance.gain * factor, found.radiance.offset * factor)


def radiance_factor(irradiance: float, distance: float, light: float) -> float:
    """Return what turns radiance into reflectance: pi d2 / (E sin(sun's elevation))."""
    return math.pi * distance**2 / (irradiance * light)


def sine_of_sun(elevation: float | None, source: str) -> float:
    """Return the sine of the sun's elevation.

    Raises
    ------
    InputError
        When it is unknown, or the sun was below the horizon.
    """
    if elevation is None:
        raise InputError(f"{source} does not say the sun's elevation. Give it as a parameter.")
    if not 0.0 < elevation <= 90.0:
        raise InputError(
            f"{source}: a sun's elevation of {elevation:g} degrees gives no reflectance; it must "
            "lie above 0 and at most at 90."
        )
    return math.sin(math.radians(elevation))


def earth_sun_distance(date: datetime.date) -> float:
    """Return the distance of the sun on a day at noon (UTC), astronomical units.

    From the anomaly of the earth on its orbit, within 0.0002 of the ephemeris in 1950-2050.
    Source: Astronomical Almanac, low-precision formulas for the sun.
    """
    days = date.toordinal() - datetime.date(2000, 1, 1).toordinal()
    anomaly = math.radians(357.528 + 0.9856003 * days)
    return 1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2.0 * anomaly)
