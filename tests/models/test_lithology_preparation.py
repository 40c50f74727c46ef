"""Centred log-ratios and the reduction to the pole, against formulas worked out here."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.models.lithology.compositions import Parts, centred_log_ratio
from gossan.models.lithology.magnetics import reduce_to_pole
from gossan.models.registry import load

POSITIVE = arrays(np.float64, (5, 4), elements=st.floats(0.01, 1000.0))


def write(path, values, names=None, crs="EPSG:32650", cell=100.0, nodata=None, dtype="float32"):
    values = np.atleast_3d(values)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[0],
        width=values.shape[1],
        count=values.shape[2],
        dtype=dtype,
        crs=crs,
        transform=Affine(cell, 0, 500_000, 0, -cell, 3_000_000),
        nodata=nodata,
    ) as dataset:
        dataset.write(np.moveaxis(values, -1, 0).astype(dtype))
        for index, name in enumerate(names or [], start=1):
            dataset.set_band_description(index, name)
    return str(path)


@given(POSITIVE, st.floats(0.01, 1000.0))
def test_log_ratios_sum_to_zero_and_do_not_know_the_unit(values, factor):
    floor = np.full(4, 1e-9)
    ratios = centred_log_ratio(values, floor)
    geometric = np.exp(np.log(values).mean(axis=1, keepdims=True))
    np.testing.assert_allclose(ratios, np.log(values / geometric), atol=1e-9)
    np.testing.assert_allclose(ratios.sum(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(centred_log_ratio(values * factor, floor), ratios, atol=1e-9)


def test_zeros_are_replaced_by_a_share_of_the_smallest_value_and_counted():
    parts = Parts.unknown(("a", "b")).seeing(np.array([[0.0, 4.0], [2.0, np.nan], [6.0, -1.0]]))
    assert parts.zeros.tolist() == [1, 1]
    np.testing.assert_allclose(parts.replacements, [1.3, 2.6])
    assert len(parts.notes()) == 2
    ratios = centred_log_ratio(np.array([[0.0, 4.0], [2.0, np.nan]]), parts.replacements)
    assert ratios[0, 0] == pytest.approx(np.log(1.3 / np.sqrt(1.3 * 4.0)))
    assert np.isnan(ratios[1]).all()


def test_a_part_without_any_value_is_named():
    parts = Parts.unknown(("SiO2", "MgO")).seeing(np.array([[60.0, 0.0], [50.0, 0.0]]))
    with pytest.raises(InputError, match="MgO: no value is above zero"):
        _ = parts.replacements
    with pytest.raises(InputError, match="at least two"):
        Parts.unknown(("SiO2",))


def test_the_job_transforms_rasters_window_by_window_and_tables_alike(tmp_path):
    random = np.random.default_rng(0)
    values = random.uniform(1.0, 60.0, (40, 30, 3)).astype(np.float32)
    values[3, 4, 1] = 0.0
    values[5, 6, 2] = np.nan
    raster = write(tmp_path / "oxides.tif", values, ["SiO2", "MgO", "CaO"])
    rows = [{"SiO2": 60.0, "MgO": "<0.02", "CaO": 3}, {"SiO2": 50.0, "MgO": "2,5", "CaO": None}]
    rows.append({"SiO2": 40.0, "MgO": "5", "CaO": 8})
    table = tmp_path / "table.geojson"
    content = [{"type": "Feature", "properties": row, "geometry": None} for row in rows]
    table.write_text(json.dumps({"type": "FeatureCollection", "features": content}))
    out, out_table = str(tmp_path / "clr.tif"), str(tmp_path / "clr.geojson")
    result = load("lithology.clr")(
        Progress(),
        raster=raster,
        output=out,
        features=str(table),
        fields=["SiO2", "MgO", "CaO"],
        output_features=out_table,
    )
    assert (result["zeros"], result["missing"], result["valid"]) == (2, 2, 40 * 30 - 1 + 2)
    with rasterio.open(out) as dataset:
        assert dataset.descriptions == ("clr SiO2", "clr MgO", "clr CaO")
        ratios = np.moveaxis(dataset.read(), 0, -1)
    filled = values.astype(np.float64)
    filled[3, 4, 1] = 0.65 * values[..., 1][values[..., 1] > 0].min()
    logs = np.log(filled)
    np.testing.assert_allclose(ratios, logs - logs.mean(-1, keepdims=True), atol=1e-5)
    features = json.loads((tmp_path / "clr.geojson").read_text())["features"]
    first = features[0]["properties"]
    expected = np.log([60.0, 0.65 * 2.5, 3.0])
    assert first["clr_MgO"] == pytest.approx(expected[1] - expected.mean())
    assert features[1]["properties"]["clr_SiO2"] is None


def test_what_cannot_be_transformed_is_named_and_leaves_nothing(tmp_path):
    raster = write(tmp_path / "a.tif", np.ones((4, 4, 2)))
    out = str(tmp_path / "clr.tif")
    run = load("lithology.clr")
    with pytest.raises(InputError, match="no band 5"):
        run(Progress(), raster=raster, bands=[1, 5], output=out)
    empty = write(tmp_path / "empty.tif", np.full((4, 4, 2), np.nan))
    with pytest.raises(InputError, match=r"empty.tif.*no value is above zero"):
        run(Progress(), raster=empty, output=out)
    with pytest.raises(InputError, match="raster or a table"):
        run(Progress())
    with pytest.raises(CancelledError):
        run(Progress(cancelled=lambda: True), raster=raster, output=out)
    assert not (tmp_path / "clr.tif").exists()


# Magnetics


def dipole_anomaly(shape, cell, place, depth, field, magnetisation):
    """Return the total-field anomaly of a point dipole, from the field of a dipole itself."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    east = columns * cell - place[0]
    north = -rows * cell - place[1]
    r = np.stack([east, north, np.full(shape, float(depth))], axis=-1)  # up is positive
    m, f = unit(*magnetisation), unit(*field)
    distance = np.linalg.norm(r, axis=-1, keepdims=True)
    b = 3.0 * (r @ m)[..., None] * r / distance**5 - m / distance**3
    return 1e9 * (b @ f)


def unit(inclination, declination):
    tilt, turn = np.radians(inclination), np.radians(declination)
    return np.array([np.cos(tilt) * np.sin(turn), np.cos(tilt) * np.cos(turn), -np.sin(tilt)])


@pytest.mark.parametrize(
    ("field", "magnetisation"),
    [((60, 10), None), ((42, -3.5), None), ((-35, 20), None), ((55, 5), (30, 60))],
)
def test_a_dipole_becomes_what_it_is_at_the_pole(field, magnetisation):
    shape, cell, depth = (120, 110), 50.0, 300.0
    place = (55 * cell, -58 * cell)
    seen = dipole_anomaly(shape, cell, place, depth, field, magnetisation or field)
    down = (90, 0)
    expected = dipole_anomaly(shape, cell, place, depth, down, down)
    steps = np.array([[cell, 0.0], [0.0, -cell]])
    reduced = reduce_to_pole(seen, steps, *field, magnetisation=magnetisation or (None, None))
    inner = (slice(30, 90), slice(30, 80))
    error = reduced[inner] - expected[inner]
    error -= error.mean()  # an anomaly's mean is not known to any filter
    assert np.sqrt(np.mean(error**2)) < 0.02 * np.ptp(expected)
    assert np.unravel_index(np.argmax(reduced), shape) == (58, 55)
    assert np.corrcoef(seen[inner].ravel(), expected[inner].ravel())[0, 1] < 0.95


def test_south_up_and_turned_grids_give_the_same_anomaly():
    field, cell = (50, 15), 50.0
    shape = (96, 96)
    seen = dipole_anomaly(shape, cell, (48 * cell, -48 * cell), 300.0, field, field)
    north_up = reduce_to_pole(seen, np.array([[cell, 0.0], [0.0, -cell]]), *field)
    south_up = reduce_to_pole(seen[::-1], np.array([[cell, 0.0], [0.0, cell]]), *field)
    np.testing.assert_allclose(south_up[::-1], north_up, atol=0.02 * np.ptp(north_up))
    turned = reduce_to_pole(seen.T, np.array([[0.0, cell], [-cell, 0.0]]), *field)
    np.testing.assert_allclose(turned.T, north_up, atol=0.02 * np.ptp(north_up))


def test_near_the_equator_the_result_stays_bounded_and_the_regional_field_goes():
    random = np.random.default_rng(1)
    field, cell = (3.0, 0.0), 50.0
    seen = dipole_anomaly((96, 96), cell, (48 * cell, -48 * cell), 300.0, field, field)
    noisy = 47_000.0 + 0.5 * np.arange(96) + seen + random.normal(0, 0.02 * np.ptp(seen), (96, 96))
    reduced = reduce_to_pole(noisy, np.array([[cell, 0.0], [0.0, -cell]]), *field)
    assert np.ptp(reduced) < 10 * np.ptp(seen)
    assert abs(reduced.mean()) < np.ptp(seen)
    row, column = np.unravel_index(np.argmax(reduced), reduced.shape)
    assert abs(row - 48) <= 8
    assert abs(column - 48) <= 3


def test_the_job_keeps_gaps_and_says_what_it_assumed(tmp_path):
    values = dipole_anomaly((60, 60), 50.0, (1500, -1500), 300.0, (60, 0), (60, 0))
    values[:5, :7] = np.nan
    raster = write(tmp_path / "tmi.tif", values, ["TMI"], cell=50.0)
    said, warned = [], []
    out = str(tmp_path / "pole.tif")
    result = load("lithology.pole")(
        Progress(on_message=said.append, on_warning=warned.append),
        raster=raster,
        inclination=10.0,
        declination=0.0,
        output=out,
    )
    assert result["filled"] == 35
    assert any("35 empty cells" in text for text in said)
    assert any("amplifies" in text for text in warned)
    with rasterio.open(out) as dataset:
        assert np.array_equal(np.isnan(dataset.read(1)), np.isnan(values))
        assert dataset.crs.to_epsg() == 32650


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"band": 3}, "no band 3"),
        ({"inclination": 95.0}, "inclination of 95"),
        ({"raster": "degrees"}, "projected"),
        ({"raster": "empty"}, "no value"),
    ],
)
def test_a_grid_that_cannot_be_reduced_is_refused(tmp_path, changes, sentence):
    values = np.random.default_rng(0).normal(size=(20, 20))
    rasters = {
        "degrees": write(tmp_path / "degrees.tif", values, crs="EPSG:4326", cell=0.01),
        "empty": write(tmp_path / "empty.tif", np.full((20, 20), np.nan)),
        "good": write(tmp_path / "good.tif", values),
    }
    given = {"raster": "good", "inclination": 50.0, "declination": 0.0, **changes}
    given["raster"] = rasters[given["raster"]]
    with pytest.raises(InputError, match=sentence):
        load("lithology.pole")(Progress(), **given, output=str(tmp_path / "out.tif"))
    assert not (tmp_path / "out.tif").exists()
