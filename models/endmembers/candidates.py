"""Pixels that a method proposes as endmembers, and why some of them are rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gossan.core.spectra import spectral_angle
from gossan.models.endmembers.scene import Scene

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A pixel that may be an endmember.

    Parameters
    ----------
    position : int
        Row x image width + column.
    row, column : int
        Pixel, from 0.
    spectrum : ndarray, shape (bands,)
        Reflectance.
    source : str
        Methods that propose it, joined by ``+``.
    purity : float
        Share of the way from the scene's mean to its end, 0 to 1; see `PixelPurity.purity`.
    hits : int
        How often the pixel was outermost along a skewer.
    angles : ndarray, shape (priors,)
        Spectral angle in radians to each prior spectrum; empty without priors.
    """

    position: int
    row: int
    column: int
    spectrum: FloatArray
    source: str
    purity: float = 0.0
    hits: int = 0
    angles: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def rank(self) -> tuple[float, int, int]:
        """Sorts the purest first: purity, then hits, then the place in the image."""
        return (-self.purity, -self.hits, self.position)


@dataclass(frozen=True)
class Rejected:
    """A candidate that was not chosen, and the reason for people."""

    candidate: Candidate
    reason: str


def candidate_at(scene: Scene, position: int, source: str) -> Candidate:
    """Return the candidate at a position of the scene."""
    row, column = divmod(int(position), scene.width)
    spectrum, _ = scene.neighbourhood(row, column)
    return Candidate(int(position), row, column, np.asarray(spectrum, dtype=np.float64), source)


def neighbour_angle(scene: Scene, candidate: Candidate) -> float:
    """Return the least spectral angle in radians to a neighbour in the 3 x 3 window.

    Infinite when no neighbour is valid.
    """
    _, around = scene.neighbourhood(candidate.row, candidate.column)
    if len(around) == 0:
        return float("inf")
    return float(np.nanmin(spectral_angle(candidate.spectrum[None], around), initial=np.inf))


def accept_in_order(
    proposals: Iterable[Candidate],
    number: int,
    *,
    distinct_angle: float,
    neighbours: tuple[Scene, float] | None = None,
    most_examined: int = 500,
) -> tuple[list[Candidate], list[Rejected]]:
    """Take candidates in their order until there are enough that differ from each other.

    Parameters
    ----------
    proposals : iterable of Candidate
        Best first.
    number : int
        Candidates to accept.
    distinct_angle : float
        Radians; a candidate closer than this to an accepted one is rejected as the same.
    neighbours : tuple of Scene and float, optional
        Reject candidates without a neighbour in the scene within this angle in radians.
    most_examined : int
        Stop after so many.

    Returns
    -------
    tuple of list
        Accepted candidates in their order, and rejected ones with reasons.
    """
    accepted: list[Candidate] = []
    rejected: list[Rejected] = []
    for candidate in _first(proposals, most_examined):
        if len(accepted) >= number:
            break
        twin = nearest(candidate, accepted)
        if twin is not None and twin[1] < distinct_angle:
            rejected.append(
                Rejected(
                    candidate,
                    f"like the pixel at row {twin[0].row}, column {twin[0].column} "
                    f"({twin[1]:.3f} rad)",
                )
            )
            continue
        if neighbours is not None:
            angle = neighbour_angle(neighbours[0], candidate)
            if angle > neighbours[1]:
                detail = (
                    "no valid neighbour"
                    if np.isinf(angle)
                    else f"its nearest neighbour differs by {angle:.3f} rad"
                )
                rejected.append(Rejected(candidate, f"stands alone: {detail}"))
                continue
        accepted.append(candidate)
    return accepted, rejected


def nearest(candidate: Candidate, others: Sequence[Candidate]) -> tuple[Candidate, float] | None:
    """Return the most similar of other candidates and its spectral angle, None without any."""
    if not others:
        return None
    spectra = np.array([other.spectrum for other in others])
    angles = spectral_angle(candidate.spectrum[None], spectra)[0]
    angles = np.where(np.isfinite(angles), angles, np.pi)
    return others[int(angles.argmin())], float(angles.min())


def joined(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return one candidate per pixel, with all its sources."""
    by_position: dict[int, Candidate] = {}
    for candidate in candidates:
        known = by_position.get(candidate.position)
        if known is None:
            by_position[candidate.position] = candidate
        elif candidate.source not in known.source.split("+"):
            by_position[candidate.position] = replace(
                known, source=f"{known.source}+{candidate.source}"
            )
    return list(by_position.values())


def _first(proposals: Iterable[Candidate], number: int) -> Iterator[Candidate]:
    for count, candidate in enumerate(proposals):
        if count >= number:
            return
        yield candidate
