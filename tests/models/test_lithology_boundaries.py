"""The worst boundaries of a class map, against a search by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gossan.core.blocks import Window
from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter
from gossan.models.lithology import boundaries_job
from gossan.models.lithology.boundaries import find_edges, worst_pieces
from gossan.models.registry import load

WKT = rasterio.crs.CRS.from_epsg(32650).to_wkt()
PLACE = Affine(30, 0, 500_000, 0, -30, 3_000_000)
NAMES = {1: "granite", 2: "slate", 3: "marble"}
CLASSES = [{"value": value, "name": name} for value, name in NAMES.items()]


def write(path, values, *, bands=("unit",), **more):
    with RasterWriter(
        path, *values.shape[:2], bands=list(bands), crs_wkt=WKT, transform=PLACE, **more
    ) as writer:
        writer.write(Window(0, 0, *values.shape[:2]), values)
    return str(path)


def by_hand(labels, scores, cell, least):
    """Return (classes, edges, mean score) of each piece, by walking from edge to edge.

    An edge is (row, column, across); `scores` gives one a number.
    """
    height, width = labels.shape
    edges = {}
    for row in range(height):
        for column in range(width):
            for across, other in ((True, (row, column + 1)), (False, (row + 1, column))):
                if other[0] < height and other[1] < width:
                    pair = {int(labels[row, column]), int(labels[other])}
                    if len(pair) == 2 and 0 not in pair:
                        edges[row, column, across] = (
                            tuple(sorted(pair)),
                            row // cell,
                            column // cell,
                        )

    def corners(row, column, across):
        first = (row, column + 1) if across else (row + 1, column)
        return {first, (row + 1, column + 1)}

    pieces, seen = [], set()
    for start in edges:
        if start in seen:
            continue
        seen.add(start)
        piece, waiting = [], [start]
        while waiting:
            edge = waiting.pop()
            piece.append(edge)
            for other in edges:
                if (
                    other not in seen
                    and edges[other] == edges[edge]
                    and corners(*other) & corners(*edge)
                ):
                    seen.add(other)
                    waiting.append(other)
        if len(piece) >= least:
            mean = float(np.mean([scores(*edge) for edge in piece]))
            pieces.append((edges[start][0], frozenset(piece), mean))
    return pieces


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)),
    st.integers(2, 5),
    st.integers(1, 4),
)
def test_pieces_are_those_that_one_finds_by_walking(labels, cell, least):
    edges, places = find_edges(labels, *labels.shape)
    # Every edge another score, the same in both ways of counting.
    edges = replace(edges, score=edges.row * 31.0 + edges.column * 7.0 + edges.across)
    assert np.array_equal(labels[places[:, 0, 0], places[:, 0, 1]], edges.first)
    assert np.array_equal(labels[places[:, 1, 0], places[:, 1, 1]], edges.second)
    pieces, found = worst_pieces(edges, cell=cell, least_length=least, count=1000)
    expected = by_hand(
        labels, lambda row, column, across: row * 31 + column * 7 + across, cell, least
    )
    told = [
        (
            (piece.first, piece.second),
            frozenset(zip(piece.edges.row, piece.edges.column, piece.edges.across)),
            pytest.approx(piece.score),
        )
        for piece in pieces
    ]
    assert found == len(told) == len(expected)
    for piece in told:
        assert any(piece[:2] == other[:2] and other[2] == piece[2] for other in expected)
    scores = [piece.score for piece in pieces]
    assert scores == sorted(scores, reverse=True)
    for piece in pieces:
        lines = list(piece.lines())
        drawn = sum(abs(a - c) + abs(b - d) for (a, b), (c, d) in lines)
        assert drawn == piece.length
        x, y = piece.middle()
        assert any(
            min(a, c) <= x <= max(a, c) and min(b, d) <= y <= max(b, d) for (a, b), (c, d) in lines
        )


@pytest.fixture
def ground():
    """Three units; granite and slate are told apart well in the north and hardly in the south."""
    rows, columns = np.mgrid[0:96, 0:80] + 0.5
    softness = 0.5 + rows / 8
    east = 1 / (1 + np.exp(-(columns - 40) / softness))
    shares = np.stack([1 - east, east, np.zeros_like(east)], axis=-1)
    shares[:, 70:] = (0.05, 0.05, 0.9)
    shares[:, 69] = (0.1, 0.8, 0.1)
    return shares.argmax(-1).astype(np.uint8) + 1, shares.astype(np.float32)


def search(units, **more):
    return load("lithology.boundaries")(
        Progress(), raster=units, classes=CLASSES, **{"cell": 16, "reach": 1, **more}
    )


def test_the_smallest_margin_comes_first(tmp_path, ground):
    labels, shares = ground
    units = write(tmp_path / "u.tif", labels, dtype="uint8", categories=NAMES)
    given_ = write(tmp_path / "p.tif", shares, bands=tuple(NAMES.values()))
    found = search(units, probabilities=given_)
    assert (found["measure"], found["found"]) == ("margin", 12)
    granite = [piece for piece in found["pieces"] if piece["first"] == 1]
    assert found["pieces"][:6] == granite
    assert [piece["second"] for piece in granite] == [2] * 6
    for piece, row in zip(granite, (80, 64, 48, 32, 16, 0)):
        here = shares[row : row + 16]
        margin = (here[:, 39, 0] - here[:, 39, 1] + here[:, 40, 1] - here[:, 40, 0]).mean() / 2
        assert piece["value"] == pytest.approx(float(margin), abs=1e-6)
        assert (piece["length"], piece["metres"]) == (16, 480.0)
        assert piece["x"] == 500_000 + 40 * 30
        assert 3_000_000 - 30 * (row + 16) <= piece["y"] <= 3_000_000 - 30 * row
        top, bottom = 3_000_000 - 30 * row, 3_000_000 - 30 * (row + 16)
        assert piece["wkt"] == f"MULTILINESTRING((501200 {top}, 501200 {bottom}))"


def test_pixels_farther_away_count_where_there_are_any(tmp_path, ground):
    labels, shares = ground
    shares[:, 43:] = np.nan
    units = write(tmp_path / "u.tif", labels[:16, 38:46], dtype="uint8", categories=NAMES)
    given_ = write(tmp_path / "p.tif", shares[:16, 38:46], bands=tuple(NAMES.values()))
    (piece,) = search(units, probabilities=given_, reach=5)["pieces"]
    # Two columns to the left of the boundary in the image, three with probabilities to the right.
    side = (shares[:16, 38:40, 0] - shares[:16, 38:40, 1]).sum(axis=1)
    across = (shares[:16, 40:43, 1] - shares[:16, 40:43, 0]).sum(axis=1)
    assert piece["value"] == pytest.approx(float(((side + across) / 5).mean()), abs=1e-6)
    differences = np.ones((16, 8), dtype=np.uint8)
    differences[:, 2:4] = 2
    given_ = write(tmp_path / "d.tif", differences, dtype="uint8")
    assert search(units, differences=given_, reach=1)["pieces"][0]["value"] == 0.5
    assert search(units, differences=given_, reach=2)["pieces"][0]["value"] == 0.5
    # 6 pixels each: columns 0 and 1 on the left, 2 to 5 on the right.
    assert search(units, differences=given_, reach=4)["pieces"][0]["value"] == pytest.approx(2 / 6)


def test_windows_of_any_size_give_the_same_pieces(tmp_path, monkeypatch):
    random = np.random.default_rng(4)
    labels = random.integers(0, 4, (70, 90)).repeat(2, 0).repeat(2, 1).astype(np.uint8)
    shares = random.dirichlet([1, 1, 1], labels.shape).astype(np.float32)
    units = write(tmp_path / "u.tif", labels, dtype="uint8", categories=NAMES)
    given_ = write(tmp_path / "p.tif", shares, bands=tuple(NAMES.values()))
    whole = search(units, probabilities=given_, least_length=3, count=60, reach=3)
    assert len(whole["pieces"]) == 60
    monkeypatch.setattr(boundaries_job, "LARGEST_SIDE", 48)
    again = search(units, probabilities=given_, least_length=3, count=60, reach=3)
    assert again == whole


def test_the_highest_disagreement_comes_first(tmp_path, ground):
    labels, _ = ground
    units = write(tmp_path / "u.tif", labels, dtype="uint8", categories=NAMES)
    differences = np.ones(labels.shape, dtype=np.uint8)
    differences[16:32, 39] = 2
    differences[32:40, 39:41] = 2
    differences[48:, 68:] = 0  # no reference there
    given_ = write(tmp_path / "d.tif", differences, dtype="uint8")
    found = search(units, differences=given_)
    assert (found["measure"], found["found"]) == ("disagreement", 9)
    values = [(piece["second"], piece["value"]) for piece in found["pieces"]]
    assert values[:3] == [(2, 0.5), (2, 0.5), (2, 0.0)]
    rows = [(3_000_000 - piece["y"]) // 30 // 16 for piece in found["pieces"][:2]]
    assert rows == [1, 2]


def test_pixels_without_probabilities_and_other_values_have_no_boundary(tmp_path, ground):
    labels, shares = ground
    labels[:, 75:] = 7
    shares[:48] = np.nan
    units = write(tmp_path / "u.tif", labels, dtype="uint8", categories=NAMES)
    given_ = write(tmp_path / "p.tif", shares, bands=tuple(NAMES.values()))
    found = search(units, probabilities=given_)
    assert found["found"] == 6
    assert {piece["second"] for piece in found["pieces"]} == {2, 3}
    only_two = write(tmp_path / "two.tif", shares[..., :2], bands=("granite", "slate"))
    assert {piece["second"] for piece in search(units, probabilities=only_two)["pieces"]} == {2}


def test_a_place_lies_on_its_lines(tmp_path):
    random = np.random.default_rng(9)
    labels = random.integers(1, 3, (12, 12)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    units = write(tmp_path / "u.tif", labels, dtype="uint8", categories=NAMES)
    given_ = write(tmp_path / "d.tif", np.full(labels.shape, 2, np.uint8), dtype="uint8")
    pieces = search(units, differences=given_)["pieces"]
    assert pieces
    for piece in pieces:
        numbers = np.array(re.findall(r"[\d.]+", piece["wkt"]), dtype=float).reshape(-1, 2, 2)
        low, high = numbers.min(axis=1), numbers.max(axis=1)
        on = (low <= (piece["x"], piece["y"])) & ((piece["x"], piece["y"]) <= high)
        assert on.all(axis=1).any()
        assert np.abs(numbers[:, 0] - numbers[:, 1]).sum() == piece["metres"]


def test_bad_calls_are_refused(tmp_path, ground):
    labels, shares = ground
    units = write(tmp_path / "u.tif", labels, dtype="uint8")
    given_ = write(tmp_path / "p.tif", shares, bands=tuple(NAMES.values()))
    with pytest.raises(InputError, match="either by the probabilities"):
        search(units)
    with pytest.raises(InputError, match="either by the probabilities"):
        search(units, probabilities=given_, differences=given_)
    with pytest.raises(InputError, match="Cells of 1 pixels"):
        search(units, probabilities=given_, cell=1)
    with pytest.raises(InputError, match=r"p.tif is no class raster: it holds"):
        search(given_, probabilities=given_)
    with pytest.raises(CancelledError):
        load("lithology.boundaries")(
            Progress(cancelled=lambda: True), raster=units, classes=CLASSES, probabilities=given_
        )
