"""From the stored numbers of an image to reflectance, 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gossan.core.bands import Band
from gossan.core.raster import Raster, Window, reflectance_scale
from gossan.core.sensors import SENSORS

SENTINEL2_SCALE = 1e-4
SENTINEL2_OFFSET = 1000.0
"""What processing baseline 04.00 and later add to the numbers."""

_SAMPLED_SIDE = 256


class Scale(NamedTuple):
    """Reflectance = stored number x gain + shift, per band, and what had to be assumed."""

    gain: np.ndarray
    shift: np.ndarray
    note: str = ""


def scale_of(raster: Raster, indexes: Sequence[int]) -> Scale:
    """Find how the numbers of a raster become reflectance.

    By what the user or the file says of scale and offset; else, for integers in the bands of
    Sentinel-2, 0.0001 less the offset that the tags ``offset`` or ``processing_baseline`` tell of;
    else by the size of the numbers.

    Parameters
    ----------
    raster : Raster
        An open raster.
    indexes : sequence of int
        The bands that are used, from 0.

    Returns
    -------
    Scale
        For the bands of ``indexes``; its note is empty where nothing was assumed.
    """
    info = raster.info
    count = len(indexes)
    if info.scale_source:
        gain = np.array([info.scale[i] for i in indexes])
        return Scale(gain, np.array([info.offset[i] for i in indexes]))
    if info.is_integer and is_sentinel2([info.bands[i] for i in indexes], info.tags):
        added, told = _added(info.tags)
        note = (
            f"{info.path} says nothing of its scale; its integers in bands of Sentinel-2 are taken "
            f"as reflectance x 10000{f', with {added:g} added ({told})' if added else ''}. Give "
            "the scale as a parameter if that is wrong."
        )
        shift = np.full(count, -added * SENTINEL2_SCALE)
        return Scale(np.full(count, SENTINEL2_SCALE), shift, note)
    factor, assumed = reflectance_scale(info, _sample(raster, indexes))
    return Scale(np.full(count, factor), np.zeros(count), assumed or "")


def is_sentinel2(bands: Sequence[Band], tags: Mapping[str, str]) -> bool:
    """Tell whether bands are those of Sentinel-2: by name and, where known, by wavelength.

    Names alone (B1 to B7 are also Landsat's) count where no tag names another satellite.
    """
    known = SENSORS["sentinel-2"]
    for band in bands:
        key = re.sub(r"^(?:S2[-_ ]?)?B?0?", "B", band.name.strip().upper())
        if band.wavelength is not None:
            near = [
                name
                for name, (centre, width) in known.items()
                if abs(band.wavelength - centre) <= width / 2
            ]
            if not near or (key in known and key not in near):
                return False
        elif key not in known:
            return False
    sensor = " ".join(
        value.lower() for name, value in tags.items() if name.lower() in ("sensor", "platform")
    )
    return "landsat" not in sensor


def _added(tags: Mapping[str, str]) -> tuple[float, str]:
    """Return what was added to the numbers and how one knows; 0 where nothing tells of it."""
    lower = {name.lower(): value for name, value in tags.items()}
    if "offset" in lower:
        offset = _number(lower["offset"])
        if offset is not None:
            return offset, "tag offset"
    baseline = _number(lower.get("processing_baseline", ""))
    if baseline is not None and baseline >= 4.0:
        return SENTINEL2_OFFSET, f"processing baseline {lower['processing_baseline']}"
    return 0.0, ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sample(raster: Raster, indexes: Sequence[int]) -> np.ndarray:
    """Read a window in the middle, and further ones where nothing is valid there."""
    info = raster.info
    height, width = min(info.height, _SAMPLED_SIDE), min(info.width, _SAMPLED_SIDE)
    sample = np.empty((0, 0, len(indexes)), dtype=np.float32)
    for down, right in ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
        row, column = int((info.height - height) * down), int((info.width - width) * right)
        sample = raster.read(Window(row, column, height, width), indexes, scaled=False)
        if np.isfinite(sample).any() and (sample != 0).any():
            break
    return sample
