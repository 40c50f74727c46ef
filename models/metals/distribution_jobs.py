"""Jobs: how the values of a concentration raster are distributed, and how much lies above one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gossan.core.errors import InputError, naming
from gossan.core.job_files import job_files
from gossan.core.pixel_areas import pixel_areas
from gossan.core.progress import Progress
from gossan.core.raster import Raster, open_raster
from gossan.models.metals.concentrations import chosen_bands, strips

BINS = 2048
"""So fine that an edge of a bin serves as any threshold that a mouse can set."""


@job_files(reads=("raster",), writes=())
def histogram(
    progress: Progress, *, raster: str, band: int = 1, bins: int = BINS
) -> dict[str, Any]:
    """Count the values of a band in equal bins from its least to its greatest value.

    A bin holds the values from its lower edge up to, but not with, its upper edge; the last one
    holds its upper edge too. Hence the bins from any edge on hold exactly what is not below it.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Raster of any size; it is read by windows.
    band : int
        Its band, from 1.
    bins : int
        Number of bins.

    Returns
    -------
    dict
        ``name`` and ``unit`` of the band, ``low`` and ``high`` (outer edges), ``pixels`` and
        ``areas`` (square metres, None where the raster has no place) of each bin, ``count`` (valid
        pixels), ``missing``, ``mean`` and ``deviation``.

    Raises
    ------
    InputError
        When there is no such band, no valid pixel, or no bin.
    """
    if bins < 1:
        raise InputError(f"{bins} bins cannot hold a histogram; give at least 1.")
    with naming(raster), open_raster(raster) as image:
        chosen = chosen_bands(image, [band])
        count, low, high, mean, spread = _moments(image, chosen, progress.part(0.0, 0.5))
        if not count:
            raise InputError(
                f"band {band} has no valid pixel. Choose another band, or check its nodata value."
            )
        rows = pixel_areas(image.info)
        pixels = np.zeros(bins, dtype=np.int64)
        areas = np.zeros(bins)
        alike = rows is None or np.ptp(rows) == 0.0
        for block, strip in strips(image, chosen, progress.part(0.5, 1.0)):
            # Where rows differ in area each is counted by itself, so that no weight per pixel is
            # needed, which would take twice the memory of the strip.
            parts = [strip] if alike else list(strip)
            for row, part in enumerate(parts, start=block.inner.row):
                values = part[np.isfinite(part)].astype(np.float64)
                found = np.histogram(values, bins=bins, range=(low, high))[0]
                pixels += found
                if rows is not None:
                    areas += found * rows[row]
        info = image.info
        unit = image.dataset.units[chosen[0]] or ""
        name = info.bands[chosen[0]].name
    progress.fraction(1.0)
    return {
        "name": name,
        "unit": unit,
        "low": low,
        "high": high,
        "pixels": pixels.tolist(),
        "areas": None if rows is None else areas.tolist(),
        "count": count,
        "missing": info.height * info.width - count,
        "mean": mean,
        "deviation": spread,
    }


@job_files(reads=("raster",), writes=())
def area_above(
    progress: Progress, *, raster: str, threshold: float, band: int = 1
) -> dict[str, Any]:
    """Return how much of a band is not below a threshold.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Raster of any size; it is read by windows.
    threshold : float
        In the unit of the raster.
    band : int
        Its band, from 1.

    Returns
    -------
    dict
        ``pixels`` at or above the threshold, ``count`` (valid pixels), and ``area`` and
        ``total`` in square metres (None where the raster has no place).
    """
    if not math.isfinite(threshold):
        raise InputError("The threshold is no number; give one in the unit of the raster.")
    pixels = count = 0
    area = total = 0.0
    with naming(raster), open_raster(raster) as image:
        chosen = chosen_bands(image, [band])
        rows = pixel_areas(image.info)
        for block, strip in strips(image, chosen, progress):
            values = strip[..., 0].astype(np.float64)
            above = values >= threshold
            valid = np.isfinite(values)
            pixels += int(above.sum())
            count += int(valid.sum())
            if rows is not None:
                across = rows[block.inner.slices[0]]
                area += float(above.sum(axis=1) @ across)
                total += float(valid.sum(axis=1) @ across)
    progress.fraction(1.0)
    placed = rows is not None
    return {
        "pixels": pixels,
        "count": count,
        "area": area if placed else None,
        "total": total if placed else None,
    }


def _moments(
    image: Raster, chosen: list[int], progress: Progress
) -> tuple[int, float, float, float, float]:
    """Return count, least, greatest, mean and standard deviation (n - 1) of a band."""
    count, low, high = 0, math.inf, -math.inf
    mean = squares = 0.0
    for _, strip in strips(image, chosen, progress):
        values = strip[np.isfinite(strip)].astype(np.float64)
        if not values.size:
            continue
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        own = float(values.mean())
        whole = count + values.size
        shift = own - mean
        values -= own
        squares += float(values @ values) + shift**2 * count * values.size / whole
        mean += shift * values.size / whole
        count = whole
    return count, low, high, mean, math.sqrt(squares / (count - 1)) if count > 1 else 0.0
