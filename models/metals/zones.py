"""Pollution zones: standardised K-means over element concentrations, ordered by contamination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from gossan.core.errors import InputError
from gossan.core.progress import Progress

SILHOUETTE_PIXELS = 5_000
"""Pixels that the silhouette, which compares all pairs, is worked out on."""

DISTINCT_PIXELS = 10_000
"""Pixels, evenly taken, among which different ones are counted before zones are sought."""

RESTARTS = 5
"""K-means starts per number of zones; the one with the least inertia counts."""

MOST_ZONES = 255
"""Zones that a class raster of single bytes can hold."""

ZONE_NAMES = {
    2: ("low background", "high-risk"),
    3: ("low background", "elevated", "high-risk"),
    4: ("low background", "slightly elevated", "elevated", "high-risk"),
    5: ("low background", "slightly elevated", "elevated", "strongly elevated", "high-risk"),
}


@dataclass(frozen=True)
class Zones:
    """A division of concentration space into zones, from the least to the most contaminated.

    Attributes
    ----------
    means, deviations : ndarray of shape (elements,)
        What the concentrations were standardised with, mg/kg.
    centres : ndarray of shape (zones, elements)
        Zone centres in standard deviations, ordered by their mean over the elements.
    """

    means: np.ndarray
    deviations: np.ndarray
    centres: np.ndarray

    @property
    def names(self) -> list[str]:
        """Names of the zones, from low background to high-risk."""
        return zone_names(len(self.centres))

    def concentrations(self) -> np.ndarray:
        """Return the zone centres in mg/kg, of shape (zones, elements)."""
        return self.centres * self.deviations + self.means

    def assign(self, concentrations: np.ndarray) -> np.ndarray:
        """Return the zone of each pixel: 1 to the number of zones, 0 where a value is missing.

        Parameters
        ----------
        concentrations : ndarray of shape (..., elements)
            mg/kg.

        Returns
        -------
        ndarray of uint8, of shape (...)
        """
        shape = concentrations.shape[:-1]
        values = concentrations.reshape(-1, concentrations.shape[-1])
        valid = np.isfinite(values).all(axis=1)
        scaled = (values[valid] - self.means) / self.deviations
        # |x - c|^2 without |x|^2, which is the same for every centre.
        distance = (self.centres**2).sum(axis=1) - 2.0 * (scaled @ self.centres.T)
        zones = np.zeros(len(values), dtype=np.uint8)
        zones[valid] = distance.argmin(axis=1) + 1
        return zones.reshape(shape)


@dataclass(frozen=True)
class Choice:
    """How well one number of zones divides the pixels."""

    zones: int
    inertia: float
    silhouette: float


def zone_names(count: int) -> list[str]:
    """Return names for a number of zones, from low background to high-risk."""
    if count in ZONE_NAMES:
        return list(ZONE_NAMES[count])
    between = [f"elevated, level {level}" for level in range(1, count - 1)]
    return ["low background", *between, "high-risk"]


def fit_zones(
    concentrations: np.ndarray,
    zones: int,
    *,
    largest: int = 8,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Zones, list[Choice], int]:
    """Divide pixels into zones.

    Parameters
    ----------
    concentrations : ndarray of shape (pixels, elements)
        Finite values, mg/kg.
    zones : int
        Number of zones, or 0 to choose it from 2 to `largest`: the greatest mean silhouette
        decides, and the elbow of the inertia is returned beside it.
    largest : int
        Greatest number of zones that is tried.
    seed : int
        Of the starts of K-means and of the silhouette's sample.

    Returns
    -------
    zones : Zones
    choices : list of Choice
        Every number of zones that was tried.
    elbow : int
        Number of zones at the elbow of the inertia, 0 where only one number was tried.

    Raises
    ------
    InputError
        If there are fewer different pixels than zones, an element does not vary, or so many zones
        cannot be mapped.
    """
    if zones == 1 or not max(zones, largest) <= MOST_ZONES:
        raise InputError(
            f"{zones or largest} zones cannot be mapped: ask for 2 to {MOST_ZONES} zones, or for 0 "
            "to have the number chosen."
        )
    progress = progress or Progress()
    means = concentrations.mean(axis=0, dtype=np.float64)
    deviations = concentrations.std(axis=0, dtype=np.float64)
    if not (deviations > np.abs(means) * 1e-7).all():
        flat = [int(i) + 1 for i in np.nonzero(deviations <= np.abs(means) * 1e-7)[0]]
        raise InputError(
            f"The concentrations in band(s) {flat} are the same everywhere. Leave these bands out."
        )
    scaled = (concentrations - means) / deviations
    evenly = scaled[:: max(1, len(scaled) // DISTINCT_PIXELS)]
    distinct = len(np.unique(evenly, axis=0))
    tried = [zones] if zones else list(range(2, min(largest, distinct - 1) + 1))
    if not tried or distinct < tried[-1]:
        raise InputError(
            f"Only {distinct} different pixel(s): too few for {zones or 2} zones. "
            "Ask for fewer zones or give a larger raster."
        )

    fits: dict[int, KMeans] = {}
    choices: list[Choice] = []
    for step, count in enumerate(tried):
        progress.fraction(step / len(tried))
        fit = KMeans(count, n_init=RESTARTS, random_state=seed).fit(scaled)
        score = silhouette_score(
            scaled,
            fit.labels_,
            sample_size=min(SILHOUETTE_PIXELS, len(scaled)),
            random_state=seed,
        )
        fits[count] = fit
        choices.append(Choice(count, float(fit.inertia_), float(score)))
    best = max(choices, key=lambda choice: choice.silhouette)
    centres = fits[best.zones].cluster_centers_
    order = centres.mean(axis=1).argsort()
    return Zones(means, deviations, centres[order]), choices, elbow(choices)


def elbow(choices: list[Choice]) -> int:
    """Return the number of zones farthest below the chord of the inertia curve, 0 without one.

    References
    ----------
    V. Satopää et al.: Finding a "kneedle" in a haystack. ICDCS workshops (2011).
    """
    if len(choices) < 3:
        return 0
    counts = np.array([choice.zones for choice in choices], dtype=float)
    inertias = np.array([choice.inertia for choice in choices])
    x = (counts - counts[0]) / (counts[-1] - counts[0])
    span = inertias[0] - inertias[-1]
    if span <= 0:
        return 0
    y = (inertias - inertias[-1]) / span
    return int(counts[np.argmax(1.0 - x - y)])
