"""Text exports of field spectrometers: one spectrum per file, or a folder of such files.

What ASD, SVC and PSR instruments export differs in its head; the body is always a wavelength and
further numbers on each line. Of several numbers that which is called reflectance counts.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.core.spectral_library import SpectralLibrary, to_reflectance
from gossan.core.wavelength_units import to_nanometres

SUFFIXES = (".txt", ".asc", ".csv", ".sed", ".sig", ".dat")
"""Files of a folder that are read as spectra."""

FEWEST_BANDS = 5
"""A text with fewer lines of numbers is no spectrum."""

_REFLECTANCE = re.compile(r"reflect|refl|tgt\.?/ref|target/ref|\bref\b", re.IGNORECASE)
_RADIANCE = re.compile(r"rad", re.IGNORECASE)


def read_ascii(path: Path) -> SpectralLibrary:
    """Read the text of one spectrum, or all of a folder; see `gossan.core.spectra.read_library`.

    Each spectrum has the name of its file. Where the files of a folder have different wavelengths,
    those that most of them share count, and the others are interpolated, which is noted.
    """
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    else:
        files = [path]
    if not files:
        raise FileError(
            f"{path} holds no spectra: none of its files ends in {', '.join(SUFFIXES)}."
        )
    read, skipped = [], []
    for file in files:
        curve = _read_one(file)
        if curve is None:
            skipped.append(file.name)
        else:
            read.append((file, *curve))
    if not read:
        raise InputError(
            f"{path} is no spectrum: it needs lines of a wavelength and a value. Libraries are "
            "read as .sli, .csv, ECOSTRESS texts and exports of field spectrometers."
        )
    notes = []
    grids = Counter(tuple(x) for _, x, _ in read)
    grid = np.array(grids.most_common(1)[0][0])
    if len(grids) > 1:
        others = len(read) - grids.most_common(1)[0][1]
        notes.append(
            f"{others} of {len(read)} spectra have other wavelengths; they are interpolated to "
            "those that most spectra have."
        )
    if skipped:
        shown = ", ".join(skipped[:5]) + (" and others" if len(skipped) > 5 else "")
        notes.append(f"{len(skipped)} files of {path.name} hold no spectrum: {shown}.")
    converted, note = to_nanometres(list(grid), None if grid.max() < 100.0 else "nm")
    stacked = np.array([_on(grid, x, y) for _, x, y in read])
    spectra, assumed = to_reflectance(stacked, path.name)
    return SpectralLibrary(
        names=tuple(_name(file) for file, _, _ in read),
        spectra=spectra,
        wavelengths=np.array(converted, dtype=np.float64),
        sources=tuple(file.name for file, _, _ in read),
        notes=tuple(notes + [f"{path.name}: {note}"] * bool(note) + assumed),
    )


def _read_one(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Return wavelengths, ascending, and values (bands,); None where the text is no spectrum."""
    head = ""
    body: list[list[float]] = []
    for line in _text(path).splitlines():
        numbers = _numbers(line)
        if numbers is not None and (not body or len(numbers) == len(body[0])):
            body.append(numbers)
        elif not body and line.strip():
            head = line
    if len(body) < FEWEST_BANDS:
        return None
    table = np.array(body)
    values = table[:, _value_column(head, table.shape[1])]
    if "%" in head and table.shape[1] > 2:
        values = values / 100.0
    x, first = np.unique(table[:, 0], return_index=True)
    return x, values[first]


def _numbers(line: str) -> list[float] | None:
    """Return the numbers of a line of two or more, None where it is something else."""
    if "\t" in line or ";" in line:
        cells = [cell.replace(",", ".") for cell in re.split(r"[\t;]", line)]
    else:
        cells = [cell.rstrip(",") for cell in line.split()]
        single = len(cells) == 1
        cells = line.split(",") if single else [cell.replace(",", ".") for cell in cells]
    cells = [cell.strip() for cell in cells if cell.strip()]
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return None
    return numbers if len(numbers) >= 2 else None


def _value_column(head: str, columns: int) -> int:
    """Return which column holds reflectance: the one called so, else the last one."""
    cells = [cell.strip() for cell in re.split(r"[\t;,]|\s{2,}", head.strip()) if cell.strip()]
    if len(cells) == columns:
        for number, cell in enumerate(cells[1:], start=1):
            if _REFLECTANCE.search(cell) and not _RADIANCE.search(cell):
                return number
    return columns - 1


def _on(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if np.array_equal(grid, x):
        return y
    return np.interp(grid, x, y, left=np.nan, right=np.nan)


def _name(path: Path) -> str:
    return path.stem[:-4] if path.stem.lower().endswith(".asd") else path.stem


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
