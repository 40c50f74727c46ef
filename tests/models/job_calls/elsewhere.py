"""Jobs that are tried in the tests of their own, and why."""

from __future__ import annotations

from typing import NamedTuple


class Elsewhere(NamedTuple):
    """Why a job is not called in full, which files it writes, and the module that tries it."""

    reason: str
    outputs: dict[str, str]
    module: str


_TRAINED = {"model": "m.gossan", "table": "t.csv", "report": "r.html"}

TRIED_ELSEWHERE = {
    "deposits.train": Elsewhere(
        "trains networks for longer than a second", _TRAINED, "test_deposits_networks.py"
    ),
    "mines.train_detector": Elsewhere(
        "trains networks for longer than a second", _TRAINED, "test_mines_training.py"
    ),
    "mines.train_impact": Elsewhere(
        "trains networks for longer than a second", _TRAINED, "test_mines_training.py"
    ),
    "mines.detect": Elsewhere(
        "keeps a journal on purpose, with which a search goes on",
        {
            "probability": "p.tif",
            "polygons": "p.geojson",
            "points": "q.geojson",
            "cells": "c.geojson",
            "report": "r.html",
        },
        "test_mines_search.py",
    ),
}

WRITES_NOTHING = {
    "spectra.look": "test_spectra_looking.py",
    "spectra.rank_library": "test_spectra_looking.py",
    "spectra.treat": "test_spectra_looking.py",
}
"""Jobs that only answer, and the module that tries each."""
