"""The networks of the search for mines, their geometry and their files."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.bands import sensor_bands
from gossan.core.bundle import Training
from gossan.core.errors import BundleError
from gossan.core.origin import Origin
from gossan.models.mines import geometry
from gossan.models.mines.architecture import (
    build_detector,
    build_impact_classifier,
    detector_shapes,
    impact_shapes,
)
from gossan.models.mines.impact_network import ImpactNetwork
from gossan.models.mines.model_file import (
    DETECTOR_KIND,
    IMPACT_KIND,
    BandScaling,
    network_of,
    read_model,
    scaling_of,
    write_model,
)
from gossan.models.networks import runtime
from gossan.models.networks.weights import count_weights, weights_of

pytest.importorskip("tensorflow")

SCALING = BandScaling(np.full(12, 0.2), np.full(12, 0.1))


@pytest.fixture(scope="module")
def detector():
    runtime.repeatable(3)
    return build_detector(12)


def test_the_networks_have_the_weights_of_the_source(detector):
    assert count_weights(detector) == 259_810
    assert count_weights(build_impact_classifier(12)) == 2_373_219


@pytest.mark.parametrize("size", [201, 215, 216, 242, 243, 270, 299])
def test_the_number_of_cells_follows_from_the_size(detector, size):
    out = detector(np.zeros((1, size, size, 12), "float32"))
    assert out.shape[1:3] == (geometry.cells(size),) * 2


def test_a_crop_of_243_pixels_reproduces_the_dense_cell(detector):
    image = np.random.default_rng(0).normal(size=(1, 540, 540, 12)).astype("float32")
    dense = detector(image).numpy()
    row, column = 6, 7
    centre = [geometry.centre(row), geometry.centre(column)]
    top, left = (int(value - geometry.EXACT_CHIP / 2) for value in centre)
    crop = image[:, top : top + 243, left : left + 243]
    np.testing.assert_allclose(detector(crop).numpy()[0, 1, 1], dense[0, row, column], atol=1e-5)


def test_a_cell_sees_215_pixels_around_its_centre_and_none_beyond(detector):
    image = np.random.default_rng(0).normal(size=(1, 540, 540, 12)).astype("float32")
    cell = (6, 6)
    before = detector(image).numpy()[0][cell]
    first = int(geometry.centre(6) - geometry.FIELD / 2)
    beyond = image.copy()
    beyond[:, :first] += 5.0
    beyond[:, first + geometry.FIELD :] += 5.0
    np.testing.assert_array_equal(detector(beyond).numpy()[0][cell], before)
    within = image.copy()
    within[:, first : first + geometry.FIELD] += 5.0
    assert not np.allclose(detector(within).numpy()[0][cell], before)


@pytest.mark.parametrize("kind", [DETECTOR_KIND, IMPACT_KIND])
def test_a_model_file_gives_the_same_network_back(tmp_path, detector, kind):
    model = detector if kind == DETECTOR_KIND else build_impact_classifier(12)
    path = tmp_path / "model.gossan"
    bands = sensor_bands("sentinel-2")[:12]
    write_model(
        path,
        model,
        bands,
        SCALING,
        training=Training("how"),
        origin=Origin("test"),
        ground_sampling_distance=10.0,
    )
    bundle = read_model(path, kind)
    side = geometry.FIELD if kind == DETECTOR_KIND else geometry.IMPACT_CHIP
    image = np.random.default_rng(0).normal(size=(1, side, side, 12)).astype("float32")
    np.testing.assert_array_equal(network_of(bundle)(image).numpy(), model(image).numpy())
    np.testing.assert_array_equal(scaling_of(bundle).mean, SCALING.mean)
    with pytest.raises(BundleError, match="is a model for"):
        read_model(path, DETECTOR_KIND if kind == IMPACT_KIND else IMPACT_KIND)


def test_the_shapes_of_the_weights_are_known_without_building_a_network(detector):
    def shapes(model):
        return {weight.path: tuple(weight.shape) for weight in model.weights}

    assert detector_shapes(12) == shapes(detector)
    assert impact_shapes(5, 4) == shapes(build_impact_classifier(5, 4))


@pytest.mark.parametrize("count", [1, 37])
def test_the_impact_classifier_gives_without_tensorflow_what_it_gives_with_it(count):
    runtime.repeatable(4)
    model = build_impact_classifier(5, 4)
    model.get_layer("classes").kernel.assign(model.get_layer("classes").kernel * 10)
    chips = np.random.default_rng(0).normal(size=(count, 21, 21, 5)).astype("float32")
    logits = np.asarray(model(chips, training=False), dtype=np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.ptp(expected) > 0.2
    found = ImpactNetwork(weights_of(model))(chips)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
