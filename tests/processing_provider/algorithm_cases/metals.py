"""How to run the algorithms on heavy metals."""

from __future__ import annotations

from algorithm_cases.case import Case

METALS = ("Cd", "Cr", "Cu", "Ni", "Pb", "Zn", "As", "Hg", "Sb")

CASES = (
    Case(
        "trainmetalinversion",
        {
            "FEATURES": ["made:estimateabundances.OUTPUT"],
            "SAMPLES": "district:samples",
            "ELEMENTS": ["Sb", "Pb"],
            "TREES": 40,
            "SEED": 5,
        },
        {
            "MODEL": "metals.gossan",
            "TABLE": "scores.csv",
            "PREDICTIONS": "predictions.gpkg",
            "REPORT": "training.html",
        },
        ("R2_MEAN", "RMSE_MEAN", "RPD_MEAN", "SAMPLE_COUNT", "EXCLUDED_COUNT"),
        seeded=True,
        wrong=(
            ({"ELEMENTS": ["Xx"]}, "no field Xx"),
            ({"VALIDATION": "groups"}, "needs a group field"),
            ({"FOLDS": 500}, "500 folds"),
        ),
    ),
    Case(
        "mapmetals",
        {
            "FEATURES": ["made:estimateabundances.OUTPUT"],
            "MODEL": "made:trainmetalinversion.MODEL",
            "LIMITS": "Sb=50; Pb=300",
        },
        {
            "OUTPUT": "concentrations.tif",
            "UNCERTAINTY": "uncertainty.tif",
            "EXCEEDANCE": "exceedance.tif",
            "APPLICABILITY": "applicability.tif",
            "REPORT": "map.html",
        },
        ("PIXEL_COUNT", "OUTSIDE_SHARE", "VEGETATION_SHARE"),
        wrong=(
            ({"LIMITS": None}, "needs limits"),
            ({"LIMITS": "Qq=3"}, "Qq"),
            ({"MODEL": "/nowhere/metals.gossan"}, "no file"),
            ({"MODEL": "district:samples"}, "not a model"),
            ({"FEATURES": ["district:hyperspectral"]}, "does not have the bands"),
        ),
    ),
    Case(
        "assessmetals",
        {
            "INPUT": "made:mapmetals.OUTPUT",
            "SAMPLES": "district:samples",
            "ELEMENTS": ["Sb", "Pb"],
        },
        {"TABLE": "assessment.csv", "COMPARISON": "comparison.gpkg", "REPORT": "assessment.html"},
        ("R2_MEAN", "RMSE_MEAN", "RPD_MEAN", "BIAS_MEAN", "SAMPLE_COUNT", "EXCLUDED_COUNT"),
        seeded=True,
        wrong=(({"ELEMENTS": ["Cr"]}, "Cr"),),
    ),
    Case(
        "correlatemetals",
        {"SAMPLES": "district:samples", "ELEMENTS": list(METALS)},
        {"TABLE": "statistics.csv", "MATRIX": "matrix.csv", "REPORT": "correlations.html"},
        ("COUNT", "STRONGEST_R"),
        wrong=(
            ({"SAMPLES": None}, "either a concentration raster or samples"),
            ({"INPUT": "district:metals"}, "either a concentration raster or samples"),
            ({"ELEMENTS": None}, "at least one field"),
            ({"ELEMENTS": ["Xx"]}, "no field Xx"),
        ),
    ),
    Case(
        "clusterpollution",
        {"INPUT": "district:metals", "SEED": 4},
        {
            "OUTPUT": "zones.tif",
            "POLYGONS": "zones.gpkg",
            "TABLE": "zones.csv",
            "REPORT": "zones.html",
        },
        ("COUNT", "SILHOUETTE"),
        seeded=True,
        wrong=(({"BANDS": [99]}, "99"),),
    ),
    Case(
        "pollutionindices",
        {"INPUT": "district:metals"},
        {"OUTPUT": "indices.tif", "REPORT": "indices.html"},
        ("NEMEROW_MEAN", "NEMEROW_MAXIMUM", "EXCEEDING_SHARE"),
        wrong=(
            ({"BACKGROUNDS": "Pb"}, "Pb"),
            ({"BACKGROUNDS": "Pb=-1"}, "Pb"),
            ({"BACKGROUNDS": "Qq=3"}, "Qq"),
        ),
    ),
    Case(
        "compareworkflows",
        {
            "INPUT": "district:hyperspectral",
            "SAMPLES": "district:samples",
            "ELEMENTS": ["Sb", "Pb"],
            "WORKFLOWS": ["VCA", "prior"],
            "METHODS": ["nmf"],
            "ENDMEMBERS": 4,
            "SEEDS": 1,
            "TREES": 10,
            "SEED": 2,
        },
        {"TABLE": "comparison.csv", "DETAILS": "runs.csv", "REPORT": "comparison.html"},
        ("R2_BEST",),
        wrong=(({"ELEMENTS": ["Xx"]}, "no field Xx"),),
    ),
)
