"""How to run the algorithms on mineral deposits."""

from __future__ import annotations

from algorithm_cases.case import Case

CASES = (
    Case(
        "labelscenes",
        {"FOLDER": "district:landsat", "DEPOSITS": ["district:deposits"], "COMMODITIES": "Zinc"},
        {"OUTPUT": "footprints.gpkg", "TABLE": "labels.csv", "REPORT": "labels.html"},
        ("SCENES", "WITH_DEPOSITS", "OCEAN", "COVERED", "LEFT_OUT"),
        wrong=(
            ({"FOLDER": None}, "Give scenes"),
            ({"COMMODITIES": "Unobtainium"}, "No deposit has the commodity 'Unobtainium'"),
            ({"DEPOSITS": ["district:samples"]}, "a place on Earth"),
            ({"DEPOSITS": ["/nowhere/deposits.csv"]}, "DEPOSITS"),
            ({"LIST": "district:deposits"}, "names no scene"),
            ({"FOLDER": "/nowhere"}, "no file /nowhere"),
        ),
    ),
    Case(
        "preparescenes",
        {
            "LABELS": "made:labelscenes.OUTPUT",
            "DEPOSITS": ["district:deposits"],
            "SIZE": 32,
            "RESUME": False,
            "SEED": 1,
        },
        {"INDEX": "chips.csv", "CHIPS": "chips.gpkg", "REPORT": "chips.html"},
        ("COUNT", "TRAINING", "VALIDATION", "WITH_DEPOSITS", "LOCATION_COUNT", "LEFT_OUT"),
        seeded=True,
        wrong=(
            ({"DEPOSITS": None}, "needs the tables of deposits"),
            ({"CHIP_BANDS": "B99"}, "No scene has the bands B99"),
            ({"CHIP_BANDS": "B5"}, "nm in"),
            ({"LOCATIONS": "distance", "DISTANCE": 9000}, "one location"),
            ({"SIZE": 4}, "SIZE"),
        ),
    ),
    Case(
        "traindepositmodel",
        {"INDEX": "made:preparescenes.INDEX", "GOAL": "richness", "EPOCHS": 2, "SEED": 2},
        {"MODEL": "deposits.gossan", "TABLE": "runs.csv", "REPORT": "training.html"},
        (
            "SCORE",
            "RANDOMISED_SCORE",
            "MEDIAN_SCORE",
            "BRIGHTNESS_SCORE",
            "PLACE_SCORE",
            "CHIPS",
            "VALIDATED",
        ),
        seeded=True,
        wrong=(
            ({"INDEX": "district:deposits"}, "no index of chips"),
            ({"INDEX": "/nowhere/chips.csv"}, "no file"),
            ({"COMMODITY": "Unobtainium"}, "no count of 'Unobtainium'"),
            ({"EPOCHS": 0}, "EPOCHS"),
        ),
    ),
    Case(
        "mapdepositrichness",
        {
            "MODEL": "made:traindepositmodel.MODEL",
            "LABELS": "made:labelscenes.OUTPUT",
            "DEPOSITS": ["district:deposits"],
        },
        {"OUTPUT": "richness.gpkg", "TABLE": "prospects.csv", "REPORT": "richness.html"},
        ("FOOTPRINTS", "PROSPECTS", "HIGHEST", "OUTSIDE"),
        wrong=(
            ({"LABELS": None}, "Give scenes"),
            ({"MODEL": "made:trainmetalinversion.MODEL"}, "one for 'deposits' is needed"),
            ({"MODEL": "district:deposits"}, "not a model"),
            ({"MODEL": "/nowhere/model.gossan"}, "no file"),
        ),
    ),
)
