"""A detector from few images: its measures, its decision, and that it is an ordinary detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.mines.architecture import build_detector
from gossan.models.mines.few_images import (
    MEASURES,
    STEP,
    FewImagesOptions,
    _opinions,
    coverage,
    describe,
    in_other_light,
    scaling,
    train_detector,
)
from gossan.models.mines.geometry import centre
from gossan.models.mines.laid_filters import lay_filters
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.weights import count_weights

QUICK = FewImagesOptions(
    training=TrainingOptions(epochs=6, learning_rate=3e-3), share=0.5, trees=10, smallest_leaf=3
)
SITES = (0, 1, 2, 3)


def image_with_pond(seed):
    """Dark, rough ground with an even, bright square; 324 pixels, cells 27 i + 94.5 among them."""
    random = np.random.default_rng(seed)
    reflectance = 0.06 + 0.02 * random.random((324, 324, 3))
    mines = np.zeros((324, 324), dtype=bool)
    row, column = random.integers(110, 170, 2)
    mines[row : row + 54, column : column + 54] = True
    reflectance[mines] = 0.2
    return reflectance.astype(np.float32), mines


@pytest.fixture(scope="module")
def described():
    images = [image_with_pond(seed) for seed in range(4)]
    return images, describe(*zip(*images), lights=1)


@pytest.fixture(scope="module")
def detector(described):
    return train_detector(described[1], SITES, QUICK, Progress())


def test_shares_are_those_of_the_pixels_around_each_cell(described):
    images, cells = described
    mines, share = images[0][1], cells[0].share
    assert share.shape == ((324 - 215) // STEP + 1,) * 2
    for row, column in ((0, 0), (3, 7), (12, 12)):
        middle = np.array([STEP * row + 107, STEP * column + 107])
        top, left = middle - 13
        assert share[row, column] == mines[top : top + 27, left : left + 27].mean()
        assert share[row, column] == coverage(mines, STEP * row, STEP * column)
    assert share.max() > 0.9


def test_measures_are_what_the_network_sees_at_the_same_place(described):
    """Cells of an untouched image, where its grid and that of the described cells meet."""
    import tensorflow

    (image, _), cells = described[0][1], described[1][1]
    network = build_detector(3)
    lay_filters(network)
    pooled = tensorflow.keras.Model(network.input, network.get_layer("pool3").output)
    # Described cells begin 94 + 9 i pixels from the border; the network's begin at multiples of 27.
    shifted = scaling().apply(image)[94 % 27 :, 94 % 27 :]
    seen = pooled(shifted[np.newaxis]).numpy()[0]
    first = 94 // 27
    rows, columns = cells.measures[::3, ::3].shape[:2]
    part = seen[first : first + rows, first : first + columns]
    np.testing.assert_allclose(cells.measures[::3, ::3, :MEASURES], part, atol=1e-5)
    ring = seen[first - 1 : first + 2, first - 1 : first + 2].sum(axis=(0, 1)) - seen[first, first]
    np.testing.assert_allclose(
        cells.measures[0, 0, MEASURES : 2 * MEASURES], ring / 8, rtol=1e-4, atol=1e-4
    )


def test_the_least_and_the_most_of_a_place_are_measured():
    """A cell with one dark spot differs from an even one of the same mean."""
    even = np.full((215, 215, 3), 0.2, dtype=np.float32)
    spotted = even.copy()
    spotted[104:110, 104:110] = 0.02
    none = np.zeros((215, 215), dtype=bool)
    one, other = describe([even, spotted], [none, none])
    difference = np.abs(one.measures - other.measures)[0, 0]
    assert difference[:MEASURES].max() > 1.0
    assert one.measures.shape == (1, 1, 4 * MEASURES)


def test_the_result_is_an_ordinary_detector_that_finds_an_unseen_pond(detector):
    assert detector.name == "detector"
    assert count_weights(detector) == count_weights(build_detector(3))
    image, mines = image_with_pond(99)
    logits = detector(scaling().apply(image)[np.newaxis]).numpy()[0]
    probability = 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))
    inside, outside = [], []
    for row in range(1, probability.shape[0]):
        for column in range(1, probability.shape[1]):
            top, left = (int(centre(cell) - 13.5) for cell in (row, column))
            share = mines[top : top + 27, left : left + 27].mean()
            if share >= 0.5:
                inside.append(probability[row, column])
            elif share == 0:
                outside.append(probability[row, column])
    assert min(inside) > max(outside)


def test_the_same_seed_gives_the_same_detector(described, detector):
    again = train_detector(described[1], SITES, QUICK, Progress())
    for one, other in zip(detector.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_images_smaller_than_a_field_are_refused():
    small = np.zeros((200, 300, 3), dtype=np.float32)
    with pytest.raises(InputError, match="300 x 200 pixels is smaller"):
        describe([small], [np.zeros((200, 300), dtype=bool)])


def test_images_without_a_mine_are_refused(described):
    nothing = [type(cells)(cells.measures, 0 * cells.share) for cells in described[1]]
    with pytest.raises(InputError, match="no cell of one of the two kinds"):
        train_detector(nothing, SITES, QUICK, Progress())


def test_sites_that_cannot_be_parted_are_refused(described):
    with pytest.raises(InputError, match="groups"):
        train_detector(described[1], (0, 0, 1, 1), QUICK, Progress())


def test_other_light_changes_brightness_and_colour_and_nothing_else(described):
    image, _ = described[0][0]
    chance = np.random.default_rng(0)
    changed = [in_other_light(image, chance) for _ in range(200)]
    gains = np.array(
        [
            [np.polyfit(image[..., b].ravel(), one[..., b].ravel(), 1)[0] for b in range(3)]
            for one in changed
        ]
    )
    assert abs(np.log(gains).mean()) < 0.02
    assert 0.08 < np.log(gains).mean(axis=1).std() < 0.13
    assert 0.02 < (np.log(gains) - np.log(gains).mean(axis=1, keepdims=True)).std() < 0.05
    np.testing.assert_allclose(
        np.corrcoef(image[..., 0].ravel(), changed[0][..., 0].ravel())[0, 1], 1.0, atol=1e-5
    )
    assert described[1][0].other_light[0].shape == described[1][0].measures.shape
    assert not np.allclose(described[1][0].other_light[0], described[1][0].measures)


def test_trees_from_other_sites_speak_for_a_pond_that_is_not_marked(described):
    cells = described[1]
    unmarked = replace(cells[0], share=np.where(cells[0].share > 0.9, 0.0, cells[0].share))
    given = [unmarked, *cells[1:]]
    opinion = _opinions(given, np.array(SITES), QUICK)[0]
    pond = cells[0].share > 0.9
    assert opinion[pond].min() > opinion[cells[0].share == 0].mean() + 0.3
