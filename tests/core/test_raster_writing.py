"""Writing rasters by windows: what is written is read back, complete or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.raster import RasterWriter, Window, open_raster

WKT = rasterio.CRS.from_epsg(32633).to_wkt()
ROTATED = Affine(20.0, 10.0, 400000.0, 10.0, -20.0, 5800000.0)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["float32", "float64", "uint8", "uint16", "int16", "int32"]),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(1, 4),
    st.integers(1, 300),
)
def test_what_is_written_by_strips_is_read_back(
    tmp_path_factory, dtype, height, width, bands, rows
):
    path = tmp_path_factory.mktemp("round") / "a.tif"
    values = np.random.default_rng(height).integers(1, 100, (height, width, bands)).astype(dtype)
    with RasterWriter(path, height, width, bands=["x"] * bands, dtype=dtype) as writer:
        for row in range(0, height, rows):
            count = min(rows, height - row)
            writer.write(Window(row, 0, count, width), values[row : row + count])
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read_stored(), values)
        assert raster.info.dtype == dtype
    assert [entry.name for entry in path.parent.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("name", ["a.tif", "a.dat", "a.bsq", "a.img"])
def test_place_names_and_values_survive_in_every_format(tmp_path, name):
    transform = ROTATED if name == "a.tif" else Affine(30, 0, 400000, 0, -30, 5800000)
    values = np.random.default_rng(0).random((4, 6, 2), dtype=np.float32)
    values[1, 2, 0] = np.nan
    with RasterWriter(
        tmp_path / name, 4, 6, bands=["first", "second"], crs_wkt=WKT, transform=transform
    ) as writer:
        writer.write(Window(0, 0, 4, 6), values)
    with open_raster(tmp_path / name) as raster:
        np.testing.assert_array_equal(raster.read(), values)
        assert raster.info.transform.almost_equals(transform)
        assert rasterio.CRS.from_wkt(raster.info.crs_wkt) == rasterio.CRS.from_epsg(32633)
        assert [band.name for band in raster.info.bands] == ["first", "second"]


def test_without_place_none_is_written(tmp_path):
    with RasterWriter(tmp_path / "a.tif", 2, 2, bands=["x"]) as writer:
        writer.write(Window(0, 0, 2, 2), np.ones((2, 2)))
    with open_raster(tmp_path / "a.tif") as raster:
        assert raster.info.crs_wkt is None
        assert raster.info.transform is None


def test_tags_units_and_wavelengths_are_found_by_gdal(tmp_path):
    path = tmp_path / "a.tif"
    with RasterWriter(
        path,
        2,
        2,
        bands=["b1", "b2"],
        tags={"GOSSAN_ALGORITHM": "gossan:test"},
        wavelengths=[450.25, 2200.0],
        fwhm=[6.5, 12.0],
        units="mg/kg",
    ) as writer:
        writer.write(Window(0, 0, 2, 2), np.zeros((2, 2, 2)))
    with rasterio.open(path) as dataset:
        assert dataset.tags()["GOSSAN_ALGORITHM"] == "gossan:test"
        assert dataset.units == ("mg/kg", "mg/kg")
        assert float(dataset.tags(1, ns="IMAGERY")["CENTRAL_WAVELENGTH_UM"]) == 0.45025
        assert dataset.tags(2)["wavelength"] == "2200"
        assert np.isnan(dataset.nodata)
        assert dataset.compression.name == "deflate"
    with open_raster(path) as raster:
        assert [band.wavelength for band in raster.info.bands] == [450.25, 2200.0]
        assert [band.fwhm for band in raster.info.bands] == [6.5, 12.0]


def test_class_rasters_carry_names_colours_and_zero_as_nodata(tmp_path):
    path = tmp_path / "classes.tif"
    names = {1: "gossan <iron>", 2: "schist"}
    with RasterWriter(
        path,
        1,
        3,
        bands=["class"],
        dtype="uint8",
        categories=names,
        colours={1: (200, 80, 0), 2: (90, 90, 120)},
    ) as writer:
        writer.write(Window(0, 0, 1, 3), np.array([[0.0, 2.0, np.nan]]))
    with open_raster(path) as raster:
        assert raster.info.categories == names
        np.testing.assert_array_equal(raster.read_stored()[0, :, 0], [0, 2, 0])
        np.testing.assert_array_equal(raster.read()[0, :, 0], [np.nan, 2, np.nan])
    with rasterio.open(path) as dataset:
        assert dataset.nodata == 0
        assert dataset.colormap(1)[1] == (200, 80, 0, 255)
    assert "gossan &lt;iron&gt;" in (tmp_path / "classes.tif.aux.xml").read_text()


def test_values_that_the_type_cannot_hold_are_refused(tmp_path):
    with (
        pytest.raises(InputError, match="0 to 255"),
        RasterWriter(tmp_path / "a.tif", 1, 1, bands=["x"], dtype="uint8") as writer,
    ):
        writer.write(Window(0, 0, 1, 1), np.array([[300]]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("problem", [ValueError("boom"), CancelledError(), KeyboardInterrupt()])
def test_errors_and_cancelling_leave_nothing_and_keep_the_old_file(tmp_path, problem):
    path = tmp_path / "a.tif"
    path.write_bytes(b"old")

    def write_half() -> None:
        with RasterWriter(path, 600, 600, bands=["x"]) as writer:
            writer.write(Window(0, 0, 300, 600), np.ones((300, 600)))
            assert path.read_bytes() == b"old"
            raise problem

    with pytest.raises(type(problem)):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.tif"]


def test_large_rasters_get_overviews(tmp_path):
    with RasterWriter(tmp_path / "a.tif", 16, 5000, bands=["x"]) as writer:
        writer.write(Window(0, 0, 16, 5000), np.ones((16, 5000), dtype=np.float32))
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.overviews(1)[:2] == [2, 4]


def test_strips_of_many_bands_are_compressed_once(tmp_path):
    """Tiles that fall out of the cache half full would be stored again and bloat the file."""
    bands, height, width = 120, 256, 1024
    strip = np.random.default_rng(0).random((8, width, bands), dtype=np.float32)
    with RasterWriter(tmp_path / "a.tif", height, width, bands=["x"] * bands) as writer:
        for row in range(0, height, 8):
            writer.write(Window(row, 0, 8, width), strip)
    assert (tmp_path / "a.tif").stat().st_size < 1.05 * strip.nbytes * height / 8


def test_the_wrong_shape_is_refused(tmp_path):
    with (
        pytest.raises(InputError, match="shape"),
        RasterWriter(tmp_path / "a.tif", 2, 2, bands=["x", "y"]) as writer,
    ):
        writer.write(Window(0, 0, 2, 2), np.ones((2, 2)))


def test_places_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "folder.tif").mkdir()
    for path, kind, words in (
        (tmp_path / "none" / "a.tif", FileError, "does not exist"),
        (tmp_path / "a.xyz", InputError, "Use .tif"),
        (tmp_path / "folder.tif", FileError, "is a folder"),
    ):
        with pytest.raises(kind, match=words), RasterWriter(path, 1, 1, bands=["x"]):
            pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_read_only_folder_is_refused(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with (
        pytest.raises(FileError, match="read-only"),
        RasterWriter(folder / "a.tif", 1, 1, bands=["x"]),
    ):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
@pytest.mark.parametrize("name", ["a.tif", "a.dat", "a.img"])
def test_a_full_disk_is_noticed(tmp_path, name):
    """GDAL does not tell; a limit on the size of files stands for the disk."""
    script = f"""
        import resource, signal
        import numpy as np
        from gossan.core.errors import FileError
        from gossan.core.raster import RasterWriter, Window
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
        noise = np.random.default_rng(0).random((500, 600), dtype=np.float32)
        try:
            with RasterWriter({str(tmp_path / name)!r}, 500, 600, bands=["x"]) as writer:
                writer.write(Window(0, 0, 500, 600), noise)
        except FileError as problem:
            assert "space on the disk" in str(problem), problem
            raise SystemExit(7)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False
    )
    assert done.returncode == 7, done.stderr.decode()
    assert not list(tmp_path.iterdir())
