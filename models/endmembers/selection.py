"""Which of the candidates become endmembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gossan.models.endmembers.candidates import Candidate, Rejected, nearest

PUREST_PER_CLASS = "purest per class"
TOP_K = "top-k"
SELECTIONS = (PUREST_PER_CLASS, TOP_K)

PUBLISHED_K = 4


@dataclass(frozen=True)
class PriorClasses:
    """Prior spectra grouped by class, and how near the scene comes to each class.

    Parameters
    ----------
    names : tuple of str
        Classes, in the library's order.
    members : tuple of ndarray
        Which priors belong to each class.
    best : ndarray, shape (classes,)
        Least spectral angle in radians of any pixel to each class.
    pixels : ndarray, shape (classes,), int64
        Position of that pixel.
    """

    names: tuple[str, ...]
    members: tuple[npt.NDArray[np.int64], ...]
    best: npt.NDArray[np.float64]
    pixels: npt.NDArray[np.int64]

    def angles(self, candidate: Candidate) -> npt.NDArray[np.float64]:
        """Return a candidate's least angle (classes,) in radians to each class."""
        return np.array([candidate.angles[members].min() for members in self.members])


@dataclass(frozen=True)
class Chosen:
    """A candidate that became an endmember, its class and its angle to that class in radians."""

    candidate: Candidate
    group: str
    angle: float


def group_priors(
    classes: Sequence[str],
    angles: npt.NDArray[np.float64],
    positions: npt.NDArray[np.int64],
) -> PriorClasses:
    """Group priors (n,) by class, with the scene's least angle (n,) to each prior and its pixel."""
    names = tuple(dict.fromkeys(classes))
    members = tuple(np.flatnonzero([group == name for group in classes]) for name in names)
    nearest_prior = [int(which[angles[which].argmin()]) for which in members]
    return PriorClasses(names, members, angles[nearest_prior], positions[nearest_prior])


def purest_per_class(
    candidates: Sequence[Candidate],
    priors: PriorClasses,
    *,
    number: int,
    class_angle: float,
    distinct_angle: float,
    absent_angle: float,
) -> tuple[list[Chosen], list[Rejected]]:
    """Choose the purest candidate of each prior class.

    A candidate belongs to the class it is nearest to, when it comes within `class_angle` of the
    best pixel of that class. A class without such a candidate gets the prior's own pixel. Classes
    that the scene comes nearest to are served first.

    Parameters
    ----------
    candidates : sequence of Candidate
        One per pixel, with the priors' own pixels among them.
    priors : PriorClasses
        Classes to serve.
    number : int
        Endmembers to keep; more than there are classes adds the purest of the others; 0 keeps one
        per class.
    class_angle : float
        Radians around a class's best angle.
    distinct_angle : float
        Endmembers closer than this in radians count as the same.
    absent_angle : float
        A class whose best pixel is farther than this in radians is taken for absent.

    Returns
    -------
    tuple of list
        Chosen endmembers by class order of the library, then the additional ones; rejected
        candidates with reasons.
    """
    to_classes = {candidate.position: priors.angles(candidate) for candidate in candidates}
    by_position = {candidate.position: candidate for candidate in candidates}
    chosen: dict[int, Chosen] = {}
    reasons: dict[int, str] = {}
    for group in np.argsort(priors.best, kind="stable"):
        name, best = priors.names[group], float(priors.best[group])
        own = by_position[int(priors.pixels[group])]
        if best > absent_angle:
            reasons.setdefault(
                own.position, f"{name} seems absent: its best pixel is {best:.3f} rad away"
            )
            continue
        if number and len(chosen) >= number:
            reasons.setdefault(own.position, f"{name} comes after the {number} best classes")
            continue
        members = [
            candidate
            for candidate in candidates
            if to_classes[candidate.position][group] <= best + class_angle
            and int(to_classes[candidate.position].argmin()) == group
        ]
        for candidate in [*sorted(members, key=lambda member: member.rank), own]:
            taken = [entry.candidate for entry in chosen.values()]
            twin = nearest(candidate, taken)
            if twin is None or twin[1] >= distinct_angle:
                angle = float(to_classes[candidate.position][group])
                chosen[int(group)] = Chosen(candidate, name, angle)
                break
            reasons[candidate.position] = (
                f"{name}: like the endmember at row {twin[0].row}, column {twin[0].column} "
                f"({twin[1]:.3f} rad)"
            )
    result = [chosen[group] for group in sorted(chosen)]
    if number > len(result):
        taken = [entry.candidate for entry in result]
        for candidate in sorted(candidates, key=lambda member: member.rank):
            twin = nearest(candidate, taken)
            if len(result) < number and (twin is None or twin[1] >= distinct_angle):
                angles = to_classes[candidate.position]
                nearest_class = priors.names[int(angles.argmin())]
                result.append(Chosen(candidate, nearest_class, float(angles.min())))
                taken.append(candidate)
    kept = {entry.candidate.position for entry in result}
    rejected = [
        Rejected(
            candidate, reasons.get(candidate.position, _why_not(candidate, priors, class_angle))
        )
        for candidate in candidates
        if candidate.position not in kept
    ]
    return result, rejected


def top_k(
    candidates: Sequence[Candidate], priors: PriorClasses, *, number: int
) -> tuple[list[Chosen], list[Rejected]]:
    """Choose the candidates of least angle to any prior, as published; a class may come twice."""
    number = number or PUBLISHED_K
    ranked = sorted(candidates, key=lambda member: (float(member.angles.min()), member.rank))
    chosen = []
    for candidate in ranked[:number]:
        angles = priors.angles(candidate)
        chosen.append(Chosen(candidate, priors.names[int(angles.argmin())], float(angles.min())))
    rejected = [
        Rejected(
            candidate,
            f"{candidate.angles.min():.3f} rad from the nearest prior, not among "
            f"the {number} nearest",
        )
        for candidate in ranked[number:]
    ]
    return chosen, rejected


def purest(
    candidates: Sequence[Candidate],
    priors: PriorClasses | None,
    *,
    number: int,
    distinct_angle: float,
) -> tuple[list[Chosen], list[Rejected]]:
    """Choose the purest candidates that differ from each other, for workflows without priors.

    Priors, where given, only name the class each endmember is nearest to.
    """
    chosen: list[Chosen] = []
    rejected: list[Rejected] = []
    taken: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda member: member.rank):
        twin = nearest(candidate, taken)
        if twin is not None and twin[1] < distinct_angle:
            reason = (
                f"like the pixel at row {twin[0].row}, column {twin[0].column} ({twin[1]:.3f} rad)"
            )
            rejected.append(Rejected(candidate, reason))
        elif number and len(taken) >= number:
            rejected.append(Rejected(candidate, f"not among the {number} purest"))
        else:
            taken.append(candidate)
            chosen.append(with_class(candidate, priors))
    return chosen, rejected


def with_class(candidate: Candidate, priors: PriorClasses | None) -> Chosen:
    """Return the candidate with the class of its nearest prior; no class without priors."""
    if priors is None:
        return Chosen(candidate, "", float("nan"))
    angles = priors.angles(candidate)
    return Chosen(candidate, priors.names[int(angles.argmin())], float(angles.min()))


def _why_not(candidate: Candidate, priors: PriorClasses, class_angle: float) -> str:
    angles = priors.angles(candidate)
    group = int(angles.argmin())
    excess = float(angles[group] - priors.best[group])
    if excess > class_angle:
        return f"nearest to {priors.names[group]}, but {excess:.3f} rad farther than its best pixel"
    return f"less pure than the endmember of {priors.names[group]}"
