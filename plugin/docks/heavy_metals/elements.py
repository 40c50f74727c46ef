"""Elements by the names that bands, models and fields give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MEASURED = "_measured"
PREDICTED = {"_predicted": "cross-validated", "_mapped": "map against samples"}
"""Endings of the fields that are compared with measured ones, and what that comparison is."""


@dataclass(frozen=True)
class Pair:
    """Two fields of a layer of samples.

    Parameters
    ----------
    element : str
    measured, predicted : str
        Names of the fields.
    how : str
        What the comparison is, in words.
    """

    element: str
    measured: str
    predicted: str
    how: str


def pairs_of(fields: Sequence[str]) -> list[Pair]:
    """Return which fields of a layer hold measured and predicted values of one element."""
    known = set(fields)
    found = []
    for field in fields:
        if not field.endswith(MEASURED):
            continue
        element = field[: -len(MEASURED)]
        for ending, how in PREDICTED.items():
            if element and element + ending in known:
                found.append(Pair(element, field, element + ending, how))
                break
    return found


def find(element: str, names: Iterable[str]) -> str:
    """Return which of several names means an element: the same, else the only one alike.

    ``Pb`` meets ``pb``, and ``Pb_ppm`` meets ``Pb (mg/kg)``. Empty where none or several do.
    """
    offered = list(names)
    for name in offered:
        if name.casefold() == element.casefold():
            return name
    alike = [name for name in offered if _stem(name) == _stem(element)]
    return alike[0] if len(alike) == 1 else ""


def band_title(number: int, name: str) -> str:
    """Return how a band is called: by its name, else by its number."""
    plain = re.sub(r"^Band \d+(: ?)?", "", name).strip()
    return plain or f"Band {number}"


def _stem(name: str) -> str:
    words = re.findall(r"[^\W\d_]+\d*", name.casefold())
    return words[0] if words else name.casefold()
