"""Landsat's metadata files (MTL): which scene it is, where it lies, how its numbers are scaled."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gossan.core.errors import FileError, InputError
from gossan.core.mtl_fields import MtlFields, Rescaling, read_fields

__all__ = ["LandsatBand", "LandsatScene", "Rescaling", "find_mtl_files", "read_mtl"]

_ENDINGS = (".txt", ".xml", ".json")
"""The ways in which the same metadata are delivered; of one scene the first one counts."""
_MTL_NAME = re.compile(r"_MTL\.(?:txt|xml|json)$", re.IGNORECASE)
_CORNERS = ("UL", "UR", "LR", "LL")


@dataclass(frozen=True)
class LandsatBand:
    """One band of a scene.

    Parameters
    ----------
    name : str
        ``B7``, ``B6_VCID_1``, ``ST_B10``.
    file_name : str
        As listed in the metadata; see `LandsatScene.band_path`.
    reflectance : Rescaling or None
        Level 1: to reflectance above the air that is not yet divided by the sine of the sun's
        elevation. Level 2: to reflectance of the ground. None for thermal bands and in metadata
        from before there was such a rescaling.
    radiance : Rescaling or None
        Level 1: to radiance above the air, W/(m2 sr um).
    temperature : Rescaling or None
        Level 2: to the temperature of the ground, K.
    thermal_constants : tuple of float or None
        K1 (W/(m2 sr um)) and K2 (K) for the temperature that belongs to a radiance.
    """

    name: str
    file_name: str
    reflectance: Rescaling | None = None
    radiance: Rescaling | None = None
    temperature: Rescaling | None = None
    thermal_constants: tuple[float, float] | None = None


@dataclass(frozen=True)
class LandsatScene:
    """What an MTL file says; None where it is silent.

    Parameters
    ----------
    path : str
        The MTL file.
    product : str
        Product identifier (``LC08_L1TP_...``), before the collections the scene identifier.
    scene_id : str
        Scene identifier (``LC80200392015216LGN00``), empty where only the product has one.
    spacecraft : str
        ``LANDSAT_8``.
    sensor : str
        ``OLI_TIRS``, ``TM``.
    level : str
        Processing level, such as ``L1TP`` or ``L2SP``.
    wrs_path, wrs_row : int or None
        Location in the world reference system.
    date : datetime.date or None
        Day the image was taken.
    time : str
        Time of day in the middle of the scene, as written.
    sun_elevation, sun_azimuth : float or None
        Degrees, in the middle of the scene.
    earth_sun_distance : float or None
        Astronomical units.
    cloud_cover : float or None
        Percent.
    corners : tuple of (longitude, latitude), or None
        Centres of the corner pixels of the file (its black collar included): upper left, upper
        right, lower right, lower left; degrees.
    map_corners : tuple of (x, y), or None
        The same in the scene's map projection, metres.
    utm_zone : int or None
        Zone of the map projection; Landsat counts northings from the equator also in the south.
    bands : tuple of LandsatBand
        In the order of the file.
    quality_files : mapping of str
        File name by kind of each quality band, such as ``QUALITY_L1_PIXEL``.
    """

    path: str
    product: str
    scene_id: str
    spacecraft: str
    sensor: str
    level: str
    wrs_path: int | None
    wrs_row: int | None
    date: datetime.date | None
    time: str
    sun_elevation: float | None
    sun_azimuth: float | None
    earth_sun_distance: float | None
    cloud_cover: float | None
    corners: tuple[tuple[float, float], ...] | None
    map_corners: tuple[tuple[float, float], ...] | None
    utm_zone: int | None
    bands: tuple[LandsatBand, ...]
    quality_files: Mapping[str, str]

    @property
    def is_surface(self) -> bool:
        """Whether the numbers are of the ground (level 2), not of what is seen above the air."""
        return self.level.startswith("L2")

    def band(self, name: str) -> LandsatBand:
        """Return a band by its name, such as ``B7``; zeros and capitals do not matter.

        Raises
        ------
        InputError
            When the scene has none of that name.
        """
        wanted = _bare(name)
        for band in self.bands:
            if _bare(band.name) == wanted:
                return band
        raise InputError(
            f"{self.path} has no band {name}; its bands are "
            f"{', '.join(band.name for band in self.bands) or '(none)'}."
        )

    def band_path(self, name: str) -> Path | None:
        """Return the file of a band beside the MTL file; None where it is missing.

        Files that were renamed together, such as ``l8_MTL.txt`` and ``l8_B1.tif``, are found too.
        """
        return self.sibling(self.band(name).file_name)

    def sibling(self, file_name: str) -> Path | None:
        """Return a file that the metadata list, from the MTL file's folder; None if missing."""
        metadata = Path(self.path)
        stem = _MTL_NAME.sub("", metadata.name)
        endings = {file_name.lower()}
        for identifier in (self.product, self.scene_id):
            if identifier and file_name.upper().startswith(identifier.upper()):
                endings.add((stem + file_name[len(identifier) :]).lower())
        found = {
            entry.name.lower(): entry
            for entry in metadata.absolute().parent.iterdir()
            if entry.name.lower() in endings
        }
        return found.get(file_name.lower()) or next(iter(found.values()), None)


def find_mtl_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the MTL files in a folder and all folders below it, one per scene, in order.

    Parameters
    ----------
    folder : path

    Returns
    -------
    list of Path
        Where a scene has its metadata in several formats: the text file, else XML, else JSON.

    Raises
    ------
    FileError
        When there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError(f"{folder} is not a folder. Choose the folder that holds the scenes.")
    chosen: dict[Path, Path] = {}
    for file in sorted(root.rglob("*")):
        if _MTL_NAME.search(file.name) and file.is_file():
            known = chosen.get(file.with_suffix(""))
            if known is None or _preference(file) < _preference(known):
                chosen[file.with_suffix("")] = file
    return sorted(chosen.values())


def _preference(file: Path) -> int:
    return _ENDINGS.index(file.suffix.lower())


def read_mtl(path: str | os.PathLike[str]) -> LandsatScene:
    """Read the metadata of a Landsat scene of any collection, level 1 or 2.

    Parameters
    ----------
    path : path
        ``..._MTL.txt``, ``.xml`` or ``.json``; the content decides, not the name.

    Returns
    -------
    LandsatScene

    Raises
    ------
    FileError
        When there is no such file or it cannot be read.
    InputError
        When it is no MTL file, or a field that is there cannot be understood.
    """
    name = os.fspath(path)
    fields = read_fields(name)
    level = fields.text("PROCESSING_LEVEL") or fields.text("DATA_TYPE")
    product, scene_id = fields.text("LANDSAT_PRODUCT_ID"), fields.text("LANDSAT_SCENE_ID")
    return LandsatScene(
        path=name,
        product=product or scene_id or _MTL_NAME.sub("", Path(name).name),
        scene_id=scene_id,
        spacecraft=_spacecraft(fields.text("SPACECRAFT_ID")),
        sensor=fields.text("SENSOR_ID"),
        level=level,
        wrs_path=fields.integer("WRS_PATH"),
        wrs_row=fields.integer("WRS_ROW"),
        date=fields.date("DATE_ACQUIRED"),
        time=fields.text("SCENE_CENTER_TIME"),
        sun_elevation=fields.number("SUN_ELEVATION"),
        sun_azimuth=fields.number("SUN_AZIMUTH"),
        earth_sun_distance=fields.number("EARTH_SUN_DISTANCE"),
        cloud_cover=fields.number("CLOUD_COVER"),
        corners=_corners(fields, "CORNER_{}_LON_PRODUCT", "CORNER_{}_LAT_PRODUCT"),
        map_corners=_corners(
            fields, "CORNER_{}_PROJECTION_X_PRODUCT", "CORNER_{}_PROJECTION_Y_PRODUCT"
        ),
        utm_zone=fields.integer("UTM_ZONE"),
        bands=_bands(fields, surface=level.startswith("L2")),
        quality_files=fields.listed("FILE_NAME_QUALITY_", keep="QUALITY_")
        or fields.listed("FILE_NAME_BAND_QUALITY", keep="QUALITY"),
    )


def _bands(fields: MtlFields, *, surface: bool) -> tuple[LandsatBand, ...]:
    files = fields.listed("FILE_NAME_BAND_", keep="")
    bands = []
    for key, file in files.items():
        if key.startswith("QUALITY"):
            continue
        if surface:
            bands.append(
                LandsatBand(
                    name=key if key.startswith("ST") else f"B{key}",
                    file_name=file,
                    reflectance=fields.pair(
                        f"REFLECTANCE_MULT_BAND_{key}", f"REFLECTANCE_ADD_BAND_{key}", "LEVEL2"
                    ),
                    temperature=fields.pair(
                        f"TEMPERATURE_MULT_BAND_{key}", f"TEMPERATURE_ADD_BAND_{key}", "LEVEL2"
                    ),
                )
            )
            continue
        constants = fields.pair(f"K1_CONSTANT_BAND_{key}", f"K2_CONSTANT_BAND_{key}")
        bands.append(
            LandsatBand(
                name=f"B{key}",
                file_name=file,
                reflectance=fields.pair(
                    f"REFLECTANCE_MULT_BAND_{key}", f"REFLECTANCE_ADD_BAND_{key}"
                ),
                radiance=fields.pair(f"RADIANCE_MULT_BAND_{key}", f"RADIANCE_ADD_BAND_{key}")
                or _from_extremes(fields, key),
                thermal_constants=(constants.gain, constants.offset) if constants else None,
            )
        )
    return tuple(bands)


def _from_extremes(fields: MtlFields, band: str) -> Rescaling | None:
    """Return radiance from the extremes of radiance and of the stored numbers (before 2012)."""
    named = ("RADIANCE_MAXIMUM", "RADIANCE_MINIMUM", "QUANTIZE_CAL_MAX", "QUANTIZE_CAL_MIN")
    values = [fields.number(f"{name}_BAND_{band}") for name in named]
    high, low, most, least = values
    if high is None or low is None or most is None or least is None or most <= least:
        return None
    gain = (high - low) / (most - least)
    return Rescaling(gain, low - gain * least)


def _corners(fields: MtlFields, first: str, second: str) -> tuple[tuple[float, float], ...] | None:
    corners = []
    for corner in _CORNERS:
        x, y = fields.number(first.format(corner)), fields.number(second.format(corner))
        if x is None or y is None:
            return None
        corners.append((x, y))
    return tuple(corners)


def _spacecraft(text: str) -> str:
    """Return ``LANDSAT_5`` also for the ``Landsat5`` of early files."""
    match = re.fullmatch(r"LANDSAT[_ ]?(\d)", text, re.IGNORECASE)
    return f"LANDSAT_{match.group(1)}" if match else text


def _bare(name: str) -> str:
    return re.sub(r"^B(?:AND)?[ _]?0*", "", name.strip().upper())
