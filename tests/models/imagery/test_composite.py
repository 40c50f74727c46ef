"""Composites are the median or medoid of the clear looks, whatever grids the scenes have."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.warp import Resampling, reproject
from rasterio.windows import from_bounds
from scipy.spatial.distance import cdist

from gossan.core.bands import sensor_bands
from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.examples.district.district import make_district
from gossan.examples.district.products import Settings
from gossan.models.imagery import composite as writing
from gossan.models.imagery import looks as reading
from gossan.models.imagery.composite_jobs import composite
from gossan.models.imagery.compositing import median, medoid
from gossan.models.mines.images import open_image

CLEAR = (2, 4, 5, 6, 7)


def stored(path):
    with rasterio.open(path) as file:
        return file.read()


def reflectance(scene):
    """Return a date's reflectance (bands, rows, columns), NaN where there is no image."""
    values = (scene.numbers.astype(np.float64) - scene.added) / 10_000
    return np.where(scene.numbers == 0, np.nan, values)


def by_scl(scene):
    return np.where(np.isin(scene.scl, CLEAR), reflectance(scene), np.nan)


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_the_median_is_that_of_all_clear_looks(dates, tmp_path):
    result = composite(
        Progress(),
        rasters=dates.images,
        cloud_limit=100,
        number_type="reflectance",
        output=str(tmp_path / "median.tif"),
        counts=str(tmp_path / "looks.tif"),
    )
    looks = np.stack([by_scl(scene) for scene in dates.scenes.values()])
    np.testing.assert_allclose(
        stored(tmp_path / "median.tif"), np.nanmedian(looks, axis=0), atol=2e-6
    )
    expected = np.isfinite(looks).sum(axis=0).min(axis=0)
    assert 0 <= expected.min() < expected.max() <= 6
    np.testing.assert_array_equal(stored(tmp_path / "looks.tif")[0], expected)
    assert result["used"] == 6
    assert result["clear_share"] == pytest.approx((expected > 0).mean())
    assert result["mean_looks"] == pytest.approx(expected.mean())


def test_whole_numbers_carry_their_scale_and_equal_the_decimal_ones(dates, tmp_path):
    for kind, name in (("reflectance", "a.tif"), ("reflectance x 10000", "b.tif")):
        composite(
            Progress(), rasters=dates.images, cloud_limit=100, number_type=kind,
            output=str(tmp_path / name), origin={"algorithm": "gossan:cloudfreecomposite"},
        )  # fmt: skip
    with rasterio.open(tmp_path / "b.tif") as file:
        assert (file.dtypes[0], file.nodata) == ("uint16", 0)
        assert file.scales == pytest.approx((1e-4,) * 12)
        assert file.descriptions[8] == "B8A"
        assert file.tags()["numbers"] == "reflectance x 10000"
        assert file.tags()["GOSSAN_ALGORITHM"] == "gossan:cloudfreecomposite"
        assert float(file.tags(9)["wavelength"]) == pytest.approx(864.7)
        whole = file.read()
    decimal = stored(tmp_path / "a.tif")
    np.testing.assert_array_equal(whole == 0, np.isnan(decimal))
    seen = whole > 1  # below it values are cut
    np.testing.assert_allclose(whole[seen] / 10_000, decimal[seen], atol=5.1e-5)


def test_the_composite_is_nearer_to_the_cloud_free_truth_than_a_median_without_masks(
    dates, tmp_path
):
    clean, raw = tmp_path / "clean.tif", tmp_path / "raw.tif"
    for path, mask in ((clean, "automatic"), (raw, "none")):
        composite(
            Progress(), rasters=dates.images, cloud_limit=100, mask=mask,
            number_type="reflectance", output=str(path),
        )  # fmt: skip
    offsets = [scene.added for scene in dates.scenes.values()]
    free = np.stack([(stored(p) - float(o)) / 1e4 for p, o in zip(dates.truth, offsets)])
    low, high = free.min(axis=0), free.max(axis=0)
    made, unmasked = stored(clean), stored(raw)
    seen = np.isfinite(made)
    assert seen.mean() > 0.95
    within = ((made >= low - 0.01) & (made <= high + 0.01))[seen]
    assert within.mean() > 0.99
    truth = np.median(free, axis=0)
    error, careless = (
        np.abs(values - truth)[seen & np.isfinite(unmasked)] for values in (made, unmasked)
    )
    assert np.percentile(error, 95) < 0.6 * np.percentile(careless, 95)


def test_a_medoid_takes_all_bands_of_one_date_the_one_nearest_to_all_others(dates, tmp_path):
    composite(
        Progress(), rasters=dates.images, cloud_limit=100, method="medoid",
        number_type="reflectance", output=str(tmp_path / "medoid.tif"),
    )  # fmt: skip
    made = stored(tmp_path / "medoid.tif")
    looks = np.stack([by_scl(scene) for scene in dates.scenes.values()])
    rows, columns = made.shape[1:]
    mixed = 0
    for row in range(0, rows, 9):
        for column in range(0, columns, 9):
            pixel = looks[:, :, row, column]
            clear = pixel[np.isfinite(pixel).all(axis=1)]
            if not len(clear):
                assert np.isnan(made[:, row, column]).all()
                continue
            best = clear[cdist(clear, clear).sum(axis=1).argmin()]
            assert np.abs(clear - made[:, row, column]).max(axis=1).min() < 2e-6  # a whole date
            mixed += not np.allclose(made[:, row, column], best, atol=2e-6)
    assert mixed == 0


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 14), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5)),
        elements=st.one_of(st.just(np.nan), st.floats(-1, 2, width=32)),
    )
)
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_median_and_medoid_equal_their_definitions(looks):
    values, counts = median(looks[:, 0])
    np.testing.assert_array_equal(counts, np.isfinite(looks[:, 0]).sum(axis=0))
    if len(looks):
        np.testing.assert_allclose(values, np.nanmedian(looks[:, 0], axis=0), rtol=1e-6)
    chosen, counts = medoid(looks)
    for row in range(looks.shape[2]):
        for column in range(looks.shape[3]):
            pixel = looks[:, :, row, column].astype(np.float64)
            clear = pixel[np.isfinite(pixel).all(axis=1)]
            assert counts[row, column] == len(clear)
            if len(clear):
                sums = cdist(clear, clear).sum(axis=1)
                distance = np.abs(clear - chosen[:, row, column]).max(axis=1)
                own = sums[distance == 0].min()
                assert own == pytest.approx(sums.min(), rel=1e-9, abs=1e-12)
            else:
                assert np.isnan(chosen[:, row, column]).all()


@pytest.mark.parametrize("method", ["median", "medoid"])
def test_windows_of_any_size_give_the_same(dates, tmp_path, monkeypatch, method):
    whole, pieces = tmp_path / "whole.tif", tmp_path / "pieces.tif"
    composite(Progress(), rasters=dates.images, cloud_limit=100, method=method, output=str(whole))
    monkeypatch.setattr(writing, "_side", lambda looks, together: 47)
    composite(Progress(), rasters=dates.images, cloud_limit=100, method=method, output=str(pieces))
    np.testing.assert_array_equal(stored(whole), stored(pieces))


def test_the_search_for_mines_opens_a_composite_as_reflectance_without_assumptions(dates, tmp_path):
    output, said = str(tmp_path / "c.tif"), []
    composite(Progress(), rasters=dates.images, cloud_limit=100, output=output)
    wanted = [band for band in sensor_bands("sentinel-2") if band.name != "B10"]
    progress = Progress(on_message=said.append, on_warning=said.append)
    with open_image(output, wanted, ground_sampling_distance=10.0, progress=progress) as image:
        values = image.read()
    numbers = np.moveaxis(stored(output), 0, -1)
    seen = (numbers > 0).all(axis=-1)
    np.testing.assert_allclose(values[seen], numbers[seen] / 10_000, atol=1e-7)
    assert np.isnan(values[~seen]).all()
    assert said == []


# Which scenes and which masks


def test_clouds_above_the_limit_and_days_out_of_the_period_leave_a_scene_out(dates, tmp_path):
    said = []
    shares = {
        stem: np.isin(scene.scl, (8, 9, 10)).sum() / (scene.scl != 0).sum()
        for stem, scene in dates.scenes.items()
    }
    result = composite(
        Progress(on_warning=said.append), rasters=dates.images, cloud_limit=20,
        start="2021-10-01", end="2025-01-01", output=str(tmp_path / "c.tif"),
        report=str(tmp_path / "r.html"),
    )  # fmt: skip
    inside = list(shares)[1:5]
    kept = [stem for stem in inside if shares[stem] <= 0.2]
    assert 0 < len(kept) < 4
    assert result["used"] == len(kept)
    assert sum("not within the period" in text for text in said) == 2
    assert sum("% cloud" in text for text in said) == 4 - len(kept)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert all(stem in page for stem in shares)
    with rasterio.open(tmp_path / "c.tif") as file:
        assert file.tags()["dates"] == ", ".join(dates.scenes[stem].look.date for stem in kept)


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_qa60_counts_where_it_is_filled_and_scl_where_it_is_empty(dates, tmp_path):
    said = []
    composite(
        Progress(on_message=said.append), rasters=dates.images, cloud_limit=100, mask="QA60",
        number_type="reflectance", output=str(tmp_path / "c.tif"),
    )  # fmt: skip
    looks = []
    for stem, scene in dates.scenes.items():
        empty = "2022-01-25" <= scene.look.date <= "2024-02-28"
        clear = np.isin(scene.scl, CLEAR) if empty else scene.qa60 & 0b110000000000 == 0
        looks.append(np.where(clear, reflectance(scene), np.nan))
        assert any(t.startswith(stem) and ("SCL" if empty else "QA60") in t for t in said)
    np.testing.assert_allclose(
        stored(tmp_path / "c.tif"), np.nanmedian(np.stack(looks), axis=0), atol=2e-6
    )


def test_a_scene_without_a_usable_mask_is_left_out_and_named(dates, tmp_path):
    said = []
    for path in dates.images[2:4]:
        shutil.copy(path, tmp_path)
        stem = Path(path).stem
        shutil.copy(dates.folder / f"{stem}_qa60.tif", tmp_path)
    result = composite(
        Progress(on_warning=said.append), cloud_limit=100, output=str(tmp_path / "c.tif"),
        rasters=[str(tmp_path / Path(path).name) for path in dates.images[2:4]],
    )  # fmt: skip
    assert (result["used"], result["left_out"]) == (1, 1)
    assert "sentinel2_20220510" in said[0]
    assert "QA60 is empty" in said[0]


def test_landsat_clouds_shadows_and_dilated_clouds_hide_the_ground(tmp_path, write_raster):
    flags = np.array([[1 << 6, 1 << 3, 1 << 4, 1 << 1, 1 << 2, 1 << 5, 1, 1 << 6 | 1 << 7]])
    files = []
    for day in ("20200819", "20210112", "20210301"):
        stem = f"LC08_L2SP_123041_{day}_{day}_02_T1"
        files.append(
            write_raster(tmp_path / f"{stem}_SR_B4.TIF", np.full((1, 8), 12_000, dtype=np.uint16))
        )
        write_raster(tmp_path / f"{stem}_QA_PIXEL.TIF", flags.astype(np.uint16), nodata=1)
    result = composite(
        Progress(), rasters=files, cloud_limit=100, number_type="reflectance",
        output=str(tmp_path / "c.tif"),
    )  # fmt: skip
    assert result["bands"] == ["B4"]
    expected = np.full(8, np.nan)
    expected[[0, 7]] = 12_000 * 2.75e-5 - 0.2
    np.testing.assert_allclose(stored(tmp_path / "c.tif")[0, 0], expected, rtol=1e-6)


def test_the_offset_is_taken_off_by_the_baseline_of_each_scene(tmp_path, write_raster):
    folders = {
        "S2A_MSIL2A_20210610T000000_N0300_R001_T49RGL_20210610T000001.SAFE": (3000, None),
        "S2B_MSIL2A_20220610T000000_N0400_R001_T49RGL_20220610T000001.SAFE": (4000, None),
        "S2B_MSIL2A_20220710T000000_N9999_R001_T49RGL_20220710T000001.SAFE": (4000, -1000),
    }
    files = []
    for name, (number, offset) in folders.items():
        granule = tmp_path / name / "GRANULE" / "L2A_T49RGL_A000001_20210610T000000"
        tile = f"T49RGL_{name[11:26]}"
        for metres, band in (("10m", "B04"), ("20m", "B11"), ("20m", "SCL")):
            folder = granule / "IMG_DATA" / f"R{metres}"
            folder.mkdir(parents=True, exist_ok=True)
            side, pixel = (8, 10.0) if metres == "10m" else (4, 20.0)
            value = 4 if band == "SCL" else number
            array = np.full((side, side), value, dtype=np.uint8 if band == "SCL" else np.uint16)
            path = write_raster(folder / f"{tile}_{band}_{metres}.tif", array, pixel=pixel)
            if band != "SCL":
                files.append(path)
        if offset is not None:
            (tmp_path / name / "MTD_MSIL2A.xml").write_text(
                "<a><PROCESSING_BASELINE>05.00</PROCESSING_BASELINE>"
                f'<BOA_ADD_OFFSET band_id="0">{offset}</BOA_ADD_OFFSET></a>'
            )
    result = composite(
        Progress(), rasters=files, number_type="reflectance", output=str(tmp_path / "c.tif"),
        counts=str(tmp_path / "n.tif"),
    )  # fmt: skip
    assert result["bands"] == ["B4", "B11"]
    np.testing.assert_allclose(stored(tmp_path / "c.tif"), 0.3, atol=1e-6)
    assert (stored(tmp_path / "n.tif") == 3).all()
    assert stored(tmp_path / "c.tif").shape == (2, 8, 8)


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_landsat_level_1_becomes_reflectance_by_the_metadata_beside_it(tmp_path):
    settings = Settings(seed=5, size=48, landsat_scenes=2, landsat_size=96)
    make_district(tmp_path / "d", settings, only=["landsat"])
    folders = sorted((tmp_path / "d" / "landsat").iterdir())
    files = [str(path) for folder in folders for path in sorted(folder.glob("*_B?.TIF"))]
    result = composite(
        Progress(), rasters=files, cloud_limit=100, bands="B4", number_type="reflectance",
        output=str(tmp_path / "c.tif"),
    )  # fmt: skip
    assert result["used"] == len(folders) == 2
    looks = []
    for folder in folders:
        text = next(folder.glob("*_MTL.txt")).read_text()
        sun = float(re.search(r"SUN_ELEVATION = ([\d.]+)", text).group(1))
        numbers = stored(next(folder.glob("*_B4.TIF")))[0].astype(float)
        flags = stored(next(folder.glob("*_QA_PIXEL.TIF")))[0]
        values = (numbers * 2e-5 - 0.1) / np.sin(np.radians(sun))
        looks.append(np.where((flags == 1 << 6) & (numbers > 0), values, np.nan))
    assert np.isfinite(looks).any(axis=(1, 2)).all()
    np.testing.assert_allclose(
        stored(tmp_path / "c.tif")[0], np.nanmedian(np.stack(looks), axis=0), atol=2e-6
    )


# Grids


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_scenes_of_different_extents_are_laid_on_each_other_pixel_by_pixel(
    dates, tmp_path, write_raster
):
    cuts = [(0, 0, 110, 100), (40, 20, 168, 168), (90, 80, 130, 150)]
    files, looks = [], np.full((3, 12, 168, 168), np.nan)
    for number, ((top, left, bottom, right), stem) in enumerate(zip(cuts, dates.scenes)):
        scene = dates.scenes[stem]
        place = {"left": 500_000 + 10 * left, "top": 4_000_000 - 10 * top}
        part = (slice(top, bottom), slice(left, right))
        files.append(
            write_raster(
                tmp_path / f"{stem}.tif",
                scene.numbers[:, top:bottom, left:right],
                names=[f"B{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, "8A", 9, 11, 12)],
                offset=str(scene.added),
                **place,
            )
        )
        write_raster(tmp_path / f"{stem}_SCL.tif", scene.scl[part], **place)
        looks[number][(slice(None), *part)] = by_scl(scene)[(slice(None), *part)]
    composite(
        Progress(), rasters=files, cloud_limit=100, number_type="reflectance",
        output=str(tmp_path / "c.tif"),
    )  # fmt: skip
    with rasterio.open(tmp_path / "c.tif") as file:
        assert file.transform == Affine(10, 0, 500_000, 0, -10, 4_000_000)
        np.testing.assert_allclose(file.read(), np.nanmedian(looks, axis=0), atol=2e-6)


def test_an_extent_in_degrees_and_another_crs_give_that_grid(dates, tmp_path):
    output = str(tmp_path / "c.tif")
    with rasterio.open(dates.images[0]) as file:
        left, bottom, right, top = file.bounds
    middle = ((left + right) / 2, (bottom + top) / 2)
    west, south, east, north = rasterio.warp.transform_bounds(
        "EPSG:32649", "EPSG:4326", middle[0], middle[1], middle[0] + 400, middle[1] + 300
    )
    composite(
        Progress(), rasters=dates.images, cloud_limit=100, extent=[west, south, east, north],
        extent_crs="EPSG:4326", output=output,
    )  # fmt: skip
    with rasterio.open(output) as file:
        assert file.crs.to_epsg() == 32649
        assert abs(file.height - 30) <= 3
        assert abs(file.width - 40) <= 3
        here = file.read()
        window = from_bounds(*file.bounds, transform=rasterio.open(dates.images[0]).transform)
        assert window.col_off == pytest.approx(round(window.col_off))
    composite(Progress(), rasters=dates.images, cloud_limit=100, output=str(tmp_path / "all.tif"))
    whole = stored(tmp_path / "all.tif")
    rows, columns = window.toslices()
    np.testing.assert_array_equal(here, whole[:, rows, columns])

    composite(
        Progress(), rasters=dates.images, cloud_limit=100, crs="EPSG:32650", pixel_size=20,
        output=output,
    )  # fmt: skip
    with rasterio.open(output) as file:
        assert file.crs.to_epsg() == 32650
        assert file.res == (20, 20)
        warped = file.read(4)
        expected = np.zeros_like(warped, dtype=np.float32)
        reproject(
            np.where(whole[3] == 0, np.nan, whole[3]).astype(np.float32), expected,
            src_transform=rasterio.open(tmp_path / "all.tif").transform, src_crs="EPSG:32649",
            dst_transform=file.transform, dst_crs=file.crs, src_nodata=np.nan, dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )  # fmt: skip
    both = (warped > 0) & np.isfinite(expected)
    assert both.mean() > 0.7
    assert np.median(np.abs(warped[both] - expected[both])) < 60


def test_coarser_bands_and_scenes_of_two_satellites_meet_by_wavelength(tmp_path, write_raster):
    write_raster(tmp_path / "T49RGL_20240610T000000_B04_10m.tif", np.full((6, 6), 2000, np.uint16))
    write_raster(tmp_path / "T49RGL_20240610T000000_B8A_20m.tif",
                 np.full((3, 3), 3000, np.uint16), pixel=20.0)  # fmt: skip
    stem = "LC09_L2SP_123041_20240611_20240611_02_T1"
    for band, value in (("B4", 14_545), ("B5", 18_182), ("B6", 9_000)):
        write_raster(tmp_path / f"{stem}_SR_{band}.TIF", np.full((2, 2), value, np.uint16),
                     pixel=30.0)  # fmt: skip
    files = sorted(str(path) for path in tmp_path.glob("*_B*"))
    result = composite(
        Progress(), rasters=sorted(files, reverse=True), mask="none", number_type="reflectance",
        output=str(tmp_path / "c.tif"),
    )  # fmt: skip
    assert result["bands"] == ["B4", "B8A"]
    made = stored(tmp_path / "c.tif")
    assert made.shape == (2, 6, 6)
    landsat = np.array([14_545, 18_182]) * 2.75e-5 - 0.2
    expected = (landsat + np.array([0.2, 0.3])) / 2
    np.testing.assert_allclose(made[:, 2, 2], expected, atol=1e-6)


def test_scenes_without_names_of_bands_meet_by_position_only_when_asked(tmp_path, write_raster):
    files = [
        write_raster(tmp_path / f"x{n}.tif", np.full((2, 4, 4), 0.1 * n, np.float32))
        for n in (1, 2)
    ]
    given = {"rasters": files, "mask": "none", "number_type": "reflectance",
             "output": str(tmp_path / "c.tif")}  # fmt: skip
    with pytest.raises(InputError, match="has no band that all other scenes have"):
        composite(Progress(), **given)
    composite(Progress(), match_by_position=True, **given)
    np.testing.assert_allclose(stored(tmp_path / "c.tif"), 0.15, rtol=1e-6)
    files.append(write_raster(tmp_path / "y.tif", np.ones((3, 4, 4), np.float32)))
    with pytest.raises(InputError, match="y has 3 bands and x1 2"):
        composite(Progress(), match_by_position=True, **{**given, "rasters": files})


def test_a_mask_belongs_to_the_scene_whose_whole_name_it_bears(tmp_path, write_raster):
    ground, clear = np.full((1, 3, 3), 2000, np.uint16), np.full((3, 3), 4, np.uint8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    scene = write_raster(tmp_path / "a" / "scene1.tif", ground, names=["B4"], scale=1e-4)
    mask = write_raster(tmp_path / "b" / "scene10_SCL.tif", clear)
    other = write_raster(tmp_path / "a" / "other.tif", ground, names=["B4"], scale=1e-4)
    given = {"rasters": [scene, other], "output": str(tmp_path / "c.tif")}
    with pytest.raises(InputError, match=r"scene10_SCL\.tif belongs to none"):
        composite(Progress(), masks=[mask], **given)
    right = write_raster(tmp_path / "b" / "scene1_SCL.tif", clear)
    assert composite(Progress(), masks=[right], **given)["used"] == 1


def test_more_scenes_than_files_may_be_open_are_read(dates, tmp_path, monkeypatch):
    few, all_open = str(tmp_path / "few.tif"), str(tmp_path / "all.tif")
    composite(Progress(), rasters=dates.images, cloud_limit=100, output=all_open)
    monkeypatch.setattr(reading, "files_allowed", lambda: 3)
    composite(Progress(), rasters=dates.images, cloud_limit=100, output=few)
    np.testing.assert_array_equal(stored(few), stored(all_open))


# Faults


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rasters": []}, "No scene was given"),
        ({"method": "mean"}, "no method 'mean'"),
        ({"mask": "eyes"}, "no cloud mask 'eyes'"),
        ({"number_type": "int8"}, "no kind of numbers"),
        ({"grid": "best"}, "no grid rule"),
        ({"cloud_limit": 120.0}, "no percentage"),
        ({"cloud_limit": float("nan")}, "no percentage"),
        ({"start": "yesterday"}, "'yesterday' is not a date"),
        ({"start": "2024-02-30"}, "is not a date"),
        ({"bands": "B4, B99"}, "B99"),
        ({"pixel_size": -10.0}, "makes no grid"),
        ({"pixel_size": 1e-7}, "Give an extent"),
        ({"crs": "EPSG:0"}, "is not known"),
        ({"extent": [1, 2, 3]}, "four numbers"),
        ({"extent": [5, 5, 1, 1]}, "is empty"),
        ({"extent": [0, 0, 0.01, 0.01], "extent_crs": "EPSG:4326"}, "off all scenes"),
        ({"extent": [0, 95, 10, 99], "extent_crs": "EPSG:4326"}, "no place"),
        ({"cloud_limit": 0.0, "start": "2021-11-01", "end": "2021-11-30"}, "No scene is left"),
        ({"scenes": "/nowhere/found.geojson"}, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(dates, tmp_path, changes, sentence):
    given = {"rasters": dates.images, "cloud_limit": 100.0, "output": str(tmp_path / "c.tif")}
    with pytest.raises((InputError, FileError), match=sentence):
        composite(Progress(), **{**given, **changes})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_scene_is_named_and_nothing_is_left(dates, tmp_path):
    scene = tmp_path / "in" / Path(dates.images[0]).name
    scene.parent.mkdir()
    content = Path(dates.images[0]).read_bytes()
    scene.write_bytes(content[: len(content) // 2])
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(FileError, match="damaged or cut off"):
        composite(Progress(), rasters=[str(scene), *dates.images[1:]], mask="none",
                  output=str(out / "c.tif"), counts=str(out / "n.tif"))  # fmt: skip
    assert list(out.iterdir()) == []


def test_cancelled_it_leaves_nothing(dates, tmp_path):
    asked = iter(range(100))
    with pytest.raises(CancelledError):
        composite(
            Progress(cancelled=lambda: next(asked) > 15), rasters=dates.images, cloud_limit=100,
            output=str(tmp_path / "c.tif"), counts=str(tmp_path / "n.tif"),
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_scenes_without_any_value_make_an_empty_composite_and_a_warning(tmp_path, write_raster):
    said = []
    path = write_raster(tmp_path / "x.tif", np.zeros((2, 5, 5), np.uint16), names=["B2", "B4"])
    composite(Progress(on_warning=said.append), rasters=[path], mask="none",
              output=str(tmp_path / "c.tif"))  # fmt: skip
    assert any("no pixel has a clear look" in text.lower() for text in said)
    assert not stored(tmp_path / "c.tif").any()


MEASURE = """
import resource, sys
import numpy as np
import gossan.models.imagery.composite as writing
from gossan.core.progress import Progress
from gossan.models.imagery import compositing
from gossan.models.imagery.composite_jobs import composite
writing.DATA_BUDGET = 1 << 25
compositing.median(np.zeros((2, 4, 4), np.float32))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
composite(Progress(), rasters=sys.argv[2:], mask="none", output=sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_follows_the_budget_and_not_the_number_of_looks(tmp_path, write_raster):
    """Forty looks in twelve bands of 448 x 448 would be 385 MB; the budget is 32 MB."""
    path = write_raster(
        tmp_path / "2024-01-01.tif", np.full((12, 448, 448), 1500, np.uint16),
        names=[f"B{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, "8A", 9, 11, 12)], scale=1e-4,
    )  # fmt: skip
    files = [str(tmp_path / f"look{number}.tif") for number in range(40)]
    for file in files:
        Path(file).symlink_to(path)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "c.tif"), *files],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    unit = 1 if sys.platform == "darwin" else 1024
    # Besides the budget: GDAL's own cache of 64 MB and 40 open files.
    assert int(done.stdout) * unit < 180 * 2**20
    assert (stored(tmp_path / "c.tif") == 1500).all()
