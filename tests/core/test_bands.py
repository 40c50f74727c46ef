"""Bands: what they are called, where their wavelengths come from, and matching them."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from gossan.core.bands import (
    SENSORS,
    Band,
    match,
    require_wavelengths,
    sensor_bands,
    usable,
    wavelengths_of,
)
from gossan.core.errors import BandMismatchError, FileError, InputError
from gossan.core.raster import open_raster


def spectral(*centres, fwhm=None):
    return [Band(i, f"band {i + 1}", centre, fwhm) for i, centre in enumerate(centres)]


def tiff(path, count, *, descriptions=None, tags=None, band_tags=None, imagery=None):
    with rasterio.open(
        path, "w", driver="GTiff", height=1, width=1, count=count, dtype="float32"
    ) as dataset:
        dataset.update_tags(**(tags or {}))
        for number in range(1, count + 1):
            if descriptions:
                dataset.set_band_description(number, descriptions[number - 1])
            if band_tags:
                dataset.update_tags(number, **band_tags[number - 1])
            if imagery:
                dataset.update_tags(number, ns="IMAGERY", **imagery[number - 1])
    return path


def envi(path, count, *header):
    path.write_bytes(np.zeros(count, "<f4").tobytes())
    lines = [
        "ENVI",
        "samples = 1",
        "lines = 1",
        f"bands = {count}",
        "header offset = 0",
        "file type = ENVI Standard",
        "data type = 4",
        "interleave = bsq",
        "byte order = 0",
        *header,
    ]
    path.with_suffix(".hdr").write_text("\n".join(lines) + "\n")
    return path


def bands_of(path, csv=None):
    with open_raster(path, wavelengths=csv) as raster:
        return raster.info.bands, raster.info.notes


def test_envi_headers_give_wavelengths_widths_and_bad_bands(tmp_path):
    path = envi(
        tmp_path / "a.dat",
        3,
        "wavelength units = Micrometers",
        "wavelength = { 2.2001,",
        " 0.45005, 0.9 }",
        "fwhm = {0.012, 0.006, 0.01}",
        "bbl = {1, 0, 1}",
        "band names = {clay, blue, infrared}",
    )
    bands, notes = bands_of(path)
    assert [band.wavelength for band in bands] == pytest.approx([2200.1, 450.05, 900.0])
    assert [band.fwhm for band in bands] == pytest.approx([12.0, 6.0, 10.0])
    assert [band.good for band in bands] == [True, False, True]
    assert [band.name for band in bands] == ["clay", "blue", "infrared"]
    assert notes == ()


@pytest.mark.parametrize("unit", ["wavelength units = Unknown", ""])
@pytest.mark.parametrize(("values", "word"), [("0.45, 2.2", "micro"), ("450, 2200", "nano")])
def test_an_unknown_unit_is_guessed_openly(tmp_path, unit, values, word):
    bands, notes = bands_of(envi(tmp_path / "a.dat", 2, unit, f"wavelength = {{{values}}}"))
    assert [band.wavelength for band in bands] == pytest.approx([450.0, 2200.0])
    assert len(notes) == 1
    assert word in notes[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"wavelength": "450", "wavelength_units": "Nanometers"}, {"wavelength": "2200"}),
        ({"Wavelengths": "0.45", "Wavelength_Unit": "um"}, {"Wavelengths": "2.2"}),
        ({"WAVELENGTH": "450 nm"}, {"WAVELENGTH": "2200 nm"}),
        ({"center_wavelength": "0.45 µm"}, {"center_wavelength": "2.2 µm"}),
    ],
)
def test_band_tags_give_wavelengths_in_many_spellings(tmp_path, first, second):
    bands, notes = bands_of(tiff(tmp_path / "a.tif", 2, band_tags=[first, second]))
    assert [band.wavelength for band in bands] == pytest.approx([450.0, 2200.0])
    assert notes == ()


def test_band_tags_give_widths_and_bad_bands(tmp_path):
    tags = [
        {"wavelength": "450", "wavelength_units": "nm", "FWHM": "6.5", "bbl": "0"},
        {"wavelength": "2200", "wavelength_units": "nm", "FWHM": "12", "bbl": "1"},
    ]
    bands, _ = bands_of(tiff(tmp_path / "a.tif", 2, band_tags=tags))
    assert [(band.fwhm, band.good) for band in bands] == [(6.5, False), (12.0, True)]


def test_lists_in_file_tags_give_wavelengths(tmp_path):
    tags = {"wavelength": "{0.45, 2.2}", "wavelength_units": "Micrometers"}
    bands, _ = bands_of(tiff(tmp_path / "a.tif", 2, tags=tags))
    assert [band.wavelength for band in bands] == pytest.approx([450.0, 2200.0])


def test_the_imagery_domain_gives_wavelengths(tmp_path):
    imagery = [
        {"CENTRAL_WAVELENGTH_UM": "0.4427", "FWHM_UM": "0.02"},
        {"CENTRAL_WAVELENGTH_UM": "2.2024", "FWHM_UM": "0.174"},
    ]
    bands, _ = bands_of(tiff(tmp_path / "a.tif", 2, imagery=imagery))
    assert [band.wavelength for band in bands] == pytest.approx([442.7, 2202.4])
    assert [band.fwhm for band in bands] == pytest.approx([20.0, 174.0])


@pytest.mark.parametrize(
    "descriptions",
    [
        ["band 12 (652.3 nm)", "band 13 (0.7 um)"],
        ["Band 12 (652.3 Nanometers)", "Band 13 (700 Nanometers)"],
        ["0.6523 Micrometers", "0.7 Micrometers"],
        ["Resize (Band 12:cube) (652.300000)", "Resize (Band 13:cube) (700.000000)"],
    ],
)
def test_descriptions_give_wavelengths(tmp_path, descriptions):
    bands, _ = bands_of(tiff(tmp_path / "a.tif", 2, descriptions=descriptions))
    assert [band.wavelength for band in bands] == pytest.approx([652.3, 700.0])


def test_sentinel_names_give_wavelengths_and_say_so(tmp_path):
    bands, notes = bands_of(tiff(tmp_path / "a.tif", 3, descriptions=["B02", "B8A", "B12"]))
    assert [band.wavelength for band in bands] == [492.7, 864.7, 2202.4]
    assert any("Sentinel-2" in note for note in notes)


def test_names_that_several_satellites_have_give_no_wavelength(tmp_path):
    bands, _ = bands_of(tiff(tmp_path / "a.tif", 2, descriptions=["B4", "B5"]))
    assert wavelengths_of(bands) is None


@pytest.mark.parametrize(
    ("text", "widths"),
    [
        ("wavelength,fwhm\n450,6\n2200,12\n", [6, 12]),
        ("band;wavelength (um);fwhm\n1;0,45;0,006\n2;2,2;0,012\n", [6, 12]),
        ("450\n2200\n", [None, None]),
        ("\ufeffname,wavelength_nm\nblue,450\nclay,2200\n", [None, None]),
        ("450,2200\n", [None, None]),
        ("1,450\n2,2200\n", [None, None]),
    ],
)
def test_a_table_wins_over_the_file(tmp_path, text, widths):
    table = tmp_path / "bands.csv"
    table.write_text(text, encoding="utf-8")
    path = tiff(tmp_path / "a.tif", 2, descriptions=["1 nm", "2 nm"])
    bands, notes = bands_of(path, str(table))
    assert [band.wavelength for band in bands] == pytest.approx([450.0, 2200.0])
    assert [band.fwhm for band in bands] == [
        None if w is None else pytest.approx(w) for w in widths
    ]
    assert any("bands.csv" in note for note in notes)


def test_tables_that_do_not_fit_are_refused(tmp_path):
    path = tiff(tmp_path / "a.tif", 2)
    table = tmp_path / "bands.csv"
    table.write_text("wavelength\n450\n")
    with pytest.raises(InputError, match="1 rows of wavelengths and the raster has 2 bands"):
        bands_of(path, str(table))
    table.write_text("wavelength\n450\nmany\n")
    with pytest.raises(InputError, match="row 3"):
        bands_of(path, str(table))
    with pytest.raises(FileError, match=r"missing\.csv"):
        bands_of(path, str(tmp_path / "missing.csv"))


def test_nameless_bands_are_named_after_their_file(tmp_path):
    assert [band.name for band in bands_of(tiff(tmp_path / "slope.tif", 1))[0]] == ["slope"]
    names = [band.name for band in bands_of(tiff(tmp_path / "scene.tif", 2))[0]]
    assert names == ["scene band 1", "scene band 2"]


def test_equal_names_in_a_file_are_numbered(tmp_path):
    bands, _ = bands_of(tiff(tmp_path / "a.tif", 3, descriptions=["red", "red", "nir"]))
    assert [band.name for band in bands] == ["red", "red [2]", "nir"]


def test_names_match_without_regard_to_case_blanks_and_zeros():
    wanted = [Band(0, "B02"), Band(1, "B8A"), Band(2, "slope")]
    available = [Band(0, "Slope"), Band(1, "b8a"), Band(2, "Band 2"), Band(3, "B8")]
    assert match(wanted, available) == [2, 1, 0]


def test_wavelengths_match_within_half_the_width_or_ten_nanometres():
    available = spectral(440, 460, 600, 612)
    assert match([Band(0, "x", 466.0, 14.0)], available) == [1]
    assert match([Band(0, "x", 608.0)], available) == [3]
    assert match([Band(0, "x", 450.0, 20.0)], spectral(441, 458)) == [1]
    with pytest.raises(BandMismatchError):
        match([Band(0, "x", 466.0, 10.0)], available)
    with pytest.raises(BandMismatchError):
        match([Band(0, "x", 623.0)], available)


def test_a_name_does_not_count_against_its_wavelength():
    """Two sensors' band 3 are different bands."""
    assert match([Band(0, "band 1", 600.0)], spectral(450, 601)) == [1]


def test_unordered_wavelengths_match():
    assert match(spectral(450, 2200, 900), spectral(2201, 899, 451)) == [2, 0, 1]


def test_a_mismatch_shows_both_lists():
    with pytest.raises(BandMismatchError) as problem:
        match([Band(0, "B4", 665.0), Band(1, "B11", 1610.0)], [Band(0, "red", 664.0)])
    text = str(problem.value)
    assert "Not found: B11 (1610 nm)" in text
    assert "Needed: B4 (665 nm), B11 (1610 nm)" in text
    assert "Available: red (664 nm)" in text


def test_one_band_never_serves_twice():
    with pytest.raises(BandMismatchError, match="same band"):
        match(spectral(450, 452), spectral(451))


def test_position_counts_only_on_request():
    wanted, available = [Band(0, "a"), Band(1, "b")], [Band(0, "x"), Band(1, "y")]
    with pytest.raises(BandMismatchError):
        match(wanted, available)
    assert match(wanted, available, by_position=True) == [0, 1]
    with pytest.raises(BandMismatchError, match="2 bands are needed and the raster has 1"):
        match(wanted, available[:1], by_position=True)


def test_water_bands_are_left_out_unless_the_file_has_its_own_list():
    bands = spectral(900, 1340, 1400, 1461, 1850, 1981, 2490)
    np.testing.assert_array_equal(usable(bands), [1, 0, 0, 1, 0, 1, 1])
    assert usable(bands, drop_water=False).all()
    listed = [Band(0, "a", 900.0, None, False), Band(1, "b", 1400.0)]
    np.testing.assert_array_equal(usable(listed), [False, True])
    assert usable([Band(0, "dem")]).all()


def test_missing_and_double_wavelengths_are_refused():
    with pytest.raises(InputError, match=r"1 of its 2 bands \(b\)"):
        require_wavelengths([Band(0, "a", 1.0), Band(1, "b")], "a.tif")
    with pytest.raises(InputError, match="same wavelength"):
        require_wavelengths(spectral(450, 460, 450), "a.tif")
    np.testing.assert_array_equal(require_wavelengths(spectral(460, 450), "a.tif"), [460, 450])


def test_sensors_have_their_bands_in_order():
    assert list(SENSORS["sentinel-2"])[7:10] == ["B8", "B8A", "B9"]
    assert len(sensor_bands("Landsat-8")) == 11
    for sensor in SENSORS:
        assert all(band.fwhm < band.wavelength for band in sensor_bands(sensor))
    with pytest.raises(InputError, match="Known are"):
        sensor_bands("landsat-99")


def test_enmap_metadata_beside_the_image_are_read(tmp_path):
    path = tiff(tmp_path / "ENMAP01-X-SPECTRAL_IMAGE.TIF", 2)
    entries = "".join(
        f'<bandID number="{n}"><wavelengthCenterOfBand>{centre}</wavelengthCenterOfBand>'
        f"<FWHMOfBand>{width}</FWHMOfBand><GainOfBand>0.0001</GainOfBand>"
        "<OffsetOfBand>0</OffsetOfBand></bandID>"
        for n, centre, width in ((1, 418.416, 6.99561), (2, 2445.53, 7.5))
    )
    (tmp_path / "ENMAP01-X-METADATA.XML").write_text(f"<level_X><bands>{entries}</bands></level_X>")
    with open_raster(path) as raster:
        assert [band.wavelength for band in raster.info.bands] == [418.416, 2445.53]
        assert [band.fwhm for band in raster.info.bands] == [6.99561, 7.5]
        assert raster.info.scale == (0.0001, 0.0001)


def test_enmap_metadata_with_odd_numbers_are_passed_over(tmp_path):
    path = tiff(tmp_path / "ENMAP01-X-SPECTRAL_IMAGE.TIF", 1)
    entries = "".join(
        f"<{tag}>--</{tag}>"
        for tag in ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
    )
    (tmp_path / "ENMAP01-X-METADATA.XML").write_text(f"<level_X>{entries}</level_X>")
    with open_raster(path) as raster:
        assert raster.info.bands[0].wavelength is None
