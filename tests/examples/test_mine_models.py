"""The recipe of the models that ship: what it cuts from simulated districts."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gossan.core.bundle import read_bundle, write_bundle
from gossan.core.model_card import Card
from gossan.core.raster import open_raster
from gossan.examples.district.sentinel import LEVELS
from gossan.examples.district.world import COVERS
from gossan.examples.mine_models import (
    MINE_COVERS,
    TRAINING_SEEDS,
    Area,
    any_look,
    compact,
    impact_points,
    simulate,
    train_detector,
    training_areas,
)
from gossan.models.mines import geometry


@pytest.fixture(scope="module")
def area(tmp_path_factory):
    folder = tmp_path_factory.mktemp("areas")
    made = Area(8, 136, any_look(3), "training-8")
    simulate(made, folder)
    return made, folder


def test_the_mask_holds_the_ground_of_mines_and_nothing_else(area):
    made, folder = area
    with open_raster(made.mask(folder)) as mask, open_raster(made.cover(folder)) as cover:
        mines, covers = mask.read_stored()[..., 0], cover.read_stored()[..., 0]
    assert {COVERS[code] for code in np.unique(covers[mines == 1])} <= set(MINE_COVERS)
    assert not {COVERS[code] for code in np.unique(covers[mines == 0])} & set(MINE_COVERS)
    assert mines.any()


def test_impact_chips_lie_on_mines_of_their_class_and_on_none(area):
    made, folder = area
    with open(impact_points(made, folder), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open_raster(made.mask(folder)) as mask:
        mines = mask.read_stored()[..., 0]
        places = np.array([[float(row["x"]), float(row["y"])] for row in rows])
        found, columns = mask.pixel_of(*places.T)
    classes = {mine.impact for mine in made.world.places.mines(made.settings.grid.bounds, 1500.0)}
    assert {row["class"] for row in rows} == {"no ore", *(f"{each} impact" for each in classes)}
    for row, r, c in zip(rows, found, columns):
        around = mines[r - 21 : r + 22, c - 21 : c + 22]
        if row["class"] == "no ore":
            cell = [(int(v) - geometry.first_pixel(0)) // 27 * 27 + 81 for v in (r, c)]
            assert not mines[cell[0] : cell[0] + 27, cell[1] : cell[1] + 27].any()
        else:
            assert around.any()
    assert {row["site"] for row in rows} == {"8"}


def test_training_districts_differ_in_seed_and_look():
    areas = training_areas()
    assert [area.seed for area in areas] == list(TRAINING_SEEDS)
    assert len({area.look for area in areas}) > len(areas) / 2
    assert training_areas()[1].look == areas[1].look


def test_half_precision_keeps_the_card_and_the_weights_to_three_digits(tmp_path):
    weights = np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32)
    write_bundle(tmp_path / "whole.gossan", Card("mine-impact"), arrays={"dense/kernel": weights})
    compact(tmp_path / "whole.gossan", tmp_path / "half.gossan")
    whole, half = (read_bundle(tmp_path / f"{name}.gossan") for name in ("whole", "half"))
    assert half.card == whole.card
    np.testing.assert_allclose(half.arrays()["dense/kernel"], weights, rtol=1e-3, atol=1e-6)
    assert (tmp_path / "half.gossan").stat().st_size < 0.6 * (
        tmp_path / "whole.gossan"
    ).stat().st_size


def test_the_recipe_gives_a_detector_of_the_districts_bands(area, tmp_path):
    pytest.importorskip("tensorflow")
    made, folder = area
    result = train_detector([made], folder, tmp_path / "detector.gossan", epochs=1)
    card = read_bundle(tmp_path / "detector.gossan").card
    assert [band.name for band in card.bands] == list(LEVELS["L2A"])
    assert result["chips"] == 1
    assert (tmp_path / "detector.html").exists()
    assert not list(folder.glob("gossan-detector-*")), "no state is left behind"
