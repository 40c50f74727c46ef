"""The fields of Landsat's metadata files, group by group, from text (ODL), XML or JSON."""

from __future__ import annotations

import datetime
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gossan.core.errors import FileError, InputError

LARGEST_FILE = 4 << 20
"""Bytes; real ones have up to 64 KiB."""

_OLD_NAMES = (
    (re.compile(r"BAND(\d)(\d)_FILE_NAME"), r"FILE_NAME_BAND_\1_VCID_\2"),
    (re.compile(r"BAND(\d)_FILE_NAME"), r"FILE_NAME_BAND_\1"),
    (re.compile(r"LMAX_BAND(\d)(\d)"), r"RADIANCE_MAXIMUM_BAND_\1_VCID_\2"),
    (re.compile(r"LMIN_BAND(\d)(\d)"), r"RADIANCE_MINIMUM_BAND_\1_VCID_\2"),
    (re.compile(r"LMAX_BAND(\d)"), r"RADIANCE_MAXIMUM_BAND_\1"),
    (re.compile(r"LMIN_BAND(\d)"), r"RADIANCE_MINIMUM_BAND_\1"),
    (re.compile(r"QCALMAX_BAND(\d)(\d)"), r"QUANTIZE_CAL_MAX_BAND_\1_VCID_\2"),
    (re.compile(r"QCALMIN_BAND(\d)(\d)"), r"QUANTIZE_CAL_MIN_BAND_\1_VCID_\2"),
    (re.compile(r"QCALMAX_BAND(\d)"), r"QUANTIZE_CAL_MAX_BAND_\1"),
    (re.compile(r"QCALMIN_BAND(\d)"), r"QUANTIZE_CAL_MIN_BAND_\1"),
    (re.compile(r"PRODUCT_(U[LR]|L[LR])_CORNER_(LAT|LON)"), r"CORNER_\1_\2_PRODUCT"),
    (re.compile(r"PRODUCT_(U[LR]|L[LR])_CORNER_MAP([XY])"), r"CORNER_\1_PROJECTION_\2_PRODUCT"),
    (re.compile(r"ACQUISITION_DATE"), "DATE_ACQUIRED"),
    (re.compile(r"SCENE_CENTER_SCAN_TIME"), "SCENE_CENTER_TIME"),
    (re.compile(r"STARTING_ROW"), "WRS_ROW"),
    (re.compile(r"PRODUCT_TYPE"), "DATA_TYPE"),
    (re.compile(r"ZONE_NUMBER"), "UTM_ZONE"),
)
"""What the fields were called before August 2012, and since."""


@dataclass(frozen=True)
class Rescaling:
    """A quantity = stored number x gain + offset."""

    gain: float
    offset: float


class MtlFields:
    """The fields of an MTL file, group by group: level 2 repeats those of level 1 in its last."""

    def __init__(self, path: str, groups: Mapping[str, Mapping[str, str]]) -> None:
        self.path = path
        self.groups = groups

    def text(self, name: str, within: str = "") -> str:
        """Return a field of the first group that has it (among those that begin so), else ""."""
        for group, fields in self.groups.items():
            if group.startswith(within) and name in fields:
                return fields[name]
        return ""

    def number(self, name: str, within: str = "") -> float | None:
        """Return a field as a number; None where it is missing."""
        text = self.text(name, within)
        if text in ("", "NULL", "-"):
            return None
        try:
            value = float(text)
        except ValueError:
            raise self._wrong(name, text, "a number") from None
        if not math.isfinite(value):
            raise self._wrong(name, text, "a finite number")
        return value

    def integer(self, name: str) -> int | None:
        """Return a field as a whole number; None where it is missing."""
        value = self.number(name)
        if value is not None and value != round(value):
            raise self._wrong(name, self.text(name), "a whole number")
        return None if value is None else round(value)

    def date(self, name: str) -> datetime.date | None:
        """Return a field as a day; None where it is missing."""
        text = self.text(name)
        try:
            return datetime.date.fromisoformat(text[:10]) if text else None
        except ValueError:
            raise self._wrong(name, text, "a date (YYYY-MM-DD)") from None

    def pair(self, gain: str, offset: str, within: str = "") -> Rescaling | None:
        """Return a rescaling; None where one of its two numbers is missing."""
        factor, shift = self.number(gain, within), self.number(offset, within)
        return None if factor is None or shift is None else Rescaling(factor, shift)

    def listed(self, prefix: str, *, keep: str) -> dict[str, str]:
        """Return the file names of the first group that lists any, by what follows the prefix."""
        for fields in self.groups.values():
            found = {
                keep + name[len(prefix) :]: file
                for name, file in fields.items()
                if name.startswith(prefix) and file
            }
            if found:
                return found
        return {}

    def _wrong(self, name: str, text: str, wanted: str) -> InputError:
        return InputError(
            f"{self.path}: the field {name} is {text!r}, which is not {wanted}. "
            "Download the metadata of the scene again."
        )


def read_fields(path: str) -> MtlFields:
    """Read the fields of an MTL file in any of its formats.

    Raises
    ------
    FileError
        When there is no such file or it cannot be read.
    InputError
        When it is no MTL file or cut off.
    """
    return MtlFields(path, _groups(_text(path), path))


def _text(path: str) -> str:
    try:
        if os.path.getsize(path) > LARGEST_FILE:
            raise InputError(f"{path} is far larger than any MTL file. Choose a scene's metadata.")
        content = Path(path).read_bytes()
    except FileNotFoundError as problem:
        raise FileError(f"{path} does not exist. Check the path.") from problem
    except OSError as problem:
        raise FileError(
            f"{path} cannot be read: {problem.strerror or problem}. Choose an MTL file."
        ) from problem
    # Early files are filled up to 64 KiB with zero bytes.
    return content.replace(b"\0", b"").decode("utf-8-sig", errors="replace")


def _groups(text: str, path: str) -> dict[str, dict[str, str]]:
    """Return the fields by group, whatever the format, under their names of today."""
    start = text.lstrip()[:1]
    entries = _from_json if start == "{" else _from_xml if start == "<" else _from_odl
    groups: dict[str, dict[str, str]] = {}
    root = ""
    for group, name, value in entries(text, path):
        if not root:
            root = group.partition("/")[0]
        groups.setdefault(group.rpartition("/")[2], {})[_todays_name(name)] = value
    if root not in ("LANDSAT_METADATA_FILE", "L1_METADATA_FILE", "LEVEL1_METADATA_FILE"):
        raise InputError(
            f"{path} is no Landsat MTL file: it does not begin with a group "
            "LANDSAT_METADATA_FILE or L1_METADATA_FILE. Choose the file that ends in _MTL.txt, "
            "_MTL.xml or _MTL.json."
        )
    return groups


def _todays_name(name: str) -> str:
    for pattern, replacement in _OLD_NAMES:
        if pattern.fullmatch(name):
            return pattern.sub(replacement, name)
    return name


def _from_odl(text: str, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield group, field and value of the text form (ODL)."""
    stack: list[str] = []
    for line in text.splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if name == "END" and not equals:
            return
        if name == "GROUP":
            stack.append(value)
        elif name == "END_GROUP":
            if stack:
                stack.pop()
        elif equals and stack:
            yield "/".join(stack), name, value.strip('"').strip()
    if stack:
        raise InputError(
            f"{path} is cut off: the group {stack[-1]} has no end. Download the metadata again."
        )


def _from_xml(text: str, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield group, field and value of the XML form.

    Its elements are plain and have no attributes, so that no XML parser has to trust the file.
    """
    stack: list[str] = []
    # (Elements in capitals only: the declaration and comments are passed over.)
    pattern = re.compile(r"<([A-Z][A-Z0-9_]*)>([^<]*)</\1>|<(/?)([A-Z][A-Z0-9_]*)>")
    for match in pattern.finditer(text):
        field, value, closing, group = match.groups()
        if field:
            yield "/".join(stack), field, value.strip().strip('"')
        elif not closing:
            stack.append(group)
        elif stack and stack[-1] == group:
            stack.pop()
    if stack:
        raise InputError(
            f"{path} is cut off: the group {stack[-1]} has no end. Download the metadata again."
        )


def _from_json(text: str, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield group, field and value of the JSON form."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InputError(
            f"{path} is no valid JSON ({problem}). Download the metadata again."
        ) from problem
    for root, groups in content.items():
        for group, fields in groups.items() if isinstance(groups, dict) else ():
            for name, value in fields.items() if isinstance(fields, dict) else ():
                yield f"{root}/{group}", name, str(value).strip()
