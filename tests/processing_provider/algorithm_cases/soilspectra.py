"""How to run the algorithms on laboratory soil spectra."""

from __future__ import annotations

from algorithm_cases.case import Case

SPECTRA = "district:laboratory_spectra"

CASES = (
    Case(
        "preprocessspectra",
        {"SPECTRA": SPECTRA, "STEPS": "splice, trim, mask, continuum, absorbance, smooth, snv"},
        {"OUTPUT": "processed.sli", "REPORT": "processed.html"},
        ("SPECTRUM_COUNT", "SAMPLE_COUNT", "BAND_COUNT", "EXCLUDED_COUNT"),
        wrong=(
            ({"SPECTRA": None}, "a file of spectra or a folder"),
            ({"SPECTRA": "/nowhere/spectra.csv"}, "no file"),
            ({"STEPS": "trim, whiten"}, "no step whiten"),
            ({"PATTERN": "<sample>"}, "<replicate>"),
            ({"STEPS": "derivative, absorbance"}, "put the step absorbance before"),
            ({"TRIM_FROM": 2400, "TRIM_TO": 400}, "lower wavelength first"),
        ),
    ),
    Case(
        "trainspectralmodel",
        {
            "SPECTRA": SPECTRA,
            "SAMPLES": "district:laboratory_elements",
            "NAME_FIELD": "sample",
            "ELEMENTS": ["Sb", "Fe"],
            "AREA_FIELD": "area",
            "METHODS": ["PLSR", "random forest"],
            "OUTLIER_LIMITS": "Sb=1000",
            "SPACING": 4,
            "TREES": 10,
            "FOLDS": 3,
            "REPEATS": 1,
            "PERMUTATIONS": 1,
            "SEED": 4,
        },
        {
            "MODEL": "antimony.gossan",
            "TABLE": "scores.csv",
            "PREDICTIONS": "predictions.csv",
            "REPORT": "training.html",
        },
        ("R2_MEAN", "RMSE_MEAN", "RPD_MEAN", "SAMPLE_COUNT", "EXCLUDED_COUNT"),
        seeded=True,
        wrong=(
            ({"ELEMENTS": ["Xx"]}, "no field Xx"),
            (
                {"VALIDATION": "leave-one-area-out", "AREA_FIELD": None},
                "needs a field of the areas",
            ),
            ({"KEEP": "network"}, "not among the chosen methods"),
            ({"OUTLIER_LIMITS": "Qq=3"}, "'qq', which is none of the elements"),
            ({"NAME_FIELD": "area"}, "twice, with different values"),
            ({"ELEMENTS": ["area"], "OUTLIER_LIMITS": None}, "is not a number"),
        ),
    ),
    Case(
        "predictelements",
        {
            "SPECTRA": SPECTRA,
            "MODEL": "made:trainspectralmodel.MODEL",
            "SAMPLES": "district:sample_points",
            "NAME_FIELD": "sample",
        },
        {"PREDICTIONS": "elements.gpkg", "TABLE": "elements.csv", "REPORT": "elements.html"},
        ("COUNT", "OUTSIDE_COUNT", "EXCLUDED_COUNT"),
        wrong=(
            ({"MODEL": "/nowhere/antimony.gossan"}, "no file"),
            ({"MODEL": "district:samples"}, "not a model"),
            ({"NAME_FIELD": None}, "names of the samples"),
            ({"SPECTRA": "district:varieties"}, "does not have the bands"),
        ),
    ),
    Case(
        "explainspectralmodel",
        {"SPECTRA": SPECTRA, "MODEL": "made:trainspectralmodel.MODEL", "MOST_SAMPLES": 20},
        {"TABLE": "importance.csv", "REPORT": "importance.html"},
        ("SAMPLE_COUNT",),
        seeded=True,
        wrong=(
            ({"MODEL": "/nowhere/antimony.gossan"}, "no file"),
            ({"SPECTRA": "district:samples"}, "samples.csv"),
            ({"SPECTRA": None}, "a file of spectra or a folder"),
        ),
    ),
)
