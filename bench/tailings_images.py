"""The real images behind the tailings detector: reading, joining masks, folds, mine-free scenes.

The images mark one pond each, the one at their centre, though neighbouring ponds are often in
sight; where images overlap, the marks of all of them hold for each.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.raster import open_raster
from gossan.core.splits import grouped

FOLDS = 5
SIDE = 448
"""Pixels along each side of an image of the collection."""

TO_REFLECTANCE = 1e-4
OFFSET = 1000
"""Digital numbers added by processing baselines from 04.00 on; the collection has none."""

MINE_FREE_PIXEL = 10.0
"""Metres along each side of a pixel of the mine-free scenes."""


@dataclass(frozen=True)
class TailingsImages:
    """All images of the collection.

    Parameters
    ----------
    names : tuple of str
        Number of each image in the collection.
    reflectance : ndarray, shape (images, 448, 448, 3)
        Blue, green, red; 0 to 1.
    marked : ndarray of bool, shape (images, 448, 448)
        What any image marks there.
    clusters : ndarray, shape (images,)
        Images of one cluster overlap or touch.
    pixel_area : ndarray, shape (images,)
        Square metres of a pixel at the latitude.
    shifts : ndarray of int, shape (images, images, 2)
        Rows and columns from the first pixel of one image to that of another.
    """

    names: tuple[str, ...]
    reflectance: np.ndarray
    marked: np.ndarray
    clusters: np.ndarray
    pixel_area: np.ndarray
    shifts: np.ndarray

    def folds(self) -> np.ndarray:
        """Return for each image the fold that tests it; clusters are never parted."""
        labels = np.empty(len(self.names), dtype=int)
        for fold, (_, test) in enumerate(grouped(self.clusters, FOLDS, seed=0)):
            labels[test] = fold
        return labels


def read_images(folder: Path) -> TailingsImages:
    """Read the collection (``sites.csv``, ``image_*.tif``, ``mask_*.tif``)."""
    with open(folder / "sites.csv", encoding="utf-8", newline="") as stream:
        sites = list(csv.DictReader(stream))
    reflectance, own, transforms, areas = [], [], [], []
    for site in sites:
        with open_raster(str(folder / f"image_{site['id']}.tif")) as raster:
            reflectance.append(raster.read() * np.float32(TO_REFLECTANCE))
            transform = raster.info.transform
        with open_raster(str(folder / f"mask_{site['id']}.tif")) as raster:
            own.append(raster.read()[..., 0] > 0)
        latitude = np.radians(float(site["lat"]))
        areas.append(abs(transform.a * transform.e) * 111_320.0 * np.cos(latitude) * 110_574.0)
        transforms.append(transform)
    shifts = _shifts(transforms)
    masks = np.stack(own)
    return TailingsImages(
        tuple(site["id"] for site in sites),
        np.stack(reflectance),
        joined(masks, shifts),
        np.array([int(site["site_cluster"]) for site in sites]),
        np.array(areas),
        shifts,
    )


def _shifts(transforms: list[Any]) -> np.ndarray:
    """Return the shifts between all images, to the nearest pixel.

    Each pair is measured in pixels of one of its images: sizes in degrees differ with the place.
    """
    return np.array(
        [
            [
                (
                    round((there.f - here.f) / here.e),
                    round((there.c - here.c) / here.a),
                )
                for there in transforms
            ]
            for here in transforms
        ]
    )


def joined(masks: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return what any of the masks marks, on the pixels of each.

    Parameters
    ----------
    masks : ndarray of bool, shape (images, side, side)
    shifts : ndarray of int, shape (images, images, 2)
    """
    side = masks.shape[1]
    marked = masks.copy()
    for here, row in enumerate(shifts):
        for there, shift in enumerate(row):
            if here == there or (np.abs(shift) >= side).any():
                continue
            mine, theirs = (
                tuple(slice(max(s, 0), min(side, side + s)) for s in sign * shift)
                for sign in (1, -1)
            )
            marked[here][mine] |= masks[there][theirs]
    return marked


@dataclass(frozen=True)
class MineFreeScene:
    """A small scene in which no mine is known.

    Parameters
    ----------
    name : str
    place : str
        Scenes of one place show the same ground.
    level : str
        ``L1C`` (top of the atmosphere, as the collection seems to be) or ``L2A``.
    reflectance : ndarray, shape (rows, columns, 3)
    """

    name: str
    place: str
    level: str
    reflectance: np.ndarray


_WITH_OFFSET = {"L1C": ("282D", "433D"), "L2A": ("433D",)}


def read_mine_free(folder: Path) -> list[MineFreeScene]:
    """Read the mine-free scenes below the folder ``mines``."""
    scenes = []
    for level in ("L1C", "L2A"):
        for path in sorted((folder / f"sentinel2_{level.lower()}").glob("*.tif")):
            place = path.name.split("_")[0]
            with open_raster(str(path)) as raster:
                # Bands without names, in the order B1, B2, B3, B4.
                numbers = raster.read(indexes=[1, 2, 3])
            offset = OFFSET if place in _WITH_OFFSET[level] else 0
            scenes.append(
                MineFreeScene(
                    path.stem, place, level, (numbers - offset) * np.float32(TO_REFLECTANCE)
                )
            )
    bands = []
    for name in ("B02", "B03", "B04"):
        for path in (folder / "bigearthnet_patch").glob(f"*_{name}.tif"):
            with open_raster(str(path)) as raster:
                bands.append(raster.read()[..., 0])
    if bands:
        reflectance = np.stack(bands, axis=-1) * np.float32(TO_REFLECTANCE)
        scenes.append(MineFreeScene("BigEarthNet", "BigEarthNet", "L2A", reflectance))
    return scenes
