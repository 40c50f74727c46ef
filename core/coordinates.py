"""Longitudes and latitudes as registers write them, read as decimal degrees.

Understood are decimal degrees with point or comma, degrees with minutes, and degrees, minutes and
seconds, with signs or letters, in any of the marks that people use: ``-20.1167``, ``20,1167 S``,
``20°07'S``, ``46° 08' 12,5" W``, ``46 08 12.50 O``, ``S 20:07:12``, ``20d07m12s S``. Letters may
be those of English, Portuguese, Spanish, French and Italian; ``O`` is always west (Oeste, Ouest),
never the German Ost. Nothing is guessed: what is not clear is refused with the reason.

Standard library only, so that the toolbox and the engine may both import it.
"""

from __future__ import annotations

import re
from enum import Enum

from gossan.core.errors import InputError


class Axis(Enum):
    """Which of the two coordinates a text is about."""

    LATITUDE = "latitude"
    LONGITUDE = "longitude"

    @property
    def limit(self) -> float:
        """Greatest number of degrees in either direction."""
        return 90.0 if self is Axis.LATITUDE else 180.0


class CoordinateError(InputError):
    """A text is no coordinate of the axis it is meant for."""


_WORDS: dict[Axis, dict[int, tuple[str, ...]]] = {
    Axis.LATITUDE: {
        1: ("n", "norte", "nord", "north"),
        -1: ("s", "sul", "sur", "sud", "south"),
    },
    Axis.LONGITUDE: {
        1: ("e", "l", "leste", "este", "est", "east"),
        -1: ("w", "o", "oeste", "ouest", "ovest", "west"),
    },
}
_DIRECTIONS = {
    word: (axis, sign)
    for axis, signs in _WORDS.items()
    for sign, words in signs.items()
    for word in words
}

_MINUS = "-\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"
_SIGNS = re.escape(_MINUS) + "+"
_DEGREE = "\u00b0\u00ba\u02da\u1d52\ufffd"
_MINUTE = "'\u2032\u2019\u2018\u00b4`\u02b9\u02bc\u055a"
_SECOND = '"\u2033\u201d\u201c\u02ba\u301e'

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = r"\d+(?:[.,]\d+)?"
_LETTERED = re.compile(
    rf"(?P<degrees>\d+)\s*d(?:eg)?\.?\s*(?P<minutes>{_NUMBER})\s*m(?:in)?\.?"
    rf"\s*(?:(?P<seconds>{_NUMBER})\s*s(?:ec)?\.?)?",
    re.IGNORECASE,
)
"""The marks as letters: 20d07m12s, 20 deg 07 min."""

_ANGLE = re.compile(
    rf"""
    (?P<sign>[{_SIGNS}]?)\s*
    (?P<degrees>{_NUMBER})
    (?:\s*(?:[{_DEGREE}:]|deg\b)\s*|-|\s+|$)
    (?:
        (?P<minutes>{_NUMBER})
        (?:\s*[{_MINUTE}:]\s*|-|\s+|$)
        (?:
            (?P<seconds>{_NUMBER})
            \s*(?:[{_SECOND}][\s{_SECOND}]*|[{_MINUTE}]\s*[{_MINUTE}])?\s*
        )?
    )?
    """,
    re.VERBOSE,
)
_WITHOUT_DEGREES = re.compile(rf"[{_SIGNS}]?\s*[{_DEGREE}]")


def parse_coordinate(text: object, axis: Axis) -> float | None:
    """Return a coordinate in decimal degrees.

    Parameters
    ----------
    text : object
        A number, or a text in any of the notations that the module names.
    axis : Axis
        Which coordinate it is; letters of the other axis and numbers beyond its limit are refused.

    Returns
    -------
    float or None
        North and east positive; None where the text is empty.

    Raises
    ------
    CoordinateError
        With the text and what is wrong with it.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return _within(float(text), axis, text)
    plain = _unquoted("" if text is None else str(text))
    if not plain:
        return None
    plain = _LETTERED.sub(_as_marks, plain)
    plain, sign = _take_direction(plain, axis, text)
    match = _ANGLE.fullmatch(plain)
    if match is None:
        if _WITHOUT_DEGREES.match(plain):
            raise CoordinateError(f"{_shown(text)} has no degrees before the degree sign.")
        raise CoordinateError(
            f"{_shown(text)} is no {axis.value}: write decimal degrees, or degrees, minutes and "
            "seconds such as 20°07'12.5\"S."
        )
    if match["sign"] and match["sign"] in _MINUS:
        if sign > 0:
            raise CoordinateError(f"{_shown(text)} has a minus and a letter that says plus.")
        sign = -1
    return _within((sign or 1) * _degrees(match, text), axis, text)


def format_coordinate(degrees: float, axis: Axis, *, decimals: int = 2) -> str:
    """Return an angle as degrees, minutes and seconds with its letter: ``20°07'12.50"S``.

    Parameters
    ----------
    degrees : float
        Decimal degrees, north and east positive.
    axis : Axis
    decimals : int
        Of the seconds.
    """
    letters = "NS" if axis is Axis.LATITUDE else "EW"
    # Rounded before it is split, so that no 60 seconds come out.
    units = 10**decimals
    whole, seconds = divmod(round(abs(degrees) * 3600 * units), 60 * units)
    whole, minutes = divmod(whole, 60)
    width = decimals + 3 if decimals else 2
    text = f"{seconds / units:0{width}.{decimals}f}"
    return f"{whole}°{minutes:02d}'{text}\"{letters[degrees < 0]}"


def _unquoted(text: str) -> str:
    """Return the text without white space at its ends and the quotes of a raw CSV field."""
    plain = " ".join(text.split())
    if plain.startswith('"') and len(plain) > 1:
        # A field that was never unquoted: "-0°44'00.100""" is -0°44'00.100".
        plain = plain[1:].removesuffix('"').replace('""', '"').strip()
    return plain


def _take_direction(plain: str, axis: Axis, text: object) -> tuple[str, int]:
    """Return the text without its letter or word, and the sign that this stands for (0: none)."""
    found: list[tuple[int, int, Axis, int]] = []
    for match in _WORD.finditer(plain):
        known = _DIRECTIONS.get(match[0].lower())
        if known:
            found.append((match.start(), match.end(), *known))
    if not found:
        return plain, 0
    if len(found) > 1:
        raise CoordinateError(f"{_shown(text)} has two directions; give one coordinate only.")
    start, end, meant, sign = found[0]
    if meant is not axis:
        raise CoordinateError(
            f"{_shown(text)} is a {meant.value} where a {axis.value} is expected: are the columns "
            "of longitude and latitude swapped?"
        )
    return f"{plain[:start]} {plain[end:].rstrip('. ')}".strip(), sign


def _as_marks(match: re.Match[str]) -> str:
    seconds = f'{match["seconds"]}"' if match["seconds"] else ""
    return f"{match['degrees']}°{match['minutes']}'{seconds}"


def _degrees(match: re.Match[str], text: object) -> float:
    parts = [match[name] for name in ("degrees", "minutes", "seconds") if match[name] is not None]
    if any("." in part or "," in part for part in parts[:-1]):
        raise CoordinateError(
            f"{_shown(text)} has a decimal mark before its last part; only that may have one."
        )
    numbers = [float(part.replace(",", ".")) for part in parts]
    for name, value in zip(("minutes", "seconds"), numbers[1:]):
        # Registers round 59.999 seconds up to 60.00, which is clear enough; 61 is not.
        if value > 60.0 or (value == 60.0 and name == "minutes" and len(numbers) > 2):
            raise CoordinateError(f"{_shown(text)} has {value:g} {name}; there are 60 at most.")
    return sum(value / 60.0**power for power, value in enumerate(numbers))


def _within(degrees: float, axis: Axis, text: object) -> float:
    if not abs(degrees) <= axis.limit:
        swapped = " Are longitude and latitude swapped?" if abs(degrees) <= 180.0 else ""
        raise CoordinateError(
            f"{_shown(text)} is no {axis.value}: it is not between -{axis.limit:.0f} and "
            f"{axis.limit:.0f} degrees.{swapped}"
        )
    return degrees


def _shown(text: object) -> str:
    return f"'{' '.join(str(text).split()):.60}'"
