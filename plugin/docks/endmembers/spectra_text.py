"""Spectra as text: what a project keeps, what a spreadsheet takes, what a library is written from.

Plain Python without Qt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gossan.plugin.docks.endmembers.spectra import Curve, Spectrum, View

DIGITS = 6
"""Significant digits of what a project keeps."""


def library_rows(spectra: Iterable[Spectrum]) -> list[dict[str, Any]]:
    """Return spectra as the job ``spectra.write`` takes them."""
    return [
        {
            "name": spectrum.name,
            "class": spectrum.group,
            "source": spectrum.source,
            "wavelengths": spectrum.axis if spectrum.unit == "nm" else [],
            "fwhm": spectrum.fwhm,
            "reflectance": spectrum.curves["reflectance"],
        }
        for spectrum in spectra
    ]


def table_text(spectra: Sequence[Spectrum], view: View) -> str:
    """Return curves as lines for a spreadsheet: the axis, then a column for each spectrum."""
    if not spectra:
        return ""
    unit = spectra[0].unit
    places = sorted({x for spectrum in spectra for x in spectrum.axis})
    columns = [dict(zip(each.axis, each.curves.get(view.curve) or [])) for each in spectra]
    lines = ["\t".join(["Wavelength (nm)" if unit == "nm" else "Band", *map(_flat, spectra)])]
    for x in places:
        values = (column.get(x) for column in columns)
        lines.append("\t".join([f"{x:g}", *("" if v is None else f"{v:.6g}" for v in values)]))
    return "\n".join(lines) + "\n"


def _flat(spectrum: Spectrum) -> str:
    return " ".join(spectrum.name.split())


def to_text(spectra: Iterable[Spectrum]) -> str:
    """Return kept spectra as text for a project; the treatments are made anew."""
    rows = [
        {
            "name": each.name,
            "class": each.group,
            "colour": each.colour,
            "ticked": each.ticked,
            "axis": [float(f"{value:.8g}") for value in each.axis],
            "unit": each.unit,
            "fwhm": each.fwhm,
            "reflectance": _rounded(each.curves["reflectance"]),
            "deviation": _rounded(each.curves["deviation"]),
            "source": each.source,
            "place": each.place,
            "outline": each.outline,
            "crs": each.crs,
            "pixels": each.pixels,
        }
        for each in spectra
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> list[Spectrum]:
    """Return the spectra of a project, without treatments; none where the text is damaged."""
    try:
        return [_spectrum(row) for row in json.loads(text)]
    except (ValueError, TypeError, KeyError):
        return []


def _spectrum(row: Mapping[str, Any]) -> Spectrum:
    axis, reflectance = [float(x) for x in row["axis"]], list(row["reflectance"])
    if len(axis) != len(reflectance):
        raise ValueError("The numbers of bands differ.")
    return Spectrum(
        name=str(row["name"]),
        group=str(row["class"]),
        colour=str(row["colour"]),
        ticked=bool(row["ticked"]),
        axis=axis,
        unit=str(row["unit"]),
        fwhm=row["fwhm"],
        curves={"reflectance": reflectance, "deviation": list(row["deviation"])},
        source=str(row["source"]),
        place=str(row["place"]),
        outline=[[float(x), float(y)] for x, y in row["outline"]],
        crs=str(row["crs"]),
        pixels=int(row["pixels"]),
    )


def _rounded(curve: Curve) -> Curve:
    return [None if value is None else float(f"{value:.{DIGITS}g}") for value in curve]
