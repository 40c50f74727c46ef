from __future__ import annotations

import contextlib
import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.core.errors import FileError, InputError
from gossan.core.landsat_mtl import Rescaling, find_mtl_files, read_mtl
from gossan.core.mtl_fields import LARGEST_FILE

PRODUCT = "LC08_L1TP_123041_20200819_20200905_02_T1"
GROUPS = {
    "PRODUCT_CONTENTS": {
        "LANDSAT_PRODUCT_ID": PRODUCT,
        "PROCESSING_LEVEL": "L1TP",
        "FILE_NAME_BAND_4": f"{PRODUCT}_B4.TIF",
        "FILE_NAME_BAND_10": f"{PRODUCT}_B10.TIF",
        "FILE_NAME_QUALITY_L1_PIXEL": f"{PRODUCT}_QA_PIXEL.TIF",
    },
    "IMAGE_ATTRIBUTES": {
        "SPACECRAFT_ID": "LANDSAT_8",
        "SENSOR_ID": "OLI_TIRS",
        "WRS_PATH": "123",
        "WRS_ROW": "041",
        "DATE_ACQUIRED": "2020-08-19",
        "SUN_ELEVATION": "62.5",
        "EARTH_SUN_DISTANCE": "1.0117",
        "CLOUD_COVER": "11.08",
    },
    "PROJECTION_ATTRIBUTES": {
        "UTM_ZONE": "49",
        **{
            f"CORNER_{name}_{axis}_PRODUCT": str(value)
            for name, corner in {"UL": (110, 28), "UR": (112, 28.1), "LL": (110.2, 26)}.items()
            for axis, value in zip(("LON", "LAT"), corner)
        },
        "CORNER_LR_LON_PRODUCT": "112.2",
        "CORNER_LR_LAT_PRODUCT": "26.1",
    },
    "LEVEL1_RADIOMETRIC_RESCALING": {
        "RADIANCE_MULT_BAND_4": "9.7062E-03",
        "RADIANCE_ADD_BAND_4": "-48.53088",
        "REFLECTANCE_MULT_BAND_4": "2.0000E-05",
        "REFLECTANCE_ADD_BAND_4": "-0.100000",
    },
    "LEVEL1_THERMAL_CONSTANTS": {
        "K1_CONSTANT_BAND_10": "774.8853",
        "K2_CONSTANT_BAND_10": "1321.0789",
    },
}


def as_text(groups=GROUPS, root="LANDSAT_METADATA_FILE"):
    lines = [f"GROUP = {root}"]
    for group, fields in groups.items():
        lines.append(f"  GROUP = {group}")
        lines += [f'    {name} = "{value}"' for name, value in fields.items()]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, f"END_GROUP = {root}", "END", ""])


def as_xml():
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<LANDSAT_METADATA_FILE>"]
    for group, fields in GROUPS.items():
        lines.append(f"  <{group}>")
        lines += [f"    <{name}>{value}</{name}>" for name, value in fields.items()]
        lines.append(f"  </{group}>")
    return "\n".join([*lines, "</LANDSAT_METADATA_FILE>", ""])


def as_json():
    return json.dumps({"LANDSAT_METADATA_FILE": GROUPS}, indent=2)


@pytest.fixture
def written(tmp_path):
    def write(content, name=f"{PRODUCT}_MTL.txt"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("form", [as_text, as_xml, as_json])
def test_every_format_tells_the_same(written, form):
    scene = read_mtl(written(form()))
    assert (scene.product, scene.scene_id, scene.level) == (PRODUCT, "", "L1TP")
    assert (scene.spacecraft, scene.sensor) == ("LANDSAT_8", "OLI_TIRS")
    assert (scene.wrs_path, scene.wrs_row) == (123, 41)
    assert scene.date == datetime.date(2020, 8, 19)
    assert (scene.sun_elevation, scene.earth_sun_distance, scene.cloud_cover) == (
        62.5,
        1.0117,
        11.08,
    )
    assert scene.corners == ((110, 28), (112, 28.1), (112.2, 26.1), (110.2, 26))
    assert scene.map_corners is None
    assert not scene.is_surface
    assert scene.band("b04").reflectance == Rescaling(2e-5, -0.1)
    assert scene.band("4").radiance == Rescaling(9.7062e-3, -48.53088)
    assert scene.band("B10").reflectance is None
    assert scene.band("B10").thermal_constants == (774.8853, 1321.0789)
    assert scene.quality_files == {"QUALITY_L1_PIXEL": f"{PRODUCT}_QA_PIXEL.TIF"}


def test_level_2_takes_its_own_rescaling_not_that_of_level_1(written):
    surface = {
        "PRODUCT_CONTENTS": {
            "LANDSAT_PRODUCT_ID": PRODUCT.replace("L1TP", "L2SP"),
            "PROCESSING_LEVEL": "L2SP",
            "FILE_NAME_BAND_4": "x_SR_B4.TIF",
            "FILE_NAME_BAND_ST_B10": "x_ST_B10.TIF",
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": {
            "REFLECTANCE_MULT_BAND_4": "2.75e-05",
            "REFLECTANCE_ADD_BAND_4": "-0.2",
        },
        "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS": {
            "TEMPERATURE_MULT_BAND_ST_B10": "0.00341802",
            "TEMPERATURE_ADD_BAND_ST_B10": "149.0",
        },
        "LEVEL1_PROCESSING_RECORD": {
            "PROCESSING_LEVEL": "L1TP",
            "FILE_NAME_BAND_8": f"{PRODUCT}_B8.TIF",
        },
        **{name: fields for name, fields in GROUPS.items() if name.startswith("LEVEL1")},
    }
    scene = read_mtl(written(as_text(surface)))
    assert scene.is_surface
    assert [band.name for band in scene.bands] == ["B4", "ST_B10"]
    assert scene.band("B4").reflectance == Rescaling(2.75e-5, -0.2)
    assert scene.band("B4").radiance is None
    assert scene.band("ST_B10").temperature == Rescaling(0.00341802, 149.0)


def test_fields_of_before_2012_are_understood(written):
    early = {
        "PRODUCT_METADATA": {
            "SPACECRAFT_ID": "Landsat5",
            "ACQUISITION_DATE": "1988-08-14",
            "STARTING_ROW": "63",
            "PRODUCT_TYPE": "L1T",
            "BAND3_FILE_NAME": "L5224063_06319880814_B30.TIF",
            "PRODUCT_UL_CORNER_LAT": "-3.4",
        },
        "MIN_MAX_RADIANCE": {"LMAX_BAND3": "264.000", "LMIN_BAND3": "-1.170"},
        "MIN_MAX_PIXEL_VALUE": {"QCALMAX_BAND3": "255.0", "QCALMIN_BAND3": "1.0"},
    }
    scene = read_mtl(written(as_text(early, "L1_METADATA_FILE")))
    assert (scene.spacecraft, scene.wrs_row, scene.level) == ("LANDSAT_5", 63, "L1T")
    radiance = scene.band("B3").radiance
    assert 255 * radiance.gain + radiance.offset == pytest.approx(264.0)
    assert 1 * radiance.gain + radiance.offset == pytest.approx(-1.170)
    assert scene.corners is None


def test_band_files_are_found_also_when_renamed_together(written, tmp_path):
    scene = read_mtl(written(as_text(), "renamed_MTL.txt"))
    assert scene.band_path("B4") is None
    (tmp_path / "renamed_b4.tif").touch()
    assert scene.band_path("B4") == tmp_path / "renamed_b4.tif"
    (tmp_path / f"{PRODUCT}_B4.TIF").touch()
    assert scene.band_path("B4") == tmp_path / f"{PRODUCT}_B4.TIF"


def test_each_scene_of_a_folder_is_found_once(tmp_path):
    for name in ("a/x_MTL.json", "a/x_MTL.txt", "b/y_mtl.xml", "b/y_B1.TIF", "z.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    found = [file.relative_to(tmp_path).as_posix() for file in find_mtl_files(tmp_path)]
    assert found == ["a/x_MTL.txt", "b/y_mtl.xml"]
    with pytest.raises(FileError, match="not a folder"):
        find_mtl_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "no Landsat MTL file"),
        ("id,value\n1,2\n", "no Landsat MTL file"),
        ("GROUP = OTHER_FILE\n A = 1\nEND_GROUP = OTHER_FILE\nEND\n", "no Landsat MTL file"),
        ("<SAFE><a>1</a></SAFE>", "cut off|no Landsat MTL file"),
        ('{"LANDSAT_METADATA_FILE": [1]}', "no Landsat MTL file"),
        (as_json()[:200], "no valid JSON"),
        (as_xml()[:400], "cut off"),
        (as_text()[:400], "cut off"),
        (as_text().replace("62.5", "high"), "SUN_ELEVATION is 'high'.*not a number"),
        (as_text().replace("62.5", "nan"), "SUN_ELEVATION.*finite"),
        (as_text().replace("2020-08-19", "19/08/2020"), "DATE_ACQUIRED.*not a date"),
        (as_text().replace("041", "41.5"), "WRS_ROW.*whole number"),
        (" " * (LARGEST_FILE + 1), "far larger"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(written, content, sentence):
    path = written(content)
    with pytest.raises(InputError, match=sentence) as raised:
        read_mtl(path)
    assert str(path) in str(raised.value)


def test_a_missing_band_or_file_is_named(written, tmp_path):
    with pytest.raises(InputError, match="has no band B9; its bands are B4, B10"):
        read_mtl(written(as_text())).band("B9")
    with pytest.raises(FileError, match="does not exist"):
        read_mtl(tmp_path / "missing_MTL.txt")
    with pytest.raises(FileError, match="cannot be read"):
        read_mtl(tmp_path)


@given(cut=st.integers(0, len(as_text())), form=st.sampled_from([as_text, as_xml, as_json]))
def test_a_file_cut_off_anywhere_is_read_or_refused_with_a_sentence(tmp_path_factory, cut, form):
    path = tmp_path_factory.mktemp("cut") / "x_MTL.txt"
    path.write_text(form()[:cut], encoding="utf-8")
    with contextlib.suppress(InputError):
        assert read_mtl(path).path == str(path)


def test_the_real_landsat_8_scene_is_read(shared_data):
    scene = read_mtl(shared_data / "deposits" / "landsat8_full_mtl" / "l8_MTL.txt")
    assert scene.scene_id == "LC80200392015216LGN00"
    assert (scene.wrs_path, scene.wrs_row, scene.utm_zone) == (20, 39, 16)
    assert len(scene.bands) == 11
    assert scene.band_path("B10").name == "l8_B10.tif"
    assert scene.sibling(scene.quality_files["QUALITY"]).name == "l8_BQA.tif"


def test_the_real_landsat_5_scene_filled_with_zero_bytes_is_read(shared_data):
    folder = shared_data / "deposits" / "landsat5_rstoolbox"
    scene = read_mtl(folder / "LT52240631988227CUB02_MTL.txt")
    assert (scene.spacecraft, scene.date) == ("LANDSAT_5", datetime.date(1988, 8, 14))
    assert scene.band("B7").radiance == Rescaling(0.066, -0.21555)
    assert scene.band("B7").reflectance is None
    assert scene.band_path("B7").name == "LT52240631988227CUB02_B7.TIF"
