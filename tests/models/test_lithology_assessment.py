"""Geological maps of every kind, and the assessment of class rasters against them."""

from __future__ import annotations

import csv
import json
import struct

import numpy as np
import pytest
import rasterio
from affine import Affine
from sklearn import metrics as reference_metrics

from gossan.core.blocks import Window
from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, open_raster
from gossan.core.validation import area_adjusted, mean_iou, overall_accuracy
from gossan.models.lithology.geological_map import MapSource
from gossan.models.lithology.legend import Legend, legend_of_raster
from gossan.models.lithology.map_scores import BlockCounts
from gossan.models.registry import load

WKT = rasterio.crs.CRS.from_epsg(32650).to_wkt()
PLACE = Affine(30, 0, 500_000, 0, -30, 3_000_000)
NAMES = {1: "granite", 2: "slate", 3: "lime & marl"}


def write_classes(path, values, *, names=None, colours=None, transform=PLACE, dtype="uint8"):
    with RasterWriter(
        path,
        *values.shape,
        bands=["unit"],
        dtype=dtype,
        crs_wkt=WKT,
        transform=transform,
        categories=names,
        colours=colours,
    ) as writer:
        writer.write(Window(0, 0, *values.shape), values)
    return str(path)


def square(name, left, top, right, bottom, **more):
    """Return a polygon feature over pixels of the raster at `PLACE`."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    ring = [list(PLACE * corner) for corner in corners]
    return {
        "type": "Feature",
        "properties": {"unit": name, **more},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write_features(path, features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


@pytest.fixture
def truth():
    values = np.repeat(np.repeat(np.array([[1, 2], [3, 1]], dtype=np.uint8), 20, 0), 25, 1)
    values[:3, :4] = 0
    return values


@pytest.fixture
def mapped(truth):
    random = np.random.default_rng(2)
    wrong = random.random(truth.shape) < 0.2
    return np.where(wrong, random.integers(1, 4, truth.shape), truth).astype(np.uint8)


# Where a geological map keeps its names and colours


def write_attribute_table(path):
    columns = [("Value", 5), ("Unit", 2), ("R", 6), ("G", 7), ("B", 8)]
    rows = [(1, "granite", 240, 10, 10), (2, "slate", 10, 20, 30), (3, "lime &amp; marl", 0, 0, 9)]
    definitions = "".join(
        f'<FieldDefn index="{i}"><Name>{name}</Name><Type>0</Type><Usage>{use}</Usage></FieldDefn>'
        for i, (name, use) in enumerate(columns)
    )
    listed = "".join(
        f'<Row index="{i}">' + "".join(f"<F>{cell}</F>" for cell in row) + "</Row>"
        for i, row in enumerate(rows)
    )
    (path.parent / f"{path.name}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">'
        f"{definitions}{listed}</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    )


def write_esri_table(path):
    fields = [(b"Value", b"N", 6), (b"Count", b"N", 8), (b"Lithology", b"C", 12)]
    rows = [("1", "10", "granite"), ("2", "20", "slate"), ("3", "30", "lime & marl")]
    head = 32 + 32 * len(fields) + 1
    length = 1 + sum(width for _, _, width in fields)
    content = struct.pack("<B3xIHH20x", 3, len(rows), head, length)
    for name, kind, width in fields:
        content += name.ljust(11, b"\0") + kind + bytes(4) + bytes([width]) + bytes(15)
    content += b"\r"
    for row in rows:
        content += b" " + b"".join(
            cell.rjust(width).encode() if kind == b"N" else cell.ljust(width).encode()
            for cell, (_, kind, width) in zip(row, fields)
        )
    (path.parent / f"{path.name}.vat.dbf").write_bytes(content + b"\x1a")


@pytest.mark.parametrize("kind", ["own", "attribute table", "esri table", "category names"])
def test_names_are_found_wherever_a_raster_keeps_them(tmp_path, truth, kind):
    path = tmp_path / "map.tif"
    write_classes(path, truth, names=NAMES if kind == "own" else None)
    if kind == "attribute table":
        write_attribute_table(path)
    elif kind == "esri table":
        write_esri_table(path)
    elif kind == "category names":
        listed = "<Category/>" + "".join(
            f"<Category>{name}</Category>" for name in ("granite", "slate", "lime &amp; marl")
        )
        (tmp_path / "map.tif.aux.xml").write_text(f"<CategoryNames>{listed}</CategoryNames>")
    with open_raster(path) as raster, MapSource(raster=str(path)).open(raster.info) as geology:
        assert {label.value: label.name for label in geology.classes} == NAMES
        if kind == "attribute table":
            assert [label.colour for label in geology.classes] == ["#f00a0a", "#0a141e", "#000009"]
            assert legend_of_raster(raster, "R").names[1] == "240"
            with pytest.raises(InputError, match=r"no column 'Q'.*Value, Unit"):
                legend_of_raster(raster, "Q")
        assert np.array_equal(geology.labels(Window(0, 0, 40, 50)), truth)


def test_colours_come_from_the_colour_table_and_from_what_qgis_shows(tmp_path, truth):
    path = write_classes(
        tmp_path / "map.tif", truth, names=NAMES, colours={1: (10, 20, 30), 2: (200, 0, 0)}
    )
    shown = [{"value": 2, "name": "phyllite", "colour": "#00ff00"}, {"value": 3, "name": "3"}]
    with open_raster(path) as raster:
        with MapSource(raster=path).open(raster.info) as plain:
            assert [label.colour for label in plain.classes[:2]] == ["#0a141e", "#c80000"]
            assert plain.classes[2].colour not in (None, "#000000")
        with MapSource(raster=path, legend=shown).open(raster.info) as styled:
            assert [label.name for label in styled.classes] == ["granite", "phyllite", NAMES[3]]
            assert [label.colour for label in styled.classes[:2]] == ["#0a141e", "#00ff00"]


def test_polygons_are_drawn_alike_in_any_window(tmp_path, truth):
    features = [
        square("granite", 0, 0, 50, 40, colour="#AA0000"),
        square("slate", 25, 0, 50, 20),
        square("lime & marl", 0, 20, 25, 40),
        square(None, 0, 0, 9, 9),
    ]
    path = write_features(tmp_path / "map.geojson", features)
    raster = write_classes(tmp_path / "grid.tif", truth)
    source = MapSource(
        features=path,
        field="unit",
        colour_field="colour",
        legend=[{"name": "slate", "colour": "#123456"}],
    )
    with open_raster(raster) as grid, source.open(grid.info) as geology:
        assert [label.name for label in geology.classes] == ["granite", "lime & marl", "slate"]
        assert geology.classes[0].colour == "#aa0000"
        assert geology.classes[2].colour == "#123456"
        whole = geology.labels(Window(0, 0, 40, 50))
        expected = np.choose(truth, [1, 1, 3, 2])
        assert np.array_equal(whole, expected)
        for window in (Window(7, 11, 20, 30), Window(39, 49, 1, 1), Window(0, 0, 40, 7)):
            assert np.array_equal(geology.labels(window), whole[window.slices])
        assert geology.notes == ("1 features of the geological map have no class or no shape.",)


def test_a_class_of_value_zero_that_has_a_name_is_a_class(tmp_path, truth):
    path = tmp_path / "map.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=40, width=50, count=1, dtype="uint8", crs=WKT,
        transform=PLACE,
    ) as dataset:  # fmt: skip
        dataset.write(truth, 1)
    legend = [{"value": 0, "name": "water", "colour": "#0000ff"}]
    with open_raster(path) as grid:
        with MapSource(raster=str(path), legend=legend).open(grid.info) as geology:
            assert geology.classes[0] == geology.classes[0].__class__(4, "water", "#0000ff")
            assert (geology.labels(Window(0, 0, 40, 50))[:3, :4] == 4).all()
            assert "has the value 4" in geology.notes[0]
        with MapSource(raster=str(path)).open(grid.info) as geology:
            assert [label.value for label in geology.classes] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (np.linspace(0, 1, 100).reshape(10, 10), "no class raster: it holds"),
        (np.full((10, 10), -3.0), "no class raster: it holds -3"),
        (np.arange(400.0).reshape(20, 20), "more than 255"),
        (np.zeros((10, 10)), "holds no class"),
    ],
)
def test_measurements_are_no_classes(tmp_path, content, sentence):
    path = write_classes(tmp_path / "x.tif", content.astype(np.float32), dtype="float32")
    with open_raster(path) as grid, pytest.raises(InputError, match=sentence):
        MapSource(raster=path).open(grid.info)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({}, "either a layer of polygons"),
        ({"features": "f", "raster": "r"}, "either a layer of polygons"),
        ({"features": "f"}, "Name the field"),
        ({"features": "f", "field": "rock"}, "Feature 1 .* no field 'rock'"),
        ({"features": "f", "field": "empty"}, "has a class in the field 'empty'"),
        ({"features": "lines", "field": "unit"}, "holds a LineString"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, truth, source, sentence):
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    files = {
        "f": write_features(tmp_path / "f.geojson", [square("a", 0, 0, 9, 9, empty="")]),
        "lines": write_features(
            tmp_path / "l.geojson",
            [{"type": "Feature", "properties": {"unit": "a"}, "geometry": line}],
        ),
        "r": write_classes(tmp_path / "r.tif", truth),
    }
    given = {key: files.get(value, value) for key, value in source.items()}
    with open_raster(files["r"]) as grid, pytest.raises(InputError, match=sentence):
        MapSource(**given).open(grid.info)


def test_one_legend_fills_the_gaps_of_another():
    merged = Legend({1: "a"}, {}).over(Legend({1: "b", 2: "c"}, {1: "#000001"}))
    assert merged == Legend({1: "a", 2: "c"}, {1: "#000001"})


# Scores


def test_blocks_add_up_to_the_whole_whatever_the_windows(truth, mapped):
    whole = BlockCounts((1, 2, 3), 7)
    whole.add(Window(0, 0, 40, 50), truth, mapped)
    pieces = BlockCounts((1, 2, 3), 7)
    for row in range(0, 40, 9):
        for column in range(0, 50, 13):
            window = Window(row, column, min(9, 40 - row), min(13, 50 - column))
            pieces.add(window, truth[window.slices], mapped[window.slices])
    assert whole.matrices.keys() == pieces.matrices.keys()
    assert all(np.array_equal(whole.matrices[k], pieces.matrices[k]) for k in whole.matrices)
    expected = reference_metrics.confusion_matrix(
        truth[truth > 0], mapped[truth > 0], labels=[1, 2, 3]
    )
    assert np.array_equal(whole.matrix, expected)


def test_block_intervals_are_wider_where_neighbours_err_together():
    random = np.random.default_rng(3)
    truth = np.ones((80, 80), dtype=int)
    single = np.where(random.random((80, 80)) < 0.3, 2, 1)
    patches = np.kron(np.where(random.random((8, 8)) < 0.3, 2, 1), np.ones((10, 10), dtype=int))
    widths = []
    for mapped in (single, patches):
        counts = BlockCounts((1, 2), 10)
        counts.add(Window(0, 0, 80, 80), truth, mapped)
        found = counts.interval(overall_accuracy)
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[1] > 4 * widths[0]
    # Of 64 blocks that are wholly right or wrong: the binomial interval.
    share = (patches == 1).mean()
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 64), rel=0.15)


def test_the_difference_of_two_maps_is_drawn_over_the_same_blocks():
    random = np.random.default_rng(4)
    truth = random.integers(1, 4, (60, 60))
    worse = np.where(random.random((60, 60)) < 0.3, 1, truth)
    better = np.where(random.random((60, 60)) < 0.5, truth, worse)
    counts = []
    for mapped in (better, worse):
        counts.append(BlockCounts((1, 2, 3), 10))
        counts[-1].add(Window(0, 0, 60, 60), truth, mapped)
    gain = counts[0].difference(counts[1], mean_iou)
    assert gain.low > 0
    assert gain.value == pytest.approx(mean_iou(counts[0].matrix) - mean_iou(counts[1].matrix))


# The job


def test_scores_are_those_of_independent_formulas(tmp_path, truth, mapped):
    files = {name: str(tmp_path / name) for name in ("scores.csv", "matrix.csv", "diff.tif")}
    result = load("lithology.assess")(
        Progress(),
        raster=write_classes(tmp_path / "map.tif", mapped, names=NAMES),
        reference_raster=write_classes(tmp_path / "truth.tif", truth, names=NAMES),
        table=files["scores.csv"],
        matrix=files["matrix.csv"],
        differences=files["diff.tif"],
        report=str(tmp_path / "report.html"),
    )
    known = truth > 0
    t, m = truth[known], mapped[known]
    assert result["overall_accuracy"] == pytest.approx(reference_metrics.accuracy_score(t, m))
    assert result["kappa"] == pytest.approx(reference_metrics.cohen_kappa_score(t, m))
    jaccard = reference_metrics.jaccard_score(t, m, average=None)
    assert result["mean_iou"] == pytest.approx(jaccard.mean())
    with open(files["scores.csv"], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Class"] for row in rows] == list(NAMES.values())
    assert [float(row["IoU"]) for row in rows] == pytest.approx(list(jaccard))
    recall = reference_metrics.recall_score(t, m, average=None)
    assert [float(row["Producer's accuracy"]) for row in rows] == pytest.approx(list(recall))
    adjusted = area_adjusted(
        reference_metrics.confusion_matrix(t, m), np.bincount(mapped.ravel(), minlength=4)[1:]
    )
    assert result["adjusted_accuracy"] == pytest.approx(adjusted.overall)
    with rasterio.open(files["diff.tif"]) as dataset:
        expected = np.where(known & (mapped > 0), np.where(truth == mapped, 1, 2), 0)
        assert np.array_equal(dataset.read(1), expected)
    assert "too narrow" in (tmp_path / "report.html").read_text()


def test_a_drawn_sample_has_so_many_pixels_of_each_mapped_class(tmp_path, truth, mapped):
    given = {
        "raster": write_classes(tmp_path / "map.tif", mapped, names=NAMES),
        "reference_raster": write_classes(tmp_path / "truth.tif", truth, names=NAMES),
        "per_class": 50,
        "seed": 7,
        "matrix": str(tmp_path / "matrix.csv"),
    }
    run = load("lithology.assess")
    first, again = run(Progress(), **given), run(Progress(), **given)
    assert first == again
    with open(given["matrix"], encoding="utf-8", newline="") as file:
        matrix = np.array([row[1:] for row in list(csv.reader(file))[1:]], dtype=int)
    assert matrix.sum(axis=0).tolist() == [50, 50, 50]
    assert abs(first["adjusted_accuracy"] - (truth == mapped)[truth > 0].mean()) < 0.15


def test_classes_are_matched_by_name_whatever_case_and_value(tmp_path, truth):
    other = np.choose(truth, [0, 3, 1, 2]).astype(np.uint8)
    result = load("lithology.assess")(
        Progress(),
        raster=write_classes(tmp_path / "map.tif", truth, names=NAMES),
        reference_raster=write_classes(
            tmp_path / "truth.tif", other, names={3: "Granite", 1: "SLATE", 2: "lime &  marl"}
        ),
    )
    assert result["overall_accuracy"] == 1.0


def test_classes_of_one_side_only_are_told_and_count_as_wrong(tmp_path, truth, mapped):
    warned = []
    result = load("lithology.assess")(
        Progress(on_warning=warned.append),
        raster=write_classes(tmp_path / "map.tif", mapped, names=NAMES),
        reference_raster=write_classes(tmp_path / "truth.tif", truth, names={**NAMES, 3: "basalt"}),
    )
    assert any("no class lime & marl" in text for text in warned)
    assert any("no class basalt" in text for text in warned)
    known = truth > 0
    right = (truth == mapped) & (truth != 3)
    assert result["overall_accuracy"] == pytest.approx(right[known].mean())


def test_nothing_in_common_lists_both_sides(tmp_path, truth):
    with pytest.raises(InputError, match=r"Map: granite, slate.*Reference: class 1"):
        load("lithology.assess")(
            Progress(),
            raster=write_classes(tmp_path / "map.tif", truth, names=NAMES),
            reference_raster=write_classes(tmp_path / "truth.tif", truth),
            report=str(tmp_path / "r.html"),
        )
    assert not (tmp_path / "r.html").exists()


def test_a_reference_elsewhere_or_empty_is_refused_and_cancel_leaves_nothing(tmp_path, truth):
    run = load("lithology.assess")
    raster = write_classes(tmp_path / "map.tif", truth, names=NAMES)
    far = write_classes(
        tmp_path / "far.tif", truth, names=NAMES, transform=Affine(30, 0, 900_000, 0, -30, 1e6)
    )
    out = str(tmp_path / "d.tif")
    with pytest.raises(InputError, match="does not overlap"):
        run(Progress(), raster=raster, reference_raster=far, differences=out)
    outside = write_features(tmp_path / "o.geojson", [square("granite", 200, 200, 210, 210)])
    with pytest.raises(InputError, match="No pixel has both"):
        run(
            Progress(), raster=raster, reference_features=outside, reference_field="unit",
            differences=out,
        )  # fmt: skip
    with pytest.raises(CancelledError):
        run(
            Progress(cancelled=lambda: True), raster=raster, reference_raster=raster,
            differences=out,
        )  # fmt: skip
    assert not (tmp_path / "d.tif").exists()


def test_maps_of_one_class_are_assessed(tmp_path):
    ones = np.ones((20, 20), dtype=np.uint8)
    raster = write_classes(tmp_path / "map.tif", ones, names={1: "granite"})
    result = load("lithology.assess")(Progress(), raster=raster, reference_raster=raster)
    assert result["overall_accuracy"] == 1.0
    assert result["kappa"] is None
