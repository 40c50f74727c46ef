"""The legend of a class map as rows with areas, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNNAMED_COLOUR = "#9a9a9a"
"""Of a class that has no colour anywhere."""

SQUARE_KILOMETRE = 1_000_000.0
HECTARE = 10_000.0


@dataclass(frozen=True)
class ClassRow:
    """A class of the map.

    Parameters
    ----------
    value : int
    name, colour : str
        As shown; the colour as ``#rrggbb``.
    pixels : int
    square_metres : float or None
        None where the map's coordinates measure no ground.
    share : float
        Of the pixels that have a class, 0 to 1.
    """

    value: int
    name: str
    colour: str
    pixels: int
    square_metres: float | None
    share: float


def class_rows(
    counted: Iterable[Mapping[str, Any]], shown: Iterable[Mapping[str, Any]]
) -> list[ClassRow]:
    """Return the classes of a map, in the order of QGIS's legend, then by value.

    Parameters
    ----------
    counted : iterable of mapping
        What the engine has counted: ``value``, ``pixels``, ``square_metres``, and ``name`` and
        ``colour`` from the file.
    shown : iterable of mapping
        QGIS's legend: ``value``, ``name``, ``colour``. It goes before what the file says.
    """
    legend = {int(each["value"]): each for each in shown}
    order = {value: place for place, value in enumerate(legend)}
    # 0 is "no data" by custom; it is a class only where somebody has named it.
    kept = [
        each for each in counted if each["value"] or each.get("name") or _named(legend.get(0), 0)
    ]
    total = sum(each["pixels"] for each in kept)
    kept.sort(key=lambda each: (order.get(each["value"], len(order)), each["value"]))
    return [
        ClassRow(
            value=each["value"],
            name=_named(legend.get(each["value"]), each["value"])
            or each.get("name")
            or f"class {each['value']}",
            colour=(legend.get(each["value"]) or {}).get("colour")
            or each.get("colour")
            or UNNAMED_COLOUR,
            pixels=each["pixels"],
            square_metres=each["square_metres"],
            share=each["pixels"] / total if total else 0.0,
        )
        for each in kept
    ]


def area_texts(rows: Sequence[ClassRow]) -> list[str]:
    """Return the area of each class in one unit for all: km² for wide maps, else ha."""
    if any(row.square_metres is None for row in rows):
        return [f"{row.pixels:,} px" for row in rows]
    wide = sum(row.square_metres or 0.0 for row in rows) >= 100 * SQUARE_KILOMETRE
    unit, size = ("km²", SQUARE_KILOMETRE) if wide else ("ha", HECTARE)
    return [f"{_figures((row.square_metres or 0.0) / size)} {unit}" for row in rows]


def share_text(share: float) -> str:
    """Return a share as a percentage; a small one is never said to be nothing."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def summary(rows: Sequence[ClassRow], missing: int) -> str:
    """Return one line on the whole map."""
    if not rows:
        return "No pixel of this map has a class."
    pixels = sum(row.pixels for row in rows)
    covered = [row.square_metres for row in rows]
    area = ""
    if all(each is not None for each in covered):
        whole = ClassRow(0, "", "", pixels, math.fsum(each or 0.0 for each in covered), 1.0)
        area = f" on {area_texts([whole])[0]}"
    empty = f", {share_text(missing / (missing + pixels))} without a class" if missing else ""
    return f"{len(rows)} {'class' if len(rows) == 1 else 'classes'}{area}{empty}."


def point_sentence(
    rows: Sequence[ClassRow], inside: bool, value: int | None, shares: Mapping[int, float]
) -> str:
    """Return what is at a point of the map, in one line.

    Parameters
    ----------
    rows : sequence of ClassRow
    inside : bool
        Whether the point lies on the map.
    value : int or None
        Of the pixel.
    shares : mapping of int to float
        Probability of each class value; empty where they are unknown.
    """
    if not inside:
        return "This point lies beside the map."
    names = {row.value: row.name for row in rows}
    if value is None or value not in names:
        return "This pixel has no class."
    if not shares:
        return f"{names[value]}."
    rivals = {each: share for each, share in shares.items() if each != value and each in names}
    text = f"{names[value]}, probability {shares.get(value, 0.0):.2f}"
    if not rivals:
        return f"{text}."
    second = max(rivals, key=lambda each: rivals[each])
    margin = shares.get(value, 0.0) - rivals[second]
    if margin < 0:
        return f"{text}; {names[second]} is likelier, by {-margin:.2f}."
    return f"{text}, {margin:.2f} ahead of {names[second]}."


def _named(entry: Mapping[str, Any] | None, value: int) -> str:
    """Return the name in QGIS's legend; a mere number is none."""
    name = str((entry or {}).get("name") or "")
    return "" if name == str(value) else name


def _figures(number: float) -> str:
    """Return a number with three figures at least, and no more decimals than they need."""
    if number == 0 or abs(number) >= 100:
        return f"{number:,.0f}"
    decimals = max(2 - math.floor(math.log10(abs(number))), 0)
    return f"{number:,.{min(decimals, 4)}f}"
