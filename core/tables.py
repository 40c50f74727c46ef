"""Small result tables as CSV."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

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


def _field(value: Any) -> Any:
    # A NumPy number would be written with its type's name around it.
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or (isinstance(plain, float) and math.isnan(plain)):
        return ""
    return plain
