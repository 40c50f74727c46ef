"""The models of simulated mines that ship: they open, fit the images and say what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gossan.core.bands import match, sensor_bands
from gossan.models.mines.model_file import (
    DETECTOR_KIND,
    IMPACT_KIND,
    network_of,
    read_model,
    scaling_of,
)

pytest.importorskip("tensorflow")

FOLDER = Path(__file__).resolve().parents[2] / "models" / "pretrained"
SHIPPED = (
    ("mine_detector_simulated.gossan", DETECTOR_KIND, (1, 243, 243, 12)),
    ("mine_impact_simulated.gossan", IMPACT_KIND, (1, 21, 21, 12)),
)


@pytest.mark.parametrize(("name", "kind", "shape"), SHIPPED, ids=[kind for _, kind, _ in SHIPPED])
def test_it_runs_on_the_bands_of_the_district_and_is_called_simulated(name, kind, shape):
    bundle = read_model(FOLDER / name, kind)
    assert match(bundle.card.bands, sensor_bands("sentinel-2"))
    assert bundle.card.ground_sampling_distance == pytest.approx(10.0)
    assert bundle.card.training.how.startswith("SIMULATED")
    assert bundle.card.licence == "GPL-2.0-or-later"
    scaling, model = scaling_of(bundle), network_of(bundle)
    assert (scaling.mean > 0).all()
    assert (scaling.mean < 1).all()
    image = np.random.default_rng(0).normal(size=shape).astype("float32")
    said = model(image).numpy()
    assert np.isfinite(said).all()
    assert {weight.dtype for weight in model.weights} == {"float32"}, "however it was stored"


def test_they_leave_room_in_the_plugins_zip():
    assert sum((FOLDER / name).stat().st_size for name, *_ in SHIPPED) < 6 * 2**20
