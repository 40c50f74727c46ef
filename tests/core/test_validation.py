from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as peer
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.core import validation as v
from gossan.core.errors import InputError


def covers_once(splits, n):
    tests = np.concatenate([test for _, test in splits])
    assert sorted(tests.tolist()) == list(range(n))
    for train, test in splits:
        assert sorted(np.concatenate([train, test]).tolist()) == list(range(n))


@given(st.integers(2, 60), st.integers(2, 10), st.integers(0, 5))
def test_kfold_tests_every_sample_once_in_even_folds(n, folds, seed):
    if n < folds:
        with pytest.raises(InputError, match="fewer folds"):
            v.kfold(n, folds, seed=seed)
        return
    splits = v.kfold(n, folds, seed=seed)
    covers_once(splits, n)
    sizes = [len(test) for _, test in splits]
    assert max(sizes) - min(sizes) <= 1


def test_the_same_seed_gives_the_same_folds():
    first, again, other = (v.kfold(30, 5, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other))


def test_leave_one_out_leaves_each_out():
    splits = v.leave_one_out(7)
    covers_once(splits, 7)
    assert all(len(test) == 1 for _, test in splits)


def test_hold_out_keeps_the_share_back():
    ((train, test),) = v.hold_out(20, 0.25, seed=3)
    assert len(test) == 5
    assert not set(train) & set(test)
    with pytest.raises(InputError, match="empty"):
        v.hold_out(3, 0.01)


@given(st.lists(st.integers(0, 12), min_size=2, max_size=60), st.integers(2, 5))
def test_groups_are_never_parted(labels, folds):
    groups = np.array(labels)
    if len(set(labels)) < folds:
        with pytest.raises(InputError, match="groups"):
            v.grouped(groups, folds)
        return
    splits = v.grouped(groups, folds)
    covers_once(splits, len(groups))
    for train, test in splits:
        assert len(test)
        assert not set(groups[train]) & set(groups[test])


@settings(max_examples=40)
@given(
    st.integers(0, 10_000),
    st.integers(20, 150),
    st.integers(2, 6),
    st.sampled_from([(1.0, 1.0), (1.0, 0.0), (1e5, 3.0), (0.001, 0.002)]),
)
def test_spatial_blocks_keep_neighbours_in_one_fold(seed, n, folds, size):
    rng = np.random.default_rng(seed)
    x, y = rng.random(n) * size[0] + 5e5, rng.random(n) * size[1]
    splits = v.spatial_blocks(x, y, folds, seed=seed)
    covers_once(splits, n)
    blocks = v.block_labels(x, y, v.default_block_size(x, y, folds))
    for train, test in splits:
        assert len(test)
        assert not set(blocks[train]) & set(blocks[test])


def test_spatial_blocks_are_balanced_in_samples():
    rng = np.random.default_rng(1)
    x, y = rng.random(200), rng.random(200)
    sizes = [len(test) for _, test in v.spatial_blocks(x, y, 5)]
    assert max(sizes) - min(sizes) <= 10


def test_given_block_size_is_used_and_too_few_blocks_are_refused():
    x = np.arange(10.0)
    ((train, test), _) = v.spatial_blocks(x, np.zeros(10), 2, block_size=5.0)
    assert {tuple(train), tuple(test)} == {(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)}
    with pytest.raises(InputError, match="1 block of 100 x 100 map units, too few for 2 folds"):
        v.spatial_blocks(x, np.zeros(10), 2, block_size=100.0)


def test_samples_at_too_few_places_are_refused():
    with pytest.raises(InputError, match="places"):
        v.spatial_blocks(np.zeros(10), np.zeros(10), 2)


def test_repeats_are_drawn_anew():
    first, second = v.repeated(lambda seed: v.kfold(20, 4, seed=seed), 2, seed=5)
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, second))
    with pytest.raises(InputError):
        v.repeated(lambda seed: v.kfold(20, 4, seed=seed), 0)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(4)
    measured = rng.lognormal(3, 1, 80)
    return measured, measured * rng.lognormal(0, 0.3, 80) + 2


def test_regression_scores_agree_with_an_independent_library(pairs):
    measured, predicted = pairs
    assert v.r2(measured, predicted) == pytest.approx(peer.r2_score(measured, predicted))
    expected = math.sqrt(peer.mean_squared_error(measured, predicted))
    assert v.rmse(measured, predicted) == pytest.approx(expected)
    assert v.bias(measured, predicted) == pytest.approx((predicted - measured).mean())
    assert v.rpd(measured, predicted) == pytest.approx(measured.std(ddof=1) / expected)
    q1, q3 = np.percentile(measured, [25, 75])
    assert v.rpiq(measured, predicted) == pytest.approx((q3 - q1) / expected)


def test_scores_by_hand():
    measured, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])
    assert v.r2(measured, predicted) == pytest.approx(0.5)
    assert v.rmse(measured, predicted) == pytest.approx(math.sqrt(1 / 3))
    assert v.rpd(measured, predicted) == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1.39, "poor"),
        (1.4, "acceptable"),
        (1.99, "acceptable"),
        (2.0, "good"),
        (2.5, "good"),
        (2.51, "excellent"),
        (math.inf, "excellent"),
        (math.nan, ""),
    ],
)
def test_rpd_has_its_class(value, name):
    assert v.rpd_class(value) == name


def test_missing_pairs_are_left_out_and_undefined_scores_are_nan():
    scores = v.regression_scores(
        np.array([1.0, 2.0, np.nan, 4.0]), np.array([1.0, 2.0, 3.0, np.nan])
    )
    assert scores.n == 2
    constant = v.regression_scores(np.ones(5), np.arange(5.0))
    assert math.isnan(constant.r2)
    assert constant.to_dict()["r2"] is None
    empty = v.regression_scores(np.array([np.nan]), np.array([1.0]))
    assert empty.n == 0
    assert empty.to_dict()["rmse"] is None
    with pytest.raises(InputError):
        v.r2(np.ones(3), np.ones(4))


def test_bootstrap_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(100):
        measured = rng.normal(0, 1, 60)
        predicted = measured + rng.normal(0, 0.5, 60)
        low, high = v.r2_interval(measured, predicted, resamples=300, seed=trial)
        held += low <= 0.75 <= high  # the population's R2 is 1 - 0.25 / 1
    assert 86 <= held <= 100


def test_the_interval_repeats_with_its_seed(pairs):
    assert v.r2_interval(*pairs, seed=1) == v.r2_interval(*pairs, seed=1)
    assert v.r2_interval(*pairs, seed=1) != v.r2_interval(*pairs, seed=2)


@pytest.fixture
def classes():
    rng = np.random.default_rng(7)
    reference = rng.integers(1, 5, 300)
    mapped = np.where(rng.random(300) < 0.7, reference, rng.integers(1, 5, 300))
    return reference, mapped


def test_agreement_agrees_with_an_independent_library(classes):
    reference, mapped = classes
    names = [1, 2, 3, 4]
    matrix = v.confusion_matrix(reference, mapped, names)
    np.testing.assert_array_equal(matrix, peer.confusion_matrix(reference, mapped, labels=names))
    assert v.overall_accuracy(matrix) == pytest.approx(peer.accuracy_score(reference, mapped))
    assert v.kappa(matrix) == pytest.approx(peer.cohen_kappa_score(reference, mapped))
    for ours, theirs in (
        (v.producers_accuracy, peer.recall_score),
        (v.users_accuracy, peer.precision_score),
        (v.f1, peer.f1_score),
        (v.iou, peer.jaccard_score),
    ):
        np.testing.assert_allclose(ours(matrix), theirs(reference, mapped, average=None))
    assert v.mean_iou(matrix) == pytest.approx(
        peer.jaccard_score(reference, mapped, average="macro")
    )


def test_classes_may_come_in_any_order_and_others_do_not_count():
    matrix = v.confusion_matrix(np.array([[9, 2], [5, 7]]), np.array([[2, 2], [5, 5]]), [9, 5, 2])
    np.testing.assert_array_equal(matrix, [[0, 0, 1], [0, 1, 0], [0, 0, 1]])


def test_classes_that_never_occur_are_nan_and_do_not_enter_the_mean():
    matrix = v.confusion_matrix(np.array([1, 1, 2]), np.array([1, 2, 2]), [1, 2, 3])
    assert math.isnan(v.iou(matrix)[2])
    assert v.mean_iou(matrix) == pytest.approx(0.5)
    assert math.isnan(v.overall_accuracy(np.zeros((2, 2), int)))
    assert math.isnan(v.kappa(np.zeros((2, 2), int)))


def test_a_class_named_twice_or_unequal_sizes_are_refused():
    with pytest.raises(InputError):
        v.confusion_matrix(np.ones(3), np.ones(3), [1, 1])
    with pytest.raises(InputError):
        v.confusion_matrix(np.ones(3), np.ones(4), [1])


def test_accuracy_interval_is_wilsons():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    low, high = v.proportion_interval(81, 263)
    assert (low, high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert v.proportion_interval(5, 5)[1] == pytest.approx(1.0)
    matrix = np.array([[81, 100], [82, 0]])
    assert v.overall_accuracy_interval(matrix) == (low, high)


def test_area_adjusted_accuracy_reproduces_the_published_example():
    # Olofsson et al. (2014), tables 8 and 9: deforestation, forest gain, stable forest, other.
    published = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    areas = np.array([200_000, 150_000, 3_200_000, 6_450_000])
    found = v.area_adjusted(published.T, areas)
    assert (found.overall, found.overall_error) == pytest.approx((0.95, 0.02), abs=0.005)
    np.testing.assert_allclose(found.users, [0.88, 0.73, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(found.users_error, [0.07, 0.10, 0.04, 0.02], atol=0.005)
    np.testing.assert_allclose(found.producers, [0.75, 0.85, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(found.producers_error, [0.21, 0.25, 0.03, 0.02], atol=0.005)
    np.testing.assert_allclose(found.shares[0] * areas.sum(), 235_086, rtol=1e-4)
    np.testing.assert_allclose(found.shares_error[0] * areas.sum(), 68_418, rtol=1e-4)


def test_area_estimates_need_reference_samples_in_every_mapped_class():
    with pytest.raises(InputError, match="number 2"):
        v.area_adjusted(np.array([[5, 1], [0, 0]]), np.array([10.0, 10.0]))
