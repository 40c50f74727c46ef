"""Labels, ocean flags and chips of real scenes."""

from __future__ import annotations

import csv
import json
import struct

import numpy as np
import pytest

from gossan.core.blocks import Window
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.models.deposits import wrs
from gossan.models.deposits.chip_files import read_chips
from gossan.models.deposits.collar import Collar
from gossan.models.deposits.sphere import SphericalPolygons
from gossan.models.registry import load

EVERY = 8
"""Every so many of the 32,371 scenes is looked at."""


def polygons_of_shapefile(path):
    """Return the rings of a shapefile of polygons (ESRI 1998, page 8)."""
    content = path.read_bytes()
    place, records = 100, []
    while place < len(content):
        (words,) = struct.unpack(">i", content[place + 4 : place + 8])
        record = content[place + 8 : place + 8 + 2 * words]
        parts, points = struct.unpack("<2i", record[36:44])
        starts = [*struct.unpack(f"<{parts}i", record[44 : 44 + 4 * parts]), points]
        places = np.frombuffer(record, "<f8", 2 * points, 44 + 4 * parts).reshape(-1, 2)
        records.append([places[a:b].tolist() for a, b in zip(starts, starts[1:])])
        place += 8 + 2 * words
    return records


@pytest.fixture(scope="module")
def land(shared_data, tmp_path_factory):
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": rings}}
        for rings in polygons_of_shapefile(shared_data / "deposits" / "ne_110m_land.shp")
    ]
    path = tmp_path_factory.mktemp("land") / "land.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_ocean_is_where_another_project_found_it(shared_data, land, tmp_path):
    with open(shared_data / "deposits" / "local_ocean_mask.csv", encoding="utf-8") as file:
        known = {row[0]: row[1] == "1" for row in list(csv.reader(file))[::EVERY]}
    names = tmp_path / "names.csv"
    names.write_text("\n".join(["scene", *known]))
    load("deposits.label")(
        Progress(), names=str(names), deposits=[str(shared_data / "deposits/minerals_cleaned.csv")],
        land=str(land), table=str(tmp_path / "labels.csv"),
    )  # fmt: skip
    with open(tmp_path / "labels.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    same = np.mean([(row["ocean"] == "0") == known[row["name"]] for row in rows])
    assert len(rows) == len(known)
    assert same > 0.98


def test_presence_is_never_where_another_project_found_none(shared_data, tmp_path):
    with open(
        shared_data / "deposits/labels_binary_minerals_cleaned.csv", encoding="utf-8"
    ) as file:
        known = {row["imagename"][:-4]: int(row["label"]) for row in csv.DictReader(file)}
    names = tmp_path / "names.csv"
    names.write_text("\n".join(["scene", *known]))
    load("deposits.label")(
        Progress(), names=str(names), deposits=[str(shared_data / "deposits/minerals_cleaned.csv")],
        table=str(tmp_path / "labels.csv"),
    )  # fmt: skip
    with open(tmp_path / "labels.csv", encoding="utf-8") as file:
        ours = {row["name"]: int(row["presence"]) for row in csv.DictReader(file)}
    # Their corners bound the collar and so reach farther than the frames of path and row.
    assert not [name for name, value in known.items() if ours[name] > value]
    assert np.mean([ours[name] == value for name, value in known.items()]) > 0.95


def test_real_scenes_become_chips_in_one_scale(shared_data, tmp_path):
    deposits = [str(shared_data / "deposits" / "minerals_cleaned.csv")]
    messages = []
    result = load("deposits.label")(
        Progress(on_warning=messages.append), folder=str(shared_data / "deposits"),
        deposits=deposits, output=str(tmp_path / "labels.geojson"),
    )  # fmt: skip
    assert result["scenes"] == 2
    assert any("landsat4_B7_padded_example.TIF has no CRS" in text for text in messages)
    scenes = json.loads((tmp_path / "labels.geojson").read_text())["features"]
    for feature in scenes:
        about = feature["properties"]
        frame = SphericalPolygons.from_rings([[wrs.frame(about["wrs_path"], about["wrs_row"])]])
        assert 0 < about["area_km2"] < frame.areas()[0]
    load("deposits.prepare")(
        Progress(), labels=str(tmp_path / "labels.geojson"), deposits=deposits, size=128,
        index=str(tmp_path / "chips.csv"),
    )  # fmt: skip
    chips = read_chips(tmp_path / "chips.csv")
    assert chips.scaling == "reflectance"  # that of Landsat 5 follows from its radiance
    by_scene = {
        name: [c for c in chips.chips if c.scene == name]
        for name in ("LC80200392015216LGN00", "LT52240631988227CUB02")
    }
    assert {name: len(own) for name, own in by_scene.items()} == {
        "LC80200392015216LGN00": 25, "LT52240631988227CUB02": 4,
    }  # fmt: skip
    shares = [c.cloud_share for c in by_scene["LC80200392015216LGN00"]]
    assert 0.02 < np.mean(shares) < 0.12  # 11 % of the whole scene by its metadata
    assert {c.cloud_share for c in by_scene["LT52240631988227CUB02"]} == {None}
    assert all(0.0 < c.brightness < 0.5 for c in chips.chips)


def test_the_padded_tile_of_another_project_has_its_collar_found(shared_data):
    with open_raster(shared_data / "deposits" / "landsat4_B7_padded_example.TIF") as raster:
        empty = raster.read()[..., 0] == 0
    collar = Collar.find(*empty.shape, lambda window: empty[window.slices], Progress())
    found = collar.within(empty, Window(0, 0, *empty.shape))
    assert found.mean() == pytest.approx(empty.mean(), abs=0.002)
    assert (collar.box.height, collar.box.width) == (503, 493)
