"""Maps looked at in turns or side by side: which ones, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAP, REFERENCE, SECOND = "Map", "Reference", "Second map"


@dataclass(frozen=True)
class Side:
    """One of the maps that are compared.

    Parameters
    ----------
    role : str
        `MAP`, `REFERENCE` or `SECOND`.
    layer : str
        Id of its layer.
    name : str
        Of the layer.
    """

    role: str
    layer: str
    name: str


def sides(chosen: Sequence[tuple[str, str | None, str]]) -> list[Side]:
    """Return what there is to compare, each layer once.

    Parameters
    ----------
    chosen : sequence of (role, layer id or None, name)
    """
    found: list[Side] = []
    for role, layer, name in chosen:
        if layer is not None and layer not in [side.layer for side in found]:
            found.append(Side(role, layer, name))
    return found


class Turns:
    """Which of several maps is shown now; goes round.

    Parameters
    ----------
    order : sequence of Side
    """

    def __init__(self, order: Sequence[Side] = ()) -> None:
        self._order = list(order)
        self._place = 0

    @property
    def shown(self) -> Side | None:
        """The one that is shown; None without any."""
        return self._order[self._place] if self._order else None

    def step(self, by: int = 1) -> Side | None:
        """Go on to the next one, or back with -1, and return it."""
        if self._order:
            self._place = (self._place + by) % len(self._order)
        return self.shown

    def change(self, order: Sequence[Side]) -> None:
        """Take other maps; go on showing the same one where it is still among them."""
        before = self.shown
        self._order = list(order)
        self._place = 0
        for place, side in enumerate(self._order):
            if before is not None and side.layer == before.layer:
                self._place = place


def scene(canvas: Sequence[str], compared: Sequence[str], shown: str) -> list[str]:
    """Return the layers of a picture in which one of the compared maps is seen and no other.

    Parameters
    ----------
    canvas : sequence of str
        Ids of the layers that the canvas shows, the uppermost first.
    compared : sequence of str
        Ids of the maps that are compared.
    shown : str
        Id of the one to see; it takes the place of the uppermost one of them, or goes on top of
        everything where none of them is shown.
    """
    found: list[str] = []
    for layer in canvas:
        if layer not in compared:
            found.append(layer)
        elif shown not in found:
            found.append(shown)
    return found if shown in found else [shown, *found]


def held_inside(place: float, width: float, handle: float) -> float:
    """Return where a divider may stand, as a share of the width: never out of reach.

    Parameters
    ----------
    place : float
        Where it is wanted, pixels from the left.
    width, handle : float
        Of the canvas and of the divider, pixels.
    """
    if width <= handle:
        return 0.5
    return min(max(place, handle / 2), width - handle / 2) / width
