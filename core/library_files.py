"""Spectral libraries as files: ENVI ``.sli``, CSV tables and ECOSTRESS texts."""

from __future__ import annotations

import os
from pathlib import Path

from gossan.core.ecostress import is_ecostress, read_ecostress
from gossan.core.errors import FileError, InputError
from gossan.core.library_ascii import read_ascii
from gossan.core.library_csv import read_csv_library, write_csv_library
from gossan.core.library_envi import read_envi_library, write_envi_library
from gossan.core.spectral_library import SpectralLibrary


def read_library(path: str | os.PathLike[str], *, name_column: str = "") -> SpectralLibrary:
    """Read a spectral library.

    Parameters
    ----------
    path : path
        An ENVI library (the ``.sli`` or other data file, or its header), a CSV table, an
        ECOSTRESS text file, the text export of a field spectrometer, or a folder of such texts.
    name_column : str
        Column of a CSV table that names the spectra; empty takes a usual one.

    Returns
    -------
    SpectralLibrary
        Reflectance 0 to 1 over nm; its notes say what was left out or assumed.

    Raises
    ------
    FileError
        When the file is missing, empty, damaged or of no kind that is read.
    InputError
        When the table cannot be understood.
    """
    if not os.fspath(path):
        raise FileError("No spectral library was given. Choose a .sli, .csv or .txt file.")
    source = Path(path)
    if not source.exists():
        raise FileError(f"The spectral library {source} does not exist. Check the path.")
    if source.is_dir():
        return read_ecostress(source) if is_ecostress(source) else read_ascii(source)
    if source.stat().st_size == 0:
        raise FileError(f"The spectral library {source} is empty. Choose another file.")
    suffix = source.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return read_csv_library(source, name_column)
    if suffix in (".txt", ".asc", ".sed", ".sig"):
        return read_ecostress(source) if is_ecostress(source) else read_ascii(source)
    return read_envi_library(source)


def write_library(path: str | os.PathLike[str], library: SpectralLibrary) -> None:
    """Write a spectral library as ENVI (``.sli`` and ``.hdr``) or as CSV, by the suffix.

    The CSV has one spectrum per row after the columns name, class and source; ENVI headers keep
    class and source as lists of their own. A comma in a name becomes a semicolon in ENVI headers.

    Raises
    ------
    InputError
        When the suffix is neither ``.sli`` nor ``.csv``.
    FileError
        When the file cannot be written there.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix == ".csv":
        write_csv_library(target, library)
    elif suffix == ".sli":
        write_envi_library(target, library)
    else:
        raise InputError(f"{target} must end in .sli or .csv. Give it one of these endings.")
