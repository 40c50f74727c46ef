"""Background points: far from mines and from each other, every stratum alike."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mine_images import LEFT, TOP, TRANSFORM, to_map, write_image

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.models.mines.masks import inside_polygons
from gossan.models.registry import load

sample = load("mines.sample_background")


def features(path, *shapes):
    rows = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    path.write_text(json.dumps({"features": rows}))
    return str(path)


def square(row, column, side):
    corners = [(row, column), (row, column + side), (row + side, column + side)]
    corners += [(row + side, column), (row, column)]
    return {"type": "Polygon", "coordinates": [[to_map(*corner) for corner in corners]]}


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A class raster and an image of 1200 pixels: a tenth is water, the rest fields."""
    folder = tmp_path_factory.mktemp("ground")
    cover = np.ones((1200, 1200), dtype=np.uint8)
    cover[:, :120] = 2
    random = np.random.default_rng(0)
    numbers = random.integers(900, 1100, (1200, 1200, 2)).astype(np.uint16)
    numbers[:, :120] = random.integers(200, 260, (1200, 120, 2))
    return (
        write_image(
            folder / "cover.tif",
            cover[..., None],
            bands=["cover"],
            centres=None,
            categories={1: "field", 2: "water"},
        ),
        write_image(folder / "image.tif", numbers),
    )


def read(path):
    content = json.loads(path.read_text())["features"]
    places = np.array([row["geometry"]["coordinates"] for row in content])
    return places, [row["properties"] for row in content]


@pytest.mark.parametrize("by", ["classes", "clusters"])
def test_rare_ground_gives_as_many_points_as_common_ground(ground, tmp_path, by):
    cover, image = ground
    result = sample(
        Progress(),
        raster=image,
        strata=cover if by == "classes" else "",
        clusters=2,
        count=60,
        spacing=300.0,
        points=str(tmp_path / "points.geojson"),
    )
    places, rows = read(tmp_path / "points.geojson")
    assert result["count"] == len(places) == 60
    water = places[:, 0] < LEFT + 1200
    assert abs(water.sum() - 30) <= 3
    assert len({row["stratum"] for row in rows}) == 2
    assert all(row["class"] == "background" for row in rows)
    if by == "classes":
        assert result["strata"] == {"field": 30, "water": 30}


def test_points_keep_their_distances_to_mines_and_to_each_other(ground, tmp_path):
    cover, _ = ground
    shape = square(500, 500, 150)
    pond = {"type": "Point", "coordinates": list(to_map(900, 200))}
    sample(
        Progress(),
        strata=cover,
        mines=features(tmp_path / "mines.geojson", shape, pond),
        mine_distance=2000.0,
        spacing=600.0,
        count=400,
        points=str(tmp_path / "points.geojson"),
    )
    places, rows = read(tmp_path / "points.geojson")
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart[~np.eye(len(places), dtype=bool)].min() >= 600.0
    # The distance to an upright rectangle and to a point, worked out by hand.
    (left, top), (right, bottom) = to_map(500, 500), to_map(650, 650)
    dx = np.maximum(np.maximum(left - places[:, 0], places[:, 0] - right), 0)
    dy = np.maximum(np.maximum(bottom - places[:, 1], places[:, 1] - top), 0)
    to_pond = np.linalg.norm(places - np.array(to_map(900, 200)), axis=1)
    nearest = np.minimum(np.hypot(dx, dy), to_pond)
    assert nearest.min() >= 2000.0
    told = np.array([row["mine_distance_m"] for row in rows])
    assert np.all(told <= nearest + 1e-6)
    assert np.abs(told - nearest).max() < 60.0


def test_only_the_area_is_sampled(ground, tmp_path):
    cover, _ = ground
    sample(
        Progress(),
        strata=cover,
        area=features(tmp_path / "area.geojson", square(300, 300, 400)),
        count=20,
        spacing=100.0,
        points=str(tmp_path / "points.geojson"),
    )
    places, _ = read(tmp_path / "points.geojson")
    (left, top), (right, bottom) = to_map(300, 300), to_map(700, 700)
    slack = 140.0  # a block counts by its middle
    assert places[:, 0].min() >= left - slack
    assert places[:, 0].max() <= right + slack
    assert places[:, 1].max() <= top + slack
    assert places[:, 1].min() >= bottom - slack


def test_the_same_seed_gives_the_same_points(ground, tmp_path):
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.geojson"
        sample(Progress(), raster=ground[1], count=30, seed=seed, points=str(path))
        found.append(path.read_text())
    assert found[0] == found[1] != found[2]


def test_fewer_points_than_wanted_are_told(ground, tmp_path):
    warned = []
    result = sample(
        Progress(on_warning=warned.append),
        strata=ground[0],
        count=500,
        spacing=4000.0,
        points=str(tmp_path / "points.geojson"),
    )
    assert result["count"] < 20
    assert f"{result['count']} of 500 points" in warned[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count": 0}, "ask for 1 or more"),
        ({"spacing": -1.0}, "cannot be below 0"),
        ({"mine_distance": 90_000.0}, "No place lies 90000 m or more"),
        ({"area": [square(5000, 5000, 50)]}, "no ground in common"),
        ({"mines": [{"type": "GeometryCollection", "coordinates": []}]}, "cannot be read"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_leaves_nothing(ground, tmp_path, change, sentence):
    (tmp_path / "in").mkdir()
    given = {"mines": [{"type": "Point", "coordinates": list(to_map(1, 1))}], "area": [], **change}
    for name in ("mines", "area"):
        shapes = given[name]
        given[name] = features(tmp_path / "in" / f"{name}.geojson", *shapes) if shapes else ""
    with pytest.raises(InputError, match=sentence):
        sample(Progress(), strata=ground[0], points=str(tmp_path / "p.geojson"), **given)
    assert os.listdir(tmp_path) == ["in"]


def test_cancelled_it_leaves_nothing(ground, tmp_path):
    progress = Progress(cancelled=lambda: True)
    with pytest.raises(CancelledError):
        sample(progress, raster=ground[1], points=str(tmp_path / "p.geojson"))
    assert os.listdir(tmp_path) == []


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=3, max_size=8, unique=True),
    st.integers(0, 1000),
)
def test_inside_is_what_matplotlib_calls_inside(corners, seed):
    from matplotlib.path import Path

    ring = [(LEFT + 10 * column, TOP - 10 * row) for row, column in corners]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    places = np.random.default_rng(seed).uniform(0, 50, (200, 2))
    found = inside_polygons(places, [shape], TRANSFORM)
    mapped = np.column_stack([LEFT + 10 * places[:, 1], TOP - 10 * places[:, 0]])
    path = Path([*ring, ring[0]])
    wider, smaller = (path.contains_points(mapped, radius=r) for r in (1e-3, -1e-3))
    sure = wider == smaller
    simple = not _crosses_itself(ring)
    if simple:
        np.testing.assert_array_equal(found[sure], wider[sure])


def _crosses_itself(ring):
    def turn(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    sides = list(zip(ring, [*ring[1:], ring[0]]))
    for i, (a, b) in enumerate(sides):
        for c, d in sides[i + 1 :]:
            if turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0:
                return True
    return False
