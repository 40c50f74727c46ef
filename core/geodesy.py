"""The ellipsoid WGS 84: places in space, and the way between two of them along its surface."""

from __future__ import annotations

import numpy as np

SEMI_MAJOR = 6_378_137.0
FLATTENING = 1.0 / 298.257223563
SEMI_MINOR = SEMI_MAJOR * (1.0 - FLATTENING)
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)

_ITERATIONS = 50
_CONVERGED = 3e-14


def to_cartesian(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return places on the ellipsoid as points in space.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (n,)
        Degrees.

    Returns
    -------
    ndarray, shape (n, 3)
        Metres from the centre of the Earth: towards (0, 0), (90 E, 0) and the north pole.
    """
    lam, phi = np.radians(longitude), np.radians(latitude)
    normal = SEMI_MAJOR / np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2)
    return np.stack(
        [
            normal * np.cos(phi) * np.cos(lam),
            normal * np.cos(phi) * np.sin(lam),
            normal * (1.0 - ECCENTRICITY_SQUARED) * np.sin(phi),
        ],
        axis=-1,
    )


def to_degrees(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude (degrees) of points on the ellipsoid or just below it.

    Parameters
    ----------
    places : ndarray, shape (n, 3)
        As `to_cartesian` gives them. A point on the chord of a 20 km edge lies 8 m too deep, which
        moves its latitude by less than a centimetre.
    """
    x, y, z = places[..., 0], places[..., 1], places[..., 2]
    latitude = np.arctan2(z, (1.0 - ECCENTRICITY_SQUARED) * np.hypot(x, y))
    return np.degrees(np.arctan2(y, x)), np.degrees(latitude)


def distance(
    longitude: np.ndarray, latitude: np.ndarray, longitude2: np.ndarray, latitude2: np.ndarray
) -> np.ndarray:
    """Return the length of the shortest way along the ellipsoid, in metres.

    Parameters
    ----------
    longitude, latitude, longitude2, latitude2 : ndarray, shape (n,)
        Degrees.

    Returns
    -------
    ndarray, shape (n,)
        Exact to well below a millimetre; NaN for places almost opposite each other on the Earth,
        for which the series does not converge.

    References
    ----------
    Vincenty, T. (1975). Direct and inverse solutions of geodesics on the ellipsoid with application
    of nested equations. Survey Review 23, 88-93.
    """
    phi1, phi2 = np.radians(latitude), np.radians(latitude2)
    apart = np.radians((np.asarray(longitude2) - longitude + 180.0) % 360.0 - 180.0)
    u1 = np.arctan((1.0 - FLATTENING) * np.tan(phi1))
    u2 = np.arctan((1.0 - FLATTENING) * np.tan(phi2))
    sin1, cos1, sin2, cos2 = np.sin(u1), np.cos(u1), np.sin(u2), np.cos(u2)
    lam = apart
    moved = np.full(np.shape(apart), np.inf)
    for _ in range(_ITERATIONS):
        sin_lam, cos_lam = np.sin(lam), np.cos(lam)
        sin_sigma = np.hypot(cos2 * sin_lam, cos1 * sin2 - sin1 * cos2 * cos_lam)
        cos_sigma = sin1 * sin2 + cos1 * cos2 * cos_lam
        sigma = np.arctan2(sin_sigma, cos_sigma)
        sin_alpha = _ratio(cos1 * cos2 * sin_lam, sin_sigma)
        cos2_alpha = 1.0 - sin_alpha**2
        cos_2sm = cos_sigma - _ratio(2.0 * sin1 * sin2, cos2_alpha)
        c = FLATTENING / 16.0 * cos2_alpha * (4.0 + FLATTENING * (4.0 - 3.0 * cos2_alpha))
        inner = cos_2sm + c * cos_sigma * (2.0 * cos_2sm**2 - 1.0)
        following = apart + (1.0 - c) * FLATTENING * sin_alpha * (sigma + c * sin_sigma * inner)
        moved = np.abs(following - lam)
        lam = following
        if not np.any(moved > _CONVERGED):
            break
    u_squared = cos2_alpha * (SEMI_MAJOR**2 - SEMI_MINOR**2) / SEMI_MINOR**2
    a = 1.0 + u_squared / 16384.0 * (
        4096.0 + u_squared * (-768.0 + u_squared * (320.0 - 175.0 * u_squared))
    )
    b = u_squared / 1024.0 * (256.0 + u_squared * (-128.0 + u_squared * (74.0 - 47.0 * u_squared)))
    last = cos_sigma * (2.0 * cos_2sm**2 - 1.0) - b / 6.0 * cos_2sm * (4.0 * sin_sigma**2 - 3.0) * (
        4.0 * cos_2sm**2 - 3.0
    )
    correction = b * sin_sigma * (cos_2sm + b / 4.0 * last)
    length = SEMI_MINOR * a * (sigma - correction)
    found = (moved <= _CONVERGED) & (np.abs(lam) <= np.pi)
    return np.where(found, length, np.nan)


def cell_areas(south: np.ndarray, north: np.ndarray, width: float) -> np.ndarray:
    """Return the areas of cells between two meridians and two parallels, in square metres.

    Parameters
    ----------
    south, north : ndarray, shape (n,)
        Degrees of latitude.
    width : float
        Degrees of longitude.

    Returns
    -------
    ndarray, shape (n,)
        Exact on the ellipsoid (Snyder 1987, Map projections, equation 3-12).
    """
    e = np.sqrt(ECCENTRICITY_SQUARED)

    def towards_pole(latitude: np.ndarray) -> np.ndarray:
        sine = np.sin(np.radians(latitude))
        return np.asarray(sine / (1.0 - ECCENTRICITY_SQUARED * sine**2) + np.arctanh(e * sine) / e)

    between = towards_pole(north) - towards_pole(south)
    areas: np.ndarray = np.abs(SEMI_MINOR**2 / 2.0 * np.radians(width) * between)
    return areas


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide, with 0 where both vanish: one place, or a way along the equator."""
    safe = np.where(denominator == 0.0, 1.0, denominator)
    return np.where(denominator == 0.0, 0.0, numerator / safe)
