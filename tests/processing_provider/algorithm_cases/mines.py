"""How to run the algorithms on mines and tailings dams."""

from __future__ import annotations

from algorithm_cases.case import Case

CASES = (
    Case(
        "matchregister",
        {
            "INPUT": "district:protected_areas",
            "REGISTERS": ["district:register"],
            "CONCESSIONS": ["district:concessions"],
            "GRANTED": "mining licence",
            "PROTECTED": ["district:protected_areas"],
            "DISTANCE": 60,
        },
        {"OUTPUT": "matched.gpkg", "GHOSTS": "ghosts.gpkg", "REPORT": "matched.html"},
        (
            "COUNT",
            "REGISTERED",
            "UNREGISTERED",
            "UNREGISTERED_PROTECTED",
            "ENTRIES",
            "GHOST_COUNT",
        ),
        wrong=(
            (
                {"REGISTERS": None, "CONCESSIONS": None, "PROTECTED": None, "GRANTED": None},
                "at least one",
            ),
            ({"CONCESSIONS": None}, "need concessions"),
            ({"GRANTED": "licence"}, "no concession has the phase licence"),
            ({"PHASE_FIELD": "Xx"}, "no field Xx"),
            ({"LONGITUDE_FIELD": "NAME"}, "'Copperfield Mine' is no longitude"),
            ({"LONGITUDE_FIELD": "LATITUDE", "LATITUDE_FIELD": "LONGITUDE"}, "swapped"),
            ({"REGISTERS": ["/nowhere/register.csv"]}, "REGISTERS"),
            ({"DISTANCE": -1}, "DISTANCE"),
        ),
    ),
    Case(
        "exportfindings",
        {"INPUT": "made:matchregister.OUTPUT", "NAME_FIELD": "name"},
        {"KML": "findings.kml", "CSV": "findings.csv"},
        ("COUNT", "LEFT_OUT"),
        job=False,
        wrong=(
            ({"INPUT": "district:concessions", "ONLY_UNREGISTERED": True}, "no field registered"),
            ({"ONLY_CONFIRMED": True}, "no field decision"),
            ({"INPUT": "/nowhere/findings.gpkg"}, "INPUT"),
        ),
    ),
)
