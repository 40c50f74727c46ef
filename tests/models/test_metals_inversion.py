from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_predict

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.samples import Samples
from gossan.core.validation import kfold, r2
from gossan.models.metals.applicability import beyond_range
from gossan.models.metals.inversion import (
    check_elements,
    cross_validate,
    fit_element,
    outliers,
    with_residuals,
)
from gossan.models.metals.predictors import Pixels
from gossan.models.metals.regressors import METHODS, Settings
from gossan.models.metals.sample_splits import Validation, make_splits

QUICK = Settings(trees=30)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    x = rng.random((70, 4)).astype(np.float32)
    signal = 100 * np.exp(2 * x[:, 0]) * rng.lognormal(0, 0.15, 70)
    return x, np.column_stack([signal, rng.lognormal(3, 1, 70)])


def test_out_of_fold_predictions_are_those_of_an_independent_cross_validation(data):
    x, y = data
    splits = kfold(70, 5, seed=2)
    ours = cross_validate(x, y[:, :1], [splits], QUICK).predicted[0, :, 0]
    forest = RandomForestRegressor(30, max_features=1, random_state=0)
    theirs = cross_val_predict(forest, x, y[:, 0], cv=splits)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_what_can_be_told_is_told_and_noise_is_not(data):
    x, y = data
    checked = cross_validate(x, y, [kfold(70, 5)], QUICK)
    assert r2(y[:, 0], checked.predicted[0, :, 0]) > 0.6
    assert r2(y[:, 1], checked.predicted[0, :, 1]) < 0.2
    assert np.argmax(checked.importance[:, 0]) == 0
    assert checked.importance[0, 0] > 0.5
    assert np.abs(checked.importance[1:, 0]).max() < 0.2


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(data, method):
    x, y = data
    checked = cross_validate(x, y[:, :1], [kfold(70, 4)], Settings(method, trees=60))
    assert r2(y[:, 0], checked.predicted[0, :, 0]) > 0.6


@pytest.mark.parametrize("method", METHODS)
def test_logarithms_come_back_as_concentrations_without_bias(data, method):
    x, y = data
    settings = Settings(method, trees=60, log_transform=True)
    model = fit_element("Pb", x, y[:, 0], settings)
    predicted = model.predict(Pixels.of(x))
    assert predicted.mean() == pytest.approx(y[:, 0].mean(), rel=0.08)
    assert predicted.min() > 0


def test_missing_values_of_one_element_do_not_touch_the_other(data):
    x, y = data
    holes = y.copy()
    holes[::3, 1] = np.nan
    whole, partial = (cross_validate(x, v, [kfold(70, 5)], QUICK) for v in (y, holes))
    np.testing.assert_array_equal(whole.predicted[..., 0], partial.predicted[..., 0])
    assert np.isnan(partial.predicted[0, ::3, 1]).all()
    assert np.isfinite(partial.predicted[0, 1::3, 1]).all()


def test_outliers_are_left_out_of_the_fit_and_kept_in_the_test(data):
    x, y = data
    spoiled = y[:, :1].copy()
    spoiled[7] = 1e6
    assert outliers(spoiled[:, 0], 5.0).tolist() == [i == 7 for i in range(70)]
    robust = cross_validate(x, spoiled, [kfold(70, 5)], Settings(trees=30, outlier_limit=5.0))
    others = np.arange(70) != 7
    assert r2(spoiled[others, 0], robust.predicted[0, others, 0]) > 0.6
    assert np.isfinite(robust.predicted[0, 7, 0])
    assert robust.predicted.max() < 1e5


def test_constant_values_have_no_outliers():
    assert not outliers(np.array([3.0, 3.0, 3.0, 9.0, np.nan]), 3.0).any()


def test_repeats_and_seed(data):
    x, y = data
    splits = [kfold(70, 5, seed=s) for s in (0, 1)]
    first, again = (cross_validate(x, y[:, :1], splits, QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.predicted, again.predicted)
    np.testing.assert_array_equal(first.importance, again.importance)
    np.testing.assert_allclose(first.mean_prediction(), first.predicted.mean(axis=0))
    assert not np.array_equal(first.folds[0], first.folds[1])


def test_interval_of_a_forest_holds_about_nine_of_ten(data):
    x, y = data
    checked = cross_validate(x, y, [kfold(70, 5)], Settings(trees=100))
    assert np.all((checked.coverage > 0.75) & (checked.coverage <= 1))


@pytest.mark.parametrize("method", ["random forest", "PLSR"])
def test_uncertainty_is_consistent(data, method):
    x, y = data
    settings = Settings(method, trees=50)
    out_of_fold = cross_validate(x, y[:, :1], [kfold(70, 5)], settings).predicted[0, :, 0]
    model = with_residuals(fit_element("Pb", x, y[:, 0], settings), y[:, 0], out_of_fold)
    pixels = Pixels.of(x)
    mean, deviation, above = model.moments(pixels, 300.0)
    low, high = model.interval(pixels)
    np.testing.assert_allclose(mean, model.predict(pixels))
    assert np.all((low <= mean) & (mean <= high) & (deviation > 0))
    assert np.all((above >= 0) & (above <= 1))
    assert above[np.argmax(mean)] > 0.8 > 0.2 > above[np.argmin(mean)]
    if method == "PLSR":
        residuals = y[:, 0] - out_of_fold
        np.testing.assert_allclose(deviation, np.sqrt(np.mean(residuals**2)))
        by_hand = [np.mean(residuals + m > 300.0) for m in mean]
        np.testing.assert_allclose(above, by_hand, atol=1e-9)


def test_concentrations_are_never_negative(data):
    x, y = data
    model = fit_element("Pb", x, y[:, 0] - y[:, 0].min(), Settings("PLSR"))
    far = np.array([[-50, 0, 0, 0]], dtype=np.float32)
    assert model.predict(Pixels.of(far))[0] == 0


def test_uncertainty_without_validation_is_refused(data):
    x, y = data
    with pytest.raises(InputError, match="never validated"):
        fit_element("Pb", x, y[:, 0], Settings("PLSR")).moments(Pixels.of(x))


@pytest.mark.parametrize(
    ("values", "settings", "sentence"),
    [
        (np.full(20, 3.0), Settings(), "3 at all 20 samples"),
        (np.r_[np.arange(4.0), np.full(16, np.nan)], Settings(), "Pb has 4 usable values"),
        (np.arange(20.0), Settings(log_transform=True), "1 values of zero or less"),
    ],
)
def test_elements_that_cannot_be_learned_are_named(values, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        check_elements(values[:, None], ["Pb"], settings)


def test_a_fold_without_values_to_learn_from_is_named(data):
    x, _ = data
    values = np.full((70, 1), np.nan)
    values[:10, 0] = np.arange(10)
    split = [(np.arange(10, 70), np.arange(10))]
    with pytest.raises(InputError, match="Sb has fewer than 3 values to learn from in fold 1"):
        cross_validate(x, values, [split], QUICK, names=["Sb"])


def test_cancel_stops_between_fits(data):
    x, y = data
    asked = []
    progress = Progress(cancelled=lambda: asked.append(1) or len(asked) > 2)
    with pytest.raises(CancelledError):
        cross_validate(x, y, [kfold(70, 5)], QUICK, progress)
    assert len(asked) == 3


def samples_at(x, y, groups=None):
    n = len(x)
    flags = np.full((n, 1), "", dtype="<U1")
    ids = tuple(map(str, range(n)))
    return Samples(x, y, np.arange(float(n))[:, None], flags, ("Pb",), ids, groups)


@pytest.mark.parametrize(
    "kind", ["spatial blocks", "k-fold", "leave-one-out", "hold-out", "groups"]
)
def test_grouped_samples_stay_together_under_every_validation(kind):
    rng = np.random.default_rng(3)
    places = rng.random((15, 2)) * 100
    chosen = np.repeat(np.arange(15), 2)
    samples = samples_at(*places[chosen].T, groups=chosen.astype(str))
    splits, how = make_splits(samples, Validation(kind, folds=3, repeats=2))
    assert how
    assert len(splits) == (1 if kind == "leave-one-out" else 2)
    for split in splits:
        for train, test in split:
            assert len(test)
            assert not set(chosen[train]) & set(chosen[test])


def test_validation_that_does_not_exist_or_lacks_groups_is_refused():
    with pytest.raises(InputError, match="spatial blocks, k-fold"):
        Validation("magic")
    samples = samples_at(np.arange(9.0), np.arange(9.0))
    with pytest.raises(InputError, match="field that names the groups"):
        make_splits(samples, Validation("groups", folds=3))
    with pytest.raises(InputError, match="9 samples cannot be split into 10 folds"):
        make_splits(samples, Validation("k-fold", folds=10))


def test_training_samples_are_inside_their_own_range_and_tolerance_widens_it():
    rng = np.random.default_rng(0)
    x = (rng.random((50, 3)) * 1e6).astype(np.float32)
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    assert not beyond_range(x, low, high, 0.0).any()
    outside = x[:1].copy()
    outside[0, 1] = high[1] + 0.04 * (high[1] - low[1])
    assert beyond_range(outside, low, high, 0.03).tolist() == [[False, True, False]]
    assert not beyond_range(outside, low, high, 0.05).any()
