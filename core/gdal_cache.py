"""Holding GDAL's block cache to the memory budget; imported by whatever reads or writes rasters."""

from __future__ import annotations

import os

CACHE_MEGABYTES = 64
"""GDAL's own default is 5 % of the machine's memory, which can be more than the whole budget."""

# GDAL looks when it caches its first block. `rasterio.Env` does not serve: it takes the number as
# bytes, and sets the default again when it is left, while another thread may still read.
os.environ.setdefault("GDAL_CACHEMAX", str(CACHE_MEGABYTES))
