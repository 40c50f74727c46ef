"""How to run the algorithms on lithology."""

from __future__ import annotations

from algorithm_cases.case import Case

CASES = (
    Case(
        "clrtransform",
        {
            "INPUT": "district:geochemistry",
            "SAMPLES": "district:sample_points",
            "ELEMENTS": ["As", "Zn", "Cu"],
        },
        {"OUTPUT": "clr.tif", "OUTPUT_TABLE": "clr.gpkg"},
        ("PARTS", "ZEROS", "MISSING"),
        wrong=(
            ({"INPUT": None, "SAMPLES": None, "ELEMENTS": None}, "raster or a table"),
            ({"BANDS": [1]}, "at least two"),
            ({"BANDS": [1, 99]}, "99"),
            ({"ELEMENTS": ["As"]}, "at least two fields"),
        ),
    ),
    Case(
        "reducetopole",
        {"INPUT": "district:magnetics", "INCLINATION": 42, "DECLINATION": -3.5},
        {"OUTPUT": "pole.tif"},
        ("MINIMUM", "MAXIMUM", "FILLED"),
        wrong=(
            ({"INCLINATION": 91}, "INCLINATION"),
            ({"BAND": 7}, "no band 7"),
            ({"MAGNETISATION_INCLINATION": -100}, "MAGNETISATION_INCLINATION"),
        ),
    ),
    Case(
        "fusesources",
        {
            "INPUT": "district:hyperspectral",
            "BANDS": [5, 20, 40],
            "COMPOSITION": ["district:geochemistry"],
            "OTHERS": ["district:magnetics"],
            "TERRAIN": ["district:dem"],
        },
        {"OUTPUT": "stack.tif", "TABLE": "fit.csv", "REPORT": "fusion.html"},
        ("BAND_COUNT", "SHARPENED", "ZEROS", "MISSING"),
        wrong=(
            ({"COMPOSITION": None, "OTHERS": None}, "nothing to fuse"),
            ({"BANDS": [999]}, "no band 999"),
            ({"FILTER_SCALE": 0}, "FILTER_SCALE"),
            ({"COMPOSITION": ["district:magnetics"], "OTHERS": None}, "at least two"),
        ),
    ),
    Case(
        "trainlithology",
        {
            "FEATURES": ["made:fusesources.OUTPUT"],
            "MAP": "district:geological_map",
            "CLASS_FIELD": "unit",
            "METHOD": "random forest",
            "BLOCK_SIZE": 180,
            "TREES": 20,
            "SEED": 2,
        },
        {
            "MODEL": "lithology.gossan",
            "TABLE": "scores.csv",
            "DIFFERENCES": "differences.tif",
            "REPORT": "training.html",
        },
        ("OVERALL_ACCURACY", "MEAN_IOU", "KAPPA", "LEAKY_ACCURACY", "CLASS_COUNT"),
        seeded=True,
        wrong=(
            ({"MAP": None}, "either a vector layer or a class raster"),
            ({"CLASS_FIELD": None}, "class field"),
            ({"WINDOW_SIZE": 100}, "multiple of 32"),
            ({"BLOCK_SIZE": 30_000}, "smaller block size"),
            ({"MAP": None, "MAP_RASTER": "district:dem"}, "no class raster"),
        ),
    ),
    Case(
        "maplithology",
        {
            "FEATURES": ["made:fusesources.OUTPUT"],
            "MODEL": "made:trainlithology.MODEL",
        },
        {
            "OUTPUT": "lithology.tif",
            "PROBABILITIES": "probabilities.tif",
            "ENTROPY": "entropy.tif",
        },
        ("PIXEL_COUNT", "UNMAPPED", "MEAN_PROBABILITY"),
        wrong=(
            ({"MODEL": "/nowhere/lithology.gossan"}, "no file"),
            ({"MODEL": "district:samples"}, "not a model"),
            ({"FEATURES": ["district:dem"]}, "does not have the bands"),
            ({"LEAST_PROBABILITY": 2}, "LEAST_PROBABILITY"),
        ),
    ),
    Case(
        "assessmap",
        {
            "INPUT": "district:geological_map_raster",
            "MAP": "district:geological_map",
            "CLASS_FIELD": "unit",
            "PER_CLASS": 60,
        },
        {
            "TABLE": "scores.csv",
            "MATRIX": "matrix.csv",
            "DIFFERENCES": "differences.tif",
            "REPORT": "assessment.html",
        },
        ("OVERALL_ACCURACY", "ADJUSTED_ACCURACY", "KAPPA", "MEAN_IOU", "PIXEL_COUNT"),
        seeded=True,
        wrong=(
            ({"MAP": None}, "either a vector layer or a class raster"),
            ({"MAP_RASTER": "district:units"}, "either a vector layer or a class raster"),
            ({"CLASS_FIELD": None}, "class field"),
            ({"CLASS_FIELD": "code"}, "no class of the reference"),
            ({"INPUT": "district:dem"}, "no class raster"),
            (
                {"MAP": None, "MAP_RASTER": "district:units", "NAME_COLUMN": "x"},
                "no attribute table",
            ),
        ),
    ),
)
