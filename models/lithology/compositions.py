"""Centred log-ratios of compositions, with zeros replaced and counted.

A zero in a geochemical table is a value below the detection limit, and has no logarithm. It is
replaced by 0.65 times the smallest positive value of its part, as is customary where the limit
itself is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError

ZERO_SHARE = 0.65
"""What a zero counts as, as a share of the smallest positive value of its part."""


@dataclass(frozen=True)
class Parts:
    """What is known about the parts of a composition before they are transformed.

    Parameters
    ----------
    names : tuple of str
        The parts, in the order of the columns.
    smallest : ndarray of float64, shape (parts,)
        Smallest positive value of each part.
    zeros : ndarray of int64, shape (parts,)
        Values of each part that are zero or below.
    """

    names: tuple[str, ...]
    smallest: np.ndarray
    zeros: np.ndarray

    @classmethod
    def unknown(cls, names: tuple[str, ...]) -> Parts:
        """Return the parts before any value was seen.

        Raises
        ------
        InputError
            With fewer than two parts.
        """
        if len(names) < 2:
            raise InputError(
                f"A log-ratio compares the parts of a composition; choose at least two, not "
                f"{len(names)}."
            )
        count = len(names)
        return cls(names, np.full(count, np.inf), np.zeros(count, dtype=np.int64))

    def seeing(self, values: np.ndarray) -> Parts:
        """Return what is known after seeing values of shape (..., parts), NaN where missing."""
        flat = np.asarray(values).reshape(-1, len(self.names))
        positive = np.where(flat > 0, flat, np.inf)
        smallest = positive.min(axis=0, initial=np.inf).astype(np.float64)
        return Parts(
            self.names,
            np.minimum(self.smallest, smallest),
            self.zeros + np.count_nonzero(flat <= 0, axis=0),
        )

    @property
    def replacements(self) -> np.ndarray:
        """What a zero of each part is replaced by, shape (parts,).

        Raises
        ------
        InputError
            When a part has no positive value at all.
        """
        empty = [name for name, least in zip(self.names, self.smallest) if not np.isfinite(least)]
        if empty:
            raise InputError(
                f"{', '.join(empty)}: no value is above zero, so there is nothing to take the "
                "logarithm of. Leave it out."
            )
        return ZERO_SHARE * self.smallest

    def notes(self) -> list[str]:
        """Return a sentence for each part with zeros."""
        return [
            f"{name}: {count} values of zero or below were replaced by {replacement:.4g} "
            f"({ZERO_SHARE:g} x its smallest positive value)."
            for name, count, replacement in zip(self.names, self.zeros, self.replacements)
            if count
        ]


def centred_log_ratio(values: np.ndarray, replacements: np.ndarray) -> np.ndarray:
    """Return ln(part / geometric mean of all parts).

    Parameters
    ----------
    values : ndarray, shape (..., parts)
        Parts in any unit (another unit adds a constant to its part); NaN where missing.
    replacements : ndarray, shape (parts,)
        What stands for values of zero or below, and the least that any value counts as.

    Returns
    -------
    ndarray of float64, shape (..., parts)
        Sums to zero over the parts; NaN in all parts where one is missing.

    References
    ----------
    Aitchison (1986), The statistical analysis of compositional data. Martín-Fernández, Barceló-
    Vidal and Pawlowsky-Glahn (2003), Dealing with zeros and missing values in compositional data
    sets using nonparametric imputation. Mathematical Geology 35, 253-278.
    """
    logarithms = np.log(np.maximum(np.asarray(values, dtype=np.float64), replacements))
    ratios: np.ndarray = logarithms - logarithms.mean(axis=-1, keepdims=True)
    return ratios
