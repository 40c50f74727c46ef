"""The detector as it is run beside the whole network, and pixels as inputs of networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

from gossan.core.bands import sensor_bands
from gossan.core.bundle import Training
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.models.mines import compiled_detector, dense
from gossan.models.mines.architecture import build_detector
from gossan.models.mines.compiled_detector import CompiledDetector
from gossan.models.mines.dense import FullyConvolutional
from gossan.models.mines.model_file import DETECTOR_KIND, BandScaling, read_model, write_model
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
    model.get_layer("cells").kernel.assign(model.get_layer("cells").kernel * 15.0)
    return model


@pytest.fixture(scope="module")
def bundle(network, tmp_path_factory):
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
    return read_model(path, DETECTOR_KIND)


def whole(network, inputs):
    """Return the probabilities of the network over a whole image by Keras itself."""
    logits = np.asarray(network(inputs[np.newaxis], training=False), dtype=np.float64)[0]
    return 1.0 / (1.0 + np.exp(logits[..., 0] - logits[..., 1]))


SIZES = [(189, 189), (200, 215), (216, 330), (351, 243), (500, 301)]


@pytest.fixture(scope="module", params=SIZES, ids=str)
def crop(request, network):
    """Inputs of a crop, and what the network makes of them."""
    inputs = np.random.default_rng(7).normal(size=(*request.param, BANDS)).astype("float32")
    expected = whole(network, inputs)
    assert expected.size == 1 or np.ptp(expected) > 0.1
    return inputs, expected


@pytest.mark.parametrize("step", [1, 2, 5])
def test_steps_of_rows_give_what_the_whole_network_gives(bundle, crop, step, monkeypatch):
    monkeypatch.setattr(dense, "_rows_per_step", lambda *_: step)
    predictor, (inputs, expected) = FullyConvolutional(bundle), crop
    assert expected.shape == tuple(map(predictor.geometry.cells, inputs.shape[:2]))
    np.testing.assert_allclose(predictor.probabilities(inputs), expected, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 4, 9, 40])
def test_the_compiled_detector_gives_what_the_network_gives(bundle, crop, rows, monkeypatch):
    monkeypatch.setattr(compiled_detector, "_ROWS_AT_ONCE", rows)
    inputs, expected = crop
    np.testing.assert_allclose(
        CompiledDetector(bundle).probabilities(inputs), expected, rtol=0, atol=1e-5
    )


def correlated(image, kernel, bias):
    """Return a convolution without padding, rectified, in float64."""
    side, _, _, filters = kernel.shape
    rows, columns = (size - side + 1 for size in image.shape[:2])
    total = np.zeros((rows, columns, filters)) + bias
    for down in range(side):
        for right in range(side):
            total += image[down : down + rows, right : right + columns] @ kernel[down, right]
    return np.maximum(total, 0.0)


def test_the_compiled_detector_is_as_exact_as_its_numbers_allow(network, bundle):
    inputs = np.random.default_rng(1).normal(size=(270, 311, BANDS)).astype("float32")
    weights = {name: array.astype(np.float64) for name, array in bundle.arrays().items()}
    flow = inputs.astype(np.float64)
    for name in ("convolution1", "convolution2", "convolution3"):
        padded = np.pad(flow, ((1, 1), (1, 1), (0, 0)))
        flow = correlated(padded, weights[f"{name}/kernel"], weights[f"{name}/bias"])
        rows, columns = (size // 3 for size in flow.shape[:2])
        flow = flow[: 3 * rows, : 3 * columns].reshape(rows, 3, columns, 3, -1).max((1, 3))
    flow = correlated(flow, weights["context/kernel"], weights["context/bias"])
    logits = flow @ weights["cells/kernel"][0, 0] + weights["cells/bias"]
    exact = 1.0 / (1.0 + np.exp(logits[..., 0] - logits[..., 1]))
    found = CompiledDetector(bundle).probabilities(inputs)
    np.testing.assert_allclose(found, exact, rtol=0, atol=5e-6)


@pytest.mark.parametrize("rest", range(9))
def test_the_compiled_detector_ends_where_the_network_does(network, bundle, rest):
    inputs = np.random.default_rng(rest).normal(size=(216 + rest, 216 + 3 * rest, BANDS))
    inputs = inputs.astype("float32")
    np.testing.assert_allclose(
        CompiledDetector(bundle).probabilities(inputs), whole(network, inputs), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("graphics", [False, True])
def test_tensorflow_runs_the_detector_where_it_has_a_graphics_processor(
    bundle, graphics, monkeypatch
):
    monkeypatch.setattr(runtime, "has_graphics_processor", lambda: graphics)
    said = []
    predictor = load_predictor(bundle.path, progress=Progress(on_message=said.append))
    assert isinstance(predictor, FullyConvolutional if graphics else CompiledDetector)
    assert any(("TensorFlow" if graphics else "compiled") in each for each in said)


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
    assert np.moveaxis(inputs[:], -1, 0).flags.c_contiguous
