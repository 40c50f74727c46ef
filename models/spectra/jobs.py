"""The jobs that map spectral angles and bring libraries onto the bands of a sensor."""

from __future__ import annotations

from typing import Any

from gossan.core.progress import Progress


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
    drop_water: bool = True,
    by_position: bool = False,
    origin: dict[str, Any] | None = None,
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
    wavelengths, scale, offset, drop_water, by_position
        As in `gossan.models.abundances.jobs.estimate`.
    origin : dict or None
        Algorithm, version and parameters for the outputs' tags.

    Returns
    -------
    dict
        ``angles``, ``classes`` (paths), ``legend`` (a row per reference: value, name, colour,
        pixels, mean angle of them), ``valid_pixels``, ``unclassified_pixels``, ``bands_used``.

    Raises
    ------
    InputError, BandMismatchError, FileError
        Where an input cannot be used.
    """
    raise NotImplementedError


def resample_library(
    progress: Progress,
    *,
    library: str,
    output: str,
    raster: str = "",
    wavelengths: str = "",
    method: str = "linear",
    origin: dict[str, Any] | None = None,
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
    method : {"linear", "gaussian"}
        Interpolate between samples, or average under the sensor's Gaussian responses.
    origin : dict or None
        Algorithm, version and parameters for the output's description.

    Returns
    -------
    dict
        ``output``, ``spectra``, ``bands``, ``outside`` (bands that a spectrum does not reach).

    Raises
    ------
    InputError, FileError
        Where an input cannot be used.
    """
    raise NotImplementedError
