"""Endmember jobs: from a raster file to a library, points and a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gossan.core.progress import Progress


def extract(
    progress: Progress,
    *,
    raster: str,
    workflow: str = "PCCEE",
    priors: str = "",
    mask: str = "",
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    drop_water_bands: bool = True,
    collars: bool = True,
    space: str = "components",
    components: int = 0,
    skewers: int = 10_000,
    neighbour_angle: float = 0.1,
    ppi_endmembers: int = 10,
    vca_endmembers: int = 6,
    vca_projection: str = "mean removed",
    selection: str = "purest per class",
    class_angle: float = 0.05,
    endmembers: int = 0,
    distinct_angle: float = 0.05,
    seed: int = 0,
    library: str = "",
    points: str = "",
    angles: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Find the endmembers of a hyperspectral raster and write them as a spectral library.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Hyperspectral image.
    workflow : str
        One of ``gossan.models.endmembers.extraction.WORKFLOWS``: ``PPI``, ``VCA``, ``prior``,
        ``PPI+VCA``, ``PPI+prior``, ``VCA+prior``, ``PCCEE`` (all three), ``N-FINDR``, ``ATGP``.
    priors : str
        Spectral library of what is expected; the library that ships when empty.
    mask : str
        Raster on the same grid, pixels other than 0 are used; all pixels when empty.
    wavelengths : str
        CSV with band wavelengths; those of the raster when empty.
    scale, offset : float, optional
        Reflectance = value * scale + offset; those of the raster when None.
    drop_water_bands : bool
        Leave out water-vapour bands by wavelength where the raster has no bad-band list.
    collars : bool
        Leave out pixels that are zero in all bands.
    space : str
        ``components`` or ``bands``: where PPI and VCA look.
    components : int
        Number of components; 0 applies the rule of each method.
    skewers : int
        Random unit vectors of PPI.
    neighbour_angle : float
        Greatest spectral angle in radians to a neighbour; PPI candidates without one are rejected.
    ppi_endmembers, vca_endmembers : int
        How many endmembers each method proposes.
    vca_projection : str
        ``mean removed`` or ``by SNR``.
    selection : str
        ``purest per class`` or ``top-k``.
    class_angle : float
        Radians around the best angle of a prior class within which candidates belong to it.
    endmembers : int
        How many endmembers to keep; 0 applies the rule of the selection.
    distinct_angle : float
        Endmembers closer than this angle in radians count as the same.
    seed : int
        The same seed gives the same endmembers.
    library, points, angles, report : str
        Files to write: library (.sli or .csv), source pixels (.geojson), raster of spectral angles,
        report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``endmembers``, ``candidates``, ``rejected``, ``names``, ``classes``, ``rows``, ``columns``,
        ``seconds``, and the paths ``library``, ``points``, ``angles``, ``report``.
    """
    raise NotImplementedError


def count(
    progress: Progress,
    *,
    raster: str,
    mask: str = "",
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    drop_water_bands: bool = True,
    collars: bool = True,
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Estimate how many endmembers a hyperspectral raster holds, by HySime and HFC.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster, mask, wavelengths, scale, offset, drop_water_bands, collars
        As in `extract`.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the report.

    Returns
    -------
    dict
        ``hysime``, ``hfc`` (list of ``{"false_alarm": p, "count": n}``), ``hfc_1e3``, ``hfc_1e4``,
        ``hfc_1e5``, ``bands``, ``pixels``, ``report``.
    """
    raise NotImplementedError
