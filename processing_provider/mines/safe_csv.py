"""Tables that do no harm in a spreadsheet, whatever texts they were made of."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence

from gossan.core.files import write_then_rename

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
_STARTS_FORMULA = re.compile("^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_STARTS_AFTER_SEPARATOR = re.compile("(?<=[;\t\r\n])(?=[ \"']*[=+@\uff1d\uff0b\uff20\\-])")
"""Where spreadsheets of other countries, which part fields by semicolons, would begin a cell."""


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    A formula in a register's table could fetch files or send data when the export is opened. An
    apostrophe before it makes it a text; plain numbers stay as they are.
    """
    if _NUMBER.fullmatch(text):
        return text
    parted = _STARTS_AFTER_SEPARATOR.sub("'", text)
    return f"'{parted}" if _STARTS_FORMULA.match(parted) else parted


def write_safe_table(path: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV: commas, UTF-8 with a byte order mark, texts made harmless.

    Without the mark spreadsheets read UTF-8 as the letters of their own country; GDAL, QGIS and
    pandas pass over it.

    Parameters
    ----------
    path : str
    columns : sequence of str
    rows : iterable of sequences
        Numbers and texts; None is an empty field.

    Raises
    ------
    FileError
        It cannot be written there.
    """
    with (
        write_then_rename(path) as part,
        open(part, "w", encoding="utf-8-sig", newline="", errors="replace") as file,
    ):
        table = csv.writer(file)
        table.writerow([harmless(name) for name in columns])
        for row in rows:
            table.writerow([_field(value) for value in row])


def _field(value: object) -> object:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else value
