"""Chips from images: around points and by masks, with a table that tells what became of all."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from mine_images import LEFT, TOP, scene, to_map, write_image, write_points
from rasterio.warp import transform as project

from gossan.core.bands import sensor_bands
from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.models.mines import geometry
from gossan.models.mines.chips import CELL_BACKGROUND, CELL_MINE, read_chips
from gossan.models.mines.extraction import EXACT, IMPACT, PUBLISHED, TILES, _starts
from gossan.models.mines.images import open_image
from gossan.models.registry import load

extract = load("mines.extract_chips")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """An image of 400 pixels with two mines."""
    folder = tmp_path_factory.mktemp("image")
    numbers, mask = scene(400, [(150, 160), (250, 300)], radius=40)
    return (
        write_image(folder / "scene.tif", numbers),
        write_image(folder / "mask.tif", mask[..., None], bands=["mask"], centres=None),
        numbers,
        mask,
    )


def rows_of(folder):
    with open(folder / "chips.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_chip_holds_the_numbers_around_its_point_and_all_that_is_known_of_them(image, tmp_path):
    path, _, numbers, _ = image
    points = write_points(
        tmp_path / "points.csv",
        [(*to_map(150, 160), "mine", "A"), (*to_map(200, 200), "background", "B")],
        ("class", "site"),
    )
    said = []
    result = extract(
        Progress(on_message=said.append),
        images=[path],
        points=[points],
        class_field="class",
        group_field="site",
        output=str(tmp_path / "chips"),
        places=str(tmp_path / "places.geojson"),
    )
    assert (result["chips"], result["dropped"]) == (2, 0)
    assert sum("10000" in text for text in said) == 1, "the assumed scale is told"
    first, second = rows_of(tmp_path / "chips")
    assert (first["class"], first["group"], first["size"]) == ("mine", "A", "243")
    assert (first["row"], first["column"]) == ("150.5", "160.5")
    assert (float(first["x"]), float(first["y"])) == pytest.approx(to_map(150, 160))
    longitude, latitude = project("EPSG:32721", "EPSG:4326", *map(list, zip(to_map(150, 160))))
    assert float(first["longitude"]) == pytest.approx(longitude[0])
    assert float(first["latitude"]) == pytest.approx(latitude[0])
    assert (first["source"], first["crs"], first["origin"]) == ("scene.tif", "EPSG:32721", "points")
    with rasterio.open(tmp_path / "chips" / second["chip"]) as chip:
        np.testing.assert_array_equal(
            chip.read().transpose(1, 2, 0), numbers[200 - 121 : 200 + 122, 200 - 121 : 200 + 122]
        )
        assert chip.descriptions == ("B4", "B8")
        assert chip.scales == (1e-4, 1e-4)
        assert chip.transform @ (121.5, 121.5) == pytest.approx(to_map(200, 200))
        assert chip.crs.to_epsg() == 32721
    places = json.loads((tmp_path / "places.geojson").read_text())
    assert places["features"][0]["geometry"]["coordinates"] == pytest.approx(
        [longitude[0], latitude[0]]
    )
    assert result["places_crs"] == "EPSG:4326"


def test_a_chip_reads_as_the_search_reads_its_window(image, tmp_path):
    path, *_ = image
    points = write_points(tmp_path / "points.csv", [(*to_map(180, 190), "mine")])
    extract(
        Progress(), images=[path], points=[points], class_field="class", output=str(tmp_path / "c")
    )
    bands = [band for band in sensor_bands("sentinel-2") if band.name in ("B4", "B8")]
    with open_image(path, bands) as search, open_raster(tmp_path / "c/chips/000001.tif") as chip:
        seen = search.read()[180 - 121 : 180 + 122, 190 - 121 : 190 + 122]
        np.testing.assert_allclose(chip.read(), seen, rtol=1e-6)


def test_what_cannot_be_cut_is_counted_by_its_reason(image, tmp_path):
    path, *_ = image
    here, there = to_map(200, 200), to_map(190, 150)
    points = write_points(
        tmp_path / "points.csv",
        [
            (*here, "mine"),
            (*here, "mine"),  # the same pixel again
            (*there, "mine"),
            (*there, "background"),  # a contradiction
            (*to_map(50, 200), "mine"),  # too near to the edge
            (LEFT - 5000, TOP, "mine"),  # off the image
            (*to_map(210, 210), ""),  # without a class
        ],
    )
    said = []
    result = extract(
        Progress(on_message=said.append),
        images=[path],
        points=[points],
        class_field="class",
        output=str(tmp_path / "chips"),
    )
    assert (result["chips"], result["dropped"]) == (1, 6)
    told = " ".join(said)
    for sentence in (
        "1 left out: another point of their class lies in the same pixel",
        "2 left out: another point in the same pixel has another class",
        "1 left out: nearer to the edge of an image than half a chip of 243 px",
        "1 left out: off every image",
        "1 left out: their class is unknown or empty",
    ):
        assert sentence in told


def test_missing_pixels_stay_missing_and_too_many_leave_a_chip_out(tmp_path):
    numbers, _ = scene(300, [])
    numbers[100:110, 100:130] = 0
    numbers[:, 270:] = 0
    path = write_image(tmp_path / "scene.tif", numbers)
    points = write_points(
        tmp_path / "points.csv", [(*to_map(140, 140), "mine"), (*to_map(140, 178), "mine")]
    )
    result = extract(
        Progress(), images=[path], points=[points], class_field="class", output=str(tmp_path / "c")
    )
    assert (result["chips"], result["dropped"]) == (1, 1)
    with open_raster(tmp_path / "c" / "chips" / "000001.tif") as chip:
        assert np.isnan(chip.read()).all(axis=-1).sum() == 300


def test_points_of_several_images_are_cut_where_they_lie(tmp_path):
    images = []
    for number in range(2):
        numbers, _ = scene(300, [], seed=number)
        images.append(write_image(tmp_path / f"{number}.tif", numbers, left=LEFT + number * 10_000))
    rows = [(*to_map(150, 150), "mine"), (*to_map(150, 150, LEFT + 10_000), "background")]
    points = write_points(tmp_path / "points.csv", rows)
    result = extract(
        Progress(),
        images=images,
        points=[points] * 2,
        class_field="class",
        output=str(tmp_path / "chips"),
    )
    assert (result["chips"], result["dropped"]) == (2, 0)
    assert [row["source"] for row in rows_of(tmp_path / "chips")] == ["0.tif", "1.tif"]


def test_names_of_ores_become_impacts_and_unknown_ones_are_listed(image, tmp_path):
    path, *_ = image
    named = ["Minério de Ferro", "SAND", "areia e cascalho", "unobtainium", "gold", "Xisto"]
    points = write_points(
        tmp_path / "points.csv",
        [(*to_map(100 + 20 * n, 150), f'"{name}"') for n, name in enumerate(named)],
        ("ore",),
    )
    warned = []
    result = extract(
        Progress(on_warning=warned.append),
        images=[path],
        points=[points],
        class_field="ore",
        are_ores=True,
        kind=IMPACT,
        output=str(tmp_path / "chips"),
    )
    classes = [row["class"] for row in rows_of(tmp_path / "chips")]
    assert classes == ["high impact", "low impact", "low impact", "low impact", "high impact"]
    assert result["unknown_ores"] == {"unobtainium": 1}
    assert any("unobtainium (1)" in text for text in warned)
    assert any("Gold" in text and "mercury" in text for text in warned)


def test_a_table_of_ores_of_ones_own_decides(image, tmp_path):
    path, *_ = image
    (tmp_path / "ores.csv").write_text("ore,impact\nunobtainium,high\ngold,high\n")
    points = write_points(
        tmp_path / "points.csv",
        [
            (*to_map(100, 150), "Unobtainium"),
            (*to_map(120, 150), "gold"),
            (*to_map(140, 150), "tin"),
        ],
        ("ore",),
    )
    result = extract(
        Progress(),
        images=[path],
        points=[points],
        class_field="ore",
        are_ores=True,
        ores=str(tmp_path / "ores.csv"),
        kind=IMPACT,
        output=str(tmp_path / "chips"),
    )
    assert result["classes"] == {"high impact": 2}
    assert result["unknown_ores"] == {"tin": 1}


def brute_shares(mask):
    """Return the share of each cell in mines, cell by cell."""
    down, across = (geometry.cells(side) for side in mask.shape)
    shares = np.zeros((down, across))
    for row in range(down):
        for column in range(across):
            top, left = geometry.first_pixel(row), geometry.first_pixel(column)
            shares[row, column] = mask[top : top + 27, left : left + 27].mean()
    return shares


@pytest.mark.parametrize("kind", [EXACT, PUBLISHED])
def test_masks_give_chips_of_their_cells(image, tmp_path, kind):
    path, mask_path, numbers, mask = image
    result = extract(
        Progress(),
        images=[path],
        masks=[mask_path],
        kind=kind,
        background_ratio=1.5,
        output=str(tmp_path / "chips"),
    )
    shares = brute_shares(mask)[1:-1, 1:-1]
    mines = int((shares >= 0.3).sum())
    assert mines > 3
    assert result["classes"] == {"mine": mines, "background": round(1.5 * mines)}
    for row in rows_of(tmp_path / "chips"):
        across, down = float(row["column"]), float(row["row"])
        cell = [(place - geometry.FIRST_CENTRE) / 27 for place in (down, across)]
        assert all(value.is_integer() for value in cell)
        share = brute_shares(mask)[int(cell[0]), int(cell[1])]
        assert share >= 0.3 if row["class"] == "mine" else share <= 0.02
        size = int(row["size"])
        with rasterio.open(tmp_path / "chips" / row["chip"]) as chip:
            top, left = int(down - size / 2), int(across - size / 2)
            np.testing.assert_array_equal(
                chip.read().transpose(1, 2, 0), numbers[top : top + size, left : left + size]
            )


def test_tiles_hold_every_inner_cell_once(image, tmp_path):
    path, mask_path, _, mask = image
    result = extract(
        Progress(),
        images=[path],
        masks=[mask_path],
        kind=TILES,
        tile_size=270,
        output=str(tmp_path / "chips"),
    )
    shares = brute_shares(mask)
    counted = np.zeros(shares.shape, dtype=int)
    for row in rows_of(tmp_path / "chips"):
        assert row["class"] == "tile"
        top, left = (int(float(row[name]) - 135) for name in ("row", "column"))
        with open_raster(tmp_path / "chips" / row["cells"]) as opened:
            cells = opened.read_stored()[..., 0]
        for (r, c), kind in np.ndenumerate(cells):
            share = shares[top // 27 + r, left // 27 + c]
            if kind:
                counted[top // 27 + r, left // 27 + c] += 1
                assert kind == (CELL_MINE if share >= 0.3 else CELL_BACKGROUND)
    clear = (shares >= 0.3) | (shares <= 0.02)
    clear[[0, -1]] = clear[:, [0, -1]] = False
    np.testing.assert_array_equal(counted, clear.astype(int))
    cells = result["classes"]["mine cells"] + result["classes"]["background cells"]
    assert cells == clear.sum()


@settings(max_examples=100, deadline=None)
@given(blocks=st.integers(9, 200), side=st.integers(9, 40))
def test_tiles_cover_all_inner_cells_of_any_image(blocks, side):
    side = min(side, blocks)
    covered = set()
    for start in _starts(blocks, side):
        assert 0 <= start <= blocks - side
        covered |= set(range(start + 1, start + side - 7))
    assert covered == set(range(1, blocks - 7))


def test_polygons_are_masks_too(image, tmp_path):
    path, *_ = image
    corners = [to_map(r, c) for r, c in ((140, 150), (140, 250), (240, 250), (240, 150))]
    shape = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    features = {"features": [{"type": "Feature", "properties": {}, "geometry": shape}]}
    (tmp_path / "mines.geojson").write_text(json.dumps(features))
    result = extract(
        Progress(),
        images=[path],
        polygons=[str(tmp_path / "mines.geojson")],
        output=str(tmp_path / "chips"),
        background_ratio=0.0,
    )
    square = np.zeros((400, 400))
    square[140:240, 150:250] = 1  # to a pixel at its edge, which decides no cell here
    assert result["classes"] == {"mine": int((brute_shares(square)[1:-1, 1:-1] >= 0.3).sum())}


def test_the_same_seed_draws_the_same_background(image, tmp_path):
    path, mask_path, *_ = image
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        extract(
            Progress(),
            images=[path],
            masks=[mask_path],
            background_ratio=0.5,
            seed=seed,
            output=str(tmp_path / name),
        )
        found.append((tmp_path / name / "chips.csv").read_text())
    assert found[0] == found[1] != found[2]


POINT = [(*to_map(200, 200), "mine")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"class_field": "kind"}, "no field 'kind'"),
        ({"kind": "square"}, "Unknown kind of chips 'square'"),
        ({"kind": TILES}, "Tiles need the class of every cell"),
        ({"points": []}, "either class points, or masks, or polygons"),
        ({"images": []}, "No image was given"),
        ({"mine_share": 1.0}, "background up to 2% and mine from 1%"),
        ({"are_ores": True, "class_field": ""}, "Name the field"),
        ({"are_ores": True, "ores": "nowhere.csv"}, "cannot be read"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_leaves_nothing(image, tmp_path, change, sentence):
    path, *_ = image
    (tmp_path / "in").mkdir()
    points = write_points(tmp_path / "in" / "points.csv", POINT)
    given = {"images": [path], "points": [points], "class_field": "class", **change}
    with pytest.raises((InputError, FileError), match=sentence):
        extract(Progress(), output=str(tmp_path / "chips"), **given)
    assert os.listdir(tmp_path) == ["in"]


def test_a_mask_on_other_pixels_is_refused_with_both_sizes(image, tmp_path):
    path, *_ = image
    _, mask = scene(300, [])
    other = write_image(tmp_path / "mask.tif", mask[..., None], bands=["mask"], centres=None)
    with pytest.raises(InputError, match=r"300 x 300.*400 x 400"):
        extract(Progress(), images=[path], masks=[other], output=str(tmp_path / "chips"))
    assert os.listdir(tmp_path) == ["mask.tif"]


def test_no_chip_at_all_is_an_error(image, tmp_path):
    path, *_ = image
    points = write_points(tmp_path / "points.csv", [(LEFT - 9000, TOP, "mine")])
    with pytest.raises(InputError, match="No chip could be cut"):
        extract(
            Progress(),
            images=[path],
            points=[points],
            class_field="class",
            output=str(tmp_path / "chips"),
        )
    assert os.listdir(tmp_path) == ["points.csv"]


def test_cancelled_in_the_middle_it_leaves_nothing(image, tmp_path):
    path, mask_path, *_ = image
    seen = []
    progress = Progress(on_fraction=seen.append, cancelled=lambda: len(seen) > 8)
    with pytest.raises(CancelledError):
        extract(progress, images=[path], masks=[mask_path], output=str(tmp_path / "chips"))
    assert os.listdir(tmp_path) == []


HEADER = "chip,class,group,x,y,crs,longitude,latitude,source,row,column,size,origin,note,cells"
GOOD = "chips/000001.tif,mine,,1,2,,,,a.tif,3,4,243,points,,"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a,b", "1,2"], "lacks the column chip"),
        ([HEADER], "lists no chip"),
        ([HEADER, GOOD.replace("243", "big")], "Row 1 of .*column size: 'big' is no number"),
        ([HEADER, GOOD, GOOD.replace("mine", "")], "Row 2 of .* has no class"),
        ([HEADER, GOOD.replace("chips/", "../../")], "leaves the folder"),
        ([HEADER, GOOD.replace("chips/", "/etc/")], "leaves the folder"),
    ],
)
def test_a_damaged_table_is_named_with_its_row(tmp_path, lines, sentence):
    (tmp_path / "chips.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=sentence):
        read_chips(tmp_path)


def test_a_folder_without_a_table_is_named(tmp_path):
    with pytest.raises(FileError, match=r"holds no chips: chips\.csv is missing"):
        read_chips(tmp_path)
