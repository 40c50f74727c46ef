"""What the dock of heavy metals asks: histogram, area above a threshold, what a model says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from gossan.core import windows
from gossan.core.blocks import Window
from gossan.core.bundle import read_bundle, write_bundle
from gossan.core.errors import BundleError, CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter
from gossan.core.validation import r2, rmse
from gossan.models.metals.distribution_jobs import area_above, histogram
from gossan.models.metals.model_file import MEASURED, OUT_OF_FOLD
from gossan.models.metals.model_jobs import describe_model, score_pairs

UTM = CRS.from_epsg(32649).to_wkt()
DEGREES = CRS.from_epsg(4326).to_wkt()
PIXELS = Affine(30, 0, 500_000, 0, -30, 4_000_000)


def write(path, values, *, crs=UTM, transform=PIXELS, names=("Pb",)):
    height, width, _ = values.shape
    with RasterWriter(
        path, height, width, bands=names, crs_wkt=crs, transform=transform, units="mg/kg"
    ) as writer:
        writer.write(Window(0, 0, height, width), values.astype(np.float32))
    return str(path)


@pytest.fixture
def raster(tmp_path):
    values = np.random.default_rng(3).lognormal(3, 0.8, (57, 40, 2))
    values[5:9, 3:30] = np.nan
    return write(tmp_path / "metals.tif", values, names=("Pb", "As")), values.astype(np.float32)


def test_the_bins_from_any_edge_on_hold_what_is_not_below_it(raster):
    path, values = raster
    told = histogram(Progress(), raster=path, band=2, bins=37)
    arsenic = values[..., 1][np.isfinite(values[..., 1])].astype(float)
    edges = np.linspace(told["low"], told["high"], 38)
    assert (told["name"], told["unit"]) == ("As", "mg/kg")
    assert (told["low"], told["high"]) == (arsenic.min(), arsenic.max())
    assert told["count"] == arsenic.size
    assert told["missing"] == 57 * 40 - arsenic.size
    assert told["mean"] == pytest.approx(arsenic.mean())
    assert told["deviation"] == pytest.approx(arsenic.std(ddof=1))
    for k in range(37):
        above = int((arsenic >= edges[k]).sum())
        assert sum(told["pixels"][k:]) == above
        assert sum(told["areas"][k:]) == pytest.approx(900 * above)


def test_windows_change_nothing(raster, monkeypatch):
    path, _ = raster
    whole = histogram(Progress(), raster=path), area_above(Progress(), raster=path, threshold=20.0)
    monkeypatch.setattr(
        "gossan.models.metals.concentrations.rows_for_budget",
        lambda width, size: windows.rows_for_budget(width, size, budget=20_000),
    )
    seen = []
    parts = (
        histogram(Progress(on_fraction=seen.append), raster=path),
        area_above(Progress(), raster=path, threshold=20.0),
    )
    assert len(seen) > 4
    assert parts[0]["pixels"] == whole[0]["pixels"]
    assert parts[0]["areas"] == pytest.approx(whole[0]["areas"])
    assert parts[0]["deviation"] == pytest.approx(whole[0]["deviation"])
    assert parts[1] == pytest.approx(whole[1])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(threshold=st.floats(-10, 500))
def test_the_area_above_a_threshold_is_counted_to_the_pixel(raster, threshold):
    path, values = raster
    lead = values[..., 0].astype(float)
    told = area_above(Progress(), raster=path, threshold=threshold)
    assert told["pixels"] == int((lead >= threshold).sum())
    assert told["area"] == pytest.approx(900 * told["pixels"])
    assert told["total"] == pytest.approx(900 * np.isfinite(lead).sum())


def test_degrees_weigh_less_towards_the_poles(tmp_path):
    values = np.ones((2, 1, 1))
    values[1] = 5
    path = write(
        tmp_path / "a.tif", values, crs=DEGREES, transform=Affine(0.01, 0, 10, 0, -0.01, 60.01)
    )
    told = histogram(Progress(), raster=path, bins=2)
    # Half way to the pole a degree of longitude is half as long: cos 60 degrees.
    assert told["areas"][1] == pytest.approx(0.5 * (0.01 * 111_320) ** 2, rel=5e-3)
    assert told["areas"][0] < told["areas"][1]
    above = area_above(Progress(), raster=path, threshold=2.0)
    assert above["area"] == pytest.approx(told["areas"][1])


def test_without_a_place_pixels_are_counted_and_no_area(tmp_path):
    path = write(tmp_path / "a.tif", np.arange(6.0).reshape(2, 3, 1), crs=None, transform=None)
    assert histogram(Progress(), raster=path)["areas"] is None
    told = area_above(Progress(), raster=path, threshold=3.0)
    assert (told["pixels"], told["count"], told["area"]) == (3, 6, None)


def test_a_constant_band_has_one_value(tmp_path):
    path = write(tmp_path / "a.tif", np.full((3, 3, 1), 7.0))
    told = histogram(Progress(), raster=path, bins=4)
    assert (told["low"], told["high"], told["deviation"]) == (7.0, 7.0, 0.0)
    assert sum(told["pixels"]) == 9


def test_what_cannot_be_counted_is_refused_in_a_sentence(raster, tmp_path):
    path, _ = raster
    with pytest.raises(InputError, match=r"metals.tif has 2 band.*no band 3"):
        histogram(Progress(), raster=path, band=3)
    with pytest.raises(InputError, match="at least 1"):
        histogram(Progress(), raster=path, bins=0)
    with pytest.raises(InputError, match="no number"):
        area_above(Progress(), raster=path, threshold=float("nan"))
    with pytest.raises(FileError, match=r"gone.tif does not exist"):
        area_above(Progress(), raster=str(tmp_path / "gone.tif"), threshold=1.0)
    empty = write(tmp_path / "empty.tif", np.full((2, 2, 1), np.nan))
    with pytest.raises(InputError, match=r"empty.tif.*no valid pixel"):
        histogram(Progress(), raster=empty)
    with pytest.raises(CancelledError):
        histogram(Progress(cancelled=lambda: True), raster=path)


def test_a_model_tells_its_scores_and_the_pairs_behind_them(small_world):
    told = describe_model(Progress(), model=small_world.model)
    truth = {row.split(",")[0]: [float(v) for v in row.split(",")[3:]] for row in small_world.rows}
    assert told["features"] == list(small_world.names)
    assert told["samples"] == 60
    assert "k-fold" in told["split"] or "fold" in told["split"]
    for k, element in enumerate(told["elements"]):
        assert element["name"] == ("Pb", "As")[k]
        assert element["unit"] == "mg/kg"
        assert sorted(element["measured"]) == pytest.approx(
            sorted(values[k] for values in truth.values())
        )
        measured, predicted = map(np.array, (element["measured"], element["predicted"]))
        assert element["scores"]["r2"] == pytest.approx(r2(measured, predicted))
        assert element["scores"]["rmse"] == pytest.approx(rmse(measured, predicted))
        where = {tuple(place): value for place, value in zip(element["places"], measured)}
        for row in small_world.rows:
            _, x, y, *contents = map(float, row.split(","))
            assert where[x, y] == pytest.approx(contents[k])
    assert CRS.from_wkt(told["crs_wkt"]).to_epsg() == 32649
    values = np.array(list(truth.values()))
    assert told["correlation"][0][1] == pytest.approx(np.corrcoef(values.T)[0, 1])


def test_a_model_without_the_pairs_still_tells_its_scores(small_world, tmp_path):
    bundle = read_bundle(small_world.model)
    arrays = bundle.arrays()
    kept = {name: array for name, array in arrays.items() if name not in (MEASURED, OUT_OF_FOLD)}
    write_bundle(tmp_path / "old.gossan", bundle.card, arrays=kept)
    told = describe_model(Progress(), model=str(tmp_path / "old.gossan"))
    assert told["elements"][0]["measured"] == []
    assert told["elements"][0]["scores"]["n"] == 60
    assert told["correlation"] == []
    write_bundle(
        tmp_path / "cut.gossan", bundle.card, arrays={**arrays, MEASURED: arrays[MEASURED][:5]}
    )
    with pytest.raises(BundleError, match=r"validation kept in .*cut.gossan is damaged"):
        describe_model(Progress(), model=str(tmp_path / "cut.gossan"))


def test_another_kind_of_model_is_refused(small_world, tmp_path):
    bundle = read_bundle(small_world.model)
    other = replace(bundle.card, kind="lithology")
    write_bundle(tmp_path / "other.gossan", other, arrays=bundle.arrays())
    with pytest.raises(BundleError, match=r"other.gossan is a model for 'lithology'.*'metals'"):
        describe_model(Progress(), model=str(tmp_path / "other.gossan"))


def test_pairs_are_scored_as_a_training_scores_them():
    told = score_pairs(Progress(), measured=[1.0, 2.0, None, 4.0], predicted=[1.0, 3.0, 9.0, 3.5])[
        "scores"
    ]
    # Errors 0, 1, -0.5 around a mean of 7/3; deviations -4/3, -1/3, 5/3.
    assert told["n"] == 3
    assert told["rmse"] == pytest.approx((1.25 / 3) ** 0.5)
    assert told["r2"] == pytest.approx(1 - 1.25 / (42 / 9))
    assert told["rpd"] == pytest.approx((42 / 9 / 2) ** 0.5 / (1.25 / 3) ** 0.5)
    assert told["rpd_class"] == "good"
    with pytest.raises(InputError, match="No sample has both"):
        score_pairs(Progress(), measured=[None], predicted=[1.0])
    with pytest.raises(InputError, match="2 measured values cannot"):
        score_pairs(Progress(), measured=[1.0, 2.0], predicted=[1.0])
