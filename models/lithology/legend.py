"""Names and colours of the classes of a geological map, from wherever a raster may keep them.

GDAL's sidecar ``.aux.xml`` (category names or an attribute table), ESRI's ``.vat.dbf``, the colour
table in the file, and what QGIS shows, handed over by the toolbox.
"""

from __future__ import annotations

import colorsys
import html
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gossan.core.errors import InputError
from gossan.core.raster import Raster

COLOURS = (
    "#c4501b", "#2f7fd1", "#2f9e58", "#f0b429", "#8a4fb0", "#20a6a6", "#d1477d", "#7d6b4f",
    "#5a6b7d", "#94b83d",
)  # fmt: skip
"""Colours of classes that have none of their own; further ones are spread over the hues."""

_NAME_USAGE, _VALUE_USAGES, _COLOUR_USAGES = 2, (5, 3), (6, 7, 8)
_VALUE_NAMES = ("value", "code", "class", "pixel value")
_NAME_NAMES = ("name", "unit", "class_name", "classname", "label", "lithology", "class", "category")


@dataclass(frozen=True)
class Legend:
    """What is known of the classes of a raster.

    Parameters
    ----------
    names : mapping of int to str
        Name of each class value.
    colours : mapping of int to str
        ``#rrggbb`` of each class value.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, str] = field(default_factory=dict)

    def over(self, other: Legend) -> Legend:
        """Return this legend, completed by another one where it says nothing."""
        return Legend({**other.names, **self.names}, {**other.colours, **self.colours})


def legend_of_raster(raster: Raster, column: str = "") -> Legend:
    """Return the legend that a raster brings along.

    Parameters
    ----------
    raster : Raster
    column : str
        Column of the attribute table with the names; found by its use or name when empty.

    Raises
    ------
    InputError
        When the attribute table has no such column, or there is no table though one is named.
    """
    legend = Legend(raster.info.categories, _colour_table(raster))
    table = _sidecar_table(raster.info.path) or _vat_table(raster.info.path)
    if table is not None:
        legend = _legend_of_table(*table, column, raster.info.path).over(legend)
    elif column:
        raise InputError(
            f"{raster.info.path} has no attribute table, so it has no column {column!r}."
        )
    return legend.over(Legend(_sidecar_categories(raster.info.path)))


def legend_of_entries(entries: Iterable[Mapping[str, Any]]) -> tuple[Legend, dict[str, str]]:
    """Return what QGIS shows of a map: a legend by value, and colours by name.

    Parameters
    ----------
    entries : iterable of mapping
        Each with ``name`` and ``colour``, and ``value`` for the class of a raster.
    """
    names: dict[int, str] = {}
    colours: dict[int, str] = {}
    by_name: dict[str, str] = {}
    for entry in entries:
        name, colour = str(entry.get("name") or ""), str(entry.get("colour") or "")
        if "value" in entry:
            value = int(entry["value"])
            # QGIS shows the number of a class that has no name.
            if name and name != str(value):
                names[value] = name
            if colour:
                colours[value] = colour
        elif name and colour:
            by_name[name] = colour
    return Legend(names, colours), by_name


def colour_of(index: int) -> str:
    """Return the colour of the class of that number (from 0) that has none of its own."""
    if index < len(COLOURS):
        return COLOURS[index]
    # The golden ratio spreads any number of hues.
    red, green, blue = colorsys.hls_to_rgb((0.61803 * index) % 1.0, 0.35 + 0.1 * (index % 4), 0.55)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def is_colour(text: str) -> bool:
    """Tell whether a text is ``#rrggbb``."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def _colour_table(raster: Raster) -> dict[int, str]:
    try:
        table = raster.dataset.colormap(1)
    except (ValueError, AttributeError):
        return {}
    return {
        int(value): f"#{red:02x}{green:02x}{blue:02x}"
        for value, (red, green, blue, opacity) in table.items()
        # GDAL fills the table up with black, and nodata is transparent.
        if opacity and (red or green or blue)
    }


def _sidecar_text(path: str) -> str:
    sidecar = Path(f"{path}.aux.xml")
    # Only elements without nesting are read, so that no XML parser has to trust the file.
    return sidecar.read_text(encoding="utf-8", errors="replace") if sidecar.is_file() else ""


def _sidecar_categories(path: str) -> dict[int, str]:
    listed = re.search(r"<CategoryNames>(.*?)</CategoryNames>", _sidecar_text(path), re.DOTALL)
    if not listed:
        return {}
    names = re.findall(r"<Category\s*/>|<Category>(.*?)</Category>", listed.group(1), re.DOTALL)
    return {value: html.unescape(name) for value, name in enumerate(names) if name.strip()}


_Table = tuple[list[tuple[str, int]], list[list[str]]]
"""Columns as name and use (of GDAL's list, 0 for any), and rows of texts."""


def _sidecar_table(path: str) -> _Table | None:
    found = re.search(
        r"<GDALRasterAttributeTable.*?>(.*?)</GDALRasterAttributeTable>",
        _sidecar_text(path),
        re.DOTALL,
    )
    if not found:
        return None
    columns = []
    for definition in re.findall(r"<FieldDefn.*?>(.*?)</FieldDefn>", found.group(1), re.DOTALL):
        name = re.search(r"<Name>(.*?)</Name>", definition)
        usage = re.search(r"<Usage.*?>(\d+)</Usage>", definition)
        columns.append(
            (html.unescape(name.group(1)) if name else "", int(usage.group(1)) if usage else 0)
        )
    rows = [
        [html.unescape(text) for text in re.findall(r"<F>(.*?)</F>|<F\s*/>", row, re.DOTALL)]
        for row in re.findall(r"<Row.*?>(.*?)</Row>", found.group(1), re.DOTALL)
    ]
    return columns, [row for row in rows if len(row) == len(columns)]


def _vat_table(path: str) -> _Table | None:
    """Read ESRI's attribute table, a dBASE file; None where there is none or it is damaged."""
    for name in (f"{path}.vat.dbf", str(Path(path).with_suffix(".vat.dbf"))):
        if Path(name).is_file():
            content = Path(name).read_bytes()
            break
    else:
        return None
    if len(content) < 32:
        return None
    count, head, length = struct.unpack("<IHH", content[4:12])
    columns: list[tuple[str, int]] = []
    widths: list[int] = []
    for start in range(32, min(head, len(content)) - 32, 32):
        if content[start] == 0x0D:
            break
        title = content[start : start + 11].split(b"\0")[0].decode("latin-1")
        columns.append((title, 0))
        widths.append(content[start + 16])
    if not columns or sum(widths) + 1 > length:
        return None
    rows = []
    for number in range(count):
        record = content[head + number * length : head + (number + 1) * length]
        if len(record) < length or record[:1] == b"*":
            continue
        cells, place = [], 1
        for width in widths:
            raw = record[place : place + width]
            try:
                cells.append(raw.decode("utf-8").strip())
            except UnicodeDecodeError:
                cells.append(raw.decode("latin-1").strip())
            place += width
        rows.append(cells)
    return columns, rows


def _legend_of_table(
    columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]], column: str, path: str
) -> Legend:
    titles = [name for name, _ in columns]
    lowered = [title.lower() for title in titles]
    uses = [use for _, use in columns]
    value = _column(lowered, uses, _VALUE_NAMES, _VALUE_USAGES)
    if column:
        if column not in titles:
            raise InputError(
                f"The attribute table of {path} has no column {column!r}; its columns are "
                f"{', '.join(titles)}."
            )
        name: int | None = titles.index(column)
    else:
        name = _column(lowered, uses, _NAME_NAMES, (_NAME_USAGE,))
        if name is None:
            name = _first_text(rows, len(columns), value)
    channels = [_column(lowered, uses, (title,), (use,)) for title, use in zip(
        ("red", "green", "blue"), _COLOUR_USAGES
    )]  # fmt: skip
    names: dict[int, str] = {}
    colours: dict[int, str] = {}
    for number, row in enumerate(rows):
        key = _whole(row[value]) if value is not None else number
        if key is None:
            continue
        if name is not None and row[name].strip():
            names[key] = row[name].strip()
        levels = [_whole(row[channel]) for channel in channels if channel is not None]
        if len(levels) == 3 and all(level is not None and 0 <= level <= 255 for level in levels):
            colours[key] = "#" + "".join(f"{level:02x}" for level in levels)
    return Legend(names, colours)


def _column(
    titles: Sequence[str], uses: Sequence[int], names: Sequence[str], usages: Sequence[int]
) -> int | None:
    for usage in usages:
        if usage in uses:
            return uses.index(usage)
    for name in names:
        if name in titles:
            return titles.index(name)
    return None


def _first_text(rows: Sequence[Sequence[str]], columns: int, value: int | None) -> int | None:
    for index in range(columns):
        texts = [row[index] for row in rows if row[index].strip()]
        if index != value and texts and any(_whole(text) is None for text in texts):
            return index
    return None


def _whole(text: str) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number == int(number) else None
