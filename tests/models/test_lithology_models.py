"""Forests, splits, windows and networks of lithology, and the jobs that train and map with them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import RandomForestClassifier

from gossan.core.blocks import Window
from gossan.core.bundle import read_bundle
from gossan.core.errors import BandMismatchError, BundleError, CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import open_stack
from gossan.models.lithology.class_forest import ClassForest, ForestOptions, draw_pixels, grow
from gossan.models.lithology.geological_map import MapSource
from gossan.models.lithology.holdout import (
    RANDOM,
    TEST,
    TRAINING,
    VALIDATION,
    HoldOut,
    roles_of,
)
from gossan.models.lithology.labelled_stack import (
    Scaling,
    StandardisedReader,
    label_stack,
)
from gossan.models.lithology.mapping import (
    entropy_of,
    map_shares,
    network_predictor,
    plan_network,
)
from gossan.models.lithology.model_file import load_model
from gossan.models.lithology.training_windows import (
    WindowBatches,
    WindowOptions,
    class_weights,
    draw_windows,
    slide,
)
from gossan.models.registry import load

PLACE = Affine(30, 0, 500_000, 0, -30, 3_000_000)
NAMES = ("basalt", "granite", "slate")
COLOURS = {1: (20, 90, 20), 2: (240, 100, 100), 3: (90, 90, 140)}


def write(path, values, names=None, dtype="float32", colours=None, nodata=None):
    values = np.atleast_3d(values)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[0],
        width=values.shape[1],
        count=values.shape[2],
        dtype=dtype,
        crs="EPSG:32650",
        transform=PLACE,
        nodata=nodata,
    ) as dataset:
        dataset.write(np.moveaxis(values, -1, 0).astype(dtype))
        for index, name in enumerate(names or [], start=1):
            dataset.set_band_description(index, name)
        if colours:
            dataset.write_colormap(1, {v: (*rgb, 255) for v, rgb in colours.items()})
    return str(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A stack of three bands, 96 x 128 pixels, and the three units that they tell apart."""
    place = tmp_path_factory.mktemp("lithology")
    random = np.random.default_rng(11)
    field = gaussian_filter(random.normal(size=(96, 128)), 7)
    truth = np.digitize(field, np.quantile(field, [0.33, 0.67])) + 1
    bands = np.stack([gaussian_filter((truth == v).astype(float), 1.0) for v in (1, 2, 3)], -1)
    bands += random.normal(0, 0.15, bands.shape)
    bands[:4, :5] = np.nan
    labels = truth.copy()
    labels[40:50, 60:80] = 0
    raster = write(place / "map.tif", labels, dtype="uint8", colours=COLOURS)
    (place / "map.tif.aux.xml").write_text(
        "<CategoryNames><Category/>"
        + "".join(f"<Category>{name}</Category>" for name in NAMES)
        + "</CategoryNames>"
    )
    return SimpleNamespace(
        stack=write(place / "stack.tif", bands, ["Fe", "K", "Mg"]),
        map=raster,
        truth=truth,
        labels=labels,
        bands=bands.astype(np.float32),
        folder=place,
    )


@pytest.fixture(scope="module")
def forest_run(world):
    """What training a forest on the world has made."""
    paths = {
        "model": "forest.gossan",
        "table": "forest.csv",
        "differences": "forest.tif",
        "report": "forest.html",
    }
    given = {key: str(world.folder / name) for key, name in paths.items()}
    result = load("lithology.train")(
        Progress(),
        features=[world.stack],
        map_raster=world.map,
        method="random forest",
        trees=30,
        share=0.2,
        seed=3,
        **given,
    )
    return SimpleNamespace(**given, result=result)


# Forests


def test_a_forest_votes_as_scikit_learns_trees_do():
    random = np.random.default_rng(0)
    pixels = random.normal(size=(800, 4)).astype(np.float32)
    places = (pixels[:, 0] > 0).astype(int) + 2 * (pixels[:, 1] + pixels[:, 2] > 0.5)
    options = ForestOptions(trees=25, variables=2, seed=7)
    forest = grow(pixels, places, 5, options, Progress())
    own = RandomForestClassifier(25, max_features=2, random_state=7).fit(pixels, places)
    new = random.normal(size=(5000, 4)).astype(np.float32)
    shares = forest.shares(new)
    np.testing.assert_allclose(shares[:, :4], own.predict_proba(new), atol=1e-6)
    assert (shares[:, 4] == 0).all(), "a class that was never seen gets no vote"
    again = ClassForest.from_arrays(forest.arrays(), 4, 5)
    np.testing.assert_array_equal(again.shares(new), shares)


def test_a_damaged_forest_is_refused():
    pixels = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    forest = grow(pixels, (pixels[:, 0] > 0).astype(int), 2, ForestOptions(trees=2), Progress())
    arrays = {**forest.arrays(), "values": forest.forest.values + 5.0}
    with pytest.raises(BundleError, match="names classes"):
        ClassForest.from_arrays(arrays, 2, 2)


def test_the_same_share_of_every_class_is_drawn():
    labels = np.repeat([0, 1, 2, 3], [50, 1000, 100, 3])
    chosen = draw_pixels(labels, 0.1, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [0, 100, 10, 1]
    assert np.array_equal(chosen, draw_pixels(labels, 0.1, seed=1))
    assert not np.array_equal(chosen, draw_pixels(labels, 0.1, seed=2))


@pytest.mark.parametrize("options", [{"trees": 0}, {"variables": 0}, {"share": 0.0}])
def test_impossible_forests_are_refused(options):
    with pytest.raises(InputError):
        ForestOptions(**options)


# What is held out


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 90), st.integers(20, 90), st.integers(4, 12), st.integers(0, 5))
def test_blocks_are_wholly_on_one_side_and_unlabelled_pixels_on_none(height, width, side, seed):
    random = np.random.default_rng(seed)
    places = random.integers(0, 4, (height, width)).astype(np.uint8)
    roles = roles_of(places, HoldOut(share=0.25, side=side, seed=seed))
    assert np.array_equal(roles > 0, places > 0)
    for row in range(0, height, side):
        for column in range(0, width, side):
            block = roles[row : row + side, column : column + side]
            assert len(np.unique(block[block > 0])) <= 1
    assert {TRAINING, VALIDATION, TEST} >= set(np.unique(roles)) - {0}
    assert (roles == TEST).any()
    assert (roles == TRAINING).any()


def test_the_shares_of_all_classes_in_the_test_are_alike():
    rows, columns = np.mgrid[:120, :120]
    places = (1 + (rows // 30 + columns // 30) % 3).astype(np.uint8)
    roles = roles_of(places, HoldOut(share=0.2, side=10))
    for value in (1, 2, 3):
        assert 0.12 < (roles[places == value] == TEST).mean() < 0.3
    again = roles_of(places, HoldOut(share=0.2, side=10))
    assert np.array_equal(roles, again)


def test_random_windows_leave_the_rest_in_one_piece():
    places = np.ones((60, 60), dtype=np.uint8)
    roles = roles_of(places, HoldOut(split=RANDOM, side=10))
    assert set(np.unique(roles)) == {TRAINING, TEST}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"split": "thirds"}, "no split"), ({"share": 0.0}, "held out"), ({"share": 0.9}, "held out")],
)
def test_impossible_splits_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        HoldOut(**options)


def test_labels_in_one_corner_need_smaller_blocks():
    places = np.zeros((90, 90), dtype=np.uint8)
    places[:10, :10] = 1
    with pytest.raises(InputError, match="smaller block size"):
        roles_of(places, HoldOut(side=30))


# Windows


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([32, 64]), st.integers(1, 32))
def test_sliding_windows_see_every_pixel_and_leave_none_of_the_image(height, width, side, stride):
    seen = np.zeros((height, width), dtype=bool)
    for window in slide(height, width, side, stride):
        assert window.row + window.height <= height
        assert window.column + window.width <= width
        assert (window.height, window.width) == (min(side, height), min(side, width))
        seen[window.slices] = True
    assert seen.all()


def test_class_weights_balance_within_limits():
    weights = class_weights(np.array([900, 90, 1, 0]), balanced=True)
    assert weights[0] == pytest.approx(330.333 / 900, rel=1e-3)
    assert weights[1] == pytest.approx(330.333 / 90, rel=1e-3)
    assert weights[2] == 10.0
    halfway = class_weights(np.array([900, 90, 10]), balanced=True, power=0.5)
    np.testing.assert_allclose(halfway**2, [333.333 / 900, 333.333 / 90, 33.3333], rtol=1e-3)
    assert class_weights(np.array([5, 1]), balanced=False).tolist() == [1.0, 1.0]


def labelled(world):
    stack = open_stack([world.stack])
    geology = MapSource(raster=world.map).open(stack.info)
    return label_stack(stack, geology, Progress()), geology


def test_batches_hold_what_the_image_holds_and_ignore_what_is_not_learned_from(world):
    data, _ = labelled(world)
    roles = roles_of(data.places, HoldOut(side=16))
    options = WindowOptions(side=64, stride=16, count=9, batch=4)
    windows = draw_windows(roles, TRAINING, options, 16, 9, seed=0)
    reader = StandardisedReader(data.stack, data.scaling)
    batches = WindowBatches(data, reader, roles, TRAINING, windows, np.ones(3), options, 5)
    first = list(batches(1))
    assert [len(batch[0]) for batch in first] == [4, 4, 1]
    for inputs, targets, weights in first:
        assert inputs.shape[1:] == (64, 64, 3)
        assert np.isfinite(inputs).all()
        assert targets.shape == weights.shape
    total = sum(float(batch[2].sum()) for batch in first)
    assert total == sum(int((roles[w.slices] == TRAINING).sum()) for w in windows)
    learned = sum(float((b[2] * (b[1] == 2)).sum()) for b in first)
    expected = sum(
        int(((roles[w.slices] == TRAINING) & (data.places[w.slices] == 3)).sum()) for w in windows
    )
    assert learned == expected
    again = list(batches(1))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again))
    assert not np.array_equal(first[0][0], next(iter(batches(2)))[0])


def test_varied_windows_are_turned_parts_of_the_image_with_their_own_labels(world):
    data, _ = labelled(world)
    roles = roles_of(data.places, HoldOut(side=16))
    options = WindowOptions(side=64, stride=16, count=3, batch=1, varied=True)
    windows = draw_windows(roles, TRAINING, options, 16, None, seed=0)
    assert len(windows) == len(slide(*roles.shape, 64, 16))
    reader = StandardisedReader(data.stack, data.scaling)
    batches = WindowBatches(data, reader, roles, TRAINING, windows, np.ones(3), options, 5)
    whole = reader.window(Window(0, 0, *roles.shape))
    learned = roles == TRAINING
    starts = set()
    for epoch in (1, 2):
        shown = list(batches(epoch))
        assert len(shown) == 3
        for (inputs,), (targets,), (weights,) in shown:
            found = [
                (row, column, turned)
                for row in range(roles.shape[0] - 63)
                for column in range(roles.shape[1] - 63)
                # No turn changes how many pixels are learned from.
                if learned[row : row + 64, column : column + 64].sum() == weights.sum()
                for turned in _corners(inputs - inputs.mean(axis=(0, 1)), whole, row, column)
            ]
            assert found, "A window shows what is nowhere in the image."
            row, column, (turns, mirrored) = found[0]
            starts.add((row, column))
            part = np.s_[row : row + 64, column : column + 64]
            for shown_, held in (
                (targets, np.maximum(data.places[part].astype(int) - 1, 0)),
                (weights, learned[part].astype(np.float32)),
            ):
                expected = np.rot90(held, turns)
                assert np.array_equal(shown_, expected[::-1] if mirrored else expected)
    assert any(row % 16 and column % 16 for row, column in starts)


def _corners(centred, whole, row, column):
    """Yield the turns by which a window, each band's mean taken off, is that part of an image."""
    part = whole[row : row + 64, column : column + 64]
    part = part - part.mean(axis=(0, 1))
    if not np.isclose(np.abs(centred).sum(), np.abs(part).sum(), rtol=1e-5):
        return
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(part, turns)
            if np.allclose(centred, turned[::-1] if mirrored else turned, atol=1e-5):
                yield turns, mirrored


def test_an_image_smaller_than_a_window_is_padded_without_weight(world):
    data, _ = labelled(world)
    roles = roles_of(data.places, HoldOut(side=16))
    options = WindowOptions(side=256, count=3, batch=1)
    windows = draw_windows(roles, TRAINING, options, 20, 3, seed=0)
    assert len(windows) == 1
    reader = StandardisedReader(data.stack, data.scaling)
    (batch,) = WindowBatches(data, reader, roles, TRAINING, windows, np.ones(3), options, 0)(1)
    assert batch[0].shape == (1, 256, 256, 3)
    assert (batch[2][0, 96:] == 0).all()
    assert (batch[2][0, :, 128:] == 0).all()


@pytest.mark.parametrize("options", [{"side": 100}, {"side": 0}, {"stride": 0}, {"batch": 0}])
def test_impossible_windows_are_refused(options):
    with pytest.raises(InputError):
        WindowOptions(**options)


def test_labels_and_statistics_are_those_of_the_valid_pixels(world):
    data, geology = labelled(world)
    valid = np.isfinite(world.bands).all(axis=-1)
    assert np.array_equal(data.places, np.where(valid, world.labels, 0))
    np.testing.assert_allclose(data.scaling.mean, world.bands[valid].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(data.scaling.deviation, world.bands[valid].std(axis=0), atol=1e-5)
    assert data.names == NAMES
    assert any("20 mapped pixels lack a value" in note for note in data.notes)
    pixels = np.array([5, 700, 12_000])
    np.testing.assert_array_equal(
        data.features(pixels, Progress()), world.bands.reshape(-1, 3)[pixels]
    )
    geology.close()


# The jobs with a forest


def test_the_forest_is_judged_on_blocks_and_beside_it_as_a_random_split_would(forest_run):
    result = forest_run.result
    assert [one["name"] for one in result["classes"]] == list(NAMES)
    assert result["overall_accuracy"] == result["forest_accuracy"]
    assert result["gain"] is None
    assert 0.6 < result["overall_accuracy"] < 1.0
    assert result["overall_accuracy_leaky"] > 0.6
    card = read_bundle(forest_run.model).card
    assert card.kind == "lithology"
    assert "never saw" in card.training.split
    assert [label.colour for label in card.classes] == ["#145a14", "#f06464", "#5a5a8c"]
    page = Path(forest_run.report).read_text(encoding="utf-8")
    assert "unseen blocks (honest)" in page
    assert "what a random split says" in page


def test_mapping_gives_the_votes_of_the_model_and_the_maps_own_names_and_colours(
    world, forest_run, tmp_path
):
    out = {name: str(tmp_path / f"{name}.tif") for name in ("output", "probabilities", "entropy")}
    result = load("lithology.map")(
        Progress(), features=[world.stack], model=forest_run.model, **out
    )
    model, fingerprint = load_model(forest_run.model)
    valid = np.isfinite(world.bands).all(axis=-1)
    shares = model.predictor.shares(world.bands[valid])
    with rasterio.open(out["probabilities"]) as dataset:
        assert dataset.descriptions == NAMES
        np.testing.assert_allclose(dataset.read()[:, valid].T, shares, atol=1e-6)
        assert np.isnan(dataset.read(1)[~valid]).all()
    with rasterio.open(out["output"]) as dataset:
        classes = dataset.read(1)
        assert dataset.colormap(1)[2] == (240, 100, 100, 255)
        assert dataset.tags()["GOSSAN_MODEL"] == fingerprint
        assert json.loads(dataset.tags()["GOSSAN_CATEGORIES"]) == {
            str(value): name for value, name in enumerate(NAMES, start=1)
        }
    np.testing.assert_array_equal(classes[valid], shares.argmax(axis=1) + 1)
    assert (classes[~valid] == 0).all()
    with rasterio.open(out["entropy"]) as dataset:
        safe = np.where(shares > 0, shares, 1.0)
        expected = -(shares * np.log(safe)).sum(axis=1) / np.log(3)
        np.testing.assert_allclose(dataset.read(1)[valid], expected, atol=1e-5)
    assert result["mapped"] == int(valid.sum())
    assert sum(one["pixels"] for one in result["classes"]) == result["mapped"]
    assert (classes == world.truth)[valid].mean() > 0.8


def test_undecided_pixels_stay_empty_when_asked(world, forest_run, tmp_path):
    out = str(tmp_path / "map.tif")
    result = load("lithology.map")(
        Progress(), features=[world.stack], model=forest_run.model, least_share=0.9, output=out
    )
    assert 0 < result["mapped"] < 96 * 128 - 20
    assert result["mean_probability"] >= 0.9


def test_entropy_runs_from_one_class_to_all_alike():
    shares = np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0.0]])
    np.testing.assert_allclose(entropy_of(shares), [0.0, 1.0, np.log(2) / np.log(3)], atol=1e-6)


def test_another_stack_or_another_kind_of_model_is_refused(world, forest_run, tmp_path):
    run = load("lithology.map")
    other = write(tmp_path / "other.tif", world.bands[..., :2], ["Fe", "K"])
    out = str(tmp_path / "map.tif")
    with pytest.raises(BandMismatchError, match=r"other.tif.*Mg"):
        run(Progress(), features=[other], model=forest_run.model, output=out)
    swapped = write(tmp_path / "swapped.tif", world.bands[..., ::-1], ["Mg", "K", "Fe"])
    straight = str(tmp_path / "straight.tif")
    run(Progress(), features=[world.stack], model=forest_run.model, output=straight)
    run(Progress(), features=[swapped], model=forest_run.model, output=out)
    with rasterio.open(out) as one, rasterio.open(straight) as other_one:
        assert np.array_equal(one.read(1), other_one.read(1)), "bands are found by their names"
    with pytest.raises(BundleError):
        run(Progress(), features=[world.stack], model=world.stack, output=straight)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "SVM"}, "no method"),
        ({"map_raster": ""}, "either a layer of polygons"),
        ({"map_raster": "one"}, "only class 1"),
        ({"block_size": 6000.0}, "smaller block size"),
        ({"split": "thirds"}, "no split"),
        ({"window": 100}, "multiple of 32"),
        ({"method": "FCN-8s", "recipe": "mine"}, "no recipe"),
    ],
)
def test_what_cannot_be_learned_is_refused_and_leaves_nothing(world, tmp_path, changes, sentence):
    one = write(tmp_path / "one.tif", np.ones((96, 128)), dtype="uint8")
    given = {"map_raster": world.map, "method": "random forest", "trees": 3, **changes}
    if given["map_raster"] == "one":
        given["map_raster"] = one
    model = tmp_path / "m.gossan"
    with pytest.raises(InputError, match=sentence):
        load("lithology.train")(Progress(), features=[world.stack], model=str(model), **given)
    assert not model.exists()


def test_cancelling_leaves_nothing(world, forest_run, tmp_path):
    seen = []

    def wanted():
        seen.append(1)
        return len(seen) > 12

    with pytest.raises(CancelledError):
        load("lithology.train")(
            Progress(cancelled=wanted),
            features=[world.stack],
            map_raster=world.map,
            method="random forest",
            model=str(tmp_path / "m.gossan"),
        )
    with pytest.raises(CancelledError):
        load("lithology.map")(
            Progress(cancelled=lambda: True),
            features=[world.stack],
            model=forest_run.model,
            output=str(tmp_path / "map.tif"),
        )
    assert list(tmp_path.iterdir()) == []


# Networks


@pytest.fixture(scope="module")
def networks():
    pytest.importorskip("tensorflow")
    from gossan.models.lithology import architecture

    return architecture


def weights_by_hand(bands, classes, name):
    """Count the weights of VGG-19 and of what the source puts behind it, layer by layer."""
    total, before = 0, bands
    for convolutions, filters in ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)):
        for _ in range(convolutions):
            total += 3 * 3 * before * filters + filters
            before = filters
    for _ in range(3):
        total += before * 4096 + 4096
        before = 4096
    steps = {
        "FCN-8s": [(512, 2), (256, 2), (classes, 8)],
        "FCN-16s": [(512, 2), (classes, 16)],
        "FCN-32s": [(classes, 32)],
    }[name]
    for filters, size in steps:
        total += size * size * before * filters + filters
        before = filters
    return total


@pytest.mark.parametrize("name", ["FCN-8s", "FCN-16s", "FCN-32s"])
def test_at_width_one_a_network_has_exactly_the_weights_of_the_table(networks, name):
    from gossan.models.networks.weights import count_weights

    model = networks.build_network(name, 9, 7)
    assert count_weights(model) == weights_by_hand(9, 7, name)
    if name == "FCN-8s":
        assert count_weights(model) == 64_720_071
        assert model.get_layer("conv1_1").kernel.shape == (3, 3, 9, 64)
        assert model.get_layer("conv7").kernel.shape == (1, 1, 4096, 4096)


@pytest.mark.parametrize("name", ["FCN-8s", "FCN-16s", "FCN-32s"])
def test_any_size_bands_and_classes(networks, name):
    model = networks.build_network(name, 5, 4, 1 / 16)
    answer = model(np.zeros((2, 64, 96, 5), dtype=np.float32))
    assert answer.shape == (2, 64, 96, 4)


def test_widths_and_names_out_of_range_are_refused(networks):
    with pytest.raises(InputError, match="width"):
        networks.build_network("FCN-8s", 3, 3, 1.5)
    with pytest.raises(InputError, match="no network"):
        networks.build_network("FCN-4s", 3, 3)


def test_a_pixel_sees_its_cells_field_and_nothing_beyond_the_halo(networks):
    model = networks.build_network("FCN-8s", 1, 2, 1 / 16)
    random = np.random.default_rng(0)
    image = random.normal(size=(1, 512, 512, 1)).astype(np.float32)
    cell = slice(256, 288)
    before = model(image).numpy()[0, cell, cell]
    far = random.normal(size=image.shape).astype(np.float32)
    low, high = 256 - networks.HALO, 288 + networks.HALO
    far[:, low:high, low:high] = image[:, low:high, low:high]
    np.testing.assert_allclose(model(far).numpy()[0, cell, cell], before, atol=1e-5)
    # (field - cell) / 2 = 118 pixels on either side do matter.
    reach = (networks.FIELD - networks.STRIDE) // 2
    for edge in (256 - reach, 287 + reach):
        touched = image.copy()
        touched[0, edge, 200:340] += 50.0
        assert np.abs(model(touched).numpy()[0, cell, cell] - before).max() > 0
        beyond = edge + (-1 if edge < 256 else 1)
        untouched = image.copy()
        untouched[0, beyond, 200:340] += 50.0
        np.testing.assert_allclose(model(untouched).numpy()[0, cell, cell], before, atol=1e-5)


@pytest.mark.parametrize("name", ["FCN-8s", "FCN-32s"])
def test_shifting_the_tiling_changes_nothing(networks, tmp_path, name):
    random = np.random.default_rng(1)
    values = random.normal(size=(301, 419, 2)).astype(np.float32)
    values[100:120, 30:60, 1] = np.nan
    path = write(tmp_path / "stack.tif", values, ["a", "b"])
    model = networks.build_network(name, 2, 3, 1 / 16)
    scaling = Scaling(np.array([0.1, -0.1]), np.array([1.0, 2.0]))
    maps = []
    for tile in (1024, 32, 96, 160):
        with open_stack([path]) as stack:
            out = np.zeros((301, 419, 3), dtype=np.float32)
            valid = np.zeros((301, 419), dtype=bool)

            def consume(block, shares, known, out=out, valid=valid):
                out[block.inner.slices] = shares
                valid[block.inner.slices] = known

            blocks = plan_network(stack.info, 1 / 16, tile)
            map_shares(stack, None, blocks, network_predictor(model, scaling), consume, Progress())
        maps.append(out)
        assert np.array_equal(valid, np.isfinite(values).all(axis=-1))
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], atol=2e-5)


def train_network(world, folder, name="m", **changes):
    given = {
        "method": "FCN-8s",
        "width": 1 / 16,
        "recipe": "small machine",
        "window": 64,
        "stride": 8,
        "windows": 12,
        "batch": 4,
        "epochs": 3,
        "patience": 0,
        "baseline": False,
        "block_size": 480.0,
        "seed": 4,
        **changes,
    }
    return load("lithology.train")(
        given.pop("progress", Progress()),
        features=[world.stack],
        map_raster=world.map,
        model=str(folder / f"{name}.gossan"),
        **given,
    )


@pytest.fixture(scope="module")
def tiny(networks, world, tmp_path_factory):
    """A network that has learned for one epoch."""
    folder = tmp_path_factory.mktemp("tiny")
    train_network(world, folder, epochs=1)
    return folder / "m.gossan"


def test_a_network_learns_maps_repeats_and_tells_its_curves(networks, world, tmp_path):
    seen = []
    progress = Progress(on_measures=lambda epoch, values: seen.append((epoch, dict(values))))
    report = str(tmp_path / "r.html")
    result = train_network(
        world, tmp_path, progress=progress, epochs=25, learning_rate=0.004, baseline=True,
        trees=10, report=report, differences=str(tmp_path / "d.tif"),
    )  # fmt: skip
    assert len(seen) == 25
    assert seen[-1][1]["loss"] < 0.75 * seen[0][1]["loss"]
    assert result["overall_accuracy_leaky"] > 0.45
    assert result["forest_accuracy"] > 0.6
    gain, low, high = result["gain"]
    assert gain == pytest.approx(result["mean_iou"] - result["forest_mean_iou"])
    assert low <= gain <= high
    page = Path(report).read_text(encoding="utf-8")
    assert "Mean IoU of FCN-8s minus that of random forest" in page
    out = str(tmp_path / "map.tif")
    load("lithology.map")(
        Progress(), features=[world.stack], model=str(tmp_path / "m.gossan"), output=out
    )
    with rasterio.open(out) as dataset:
        mapped = dataset.read(1)
    assert (mapped[:4, :5] == 0).all()
    assert set(np.unique(mapped)) <= {0, 1, 2, 3}
    card = read_bundle(tmp_path / "m.gossan").card
    assert (card.patch, card.stride, card.halo) == (64, 32, 128)


def test_the_same_seed_gives_the_same_network_also_after_an_interruption(networks, world, tmp_path):
    straight = train_network(world, tmp_path, "straight")["fingerprint"]

    class Wish:
        epochs = 0

        def __call__(self):
            return self.epochs >= 2

    wish = Wish()
    progress = Progress(cancelled=wish, on_measures=lambda epoch, _: setattr(wish, "epochs", epoch))
    with pytest.raises(CancelledError):
        train_network(world, tmp_path, "again", resume=True, progress=progress)
    assert [p.name for p in tmp_path.iterdir() if "again" in p.name] == ["again.gossan.state"]
    said = []
    train_network(world, tmp_path, "again", resume=True, progress=Progress(on_message=said.append))
    assert any("Going on after epoch" in text for text in said)
    assert not (tmp_path / "again.gossan.state").exists()
    first, second = (read_bundle(tmp_path / f"{n}.gossan").arrays() for n in ("straight", "again"))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert straight


def test_the_published_recipe_learns_too(networks, world, tmp_path):
    seen = []
    train_network(
        world, tmp_path, recipe="as published", split="random windows", epochs=8,
        progress=Progress(on_measures=lambda _, values: seen.append(values["loss"])),
    )  # fmt: skip
    assert np.isfinite(seen).all()
    assert min(seen[1:]) < seen[0]


def test_a_forged_network_is_refused(tiny, tmp_path):
    from gossan.core.bundle import write_bundle

    bundle = read_bundle(tiny)
    card, arrays = bundle.card.to_dict(), bundle.arrays()
    card["architecture"]["width"] = 1 / 8
    write_bundle(tmp_path / "wide.gossan", card, arrays=arrays)
    with pytest.raises(BundleError, match="does not fit its own architecture"):
        load_model(str(tmp_path / "wide.gossan"))
    card["architecture"]["width"] = 40
    write_bundle(tmp_path / "odd.gossan", card, arrays=arrays)
    with pytest.raises(BundleError, match="no width 40"):
        load_model(str(tmp_path / "odd.gossan"))
    card["architecture"]["name"] = "U-Net"
    write_bundle(tmp_path / "unknown.gossan", card, arrays=arrays)
    with pytest.raises(BundleError, match="does not know"):
        load_model(str(tmp_path / "unknown.gossan"))


def test_a_network_says_when_pixels_are_of_another_size(tiny, world, tmp_path):
    coarse = tmp_path / "coarse.tif"
    with (
        rasterio.open(world.stack) as source,
        rasterio.open(
            coarse,
            "w",
            **{**source.profile, "transform": Affine(60, 0, 500_000, 0, -60, 3_000_000)},
        ) as target,
    ):
        target.write(source.read())
        target.descriptions = source.descriptions
    warned = []
    load("lithology.map")(
        Progress(on_warning=warned.append),
        features=[str(coarse)],
        model=str(tiny),
        output=str(tmp_path / "map.tif"),
    )
    assert any("learned on pixels of 30 m" in text for text in warned)
