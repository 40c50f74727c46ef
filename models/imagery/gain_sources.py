"""Gains and offsets from tables and ENVI headers, of reflectance or of radiance."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gossan.core.bands import canonical_name
from gossan.core.errors import InputError
from gossan.core.landsat_mtl import Rescaling
from gossan.core.raster import RasterInfo, open_raster
from gossan.core.tables import read_table
from gossan.core.wavelength_units import parse_numbers
from gossan.models.imagery.calibrated_bands import CalibratedBand, all_bands
from gossan.models.imagery.landsat_reflectance import (
    earth_sun_distance,
    radiance_factor,
    sine_of_sun,
)
from gossan.models.imagery.scene import BandSource, parse_date

QUANTITIES = ("automatic", "reflectance", "radiance")
"""What stored number x gain + offset is; ``automatic`` as header or table say, else reflectance."""

_COLUMNS = {
    "band": ("band", "name", "bands"),
    "gain": ("gain", "scale", "mult", "multiplier"),
    "offset": ("offset", "bias", "add"),
    "irradiance": ("irradiance", "solar_irradiance", "esun", "e0"),
    "quantity": ("quantity", "unit_of", "kind"),
}


@dataclass(frozen=True)
class Illumination:
    """How the sun stood, as far as it is known.

    Parameters
    ----------
    sun_elevation : float or None
        Degrees.
    date : datetime.date or None
        Day of the image, for the distance of the sun.
    """

    sun_elevation: float | None = None
    date: datetime.date | None = None


def from_table(
    rasters: Sequence[str], path: str, quantity: str, light: Illumination
) -> list[CalibratedBand]:
    """Return the bands of images by a table of gains and offsets.

    Parameters
    ----------
    rasters : sequence of str
    path : str
        CSV with the columns band (name, or number from 1), gain, offset, and where it gives
        radiance irradiance (W/(m2 um)); a column quantity says ``radiance`` or ``reflectance``.
    quantity : str
        One of `QUANTITIES`; ``automatic`` by the columns: radiance where there is an irradiance.
    light : Illumination

    Raises
    ------
    InputError
        When a column, a band or what radiance needs is missing.
    """
    header, rows = read_table(path)
    columns = {
        kind: next((header.index(h) for h in header if h.strip().lower() in names), None)
        for kind, names in _COLUMNS.items()
    }
    for kind in ("band", "gain"):
        if columns[kind] is None:
            raise InputError(
                f"{path} has no column {kind}; its columns are {', '.join(header)}. Name them "
                "band, gain, offset and, for radiance, irradiance."
            )
    entries: dict[str, tuple[Rescaling, float | None, str]] = {}
    for number, row in enumerate(rows, start=1):
        cells = {kind: row[c].strip() if c is not None else "" for kind, c in columns.items()}
        what = f"Row {number} of {path}"
        irradiance = _cell(cells["irradiance"], f"{what}: the irradiance")
        own = cells["quantity"].lower() or quantity
        if own == "automatic":
            own = "radiance" if irradiance is not None else "reflectance"
        if own not in QUANTITIES:
            raise InputError(f"{what}: {own!r} is neither radiance nor reflectance.")
        gain = _cell(cells["gain"], f"{what}: the gain")
        if gain is None:
            raise InputError(f"{what} has no gain.")
        offset = _cell(cells["offset"], f"{what}: the offset") or 0.0
        entries[canonical_name(cells["band"])] = Rescaling(gain, offset), irradiance, own
    bands: list[CalibratedBand] = []
    for name, (raster, band) in all_bands(rasters).items():
        found = [key for key in (canonical_name(name), str(len(bands) + 1)) if key in entries]
        if not found:
            raise InputError(
                f"{path} has no row for the band {name} (number {len(bands) + 1}). Add it."
            )
        scaled, irradiance, own = entries[found[0]]
        if own == "radiance":
            scaled = _to_reflectance(scaled, irradiance, light, f"{path}, band {name}", "")
        source = BandSource(raster, band.index, scaled.gain, scaled.offset)
        bands.append(CalibratedBand(replace(band, index=len(bands)), source, Path(path).name))
    return bands


def from_header(
    rasters: Sequence[str], quantity: str, light: Illumination
) -> list[CalibratedBand] | None:
    """Return the bands of ENVI images by the gains in their headers; None where one has none.

    ``data reflectance gain values`` lead to reflectance; ``data gain values`` to radiance in
    W/(m2 sr um), which needs ``solar irradiance`` (W/(m2 um)), the sun's elevation and the day.

    Raises
    ------
    InputError
        When radiance lacks what it needs.
    """
    bands: list[CalibratedBand] = []
    for path in rasters:
        with open_raster(path) as raster:
            info = raster.info
            tags = {key.lower().replace(" ", "_"): v for key, v in
                    raster.dataset.tags(ns="ENVI").items()}  # fmt: skip
        listed = {
            kind: (_list(tags, f"data_{kind}gain_values", info),
                   _list(tags, f"data_{kind}offset_values", info))
            for kind in ("reflectance_", "")
        }  # fmt: skip
        kind = "" if quantity == "radiance" or listed["reflectance_"][0] is None else "reflectance_"
        gains, offsets = listed[kind]
        if gains is None:
            return None
        irradiances = _list(tags, "solar_irradiance", info)
        here = Illumination(
            light.sun_elevation if light.sun_elevation is not None else _single(tags, path),
            light.date or _acquired(tags, path),
        )
        radiance = not kind and quantity != "reflectance"
        for band in info.bands:
            offset = 0.0 if offsets is None else offsets[band.index]
            scaled = Rescaling(gains[band.index], offset)
            if radiance:
                irradiance = None if irradiances is None else irradiances[band.index]
                scaled = _to_reflectance(
                    scaled, irradiance, here, f"{path}, band {band.name}", " in the header"
                )
            source = BandSource(path, band.index, scaled.gain, scaled.offset)
            told = f"{'reflectance' if kind else 'radiance'} gains in the header"
            bands.append(CalibratedBand(replace(band, index=len(bands)), source, told))
    return bands


def _to_reflectance(
    radiance: Rescaling, irradiance: float | None, light: Illumination, what: str, where: str
) -> Rescaling:
    """Return the rescaling to reflectance above the air of one to radiance."""
    if irradiance is None or irradiance <= 0:
        raise InputError(
            f"{what}: radiance needs the solar irradiance (W/(m2 um)){where}. Add it, or give "
            "gains that lead to reflectance."
        )
    if light.date is None:
        raise InputError(f"{what}: radiance needs the day of the image, for the sun's distance.")
    factor = radiance_factor(
        irradiance, earth_sun_distance(light.date), sine_of_sun(light.sun_elevation, what)
    )
    return Rescaling(radiance.gain * factor, radiance.offset * factor)


def _list(tags: Mapping[str, str], key: str, info: RasterInfo) -> list[float] | None:
    if key not in tags:
        return None
    values = parse_numbers(tags[key])
    if values is None or len(values) != info.count:
        raise InputError(
            f"{info.path}: the header's {key.replace('_', ' ')} are not {info.count} numbers, one "
            "per band. Correct the header."
        )
    return values


def _single(tags: Mapping[str, str], path: str) -> float | None:
    return _cell(tags.get("sun_elevation", ""), f"{path}: the header's sun elevation")


def _acquired(tags: Mapping[str, str], path: str) -> datetime.date | None:
    return parse_date(tags.get("acquisition_time", ""), f"{path}: the header's acquisition time")


def _cell(text: str, what: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        raise InputError(f"{what} is {text!r}, which is no number.") from None
    if not math.isfinite(value):
        raise InputError(f"{what} is {text!r}, which is no finite number.")
    return value
