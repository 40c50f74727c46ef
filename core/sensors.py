"""Bands of the satellites that people bring images of: names, centre wavelengths and widths."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_SENTINEL2 = {
    "B1": (442.7, 20.0),
    "B2": (492.7, 65.0),
    "B3": (559.8, 35.0),
    "B4": (664.6, 30.0),
    "B5": (704.1, 14.0),
    "B6": (740.5, 14.0),
    "B7": (782.8, 19.0),
    "B8": (832.8, 105.0),
    "B8A": (864.7, 21.0),
    "B9": (945.1, 19.0),
    "B10": (1373.5, 29.0),
    "B11": (1613.7, 90.0),
    "B12": (2202.4, 174.0),
}

_THEMATIC_MAPPER = {
    "B1": (485.0, 70.0),
    "B2": (560.0, 80.0),
    "B3": (660.0, 60.0),
    "B4": (830.0, 140.0),
    "B5": (1650.0, 200.0),
    "B6": (11450.0, 2100.0),
    "B7": (2215.0, 270.0),
}

_ENHANCED_THEMATIC_MAPPER = {
    "B1": (482.5, 65.0),
    "B2": (565.0, 80.0),
    "B3": (660.0, 60.0),
    "B4": (837.5, 125.0),
    "B5": (1650.0, 200.0),
    "B6": (11450.0, 2100.0),
    "B7": (2220.0, 260.0),
    "B8": (710.0, 380.0),
}

_OPERATIONAL_LAND_IMAGER = {
    "B1": (443.0, 16.0),
    "B2": (482.0, 60.0),
    "B3": (561.0, 57.0),
    "B4": (655.0, 37.0),
    "B5": (865.0, 28.0),
    "B6": (1609.0, 85.0),
    "B7": (2201.0, 187.0),
    "B8": (590.0, 172.0),
    "B9": (1373.0, 20.0),
    "B10": (10895.0, 590.0),
    "B11": (12005.0, 1010.0),
}

SENSORS: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "sentinel-2": _SENTINEL2,
        "landsat-4": _THEMATIC_MAPPER,
        "landsat-5": _THEMATIC_MAPPER,
        "landsat-7": _ENHANCED_THEMATIC_MAPPER,
        "landsat-8": _OPERATIONAL_LAND_IMAGER,
        "landsat-9": _OPERATIONAL_LAND_IMAGER,
    }
)
"""For each sensor the bands in their order: name -> (centre, full width at half maximum) in nm.

Source: ESA, Sentinel-2 spectral response functions (S2A); USGS, Landsat band designations and
Barsi et al. 2014 for the Operational Land Imager.
"""
