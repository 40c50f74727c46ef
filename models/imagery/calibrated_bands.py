"""The bands of an image, and how their numbers become reflectance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gossan.core.bands import Band
from gossan.core.raster import open_raster
from gossan.models.imagery.scene import BandSource


@dataclass(frozen=True)
class CalibratedBand:
    """A band, and how its numbers become reflectance.

    Parameters
    ----------
    band : Band
    source : BandSource
        Reflectance = stored number x gain + shift.
    told_by : str
        Where gain and shift come from, for people.
    zero_is_missing : bool
        Whether a stored 0 is no measurement, as in products of Landsat and Sentinel-2.
    """

    band: Band
    source: BandSource
    told_by: str
    zero_is_missing: bool = False


def all_bands(rasters: Sequence[str]) -> dict[str, tuple[str, Band]]:
    """Return all bands of rasters by name; bands of one name are told apart by their file's."""
    found: dict[str, tuple[str, Band]] = {}
    for path in rasters:
        with open_raster(path) as raster:
            info = raster.info
        for band in info.bands:
            name = band.name if band.name not in found else f"{Path(path).stem} {band.name}"
            found[name] = path, replace(band, name=name)
    return found
