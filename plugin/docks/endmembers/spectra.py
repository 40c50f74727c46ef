"""The spectra that an analyst has gathered: their names and colours, and what is shown of them.

Plain Python without Qt, so that it is tested without a window.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Curve = list[Any]
"""Numbers over the bands, None where there is none."""


@dataclass(frozen=True)
class View:
    """What is drawn of spectra.

    Attributes
    ----------
    curve : str
        Name of the curve.
    label : str
        What stands at the axis; ``{per}`` for the unit of the bands.
    """

    curve: str
    label: str


VIEWS = {
    (False, False): View("reflectance", "Reflectance"),
    (True, False): View("continuum_removed", "Continuum removed"),
    (False, True): View("derivative", "First derivative (1/{per})"),
    (True, True): View("continuum_removed_derivative", "Derivative of continuum removed (1/{per})"),
}
"""By the switches *continuum removed* and *first derivative*."""


@dataclass
class Spectrum:
    """One spectrum in the list.

    Attributes
    ----------
    name, group, colour : str
        What people call it, its class, and ``#rrggbb``.
    axis : list of float
        Ascending wavelengths (nm) or band numbers.
    unit : str
        ``nm`` or ``band``.
    curves : dict
        ``reflectance``, ``deviation`` and the treatments, each over the bands.
    fwhm : list of float or None
        Band widths, nm.
    source, place : str
        The image and where on it, and only where.
    outline : list of [x, y]
        Pixel or shape on the map, once around; empty where there is none.
    crs : str
        Of the outline.
    pixels : int
        How many it is the mean of.
    ticked : bool
        Whether it is drawn and goes into a library.
    passing : bool
        Whether the next click takes its place.
    key : int
        Tells it apart from the others of the list.
    """

    name: str
    axis: list[float]
    unit: str
    curves: dict[str, Curve]
    group: str = ""
    colour: str = "#808080"
    fwhm: list[float] | None = None
    source: str = ""
    place: str = ""
    outline: list[list[float]] = field(default_factory=list)
    crs: str = ""
    pixels: int = 1
    ticked: bool = True
    passing: bool = False
    key: int = 0

    @property
    def middle(self) -> tuple[float, float]:
        """The mean of the outline's corners."""
        count = len(self.outline)
        return sum(p[0] for p in self.outline) / count, sum(p[1] for p in self.outline) / count

    def value_near(self, x: float, curve: str) -> tuple[float, float] | None:
        """Return band and value nearest to a place on the axis, None where there is no value."""
        values = self.curves.get(curve) or []
        at = nearest_index(self.axis, x)
        if at is None or at >= len(values) or values[at] is None:
            return None
        return self.axis[at], values[at]


class SpectrumList:
    """The spectra in the order in which they came.

    Parameters
    ----------
    colours : sequence of str
        Given out in turn, those least in use first.
    group_colours : mapping
        Colours of classes that have one of their own.
    """

    def __init__(self, colours: Sequence[str], group_colours: Mapping[str, str]) -> None:
        self._colours = list(colours)
        self._group_colours = dict(group_colours)
        self._spectra: list[Spectrum] = []
        self._last_key = 0

    def __iter__(self) -> Any:
        return iter(self._spectra)

    def __len__(self) -> int:
        return len(self._spectra)

    def get(self, key: int | None) -> Spectrum | None:
        """Return the spectrum of a key."""
        return next((spectrum for spectrum in self._spectra if spectrum.key == key), None)

    @property
    def ticked(self) -> list[Spectrum]:
        """Those that are drawn."""
        return [spectrum for spectrum in self._spectra if spectrum.ticked]

    @property
    def kept(self) -> list[Spectrum]:
        """Those that the next click leaves alone."""
        return [spectrum for spectrum in self._spectra if not spectrum.passing]

    def add(self, spectrum: Spectrum) -> Spectrum:
        """Take a spectrum in and number it where it has no name.

        A passing one takes the place of the last passing one.
        """
        self._last_key += 1
        spectrum.key = self._last_key
        old = next((each for each in self._spectra if each.passing), None)
        if spectrum.passing and old is not None:
            spectrum.colour, spectrum.name = old.colour, spectrum.name or old.name
            self._spectra[self._spectra.index(old)] = spectrum
            return spectrum
        spectrum.name = spectrum.name or self._next_name()
        spectrum.colour = self._group_colours.get(spectrum.group) or self._next_colour()
        self._spectra.append(spectrum)
        return spectrum

    def change(self, key: int, **values: Any) -> None:
        """Change name, group, colour or tick; whoever names a spectrum wants to keep it.

        A name cannot be empty.
        """
        spectrum = self.get(key)
        if spectrum is None:
            return
        if not values.get("name", "a name"):
            del values["name"]
        for name, value in values.items():
            if getattr(spectrum, name) != value:
                setattr(spectrum, name, value)
                spectrum.passing = spectrum.passing and name == "ticked"

    def remove(self, keys: Iterable[int]) -> None:
        """Take spectra out."""
        gone = set(keys)
        self._spectra = [spectrum for spectrum in self._spectra if spectrum.key not in gone]

    def clear(self) -> None:
        """Take all out."""
        self._spectra = []

    def _next_name(self) -> str:
        used = {spectrum.name for spectrum in self._spectra}
        return next(name for n in itertools.count(1) if (name := f"Spectrum {n}") not in used)

    def _next_colour(self) -> str:
        used = [spectrum.colour for spectrum in self._spectra]
        return min(self._colours, key=used.count)


def from_look(
    answer: Mapping[str, Any],
    layer: str,
    crs: str,
    *,
    names: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> list[Spectrum]:
    """Return the spectra of an answer of the job ``spectra.look``, without those that have none.

    Parameters
    ----------
    answer : dict
        The job's result.
    layer, crs : str
        Name of the image and CRS of the outlines.
    names, groups : sequence of str, optional
        Names and classes of the places.
    """
    axis = answer["axis"]
    found = []
    for number, place in enumerate(answer["spectra"]):
        if place is None:
            continue
        if place["row"] is None:
            many = place["pixels"] != 1
            where = f"mean of {place['pixels']} pixels" if many else "one pixel"
        else:
            where = f"row {place['row'] + 1}, column {place['column'] + 1}"
        found.append(
            Spectrum(
                name=names[number] if names else "",
                group=groups[number] if groups else "",
                axis=axis["values"],
                unit=axis["unit"],
                fwhm=axis["fwhm"],
                curves={name: place[name] for name in CURVES},
                source=f"{layer}, {where}",
                place=where,
                outline=place["outline"],
                crs=crs,
                pixels=place["pixels"],
            )
        )
    return found


CURVES = ("reflectance", "deviation", *(view.curve for view in VIEWS.values()))


def nearest_index(axis: Sequence[float], x: float) -> int | None:
    """Return where in an ascending axis the value nearest to x stands."""
    if not axis:
        return None
    right = bisect.bisect_left(axis, x)
    if right == 0:
        return 0
    if right == len(axis):
        return right - 1
    return right if axis[right] - x < x - axis[right - 1] else right - 1


def under_mouse(
    spectra: Iterable[Spectrum], curve: str, x: float, y: float
) -> tuple[Spectrum, float, float] | None:
    """Return the spectrum whose value at the band nearest to x is nearest to y, band and value."""
    best, distance = None, math.inf
    for spectrum in spectra:
        found = spectrum.value_near(x, curve)
        if found is not None and abs(found[1] - y) < distance:
            best, distance = (spectrum, *found), abs(found[1] - y)
    return best
