"""The job that brings a library onto other bands."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window
from gossan.core.spectra import SpectralLibrary, read_library, write_library
from gossan.models.spectra.jobs import resample_library

FINE = np.arange(400.0, 1001.0)


@pytest.fixture
def library(tmp_path):
    """A straight line and a narrow dip of 10 nm width at 700 nm."""
    spectra = np.array([0.1 + FINE / 2000, 0.5 - 0.3 * np.exp(-(((FINE - 700) / 5) ** 2))])
    path = tmp_path / "fine.sli"
    write_library(path, SpectralLibrary(("line", "dip"), spectra, FINE, ("a", "b"), ("field", "")))
    return str(path)


def raster(tmp_path, wavelengths, **options):
    path = tmp_path / "sensor.tif"
    names = [f"band {i}" for i in range(len(wavelengths))]
    with RasterWriter(path, 1, 1, bands=names, wavelengths=wavelengths, **options) as writer:
        writer.write(Window(0, 0, 1, 1), np.full((1, 1, len(names)), 0.1, dtype=np.float32))
    return str(path)


@pytest.mark.parametrize("suffix", [".sli", ".csv"])
def test_linear_takes_the_value_at_the_centres_of_a_raster(tmp_path, library, suffix):
    centres = [450.5, 700.0, 900.25]
    output = str(tmp_path / f"coarse{suffix}")
    result = resample_library(
        Progress(), library=library, output=output, raster=raster(tmp_path, centres)
    )
    assert result == {
        "output": output,
        "spectra": 2,
        "bands": 3,
        "incomplete": 0,
        "bands_without_values": 0,
    }
    found = read_library(output)
    np.testing.assert_allclose(found.wavelengths, centres)
    np.testing.assert_allclose(found.spectra[0], 0.1 + np.array(centres) / 2000, atol=1e-6)
    assert found.spectra[1, 1] == pytest.approx(0.2, abs=1e-6)
    assert found.names == ("line", "dip")
    assert found.classes == ("a", "b")


def test_gaussian_averages_over_the_band_width(tmp_path, library):
    output = str(tmp_path / "coarse.csv")
    resample_library(
        Progress(),
        library=library,
        output=output,
        raster=raster(tmp_path, [600, 700, 800], fwhm=[50, 50, 50]),
        method="gaussian",
    )
    found = read_library(output).spectra
    np.testing.assert_allclose(found[0], [0.4, 0.45, 0.5], atol=1e-3)
    # A Gaussian dip under a Gaussian response: variances add, the area stays.
    response, dip = (50 / 2.354820045) ** 2, 5.0**2 / 2
    expected = 0.5 - 0.3 * np.sqrt(dip / (dip + response))
    assert found[1, 1] == pytest.approx(expected, abs=2e-3)


def test_a_wavelength_table_serves_as_well(tmp_path, library):
    table = tmp_path / "bands.csv"
    table.write_text("wavelength (um),fwhm\n0.5,0.01\n0.65,0.01\n1.2,0.01\n", encoding="utf-8")
    warned = []
    result = resample_library(
        Progress(on_warning=warned.append),
        library=library,
        output=str(tmp_path / "coarse.csv"),
        wavelengths=str(table),
        origin={"algorithm": "gossan:resamplelibrary"},
    )
    assert (result["bands"], result["incomplete"], result["bands_without_values"]) == (3, 2, 1)
    assert any("does not reach" in text for text in warned)
    found = read_library(tmp_path / "coarse.csv")
    np.testing.assert_allclose(found.spectra[0], [0.35, 0.425, np.nan], atol=1e-6)
    assert found.sources[0] == "field; resampled by gossan:resamplelibrary (linear)"


def test_without_bands_to_go_to_it_says_what_is_needed(tmp_path, library):
    with pytest.raises(InputError, match="raster or a table of wavelengths"):
        resample_library(Progress(), library=library, output=str(tmp_path / "out.csv"))


def test_a_raster_without_wavelengths_and_an_empty_table_are_refused(tmp_path, library):
    output = str(tmp_path / "out.csv")
    path = tmp_path / "plain.tif"
    with RasterWriter(path, 1, 1, bands=["a", "b"]) as writer:
        writer.write(Window(0, 0, 1, 1), np.zeros((1, 1, 2), dtype=np.float32))
    with pytest.raises(InputError, match="does not say the wavelength"):
        resample_library(Progress(), library=library, output=output, raster=str(path))
    table = tmp_path / "empty.csv"
    table.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="no wavelengths"):
        resample_library(Progress(), library=library, output=output, wavelengths=str(table))
