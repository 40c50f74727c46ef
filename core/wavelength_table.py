"""Wavelengths from a table that the user names."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gossan.core.errors import FileError, InputError
from gossan.core.wavelength_units import (
    FWHM_KEYS,
    UNIT,
    UNIT_KEYS,
    WAVELENGTH_KEYS,
    parse_number,
    to_nanometres,
)


@dataclass(frozen=True)
class WavelengthTable:
    """Per band the centre and, where the table has it, the width (nm); and notes for the log."""

    wavelengths: tuple[float | None, ...]
    fwhm: tuple[float | None, ...]
    notes: tuple[str, ...]


def read_wavelength_table(path: str, count: int | None = None) -> WavelengthTable:
    """Read a CSV of wavelengths.

    Parameters
    ----------
    path : str
        One row per band, or one row of numbers. A header may name the columns ``wavelength``
        (with its unit, as in ``wavelength (um)``), ``fwhm`` and ``wavelength units``; without one
        the first column counts, or the second where the first only numbers the bands.
    count : int or None
        Number of bands of the raster that the table is for.

    Raises
    ------
    InputError
        When it holds no wavelengths, or not one per band.
    FileError
        When it cannot be read.
    """
    rows = _rows(path)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not any(cell and parse_number(cell) is None for cell in header):
        header = []
    body = rows[1:] if header else rows
    if len(body) == 1 and not header and len(body[0]) > 1:
        body = [[cell] for cell in body[0]]
    if not body:
        raise InputError(f"{path} holds no wavelengths. Give one row per band.")
    if count is not None and len(body) != count:
        raise InputError(
            f"{path} has {len(body)} rows of wavelengths and the raster has {count} bands. "
            "Give one row per band, in the raster's order."
        )
    column = _wavelength_column(header, body)
    values = []
    for row, cells in enumerate(body, start=2 if header else 1):
        value = parse_number(cells[column]) if column < len(cells) else None
        if value is None:
            raise InputError(
                f"{path}, row {row}: no wavelength in column {column + 1}. Give a number."
            )
        values.append(value)
    unit = next((unit for cell in header for unit in _units_in(cell)), None)
    units = _column(header, UNIT_KEYS)
    if units is not None and units < len(body[0]):
        unit = body[0][units].strip()
    wavelengths, note = to_nanometres(values, unit)
    fwhm: list[float | None] = [None] * len(body)
    width = _column(header, FWHM_KEYS)
    if width is not None:
        widths = [parse_number(cells[width]) if width < len(cells) else None for cells in body]
        assumed = "um" if max(values) < 100.0 else "nm"
        fwhm, _ = to_nanometres(widths, assumed if note else unit)
    said = f"Wavelengths are those of the table {Path(path).name}."
    return WavelengthTable(tuple(wavelengths), tuple(fwhm), (said, note) if note else (said,))


def _wavelength_column(header: Sequence[str], body: Sequence[Sequence[str]]) -> int:
    named = _column(header, WAVELENGTH_KEYS)
    if named is not None:
        return named
    numeric = [i for i, cell in enumerate(body[0]) if parse_number(cell) is not None]
    first = numeric[0] if numeric else 0
    numbers = [parse_number(cells[first]) if first < len(cells) else None for cells in body]
    counts_bands = len(numeric) > 1 and numbers in (
        [float(n) for n in range(1, len(body) + 1)],
        [float(n) for n in range(len(body))],
    )
    return numeric[1] if counts_bands else first


def _rows(path: str) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as problem:
        raise FileError(
            f"The table of wavelengths {path} cannot be read: {problem.strerror}. Check the path."
        ) from problem
    separator = ";" if text.count(";") > text.count(",") else ("\t" if "\t" in text else ",")
    rows = list(csv.reader(text.splitlines(), delimiter=separator))
    if separator == ";":
        rows = [[cell.replace(",", ".") for cell in row] for row in rows]
    return [row for row in rows if any(cell.strip() for cell in row)]


def _column(header: Sequence[str], keys: Sequence[str]) -> int | None:
    for index, cell in enumerate(header):
        name = re.sub(r"[\s\[(].*$", "", cell)
        if cell in keys or name in keys:
            return index
    return None


def _units_in(cell: str) -> list[str]:
    found = re.search(rf"(?:^|[\s_(\[]){UNIT}(?:$|[\s)\]])", cell, re.IGNORECASE)
    return [found.group(1)] if found else []
