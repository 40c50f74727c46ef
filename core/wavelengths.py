"""Finding centre wavelengths, widths and bad-band flags wherever a raster's metadata hides them."""

from __future__ import annotations

import csv as csv_reader
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gossan.core.enmap import read_enmap_metadata
from gossan.core.errors import FileError, InputError
from gossan.core.sensors import SENSORS

if TYPE_CHECKING:
    import rasterio

NANOMETRES_PER = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometers": 1.0,
    "nanometre": 1.0,
    "nanometres": 1.0,
    "um": 1000.0,
    "µm": 1000.0,
    "μm": 1000.0,
    "micron": 1000.0,
    "microns": 1000.0,
    "micrometer": 1000.0,
    "micrometers": 1000.0,
    "micrometre": 1000.0,
    "micrometres": 1000.0,
    "m": 1e9,
    "meters": 1e9,
    "cm": 1e7,
    "mm": 1e6,
    "angstrom": 0.1,
    "angstroms": 0.1,
}

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"(nm|nanomet(?:er|re)s?|[uµμ]m|microns?|micromet(?:er|re)s?)"
_IN_TEXT = re.compile(rf"({_NUMBER})\s*{_UNIT}\b", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"\(({_NUMBER})\)\s*$")
_WAVELENGTH_ENDING = re.compile(rf"\s*(?:\({_NUMBER}\s*{_UNIT}?\)|^{_NUMBER}\s*{_UNIT})\s*$", re.I)
_SENTINEL_NAME = re.compile(r"^(?:S2[-_ ]?)?B(0?[1-9]|8A|1[0-2])(?:\b|$)", re.IGNORECASE)
_WAVELENGTH_KEYS = (
    "wavelength",
    "wavelengths",
    "central_wavelength",
    "center_wavelength",
    "centre_wavelength",
    "wavelength_nm",
    "center",
)
_UNIT_KEYS = (
    "wavelength_units",
    "wavelength_unit",
    "wavelengths_units",
)
_FWHM_KEYS = ("fwhm", "fwhms", "bandwidth", "band_width", "fwhm_nm")
_BAD_BAND_KEYS = ("bbl", "bad_band", "bad_bands", "bad_band_multiplier")


@dataclass
class FoundBands:
    """What a raster's metadata say about its bands, one entry per band; nm or None."""

    names: list[str]
    wavelengths: list[float | None]
    fwhm: list[float | None]
    good: list[bool]
    notes: list[str] = field(default_factory=list)


def to_nanometres(
    values: Sequence[float | None], unit: str | None
) -> tuple[list[float | None], str | None]:
    """Convert wavelengths to nm.

    Parameters
    ----------
    values : sequence of float or None
        Wavelengths in ``unit``.
    unit : str or None
        Name of the unit in any spelling; None, empty or "Unknown" means that the file is silent.

    Returns
    -------
    values : list of float or None
        Wavelengths, nm.
    note : str or None
        What was assumed, where the unit is not known.
    """
    factor = NANOMETRES_PER.get((unit or "").strip().lower().rstrip("."))
    note = None
    if factor is None:
        known = [value for value in values if value is not None]
        # No sensor of reflected light has a band beyond 100 um or below 100 nm.
        factor = 1000.0 if known and max(known) < 100.0 else 1.0
        name = "micrometres" if factor == 1000.0 else "nanometres"
        note = (
            f"The unit of the wavelengths is not given ({unit or 'no unit'}); from their values "
            f"they are taken as {name}."
        )
    return [None if value is None else value * factor for value in values], note


def parse_list(text: str) -> list[str]:
    """Split an ENVI list ``{a, b, c}``, or a plain one with commas or blanks, into its items."""
    body = text.strip()
    if body.startswith("{"):
        body = body[1:]
    if body.endswith("}"):
        body = body[:-1]
    separator = "," if "," in body else (";" if ";" in body else None)
    return [item.strip() for item in body.split(separator) if item.strip()]


def parse_numbers(text: str) -> list[float] | None:
    """Return the numbers of an ENVI list, or None when an item is not a number."""
    try:
        return [float(item) for item in parse_list(text)]
    except ValueError:
        return None


def read_wavelengths(dataset: rasterio.DatasetReader, csv: str | None = None) -> FoundBands:
    """Collect names, wavelengths, widths and bad-band flags of an open raster.

    In this order: the user's table, the ENVI header, the IMAGERY domain of each band, tags of
    each band, lists in the tags of the file, and what the band descriptions say.

    Raises
    ------
    InputError
        When the table does not fit the raster.
    FileError
        When the table cannot be read.
    """
    count = dataset.count
    found = FoundBands(
        names=[text.strip() if text else "" for text in dataset.descriptions],
        wavelengths=[None] * count,
        fwhm=[None] * count,
        good=[True] * count,
    )
    header = _lower_keys(dataset.tags(ns="ENVI"))
    file_tags = _lower_keys(dataset.tags())
    band_tags = [_lower_keys(dataset.tags(index)) for index in range(1, count + 1)]
    if csv:
        _from_table(found, csv)
    else:
        for source in (header, file_tags):
            _from_lists(found, source)
        _from_enmap(found, dataset.name)
        _from_imagery(found, [dataset.tags(i, ns="IMAGERY") for i in range(1, count + 1)])
        _from_band_tags(found, band_tags)
        _from_names(found)
    _bad_bands(found, header, file_tags, band_tags)
    _name_bands(found, header, Path(dataset.name).stem)
    return found


def read_wavelength_table(path: str) -> FoundBands:
    """Read a CSV of wavelengths that belongs to no raster.

    Parameters
    ----------
    path : str
        One row per band (or one row of numbers): wavelength, and if there, width and unit.

    Raises
    ------
    InputError
        When it holds no wavelengths.
    FileError
        When it cannot be read.
    """
    rows = _table_rows(path)
    if not rows:
        raise InputError(f"{path} holds no wavelengths. Give one row per band.")
    has_header = any(cell.strip() and _number(cell) is None for cell in rows[0])
    count = len(rows) - has_header
    if len(rows) == 1 and not has_header:
        count = len(rows[0])
    found = FoundBands([""] * count, [None] * count, [None] * count, [True] * count)
    _from_table(found, path)
    return found


def _lower_keys(tags: dict[str, str]) -> dict[str, str]:
    return {re.sub(r"[\s_]+", "_", key.strip().lower()): value for key, value in tags.items()}


def _from_lists(found: FoundBands, tags: dict[str, str]) -> None:
    """Take lists with one entry per band, as ENVI headers and EnMAP-Box write them."""
    count = len(found.names)
    unit = _first(tags, _UNIT_KEYS)
    if not any(value is not None for value in found.wavelengths):
        values = _list_of(tags, _WAVELENGTH_KEYS, count)
        if values is not None:
            found.wavelengths[:], note = to_nanometres(values, unit)
            if note:
                found.notes.append(note)
                unit = "um" if max(values) < 100.0 else "nm"
    if not any(value is not None for value in found.fwhm):
        widths = _list_of(tags, _FWHM_KEYS, count)
        if widths is not None:
            scale_unit = unit or ("um" if max(widths) < 1.0 else "nm")
            found.fwhm[:], _ = to_nanometres(widths, scale_unit)


def _list_of(tags: dict[str, str], keys: Sequence[str], count: int) -> list[float] | None:
    text = _first(tags, keys)
    if text is None:
        return None
    values = parse_numbers(text)
    return values if values is not None and len(values) == count else None


def _from_imagery(found: FoundBands, imagery: Sequence[dict[str, str]]) -> None:
    """Take GDAL's own domain, which is in micrometres by its definition."""
    for index, tags in enumerate(imagery):
        centre = _number(tags.get("CENTRAL_WAVELENGTH_UM"))
        width = _number(tags.get("FWHM_UM"))
        if found.wavelengths[index] is None and centre is not None:
            found.wavelengths[index] = centre * 1000.0
        if found.fwhm[index] is None and width is not None:
            found.fwhm[index] = width * 1000.0


def _from_enmap(found: FoundBands, path: str) -> None:
    enmap = read_enmap_metadata(path, len(found.names))
    if enmap and all(value is None for value in found.wavelengths):
        found.wavelengths[:], found.fwhm[:] = enmap.wavelengths, enmap.fwhm


def _from_band_tags(found: FoundBands, band_tags: Sequence[dict[str, str]]) -> None:
    """Take single numbers in the tags of each band."""
    centres = [_tagged(tags, _WAVELENGTH_KEYS) for tags in band_tags]
    widths = [_tagged(tags, _FWHM_KEYS) for tags in band_tags]
    units = [_first(tags, _UNIT_KEYS) for tags in band_tags]
    unit = next((text for text in units if text), None)
    if unit is None and any(value is not None for value in centres):
        unit = next(
            (u for _, u in map(_split_unit, _texts(band_tags, _WAVELENGTH_KEYS)) if u), None
        )
    missing = all(value is None for value in found.wavelengths)
    if missing and any(value is not None for value in centres):
        found.wavelengths[:], note = to_nanometres(centres, unit)
        if note:
            found.notes.append(note)
            known = [value for value in centres if value is not None]
            unit = "um" if max(known) < 100.0 else "nm"
    if all(value is None for value in found.fwhm) and any(value is not None for value in widths):
        known = [value for value in widths if value is not None]
        found.fwhm[:], _ = to_nanometres(widths, unit or ("um" if max(known) < 1.0 else "nm"))


def _texts(band_tags: Sequence[dict[str, str]], keys: Sequence[str]) -> list[str]:
    return [text for tags in band_tags if (text := _first(tags, keys)) is not None]


def _tagged(tags: dict[str, str], keys: Sequence[str]) -> float | None:
    text = _first(tags, keys)
    return None if text is None else _split_unit(text)[0]


def _split_unit(text: str) -> tuple[float | None, str | None]:
    match = re.fullmatch(rf"\s*({_NUMBER})\s*{_UNIT}?\s*", text, re.IGNORECASE)
    return (float(match.group(1)), match.group(2)) if match else (None, None)


def _from_names(found: FoundBands) -> None:
    """Read wavelengths out of band descriptions, and known band names of satellites."""
    if any(value is not None for value in found.wavelengths):
        return
    in_text = [_IN_TEXT.search(name) for name in found.names]
    if all(in_text):
        for index, hit in enumerate(in_text):
            if hit:
                found.wavelengths[index] = (
                    float(hit.group(1)) * NANOMETRES_PER[hit.group(2).lower()]
                )
        return
    in_brackets = [_IN_BRACKETS.search(name) for name in found.names]
    if all(in_brackets) and len(in_brackets) > 1:
        values: list[float | None] = [float(hit.group(1)) for hit in in_brackets if hit]
        found.wavelengths[:], note = to_nanometres(values, None)
        found.notes.append(f"Wavelengths are read from the band names. {note or ''}".strip())
        return
    named = [_SENTINEL_NAME.match(name) for name in found.names]
    # B1 to B7 are also Landsat's; only names that no other satellite has settle the question.
    zero_padded = any(
        hit and (hit.group(1)[0] == "0" or hit.group(1).upper() == "8A") for hit in named
    )
    if all(named) and zero_padded:
        sensor = SENSORS["sentinel-2"]
        for index, hit in enumerate(named):
            if hit:
                key = "B" + hit.group(1).upper().lstrip("0")
                found.wavelengths[index], found.fwhm[index] = sensor[key]
        found.notes.append("The band names are those of Sentinel-2; its wavelengths are used.")


def _from_table(found: FoundBands, path: str) -> None:
    """Take a CSV with a wavelength per band and optionally width, flag and name."""
    count = len(found.names)
    rows = _table_rows(path)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    has_header = bool(rows) and any(cell and _number(cell) is None for cell in header)
    body = rows[1:] if has_header else rows
    if len(body) == 1 and len(body[0]) == count and count > 1:
        body = [[cell] for cell in body[0]]
        header, has_header = ["wavelength"], True
    if len(body) != count:
        raise InputError(
            f"{path} has {len(body)} rows of wavelengths and the raster has {count} bands. "
            "Give one row per band, in the raster's order."
        )
    column = _column(header, _WAVELENGTH_KEYS) if has_header else 0
    if column is None:
        column = next((i for i, cell in enumerate(body[0]) if _number(cell) is not None), 0)
    values = []
    for row, cells in enumerate(body, start=2 if has_header else 1):
        value = _number(cells[column]) if column < len(cells) else None
        if value is None:
            raise InputError(
                f"{path}, row {row}: no wavelength in column {column + 1}. Give a number."
            )
        values.append(value)
    unit = next((u for cell in header for u in _units_in(cell)), None) if has_header else None
    if has_header and _column(header, _UNIT_KEYS) is not None:
        unit = body[0][_column(header, _UNIT_KEYS) or 0]
    found.wavelengths[:], note = to_nanometres(values, unit)
    if note:
        found.notes.append(note)
        unit = "um" if max(values) < 100.0 else "nm"
    width = _column(header, _FWHM_KEYS) if has_header else None
    if width is not None:
        widths = [_number(cells[width]) if width < len(cells) else None for cells in body]
        found.fwhm[:], _ = to_nanometres(widths, unit)
    found.notes.append(f"Wavelengths are those of the table {Path(path).name}.")


def _table_rows(path: str) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as problem:
        raise FileError(
            f"The table of wavelengths {path} cannot be read: {problem.strerror}. Check the path."
        ) from problem
    separator = ";" if text.count(";") > text.count(",") else ("\t" if "\t" in text else ",")
    rows = list(csv_reader.reader(text.splitlines(), delimiter=separator))
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
    found = re.search(rf"(?:^|[\s_(\[]){_UNIT}(?:$|[\s)\]])", cell, re.IGNORECASE)
    return [found.group(1)] if found else []


def _bad_bands(
    found: FoundBands,
    header: dict[str, str],
    file_tags: dict[str, str],
    band_tags: Sequence[dict[str, str]],
) -> None:
    for tags in (header, file_tags):
        flags = _list_of(tags, _BAD_BAND_KEYS, len(found.names))
        if flags is not None:
            found.good[:] = [flag != 0 for flag in flags]
            return
    for index, tags in enumerate(band_tags):
        key = next((key for key in _BAD_BAND_KEYS if key in tags), None)
        value = _number(tags[key]) if key else None
        if key and value is not None:
            # "bad_band = 1" rejects; a multiplier of 0, as in a bbl, rejects too.
            found.good[index] = (
                value == 0 if key.startswith("bad_band") and "multiplier" not in key else value != 0
            )


def _name_bands(found: FoundBands, header: dict[str, str], stem: str) -> None:
    """Give every band a name, and no two the same one.

    A band without name and wavelength is named after its file: a bare "band 3" would match any
    other file's third band, which is matching by position in disguise.
    """
    count = len(found.names)
    given = parse_list(header.get("band_names", ""))
    for index, description in enumerate(found.names):
        name = given[index] if len(given) == count else description
        name = _WAVELENGTH_ENDING.sub("", name).strip()
        if not name:
            number = f"band {index + 1}"
            bare = stem if count == 1 else f"{stem} {number}"
            name = number if found.wavelengths[index] is not None else bare
        found.names[index] = name
    seen: dict[str, int] = {}
    for index, name in enumerate(found.names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            found.names[index] = f"{name} [{index + 1}]"


def _first(tags: dict[str, str], keys: Sequence[str]) -> str | None:
    return next((tags[key] for key in keys if tags.get(key)), None)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
