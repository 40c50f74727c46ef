"""Which click is answered next while another is under way: of passing ones the latest.

Plain Python without Qt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Errand:
    """Something to look at.

    Attributes
    ----------
    parameters : dict
        Of the job ``spectra.look``.
    layer, crs : str
        Name of the image and its CRS.
    keep : bool
        Whether the spectra are added; else the next click takes the place of the one that comes.
    names, groups : tuple of str
        Names and classes of the places, where they have any.
    pixels : tuple of (row, column)
        Which pixels the places should be on, where that is known.
    """

    parameters: dict[str, Any]
    layer: str
    crs: str
    keep: bool
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    pixels: tuple[tuple[int, int], ...] = ()

    def misplaced(self, places: Sequence[Mapping[str, Any] | None]) -> list[str]:
        """Return a sentence where places are not on the pixels that they should be on."""
        others = sum(
            place is None or (place["row"], place["column"]) != tuple(pixel)
            for place, pixel in zip(places, self.pixels)
        )
        if not others:
            return []
        return [
            f"{others} of {len(self.pixels)} endmembers lie on other pixels of {self.layer} than "
            "their layer says: choose the image that they were extracted from."
        ]


class Errands:
    """At most one errand is under way; added ones wait in turn, a passing one only for the last."""

    def __init__(self) -> None:
        self.under_way: Errand | None = None
        self.superseded = False
        """Whether the answer to the one under way is no longer wanted."""
        self._waiting: list[Errand] = []

    def ask(self, errand: Errand) -> Errand | None:
        """Take an errand, and return it where it can start at once."""
        if self.under_way is None:
            self.under_way = errand
            return errand
        if not errand.keep:
            self._waiting = [each for each in self._waiting if each.keep]
            self.superseded = self.superseded or not self.under_way.keep
        self._waiting.append(errand)
        return None

    def next(self) -> Errand | None:
        """End the one under way and return the next one, if any, to start."""
        self.superseded = False
        self.under_way = self._waiting.pop(0) if self._waiting else None
        return self.under_way

    @property
    def is_long_and_superseded(self) -> bool:
        """Whether the one under way averages a shape, which may take long, for nobody."""
        running = self.under_way
        return self.superseded and running is not None and "rings" in running.parameters

    def forget(self) -> None:
        """Drop all."""
        self.under_way, self.superseded, self._waiting = None, False, []
