"""Which layers of a project the dock can use, and which it takes by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LIKELY_FIELDS = (
    "lithology", "unit", "geology", "rock", "rock_type", "class", "class_name", "formation", "name",
)  # fmt: skip
"""Fields that usually hold the class of a geological map, the likeliest first."""


@dataclass(frozen=True)
class RasterFacts:
    """What is known of a raster layer without reading its pixels.

    Parameters
    ----------
    local : bool
        Whether it is a file that the engine can read.
    whole_numbers : bool
        Whether its first band holds integers.
    bands : tuple of str
        Names of its bands.
    shown_as_classes : bool
        Whether QGIS draws the first band by a palette.
    brings_legend : bool
        Whether the file has a colour table, names of classes or an attribute table.
    """

    local: bool
    whole_numbers: bool
    bands: tuple[str, ...]
    shown_as_classes: bool = False
    brings_legend: bool = False

    @property
    def is_class_map(self) -> bool:
        """Whether it can be looked at as a map of classes."""
        if not self.local or not self.bands:
            return False
        legend = self.brings_legend and self.whole_numbers and len(self.bands) == 1
        return self.shown_as_classes or legend

    @property
    def may_hold_probabilities(self) -> bool:
        """Whether it can be one band of probability for each class."""
        return self.local and not self.whole_numbers and len(self.bands) > 1


def likely_probabilities(
    candidates: Mapping[str, Sequence[str]], classes: Sequence[str]
) -> str | None:
    """Return which raster has a band for every class, by name; None where none has.

    Parameters
    ----------
    candidates : mapping
        Names of the bands of each raster, by its id; the first that fits is taken.
    classes : sequence of str
        Names of the classes of the map.
    """
    wanted = {_key(name) for name in classes}
    for identifier, bands in candidates.items():
        have = {_key(name) for name in bands}
        # Classes that were edited into the map have no probability; a band without a class, which
        # never was the likeliest one, is as usual.
        if len(wanted & have) >= min(len(wanted), 2) > 0 and len(wanted & have) * 2 > len(wanted):
            return identifier
    return None


def likely_field(fields: Sequence[str], drawn_by: str) -> str:
    """Return the field that holds the class: the one the layer is drawn by, else one by its name.

    Parameters
    ----------
    fields : sequence of str
    drawn_by : str
        Field of the layer's categories, empty where it is drawn otherwise.
    """
    if drawn_by in fields:
        return drawn_by
    lowered = {field.lower(): field for field in reversed(fields)}
    for likely in LIKELY_FIELDS:
        if likely in lowered:
            return lowered[likely]
    return fields[0] if fields else ""


def kept_or_first(kept: str | None, offered: Sequence[str]) -> str | None:
    """Return what was chosen before where it is still offered, else the first; None for none."""
    if kept in offered:
        return kept
    return offered[0] if offered else None


def sources_of(counted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a map was made from, as parameters of Train and Map lithology.

    Parameters
    ----------
    counted : mapping
        What the job ``lithology.areas`` tells of a map: ``algorithm`` and ``parameters``.
    """
    if counted.get("algorithm") != "gossan:maplithology":
        return {}
    given = counted.get("parameters") or {}
    features = given.get("FEATURES") or []
    found = {
        "FEATURES": [features] if isinstance(features, str) else list(features),
        "MODEL": given.get("MODEL"),
    }
    return {name: value for name, value in found.items() if value}


def band_name(shown: str) -> str:
    """Return the name of a band from how QGIS shows it: ``Band 2: slate`` is ``slate``."""
    start, colon, name = shown.partition(": ")
    return name if colon and start.startswith("Band ") else shown


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
