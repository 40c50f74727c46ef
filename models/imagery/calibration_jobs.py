"""Job: the numbers of an image as reflectance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.errors import InputError, naming
from gossan.core.grids import Grid
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, RasterWriter
from gossan.core.wavelength_table import read_wavelength_table
from gossan.models.imagery.atmosphere import (
    CORRECTIONS,
    DarkestValues,
    dark_object_correction,
)
from gossan.models.imagery.calibrated_bands import CalibratedBand
from gossan.models.imagery.calibrated_image import CalibratedImage
from gossan.models.imagery.calibration_report import Correction, write_report
from gossan.models.imagery.field_targets import empirical_correction
from gossan.models.imagery.gain_sources import (
    QUANTITIES,
    Illumination,
    from_header,
    from_table,
)
from gossan.models.imagery.rescaling_sources import (
    from_landsat,
    from_products,
    from_scale,
    landsat_metadata,
)
from gossan.models.imagery.scene import parse_date

_LISTED = 12


@job_files(
    reads=("rasters", "metadata", "wavelengths", "library", "targets"),
    writes=("output", "report"),
)
def calibrate(
    progress: Progress,
    *,
    rasters: Sequence[str] = (),
    metadata: str = "",
    quantity: str = "automatic",
    scale: float | None = None,
    offset: float | None = None,
    sun_elevation: float | None = None,
    date: str = "",
    wavelengths: str = "",
    collars: bool = True,
    correction: str = "none",
    dark_share: float = 0.1,
    library: str = "",
    targets: str = "",
    target_field: str = "",
    output: str,
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Turn stored numbers into reflectance, 0 to 1.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    rasters : sequence of str
        Rasters of one scene: all bands in one, or one file each; may be empty where the metadata
        of a Landsat scene name their files.
    metadata : str
        Landsat's MTL file, or a CSV table of gains and offsets; empty for what the files tell.
    quantity : str
        One of `gossan.models.imagery.gain_sources.QUANTITIES`.
    scale, offset : float or None
        Of all bands: reflectance = stored number x scale + offset.
    sun_elevation : float or None
        Degrees, where metadata lack it and radiance is given.
    date : str
        Day of the image, likewise.
    wavelengths : str
        CSV with the centre of each band, where the files lack it.
    collars : bool
        Pixels that are 0 in every band are missing.
    correction : str
        One of `gossan.models.imagery.atmosphere.CORRECTIONS`.
    dark_share : float
        Percent of the pixels that are darker than the dark object.
    library : str
        Field spectra, for the empirical line.
    targets : str
        CSV of points (x and y in the CRS of the first raster) with the field that names a spectrum.
    target_field : str
        That field.
    output : str
        Raster to write, one band per band.
    report : str
        HTML file; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``bands`` (names), ``negative_share`` and ``bright_share`` (share of the values below 0 and
        above 1), ``path_reflectance`` (mean that was taken off, None without correction) and the
        paths.

    Raises
    ------
    InputError
        When it is not known what the numbers mean, or a correction lacks what it needs.
    FileError
        When a file is missing or damaged.
    """
    made = Origin.from_dict(origin)
    for value, known, what in (
        (quantity, QUANTITIES, "quantity"),
        (correction, CORRECTIONS, "correction"),
    ):
        if value not in known:
            raise InputError(f"There is no {what} {value!r}. Use one of {', '.join(known)}.")
    if not 0.0 < dark_share <= 50.0:
        raise InputError(f"{dark_share:g} % of the pixels are no dark object. Use about 0.1.")
    light = Illumination(sun_elevation, parse_date(date, "The day of the image"))
    bands = _bands(rasters, metadata, quantity, scale, offset, light, progress)
    bands = _with_wavelengths(bands, wavelengths)
    for band in bands[:_LISTED]:
        progress.say(
            f"{band.band.name}: number x {band.source.gain:.6g} {band.source.shift:+.6g} "
            f"({band.told_by})."
        )
    with naming(bands[0].source.path), CalibratedImage(bands, collars=collars) as image:
        found = _correction(image, correction, dark_share, library, targets, target_field, progress)
        share = 0.5 if correction == "dark object" else 0.0
        counts = _write(image, found, output, made, progress.part(share, 1.0))
        resampled = image.resampled
    for path in resampled:
        progress.warn(
            f"{path} has other pixels than the first raster and was interpolated to them."
        )
    total = max(counts["values"], 1)
    if not counts["values"]:
        progress.warn("No pixel has a value: the result is empty.")
    if counts["negative"]:
        progress.say(f"{counts['negative'] / total:.2%} of the values lie below 0.")
    if counts["bright"] > 0.01 * total:
        progress.warn(
            f"{counts['bright'] / total:.1%} of the values lie above 1: clouds, glint, or another "
            "scale than was taken."
        )
    if report:
        write_report(report, made, bands, found, counts)
    return {
        "bands": [band.band.name for band in bands],
        "negative_share": counts["negative"] / total,
        "bright_share": counts["bright"] / total,
        "path_reflectance": found.path_reflectance,
        "output": output,
        "report": report,
    }


def _bands(
    rasters: Sequence[str],
    metadata: str,
    quantity: str,
    scale: float | None,
    offset: float | None,
    light: Illumination,
    progress: Progress,
) -> list[CalibratedBand]:
    """Return the bands by whatever tells of their numbers."""
    if scale is not None or offset is not None:
        if not rasters:
            raise InputError("No raster was given. Choose at least one.")
        if quantity == "radiance":
            raise InputError(
                "One scale for all bands gives no radiance that could become reflectance: that "
                "needs each band's solar irradiance. Give a table of gains."
            )
        return from_scale(rasters, scale, offset)
    if metadata:
        scene = landsat_metadata(metadata)
        if scene is not None:
            if scene.sun_elevation is None and light.sun_elevation is not None:
                scene = replace(scene, sun_elevation=light.sun_elevation)
            return from_landsat(rasters, scene)
        if not rasters:
            raise InputError("A table of gains needs the rasters that it is about.")
        return from_table(rasters, metadata, quantity, light)
    if not rasters:
        raise InputError("No raster was given. Choose at least one, or a Landsat MTL file.")
    by_header = from_header(rasters, quantity, light)
    if by_header:
        return by_header
    if quantity == "radiance":
        raise InputError(
            f"{rasters[0]} holds no gains of radiance. Give a table of gains with the solar "
            "irradiance of each band."
        )
    bands, notes = from_products(rasters)
    for note in dict.fromkeys(notes):
        progress.say(note)
    return bands


def _with_wavelengths(bands: list[CalibratedBand], table: str) -> list[CalibratedBand]:
    if not table:
        return bands
    read = read_wavelength_table(table, len(bands))
    return [
        replace(band, band=replace(band.band, wavelength=centre, fwhm=width))
        for band, centre, width in zip(bands, read.wavelengths, read.fwhm)
    ]


def _correction(
    image: CalibratedImage,
    correction: str,
    dark_share: float,
    library: str,
    targets: str,
    target_field: str,
    progress: Progress,
) -> Correction:
    names = [band.band.name for band in image.bands]
    if correction == "dark object":
        darkest = DarkestValues(len(names))
        run(
            _blocks(image.grid, len(names)),
            lambda block: image.read(block.inner),
            lambda _, values: values,
            lambda _, values: darkest.add(values),
            progress.part(0.0, 0.5),
        )
        dark = darkest.values(dark_share)
        rescalings = dark_object_correction(dark)
        listed = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, dark))
        progress.say(f"Darkest reflectances: {listed}.")
        return Correction(correction, tuple(rescalings), dark=tuple(map(float, dark)))
    if correction == "empirical line":
        return empirical_correction(image, library, targets, target_field, progress)
    return Correction(correction, ())


def _blocks(grid: Grid, bands: int) -> list[Block]:
    rows = rows_for_budget(grid.width, 4.0 * (3 * bands + 4))
    return plan(grid.height, grid.width, rows=rows, columns=grid.width)


def _write(
    image: CalibratedImage, found: Correction, output: str, made: Origin, progress: Progress
) -> dict[str, int]:
    """Write the reflectance and count what is out of its usual range."""
    grid, info = image.grid, image.info
    bands = [band.band for band in image.bands]
    centres = [band.wavelength for band in bands if band.wavelength is not None]
    widths = [band.fwhm for band in bands if band.fwhm is not None]
    spectral = len(centres) == len(bands)
    counts = {"values": 0, "negative": 0, "bright": 0}
    with RasterWriter(
        output,
        grid.height,
        grid.width,
        bands=[band.name for band in bands],
        crs_wkt=info.crs_wkt,
        transform=info.transform,
        tags={**made.tags(), **_kept_tags(info), **found.tags()},
        wavelengths=centres if spectral else None,
        fwhm=widths if spectral and len(widths) == len(bands) else None,
    ) as writer:

        def consume(block: Block, values: np.ndarray) -> None:
            writer.write(block.inner, values)
            counts["values"] += int(np.isfinite(values).sum())
            counts["negative"] += int((values < 0).sum())
            counts["bright"] += int((values > 1).sum())

        run(
            _blocks(grid, len(bands)),
            lambda block: image.read(block.inner, found.rescalings),
            lambda _, values: values,
            consume,
            progress,
        )
    return counts


def _kept_tags(info: RasterInfo) -> dict[str, str]:
    """Return the tags of an image that still hold for its reflectance."""
    kept = ("sensor", "platform", "date", "level", "processing_baseline")
    return {key: value for key, value in info.tags.items() if key.lower() in kept}
