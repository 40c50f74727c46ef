"""What numbers of an image mean: gains and offsets from metadata, headers and tables."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gossan.core.bands import Band, canonical_name
from gossan.core.errors import InputError
from gossan.core.landsat_mtl import LandsatScene, Rescaling, find_mtl_files, read_mtl
from gossan.core.raster import RasterInfo, open_raster
from gossan.core.sensors import SENSORS
from gossan.core.tables import read_table
from gossan.core.wavelength_units import parse_numbers
from gossan.models.imagery.landsat_reflectance import (
    earth_sun_distance,
    radiance_factor,
    reflectance_rescaling,
    sine_of_sun,
)
from gossan.models.imagery.scene import BandSource, parse_date
from gossan.models.imagery.scene_files import BAND_FILE, ScaleOptions, file_stem, scenes_from_files

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


@dataclass(frozen=True)
class CalibratedBand:
    """A band, and how its numbers become reflectance.

    Parameters
    ----------
    band : Band
    source : BandSource
        Reflectance = stored number x gain + shift.
    told_by : str
        Where gain and shift come from, for people.
    zero_is_missing : bool
        Whether a stored 0 is no measurement, as in products of Landsat and Sentinel-2.
    """

    band: Band
    source: BandSource
    told_by: str
    zero_is_missing: bool = False


def from_landsat(rasters: Sequence[str], metadata: LandsatScene) -> list[CalibratedBand]:
    """Return the bands of a Landsat scene by its metadata.

    Parameters
    ----------
    rasters : sequence of str
        Files of single bands, or rasters whose bands are named ``B4``; empty for all files beside
        the metadata that have the pixels of the first reflective band.
    metadata : LandsatScene

    Raises
    ------
    InputError
        When a band cannot be told or has no rescaling to reflectance.
    """
    found = _files_of_bands(rasters) if rasters else _files_beside(metadata)
    key = metadata.spacecraft.lower().replace("_", "-")
    known = SENSORS.get(key, {})
    told = f"{Path(metadata.path).name}, {'level 2' if metadata.is_surface else 'level 1'}"
    bands: list[CalibratedBand] = []
    for name, (path, index) in found.items():
        scaled = reflectance_rescaling(metadata, name)
        centre, width = known.get(metadata.band(name).name, (None, None))
        band = Band(len(bands), metadata.band(name).name, centre, width)
        source = BandSource(path, index, scaled.gain, scaled.offset)
        bands.append(CalibratedBand(band, source, told, zero_is_missing=True))
    return bands


def _files_of_bands(rasters: Sequence[str]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for path in rasters:
        match = BAND_FILE.match(file_stem(path))
        with open_raster(path) as raster:
            info = raster.info
        if match and info.count == 1:
            found[canonical_name(match["band"]).upper()] = path, 0
            continue
        for band in info.bands:
            name = canonical_name(band.name).upper()
            if not re.fullmatch(r"B\d{1,2}", name):
                raise InputError(
                    f"{path}: which band of Landsat {band.name!r} is, neither its name nor the "
                    "file's tells. Name it B1, B2 and so on."
                )
            found[name] = path, band.index
    return found


def _files_beside(metadata: LandsatScene) -> dict[str, tuple[str, int]]:
    """Return the files of all reflective bands that have the pixels of the first one."""
    found: dict[str, tuple[str, int]] = {}
    shape = None
    for band in metadata.bands:
        path = metadata.band_path(band.name)
        reflects = band.reflectance or (band.radiance and band.thermal_constants is None)
        if path is None or not reflects or _is_thermal(metadata, band.name):
            continue
        with open_raster(path) as raster:
            own = raster.info.height, raster.info.width
        shape = shape or own
        if own == shape:
            found[band.name] = str(path), 0
    if not found:
        raise InputError(
            f"None of the files that {metadata.path} lists lies beside it. Choose the rasters of "
            "the bands."
        )
    return found


def _is_thermal(metadata: LandsatScene, name: str) -> bool:
    known = SENSORS.get(metadata.spacecraft.lower().replace("_", "-"), {})
    return known.get(name, (0.0, 0.0))[0] > 5000.0 or name.startswith("ST")


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
    for name, (raster, band) in _all_bands(rasters).items():
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


def from_scale(
    rasters: Sequence[str], scale: float | None, offset: float | None
) -> list[CalibratedBand]:
    """Return the bands of images by one scale and offset for all."""
    scaled = Rescaling(1.0 if scale is None else scale, offset or 0.0)
    return [
        CalibratedBand(
            replace(band, index=number),
            BandSource(path, band.index, scaled.gain, scaled.offset),
            "scale and offset as given",
        )
        for number, (path, band) in enumerate(_all_bands(rasters).values())
    ]


def from_products(rasters: Sequence[str]) -> tuple[list[CalibratedBand], tuple[str, ...]]:
    """Return the bands of a product by what its files, names and companions tell, and notes.

    Raises
    ------
    InputError
        When the files are of several scenes.
    """
    scenes = scenes_from_files(rasters, (), ScaleOptions())
    if len(scenes) > 1:
        raise InputError(
            f"The rasters are of {len(scenes)} scenes ({', '.join(s.name for s in scenes[:4])}). "
            "Calibrate one at a time."
        )
    scene = scenes[0]
    told = scene.sensor or "the file's own scale"
    if scene.sensor == "sentinel-2":
        removed = f"offset of {scene.added:g} taken off" if scene.added else "no offset"
        told = f"Sentinel-2, baseline {scene.baseline or 'unknown'}, {removed}"
    bands = [
        CalibratedBand(band, source, told, zero_is_missing=bool(scene.sensor))
        for band, source in scene.bands
    ]
    return bands, scene.notes


def landsat_metadata(path: str) -> LandsatScene | None:
    """Return the metadata that a file or folder is, None for a table."""
    if Path(path).is_dir():
        found = find_mtl_files(path)
        if len(found) != 1:
            raise InputError(
                f"The folder {path} holds {len(found)} MTL files. Choose the one that counts."
            )
        return read_mtl(found[0])
    return None if Path(path).suffix.lower() in (".csv", ".tsv") else read_mtl(path)


def _all_bands(rasters: Sequence[str]) -> dict[str, tuple[str, Band]]:
    """Return all bands of rasters by name; bands of one name are told apart by their file's."""
    found: dict[str, tuple[str, Band]] = {}
    for path in rasters:
        with open_raster(path) as raster:
            info = raster.info
        for band in info.bands:
            name = band.name if band.name not in found else f"{Path(path).stem} {band.name}"
            found[name] = path, replace(band, name=name)
    return found


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
