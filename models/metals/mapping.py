"""Mapping of concentrations: one block of pixels at a time, with uncertainty and applicability."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from gossan.core.bands import match
from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.errors import InputError
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, RasterWriter, Stack, open_stack
from gossan.models.metals.applicability import (
    APPLIES,
    CLASSES,
    COLOURS,
    OUTSIDE,
    VEGETATION,
    beyond_range,
)
from gossan.models.metals.inversion import INTERVAL, ElementModel
from gossan.models.metals.model_file import InversionModel
from gossan.models.metals.predictors import Pixels

DEVIATION, BOUNDS = "standard deviation", "interval"
UNCERTAINTY_KINDS = (DEVIATION, BOUNDS)

CHUNK_PIXELS = 16_384
"""Pixels between two looks at whether the user has cancelled."""

BLOCK_PIXELS = 262_144
QUICK_LOOK_SIDE = 500
CEILING_SHARE = 0.2
"""Predictions in this top part of the training range touch what a forest can reach."""


@dataclass(frozen=True)
class MapOptions:
    """What a map is to show.

    Parameters
    ----------
    uncertainty_kind : str
        One of `UNCERTAINTY_KINDS`.
    limits : mapping
        Limit by element name.
    tolerance : float
        How far a feature may leave its training range, as a share of that range.
    mask_outside : bool
        Leave pixels empty where the model does not apply.
    vegetation_limit : float
        Above it the soil counts as hidden.
    """

    uncertainty_kind: str = DEVIATION
    limits: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 0.05
    mask_outside: bool = True
    vegetation_limit: float = 0.5

    def __post_init__(self) -> None:
        if self.uncertainty_kind not in UNCERTAINTY_KINDS:
            raise InputError(
                f"Unknown uncertainty {self.uncertainty_kind!r}; "
                f"use {' or '.join(UNCERTAINTY_KINDS)}."
            )
        if not self.tolerance >= 0:
            raise InputError("The tolerance around the training range must be 0 or more.")


@dataclass(frozen=True)
class MapPaths:
    """Rasters to write; empty ones are not written."""

    concentrations: str
    uncertainty: str = ""
    exceedance: str = ""
    applicability: str = ""


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


def map_blocks(
    model: InversionModel,
    features: Stack | Raster,
    chosen: Sequence[int],
    vegetation: tuple[Stack | Raster, int] | None,
    options: MapOptions,
    paths: MapPaths,
    origin: Origin,
    progress: Progress,
    *,
    workers: int = 0,
) -> MapSummary:
    """Map a whole raster block by block.

    Parameters
    ----------
    model : InversionModel
    features : Stack or Raster
    chosen : sequence of int
        Which band of `features` each feature of the model is.
    vegetation : pair of Stack or Raster and int, optional
        A raster on the same grid and its band, from 0.
    options : MapOptions
    paths : MapPaths
    origin : Origin
        With the fingerprint of the model.
    progress : Progress
    workers : int
        Threads; 0 takes all processors.
    """
    info = features.info
    threads = workers if workers > 0 else os.cpu_count() or 1
    wants = _Wants(model, options, paths)
    per_pixel = 4 * (4 * len(chosen) + 4 * wants.bands + 2)
    rows = rows_for_budget(info.width, per_pixel, share=0.75 / (threads + 2))
    rows = min(
        rows, max(1, BLOCK_PIXELS // info.width), max(16, math.ceil(info.height / (4 * threads)))
    )
    step = max(1, math.ceil(max(info.height, info.width) / QUICK_LOOK_SIDE))
    summary = MapSummary(
        model.elements,
        wants.limits,
        np.full(
            (-(-info.height // step), -(-info.width // step), len(model.elements)),
            np.nan,
            dtype=np.float32,
        ),
        step,
        np.zeros(len(chosen), dtype=np.int64),
    )

    def read(block: Block) -> tuple[np.ndarray, np.ndarray | None]:
        values = features.read(block.inner, chosen)
        if vegetation is None:
            return values, None
        raster, band = vegetation
        return values, raster.read(block.inner, [band])[..., 0]

    def compute(_: Block, data: tuple[np.ndarray, np.ndarray | None]) -> MappedBlock:
        return map_pixels(model, data[0], data[1], wants, progress)

    with ExitStack() as opened:
        writers = wants.open_writers(opened, info, origin)

        def consume(block: Block, result: MappedBlock) -> None:
            for name, writer in writers.items():
                writer.write(block.inner, getattr(result, name))
            summary.add(block, result)

        blocks = plan(info.height, info.width, rows=rows, columns=info.width)
        run(blocks, read, compute, consume, progress, workers=threads)
    return summary


def map_pixels(
    model: InversionModel,
    features: np.ndarray,
    vegetation: np.ndarray | None,
    wants: _Wants,
    progress: Progress,
) -> MappedBlock:
    """Map an array of pixels.

    Parameters
    ----------
    model : InversionModel
    features : ndarray of float32, shape (rows, columns, features)
        NaN where missing.
    vegetation : ndarray, shape (rows, columns), optional
    wants : _Wants
    progress : Progress
        Asked between chunks whether to go on.
    """
    height, width, count = features.shape
    flat = np.ascontiguousarray(features, dtype=np.float32).reshape(-1, count)
    finite = np.isfinite(flat).all(axis=1)
    classes = np.zeros(len(flat), dtype=np.uint8)
    leaves = beyond_range(flat, model.low, model.high, wants.options.tolerance)
    leaves &= finite[:, None]
    classes[finite] = APPLIES
    classes[leaves.any(axis=1)] = OUTSIDE
    if vegetation is not None:
        with np.errstate(invalid="ignore"):
            classes[finite & np.greater(vegetation.ravel(), wants.options.vegetation_limit)] = (
                VEGETATION
            )
    pixels = np.flatnonzero(classes == APPLIES if wants.options.mask_outside else finite)
    result = MappedBlock(
        concentrations=_empty(len(flat), len(model.elements)),
        uncertainty=_empty(len(flat), len(wants.uncertainty_bands)),
        exceedance=_empty(len(flat), len(wants.limited)),
        applicability=classes,
        beyond=np.count_nonzero(leaves, axis=0),
    )
    for start in range(0, len(pixels), CHUNK_PIXELS):
        progress.check()
        chunk = pixels[start : start + CHUNK_PIXELS]
        _fill(result, chunk, Pixels.of(flat[chunk]), model, wants)
    return MappedBlock(
        concentrations=result.concentrations.reshape(height, width, -1),
        uncertainty=_shaped(result.uncertainty, height, width),
        exceedance=_shaped(result.exceedance, height, width),
        applicability=classes.reshape(height, width),
        beyond=result.beyond,
    )


def match_features(
    model: InversionModel, info: RasterInfo, *, by_position: bool = False
) -> list[int]:
    """Return which band of a raster each feature of the model is; see `gossan.core.bands.match`."""
    return match(model.bands, info.bands, by_position=by_position)


def open_vegetation(grid: str, path: str, band: int) -> tuple[Stack, int]:
    """Open a band of a vegetation raster on the grid of the features.

    Raises
    ------
    InputError
        When it has no such band or does not lie there.
    """
    stack = open_stack([grid, path])
    count = stack.rasters[1].info.count
    if not 1 <= band <= count:
        stack.close()
        raise InputError(f"{path} has {count} bands, so its band {band} cannot tell vegetation.")
    return stack, stack.rasters[0].info.count + band - 1


class _Wants:
    """Which numbers are wanted, and the bands that they go to."""

    def __init__(self, model: InversionModel, options: MapOptions, paths: MapPaths) -> None:
        self.options, self.paths = options, paths
        self.names = [element.name for element in model.elements]
        self.units = model.elements[0].unit
        known = {name.casefold(): k for k, name in enumerate(self.names)}
        limits = {name.casefold(): value for name, value in options.limits.items()}
        unknown = [name for name in options.limits if name.casefold() not in known]
        if unknown:
            raise InputError(
                f"There is a limit for {', '.join(unknown)}, and the model maps "
                f"{', '.join(self.names)}."
            )
        if paths.exceedance and not limits:
            raise InputError(
                "The probability of exceeding a limit needs limits, such as Pb=100; As=20."
            )
        self.limits = np.array([limits.get(name.casefold(), math.nan) for name in self.names])
        self.limited = [k for k in range(len(self.names)) if math.isfinite(self.limits[k])]
        if not paths.exceedance:
            self.limited = []
        self.uncertainty_bands: list[str] = []
        if paths.uncertainty and options.uncertainty_kind == BOUNDS:
            self.uncertainty_bands = [
                f"{name} {quantile:.0%}" for name in self.names for quantile in INTERVAL
            ]
        elif paths.uncertainty:
            self.uncertainty_bands = [f"{name} {DEVIATION}" for name in self.names]

    @property
    def bands(self) -> int:
        """Bands of floats that are written."""
        return len(self.names) + len(self.uncertainty_bands) + len(self.limited)

    def open_writers(
        self, opened: ExitStack, info: RasterInfo, origin: Origin
    ) -> dict[str, RasterWriter]:
        """Open the rasters to write, by the name of the result that goes there."""
        tags = origin.tags()
        writers = {
            "concentrations": RasterWriter.like(
                self.paths.concentrations, info, bands=self.names, tags=tags, units=self.units
            )
        }
        if self.uncertainty_bands:
            writers["uncertainty"] = RasterWriter.like(
                self.paths.uncertainty,
                info,
                bands=self.uncertainty_bands,
                tags=tags,
                units=self.units,
            )
        if self.limited:
            writers["exceedance"] = RasterWriter.like(
                self.paths.exceedance,
                info,
                bands=[
                    f"{self.names[k]} above {self.limits[k]:g} {self.units}".strip()
                    for k in self.limited
                ],
                tags=tags,
            )
        if self.paths.applicability:
            writers["applicability"] = RasterWriter.like(
                self.paths.applicability,
                info,
                bands=["applicability"],
                dtype="uint8",
                tags=tags,
                categories=CLASSES,
                colours=COLOURS,
            )
        return {name: opened.enter_context(writer) for name, writer in writers.items()}


def _fill(
    result: MappedBlock,
    chunk: np.ndarray,
    pixels: Pixels,
    model: InversionModel,
    wants: _Wants,
) -> None:
    """Predict a chunk of pixels into the arrays of its block."""
    deviations = bool(wants.uncertainty_bands) and wants.options.uncertainty_kind == DEVIATION
    for k, element in enumerate(model.elements):
        if deviations or k in wants.limited:
            limit = float(wants.limits[k]) if k in wants.limited else math.inf
            mean, deviation, above = element.moments(pixels, limit)
            result.concentrations[chunk, k] = mean
            if deviations and result.uncertainty is not None:
                result.uncertainty[chunk, k] = deviation
            if k in wants.limited and result.exceedance is not None:
                result.exceedance[chunk, wants.limited.index(k)] = above
        else:
            result.concentrations[chunk, k] = element.predict(pixels)
        if wants.uncertainty_bands and not deviations and result.uncertainty is not None:
            low, high = element.interval(pixels)
            result.uncertainty[chunk, 2 * k] = low
            result.uncertainty[chunk, 2 * k + 1] = high


def _empty(pixels: int, bands: int) -> np.ndarray:
    return np.full((pixels, bands), np.nan, dtype=np.float32)


def _shaped(array: np.ndarray | None, height: int, width: int) -> np.ndarray | None:
    return None if array is None else array.reshape(height, width, array.shape[1])
