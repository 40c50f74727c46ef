"""The detector in steps of rows beside the whole network, and pixels as inputs of networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

from gossan.core.bands import sensor_bands
from gossan.core.bundle import Training
from gossan.core.origin import Origin
from gossan.models.mines import dense
from gossan.models.mines.architecture import build_detector
from gossan.models.mines.model_file import BandScaling, write_model
from gossan.models.mines.pixels import Pixels
from gossan.models.mines.predictors import load_predictor
from gossan.models.networks import runtime

BANDS = 5
SCALING = BandScaling(np.linspace(0.1, 0.3, BANDS), np.linspace(0.05, 0.15, BANDS))


@pytest.fixture(scope="module")
def network():
    runtime.repeatable(5)
    model = build_detector(BANDS)
    # Weights as they come make all cells alike; these spread the probabilities over 0 to 1.
    model.get_layer("cells").kernel.assign(model.get_layer("cells").kernel * 40.0)
    return model


@pytest.fixture(scope="module")
def predictor(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "detector.gossan"
    write_model(
        path,
        network,
        sensor_bands("sentinel-2")[:BANDS],
        SCALING,
        training=Training("random"),
        origin=Origin("test"),
        ground_sampling_distance=10.0,
    )
    return load_predictor(path)


def whole(network, inputs):
    """Return the probabilities of the network over a whole image by Keras itself."""
    logits = np.asarray(network(inputs[np.newaxis], training=False), dtype=np.float64)[0]
    return 1.0 / (1.0 + np.exp(logits[..., 0] - logits[..., 1]))


@pytest.mark.parametrize(
    ("height", "width"), [(189, 189), (200, 215), (216, 330), (351, 243), (500, 301)]
)
@pytest.mark.parametrize("step", [1, 2, 5])
def test_steps_of_rows_give_what_the_whole_network_gives(
    network, predictor, height, width, step, monkeypatch
):
    monkeypatch.setattr(dense, "_rows_per_step", lambda *_: step)
    inputs = np.random.default_rng(height).normal(size=(height, width, BANDS)).astype("float32")
    expected = whole(network, inputs)
    assert expected.shape == (predictor.geometry.cells(height), predictor.geometry.cells(width))
    assert expected.size == 1 or np.ptp(expected) > 0.1
    np.testing.assert_allclose(predictor.probabilities(inputs), expected, atol=1e-5)


def test_wide_crops_take_fewer_rows_at_once():
    assert dense._rows_per_step(200, 32) > dense._rows_per_step(3000, 32)
    assert dense._rows_per_step(100_000, 32) == 1


KINDS = {"uint8": (0, 255), "int16": (-300, 9000), "uint16": (0, 9000), "float32": (0, 1)}


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(list(KINDS)),
    st.integers(1, 9),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([None, 0.0, -9999.0, 7.0]),
    st.integers(0, 99),
)
def test_pixels_become_inputs_as_their_definition_says(kind, height, width, collars, nodata, seed):
    random = np.random.default_rng(seed)
    low, high = KINDS[kind]
    numbers = random.uniform(low, high, (BANDS, height, width)).astype(kind)
    numbers[random.random(numbers.shape) < 0.1] = 7
    numbers[:, random.random((height, width)) < 0.2] = 0
    if kind == "float32":
        numbers[random.random(numbers.shape) < 0.05] = np.nan
        numbers[random.random(numbers.shape) < 0.05] = -3.4e38
    gain, shift = random.uniform(0.5, 2, BANDS), random.uniform(-1, 1, BANDS)
    pixels = Pixels(numbers, gain, shift, (nodata,) * BANDS, collars)

    exact = numbers.astype(np.float64)
    missing = ~np.isfinite(exact) | (np.abs(exact) > 1e15)
    if nodata is not None:
        missing |= exact == nodata
    valid = ~missing.any(axis=0)
    if collars:
        valid &= (exact != 0).any(axis=0)
    np.testing.assert_array_equal(pixels.valid.astype(bool), valid)
    assert pixels.valid_count == valid.sum()

    reflectance = np.moveaxis(exact, 0, -1) * gain + shift
    found = pixels.reflectance()
    assert np.isnan(found[~valid]).all()
    np.testing.assert_allclose(found[valid], reflectance[valid], rtol=1e-5, atol=1e-5)

    order = [3, 0]
    part = BandScaling(SCALING.mean[order], SCALING.deviation[order])
    rows, columns = slice(height // 3, height), slice(width // 4, width)
    inputs = pixels.inputs(part, order, rows, columns)
    expected = np.where(valid[..., None], (reflectance[..., order] - part.mean) / part.deviation, 0)
    assert inputs.shape == expected[rows, columns].shape
    np.testing.assert_allclose(inputs[:], expected[rows, columns], rtol=1e-4, atol=1e-4)
    half = inputs.shape[0] // 2
    np.testing.assert_array_equal(inputs[half:], inputs[:][half:])
    assert inputs[:].flags.c_contiguous
    assert inputs[:].ctypes.data % 64 == 0
