"""Chips of reviewed findings: confirmed ones, every cell of rejected ones, unsure ones counted."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
import rasterio
from mine_images import LEFT, TOP, scene, to_map, write_image

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.mines import geometry
from gossan.models.mines.extraction import IMPACT
from gossan.models.registry import load

collect = load("mines.collect_reviewed")
SIZE = 600


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    numbers, _ = scene(SIZE, [])
    return write_image(tmp_path_factory.mktemp("image") / "scene.tif", numbers), numbers


def cells(*members):
    """Return the union of the squares of cells as the search writes it."""
    polygons = []
    for row, column in members:
        top, left = geometry.first_pixel(row), geometry.first_pixel(column)
        corners = [(top, left), (top, left + 27), (top + 27, left + 27), (top + 27, left)]
        ring = [(LEFT + 10 * c, TOP - 10 * r) for r, c in [*corners, corners[0]]]
        polygons.append([ring])
    return {"type": "MultiPolygon", "coordinates": polygons}


def write_findings(path, rows):
    """Write findings: (decision, impact, geometry, further fields)."""
    content = []
    for number, (decision, impact, shape, *more) in enumerate(rows, start=1):
        fields = {"finding": number, "decision": decision, "impact": impact, **dict(*more)}
        content.append({"type": "Feature", "properties": fields, "geometry": shape})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": content}))
    return str(path)


def rows_of(folder):
    with open(folder / "chips.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_was_decided_becomes_chips_and_what_was_not_is_counted(image, tmp_path):
    path, numbers = image
    findings = write_findings(
        tmp_path / "findings.geojson",
        [
            ("mine", "high impact", cells((3, 3), (3, 4), (3, 5), (3, 6), (3, 7))),
            ("dam", "", cells((8, 8))),
            ("false", "low impact", cells((10, 3), (10, 4), (11, 4)), {"reason": "bare field"}),
            ("unsure", "", cells((5, 10))),
            (None, "", cells((6, 12))),
        ],
    )
    said = []
    result = collect(
        Progress(on_message=said.append),
        images=[path],
        findings=[findings],
        output=str(tmp_path / "chips"),
        places=str(tmp_path / "places.geojson"),
    )
    assert (result["confirmed"], result["rejected"], result["unsure"]) == (2, 1, 2)
    rows = rows_of(tmp_path / "chips")
    found = [(row["class"], float(row["row"]), float(row["column"]), row["note"]) for row in rows]

    def at(row, column):
        return geometry.centre(row), geometry.centre(column)

    assert found == [
        # The middle one of its cells and those beside it.
        ("high impact", *at(3, 4), "mine"),
        ("high impact", *at(3, 5), "mine"),
        ("high impact", *at(3, 6), "mine"),
        ("dam", *at(8, 8), "dam"),
        ("background", *at(10, 3), "bare field"),
        ("background", *at(10, 4), "bare field"),
        ("background", *at(11, 4), "bare field"),
    ]
    assert {row["size"] for row in rows} == {"243"}
    assert len({row["group"] for row in rows}) == 3, "cells of one finding stay together"
    told = " ".join(said)
    assert "1 left out: findings that are unsure" in told
    assert "1 left out: findings that are not reviewed" in told
    with rasterio.open(tmp_path / "chips" / rows[0]["chip"]) as chip:
        top, left = 27 * (3 - 1), 27 * (4 - 1)
        np.testing.assert_array_equal(
            chip.read().transpose(1, 2, 0), numbers[top : top + 243, left : left + 243]
        )


def test_impact_chips_need_an_impact_and_rejected_ones_show_no_ore(image, tmp_path):
    path, _ = image
    findings = write_findings(
        tmp_path / "findings.geojson",
        [
            ("mine", "low impact", cells((3, 3))),
            ("mine", "", cells((8, 8))),
            ("false", "", cells((10, 3))),
        ],
    )
    said = []
    collect(
        Progress(on_message=said.append),
        images=[path],
        findings=[findings],
        kind=IMPACT,
        output=str(tmp_path / "chips"),
    )
    rows = rows_of(tmp_path / "chips")
    assert [(row["class"], row["size"]) for row in rows] == [("low impact", "21"), ("no ore", "21")]
    assert "1 left out: confirmed findings without a class of impact" in " ".join(said)


def test_points_and_hand_drawn_outlines_smaller_than_a_cell_give_one_chip_each(image, tmp_path):
    path, _ = image
    corners = [to_map(*place) for place in ((300, 300), (300, 305), (305, 305), (300, 300))]
    findings = write_findings(
        tmp_path / "findings.geojson",
        [
            ("mine", "", {"type": "Point", "coordinates": list(to_map(250, 260))}),
            ("false", "", {"type": "Polygon", "coordinates": [corners]}),
        ],
    )
    collect(Progress(), images=[path], findings=[findings], output=str(tmp_path / "chips"))
    first, second = rows_of(tmp_path / "chips")
    assert (first["row"], first["column"], first["class"]) == ("250.5", "260.5", "mine")
    assert second["class"] == "background"
    assert abs(float(second["row"]) - 302) < 4


def test_cells_at_the_edge_are_cut_as_tiles_that_say_which_cell_counts(image, tmp_path):
    path, numbers = image
    findings = write_findings(
        tmp_path / "findings.geojson",
        [
            ("false", "", cells((0, 5)), {"reason": "bare field"}),
            ("mine", "high impact", cells((15, 0))),
            ("dam", "", {"type": "Point", "coordinates": list(to_map(595 - 90, 300))}),
        ],
    )
    result = collect(Progress(), images=[path], findings=[findings], output=str(tmp_path / "chips"))
    assert result["classes"] == {"background": 1, "high impact": 1, "dam": 1}
    rows = rows_of(tmp_path / "chips")
    assert [(row["class"], row["note"]) for row in rows] == [
        ("tile", "background at the edge: bare field"),
        ("tile", "high impact at the edge: mine"),
        ("tile", "dam at the edge: dam"),
    ]
    # 600 pixels end six pixels after a whole number of cells' sides, and so do the last chips.
    wanted = [(0, 27 * 4, 243, (0, 1), 1), (351, 0, 249, (2, 0), 2), (351, 189, 249, (2, 1), 2)]
    for row, (top, left, size, cell, value) in zip(rows, wanted):
        with rasterio.open(tmp_path / "chips" / row["chip"]) as chip:
            np.testing.assert_array_equal(
                chip.read().transpose(1, 2, 0), numbers[top : top + size, left : left + size]
            )
        with rasterio.open(tmp_path / "chips" / row["cells"]) as chip:
            classes = chip.read(1)
        assert classes[cell] == value
        assert (classes != 0).sum() == 1


def test_findings_off_the_image_and_chips_that_fit_nowhere_are_counted(tmp_path):
    numbers, _ = scene(240, [])
    path = write_image(tmp_path / "small.tif", numbers)
    away = {"type": "Point", "coordinates": [LEFT - 9000, TOP]}
    findings = write_findings(
        tmp_path / "findings.geojson",
        [("mine", "", cells((0, 0))), ("mine", "", away)],
    )
    with pytest.raises(InputError, match="No chip could be cut"):
        collect(Progress(), images=[path], findings=[findings], output=str(tmp_path / "none"))
    larger = write_image(tmp_path / "larger.tif", scene(SIZE, [])[0])
    said = []
    missing = {"type": "Point", "coordinates": list(to_map(5, 300))}
    findings = write_findings(
        tmp_path / "findings.geojson",
        [("mine", "", cells((5, 5))), ("mine", "", away), ("false", "", missing)],
    )
    result = collect(
        Progress(on_message=said.append),
        images=[larger],
        findings=[findings],
        output=str(tmp_path / "chips"),
    )
    assert result["chips"] == 1
    told = " ".join(said)
    assert "1 left out: findings that lie on no image" in told
    assert "1 left out: nearer to the edge of an image than half a chip" in told


def test_a_finding_on_two_images_is_cut_once(image, tmp_path):
    path, _ = image
    findings = write_findings(tmp_path / "findings.geojson", [("mine", "", cells((5, 5)))])
    result = collect(
        Progress(), images=[path] * 2, findings=[findings] * 2, output=str(tmp_path / "chips")
    )
    assert result["chips"] == 1


@pytest.mark.parametrize(
    ("rows", "change", "sentence"),
    [
        ([("unsure", "", cells((5, 5)))], {}, "no finding was confirmed or rejected yet"),
        ([("perhaps", "", cells((5, 5)))], {}, "finding 1: the decision 'perhaps' is unknown"),
        ([("mine", "", cells((5, 5)))], {"decision_field": "verdict"}, "no field 'verdict'"),
        ([("mine", "", cells((5, 5)))], {"kind": "tiles of cells"}, "Unknown kind"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_leaves_nothing(
    image, tmp_path, rows, change, sentence
):
    (tmp_path / "in").mkdir()
    findings = write_findings(tmp_path / "in" / "findings.geojson", rows)
    with pytest.raises(InputError, match=sentence):
        collect(
            Progress(), images=[image[0]], findings=[findings], output=str(tmp_path / "c"), **change
        )
    assert os.listdir(tmp_path) == ["in"]
