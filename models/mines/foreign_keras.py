"""Keras classifiers of others, rebuilt from what they say of themselves without running their code.

A Keras file can carry code: Lambda layers, custom objects, and files that HDF5 fetches from
elsewhere. So no Keras loader touches it. The description is read as JSON, every layer is looked up
in a list of those that are known here with the settings that are understood, and the weights are
read as plain numbers.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.models.mines.keras_layers import build, layers_of

LARGEST = 512 << 20
"""Bytes of weights that a model may have."""

_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}


def read_keras(path: str) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Read a Keras classifier.

    Parameters
    ----------
    path : str
        ``.h5`` (whole models, not weights alone) or ``.keras``.

    Returns
    -------
    layers : list of dict
        What `build` makes the network from: plain JSON with ``layer``, ``name``, ``settings`` and
        ``inputs`` (names of layers), the input layer with ``shape``.
    arrays : dict of ndarray
        Its weights, as `gossan.models.networks.weights.weights_of` names them.

    Raises
    ------
    FileError
        When it cannot be read or is damaged.
    InputError
        When it has layers or settings that are not known here, among them all that run code.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_zip(path)
        if not h5py.is_hdf5(path):
            raise InputError(f"{path} is no Keras model: it is neither HDF5 (.h5) nor .keras.")
        with h5py.File(path, "r") as file:
            _check_storage(file, path)
            return _read_h5(file, path)
    except zipfile.BadZipFile as problem:
        raise FileError(f"{path} is damaged ({problem}). Get the file again.") from problem
    except OSError as problem:
        if isinstance(problem, FileError):
            raise
        raise FileError(f"{path} cannot be read: {problem}.") from problem


def _read_zip(path: str) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    with zipfile.ZipFile(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if not {"config.json", "model.weights.h5"} <= set(sizes):
            raise InputError(f"{path} is no Keras model: it lacks its description or its weights.")
        foreign = sorted(name for name in set(sizes) - _MEMBERS if not name.endswith("/"))
        if foreign:
            raise InputError(f"{path} is refused: it holds {foreign[0]!r:.80} besides the model.")
        if sum(sizes.values()) > LARGEST:
            raise InputError(f"{path} is refused: it unpacks to more than {LARGEST >> 20} MB.")
        layers = layers_of(_json(archive.read("config.json"), path), path)
        weights = archive.read("model.weights.h5")
    model = build(layers)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "model.weights.h5"
        part.write_bytes(weights)
        with h5py.File(part, "r") as file:
            _check_storage(file, path)
        # The names in it follow rules of Keras's own; this loader reads numbers only.
        _refused(model.load_weights, path)(part)
    return layers, _arrays(model, path)


def _read_h5(file: h5py.File, path: str) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    description = file.attrs.get("model_config")
    if description is None or "model_weights" not in file:
        raise InputError(
            f"{path} holds no whole model (weights alone, perhaps): save it with model.save()."
        )
    content = description if isinstance(description, bytes) else str(description).encode()
    layers = layers_of(_json(content, path), path)
    model = build(layers)
    groups = file["model_weights"]
    for layer in model.layers:
        if layer.weights:
            group = groups.get(layer.name)
            names = [] if group is None else [_decoded(n) for n in group.attrs["weight_names"]]
            values = [np.asarray(group[name], dtype=np.float32) for name in names]
            _refused(layer.set_weights, path)(values)
    return layers, _arrays(model, path)


def _arrays(model: Any, path: str) -> dict[str, np.ndarray]:
    arrays = {weight.path: np.asarray(weight.numpy(), np.float32) for weight in model.weights}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise FileError(f"{path} is damaged: the weights {name} are not all finite numbers.")
    return arrays


def _refused(load: Any, path: str) -> Any:
    """Return a loader of weights that says in a sentence where they do not fit."""

    def guarded(what: Any) -> None:
        try:
            load(what)
        except (ValueError, KeyError, TypeError) as problem:
            first = str(problem).split("\n")[0]
            raise InputError(f"{path}: weights and layers do not fit: {first}") from problem

    return guarded


def _check_storage(file: h5py.File, path: str) -> None:
    """Refuse what HDF5 would fetch from other files, and more than fits into memory."""
    total = 0

    def visit(group: h5py.Group) -> None:
        nonlocal total
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise InputError(f"{path} is refused: {name!r:.60} is a link to somewhere else.")
            item = group[name]
            if isinstance(item, h5py.Group):
                visit(item)
            elif item.external or item.is_virtual:
                raise InputError(f"{path} is refused: {name!r:.60} lies in another file.")
            else:
                total += item.size * item.dtype.itemsize

    visit(file)
    if total > LARGEST:
        raise InputError(
            f"{path} is refused: its weights take {total >> 20} MB, more than {LARGEST >> 20} MB."
        )


def _json(content: bytes, path: str) -> Mapping[str, Any]:
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise FileError(f"The description in {path} is damaged ({problem}).") from problem
    if not isinstance(found, Mapping):
        raise FileError(f"The description in {path} is damaged: it is no object.")
    return found


def _decoded(name: Any) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
