"""From the names of ores in a register to classes of impact, by a table that anyone may edit."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from gossan.core.errors import InputError
from gossan.core.samples import read_table
from gossan.models.mines.chips import HIGH, LOW, NO_ORE

TABLE = Path(__file__).with_name("ores.csv")
"""The table that ships: the source's ores in English and Portuguese."""

GOLD = frozenset({"gold", "ouro"})

GOLD_WARNING = (
    "Gold workings look like those of low impact in the image and are not, for the mercury and "
    "cyanide that they use: the table puts them where the image puts them. Give another table to "
    "change that, and never take their class for harmlessness."
)

_IMPACTS = {"high": HIGH, "low": LOW, "no": NO_ORE, "none": NO_ORE}
_PARTS = re.compile(r"[,;/+&]|\band\b|\be\b|\bor\b|\bou\b|\bof\b")
_FILLERS = re.compile(r"\b(minerio|minerios|ore|ores|de|do|da|dos|das)\b")


def read_ores(path: str | os.PathLike[str] = "") -> dict[str, str]:
    """Read a table of ores.

    Parameters
    ----------
    path : path
        CSV with the columns ``ore`` and ``impact`` (high, low or none); the one that ships when
        empty.

    Returns
    -------
    dict
        Class of each ore by its name in plain letters (see `plain_name`).

    Raises
    ------
    FileError
        When it cannot be read.
    InputError
        When a column is missing, an impact is unknown or an ore stands there with two of them.
    """
    table = os.fspath(path) or str(TABLE)
    header, rows = read_table(table)
    lowered = [name.lower() for name in header]
    for name in ("ore", "impact"):
        if name not in lowered:
            raise InputError(
                f"{table} has no column {name}; a table of ores has the columns ore and impact."
            )
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        name = plain_name(row[lowered.index("ore")])
        text = row[lowered.index("impact")].strip().lower()
        impact = _IMPACTS.get(text.split(" ")[0])
        if impact is None:
            raise InputError(
                f"Row {number} of {table}: the impact {text!r} is unknown; write high, low or none."
            )
        if found.setdefault(name, impact) != impact:
            raise InputError(f"Row {number} of {table}: {name} stands there with two impacts.")
    return found


def impact_of(ore: str, table: Mapping[str, str]) -> str | None:
    """Return the class of an ore, of several the gravest; None where any of them is unknown.

    ``Minério de Ferro``, ``iron ore`` and ``IRON`` are the same.
    """
    whole = plain_name(ore)
    if whole in table:
        return table[whole]
    parts = [part for part in (plain_name(each) for each in _PARTS.split(_bare(ore))) if part]
    classes = [table.get(part) for part in parts]
    known = [each for each in classes if each is not None]
    if not known or len(known) < len(classes):
        return None
    return min(known, key=(HIGH, LOW, NO_ORE).index)


def is_gold(ore: str) -> bool:
    """Tell whether gold is among the ores of a name."""
    return any(plain_name(each) in GOLD for each in _PARTS.split(_bare(ore)))


def plain_name(ore: str) -> str:
    """Return a name in lower case, without accents, filler words and needless blanks."""
    return " ".join(_FILLERS.sub(" ", _bare(ore)).split())


def unknown_ores(names: Iterable[str], table: Mapping[str, str]) -> dict[str, int]:
    """Return the names that the table does not know, most frequent first, with their number."""
    counts: dict[str, int] = {}
    for name in names:
        if impact_of(name, table) is None:
            counts[name.strip()] = counts.get(name.strip(), 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(each for each in letters if not unicodedata.combining(each))
