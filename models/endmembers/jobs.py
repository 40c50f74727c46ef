"""Endmember jobs: from a raster file to a library, points and a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.spectra import write_library
from gossan.models.endmembers.counting import count_endmembers
from gossan.models.endmembers.extraction import extract_scene
from gossan.models.endmembers.options import ExtractionOptions
from gossan.models.endmembers.outputs import write_angles, write_points
from gossan.models.endmembers.priors import read_priors
from gossan.models.endmembers.raster_scene import SceneFiles, open_scene
from gossan.models.endmembers.reporting import count_report, extraction_report


@job_files(
    reads=("raster", "priors", "mask", "wavelengths"),
    writes=("library", "points", "angles", "report"),
)
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
    absent_angle: float = 0.3,
    endmembers: int = 0,
    distinct_angle: float = 0.03,
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
        One of ``gossan.models.endmembers.options.WORKFLOWS``: ``PPI``, ``VCA``, ``prior``,
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
    absent_angle : float
        Radians; a prior class whose best pixel is farther gets no endmember.
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
        ``endmembers``, ``candidates`` and ``rejected`` (numbers), ``names``, ``classes``,
        ``sources``, ``rows``, ``columns`` and ``purity`` (a value per endmember), ``pixels``,
        ``seconds`` (by step), and the paths ``library``, ``points``, ``angles``, ``report``.

    Raises
    ------
    InputError, FileError
        When an input cannot be used.
    """
    options = ExtractionOptions(
        workflow=workflow,
        space=space,
        components=components,
        skewers=skewers,
        neighbour_angle=neighbour_angle,
        ppi_endmembers=ppi_endmembers,
        vca_endmembers=vca_endmembers,
        vca_projection=vca_projection,
        selection=selection,
        class_angle=class_angle,
        absent_angle=absent_angle,
        endmembers=endmembers,
        distinct_angle=distinct_angle,
        seed=seed,
    )
    made_by = Origin.from_dict(origin)
    prior_library = read_priors(priors)
    for note in prior_library.notes:
        progress.say(note)
    files = SceneFiles(raster, mask, wavelengths, scale, offset, drop_water_bands, collars)
    with open_scene(files, progress) as scene:
        if library and scene.wavelengths is None:
            raise InputError(
                f"{raster} does not say the wavelengths of its bands, so no spectral library can "
                "be written. Name a CSV with one wavelength per band."
            )
        found = extract_scene(
            scene,
            options,
            priors=prior_library,
            progress=progress.part(0.0, 0.75 if angles else 1.0),
        )
        for note in found.notes:
            progress.warn(note)
        if angles:
            write_angles(scene, found, angles, made_by, progress.part(0.75, 1.0))
        if points:
            write_points(found, scene.info, points, made_by)
        notes = [*scene.notes, *found.notes]
    if library:
        write_library(library, found.library())
    if report:
        extraction_report(replace(found, notes=tuple(notes)), options, made_by).write(report)
    progress.say(f"{len(found)} endmembers: {', '.join(found.names)}.")
    return {
        "endmembers": len(found),
        "candidates": len(found) + len(found.rejected),
        "rejected": len(found.rejected),
        "names": list(found.names),
        "classes": list(found.classes),
        "sources": list(found.sources),
        "rows": found.rows.tolist(),
        "columns": found.columns.tolist(),
        "purity": [round(float(value), 6) for value in found.purity],
        "pixels": found.pixels,
        "seconds": found.seconds,
        "library": library,
        "points": points,
        "angles": angles,
        "report": report,
    }


@job_files(reads=("raster", "mask", "wavelengths"), writes=("report",))
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

    Raises
    ------
    InputError, FileError
        When an input cannot be used.
    """
    files = SceneFiles(raster, mask, wavelengths, scale, offset, drop_water_bands, collars)
    with open_scene(files, progress) as scene:
        counted = count_endmembers(scene, progress)
    progress.check()
    if report:
        count_report(counted, Origin.from_dict(origin)).write(report)
    progress.say(
        f"HySime: {counted.hysime}; HFC: "
        + ", ".join(f"{number} at {rate:g}" for rate, number in counted.hfc.items())
        + "."
    )
    return {
        "hysime": counted.hysime,
        "hfc": [{"false_alarm": rate, "count": number} for rate, number in counted.hfc.items()],
        "hfc_1e3": counted.hfc[1e-3],
        "hfc_1e4": counted.hfc[1e-4],
        "hfc_1e5": counted.hfc[1e-5],
        "bands": counted.bands,
        "pixels": counted.pixels,
        "report": report,
    }
