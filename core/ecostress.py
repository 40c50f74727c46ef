"""ECOSTRESS (and ASTER) spectra: texts of ``key: value`` lines, then wavelength and value."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.core.spectral_library import SpectralLibrary
from gossan.core.wavelength_units import to_nanometres


def read_ecostress(path: Path) -> SpectralLibrary:
    """Read one ECOSTRESS text, or all of a folder; see `gossan.core.spectra.read_library`.

    Files on different grids are brought to the union of their wavelengths by linear
    interpolation, NaN outside the range of each.
    """
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    spectra, skipped = [], 0
    for file in files:
        if path.is_dir() and not _is_spectrum(file):
            skipped += 1
            continue
        spectra.append(_read_one(file))
    if not spectra:
        raise FileError(
            f"{path} holds no ECOSTRESS spectra (*.txt). Choose a folder of them, or a library "
            "as .sli or .csv."
        )
    grid = np.unique(np.concatenate([np.round(one[1], 4) for one in spectra]))
    notes = []
    if any(one[1].size != grid.size for one in spectra):
        notes.append(
            "The spectra have different wavelengths; they are interpolated to their union."
        )
    if skipped:
        notes.append(f"{skipped} text files of {path.name} are no ECOSTRESS spectra; left out.")
    return SpectralLibrary(
        names=tuple(one[0]["name"] for one in spectra),
        spectra=np.array(
            [np.interp(grid, np.round(x, 4), y, left=np.nan, right=np.nan) for _, x, y in spectra]
        ),
        wavelengths=grid,
        classes=tuple(one[0]["class"] for one in spectra),
        sources=tuple(one[0]["source"] for one in spectra),
        notes=tuple(notes),
    )


def is_ecostress(path: Path) -> bool:
    """Tell whether a text, or any of a folder's, says its name and units as ECOSTRESS does."""
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    return any("x units:" in _text(file)[:4000].lower() for file in files[:50])


def _read_one(path: Path) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
    """Return labels, wavelengths (bands,) in nm ascending and reflectance (bands,)."""
    fields: dict[str, str] = {}
    pairs: list[tuple[float, float]] = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        cells = line.replace(",", " ").split()
        if len(cells) == 2 and _is_number(cells[0]) and _is_number(cells[1]):
            pairs.append((float(cells[0]), float(cells[1])))
        elif ":" in line and not pairs:
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
        elif line.strip() and pairs:
            raise FileError(
                f"{path}, line {number}: {line.strip()[:40]!r} is not a wavelength and a value. "
                "Download the file again."
            )
    if not pairs or "name" not in fields:
        raise InputError(
            f"{path} is no ECOSTRESS spectrum: it needs a line 'Name:' and lines of wavelength "
            "and value."
        )
    values = np.array(pairs)
    wavelengths, _ = to_nanometres(list(values[:, 0]), _unit(fields.get("x units", "")))
    x = np.array(wavelengths, dtype=np.float64)
    y = values[:, 1] / (100.0 if "percent" in fields.get("y units", "").lower() else 1.0)
    order = np.argsort(x, kind="stable")
    labels = {
        "name": " ".join(part for part in (fields["name"], fields.get("sample no.", "")) if part),
        "class": fields.get("class") or fields.get("type", ""),
        "source": path.name,
    }
    return labels, x[order], y[order]


def _unit(text: str) -> str:
    lowered = text.lower()
    if "nanomet" in lowered or "(nm" in lowered:
        return "nm"
    return "um" if "micro" in lowered or "(um" in lowered else ""


def _is_spectrum(path: Path) -> bool:
    return "wavelength" in _text(path)[:4000].lower()


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
