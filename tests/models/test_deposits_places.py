"""Path and row, map shapes, land, tables of deposits and richness."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.core.errors import InputError
from gossan.core.landsat_mtl import read_mtl
from gossan.core.progress import Progress
from gossan.models.deposits import wrs
from gossan.models.deposits.deposit_table import read_deposits, split
from gossan.models.deposits.labels import field_of, richness
from gossan.models.deposits.land import Land
from gossan.models.deposits.map_shapes import map_shape
from gossan.models.deposits.sphere import SphericalPolygons, distance_km, find_hits


@pytest.mark.parametrize(
    ("path", "row", "longitude", "latitude"),
    # By definition, and the middles of the corners in metadata of real scenes.
    [
        (1, 60, -64.60, 0.0),
        (233, 60, -64.60 + 360 / 233, 0.0),
        (20, 39, -87.01, 30.296),
        (224, 63, -50.073, -4.332),
    ],
)
def test_path_and_row_give_the_nominal_centre(path, row, longitude, latitude):
    found = wrs.centre(path, row)
    assert found == pytest.approx((longitude, latitude), abs=0.06)


def test_the_centre_is_that_of_real_scenes(shared_data):
    folder = shared_data / "deposits"
    for file in (*folder.glob("*/*MTL.txt"),):
        scene = read_mtl(file)
        corners = np.array(scene.corners)
        away = distance_km(*corners.mean(axis=0), wrs.centre(scene.wrs_path, scene.wrs_row))
        assert away[0] < 10.0, file


@settings(max_examples=60, deadline=None)
@given(st.integers(1, wrs.PATHS), st.integers(1, wrs.ROWS))
def test_frames_have_their_size_and_hold_their_centre(path, row):
    frame = wrs.frame(path, row)
    polygons = SphericalPolygons.from_rings([[frame]])
    longitude, latitude = wrs.centre(path, row)
    assert find_hits(polygons, np.array([longitude]), np.array([latitude])).counts[0] == 1
    assert polygons.areas()[0] == pytest.approx(185 * 180, rel=2e-3)


def test_neighbours_along_a_path_overlap_and_follow_each_other():
    rows = [wrs.centre(10, row) for row in range(20, 41)]
    for (lon, lat), following in zip(rows, rows[1:]):
        assert 150.0 < distance_km(np.array([lon]), np.array([lat]), following)[0] < 170.0


def test_names_of_scenes_are_understood():
    assert wrs.identify("LT04_L1TP_032024_19821211_20170220_01_T1") == (
        "LANDSAT_4",
        32,
        24,
        "1982-12-11",
    )
    assert wrs.identify("LT52240631988227CUB02") == ("LANDSAT_5", 224, 63, "1988-08-14")
    assert wrs.identify("S2A_MSIL1C_20200101") is None
    with pytest.raises(InputError, match="paths are 1 to 233"):
        wrs.centre(234, 1)


def shape_area(shape):
    """Return the area of a multipolygon in square degrees."""
    total = 0.0
    for part in shape["coordinates"]:
        x, y = np.array(part[0]).T
        total += abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2
    return total


def test_a_footprint_across_the_date_line_is_drawn_in_two_parts():
    ring = np.array([[179.0, -1.0], [-179.0, -1.0], [-179.0, 1.0], [179.0, 1.0]])
    shape = map_shape([ring])
    assert len(shape["coordinates"]) == 2
    longitudes = np.concatenate([np.array(part[0])[:, 0] for part in shape["coordinates"]])
    assert longitudes.min() == -180.0
    assert longitudes.max() == 180.0
    assert np.all(np.abs(longitudes) >= 178.9999)
    assert shape_area(shape) == pytest.approx(4.0, rel=1e-3)


def test_a_footprint_over_the_pole_reaches_it_on_the_map():
    ring = np.array([[10.0, 80.0], [130.0, 80.0], [-110.0, 80.0]])
    shape = map_shape([ring])
    places = np.concatenate([np.array(part[0]) for part in shape["coordinates"]])
    assert places[:, 1].max() == 90.0
    assert (places[:, 0].min(), places[:, 0].max()) == (-180.0, 180.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, wrs.PATHS), st.integers(1, 122))
def test_the_drawn_shape_is_the_footprint(path, row):
    ring = wrs.frame(path, row)
    shape = map_shape([ring])
    for part in shape["coordinates"]:
        assert np.abs(np.array(part[0])[:, 0]).max() <= 180.0
    polygons = SphericalPolygons.from_rings(
        [[ring], [np.array(p[0]) for p in shape["coordinates"]]]
    )
    random = np.random.default_rng(0)
    middle = wrs.centre(path, row)
    latitude = np.clip(middle[1] + random.uniform(-1.5, 1.5, 300), -90, 90)
    longitude = middle[0] + random.uniform(-1.5, 1.5, 300) / np.cos(np.radians(middle[1]))
    hits = find_hits(polygons, longitude, latitude)
    # The drawn vertices lie on the great circles, so nothing but rounding may differ.
    assert len(set(hits.of(0)) ^ set(hits.of(1))) <= 1


def write_land(path, *rings):
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [r]}}
        for r in rings
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def box(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def test_land_is_what_lies_in_any_polygon_also_where_they_overlap(tmp_path):
    file = write_land(
        tmp_path / "land.json", box(0, 0, 10, 10), box(5, 5, 15, 15), box(-180, -90, 180, -70)
    )
    land = Land.read(file)
    places = np.array(
        [[1, 1], [7, 7], [12, 12], [12, 2], [20, 7], [-120, -89.95], [361, 1], [-5, 3]]
    )
    assert land.contains(places.astype(float)).tolist() == [
        True, True, True, False, False, True, True, False,
    ]  # fmt: skip


def test_the_share_of_land_is_that_of_the_area(tmp_path):
    land = Land.read(write_land(tmp_path / "land.json", box(0, -20, 40, 20)))
    ring = np.array(box(-1, -1, 3, 1)[:-1], dtype=float)
    share = land.fractions(SphericalPolygons.from_rings([[ring]]), Progress())
    assert share[0] == pytest.approx(0.75, abs=0.06)


def test_a_land_layer_without_polygons_is_refused(tmp_path):
    (tmp_path / "land.json").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match="no polygons"):
        Land.read(tmp_path / "land.json")


def test_commodities_are_split():
    assert split("Zinc, Silver, Lead") == ["Zinc", "Silver", "Lead"]
    assert split("Sand and Gravel, Construction") == ["Sand and Gravel"]
    assert split("Stone, Crushed/Broken; Gold|Gold") == ["Stone", "Gold"]
    assert split("") == []


TABLE = """site_name;Latitude;Longitude;commod1;commod2;commod3
One;10.5;20.5;"Zinc, Silver";Lead;
Two;10°30'S;20 30 0 W;Gold;;
No place;;;Gold;;
Half;10.0;;Gold;;
Far;95;10;Gold;;
Text;north;east;Gold;;
Null;0;0;Gold;;
One;10.5;20.5;Zinc;;
"""


def test_a_table_tells_what_it_leaves_out(tmp_path):
    (tmp_path / "deposits.csv").write_bytes(TABLE.encode("latin-1"))
    warned = []
    found = read_deposits([str(tmp_path / "deposits.csv")], Progress(on_warning=warned.append))
    assert found.longitude.tolist() == [20.5, -20.5]
    assert found.latitude.tolist() == [10.5, -10.5]
    assert found.commodities == (frozenset({"zinc", "silver", "lead"}), frozenset({"gold"}))
    assert dict(found.left_out) == {
        "without coordinates": 2,
        "coordinates out of range": 1,
        "coordinates that are no numbers": 1,
        "at 0, 0, which stands for a missing place": 1,
        "repeated (same name and place)": 1,
    }
    assert any("1 deposits left out: coordinates out of range" in text for text in warned)
    assert found.has(["gold", "zinc"]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("table", "fields", "sentence"),
    [
        ("name,east\nA,1\n", (), "no columns longitude and latitude"),
        ("lon,lat\n500,3\n", (), "a place on Earth"),
        ("lon,lat\n5,3\n", ("ore",), "no column ore"),
    ],
)
def test_tables_without_deposits_are_refused(tmp_path, table, fields, sentence):
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(InputError, match=sentence):
        read_deposits([str(tmp_path / "t.csv")], Progress(), fields=fields)


def test_an_unknown_commodity_is_answered_with_the_known_ones(tmp_path):
    (tmp_path / "t.csv").write_text("lon,lat,commodity\n5,3,Gold\n6,3,Gold\n7,3,Tin\n")
    found = read_deposits([str(tmp_path / "t.csv")], Progress())
    with pytest.raises(InputError, match=r"'Unobtainium'.*Gold, Tin"):
        found.known(["gold", "Unobtainium"])


def test_richness_is_relative_to_the_richest_scene():
    assert richness(np.array([0, 1, 7])) == pytest.approx([0.0, math.log(2) / math.log(8), 1.0])
    assert richness(np.array([3]), math.log(16))[0] == pytest.approx(0.5)
    assert richness(np.array([0, 0])).tolist() == [0.0, 0.0]
    assert field_of("Fluorine-Fluorite") == "n_fluorine_fluorite"
