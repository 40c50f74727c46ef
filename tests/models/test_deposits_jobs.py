"""The jobs on deposits, from files to files."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from landsat_scenes import CELL, askew, degrees_of, product, write_scene

from gossan.core.errors import BandMismatchError, CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.models.deposits.chip_files import read_chips
from gossan.models.registry import load

SIDE = 64
PITCH = 100_000.0


def listened(messages):
    return Progress(on_message=messages.append, on_warning=messages.append)


def numbers(seed, dtype="uint16", side=SIDE):
    random = np.random.default_rng(seed)
    low, high = (30, 200) if dtype == "uint8" else (8000, 20000)
    values = random.integers(low, high, (side, side))
    return np.where(askew(side), values, 0)


@pytest.fixture
def scenes(tmp_path):
    """Four scenes at three places, one of 8 bits, and a table of deposits."""
    folder = tmp_path / "scenes"
    for number, (path, row, day) in enumerate(
        [(123, 41, "20200819"), (123, 41, "20210112"), (122, 41, "20200819"), (121, 41, "20200819")]
    ):
        left = 300_000.0 + PITCH * (123 - path)
        quality = np.where(askew(SIDE), 1 << 6, 1)
        quality[:32][askew(SIDE)[:32]] = 1 << 3 if number == 0 else 1 << 6
        write_scene(
            folder, product(path, row, day), numbers(number), path=path, left=left, quality=quality
        )
    rows = ["site_name,longitude,latitude,commod1"]
    # Two in the upper left quarter of the first place, one in the collar, one at the second place.
    for name, left, column, line, ore in (
        ("One", 300_000.0, 28, 25, "Gold, Tin"),
        ("Two", 300_000.0, 30, 26, "Gold"),
        ("In the collar", 300_000.0, 3, 3, "Gold"),
        ("Three", 400_000.0, 40, 40, "Tin"),
    ):
        longitude, latitude = degrees_of(left, 3_100_000.0, column, line)
        rows.append(f'{name},{longitude!r},{latitude!r},"{ore}"')
    table = tmp_path / "deposits.csv"
    table.write_text("\n".join([*rows, "Nowhere,,,Gold"]))
    return folder, str(table)


def label(folder, table, tmp_path, **options):
    target = tmp_path / "labels.geojson"
    result = load("deposits.label")(
        Progress(), folder=str(folder), deposits=[table], output=str(target), **options
    )
    features = json.loads(target.read_text())["features"]
    return result, {f["properties"]["name"]: f["properties"] for f in features}


def test_scenes_are_labelled_by_their_valid_pixels(scenes, tmp_path):
    folder, table = scenes
    result, rows = label(folder, table, tmp_path)
    assert (result["scenes"], result["with_deposits"], result["left_out"]) == (4, 3, 1)
    assert rows[product(123, 41)]["count"] == 2
    assert rows[product(123, 41)]["n_gold"] == 2
    assert rows[product(123, 41)]["n_tin"] == 1
    assert rows[product(122, 41)]["count"] == 1
    assert rows[product(121, 41)]["presence"] == 0
    assert rows[product(122, 41)]["richness"] == pytest.approx(np.log(2) / np.log(3), abs=1e-6)
    area = askew(SIDE).sum() * CELL**2 / 1e6
    assert rows[product(123, 41)]["area_km2"] == pytest.approx(area, rel=0.06)


def test_corners_of_the_metadata_bound_the_collar_too(scenes, tmp_path):
    folder, table = scenes
    _, rows = label(folder, table, tmp_path, footprints="corners of the file")
    assert rows[product(123, 41)]["count"] == 3
    assert rows[product(123, 41)]["footprint"] == "MTL corners"


def test_scenes_without_images_metadata_or_crs_are_placed_or_named(scenes, tmp_path):
    folder, table = scenes
    bare = folder / "bare"
    bare.mkdir()
    profile = {"driver": "GTiff", "height": 20, "width": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(
        bare / "placed.tif", "w", crs="EPSG:32649", transform=Affine(30, 0, 5e5, 0, -30, 3.1e6),
        **profile,
    ) as file:  # fmt: skip
        file.write(np.full((20, 20), 7, np.uint8), 1)
    for name, crs in (("lost.tif", None), ("collar.tif", "EPSG:32649")):
        with rasterio.open(
            bare / name, "w", crs=crs, transform=Affine(30, 0, 5e5, 0, -30, 3.1e6), **profile
        ) as file:
            file.write(np.full((20, 20), 0 if crs else 7, np.uint8), 1)
    (folder / product(121, 41) / f"{product(121, 41)}_B7.TIF").unlink()
    messages = []
    target = tmp_path / "labels.csv"
    load("deposits.label")(
        listened(messages), folder=str(folder), deposits=[table], table=str(target)
    )
    rows = {row["name"]: row for row in csv.DictReader(target.open())}
    assert rows["placed"]["footprint"] == "valid pixels"
    assert rows[product(121, 41)]["footprint"] == "MTL corners"
    assert "lost" not in rows
    assert any("lost.tif has no CRS" in text for text in messages)
    assert any("collar.tif is all collar" in text for text in messages)


def test_a_folder_without_scenes_is_refused(tmp_path, scenes):
    _, table = scenes
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="neither Landsat metadata"):
        label(tmp_path / "nothing", table, tmp_path)
    with pytest.raises(InputError, match="No scenes were given"):
        load("deposits.label")(Progress(), deposits=[table], table=str(tmp_path / "t.csv"))


def test_a_list_of_names_gives_nominal_frames(tmp_path, scenes):
    _, table = scenes
    listing = tmp_path / "names.csv"
    listing.write_text("LT04_L1TP_032024_19821211_20170220_01_T1,1\nnonsense,0\n")
    messages = []
    result = load("deposits.label")(
        listened(messages), names=str(listing), deposits=[table], table=str(tmp_path / "t.csv")
    )
    assert result["scenes"] == 1
    assert any("1 lines name no scene" in text for text in messages)


def test_ocean_is_told_by_centre_or_by_the_share_of_land(scenes, tmp_path):
    folder, table = scenes
    _, rows = label(folder, table, tmp_path)
    middle = rows[product(123, 41)]["longitude"]
    # Land ends a little east of the middle of the first place, far west of the others.
    edge = middle + 0.001
    ring = [[100, 0], [edge, 0], [edge, 60], [100, 60], [100, 0]]
    land = tmp_path / "land.json"
    geometry = {"type": "Polygon", "coordinates": [ring]}
    land.write_text(
        json.dumps({"features": [{"type": "Feature", "properties": {}, "geometry": geometry}]})
    )
    _, centre = label(folder, table, tmp_path, land=str(land))
    assert [centre[product(p, 41)]["ocean"] for p in (123, 122, 121)] == [0, 1, 1]
    _, share = label(
        folder, table, tmp_path, land=str(land), ocean_rule="land fraction", land_share=0.9
    )
    assert share[product(123, 41)]["ocean"] == 1
    assert share[product(123, 41)]["land_share"] == pytest.approx(0.55, abs=0.12)


def prepare(labels, table, tmp_path, name="chips", progress=None, **options):
    given = {"size": 16, "seed": 3, "validation_share": 0.3, **options}
    return load("deposits.prepare")(
        progress or Progress(),
        labels=str(labels),
        deposits=[table] if table else [],
        index=str(tmp_path / f"{name}.csv"),
        **given,
    )


def test_a_partition_holds_every_valid_pixel_once_with_labels_of_its_own(scenes, tmp_path):
    folder, table = scenes
    label(folder, table, tmp_path)
    result = prepare(tmp_path / "labels.geojson", table, tmp_path, least_valid=0.0)
    chips = read_chips(tmp_path / "chips.csv")
    assert result["chips"] == len(chips.chips)
    for name, stored in ((product(123, 41), numbers(0)), (product(121, 41), numbers(3))):
        seen = np.zeros((SIDE + 32, SIDE + 32))
        for chip in chips.chips:
            if chip.scene == name:
                place = np.s_[chip.row : chip.row + 16, chip.column : chip.column + 16]
                seen[place] += chips.read(chip)[..., 0]
        reflectance = (stored * 2e-5 - 0.1) / np.sin(np.radians(45.0))
        expected = np.where(stored > 0, reflectance, 0.0)
        assert seen[:SIDE, :SIDE] == pytest.approx(expected, abs=2e-5)
        assert not seen[SIDE:].any()
    # The deposits lie where they were put: by row and column of their chip.
    first = [c for c in chips.chips if c.scene == product(123, 41)]
    holding = [c for c in first if c.count]
    assert sum(c.count for c in first) == 2
    for chip in holding:
        assert any(
            chip.row <= line < chip.row + 16 and chip.column <= column < chip.column + 16
            for column, line in ((28, 25), (30, 26))
        )
    assert sum(c.commodities["n_tin"] for c in first) == 1


def test_parts_are_apart_by_location_and_clouds_are_ranked(scenes, tmp_path):
    folder, table = scenes
    label(folder, table, tmp_path)
    prepare(tmp_path / "labels.geojson", table, tmp_path)
    chips = read_chips(tmp_path / "chips.csv").chips
    places = {
        part: {c.location for c in chips if c.part == part} for part in ("training", "validation")
    }
    assert all(places.values())
    assert not places["training"] & places["validation"]
    rank = {c.scene: c.cloud_rank for c in chips}
    assert rank[product(123, 41, "20210112")] == 1  # the first date is half clouded
    assert rank[product(123, 41)] == 2
    one = prepare(tmp_path / "labels.geojson", table, tmp_path, "one", looks=1)
    assert one["scenes"] == 4
    kept = {c.scene for c in read_chips(tmp_path / "one.csv").chips}
    assert product(123, 41) not in kept
    clear = prepare(tmp_path / "labels.geojson", table, tmp_path, "clear", most_cloud=0.2)
    assert 0 < clear["chips"] < len(chips)
    assert all(c.cloud_share <= 0.2 for c in read_chips(tmp_path / "clear.csv").chips)


@pytest.mark.parametrize("way", ["area average", "nearest", "resampling"])
def test_whole_scenes_are_padded_and_brought_down(scenes, tmp_path, way):
    folder, table = scenes
    label(folder, table, tmp_path)
    prepare(
        tmp_path / "labels.geojson", "", tmp_path, method="pad and down-sample", downsampling=way
    )
    chips = read_chips(tmp_path / "chips.csv")
    assert {c.scene: c.count for c in chips.chips}[product(123, 41)] == 2
    stored = numbers(0)
    mean = (stored[stored > 0].mean() * 2e-5 - 0.1) / np.sin(np.radians(45.0))
    pixels = chips.read(next(c for c in chips.chips if c.scene == product(123, 41)))
    assert pixels.shape == (16, 16, 1)
    assert pixels[pixels > 0].mean() == pytest.approx(mean, rel=0.1)
    assert (pixels[0, 0], pixels[-1, -1]) == (0.0, 0.0)


def test_8_and_16_bits_meet_in_reflectance_or_by_their_type(scenes, tmp_path):
    folder, table = scenes
    write_scene(
        folder, product(120, 41, prefix="LT05"), numbers(9, "uint8"), path=120, left=600_000.0,
        dtype="uint8", spacecraft="LANDSAT_5", gains=False,
    )  # fmt: skip
    label(folder, table, tmp_path)
    with pytest.raises(InputError, match="1 of 5 scenes do not tell"):
        prepare(tmp_path / "labels.geojson", table, tmp_path)
    prepare(tmp_path / "labels.geojson", table, tmp_path, scaling="data type", least_valid=0.0)
    chips = read_chips(tmp_path / "chips.csv")
    for name, stored, greatest in (
        (product(120, 41, prefix="LT05"), numbers(9, "uint8"), 255),
        (product(121, 41), numbers(3), 65535),
    ):
        total = sum(float(chips.read(c).sum(dtype=float)) for c in chips.chips if c.scene == name)
        assert total == pytest.approx(stored.sum() / greatest, rel=1e-3)


def test_an_interrupted_preparation_goes_on_where_it_was(scenes, tmp_path, monkeypatch):
    folder, table = scenes
    label(folder, table, tmp_path)
    whole = prepare(tmp_path / "labels.geojson", table, tmp_path, "whole")
    shares = []
    stopping = Progress(
        on_fraction=shares.append, cancelled=lambda: bool(shares) and shares[-1] > 0.5
    )
    with pytest.raises(CancelledError):
        prepare(tmp_path / "labels.geojson", table, tmp_path, progress=stopping)
    assert not (tmp_path / "chips.csv").exists()
    journal = tmp_path / ".chips_images.gossan-part" / "journal.jsonl"
    with journal.open("a") as stream:
        stream.write('{"scene": "half a li')  # a kill in the middle of a line
    messages = []
    resumed = prepare(tmp_path / "labels.geojson", table, tmp_path, progress=listened(messages))
    assert 0 < resumed["resumed"] < 4
    assert any("Going on" in text for text in messages)
    assert {**resumed, "resumed": 0, "index": ""} == {**whole, "index": ""}
    one, other = ((tmp_path / f"{n}.csv").read_text() for n in ("chips", "whole"))
    assert one.replace("chips_images", "whole_images") == other
    for chip in read_chips(tmp_path / "chips.csv").chips:
        again = tmp_path / chip.file.replace("chips_images", "whole_images")
        assert (tmp_path / chip.file).read_bytes()[-500:] == again.read_bytes()[-500:]
    assert not journal.exists()


def test_other_options_do_not_go_on_from_that_state(scenes, tmp_path):
    folder, table = scenes
    label(folder, table, tmp_path)
    shares = []
    stopping = Progress(
        on_fraction=shares.append, cancelled=lambda: bool(shares) and shares[-1] > 0.5
    )
    with pytest.raises(CancelledError):
        prepare(tmp_path / "labels.geojson", table, tmp_path, progress=stopping)
    assert prepare(tmp_path / "labels.geojson", table, tmp_path, size=20)["resumed"] == 0


def test_without_resuming_a_cancelled_preparation_leaves_nothing(scenes, tmp_path):
    folder, table = scenes
    label(folder, table, tmp_path)
    before = sorted(tmp_path.iterdir())
    shares = []
    stopping = Progress(
        on_fraction=shares.append, cancelled=lambda: bool(shares) and shares[-1] > 0.3
    )
    with pytest.raises(CancelledError):
        prepare(tmp_path / "labels.geojson", table, tmp_path, progress=stopping, resume=False)
    assert sorted(tmp_path.iterdir()) == before


def test_training_chips_on_the_ground_of_validation_are_left_out(scenes, tmp_path):
    folder, table = scenes
    # The next path, half a scene away from the third place.
    write_scene(
        folder, product(120, 41), numbers(8), path=120, left=500_000.0 + 32 * CELL
    )  # fmt: skip
    label(folder, table, tmp_path)
    seen = set()
    for seed in range(3):
        messages = []
        options = {"seed": seed, "progress": listened(messages)}
        result = prepare(tmp_path / "labels.geojson", table, tmp_path, **options)
        parts = {c.scene: c.part for c in read_chips(tmp_path / "chips.csv").chips}
        mixed = parts[product(121, 41)] != parts[product(120, 41)]
        seen.add(mixed)
        assert (result["overlapping"] > 0) == mixed
        assert any("show ground that validation chips show" in m for m in messages) == mixed
        kept = prepare(tmp_path / "labels.geojson", table, tmp_path, "kept", seed=seed, apart=False)
        assert kept["chips"] == result["chips"] + result["overlapping"]
    assert True in seen


def test_what_cannot_be_prepared_is_refused_in_one_sentence(scenes, tmp_path):
    folder, table = scenes
    label(folder, table, tmp_path)
    labels = tmp_path / "labels.geojson"
    with pytest.raises(InputError, match="A partition labels every chip"):
        prepare(labels, "", tmp_path)
    with pytest.raises(InputError, match="No scene has the bands B5"):
        prepare(labels, table, tmp_path, bands=["B5"])
    with pytest.raises(InputError, match="one location"):
        prepare(labels, table, tmp_path, location_rule="distance", distance=5000.0, resume=False)
    with pytest.raises(InputError, match="No chip is left"):
        prepare(labels, table, tmp_path, most_cloud=-0.1, resume=False)
    (tmp_path / "chips_images").mkdir()
    with pytest.raises(FileError, match="no folder of chips"):
        prepare(labels, table, tmp_path)


def test_scenes_without_crs_or_all_collar_are_left_out_by_name(scenes, tmp_path):
    folder, table = scenes
    write_scene(folder, product(119, 41), numbers(7), path=119, crs=None)
    write_scene(folder, product(118, 41), np.zeros((SIDE, SIDE)), path=118, left=700_000.0)
    messages = []
    load("deposits.label")(
        listened(messages), folder=str(folder), deposits=[table],
        output=str(tmp_path / "labels.geojson"), footprints="corners of the file",
    )  # fmt: skip
    result = prepare(tmp_path / "labels.geojson", table, tmp_path, progress=listened(messages))
    assert (result["scenes"], result["left_out"]) == (4, 2)
    assert any("has no CRS" in text and product(119, 41) in text for text in messages)
    assert any("all collar" in text and product(118, 41) in text for text in messages)


def test_a_set_without_any_deposit_says_what_cannot_be_learnt(scenes, tmp_path):
    folder, _ = scenes
    far = tmp_path / "far.csv"
    far.write_text("lon,lat\n10,10\n")
    label(folder, str(far), tmp_path)
    messages = []
    result = prepare(tmp_path / "labels.geojson", str(far), tmp_path, progress=listened(messages))
    assert (result["with_deposits"], result["balanced"]) == (0, 0)
    assert any("no chip holds a deposit" in text for text in messages)


def test_bands_of_one_name_and_other_light_are_not_mixed(tmp_path, scenes, monkeypatch):
    folder, table = scenes
    here = write_scene(
        folder, product(120, 41, prefix="LT05"), numbers(9), path=120, left=600_000.0,
        spacecraft="LANDSAT_5",
    )  # fmt: skip
    for metadata in folder.rglob("*_MTL.txt"):
        metadata.write_text(metadata.read_text().replace("BAND_7", "BAND_4"))
    assert here.exists()
    label(folder, table, tmp_path)
    with pytest.raises(BandMismatchError, match=r"655 nm|830 nm"):
        prepare(tmp_path / "labels.geojson", table, tmp_path, bands=["B4"])
