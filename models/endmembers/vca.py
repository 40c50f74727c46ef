"""Vertex component analysis: the outermost pixels along directions orthogonal to those found.

Reference: Nascimento and Bioucas-Dias (2005), Vertex component analysis: a fast algorithm to
unmix hyperspectral data, IEEE Transactions on Geoscience and Remote Sensing 43 (4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gossan.core.progress import Progress
from gossan.models.endmembers.cloud import Cloud, MemoryCloud

FloatArray = npt.NDArray[np.floating[Any]]


def vertex_components(cloud: Cloud, number: int, seed: int, progress: Progress) -> list[int]:
    """Return the pixels that vertex component analysis takes for endmembers.

    The mean is removed; a constant coordinate as large as the farthest pixel is added, so that
    `number` endmembers, which span ``number - 1`` dimensions, have linearly independent
    coordinates.

    Parameters
    ----------
    cloud : Cloud
        Pixels with their mean removed, in at least ``number - 1`` dimensions.
    number : int
        Endmembers to find.
    seed : int
        Of the random directions.
    progress : Progress
        Where to report to.

    Returns
    -------
    list of int
        Pixel numbers, in the order found; fewer when the pixels span fewer dimensions.
    """
    farthest = cloud.farthest(np.zeros((cloud.dimensions, 0)), progress.part(0.0, 0.2))
    constant = float(np.linalg.norm(cloud.point(farthest)))
    if constant == 0:
        return [0]
    rng = np.random.default_rng([seed, 2])
    lifted = np.zeros((cloud.dimensions + 1, 0))
    onto_constant = np.zeros((cloud.dimensions + 1, 1))
    onto_constant[-1] = 1.0
    found: list[int] = []
    for turn in range(min(number, cloud.dimensions + 1)):
        basis = onto_constant if turn == 0 else lifted
        direction = orthogonal_direction(basis, rng)
        step = progress.part(0.2 + 0.8 * turn / number, 0.2 + 0.8 * (turn + 1) / number)
        index = _outermost(cloud, direction, constant, step)
        if index in found:
            break
        found.append(index)
        lifted = np.column_stack([lifted, np.append(cloud.point(index), constant)])
    return found


def orthogonal_direction(basis: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a random unit vector (dimensions,) orthogonal to `basis` (dimensions, m)."""
    random = rng.standard_normal(len(basis))
    coefficients = np.linalg.lstsq(basis, random, rcond=1e-10)[0]
    direction = random - basis @ coefficients
    return np.asarray(direction / np.linalg.norm(direction))


def _outermost(cloud: Cloud, direction: FloatArray, constant: float, progress: Progress) -> int:
    """Return the point with the greatest absolute projection once lifted by `constant`."""
    ends = cloud.extremes(direction[None, :-1], progress)
    lift = direction[-1] * constant
    upper, lower = abs(ends.greatest[0] + lift), abs(ends.least[0] + lift)
    return int(ends.highest[0] if upper >= lower else ends.lowest[0])


def snr_of_scene(
    correlation: FloatArray, covariance: FloatArray, mean: FloatArray, number: int
) -> float:
    """Return the signal-to-noise ratio in decibels, as the source estimates it.

    Parameters
    ----------
    correlation, covariance : ndarray, shape (bands, bands)
        Mean products of spectra and of their deviations from the mean.
    mean : ndarray, shape (bands,)
        Mean spectrum.
    number : int
        Endmembers assumed; the signal is what their number of components holds.

    Returns
    -------
    float
        Decibels; infinite where nothing is left for noise.
    """
    bands = len(mean)
    power = float(np.trace(correlation))
    leading = float(np.linalg.eigvalsh(covariance)[::-1][:number].sum())
    signal = leading + float(mean @ mean)
    noise = power - signal
    useful = signal - number / bands * power
    if noise <= 1e-12 * power:
        return float("inf")
    return float(10 * np.log10(max(useful, 1e-300) / noise))


def snr_threshold(number: int) -> float:
    """Return the decibels above which the source projects through the origin."""
    return float(15 + 10 * np.log10(number))


def projective_cloud(coordinates: FloatArray) -> MemoryCloud:
    """Return the pixels projected through the origin on the plane across their mean.

    Takes out brightness, as the source does where the signal is strong.

    Parameters
    ----------
    coordinates : ndarray, shape (pixels, endmembers)
        Along the leading eigenvectors of the correlation matrix, mean not removed.

    Returns
    -------
    MemoryCloud
        Points (pixels, endmembers) whose product with the mean is one.
    """
    mean = coordinates.mean(axis=0, dtype=np.float64).astype(coordinates.dtype)
    brightness = coordinates @ mean
    # A pixel whose brightness is next to nothing or negative would be thrown to infinity.
    least = 1e-3 * float(np.median(np.abs(brightness)))
    brightness = np.where(np.abs(brightness) < least, np.inf, brightness)
    return MemoryCloud(coordinates / brightness[:, None])


def vertex_components_by_projection(
    cloud: MemoryCloud, number: int, seed: int, progress: Progress
) -> list[int]:
    """Return the endmembers among pixels that were projected through the origin.

    Parameters and result as in `vertex_components`; the pixels lie on a plane that misses the
    origin, so no coordinate has to be added.
    """
    rng = np.random.default_rng([seed, 2])
    basis: FloatArray = np.zeros((cloud.dimensions, 1))
    basis[-1] = 1.0
    found: list[int] = []
    for turn in range(min(number, cloud.dimensions)):
        direction = orthogonal_direction(basis, rng)
        step = progress.part(turn / number, (turn + 1) / number)
        ends = cloud.extremes(direction[None, :], step)
        high = abs(ends.greatest[0]) >= abs(ends.least[0])
        index = int(ends.highest[0] if high else ends.lowest[0])
        if index in found:
            break
        found.append(index)
        point = cloud.point(index)[:, None]
        basis = point if turn == 0 else np.column_stack([basis, point])
    return found
