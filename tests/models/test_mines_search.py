"""The search for mines: seam-free blocks, gaps, journal, thresholds afterwards, findings."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

pytest.importorskip("tensorflow")

from gossan.core.bands import sensor_bands
from gossan.core.bundle import Training
from gossan.core.errors import BundleError, CancelledError, FileError, GossanError, InputError
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.models.mines import predictors, search, search_run
from gossan.models.mines.architecture import build_detector, build_impact_classifier
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.journal import SUFFIX, open_journal
from gossan.models.mines.model_file import BandScaling, write_model
from gossan.models.networks import runtime
from gossan.models.registry import load

COUNT = 4
BANDS = sensor_bands("sentinel-2")[1 : 1 + COUNT]
SCALING = BandScaling(np.full(COUNT, 0.2), np.full(COUNT, 0.06))
GRID = Affine(10, 0, 500_000, 0, -10, 8_000_000)
HEIGHT, WIDTH = 670, 745
DENSE = CellGeometry(189, 27, 215, given_up=1)


def write_image(path, values, transform=GRID, *, crs="EPSG:32723", nodata=0):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[0],
        width=values.shape[1],
        count=values.shape[2],
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
        tiled=True,
        blockxsize=128,
        blockysize=128,
    ) as file:
        file.write(np.moveaxis(values, -1, 0))
        file.descriptions = [band.name for band in BANDS]
    return str(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An image, a detector whose probabilities spread over 0 to 1, and an impact model."""
    folder = tmp_path_factory.mktemp("mines")
    random = np.random.default_rng(4)
    noise = random.normal(size=(HEIGHT, WIDTH, COUNT))
    field = ndimage.gaussian_filter(noise, (12, 12, 0))
    field = field / field.std((0, 1)) + 0.2 * noise
    numbers = np.clip(2000 + 600 * field, 1, 9000).astype("uint16")
    runtime.repeatable(6)
    detector, impact = build_detector(COUNT), build_impact_classifier(COUNT)
    made = {"training": Training("random"), "origin": Origin("test")}
    inputs = ((numbers * 1e-4 - SCALING.mean) / SCALING.deviation).astype("float32")
    logits = np.asarray(detector(inputs[np.newaxis], training=False), dtype=float)[0]
    # The odds of the median cell are even, and the others spread around them.
    odds = logits[..., 1] - logits[..., 0]
    last = detector.get_layer("cells")
    last.kernel.assign(last.kernel * (2.0 / odds.std()))
    last.bias.assign([0.0, -2.0 / odds.std() * np.median(odds)])
    for name, model in (("detector", detector), ("impact", impact)):
        write_model(
            folder / f"{name}.gossan",
            model,
            BANDS,
            SCALING,
            ground_sampling_distance=10.0,
            **made,
        )
    return SimpleNamespace(
        image=write_image(folder / "image.tif", numbers),
        numbers=numbers,
        detector=str(folder / "detector.gossan"),
        impact=str(folder / "impact.gossan"),
        detector_network=detector,
        impact_network=impact,
    )


def whole(world, numbers=None, valid=None):
    """Return the probabilities of the network over the whole image, by Keras."""
    numbers = world.numbers if numbers is None else numbers
    inputs = (numbers * 1e-4 - SCALING.mean) / SCALING.deviation
    if valid is not None:
        inputs = np.where(valid[..., np.newaxis], inputs, 0.0)
    logits = np.asarray(
        world.detector_network(inputs[np.newaxis].astype("float32"), training=False), dtype=float
    )[0]
    return 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(search_run, "NARROWEST_BLOCK", 5 * 27)
    monkeypatch.setattr(search_run, "WIDEST_BLOCK", 5 * 27)


def detect(world, where, progress=None, **changes):
    outputs = {
        "probability": str(where / "probability.tif"),
        "polygons": str(where / "polygons.geojson"),
        "points": str(where / "points.geojson"),
        "cells": str(where / "cells.geojson"),
    }
    given = {"images": [world.image], "detector": world.detector, **outputs, **changes}
    return load("mines.detect")(progress or Progress(), **given)


def raster(folder):
    with rasterio.open(folder / "probability.tif") as file:
        return file.read(1), file.profile, file.tags(), file.descriptions


def features(path):
    content = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [feature["properties"] for feature in content], [f["geometry"] for f in content]


def test_blocks_without_a_seam_give_what_the_whole_network_gives(world, tmp_path, small_blocks):
    result = detect(world, tmp_path)
    found, profile, tags, names = raster(tmp_path)
    np.testing.assert_allclose(found, whole(world), atol=1e-5)
    assert names == ("mine",)
    assert profile["transform"] == GRID @ Affine.translation(81, 81) @ Affine.scale(27)
    assert profile["crs"] == rasterio.crs.CRS.from_epsg(32723)
    assert math.isnan(profile["nodata"])
    assert len(tags["GOSSAN_MODEL"]) == 64
    assert result["searched"] == found.size
    assert result["area_km2"] == pytest.approx(found.size * 0.0729)
    assert [p.name for p in tmp_path.iterdir() if SUFFIX in p.name] == []


@pytest.mark.parametrize(("height", "width"), [(189, 189), (215, 400), (404, 270), (431, 457)])
def test_odd_sizes_have_no_seam_either(world, tmp_path, small_blocks, height, width):
    part = world.numbers[:height, :width]
    detect(world, tmp_path, images=[write_image(tmp_path / "part.tif", part)])
    np.testing.assert_allclose(raster(tmp_path)[0], whole(world, part), atol=1e-5)


def test_missing_pixels_are_the_mean_and_cells_without_enough_of_them_are_unknown(
    world, tmp_path, small_blocks
):
    numbers = world.numbers.copy()
    numbers[100:300, 200:413] = 0
    numbers[:, 600:] = 0
    numbers[500:540, 100:140, 2] = 0
    valid = (numbers != 0).all(axis=-1)
    detect(world, tmp_path, images=[write_image(tmp_path / "gaps.tif", numbers)])
    found = raster(tmp_path)[0]
    expected = whole(world, numbers, valid)
    shares = np.array(
        [
            [
                valid[81 + 27 * r : 108 + 27 * r, 81 + 27 * c : 108 + 27 * c].mean()
                for c in range(expected.shape[1])
            ]
            for r in range(expected.shape[0])
        ]
    )
    known = shares >= 0.5
    assert 0 < known.sum() < known.size
    np.testing.assert_array_equal(np.isfinite(found), known)
    np.testing.assert_allclose(found[known], expected[known], atol=1e-5)


def test_several_files_with_a_gap_between_them_are_one_image(world, tmp_path, small_blocks):
    folder = tmp_path / "scenes"
    folder.mkdir()
    numbers = world.numbers.copy()
    numbers[:, 300:360] = 0
    for name, start, end in (("west", 0, 300), ("east", 360, WIDTH)):
        write_image(folder / f"{name}.tif", numbers[:, start:end],
                    GRID @ Affine.translation(start, 0))  # fmt: skip
    detect(world, tmp_path, images=[], folder=str(folder))
    found = raster(tmp_path)[0]
    expected = whole(world, numbers, (numbers != 0).all(axis=-1))
    known = np.isfinite(found)
    assert known.mean() > 0.8
    np.testing.assert_allclose(found[known], expected[known], atol=1e-5)


def test_an_image_without_a_valid_pixel_is_searched_in_vain_and_says_so(world, tmp_path):
    warned = []
    empty = write_image(tmp_path / "empty.tif", np.zeros_like(world.numbers))
    result = detect(world, tmp_path, Progress(on_warning=warned.append), images=[empty])
    assert result["searched"] == 0
    assert result["findings"] == 0
    assert features(tmp_path / "points.geojson") == ([], [])
    assert any("nothing was searched" in text for text in warned)


def expected_clusters(probability, threshold, dropped=None):
    """Join cells that touch, by walking from cell to cell."""
    left = {tuple(cell) for cell in np.argwhere(probability >= threshold)} - (dropped or set())
    clusters = []
    while left:
        todo, cluster = [left.pop()], set()
        while todo:
            row, column = todo.pop()
            cluster.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            todo += near
        clusters.append(cluster)
    return sorted(clusters, key=lambda cluster: -max(probability[cell] for cell in cluster))


def ring_area(rings):
    areas = [
        abs(np.dot(x[:-1] - x[0], np.diff(y)) - np.dot(y[:-1] - y[0], np.diff(x))) / 2
        for x, y in (np.array(ring, dtype=float).T for ring in rings)
    ]
    return areas[0] - sum(areas[1:])


def test_findings_are_the_clusters_of_cells(world, tmp_path, small_blocks):
    result = detect(world, tmp_path, threshold=0.7)
    probability = raster(tmp_path)[0]
    clusters = expected_clusters(probability, 0.7)
    rows, outlines = features(tmp_path / "polygons.geojson")
    point_rows, points = features(tmp_path / "points.geojson")
    assert rows == point_rows
    assert len(clusters) == len(rows) == result["findings"] > 5
    assert any(len(cluster) > 3 for cluster in clusters)
    for number, (row, cluster, outline, point) in enumerate(
        zip(rows, clusters, outlines, points), start=1
    ):
        values = np.array([probability[cell] for cell in cluster])
        assert row["finding"] == number
        assert row["cells"] == len(cluster)
        assert row["area_ha"] == pytest.approx(7.29 * len(cluster))
        assert row["max_probability"] == pytest.approx(values.max())
        assert row["mean_probability"] == pytest.approx(values.mean())
        assert row["impact"] == ""
        assert len(row["detector"]) == 12
        cells = np.array(list(cluster))
        middle = np.average(27 * cells + 94.5, axis=0, weights=values)
        x, y = GRID @ (middle[1], middle[0])
        assert point["coordinates"] == pytest.approx([x, y])
        (longitude,), (latitude,) = rasterio.warp.transform("EPSG:32723", "EPSG:4326", [x], [y])
        assert (row["longitude"], row["latitude"]) == pytest.approx((longitude, latitude))
        parts = outline["coordinates"]
        parts = [parts] if outline["type"] == "Polygon" else parts
        assert sum(map(ring_area, parts)) == pytest.approx(270.0**2 * len(cluster))
    own, places = features(tmp_path / "cells.geojson")
    assert len(own) == (probability >= 0.7).sum() == result["positive"]
    for row, place in zip(own, places):
        cell = row["row"], row["column"]
        assert cell in clusters[row["finding"] - 1]
        assert row["probability"] == pytest.approx(probability[cell])
        x, y = GRID @ (27 * cell[1] + 94.5, 27 * cell[0] + 94.5)
        assert place["coordinates"] == pytest.approx([x, y])


def test_isolated_cells_may_need_more(world, tmp_path):
    detect(world, tmp_path, threshold=0.7)
    plain, _ = features(tmp_path / "points.geojson")
    result = detect(world, tmp_path, threshold=0.7, isolated_threshold=0.9)
    strict, _ = features(tmp_path / "points.geojson")
    kept = [row for row in plain if row["cells"] > 1 or row["max_probability"] >= 0.9]
    assert 0 < len(kept) < len(plain)
    assert result["dropped_isolated"] == len(plain) - len(kept)
    assert [row["max_probability"] for row in strict] == [row["max_probability"] for row in kept]


def judged(world, probability, threshold):
    """Return the class of every cell from the threshold on, chip by chip."""
    names = ("high impact", "low impact", "no ore")
    found = {}
    inputs = ((world.numbers * 1e-4 - SCALING.mean) / SCALING.deviation).astype("float32")
    for row, column in np.argwhere(probability >= threshold):
        top, left = 27 * row + 94 - 10, 27 * column + 94 - 10
        chip = inputs[top : top + 21, left : left + 21]
        logits = world.impact_network(chip[np.newaxis], training=False).numpy()[0]
        found[int(row), int(column)] = names[int(logits.argmax())]
    return found


def test_every_positive_cell_is_judged_and_no_ore_is_dropped(world, tmp_path, small_blocks):
    result = detect(world, tmp_path, impact_model=world.impact, threshold=0.6)
    probability = raster(tmp_path)[0]
    classes = judged(world, probability, 0.6)
    assert len(set(classes.values())) > 1
    dropped = {cell for cell, name in classes.items() if name == "no ore"}
    assert result["dropped_no_ore"] == len(dropped)
    clusters = expected_clusters(probability, 0.6, dropped)
    rows, _ = features(tmp_path / "polygons.geojson")
    assert len(rows) == len(clusters)
    for row, cluster in zip(rows, clusters):
        names = [classes[cell] for cell in cluster]
        votes = {name: names.count(name) for name in set(names)}
        told = dict(text.rsplit(" ", 1) for text in row["impact_votes"].split(", "))
        assert {name: int(count) for name, count in told.items()} == votes
        assert votes[row["impact"]] == max(votes.values())
        assert len(row["impact_model"]) == 12
    own, _ = features(tmp_path / "cells.geojson")
    assert {(row["row"], row["column"]): row["impact"] for row in own} == classes
    assert {(row["row"], row["column"]) for row in own if row["finding"] is None} == dropped


WITHOUT_TENSORFLOW = """
import sys
from gossan.core.progress import Progress
from gossan.models.registry import load
load("mines.detect")(Progress(), images=[sys.argv[1]], detector=sys.argv[2],
                     impact_model=sys.argv[3], threshold=0.5, probability=sys.argv[4])
print([name for name in ("tensorflow", "keras", "onnxruntime") if name in sys.modules])
"""


def test_own_models_search_without_tensorflow(world, tmp_path):
    output = str(tmp_path / "probability.tif")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            WITHOUT_TENSORFLOW,
            world.image,
            world.detector,
            world.impact,
            output,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    np.testing.assert_allclose(raster(tmp_path)[0], whole(world), atol=1e-5)


def test_with_a_graphics_processor_tensorflow_finds_the_same(world, tmp_path, monkeypatch):
    (tmp_path / "compiled").mkdir()
    (tmp_path / "tensorflow").mkdir()
    given = {"impact_model": world.impact, "threshold": 0.5}
    detect(world, tmp_path / "compiled", **given)
    monkeypatch.setattr(runtime, "has_graphics_processor", lambda: True)
    detect(world, tmp_path / "tensorflow", **given)
    one, other = (raster(tmp_path / name)[0] for name in ("compiled", "tensorflow"))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    one, other = (
        features(tmp_path / name / "cells.geojson")[0] for name in ("compiled", "tensorflow")
    )
    assert [cell["impact"] for cell in one] == [cell["impact"] for cell in other]
    assert len({cell["impact"] for cell in one}) > 1


@pytest.mark.parametrize("impact", [False, True])
def test_another_threshold_needs_no_new_search(world, tmp_path, monkeypatch, impact):
    model = {"impact_model": world.impact} if impact else {}
    (tmp_path / "first").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "again").mkdir()
    detect(world, tmp_path / "first", threshold=0.8, **model)
    expected = detect(world, tmp_path / "new", threshold=0.55, **model)
    earlier = str(tmp_path / "first" / "probability.tif")
    monkeypatch.setattr(search_run, "search", None)
    given = {
        "images": [world.image] if impact else [],
        "detector": world.detector if impact else "",
    }
    result = detect(world, tmp_path / "again", threshold=0.55, earlier=earlier, **given, **model)
    assert result["findings"] == expected["findings"]
    for name in ("points", "polygons", "cells"):
        one, other = (features(tmp_path / f / f"{name}.geojson") for f in ("new", "again"))
        assert one == other
    np.testing.assert_array_equal(raster(tmp_path / "again")[0], raster(tmp_path / "new")[0])


def test_a_probability_raster_of_something_else_is_refused(world, tmp_path):
    detect(world, tmp_path)
    earlier = str(tmp_path / "probability.tif")
    again = {"earlier": earlier, "probability": str(tmp_path / "again.tif")}
    other = write_other_detector(world, tmp_path)
    with pytest.raises(InputError, match="another detector"):
        detect(world, tmp_path, detector=other, **again)
    with pytest.raises(InputError, match="needs the image"):
        detect(world, tmp_path, images=[], impact_model=world.impact, **again)
    moved = write_image(tmp_path / "other.tif", world.numbers)
    with pytest.raises(InputError, match="made from another image"):
        detect(world, tmp_path, images=[moved], impact_model=world.impact, **again)
    with pytest.raises(InputError, match="no probability raster"):
        detect(world, tmp_path, earlier=world.image, probability=str(tmp_path / "again.tif"))
    assert not (tmp_path / "again.tif").exists()


def write_other_detector(world, folder):
    path = folder / "other.gossan"
    write_model(
        path,
        world.detector_network,
        BANDS,
        SCALING,
        training=Training("another"),
        origin=Origin("test"),
        ground_sampling_distance=10.0,
    )
    return str(path)


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
    st.one_of(st.just(DENSE), st.builds(CellGeometry.sliding, st.just(48), st.integers(1, 5000))),
    st.integers(1, 9),
)
def test_blocks_cover_every_cell_once(shape, cells, threads):
    seen = np.zeros(shape, dtype=int)
    for block in search_run.blocks_of(shape, cells, threads):
        seen[block.inner.slices] += 1
        side = max(block.inner.height, block.inner.width)
        assert side == 1 or side * cells.stride <= search_run.WIDEST_BLOCK
    assert (seen == 1).all()


class Means:
    """A detector that slides: the mean of the first band of its patch."""

    def __init__(self, bundle, stride, progress):
        self.bundle, self.scaling = bundle, SCALING
        self.geometry = CellGeometry.sliding(28, stride or 14)

    def probabilities(self, inputs):
        values, patch, stride = inputs[:][..., 0], 28, self.geometry.stride
        windows = np.lib.stride_tricks.sliding_window_view(values, (patch, patch))
        return np.clip(0.5 + windows[::stride, ::stride].mean(axis=(2, 3)), 0, 1)


@pytest.mark.parametrize("stride", [0, 9, 35])
def test_a_detector_that_slides_does_so_at_the_stride_that_is_asked_for(
    world, tmp_path, small_blocks, monkeypatch, stride
):
    monkeypatch.setitem(predictors.ARCHITECTURES, "fcn-detector", Means)
    detect(world, tmp_path, stride=stride, impact_model=world.impact)
    found, profile, _, _ = raster(tmp_path)
    step = stride or 14
    inputs = (world.numbers[..., 0] * 1e-4 - 0.2) / 0.06
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (28, 28))[::step, ::step]
    np.testing.assert_allclose(found, np.clip(0.5 + windows.mean(axis=(2, 3)), 0, 1), atol=1e-5)
    corner = 14 - step / 2
    assert profile["transform"] == GRID @ Affine.translation(corner, corner) @ Affine.scale(step)


@pytest.fixture
def with_threshold(world, tmp_path):
    """Return a function that writes the detector with a suggested threshold in its card."""

    def write(threshold):
        path = str(tmp_path / "suggests.gossan")
        write_model(
            path,
            world.detector_network,
            BANDS,
            SCALING,
            ground_sampling_distance=10.0,
            training=Training("random"),
            origin=Origin("test"),
            details={"threshold": threshold},
        )
        return path

    return write


@pytest.mark.parametrize(
    ("suggested", "taken", "says"),
    [
        (0.38, 0.6, ["The model's card suggests a threshold of 0.38; this search takes 0.6."]),
        (0.38, 0.38, []),
        (None, 0.6, []),
    ],
)
def test_a_threshold_that_the_card_suggests_is_said_where_another_is_taken(
    world, tmp_path, with_threshold, suggested, taken, says
):
    said = []
    detect(
        world,
        tmp_path,
        Progress(on_message=said.append),
        detector=with_threshold(suggested),
        threshold=taken,
    )
    assert [text for text in said if "suggests" in text] == says


@pytest.mark.parametrize("suggested", [1.5, -0.1, "0.38", True])
def test_a_suggested_threshold_that_is_no_probability_is_refused(
    world, tmp_path, with_threshold, suggested
):
    with pytest.raises(BundleError, match=r"suggests a threshold of .* no probability"):
        detect(world, tmp_path, detector=with_threshold(suggested))
    assert not (tmp_path / "probability.tif").exists()


# Ended before its time


class EndsAfter:
    """Cancels once some share of the work is done."""

    def __init__(self, share):
        self.share, self.done, self.said, self.warned = share, 0.0, [], []

    @property
    def progress(self):
        return Progress(
            on_fraction=lambda value: setattr(self, "done", value),
            on_message=self.said.append,
            on_warning=self.warned.append,
            cancelled=lambda: self.done >= self.share,
        )


def test_cancelled_it_keeps_the_journal_alone_and_goes_on_with_it(world, tmp_path, small_blocks):
    (tmp_path / "whole").mkdir()
    detect(world, tmp_path / "whole", impact_model=world.impact)
    folder = tmp_path / "parts"
    folder.mkdir()
    first = EndsAfter(0.4)
    with pytest.raises(CancelledError):
        detect(world, folder, first.progress, impact_model=world.impact)
    assert [path.name for path in folder.iterdir()] == [f"probability.tif{SUFFIX}"]
    rest = EndsAfter(2.0)
    detect(world, folder, rest.progress, impact_model=world.impact)
    assert any("stand in the journal" in text for text in rest.said)
    assert not rest.warned
    names = {"probability.tif", "polygons.geojson", "points.geojson", "cells.geojson"}
    assert {path.name for path in folder.iterdir()} == names
    np.testing.assert_array_equal(raster(folder)[0], raster(tmp_path / "whole")[0])
    for name in ("points", "polygons", "cells"):
        assert features(folder / f"{name}.geojson") == features(
            tmp_path / "whole" / f"{name}.geojson"
        )


@pytest.mark.parametrize(
    ("change", "named"),
    [({"valid_share": 0.9}, "share of valid pixels"), ({"scale": 2e-4}, "scale")],
)
def test_with_other_parameters_it_begins_anew_and_says_so(
    world, tmp_path, small_blocks, change, named
):
    with pytest.raises(CancelledError):
        detect(world, tmp_path, EndsAfter(0.4).progress)
    rest = EndsAfter(2.0)
    detect(world, tmp_path, rest.progress, **change)
    assert any("begun anew" in text and named in text for text in rest.warned)
    assert not any("stand in the journal" in text for text in rest.said)


def test_another_threshold_goes_on_with_the_journal_where_no_impact_is_judged(
    world, tmp_path, small_blocks
):
    with pytest.raises(CancelledError):
        detect(world, tmp_path, EndsAfter(0.4).progress)
    rest = EndsAfter(2.0)
    detect(world, tmp_path, rest.progress, threshold=0.8)
    assert any("stand in the journal" in text for text in rest.said)


def test_two_searches_into_one_journal_are_one_too_many(world, tmp_path):
    with open_journal(tmp_path / f"probability.tif{SUFFIX}", {"image": "other"}):
        with pytest.raises(InputError, match="Another search writes to the journal"):
            detect(world, tmp_path)
        assert not (tmp_path / "probability.tif").exists()
    detect(world, tmp_path)


def test_what_is_no_journal_is_left_alone(world, tmp_path):
    path = tmp_path / f"probability.tif{SUFFIX}"
    path.write_text("my notes, which are long enough to be no header of anything " * 9)
    before = path.read_bytes()
    with pytest.raises(FileError, match="no journal"):
        detect(world, tmp_path)
    assert path.read_bytes() == before
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(FileError, match="no journal"):
        detect(world, tmp_path)


def test_the_journal_may_lie_in_another_folder(world, tmp_path, small_blocks):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(CancelledError):
        detect(world, tmp_path, EndsAfter(0.4).progress, journal_folder=str(elsewhere))
    assert [path.name for path in elsewhere.iterdir()] == [f"probability.tif{SUFFIX}"]
    with pytest.raises(FileError, match="nowhere"):
        detect(world, tmp_path, journal_folder=str(tmp_path / "nowhere"))


KILLED = """
import json, os, sys
from gossan.core.progress import Progress
from gossan.models.mines import predictors, search, search_run
from gossan.models.registry import load

search_run.NARROWEST_BLOCK = search_run.WIDEST_BLOCK = 5 * 27
parameters = json.loads(sys.argv[1])
load("mines.detect")(Progress(on_fraction=lambda share: print(share, flush=True)), **parameters)
"""


def test_killed_at_any_moment_it_goes_on_with_the_same_result(world, tmp_path, small_blocks):
    (tmp_path / "whole").mkdir()
    detect(world, tmp_path / "whole", impact_model=world.impact)
    folder = tmp_path / "killed"
    folder.mkdir()
    parameters = {
        "images": [world.image],
        "detector": world.detector,
        "impact_model": world.impact,
        "probability": str(folder / "probability.tif"),
        "points": str(folder / "points.geojson"),
        "polygons": str(folder / "polygons.geojson"),
        "cells": str(folder / "cells.geojson"),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, json.dumps(parameters)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if float(line) > 0.3:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    assert {path.name.split(SUFFIX)[0] for path in folder.iterdir()} == {"probability.tif"}
    rest = EndsAfter(2.0)
    detect(world, folder, rest.progress, impact_model=world.impact)
    assert any("stand in the journal" in text for text in rest.said)
    np.testing.assert_array_equal(raster(folder)[0], raster(tmp_path / "whole")[0])
    for name in ("points", "polygons", "cells"):
        assert features(folder / f"{name}.geojson") == features(
            tmp_path / "whole" / f"{name}.geojson"
        )
    assert not [path for path in folder.iterdir() if SUFFIX in path.name]


def test_no_image_of_the_folder_is_overwritten(world, tmp_path):
    image = tmp_path / "image.tif"
    before = Path(world.image).read_bytes()
    image.write_bytes(before)
    with pytest.raises(InputError, match=r"would overwrite the input .*image\.tif \(folder\)"):
        detect(world, tmp_path, images=[], folder=str(tmp_path), probability=str(image))
    assert image.read_bytes() == before
    assert list(tmp_path.iterdir()) == [image]


# What cannot be searched


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": []}, "No image"),
        ({"images": ["/nowhere/image.tif"]}, "nowhere"),
        ({"detector": ""}, "No detector"),
        ({"threshold": 1.5}, "no probability"),
        ({"threshold": 0.7, "isolated_threshold": 0.6}, "isolated"),
        ({"valid_share": 0.0}, "valid pixels"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(world, tmp_path, change, says):
    with pytest.raises(GossanError, match=says):
        detect(world, tmp_path, **change)
    assert list(tmp_path.iterdir()) == []


def test_an_image_smaller_than_a_cell_is_refused(world, tmp_path):
    small = write_image(tmp_path / "small.tif", world.numbers[:188, :400])
    with pytest.raises(InputError, match=r"small\.tif has 188 rows.*needs 189"):
        detect(world, tmp_path, images=[small])


def test_a_detector_in_the_place_of_the_impact_model_is_refused(world, tmp_path):
    with pytest.raises(GossanError, match="is a model for 'mine-detector'"):
        detect(world, tmp_path, impact_model=world.detector)


def test_the_report_tells_of_search_and_models(world, tmp_path):
    detect(
        world, tmp_path, impact_model=world.impact, report=str(tmp_path / "report.html"),
        origin={"algorithm": "gossan:detectmines"},
    )  # fmt: skip
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 2
    for text in ("detector.gossan", "impact.gossan", "dropped as no ore", "Findings", "km²"):
        assert text in page


# On Dask


@pytest.fixture(scope="module")
def cluster():
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    # Otherwise the scheduler may look for a killed worker's result for half a minute.
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        distributed.LocalCluster(
            processes=True,
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=50,
        ) as running,
    ):
        yield running


def test_dask_workers_find_the_same_also_when_one_is_killed(world, tmp_path, small_blocks, cluster):
    import distributed

    for name in ("here", "there", "hurt"):
        (tmp_path / name).mkdir()
    detect(world, tmp_path / "here", impact_model=world.impact)
    address = cluster.scheduler_address
    detect(world, tmp_path / "there", impact_model=world.impact, dask=address)

    with distributed.Client(address, set_as_default=False) as client:
        victim = next(iter(client.run(os.getpid).values()))
    killed = []

    def kill(share):
        if share > 0.1 and not killed:
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    detect(
        world,
        tmp_path / "hurt",
        Progress(on_fraction=kill),
        impact_model=world.impact,
        dask=address,
    )
    assert killed
    for name in ("there", "hurt"):
        np.testing.assert_allclose(
            raster(tmp_path / name)[0], raster(tmp_path / "here")[0], atol=1e-6
        )
        for file in ("points", "polygons", "cells"):
            rows, _ = features(tmp_path / name / f"{file}.geojson")
            expected, _ = features(tmp_path / "here" / f"{file}.geojson")
            assert [row["finding"] for row in rows] == [row["finding"] for row in expected]
            assert [row["impact"] for row in rows] == [row["impact"] for row in expected]


def test_workers_that_see_another_model_are_told_apart(world):
    with pytest.raises(GossanError, match="see another file"):
        search.search_block(
            search_run.blocks_of((5, 5), DENSE, 1)[0],
            task=search.Task((world.image,), search.ImageOptions(), world.detector, "0" * 64),
        )
