"""Models of soil spectra from files to predictions, on soils whose elements are known."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import train_test_split
from soil_laboratory import COUNT, GRID, Soils

from gossan.core.bundle import read_bundle, write_bundle
from gossan.core.errors import BundleError, CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.spectra import read_library
from gossan.core.validation import kfold
from gossan.models.metals.regressors import choose_components
from gossan.models.soil_spectra.explanation import explain
from gossan.models.soil_spectra.jobs import (
    explain_model,
    predict_elements,
    preprocess_spectra,
)
from gossan.models.soil_spectra.model_file import load_model
from gossan.models.soil_spectra.reach import reach_of
from gossan.models.soil_spectra.regressors import Features
from gossan.models.soil_spectra.steps import Spectra
from gossan.models.soil_spectra.validation import AREAS, SINGLE, Validation, make_splits


@pytest.fixture(scope="module")
def soils(tmp_path_factory):
    made = Soils(tmp_path_factory.mktemp("soils"))
    made.model = str(made.folder / "model.gossan")
    made.warned, made.said = [], []
    made.trained = made.train(
        Progress(on_message=made.said.append, on_warning=made.warned.append),
        elements=["Fe", "Sb", "Xx"],
        methods=["PLSR", "random forest"],
        area_field="area",
        repeats=2,
        permutations=2,
        model=made.model,
        table=str(made.folder / "scores.csv"),
        predictions=str(made.folder / "predictions.geojson"),
        report=str(made.folder / "report.html"),
    )
    return made


@pytest.fixture(scope="module")
def network(soils):
    pytest.importorskip("tensorflow")
    path = str(soils.folder / "network.gossan")
    curve = []
    done = soils.train(
        Progress(on_measures=lambda epoch, values: curve.append(dict(values))),
        methods=["network"],
        folds=2,
        epochs=12,
        covariates=["clay"],
        log_transform=True,
        model=path,
        report=str(soils.folder / "network.html"),
    )
    return path, done, curve


def scores_of(done):
    return {(row["element"], row["method"]): row for row in done["scores"]}


def test_elements_that_show_are_found_and_those_that_do_not_are_called_poor(soils):
    scores = scores_of(soils.trained)
    assert scores["Fe", "PLSR"]["r2"] > 0.9
    assert scores["Sb", "PLSR"]["r2"] > 0.7
    assert scores["Fe", "random forest"]["r2"] > 0.6
    assert scores["Xx", "PLSR"]["rpd_class"] == "poor"
    assert any("Xx" in text and "Nothing was learnt" in text for text in soils.warned)
    assert any("Xx, random forest" in text and "overfitting" in text for text in soils.warned)
    assert sum(row["kept"] for row in soils.trained["scores"]) == 3
    assert scores["Fe", "PLSR"]["kept"]


def test_chance_alone_brings_nothing(soils):
    scores = scores_of(soils.trained)
    assert scores["Fe", "PLSR"]["r2_permuted"] < 0.2
    assert scores["Fe", "PLSR"]["r2"] > scores["Fe", "PLSR"]["r2_permuted"] + 0.5


def test_rows_of_the_laboratory_are_left_out_and_named(soils):
    assert any("laboratory blank: BLANK" in text for text in soils.said)
    assert any("laboratory duplicate: S03 DUP" in text for text in soils.said)
    assert soils.trained["excluded"] == 2
    report = Path(soils.trained["report"]).read_text()
    assert "S03 DUP" in report
    assert report.count("<img") >= 2


def test_the_table_of_scores_has_training_and_validation_side_by_side(soils):
    with open(soils.folder / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    for row in rows:
        assert math.isclose(
            float(row["r2_gap"]), float(row["r2_training"]) - float(row["r2"]), abs_tol=1e-9
        )
        assert "whole samples" in row["validation"]


def test_predictions_at_the_samples_are_of_models_that_had_not_seen_them(soils):
    content = json.loads((soils.folder / "predictions.geojson").read_text())
    rows = {f["properties"]["sample"]: f for f in content["features"]}
    assert len(rows) == COUNT
    assert rows["S05"]["geometry"]["coordinates"] == [500_050.0, 4_000_000.0]
    unseen = np.array([rows[n]["properties"]["Xx_residual"] for n in soils.names])
    seen = np.array(
        [
            rows[n]["properties"]["Xx_training"] - rows[n]["properties"]["Xx_measured"]
            for n in soils.names
        ]
    )
    assert np.std(unseen) > np.std(seen)


def test_a_model_predicts_new_spectra_with_interval_and_place(soils):
    fresh = soils.write_spectra("fresh.csv", soils.reflectance(np.random.default_rng(77)))
    done = predict_elements(
        Progress(),
        spectra=fresh,
        model=soils.model,
        samples=soils.table,
        name_field="sample",
        table=str(soils.folder / "fresh_elements.csv"),
        predictions=str(soils.folder / "fresh.geojson"),
        report=str(soils.folder / "fresh.html"),
    )
    content = json.loads((soils.folder / "fresh.geojson").read_text())
    rows = [f["properties"] for f in content["features"]]
    iron = np.array([row["Fe"] for row in rows])
    assert np.corrcoef(iron, soils.iron)[0, 1] > 0.97
    inside = [row["Fe_low"] <= true <= row["Fe_high"] for row, true in zip(rows, soils.iron)]
    assert np.mean(inside) > 0.75
    assert done["placed"] == COUNT
    assert all(row["spectra"] == 2 for row in rows)
    assert np.mean([row["applicability"] == "applies" for row in rows]) > 0.7
    assert rows[0]["GOSSAN_MODEL"] == soils.trained["fingerprint"]


def test_foreign_spectra_are_told_from_the_soils_of_the_training(soils):
    snow = np.tile(0.8 - 0.3 * (GRID - 400) / 2000, (1, 2, 1))
    snow *= 1 - 0.5 * np.exp(-0.5 * ((GRID - 1500) / 60) ** 2)
    warned = []
    done = predict_elements(
        Progress(on_warning=warned.append),
        spectra=soils.write_spectra("snow.csv", snow, ["snow"]),
        model=soils.model,
        table=str(soils.folder / "snow_elements.csv"),
    )
    assert done["outside"] == 1
    assert "guesses" in warned[0]
    assert "unlike the training spectra" in (soils.folder / "snow_elements.csv").read_text()


def test_the_reach_lets_pass_what_is_alike_and_stops_what_is_not():
    random = np.random.default_rng(4)
    axes = random.normal(size=(3, 60))

    def draw(count):
        return random.normal(size=(count, 3)) @ axes + random.normal(0, 0.05, (count, 60))

    reach = reach_of(draw(150))
    assert np.mean(reach.distance(draw(400)) <= 1) > 0.85
    assert (reach.distance(6 * draw(50)) > 1).mean() > 0.9
    assert (reach.distance(draw(50) + 0.4 * random.normal(size=60)) > 1).all()


def test_predicting_needs_no_tensorflow(soils, network):
    path, _, _ = network
    program = (
        "import sys, json\n"
        "for name in ('tensorflow', 'keras'): sys.modules[name] = None\n"
        "from gossan.core.progress import Progress\n"
        "from gossan.models.registry import load\n"
        "done = load('soil_spectra.predict')(Progress(), spectra=sys.argv[1], model=sys.argv[2],\n"
        "    samples=sys.argv[3], name_field='sample')\n"
        "print(json.dumps([done['count'], done['elements'][0]['mean']]))\n"
    )
    call = [sys.executable, "-c", program, soils.spectra, path, soils.table]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    count, mean = json.loads(done.stdout)
    assert count == COUNT
    assert 0 < mean < 60


def test_the_network_in_numpy_is_that_of_keras():
    pytest.importorskip("tensorflow")
    from gossan.models.networks import runtime
    from gossan.models.networks.weights import weights_of
    from gossan.models.soil_spectra.architecture import build_network
    from gossan.models.soil_spectra.forward import run_forward, weight_shapes

    runtime.repeatable(3)
    random = np.random.default_rng(0)
    for frames, covariates in ((14, 2), (9, 0)):
        model = build_network(frames, 129, covariates, 2)
        for weight in model.weights:
            weight.assign(weight.numpy() + 0.05 * np.abs(random.normal(size=weight.shape)))
        inputs = random.normal(size=(7, frames * 129 + covariates)).astype(np.float32)
        pictures = inputs[:, : frames * 129].reshape(7, frames, 129)
        ours = run_forward(weights_of(model), pictures, inputs[:, frames * 129 :])
        theirs = model(inputs, training=False).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        shapes = weight_shapes(frames, 129, covariates, 2)
        assert {name: array.shape for name, array in weights_of(model).items()} == shapes


def test_the_network_learns_tells_its_curve_and_repeats(soils, network):
    path, done, curve = network
    assert len(curve) == 12
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert "learning curves" in Path(done["report"]).read_text().lower()
    card = read_bundle(path).card
    assert card.architecture["network"]["transform"]["frame"] == 255
    assert card.architecture["covariates"] == ["clay"]
    with pytest.raises(InputError, match="needs clay of every sample"):
        predict_elements(Progress(), spectra=soils.spectra, model=path)


def test_splits_never_part_the_spectra_of_a_sample():
    labels = [f"S{n // 3}" for n in range(60)]
    for splits in make_splits(labels, None, Validation(folds=5, repeats=3))[0]:
        for train_rows, test_rows in splits:
            assert not {labels[i] for i in train_rows} & {labels[i] for i in test_rows}
    areas = np.array([("a", "b", "c")[n // 3 % 3] for n in range(60)])
    (splits,), how = make_splits(labels, areas, Validation(AREAS))
    assert [set(areas[test]) for _, test in splits] == [{"a"}, {"b"}, {"c"}]
    assert "3 areas" in how


@settings(max_examples=30, deadline=None)
@given(st.integers(12, 200))
def test_the_sources_split_is_that_of_scikit_learn(count):
    labels = [f"S{n:03d}" for n in range(count)]
    ((pair,),), how = make_splits(labels, None, Validation(SINGLE))
    expected, _ = train_test_split(np.array(labels), test_size=1 / 3, random_state=42)
    assert {labels[i] for i in pair[0]} == set(expected)
    assert "single random split" in how


@pytest.mark.parametrize("bands", [30, 300])
def test_components_are_those_of_scikit_learns_least_error(bands):
    random = np.random.default_rng(8)
    scores = random.normal(size=(60, 4))
    x = scores @ random.normal(size=(4, bands)) + random.normal(0, 0.05, (60, bands))
    y = scores[:, 0] - 0.5 * scores[:, 2] + random.normal(0, 0.02, 60)
    inner = kfold(60, 5)
    equation, count = choose_components(x, y, inner, 8)
    errors = [
        sum(
            np.sum((PLSRegression(n).fit(x[a], y[a]).predict(x[b]).ravel() - y[b]) ** 2)
            for a, b in inner
        )
        for n in range(1, 9)
    ]
    assert count == int(np.argmin(errors)) + 1
    theirs = PLSRegression(count).fit(x, y).predict(x).ravel()
    np.testing.assert_allclose(equation.predict(x), theirs, atol=1e-6)


def test_outliers_are_left_out_openly(soils, tmp_path):
    said = []
    table = soils.write_table("outlier.csv", S07={"Sb": "2500"}, S08={"Sb": ">4000"})
    done = soils.train(
        Progress(on_message=said.append),
        samples=table,
        outlier_limits="Sb=1000",
        report=str(tmp_path / "report.html"),
    )
    assert done["outliers"] == 2
    assert any("S07 is left out for Sb: 2500" in text for text in said)
    report = (tmp_path / "report.html").read_text()
    assert "S08" in report
    assert "Sb above 1000 mg/kg" in report


def test_values_above_an_upper_limit_stay_unless_they_are_dropped(soils):
    table = soils.write_table("above.csv", S07={"Sb": ">90"})
    kept = scores_of(soils.train(samples=table))["Sb", "PLSR"]
    dropped = scores_of(soils.train(samples=table, drop_above=True))["Sb", "PLSR"]
    assert (kept["n"], dropped["n"]) == (COUNT, COUNT - 1)


def test_replicates_kept_apart_are_scored_by_sample(soils):
    done = soils.train(replicates="group")
    assert done["samples"] == COUNT
    assert scores_of(done)["Fe", "PLSR"]["n"] == COUNT


def test_leaving_out_areas_and_the_sources_split(soils):
    areas = soils.train(validation="leave-one-area-out", area_field="area")
    assert "3 areas" in areas["validation"]
    warned = []
    single = soils.train(
        Progress(on_warning=warned.append), validation="single split of the source"
    )
    assert "seed 42" in single["validation"]
    assert scores_of(single)["Fe", "PLSR"]["n"] == COUNT // 3
    assert any("luck of the draw" in text for text in warned)


def test_the_same_seed_gives_the_same_file(soils, tmp_path):
    first, again = (str(tmp_path / name) for name in ("a.gossan", "b.gossan"))
    one = soils.train(model=first, seed=5, methods=["PLSR", "random forest"])
    two = soils.train(model=again, seed=5, methods=["PLSR", "random forest"])
    assert one["fingerprint"] == two["fingerprint"]
    assert one["scores"] == two["scores"]


def test_occlusion_finds_where_the_elements_absorb(soils):
    for method in ("occlusion", "Shapley values"):
        done = explain_model(
            Progress(),
            spectra=soils.spectra,
            model=soils.model,
            method=method,
            width=40.0,
            most=12,
            table=str(soils.folder / "importance.csv"),
            report=str(soils.folder / "importance.html"),
        )
        assert abs(done["peaks"]["Fe"] - 900) < 150
        assert abs(done["peaks"]["Sb"] - 2200) < 60
    page = (soils.folder / "importance.html").read_text()
    for region in ("iron oxides", "Al-OH", "carbonate", "water"):
        assert region in page
    with open(soils.folder / "importance.csv", newline="") as file:
        assert next(csv.reader(file))[:2] == ["wavelength (nm)", "Fe (mg/kg)"]


def test_shapley_values_of_a_linear_model_are_its_terms(soils, tmp_path):
    path = str(tmp_path / "linear.gossan")
    soils.train(model=path, elements=["Fe"])
    model, _ = load_model(path)
    values = np.random.default_rng(0).normal(1.0, 0.001, (3, 1)) * model.mean
    values[:, 100:140] += 0.004
    features = Features(Spectra(values, GRID), np.zeros((3, 0)))
    found = explain(model, features, "Shapley values", 40.0, Progress(), seed=0)
    terms = (values - model.mean) * model.elements[0].fitted.method.equations[0].coefficients
    stretch = np.floor((GRID - GRID[0]) / 40.0).astype(int)
    sums = np.array([[row[stretch == s].sum() for s in range(stretch.max() + 1)] for row in terms])
    expected = np.abs(sums).mean(axis=0) / np.bincount(stretch)
    np.testing.assert_allclose(found.values[:, 0], expected[stretch], rtol=1e-6, atol=1e-12)


def test_preprocessed_spectra_are_a_library_that_reads_back(soils, tmp_path):
    done = preprocess_spectra(
        Progress(),
        spectra=soils.spectra,
        output=str(tmp_path / "out.sli"),
        steps="trim, continuum",
        spacing=4.0,
        report=str(tmp_path / "out.html"),
    )
    library = read_library(tmp_path / "out.sli")
    assert done["spectra"] == len(library) == COUNT
    assert library.names == tuple(soils.names)
    assert library.spectra.max() <= 1.0
    assert (tmp_path / "out.html").read_text().count("<img") == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"elements": ["Qq"]}, "no field 'Qq'"),
        ({"name_field": "area"}, "twice, with different values"),
        ({"name_field": "x"}, "No sample has both"),
        ({"folds": 60}, "48 samples cannot be split into 60 folds"),
        ({"methods": ["SVM"]}, "not 'SVM'"),
        ({"keep": "network"}, "not among the chosen methods"),
        ({"outlier_limits": "Fe=1"}, "at least 10 are needed"),
        ({"validation": "leave-one-area-out"}, "needs a field of the areas"),
        ({"covariates": ["Fe"]}, "as element and as covariate"),
        ({"pattern": "<sample>"}, "<replicate> once each"),
        ({"trim_from": 2300.0, "trim_to": 2303.0, "steps": "trim"}, "1 bands are left"),
        ({"replicates": "first"}, "Unknown rule 'first'"),
        ({"validation": "toss"}, "Unknown validation"),
    ],
)
def test_bad_wishes_get_a_clear_sentence_and_leave_nothing(soils, tmp_path, changes, sentence):
    path = tmp_path / "model.gossan"
    with pytest.raises(InputError, match=sentence):
        soils.train(model=str(path), **changes)
    assert list(tmp_path.iterdir()) == []


def test_too_few_samples_and_elements_without_logarithm_are_refused(soils):
    table = soils.write_table("zero.csv", S01={"Sb": "0"})
    with pytest.raises(InputError, match="1 values of zero or less"):
        soils.train(samples=table, log_transform=True)
    few = soils.write_spectra("few.csv", soils.reflectance(np.random.default_rng(1))[:6])
    with pytest.raises(InputError, match="6 samples with a spectrum and a value"):
        soils.train(spectra=few)


def test_a_short_range_is_no_matter_but_for_the_network(soils):
    pytest.importorskip("tensorflow")
    short = {"trim_from": 2100.0, "trim_to": 2300.0}
    assert scores_of(soils.train(**short))["Sb", "PLSR"]["r2"] > 0.5
    with pytest.raises(InputError, match="frames of 255 nm"):
        soils.train(methods=["network"], **short)


def test_a_cancelled_training_leaves_nothing(soils, tmp_path):
    seen = []
    progress = Progress(on_fraction=seen.append, cancelled=lambda: len(seen) > 3)
    with pytest.raises(CancelledError):
        soils.train(progress, model=str(tmp_path / "m.gossan"), report=str(tmp_path / "r.html"))
    assert list(tmp_path.iterdir()) == []


def test_damaged_and_foreign_models_are_refused(soils, network, tmp_path):
    bundle = read_bundle(soils.model)
    card, arrays = bundle.card.to_dict(), bundle.arrays()
    broken = {name: array for name, array in arrays.items() if name != "0/residuals"}
    cases = [
        ({**card, "kind": "metals"}, arrays, "is a model for 'metals'"),
        (card, broken, "residuals"),
        (card, {**arrays, "mean": arrays["mean"][:-1]}, "mean spectrum"),
        (card, {**arrays, "reach/limits": -arrays["reach/limits"]}, "training spectra"),
    ]
    other = read_bundle(network[0])
    weights = other.arrays()
    weights["network/block1_look/kernel"] = weights["network/block1_look/kernel"][:2]
    cases.append((other.card.to_dict(), weights, "block1_look/kernel"))
    for number, (changed, content, sentence) in enumerate(cases):
        path = tmp_path / f"{number}.gossan"
        write_bundle(path, changed, arrays=content)
        with pytest.raises(BundleError, match=sentence):
            predict_elements(Progress(), spectra=soils.spectra, model=str(path))


def test_one_sample_in_many_files_is_one_sample(soils, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    random = np.random.default_rng(3)
    for name, rows in zip(soils.names, soils.reflectance(random)):
        for number, row in enumerate(rows, start=1):
            lines = [f"{nm / 1000:.4f};{100 * v:.4f}".replace(".", ",") for nm, v in zip(GRID, row)]
            (folder / f"{name}_{number:05d}.asd.txt").write_text(
                "Wavelength;x\n" + "\n".join(lines)
            )
    said = []
    done = soils.train(Progress(on_message=said.append), spectra=str(folder))
    assert done["samples"] == COUNT
    assert scores_of(done)["Fe", "PLSR"]["r2"] > 0.9
    assert any("percent" in text for text in said)
    assert any("micrometres" in text for text in said)


def test_missing_elements_cost_their_own_sample_only(soils):
    table = soils.write_table("gaps.csv", S05={"Sb": "n.d."}, S06={"Sb": "", "Fe": "-"})
    said = []
    done = soils.train(Progress(on_message=said.append), samples=table)
    scores = scores_of(done)
    assert (scores["Fe", "PLSR"]["n"], scores["Sb", "PLSR"]["n"]) == (COUNT - 1, COUNT - 2)
    assert any("no value of any element: S06" in text for text in said)
    assert any("no row in the element table: S06_1, S06_2" in text for text in said)


def test_spectra_and_samples_without_a_partner_are_named(soils):
    said = []
    shifted = [f"S{n:02d}" for n in range(3, COUNT)]
    fewer = soils.write_spectra(
        "fewer.csv", soils.reflectance(np.random.default_rng(1))[3:], shifted
    )
    done = soils.train(Progress(on_message=said.append), spectra=fewer)
    assert done["samples"] == COUNT - 3
    assert any("no spectrum: S00, S01, S02" in text for text in said)
