"""Tables of mineral deposits: where each lies and which commodities it has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gossan.core.coordinates import Axis, parse_coordinate
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.samples import read_table

COMMODITY_FIELDS = ("commod1", "commod2", "commod3", "commodity", "commodities")
"""Fields that hold commodities, by the names of the Mineral Resources Data System and others."""

_COORDINATES = (("longitude", "latitude"), ("lon", "lat"), ("long", "lat"), ("x", "y"))
_NAMES = ("site_name", "name", "site", "deposit")
_KINDS_OF_USE = {"construction", "crushed/broken", "dimension", "general", "industrial", ""}
"""What follows a commodity in the Mineral Resources Data System and is none by itself."""


@dataclass(frozen=True)
class Deposits:
    """Deposits of one or more tables.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (n,)
        Degrees, WGS 84.
    commodities : tuple of frozenset of str
        Commodities of each deposit, in lower case.
    names : mapping of str
        How each commodity is written in the tables.
    left_out : tuple of (str, int)
        Why rows were left out, and how many.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    commodities: tuple[frozenset[str], ...]
    names: dict[str, str]
    left_out: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        return len(self.longitude)

    def most_frequent(self, count: int) -> list[str]:
        """Return the commodities of most deposits, in lower case, the most frequent first."""
        tally = Counter(name for each in self.commodities for name in each)
        return [name for name, _ in sorted(tally.items(), key=lambda item: (-item[1], item[0]))][
            :count
        ]

    def has(self, commodities: Sequence[str]) -> np.ndarray:
        """Return which deposit has which commodity, (n, commodities), 0 or 1."""
        column = {name: number for number, name in enumerate(commodities)}
        found = np.zeros((len(self), len(commodities)))
        for row, each in enumerate(self.commodities):
            for name in each:
                if name in column:
                    found[row, column[name]] = 1.0
        return found

    def known(self, wanted: Sequence[str]) -> list[str]:
        """Return wanted commodities in lower case.

        Raises
        ------
        InputError
            When the tables have no deposit of one of them.
        """
        for name in wanted:
            if name.strip().lower() not in self.names:
                common = ", ".join(self.names[each] for each in self.most_frequent(12))
                raise InputError(
                    f"No deposit has the commodity {name.strip()!r}. The most frequent ones are: "
                    f"{common or '(none)'}."
                )
        return [name.strip().lower() for name in wanted]


def read_deposits(
    paths: Sequence[str], progress: Progress, *, fields: Sequence[str] = ()
) -> Deposits:
    """Read deposits from CSV tables with longitude and latitude.

    Parameters
    ----------
    paths : sequence of str
        CSV tables with the columns of the Mineral Resources Data System, or any with longitude and
        latitude (also ``lon``, ``lat``, ``x``, ``y``) in degrees, decimal or with minutes.
    progress : Progress
        Told what was left out.
    fields : sequence of str
        Fields that hold commodities, several separated by commas, semicolons or slashes; those of
        `COMMODITY_FIELDS` that a table has when empty.

    Raises
    ------
    InputError
        When a table has no coordinates or a named field is missing, or no deposit is left.
    """
    if not paths:
        raise InputError("No table of deposits was given.")
    places: list[tuple[float, float]] = []
    commodities: list[frozenset[str]] = []
    written: dict[str, str] = {}
    reasons: Counter[str] = Counter()
    seen: set[tuple[str, float, float]] = set()
    for path in paths:
        header, rows = read_table(path)
        columns = _columns(header, path, fields)
        for number, row in enumerate(rows, start=1):
            if number % 10_000 == 0:
                progress.check()
            place = _place(row, columns, reasons)
            if place is None:
                continue
            title = (
                row[columns.name].strip().casefold() if columns.name >= 0 else f"{path} {number}"
            )
            key = (title, round(place[0], 5), round(place[1], 5))
            if key in seen:
                reasons["repeated (same name and place)"] += 1
                continue
            seen.add(key)
            found = [name for column in columns.commodities for name in split(row[column])]
            for name in found:
                written.setdefault(name.lower(), name)
            places.append(place)
            commodities.append(frozenset(name.lower() for name in found))
    for reason, count in reasons.items():
        progress.warn(f"{count} deposits left out: {reason}.")
    if not places:
        raise InputError(
            f"{', '.join(Path(path).name for path in paths)}: no deposit has coordinates that are "
            "a place on Earth."
        )
    array = np.array(places)
    return Deposits(
        array[:, 0], array[:, 1], tuple(commodities), written, tuple(sorted(reasons.items()))
    )


def split(text: str) -> list[str]:
    """Return the commodities of a field: ``Zinc, Silver, Lead`` are three."""
    parts = [part.strip(" \"'") for part in re.split(r"[,;|]| / | and (?=[A-Z])", text)]
    # "Sand and Gravel" is one.
    joined: list[str] = []
    for part in parts:
        if part.lower() == "gravel" and joined and joined[-1].lower() == "sand":
            joined[-1] = "Sand and Gravel"
        elif part.lower() not in _KINDS_OF_USE and part not in joined:
            joined.append(part)
    return joined


@dataclass(frozen=True)
class _Columns:
    longitude: int
    latitude: int
    name: int
    commodities: tuple[int, ...]


def _columns(header: list[str], path: str, fields: Sequence[str]) -> _Columns:
    lowered = [name.strip().lower() for name in header]
    pair = next((p for p in _COORDINATES if all(name in lowered for name in p)), None)
    if pair is None:
        raise InputError(
            f"{Path(path).name} has no columns longitude and latitude; its columns are "
            f"{', '.join(header)}."
        )
    missing = [name for name in fields if name.strip().lower() not in lowered]
    if missing:
        raise InputError(
            f"{Path(path).name} has no column {missing[0]}; its columns are {', '.join(header)}."
        )
    wanted = [name.strip().lower() for name in fields] or [
        name for name in COMMODITY_FIELDS if name in lowered
    ]
    name = next((lowered.index(each) for each in _NAMES if each in lowered), -1)
    return _Columns(
        lowered.index(pair[0]),
        lowered.index(pair[1]),
        name,
        tuple(lowered.index(each) for each in wanted),
    )


def _place(row: list[str], columns: _Columns, reasons: Counter[str]) -> tuple[float, float] | None:
    texts = row[columns.longitude], row[columns.latitude]
    if not all(text.strip() for text in texts):
        reasons["without coordinates"] += 1
        return None
    try:
        longitude, latitude = float(texts[0]), float(texts[1])
    except ValueError:
        try:
            one = parse_coordinate(texts[0], Axis.LONGITUDE)
            two = parse_coordinate(texts[1], Axis.LATITUDE)
        except InputError:
            one = two = None
        if one is None or two is None:
            reasons["coordinates that are no numbers"] += 1
            return None
        longitude, latitude = one, two
    if not (abs(longitude) <= 360.0 and abs(latitude) <= 90.0):
        reasons["coordinates out of range"] += 1
        return None
    if longitude == 0.0 and latitude == 0.0:
        reasons["at 0, 0, which stands for a missing place"] += 1
        return None
    return longitude, latitude
