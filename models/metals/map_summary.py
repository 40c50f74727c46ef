"""What a map of concentrations holds: its blocks, and numbers gathered over them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gossan.core.blocks import Block
from gossan.models.metals.applicability import CLASSES
from gossan.models.metals.inversion import ElementModel

CEILING_SHARE = 0.2
"""Predictions in this top part of the training range touch what a forest can reach."""

QUICK_LOOK_SIDE = 500
"""Longest side of the thinned map in the report, pixels."""


@dataclass(frozen=True, eq=False)
class MappedBlock:
    """What comes out of one block; every array (rows, columns, bands), missing is NaN or 0."""

    concentrations: np.ndarray
    uncertainty: np.ndarray | None
    exceedance: np.ndarray | None
    applicability: np.ndarray
    beyond: np.ndarray


@dataclass(eq=False)
class MapSummary:
    """What a map holds, gathered block by block.

    Parameters
    ----------
    elements : tuple of ElementModel
    limits : sequence of float
        Limit of each element, NaN where there is none.
    quick_look : ndarray, shape (rows, columns, elements)
        Thinned map for the report.
    step : int
        Every how many pixels it holds.
    beyond : ndarray of int, shape (features,)
        Pixels in which each feature leaves its training range.
    """

    elements: tuple[ElementModel, ...]
    limits: np.ndarray
    quick_look: np.ndarray
    step: int
    beyond: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.elements)
        self.classes = np.zeros(len(CLASSES) + 1, dtype=np.int64)
        self.mapped = 0
        self.sums = np.zeros(count)
        self.least = np.full(count, np.inf)
        self.greatest = np.full(count, -np.inf)
        self.at_ceiling = np.zeros(count, dtype=np.int64)
        self.above_limit = np.zeros(count, dtype=np.int64)
        self._ceilings = np.array(
            [
                e.maximum - CEILING_SHARE * (e.maximum - e.minimum)
                if e.cannot_extrapolate
                else np.inf
                for e in self.elements
            ]
        )

    def add(self, block: Block, result: MappedBlock) -> None:
        """Take in one block."""
        self.classes += np.bincount(result.applicability.ravel(), minlength=len(self.classes))
        self.beyond += result.beyond
        window, step = block.inner, self.step
        rows = np.arange(-window.row % step, window.height, step)
        columns = np.arange(-window.column % step, window.width, step)
        if len(rows) and len(columns):
            top, left = (window.row + rows[0]) // step, (window.column + columns[0]) // step
            self.quick_look[top : top + len(rows), left : left + len(columns)] = (
                result.concentrations[rows[:, None], columns]
            )
        values = result.concentrations.reshape(-1, len(self.elements))
        values = values[np.isfinite(values[:, 0])]
        if not len(values):
            return
        self.mapped += len(values)
        self.sums += values.sum(axis=0, dtype=np.float64)
        self.least = np.minimum(self.least, values.min(axis=0))
        self.greatest = np.maximum(self.greatest, values.max(axis=0))
        self.at_ceiling += np.count_nonzero(values >= self._ceilings, axis=0)
        with np.errstate(invalid="ignore"):
            self.above_limit += np.count_nonzero(values > self.limits, axis=0)

    @property
    def pixels(self) -> int:
        """Pixels with a value in every feature."""
        return int(self.classes[1:].sum())

    def share(self, kind: int) -> float:
        """Return which share of the pixels with data belongs to an applicability class."""
        return int(self.classes[kind]) / self.pixels if self.pixels else 0.0

    def rows(self) -> list[dict[str, float | str | None]]:
        """Return one row of plain values per element."""
        known = self.mapped > 0
        return [
            {
                "name": element.name,
                "unit": element.unit,
                "mean": float(self.sums[k] / self.mapped) if known else None,
                "minimum": float(self.least[k]) if known else None,
                "maximum": float(self.greatest[k]) if known else None,
                "training_maximum": element.maximum,
                "at_ceiling_share": float(self.at_ceiling[k] / self.mapped) if known else None,
                "limit": float(self.limits[k]) if math.isfinite(self.limits[k]) else None,
                "above_limit_share": (
                    float(self.above_limit[k] / self.mapped)
                    if known and math.isfinite(self.limits[k])
                    else None
                ),
            }
            for k, element in enumerate(self.elements)
        ]
