"""The endmember jobs on files: what they write, what they assume, what they refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from affine import Affine

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import Window, open_raster
from gossan.core.spectra import read_library, spectral_angle
from gossan.models.endmembers.jobs import count, extract
from gossan.models.endmembers.parametric import MATERIALS
from gossan.models.endmembers.raster_scene import SceneFiles, open_scene

NM = np.arange(400.0, 2450.0, 25.0)
PURE = np.array(
    [MATERIALS[name].spectrum(NM) for name in ("broadleaf forest", "loam", "grey tailings")]
)
GRID = Affine(30, 0, 500_000, 0, -30, 4_000_000)
ORIGIN = {"algorithm": "gossan:extractendmembers", "version": "1", "parameters": {"SEED": 0}}


def reflectance(rows=24, columns=30, seed=0):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(3), (rows, columns)) * 0.8 + 0.2 / 3
    for index in range(3):
        shares[7 * index + 1 : 7 * index + 4, 8:11] = np.eye(3)[index]
    return shares @ PURE + rng.normal(0, 0.0005, (rows, columns, NM.size))


@pytest.fixture
def write(tmp_path):
    """Write (rows, columns, bands) as a raster and return its path."""

    def write(array, name="scene.tif", *, wavelengths=NM, unit="Nanometers", **profile):
        path = tmp_path / name
        settings = {"driver": "GTiff", "crs": "EPSG:32633", "transform": GRID, **profile}
        with rasterio.open(
            path,
            "w",
            height=array.shape[0],
            width=array.shape[1],
            count=array.shape[2],
            dtype=array.dtype,
            **settings,
        ) as dataset:
            dataset.write(np.moveaxis(array, -1, 0))
            if wavelengths is not None:
                for band, value in enumerate(wavelengths, start=1):
                    dataset.update_tags(band, wavelength=value, wavelength_units=unit)
        return str(path)

    return write


def test_extraction_writes_library_points_angles_and_report(write, tmp_path):
    scene = write((reflectance() * 10000).astype(np.int16))
    files = {
        "library": str(tmp_path / "e.sli"),
        "points": str(tmp_path / "e.geojson"),
        "angles": str(tmp_path / "e.tif"),
        "report": str(tmp_path / "e.html"),
    }
    said = []
    result = extract(
        Progress(on_message=said.append),
        raster=scene,
        scale=0.0001,
        skewers=500,
        origin=ORIGIN,
        **files,
    )
    library = read_library(files["library"])
    assert list(library.names) == result["names"]
    assert spectral_angle(PURE[:, keep()], library.spectra).min(axis=1).max() < 0.02

    points = json.loads((tmp_path / "e.geojson").read_text())["features"]
    assert len(points) == result["endmembers"]
    for feature, row, column in zip(points, result["rows"], result["columns"]):
        values = feature["properties"]
        assert (values["row"], values["column"]) == (row, column)
        assert feature["geometry"]["coordinates"] == [
            500_000 + 30 * (column + 0.5),
            4_000_000 - 30 * (row + 0.5),
        ]
        assert set(values) >= {"name", "source", "purity", "class", "angle"}
        assert values["GOSSAN_ALGORITHM"] == "gossan:extractendmembers"
        assert json.loads(values["GOSSAN_PARAMETERS"]) == {"SEED": 0}

    with open_raster(files["angles"]) as angles:
        assert [band.name for band in angles.info.bands] == result["names"]
        assert angles.info.tags["GOSSAN_ALGORITHM"] == "gossan:extractendmembers"
        values = angles.read()
        for index, (row, column) in enumerate(zip(result["rows"], result["columns"])):
            assert values[row, column, index] < 1e-3
        with open_raster(scene, scale=0.0001) as image:
            expected = spectral_angle(
                image.read(Window(3, 0, 1, 30))[0][:, keep()], library.spectra
            )
        np.testing.assert_allclose(values[3], expected, atol=1e-3)

    page = (tmp_path / "e.html").read_text()
    for word in ("Chosen endmembers", "Rejected candidates", "Seconds", "Purity", *result["names"]):
        assert word in page
    assert any("bands are left out" in sentence for sentence in said)


def keep():
    return ~(((NM >= 1340) & (NM <= 1460)) | ((NM >= 1790) & (NM <= 1980)))


def test_water_vapour_bands_are_left_out_unless_asked_for(write, tmp_path):
    scene = write(reflectance().astype(np.float32))
    out = str(tmp_path / "e.csv")
    extract(Progress(), raster=scene, library=out, workflow="VCA")
    assert len(read_library(out).wavelengths) == keep().sum()
    extract(Progress(), raster=scene, library=out, workflow="VCA", drop_water_bands=False)
    assert len(read_library(out).wavelengths) == NM.size


def test_micrometres_in_any_order_give_the_same_library(write, tmp_path):
    array = reflectance().astype(np.float32)
    shuffled = np.random.default_rng(0).permutation(NM.size)
    plain = write(array)
    odd = write(array[..., shuffled], "odd.tif", wavelengths=NM[shuffled] / 1000, unit="um")
    libraries = []
    for number, scene in enumerate((plain, odd)):
        path = str(tmp_path / f"{number}.csv")
        extract(Progress(), raster=scene, library=path, workflow="N-FINDR", endmembers=3)
        libraries.append(read_library(path))
    np.testing.assert_allclose(libraries[0].wavelengths, libraries[1].wavelengths)
    order = [
        spectral_angle(s[None], libraries[0].spectra)[0].argmin() for s in libraries[1].spectra
    ]
    np.testing.assert_allclose(libraries[1].spectra, libraries[0].spectra[order], atol=1e-6)


@pytest.mark.parametrize(
    "profile",
    [
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"interleave": "pixel"},
        {"driver": "ENVI", "interleave": "bil"},
        {"driver": "ENVI", "interleave": "bip"},
    ],
)
def test_the_way_a_file_is_stored_changes_nothing(write, tmp_path, profile, monkeypatch):
    monkeypatch.setattr("gossan.models.spectra.scene.BLOCK_BYTES", 100_000)
    array = reflectance().astype(np.float32)
    found = []
    for name, settings in (("a.tif", {}), ("b.img", profile)):
        table = tmp_path / "bands.csv"
        table.write_text("wavelength\n" + "\n".join(map(str, NM)))
        scene = write(array, name, wavelengths=None, **settings)
        result = extract(
            Progress(),
            raster=scene,
            wavelengths=str(table),
            workflow="PCCEE",
            skewers=300,
            components=2,
        )
        found.append([result[key] for key in ("rows", "columns", "classes", "sources")])
    assert found[0] == found[1]


def test_strips_cover_every_valid_pixel_once(write, tmp_path, monkeypatch):
    monkeypatch.setattr("gossan.models.spectra.scene.BLOCK_BYTES", 60_000)
    array = reflectance().astype(np.float32)
    array[:, :3] = 0
    array[5, 7, 20] = -9999
    mask = np.ones((24, 30, 1), dtype=np.uint8)
    mask[20:] = 0
    scene = write(array, nodata=-9999, tiled=True, blockxsize=16, blockysize=16)
    masked = write(mask, "mask.tif", wavelengths=None)
    seen = []

    class Gather:
        def compute(self, strip):
            return strip.positions, strip.spectra.copy()

        def consume(self, result):
            seen.append(result)

    with open_scene(SceneFiles(scene, masked), Progress()) as opened:
        opened.scan([Gather()], Progress())
        indexes = opened.indexes
    positions = np.concatenate([part[0] for part in seen])
    spectra = np.concatenate([part[1] for part in seen])
    expected = np.zeros((24, 30), dtype=bool)
    expected[:20, 3:] = True
    expected[5, 7] = False
    assert len(seen) > 2
    assert sorted(positions.tolist()) == np.flatnonzero(expected).tolist()
    np.testing.assert_allclose(spectra, array.reshape(-1, NM.size)[positions][:, indexes])


def test_a_bad_band_elsewhere_does_not_cost_pixels(write):
    array = reflectance().astype(np.float32)
    array[..., np.abs(NM - 1400).argmin()] = np.nan
    result = extract(Progress(), raster=write(array), workflow="VCA")
    assert result["pixels"] == 24 * 30


def test_values_times_10000_are_taken_for_such_and_the_log_says_so(write, tmp_path):
    said = []
    out = str(tmp_path / "e.csv")
    scene = write((reflectance() * 10000).astype(np.int16))
    extract(Progress(on_message=said.append), raster=scene, library=out, workflow="VCA")
    assert read_library(out).spectra.max() < 1
    assert any("10000" in sentence for sentence in said)


def test_no_crs_and_no_transform_give_pixel_coordinates(write, tmp_path):
    scene = write(reflectance().astype(np.float32), crs=None, transform=None)
    points = tmp_path / "p.geojson"
    result = extract(Progress(), raster=scene, workflow="ATGP", endmembers=2, points=str(points))
    features = json.loads(points.read_text())["features"]
    assert [f["geometry"]["coordinates"] for f in features] == [
        [column + 0.5, row + 0.5] for row, column in zip(result["rows"], result["columns"])
    ]


def test_a_mask_of_another_size_or_place_is_named(write):
    scene = write(reflectance().astype(np.float32))
    small = write(np.ones((5, 5, 1), dtype=np.uint8), "small.tif", wavelengths=None)
    with pytest.raises(InputError, match=r"small\.tif has 5 rows and 5 columns"):
        extract(Progress(), raster=scene, mask=small)
    elsewhere = write(
        np.ones((24, 30, 1), dtype=np.uint8),
        "far.tif",
        wavelengths=None,
        transform=Affine(30, 0, 503_000, 0, -30, 4_000_000),
    )
    with pytest.raises(InputError, match="lies elsewhere"):
        extract(Progress(), raster=scene, mask=elsewhere)
    # A tenth of a metre per pixel adds up to a tenth of a pixel over the width of this image.
    wider = write(
        np.ones((24, 30, 1), dtype=np.uint8),
        "wider.tif",
        wavelengths=None,
        transform=Affine(30.1, 0, 500_000, 0, -30, 4_000_000),
    )
    with pytest.raises(InputError, match="lies elsewhere"):
        extract(Progress(), raster=scene, mask=wider)


def test_a_mask_of_nothing_is_named(write):
    scene = write(reflectance().astype(np.float32))
    nothing = write(np.zeros((24, 30, 1), dtype=np.uint8), "no.tif", wavelengths=None)
    with pytest.raises(InputError, match="no valid pixel"):
        extract(Progress(), raster=scene, mask=nothing)


def test_missing_wavelengths_are_named_before_any_work(write, tmp_path):
    scene = write(reflectance().astype(np.float32), wavelengths=None)
    with pytest.raises(InputError, match="Name a CSV"):
        extract(Progress(), raster=scene, library=str(tmp_path / "e.csv"), workflow="PPI")
    result = extract(Progress(), raster=scene, workflow="PPI", skewers=100)
    assert result["endmembers"] >= 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.tif"):
        extract(Progress(), raster=str(tmp_path / "nowhere.tif"))


def test_a_cancelled_extraction_leaves_nothing(write, tmp_path):
    scene = write(reflectance().astype(np.float32))
    before = set(tmp_path.iterdir())
    shares = []
    progress = Progress(
        on_fraction=shares.append, cancelled=lambda: bool(shares) and shares[-1] > 0.8
    )
    with pytest.raises(CancelledError):
        extract(
            progress,
            raster=scene,
            library=str(tmp_path / "e.csv"),
            angles=str(tmp_path / "a.tif"),
            report=str(tmp_path / "r.html"),
        )
    assert set(tmp_path.iterdir()) == before


def test_progress_never_goes_back(write, tmp_path):
    shares = []
    scene = write(reflectance().astype(np.float32))
    extract(
        Progress(on_fraction=shares.append),
        raster=scene,
        angles=str(tmp_path / "a.tif"),
        skewers=99,
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_counting_writes_a_report(write, tmp_path):
    scene = write(reflectance(60, 50).astype(np.float32))
    report = tmp_path / "c.html"
    result = count(Progress(), raster=scene, report=str(report), origin=ORIGIN)
    assert result["hysime"] == 3
    assert result["bands"] == keep().sum()
    assert result["pixels"] == 3000
    assert [row["false_alarm"] for row in result["hfc"]] == [1e-3, 1e-4, 1e-5]
    assert "HySime" in report.read_text()
