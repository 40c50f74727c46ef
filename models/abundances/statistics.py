"""What abundance maps come to over all their pixels, gathered block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class AbundanceStatistics:
    """Sums over the valid pixels of abundance maps.

    Parameters
    ----------
    names : sequence of str (k,)
        The endmembers.

    Attributes
    ----------
    pixels, valid : int
        Pixels seen, and those of them with abundances.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.pixels = self.valid = 0
        self._totals = np.zeros(len(self.names) + 2)
        self._squares = np.zeros(len(self.names))
        self._present = np.zeros(len(self.names), dtype=np.int64)
        self._negative = self._empty = 0

    def add(self, maps: np.ndarray) -> None:
        """Take a block (pixels, k + 2): abundances, residual RMSE and sum; NaN where invalid."""
        k = len(self.names)
        self.pixels += len(maps)
        maps = maps[np.isfinite(maps[:, -1])].astype(np.float64)
        self.valid += len(maps)
        abundances = maps[:, :k]
        self._totals += maps.sum(axis=0)
        self._squares += np.einsum("pk,pk->k", abundances, abundances)
        self._present += (abundances > 0).sum(axis=0)
        self._negative += int((abundances < 0).any(axis=1).sum())
        self._empty += int((~abundances.any(axis=1)).sum())

    def summary(self) -> dict[str, Any]:
        """Return means, deviations and shares as plain numbers; some pixel must be valid."""
        k, n = len(self.names), self.valid
        means = self._totals / n
        deviations = np.sqrt(np.maximum(self._squares / n - means[:k] ** 2, 0.0))
        return {
            "endmembers": [
                {
                    "name": name,
                    "mean": float(means[j]),
                    "deviation": float(deviations[j]),
                    "present": float(self._present[j] / n),
                }
                for j, name in enumerate(self.names)
            ],
            "mean_rmse": float(means[k]),
            "mean_sum": float(means[k + 1]),
            "valid_pixels": n,
            "pixels": self.pixels,
            "negative_share": self._negative / n,
            "zero_share": self._empty / n,
        }
