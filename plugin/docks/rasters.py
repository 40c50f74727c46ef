"""What docks need to know of raster layers: file, bands, units, and what made them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from osgeo import gdal
from qgis.core import QgsPalettedRasterRenderer, QgsRasterLayer

from gossan.core.origin import TAG_PREFIX

_MAKERS_OF_IMAGES = (
    "gossan:cloudfreecomposite",
    "gossan:calibratereflectance",
    "gossan:orthorectify",
)
"""Algorithms whose results are images again."""


@dataclass(frozen=True)
class RasterFacts:
    """What a raster file says of itself.

    Parameters
    ----------
    path : str
        The file; empty where the layer is no local file.
    bands, units : tuple of str
        Description and unit of each band, as they are.
    algorithm, model : str
        What made it, and the fingerprint of the model that was used; empty where not told.
    parameters : dict
        The parameters of that run.
    """

    path: str = ""
    bands: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    algorithm: str = ""
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def facts_of(layer: QgsRasterLayer) -> RasterFacts:
    """Return what the file of a layer says; a layer without one has its bands only."""
    path = path_of(layer)
    found = _facts_of_file(path, os.stat(path).st_mtime_ns) if path else None
    if found is None:
        bands = tuple(layer.bandName(number) for number in range(1, layer.bandCount() + 1))
        return RasterFacts(bands=bands, units=("",) * len(bands))
    return found


def is_image(layer: Any, least_bands: int) -> bool:
    """Return whether a layer is an image of the ground, and no map that was computed from one.

    Parameters
    ----------
    layer : QgsMapLayer
    least_bands : int
        With fewer it is none.
    """
    return (
        isinstance(layer, QgsRasterLayer)
        and layer.isValid()
        and layer.providerType() == "gdal"
        and layer.bandCount() >= least_bands
        and facts_of(layer).algorithm in ("", *_MAKERS_OF_IMAGES)
    )


def shown_band(layer: QgsRasterLayer) -> int:
    """Return which band a layer shows, from 1; 0 where it shows several or none."""
    used = layer.renderer().usesBands() if layer.renderer() is not None else []
    return used[0] if len(used) == 1 else 0


@lru_cache(maxsize=256)
def _facts_of_file(path: str, changed: int) -> RasterFacts | None:  # noqa: ARG001
    """Read a file; again where it has changed since."""
    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
    except RuntimeError:
        # Where somebody has switched GDAL's exceptions on.
        return None
    if dataset is None:
        return None
    numbers = range(1, dataset.RasterCount + 1)
    tags = dataset.GetMetadata() or {}
    return RasterFacts(
        path=path,
        bands=tuple(dataset.GetRasterBand(number).GetDescription() for number in numbers),
        units=tuple(dataset.GetRasterBand(number).GetUnitType() or "" for number in numbers),
        algorithm=tags.get(f"{TAG_PREFIX}ALGORITHM", ""),
        model=tags.get(f"{TAG_PREFIX}MODEL", ""),
        parameters=_parameters(tags.get(f"{TAG_PREFIX}PARAMETERS", "")),
    )


def path_of(layer: QgsRasterLayer) -> str:
    """Return the local file of a raster layer, empty where it has none."""
    path = layer.source().partition("|")[0]
    return path if layer.providerType() == "gdal" and os.path.isfile(path) else ""


def shows_classes(layer: QgsRasterLayer) -> bool:
    """Return whether a layer is drawn by the palette of its classes."""
    return isinstance(layer.renderer(), QgsPalettedRasterRenderer)


def _parameters(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
