"""Unmixing of real scenes: Jasper Ridge, Samson and the Gamsberg cube."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.optimize import nnls as scipy_nnls

from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.models.abundances.fcls import fcls
from gossan.models.abundances.jobs import estimate
from gossan.models.abundances.nnls import nnls
from gossan.models.spectra.jobs import map_angles


def unmixing_scene(folder, name, scale):
    """Return spectra (pixels, bands), endmembers (k, bands) and abundances (pixels, k)."""
    path = folder / "endmembers" / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    content = loadmat(path)
    endmembers = content["GT"].astype(float)
    truth = content["S_GT"].transpose(2, 1, 0).reshape(len(endmembers), -1).T
    return content["Y"].T.astype(float) / scale, endmembers, truth


def rmse(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


@pytest.fixture(scope="module")
def jasper(shared_data):
    return unmixing_scene(shared_data, "Jasper.mat", 5437.0)


def test_jasper_ridge_fcls_is_near_the_reference_abundances(jasper):
    spectra, endmembers, truth = jasper
    abundances = fcls(spectra, endmembers)
    np.testing.assert_allclose(abundances.sum(axis=1), 1.0, rtol=0, atol=1e-9)
    assert rmse(abundances, truth) <= 0.079


def test_jasper_ridge_nnls_divided_by_its_sum_is_near_the_reference_abundances(jasper):
    spectra, endmembers, truth = jasper
    abundances = nnls(spectra, endmembers)
    assert rmse(abundances / abundances.sum(axis=1, keepdims=True), truth) <= 0.051


def test_jasper_ridge_nnls_equals_scipy(jasper):
    spectra, endmembers, _ = jasper
    expected = np.array([scipy_nnls(endmembers.T, y)[0] for y in spectra])
    np.testing.assert_allclose(nnls(spectra, endmembers), expected, rtol=0, atol=1e-9)
    single = nnls(spectra.astype(np.float32), endmembers)
    np.testing.assert_allclose(single, expected, rtol=0, atol=5e-5)


def test_jasper_ridge_fcls_equals_scipy_with_a_heavy_sum_equation(jasper):
    spectra, endmembers, _ = jasper
    # A row of weight w pulls the sum to one up to the order of 1/w^2.
    weight = 1e4
    heavy = np.vstack([endmembers.T, np.full((1, len(endmembers)), weight)])
    expected = np.array([scipy_nnls(heavy, np.append(y, weight))[0] for y in spectra[::7]])
    np.testing.assert_allclose(fcls(spectra[::7], endmembers), expected, rtol=0, atol=1e-6)


def test_samson_fits_its_reference_abundances(shared_data):
    spectra, endmembers, truth = unmixing_scene(shared_data, "Samson.mat", 1.0)
    # Its reference spectra are scaled to a maximum of one each, so only proportions compare.
    abundances = nnls(spectra, endmembers)
    for k in range(len(endmembers)):
        assert np.corrcoef(abundances[:, k], truth[:, k])[0, 1] > 0.9


def test_gamsberg_unmixes_with_its_field_library(shared_data, tmp_path):
    folder = shared_data / "endmembers" / "gamsberg"
    if not folder.is_dir():
        pytest.skip("the Gamsberg cube is not here")
    said = []
    result = estimate(
        Progress(on_message=said.append),
        raster=str(folder / "cubus_gamsberg_subset"),
        library=str(folder / "gamsberg_field_library"),
        output=str(tmp_path / "abundances.tif"),
    )
    assert result["valid_pixels"] == 250
    assert result["mean_rmse"] < 0.03  # the scene's mean reflectance is ten times that
    assert any("resampled" in text and "under the scene's band widths" in text for text in said)
    with open_raster(tmp_path / "abundances.tif") as maps:
        assert maps.info.count == 27 + 2
        assert (maps.read()[..., :27] >= 0).all()
    angles = map_angles(
        Progress(),
        raster=str(folder / "cubus_gamsberg_subset"),
        library=str(folder / "gamsberg_field_library"),
        angles=str(tmp_path / "angles.tif"),
        classes=str(tmp_path / "classes.tif"),
        threshold=0.3,
    )
    assert sum(row["pixels"] for row in angles["legend"]) > 0
