"""The distribution of a band's values, from fine bins: what to draw, and what lies above a value.

Plain Python over some two thousand bins that the engine has counted.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

SHOWN_SHARE = 0.995
"""Share of the pixels that the drawn range holds; a few giants would hide all others."""


@dataclass(frozen=True)
class Above:
    """What is not below a threshold.

    Parameters
    ----------
    pixels : int
    area, total : float or None
        Square metres above and in all; None where the raster has no place on the Earth.
    count : int
        Valid pixels in all.
    exact : bool
        False where the threshold cuts through a bin, which is then shared out.
    """

    pixels: int
    count: int
    area: float | None
    total: float | None
    exact: bool


class Distribution:
    """Fine bins of a band with what follows from them.

    Parameters
    ----------
    told : mapping
        What the job ``metals.histogram`` returns.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.name = str(told["name"])
        self.unit = str(told["unit"])
        self.low, self.high = float(told["low"]), float(told["high"])
        self.mean, self.deviation = float(told["mean"]), float(told["deviation"])
        self.count = int(told["count"])
        self._pixels: list[int] = list(told["pixels"])
        self._areas: list[float] | None = told["areas"]
        self._pixels_below = [0, *accumulate(self._pixels)]
        self._areas_below = [0.0, *accumulate(self._areas)] if self._areas else None

    @property
    def is_constant(self) -> bool:
        """Whether all pixels have one value."""
        return not self.high > self.low

    def snapped(self, value: float) -> float:
        """Return the edge of a bin that is next to a value, above which all is counted exactly."""
        if self.is_constant:
            return self.low
        place = (value - self.low) / (self.high - self.low) * len(self._pixels)
        return self._edge(min(max(round(place), 0), len(self._pixels)))

    def above(self, threshold: float) -> Above:
        """Return how much is at or above a threshold."""
        total = self._areas_below[-1] if self._areas_below else None
        if threshold <= self.low:
            return Above(self.count, self.count, total, total, True)
        if threshold > self.high:
            return Above(0, self.count, None if total is None else 0.0, total, True)
        place = (threshold - self.low) / (self.high - self.low) * len(self._pixels)
        nearest = round(place)
        exact = abs(place - nearest) < 1e-6
        index = min(nearest if exact else math.floor(place), len(self._pixels) - 1)
        part = (nearest - index) if exact else place - index
        pixels = self.count - self._pixels_below[index] - part * self._pixels[index]
        area = None
        if self._areas_below and self._areas and total is not None:
            area = max(total - self._areas_below[index] - part * self._areas[index], 0.0)
        return Above(round(pixels), self.count, area, total, exact and nearest < len(self._pixels))

    def quantile(self, share: float) -> float:
        """Return the value below which a share of the pixels lies."""
        wanted = share * self.count
        index = min(bisect.bisect_left(self._pixels_below, wanted), len(self._pixels))
        return self._edge(index)

    def starting_threshold(self) -> float:
        """Return where the threshold stands at first: the highest twentieth lies above it."""
        return self.snapped(self.quantile(0.95))

    def shown_range(self, threshold: float) -> tuple[float, float]:
        """Return the range to draw: nearly all pixels, and the threshold."""
        high = max(self.quantile(SHOWN_SHARE), min(threshold, self.high))
        return self.low, high if high > self.low else self.low + 1.0

    def drawn(self, shown: tuple[float, float], bars: int = 64) -> tuple[list[float], list[float]]:
        """Return edges and heights (pixels per bar) of the bars to draw.

        Parameters
        ----------
        shown : tuple of float
            Range to draw.
        bars : int
            Greatest number of bars; each holds a whole number of bins, so that none looks fuller
            than its neighbours by chance.
        """
        if self.is_constant:
            return [self.low - 0.5, self.low + 0.5], [float(self.count)]
        bins = len(self._pixels)
        last = min(max(math.ceil((shown[1] - self.low) / self._width), 1), bins)
        each = max(math.ceil(last / bars), 1)
        starts = range(0, last, each)
        heights = [float(sum(self._pixels[start : start + each])) for start in starts]
        ends = [min(start + each, bins) for start in starts]
        # The last bar may be cut by the end of the bins; it is as high as if it were whole.
        heights[-1] *= each / (ends[-1] - starts[-1])
        return [self._edge(starts[0]), *(self._edge(end) for end in ends)], heights

    @staticmethod
    def parted(
        edges: Sequence[float], heights: Sequence[float], threshold: float
    ) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
        """Return edges and heights of the bars below a threshold and of those from it on.

        A bar that the threshold runs through is on both sides. A side may have no bar.
        """
        below = [edge for edge in edges if edge < threshold]
        above = [edge for edge in edges if edge > threshold]
        low, high = list(heights[: len(below)]), list(heights[len(heights) - len(above) :])
        if not above:
            return (list(edges), list(heights)), ([], [])
        if not below:
            return ([], []), (list(edges), list(heights))
        return ([*below, threshold], low), ([threshold, *above], high)

    @property
    def _width(self) -> float:
        return (self.high - self.low) / len(self._pixels)

    def _edge(self, index: int) -> float:
        bins = len(self._pixels)
        return self.high if index >= bins else self.low + index * (self.high - self.low) / bins


def decimals(low: float, high: float) -> int:
    """Return how many decimals a threshold between two values needs."""
    span = abs(high - low)
    if not span > 0 or not math.isfinite(span):
        return 2
    return min(max(3 - math.floor(math.log10(span)), 0), 9)


def strongest_pairs(
    names: Sequence[str], matrix: Sequence[Sequence[float | None]], most: int = 3
) -> list[tuple[str, str, float]]:
    """Return the pairs of elements that go together most, with Pearson's r."""
    pairs = [
        (names[i], names[j], float(value))
        for i, row in enumerate(matrix)
        for j, value in enumerate(row)
        if j > i and value is not None and math.isfinite(value)
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))[:most]
