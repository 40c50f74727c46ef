"""One row per algorithm of the toolbox: how to run it on the district, and what it must refuse.

Texts that begin with ``district:`` are files of the district by their name in its manifest; texts
such as ``made:extractendmembers.LIBRARY`` are outputs of another row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

METALS = ("Cd", "Cr", "Cu", "Ni", "Pb", "Zn", "As", "Hg", "Sb")


@dataclass(frozen=True)
class Case:
    """An algorithm at work.

    Parameters
    ----------
    id : str
        Without ``gossan:``.
    inputs : dict
        Parameters; whatever is not here stands at its default.
    outputs : dict
        File name for every destination parameter.
    numbers : tuple of str
        Number outputs that must come back finite.
    seeded : bool
        Whether it has a seed, so that a second run has to give the same.
    wrong : tuple of (dict, str)
        Changes to the inputs (None takes one away), and a part of the sentence that refuses them.
    """

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, str]
    numbers: tuple[str, ...] = ()
    seeded: bool = False
    wrong: tuple[tuple[dict[str, Any], str], ...] = field(default_factory=tuple)


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
