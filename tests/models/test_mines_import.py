"""Classifiers of others: what they give is kept, and what they might do is not."""

from __future__ import annotations

import json
import zipfile

import h5py
import numpy as np
import pytest
import rasterio
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from gossan.core.errors import BundleError, FileError, InputError
from gossan.core.progress import Progress
from gossan.models.mines.architecture import build_detector
from gossan.models.mines.import_jobs import import_model
from gossan.models.mines.predictors import load_predictor

keras = tf.keras
layers = keras.layers

BANDS = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12"]


@pytest.fixture(scope="module")
def image():
    """Reflectance of 12 bands; smooth, so that the classifiers see something like land."""
    random = np.random.default_rng(3)
    coarse = random.uniform(0.02, 0.5, (1, 12, 12, 12)).astype("float32")
    return np.asarray(tf.image.resize(coarse, (97, 110))[0])


def patches_of(image, patch, stride):
    """Return every patch by plain slices, with the number of rows and columns of them."""
    starts = [range(0, size - patch + 1, stride) for size in image.shape[:2]]
    cut = [image[r : r + patch, c : c + patch] for r in starts[0] for c in starts[1]]
    return np.stack(cut), len(starts[0]), len(starts[1])


def imported(folder, source, bands=BANDS, stride=16, **options):
    target = folder / "imported.gossan"
    result = import_model(
        Progress(), source=str(source), bands=bands, stride=stride, model=str(target), **options
    )
    return load_predictor(target), result


def agree(predictor, image, original, stride):
    """Hold a detector against the original, patch by patch."""
    patch = predictor.geometry.smallest
    cut, rows, columns = patches_of(image, patch, stride)
    truth = original(cut).reshape(rows, columns)
    found = predictor.probabilities(predictor.scaling.apply(image))
    assert found.shape == truth.shape == (rows, columns)
    assert found == pytest.approx(truth, abs=1e-5)
    # Far from any mine probabilities are tiny, and still have to be the same.
    assert found == pytest.approx(truth, rel=2e-3, abs=1e-35)
    return found


@pytest.mark.parametrize(
    ("name", "patch"),
    [("28_px_v9", 28), ("44px_v2.9_2022-02-28", 44), ("48px_v3.1_2023-12-02", 48)],
)
def test_the_real_detectors_give_what_keras_gives(shared_data, tmp_path, name, patch):
    with rasterio.open(shared_data / "mines" / "sentinel2_l1c" / "38D_378R_2_3.tif") as chip:
        every = np.moveaxis(chip.read(), 0, 2) / np.float32(1e4)
    image = np.delete(every, 10, axis=2)  # L1C has B10, which they do not take
    source = shared_data / "mines" / "keras_detectors" / f"{name}.h5"
    predictor, result = imported(tmp_path, source, stride=18, licence="MIT")
    assert result["patch"] == predictor.geometry.smallest == patch
    assert predictor.bundle.card.licence == "MIT"
    assert [band.name for band in predictor.bundle.card.bands] == BANDS
    assert predictor.bundle.card.bands[8].wavelength == pytest.approx(864.7)
    original = keras.models.load_model(source, compile=False)
    found = agree(predictor, image, lambda cut: original(cut).numpy()[:, -1], 18)
    assert len(np.unique(found)) > len(found.ravel()) / 2, "something to tell apart"


def test_another_stride_may_be_asked_for(shared_data, tmp_path, image):
    source = shared_data / "mines" / "keras_detectors" / "28_px_v9.h5"
    imported(tmp_path, source, stride=0)
    half = load_predictor(tmp_path / "imported.gossan")
    assert half.geometry.stride == 14
    asked = load_predictor(tmp_path / "imported.gossan", 28)
    inputs = half.scaling.apply(image)
    assert asked.probabilities(inputs) == pytest.approx(
        half.probabilities(inputs)[::2, ::2], abs=1e-6
    )
    assert asked.geometry.first_centre == 14.0


def branched():
    """A functional model with most kinds of layers, random weights and moved statistics."""
    keras.utils.set_random_seed(8)
    start = layers.Input((20, 20, 4), name="tile")
    flow = layers.Rescaling(2.0, offset=-0.5, name="scaled")(start)
    flow = layers.ZeroPadding2D(1, name="padded")(flow)
    left = layers.SeparableConv2D(6, 3, padding="same", activation="relu", name="left")(flow)
    right = layers.Conv2D(6, 3, padding="same", use_bias=False, name="right")(flow)
    right = layers.BatchNormalization(name="normal")(right)
    right = layers.LeakyReLU(negative_slope=0.2, name="leaky")(right)
    flow = layers.Add(name="sum")([left, right])
    flow = layers.Concatenate(name="both")([flow, left])
    flow = layers.AveragePooling2D(2, name="pool")(flow)
    flow = layers.DepthwiseConv2D(3, name="depth")(flow)
    flow = layers.GlobalAveragePooling2D(name="mean")(flow)
    flow = layers.Dropout(0.5, name="drop")(flow)
    model = keras.Model(start, layers.Dense(1, activation="sigmoid", name="out")(flow))
    for weight in model.weights:
        low = 0.5 if "variance" in weight.path else -0.8
        weight.assign(np.random.default_rng(len(weight.path)).uniform(low, 1.0, weight.shape))
    return model


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_models_of_many_layers_are_rebuilt(tmp_path, ending):
    model = branched()
    model.save(tmp_path / f"model{ending}")
    predictor, result = imported(tmp_path, tmp_path / f"model{ending}", ["a", "b", "c", "d"], 7)
    assert result["weights"] == model.count_params()
    picture = np.random.default_rng(0).random((48, 41, 4), dtype="float32")
    found = agree(predictor, picture, lambda cut: model(cut, training=False).numpy()[:, 0], 7)
    assert found.std() > 1e-5


def test_the_numbers_of_files_and_means_are_what_a_model_gets(tmp_path, image):
    model = keras.Sequential(
        [layers.Input((10, 10, 12)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )
    model.save(tmp_path / "m.keras")
    scaled = {"values": "mean and deviation", "means": [0.1] * 12, "deviations": [0.05] * 12}
    cases = (
        ({"values": "reflectance x 10000"}, lambda cut: cut * 1e4),
        (scaled, lambda cut: (cut - 0.1) / 0.05),
    )
    for options, prepare in cases:
        predictor, _ = imported(tmp_path, tmp_path / "m.keras", stride=20, **options)

        def original(cut, prepare=prepare):
            return model(prepare(cut)).numpy()[:, 1]

        agree(predictor, image, original, 20)


def test_logits_and_the_chosen_output_become_probabilities(tmp_path, image):
    model = keras.Sequential([layers.Input((10, 10, 12)), layers.Flatten(), layers.Dense(3)])
    model.save(tmp_path / "m.keras")
    softmax = {"answer": "logits (softmax)", "mine_output": 1}
    predictor, _ = imported(tmp_path, tmp_path / "m.keras", stride=20, **softmax)
    agree(predictor, image, lambda cut: tf.nn.softmax(model(cut)).numpy()[:, 0], 20)
    sigmoid = {"answer": "logits (sigmoid)", "mine_output": 3}
    predictor, _ = imported(tmp_path, tmp_path / "m.keras", stride=20, **sigmoid)
    agree(predictor, image, lambda cut: tf.nn.sigmoid(model(cut)).numpy()[:, 2], 20)


def test_an_export_of_our_own_detector_gives_what_it_gives(tmp_path):
    keras.utils.set_random_seed(5)
    model = build_detector(12)
    picture = np.random.default_rng(1).random((255, 228, 12), dtype="float32")
    model(picture[None, :201, :201])
    model.export(tmp_path / "own.onnx", format="onnx", verbose=False)
    predictor, result = imported(
        tmp_path, tmp_path / "own.onnx", stride=27, patch=201, answer="logits (softmax)"
    )
    assert (result["patch"], result["outputs"]) == (201, 2)
    found = agree(predictor, picture, lambda cut: tf.nn.softmax(model(cut)).numpy()[:, 0, 0, 1], 27)
    assert found.shape == (3, 2)


def write_onnx(path, change=None, batch=None, bands_first=False):
    """Write a small classifier: the mean of each band, weighted, as two logits."""
    weights = np.random.default_rng(2).normal(size=(4, 2)).astype("float32")
    shape = [batch, 4, 8, 8] if bands_first else [batch, 8, 8, 4]
    axes = [2, 3] if bands_first else [1, 2]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 2])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    if change is not None:
        change(model)
    path.write_bytes(model.SerializeToString())
    return lambda cut: tf.nn.softmax(cut.mean(axis=(1, 2)) @ weights).numpy()[:, 1]


@pytest.mark.parametrize("bands_first", [False, True])
@pytest.mark.parametrize("batch", [None, 5])
def test_onnx_models_run_whatever_their_axes_and_batches(tmp_path, bands_first, batch):
    truth = write_onnx(tmp_path / "m.onnx", batch=batch, bands_first=bands_first)
    predictor, _ = imported(tmp_path, tmp_path / "m.onnx", ["a", "b", "c", "d"], 3)
    agree(predictor, np.random.default_rng(4).random((30, 23, 4), dtype="float32"), truth, 3)


def other_file(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"


def hidden_in_an_attribute(model):
    tensor = TensorProto()
    tensor.CopyFrom(model.graph.initializer[0])
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    node = helper.make_node("Constant", [], ["hidden"])
    node.attribute.append(helper.make_attribute("value", tensor))
    model.graph.node.append(node)


def own_operator(model):
    model.graph.node[1].domain = "author.ops"
    model.opset_import.append(helper.make_opsetid("author.ops", 1))


def unknown_operator(model):
    model.graph.node[1].op_type = "NoSuchThing"


def second_input(model):
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1]))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_file, "lie in another file"),
        (hidden_in_an_attribute, "lie in another file"),
        (own_operator, "'author.ops'"),
        (unknown_operator, "cannot be run"),
        (second_input, "2 inputs"),
    ],
)
def test_onnx_models_that_want_more_than_to_calculate_are_refused(tmp_path, change, why):
    write_onnx(tmp_path / "m.onnx", change)
    with pytest.raises(InputError, match=why):
        imported(tmp_path, tmp_path / "m.onnx", ["a", "b", "c", "d"])
    assert not (tmp_path / "imported.gossan").exists()


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(range(256)) * 3])
def test_what_is_no_onnx_is_said_to_be_none(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(FileError, match=r"m\.onnx is damaged or no ONNX"):
        imported(tmp_path, tmp_path / "m.onnx")


def test_a_truncated_onnx_is_refused(tmp_path):
    write_onnx(tmp_path / "m.onnx")
    whole = (tmp_path / "m.onnx").read_bytes()
    for size in range(1, len(whole) - 1, 7):
        (tmp_path / "m.onnx").write_bytes(whole[:size])
        with pytest.raises((FileError, InputError), match=r"m\.onnx"):
            imported(tmp_path, tmp_path / "m.onnx", ["a", "b", "c", "d"])


def with_layer(layer):
    return keras.Sequential([layers.Input((8, 8, 4)), layer, layers.Flatten(), layers.Dense(1)])


def test_code_in_a_keras_model_is_refused_and_not_run(tmp_path):
    keras.config.enable_unsafe_deserialization()
    model = with_layer(layers.Lambda(lambda x: x * 2, name="clever"))
    for ending in (".keras", ".h5"):
        model.save(tmp_path / f"m{ending}")
        with pytest.raises(InputError, match=r"'clever' of the kind 'Lambda' runs code"):
            imported(tmp_path, tmp_path / f"m{ending}", ["a", "b", "c", "d"])


@keras.utils.register_keras_serializable("author")
class Doubling(layers.Layer):
    """A layer of the model's author."""

    def call(self, x):
        return 2 * x


def test_layers_of_the_author_and_nested_models_are_refused(tmp_path):
    with_layer(Doubling(name="own")).save(tmp_path / "m.keras")
    with pytest.raises(InputError, match="'Doubling' is not known here"):
        imported(tmp_path, tmp_path / "m.keras", ["a", "b", "c", "d"])
    inner = keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(2, 1)])
    keras.Sequential([layers.Input((8, 8, 4)), inner, layers.Flatten(), layers.Dense(1)]).save(
        tmp_path / "n.keras"
    )
    with pytest.raises(InputError, match="'Sequential' is not known here"):
        imported(tmp_path, tmp_path / "n.keras", ["a", "b", "c", "d"])


def edit_config(path, change):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)


@pytest.fixture
def plain(tmp_path):
    """A Keras model that is fine as it is."""
    path = tmp_path / "m.h5"
    with_layer(layers.Conv2D(2, 3, activation="relu", name="first")).save(path)
    return path


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda ls: ls[1]["config"].update(activation="__import__"), "activation '__import__'"),
        (lambda ls: ls[1]["config"].update(padding="os.system"), "'padding' = 'os.system'"),
        (lambda ls: ls[1]["config"].update(hook="x"), "setting 'hook'"),
        (lambda ls: ls[1]["config"].update(filters=10**9), "'filters' = 1000000000"),
        (lambda ls: ls[1].update(class_name="TFSMLayer"), "'TFSMLayer' is not known"),
        (lambda ls: ls[1]["config"].update(filters=3), "weights and layers do not fit"),
        (lambda ls: ls.append(dict(ls[0])), "2 inputs"),
    ],
)
def test_forged_descriptions_are_refused(plain, tmp_path, change, why):
    edit_config(plain, change)
    with pytest.raises(InputError, match=why):
        imported(tmp_path, plain, ["a", "b", "c", "d"], answer="logits (sigmoid)")


def test_weights_in_other_files_are_refused(plain, tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(288))
    with h5py.File(plain, "r+") as file:
        found = next(key for key in _datasets(file) if "first" in key and "kernel" in key)
        del file[found]
        where = [(str(tmp_path / "secret.bin"), 0, 288)]
        file.create_dataset(found, (3, 3, 4, 2), "float32", external=where)
    with pytest.raises(InputError, match="lies in another file"):
        imported(tmp_path, plain, ["a", "b", "c", "d"])
    with h5py.File(plain, "r+") as file:
        del file[found]
        file[found] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    with pytest.raises(InputError, match="link to somewhere else"):
        imported(tmp_path, plain, ["a", "b", "c", "d"])


def _datasets(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if hasattr(item, "shape") else None)
    return found


def test_weights_that_would_fill_the_memory_are_refused(plain, tmp_path):
    with h5py.File(plain, "r+") as file:
        file.create_dataset("bomb", (1 << 30,), "float32", chunks=(1 << 20,), compression="gzip")
    with pytest.raises(InputError, match="4096 MB"):
        imported(tmp_path, plain, ["a", "b", "c", "d"])


def test_weights_that_are_no_numbers_are_named(plain, tmp_path):
    with h5py.File(plain, "r+") as file:
        kernel = next(key for key in _datasets(file) if "first" in key and "kernel" in key)
        file[kernel][0, 0, 0, 0] = np.nan
    with pytest.raises(FileError, match="first/kernel are not all finite"):
        imported(tmp_path, plain, ["a", "b", "c", "d"])


def test_other_members_in_a_keras_file_are_refused(tmp_path):
    with_layer(layers.ReLU()).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        archive.writestr("../evil.py", "x")
    with pytest.raises(InputError, match=r"evil\.py"):
        imported(tmp_path, tmp_path / "m.keras", ["a", "b", "c", "d"])


def test_weights_alone_and_other_files_are_refused(tmp_path):
    with_layer(layers.ReLU()).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(InputError, match="no whole model"):
        imported(tmp_path, tmp_path / "m.weights.h5", ["a", "b", "c", "d"])
    (tmp_path / "t.h5").write_text("text")
    with pytest.raises(InputError, match="neither HDF5"):
        imported(tmp_path, tmp_path / "t.h5")
    with pytest.raises(FileError, match="nothere"):
        imported(tmp_path, tmp_path / "nothere.h5")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"bands": ["a", "b"]}, "takes 4 bands"),
        ({"bands": []}, "Name the bands"),
        ({"bands": ["a", "b", "c", "a"]}, "band a is named twice"),
        ({"mine_output": 5}, "Output 5 was said to mean a mine, but the model has 1"),
        ({"answer": "logits (softmax)"}, "needs two outputs"),
        ({"answer": "probabilities"}, "outputs are logits, then"),
        ({"patch": 9}, "takes patches of 8 pixels, not 9"),
        ({"values": "mean and deviation", "means": [0.1]}, "4 bands need 4 means"),
        ({"values": "whatever"}, "whatever"),
    ],
)
def test_what_does_not_fit_the_model_is_said(tmp_path, options, why):
    model = with_layer(layers.ReLU())
    model.layers[-1].set_weights([np.full((256, 1), 0.5, "float32"), np.zeros(1, "float32")])
    model.save(tmp_path / "m.keras")
    given = {"bands": ["a", "b", "c", "d"], "answer": "logits (sigmoid)", **options}
    with pytest.raises(InputError, match=why):
        imported(tmp_path, tmp_path / "m.keras", **given)
    assert not (tmp_path / "imported.gossan").exists()


def test_a_forged_model_file_is_checked_again(plain, tmp_path):
    imported(tmp_path, plain, ["a", "b", "c", "d"], answer="logits (sigmoid)")
    with zipfile.ZipFile(tmp_path / "imported.gossan") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    card = json.loads(members["card.json"])
    card["architecture"]["layers"][1]["layer"] = "Lambda"
    members["card.json"] = json.dumps(card).encode()
    with zipfile.ZipFile(tmp_path / "forged.gossan", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises((BundleError, InputError), match="Lambda is not known here"):
        load_predictor(tmp_path / "forged.gossan")


def test_a_stride_that_leaves_gaps_is_warned_of(plain, tmp_path):
    warned = []
    import_model(
        Progress(on_warning=warned.append),
        source=str(plain),
        bands=["a", "b", "c", "d"],
        answer="logits (sigmoid)",
        stride=12,
        model=str(tmp_path / "m.gossan"),
    )
    assert "leave gaps" in warned[0]
