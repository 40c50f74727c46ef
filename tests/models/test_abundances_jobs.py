"""The job that unmixes a scene, on small scenes with known abundances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from affine import Affine

from gossan.core.errors import BandMismatchError, CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window, open_raster
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.abundances import jobs
from gossan.models.abundances.fcls import fcls
from gossan.models.abundances.jobs import estimate
from gossan.models.abundances.nnls import nnls
from gossan.models.spectra import scene as scene_module

WAVELENGTHS = np.linspace(420, 2400, 80)
NAMES = ("oxide", "clay", "leaf")


@pytest.fixture
def endmembers():
    shapes = [np.exp(-(((WAVELENGTHS - c) / 400) ** 2)) for c in (700, 1400, 2100)]
    return 0.1 + 0.5 * np.array(shapes)


@pytest.fixture
def abundances():
    shares = np.random.default_rng(2).dirichlet(np.full(3, 0.6), (13, 17))
    return shares * np.linspace(0.6, 1.2, 17)[:, np.newaxis]


@pytest.fixture
def library(tmp_path, endmembers):
    path = tmp_path / "library.sli"
    write_library(path, SpectralLibrary(NAMES, endmembers, WAVELENGTHS))
    return str(path)


def write_scene(path, values, *, scale=1.0, dtype="float32", **options):
    """Write values (rows, columns, bands) of reflectance; numbers are values / scale."""
    height, width, bands = values.shape
    settings = {
        "bands": [f"band {i + 1}" for i in range(bands)],
        "wavelengths": WAVELENGTHS[:bands],
        "transform": Affine(30, 0, 5e5, 0, -30, 4e6),
        "crs_wkt": None,
        **options,
    }
    with RasterWriter(path, height, width, dtype=dtype, **settings) as writer:
        writer.write(Window(0, 0, height, width), np.round(values / scale, 9).astype(dtype))
    return str(path)


def read(path):
    with open_raster(path) as raster:
        return raster.read(), raster.info


def test_abundances_residual_and_sum_come_back(tmp_path, endmembers, abundances, library):
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    result = estimate(Progress(), raster=scene, library=library, output=str(tmp_path / "out.tif"))
    maps, info = read(tmp_path / "out.tif")
    assert [band.name for band in info.bands] == [*NAMES, "residual RMSE", "sum"]
    assert info.dtype == "float32"
    assert info.transform == Affine(30, 0, 5e5, 0, -30, 4e6)
    np.testing.assert_allclose(maps[..., :3], abundances, atol=2e-5)
    np.testing.assert_allclose(maps[..., 4], abundances.sum(axis=-1), atol=2e-5)
    assert maps[..., 3].max() < 1e-5
    assert result["valid_pixels"] == result["pixels"] == 13 * 17
    assert result["mean_sum"] == pytest.approx(abundances.sum(axis=-1).mean(), abs=1e-5)
    assert [row["name"] for row in result["endmembers"]] == list(NAMES)
    means = [row["mean"] for row in result["endmembers"]]
    np.testing.assert_allclose(means, abundances.mean(axis=(0, 1)), atol=1e-5)
    # Water vapour leaves no signal from the ground.
    wet = ((WAVELENGTHS > 1340) & (WAVELENGTHS < 1460)) | (
        (WAVELENGTHS > 1790) & (WAVELENGTHS < 1980)
    )
    assert result["bands_used"] == 80 - wet.sum()


@pytest.mark.parametrize("method", ["NNLS", "fcls", "nmf", "svr", "unconstrained"])
def test_every_method_is_the_function_on_the_whole_scene(
    tmp_path, endmembers, abundances, library, method, monkeypatch
):
    noise = np.random.default_rng(0).normal(0, 0.01, (13, 17, 80))
    spectra = (abundances @ endmembers + noise).astype(np.float32)
    scene = write_scene(tmp_path / "scene.tif", spectra)
    monkeypatch.setattr(scene_module, "BLOCK_BYTES", 4 * 80 * 17 * 3)
    output = str(tmp_path / "out.tif")
    options = {"drop_water_bands": False, "seed": 3}
    result = estimate(
        Progress(), raster=scene, library=library, output=output, method=method, **options
    )
    maps, _ = read(output)
    assert np.isfinite(maps).all()
    whole = spectra.reshape(-1, 80)
    if method in ("NNLS", "fcls"):
        expected = {"NNLS": nnls, "fcls": fcls}[method](whole, endmembers)
        np.testing.assert_allclose(maps[..., :3].reshape(-1, 3), expected, atol=1e-6)
        residual = np.sqrt(((whole - expected @ endmembers) ** 2).mean(axis=1))
        np.testing.assert_allclose(maps[..., 3].ravel(), residual, rtol=1e-4)
    else:
        assert np.abs(maps[..., :3] - abundances).mean() < 0.1
    assert (result["negative_share"] > 0) == (method == "unconstrained")


def test_normalised_abundances_sum_to_one_and_the_sum_is_kept(
    tmp_path, endmembers, abundances, library
):
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    output = str(tmp_path / "out.tif")
    estimate(Progress(), raster=scene, library=library, output=output, normalise=True)
    maps, _ = read(output)
    np.testing.assert_allclose(maps[..., :3].sum(axis=-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(maps[..., 4], abundances.sum(axis=-1), atol=2e-5)


def test_integers_without_a_scale_are_guessed_and_the_log_says_so(
    tmp_path, endmembers, abundances, library
):
    scene = write_scene(
        tmp_path / "scene.tif", abundances @ endmembers, scale=1e-4, dtype="int16", nodata=-9999
    )
    warned = []
    output = str(tmp_path / "out.tif")
    result = estimate(
        Progress(on_warning=warned.append), raster=scene, library=library, output=output
    )
    assert any("x 10000" in text for text in warned)
    maps, _ = read(output)
    np.testing.assert_allclose(maps[..., :3], abundances, atol=2e-3)
    # The residual is in reflectance: rounding to integers leaves some 3e-5 of it.
    assert 1e-5 < result["mean_rmse"] < 5e-5


def test_missing_bands_and_collars_have_no_abundances(tmp_path, endmembers, abundances, library):
    values = abundances @ endmembers
    values[0, 0, 33] = np.nan
    values[4] = 0.0
    values[6, 6, 0] = 0.0
    scene = write_scene(tmp_path / "scene.tif", values)
    output = str(tmp_path / "out.tif")
    result = estimate(Progress(), raster=scene, library=library, output=output)
    maps, _ = read(output)
    assert np.isnan(maps[0, 0]).all()
    assert np.isnan(maps[4]).all()
    assert np.isfinite(maps[6, 6]).all()
    assert result["valid_pixels"] == 13 * 17 - 1 - 17
    assert estimate(Progress(), raster=scene, library=library, output=output, collars=False)[
        "zero_share"
    ] == pytest.approx(17 / (13 * 17 - 1))


def test_a_finer_library_is_resampled_and_the_log_says_so(tmp_path, endmembers, abundances):
    fine = np.arange(400.0, 2451.0)
    shapes = np.array([np.exp(-(((fine - c) / 400) ** 2)) for c in (700, 1400, 2100)])
    path = tmp_path / "fine.csv"
    write_library(path, SpectralLibrary(NAMES, 0.1 + 0.5 * shapes, fine))
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    said = []
    output = str(tmp_path / "out.tif")
    estimate(Progress(on_message=said.append), raster=scene, library=str(path), output=output)
    assert any("resampled to the scene's bands" in text for text in said)
    np.testing.assert_allclose(read(output)[0][..., :3], abundances, atol=1e-3)


def test_bands_beyond_the_library_are_left_out(tmp_path, endmembers, abundances):
    path = tmp_path / "short.sli"
    write_library(path, SpectralLibrary(NAMES, endmembers[:, :50], WAVELENGTHS[:50]))
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    warned = []
    output = str(tmp_path / "out.tif")
    result = estimate(
        Progress(on_warning=warned.append),
        raster=scene,
        library=str(path),
        output=output,
        drop_water_bands=False,
    )
    assert result["bands_used"] == 50
    assert any("30 bands are left out" in text for text in warned)
    np.testing.assert_allclose(read(output)[0][..., :3], abundances, atol=1e-4)


def test_bands_match_by_position_only_when_asked(tmp_path, endmembers, abundances, library):
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers, wavelengths=None)
    output = tmp_path / "out.tif"
    with pytest.raises(BandMismatchError, match="match the bands by position"):
        estimate(Progress(), raster=scene, library=library, output=str(output))
    assert not output.exists()
    estimate(Progress(), raster=scene, library=library, output=str(output), by_position=True)
    np.testing.assert_allclose(read(output)[0][..., :3], abundances, atol=2e-5)
    short = tmp_path / "short.sli"
    write_library(short, SpectralLibrary(NAMES, endmembers[:, :50], WAVELENGTHS[:50]))
    with pytest.raises(BandMismatchError, match="50 bands"):
        estimate(Progress(), raster=scene, library=str(short), output=str(output), by_position=True)


def test_a_library_of_another_range_is_refused(tmp_path, endmembers, abundances):
    path = tmp_path / "thermal.sli"
    write_library(path, SpectralLibrary(NAMES, endmembers, WAVELENGTHS + 8000))
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    with pytest.raises(BandMismatchError, match="nothing in common"):
        estimate(Progress(), raster=scene, library=str(path), output=str(tmp_path / "out.tif"))


def test_a_scene_without_values_leaves_nothing(tmp_path, library):
    scene = write_scene(tmp_path / "scene.tif", np.full((4, 5, 80), np.nan))
    with pytest.raises(InputError, match="No pixel"):
        estimate(Progress(), raster=scene, library=library, output=str(tmp_path / "out.tif"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["library.hdr", "library.sli", "scene.tif"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1)])
def test_tiny_scenes_work(tmp_path, endmembers, library, shape):
    shares = np.random.default_rng(0).dirichlet(np.ones(3), shape)
    scene = write_scene(tmp_path / "scene.tif", shares @ endmembers)
    output = str(tmp_path / "out.tif")
    estimate(Progress(), raster=scene, library=library, output=output)
    np.testing.assert_allclose(read(output)[0][..., :3], shares, atol=2e-5)


def test_cancelling_leaves_nothing(tmp_path, endmembers, abundances, library, monkeypatch):
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    monkeypatch.setattr(scene_module, "BLOCK_BYTES", 4 * 80 * 17)
    seen = []
    progress = dataclasses.replace(
        Progress(), on_fraction=seen.append, cancelled=lambda: len(seen) > 3
    )
    with pytest.raises(CancelledError):
        estimate(progress, raster=scene, library=library, output=str(tmp_path / "out.tif"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["library.hdr", "library.sli", "scene.tif"]


def test_the_sampling_of_a_factorisation_can_be_cancelled(
    tmp_path, endmembers, abundances, library, monkeypatch
):
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    monkeypatch.setattr(scene_module, "BLOCK_BYTES", 4 * 80 * 17)
    sampled = []

    def sample(spectra, pixels, generator):
        sampled.append(len(spectra))
        return spectra[:pixels]

    monkeypatch.setattr(jobs, "sample_spectra", sample)
    progress = dataclasses.replace(Progress(), cancelled=lambda: len(sampled) == 2)
    with pytest.raises(CancelledError):
        estimate(
            progress, raster=scene, library=library, output=str(tmp_path / "o.tif"), method="nmf"
        )
    assert len(sampled) == 2


def test_tags_say_where_the_maps_come_from(tmp_path, endmembers, abundances, library):
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    output = str(tmp_path / "out.tif")
    origin = {"algorithm": "gossan:estimateabundances", "parameters": {"METHOD": "FCLS"}}
    estimate(Progress(), raster=scene, library=library, output=output, method="fcls", origin=origin)
    tags = read(output)[1].tags
    assert tags["GOSSAN_ALGORITHM"] == "gossan:estimateabundances"
    assert tags["GOSSAN_METHOD"] == "fcls"
    assert "FCLS" in tags["GOSSAN_PARAMETERS"]


def test_names_that_come_twice_are_told_apart(tmp_path, endmembers, abundances):
    path = tmp_path / "library.csv"
    write_library(path, SpectralLibrary(("soil", "Soil", ""), endmembers, WAVELENGTHS))
    scene = write_scene(tmp_path / "scene.tif", abundances @ endmembers)
    result = estimate(Progress(), raster=scene, library=str(path), output=str(tmp_path / "out.tif"))
    assert [row["name"] for row in result["endmembers"]][:2] == ["soil", "Soil (2)"]


def test_an_unknown_method_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InputError, match="choose one of nnls, fcls"):
        estimate(
            Progress(), raster="none", library="no", output=str(tmp_path / "a.tif"), method="magic"
        )
    assert jobs.METHODS[0] == "nnls"
