"""How many endmembers a scene holds: HySime and the virtual dimensionality of HFC.

References: Bioucas-Dias and Nascimento (2008), Hyperspectral subspace identification, IEEE
Transactions on Geoscience and Remote Sensing 46 (8); Chang and Du (2004), Estimation of number of
spectrally distinct signal sources in hyperspectral imagery, same journal 42 (3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.endmembers.components import SceneStatistics, scene_statistics
from gossan.models.endmembers.scene import Scene

FloatArray = npt.NDArray[np.float64]

FALSE_ALARM_RATES = (1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, eq=False)
class EndmemberCount:
    """Estimates of the number of endmembers.

    Parameters
    ----------
    hysime : int
        Dimensions of the signal subspace.
    hfc : dict
        Virtual dimensionality by false-alarm rate.
    pixels, bands : int
        What they rest on.
    variances : ndarray, shape (bands,)
        Variance of each principal component, falling.
    """

    hysime: int
    hfc: dict[float, int]
    pixels: int
    bands: int
    variances: FloatArray


def count_endmembers(
    scene: Scene, progress: Progress, *, rates: Sequence[float] = FALSE_ALARM_RATES
) -> EndmemberCount:
    """Estimate how many endmembers a scene holds, in one pass over its pixels.

    Both methods need nothing but the mean products of the bands, which are summed in float64.

    Raises
    ------
    InputError
        When there are fewer pixels than bands or fewer than two bands.
    """
    if scene.bands < 2:
        raise InputError(f"The image has {scene.bands} usable band(s); at least 2 are needed.")
    statistics = scene_statistics(scene, progress, dtype=np.float64)
    if statistics.pixels <= scene.bands:
        raise InputError(
            f"The image has {statistics.pixels} valid pixels and {scene.bands} bands; more pixels "
            "than bands are needed to tell signal from noise."
        )
    return EndmemberCount(
        hysime(statistics),
        {rate: virtual_dimensionality(statistics, rate) for rate in rates},
        statistics.pixels,
        scene.bands,
        np.maximum(linalg.eigvalsh(statistics.covariance)[::-1], 0.0),
    )


def noise_correlation(statistics: SceneStatistics) -> tuple[FloatArray, FloatArray]:
    """Estimate each band's noise as what the other bands do not predict of it.

    Parameters
    ----------
    statistics : SceneStatistics
        Of the scene, in float64.

    Returns
    -------
    tuple of ndarray
        Coefficients (bands, bands), whose column b gives the noise of band b as a linear
        combination of all bands, and the noise correlation (bands, bands).
    """
    correlation = statistics.correlation
    bands = len(correlation)
    # A tiny ridge, as in the source, keeps duplicate bands from breaking the inverse.
    ridge = max(1e-6 / statistics.pixels, 1e-14 * float(np.trace(correlation)))
    inverse = linalg.inv(correlation + ridge * np.eye(bands))
    # Regression on all other bands: noise of b = (inverse column b) / its diagonal element.
    coefficients = inverse / np.diag(inverse)
    return coefficients, coefficients.T @ correlation @ coefficients


def hysime(statistics: SceneStatistics) -> int:
    """Return the dimensions of the signal subspace by minimum mean squared error."""
    correlation = statistics.correlation
    bands = len(correlation)
    coefficients, noise = noise_correlation(statistics)
    to_signal = np.eye(bands) - coefficients
    signal = to_signal.T @ correlation @ to_signal
    noise = np.diag(np.diag(noise)) + np.trace(signal) / bands / 1e5 * np.eye(bands)
    directions = linalg.eigh((signal + signal.T) / 2)[1]
    power = np.einsum("ij,ij->j", directions, correlation @ directions)
    noise_power = np.einsum("ij,ij->j", directions, noise @ directions)
    return int(np.count_nonzero(2 * noise_power < power))


def virtual_dimensionality(statistics: SceneStatistics, false_alarm: float) -> int:
    """Return the number of eigenvalues that the signal's mean raises, at a false-alarm rate.

    Parameters
    ----------
    statistics : SceneStatistics
        Of the scene, in float64.
    false_alarm : float
        Probability of taking noise for a signal, 0 to 1.

    Returns
    -------
    int
        Spectrally distinct signals.
    """
    with_mean = linalg.eigvalsh(statistics.correlation)[::-1]
    without = linalg.eigvalsh(statistics.covariance)[::-1]
    deviation = np.sqrt(2.0 * (with_mean**2 + without**2) / statistics.pixels)
    threshold = -stats.norm.ppf(false_alarm) * deviation
    return int(np.count_nonzero(with_mean - without > threshold))
