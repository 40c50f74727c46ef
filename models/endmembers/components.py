"""Mean, covariance and principal components of a scene, in one pass over its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.endmembers.scene import IndexArray, Scene, Strip

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SceneStatistics:
    """Second-order statistics of the valid pixels.

    Parameters
    ----------
    pixels : int
        Number of valid pixels.
    mean : ndarray, shape (bands,)
        Mean spectrum.
    covariance : ndarray, shape (bands, bands)
        Mean product of deviations from the mean (divided by the number of pixels).
    """

    pixels: int
    mean: FloatArray
    covariance: FloatArray

    @property
    def correlation(self) -> FloatArray:
        """Mean product of the spectra themselves (bands, bands): covariance plus mean squared."""
        return self.covariance + np.outer(self.mean, self.mean)


def scene_statistics(
    scene: Scene, progress: Progress, *, dtype: npt.DTypeLike = np.float32
) -> SceneStatistics:
    """Return mean and covariance of all valid pixels.

    Products are formed in `dtype` strip by strip, on spectra shifted by a typical spectrum so that
    nothing cancels, and added up in float64.

    Parameters
    ----------
    scene : Scene
        Where the pixels come from.
    progress : Progress
        Where to report to.
    dtype : dtype
        float32 is right to about six digits and twice as fast as float64.

    Returns
    -------
    SceneStatistics
        Of every valid pixel.

    Raises
    ------
    InputError
        When no pixel is valid.
    """
    task = _Moments(scene.bands, dtype)
    scene.scan([task], progress)
    return task.statistics()


class _Moments:
    """Sums of deviations from a typical spectrum and of their products."""

    def __init__(self, bands: int, dtype: npt.DTypeLike) -> None:
        self._dtype = dtype
        self._shift: npt.NDArray[Any] | None = None
        self._total = np.zeros(bands)
        self._product = np.zeros((bands, bands))
        self._pixels = 0

    def compute(self, strip: Strip) -> tuple[int, npt.NDArray[Any], npt.NDArray[Any]] | None:
        if len(strip.spectra) == 0:
            return None
        if self._shift is None:
            self._shift = strip.spectra.mean(axis=0, dtype=np.float64).astype(self._dtype)
        deviation = np.subtract(strip.spectra, self._shift, dtype=self._dtype)
        return len(deviation), deviation.sum(axis=0, dtype=np.float64), deviation.T @ deviation

    def consume(self, result: tuple[int, npt.NDArray[Any], npt.NDArray[Any]] | None) -> None:
        if result is not None:
            self._pixels += result[0]
            self._total += result[1]
            self._product += result[2]

    def statistics(self) -> SceneStatistics:
        if self._shift is None:
            raise InputError(
                "The image has no valid pixel: each one is nodata or not finite in a used band, "
                "zero in all bands, or masked. Check the mask, the nodata values and the bad-band "
                "list."
            )
        deviation = self._total / self._pixels
        mean = self._shift.astype(np.float64) + deviation
        covariance = self._product / self._pixels - np.outer(deviation, deviation)
        return SceneStatistics(self._pixels, mean, (covariance + covariance.T) / 2)


@dataclass(frozen=True)
class Components:
    """Principal components of a scene.

    Parameters
    ----------
    mean : ndarray, shape (bands,)
        Mean spectrum.
    vectors : ndarray, shape (bands, components)
        Orthonormal directions by falling variance.
    variances : ndarray, shape (components,)
        Variance along each.
    explained : float
        Share of the total variance in these components, 0 to 1.
    """

    mean: FloatArray
    vectors: FloatArray
    variances: FloatArray
    explained: float


def principal_components(statistics: SceneStatistics, number: int) -> Components:
    """Return the leading principal components; each points to where its greatest loading is > 0."""
    number = max(1, min(number, len(statistics.mean)))
    variances, vectors = linalg.eigh(statistics.covariance)
    variances = np.maximum(variances[::-1], 0.0)
    vectors = vectors[:, ::-1][:, :number]
    # The sign of an eigenvector is arbitrary; fixing it makes seeds repeat across BLAS versions.
    vectors = vectors * np.where(
        vectors[np.abs(vectors).argmax(axis=0), np.arange(number)] < 0, -1.0, 1.0
    )
    total = variances.sum()
    explained = float(variances[:number].sum() / total) if total > 0 else 1.0
    return Components(statistics.mean, vectors, variances[:number], explained)


def components_for_share(statistics: SceneStatistics, share: float = 0.95) -> int:
    """Return how many components hold `share` (0 to 1) of the total variance."""
    variances = np.maximum(linalg.eigvalsh(statistics.covariance)[::-1], 0.0)
    total = variances.sum()
    if total <= 0:
        return 1
    return int(np.searchsorted(np.cumsum(variances) / total, share - 1e-12) + 1)


class Projection:
    """Coordinates of every valid pixel along some directions, as a task for `Scene.scan`.

    Parameters
    ----------
    directions : ndarray, shape (bands, components)
        Directions to project on.
    origin : ndarray, shape (components,)
        Coordinates that become zero.
    pixels : int
        Number of valid pixels.
    """

    def __init__(self, directions: FloatArray, origin: FloatArray, pixels: int) -> None:
        self.coordinates = np.empty((pixels, directions.shape[1]), dtype=np.float32)
        """Coordinates, shape (pixels, components)."""
        self.positions = np.empty(pixels, dtype=np.int64)
        """Row x image width + column of each pixel, shape (pixels,)."""
        self._matrix = np.ascontiguousarray(directions, dtype=np.float32)
        self._origin = origin.astype(np.float32)
        self._start = 0

    def compute(self, strip: Strip) -> tuple[npt.NDArray[np.float32], IndexArray]:
        """Return the coordinates and positions of a strip."""
        coordinates = (strip.spectra @ self._matrix - self._origin).astype(np.float32, copy=False)
        return coordinates, strip.positions

    def consume(self, result: tuple[npt.NDArray[np.float32], IndexArray]) -> None:
        """Keep them."""
        stop = self._start + len(result[1])
        self.coordinates[self._start : stop], self.positions[self._start : stop] = result
        self._start = stop
