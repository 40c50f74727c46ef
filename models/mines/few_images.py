"""A detector from few images: its convolutions are laid down, and only the decision is learnt.

Some dozens of images are too few for 260,000 weights. Here the three convolutions measure what is
known to tell bare, even ground from everything else (brightness, colour, edges, each at its least
and its greatest around a place), and what is learnt is how 64 such measures of a cell, and of three
rings of cells around it, decide. Two things steady the learning. Each image is also learnt from as
it would look in other light. And half of each target is the opinion of trees that have learnt from
other sites: where masks leave out what looks like a mine, the targets say "maybe" instead of "no".
The result is an ordinary detector with ordinary weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.splits import grouped
from gossan.models.mines.architecture import build_detector
from gossan.models.mines.geometry import FIELD, STRIDE
from gossan.models.mines.laid_filters import DEVIATION, MEAN, lay_filters
from gossan.models.mines.model_file import BandScaling
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.training import Batch, train

MINE_FROM = 0.30
"""Share of its 27 x 27 pixels from which a cell is a mine."""

BACKGROUND_TO = 0.02
"""Share up to which a cell is background; between the two it teaches nothing."""

STEP = 9
"""Pixels from one cell to the next where cells are described: nine grids laid over each other."""

RINGS = 3
"""Rings of neighbours that are averaged; with the cell itself they fill its field."""

MEASURES = 64
"""Measures of a cell: what the third convolution gives."""

_GAIN, _BAND_GAIN, _HAZE = 0.10, 0.04, 0.006
"""Spread of the light: of all bands together and of each (logarithms), and of what is added."""

_SEEN = 53
"""Pixels along each side that the measures of a cell see."""

_LEAD = STRIDE - (_SEEN - STRIDE) // 2
"""Pixels of nothing before an image, so that its second cell sees its first pixels."""


@dataclass(frozen=True)
class FewImagesOptions:
    """How the decision is learnt.

    Parameters
    ----------
    training : TrainingOptions
        Of the decision, on the measures of cells.
    share : float
        Share of the described cells that are learnt from, in each light; neighbours overlap by two
        thirds.
    share_without : float
        The same for images that show no mine at all.
    noise : float
        Noise on the measures, in their standard deviations.
    opinion : float
        Weight of the trees' opinion against the mask, 0 to 1.
    trees : int
    smallest_leaf : int
        Cells in a leaf of a tree.
    folds : int
        Parts of the sites; the trees that judge one have learnt from the others.
    batch : int
    """

    training: TrainingOptions = field(
        default_factory=lambda: TrainingOptions(epochs=8, learning_rate=1.5e-3)
    )
    share: float = 0.2
    share_without: float = 0.05
    noise: float = 0.4
    opinion: float = 0.4
    trees: int = 40
    smallest_leaf: int = 5
    folds: int = 4
    batch: int = 256


@dataclass(frozen=True)
class DescribedImage:
    """The cells of an image, one every `STEP` pixels, whose field lies in the image.

    Parameters
    ----------
    measures : ndarray, shape (rows, columns, (1 + RINGS) * MEASURES)
        Of the cell itself, and the means of its rings of neighbours.
    share : ndarray, shape (rows, columns)
        Marked share of the cell's pixels.
    other_light : tuple of ndarray
        The measures of the same cells in other light; see `in_other_light`.
    """

    measures: np.ndarray
    share: np.ndarray
    other_light: tuple[np.ndarray, ...] = ()

    @property
    def known(self) -> np.ndarray:
        """Cells that are a mine or background, and nothing between."""
        return (self.share >= MINE_FROM) | (self.share <= BACKGROUND_TO)


def scaling() -> BandScaling:
    """Return the scaling that the laid filters expect of three bands."""
    return BandScaling(np.full(3, MEAN), np.full(3, DEVIATION))


def in_other_light(reflectance: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Return an image as another sun, haze or processing might show it.

    Parameters
    ----------
    reflectance : ndarray, shape (rows, columns, 3)
    chance : numpy.random.Generator
        Decides how much brighter all bands become, each band besides, and how much is added.
    """
    gain = np.exp(chance.normal(0.0, _GAIN)) * np.exp(chance.normal(0.0, _BAND_GAIN, 3))
    changed = reflectance * gain + chance.normal(0.0, _HAZE, 3)
    return np.asarray(np.maximum(changed, 0.0), dtype=np.float32)


def describe(
    reflectance: Sequence[np.ndarray], mines: Sequence[np.ndarray], *, lights: int = 0
) -> list[DescribedImage]:
    """Measure the cells of images.

    Parameters
    ----------
    reflectance : sequence of ndarray, shape (rows, columns, 3)
        Blue, green, red; 0 to 1, without gaps.
    mines : sequence of ndarray of bool, shape (rows, columns)
    lights : int
        How often each is also measured in other light.

    Raises
    ------
    InputError
        When an image is smaller than what a cell sees.
    """
    tensorflow = runtime.load()
    detector = build_detector(3)
    lay_filters(detector)
    measuring = tensorflow.keras.Model(detector.input, detector.get_layer("pool3").output)
    measure = tensorflow.function(lambda inputs: measuring(inputs, training=False))
    described: list[DescribedImage] = []
    for image, mask in zip(reflectance, mines):
        if min(image.shape[:2]) < FIELD:
            raise InputError(
                f"An image of {image.shape[1]} x {image.shape[0]} pixels is smaller than the "
                f"{FIELD} x {FIELD} pixels that a cell sees. Give larger images."
            )
        chance = np.random.default_rng(len(described))
        seen = [image, *(in_other_light(image, chance) for _ in range(lights))]
        measures, *others = (_with_rings(_measures(measure, scaling().apply(one))) for one in seen)
        described.append(DescribedImage(measures, _shares(mask), tuple(others)))
    return described


def coverage(mines: np.ndarray, row: int, column: int) -> float:
    """Return the marked share of a cell whose field begins at a pixel."""
    margin = (FIELD - STRIDE) // 2
    top, left = row + margin, column + margin
    return float(mines[top : top + STRIDE, left : left + STRIDE].mean())


def train_detector(
    images: Sequence[DescribedImage],
    sites: Sequence[int],
    options: FewImagesOptions,
    progress: Progress,
) -> Any:
    """Learn the decision and return the whole detector.

    Parameters
    ----------
    images : sequence of DescribedImage
    sites : sequence of int
        The site of each; trees give no opinion on sites that they have learnt from.
    options : FewImagesOptions
    progress : Progress

    Returns
    -------
    keras.Model
        As from `build_detector`, for images scaled by `scaling`.

    Raises
    ------
    InputError
        When the images show no mine, or nothing else, or fewer sites with mines than folds.
    """
    tensorflow = runtime.repeatable(options.training.seed)
    cells = _Cells(images, np.asarray(sites), options)
    layers = tensorflow.keras.layers
    detector = build_detector(3)
    decision = tensorflow.keras.Sequential(
        [
            layers.Input((cells.measures.shape[1],)),
            layers.Dense(MEASURES, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(2),
        ]
    )

    def loss(targets: Any, outputs: Any) -> Any:
        return tensorflow.nn.sigmoid_cross_entropy_with_logits(
            targets, outputs[..., 1] - outputs[..., 0]
        )

    settling = max(options.training.epochs // 3, 1)
    train(decision, cells.epoch, loss, options.training, progress.part(0, 0.7))
    train(
        decision,
        lambda epoch: cells.epoch(options.training.epochs + epoch),
        loss,
        replace(
            options.training,
            epochs=settling,
            learning_rate=options.training.learning_rate / 10,
        ),
        progress.part(0.7, 1),
    )
    lay_filters(detector)
    _lay_decision(detector, decision.get_weights(), cells.mean, cells.deviation)
    return detector


class _Cells:
    """The cells that are learnt from, and the batches of an epoch."""

    def __init__(
        self, images: Sequence[DescribedImage], sites: np.ndarray, options: FewImagesOptions
    ) -> None:
        mines = [image.share[image.known] >= MINE_FROM for image in images]
        if all(part.all() for part in mines) or not any(part.any() for part in mines):
            raise InputError(
                "The images show no cell of one of the two kinds, mine and background. Both are "
                "needed to tell them apart."
            )
        opinions = _opinions(images, sites, options)
        chance = np.random.default_rng(options.training.seed)
        measures, targets = [], []
        for image, opinion in zip(images, opinions):
            share = options.share_without if opinion is None else options.share
            mask = image.share >= MINE_FROM
            target = mask if opinion is None else _between(mask, opinion, options.opinion)
            for seen in (image.measures, *image.other_light):
                chosen = image.known & (chance.random(mask.shape) < share)
                measures.append(seen[chosen])
                targets.append(target[chosen])
        self._targets = np.concatenate(targets).astype(np.float32)
        raw = np.concatenate(measures)
        self.mean = raw.mean(axis=0, dtype=np.float64)
        self.deviation = raw.std(axis=0, dtype=np.float64) + 1e-6
        self.measures = ((raw - self.mean) / self.deviation).astype(np.float32)
        self._options = options

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the shuffled cells with fresh noise, and their targets."""
        options = self._options
        chance = np.random.default_rng((options.training.seed, number))
        order = chance.permutation(len(self._targets))
        for start in range(0, len(order), options.batch):
            part = order[start : start + options.batch]
            noise = chance.normal(0.0, options.noise, (len(part), self.measures.shape[1]))
            targets = self._targets[part]
            inputs = (self.measures[part] + noise).astype(np.float32)
            yield inputs, targets, np.ones_like(targets)


def _between(mask: np.ndarray, opinion: np.ndarray, weight: float) -> np.ndarray:
    return (1 - weight) * mask + weight * opinion


def _opinions(
    images: Sequence[DescribedImage], sites: np.ndarray, options: FewImagesOptions
) -> list[np.ndarray | None]:
    """Return what trees that know other sites only say of the cells of each image with a mine."""
    opinions: list[np.ndarray | None] = [None] * len(images)
    with_mine = np.array([n for n, image in enumerate(images) if (image.share >= MINE_FROM).any()])
    chance = np.random.default_rng(options.training.seed)
    # Of three neighbours, which overlap by two thirds, one is enough.
    drawn = [chance.random(image.share.shape) < 0.35 for image in images]
    for taught, judged in grouped(sites[with_mine], options.folds, seed=options.training.seed):
        teachers = [images[number] for number in with_mine[taught]]
        chosen = [image.known & drawn[n] for n, image in zip(with_mine[taught], teachers)]
        trees = ExtraTreesClassifier(
            options.trees,
            min_samples_leaf=options.smallest_leaf,
            max_features=0.15,
            bootstrap=True,
            max_samples=0.5,
            class_weight="balanced",
            random_state=options.training.seed,
            n_jobs=1,
        ).fit(
            np.concatenate([image.measures[cells] for image, cells in zip(teachers, chosen)]),
            np.concatenate(
                [image.share[cells] >= MINE_FROM for image, cells in zip(teachers, chosen)]
            ),
        )
        for number in with_mine[judged]:
            measures = images[number].measures
            flat = trees.predict_proba(measures.reshape(-1, measures.shape[-1]))
            opinions[number] = flat[:, 1].reshape(measures.shape[:2])
    return opinions


def _measures(measure: Any, scaled: np.ndarray) -> np.ndarray:
    """Return the measures of every cell that sees only the image, one every `STEP` pixels."""
    padded = np.pad(scaled, ((_LEAD, 0), (_LEAD, 0), (0, 0)))
    rows, columns = ((extent - _SEEN) // STEP + 1 for extent in scaled.shape[:2])
    measures = np.empty((rows, columns, MEASURES), dtype=np.float32)
    shifts = STRIDE // STEP
    for down in range(shifts):
        for right in range(shifts):
            place = measures[down::shifts, right::shifts]
            # One cell more at the front, and the pixels behind the last that it sees.
            height, width = (
                STRIDE * (count + 1) + (_SEEN - STRIDE) // 2 for count in place.shape[:2]
            )
            top, left = STEP * down, STEP * right
            inputs = padded[np.newaxis, top : top + height, left : left + width]
            place[:] = np.asarray(measure(inputs))[0][1:, 1:]
    return measures


def _with_rings(measures: np.ndarray) -> np.ndarray:
    """Return the measures of the inner cells with the means of the rings around them."""
    apart = STRIDE // STEP
    edge = RINGS * apart
    rows, columns = (count - 2 * edge for count in measures.shape[:2])
    parts = []
    for ring in range(RINGS + 1):
        places = [
            (down, right)
            for down in range(-ring, ring + 1)
            for right in range(-ring, ring + 1)
            if max(abs(down), abs(right)) == ring
        ]
        total = np.zeros((rows, columns, measures.shape[-1]), dtype=np.float32)
        for down, right in places:
            top, left = edge + apart * down, edge + apart * right
            total += measures[top : top + rows, left : left + columns]
        parts.append(total / len(places))
    return np.concatenate(parts, axis=-1)


def _shares(mines: np.ndarray) -> np.ndarray:
    starts = [range(0, extent - FIELD + 1, STEP) for extent in mines.shape]
    return np.array([[coverage(mines, row, column) for column in starts[1]] for row in starts[0]])


def _lay_decision(
    detector: Any, weights: Sequence[np.ndarray], mean: np.ndarray, deviation: np.ndarray
) -> None:
    """Write the decision, with the standardisation of the measures, into the last two layers."""
    kernel, bias, last, last_bias = (np.asarray(array, dtype=np.float64) for array in weights)
    kernel = kernel / deviation[:, np.newaxis]
    bias = bias - mean @ kernel
    side = 2 * RINGS + 1
    laid = np.empty((side, side, MEASURES, kernel.shape[1]))
    for row in range(side):
        for column in range(side):
            ring = max(abs(row - RINGS), abs(column - RINGS))
            part = kernel[ring * MEASURES : (ring + 1) * MEASURES]
            laid[row, column] = part / max(8 * ring, 1)
    detector.get_layer("context").set_weights([laid, bias])
    detector.get_layer("cells").set_weights([last[np.newaxis, np.newaxis], last_bias])
