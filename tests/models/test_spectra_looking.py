"""Looking at spectra: the right pixels, the right statistics, the right order of the library."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, read_library, write_library
from gossan.models.spectra import pixels
from gossan.models.spectra.looking_jobs import look, rank_library, treat, write_spectra

BANDS = np.array([500.0, 600.0, 700.0, 800.0, 1400.0, 2200.0])
ROWS, COLUMNS = 7, 9
PLACES = {
    "north up": Affine(30, 0, 500_000, 0, -30, 4_000_000),
    "south up": Affine(30, 0, 500_000, 0, 30, 4_000_000),
    "rotated": Affine(25.0, -11.0, 500_000, 16.0, -17.0, 4_000_000),
}


def write(path, values, transform=PLACES["north up"], wavelengths=BANDS, **profile):
    """Write values (rows, columns, bands) with a wavelength for each band."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=values.shape[2],
        dtype=values.dtype,
        **({} if transform is None else {"transform": transform, "crs": "EPSG:32649"}),
        **profile,
    ) as dataset:
        dataset.write(np.moveaxis(values, -1, 0))
        for band, wavelength in enumerate(wavelengths, start=1):
            if wavelength:
                dataset.update_tags(band, wavelength=str(wavelength), wavelength_units="nm")
    return str(path)


@pytest.fixture
def values():
    """Reflectance that tells each pixel apart."""
    return np.random.default_rng(1).uniform(0.05, 0.6, (ROWS, COLUMNS, 6)).astype("float32")


def run(raster, **parameters):
    return look(Progress(), raster=raster, **parameters)


@pytest.mark.parametrize("place", PLACES)
def test_the_pixel_under_a_place_is_read_and_outlined(place, values, tmp_path):
    raster = write(tmp_path / "scene.tif", values, PLACES[place])
    a, b, c, d, e, f = tuple(PLACES[place])[:6]
    centres = [(a * 3.5 + b * 2.5 + c, d * 3.5 + e * 2.5 + f)]
    (found,) = run(raster, points=centres, drop_water_bands=False)["spectra"]
    assert (found["row"], found["column"]) == (2, 3)
    np.testing.assert_allclose(found["reflectance"], values[2, 3])
    np.testing.assert_allclose(np.mean(found["outline"], axis=0), centres[0])


def test_a_raster_without_a_place_is_read_as_qgis_shows_it(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values, None)
    (found,) = run(raster, points=[(4.5, -6.5)], drop_water_bands=False)["spectra"]
    assert (found["row"], found["column"]) == (6, 4)
    assert found["outline"] == [[4.0, -6.0], [5.0, -6.0], [5.0, -7.0], [4.0, -7.0]]
    np.testing.assert_allclose(found["reflectance"], values[6, 4])


def test_bands_come_by_wavelength_with_gaps_where_there_is_no_signal(values, tmp_path):
    order = [3, 0, 5, 1, 4, 2]
    raster = write(tmp_path / "scene.tif", values[..., order], wavelengths=BANDS[order])
    answer = run(raster, points=[(500_015, 3_999_985)])
    assert answer["axis"]["values"] == BANDS.tolist()
    assert answer["axis"]["bands"] == [2, 4, 6, 1, 5, 3]
    reflectance = np.array(answer["spectra"][0]["reflectance"])
    np.testing.assert_array_equal(np.isnan(reflectance), BANDS == 1400)
    np.testing.assert_allclose(reflectance[[0, 5]], values[0, 0][[0, 5]])


def test_without_wavelengths_bands_are_numbered_and_the_answer_says_so(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values, wavelengths=[None] * 6)
    library = tmp_path / "l.csv"
    write_library(library, SpectralLibrary(("a",), values[:1, 0], BANDS))
    answer = run(raster, points=[(500_015, 3_999_985)], library=str(library))
    assert answer["axis"]["unit"] == "band"
    assert answer["axis"]["values"] == [1, 2, 3, 4, 5, 6]
    assert answer["nearest"] == []
    assert any("does not say the wavelengths" in note for note in answer["notes"])


def test_of_bands_with_one_wavelength_the_first_counts(values, tmp_path):
    doubled = [500.0, 600.0, 600.0, 800.0, 1400.0, 2200.0]
    raster = write(tmp_path / "scene.tif", values, wavelengths=doubled)
    answer = run(raster, points=[(500_015, 3_999_985)])
    assert answer["axis"]["bands"] == [1, 2, 4, 5, 6]
    assert any("1 bands" in note for note in answer["notes"])


def test_a_scale_that_is_not_said_is_taken_from_the_values_and_named(values, tmp_path):
    stored = (values * 10_000).round().astype("int16")
    raster = write(tmp_path / "scene.tif", stored)
    answer = run(raster, points=[(500_015, 3_999_985)])
    np.testing.assert_allclose(answer["spectra"][0]["reflectance"][0], values[0, 0, 0], atol=1e-4)
    assert any("reflectance x 10000" in note for note in answer["notes"])
    given = run(raster, points=[(500_015, 3_999_985)], scale=1e-4)
    assert not any("10000" in note for note in given["notes"])


def test_a_file_that_has_changed_is_judged_anew(values, tmp_path):
    path = tmp_path / "scene.tif"
    write(path, values)
    run(str(path), points=[(500_015, 3_999_985)])
    write(path, (values * 10_000).round().astype("int16"))
    answer = run(str(path), points=[(500_015, 3_999_985)])
    np.testing.assert_allclose(answer["spectra"][0]["reflectance"][0], values[0, 0, 0], atol=1e-4)


@pytest.fixture(scope="module")
def rotated(tmp_path_factory):
    """A rotated image and its values; some pixels are nodata in one band, one is collar."""
    image = np.random.default_rng(2).uniform(0.1, 0.5, (ROWS, COLUMNS, 6)).astype("float32")
    image[2, 3, 1] = np.nan
    image[4, 4] = 0
    path = tmp_path_factory.mktemp("rotated") / "scene.tif"
    return write(path, image, PLACES["rotated"]), image


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_mean_is_that_of_the_pixels_whose_centres_lie_in_the_shape(rotated, seed):
    raster, image = rotated
    corners = np.random.default_rng(seed).uniform((-1, -1), (COLUMNS + 1, ROWS + 1), (7, 2))
    hull = ConvexHull(corners)
    columns, rows = np.meshgrid(np.arange(COLUMNS) + 0.5, np.arange(ROWS) + 0.5)
    centres = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    inside = (centres @ hull.equations.T < 0).all(axis=-1)
    counted = inside & np.isfinite(image).all(axis=-1) & (image != 0).any(axis=-1)
    if counted.sum() < 2:
        return
    a, b, c, d, e, f = tuple(PLACES["rotated"])[:6]
    ring = [(a * x + b * y + c, d * x + e * y + f) for x, y in corners[hull.vertices]]
    (found,) = run(raster, rings=[ring], drop_water_bands=False)["spectra"]
    assert found["pixels"] == counted.sum()
    assert found["without_values"] == inside.sum() - counted.sum()
    chosen = image[counted].astype("float64")
    np.testing.assert_allclose(found["reflectance"], chosen.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found["deviation"], chosen.std(axis=0, ddof=1), rtol=1e-7)


def test_parts_of_a_shape_are_joined_exactly(values, tmp_path, monkeypatch):
    raster = write(tmp_path / "scene.tif", values)
    ring = [(500_000, 4_000_000), (500_270, 4_000_000), (500_270, 3_999_790), (500_000, 3_999_790)]
    monkeypatch.setattr("gossan.models.spectra.scene.BLOCK_BYTES", 4 * 6 * COLUMNS)
    (found,) = run(raster, rings=[ring], drop_water_bands=False)["spectra"]
    table = values.reshape(-1, 6).astype("float64")
    assert found["pixels"] == ROWS * COLUMNS
    np.testing.assert_allclose(found["reflectance"], table.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["deviation"], table.std(axis=0, ddof=1), rtol=1e-12)


def test_a_shape_smaller_than_a_pixel_takes_the_pixel_it_touches(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values)
    ring = [(500_031, 3_999_999), (500_034, 3_999_999), (500_034, 3_999_996)]
    (found,) = run(raster, rings=[ring], drop_water_bands=False)["spectra"]
    assert found["pixels"] == 1
    np.testing.assert_allclose(found["reflectance"], values[0, 1])
    assert np.isnan(found["deviation"]).all()


def test_places_without_values_are_told_apart_from_the_others(values, tmp_path):
    values[0, 0] = np.nan
    values[1, 1] = 0
    raster = write(tmp_path / "scene.tif", values)
    points = [(500_015, 3_999_985), (500_045, 3_999_955), (400_000, 0), (500_075, 3_999_985)]
    found = run(raster, points=points)["spectra"]
    assert [place is None for place in found] == [True, True, True, False]
    for point, sentence in zip(points, ("row 1, column 1", "row 2, column 2", "lies outside")):
        with pytest.raises(InputError, match=sentence):
            run(raster, points=[point])
    with pytest.raises(InputError, match="nodata or collar there"):
        run(raster, rings=[[(500_001, 3_999_999), (500_029, 3_999_999), (500_001, 3_999_971)]])
    with pytest.raises(InputError, match="shape lies outside"):
        run(raster, rings=[[(0, 0), (1, 0), (0, 1)]])
    with pytest.raises(InputError, match="three corners"):
        run(raster, rings=[[(0, 0), (1, 0)]])
    with pytest.raises(InputError, match="either points or"):
        run(raster)


def test_a_shape_can_be_cancelled(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values)
    ring = [(500_000, 4_000_000), (500_270, 4_000_000), (500_270, 3_999_790)]
    with pytest.raises(CancelledError):
        look(Progress(cancelled=lambda: True), raster=raster, rings=[ring])


def test_treatments_are_hull_and_slope(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values)
    answer = run(raster, points=[(500_015, 3_999_985)], drop_water_bands=False)
    (found,) = answer["spectra"]
    y = values[0, 0].astype("float64")
    np.testing.assert_allclose(found["derivative"][:4], np.gradient(y[:4], BANDS[:4]))
    corners = np.vstack([np.column_stack([BANDS, y]), [[BANDS[0], -1], [BANDS[-1], -1]]])
    upper = sorted(v for v in ConvexHull(corners).vertices if v < len(y))
    expected = y / np.interp(BANDS, BANDS[upper], y[upper])
    np.testing.assert_allclose(found["continuum_removed"], expected)
    again = treat(Progress(), spectra=[{"axis": BANDS.tolist(), "reflectance": y.tolist()}])
    for name, curve in again["treatments"][0].items():
        np.testing.assert_allclose(curve, found[name])


def angle(a, b):
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    return np.arccos(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def test_a_library_is_ranked_by_angle_over_common_bands(tmp_path):
    random = np.random.default_rng(3)
    spectra = random.uniform(0.1, 0.6, (20, 6))
    spectra[3, :2] = np.nan
    spectra[4, :5] = np.nan
    names = tuple(f"s{number}" for number in range(20))
    path = tmp_path / "library.csv"
    write_library(path, SpectralLibrary(names, spectra, BANDS, classes=("c",) * 20))
    spectrum = spectra[7] * 1.7 + random.normal(0, 0.003, 6)
    expected = sorted((angle(spectrum, row), name) for row, name in zip(spectra, names))
    expected = [pair for pair in expected if pair[1] != "s4"]
    answer = rank_library(
        Progress(),
        library=str(path),
        wavelengths=BANDS.tolist(),
        reflectance=spectrum.tolist(),
        nearest=5,
    )
    assert [row["name"] for row in answer["nearest"]] == [name for _, name in expected[:5]]
    np.testing.assert_allclose(
        [row["angle"] for row in answer["nearest"]], [value for value, _ in expected[:5]]
    )
    np.testing.assert_allclose(answer["nearest"][0]["reflectance"], spectra[7])
    assert "1 of 20 spectra" in " ".join(answer["library_notes"])


def test_a_click_brings_its_ranking_along_and_a_changed_library_is_read_anew(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values)
    path = tmp_path / "library.csv"
    for name in ("first", "second"):
        write_library(path, SpectralLibrary((name,), values[:1, 0], BANDS))
        answer = run(raster, points=[(500_015, 3_999_985)], library=str(path))
        assert answer["nearest"][0]["name"] == name
        assert answer["nearest"][0]["angle"] == pytest.approx(0, abs=1e-6)


def test_a_library_that_cannot_be_compared_leaves_the_spectrum(values, tmp_path):
    raster = write(tmp_path / "scene.tif", values)
    path = tmp_path / "far.csv"
    write_library(path, SpectralLibrary(("far",), np.ones((1, 3)), [3000.0, 3100.0, 3200.0]))
    answer = run(raster, points=[(500_015, 3_999_985)], library=str(path))
    assert answer["spectra"][0]["row"] == 0
    assert answer["nearest"] == []
    assert "nothing in common" in answer["library_notes"][0]


def test_libraries_and_spectra_that_cannot_be_compared_are_refused(tmp_path):
    path = tmp_path / "far.csv"
    write_library(path, SpectralLibrary(("far",), np.ones((1, 3)), [3000.0, 3100.0, 3200.0]))
    query = {"wavelengths": BANDS.tolist(), "reflectance": [0.1, 0.2, 0.3, 0.4, 0.3, 0.2]}
    with pytest.raises(InputError, match=r"far\.csv.*nothing in common"):
        rank_library(Progress(), library=str(path), **query)
    with pytest.raises(FileError, match="does not exist"):
        rank_library(Progress(), library=str(tmp_path / "none.csv"), **query)
    near = tmp_path / "near.csv"
    write_library(near, SpectralLibrary(("near",), np.ones((1, 2)), [2190.0, 2210.0]))
    with pytest.raises(InputError, match="covers half"):
        rank_library(Progress(), library=str(near), **query)
    with pytest.raises(InputError, match="two bands or more"):
        rank_library(
            Progress(), library=str(near), wavelengths=[500.0, 600.0], reflectance=[0.1, None]
        )
    with pytest.raises(InputError, match="2 values on 6 bands"):
        rank_library(
            Progress(), library=str(near), wavelengths=BANDS.tolist(), reflectance=[0.1, 0.2]
        )


def row(name, x, y, **more):
    return {"name": name, "wavelengths": list(x), "reflectance": list(y), **more}


@pytest.mark.parametrize("suffix", [".sli", ".csv"])
def test_ticked_spectra_become_a_library(suffix, tmp_path):
    path = tmp_path / f"library{suffix}"
    finer = np.linspace(400, 2300, 191)
    answer = write_spectra(
        Progress(),
        output=str(path),
        spectra=[
            row("tailings", BANDS, [0.1, 0.2, 0.3, 0.4, None, 0.2], source="scene.tif, row 1"),
            row("tailings", finer, finer / 4000, **{"class": "waste"}),
        ],
    )
    assert (answer["spectra"], answer["bands"], answer["resampled"]) == (2, 6, 1)
    library = read_library(path)
    assert library.names == ("tailings", "tailings (2)")
    assert library.classes[1] == "waste"
    assert "scene.tif" in library.sources[0]
    np.testing.assert_allclose(library.wavelengths, BANDS)
    np.testing.assert_allclose(library.spectra[1], BANDS / 4000)
    assert np.isnan(library.spectra[0, 4])


def test_a_library_that_cannot_be_written_leaves_nothing(tmp_path):
    good = row("a", BANDS, [0.1] * 6)
    for spectra, sentence in (
        ([], "no spectrum to write"),
        ([good, row("b", [], [0.1])], "b comes from an image that does not say"),
        ([good, row("b", BANDS, [None] * 6)], "b has no values"),
        ([good, row("b", [4000.0, 4100.0], [0.1, 0.2])], "nothing in common"),
    ):
        with pytest.raises(InputError, match=sentence):
            write_spectra(Progress(), output=str(tmp_path / "l.sli"), spectra=spectra)
    assert list(tmp_path.iterdir()) == []


def test_a_pixel_stands_in_its_outline_whatever_the_transform(rotated):
    raster, _ = rotated
    with rasterio.open(raster) as dataset:
        info = type("Info", (), {"transform": dataset.transform, "width": 9, "height": 7})()
    for pixel_row, column in ((0, 0), (6, 8), (3, 2)):
        middle = np.mean(pixels.outline(info, pixel_row, column), axis=0)[np.newaxis]
        rows, columns = pixels.pixels_at(info, middle)
        assert (rows[0], columns[0]) == (pixel_row, column)
