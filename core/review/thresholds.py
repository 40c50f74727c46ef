"""Findings from a threshold on, after the search: how many there are, and by which filter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

FIELD = "max_probability"
_STEPS = 100


class Ladder:
    """The greatest probabilities of findings, ordered, to be asked while a slider moves.

    Parameters
    ----------
    probabilities : iterable of float
        Of all findings.
    """

    def __init__(self, probabilities: Iterable[float]) -> None:
        self._ordered = sorted(probabilities)

    def __len__(self) -> int:
        return len(self._ordered)

    def from_on(self, threshold: float) -> int:
        """Return how many findings have at least this probability."""
        return len(self._ordered) - bisect_left(self._ordered, threshold)

    @property
    def least(self) -> float:
        """The lowest probability, rounded down to a hundredth; 0 without findings."""
        return int(self._ordered[0] * _STEPS + 1e-9) / _STEPS if self._ordered else 0.0

    def sentence(self, threshold: float) -> str:
        """Return what the threshold leaves, in words."""
        if not self._ordered:
            return "The layer has no findings."
        return f"{self.from_on(threshold):,} of {len(self):,} findings from {threshold:.2f} on."


def expression(threshold: float, other: str = "") -> str:
    """Return the filter of a layer that leaves findings from a threshold on.

    Parameters
    ----------
    threshold : float
    other : str
        A filter that the layer has already and that stays; `without` gives it back.
    """
    own = f'"{FIELD}" >= {threshold:.2f}'
    return f"({other}) AND {own}" if other else own


def without(filtered: str) -> str:
    """Return what is left of a layer's filter without the threshold of `expression`."""
    head, found, tail = filtered.rpartition(f'"{FIELD}" >= ')
    if not found or not _is_number(tail):
        return filtered
    if not head:
        return ""
    return (
        head[1 : -len(") AND ")] if head.startswith("(") and head.endswith(") AND ") else filtered
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
