"""Spectral libraries as CSV tables, one spectrum per row or one per column."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from gossan.core.errors import InputError
from gossan.core.files import write_then_rename
from gossan.core.spectral_library import SpectralLibrary, to_reflectance
from gossan.core.wavelength_units import to_nanometres

_WAVELENGTH = re.compile(
    r"^\s*(?:x|wl|wvl|w|wavelength|lambda|r|ref|refl|reflectance|spc)?[\s_.]*"
    r"(\d+(?:[.,]\d+)?)\s*_?(nm|[uµμ]m)?\s*$",
    re.IGNORECASE,
)
_NAME_COLUMNS = ("name", "spectrum", "id", "label", "sample", "title")
_CLASS_COLUMNS = ("class", "material", "category", "type", "level_1")
_SOURCE_COLUMNS = ("source", "origin", "library", "file")
_WAVELENGTH_COLUMN = re.compile(
    r"^(?:wavelengths?|wl|wvl|lambda|nm|[uµμ]m)[\s_]*[(\[]?\s*(nm|nanomet\w+|[uµμ]m|micromet\w+)?"
    r"\s*[)\]]?$",
    re.IGNORECASE,
)
_VALUE_COLUMN = re.compile(
    r"^(?:reflectance|refl|ref|value|intensity|r)[\s_]*[(\[]?\s*(%|percent)?\s*[)\]]?$",
    re.IGNORECASE,
)
_REPLICATE_COLUMNS = ("replicate", "repetition", "rep", "scan", "measurement")


def read_csv_library(path: Path, name_column: str = "") -> SpectralLibrary:
    """Read a table of spectra; see `gossan.core.spectra.read_library`.

    One spectrum per row: a header of wavelengths (``400``, ``X400``, ``400 nm``) after columns of
    text, of which name, class and source are kept. One spectrum per column: the first column
    holds the wavelengths, the header the names; rows called class and source are kept. One value
    per row: columns of name, wavelength and reflectance, and where there is one, of the replicate.
    Numbers without a unit are nanometres; where all are below 100 they are taken as micrometres,
    which is noted.
    """
    rows = _rows(path)
    header = rows[0]
    if sum(bool(_WAVELENGTH.match(cell)) for cell in header[1:]) >= max(1, len(header) // 2):
        library, unit = _by_row(rows, path, name_column)
    elif (columns := _long_columns(header, name_column)) is not None:
        library, unit = _by_value(rows, path, *columns)
    else:
        library, unit = _by_column(rows, path)
    # The table's own convention: numbers without a unit are nanometres, if they can be.
    plain = unit is None and library.wavelengths.max() >= 100.0
    converted, note = to_nanometres(list(library.wavelengths), "nm" if plain else unit)
    spectra, assumed = to_reflectance(library.spectra, path.name)
    return SpectralLibrary(
        names=library.names,
        spectra=spectra,
        wavelengths=np.array(converted, dtype=np.float64),
        classes=library.classes,
        sources=tuple(source or path.name for source in library.sources),
        notes=tuple([f"{path.name}: {note}"] * bool(note) + assumed),
    )


def write_csv_library(path: Path, library: SpectralLibrary) -> None:
    """Write a table with one spectrum per row; see `gossan.core.spectra.write_library`."""
    header = ["name", "class", "source", *(f"{value:.10g}" for value in library.wavelengths)]
    with (
        write_then_rename(path) as part,
        open(part, "w", encoding="utf-8", newline="") as stream,
    ):
        table = csv.writer(stream)
        table.writerow(header)
        for name, kind, source, spectrum in zip(
            library.names, library.classes, library.sources, library.spectra
        ):
            cells = ["" if np.isnan(value) else repr(float(value)) for value in spectrum]
            table.writerow([name, kind, source, *cells])


def _rows(path: Path) -> list[list[str]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(text.splitlines(), delimiter=separator)
        if any(cell.strip() for cell in row)
    ]
    if len(rows) < 2:
        raise InputError(f"{path} has no spectra: it needs a header and at least one row.")
    return rows


def _by_row(
    rows: list[list[str]], path: Path, name_column: str
) -> tuple[SpectralLibrary, str | None]:
    header = rows[0]
    hits = [_WAVELENGTH.match(cell) for cell in header]
    columns = [i for i, hit in enumerate(hits) if hit]
    wavelengths = [float(hit.group(1).replace(",", ".")) for hit in hits if hit]
    unit = next((hit.group(2) for hit in hits if hit and hit.group(2)), None)
    texts = {cell.lower(): i for i, cell in enumerate(header) if i not in columns}
    name = _name_column(texts, name_column, path)
    kind, source = _column(texts, _CLASS_COLUMNS), _column(texts, _SOURCE_COLUMNS)
    spectra = [
        [_value(_cell(row, i), path, f"row {number}") for i in columns]
        for number, row in enumerate(rows[1:], start=2)
    ]
    return (
        SpectralLibrary(
            names=tuple(
                _cell(row, name) or f"spectrum {number}" for number, row in enumerate(rows[1:], 1)
            ),
            spectra=np.array(spectra),
            wavelengths=np.array(wavelengths),
            classes=tuple(_cell(row, kind) for row in rows[1:]),
            sources=tuple(_cell(row, source) for row in rows[1:]),
        ),
        unit,
    )


def _by_column(rows: list[list[str]], path: Path) -> tuple[SpectralLibrary, str | None]:
    header = rows[0]
    labels = {row[0].lower(): row for row in rows[1:] if not _WAVELENGTH.match(row[0])}
    body = [(n, row) for n, row in enumerate(rows[1:], start=2) if _WAVELENGTH.match(row[0])]
    if not body or len(header) < 2:
        raise InputError(
            f"{path} is no table of spectra. Give one spectrum per row under a header of "
            "wavelengths, or one per column with the wavelengths in the first column."
        )
    unit_hit = re.search(r"(nm|[uµμ]m|nanomet\w+|micromet\w+|microns?)", header[0], re.IGNORECASE)
    spectra = [
        [_value(_cell(row, column), path, f"row {number}") for number, row in body]
        for column in range(1, len(header))
    ]
    width = len(header)
    return (
        SpectralLibrary(
            names=tuple(cell or f"spectrum {i}" for i, cell in enumerate(header[1:], 1)),
            spectra=np.array(spectra),
            wavelengths=np.array([float(row[0].replace(",", ".")) for _, row in body]),
            classes=_label_row(labels, _CLASS_COLUMNS, width),
            sources=_label_row(labels, _SOURCE_COLUMNS, width),
        ),
        unit_hit.group(1) if unit_hit else None,
    )


def _long_columns(header: list[str], name_column: str) -> tuple[int, int, str] | None:
    """Return where wavelength and value stand in a table of one value per row, and the name."""
    wavelengths = [i for i, cell in enumerate(header) if _WAVELENGTH_COLUMN.match(cell)]
    values = [i for i, cell in enumerate(header) if _VALUE_COLUMN.match(cell)]
    if len(wavelengths) != 1 or len(values) != 1 or len(header) < 3:
        return None
    return wavelengths[0], values[0], name_column


def _by_value(
    rows: list[list[str]], path: Path, wavelength: int, value: int, name_column: str
) -> tuple[SpectralLibrary, str | None]:
    """Read one value per row; a spectrum begins with its name, or where wavelengths start anew."""
    header = rows[0]
    texts = {cell.lower(): i for i, cell in enumerate(header) if i not in (wavelength, value)}
    name = _name_column(texts, name_column, path)
    replicate = _column(texts, _REPLICATE_COLUMNS)
    found: dict[tuple[str, str, int], dict[float, float]] = {}
    starts: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows[1:], start=2):
        where = f"row {number}"
        place = _value(_cell(row, wavelength), path, where)
        if np.isnan(place):
            raise InputError(
                f"{path}, {where}: the wavelength is missing. Add it or take out the row."
            )
        key = (_cell(row, name), _cell(row, replicate) if replicate is not None else "")
        start = starts.setdefault(key, 0)
        if place in found.get((*key, start), {}):
            start = starts[key] = start + 1
        found.setdefault((*key, start), {})[place] = _value(_cell(row, value), path, where)
    grid = sorted({place for spectrum in found.values() for place in spectrum})
    unit = _WAVELENGTH_COLUMN.match(header[wavelength])
    stated = re.search(r"nm|nano|[uµμ]m|micro", header[wavelength], re.IGNORECASE)
    percent = _VALUE_COLUMN.match(header[value])
    factor = 100.0 if percent is not None and percent.group(1) else 1.0
    return (
        SpectralLibrary(
            names=tuple(
                "_".join(part for part in (sample, again) if part) or "spectrum"
                for sample, again, _ in found
            ),
            spectra=np.array(
                [[spectrum.get(place, np.nan) for place in grid] for spectrum in found.values()]
            )
            / factor,
            wavelengths=np.array(grid),
        ),
        stated.group(0) if unit is not None and stated is not None else None,
    )


def _name_column(texts: dict[str, int], wanted: str, path: Path) -> int | None:
    """Return the column that names the spectra: the wanted one, a usual one, or the first text."""
    if wanted:
        if wanted.lower() not in texts:
            raise InputError(
                f"{path} has no column {wanted!r} beside its spectra; it has "
                f"{', '.join(texts) or 'none'}."
            )
        return texts[wanted.lower()]
    usual = _column(texts, _NAME_COLUMNS)
    return min(texts.values()) if usual is None and texts else usual


def _label_row(labels: dict[str, list[str]], keys: tuple[str, ...], width: int) -> tuple[str, ...]:
    row = next((labels[key] for key in keys if key in labels), None)
    return tuple(_cell(row, i) if row else "" for i in range(1, width))


def _column(texts: dict[str, int], keys: tuple[str, ...]) -> int | None:
    return next((texts[key] for key in keys if key in texts), None)


def _cell(row: list[str], index: int | None) -> str:
    return row[index] if index is not None and index < len(row) else ""


def _value(text: str, path: Path, where: str) -> float:
    if not text or text.lower() in ("nan", "na", "n/a", "null"):
        return float("nan")
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise InputError(
            f"{path}, {where}: {text!r} is not a number. Correct it or leave the cell empty."
        ) from None
    return value if abs(value) < 1e30 else float("nan")
