"""How to run the algorithms on endmembers and abundances."""

from __future__ import annotations

from algorithm_cases.case import Case

CASES = (
    Case(
        "extractendmembers",
        {"INPUT": "district:hyperspectral", "SEED": 3},
        {
            "LIBRARY": "endmembers.sli",
            "POINTS": "endmembers.gpkg",
            "ANGLES": "angles.tif",
            "REPORT": "endmembers.html",
        },
        ("COUNT", "CANDIDATES", "REJECTED", "VALID_PIXELS"),
        seeded=True,
        wrong=(
            ({"PRIORS": "/nowhere/library.sli"}, "no file"),
            ({"PRIORS": "district:samples"}, "samples.csv"),
            ({"WORKFLOW": "N-FINDR", "ENDMEMBERS": 1}, "at least 2 endmembers"),
            ({"SKEWERS": 0}, "SKEWERS"),
            ({"WAVELENGTHS": "/nowhere/bands.csv"}, "no file"),
        ),
    ),
    Case(
        "estimateendmembercount",
        {"INPUT": "district:hyperspectral"},
        {"REPORT": "count.html"},
        ("HYSIME", "HFC_1E3", "HFC_1E4", "HFC_1E5"),
        wrong=(({"WAVELENGTHS": "/nowhere/bands.csv"}, "no file"),),
    ),
    Case(
        "estimateabundances",
        {"INPUT": "district:hyperspectral", "LIBRARY": "district:endmembers", "METHOD": "SVR"},
        {"OUTPUT": "abundances.tif"},
        ("RMSE", "MEAN_SUM", "VALID_PIXELS", "ENDMEMBERS"),
        seeded=True,
        wrong=(
            ({"LIBRARY": "/nowhere/library.sli"}, "no file"),
            ({"LIBRARY": "district:samples"}, "samples.csv"),
            ({"MIXTURES": 1}, "MIXTURES"),
        ),
    ),
    Case(
        "mapspectralangles",
        {"INPUT": "district:hyperspectral", "LIBRARY": "district:endmembers"},
        {"ANGLES": "angles.tif", "CLASSES": "nearest.tif"},
        ("CLASSIFIED_SHARE", "VALID_PIXELS"),
        wrong=(
            ({"LIBRARY": "/nowhere/library.sli"}, "no file"),
            ({"THRESHOLD": 0}, "THRESHOLD"),
        ),
    ),
    Case(
        "resamplelibrary",
        {"LIBRARY": "district:varieties", "RASTER": "district:hyperspectral"},
        {"OUTPUT": "resampled.csv"},
        ("SPECTRA", "BANDS", "INCOMPLETE"),
        wrong=(
            ({"RASTER": None}, "a raster or a table of wavelengths"),
            ({"LIBRARY": "/nowhere/library.sli"}, "no file"),
        ),
    ),
)
