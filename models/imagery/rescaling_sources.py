"""What the numbers of an image mean by Landsat's metadata, by products, or as they are given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gossan.core.bands import Band, canonical_name
from gossan.core.errors import InputError
from gossan.core.landsat_mtl import LandsatScene, Rescaling, find_mtl_files, read_mtl
from gossan.core.raster import open_raster
from gossan.core.sensors import SENSORS
from gossan.models.imagery.calibrated_bands import CalibratedBand, all_bands
from gossan.models.imagery.landsat_reflectance import reflectance_rescaling
from gossan.models.imagery.scene import BandSource
from gossan.models.imagery.scene_files import BAND_FILE, ScaleOptions, file_stem, scenes_from_files


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
        for number, (path, band) in enumerate(all_bands(rasters).values())
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
