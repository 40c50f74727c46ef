"""The pixels as points in a space of bands or components, and which of them lie outermost."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from gossan.core.progress import Progress
from gossan.models.endmembers.boxes import Boxes, sort_into_boxes
from gossan.models.endmembers.scene import Scene, Strip

FloatArray = npt.NDArray[np.floating[Any]]
IndexArray = npt.NDArray[np.int64]

POINTS_PER_BLOCK = 4096
DIRECTIONS_PER_BLOCK = 512
BOXES_PER_BLOCK = 256

THREADS = min(4, os.cpu_count() or 1)
WORTH_THREADS = 2**22
"""Products of points and directions from which threads gain more than they cost."""

FEW_DIRECTIONS = 64
FEW_POINTS = 300_000
MANY_DIMENSIONS = 64


class Extremes(NamedTuple):
    """The outermost points along some directions.

    ``lowest`` and ``highest`` (directions,) are point numbers, ``least`` and ``greatest`` the
    projections of these points.
    """

    lowest: IndexArray
    highest: IndexArray
    least: FloatArray
    greatest: FloatArray


class Cloud(Protocol):
    """Points (pixels, dimensions) of which only the outermost are asked for."""

    @property
    def size(self) -> int:
        """Number of points."""

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""

    def point(self, index: int) -> FloatArray:
        """Return the coordinates (dimensions,) of one point."""

    def extremes(self, directions: FloatArray, progress: Progress) -> Extremes:
        """Return the outermost points along `directions` (number, dimensions)."""

    def farthest(self, basis: FloatArray, progress: Progress) -> int:
        """Return the point farthest from the space that `basis` (dimensions, m) spans."""


class MemoryCloud:
    """Points held in memory.

    Parameters
    ----------
    points : ndarray, shape (pixels, dimensions)
        Coordinates, float32 or float64; the products are formed in this precision.
    """

    def __init__(self, points: FloatArray) -> None:
        self.points = points
        self.size, self.dimensions = (int(size) for size in points.shape)
        self._boxes: Boxes | None = None

    def point(self, index: int) -> FloatArray:
        """Return the coordinates (dimensions,) of one point."""
        return np.asarray(self.points[index], dtype=np.float64)

    def extremes(self, directions: FloatArray, progress: Progress) -> Extremes:
        """Return the outermost points along `directions` (number, dimensions).

        Equals a search through all points: for many points and directions they are sorted into
        boxes, and a box is left out along a direction when its farthest corner falls short of a
        point already found.
        """
        directions = np.asarray(directions, dtype=self.points.dtype)
        found = _Running.start(len(directions), self.points.dtype)
        if (
            len(directions) < FEW_DIRECTIONS
            or self.dimensions > MANY_DIMENSIONS
            or self.size < FEW_POINTS
        ):
            step = points_per_block(len(directions))
            for start in range(0, self.size, step):
                block = self.points[start : start + step]
                found.update(directions, block, np.arange(start, start + len(block)))
                progress.fraction((start + len(block)) / self.size)
            return found.extremes()
        if self._boxes is None:
            self._boxes = sort_into_boxes(self.points)
        self._search_boxes(self._boxes, directions, found, progress)
        return found.extremes()

    def _search_boxes(
        self, boxes: Boxes, directions: FloatArray, found: _Running, progress: Progress
    ) -> None:
        """Find the extremes among points in boxes."""
        progress.check()
        # The outermost boxes first: what they hold rules out nearly all others.
        norms = np.square(boxes.centres / (boxes.centres.std(axis=0) + 1e-30)).sum(axis=1)
        order = np.argsort(-norms, kind="stable")
        widths = np.abs(directions)
        slack = 1e-5 * np.abs(boxes.centres).max()
        for start in range(0, len(order), BOXES_PER_BLOCK):
            chosen = order[start : start + BOXES_PER_BLOCK]
            middle = boxes.centres[chosen] @ directions.T
            reach = boxes.halves[chosen] @ widths.T + slack
            open_to = middle + reach >= found.greatest
            open_to |= middle - reach <= found.least
            for box, active in zip(chosen, open_to):
                which = np.flatnonzero(active)
                if which.size:
                    members = boxes.members[box]
                    found.update(directions, self.points[members], members, which)
            progress.fraction((start + len(chosen)) / len(order))

    def farthest(self, basis: FloatArray, progress: Progress) -> int:
        """Return the point farthest from the space that `basis` (dimensions, m) spans."""
        orthonormal = np.asarray(orthonormalised(basis), dtype=self.points.dtype)
        best, index = -1.0, 0
        for start in range(0, self.size, 16 * POINTS_PER_BLOCK):
            block = self.points[start : start + 16 * POINTS_PER_BLOCK]
            distances = residual_energy(block, orthonormal)
            here = int(distances.argmax())
            if distances[here] > best:
                best, index = float(distances[here]), start + here
            progress.fraction((start + len(block)) / self.size)
        return index


class SceneCloud:
    """Points that are the spectra of a scene, gone through again for every question.

    Parameters
    ----------
    scene : Scene
        Where the pixels come from.
    origin : ndarray, shape (bands,)
        Spectrum that becomes zero.
    size : int
        Number of valid pixels.
    """

    def __init__(self, scene: Scene, origin: FloatArray, size: int) -> None:
        self._scene = scene
        self._origin = origin.astype(np.float32)
        self.size = size
        self.dimensions = scene.bands
        self._outermost: dict[int, FloatArray] = {}

    def point(self, index: int) -> FloatArray:
        """Return the coordinates (dimensions,) of a point that was outermost in some search."""
        return self._outermost[index]

    def extremes(self, directions: FloatArray, progress: Progress) -> Extremes:
        """Return the outermost points along `directions` (number, dimensions)."""
        task = _ExtremesTask(np.asarray(directions, dtype=np.float32), self._origin)
        self._scene.scan([task], progress)
        self._outermost.update(task.outermost)
        return task.found.extremes()

    def farthest(self, basis: FloatArray, progress: Progress) -> int:
        """Return the point farthest from the space that `basis` (dimensions, m) spans."""
        task = _FarthestTask(np.asarray(orthonormalised(basis), dtype=np.float32), self._origin)
        self._scene.scan([task], progress)
        self._outermost[task.index] = task.point
        return task.index


class _ExtremesTask:
    """Running extremes of a scene's spectra."""

    def __init__(self, directions: FloatArray, origin: FloatArray) -> None:
        self.found = _Running.start(len(directions), np.float32)
        self.outermost: dict[int, FloatArray] = {}
        self._directions = directions
        self._origin = origin
        self._start = 0

    def compute(self, strip: Strip) -> FloatArray:
        return strip.spectra - self._origin

    def consume(self, spectra: FloatArray) -> None:
        step = points_per_block(len(self._directions))
        for first in range(0, len(spectra), step):
            block = spectra[first : first + step]
            numbers = np.arange(self._start + first, self._start + first + len(block))
            for index in self.found.update(self._directions, block, numbers):
                self.outermost[index] = block[index - numbers[0]].astype(np.float64)
        self._start += len(spectra)
        current = set(self.found.highest.tolist()) | set(self.found.lowest.tolist())
        self.outermost = {i: point for i, point in self.outermost.items() if i in current}


class _FarthestTask:
    """Running farthest point of a scene's spectra."""

    def __init__(self, orthonormal: FloatArray, origin: FloatArray) -> None:
        self.index = 0
        self.point: FloatArray = np.zeros(len(origin))
        self._distance = -1.0
        self._orthonormal = orthonormal
        self._origin = origin
        self._start = 0

    def compute(self, strip: Strip) -> FloatArray:
        return strip.spectra - self._origin

    def consume(self, spectra: FloatArray) -> None:
        if len(spectra):
            distances = residual_energy(spectra, self._orthonormal)
            here = int(distances.argmax())
            if distances[here] > self._distance:
                self._distance = float(distances[here])
                self.index = self._start + here
                self.point = spectra[here].astype(np.float64)
        self._start += len(spectra)


def points_per_block(directions: int) -> int:
    """Return how many points to project on so many directions at a time."""
    return int(np.clip(2**21 // max(directions, 1), POINTS_PER_BLOCK, 2**18))


def orthonormalised(basis: FloatArray) -> FloatArray:
    """Return an orthonormal basis (dimensions, rank) of what `basis` (dimensions, m) spans."""
    if basis.shape[1] == 0:
        return np.asarray(basis, dtype=np.float64)
    left, strength, _ = np.linalg.svd(np.asarray(basis, dtype=np.float64), full_matrices=False)
    return np.asarray(left[:, strength > strength[0] * 1e-10], dtype=np.float64)


def residual_energy(points: FloatArray, orthonormal: FloatArray) -> FloatArray:
    """Return the squared distance (pixels,) of points (pixels, d) from an orthonormal basis."""
    inside = points @ orthonormal
    outside = points - inside @ orthonormal.T
    return np.einsum("ij,ij->i", outside, outside)


class _Running:
    """The outermost points so far."""

    def __init__(self, extremes: Extremes) -> None:
        self.lowest, self.highest, self.least, self.greatest = extremes

    @classmethod
    def start(cls, number: int, dtype: npt.DTypeLike) -> _Running:
        return cls(
            Extremes(
                np.zeros(number, dtype=np.int64),
                np.zeros(number, dtype=np.int64),
                np.full(number, np.inf, dtype=dtype),
                np.full(number, -np.inf, dtype=dtype),
            )
        )

    def update(
        self,
        directions: FloatArray,
        block: FloatArray,
        numbers: IndexArray,
        active: IndexArray | None = None,
    ) -> set[int]:
        """Compare a block of points along the active directions; return the new outermost."""
        active = np.arange(len(directions)) if active is None else active
        parts = [
            active[start : start + DIRECTIONS_PER_BLOCK]
            for start in range(0, len(active), DIRECTIONS_PER_BLOCK)
        ]
        if len(active) * len(block) < WORTH_THREADS:
            found = [self._update_along(directions, block, numbers, which) for which in parts]
        else:
            # Each part changes its own directions only, so that threads do not meet.
            with ThreadPoolExecutor(THREADS) as threads:
                found = list(
                    threads.map(
                        lambda which: self._update_along(directions, block, numbers, which), parts
                    )
                )
        return set().union(*found)

    def _update_along(
        self, directions: FloatArray, block: FloatArray, numbers: IndexArray, which: IndexArray
    ) -> set[int]:
        projected = directions[which] @ block.T
        along = np.arange(len(which))
        high = projected.argmax(axis=1)
        value, number = projected[along, high], numbers[high]
        better = value > self.greatest[which]
        better |= (value == self.greatest[which]) & (number < self.highest[which])
        self.greatest[which[better]] = value[better]
        self.highest[which[better]] = number[better]
        improved = set(number[better].tolist())
        low = projected.argmin(axis=1)
        value, number = projected[along, low], numbers[low]
        better = value < self.least[which]
        better |= (value == self.least[which]) & (number < self.lowest[which])
        self.least[which[better]] = value[better]
        self.lowest[which[better]] = number[better]
        improved.update(number[better].tolist())
        return improved

    def extremes(self) -> Extremes:
        return Extremes(self.lowest, self.highest, self.least, self.greatest)
