"""What a scored confusion matrix says, as texts and shades for a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PIXELS, OF_REFERENCE, OF_MAP = "Pixels", "% of the reference", "% of the map"
VIEWS = (PIXELS, OF_REFERENCE, OF_MAP)

PRODUCERS, USERS = "Producer's", "User's"
"""Heads of the accuracies of each reference class and of each mapped class."""


@dataclass(frozen=True)
class Cell:
    """A cell of the shown table.

    Parameters
    ----------
    text, tip : str
    shade : float
        How much of its row it holds, 0 to 1.
    right : bool
        Whether it lies on the diagonal.
    """

    text: str
    tip: str
    shade: float
    right: bool


def cells(scored: Mapping[str, Any], view: str) -> list[list[Cell]]:
    """Return the matrix as it is shown: rows the reference, columns the map.

    Parameters
    ----------
    scored : mapping
        What the job ``lithology.matrix`` returns.
    view : str
        One of `VIEWS`.
    """
    names, counts = scored["names"], scored["counts"]
    by_row = [sum(row) for row in counts]
    by_column = [sum(column) for column in zip(*counts)]
    shown = []
    for i, row in enumerate(counts):
        line = []
        for j, count in enumerate(row):
            total = by_column[j] if view == OF_MAP else by_row[i]
            share = count / total if total else 0.0
            text = f"{count:,}" if view == PIXELS else (f"{100 * share:.1f}" if total else "")
            tip = f"{names[i]} mapped as {names[j]}: {count:,} pixels"
            if total:
                whole = names[j] + " in the map" if view == OF_MAP else names[i]
                tip += f", {100 * share:.1f} % of {whole}"
            line.append(Cell(text if count or view != PIXELS else "·", tip, share, i == j))
        shown.append(line)
    return shown


def accuracies(scored: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return producer's (one per row) and user's accuracies (one per column) as percentages."""
    return [_percent(each) for each in scored["producers"]], [
        _percent(each) for each in scored["users"]
    ]


def headline(scored: Mapping[str, Any], drawn: int | None) -> str:
    """Return the overall scores in a sentence or two.

    Parameters
    ----------
    drawn : int or None
        Reference pixels that were drawn for each mapped class; 0 for all, None where unknown.
    """
    text = (
        f"Overall accuracy {_percent(scored['overall'])} over {scored['pixels']:,} pixels"
        f", kappa {_number(scored['kappa'])}."
    )
    adjusted = scored["adjusted"]
    if adjusted is not None:
        text += f" Allowing for the area of each mapped class {_percent(adjusted['overall'])}"
        # Neighbours are alike: of all pixels the interval would be far too narrow.
        text += f" ± {100 * adjusted['error']:.1f} %." if drawn else "."
    elif scored["trouble"]:
        text += f" No area-adjusted accuracy: {scored['trouble']}"
    return text


def worst_mistake(scored: Mapping[str, Any]) -> str:
    """Return which class is taken for which other one the most, or nothing where none is."""
    found = [
        (count / sum(row), count, scored["names"][i], scored["names"][j])
        for i, row in enumerate(scored["counts"])
        for j, count in enumerate(row)
        if i != j and count
    ]
    if not found:
        return "Map and reference agree everywhere."
    share, _, reference, mapped = max(found)
    return f"Most mistaken: {100 * share:.0f} % of {reference} is mapped as {mapped}."


def _percent(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.2f}"
