"""A search finds what a catalogue has, best first, however slowly and badly that answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import transform_bounds
from stac_server import StacServer, sentinel2_item

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.models.imagery import stac_client
from gossan.models.imagery.catalogues import OTHER
from gossan.models.imagery.composite_jobs import composite
from gossan.models.imagery.found_scenes import FIELDS, READ_FIELDS
from gossan.models.imagery.search_area import area_of_extent
from gossan.models.imagery.search_jobs import search
from gossan.models.imagery.stac_items import scene_row

BOX = (111.0, 26.0, 111.4, 26.4)
SCENES = (
    ("2024-01-05", BOX, 12.0),
    ("2024-02-05", BOX, 3.0),
    ("2024-03-05", (111.0, 26.0, 111.2, 26.4), 1.0),
    ("2024-04-05", BOX, 45.0),
    ("2024-05-05", (111.3, 26.0, 111.4, 26.4), 0.0),
    ("2024-06-05", BOX, 7.0),
    ("2023-06-05", BOX, 0.0),
)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(stac_client, "PAUSE", 0.01)


@pytest.fixture
def server(tmp_path):
    items = [sentinel2_item(date, date, box, cloud=cloud) for date, box, cloud in SCENES]
    with StacServer(tmp_path, items) as running:
        yield running


def find(server, tmp_path, progress=None, **changes):
    """Return what a search found, as a list of properties, and its result."""
    output = tmp_path / "found.geojson"
    given = {
        "catalogue": OTHER, "url": server.url, "collection": "sentinel-2-l2a", "extent": BOX,
        "start": "2024-01-01", "end": "2024-12-31", "timeout": 5.0, "output": str(output),
    }  # fmt: skip
    result = search(progress or Progress(), **{**given, **changes})
    content = json.loads(output.read_text(encoding="utf-8"))
    return [feature["properties"] for feature in content["features"]], result


@pytest.mark.parametrize("post", [True, False])
@pytest.mark.parametrize("query", [True, False])
def test_all_pages_are_read_and_the_best_come_first(server, tmp_path, post, query):
    server.post, server.query = post, query
    rows, result = find(server, tmp_path)
    assert [row["date"][:10] for row in rows] == [
        "2024-02-05", "2024-06-05", "2024-01-05", "2024-03-05", "2024-05-05",
    ]  # fmt: skip
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["coverage"] for row in rows] == pytest.approx([100, 100, 100, 50, 25], abs=0.5)
    assert result["found"] == 5
    assert result["best_coverage"] == result["covered"] == pytest.approx(100)
    assert len(server.searches) == 2  # pages of three
    asked = server.searches[0]
    assert ("query" in asked) == query
    assert asked["datetime"] == "2024-01-01T00:00:00Z/2024-12-31T23:59:59Z"


def test_every_scene_tells_what_the_composite_needs(server, tmp_path):
    server.items = [
        sentinel2_item("a", "2024-02-05", BOX, baseline="05.11"),
        sentinel2_item("b", "2024-02-06", BOX, earthsearch__boa_offset_applied=True),
        sentinel2_item("c", "2021-02-06", BOX, baseline="03.01"),
    ]
    rows, _ = find(server, tmp_path, start="", end="")
    assert list(rows[0])[: len(FIELDS)] == list(FIELDS)
    assert set(READ_FIELDS) <= set(FIELDS)
    by_date = {row["date"][:10]: row for row in rows}
    removed = {date: row["offset_removed"] for date, row in by_date.items()}
    assert removed == {"2024-02-05": "no", "2024-02-06": "yes", "2021-02-06": "yes"}
    row = by_date["2024-02-05"]
    assert (row["tile"], row["baseline"], row["platform"]) == ("49RGL", "05.11", "sentinel-2a")
    assets = json.loads(row["assets"])
    assert list(assets) == ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11",
                            "B12", "scl"]  # fmt: skip
    assert assets["B4"] == {"href": f"{server.url}/files/a.tif", "index": 3}


def test_an_area_of_polygons_is_searched_by_its_box_and_measured_by_its_shape(server, tmp_path):
    area = tmp_path / "area.geojson"
    triangle = [[111.0, 26.0], [111.4, 26.0], [111.0, 26.4], [111.0, 26.0]]
    geometry = {"type": "MultiPolygon", "coordinates": [[triangle]]}
    area.write_text(json.dumps({"features": [{"geometry": geometry}]}))
    rows, _ = find(server, tmp_path, extent=[], area=str(area))
    covered = {row["date"][:10]: row["coverage"] for row in rows}
    # West of the middle lie three quarters of the triangle, east of 111.3 a sixteenth.
    assert covered["2024-03-05"] == pytest.approx(75, abs=1)
    assert covered["2024-05-05"] == pytest.approx(6.25, abs=1)
    assert server.searches[0]["bbox"] == pytest.approx(BOX)


@settings(max_examples=50, deadline=None)
@given(
    west=st.floats(-179, 178), south=st.floats(-80, 78),
    width=st.floats(0.01, 1), height=st.floats(0.01, 1), share=st.floats(0, 1),
)  # fmt: skip
def test_the_share_of_a_box_is_exact_to_half_a_per_cent(west, south, width, height, share):
    area = area_of_extent([west, south, west + width, south + height], "EPSG:4326")
    east, north = west + share * width, south + height
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    assert area.covered(polygon) == pytest.approx(share, abs=0.005)


# Bad answers


@pytest.mark.parametrize("fault", ["500", "503", "429", "truncated", "broken off", "html"])
def test_an_answer_that_fails_is_asked_for_again(server, tmp_path, fault):
    said = []
    server.faults.extend([fault, fault, "", fault])
    rows, _ = find(server, tmp_path, Progress(on_warning=said.append))
    assert len(rows) == 5
    assert sum("asking again" in text for text in said) == 3


def test_a_slow_answer_is_waited_for_once_and_asked_for_again(server, tmp_path):
    server.slow_seconds = 3.0
    server.faults.append("slow")
    rows, _ = find(server, tmp_path, timeout=0.5)
    assert len(rows) == 5


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("500", r"answered HTTP 500 .*\(3 tries\)"),
        ("truncated", "no JSON or is cut off"),
        ("broken off", "broke off|cut off|cannot be reached"),
        ("html", "no JSON"),
        ("403", "refuses access"),
        ("400", "answered HTTP 400"),
        ("404", "answered HTTP 404"),
    ],
)
def test_a_server_that_never_answers_well_is_given_up(server, tmp_path, fault, sentence):
    server.faults.extend([fault] * 20)
    with pytest.raises(FileError, match=sentence):
        find(server, tmp_path, retries=2)
    assert not (tmp_path / "found.geojson").exists()
    lasting = fault in ("403", "400", "404")
    assert server.requests["/search"] == (1 if lasting else 3)


def test_a_server_that_is_not_there_is_named(tmp_path):
    with StacServer(tmp_path) as gone:
        pass
    with pytest.raises(FileError, match="cannot be reached") as raised:
        find(gone, tmp_path, retries=1)
    assert gone.url in str(raised.value)


def test_cancel_is_heard_during_a_pause_and_between_pages(server, tmp_path, monkeypatch):
    monkeypatch.setattr(stac_client, "PAUSE", 60.0)
    server.faults.append("503")
    stop = []
    with pytest.raises(CancelledError):
        find(server, tmp_path, Progress(on_warning=stop.append, cancelled=lambda: bool(stop)))
    assert server.requests["/search"] == 1
    seen = []
    with pytest.raises(CancelledError):
        find(
            server, tmp_path,
            Progress(on_message=seen.append, cancelled=lambda: any("so far" in s for s in seen)),
        )  # fmt: skip
    assert server.requests["/search"] == 2
    assert not (tmp_path / "found.geojson").exists()


def test_a_catalogue_that_repeats_its_pages_ends(server, tmp_path, monkeypatch):
    said = []
    repeat = server.search

    def same(asked, method):
        page = repeat({**asked, "token": 0}, method)
        return {**page, "links": [server._next(asked, method, 0)]}

    monkeypatch.setattr(server, "search", same)
    rows, _ = find(server, tmp_path, Progress(on_warning=said.append))
    assert len(rows) == 3
    assert any("repeats itself" in text for text in said)


def test_no_more_are_taken_than_asked_for(server, tmp_path):
    said = []
    rows, _ = find(server, tmp_path, Progress(on_warning=said.append), most=2)
    assert len(rows) <= 2
    assert any("more than the 2 scenes" in text for text in said)


def test_scenes_without_footprint_cloud_or_date_do_no_harm(server, tmp_path):
    said = []
    odd = sentinel2_item("x", "2024-02-07", BOX, cloud=None)
    no_place = {**sentinel2_item("y", "2024-02-08", BOX), "geometry": None}
    strange = sentinel2_item("z", "2024-02-09", BOX)
    strange["properties"]["datetime"] = None
    server.items = [odd, no_place, strange, {**odd, "id": "bad", "geometry": {"type": "Circle"}}]
    server.query = False
    server._fits = lambda item, asked: True
    rows, _ = find(server, tmp_path, Progress(on_warning=said.append), start="", end="")
    assert [row["cloud_cover"] for row in rows] == [10.0, None]
    assert any("nothing of their clouds" in text for text in said)


def test_nothing_found_is_an_empty_layer_and_a_warning(server, tmp_path):
    said = []
    rows, result = find(server, tmp_path, Progress(on_warning=said.append), start="2030-01-01",
                        end="")  # fmt: skip
    assert rows == []
    assert result["found"] == 0
    assert any("No scene was found" in text for text in said)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"catalogue": "my cellar"}, "no catalogue 'my cellar'"),
        ({"url": "ftp://x"}, "does not begin with https"),
        ({"url": "https://user:secret@host/stac"}, "authentication configuration"),
        ({"url": "https://host/stac?token=secret"}, "authentication configuration"),
        ({"collection": " "}, "Name the collection"),
        ({"extent": []}, "either an extent or a layer"),
        ({"extent": [1, 2, 3]}, "four numbers"),
        ({"extent": [5, 5, 1, 1]}, "is empty"),
        ({"extent": [0, 0, 500000, 500000]}, "beyond the world"),
        ({"extent": [0, 0, 1, 1], "extent_crs": "nonsense"}, "is not known"),
        ({"start": "2024-05-01", "end": "2024-01-01"}, "lies after the last"),
        ({"start": "May"}, "is not a date"),
        ({"cloud_limit": 101.0}, "no percentage"),
        ({"coverage": -1.0}, "no percentage"),
        ({"most": 0}, "is not from 1"),
        ({"timeout": 0.0}, "time-out"),
        ({"area": "/nowhere.geojson", "extent": []}, "cannot be read"),
    ],
)
def test_what_cannot_be_searched_is_said_without_a_request(server, tmp_path, changes, sentence):
    with pytest.raises((InputError, FileError), match=sentence) as raised:
        find(server, tmp_path, **changes)
    assert "secret" not in str(raised.value)
    assert not server.requests


def test_a_web_site_that_is_no_catalogue_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "landing", lambda: {"hello": "world"})
    with pytest.raises(FileError, match="is no STAC API"):
        find(server, tmp_path)
    monkeypatch.setattr(server, "landing", lambda: {"links": [{"rel": "self", "href": "x"}]})
    with pytest.raises(FileError, match="without a search"):
        find(server, tmp_path)


# Secrets


def test_a_login_and_a_proxy_are_used_and_told_to_nobody(server, tmp_path):
    server.login = "Bearer s3cret"
    said = []
    progress = Progress(on_message=said.append, on_warning=said.append)
    with pytest.raises(FileError, match="refuses access"):
        find(server, tmp_path, progress)
    rows, _ = find(server, tmp_path, progress, headers={"Authorization": "Bearer s3cret"})
    assert len(rows) == 5
    with pytest.raises(FileError) as raised:
        find(server, tmp_path, progress, proxy="http://me:pa55@127.0.0.1:9", retries=1)
    assert "proxy" in str(raised.value)
    text = (tmp_path / "found.geojson").read_text() + "".join(said) + repr(raised.value)
    assert "s3cret" not in text
    assert "pa55" not in text


def test_requests_go_through_the_proxy(server, tmp_path):
    """A proxy is asked with the whole address; this server answers for it whatever the host."""
    rows, _ = find(
        server, tmp_path, url="http://catalogue.invalid", proxy=server.url.replace("//", "//u:p@")
    )
    assert len(rows) == 5


# Dialects


def band(name=None, common=None, **more):
    eo = {key: value for key, value in (("name", name), ("common_name", common)) if value}
    return {"href": f"https://host/{name or common}.tif", "eo:bands": [eo], **more}


@pytest.mark.parametrize(
    ("item", "expected", "bands"),
    [
        (  # Earth Search
            {
                "id": "S2B_49RGL_20240105_0_L2A",
                "properties": {
                    "platform": "sentinel-2b", "datetime": "2024-01-05T00:00:00Z",
                    "grid:code": "MGRS-49RGL", "s2:processing_baseline": "05.10",
                    "earthsearch:boa_offset_applied": False, "view:sun_elevation": 40.5,
                },
                "assets": {
                    "nir08": band("nir08", "nir08"), "blue": band("blue", "blue"),
                    "visual": band("red", "red", roles=["visual"]),
                    "scl": {"href": "s"}, "aot": {"href": "a"}, "cloud": {"href": "c"},
                },
            },
            {"tile": "49RGL", "offset_removed": "no", "baseline": "05.10", "sun_elevation": 40.5},
            ["B2", "B8A", "probability", "scl"],
        ),
        (  # Planetary Computer
            {
                "id": "S2A_MSIL2A_20210105T030121_R032_T49RGL_20210105T120000",
                "properties": {
                    "platform": "Sentinel-2A", "datetime": "2021-01-05T00:00:00Z",
                    "s2:mgrs_tile": "49RGL", "s2:processing_baseline": "02.12",
                    "s2:mean_solar_zenith": 30.0,
                },
                "assets": {"B02": band("B02", "blue"), "B8A": band("B8A", "rededge"),
                           "SCL": {"href": "s"}, "AOT": {"href": "a"}},
            },
            {"tile": "49RGL", "offset_removed": "yes", "sun_elevation": 60.0},
            ["B2", "B8A", "scl"],
        ),
        (  # Copernicus Data Space
            {
                "id": "S2B_MSIL2A_20240105T030121_N0510_R032_T49RGL_20240105T120000",
                "properties": {"platform": "sentinel-2b", "datetime": "2024-01-05T00:00:00Z",
                               "processing:level": "L2A"},
                "assets": {
                    "B02_20m": {"href": "s3://eodata/B02_20m.jp2", "bands": [{"name": "B02"}]},
                    "B02_10m": {"href": "s3://eodata/B02_10m.jp2", "bands": [{"name": "B02"}]},
                    "SCL_20m": {"href": "s3://eodata/SCL.jp2"},
                },
            },
            {"tile": "49RGL", "baseline": "05.10", "offset_removed": "no", "level": "L2A"},
            ["B2", "scl"],
        ),
        (  # Landsat, Planetary Computer and USGS
            {
                "id": "LC09_L2SP_123041_20240105_02_T1",
                "properties": {
                    "platform": "landsat-9", "datetime": "2024-01-05T00:00:00Z",
                    "landsat:wrs_path": "123", "landsat:wrs_row": "041",
                    "landsat:correction": "L2SP",
                },
                "assets": {"red": band("OLI_B4", "red"), "swir22": band(None, "swir22"),
                           "qa_pixel": {"href": "q"}, "lwir11": band("TIRS_B10", "lwir11")},
            },
            {"wrs_path": 123, "wrs_row": 41, "level": "L2SP", "offset_removed": "", "tile": ""},
            ["B4", "B7", "B10", "qa_pixel"],
        ),
        (
            {"id": "LT05_L2SP_123041_19990105_02_T1", "properties": {"platform": "landsat-5"},
             "assets": {"nir08": band(None, "nir08"), "swir22": band("TM_B7", "swir22")}},
            {"platform": "landsat-5", "date": "", "cloud_cover": None},
            ["B4", "B7"],
        ),
    ],
    ids=["earth search", "planetary computer", "copernicus", "landsat 9", "landsat 5"],
)  # fmt: skip
def test_the_dialects_of_the_catalogues_are_understood(item, expected, bands):
    row = scene_row(item, "collection")
    assert {name: row[name] for name in expected} == expected
    assets = json.loads(row["assets"])
    assert sorted(assets) == sorted(bands)
    if "B02_10m" in item["assets"]:
        assert assets["B2"]["href"].endswith("B02_10m.jp2")


def test_scale_and_offset_of_other_satellites_are_taken_as_the_catalogue_says(tmp_path):
    old = {"href": "h", "eo:bands": [{"name": "B1"}, {"name": "B2"}],
           "raster:bands": [{"scale": 0.001, "offset": -0.1}, {"scale": 0.002}]}  # fmt: skip
    new = {"href": "h", "bands": [{"name": "B3", "raster:scale": 0.004, "raster:offset": 0.5}]}
    item = {"id": "x", "properties": {"platform": "other-1"}, "assets": {"a": old, "b": new}}
    assets = json.loads(scene_row(item, "c")["assets"])
    assert assets == {
        "B1": {"href": "h", "scale": 0.001, "offset": -0.1},
        "B2": {"href": "h", "index": 1, "scale": 0.002},
        "B3": {"href": "h", "scale": 0.004, "offset": 0.5},
    }


# From the search to the composite


@pytest.fixture
def remote(dates, tmp_path):
    """The district's dates on a server, with what a catalogue knows of them."""
    files = tmp_path / "files"
    files.mkdir()
    items = []
    with rasterio.open(dates.images[0]) as image:
        box = transform_bounds(image.crs, "EPSG:4326", *image.bounds)
    for stem, scene in dates.scenes.items():
        for ending in ("", "_scl"):
            shutil.copy(dates.folder / f"{stem}{ending}.tif", files)
        items.append(
            sentinel2_item(stem, scene.look.date, box, baseline=scene.look.baseline, cloud=5.0)
        )
    with StacServer(files, items) as server:
        yield server, box


def test_found_scenes_make_the_same_composite_as_the_files_and_are_read_by_window(
    remote, dates, tmp_path
):
    server, box = remote
    find(server, tmp_path, extent=box, start="", end="")
    assert sum(server.served.values()) == 0
    found = str(tmp_path / "found.geojson")
    local, far, part = (tmp_path / f"{name}.tif" for name in ("local", "far", "part"))
    composite(Progress(), rasters=dates.images, cloud_limit=100, output=str(local))
    composite(Progress(), scenes=found, output=str(far))
    with rasterio.open(local) as one, rasterio.open(far) as other:
        assert one.transform == other.transform
        np.testing.assert_array_equal(one.read(), other.read())
        left, top = one.transform @ (20, 30)
    size = sum(path.stat().st_size for path in server.folder.iterdir())
    server.served.clear()
    composite(
        Progress(), scenes=found, bands="B4", extent=[left, top - 160, left + 160, top],
        output=str(part),
    )  # fmt: skip
    with rasterio.open(local) as one, rasterio.open(part) as other:
        np.testing.assert_array_equal(one.read(4)[30:46, 20:36], other.read(1))
    assert 0 < sum(server.served.values()) < size / 3


def test_a_wrong_flag_of_the_offset_can_be_overruled(remote, dates, tmp_path):
    server, box = remote
    find(server, tmp_path, extent=box, start="2024-09-01", end="2024-10-01")
    given = {"scenes": str(tmp_path / "found.geojson"), "bands": "B4", "mask": "none",
             "number_type": "reflectance", "output": str(tmp_path / "c.tif")}  # fmt: skip
    numbers = dates.scenes["sentinel2_20240921"].numbers[3].astype(float)
    for removed, added in ((False, 1000), (True, 0)):
        composite(Progress(), offset_removed=removed, **given)
        with rasterio.open(tmp_path / "c.tif") as file:
            np.testing.assert_allclose(file.read(1), (numbers - added) / 10_000, atol=1e-6)


def test_servers_are_not_asked_for_scenes_away_from_the_extent(remote, tmp_path):
    server, box = remote
    find(server, tmp_path, extent=box, start="", end="")
    found = tmp_path / "found.geojson"
    content = json.loads(found.read_text())
    away = content["features"][1]
    ring = away["geometry"]["coordinates"][0]
    away["geometry"]["coordinates"] = [[[x + 5, y] for x, y in ring]]
    found.write_text(json.dumps(content))
    server.requests.clear()
    result = composite(
        Progress(), scenes=str(found), extent=box, extent_crs="EPSG:4326", bands="B4",
        output=str(tmp_path / "c.tif"),
    )  # fmt: skip
    assert (result["used"], result["left_out"]) == (5, 1)
    asked = json.loads(away["properties"]["assets"])["B4"]["href"].rpartition("/files/")[2]
    assert server.requests[f"/files/{asked}"] == 0


def test_a_scene_that_its_server_has_lost_is_left_out(remote, tmp_path):
    server, box = remote
    find(server, tmp_path, extent=box, start="", end="")
    (server.folder / "sentinel2_20240921.tif").unlink()
    said = []
    result = composite(Progress(on_warning=said.append), scenes=str(tmp_path / "found.geojson"),
                       output=str(tmp_path / "c.tif"))  # fmt: skip
    assert (result["used"], result["left_out"]) == (5, 1)
    assert "HTTP 404" in " ".join(said)


def test_a_server_of_files_that_fails_at_times_is_asked_again_and_else_given_up(remote, tmp_path):
    server, box = remote
    find(server, tmp_path, extent=box, start="2024-01-01", end="")
    given = {"scenes": str(tmp_path / "found.geojson"), "output": str(tmp_path / "c.tif")}
    server.file_faults.extend(["503", "", "", "429", "", "502"])
    assert composite(Progress(), **given)["used"] == 3
    (tmp_path / "c.tif").unlink()

    def fail(text):
        if text.startswith("Median of"):
            server.file_faults.extend(["404"] * 1000)

    with pytest.raises(FileError, match="it has no such file"):
        composite(Progress(on_message=fail), **given)
    assert not (tmp_path / "c.tif").exists()


def test_files_that_ask_for_a_login_are_read_with_the_headers(remote, tmp_path):
    server, box = remote
    find(server, tmp_path, extent=box, start="", end="")
    server.login = "Bearer s3cret"
    given = {"scenes": str(tmp_path / "found.geojson"), "output": str(tmp_path / "c.tif")}
    with pytest.raises(InputError, match="HTTP 401") as raised:
        composite(Progress(), **given)
    assert "s3cret" not in str(raised.value)
    login = {"Authorization": "Bearer s3cret"}
    said = []
    assert composite(Progress(on_message=said.append), headers=login, **given)["used"] == 6
    assert "The login is sent to 127.0.0.1." in said
    assert not any("s3cret" in text for text in said)
    with rasterio.open(tmp_path / "c.tif") as file:
        assert "s3cret" not in json.dumps(file.tags())


def test_a_layer_cut_by_a_shapefile_is_refused(tmp_path):
    row = dict.fromkeys(READ_FIELDS, "")
    path = tmp_path / "found.geojson"
    path.write_text(json.dumps({"features": [{"properties": {**row, "assets": '{"B2": {"hr'}}]}))
    with pytest.raises(InputError, match="keep the layer as GeoPackage"):
        composite(Progress(), scenes=str(path), output=str(tmp_path / "c.tif"))
    assert Path(tmp_path / "c.tif").exists() is False
