"""The pixels of a scene: chosen bands, scaled to 0 to 1, by windows."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.blocks import Window
from gossan.core.errors import BandMismatchError, FileError, InputError
from gossan.core.landsat_mtl import LandsatScene, read_mtl
from gossan.core.raster import Raster, open_raster, valid_pixels
from gossan.core.sensors import SENSORS
from gossan.models.deposits.clouds import clouded, quality_kind
from gossan.models.imagery.landsat_reflectance import reflectance_rescaling

SCALINGS = ("reflectance", "data type")
"""Reflectance by the metadata, or the stored numbers over the greatest of their type (source)."""

_GREATEST = {"uint8": 255.0, "int8": 127.0, "uint16": 65535.0, "int16": 32767.0}


@dataclass(frozen=True)
class Source:
    """Where the bands of a scene are and how their numbers become values from 0 to 1.

    Parameters
    ----------
    files : tuple of (str, int)
        File and band in it, from 0, of each chosen band.
    bands : tuple of Band
        Names and wavelengths of the chosen bands.
    gains : tuple of (float, float) or None
        Reflectance = number x gain + offset; None where the metadata do not tell.
    quality : tuple of (str, str) or None
        Kind of the quality band and its file.
    """

    files: tuple[tuple[str, int], ...]
    bands: tuple[Band, ...]
    gains: tuple[tuple[float, float], ...] | None
    quality: tuple[str, str] | None


def source_of(file: str, bands: Sequence[str]) -> Source:
    """Return where the chosen bands of a scene are.

    Parameters
    ----------
    file : str
        MTL file or raster.
    bands : sequence of str
        Names such as ``B7``; in rasters names or numbers of bands.

    Raises
    ------
    FileError
        When a band's file is missing.
    BandMismatchError
        When the scene has no such band.
    """
    if Path(file).stem.upper().endswith("_MTL"):
        return _landsat_source(read_mtl(file), bands)
    with open_raster(file) as raster:
        names = [band.name.lower() for band in raster.info.bands]
        chosen = []
        for wanted in bands:
            bare = wanted.strip().lower()
            number = int(bare.lstrip("b")) if bare.lstrip("b").isdigit() else 0
            if bare in names:
                chosen.append(names.index(bare))
            elif 1 <= number <= raster.info.count:
                chosen.append(number - 1)
            elif raster.info.count == 1:
                chosen.append(0)
            else:
                raise BandMismatchError(
                    f"{file} has no band {wanted}; its bands are "
                    f"{', '.join(band.name for band in raster.info.bands)}."
                )
        info = raster.info
        known = bool(info.scale_source) or not info.is_integer
        gains = tuple((info.scale[i], info.offset[i]) for i in chosen) if known else None
        return Source(
            tuple((file, i) for i in chosen), tuple(info.bands[i] for i in chosen), gains, None
        )


class SceneImage(contextlib.ExitStack):
    """An open scene; use it in a ``with`` statement.

    Parameters
    ----------
    source : Source
    scaling : str
        One of `SCALINGS`.

    Raises
    ------
    InputError
        When the bands are not on one grid, or their numbers have no known greatest.
    """

    def __init__(self, source: Source, scaling: str) -> None:
        super().__init__()
        self.source = source
        self._rasters: list[Raster] = []
        self._quality: Raster | None = None
        try:
            self._open(scaling)
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> Any:
        """Description of the first band's file."""
        return self._rasters[0].info

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return values (rows, columns, bands), 0 to 1, and which pixels are empty.

        Empty are those that are zero or nodata in every band; further missing values are 0 too.
        """
        layers = [
            raster.read(window, [index], scaled=False)
            for raster, (_, index) in zip(self._rasters, self.source.files)
        ]
        stored = np.concatenate(layers, axis=-1)
        with np.errstate(invalid="ignore"):
            filled = np.isfinite(stored) & (stored != 0)
        empty = ~filled.any(axis=-1)
        gains = np.array([gain for gain, _ in self._gains], dtype=np.float32)
        offsets = np.array([offset for _, offset in self._gains], dtype=np.float32)
        values = np.clip(np.nan_to_num(stored * gains + offsets), 0.0, 1.0)
        values[empty] = 0.0
        return values.astype(np.float32), empty

    def empty(self, window: Window) -> np.ndarray:
        """Return which pixels (rows, columns) are zero or nodata in every band."""
        layers = [
            raster.read(window, [index], scaled=False)
            for raster, (_, index) in zip(self._rasters, self.source.files)
        ]
        seen = np.zeros(layers[0].shape[:2], dtype=bool)
        for layer in layers:
            seen |= valid_pixels(layer, collar=True)
        return ~seen

    def clouds(self, window: Window) -> tuple[int, int]:
        """Return how many pixels of a window are cloud, and no fill; 0, 0 where unknown."""
        if self._quality is None or self.source.quality is None:
            return 0, 0
        numbers = self._quality.read_stored(window, [0])[..., 0]
        cloud, fill = clouded(numbers, self.source.quality[0])
        return int(cloud.sum()), int((~fill).sum())

    def _open(self, scaling: str) -> None:
        for file, _ in self.source.files:
            self._rasters.append(self.enter_context(open_raster(file)))
        sizes = {(r.info.height, r.info.width) for r in self._rasters}
        if len(sizes) > 1:
            raise InputError(
                f"The bands of {self.source.files[0][0]} and its neighbours are not on one grid "
                f"({', '.join(f'{h} x {w}' for h, w in sorted(sizes))} pixels). Choose bands of "
                "one resolution."
            )
        self._gains = self.source.gains or ()
        if scaling == SCALINGS[1] or not self._gains:
            self._gains = tuple((1.0 / self._greatest(r), 0.0) for r in self._rasters)
        if self.source.quality is not None:
            quality = self.enter_context(open_raster(self.source.quality[1]))
            if (quality.info.height, quality.info.width) in sizes:
                self._quality = quality

    def _greatest(self, raster: Raster) -> float:
        if raster.info.dtype in _GREATEST:
            return _GREATEST[raster.info.dtype]
        if raster.info.is_integer:
            raise InputError(
                f"{raster.info.path} holds numbers of the type {raster.info.dtype}, whose greatest "
                "says nothing about the image. Convert it to 8 or 16 bits, or to reflectance."
            )
        return 1.0


def _landsat_source(scene: LandsatScene, names: Sequence[str]) -> Source:
    files, bands, gains = [], [], []
    sensor = SENSORS.get(scene.spacecraft.lower().replace("_", "-"), {})
    for index, name in enumerate(names):
        band = scene.band(name)
        file = scene.band_path(name)
        if file is None:
            raise FileError(
                f"The image of band {band.name} of {scene.path}, {band.file_name}, is missing. Put "
                "it beside the metadata, or choose another band."
            )
        files.append((str(file), 0))
        centre, width = sensor.get(band.name, (None, None))
        bands.append(Band(index, band.name, centre, width))
        gains.append(_reflectance(scene, name))
    quality = quality_kind(scene)
    found = scene.sibling(quality[1]) if quality else None
    known = [gain for gain in gains if gain is not None]
    return Source(
        tuple(files),
        tuple(bands),
        tuple(known) if len(known) == len(gains) else None,
        (quality[0], str(found)) if quality and found else None,
    )


def _reflectance(scene: LandsatScene, name: str) -> tuple[float, float] | None:
    try:
        rescaling = reflectance_rescaling(scene, name)
    except InputError:
        return None
    return rescaling.gain, rescaling.offset
