"""Real soils, where they are at hand: 178 of Brazil in the near infrared, 100 of Australia."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gossan.core.progress import Progress
from gossan.models.soil_spectra.jobs import preprocess_spectra, train
from gossan.models.soil_spectra.reading import read_spectra
from gossan.models.soil_spectra.steps import STEPS, StepOptions, preprocess


@pytest.fixture(scope="module")
def folder(shared_data):
    found = shared_data / "soil_spectra"
    if not found.is_dir():
        pytest.skip("the soil spectra are not here")
    return found


def test_australian_soils_go_through_all_steps_on_their_full_grid(folder):
    path = str(folder / "australia_100soils_350_2500nm.csv")
    read = read_spectra(path, pattern="")
    assert read.spectra.values.shape == (100, 2151)
    assert read.excluded == ()
    stages = preprocess(read.spectra, StepOptions(steps=STEPS))
    assert len(stages) == len(STEPS) + 1
    assert all(np.isfinite(stage.spectra.values).all() for stage in stages)
    hull = next(stage for stage in stages if stage.title == "continuum removed")
    assert hull.spectra.values.max() == 1.0
    assert hull.spectra.values.min() > 0.3


def test_brazilian_soils_in_percent_every_half_nanometre(folder, tmp_path):
    done = preprocess_spectra(
        Progress(),
        spectra=str(folder / "NIR_RF_dataset_178soils.csv"),
        output=str(tmp_path / "soils.csv"),
        steps="trim, snv",
        pattern="",
    )
    assert (done["spectra"], done["bands"], done["excluded"]) == (178, 1401, 0)
    with open(tmp_path / "soils.csv", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)][:2] == ["ipo 1", "ipo 10"]


def test_aluminium_and_vanadium_of_brazilian_soils_show_in_cross_validation(folder):
    path = str(folder / "NIR_RF_dataset_178soils.csv")
    done = train(
        Progress(),
        spectra=path,
        samples=path,
        elements=["Al", "V"],
        name_field="id",
        methods=["PLSR"],
        components=8,
        repeats=1,
        permutations=1,
        spacing=4.0,
        steps="trim, absorbance, smooth, snv, derivative",
        trim_from=1000.0,
        trim_to=2450.0,
        pattern="",
    )
    scores = {row["element"]: row for row in done["scores"]}
    assert done["samples"] == 178
    assert scores["Al"]["r2"] > 0.5
    assert scores["V"]["r2"] > 0.4
    assert max(row["r2_permuted"] for row in done["scores"]) < 0.15
