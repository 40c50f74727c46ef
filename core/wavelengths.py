"""Finding centre wavelengths, widths and bad-band flags wherever a raster's metadata hides them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gossan.core.enmap import read_enmap_metadata
from gossan.core.sensors import SENSORS
from gossan.core.wavelength_table import read_wavelength_table
from gossan.core.wavelength_units import (
    FWHM_KEYS,
    NANOMETRES_PER,
    NUMBER,
    UNIT,
    UNIT_KEYS,
    WAVELENGTH_KEYS,
    parse_list,
    parse_number,
    parse_numbers,
    to_nanometres,
)

if TYPE_CHECKING:
    import rasterio

_IN_TEXT = re.compile(rf"({NUMBER})\s*{UNIT}\b", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"\(({NUMBER})\)\s*$")
_WAVELENGTH_ENDING = re.compile(rf"\s*(?:\({NUMBER}\s*{UNIT}?\)|^{NUMBER}\s*{UNIT})\s*$", re.I)
_SENTINEL_NAME = re.compile(r"^(?:S2[-_ ]?)?B(0?[1-9]|8A|1[0-2])(?:\b|$)", re.IGNORECASE)
_BAD_BAND_KEYS = ("bbl", "bad_band", "bad_bands", "bad_band_multiplier")


@dataclass
class FoundBands:
    """What a raster's metadata say about its bands, one entry per band; nm or None."""

    names: list[str]
    wavelengths: list[float | None]
    fwhm: list[float | None]
    good: list[bool]
    notes: list[str] = field(default_factory=list)


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
        table = read_wavelength_table(csv, count)
        found.wavelengths[:], found.fwhm[:] = table.wavelengths, table.fwhm
        found.notes.extend(table.notes)
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


def _lower_keys(tags: dict[str, str]) -> dict[str, str]:
    return {re.sub(r"[\s_]+", "_", key.strip().lower()): value for key, value in tags.items()}


def _from_lists(found: FoundBands, tags: dict[str, str]) -> None:
    """Take lists with one entry per band, as ENVI headers and EnMAP-Box write them."""
    count = len(found.names)
    unit = _first(tags, UNIT_KEYS)
    if not any(value is not None for value in found.wavelengths):
        values = _list_of(tags, WAVELENGTH_KEYS, count)
        if values is not None:
            found.wavelengths[:], note = to_nanometres(values, unit)
            if note:
                found.notes.append(note)
                unit = "um" if max(values) < 100.0 else "nm"
    if not any(value is not None for value in found.fwhm):
        widths = _list_of(tags, FWHM_KEYS, count)
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
        centre = parse_number(tags.get("CENTRAL_WAVELENGTH_UM"))
        width = parse_number(tags.get("FWHM_UM"))
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
    centres = [_tagged(tags, WAVELENGTH_KEYS) for tags in band_tags]
    widths = [_tagged(tags, FWHM_KEYS) for tags in band_tags]
    units = [_first(tags, UNIT_KEYS) for tags in band_tags]
    unit = next((text for text in units if text), None)
    if unit is None and any(value is not None for value in centres):
        unit = next((u for _, u in map(_split_unit, _texts(band_tags, WAVELENGTH_KEYS)) if u), None)
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
    match = re.fullmatch(rf"\s*({NUMBER})\s*{UNIT}?\s*", text, re.IGNORECASE)
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
        value = parse_number(tags[key]) if key else None
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
