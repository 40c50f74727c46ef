"""The jobs that map spectral angles and bring libraries onto the bands of a sensor."""

from __future__ import annotations

import colorsys
import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gossan.core import blocks
from gossan.core.bands import require_wavelengths
from gossan.core.blocks import Block
from gossan.core.errors import InputError, naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, open_raster
from gossan.core.spectra import read_library, resample, spectral_angle, write_library
from gossan.core.wavelength_table import read_wavelength_table
from gossan.models.spectra.angles import nearest_reference
from gossan.models.spectra.matching import MatchedLibrary, match_library
from gossan.models.spectra.scene import pixel_table, plan_blocks, require_pixels


@job_files(reads=("raster", "library", "wavelengths"), writes=("angles", "classes"))
def map_angles(
    progress: Progress,
    *,
    raster: str,
    library: str,
    angles: str,
    classes: str = "",
    threshold: float = 0.1,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    drop_water_bands: bool = True,
    collars: bool = True,
    by_position: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Map the spectral angle between every pixel and each reference spectrum.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster, library : str
        Paths of the scene and of the spectral library.
    angles : str
        Path of the GeoTIFF to write: one band of angles in radians per reference.
    classes : str
        Path of the class GeoTIFF: number of the reference of least angle below the threshold,
        0 for none; "" writes no such raster.
    threshold : float
        Greatest angle in radians at which a pixel is given a class.
    wavelengths, scale, offset, drop_water_bands, collars, by_position
        As in `gossan.models.abundances.jobs.estimate`. The scale has no bearing on angles, an
        offset has.
    origin : mapping or None
        Algorithm, version and parameters for the outputs' tags.

    Returns
    -------
    dict
        ``angles``, ``classes`` (paths), ``legend`` (a row per reference: ``value``, ``name``,
        ``colour``, ``pixels`` of that class, ``mean_angle`` over all valid pixels),
        ``valid_pixels``, ``unclassified_pixels``, ``bands_used``.

    Raises
    ------
    InputError
        When a reference is zero everywhere or no pixel of the scene counts.
    BandMismatchError
        When the library's bands are not the scene's.
    FileError
        When a file cannot be read or written.
    """
    if not 0 < threshold <= np.pi:
        raise InputError(f"A threshold of {threshold} rad is no angle between 0 and pi.")
    tags = Origin.from_dict(origin).tags()
    with contextlib.ExitStack() as stack:
        scene = stack.enter_context(
            open_raster(raster, wavelengths=wavelengths, scale=scale, offset=offset)
        )
        info = scene.info
        with naming(library):
            matched = match_library(
                read_library(library),
                info,
                progress,
                drop_water_bands=drop_water_bands,
                by_position=by_position,
            )
            _check_directions(matched)
        count = len(matched.names)
        colours = class_colours(count)
        angle_writer = stack.enter_context(
            RasterWriter.like(angles, info, bands=matched.names, units="rad", tags=tags)
        )
        class_writer = None
        if classes:
            class_writer = stack.enter_context(
                RasterWriter.like(
                    classes,
                    info,
                    bands=["class"],
                    dtype="uint8" if count < 256 else "uint16",
                    categories=dict(enumerate(matched.names, start=1)),
                    colours=dict(enumerate(colours, start=1)),
                    tags=tags,
                )
            )
        totals = np.zeros(count)
        members = np.zeros(count + 1, dtype=np.int64)
        valid = 0

        def compute(_: Block, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            found = spectral_angle(pixel_table(values, collars=collars), matched.spectra)
            return found.astype(np.float32), nearest_reference(found, threshold)

        def consume(block: Block, result: tuple[np.ndarray, np.ndarray]) -> None:
            nonlocal valid, totals, members
            found, nearest = result
            counted = np.isfinite(found).all(axis=1)
            valid += int(counted.sum())
            totals += found[counted].sum(axis=0, dtype=np.float64)
            members += np.bincount(nearest[counted], minlength=count + 1)
            size = (block.inner.height, block.inner.width)
            angle_writer.write(block.inner, found.reshape(*size, count))
            if class_writer is not None:
                class_writer.write(block.inner, nearest.reshape(size))

        blocks.run(
            plan_blocks(info, len(matched.indexes)),
            lambda block: scene.read(block.outer, matched.indexes),
            compute,
            consume,
            progress,
            workers=min(2, os.cpu_count() or 1),
        )
        require_pixels(valid, info)
    progress.say(
        f"{valid - members[0]} of {valid} pixels lie within {threshold:g} rad of a reference."
    )
    return {
        "angles": angles,
        "classes": classes,
        "legend": [
            {
                "value": number,
                "name": name,
                "colour": "#{:02x}{:02x}{:02x}".format(*colours[number - 1]),
                "pixels": int(members[number]),
                "mean_angle": float(totals[number - 1] / valid),
            }
            for number, name in enumerate(matched.names, start=1)
        ],
        "valid_pixels": valid,
        "unclassified_pixels": int(members[0]),
        "bands_used": len(matched.indexes),
    }


def _check_directions(matched: MatchedLibrary) -> None:
    """Raise `InputError` where the angle to a reference would mean nothing."""
    if len(matched.indexes) < 2:
        raise InputError(
            "Scene and library share one usable band only, and over a single band every angle is "
            "zero. Choose a library that covers more of the scene's bands."
        )
    for name, spectrum in zip(matched.names, matched.spectra):
        if not spectrum.any():
            raise InputError(
                f"The spectrum {name} is zero everywhere and has no direction. Remove it from the "
                "library."
            )


def class_colours(count: int) -> list[tuple[int, int, int]]:
    """Return colours (red, green, blue; 0 to 255) far apart in hue, in alternating brightness."""
    colours = []
    for number in range(count):
        hue = (number * 0.618034) % 1.0  # the golden ratio keeps neighbours apart at any count
        rgb = colorsys.hsv_to_rgb(hue, 0.75, 0.9 if number % 2 == 0 else 0.65)
        colours.append((round(255 * rgb[0]), round(255 * rgb[1]), round(255 * rgb[2])))
    return colours


@job_files(reads=("raster", "library", "wavelengths"), writes=("output",))
def resample_library(
    progress: Progress,
    *,
    library: str,
    output: str,
    raster: str = "",
    wavelengths: str = "",
    method: str = "linear",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Bring a spectral library onto the bands of a raster or of a wavelength list.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    library, output : str
        Paths of the library to read and of the one to write (``.sli`` or ``.csv``).
    raster : str
        Path of a raster whose bands to take, or "".
    wavelengths : str
        Path of a CSV with wavelengths (and FWHM), or "". With a raster it describes its bands.
    method : str
        ``linear`` interpolates between samples; ``gaussian`` averages under the bands' responses.
    origin : mapping or None
        Algorithm, version and parameters; the spectra's source texts name the algorithm.

    Returns
    -------
    dict
        ``output``, ``spectra``, ``bands``, ``incomplete`` (spectra without a value at some band),
        ``bands_without_values`` (bands that no spectrum reaches).

    Raises
    ------
    InputError
        When neither raster nor list is given, or the ranges have nothing in common.
    FileError
        When a file cannot be read or written.
    """
    source = read_library(library)
    for note in source.notes:
        progress.say(note)
    progress.fraction(0.3)
    if raster:
        with open_raster(raster, wavelengths=wavelengths) as scene:
            bands = scene.info.bands
            for note in scene.info.notes:
                progress.say(note)
        centres = require_wavelengths(bands, raster)
        widths = [band.fwhm for band in bands]
    elif wavelengths:
        table = read_wavelength_table(wavelengths)
        for note in table.notes:
            progress.say(note)
        centres, widths = np.array(table.wavelengths, dtype=np.float64), list(table.fwhm)
    else:
        raise InputError("Choose a raster or a table of wavelengths to resample the library to.")
    fwhm = None if None in widths else np.array(widths, dtype=np.float64)
    with naming(f"{library} and {raster or wavelengths}", library):
        moved = resample(source, centres, fwhm=fwhm, method=method.lower())
    for note in moved.notes[len(source.notes) :]:
        progress.warn(note)
    progress.fraction(0.7)
    missing = ~np.isfinite(moved.spectra)
    empty = int(missing.all(axis=0).sum())
    incomplete = int(missing.any(axis=1).sum())
    if incomplete:
        progress.warn(
            f"{incomplete} of {len(moved)} spectra have no value at some band, {empty} bands have "
            "none at all: the library does not reach there. Unmixing leaves such bands out."
        )
    algorithm = Origin.from_dict(origin).algorithm
    if algorithm:
        suffix = f"resampled by {algorithm} ({method.lower()})"
        moved = replace(
            moved, sources=tuple(f"{text}; {suffix}" if text else suffix for text in moved.sources)
        )
    write_library(output, moved)
    progress.say(
        f"{len(moved)} spectra on {len(centres)} bands, {centres.min():.0f} to "
        f"{centres.max():.0f} nm."
    )
    progress.fraction(1.0)
    return {
        "output": output,
        "spectra": len(moved),
        "bands": len(centres),
        "incomplete": incomplete,
        "bands_without_values": empty,
    }
