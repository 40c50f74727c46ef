"""Targets of field spectra: what an image shows of them, and the lines that follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Window
from gossan.core.spectra import read_library, resample
from gossan.core.tables import read_table
from gossan.models.imagery.atmosphere import empirical_lines
from gossan.models.imagery.calibrated_image import CalibratedImage
from gossan.models.imagery.calibration_report import Correction

_LISTED = 12


def empirical_correction(
    image: CalibratedImage, library: str, targets: str, field: str, progress: Progress
) -> Correction:
    """Fit the lines from an image to the spectra that were measured at marked points.

    Parameters
    ----------
    image : CalibratedImage
    library : str
        Field spectra.
    targets : str
        CSV of points with x and y in the CRS of the image.
    field : str
        Its field that names the spectrum of each point.
    progress : Progress

    Raises
    ------
    InputError
        When something is missing, or the targets contradict each other.
    """
    names = [band.band.name for band in image.bands]
    if not (library and targets and field):
        raise InputError(
            "The empirical line needs field spectra, points of their targets, and the field that "
            "names the spectrum of each point."
        )
    centres = [band.band.wavelength for band in image.bands]
    lacking = [name for name, centre in zip(names, centres) if centre is None]
    if lacking:
        raise InputError(
            f"The wavelength of {', '.join(lacking[:_LISTED])} is not known, so no field spectrum "
            "can be compared. Name a CSV table of wavelengths."
        )
    spectra = read_library(library)
    widths = [band.band.fwhm for band in image.bands]
    known = all(width is not None for width in widths)
    resampled = resample(
        spectra,
        np.array(centres, dtype=np.float64),
        fwhm=np.array(widths, dtype=np.float64) if known else None,
        method="gaussian" if known else "linear",
    )
    places = _target_points(image, targets, field, progress)
    by_name = {name.casefold(): row for row, name in enumerate(spectra.names)}
    missing = sorted(name for name in places if name.casefold() not in by_name)
    if missing:
        raise InputError(
            f"{library} has no spectrum {', '.join(missing)}; it has "
            f"{', '.join(spectra.names[:_LISTED])}. Name the points after their spectra."
        )
    seen = np.array([np.nanmean(values, axis=0) for values in places.values()])
    ground = np.array([resampled.spectra[by_name[name.casefold()]] for name in places])
    lines = empirical_lines(seen, ground, names, list(places))
    progress.say(
        f"Empirical line through {len(places)} targets ({', '.join(places)}); differences at them "
        f"up to {max(line.rmse for line in lines):.4f}."
    )
    return Correction(
        "empirical line",
        tuple(line.rescaling for line in lines),
        rmse=tuple(line.rmse for line in lines),
        targets=tuple(places),
    )


def _target_points(
    image: CalibratedImage, targets: str, field: str, progress: Progress
) -> dict[str, list[np.ndarray]]:
    """Return the values of the image (bands,) at the points of each target."""
    header, rows = read_table(targets)
    for column in ("x", "y", field):
        if column not in header:
            raise InputError(f"{Path(targets).name} has no field {column}.")
    inverse = ~image.grid.transform
    found: dict[str, list[np.ndarray]] = {}
    off = 0
    for row in rows:
        cells = dict(zip(header, row))
        name = cells[field].strip()
        column, line = inverse @ (float(cells["x"]), float(cells["y"]))
        inside = 0 <= column < image.grid.width and 0 <= line < image.grid.height
        values = image.read(Window(int(line), int(column), 1, 1))[0, 0] if inside else None
        if values is None or not name or not np.isfinite(values).any():
            off += 1
            continue
        found.setdefault(name, []).append(values)
    if off:
        progress.warn(f"{off} target points lie off the image, have no value there or no name.")
    if not found:
        raise InputError("No target point lies on the image. Check their coordinate system.")
    return found
