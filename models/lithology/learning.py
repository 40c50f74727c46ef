"""The two ways to learn lithology from a labelled stack, and how well what was learned maps it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gossan.core.blocks import Block
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.lithology.architecture import build_network
from gossan.models.lithology.class_forest import ClassForest, ForestOptions, draw_pixels, grow
from gossan.models.lithology.holdout import RANDOM, TEST, TRAINING, VALIDATION
from gossan.models.lithology.labelled_stack import LabelledStack, StandardisedReader
from gossan.models.lithology.map_scores import BlockCounts
from gossan.models.lithology.mapping import (
    Predict,
    forest_predictor,
    map_shares,
    network_predictor,
    plan_forest,
    plan_network,
)
from gossan.models.lithology.training_windows import (
    WindowBatches,
    WindowOptions,
    class_weights,
    draw_windows,
)
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.training import History, train
from gossan.models.networks.weights import count_weights

PUBLISHED, SMALL = "as published", "small machine"
RECIPES = (PUBLISHED, SMALL)

PUBLISHED_CLIP = 100.0
"""Greatest norm of the gradients of the summed loss; unclipped, the first steps run away."""

SMALL_DECLINE = 0.03
"""Share of the learning rate that is left in the last epoch on small machines."""

SMALL_BALANCE = 0.5
"""Power of the classes' weights on small machines."""

RANDOM_SHARE = 0.2
"""Share of the windows that the source's split keeps for validation."""


@dataclass(frozen=True)
class NetworkOptions:
    """Which network, and how it learns.

    Parameters
    ----------
    name : str
        ``FCN-8s``, ``FCN-16s`` or ``FCN-32s``.
    width : float
        Factor on all channels; 1 is the source's network.
    recipe : str
        ``as published``: momentum 0.9 and a rate of 1e-4 on the loss summed over pixels.
        ``small machine``: Adam on the mean loss, a rate that falls along a cosine, windows drawn
        anew in every epoch, shifted, turned and mirrored.
    epochs : int
    patience : int
        Epochs without a better validation loss after which it ends; 0 for none.
    learning_rate : float
        0 takes the recipe's.
    balanced : bool
        Weight classes against their share of the pixels.
    windows : WindowOptions
    seed : int
    """

    name: str
    width: float = 1.0
    recipe: str = PUBLISHED
    epochs: int = 100
    patience: int = 10
    learning_rate: float = 0.0
    balanced: bool = True
    windows: WindowOptions = field(default_factory=WindowOptions)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise InputError(f"{self.recipe!r} is no recipe; take {' or '.join(RECIPES)}.")

    @property
    def training(self) -> TrainingOptions:
        """Options of the training of any network."""
        published = self.recipe == PUBLISHED
        return TrainingOptions(
            epochs=self.epochs,
            learning_rate=self.learning_rate or (1e-4 if published else 1e-3),
            optimizer="sgd" if published else "adam",
            momentum=0.9,
            patience=self.patience or None,
            clip_norm=PUBLISHED_CLIP if published else 1.0,
            decline=1.0 if published else SMALL_DECLINE,
            schedule="by factors" if published else "cosine",
            seed=self.seed,
        )


@dataclass(frozen=True, eq=False)
class Learned:
    """A model that has learned, with the pixels of its validation that count as a leaky score.

    Parameters
    ----------
    predictor : ClassForest or keras.Model
    familiar : ndarray of bool, shape (rows, columns)
        Pixels on which a random split would have scored it: neighbours of what it learned from.
    samples : int
        Pixels or windows learned from.
    history : History, optional
        Of a network.
    weights : int
        Of a network.
    """

    predictor: Any
    familiar: np.ndarray
    samples: int
    history: History | None = None
    weights: int = 0


@dataclass(frozen=True, eq=False)
class Judged:
    """A map by a model, held against all labels.

    Parameters
    ----------
    honest : BlockCounts
        On test blocks that training never saw.
    familiar : BlockCounts
        On pixels amid those learned from, as a random split scores.
    mapped : ndarray of uint8, shape (rows, columns)
        Position of the class + 1; 0 where a band lacks a value.
    """

    honest: BlockCounts
    familiar: BlockCounts
    mapped: np.ndarray


def learn_forest(
    data: LabelledStack, roles: np.ndarray, options: ForestOptions, progress: Progress
) -> Learned:
    """Grow a forest on a share of the pixels that are not kept for the test.

    Parameters
    ----------
    data : LabelledStack
    roles : ndarray of uint8, shape (rows, columns)
    options : ForestOptions
    progress : Progress
    """
    labels = np.where((roles > 0) & (roles != TEST), data.places, 0)
    pixels = draw_pixels(labels.ravel(), options.share, options.seed)
    values = data.features(pixels, progress)
    places = labels.ravel()[pixels].astype(np.int64) - 1
    forest = grow(values, places, len(data.classes), options, progress)
    familiar = labels > 0
    familiar.ravel()[pixels] = False
    return Learned(forest, familiar, len(pixels))


def learn_network(
    data: LabelledStack,
    roles: np.ndarray,
    options: NetworkOptions,
    split: str,
    checkpoint: str,
    progress: Progress,
) -> Learned:
    """Train a network on windows of the pixels that are not kept for the test.

    Labels of test blocks have the weight 0 in every window. Windows may reach into such blocks:
    their bands are context that the map will have as well, their labels are never seen.

    Parameters
    ----------
    data : LabelledStack
    roles : ndarray of uint8, shape (rows, columns)
    options : NetworkOptions
    split : str
        ``spatial blocks`` or ``random windows``.
    checkpoint : str
        File with the state of an interrupted training; none is kept when empty.
    progress : Progress

    Raises
    ------
    InputError
        When no window holds enough labelled pixels.
    """
    windows = options.windows
    tensorflow = runtime.repeatable(options.seed)
    runtime.load(progress)
    model = build_network(
        options.name, len(data.stack.info.bands), len(data.classes), options.width
    )
    weights = count_weights(model)
    reader = StandardisedReader(data.stack, data.scaling)
    seed = options.seed
    count = None if windows.varied else windows.count
    drawn = draw_windows(roles, TRAINING, windows, windows.stride, count, seed)
    if split == RANDOM:
        kept = max(round(RANDOM_SHARE * len(drawn)), 1)
        judged, drawn, judged_role = drawn[:kept], drawn[kept:], TRAINING
    else:
        judged = draw_windows(roles, VALIDATION, windows, windows.side, windows.count, seed)
        judged_role = VALIDATION
    if not drawn:
        raise InputError(
            "No window holds enough labelled pixels outside the test blocks. Give a smaller block "
            "size or stride, or a map that covers more of the stack."
        )
    progress.say(
        f"{options.name} of width {options.width:g}: {weights:,} weights, {len(drawn)} windows of "
        f"{windows.side} x {windows.side} pixels, {len(judged)} for early stopping."
    )
    power = 1.0 if options.recipe == PUBLISHED else SMALL_BALANCE
    counts = data.counts(roles == TRAINING)
    balance = class_weights(counts, balanced=options.balanced, power=power)

    def batches(windows_: list[Any], role: int, *, judging: bool = False) -> WindowBatches:
        shown = replace(windows, varied=windows.varied and not judging)
        return WindowBatches(data, reader, roles, role, windows_, balance, shown, seed)

    def loss(targets: Any, outputs: Any) -> Any:
        return tensorflow.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs)

    history = train(
        model,
        batches(drawn, TRAINING),
        loss,
        options.training,
        progress,
        validation=batches(judged, judged_role, judging=True) if judged else None,
        checkpoint=checkpoint or None,
        reduction="sum" if options.recipe == PUBLISHED else "mean",
    )
    familiar = np.zeros(roles.shape, dtype=bool)
    for window in judged if split == RANDOM else drawn:
        familiar[window.slices] = True
    return Learned(model, familiar & (roles == TRAINING), len(drawn), history, weights)


def judge(
    data: LabelledStack,
    roles: np.ndarray,
    learned: Learned,
    side: int,
    width: float,
    progress: Progress,
) -> Judged:
    """Map the whole stack and count it against the labels.

    Parameters
    ----------
    data : LabelledStack
    roles : ndarray of uint8, shape (rows, columns)
    learned : Learned
    side : int
        Side of the blocks of the intervals, pixels.
    width : float
        Of a network.
    progress : Progress
    """
    classes = tuple(range(1, len(data.classes) + 1))
    honest, familiar = BlockCounts(classes, side), BlockCounts(classes, side)
    mapped = np.zeros(roles.shape, dtype=np.uint8)
    info = data.stack.info
    predict: Predict
    if isinstance(learned.predictor, ClassForest):
        blocks = plan_forest(info, info.count, len(classes))
        predict = forest_predictor(learned.predictor, progress)
    else:
        blocks = plan_network(info, width)
        predict = network_predictor(learned.predictor, data.scaling)

    def consume(block: Block, shares: np.ndarray, valid: np.ndarray) -> None:
        place = block.inner.slices
        found = np.where(valid, np.nan_to_num(shares).argmax(axis=-1) + 1, 0).astype(np.uint8)
        mapped[place] = found
        labels = data.places[place]
        honest.add(block.inner, np.where(roles[place] == TEST, labels, 0), found)
        familiar.add(block.inner, np.where(learned.familiar[place], labels, 0), found)

    map_shares(data.stack, None, blocks, predict, consume, progress)
    return Judged(honest, familiar, mapped)
