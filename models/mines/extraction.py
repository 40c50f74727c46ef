"""Which chips are cut from an image: around points, around the cells of a mask, or as tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Window
from gossan.core.samples import read_table
from gossan.models.mines import geometry
from gossan.models.mines.chips import (
    BACKGROUND,
    CELL_BACKGROUND,
    CELL_MINE,
    LEFT_OUT,
    MINE,
    TILE,
    ChipImage,
    ChipWriter,
    Label,
    cell_window,
    point_window,
)
from gossan.models.mines.masks import CellRules, Mask, mine_shares, missing_shares

EXACT, PUBLISHED, IMPACT, TILES = (
    "exact: 243 px",
    "as published: 201 px",
    "impact: 21 px",
    "tiles of cells",
)
KINDS = (EXACT, PUBLISHED, IMPACT, TILES)

SIZES = {
    EXACT: geometry.EXACT_CHIP,
    PUBLISHED: geometry.PUBLISHED_CHIP,
    IMPACT: geometry.IMPACT_CHIP,
}
SMALLEST_TILE = geometry.EXACT_CHIP


@dataclass
class Counts:
    """What became of places: those that were cut, and those that were not, by the reason."""

    cut: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> list[str]:
        """Return one sentence for each reason."""
        return [f"{count} left out: {why}." for why, count in self.dropped.most_common() if count]


@dataclass(frozen=True)
class Points:
    """Points with their classes.

    Parameters
    ----------
    x, y : ndarray (n,)
        In the CRS of the image.
    classes, groups : sequence of str
    ids : sequence of str
        By which a point is known in the tables of several images.
    """

    x: np.ndarray
    y: np.ndarray
    classes: Sequence[str]
    groups: Sequence[str]
    ids: Sequence[str]


def read_points(path: str, class_field: str, group_field: str, constant: str) -> Points:
    """Read points from a table with the columns ``x`` and ``y``.

    Parameters
    ----------
    path : str
        CSV.
    class_field : str
        Column of the classes; empty where all points are of the class ``constant``.
    group_field : str
        Column of the sites; empty for none.

    Raises
    ------
    InputError
        When a column is missing or a coordinate is no number.
    """
    header, rows = read_table(path)
    for name in ("x", "y", class_field, group_field):
        if name and name not in header:
            raise InputError(f"{path} has no field {name!r}; its fields are {', '.join(header)}.")

    def column(name: str) -> list[str]:
        return [row[header.index(name)].strip() for row in rows]

    def numbers(name: str) -> np.ndarray:
        try:
            return np.array([float(text.replace(",", ".")) for text in column(name)])
        except ValueError as problem:
            raise InputError(f"{path}, field {name}: {problem}.") from problem

    classes = column(class_field) if class_field else [constant] * len(rows)
    groups = column(group_field) if group_field else [""] * len(rows)
    ids = column("fid") if "fid" in header else [str(number) for number in range(len(rows))]
    return Points(numbers("x"), numbers("y"), classes, groups, ids)


def cut_points(
    image: ChipImage,
    points: Points,
    classify: Callable[[str], str | None],
    size: int,
    writer: ChipWriter,
    counts: Counts,
    progress: Progress,
    *,
    largest_missing: float,
    origin: str = "points",
) -> set[str]:
    """Cut a chip around every point that lies far enough within an image.

    Those off the image are not counted, for they may lie on another one.

    Parameters
    ----------
    classify : callable
        Class of a point by the text of its field; None where it has none.
    size : int
        Side of a chip, pixels.
    counts : Counts
        Is told what became of each point.
    largest_missing : float
        Greatest share of missing pixels, 0 to 1.

    Returns
    -------
    set of str
        Identifiers of the points that lie on the image.
    """
    rows, columns = image.raster.pixel_of(points.x, points.y)
    for number, klass, doubt in _distinct(points, rows, columns, classify):
        progress.fraction(number / max(len(rows), 1))
        if doubt:
            counts.dropped[doubt] += 1
            continue
        window = point_window(float(rows[number]), float(columns[number]), size)
        if not image.holds(window):
            counts.dropped[f"nearer to the edge of an image than half a chip of {size} px"] += 1
            continue
        missing = image.missing(window)
        if missing.mean() > largest_missing:
            counts.dropped[f"more than {largest_missing:.0%} of their chip is missing"] += 1
            continue
        label = Label(klass, origin, group=points.groups[number])
        place = (float(rows[number]) + 0.5, float(columns[number]) + 0.5)
        writer.cut(image, window, place, label, missing=missing)
        counts.cut[klass] += 1
    return {points.ids[int(number)] for number in np.flatnonzero(rows >= 0)}


def _distinct(
    points: Points,
    rows: np.ndarray,
    columns: np.ndarray,
    classify: Callable[[str], str | None],
) -> Iterator[tuple[int, str, str]]:
    """Yield number, class and doubt, "" for none, of the points that have a class and a pixel."""
    classes = [classify(text) for text in points.classes]
    at: dict[tuple[int, int], set[str]] = {}
    for number, klass in enumerate(classes):
        if klass is not None and rows[number] >= 0:
            at.setdefault((int(rows[number]), int(columns[number])), set()).add(klass)
    seen: set[tuple[int, int]] = set()
    for number, klass in enumerate(classes):
        if klass is None or rows[number] < 0:
            continue
        pixel = int(rows[number]), int(columns[number])
        if len(at[pixel]) > 1:
            yield number, klass, "another point in the same pixel has another class"
        elif pixel in seen:
            yield number, klass, "another point of their class lies in the same pixel"
        else:
            seen.add(pixel)
            yield number, klass, ""


def cut_cells(
    image: ChipImage,
    mask: Mask,
    rules: CellRules,
    size: int,
    writer: ChipWriter,
    counts: Counts,
    progress: Progress,
    *,
    ratio: float,
    seed: int,
) -> None:
    """Cut a chip around every cell of a mask that is mine, and around some that are background.

    Parameters
    ----------
    size : int
        243, or 201 as published.
    ratio : float
        Background chips for each mine chip, drawn at random.
    """
    classes = _classes(image, mask, rules, counts, progress.part(0.0, 0.4))
    mines = np.argwhere(classes == CELL_MINE)
    others = np.argwhere(classes == CELL_BACKGROUND)
    wanted = min(round(ratio * max(len(mines), 1)), len(others))
    drawn = np.random.default_rng(seed).choice(len(others), wanted, replace=False)
    counts.dropped["background cells beyond the wanted number"] += len(others) - wanted
    chosen = [(MINE, cell) for cell in mines] + [(BACKGROUND, others[i]) for i in np.sort(drawn)]
    part = progress.part(0.4, 1.0)
    for number, (klass, (row, column)) in enumerate(chosen):
        part.fraction(number / len(chosen))
        window = cell_window(int(row), int(column), size)
        place = (geometry.centre(int(row)), geometry.centre(int(column)))
        writer.cut(image, window, place, Label(klass, "masks"))
        counts.cut[klass] += 1


def cut_tiles(
    image: ChipImage,
    mask: Mask,
    rules: CellRules,
    size: int,
    writer: ChipWriter,
    counts: Counts,
    progress: Progress,
) -> None:
    """Cut an image into tiles that overlap by 216 pixels, with the class of every cell.

    Parameters
    ----------
    size : int
        Side of a tile, pixels; a multiple of 27, 243 or more.
    """
    classes = _classes(image, mask, rules, counts, progress.part(0.0, 0.4))
    stride = geometry.STRIDE
    side = min(size // stride, min(classes.shape) + 6)
    done = np.zeros(classes.shape, dtype=bool)
    corners = [
        (row, column)
        for row in _starts(classes.shape[0] + 6, side)
        for column in _starts(classes.shape[1] + 6, side)
    ]
    part = progress.part(0.4, 1.0)
    for number, (row, column) in enumerate(corners):
        part.fraction(number / len(corners))
        here = np.s_[row : row + side - 6, column : column + side - 6]
        cells = classes[here].copy()
        # The outermost cells see the tile's edge; those of an earlier tile are not counted twice.
        edge = np.ones(cells.shape, dtype=bool)
        edge[1:-1, 1:-1] = False
        cells[edge | done[here]] = LEFT_OUT
        done[here] |= ~edge
        mines, others = (int((cells == kind).sum()) for kind in (CELL_MINE, CELL_BACKGROUND))
        if not mines + others:
            continue
        window = Window(row * stride, column * stride, side * stride, side * stride)
        place = (window.row + window.height / 2, window.column + window.width / 2)
        note = f"{mines} mine and {others} background cells"
        writer.cut(image, window, place, Label(TILE, "masks", note=note), cells=cells)
        counts.cut[TILE] += 1
        counts.cut[f"{MINE} cells"] += mines
        counts.cut[f"{BACKGROUND} cells"] += others


def _classes(
    image: ChipImage, mask: Mask, rules: CellRules, counts: Counts, progress: Progress
) -> np.ndarray:
    """Return the class of each cell of an image; the outermost ones are left out."""
    info = image.raster.info
    if min(info.height, info.width) < geometry.EXACT_CHIP:
        raise InputError(
            f"{info.path} has {info.height} x {info.width} pixels, fewer than the "
            f"{geometry.EXACT_CHIP} that a cell with all that it sees needs."
        )
    shares = mine_shares(mask, info.height, info.width, progress.part(0.0, 0.5))
    missing = missing_shares(image, progress.part(0.5, 1.0))
    found = rules.classes(shares)
    inner = np.zeros(found.shape, dtype=bool)
    inner[1:-1, 1:-1] = True
    between = inner & (found == LEFT_OUT)
    blind = inner & (found != LEFT_OUT) & (missing > rules.missing)
    found[~inner | blind] = LEFT_OUT
    counts.dropped["cells that mines cover neither enough nor little enough"] += int(between.sum())
    counts.dropped[f"cells that see more than {rules.missing:.0%} missing pixels"] += int(
        blind.sum()
    )
    return found


def _starts(blocks: int, side: int) -> list[int]:
    """Return where tiles of ``side`` blocks begin, so that their inner cells cover all."""
    last = blocks - side
    starts = list(range(0, last + 1, max(side - 8, 1)))
    return starts if starts[-1] == last else [*starts, last]
