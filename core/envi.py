"""ENVI headers: ``key = value`` lines with lists in braces."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from gossan.core.errors import FileError

TYPES = {
    1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
"""ENVI's number of a data type -> NumPy's name of it."""


def read_header(path: Path) -> dict[str, str]:
    """Read an ENVI header; keys in lower case, lists with their braces.

    Raises
    ------
    FileError
        When the file is no ENVI header.
    """
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as problem:
        raise FileError(f"The header {path} cannot be read: {problem.strerror}.") from problem
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "ENVI":
        raise FileError(f"{path} is not an ENVI header: its first line is not ENVI.")
    fields: dict[str, str] = {}
    key = None
    for line in lines[1:]:
        if key is not None:
            fields[key] += "\n" + line
        elif "=" in line and not line.lstrip().startswith(";"):
            name, _, value = line.partition("=")
            key = re.sub(r"\s+", " ", name.strip().lower())
            fields[key] = value.strip()
        if key is not None and (not fields[key].startswith("{") or "}" in fields[key]):
            key = None
    return fields


def items(text: str) -> list[str]:
    """Split a list in braces at its commas."""
    body = text.strip().strip("{}").strip()
    return [item.strip() for item in body.split(",")] if body else []


def data_type(header: dict[str, str], path: Path) -> np.dtype:
    """Return the NumPy type, byte order included.

    Raises
    ------
    FileError
        When the header names no usable type.
    """
    try:
        name = TYPES[int(header.get("data type", ""))]
        order = ">" if int(header.get("byte order", "0")) == 1 else "<"
    except (KeyError, ValueError):
        raise FileError(
            f"{path}: data type {header.get('data type', 'missing')!r} cannot be read. "
            "Real numbers are needed."
        ) from None
    return np.dtype(order + name)
