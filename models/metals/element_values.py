"""Values per element as users write them: ``Pb=100; As=20``."""

from __future__ import annotations

import re

from gossan.core import censored
from gossan.core.errors import InputError


def parse_element_values(text: str, what: str) -> dict[str, float]:
    """Read values per element.

    Parameters
    ----------
    text : str
        ``Element=value`` pairs parted by semicolons or line ends; decimal commas are understood.
    what : str
        What the values are, for messages: ``limit``, ``background``.

    Returns
    -------
    dict
        Case-folded element name to its value.

    Raises
    ------
    InputError
        When a pair is not of that form, or an element comes twice.
    """
    values: dict[str, float] = {}
    for pair in re.split(r"[;\n]", text):
        if not pair.strip():
            continue
        name, equals, number = pair.partition("=")
        element = name.strip().casefold()
        try:
            value = censored.parse(number) if equals and element else None
        except ValueError:
            value = None
        if value is None or value.kind:
            raise InputError(
                f"The {what} {pair.strip()!r} is not understood. Write Element=value pairs such as "
                "Pb=100; As=20."
            )
        if element in values:
            raise InputError(f"There are two {what}s for {name.strip()}.")
        values[element] = value.value
    return values
