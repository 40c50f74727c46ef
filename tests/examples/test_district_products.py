"""Files of the district: complete, readable, and true to the world they come from."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import KFold, cross_val_predict

from gossan.core.errors import FileError, InputError
from gossan.core.raster import open_raster
from gossan.core.spectra import read_library
from gossan.examples.district import District, Settings, make_district, make_districts
from gossan.examples.district.__main__ import main
from gossan.examples.district.hyperspectral import spectrometer
from gossan.examples.district.soils import METALS
from gossan.examples.district.world import MATERIALS

from .conftest import SMALL


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def features_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["features"]


def arrays_of(folder):
    """Return a fingerprint of the pixels of every raster and of every other file."""
    prints = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() == ".tif":
            with rasterio.open(path) as file:
                prints[path.name] = hashlib.sha256(file.read().tobytes()).hexdigest()
        elif path.is_file() and path.name != "manifest.json":
            prints[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return prints


def test_every_listed_file_exists_and_nothing_else(district):
    listed = {product.file for product in district.products}
    folders = {product.file for product in district.products if product.kind == "folder"}
    assert all((district.folder / name).is_dir() for name in folders)
    listed -= folders
    assert all((district.folder / name).is_file() for name in listed)
    headers = {name.replace(".sli", ".hdr") for name in listed if name.endswith(".sli")}
    found = {str(path.relative_to(district.folder)) for path in district.folder.rglob("*.*")}
    scenes = {name for name in found if name.startswith("landsat")}
    found = {name for name in found - scenes if not name.endswith(".aux.xml")}
    assert found == (listed | headers | {"manifest.json"}) - scenes


def test_every_raster_is_read_with_its_place_and_bands(district):
    rasters = [product for product in district.products if product.kind == "raster"]
    assert len(rasters) > 12
    for product in rasters:
        with open_raster(str(district.path(product.name))) as raster:
            assert raster.info.crs_wkt, product.name
            assert np.isfinite(raster.read()).any(), product.name


def test_the_same_seed_gives_the_same_files(tmp_path, district):
    again = make_district(tmp_path / "again", SMALL)
    assert arrays_of(again.folder) == arrays_of(district.folder)


def test_another_seed_gives_other_pixels(tmp_path, district):
    other = make_district(tmp_path / "x", replace(SMALL, seed=4), only=["hyperspectral"])
    ours, theirs = arrays_of(district.folder), arrays_of(other.folder)
    assert ours["hyperspectral.tif"] != theirs["hyperspectral.tif"]


def test_the_scene_knows_its_wavelengths_scale_and_bad_bands(district):
    with open_raster(str(district.path("hyperspectral"))) as raster:
        bands = raster.info.bands
        values = raster.read()
    sensor = spectrometer(SMALL.bands)
    assert raster.info.dtype == "int16"
    np.testing.assert_allclose([band.wavelength for band in bands], sensor.wavelengths, atol=0.01)
    np.testing.assert_allclose([band.fwhm for band in bands], sensor.fwhm, atol=0.01)
    assert [band.good for band in bands] == sensor.good.tolist()
    assert 0.02 < np.median(values[..., sensor.good]) < 0.6


def test_the_full_sensor_has_330_bands_in_order():
    sensor = spectrometer()
    assert len(sensor.wavelengths) == 330
    assert (np.diff(sensor.wavelengths) > 0).all()
    assert sensor.wavelengths[0] == 400.0
    assert sensor.wavelengths[-1] == 2500.0
    bad = sensor.wavelengths[~sensor.good]
    assert ((bad > 1300) & (bad < 1500) | (bad > 1750) & (bad < 2030) | (bad > 2450)).all()


def test_the_scene_is_the_mixture_of_the_truth_within_variation_and_noise(district):
    library = read_library(str(district.path("endmembers")))
    assert library.names == MATERIALS
    with open_raster(str(district.path("abundances"))) as raster:
        abundances = raster.read()
    with open_raster(str(district.path("hyperspectral"))) as raster:
        values = raster.read()
    np.testing.assert_allclose(abundances.sum(axis=-1), 1.0, atol=1e-4)
    good = spectrometer(SMALL.bands).good
    modelled = abundances @ library.spectra
    relative = (values - modelled)[..., good] / modelled[..., good].mean()
    # Brightness, varieties and light differ from pixel to pixel, but not by a factor.
    assert np.sqrt((relative**2).mean()) < 0.35
    assert abs(relative.mean()) < 0.15
    match = np.corrcoef(values[..., good].ravel(), modelled[..., good].ravel())[0, 1]
    assert match > 0.85


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_envi_cubes_hold_the_same_scene(tmp_path, district, interleave):
    other = make_district(tmp_path, replace(SMALL, interleave=interleave), only=["hyperspectral"])
    with rasterio.open(other.path("hyperspectral")) as file:
        assert file.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") or interleave == "bsq"
    with open_raster(str(other.path("hyperspectral"))) as raster:
        values, info = raster.read(), raster.info
    with open_raster(str(district.path("hyperspectral"))) as raster:
        np.testing.assert_array_equal(values, raster.read())
        expected = raster.info
    assert info.transform == expected.transform
    assert [band.good for band in info.bands] == [band.good for band in expected.bands]
    assert [band.wavelength for band in info.bands] == pytest.approx(
        [band.wavelength for band in expected.bands], abs=0.01
    )


def test_samples_are_the_truth_within_the_laboratorys_error(district):
    samples = rows_of(district.path("samples"))
    with rasterio.open(district.path("metals")) as file:
        places = [(float(row["x"]), float(row["y"])) for row in samples]
        truth = np.array(list(file.sample(places)))
    assert len(samples) == SMALL.difficulty.samples + 2
    below = above = 0
    for row, true in zip(samples, truth):
        for name, value in zip(METALS, true):
            text = row[name]
            if text[0] == "<":
                below += 1
                assert value < 1.3 * float(text[1:])
            elif text[0] == ">":
                above += 1
                assert value > 0.7 * float(text[1:])
            else:
                ratio = math.log(float(text) / value)
                assert abs(ratio) < 5 * SMALL.difficulty.laboratory_error + 0.01
    assert 2 <= below <= 8
    assert 1 <= above <= 4


def test_one_sample_is_replicated_and_one_row_is_doubled(district):
    samples = rows_of(district.path("samples"))
    replicate = next(row for row in samples if row["sample"].endswith("-R"))
    first = next(row for row in samples if row["sample"] == replicate["sample"][:-2])
    assert (replicate["x"], replicate["y"]) == (first["x"], first["y"])
    assert replicate["Zn"] != first["Zn"]
    names = [row["sample"] for row in samples]
    doubled = [name for name in names if names.count(name) == 2]
    assert len(set(doubled)) == 1
    rows = [row for row in samples if row["sample"] == doubled[0]]
    assert {k: v for k, v in rows[0].items() if k != "fid"} == {
        k: v for k, v in rows[1].items() if k != "fid"
    }


def test_points_and_table_of_the_samples_agree(district):
    points = features_of(district.path("sample_points"))
    for row, point in zip(rows_of(district.path("samples")), points):
        assert point["geometry"]["coordinates"] == [float(row["x"]), float(row["y"])]
        assert point["properties"]["Sb"] == row["Sb"]


def test_laboratory_spectra_cover_the_range_in_replicates(district):
    spectra = rows_of(district.path("laboratory_spectra"))
    assert len(spectra) == 3 * SMALL.difficulty.samples
    assert list(spectra[0])[1:] == [str(nm) for nm in range(350, 2501)]
    values = np.array([[float(v) for v in list(row.values())[1:]] for row in spectra])
    assert ((values > 0) & (values < 1)).all()
    one = values.reshape(-1, 3, values.shape[1])
    within = one.std(axis=1).mean()
    between = one.mean(axis=1).std(axis=0).mean()
    assert within < 0.7 * between


def test_antimony_can_be_told_from_the_laboratory_spectra_and_lead_cannot(district):
    rows = rows_of(district.path("laboratory_spectra"))
    truth = {row["sample"]: row for row in rows_of(district.path("sample_truth"))}
    spectra = np.array([[float(v) for v in list(row.values())[51::10]] for row in rows])
    samples = np.log(spectra).reshape(-1, 3, spectra.shape[1]).mean(axis=1)
    names = [row["spectrum"].rsplit("_", 1)[0] for row in rows[::3]]
    told = {}
    for element in ("Sb", "Pb"):
        target = np.log([float(truth[name][element]) for name in names])
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(PLSRegression(6), samples, target, cv=folds).ravel()
        told[element] = (
            1 - ((predicted - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()
        )
    assert told["Sb"] > 0.4
    assert told["Pb"] < 0.3


def test_the_element_table_has_control_rows(district):
    names = [row["sample"] for row in rows_of(district.path("laboratory_elements"))]
    assert {"BLANK", "STD GX-2", "Detection limit"} <= set(names)
    assert any(name.endswith("DUP") for name in names)


def test_sentinel_images_have_twelve_named_bands_and_masks(district):
    images = [p for p in district.products if p.name.startswith("sentinel2") and p.details]
    assert len(images) == SMALL.dates + 1
    for image in images:
        with open_raster(str(district.path(image.name))) as raster:
            assert raster.info.dtype == "uint16"
            assert [band.name for band in raster.info.bands] == image.details["bands"]
            assert raster.info.transform.a == 10.0
        if image.details["date"]:
            with rasterio.open(district.path(f"{image.name}_scl")) as file:
                scl = file.read(1)
            with rasterio.open(district.path(f"{image.name}_qa60")) as file:
                qa60 = file.read(1)
            assert set(np.unique(scl)) <= {0, 3, 4, 5, 6, 8, 9}
            assert set(np.unique(qa60)) <= {0, 1024, 2048}
            assert ((scl == 9) <= (qa60 > 0)).all()


def test_new_baselines_carry_the_offset(tmp_path):
    made = make_district(tmp_path, replace(SMALL, dates=4), only=["sentinel"])
    water = {}
    for product in made.products:
        if product.details.get("baseline"):
            with rasterio.open(made.path(product.name)) as file:
                band = file.read(12).astype(int)
            water[product.details["baseline"]] = np.percentile(band[band > 0], 0.2)
            assert product.details["offset"] == (1000 if product.details["baseline"] > "04" else 0)
    assert water["05.11"] > water["03.01"] + 700
    masked = made.product("sentinel2_20220510")
    assert masked.details["qa60_filled"] is False
    with rasterio.open(made.path("sentinel2_20220510_qa60")) as file:
        assert not file.read(1).any()


def test_shifted_mosaics_and_other_levels_differ_in_looks_only(tmp_path, district):
    shifted = make_district(tmp_path, replace(SMALL, shifted=True, level="L1C"), only=["mosaic"])
    assert "B10" in shifted.product("sentinel2_mosaic").details["bands"]
    with rasterio.open(shifted.path("sentinel2_mosaic")) as file:
        other = file.read(4).astype(float)
    with rasterio.open(district.path("sentinel2_mosaic")) as file:
        usual = file.read(4).astype(float)
    assert abs(other.mean() / usual.mean() - 1) > 0.03


def test_truth_of_the_mines_lies_where_the_image_shows_them(district):
    features = features_of(district.path("mines"))
    parts = {feature["properties"]["part"] for feature in features}
    assert {"pit", "dump", "plant", "tailings", "dam"} <= parts
    with rasterio.open(district.path("sentinel2_mosaic_cover")) as file:
        cover = file.read(1)
        inside = {}
        for name, codes in (("pit", [12]), ("tailings", [14, 15, 20])):
            shapes = [f["geometry"] for f in features if f["properties"]["part"] == name]
            mask = rasterio.features.rasterize(
                [(shape, 1) for shape in shapes], cover.shape, transform=file.transform
            )
            inside[name] = np.isin(cover[mask == 1], codes).mean()
    assert min(inside.values()) > 0.85


def test_oxides_are_compositions_and_magnetics_follow_basalt(district):
    with open_raster(str(district.path("geochemistry"))) as raster:
        oxides = raster.read()
    assert oxides.shape[-1] == 7
    assert (oxides > 0).all()
    assert (oxides.sum(axis=-1) < 100).all()
    with open_raster(str(district.path("magnetics_pole"))) as raster:
        pole = raster.read()[..., 0]
    assert np.isfinite(pole).all()
    details = district.product("magnetics").details
    assert -90 < details["inclination"] < 90


def test_the_geological_map_has_names_and_colours(district):
    features = features_of(district.path("geological_map"))
    classes = district.product("geological_map").details["classes"]
    for feature in features:
        assert feature["properties"]["unit"] in classes
        assert feature["properties"]["colour"].startswith("#")


def test_landsat_scenes_lie_askew_in_black_collars(district):
    scenes = [product for product in district.products if product.file.endswith("_MTL.txt")]
    assert len(scenes) == SMALL.landsat_scenes
    assert len({scene.details["location"] for scene in scenes}) < len(scenes)
    for scene in scenes:
        metadata = district.path(scene.name)
        text = metadata.read_text()
        image = metadata.with_name(metadata.name.replace("_MTL.txt", "_B4.TIF"))
        with rasterio.open(image) as file:
            valid = file.read(1) > 0
            longitude, latitude = rasterio.warp.transform(
                file.crs, "EPSG:4326", [file.bounds.left + 15], [file.bounds.top - 15]
            )
        size = valid.shape[0]
        assert not valid[0].any()
        assert not valid[:, -1].any()
        assert valid[size // 2, size // 2]
        assert 0.5 < valid.mean() < 0.9
        top = np.flatnonzero(valid.any(axis=1))[0]
        # Askew: the uppermost row of data is a corner, not an edge.
        assert valid[top].sum() < size / 4
        fields = dict(
            line.strip().split(" = ") for line in text.splitlines() if line.count(" = ") == 1
        )
        assert float(fields["CORNER_UL_LON_PRODUCT"]) == pytest.approx(longitude[0], abs=1e-5)
        assert float(fields["CORNER_UL_LAT_PRODUCT"]) == pytest.approx(latitude[0], abs=1e-5)
        assert 0 < float(fields["SUN_ELEVATION"]) < 90
        for name in fields.values():
            if name.endswith('.TIF"'):
                assert metadata.with_name(name.strip('"')).is_file()


def test_the_deposit_table_has_rows_without_a_place(district):
    rows = rows_of(district.path("deposits"))
    without = [row for row in rows if not (row["latitude"] and row["longitude"])]
    beyond = [row for row in rows if row["latitude"] and abs(float(row["latitude"])) > 90]
    assert len(without) == 2
    assert len(beyond) == 1
    assert len(rows) == district.product("deposits").details["deposits"] + 4


def test_a_register_entry_reads_back_to_its_place(district):
    truth = {row["name"]: row for row in rows_of(district.path("register_truth"))}
    entries = [row for row in rows_of(district.path("register")) if row["NAME"] in truth]
    assert entries
    first = entries[0]
    degrees, rest = first["LATITUDE"].split("°")
    minutes, seconds = rest.rstrip('"').split("'")
    latitude = int(degrees) + int(minutes) / 60 + float(seconds) / 3600
    away = abs(latitude - float(truth[first["NAME"]]["latitude"])) * 111_000
    assert away <= float(truth[first["NAME"]]["misplaced_m"]) + 1


def test_concessions_and_reserves_are_closed_polygons(district):
    for name in ("concessions", "protected_areas", "irrigation_ponds"):
        for feature in features_of(district.path(name)):
            for ring in feature["geometry"]["coordinates"]:
                assert ring[0] == ring[-1]
                assert len(ring) > 3


@pytest.mark.parametrize("size", [24, 61])
def test_small_and_odd_sizes_work(tmp_path, size):
    settings = replace(SMALL, size=size, bands=12, dates=1, landsat_scenes=1, landsat_size=33)
    made = make_district(tmp_path, settings)
    with open_raster(str(made.path("hyperspectral"))) as raster:
        assert (raster.info.height, raster.info.width, raster.info.count) == (size, size, 12)
    with open_raster(str(made.path("sentinel2_mosaic"))) as raster:
        assert raster.info.height == 3 * size


def test_several_districts_lie_apart(tmp_path):
    made = make_districts(tmp_path, [1, 2], replace(SMALL, bands=12), only=["hyperspectral"])
    assert [one.folder.name for one in made] == ["district-1", "district-2"]
    first, second = (one.settings["bounds"] for one in made)
    assert first[2] <= second[0] or second[2] <= first[0]


def test_a_district_is_found_again_by_its_manifest(district):
    again = District.open(district.folder)
    assert again.path("samples") == district.path("samples")
    with pytest.raises(InputError, match="hyperspectral"):
        again.path("nothing")


def test_a_folder_without_a_district_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"manifest\.json"):
        District.open(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"size": 5}, "too small"), ({"bands": 3}, "too few"), ({"interleave": "bmp"}, "bsq"),
     ({"level": "L3"}, "L1C")],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong, word):
    with pytest.raises(InputError, match=word):
        Settings(**wrong)


def test_the_command_line_writes_a_part(tmp_path):
    arguments = ["--seed", "2", "--size", "30", "--bands", "12", "--only", "hyperspectral"]
    assert main([str(tmp_path), *arguments]) == 0
    assert District.open(tmp_path).path("hyperspectral").is_file()
    assert main([str(tmp_path), "--size", "3"]) == 1
