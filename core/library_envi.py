"""ENVI spectral libraries: a matrix of spectra (``.sli``) and its header (``.hdr``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gossan.core.envi import data_type, items, read_header
from gossan.core.errors import FileError, InputError
from gossan.core.files import write_then_rename
from gossan.core.spectral_library import SpectralLibrary, to_reflectance
from gossan.core.wavelength_units import to_nanometres

_NO_SPECTRUM = re.compile(
    r"^\s*(?:error bars?\b|(?:wavelengths?|resolution|bandpass|fwhm)\s+in\s+"
    r"(?:microns?|nm|um|nanomet|micromet))",
    re.IGNORECASE,
)
"""Names of rows that are no spectra, as in the USGS libraries."""

_DELETED = -1e30
"""USGS marks deleted channels with -1.23e34; nothing measured is below this."""


def read_envi_library(path: Path) -> SpectralLibrary:
    """Read an ENVI spectral library; see `gossan.core.spectra.read_library`."""
    data_path, header_path = _pair(path)
    header = read_header(header_path)
    if "library" not in header.get("file type", "").lower():
        raise InputError(
            f"{path} is an ENVI file, but not a spectral library. Choose a library, or extract "
            "endmembers from the image first."
        )
    spectra = _matrix(data_path, header_path, header)
    count, bands = spectra.shape
    wavelengths, fwhm, notes = _grid(header, bands, path)
    names, odd = _names(header, count)
    notes += odd
    spectra = _without_missing(spectra, header)
    keep = ~_rows_without_spectrum(names, spectra, wavelengths)
    if not keep.all():
        notes.append(
            f"{int((~keep).sum())} rows of {path.name} are wavelengths, resolutions or error bars "
            "and no spectra; they are left out."
        )
    factor = _number(header.get("reflectance scale factor"))
    spectra, assumed = to_reflectance(spectra[keep], path.name, factor)
    kept = np.flatnonzero(keep)
    classes = _labels(header, "spectra classes", count)
    sources = _labels(header, "spectra sources", count) or (data_path.name,) * count
    return SpectralLibrary(
        names=tuple(names[i] for i in kept),
        spectra=spectra,
        wavelengths=wavelengths,
        classes=tuple(classes[i] for i in kept) if classes else (),
        sources=tuple(sources[i] for i in kept),
        fwhm=fwhm,
        notes=tuple(notes + assumed),
    )


def write_envi_library(path: Path, library: SpectralLibrary) -> None:
    """Write an ENVI spectral library; see `gossan.core.spectra.write_library`."""
    count, bands = library.spectra.shape
    missing = not np.isfinite(library.spectra).all()
    lines = [
        "ENVI",
        "description = { Spectral library written by Gossan }",
        f"samples = {bands}",
        f"lines = {count}",
        "bands = 1",
        "header offset = 0",
        "file type = ENVI Spectral Library",
        "data type = 5",
        "interleave = bsq",
        "byte order = 0",
        "wavelength units = Nanometers",
        "reflectance scale factor = 1.0",
        "band names = { Spectral Library }",
        f"spectra names = {_list(library.names)}",
        f"spectra classes = {_list(library.classes)}",
        f"spectra sources = {_list(library.sources)}",
        f"wavelength = {_list(repr(float(value)) for value in library.wavelengths)}",
    ]
    if library.fwhm is not None and np.isfinite(library.fwhm).all():
        lines.append(f"fwhm = {_list(repr(float(value)) for value in library.fwhm)}")
    values = library.spectra
    if missing:
        lines.append("data ignore value = -1.23e34")
        values = np.where(np.isfinite(values), values, -1.23e34)
    header_path = path.with_suffix(".hdr")
    with write_then_rename(header_path) as header_part, write_then_rename(path) as part:
        part.write_bytes(np.ascontiguousarray(values, dtype="<f8").tobytes())
        header_part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pair(path: Path) -> tuple[Path, Path]:
    """Return data file and header, whichever of the two was named."""
    if path.suffix.lower() == ".hdr":
        for candidate in (path.with_suffix(".sli"), path.with_suffix(""), path.with_suffix(".SLI")):
            if candidate.is_file():
                return candidate, path
        raise FileError(f"{path} is a header without its .sli file. Put both in one folder.")
    for candidate in (
        path.with_suffix(".hdr"),
        path.with_name(path.name + ".hdr"),
        path.with_suffix(".HDR"),
    ):
        if candidate.is_file():
            return path, candidate
    raise FileError(
        f"{path} has no header ({path.with_suffix('.hdr').name}) beside it. Spectral libraries are "
        "read as ENVI .sli with .hdr, CSV tables and ECOSTRESS texts."
    )


def _matrix(data_path: Path, header_path: Path, header: dict[str, str]) -> np.ndarray:
    try:
        count, bands = int(header["lines"]), int(header["samples"])
        start = int(header.get("header offset", "0"))
    except (KeyError, ValueError):
        raise FileError(f"{header_path} does not say samples and lines as numbers.") from None
    if count < 1 or bands < 1:
        raise FileError(f"{header_path} describes a library without spectra.")
    kind = data_type(header, header_path)
    needed = start + count * bands * kind.itemsize
    size = data_path.stat().st_size
    if size < needed:
        raise FileError(
            f"{data_path} is cut off: it has {size} bytes and its header describes {needed}. "
            "Copy or download the file again."
        )
    values = np.fromfile(data_path, dtype=kind, count=count * bands, offset=start)
    return values.reshape(count, bands).astype(np.float64)


def _grid(
    header: dict[str, str], bands: int, path: Path
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    try:
        values = [float(item) for item in items(header.get("wavelength", ""))]
        widths = [float(item) for item in items(header.get("fwhm", ""))]
    except ValueError as problem:
        raise InputError(
            f"The header of {path} has a wavelength that is no number: {problem}."
        ) from None
    if len(values) != bands:
        raise InputError(
            f"The header of {path} gives {len(values)} wavelengths for {bands} bands. "
            "Add them to the header."
        )
    unit = header.get("wavelength units")
    converted, note = to_nanometres(values, unit)
    wavelengths = np.array(converted, dtype=np.float64)
    # The factor that was used for the centres serves the widths too.
    factor = float(wavelengths.max() / max(values)) if max(values) > 0 else 1.0
    fwhm = np.array(widths) * factor if len(widths) == bands else None
    return wavelengths, fwhm, [f"{path.name}: {note}"] if note else []


def _names(header: dict[str, str], count: int) -> tuple[list[str], list[str]]:
    text = header.get("spectra names", "")
    names = items(text)
    if len(names) == count:
        return [" ".join(name.split()) for name in names], []
    # Names with commas of their own can be told apart when there is one name on each line.
    body = text.strip().strip("{}")
    by_line = [line.strip().rstrip(",").strip() for line in body.splitlines()]
    by_line = [line for line in by_line if line]
    if len(by_line) == count:
        return by_line, []
    note = f"The header has {len(names)} names for {count} spectra; they are numbered instead."
    return [f"spectrum {number}" for number in range(1, count + 1)], [note]


def _labels(header: dict[str, str], key: str, count: int) -> tuple[str, ...]:
    labels = items(header.get(key, ""))
    return tuple(labels) if len(labels) == count else ()


def _without_missing(spectra: np.ndarray, header: dict[str, str]) -> np.ndarray:
    ignored = _number(header.get("data ignore value"))
    missing = ~np.isfinite(spectra) | (spectra < _DELETED)
    if ignored is not None:
        missing |= np.isclose(spectra, ignored, rtol=1e-6, atol=0.0)
    return np.where(missing, np.nan, spectra)


def _rows_without_spectrum(
    names: list[str], spectra: np.ndarray, wavelengths: np.ndarray
) -> np.ndarray:
    named = np.array([bool(_NO_SPECTRUM.match(name)) for name in names])
    same = np.zeros(len(names), dtype=bool)
    if wavelengths.size > 2:
        for factor in (1.0, 1e-3):
            same |= np.all(np.isclose(spectra, wavelengths * factor, rtol=1e-4), axis=1)
    return named | same


def _list(values: Iterable[str]) -> str:
    cleaned = [v.replace(",", ";").replace("{", "(").replace("}", ")") for v in values]
    return "{\n " + ",\n ".join(" ".join(text.split()) or " " for text in cleaned) + " }"


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
