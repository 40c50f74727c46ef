"""Calls of the jobs on endmembers, abundances and spectra; their files are the small world's."""

from __future__ import annotations

SPECTRUM = {"wavelengths": [500, 900, 1600, 2200], "reflectance": [0.1, 0.3, 0.4, 0.2]}

CALLS = {
    "endmembers.extract": (
        {"raster": "{cube}", "skewers": 100},
        {"library": "l.sli", "points": "p.geojson", "angles": "a.tif", "report": "r.html"},
    ),
    "endmembers.count": ({"raster": "{cube}"}, {"report": "r.html"}),
    "abundances.estimate": (
        {"raster": "{cube}", "library": "{library}", "method": "svr", "mixtures": 50},
        {"output": "a.tif"},
    ),
    "spectra.map_angles": (
        {"raster": "{cube}", "library": "{library}"},
        {"angles": "a.tif", "classes": "c.tif"},
    ),
    "spectra.resample_library": (
        {"raster": "{cube}", "library": "{library}"},
        {"output": "l.sli"},
    ),
    "spectra.write": ({"spectra": [{"name": "a", **SPECTRUM}]}, {"output": "l.sli"}),
}
