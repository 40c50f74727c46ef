"""The shipped tailings detector: what its card says, and that it finds ponds of the collection.

These are images that it has learnt from: its worth is measured by ``bench/tailings.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import gossan
from gossan.bench.tailings_scores import Crop, threshold_that_finds
from gossan.core.raster import open_raster
from gossan.models.mines.geometry import centre
from gossan.models.mines.model_file import (
    DETECTOR_KIND,
    network_of,
    read_model,
    scaling_of,
    suggested_threshold,
)

_ROOT = Path(gossan.__file__).parent
MODEL = _ROOT / "models" / "pretrained" / "tailings_sentinel2_rgb.gossan"
MEASURED = _ROOT / "bench" / "tailings_measured.json"
SMALL, LARGE = ("1", "8", "55"), ("30", "93", "111")


@pytest.fixture(scope="module")
def bundle():
    return read_model(MODEL, DETECTOR_KIND)


def test_the_card_says_that_it_is_experimental_and_where_it_fails(bundle):
    training = bundle.card.training
    assert bundle.card.architecture["experimental"] is True
    assert training.how.startswith("EXPERIMENTAL")
    assert "overgrown" in training.how
    assert "open pits" in training.how
    assert "site cluster" in training.split
    assert training.samples == 90


def test_the_card_states_scores_beside_those_it_has_to_beat(bundle):
    scores = bundle.card.training.scores
    for way in ("detector", "forest", "position"):
        assert 0.5 < scores[way]["auc"] < 1
        assert 0 < scores[way]["f1"] < 1
        assert len(scores[way]["thresholds"]) == 5
    assert scores["f1_above_position"] == pytest.approx(
        scores["detector"]["f1"] - scores["position"]["f1"], abs=2e-4
    )
    assert {"L1C", "L2A"} <= set(scores["mine_free"]["nested"])


def test_the_card_states_what_was_measured_and_that_the_recipe_was_chosen_on_the_same_folds(bundle):
    training = bundle.card.training
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert training.scores == {"experimental": True, **measured}
    assert "by AUC on the same 5 folds" in training.how
    assert "another division of the same sites" in training.how
    assert "probably somewhat optimistic" in training.how
    assert "probably somewhat optimistic" in training.split
    assert "percentiles of six of the images" in training.how
    for way in ("detector", "forest"):
        assert f"{measured[way]['auc']:.3f}" in training.how
        assert f"{measured[way]['f1']:.3f}" in training.how
    flagged = measured["mine_free"]["nested"]
    for level in ("L1C", "L2A"):
        assert f"{flagged[level]['cells_flagged']:.0%} ({level})" in training.how


def test_the_card_suggests_the_median_of_the_nested_thresholds(bundle):
    thresholds = bundle.card.training.scores["detector"]["thresholds"]
    assert suggested_threshold(bundle) == pytest.approx(np.median(thresholds), abs=0.005)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.92, 1.0])
def test_the_threshold_that_finds_a_share_of_the_ponds_is_the_greatest_that_does(share):
    random = np.random.default_rng(3)
    crops = []
    for _ in range(20):
        ponds = tuple(random.random((2, 8, 8)) < 0.1)
        # Few levels, so that ponds share their highest one.
        crops.append((Crop(np.zeros((8, 8)), ponds, 1.0), random.integers(0, 30, (8, 8)) / 30))

    def found(threshold):
        return np.mean(
            [(values >= threshold)[pond].any() for crop, values in crops for pond in crop.ponds]
        )

    threshold = threshold_that_finds(crops, share)
    enough = [level for level in np.arange(31) / 30 if found(level) >= share]
    assert threshold == max(enough)


def test_the_bundle_is_small_and_takes_blue_green_and_red(bundle):
    assert MODEL.stat().st_size < 1_500_000
    assert [band.name for band in bundle.card.bands] == ["B2", "B3", "B4"]
    assert bundle.card.stride == 27
    assert 9.0 <= bundle.card.ground_sampling_distance <= 10.0


@pytest.mark.parametrize("name", SMALL + LARGE)
def test_ponds_stand_out_from_their_surroundings(bundle, shared_data, name):
    folder = shared_data / "mines" / "tailings_s2_rgb"
    if not (folder / f"image_{name}.tif").is_file():
        pytest.skip("the real tailings images are not here")
    with open_raster(str(folder / f"image_{name}.tif")) as raster:
        reflectance = raster.read() / 10_000
    with open_raster(str(folder / f"mask_{name}.tif")) as raster:
        mask = raster.read()[..., 0] > 0
    logits = network_of(bundle)(scaling_of(bundle).apply(reflectance)[np.newaxis]).numpy()[0]
    difference = logits[..., 1] - logits[..., 0]
    tailings, background = [], []
    for row in range(1, difference.shape[0]):
        for column in range(1, difference.shape[1]):
            top, left = (int(centre(cell) - 13.5) for cell in (row, column))
            share = mask[top : top + 27, left : left + 27].mean()
            if share >= 0.3:
                tailings.append(difference[row, column])
            elif share <= 0.02:
                background.append(difference[row, column])
    larger = np.array(tailings)[:, np.newaxis] > np.array(background)
    assert larger.mean() > 0.7
