"""How to run the algorithms on mines and tailings dams."""

from __future__ import annotations

from pathlib import Path

from algorithm_cases.case import Case

TRAINING = {
    "VALIDATION": "random as published",
    "FOLDS": 2,
    "EPOCHS": 1,
    "SEED": 2,
}
"""Few chips of one place make no groups."""
FOREIGN = str(Path(__file__).with_name("mean_of_bands.onnx"))
"""A classifier of 8 x 8 patches of 4 bands: softmax of their weighted means.

Made by ``write_onnx`` of ``tests/models/test_mines_import.py``.
"""

CASES = (
    Case(
        "samplebackground",
        {
            "INPUT": "district:search_sentinel2_mosaic",
            "MINES": "district:search_mines",
            "MINE_DISTANCE": 600,
            "SPACING": 200,
            "COUNT": 30,
            "CLUSTERS": 4,
            "SEED": 1,
        },
        {"OUTPUT": "background.gpkg"},
        ("FOUND_COUNT",),
        seeded=True,
        wrong=(
            ({"INPUT": None}, "an image or a class raster"),
            ({"MINE_DISTANCE": 90_000}, "No place lies"),
            ({"COUNT": 0}, "COUNT"),
            ({"MINES": "/nowhere/mines.gpkg"}, "MINES"),
        ),
    ),
    Case(
        "extractchips",
        {
            "IMAGES": ["district:search_sentinel2_mosaic"],
            "POLYGONS": "district:search_mines",
            "BACKGROUND_RATIO": 0.4,
            "SEED": 1,
        },
        {"OUTPUT": "chips", "PLACES": "chips.gpkg"},
        ("COUNT", "DROPPED_COUNT"),
        seeded=True,
        wrong=(
            ({"POLYGONS": None}, "either class points, or masks, or polygons"),
            ({"KIND": "impact: 21 px"}, "do not tell an impact"),
            ({"ARE_ORES": True}, "Name the field"),
            ({"KIND": "tiles of cells", "TILE_SIZE": 250}, "multiple of 27"),
            ({"IMAGES": ["district:sentinel2_20210714"]}, "fewer than the 243"),
        ),
    ),
    Case(
        "trainminedetector",
        {"CHIPS": ["made:extractchips.OUTPUT"], **TRAINING},
        {"MODEL": "detector.gossan", "TABLE": "scores.csv", "REPORT": "training.html"},
        ("F1", "CHIP_COUNT"),
        seeded=True,
        wrong=(
            ({"CHIPS": ["/nowhere/chips"]}, "/nowhere/chips"),
            ({"CHIPS": ["made:collectreviewed.OUTPUT"]}, "teach the impact classifier"),
            ({"VALIDATION": "none"}, "no scores to write"),
            ({"VALIDATION": "groups"}, "too few for 2 folds"),
            ({"FOLDS": 900}, "900 folds"),
            ({"BASE_MODEL": "district:search_mines"}, "not a model"),
            ({"STATE_FOLDER": "/nowhere"}, "/nowhere"),
        ),
    ),
    Case(
        "trainimpactclassifier",
        {"CHIPS": ["made:collectreviewed.OUTPUT"], **TRAINING},
        {"MODEL": "impact.gossan", "TABLE": "scores.csv", "REPORT": "training.html"},
        ("F1", "CHIP_COUNT"),
        seeded=True,
        wrong=(
            ({"CHIPS": ["made:extractchips.OUTPUT"]}, "needs chips of 21"),
            ({"EPOCHS": 0}, "EPOCHS"),
            ({"BASE_MODEL": "made:trainminedetector.MODEL"}, "is a model for"),
        ),
    ),
    Case(
        "collectreviewed",
        {
            "IMAGES": ["district:search_sentinel2_mosaic"],
            "FINDINGS": "district:search_reviewed",
            "KIND": "impact: 21 px",
        },
        {"OUTPUT": "chips", "PLACES": "chips.gpkg"},
        ("COUNT", "CONFIRMED_COUNT", "REJECTED_COUNT", "UNSURE_COUNT"),
        wrong=(
            ({"FINDINGS": "district:search_mines"}, "decision"),
            ({"DECISION_FIELD": "impact"}, "the decision 'high impact' is unknown"),
            ({"IMAGES": ["/nowhere/image.tif"]}, "IMAGES"),
        ),
    ),
    Case(
        "detectmines",
        {
            "INPUT": ["district:search_sentinel2_mosaic"],
            "DETECTOR": "made:trainminedetector.MODEL",
            "THRESHOLD": 0.1,
        },
        {
            "PROBABILITY": "probability.tif",
            "POLYGONS": "areas.gpkg",
            "POINTS": "points.gpkg",
            "CELLS": "cells.gpkg",
            "REPORT": "search.html",
        },
        (
            "SEARCHED",
            "CELL_COUNT",
            "FINDINGS",
            "DROPPED_NO_ORE",
            "DROPPED_ISOLATED",
            "AREA_KM2",
            "SECONDS",
        ),
        state=("probability.tif.gossan-journal",),
        wrong=(
            ({"INPUT": None}, "the images to search"),
            ({"DETECTOR": None}, "Choose a detector"),
            ({"DETECTOR": "made:trainimpactclassifier.MODEL"}, "is a model for"),
            ({"IMPACT_MODEL": "made:trainminedetector.MODEL"}, "is a model for"),
            ({"INPUT": None, "FOLDER": "/nowhere"}, "/nowhere"),
            ({"THRESHOLD": 0.7, "ISOLATED_THRESHOLD": 0.6}, "must not lie below"),
            ({"THRESHOLD": 7}, "THRESHOLD"),
            ({"INPUT": ["district:hyperspectral"]}, "does not have the bands"),
            ({"DASK_ADDRESS": "nonsense"}, "is not the address"),
            ({"EARLIER": "district:search_sentinel2_mosaic"}, "no probability raster"),
            ({"JOURNAL_FOLDER": "/nowhere"}, "/nowhere"),
        ),
    ),
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
    Case(
        "importmodel",
        {"SOURCE_FILE": FOREIGN, "BAND_NAMES": "B2, B3, B4, B8", "STRIDE": 8},
        {"MODEL": "imported.gossan"},
        ("PATCH_SIZE", "WEIGHTS", "OUTPUTS"),
        wrong=(
            ({"BAND_NAMES": "B2, B3"}, "takes 4 bands"),
            ({"SOURCE_FILE": "district:register"}, "no ONNX model"),
            ({"SOURCE_FILE": "/nowhere/model.onnx"}, "no file"),
            ({"VALUES": "mean and deviation"}, "mean and deviation of each band"),
            (
                {"VALUES": "mean and deviation", "MEANS": "0.1 x", "DEVIATIONS": "1"},
                "no list of numbers",
            ),
            ({"MEANS": "0.1"}, "only count with"),
            ({"MINE_OUTPUT": 3}, "the model has 2"),
        ),
    ),
)
