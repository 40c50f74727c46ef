"""The list of the worst boundaries as rows of texts, and the view that one flies to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARGIN, DISAGREEMENT = "margin", "disagreement"
WAYS = {
    MARGIN: "Smallest margin of probability",
    DISAGREEMENT: "Most disagreement with the reference",
}
COLUMNS = {MARGIN: "Margin", DISAGREEMENT: "Differs"}

LEAST_FRAME = 64.0
"""Pixels along each side of the view of a short piece."""


@dataclass(frozen=True)
class Row:
    """A piece of boundary as it is listed."""

    boundary: str
    value: str
    length: str


def rows(found: Mapping[str, Any], names: Mapping[int, str]) -> list[Row]:
    """Return what the list shows of the job's pieces, in their order.

    Parameters
    ----------
    found : mapping
        What the job ``lithology.boundaries`` returns.
    names : mapping of int to str
        Of the classes.
    """
    shown = []
    for piece in found["pieces"]:
        pair = " | ".join(
            names.get(piece[side], f"class {piece[side]}") for side in ("first", "second")
        )
        value = piece["value"]
        text = f"{value:.2f}" if found["measure"] == MARGIN else f"{100 * value:.0f} %"
        metres = piece["metres"]
        length = f"{piece['length']} px" if metres is None else _length(metres)
        shown.append(Row(pair, text, length))
    return shown


def summary(found: Mapping[str, Any]) -> str:
    """Return one line on the whole list."""
    pieces = len(found["pieces"])
    if not pieces:
        return (
            "No boundary is long enough to be judged."
            if found["measure"] == MARGIN
            else "No boundary that is long enough lies where there is a reference."
        )
    if pieces < found["found"]:
        return f"The {pieces} worst of {found['found']:,} pieces of boundary."
    return f"{pieces} {'piece' if pieces == 1 else 'pieces'} of boundary."


def ways(probabilities: bool, compared: bool) -> dict[str, str]:
    """Return for each way of judging why it cannot be used now; nothing where it can."""
    return {
        MARGIN: ""
        if probabilities
        else "Choose the probabilities of the map above: Map lithology writes them on request.",
        DISAGREEMENT: ""
        if compared
        else "Compare the map with the reference first, on the page Accuracy.",
    }


def frame(
    box: tuple[float, float, float, float], pixel: float
) -> tuple[float, float, float, float]:
    """Return the view (west, south, east, north) around a piece of boundary.

    Parameters
    ----------
    box : tuple of float
        West, south, east and north of the piece.
    pixel : float
        Side of a pixel, in the same unit.
    """
    west, south, east, north = box
    half = max(3 * max(east - west, north - south), LEAST_FRAME * pixel) / 2
    x, y = (west + east) / 2, (south + north) / 2
    return x - half, y - half, x + half, y + half


def _length(metres: float) -> str:
    return f"{metres / 1000:.1f} km" if metres >= 1000 else f"{metres:.0f} m"
