"""The model file: one ``*.gossan`` that holds a card and the weights, and never runs code.

It is a ZIP of ``card.json`` and of ``weights.safetensors`` (arrays), ``estimators.skops``
(scikit-learn) or both. Its SHA-256 is the model's name on every product, so the same content
gives the same bytes: members have a fixed order and fixed times.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from gossan.core import estimators as stored_estimators
from gossan.core.errors import BundleError, FileError, naming
from gossan.core.files import write_then_rename
from gossan.core.model_card import Card, ClassLabel, Target, Training

__all__ = [
    "Bundle",
    "Card",
    "ClassLabel",
    "Target",
    "Training",
    "fingerprint_of",
    "read_bundle",
    "write_bundle",
]

CARD, ARRAYS, ESTIMATORS = "card.json", "weights.safetensors", "estimators.skops"

MAXIMUM_BYTES = {CARD: 4 << 20, ARRAYS: 1 << 30, ESTIMATORS: 512 << 20}
"""Largest unpacked size of each member that is read."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """An opened model file.

    Parameters
    ----------
    path : Path
    card : Card
    fingerprint : str
        SHA-256 of the whole file, 64 hexadecimal digits.
    """

    path: Path
    card: Card
    fingerprint: str
    _members: Mapping[str, bytes] = field(repr=False)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the stored arrays by name; none where the model has no such part.

        Raises
        ------
        BundleError
            When that part is damaged.
        """
        content = self._members.get(ARRAYS)
        if content is None:
            return {}
        try:
            return safetensors.numpy.load(content)
        except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as problem:
            raise BundleError(
                f"The weights in {self.path} are damaged ({problem}). Get the file again."
            ) from problem

    def estimators(self) -> dict[str, Any]:
        """Return the stored scikit-learn estimators by name; none where there is no such part.

        Raises
        ------
        BundleError
            When that part is damaged or holds anything but trusted types.
        """
        content = self._members.get(ESTIMATORS)
        if content is None:
            return {}
        return stored_estimators.loads(content, str(self.path))


def write_bundle(
    path: str | os.PathLike[str],
    card: Card | Mapping[str, Any],
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    estimators: Mapping[str, Any] | None = None,
) -> str:
    """Write a model file.

    Parameters
    ----------
    path : path
        Usually ends in ``.gossan``.
    card : Card or mapping
    arrays : mapping of ndarray
        Weights by name; stored as safetensors, read in milliseconds. The way for networks and for
        forests as node arrays.
    estimators : mapping of scikit-learn estimators
        Stored as skops. A forest of many trees is slow and large this way.

    Returns
    -------
    str
        The fingerprint of the file.

    Raises
    ------
    BundleError
        When the card is invalid, a type cannot be stored, or nothing but a card was given.
    FileError
        When it cannot be written there.
    """
    checked = card if isinstance(card, Card) else Card.from_dict(card)
    members = {CARD: checked.to_json()}
    if arrays:
        dense = {str(name): np.ascontiguousarray(array) for name, array in arrays.items()}
        for name, array in dense.items():
            if array.dtype.hasobject or array.dtype.kind not in "biuf":
                raise BundleError(f"The array {name!r} of type {array.dtype} cannot be stored.")
        members[ARRAYS] = safetensors.numpy.save(dense)
    if estimators:
        members[ESTIMATORS] = stored_estimators.dumps(dict(estimators))
    if len(members) == 1:
        raise BundleError("A model file needs arrays or estimators; only a card was given.")
    for name, content in members.items():
        if len(content) > MAXIMUM_BYTES[name]:
            raise BundleError(
                f"The part {name} of the model takes {len(content) >> 20} MB, more than the "
                f"{MAXIMUM_BYTES[name] >> 20} MB that a model file may hold."
            )
    packed = _pack(members)
    with write_then_rename(path) as part:
        part.write_bytes(packed)
    return hashlib.sha256(packed).hexdigest()


def read_bundle(path: str | os.PathLike[str], *, kind: str | None = None) -> Bundle:
    """Open a model file and check all of it but the insides of the weights.

    Parameters
    ----------
    path : path
    kind : str or None
        Refuse models of another kind.

    Returns
    -------
    Bundle

    Raises
    ------
    FileError
        When the file is missing or cannot be read.
    BundleError
        When it is damaged, foreign, of another version, oversized or of another kind.
    """
    if not os.fspath(path):
        raise FileError("No model was given. Choose a file that ends in .gossan.")
    content = _read(Path(path))
    members = _unpack(content, str(path))
    with naming(str(path)):
        card = Card.from_json(members[CARD])
    if kind is not None and card.kind != kind:
        raise BundleError(
            f"{path} is a model for {card.kind!r}, but one for {kind!r} is needed here. "
            "Choose another model."
        )
    return Bundle(Path(path), card, hashlib.sha256(content).hexdigest(), members)


def fingerprint_of(path: str | os.PathLike[str]) -> str:
    """Return the fingerprint of a model file without opening it.

    Raises
    ------
    FileError
        When the file is missing or cannot be read.
    """
    return hashlib.sha256(_read(Path(path))).hexdigest()


def _read(path: Path) -> bytes:
    limit = sum(MAXIMUM_BYTES.values())
    try:
        with open(path, "rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError as problem:
        raise FileError(f"The model file {path} does not exist.") from problem
    except OSError as problem:
        raise FileError(f"The model file {path} cannot be read: {problem.strerror}.") from problem
    if len(content) > limit:
        raise BundleError(f"{path} is larger than a model file may be ({limit >> 20} MB).")
    return content


def _pack(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in (CARD, ARRAYS, ESTIMATORS):
            if name in members:
                entry = zipfile.ZipInfo(name, _FIXED_TIME)
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, members[name], compresslevel=6)
    return stream.getvalue()


def _unpack(content: bytes, where: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_members(entries, where)
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as problem:
        if isinstance(problem, BundleError):
            raise
        raise BundleError(
            f"{where} is not a model file or is damaged ({problem}). Get the file again."
        ) from problem


def _check_members(entries: list[zipfile.ZipInfo], where: str) -> None:
    names = [entry.filename for entry in entries]
    foreign = sorted(set(names) - set(MAXIMUM_BYTES))
    if foreign:
        raise BundleError(
            f"{where} is not a model of Gossan: it holds {foreign[0]!r:.80}, and a model file "
            f"holds {CARD}, {ARRAYS} and {ESTIMATORS} only."
        )
    if len(set(names)) != len(names):
        raise BundleError(f"{where} is refused: it holds the same part twice.")
    if CARD not in names:
        raise BundleError(f"{where} is not a model of Gossan: it has no {CARD}.")
    if len(names) == 1:
        raise BundleError(f"{where} holds a card but no weights. Get the file again.")
    for entry in entries:
        if entry.file_size > MAXIMUM_BYTES[entry.filename]:
            raise BundleError(
                f"{where} is refused: its part {entry.filename} unpacks to "
                f"{entry.file_size >> 20} MB, more than {MAXIMUM_BYTES[entry.filename] >> 20} MB."
            )
        if entry.flag_bits & 0x1:
            raise BundleError(f"{where} is refused: its part {entry.filename} is encrypted.")
