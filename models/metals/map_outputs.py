"""What a map of concentrations is to show, and the rasters that it is written to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from gossan.core.errors import InputError
from gossan.core.raster import Raster, RasterInfo, RasterWriter, Stack
from gossan.models.metals.applicability import CLASSES, COLOURS
from gossan.models.metals.inversion import INTERVAL
from gossan.models.metals.model_file import InversionModel

DEVIATION, BOUNDS = "standard deviation", "interval"
UNCERTAINTY_KINDS = (DEVIATION, BOUNDS)

TRAINING_PIXELS_TAG = "GOSSAN_TRAINING_PIXELS"
"""Raster tag: row x width + column of each pixel with a training sample."""

MOST_TRAINING_PIXELS = 20_000


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


class WantedBands:
    """Which numbers are wanted, and the bands of the rasters that they go to.

    Raises
    ------
    InputError
        When a limit names no element of the model, or exceedance is wanted without a limit.
    """

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
        self, opened: ExitStack, info: RasterInfo, tags: Mapping[str, str]
    ) -> dict[str, RasterWriter]:
        """Open the rasters to write, by the name of the result that goes there."""
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


def training_pixels(model: InversionModel, features: Stack | Raster) -> dict[str, str]:
    """Return the tag that names the pixels with training samples, for later assessments."""
    if model.crs_wkt != (features.info.crs_wkt or ""):
        return {}
    rows, columns = features.pixel_of(model.places[:, 0], model.places[:, 1])
    on = rows >= 0
    pixels = np.unique(rows[on] * features.info.width + columns[on])
    if not 0 < len(pixels) <= MOST_TRAINING_PIXELS:
        return {}
    return {TRAINING_PIXELS_TAG: " ".join(map(str, pixels))}
