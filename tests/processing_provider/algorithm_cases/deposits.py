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
)
