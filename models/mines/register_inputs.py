"""What findings are compared with, as the toolbox hands it over: GeoJSON in WGS 84."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.core.geodesy import to_degrees
from gossan.core.origin import TAG_PREFIX
from gossan.core.progress import Progress
from gossan.models.mines.earth_shapes import Shapes, from_geometries
from gossan.models.mines.register_rules import FIELDS

_TYPES: dict[str, type] = {"integer": int, "real": float, "boolean": bool, "text": str}


@dataclass(frozen=True)
class Findings:
    """Findings as they came: fields, geometries in their CRS, types of fields, model if known."""

    rows: list[dict[str, Any]]
    geometries: list[Mapping[str, Any] | None]
    kinds: dict[str, type]
    model: str | None


@dataclass(frozen=True)
class Layer:
    """Features that findings are compared with.

    Parameters
    ----------
    shapes : Shapes
    rows : list of dict
        ``name``, ``id``, ``phase`` and ``source`` (name of the layer) of each, as texts.
    """

    shapes: Shapes
    rows: list[dict[str, str]]

    @property
    def number(self) -> int:
        """How many features there are."""
        return len(self.rows)


def load_features(path: str) -> dict[str, Any]:
    """Return a GeoJSON collection of features.

    Raises
    ------
    FileError
        The file cannot be read.
    InputError
        It is no such collection.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if not isinstance(content["features"], list):
            raise ValueError("its features are no list")
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {problem.strerror}.") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise InputError(f"{path} is not GeoJSON ({problem}).") from problem
    return dict(content)


def read_findings(path: str) -> Findings:
    """Return findings without what an earlier comparison or algorithm has added to them."""
    content = load_features(path)
    kinds = {
        entry["name"]: _TYPES[entry["type"]]
        for entry in content.get("fields", [])
        if entry["name"] not in FIELDS and not entry["name"].startswith(TAG_PREFIX)
    }
    every = [feature.get("properties") or {} for feature in content["features"]]
    return Findings(
        [{name: values.get(name) for name in kinds} for values in every],
        [feature.get("geometry") for feature in content["features"]],
        kinds,
        every[0].get(f"{TAG_PREFIX}MODEL") if every else None,
    )


def read_layer(path: str) -> Layer:
    """Return the features of a file, none for a path of ""; errors as `load_features`."""
    features = load_features(path)["features"] if path else []
    rows = [
        {
            key: str((feature.get("properties") or {}).get(key) or "")
            for key in ("name", "id", "phase", "source")
        }
        for feature in features
    ]
    return Layer(from_geometries([feature.get("geometry") for feature in features], path), rows)


def granted_phases(claims: Layer, granted: Sequence[str], path: str) -> tuple[str, ...]:
    """Return the phases that count as granted, as the concessions spell them; () for every one."""
    wanted = {_folded(phase) for phase in granted if phase.strip()}
    present = sorted({row["phase"] for row in claims.rows})
    unknown = sorted(wanted - {_folded(phase) for phase in present})
    if claims.rows and unknown:
        raise InputError(
            f"{path}: no concession has the phase {', '.join(unknown)}; the phases are "
            f"{', '.join(filter(None, present)) or '(none given)'}."
        )
    return tuple(phase for phase in present if _folded(phase) in wanted)


def warn_of_swapped(known: Shapes, where: Shapes, limit: float, progress: Progress) -> None:
    """Say where a register fits the findings only with longitude and latitude exchanged."""
    if not known.number or not where.number:
        return
    margin = limit / 100_000.0
    x, y = to_degrees(where.centre)
    entry_x, entry_y = to_degrees(known.centre)

    def hits(longitude: np.ndarray, latitude: np.ndarray) -> int:
        inside = (longitude >= x.min() - margin) & (longitude <= x.max() + margin)
        inside &= (latitude >= y.min() - margin) & (latitude <= y.max() + margin)
        return int(inside.sum())

    swapped = hits(entry_y, entry_x)
    if swapped and not hits(entry_x, entry_y):
        progress.warn(
            f"No entry of the registers lies near the findings, but {swapped} would if longitude "
            "and latitude were exchanged. They were taken as they stand: check the columns."
        )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
