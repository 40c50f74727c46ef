"""Calls of the jobs on spectra of soils, with those of a made-up laboratory and a model."""

from __future__ import annotations

from soil_laboratory import STEPS, Soils

TRAINING = {
    "name_field": "sample",
    "methods": ["PLSR"],
    "folds": 2,
    "repeats": 1,
    "permutations": 0,
    "components": 3,
    "spacing": 20.0,
    "steps": STEPS,
}
CALLS = {
    "soil_spectra.preprocess": (
        {"spectra": "{spectra}", "steps": STEPS, "spacing": 4.0},
        {"output": "s.csv", "report": "r.html"},
    ),
    "soil_spectra.train": (
        {"spectra": "{spectra}", "samples": "{elements}", "elements": ["Fe"], **TRAINING},
        {"model": "m.gossan", "table": "t.csv", "predictions": "p.geojson", "report": "r.html"},
    ),
    "soil_spectra.predict": (
        {
            "spectra": "{spectra}",
            "model": "{spectra_model}",
            "samples": "{elements}",
            "name_field": "sample",
        },
        {"table": "t.csv", "predictions": "p.geojson", "report": "r.html"},
    ),
    "soil_spectra.explain": (
        {"spectra": "{spectra}", "model": "{spectra_model}", "width": 200.0, "most": 10},
        {"table": "t.csv", "report": "r.html"},
    ),
}


def make(folder):
    soils = Soils(folder)
    model = str(folder / "soils.gossan")
    soils.train(**{**TRAINING, "elements": ["Fe"], "model": model})
    return {"spectra": soils.spectra, "elements": soils.table, "spectra_model": model}
