"""What makes a finding registered or not, and what else is told about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

FIELDS: dict[str, type] = {
    "registered": str,
    "register_name": str,
    "register_id": str,
    "register_distance_m": float,
    "phase": str,
    "protected": str,
    "protected_distance_m": float,
    "protected_nearby": str,
    "register_source": str,
    "register_findings": int,
}
"""What a matched finding gets besides its own fields, in this order."""

TOUCHING = 0.5
"""Metres between two outlines that still count as touching: rounding of reprojected corners."""


def register_finding(
    row: dict[str, Any],
    known: Sequence[Mapping[str, str]],
    nearest: tuple[int, float],
    distance: float,
    claims: Sequence[Mapping[str, str]],
    held: list[tuple[int, float]],
    allowed: tuple[str, ...],
) -> tuple[str, int] | None:
    """Fill in what registers and concessions say about a finding.

    Parameters
    ----------
    row : dict
        The finding's fields, all of `FIELDS`.
    known, claims : sequence of mapping
        ``name``, ``id``, ``phase`` and ``source`` of each entry and of each concession.
    nearest : (int, float)
        The nearest entry (-1: none) and how far it is.
    distance : float
        Metres of a match.
    held : list of (int, float)
        The concessions that the finding touches, with their distances.
    allowed : tuple of str
        Phases that count as granted; all do where it is empty.

    Returns
    -------
    (str, int) or None
        What registers it: its kind and number; None for an unregistered finding.
    """
    index, metres = nearest
    granted = [c for c, _ in held if not allowed or claims[c]["phase"] in allowed]
    phases = dict.fromkeys(claims[c]["phase"] for c in [*granted, *(c for c, _ in held)])
    row["phase"] = "; ".join(filter(None, phases))
    by_entry = index >= 0 and metres <= distance
    row["registered"] = "yes" if by_entry or granted else "no"
    if granted and not by_entry:
        entry, metres = claims[granted[0]], 0.0
    elif index >= 0:
        entry = known[index]
    else:
        return None
    row["register_name"] = entry["name"]
    row["register_id"] = entry["id"]
    row["register_distance_m"] = round(metres, 1)
    row["register_source"] = entry["source"]
    if by_entry:
        return "entry", index
    return ("concession", granted[0]) if granted else None


def protection_of(
    reserves: Sequence[Mapping[str, str]], around: list[tuple[int, float]]
) -> dict[str, Any]:
    """Return in which protected areas a finding lies, and how far the others nearby are."""
    named = [
        (reserves[index]["name"] or reserves[index]["source"], metres) for index, metres in around
    ]
    inside = dict.fromkeys(name for name, metres in named if metres <= TOUCHING)
    others: dict[str, float] = {}
    for name, metres in named:
        if name not in inside:
            others.setdefault(name, metres)
    return {
        "protected": "; ".join(inside),
        "protected_distance_m": (0.0 if inside else round(named[0][1], 1)) if named else None,
        "protected_nearby": "; ".join(
            f"{name} {metres / 1000.0:.1f} km" for name, metres in others.items()
        ),
    }


def count_shared(rows: list[dict[str, Any]], keys: list[tuple[str, int] | None]) -> int:
    """Note at each registered finding how many share its entry; return how many entries do so."""
    counts = Counter(key for key in keys if key is not None)
    for row, key in zip(rows, keys):
        row["register_findings"] = counts[key] if key is not None else None
    return sum(count > 1 for count in counts.values())


def reading_order(rows: list[dict[str, Any]]) -> list[int]:
    """Return the findings with unregistered ones first, of these the protected ones."""

    def rank(number: int) -> tuple[bool, bool]:
        return rows[number]["registered"] == "yes", not rows[number]["protected"]

    return sorted(range(len(rows)), key=rank)
