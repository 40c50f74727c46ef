from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.svm import SVR

from gossan.core.errors import BundleError, InputError
from gossan.core.validation import kfold
from gossan.models.metals import regressors
from gossan.models.metals.forest import PIXEL_GROUP, Forest, feature_keys
from gossan.models.metals.predictors import KernelMachine, LinearEquation, Pixels
from gossan.models.metals.regressors import Settings


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(0, 1, (60, 5)), 2).astype(np.float32)
    y = np.exp(x[:, 0]) + 0.5 * x[:, 1] + rng.normal(0, 0.2, 60)
    return x, y


@pytest.fixture(scope="module")
def forests(data):
    theirs = RandomForestRegressor(30, max_features=0.4, random_state=1).fit(*data)
    return theirs, Forest.from_trees([t.tree_ for t in theirs.estimators_], scale=1 / 30)


@pytest.mark.parametrize("n", [1, 7, PIXEL_GROUP, PIXEL_GROUP + 1, 1000])
def test_forest_predicts_as_scikit_learn(forests, n):
    theirs, ours = forests
    x = np.random.default_rng(n).normal(0, 2, (n, 5)).astype(np.float32)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-12)


def test_forest_is_exact_at_its_own_thresholds(forests):
    theirs, ours = forests
    thresholds = np.concatenate([t.tree_.threshold for t in theirs.estimators_])
    near = thresholds.astype(np.float32)
    around = np.concatenate(
        [near, np.nextafter(near, np.float32(-9)), np.nextafter(near, np.float32(9))]
    )
    x = np.random.default_rng(2).choice(around, (4000, 5)).astype(np.float32)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-12)


def test_forest_tells_what_its_trees_say(forests):
    theirs, ours = forests
    x = np.random.default_rng(3).normal(0, 1, (500, 5)).astype(np.float32)
    each = np.stack([tree.predict(x) for tree in theirs.estimators_])
    keys = feature_keys(x)
    np.testing.assert_allclose(ours.tree_values_keys(keys), each, rtol=1e-12)
    mean, deviation, exceedance = ours.moments_keys(keys, 1.5)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(deviation, each.std(axis=0), atol=1e-9)
    np.testing.assert_allclose(exceedance, (each > 1.5).mean(axis=0))


def test_boosting_predicts_as_scikit_learn(data):
    settings = Settings("gradient boosting", trees=40, seed=3)
    theirs = GradientBoostingRegressor(
        n_estimators=40, learning_rate=0.05, max_depth=3, subsample=0.7, random_state=3
    ).fit(*data)
    ours = regressors.fit_boosting(*data, settings)
    x = np.random.default_rng(4).normal(0, 1, (300, 5)).astype(np.float32)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-10)


def test_partial_least_squares_is_scikit_learns_with_the_components_of_least_inner_error(data):
    x, y = data
    inner = kfold(60, 5, seed=0)
    ours = regressors.fit_partial_least_squares(x, y, inner)
    errors = []
    for k in range(1, 6):
        fits = [(PLSRegression(k).fit(x[a], y[a]), b) for a, b in inner]
        errors.append(sum(((f.predict(x[b]).ravel() - y[b]) ** 2).sum() for f, b in fits))
    best = PLSRegression(int(np.argmin(errors)) + 1).fit(x, y)
    np.testing.assert_allclose(ours.predict(x), best.predict(x).ravel(), rtol=1e-6)


def test_kernel_machine_is_scikit_learns(data):
    x, y = data
    ours = regressors.fit_support_vectors(x, y, kfold(60, 5))
    z = (x - ours.feature_centre) / ours.feature_scale
    candidates = [
        SVR(C=c, gamma=ours.gamma, epsilon=e).fit(z, (y - ours.centre) / ours.scale)
        for c in regressors.SVR_PENALTIES
        for e in regressors.SVR_TUBES
    ]
    predictions = [m.predict(z) * ours.scale + ours.centre for m in candidates]
    assert min(np.abs(ours.predict(x) - p).max() for p in predictions) < 1e-8


@pytest.mark.parametrize("method", regressors.METHODS[:-1])
def test_a_constant_target_gives_the_constant(method):
    x = np.random.default_rng(0).random((12, 3)).astype(np.float32)
    fitted = regressors.fit_method(method, x, np.full(12, 4.0), Settings(method, trees=5))
    np.testing.assert_allclose(Pixels.of(x).predict(fitted), 4.0)


@pytest.mark.parametrize("method", regressors.METHODS[:-1])
def test_one_feature_and_constant_features_are_enough(method):
    x = np.column_stack([np.linspace(0, 1, 20), np.ones(20)]).astype(np.float32)
    for features in (x, x[:, :1]):
        fitted = regressors.fit_method(
            method, features, 3 * x[:, 0] + 1, Settings(method, trees=50)
        )
        predicted = Pixels.of(features).predict(fitted)
        assert np.corrcoef(predicted, x[:, 0])[0, 1] > 0.97


@given(arrays.arrays(np.float32, 20, elements=st.floats(width=32, allow_nan=False)))
def test_keys_sort_as_their_features(values):
    keys = feature_keys(values[:, None])[:, 0]
    for i in range(len(values)):
        np.testing.assert_array_equal(keys > keys[i], values > values[i])


def test_arrays_bring_a_predictor_back(forests, data):
    x, y = data
    machine = regressors.fit_support_vectors(x, y, kfold(60, 3))
    equation = regressors.fit_partial_least_squares(x, y, kfold(60, 3))
    for kind, predictor in (
        (Forest, forests[1]),
        (KernelMachine, machine),
        (LinearEquation, equation),
    ):
        again = kind.from_arrays(predictor.arrays(), 5)
        np.testing.assert_array_equal(again.predict(x), predictor.predict(x))


def forged(forest, **changes):
    return {**forest.arrays(), **changes}


def test_a_forged_forest_is_refused_before_it_reads_outside_its_arrays(forests):
    forest = forests[1]
    nodes = forest.nodes
    far_child = nodes.copy()
    far_child[0] = (far_child[0] & ~np.int64(0xFFFFF)) | 0xFFFFF
    other_feature = nodes.copy()
    other_feature[0] |= np.int64(0xFFF) << 20
    last_leaf_inner = nodes.copy()
    last_leaf_inner[-1] &= 0xFFFFFFFF
    wrong = [
        {"nodes": far_child},
        {"nodes": other_feature},
        {"nodes": last_leaf_inner},
        {"nodes": nodes[:-1]},
        {"roots": forest.roots + 1},
        {"roots": forest.roots[::-1].copy()},
        {"depths": np.full_like(forest.depths, 10**12)},
        {"depths": forest.depths[:-1]},
        {"values": np.full_like(forest.values, np.nan)},
        {"scale": np.array([1.0])},
    ]
    for change in wrong:
        with pytest.raises(BundleError, match="forest"):
            Forest.from_arrays(forged(forest, **change), 5)
    missing = forest.arrays()
    del missing["roots"]
    with pytest.raises(BundleError, match="incomplete"):
        Forest.from_arrays(missing, 5)
    with pytest.raises(BundleError, match="damaged"):
        Forest.from_arrays(forest.arrays(), 2)


def test_a_forged_equation_is_refused():
    with pytest.raises(BundleError, match="coefficients"):
        LinearEquation.from_arrays({"coefficients": np.ones(3), "intercept": np.ones(1)}, 5)
    with pytest.raises(BundleError, match="intercept"):
        LinearEquation.from_arrays({"coefficients": np.ones(3), "intercept": np.array([np.nan])}, 3)


def test_impossible_settings_are_refused():
    for wrong in ({"method": "magic"}, {"trees": 0}, {"outlier_limit": -1.0}):
        with pytest.raises(InputError):
            Settings(**wrong)
