"""The small jobs behind looking at spectra: one call for each click of the mouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.core.job_files import job_files
from gossan.core.progress import Progress
from gossan.core.raster import Raster, open_raster
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.spectra import pixels
from gossan.models.spectra.axis import Axis, treatments
from gossan.models.spectra.matching import SAME_WAVELENGTH, on_bands, unique_names
from gossan.models.spectra.ranking import rank, stamp
from gossan.models.spectra.scene import reflectance_factor

NEAREST = 10
"""How many library spectra a ranking lists."""

LEAST_COLUMNS = 64
"""By so many pixels of each sampled row, or a tile's, the scale of a scene is judged."""


@job_files(reads=("raster", "library", "wavelengths"), writes=())
def look(
    progress: Progress,
    *,
    raster: str,
    points: Sequence[Sequence[float]] | None = None,
    rings: Sequence[Sequence[Sequence[float]]] | None = None,
    library: str = "",
    nearest: int = NEAREST,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    drop_water_bands: bool = True,
    collars: bool = True,
) -> dict[str, Any]:
    """Give the spectra of pixels, or the mean spectrum within a shape, with all that a plot shows.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Path of the scene.
    points : sequence of (x, y)
        Places in the raster's CRS, or, where it has no place on the ground, in the coordinates in
        which QGIS shows it: column, and row counted downwards with a minus.
    rings : sequence of sequences of (x, y)
        Outer ring and holes of a shape; given instead of points.
    library : str
        Path of a library to rank by its angle to the (first) spectrum, or "".
    nearest : int
        How many of its spectra to return at most.
    wavelengths, scale, offset, drop_water_bands, collars
        As in `gossan.models.abundances.jobs.estimate`.

    Returns
    -------
    dict
        ``axis`` (as `Axis.to_dict`), ``spectra`` (for each place ``row``, ``column``, ``outline``
        on the map, ``pixels``, ``reflectance``, ``deviation`` and the `treatments`; None for a
        place without values), ``nearest`` (as `rank_library`; empty where the library
        cannot be compared), ``library_notes`` and ``notes``. Missing values are NaN.

    Raises
    ------
    InputError
        When no place lies on a pixel with values.
    FileError
        When a file cannot be read.
    """
    if (points is None) == (rings is None):
        raise InputError("Give either points or the rings of one shape.")
    with open_raster(raster, wavelengths=wavelengths, scale=scale, offset=offset) as scene:
        axis = Axis.of(scene.info, drop_water_bands=drop_water_bands)
        factor, assumed = _reflectance_factor(scene, axis, wavelengths)
        notes = [*scene.info.notes, *axis.notes, *assumed]
        if points is not None:
            places = _at_points(scene, axis, points, collars=collars)
        else:
            places = [_in_shape(scene, axis, rings or (), progress, collars=collars)]
    for place in places:
        if place is not None:
            place["reflectance"] = place["reflectance"] * factor
            place["deviation"] = place["deviation"] * factor
    found = [place for place in places if place is not None]
    table = np.array([place["reflectance"] for place in found])
    for place, treated in zip(found, treatments(table, axis.values)):
        place.update(treated)
    ranked: list[dict[str, Any]] = []
    about_library: list[str] = []
    if library and axis.unit == "nm":
        try:
            ranked, about_library = _ranked(table[0], axis.values, axis.fwhm, library, nearest)
        except (InputError, FileError) as problem:
            # The spectrum is there all the same.
            about_library = [str(problem)]
    for place in found:
        place["reflectance"] = place["reflectance"].tolist()
        place["deviation"] = place["deviation"].tolist()
    return {
        "axis": axis.to_dict(),
        "spectra": places,
        "nearest": ranked,
        "notes": notes,
        "library_notes": about_library,
    }


@job_files(reads=("library",), writes=())
def rank_library(
    progress: Progress,
    *,
    library: str,
    wavelengths: Sequence[float],
    reflectance: Sequence[float | None],
    fwhm: Sequence[float] | None = None,
    nearest: int = NEAREST,
) -> dict[str, Any]:
    """Rank the spectra of a library by their spectral angle to a spectrum.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    library : str
        Path of the library.
    wavelengths, reflectance, fwhm : sequence (bands,)
        The spectrum, as `look` gives it; None or NaN where it has no value.
    nearest : int
        How many to return at most.

    Returns
    -------
    dict
        ``nearest``: for each ``name``, ``class``, ``source``, ``angle`` (rad), ``reflectance`` on
        the spectrum's bands, and the `treatments`; ``library_notes``.

    Raises
    ------
    InputError
        When the library covers too few bands of the spectrum.
    FileError
        When it cannot be read.
    """
    progress.check()
    values = _numbers(reflectance)
    x = np.array(wavelengths, dtype=np.float64)
    _require_same_length(values, x)
    if np.isfinite(values).sum() < 2:
        raise InputError("A spectrum needs values at two bands or more to be compared.")
    widths = None if fwhm is None else np.array(fwhm, dtype=np.float64)
    ranked, notes = _ranked(values, x, widths, library, nearest)
    return {"nearest": ranked, "library_notes": notes}


def treat(progress: Progress, *, spectra: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the treatments of spectra that are at hand, as after opening a project.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    spectra : sequence of dict
        ``axis`` (ascending) and ``reflectance`` (None or NaN where missing) of each.

    Returns
    -------
    dict
        ``treatments``, for each spectrum, in their order.
    """
    treated = []
    for number, spectrum in enumerate(spectra):
        progress.fraction(number / len(spectra))
        values, axis = _numbers(spectrum["reflectance"]), np.array(spectrum["axis"], dtype=float)
        _require_same_length(values, axis)
        treated += treatments(values[np.newaxis], axis)
    return {"treatments": treated}


@job_files(reads=(), writes=("output",))
def write_spectra(
    progress: Progress, *, output: str, spectra: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Write spectra that were looked at as a library.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    output : str
        Path of the library to write, ``.sli`` or ``.csv``.
    spectra : sequence of dict
        ``name``, ``class``, ``source``, ``wavelengths`` (nm), ``fwhm`` (or None) and
        ``reflectance`` (None or NaN where missing) of each. They are brought to the bands of the
        first, without those where no spectrum has a value.

    Returns
    -------
    dict
        ``output``, ``spectra``, ``bands``, ``resampled`` (how many had other bands).

    Raises
    ------
    InputError
        When there is no spectrum, or one has nothing in common with the bands of the first.
    FileError
        When the library cannot be written.
    """
    if not spectra:
        raise InputError("There is no spectrum to write. Tick at least one.")
    progress.fraction(0.0)
    libraries = [_single(spectrum) for spectrum in spectra]
    first = libraries[0]
    rows, resampled = [first.spectra[0]], 0
    for number, library in enumerate(libraries[1:], start=1):
        progress.fraction(number / len(libraries))
        same = library.wavelengths.shape == first.wavelengths.shape and np.allclose(
            library.wavelengths, first.wavelengths, rtol=0, atol=SAME_WAVELENGTH
        )
        values = library.spectra if same else on_bands(library, first.wavelengths, first.fwhm)[0]
        resampled += not same
        rows.append(values[0])
    table = np.array(rows)
    held = np.isfinite(table).any(axis=0)
    progress.check()
    if resampled:
        progress.warn(
            f"{resampled} of {len(rows)} spectra have other bands than the first and are resampled "
            "to its bands."
        )
    write_library(
        output,
        SpectralLibrary(
            names=unique_names([library.names[0] for library in libraries]),
            spectra=table[:, held],
            wavelengths=first.wavelengths[held],
            classes=tuple(library.classes[0] for library in libraries),
            sources=tuple(library.sources[0] for library in libraries),
            fwhm=None if first.fwhm is None else first.fwhm[held],
        ),
    )
    progress.say(f"{len(rows)} spectra on {int(held.sum())} bands.")
    return {
        "output": output,
        "spectra": len(rows),
        "bands": int(held.sum()),
        "resampled": resampled,
    }


def _at_points(
    scene: Raster, axis: Axis, points: Sequence[Sequence[float]], *, collars: bool
) -> list[dict[str, Any] | None]:
    info = scene.info
    rows, columns = pixels.pixels_at(info, np.array(points, dtype=np.float64).reshape(-1, 2))
    if (rows < 0).all():
        raise InputError(
            f"The place lies outside {info.path}. Click on the image, or choose the image that you "
            "see there."
        )
    spectra = pixels.read_pixels(scene, rows, columns, axis.indexes, collars=collars)
    spectra[:, ~axis.good] = np.nan
    if not np.isfinite(spectra).any():
        raise InputError(
            f"{info.path} has no values at row {rows[0] + 1}, column {columns[0] + 1}: nodata or "
            "collar. Click elsewhere."
        )
    return [
        {
            "row": int(row),
            "column": int(column),
            "outline": pixels.outline(info, int(row), int(column)),
            "pixels": 1,
            "reflectance": spectrum,
            "deviation": np.full_like(spectrum, np.nan),
        }
        if np.isfinite(spectrum).any()
        else None
        for row, column, spectrum in zip(rows, columns, spectra)
    ]


def _in_shape(
    scene: Raster,
    axis: Axis,
    rings: Sequence[Sequence[Sequence[float]]],
    progress: Progress,
    *,
    collars: bool,
) -> dict[str, Any]:
    if not rings or min(len(ring) for ring in rings) < 3:
        raise InputError("A shape needs three corners or more.")
    found = pixels.average(scene, rings, axis.indexes, axis.good, progress, collars=collars)
    return {
        "row": None,
        "column": None,
        "outline": [[float(x), float(y)] for x, y in rings[0]],
        "pixels": found.pixels,
        "without_values": found.without_values,
        "reflectance": found.mean,
        "deviation": found.deviation,
    }


def _reflectance_factor(scene: Raster, axis: Axis, wavelengths: str) -> tuple[float, list[str]]:
    """Return what the values are multiplied with, judged once for each state of a file."""
    if scene.info.scale_source:
        return 1.0, []
    bands = tuple(axis.indexes[axis.good].tolist())
    factor, notes = _judged(scene.info.path, stamp(scene.info.path), bands, wavelengths)
    return factor, list(notes)


@lru_cache(maxsize=16)
def _judged(
    path: str,
    state: tuple[int, int],  # noqa: ARG001 - a changed file is another key
    bands: tuple[int, ...],
    wavelengths: str,
) -> tuple[float, tuple[str, ...]]:
    notes: list[str] = []
    with open_raster(path, wavelengths=wavelengths) as scene:
        columns = max(scene.info.block[1] if scene.info.block[0] > 1 else 0, LEAST_COLUMNS)
        told = Progress(on_warning=notes.append)
        factor = reflectance_factor(scene, bands, told, columns=columns)
    return factor, tuple(notes)


def _ranked(
    values: np.ndarray, x: np.ndarray, fwhm: np.ndarray | None, library: str, count: int
) -> tuple[list[dict[str, Any]], list[str]]:
    nearest, notes = rank(values, x, fwhm, library, count)
    treated = treatments(np.array([each.values for each in nearest]).reshape(-1, len(x)), x)
    rows = [
        {
            "name": each.name,
            "class": each.group,
            "source": each.source,
            "angle": each.angle,
            "reflectance": each.values.tolist(),
            **curves,
        }
        for each, curves in zip(nearest, treated)
    ]
    return rows, notes


def _single(spectrum: Mapping[str, Any]) -> SpectralLibrary:
    """Return a spectrum as a library of its own."""
    name = str(spectrum["name"])
    if not spectrum.get("wavelengths"):
        raise InputError(
            f"The spectrum {name} comes from an image that does not say its wavelengths, and a "
            "library needs them. Add them to the image's header and look at the spectrum again."
        )
    values = _numbers(spectrum["reflectance"])
    if not np.isfinite(values).any():
        raise InputError(f"The spectrum {name} has no values. Untick it.")
    return SpectralLibrary(
        names=(name,),
        spectra=values[np.newaxis],
        wavelengths=np.array(spectrum["wavelengths"], dtype=np.float64),
        classes=(str(spectrum.get("class") or ""),),
        sources=(str(spectrum.get("source") or ""),),
        fwhm=None if not spectrum.get("fwhm") else np.array(spectrum["fwhm"], dtype=np.float64),
    )


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _require_same_length(values: np.ndarray, axis: np.ndarray) -> None:
    if values.shape != axis.shape:
        raise InputError(f"A spectrum has {values.size} values on {axis.size} bands.")
