"""Tables as CSV: results that are written, and foreign ones that are read.

Standard library only, so that the toolbox and the engine may both import it.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gossan.core.errors import FileError, InputError
from gossan.core.files import write_then_rename


def write_table(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write a table as CSV in UTF-8 with a header; missing numbers are empty fields.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Column names with their units, such as ``RMSE (mg/kg)``.
    rows : iterable of sequences
        Texts and numbers, one per column. Numbers are written with all the digits they have.

    Raises
    ------
    FileError
        When it cannot be written there.
    """
    with write_then_rename(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_field(value) for value in row])


def read_table(path: str | Path) -> tuple[list[str], list[list[str]]]:
    """Read a CSV and return its header and its rows, every row as long as the header.

    Raises
    ------
    FileError
        When the file cannot be read.
    InputError
        When it has no header or a row is longer than the header.
    """
    if not str(path):
        raise FileError("No table was given. Choose a CSV file.")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"The table {path} cannot be read: {error.strerror or error}.") from error
    text = _decoded(content)
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    lines = [row for row in table if any(map(str.strip, row))]
    if not lines:
        raise InputError(f"The table {path} is empty.")
    header = [name.strip() for name in lines[0]]
    rows = []
    for number, row in enumerate(lines[1:], start=1):
        if any(map(str.strip, row[len(header) :])):
            raise InputError(
                f"Row {number} of {Path(path).name} has {len(row)} fields and the header has "
                f"{len(header)}; put fields with the separator {mark!r} in quotes."
            )
        rows.append((row + [""] * len(header))[: len(header)])
    return header, rows


def _decoded(content: bytes) -> str:
    """Return a text in UTF-8, in UTF-16 as spreadsheets export it, or else in Latin-1."""
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _field(value: Any) -> Any:
    # A NumPy number would be written with its type's name around it.
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or (isinstance(plain, float) and math.isnan(plain)):
        return ""
    return plain
