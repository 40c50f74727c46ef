"""Spectral libraries as files: ENVI, CSV and ECOSTRESS, as they come and as they are written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gossan.core.errors import FileError, InputError
from gossan.core.spectra import SpectralLibrary, read_library, write_library


def envi(path, spectra, names, *header, dtype="<f4", order=0, data_type=4):
    spectra = np.atleast_2d(spectra)
    path.write_bytes(spectra.astype(dtype).tobytes())
    lines = [
        "ENVI",
        "description = { a = b }",
        f"samples = {spectra.shape[1]}",
        f"lines = {spectra.shape[0]}",
        "bands = 1",
        "header offset = 0",
        "file type = ENVI Spectral Library",
        f"data type = {data_type}",
        "interleave = bsq",
        f"byte order = {order}",
        f"spectra names = {{{names}}}",
        *header,
    ]
    path.with_suffix(".hdr").write_text("\n".join(lines) + "\n")
    return path


def some_library(**options):
    return SpectralLibrary(
        ["quartz", "clay, wet"],
        [[0.1, 0.25, np.nan], [0.4, 0.5, 0.6]],
        [450.123456, 900.0, 2200.5],
        classes=["silicate", "clay"],
        sources=["field", "USGS"],
        **options,
    )


@pytest.mark.parametrize(("dtype", "order"), [("<f4", 0), (">f4", 1)])
def test_both_byte_orders_are_read(tmp_path, dtype, order):
    path = envi(
        tmp_path / "a.sli",
        [[0.1, 0.2], [0.3, 0.4]],
        "one, two",
        "wavelength = {450, 2200}",
        "wavelength units = Nanometers",
        dtype=dtype,
        order=order,
    )
    for name in ("a.sli", "a.hdr"):
        found = read_library(path.with_name(name))
        np.testing.assert_allclose(found.spectra, [[0.1, 0.2], [0.3, 0.4]], rtol=1e-6)
        assert found.names == ("one", "two")
        assert found.sources == ("a.sli", "a.sli")


def test_micrometres_widths_and_deleted_channels(tmp_path):
    path = envi(
        tmp_path / "a.sli",
        [[0.1, -1.23e34, 0.3]],
        "one",
        "wavelength units = Micrometers",
        "wavelength = {0.45, 1.4, 2.2}",
        "fwhm = {0.006, 0.01, 0.012}",
    )
    found = read_library(path)
    np.testing.assert_allclose(found.wavelengths, [450, 1400, 2200])
    np.testing.assert_allclose(found.fwhm, [6, 10, 12])
    np.testing.assert_allclose(found.spectra, [[0.1, np.nan, 0.3]], rtol=1e-6)


def test_rows_that_are_no_spectra_are_left_out_and_counted(tmp_path):
    path = envi(
        tmp_path / "a.sli",
        [[0.45, 0.9, 2.2], [0.006] * 3, [0.1, 0.2, 0.3], [0.01] * 3, [0.4, 0.5, 0.6]],
        "Wavelengths in microns, Resolution in microns, quartz, error bars to preceding, clay",
        "wavelength units = Micrometers",
        "wavelength = {0.45, 0.9, 2.2}",
    )
    found = read_library(path)
    assert found.names == ("quartz", "clay")
    assert any("3 rows" in note for note in found.notes)


def test_names_with_commas_are_told_apart_by_their_lines(tmp_path):
    grid = "wavelength = {450, 2200}"
    path = envi(tmp_path / "a.sli", [[0.1, 0.2]] * 2, "\nclay, wet,\nclay, dry\n", grid)
    assert read_library(path).names == ("clay, wet", "clay, dry")
    path = envi(tmp_path / "b.sli", [[0.1, 0.2]] * 2, "clay, wet, clay, dry", grid)
    found = read_library(path)
    assert found.names == ("spectrum 1", "spectrum 2")
    assert any("4 names for 2 spectra" in note for note in found.notes)


@pytest.mark.parametrize(
    ("values", "header", "said"),
    [
        ([[20.0, 55.0]], "", "percent"),
        ([[2000.0, 5500.0]], "", "10000"),
        ([[2000.0, 5500.0]], "reflectance scale factor = 10000", None),
        ([[0.2, 0.55]], "reflectance scale factor = 1.0", None),
    ],
)
def test_spectra_become_reflectance_and_assumptions_are_said(tmp_path, values, header, said):
    path = envi(
        tmp_path / "a.sli",
        values,
        "one",
        "wavelength = {450, 2200}",
        "wavelength units = nm",
        header,
    )
    found = read_library(path)
    expected = [[0.2, 0.55]]
    np.testing.assert_allclose(found.spectra, expected, rtol=1e-6)
    assert (len(found.notes) == 0) if said is None else said in found.notes[0]


def test_damaged_envi_libraries_are_refused(tmp_path):
    grid = "wavelength = {450, 2200}"
    cut = envi(tmp_path / "cut.sli", [[0.1, 0.2]] * 3, "a, b, c", grid)
    cut.write_bytes(cut.read_bytes()[:-5])
    bare = tmp_path / "bare.sli"
    bare.write_bytes(b"1234")
    few = envi(tmp_path / "few.sli", [[0.1, 0.2]], "a", "wavelength = {450}")
    words = envi(tmp_path / "words.sli", [[0.1, 0.2]], "a", "wavelength = {450, red}")
    image = envi(tmp_path / "image.sli", [[0.1, 0.2]], "a", grid)
    header = image.with_suffix(".hdr")
    header.write_text(header.read_text().replace("ENVI Spectral Library", "ENVI Standard"))
    complex_ = envi(tmp_path / "complex.sli", [[0.1, 0.2]], "a", grid, data_type=6)
    empty = tmp_path / "empty.sli"
    empty.touch()
    lone = tmp_path / "lone.hdr"
    lone.write_text("ENVI\n")
    wrong = tmp_path / "wrong.sli"
    wrong.write_bytes(b"1234")
    wrong.with_suffix(".hdr").write_text("no header\n")
    for path, kind, text in (
        (cut, FileError, "cut off"),
        (bare, FileError, "no header"),
        (few, InputError, "1 wavelengths for 2 bands"),
        (words, InputError, "no number"),
        (image, InputError, "not a spectral library"),
        (complex_, FileError, "data type"),
        (empty, FileError, "is empty"),
        (lone, FileError, "without its .sli"),
        (wrong, FileError, "not an ENVI header"),
        (tmp_path / "missing.sli", FileError, "does not exist"),
    ):
        with pytest.raises(kind, match=text) as problem:
            read_library(path)
        assert path.stem in str(problem.value)


@pytest.mark.parametrize(
    "text",
    [
        "name,class,source,450,2200\nquartz,silicate,field,0.1,0.2\nclay,clay,USGS,0.3,\n",
        "Name;Class;Source;X450;X2200\nquartz;silicate;field;0,1;0,2\nclay;clay;USGS;0,3;nan\n",
        "name\tclass\tsource\t0.45 um\t2.2 um\nquartz\tsilicate\tfield\t0.1\t0.2\n"
        "clay\tclay\tUSGS\t0.3\t-1.23e34\n",
        "wavelength,quartz,clay\nclass,silicate,clay\nsource,field,USGS\n450,0.1,0.3\n2200,0.2,\n",
        "wavelength (um),quartz,clay\nclass,silicate,clay\nsource,field,USGS\n"
        "0.45,10,30\n2.2,20,\n",
    ],
    ids=["rows", "semicolons", "micrometres", "columns", "columns in percent"],
)
def test_tables_are_read_in_both_directions(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    found = read_library(path)
    assert found.names == ("quartz", "clay")
    assert found.classes == ("silicate", "clay")
    assert found.sources == ("field", "USGS")
    np.testing.assert_allclose(found.wavelengths, [450, 2200])
    np.testing.assert_allclose(found.spectra, [[0.1, 0.2], [0.3, np.nan]])


def test_latin_letters_in_tables_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("name,450,2200\nGrünstein,0.1,0.2\n".encode("latin-1"))
    assert read_library(path).names == ("Grünstein",)


def test_tables_that_are_none_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    for text, words in (
        ("name,450,2200\n", "no spectra"),
        ("name,450,2200\nquartz,0.1,high\n", "row 2: 'high'"),
        ("one,two\nthree,four\n", "no table of spectra"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            read_library(path)


def ecostress(path, name, pairs, **fields):
    head = {"Name": name, "Type": "Mineral", "Class": "Sulfide", **fields}
    lines = [f"{key}: {value}" for key, value in head.items()]
    lines += ["X Units: Wavelength (micrometers)", "Y Units:Reflectance (percent)", ""]
    lines += [f" {x}\t {y}" for x, y in pairs]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ecostress_texts_are_read_alone_and_as_folders(tmp_path):
    one = ecostress(tmp_path / "a.txt", "Stibnite", [(2.5, 40.0), (0.5, 20.0)])
    ecostress(tmp_path / "b.txt", "Pyrite", [(0.4, 10.0), (1.5, 30.0)])
    (tmp_path / "readme.txt").write_text("About these files")
    found = read_library(one)
    assert found.names == ("Stibnite",)
    assert found.classes == ("Sulfide",)
    np.testing.assert_allclose(found.wavelengths, [500, 2500])
    np.testing.assert_allclose(found.spectra, [[0.2, 0.4]])
    folder = read_library(tmp_path)
    np.testing.assert_allclose(folder.wavelengths, [400, 500, 1500, 2500])
    np.testing.assert_allclose(folder.spectra[0], [np.nan, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(folder.spectra[1][[0, 2, 3]], [0.1, 0.3, np.nan])
    assert any("1 text files" in note for note in folder.notes)


def test_texts_that_are_no_spectra_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("hello")
    with pytest.raises(InputError, match="is no spectrum"):
        read_library(path)
    ecostress(path, "Pyrite", [(0.4, 10.0), ("0.5", "bad value")])
    with pytest.raises(FileError, match="line 8"):
        read_library(path)
    folder = tmp_path / "none"
    folder.mkdir()
    with pytest.raises(FileError, match="holds no spectra"):
        read_library(folder)


@pytest.mark.parametrize("name", ["a.sli", "a.csv"])
def test_what_is_written_is_read_back(tmp_path, name):
    written = some_library()
    write_library(tmp_path / name, written)
    found = read_library(tmp_path / name)
    np.testing.assert_array_equal(found.spectra, written.spectra)
    np.testing.assert_allclose(found.wavelengths, written.wavelengths, rtol=1e-9)
    assert found.classes == written.classes
    assert found.sources == written.sources
    assert found.notes == ()
    comma = ";" if name == "a.sli" else ","
    assert found.names == ("quartz", f"clay{comma} wet")


def test_widths_survive_in_envi_libraries(tmp_path):
    write_library(tmp_path / "a.sli", some_library(fwhm=[6.0, 10.0, 12.5]))
    np.testing.assert_array_equal(read_library(tmp_path / "a.sli").fwhm, [6.0, 10.0, 12.5])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12), min_size=1),
    st.sampled_from(["a.sli", "a.csv"]),
)
def test_any_names_keep_the_number_of_spectra(tmp_path_factory, names, file):
    path = tmp_path_factory.mktemp("names") / file
    spectra = np.random.default_rng(0).random((len(names), 4))
    write_library(path, SpectralLibrary(names, spectra, [450, 800, 1650, 2200]))
    found = read_library(path)
    np.testing.assert_array_equal(found.spectra, spectra)


def test_spectral_python_opens_what_is_written(tmp_path):
    reference = pytest.importorskip("spectral")
    written = some_library()
    write_library(tmp_path / "a.sli", written)
    opened = reference.open_image(str(tmp_path / "a.hdr"))
    np.testing.assert_allclose(opened.bands.centers, written.wavelengths)
    np.testing.assert_allclose(opened.spectra[1], written.spectra[1])
    assert opened.names == ["quartz", "clay; wet"]


def test_what_spectral_python_writes_is_opened(tmp_path):
    reference = pytest.importorskip("spectral")
    spectra = np.array([[0.1, 0.2], [0.3, 0.4]])
    header = {"wavelength": [450, 2200], "wavelength units": "nm", "spectra names": ["one", "two"]}
    reference.envi.SpectralLibrary(spectra, header, None).save(str(tmp_path / "a"))
    found = read_library(tmp_path / "a.sli")
    np.testing.assert_allclose(found.spectra, spectra, rtol=1e-6)
    assert found.names == ("one", "two")


def test_other_endings_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.sli or \.csv"):
        write_library(tmp_path / "a.xls", some_library())
    with pytest.raises(FileError, match="does not exist"):
        write_library(tmp_path / "none" / "a.sli", some_library())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "count", "bands", "first", "last"),
    [
        ("spectral_libraries/s07_AV95_envi.sli", 2457, 224, 383, 2508),
        ("spectral_libraries/roberts2017_urban.sli", 3725, 224, 366, 2496),
        ("spectral_libraries/hylite_library.csv", 57, 450, 378, 2504),
        ("spectral_libraries/ecostress_vswir_minerals", 221, None, 400, 15385),
        ("endmembers/gamsberg/gamsberg_field_library", 27, 2151, 350, 2500),
    ],
)
def test_real_libraries_are_reflectance_over_nanometres(
    shared_data, name, count, bands, first, last
):
    found = read_library(shared_data / name)
    assert len(found) == count
    assert bands is None or found.spectra.shape[1] == bands
    assert found.wavelengths.min() == pytest.approx(first, abs=1)
    assert found.wavelengths.max() == pytest.approx(last, abs=1)
    finite = found.spectra[np.isfinite(found.spectra)]
    assert finite.min() > -0.05
    assert np.percentile(finite, 99) < 1.3
    assert 0.02 < np.median(finite) < 0.7
    assert np.isfinite(found.spectra).any(axis=1).all()


@pytest.mark.parametrize("spelling", ["{}", "X{}", "{} nm", "{}nm", "Wvl_{}", "SPC.{}", "{}.0"])
def test_wavelengths_as_column_names_in_their_usual_spellings(tmp_path, spelling):
    path = tmp_path / "wide.csv"
    header = ["sample", *(spelling.format(nm) for nm in (350, 400, 450))]
    path.write_text(",".join(header) + "\nS1,0.1,0.2,0.3\nS2,0.2,0.3,0.4\n")
    found = read_library(path)
    assert found.names == ("S1", "S2")
    np.testing.assert_allclose(found.wavelengths, [350, 400, 450])


def test_the_column_of_names_can_be_chosen(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("id,site,350,400,450\n1,A,0.1,0.2,0.3\n2,B,0.2,0.3,0.4\n")
    assert read_library(path).names == ("1", "2")
    assert read_library(path, name_column="site").names == ("A", "B")
    with pytest.raises(InputError, match="no column 'place'"):
        read_library(path, name_column="place")


def test_long_tables_have_one_value_per_row(tmp_path):
    path = tmp_path / "long.csv"
    rows = [
        f"{sample};{replicate};{um};{value}".replace(".", ",")
        for sample, replicate, value in (("S1", 1, 10), ("S1", 2, 12.5), ("S2", 1, 20))
        for um in (0.35, 0.40, 0.45)
    ]
    path.write_text("\n".join(["sample;replicate;wavelength (µm);reflectance (%)", *rows]))
    found = read_library(path)
    assert found.names == ("S1_1", "S1_2", "S2_1")
    np.testing.assert_allclose(found.wavelengths, [350, 400, 450])
    np.testing.assert_allclose(found.spectra[:, 0], [0.1, 0.125, 0.2])


def test_a_wavelength_that_comes_again_starts_the_next_spectrum(tmp_path):
    path = tmp_path / "long.csv"
    body = "".join(f"S1,{nm},{v}\n" for v in (0.1, 0.2) for nm in (400, 500))
    path.write_text("name,wavelength,reflectance\n" + body)
    found = read_library(path)
    assert found.names == ("S1", "S1")
    np.testing.assert_allclose(found.spectra, [[0.1, 0.1], [0.2, 0.2]])


def ascii_lines(first, offset=0.0):
    return [f"{first + n}\t{0.1 + 0.01 * n + offset:.4f}" for n in range(8)]


def test_exports_of_field_spectrometers_are_read_alone_and_as_folders(tmp_path):
    asd = ["Text conversion of header file", "Wavelength\tsoil1.asd", *ascii_lines(350)]
    (tmp_path / "soil1.asd.txt").write_text("\n".join(asd))
    (tmp_path / "soil2.txt").write_text("\n".join(ascii_lines(350, 0.1)))
    psr = ["Comment: x", "Wvl\tRad. (Ref)\tRad. (Target)\tReflect. %"]
    psr += [f"{350 + n}\t9.1\t2.2\t{10 + n}" for n in range(8)]
    (tmp_path / "soil3.sed").write_text("\n".join(psr))
    (tmp_path / "soil4.txt").write_text("\n".join(ascii_lines(351)))
    (tmp_path / "notes.txt").write_text("cloudy")
    alone = read_library(tmp_path / "soil1.asd.txt")
    assert alone.names == ("soil1",)
    np.testing.assert_allclose(alone.spectra[0], 0.1 + 0.01 * np.arange(8))
    found = read_library(tmp_path)
    assert found.names == ("soil1", "soil2", "soil3", "soil4")
    np.testing.assert_allclose(found.wavelengths, 350 + np.arange(8))
    np.testing.assert_allclose(found.spectra[2], 0.1 + 0.01 * np.arange(8))
    np.testing.assert_allclose(found.spectra[3, 1:], 0.1 + 0.01 * np.arange(7))
    assert np.isnan(found.spectra[3, 0])
    assert any("1 of 4 spectra have other wavelengths" in note for note in found.notes)
    assert any("notes.txt" in note for note in found.notes)


def test_decimal_commas_and_micrometres_in_texts(tmp_path):
    path = tmp_path / "soil.txt"
    path.write_text(
        "\n".join(f"{0.35 + 0.01 * n:.2f} {20 + n}".replace(".", ",") for n in range(9))
    )
    found = read_library(path)
    np.testing.assert_allclose(found.wavelengths, 350 + 10 * np.arange(9))
    np.testing.assert_allclose(found.spectra[0], 0.20 + 0.01 * np.arange(9))
    assert any("percent" in note for note in found.notes)
