"""Concentrations as laboratories write them: ``<0.02``, ``>4000``, ``12,5``, ``n.d.``, ``12 ppm``.

Standard library only, so that the toolbox can look at a field before the engine starts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

LOWER_RULES = ("half", "limit", "zero", "missing")
"""What a value below its detection limit may count as."""

MISSING_WORDS = frozenset(
    {
        "",
        "-",
        "--",
        "?",
        "*",
        ".",
        "na",
        "n/a",
        "nan",
        "none",
        "null",
        "nil",
        "nd",
        "ns",
        "not determined",
        "not analysed",
        "not analyzed",
        "no data",
        "missing",
    }
)
"""How tables say that there is no value (lower case, dots removed)."""

BELOW_WORDS = frozenset({"bdl", "bld", "lod", "<lod", "<dl", "<bdl", "below detection limit"})
"""Below a detection limit that is not given: there is no number to take half of."""

UNITS = frozenset(
    {
        "ppm",
        "ppb",
        "%",
        "wt%",
        "mg/kg",
        "mg kg-1",
        "mg kg^-1",
        "mg.kg-1",
        "mg·kg-1",
        "µg/g",
        "μg/g",
        "ug/g",
        "g/t",
        "g/kg",
        "µg/kg",
        "μg/kg",
        "ug/kg",
        "mg/l",
        "m",
    }
)
"""Unit texts that may follow a number; they are dropped, not converted."""

_KINDS = {"<": "<", ">": ">", "≤": "<", "≥": ">", "<=": "<", ">=": ">", "=<": "<", "=>": ">"}
_SIGN = re.compile(r"^(<=|>=|=<|=>|<|>|≤|≥)\s*")
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007'’"), " ")
_PLAIN = re.compile(r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_GROUPED = re.compile(
    r"^[+-]?\d{1,3}((?: \d{3})+([.,]\d+)?|(?:,\d{3})+\.\d+|(?:,\d{3}){2,}"
    r"|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})(?!\d)"
)
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


class Censored(NamedTuple):
    """A measured value and whether it is only known to lie below or above that value.

    Parameters
    ----------
    value : float
        The number as written, in the unit of its column.
    kind : str
        Empty for a plain measurement, ``<`` below a detection limit, ``>`` above an upper limit.
    """

    value: float
    kind: str = ""

    def resolve(self, lower_rule: str = "half") -> float | None:
        """Return the number to compute with, or None where it counts as missing.

        A value above its upper limit counts as that limit.

        Raises
        ------
        ValueError
            For an unknown rule.
        """
        if lower_rule not in LOWER_RULES:
            raise ValueError(
                f"Unknown rule {lower_rule!r} for values below a detection limit; "
                f"use one of {', '.join(LOWER_RULES)}."
            )
        if self.kind != "<":
            return self.value
        shares = {"half": 0.5, "limit": 1.0, "zero": 0.0}
        share = shares.get(lower_rule)
        return None if share is None else share * self.value


def decimal_mark(texts: Iterable[object]) -> str:
    """Return the decimal mark that a column shows beyond doubt, or nothing where it shows none.

    ``12,500`` alone may be a dozen or twelve thousand; next to ``0.5`` in the same column it is
    the latter.

    Parameters
    ----------
    texts : iterable
        The fields of one column.

    Returns
    -------
    str
        ``.``, ``,`` or empty when the column shows neither or both.
    """
    marks = set()
    for text in texts:
        if not isinstance(text, str):
            continue
        number = re.search(r"\d[\d.,]*", text)
        digits = number.group(0) if number else ""
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0 or digits.count(digits[last]) > 1:
            continue
        other = {".": ",", ",": "."}[digits[last]]
        if other in digits or not _AMBIGUOUS.fullmatch(digits):
            marks.add(digits[last])
    return marks.pop() if len(marks) == 1 else ""


def parse(text: object, *, decimal: str = "") -> Censored | None:
    """Read one field of a laboratory table.

    Decimal commas, thousands parted by spaces, apostrophes, or by the mark that is not the decimal
    one, and a unit after the number are understood. A single comma or point is a decimal mark, so
    ``1,234`` is a little more than one, unless `decimal` says otherwise.

    Parameters
    ----------
    text : object
        A text, a number or None.
    decimal : str
        The decimal mark of the column (`decimal_mark`), where it is known.

    Returns
    -------
    Censored or None
        None where the field says that there is no value.

    Raises
    ------
    ValueError
        When the field is text and not a number; the caller adds row and field.
    """
    if text is None:
        return None
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        number = float(text)
        if math.isinf(number):
            raise ValueError("it is infinite")
        return None if math.isnan(number) else Censored(number)
    cleaned = " ".join(str(text).translate(_SPACES).split())
    word = cleaned.lower()
    if word.replace(".", "") in MISSING_WORDS or word in MISSING_WORDS:
        return None
    if word.replace(".", "").replace(" ", "") in BELOW_WORDS or word in BELOW_WORDS:
        return None
    sign = _SIGN.match(cleaned)
    kind = _KINDS[sign.group(1)] if sign else ""
    rest = cleaned[sign.end() :] if sign else cleaned
    value, unit = _number(rest, decimal)
    if unit and unit.lower() not in UNITS:
        raise ValueError(f"{str(text)!r} is not a number")
    return Censored(value, kind)


def _number(text: str, decimal: str) -> tuple[float, str]:
    """Return the number at the start of a text and what follows it."""
    grouped = _GROUPED.match(text)
    match = grouped or _PLAIN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    digits = match.group(0).replace(" ", "")
    if grouped:
        last = max(digits.rfind("."), digits.rfind(","))
        if last >= 0 and digits.count(digits[last]) == 1:
            whole = digits[:last].replace(",", "").replace(".", "")
            digits = f"{whole}.{digits[last + 1 :]}"
        else:
            digits = digits.replace(",", "").replace(".", "")
    else:
        unsigned = digits.lstrip("+-")
        thousands = decimal and decimal not in digits and _AMBIGUOUS.fullmatch(unsigned)
        digits = digits.replace(",", "").replace(".", "") if thousands else digits.replace(",", ".")
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{text!r} is too large a number")
    return value, text[match.end() :].strip()
