"""The hyperspectral scene: 330 bands of 30 m, mixed, lit, blurred by noise, and its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gossan.core.blocks import Window
from gossan.examples.district.difficulty import Difficulty
from gossan.examples.district.fields import Grid
from gossan.examples.district.geology import ClassArray
from gossan.examples.district.spectra import Palette, variety_weights
from gossan.examples.district.world import SOIL, VEGETATION, Patch, World

FloatArray = npt.NDArray[np.float32]

SUBCELLS = 3
SCALE = 10000.0
NODATA = -32768


class Sun(NamedTuple):
    """The sun's height above the horizon and azimuth from north, degrees."""

    height: float
    azimuth: float


SUN = Sun(48.0, 140.0)
"""When the hyperspectral scene was taken."""


@dataclass(frozen=True)
class Sensor:
    """An imaging spectrometer's bands.

    Parameters
    ----------
    wavelengths, fwhm : ndarray, shape (bands,)
        Band centres and widths, nanometres.
    """

    wavelengths: npt.NDArray[np.float64]
    fwhm: npt.NDArray[np.float64]

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """Bands that water vapour leaves usable (bands,)."""
        return _transmission(self.wavelengths) > 0.25

    @property
    def noise(self) -> npt.NDArray[np.float64]:
        """Standard deviation of reflectance at factor 1 (bands,)."""
        nm = self.wavelengths
        # Signal to noise at reflectance 0.3: best in the visible, poor at both ends.
        ratio = 60.0 + 190.0 * np.exp(-(((nm - 620.0) / 420.0) ** 2))
        ratio += 70.0 * np.exp(-(((nm - 1600.0) / 260.0) ** 2))
        ratio += 25.0 * np.exp(-(((nm - 2180.0) / 180.0) ** 2))
        ratio *= np.where(nm > 2380.0, np.exp(-(nm - 2380.0) / 130.0), 1.0)
        return 0.3 / ratio / np.maximum(_transmission(nm), 0.02)


def _transmission(nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the share of light that water vapour lets through (bands,)."""
    depth = np.zeros_like(nm)
    for centre, width, strength in (
        (935.0, 18.0, 0.5),
        (1130.0, 22.0, 0.7),
        (1395.0, 38.0, 5.0),
        (1875.0, 58.0, 6.0),
        (2600.0, 70.0, 2.5),
    ):
        depth += strength * np.exp(-0.5 * ((nm - centre) / width) ** 2)
    return np.exp(-depth)


def spectrometer(bands: int = 330) -> Sensor:
    """Return a sensor of `bands` bands from 400 to 2500 nm, finer below 1000 nm.

    With 330 bands 150 of 4 nm lie below 1000 nm and 180 of 8.3 nm above; fewer bands are wider.
    """
    fine = round(bands * 150 / 330)
    step = 600.0 / fine
    near = 400.0 + step * np.arange(fine)
    far = np.linspace(1004.0, 2500.0, bands - fine)
    far_step = 1496.0 / max(bands - fine - 1, 1)
    fwhm = np.concatenate([np.full(fine, 1.08 * step), np.full(bands - fine, far_step)])
    return Sensor(np.concatenate([near, far]), fwhm)


@dataclass(frozen=True)
class Piece:
    """A window of the scene with its truth.

    ``reflectance`` (rows, columns, bands) float32 with noise, ``clean`` the same without noise,
    ``abundances`` (rows, columns, materials), ``cover`` and ``units`` (rows, columns) classes.
    """

    window: Window
    reflectance: FloatArray
    clean: FloatArray
    abundances: FloatArray
    cover: ClassArray
    units: ClassArray

    @property
    def numbers(self) -> npt.NDArray[np.int16]:
        """Reflectance x 10000 as the file stores it."""
        return np.clip(np.rint(self.reflectance * SCALE), -200, 16000).astype(np.int16)


def scene(world: World, grid: Grid, sensor: Sensor) -> Iterator[Piece]:
    """Yield the scene piece by piece; memory does not grow with it.

    Parameters
    ----------
    world : World
        The district.
    grid : Grid
        Pixels of 30 m.
    sensor : Sensor
        Its bands.
    """
    palette = Palette(sensor.wavelengths, sensor.fwhm)
    for window, part in grid.pieces():
        patch = world.patch(part)
        abundances, cover = mixed_cells(world, part)
        clean = mixture(patch, abundances, palette, world.difficulty)
        clean *= illumination(patch, world.difficulty)[..., None]
        rng = world.chance.generator("hyperspectral noise", window.row, window.column)
        noisy = with_noise(clean, sensor, world.difficulty, rng)
        yield Piece(window, noisy, clean, abundances, cover, patch.units)


def mixed_cells(world: World, grid: Grid) -> tuple[FloatArray, ClassArray]:
    """Return abundances (rows, columns, materials) and most frequent cover of coarse pixels.

    Each pixel is the mean of 3 x 3 cells, so pixels are mixed where land cover changes.
    """
    fine = world.patch(grid.refined(SUBCELLS))
    shape = (grid.height, SUBCELLS, grid.width, SUBCELLS)
    abundances = fine.abundances.reshape(*shape, -1).mean(axis=(1, 3))
    cover = fine.cover.reshape(shape).transpose(0, 2, 1, 3).reshape(grid.height, grid.width, -1)
    ordered = np.sort(cover, axis=-1)
    return abundances, ordered[..., ordered.shape[-1] // 2]


def mixture(
    patch: Patch, abundances: FloatArray, palette: Palette, difficulty: Difficulty
) -> FloatArray:
    """Return flat-lit, noise-free reflectance (rows, columns, bands) of mixed pixels.

    Linear mixture of the local varieties, plus light that plants pass on to the ground and back:
    ``bilinear * vegetation share * vegetation spectrum * spectrum of the rest``.
    """
    weights, strange = variety_weights(patch, difficulty.variation), patch.strange_soils
    bands = len(palette.wavelengths)
    pixels = abundances.shape[0] * abundances.shape[1]
    total = np.zeros((pixels, bands), dtype=np.float32)
    green = np.zeros_like(total)
    for material, spectra in enumerate(palette.varieties):
        share = abundances[..., material, None] * weights[material]
        if material == SOIL and strange is not None:
            share = share * (1.0 - strange.sum(axis=-1, keepdims=True))
            own = (abundances[..., SOIL, None] * strange).reshape(pixels, -1)
            total += own @ palette.own_soils.astype(np.float32)
        part = share.reshape(pixels, -1) @ spectra.astype(np.float32)
        if material == VEGETATION:
            green = part
        total += part
    total += np.float32(difficulty.bilinear) * green * (total - green)
    return total.reshape(*abundances.shape[:2], bands)


def illumination(patch: Patch, difficulty: Difficulty, sun: Sun = SUN) -> FloatArray:
    """Return the light on each pixel over the light on flat ground (rows, columns)."""
    grid = patch.grid
    height = patch.world.patch(grid.padded(1)).elevation
    east = (height[1:-1, 2:] - height[1:-1, :-2]) / (2 * grid.cell)
    north = (height[:-2, 1:-1] - height[2:, 1:-1]) / (2 * grid.cell)
    up, azimuth = np.radians(sun)
    toward_sun = np.sin(up) - np.cos(up) * (east * np.sin(azimuth) + north * np.cos(azimuth))
    light = toward_sun / np.sqrt(1.0 + east**2 + north**2) / np.sin(up)
    sky = 0.15
    lit = sky + (1.0 - sky) * np.clip(light, 0.0, None)
    rough = difficulty.brightness * (
        0.7 * patch.field("brightness", 240.0, 3) + 0.7 * patch.field("rough", 45.0)
    )
    return ((1.0 + difficulty.illumination * (lit - 1.0)) * np.exp(rough)).astype(np.float32)


def with_noise(
    clean: FloatArray, sensor: Sensor, difficulty: Difficulty, rng: np.random.Generator
) -> FloatArray:
    """Return reflectance with photon and detector noise and a few spiked pixels."""
    shape = clean.shape
    sigma = (difficulty.noise * sensor.noise).astype(np.float32)
    level = np.sqrt(0.35 + 0.65 * np.clip(clean, 0.0, None) / 0.3)
    noisy = rng.standard_normal(shape, dtype=np.float32)
    noisy *= level
    noisy *= sigma
    noisy += clean
    spiked = np.argwhere(rng.random(shape[:2]) < difficulty.outliers)
    for row, column in spiked:
        bands = rng.integers(0, shape[2], size=max(1, shape[2] // 40))
        noisy[row, column, bands] += rng.normal(0.0, 0.25, size=len(bands))
    return noisy
