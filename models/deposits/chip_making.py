"""One scene made into chips: without its collar, in pieces of full resolution or as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine

from gossan.core.blocks import Window, plan
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.deposits.chip_files import Chip, write_chip
from gossan.models.deposits.collar import Collar, outline_of, to_degrees
from gossan.models.deposits.downsampling import WAYS, downsample, weights
from gossan.models.deposits.scene_image import SceneImage
from gossan.models.deposits.scenes import Scene

METHODS = ("partition", "pad and down-sample")
"""Chips of full resolution, each with labels of its own, or one chip of the whole scene."""

_STRIP_PIXELS = 4_000_000


@dataclass(frozen=True)
class ChipOptions:
    """How scenes become chips.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    size : int
        Pixels along a chip's side.
    downsampling : str
        One of `WAYS`, for whole scenes.
    least_valid : float
        Share of valid pixels below which a chip of a partition is left out, 0 to 1.
    """

    method: str = METHODS[0]
    size: int = 512
    downsampling: str = WAYS[0]
    least_valid: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"Unknown method {self.method!r}; use one of {', '.join(METHODS)}.")
        if self.downsampling not in WAYS:
            raise InputError(
                f"Unknown way of down-sampling {self.downsampling!r}; use one of {', '.join(WAYS)}."
            )
        if self.size < 8:
            raise InputError(f"Chips of {self.size} pixels are too small; take 8 or more.")
        if not 0.0 <= self.least_valid <= 1.0:
            raise InputError("The least share of valid pixels has to be between 0 and 1.")


@dataclass(frozen=True)
class Piece:
    """A chip in memory.

    Parameters
    ----------
    values : ndarray (size, size, bands), float32
        0 to 1, 0 where there is no data.
    valid : ndarray of bool (size, size)
    row, column : int
        Where it begins in the scene, pixels.
    transform : Affine or None
        Of the chip.
    clouds : float or None
        Share of cloud.
    inside : ndarray of bool
        Valid pixels of the scene, from `row` and `column` on, for the footprint.
    """

    values: np.ndarray
    valid: np.ndarray
    row: int
    column: int
    transform: Affine | None
    clouds: float | None
    inside: np.ndarray


def chips_of(
    image: SceneImage,
    scene: Scene,
    options: ChipOptions,
    folder: Path,
    tags: dict[str, str],
    progress: Progress,
) -> list[Chip]:
    """Write the chips of a scene and return what is known about them, but for labels.

    Parameters
    ----------
    image : SceneImage
        Open.
    scene : Scene
    options : ChipOptions
    folder : Path
        Where the files go.
    tags : dict of str
        Origin, for the files.
    progress : Progress

    Raises
    ------
    InputError
        When the scene is all collar, or a partition has no place on Earth.
    """
    made = []
    for piece in pieces_of(image, options, progress):
        name = f"{_file_name(scene.name)}_{piece.row:05d}_{piece.column:05d}.tif"
        write_chip(
            folder / name,
            piece.values,
            piece.valid,
            [band.name for band in image.source.bands],
            transform=piece.transform,
            crs_wkt=image.info.crs_wkt,
            tags=tags,
        )
        made.append(describe(piece, image, scene, name))
    return made


def describe(piece: Piece, image: SceneImage, scene: Scene, file: str = "") -> Chip:
    """Return what is known about a piece of a scene, but for labels and location."""
    around = _footprint(piece, image.info, scene)
    return Chip(
        file=file,
        scene=scene.name,
        location="",
        row=piece.row,
        column=piece.column,
        longitude=0.0,
        latitude=0.0,
        spacecraft=scene.spacecraft,
        date=scene.date,
        cloud_share=piece.clouds,
        brightness=round(float(piece.values[piece.valid].mean()), 6),
        cloud_rank=0,
        valid_share=round(float(piece.valid.mean()), 6),
        count=0,
        footprint=[[float(x), float(y)] for x, y in around],
    )


def pieces_of(image: SceneImage, options: ChipOptions, progress: Progress) -> Iterator[Piece]:
    """Yield the chips of an open scene, one by one.

    Raises
    ------
    InputError
        When the scene is all collar, or a partition has no place on Earth.
    """
    info = image.info
    collar = Collar.find(info.height, info.width, image.empty, progress)
    if collar.box is None:
        raise InputError(f"{info.path} is all collar: none of its pixels holds data.")
    cut = _pieces if options.method == METHODS[0] else _whole
    for piece in cut(image, collar, options, progress):
        progress.check()
        yield piece


def _pieces(
    image: SceneImage, collar: Collar, options: ChipOptions, progress: Progress
) -> Iterator[Piece]:
    """Yield the squares that the scene's box is cut into, those with enough data."""
    info, box, size = image.info, collar.box, options.size
    if box is None:
        return
    if info.transform is None or not info.crs_wkt:
        raise InputError(
            f"{info.path} has no CRS, so its pieces have no place and cannot be labelled. Give it "
            "a CRS (Assign projection), or down-sample whole scenes."
        )
    blocks = plan(box.height, box.width, rows=size, columns=size)
    for number, block in enumerate(blocks):
        progress.fraction(number / len(blocks))
        inner = block.inner
        window = Window(box.row + inner.row, box.column + inner.column, inner.height, inner.width)
        values, empty = image.read(window)
        valid = ~collar.within(empty, window)
        if valid.sum() < max(options.least_valid * size * size, 1):
            continue
        whole = np.zeros((size, size, values.shape[-1]), dtype=np.float32)
        whole[: inner.height, : inner.width] = np.where(valid[..., None], values, 0.0)
        mask = np.zeros((size, size), dtype=bool)
        mask[: inner.height, : inner.width] = valid
        yield Piece(
            whole,
            mask,
            window.row,
            window.column,
            info.transform * Affine.translation(window.column, window.row),
            _cloud_share([image.clouds(window)]),
            mask,
        )


def _whole(
    image: SceneImage, collar: Collar, options: ChipOptions, progress: Progress
) -> Iterator[Piece]:
    """Yield the scene without its collar, padded to a square and brought down to a chip."""
    info, box = image.info, collar.box
    if box is None:
        return
    side = max(box.height, box.width)
    down, across = (
        weights(
            length,
            options.size,
            options.downsampling,
            start=-(side - length) / 2,
            span=float(side),
        )
        for length in (box.height, box.width)
    )
    inside = np.zeros((box.height, box.width), dtype=bool)
    clouds = []

    def strips() -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        step = max(_STRIP_PIXELS // box.width, 1)
        for row in range(0, box.height, step):
            progress.fraction(row / box.height)
            height = min(step, box.height - row)
            window = Window(box.row + row, box.column, height, box.width)
            values, empty = image.read(window)
            inside[row : row + height] = ~collar.within(empty, window)
            clouds.append(image.clouds(window))
            yield row, values, inside[row : row + height]

    values, valid = downsample(strips(), down, across, len(image.source.bands))
    if not valid.any():
        return
    transform = None
    if info.transform is not None:
        left, top = box.column - (side - box.width) / 2, box.row - (side - box.height) / 2
        factor = side / options.size
        transform = info.transform * Affine.translation(left, top) * Affine.scale(factor)
    yield Piece(values, valid, box.row, box.column, transform, _cloud_share(clouds), inside)


def _footprint(piece: Piece, info: object, scene: Scene) -> np.ndarray:
    """Return the outline of a piece's valid pixels in degrees, that of the scene without a CRS."""
    transform, crs_wkt = getattr(info, "transform", None), getattr(info, "crs_wkt", None)
    if transform is None or not crs_wkt:
        return np.asarray(scene.rings[0])
    around = outline_of(piece.inside, transform * Affine.translation(piece.column, piece.row))
    return np.asarray(scene.rings[0]) if around is None else to_degrees(around, crs_wkt)


def _cloud_share(counts: Sequence[tuple[int, int]]) -> float | None:
    clouded, seen = (sum(values) for values in zip(*counts))
    return clouded / seen if seen else None


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:120]
