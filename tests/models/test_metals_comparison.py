"""The comparison runs every workflow and method alike, and reports all of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.examples.district import Settings as DistrictSettings
from gossan.examples.district import make_district
from gossan.models.metals.comparison import Design
from gossan.models.metals.comparison_job import COLUMNS, compare_workflows
from gossan.models.metals.regressors import Settings
from gossan.models.metals.sample_splits import Validation

ELEMENTS = ["As", "Cd", "Pb"]


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    make_district(
        folder, DistrictSettings(seed=3, size=64, bands=60), only=["hyperspectral", "soils"]
    )
    return folder


def run(district: Path, folder: Path, **options):
    defaults = {
        "raster": str(district / "hyperspectral.tif"),
        "samples": str(district / "samples.csv"),
        "elements": ELEMENTS,
        "seeds": 1,
        "trees": 20,
        "endmembers": 4,
        "table": str(folder / "table.csv"),
        "details": str(folder / "details.csv"),
        "report": str(folder / "report.html"),
    }
    return compare_workflows(options.pop("progress", Progress()), **{**defaults, **options})


def test_each_workflow_and_method_stands_in_table_and_details(district, tmp_path):
    found = run(district, tmp_path, workflows=["VCA", "PCCEE"], methods=["nnls", "svr"], seeds=2)
    pairs = [("VCA", "nnls"), ("PCCEE", "nnls"), ("PCCEE", "svr")]
    assert [tuple(row[:2]) for row in found["rows"]] == pairs
    assert found["runs"] == 6
    with open(tmp_path / "table.csv", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0]) == COLUMNS
    with open(tmp_path / "details.csv", encoding="utf-8") as file:
        details = list(csv.DictReader(file))
    assert len(details) == 6 * len(ELEMENTS)
    # The table's median is that of the runs, each the mean over the elements.
    vca = [row for row in details if row["workflow"] == "VCA"]
    means = [
        np.mean([float(row["R2"]) for row in vca if row["seed"] == seed]) for seed in ("0", "1")
    ]
    assert float(table[0]["R2, median"]) == pytest.approx(np.median(means))
    assert float(table[0]["R2, least"]) == pytest.approx(min(means))
    for score in ("RMSE", "RPD"):
        each = [
            np.mean([float(row[score]) for row in vca if row["seed"] == seed])
            for seed in ("0", "1")
        ]
        told = [float(table[0][f"{score}, {what}"]) for what in ("median", "least", "greatest")]
        assert told == pytest.approx([np.median(each), min(each), max(each)])
    assert all(float(row["extraction (s)"]) > 0 for row in table)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Extraction workflows" in report
    assert "spatial blocks" in report


def test_the_same_seed_gives_the_same_scores(district, tmp_path):
    options = {"workflows": ["PPI"], "methods": [], "report": "", "table": ""}
    first = run(district, tmp_path, **options)
    again = run(district, tmp_path, **options)
    assert first["r2_best"] == again["r2_best"]


def test_all_seven_workflows_and_three_methods_make_nine_pairs():
    design = Design(
        ["PPI", "VCA", "prior", "PPI+VCA", "PPI+prior", "VCA+prior", "PCCEE"],
        ["nnls", "nmf", "svr"],
        "PCCEE",
        "nnls",
        4,
        [0],
        Settings(),
        Validation(),
    )
    assert len(design.pairs()) == 9


def test_nothing_to_compare_and_unknown_names_are_refused(district, tmp_path):
    with pytest.raises(InputError, match="at least one workflow"):
        run(district, tmp_path, workflows=[], methods=[])
    with pytest.raises(InputError, match="MNF"):
        run(district, tmp_path, workflows=["MNF"], methods=[])


def test_cancelling_leaves_no_file(district, tmp_path):
    with pytest.raises(CancelledError):
        run(district, tmp_path, progress=Progress(cancelled=lambda: True))
    assert list(tmp_path.iterdir()) == []
