from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from sklearn.ensemble import RandomForestRegressor

from gossan.core.blocks import Window
from gossan.core.bundle import Card, read_bundle, write_bundle
from gossan.core.errors import (
    BandMismatchError,
    BundleError,
    CancelledError,
    FileError,
    InputError,
)
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, open_raster
from gossan.models.metals.jobs import assess, map_concentrations, train
from gossan.models.metals.model_file import load_model

SIZE = 40
TRANSFORM = Affine(10, 0, 5000, 0, -10, 9000)
UTM = "EPSG:32633"
ORIGIN = {"algorithm": "gossan:test", "version": "1", "parameters": {"A": 1}}


def write_raster(path, values, names, **options):
    height, width, _ = values.shape
    place = {"crs_wkt": rasterio.crs.CRS.from_string(UTM).to_wkt(), "transform": TRANSFORM}
    with RasterWriter(path, height, width, bands=names, **{**place, **options}) as writer:
        writer.write(Window(0, 0, height, width), values.astype(np.float32))
    return str(path)


def smooth(rng):
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    a, b, c, d = rng.uniform(1, 6, 4)
    return 0.5 + 0.25 * np.sin(a * rows + b * columns) + 0.25 * np.cos(c * rows - d * columns)


class Place:
    """A small area with known metals, samples of it, and where its files are."""

    def __init__(self, folder):
        rng = np.random.default_rng(5)
        self.folder = folder
        self.features = np.stack([smooth(rng) for _ in range(3)], axis=-1).astype(np.float32)
        self.lead = 20 + 400 * self.features[..., 0] ** 2
        self.arsenic = 5 + 30 * self.features[..., 1]
        self.abundances = write_raster(
            folder / "abundances.tif", self.features, ["soil", "tailings", "tree"]
        )
        self.rows = rng.integers(0, SIZE, 90)
        self.columns = rng.integers(0, SIZE, 90)
        self.x = 5005.0 + 10 * self.columns
        self.y = 8995.0 - 10 * self.rows
        noise = rng.lognormal(0, 0.05, (90, 2))
        self.pb = self.lead[self.rows, self.columns] * noise[:, 0]
        self.as_ = self.arsenic[self.rows, self.columns] * noise[:, 1]
        self.samples = self.write_samples("samples.csv", zip(self.x, self.y, self.pb, self.as_))

    def write_samples(self, name, rows, header=("Pb", "As")):
        path = self.folder / name
        with open(path, "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["fid", "x", "y", *header])
            table.writerows([i + 1, *row] for i, row in enumerate(rows))
        return str(path)

    def output(self, name):
        return str(self.folder / name)

    def train(self, progress=None, **changes):
        wanted = {
            "features": [self.abundances],
            "samples": self.samples,
            "elements": ["Pb", "As"],
            "trees": 30,
            "origin": ORIGIN,
        }
        return train(progress or Progress(), **{**wanted, **changes})

    def map(self, progress=None, **changes):
        wanted = {
            "features": [self.abundances],
            "model": self.model,
            "concentrations": self.output("map.tif"),
            "origin": ORIGIN,
        }
        return map_concentrations(progress or Progress(), **{**wanted, **changes})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("place"))
    made.model = made.output("metals.gossan")
    made.trained = made.train(
        model=made.model,
        table=made.output("scores.csv"),
        predictions=made.output("predictions.geojson"),
        report=made.output("training.html"),
    )
    return made


@pytest.fixture
def listener():
    class Listener:
        said, warned, shares = [], [], []

        def __init__(self):
            self.said, self.warned, self.shares = [], [], []
            self.progress = Progress(self.shares.append, self.said.append, self.warned.append)

    return Listener()


def read(path):
    with open_raster(path) as raster:
        return raster.info, raster.read()


# Training


def test_training_tells_scores_that_hold_at_the_truth(place):
    result = place.trained
    json.dumps(result, allow_nan=False)
    lead, arsenic = result["scores"]
    assert (lead["element"], lead["unit"], lead["n"]) == ("Pb", "mg/kg", result["samples"])
    for row in (lead, arsenic):
        assert 0.5 < row["r2"] < 1
        assert row["r2_low"] < row["r2"] < row["r2_high"]
        assert row["r2_training"] > row["r2"]
        assert row["rpd_class"] in ("acceptable", "good", "excellent")
    assert result["r2_mean"] == pytest.approx((lead["r2"] + arsenic["r2"]) / 2)
    assert "spatial blocks" in result["validation"]


def test_scores_are_those_of_the_predictions_at_the_samples(place):
    content = json.loads(Path(place.output("predictions.geojson")).read_text(encoding="utf-8"))
    rows = [feature["properties"] for feature in content["features"]]
    assert len(rows) == place.trained["samples"]
    measured, predicted = (
        np.array([r[f"Pb_{k}"] for r in rows]) for k in ("measured", "predicted")
    )
    by_hand = 1 - np.sum((measured - predicted) ** 2) / np.sum((measured - measured.mean()) ** 2)
    assert place.trained["scores"][0]["r2"] == pytest.approx(by_hand)
    residuals = np.array([r["Pb_residual"] for r in rows])
    np.testing.assert_allclose(residuals, predicted - measured)
    assert {row["fold"] for row in rows} == {1, 2, 3, 4, 5}
    assert content["features"][0]["geometry"]["coordinates"] == [place.x[0], place.y[0]]
    assert {row["GOSSAN_MODEL"] for row in rows} == {place.trained["fingerprint"]}


def test_table_and_report_hold_every_element(place):
    with open(place.output("scores.csv")) as file:
        rows = list(csv.DictReader(file))
    assert [row["element"] for row in rows] == ["Pb", "As"]
    assert float(rows[0]["r2"]) == pytest.approx(place.trained["scores"][0]["r2"])
    page = Path(place.output("training.html")).read_text(encoding="utf-8")
    for text in ("spatial blocks", "R²", "RPIQ", "Left out because", "tailings", "data:image/png"):
        assert text in page
    assert place.trained["fingerprint"] in page


def test_the_card_says_bands_targets_ranges_and_split(place):
    card = read_bundle(place.model, kind="metals").card
    assert [band.name for band in card.bands] == ["soil", "tailings", "tree"]
    assert [(t.name, t.unit) for t in card.targets] == [("Pb", "mg/kg"), ("As", "mg/kg")]
    sampled = place.features[place.rows, place.columns]
    np.testing.assert_allclose(card.scaling["training_minimum"], sampled.min(axis=0))
    np.testing.assert_allclose(card.scaling["training_maximum"], sampled.max(axis=0))
    assert card.ground_sampling_distance == pytest.approx(10.0)
    assert "spatial blocks" in card.training.split
    assert card.training.scores["Pb"]["rpd_class"]
    assert card.origin.algorithm == "gossan:test"


def test_the_same_seed_gives_the_same_model_and_another_one_another(place):
    results = [
        place.train(model=place.output(f"{k}.gossan"), seed=s) for k, s in enumerate((0, 0, 1))
    ]
    assert results[0]["fingerprint"] == results[1]["fingerprint"] != results[2]["fingerprint"]
    assert results[0]["scores"] == results[1]["scores"]


@pytest.mark.parametrize(
    "changes",
    [
        {"validation": "k-fold", "repeats": 2},
        {"validation": "hold-out"},
        {"validation": "leave-one-out", "elements": ["As"], "trees": 5},
        {"method": "mean of methods", "elements": ["As"]},
        {"method": "PLSR", "log_transform": True, "outlier_limit": 6.0},
    ],
)
def test_every_way_of_training_gives_a_model_that_maps(place, changes):
    model = place.output("other.gossan")
    result = place.train(model=model, report=place.output("other.html"), **changes)
    json.dumps(result, allow_nan=False)
    assert all(row["r2"] > 0.3 for row in result["scores"])
    mapped = place.map(model=model, uncertainty=place.output("u.tif"), uncertainty_kind="interval")
    assert mapped["mapped"] > 0


def test_every_sample_that_is_left_out_is_told(place, listener):
    holes = place.features.copy()
    holes[place.rows[3], place.columns[3], 1] = np.nan
    raster = write_raster(place.folder / "holes.tif", holes, ["soil", "tailings", "tree"])
    rows = [list(row) for row in zip(place.x, place.y, place.pb, place.as_)]
    rows.append([place.x[0], place.y[0], place.pb[0], place.as_[0]])
    rows.append([0.0, 0.0, 5.0, 5.0])
    rows.append(["", "", 5.0, 5.0])
    rows[10][2], rows[11][2], rows[12][3] = "<30", ">500", "n.d."
    samples = place.write_samples("faulty.csv", rows)
    report = place.output("faulty.html")
    result = place.train(listener.progress, features=[raster], samples=samples, report=report)
    lead, arsenic = result["scores"]
    assert (lead["below_detection"], lead["above_limit"]) == (1, 1)
    assert arsenic["n"] < lead["n"]
    told = " ".join(listener.said)
    page = Path(report, encoding="utf-8").read_text(encoding="utf-8")
    for reason in (
        "off the raster",
        "no value in tailings",
        "no coordinates",
        "averaged with another sample at the same place",
    ):
        assert reason in told
        assert reason in page
    assert result["samples"] + result["excluded"] == len(rows)


def test_poor_elements_random_splits_and_constant_features_are_warned_of(place, listener):
    rng = np.random.default_rng(0)
    samples = place.write_samples(
        "noise.csv", zip(place.x + rng.uniform(-4, 4, 90), place.y, rng.lognormal(0, 1, 90)), ["Hg"]
    )
    values = place.features.copy()
    values[..., 2] = 0.25
    raster = write_raster(place.folder / "constant.tif", values, ["soil", "tailings", "flat"])
    result = place.train(
        listener.progress, features=[raster], samples=samples, elements=["Hg"], validation="k-fold"
    )
    assert result["scores"][0]["rpd_class"] == "poor"
    warned = " ".join(listener.warned)
    for text in ("Hg: poor", "flat: the same at all samples", "random split", "share a pixel"):
        assert text in warned


def test_residual_and_sum_of_an_unmixing_are_no_features_unless_wanted(place, listener):
    names = ["soil", "residual RMSE", "sum"]
    raster = write_raster(place.folder / "unmixed.tif", place.features, names)
    assert place.train(listener.progress, features=[raster])["features"] == 1
    assert any("residual RMSE, sum" in text for text in listener.said)
    assert place.train(features=[raster], quality_bands=True)["features"] == 3
    only = write_raster(place.folder / "quality.tif", place.features[..., :2], names[1:])
    with pytest.raises(InputError, match="only residual RMSE, sum"):
        place.train(features=[only])


def test_gypsum_is_a_mineral(place):
    names = ["gypsum", "assum", "tree"]
    raster = write_raster(place.folder / "minerals.tif", place.features, names)
    assert place.train(features=[raster])["features"] == 3


def test_by_position_the_quality_bands_are_passed_over(place):
    values = np.concatenate([place.features, place.features[..., :2]], axis=-1)
    names = ["a", "b", "c", "residual RMSE", "sum"]
    raster = write_raster(place.folder / "positions.tif", values, names)
    mapped = place.map(features=[raster], concentrations=place.output("p.tif"), by_position=True)
    first = read(place.map()["concentrations"])[1]
    np.testing.assert_array_equal(read(mapped["concentrations"])[1], first)


@pytest.mark.parametrize(
    ("rows", "changes", "sentence"),
    [
        ([], {}, "no sample"),
        ([(0, 0, 1, 1), (1, 1, 2, 2)], {}, "None of the 2 samples lies on .*abundances.tif"),
        ([(5005, 8995, 1, 1), (5105, 8895, 2, 2)], {}, "Pb has 2 usable values"),
        ([(5005, 8995, "rich", 1)], {}, r"Row 1 \(fid 1\) of wrong.csv, field Pb: 'rich'"),
        (None, {"folds": 200}, "200 folds"),
        (None, {"elements": ["Sb"]}, "no field 'Sb'"),
        (None, {"elements": []}, "No element"),
        (None, {"features": []}, "No raster"),
        (None, {"method": "magic"}, "Unknown method"),
        (None, {"validation": "magic"}, "Unknown validation"),
        (None, {"block_size": 1e6}, "1 block"),
        (None, {"lower_rule": "double"}, "half, limit"),
        (None, {"origin": {"foreign": 1}}, "origin"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_leaves_nothing(
    place, tmp_path, rows, changes, sentence
):
    samples = place.samples if rows is None else place.write_samples("wrong.csv", rows)
    with pytest.raises(InputError, match=sentence):
        place.train(
            samples=samples,
            model=str(tmp_path / "m.gossan"),
            report=str(tmp_path / "r.html"),
            **changes,
        )
    assert list(tmp_path.iterdir()) == []


def test_an_element_that_is_the_same_everywhere_is_named(place):
    samples = place.write_samples("same.csv", zip(place.x, place.y, place.pb, np.full(90, 7.0)))
    with pytest.raises(InputError, match=r"As is 7 at all .* samples.*leave As out"):
        place.train(samples=samples)


def test_missing_features_everywhere_are_named(place):
    empty = np.full_like(place.features, np.nan)
    raster = write_raster(place.folder / "empty.tif", empty, ["soil", "tailings", "tree"])
    with pytest.raises(InputError, match="no value in soil, tailings, tree"):
        place.train(features=[raster])


def test_a_cancelled_training_leaves_nothing(place, tmp_path):
    shares = []
    progress = Progress(on_fraction=shares.append, cancelled=lambda: len(shares) > 4)
    with pytest.raises(CancelledError):
        place.train(progress, model=str(tmp_path / "m.gossan"), report=str(tmp_path / "r.html"))
    assert list(tmp_path.iterdir()) == []


# Mapping


def test_the_map_is_that_of_the_same_forest_and_close_to_the_truth(place):
    result = place.map(applicability=place.output("applicability.tif"), mask_outside=False)
    info, mapped = read(result["concentrations"])
    assert [band.name for band in info.bands] == ["Pb", "As"]
    assert info.transform == TRANSFORM
    assert info.crs_wkt == open_raster(place.abundances).info.crs_wkt
    assert info.tags["GOSSAN_MODEL"] == place.trained["fingerprint"]
    with rasterio.open(result["concentrations"]) as dataset:
        assert set(dataset.units) == {"mg/kg"}
    predicted = json.loads(Path(place.output("predictions.geojson")).read_text(encoding="utf-8"))[
        "features"
    ]
    for feature in predicted[:20]:
        x, y = feature["geometry"]["coordinates"]
        row, column = int((9000 - y) // 10), int((x - 5000) // 10)
        expected = feature["properties"]["Pb_training"]
        assert mapped[row, column, 0] == pytest.approx(expected, rel=1e-6)
    assert np.corrcoef(mapped[..., 0].ravel(), place.lead.ravel())[0, 1] > 0.9


def test_the_map_equals_scikit_learns_forest_pixel_by_pixel(place):
    model, _ = load_model(place.model)
    kept = np.unique(np.column_stack([place.x, place.y]), axis=0, return_index=True)[1]
    kept.sort()
    repeated = len(kept) < 90
    x = place.features[place.rows, place.columns][kept]
    y = place.pb[kept]
    if repeated:
        for i, k in enumerate(kept):
            y[i] = place.pb[(place.x == place.x[k]) & (place.y == place.y[k])].mean()
    forest = RandomForestRegressor(30, max_features=1, random_state=0).fit(x, y)
    result = place.map(mask_outside=False)
    expected = forest.predict(place.features.reshape(-1, 3)).reshape(SIZE, SIZE)
    np.testing.assert_allclose(read(result["concentrations"])[1][..., 0], expected, rtol=1e-6)
    assert model.elements[0].forest.trees == 30


def test_blocks_and_threads_do_not_show(place, monkeypatch):
    from gossan.models.metals import mapping

    whole = read(place.map(workers=1)["concentrations"])[1]
    monkeypatch.setattr(mapping, "BLOCK_PIXELS", 3 * SIZE)
    monkeypatch.setattr(mapping, "CHUNK_PIXELS", 7)
    pieces = read(place.map(workers=3, concentrations=place.output("p.tif"))["concentrations"])[1]
    np.testing.assert_array_equal(whole, pieces)


def test_pixels_outside_the_training_range_are_masked_told_and_counted(place, listener):
    values = place.features.copy()
    values[:10, :, 1] += 5
    values[20, 20, 0] = np.nan
    raster = write_raster(place.folder / "shifted.tif", values, ["soil", "tailings", "tree"])
    result = place.map(
        listener.progress,
        features=[raster],
        applicability=place.output("a.tif"),
        report=place.output("map.html"),
        tolerance=0.5,
    )
    _, mapped = read(result["concentrations"])
    with rasterio.open(result["applicability"]) as dataset:
        classes = dataset.read(1)
    assert np.isnan(mapped[:10]).all()
    assert (classes[:10] == 2).all()
    assert classes[20, 20] == 0
    assert np.isnan(mapped[20, 20]).all()
    np.testing.assert_array_equal(np.isfinite(mapped[..., 0]), classes == 1)
    assert result["outside_share"] == pytest.approx((classes == 2).mean(), abs=1e-3)
    assert result["pixels"] == SIZE * SIZE - 1
    assert any("most often because of tailings" in text for text in listener.warned)
    assert "outside the training range" in Path(place.output("map.html")).read_text(
        encoding="utf-8"
    )


def test_vegetation_hides_the_soil(place, listener):
    green = np.zeros((SIZE, SIZE, 2), dtype=np.float32)
    green[:, 5:15, 1] = 0.9
    green[0, 0, 1] = np.nan
    raster = write_raster(place.folder / "green.tif", green, ["soil", "vegetation"])
    result = place.map(
        listener.progress,
        vegetation=raster,
        vegetation_band=2,
        vegetation_limit=0.6,
        applicability=place.output("a.tif"),
        tolerance=10.0,
    )
    with rasterio.open(result["applicability"]) as dataset:
        classes = dataset.read(1)
    assert (classes == np.where(green[..., 1] > 0.6, 3, 1)).all()
    assert result["vegetation_share"] == pytest.approx(0.25)
    assert any("vegetation" in text for text in listener.warned)


def test_a_vegetation_band_that_is_not_there_is_refused(place):
    with pytest.raises(InputError, match="3 bands, so its band 4"):
        place.map(vegetation=place.abundances, vegetation_band=4)


def test_uncertainty_and_exceedance_are_what_the_trees_say(place):
    result = place.map(
        uncertainty=place.output("u.tif"),
        exceedance=place.output("e.tif"),
        limits="pb = 200",
        mask_outside=False,
    )
    model, _ = load_model(place.model)
    from gossan.models.metals.forest import feature_keys

    trees = model.elements[0].forest.tree_values_keys(feature_keys(place.features.reshape(-1, 3)))
    info, deviation = read(result["uncertainty"])
    assert [b.name for b in info.bands] == ["Pb standard deviation", "As standard deviation"]
    np.testing.assert_allclose(deviation[..., 0].ravel(), trees.std(axis=0), rtol=1e-5, atol=1e-4)
    info, above = read(result["exceedance"])
    assert [b.name for b in info.bands] == ["Pb above 200 mg/kg"]
    np.testing.assert_allclose(above.ravel(), (trees > 200).mean(axis=0), rtol=1e-6)
    bounds = read(
        place.map(
            uncertainty=place.output("i.tif"), uncertainty_kind="interval", mask_outside=False
        )["uncertainty"]
    )[1]
    np.testing.assert_allclose(
        bounds[..., :2].reshape(-1, 2).T, np.quantile(trees, [0.05, 0.95], axis=0), rtol=1e-6
    )


def test_a_map_that_touches_what_a_forest_can_reach_says_so(place, listener):
    place.map(listener.progress)
    (sentence,) = [text for text in listener.warned if "cannot predict above" in text]
    assert f"As (maximum {place.trained['scores'][1]['maximum']:.4g} mg/kg" in sentence


def test_bands_are_matched_by_name_in_any_order(place):
    turned = write_raster(
        place.folder / "turned.tif", place.features[..., ::-1], ["Tree", "TAILINGS", "soil"]
    )
    first = read(place.map()["concentrations"])[1]
    second = read(
        place.map(features=[turned], concentrations=place.output("t.tif"))["concentrations"]
    )
    np.testing.assert_array_equal(first, second[1])


def test_features_may_lie_in_several_rasters(place):
    parts = [
        write_raster(place.folder / f"{name}.tif", place.features[..., k : k + 1], [name])
        for k, name in enumerate(["soil", "tailings", "tree"])
    ]
    first = read(place.map()["concentrations"])[1]
    second = read(place.map(features=parts, concentrations=place.output("t.tif"))["concentrations"])
    np.testing.assert_array_equal(first, second[1])


def test_a_model_for_other_bands_is_refused_with_both_lists_unless_position_counts(place, tmp_path):
    other = write_raster(place.folder / "other.tif", place.features, ["red", "green", "blue"])
    output = str(tmp_path / "map.tif")
    with pytest.raises(BandMismatchError, match=r"Needed: soil, .*Available: red, "):
        place.map(features=[other], concentrations=output)
    assert list(tmp_path.iterdir()) == []
    by_position = read(
        place.map(features=[other], concentrations=output, by_position=True)["concentrations"]
    )[1]
    np.testing.assert_array_equal(by_position, read(place.map()["concentrations"])[1])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"limits": "Hg=1"}, "limit for hg, and the model maps Pb, As"),
        ({"limits": "Pb"}, "Element=value"),
        ({"exceedance": "e.tif"}, "needs limits"),
        ({"uncertainty_kind": "guess"}, "standard deviation or interval"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": float("nan")}, "tolerance"),
    ],
)
def test_impossible_maps_are_refused_and_leave_nothing(place, tmp_path, changes, sentence):
    changed = {
        key: str(tmp_path / value) if key == "exceedance" else value
        for key, value in changes.items()
    }
    with pytest.raises(InputError, match=sentence):
        place.map(concentrations=str(tmp_path / "map.tif"), **changed)
    assert list(tmp_path.iterdir()) == []


def test_a_map_of_nothing_is_empty_and_says_so(place, listener):
    empty = np.full_like(place.features, np.nan)
    raster = write_raster(place.folder / "void.tif", empty, ["soil", "tailings", "tree"])
    result = place.map(listener.progress, features=[raster], report=place.output("void.html"))
    json.dumps(result, allow_nan=False)
    assert result["pixels"] == result["mapped"] == 0
    assert result["elements"][0]["mean"] is None
    assert any("map is empty" in text for text in listener.warned)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_rasters_are_mapped(place, shape):
    height, width = shape
    values = np.broadcast_to(place.features[20:21, 20:21], (height, width, 3))
    raster = write_raster(place.folder / "tiny.tif", values, ["soil", "tailings", "tree"])
    result = place.map(features=[raster], concentrations=place.output("tiny_map.tif"))
    assert result["pixels"] == height * width


def test_a_cancelled_map_stops_soon_and_leaves_nothing(place, tmp_path):
    started = time.monotonic()
    progress = Progress(cancelled=lambda: time.monotonic() - started > 0.05)
    big = np.tile(place.features, (12, 12, 1))
    raster = write_raster(place.folder / "big.tif", big, ["soil", "tailings", "tree"])
    started = time.monotonic()
    with pytest.raises(CancelledError):
        place.map(
            progress,
            features=[raster],
            concentrations=str(tmp_path / "map.tif"),
            uncertainty=str(tmp_path / "u.tif"),
            uncertainty_kind="interval",
        )
    assert time.monotonic() - started < 3
    assert list(tmp_path.iterdir()) == []


# Model files


def test_damaged_and_foreign_models_are_refused(place, tmp_path):
    content = Path(place.model).read_bytes()
    cut = tmp_path / "cut.gossan"
    cut.write_bytes(content[: len(content) // 2])
    foreign = tmp_path / "foreign.gossan"
    write_bundle(foreign, Card(kind="lithology"), arrays={"a": np.ones(2)})
    bundle = read_bundle(place.model)
    arrays = bundle.arrays()
    arrays["0/0/nodes"] = arrays["0/0/nodes"] | 0xFFFFF
    forged = tmp_path / "forged.gossan"
    write_bundle(forged, bundle.card, arrays=arrays)
    less = tmp_path / "less.gossan"
    write_bundle(less, bundle.card, arrays={"places": arrays["places"]})
    for path in (cut, foreign, forged, less, place.abundances):
        with pytest.raises(BundleError):
            place.map(model=str(path))
    with pytest.raises(FileError, match=r"nowhere\.gossan"):
        place.map(model="/nowhere.gossan")


def test_a_model_comes_back_as_it_was(place):
    model, fingerprint = load_model(place.model)
    assert fingerprint == place.trained["fingerprint"]
    assert model.settings.trees == 30
    assert model.places.shape == (place.trained["samples"], 2)
    assert len(model.elements[0].residuals) == place.trained["samples"]


# Assessment


@pytest.fixture
def mapped(place):
    path = place.output("assessed.tif")
    place.map(concentrations=path, mask_outside=False)
    return path


@pytest.fixture
def new_samples(place):
    rng = np.random.default_rng(9)
    seen = set(zip(place.rows, place.columns))
    cells = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in seen]
    chosen = np.array(cells)[rng.choice(len(cells), 40, replace=False)]
    rows, columns = chosen.T
    return np.column_stack(
        [
            5005.0 + 10 * columns,
            8995.0 - 10 * rows,
            place.lead[rows, columns],
            place.arsenic[rows, columns],
        ]
    ), chosen


def test_assessment_scores_are_those_of_the_map_at_the_samples(
    place, mapped, new_samples, listener
):
    rows, chosen = new_samples
    samples = place.write_samples("new.csv", rows)
    result = assess(
        listener.progress,
        concentrations=mapped,
        samples=samples,
        elements=["As", "Pb"],
        table=place.output("assessment.csv"),
        predictions=place.output("assessment.geojson"),
        report=place.output("assessment.html"),
        origin=ORIGIN,
    )
    json.dumps(result, allow_nan=False)
    predicted = read(mapped)[1][chosen[:, 0], chosen[:, 1]]
    arsenic = result["scores"][0]
    error = predicted[:, 1] - rows[:, 3]
    assert arsenic["element"] == "As"
    assert arsenic["unit"] == "mg/kg"
    assert arsenic["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)
    assert arsenic["bias"] == pytest.approx(error.mean(), rel=1e-4, abs=1e-6)
    assert (result["samples"], result["excluded"]) == (40, 0)
    assert not any("trained on" in text for text in listener.warned)
    assert "R²" in Path(place.output("assessment.html")).read_text(encoding="utf-8")
    content = json.loads(Path(place.output("assessment.geojson")).read_text(encoding="utf-8"))
    assert len(content["features"]) == 40
    # The map carries the fingerprint of its model on to what is made of it.
    model = content["features"][0]["properties"]["GOSSAN_MODEL"]
    assert model == place.trained["fingerprint"]


def test_samples_that_the_model_was_trained_on_are_told(place, mapped, listener):
    result = assess(
        listener.progress, concentrations=mapped, samples=place.samples, elements=["Pb"]
    )
    assert any(
        f"{result['samples']} of {result['samples']} samples lie in pixels" in text
        for text in listener.warned
    )


def test_samples_off_the_map_and_on_its_gaps_are_counted(place, new_samples):
    rows = [list(row) for row in new_samples[0]]
    values = np.stack([place.lead, place.arsenic], axis=-1)
    values[new_samples[1][0][0], new_samples[1][0][1]] = np.nan
    gaps = write_raster(place.folder / "gaps.tif", values, ["Pb (mg/kg)", "As_ppm"])
    rows.append([0.0, 0.0, 5.0, 5.0])
    samples = place.write_samples("gaps.csv", rows)
    report = place.output("gaps.html")
    result = assess(
        Progress(), concentrations=gaps, samples=samples, elements=["Pb", "As"], report=report
    )
    assert (result["samples"], result["excluded"]) == (39, 2)
    assert result["scores"][0]["r2"] == pytest.approx(1.0, abs=1e-9)
    page = Path(report, encoding="utf-8").read_text(encoding="utf-8")
    assert "the map is empty there" in page
    assert "off the raster" in page


def test_a_map_and_samples_that_do_not_meet_are_refused(place, mapped):
    far = place.write_samples("far.csv", [(0, 0, 1, 1)])
    with pytest.raises(InputError, match=r"None of the 1 samples lies where .*x 5000 to 5400"):
        assess(Progress(), concentrations=mapped, samples=far, elements=["Pb"])
    named = place.write_samples("named.csv", [(5005, 8995, 1, 1)], header=("Hg", "Sb"))
    with pytest.raises(InputError, match=r"No band of the map is named after Hg.*Pb, As"):
        assess(Progress(), concentrations=mapped, samples=named, elements=["Hg"])


def test_few_samples_give_scores_that_are_called_uncertain(place, mapped, new_samples, listener):
    samples = place.write_samples("few.csv", new_samples[0][:1])
    result = assess(listener.progress, concentrations=mapped, samples=samples, elements=["Pb"])
    json.dumps(result, allow_nan=False)
    assert result["scores"][0]["r2"] is None
    assert result["r2_mean"] is None
    assert any("fewer than 20" in text for text in listener.warned)
