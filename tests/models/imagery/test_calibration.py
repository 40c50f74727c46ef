"""Numbers become reflectance by the published formulas, worked out here a second time."""

from __future__ import annotations

import datetime
import math
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.models.imagery.calibration_jobs import calibrate
from gossan.models.imagery.landsat_reflectance import earth_sun_distance


def stored(path):
    with rasterio.open(path) as file:
        return file.read()


def field(text, name):
    return float(re.search(rf"{name} = ([-\d.Ee+]+)", text).group(1))


def made(tmp_path, progress=None, **given):
    """Return what a calibration wrote (bands, rows, columns), and its result."""
    output = tmp_path / "reflectance.tif"
    result = calibrate(progress or Progress(), output=str(output), **given)
    return stored(output), result


# Real scenes


def test_the_real_landsat_8_scene_has_the_reflectance_of_the_published_formula(
    shared_data, tmp_path
):
    """USGS, Landsat 8 Data Users Handbook, 5.2: (M Q + A) / sin(sun's elevation)."""
    folder = shared_data / "deposits" / "landsat8_full_mtl"
    text = (folder / "l8_MTL.txt").read_text()
    values, result = made(tmp_path, metadata=str(folder / "l8_MTL.txt"))
    # The panchromatic band has other pixels, the last two are thermal.
    assert result["bands"] == ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B9"]
    light = math.sin(math.radians(field(text, "SUN_ELEVATION")))
    for name, band in zip(result["bands"], values):
        numbers = stored(folder / f"l8_{name}.tif")[0].astype(np.float64)
        number = name[1:]
        expected = (
            field(text, f"REFLECTANCE_MULT_BAND_{number}") * numbers
            + field(text, f"REFLECTANCE_ADD_BAND_{number}")
        ) / light
        expected[numbers == 0] = np.nan
        np.testing.assert_allclose(band, expected, rtol=2e-6, atol=2e-7)
        assert np.isfinite(band).any()
    with rasterio.open(tmp_path / "reflectance.tif") as file:
        assert file.crs == rasterio.open(folder / "l8_B1.tif").crs
        assert float(file.tags(4)["wavelength"]) == 655


def test_chosen_bands_of_the_real_scene_are_laid_on_the_first_one(shared_data, tmp_path):
    folder = shared_data / "deposits" / "landsat8_full_mtl"
    said = []
    values, result = made(
        tmp_path, Progress(on_warning=said.append), metadata=str(folder / "l8_MTL.txt"),
        rasters=[str(folder / f"l8_B{n}.tif") for n in (4, 8)],
    )  # fmt: skip
    assert result["bands"] == ["B4", "B8"]
    assert values.shape[1:] == stored(folder / "l8_B4.tif").shape[1:]
    assert any("l8_B8.tif" in text and "interpolated" in text for text in said)
    red, pan = (band[np.isfinite(values).all(axis=0)] for band in values)
    assert np.corrcoef(red, pan)[0, 1] > 0.8


def test_the_real_landsat_5_scene_becomes_reflectance_by_its_radiance(shared_data, tmp_path):
    """Chander et al. 2009: pi L d2 / (ESUN sin(sun's elevation)), with their table 4 and d."""
    folder = shared_data / "deposits" / "landsat5_rstoolbox"
    metadata = folder / "LT52240631988227CUB02_MTL.txt"
    text = metadata.read_text(errors="replace")
    values, result = made(tmp_path, metadata=str(metadata))
    assert result["bands"] == ["B1", "B2", "B3", "B4", "B5", "B7"]
    day = datetime.date(1988, 8, 14).timetuple().tm_yday
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (day - 4)))
    light = math.sin(math.radians(field(text, "SUN_ELEVATION")))
    for name, irradiance, band in zip(
        result["bands"], (1983, 1796, 1536, 1031, 220, 83.44), values
    ):
        numbers = stored(folder / f"LT52240631988227CUB02_{name}.TIF")[0].astype(np.float64)
        radiance = field(text, f"RADIANCE_MULT_BAND_{name[1]}") * numbers + field(
            text, f"RADIANCE_ADD_BAND_{name[1]}"
        )
        expected = math.pi * radiance * distance**2 / (irradiance * light)
        expected[numbers == 0] = np.nan
        np.testing.assert_allclose(band, expected, rtol=1e-3, atol=1e-5)


def test_the_distance_of_the_sun_is_that_of_the_real_metadata():
    assert earth_sun_distance(datetime.date(2015, 8, 4)) == pytest.approx(1.0145544, abs=1e-4)
    # Perihelion and aphelion (Astronomical Almanac: 0.98331 and 1.01670 on these days of 2020).
    assert earth_sun_distance(datetime.date(2020, 1, 5)) == pytest.approx(0.98324, abs=2e-4)
    assert earth_sun_distance(datetime.date(2020, 7, 4)) == pytest.approx(1.01669, abs=2e-4)


# Every way to say what numbers mean


def test_sentinel_2_loses_the_offset_of_its_baseline(dates, tmp_path):
    for stem in ("sentinel2_20210714", "sentinel2_20240921"):
        values, _ = made(tmp_path, rasters=[str(dates.folder / f"{stem}.tif")])
        scene = dates.scenes[stem]
        expected = (scene.numbers.astype(float) - scene.added) / 10_000
        np.testing.assert_allclose(values, expected, atol=2e-7)
    assert dates.scenes["sentinel2_20240921"].added == 1000


def test_landsat_level_2_needs_no_metadata(tmp_path, write_raster):
    stem = "LC08_L2SP_123041_20200819_20200905_02_T1"
    numbers = np.array([[0, 7273, 20_000, 43_636]], np.uint16)
    files = [write_raster(tmp_path / f"{stem}_SR_B{n}.TIF", numbers) for n in (4, 5)]
    values, result = made(tmp_path, rasters=files)
    assert result["bands"] == ["B4", "B5"]
    expected = numbers * 2.75e-5 - 0.2
    np.testing.assert_allclose(values[1, 0, 1:], expected[0, 1:], atol=1e-7)
    assert np.isnan(values[:, 0, 0]).all()


def envi(tmp_path, numbers, **header):
    """Write an ENVI image (bands, rows, columns) with further lines in its header."""
    numbers.astype("uint16").tofile(tmp_path / "scene.dat")
    bands, rows, columns = numbers.shape
    lines = {
        "samples": columns, "lines": rows, "bands": bands, "data type": 12,
        "interleave": "bsq", "byte order": 0, "wavelength units": "Nanometers",
        "wavelength": "{" + ", ".join(str(500 + 100 * b) for b in range(bands)) + "}", **header,
    }  # fmt: skip
    text = "ENVI\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())
    (tmp_path / "scene.hdr").write_text(text)
    return str(tmp_path / "scene.dat")


RADIANCE = {
    "data gain values": "{0.1, 0.2}",
    "data offset values": "{-1, 2}",
    "solar irradiance": "{1900, 1700}",
    "sun elevation": "48.5",
    "acquisition time": "2022-03-11T02:31:33Z",
}


def test_an_envi_header_of_radiance_is_followed(tmp_path):
    numbers = np.random.default_rng(1).integers(1, 900, (2, 5, 7))
    values, _ = made(tmp_path, rasters=[envi(tmp_path, numbers, **RADIANCE)])
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (31 + 28 + 11 - 4)))
    light = math.sin(math.radians(48.5))
    for band, gain, offset, irradiance in ((0, 0.1, -1, 1900), (1, 0.2, 2, 1700)):
        radiance = numbers[band] * gain + offset
        expected = math.pi * radiance * distance**2 / (irradiance * light)
        np.testing.assert_allclose(values[band], expected, rtol=1e-3)


def test_gains_of_reflectance_in_a_header_win_over_those_of_radiance(tmp_path):
    numbers = np.random.default_rng(1).integers(1, 9000, (2, 5, 7))
    header = {**RADIANCE, "data reflectance gain values": "{1e-4, 2e-4}"}
    values, _ = made(tmp_path, rasters=[envi(tmp_path, numbers, **header)])
    np.testing.assert_allclose(values, numbers * np.array([1e-4, 2e-4])[:, None, None], rtol=1e-6)


@pytest.mark.parametrize(
    "table",
    [
        "band;gain;offset;esun\nred;0,01;-1,5;1550\nnir;0,02;0;1040\n",
        "Band,Gain,Offset,Irradiance\n2,0.02,0,1040\n1,0.01,-1.5,1550\n",
        "band,gain,offset,irradiance,quantity\nRED,0.01,-1.5,1550,radiance\nNIR,0.02,,1040,radiance\n",
    ],
)
def test_a_table_says_what_each_band_means(tmp_path, write_raster, table):
    numbers = np.random.default_rng(1).integers(150, 9000, (2, 5, 7)).astype(np.uint16)
    raster = write_raster(tmp_path / "x.tif", numbers, names=["red", "nir"])
    (tmp_path / "gains.csv").write_text(table, encoding="latin-1")
    values, _ = made(
        tmp_path, rasters=[raster], metadata=str(tmp_path / "gains.csv"), sun_elevation=30.0,
        date="2021-07-05",
    )  # fmt: skip
    light, distance = 0.5, 1.01670
    for band, gain, offset, irradiance in ((0, 0.01, -1.5, 1550), (1, 0.02, 0, 1040)):
        expected = math.pi * (numbers[band] * gain + offset) * distance**2 / (irradiance * light)
        np.testing.assert_allclose(values[band], expected, rtol=1e-3, atol=1e-5)


def test_a_scale_counts_before_everything_else(tmp_path):
    numbers = np.full((2, 3, 3), 500)
    values, _ = made(tmp_path, rasters=[envi(tmp_path, numbers, **RADIANCE)], scale=0.001,
                     offset=-0.1)  # fmt: skip
    np.testing.assert_allclose(values, 0.4, rtol=1e-6)


# The air


def test_dark_objects_are_found_and_the_path_is_taken_off(dates, tmp_path):
    source = str(dates.folder / "sentinel2_20240921.tif")
    plain, _ = made(tmp_path, rasters=[source])
    share = 0.5
    values, result = made(
        tmp_path, rasters=[source], correction="dark object", dark_share=share,
        report=str(tmp_path / "r.html"),
    )  # fmt: skip
    haze = []
    for before, after in zip(plain, values):
        dark = np.percentile(before, share, method="inverted_cdf")
        haze.append(max(dark - 0.01, 0))
        np.testing.assert_allclose(after, before - haze[-1], atol=1.2e-4)
    assert max(haze) > 0.003
    assert result["path_reflectance"] == pytest.approx(np.mean(haze), abs=1e-4)
    assert "Dark objects" in (tmp_path / "r.html").read_text()


def empirical_world(tmp_path, write_raster, ground=None):
    """Three targets in an image whose bands are 0.5 x ground + 0.07 and 0.8 x ground + 0.02."""
    ground = np.array([[0.05, 0.08], [0.30, 0.42], [0.61, 0.55]]) if ground is None else ground
    image = np.full((2, 6, 9), 0.3)
    for target, (first, second) in enumerate(ground):
        image[0, :, 3 * target : 3 * target + 3] = 0.5 * first + 0.07
        image[1, :, 3 * target : 3 * target + 3] = 0.8 * second + 0.02
    raster = write_raster(tmp_path / "x.tif", image.astype(np.float32), names=["550 nm", "850 nm"])
    grid = np.arange(400, 1001, 10)
    rows = ["name," + ",".join(str(w) for w in grid)]
    for name, (first, second) in zip(("asphalt", "gravel", "tarp"), ground):
        rows.append(name + "," + ",".join(f"{v:.6f}" for v in np.where(grid < 700, first, second)))
    (tmp_path / "field.csv").write_text("\n".join(rows))
    points = ["fid,x,y,target"]
    for target, name in enumerate(("Asphalt", "gravel", "tarp")):
        for step in range(2):
            x = 500_000 + 10 * (3 * target + step + 0.5)
            points.append(f"{len(points)},{x},{4_000_000 - 25},{name}")
    points += ["8,0,0,tarp", "9,500005,3999985,"]
    (tmp_path / "targets.csv").write_text("\n".join(points))
    return {
        "rasters": [raster], "correction": "empirical line", "target_field": "target",
        "library": str(tmp_path / "field.csv"), "targets": str(tmp_path / "targets.csv"),
    }, ground  # fmt: skip


def test_the_empirical_line_gives_back_the_spectra_of_the_ground(tmp_path, write_raster):
    said = []
    given, ground = empirical_world(tmp_path, write_raster)
    values, _ = made(tmp_path, Progress(on_warning=said.append), **given,
                     report=str(tmp_path / "r.html"))  # fmt: skip
    for target, (first, second) in enumerate(ground):
        np.testing.assert_allclose(values[0, :, 3 * target], first, atol=1e-5)
        np.testing.assert_allclose(values[1, :, 3 * target], second, atol=1e-5)
    assert any(text.startswith("2 target points") for text in said)
    assert "Empirical line" in (tmp_path / "r.html").read_text()


# Faults


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rasters": []}, "No raster was given"),
        ({"quantity": "energy"}, "no quantity 'energy'"),
        ({"correction": "magic"}, "no correction 'magic'"),
        ({"dark_share": 0.0}, "no dark object"),
        ({"quantity": "radiance"}, "holds no gains of radiance"),
        ({"quantity": "radiance", "scale": 0.1}, "solar irradiance"),
        ({"date": "3.4.2020"}, "is not a date"),
        ({"metadata": "/nowhere_MTL.txt"}, "does not exist"),
        ({"metadata": "gains"}, "has no column band"),
        ({"metadata": "band,gain\nred,x\n"}, "Row 1.*'x', which is no number"),
        ({"metadata": "band,gain\nred,\n"}, "Row 1.*has no gain"),
        ({"metadata": "band,gain\nred,1\n"}, "no row for the band nir"),
        ({"metadata": "band,gain,quantity\nred,1,joule\nnir,1,\n"}, "neither radiance nor"),
        ({"metadata": "band,gain,esun\nred,1,1500\nnir,1,1000\n"}, "needs the day"),
        ({"metadata": "band,gain,esun\nred,1,1500\nnir,1,1000\n", "date": "2020-01-01"},
         "does not say the sun's elevation"),
        ({"metadata": "band,gain,esun\nred,1,1500\nnir,1,1000\n", "date": "2020-01-01",
          "sun_elevation": -3.0}, "elevation of -3"),
        ({"metadata": "band,gain,quantity\nred,1,radiance\nnir,1,radiance\n"}, "solar irradiance"),
        ({"correction": "empirical line"}, "needs field spectra"),
        ({"wavelengths": "wavelength\n500\n"}, "2|bands"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_nothing_is_written(tmp_path, write_raster, changes, sentence):
    folder = tmp_path / "out"
    folder.mkdir()
    raster = write_raster(tmp_path / "x.tif", np.full((2, 4, 4), 500, np.uint16),
                          names=["red", "nir"])  # fmt: skip
    for name in ("metadata", "wavelengths"):
        text = changes.get(name, "")
        if text and not text.startswith("/"):
            (tmp_path / f"{name}.csv").write_text(text)
            changes = {**changes, name: str(tmp_path / f"{name}.csv")}
    with pytest.raises((InputError, FileError), match=sentence):
        calibrate(Progress(), **{"rasters": [raster], "output": str(folder / "o.tif"), **changes})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"sun elevation": "high"}, "sun elevation is 'high'"),
        ({"solar irradiance": "{1900}"}, "not 2 numbers"),
        ({"data gain values": "{a, b}"}, "not 2 numbers"),
        ({"acquisition time": "noon"}, "is not a date"),
        ({"solar irradiance": "{0, 0}"}, "solar irradiance"),
    ],
)
def test_a_header_that_cannot_be_followed_is_refused(tmp_path, header, sentence):
    raster = envi(tmp_path, np.full((2, 3, 3), 500), **{**RADIANCE, **header})
    with pytest.raises(InputError, match=sentence):
        made(tmp_path, rasters=[raster])


def test_a_landsat_level_1_file_without_metadata_is_refused(tmp_path, write_raster):
    raster = write_raster(tmp_path / "LC08_L1TP_123041_20200819_20200905_02_T1_B4.TIF",
                          np.full((3, 3), 9000, np.uint16))  # fmt: skip
    with pytest.raises(InputError, match=r"MTL\.txt\) are not beside it"):
        made(tmp_path, rasters=[raster])


def test_two_scenes_at_once_are_refused(dates, tmp_path):
    with pytest.raises(InputError, match="of 2 scenes"):
        made(tmp_path, rasters=dates.images[:2])


def test_a_thermal_band_is_refused_by_name(shared_data, tmp_path):
    folder = shared_data / "deposits" / "landsat8_full_mtl"
    with pytest.raises(InputError, match=r"B10.*thermal"):
        made(tmp_path, metadata=str(folder / "l8_MTL.txt"), rasters=[str(folder / "l8_B10.tif")])


@pytest.mark.parametrize(
    ("ground", "sentence"),
    [
        (np.array([[0.3, 0.3], [0.3, 0.3], [0.3, 0.3]]), "look alike"),
        (None, "has no spectrum mud"),
    ],
)
def test_targets_that_cannot_be_fitted_are_refused(tmp_path, write_raster, ground, sentence):
    given, _ = empirical_world(tmp_path, write_raster, ground)
    if ground is None:
        text = Path(given["targets"]).read_text().replace("gravel", "mud")
        Path(given["targets"]).write_text(text)
    with pytest.raises(InputError, match=sentence):
        made(tmp_path, **given)


def test_points_that_carry_the_wrong_names_are_noticed(tmp_path, write_raster):
    given, _ = empirical_world(tmp_path, write_raster)
    text = Path(given["targets"]).read_text()
    swapped = text.replace("Asphalt", "A").replace("tarp", "asphalt").replace("A\n", "tarp\n")
    Path(given["targets"]).write_text(swapped)
    with pytest.raises(InputError, match="brighter on the ground are darker in the image"):
        made(tmp_path, **given)


def test_cancelled_it_leaves_nothing(dates, tmp_path):
    with pytest.raises(CancelledError):
        made(tmp_path, Progress(cancelled=lambda: True), rasters=dates.images[:1])
    assert list(tmp_path.iterdir()) == []
