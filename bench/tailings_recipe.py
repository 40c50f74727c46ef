"""How the tailings detector is trained and run; the measurement and the shipped model share it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gossan.bench.tailings_forest import cell_features
from gossan.bench.tailings_images import SIDE, MineFreeScene, TailingsImages
from gossan.models.mines.few_images import (
    BACKGROUND_TO,
    MINE_FROM,
    STEP,
    FewImagesOptions,
    describe,
    scaling,
)
from gossan.models.mines.geometry import FIELD, FIRST_CENTRE, STRIDE

CELLS = 8
"""Cells along each side of a crop."""

CROP = STRIDE * (CELLS - 1) + FIELD
"""Pixels along each side that the cells of a crop see."""

RECIPE = FewImagesOptions()

NO_SITE = -1
"""Where the mine-free scenes are, for the training."""

LIGHTS = 2
"""How often each image of tailings is also learnt from in other light."""

SHARE_FOR_FORESTS = 0.35
"""Share of the cells that the forest learns from: neighbours overlap by two thirds."""

_LEAD = int(FIRST_CENTRE + STRIDE - FIELD / 2)


class CellTable:
    """All cells of all images, one every `STEP` pixels, described once and for all trainings.

    Attributes
    ----------
    described : list of DescribedImage
        For the detector.
    mine_free : list of DescribedImage
        The mine-free scenes, continued by their mirror images.
    share : ndarray, shape (images, steps, steps)
        Marked share of each cell.
    teaches : ndarray of bool, shape (images, steps, steps)
        Cells that the forest and the prior learn from.
    distance : ndarray, shape (steps, steps)
        Pixels from the image's centre.
    """

    def __init__(self, images: TailingsImages, mine_free: Sequence[MineFreeScene]) -> None:
        self._reflectance = images.reflectance
        self._scenes = mine_free
        self.described = describe(list(images.reflectance), list(images.marked), lights=LIGHTS)
        nothing = np.zeros((SIDE, SIDE), dtype=bool)
        self.mine_free = describe(
            [mirrored(scene) for scene in mine_free], [nothing] * len(mine_free)
        )
        centres = np.arange(0, SIDE - FIELD + 1, STEP) + FIELD / 2
        self._centres = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)
        self.distance = np.hypot(*(np.moveaxis(self._centres, -1, 0) - SIDE / 2))
        self.share = np.stack([image.share for image in self.described])
        drawn = np.random.default_rng(0).random(self.share.shape) < SHARE_FOR_FORESTS
        self.teaches = drawn & ((self.share >= MINE_FROM) | (self.share <= BACKGROUND_TO))

    def features(self, work: Path) -> np.ndarray:
        """Return what the forest learns from, shape (images, steps, steps, features).

        Parameters
        ----------
        work : Path
            Folder where it is kept from one run to the next.
        """
        kept = work / "forest_features.npy"
        if not kept.exists():
            centres = self._centres.reshape(-1, 2)
            np.save(kept, [cell_features(image, centres) for image in self._reflectance])
        return np.load(kept).reshape(*self.share.shape, -1)

    def mine_free_features(self) -> np.ndarray:
        """Return what a forest learns from in mine-free scenes, shape (scenes, cells, features).

        As many cells of them come to one of the other images as in the detector's training.
        """
        centres = self._centres.reshape(-1, 2)
        features = np.array([cell_features(mirrored(scene), centres) for scene in self._scenes])
        share = SHARE_FOR_FORESTS * RECIPE.share_without / (RECIPE.share * (1 + LIGHTS))
        drawn = np.random.default_rng(0).random(len(centres)) < share
        return features[:, drawn]


def mirrored(scene: MineFreeScene) -> np.ndarray:
    """Return a scene in the middle of its mirror images, as large as the collection's images."""
    rows, columns = scene.reflectance.shape[:2]
    before = ((SIDE - rows) // 2, (SIDE - columns) // 2)
    after = (SIDE - rows - before[0], SIDE - columns - before[1])
    return np.pad(
        scene.reflectance, ((before[0], after[0]), (before[1], after[1]), (0, 0)), mode="symmetric"
    )


def search(model: Any, image: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the probabilities of the cells that see crops of an image and nothing else.

    Parameters
    ----------
    model : keras.Model
    image : ndarray, shape (rows, columns, 3)
    corners : ndarray of int, shape (crops, 2)
        First row and column of each crop.

    Returns
    -------
    ndarray, shape (crops, cells, cells)
    """
    inputs = [
        np.pad(
            scaling().apply(image[row : row + CROP, column : column + CROP]),
            ((_LEAD, 0), (_LEAD, 0), (0, 0)),
        )
        for row, column in corners
    ]
    # The first row and column of cells see the lead.
    logits = np.asarray(model(np.stack(inputs), training=False))[:, 1:, 1:]
    return np.asarray(1 / (1 + np.exp(logits[..., 0] - logits[..., 1])))
