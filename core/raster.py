"""Open, describe, read and write rasters by windows."""

from __future__ import annotations

from gossan.core.blocks import Window
from gossan.core.raster_info import RasterInfo, reflectance_scale
from gossan.core.raster_reading import Raster, open_raster, valid_pixels
from gossan.core.raster_stack import Stack, open_stack
from gossan.core.raster_writing import RasterWriter

__all__ = [
    "Raster",
    "RasterInfo",
    "RasterWriter",
    "Stack",
    "Window",
    "open_raster",
    "open_stack",
    "reflectance_scale",
    "valid_pixels",
]
