"""Spectral angles between many spectra and some references, fast and exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from gossan.core.errors import InputError

_PIXELS_AT_ONCE = 4096
_RESULTS_AT_ONCE = 2**16
_TINY_ANGLE = 1e-3


def spectral_angle(a: np.ndarray, b: np.ndarray, *, ignore_missing: bool = False) -> np.ndarray:
    """Return the angle between every spectrum of ``a`` and every one of ``b``.

    Parameters
    ----------
    a, b : ndarray (n, bands) and (m, bands)
        Spectra. ``a`` may be long, of float32 or float64, and a transposed view of
        band-sequential memory: it is gone through once, as it lies, and not copied.
    ignore_missing : bool
        Compare each pair over the bands that both have. Otherwise a missing band makes the angle
        missing.

    Returns
    -------
    ndarray (n, m), float64
        Angles in radians, 0 to pi; NaN for a spectrum of zeros or with infinite values. All sums
        are those of float64, and tiny angles are exact too, where the arc cosine alone would be
        off by 1e-8.

    Raises
    ------
    InputError
        When the numbers of bands differ.

    References
    ----------
    Kruse et al. 1993, Remote Sensing of Environment 44; Kahan 2006, How futile are mindless
    assessments of roundoff (the angle by the arc tangent).
    """
    a, b = np.atleast_2d(a), np.atleast_2d(np.asarray(b, dtype=np.float64))
    if a.shape[-1] != b.shape[-1]:
        raise InputError(
            f"Spectra of {a.shape[-1]} and of {b.shape[-1]} bands cannot be compared. Resample "
            "one to the bands of the other."
        )
    if ignore_missing and not (np.isfinite(a).all() and np.isfinite(b).all()):
        return _angle_over_common_bands(a, b)
    unit = b / _length(b)[:, np.newaxis]
    angles = np.empty((len(a), len(b)))
    if not angles.size:
        return angles
    fill = _by_band if a.strides[0] < a.strides[1] else _by_pixel
    # So few pixels at a time stay in the cache from their reading to their angles.
    step = int(np.clip(_RESULTS_AT_ONCE // len(b), 64, _PIXELS_AT_ONCE))
    for start in range(0, len(a), step):
        rows, part = slice(start, start + step), angles[start : start + step]
        fill(a, rows, unit, part)
        np.arccos(part, out=part)
        if part.min() > _TINY_ANGLE and part.max() < np.pi - _TINY_ANGLE:
            continue
        i, j = np.nonzero((part < _TINY_ANGLE) | (part > np.pi - _TINY_ANGLE))
        near = a[rows][i].astype(np.float64)
        part[i, j] = _exact_angle(near / _length(near)[:, np.newaxis], unit[j])
    return angles


def _by_pixel(a: np.ndarray, rows: slice, unit: np.ndarray, cosines: np.ndarray) -> None:
    """Fill in the cosines (n, m) of spectra that lie in memory one after the other."""
    _fill_by_pixel(np.ascontiguousarray(a[rows], _working_type(a)), unit, cosines)


def _by_band(a: np.ndarray, rows: slice, unit: np.ndarray, cosines: np.ndarray) -> None:
    """Fill in the cosines (n, m) of spectra that lie in memory band after band."""
    count, bands = unit.shape
    # Zeros fill up what the compiled loop takes at once: two references and four bands.
    filled = np.zeros((count + count % 2, bands + -bands % 4))
    filled[:count, :bands] = unit
    sums = np.zeros((len(filled) + 1, len(cosines)))
    if a.T.flags.c_contiguous and a.dtype == _working_type(a):
        _fill_by_band(a.T, rows.start, filled, sums)
    else:
        _fill_by_band(np.ascontiguousarray(a[rows].T, _working_type(a)), 0, filled, sums)
    cosines[:] = sums[:count].T


def _working_type(spectra: np.ndarray) -> type[np.floating[Any]]:
    """Return float32 for float32 and float64 for everything else."""
    return np.float32 if spectra.dtype == np.float32 else np.float64


@njit(cache=True, nogil=True)
def _within_one(cosine: float) -> float:
    """Take off what rounding put on; NaN stays."""
    return 1.0 if cosine > 1.0 else -1.0 if cosine < -1.0 else cosine


# NaN and infinity keep their meaning; only the order of the sums is left to the compiler.
@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _fill_by_pixel(spectra: np.ndarray, unit: np.ndarray, cosines: np.ndarray) -> None:
    """Fill in cosines (n, m), two pixels by four references at once, which fits the registers.

    Where the numbers are not multiples of these, the last ones are worked out more than once.
    """
    count, bands = spectra.shape
    last = len(unit) - 1
    for i in range(0, count, 2):
        h = min(i + 1, count - 1)
        p = q = 0.0
        for k in range(bands):
            v, w = np.float64(spectra[i, k]), np.float64(spectra[h, k])
            p += v * v
            q += w * w
        p = 1.0 / np.sqrt(p) if p > 0.0 else np.nan
        q = 1.0 / np.sqrt(q) if q > 0.0 else np.nan
        for j0 in range(0, last + 1, 4):
            j1, j2, j3 = min(j0 + 1, last), min(j0 + 2, last), min(j0 + 3, last)
            p0 = p1 = p2 = p3 = q0 = q1 = q2 = q3 = 0.0
            for k in range(bands):
                v, w = np.float64(spectra[i, k]), np.float64(spectra[h, k])
                u0, u1, u2, u3 = unit[j0, k], unit[j1, k], unit[j2, k], unit[j3, k]
                p0 += v * u0
                p1 += v * u1
                p2 += v * u2
                p3 += v * u3
                q0 += w * u0
                q1 += w * u1
                q2 += w * u2
                q3 += w * u3
            cosines[i, j0], cosines[h, j0] = _within_one(p0 * p), _within_one(q0 * q)
            cosines[i, j1], cosines[h, j1] = _within_one(p1 * p), _within_one(q1 * q)
            cosines[i, j2], cosines[h, j2] = _within_one(p2 * p), _within_one(q2 * q)
            cosines[i, j3], cosines[h, j3] = _within_one(p3 * p), _within_one(q3 * q)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _fill_by_band(by_band: np.ndarray, start: int, unit: np.ndarray, sums: np.ndarray) -> None:
    """Fill in cosines (m + 1, n) of some pixels of (bands, pixels), two references at once.

    The last row of the cosines is used for the lengths. Bands beyond the last count nothing.
    """
    squares = sums[-1]
    count = squares.size
    stop = start + count
    last = len(by_band) - 1
    for k in range(0, last + 1, 4):
        v0 = by_band[k][start:stop]
        v1 = by_band[min(k + 1, last)][start:stop]
        v2 = by_band[min(k + 2, last)][start:stop]
        v3 = by_band[min(k + 3, last)][start:stop]
        n1 = 1.0 if k + 1 <= last else 0.0
        n2 = 1.0 if k + 2 <= last else 0.0
        n3 = 1.0 if k + 3 <= last else 0.0
        for i in range(count):
            w0, w1 = np.float64(v0[i]), np.float64(v1[i])
            w2, w3 = np.float64(v2[i]), np.float64(v3[i])
            squares[i] += w0 * w0 + n1 * w1 * w1 + n2 * w2 * w2 + n3 * w3 * w3
        for j in range(0, len(unit), 2):
            p, q = sums[j], sums[j + 1]
            p0, p1, p2, p3 = unit[j, k], unit[j, k + 1], unit[j, k + 2], unit[j, k + 3]
            q0, q1 = unit[j + 1, k], unit[j + 1, k + 1]
            q2, q3 = unit[j + 1, k + 2], unit[j + 1, k + 3]
            for i in range(count):
                w0, w1 = np.float64(v0[i]), np.float64(v1[i])
                w2, w3 = np.float64(v2[i]), np.float64(v3[i])
                p[i] += w0 * p0 + w1 * p1 + w2 * p2 + w3 * p3
                q[i] += w0 * q0 + w1 * q1 + w2 * q2 + w3 * q3
    for i in range(count):
        squares[i] = 1.0 / np.sqrt(squares[i]) if squares[i] > 0.0 else np.nan
    for j in range(len(unit)):
        p = sums[j]
        for i in range(count):
            p[i] = _within_one(p[i] * squares[i])


def _length(spectra: np.ndarray) -> np.ndarray:
    """Return the lengths (n,), NaN for spectra of zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", spectra, spectra))
    lengths[lengths == 0.0] = np.nan
    return lengths


def _exact_angle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the angles (n,) between pairs of unit vectors (n, bands), exact when tiny."""
    return 2.0 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))


def _angle_over_common_bands(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    angles = np.empty((a.shape[0], b.shape[0]))
    for j, reference in enumerate(b):
        both = np.isfinite(a) & np.isfinite(reference)
        left = np.where(both, a, 0.0).astype(np.float64)
        right = np.where(both, reference, 0.0)
        left /= _length(left)[:, np.newaxis]
        right /= _length(right)[:, np.newaxis]
        angles[:, j] = _exact_angle(left, right)
    return angles
