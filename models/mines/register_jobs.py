"""Job: compare findings with registers, concessions, protected areas and indigenous lands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.core.geodesy import to_degrees
from gossan.core.job_files import job_files
from gossan.core.origin import TAG_PREFIX, Origin
from gossan.core.progress import Progress
from gossan.core.vectors import point, write_features
from gossan.models.mines.earth_shapes import Shapes, from_geometries
from gossan.models.mines.nearness import FARTHEST, Finder, Pairs
from gossan.models.mines.register_report import Matching, write_report

FIELDS: dict[str, type] = {
    "registered": str,
    "register_name": str,
    "register_id": str,
    "register_distance_m": float,
    "phase": str,
    "protected": str,
    "protected_distance_m": float,
    "protected_nearby": str,
    "register_source": str,
    "register_findings": int,
}
"""What a matched finding gets besides its own fields, in this order."""

TOUCHING = 0.5
"""Metres between two outlines that still count as touching: rounding of reprojected corners."""

_GHOST_FIELDS: dict[str, type] = {
    "name": str,
    "id": str,
    "source": str,
    "phase": str,
    "finding": str,
    "distance_m": float,
}

_TYPES: dict[str, type] = {"integer": int, "real": float, "boolean": bool, "text": str}


@dataclass(frozen=True)
class Findings:
    """Findings as they came: fields, geometries in their CRS, types of fields, model if known."""

    rows: list[dict[str, Any]]
    geometries: list[Mapping[str, Any] | None]
    kinds: dict[str, type]
    model: str | None


@dataclass(frozen=True)
class Ghosts:
    """Entries without a finding: which, the nearest finding (-1: none nearby), metres to it."""

    entry: np.ndarray
    finding: np.ndarray
    metres: np.ndarray


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


@job_files(
    reads=("findings", "places", "registers", "concessions", "protected", "searched"),
    writes=("output", "ghosts", "report"),
)
def match_register(
    progress: Progress,
    *,
    findings: str,
    places: str,
    registers: str = "",
    concessions: str = "",
    protected: str = "",
    searched: str = "",
    granted: Sequence[str] = (),
    distance: float = 1000.0,
    nearby: float = 50.0,
    remarks: Sequence[str] = (),
    output: str = "",
    ghosts: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Tell for each finding whether a register or a granted concession knows it.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    findings : str
        GeoJSON of the findings, with their fields, in their own CRS, which the output keeps.
    places : str
        GeoJSON of the same findings in longitude and latitude (WGS 84), in the same order.
    registers, concessions, protected : str
        GeoJSON in longitude and latitude; every feature has the texts ``name``, ``id``, ``phase``
        and ``source`` (the name of its layer). An empty path: none.
    searched : str
        GeoJSON polygons in longitude and latitude: entries outside are no ghosts. Empty: all count.
    granted : sequence of str
        Phases of concessions that count as granted, whatever their case; with none of them every
        concession does.
    distance : float
        Metres within which an entry of a register is taken for a finding's.
    nearby : float
        Kilometres within which the nearest entry and protected areas are named at all.
    remarks : sequence of str
        Sentences for the report about what the inputs lacked.
    output : str
        GeoJSON to write: the findings with `FIELDS`, unregistered ones first, of these the ones in
        protected areas first of all.
    ghosts : str
        GeoJSON to write, in longitude and latitude: entries of registers that have no finding
        within `distance`, as points; an empty path: not written.
    report : str
        HTML file to write; an empty path: not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``findings``, ``registered``, ``unregistered``, ``unregistered_protected``, ``entries``,
        ``ghosts``, ``shared`` (entries that serve several findings) and the path of the output.
    """
    made = Origin.from_dict(origin)
    limit = _limit(distance, nearby)
    found = _read_findings(findings)
    where = from_geometries(
        [feature.get("geometry") for feature in _load(places)["features"]], places
    )
    if where.number != len(found.rows):
        raise InputError(f"{places} has not as many features as {findings}.")
    if found.model:
        made = made.with_model(found.model)
    known = _layer(registers)
    claims = _layer(concessions)
    reserves = _layer(protected)
    allowed = _granted(claims, granted, concessions)
    _warn_of_swapped(known.shapes, where, limit, progress)

    entries = Finder(known.shapes).nearest(where, limit, progress.part(0.05, 0.35))
    held = _by_shape(Finder(claims.shapes).within(where, TOUCHING, progress.part(0.35, 0.5)), where)
    around = _by_shape(Finder(reserves.shapes).within(where, limit, progress.part(0.5, 0.7)), where)
    rows, keys = [], []
    for number in range(where.number):
        row: dict[str, Any] = dict.fromkeys(FIELDS)
        nearest = int(entries.index[number]), float(entries.metres[number])
        keys.append(_register(row, known, nearest, distance, claims, held[number], allowed))
        row.update(_protection(reserves, around[number]))
        rows.append(row)
    shared = _count_shared(rows, keys)
    missing = _ghosts(known, where, searched, limit, distance, progress.part(0.7, 0.9))

    if output:
        order = _order(rows)
        write_features(
            output,
            ({**found.rows[i], **rows[i]} for i in order),
            (found.geometries[i] for i in order),
            fields={**found.kinds, **FIELDS},
            name="findings",
            tags=made.tags(),
        )
    labels = [str(row.get("finding") or i + 1) for i, row in enumerate(found.rows)]
    if ghosts:
        _write_ghosts(ghosts, known, missing, labels, made)
    summary = Matching(
        [{**own, **row} for own, row in zip(found.rows, rows)],
        labels,
        known.number,
        len(missing.entry),
        shared,
        tuple(row["phase"] for row in claims.rows),
        allowed,
        distance,
        nearby,
        tuple(remarks),
    )
    if report:
        write_report(report, made, summary)
    for sentence in summary.sentences():
        progress.say(sentence)
    progress.fraction(1.0)
    return {**summary.counts(), "output": output}


def _limit(distance: float, nearby: float) -> float:
    if not 0.0 <= distance <= FARTHEST:
        raise InputError(f"The distance of a match is {distance:g} m; use 0 to {FARTHEST:g} m.")
    if not 0.0 < 1000.0 * nearby <= FARTHEST:
        raise InputError(
            f"The distance up to which something counts as nearby is {nearby:g} km; use up to "
            f"{FARTHEST / 1000.0:g} km."
        )
    return max(1000.0 * nearby, distance)


def _load(path: str) -> dict[str, Any]:
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


def _read_findings(path: str) -> Findings:
    content = _load(path)
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


def _layer(path: str) -> Layer:
    features = _load(path)["features"] if path else []
    rows = [
        {
            key: str((feature.get("properties") or {}).get(key) or "")
            for key in ("name", "id", "phase", "source")
        }
        for feature in features
    ]
    return Layer(from_geometries([feature.get("geometry") for feature in features], path), rows)


def _granted(claims: Layer, granted: Sequence[str], path: str) -> tuple[str, ...]:
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


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _warn_of_swapped(known: Shapes, where: Shapes, limit: float, progress: Progress) -> None:
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


def _by_shape(pairs: Pairs, where: Shapes) -> list[list[tuple[int, float]]]:
    """Return for each shape its others with their distances, the nearest first."""
    lists: list[list[tuple[int, float]]] = [[] for _ in range(where.number)]
    for shape, other, metres in zip(
        pairs.shape.tolist(), pairs.other.tolist(), pairs.metres.tolist()
    ):
        lists[shape].append((other, metres))
    return lists


def _register(
    row: dict[str, Any],
    known: Layer,
    nearest: tuple[int, float],
    distance: float,
    claims: Layer,
    held: list[tuple[int, float]],
    allowed: tuple[str, ...],
) -> tuple[str, int] | None:
    """Fill in what registers and concessions say about a finding.

    Parameters
    ----------
    nearest : (int, float)
        The nearest entry (-1: none) and how far it is.
    held : list of (int, float)
        The concessions that the finding touches.

    Returns
    -------
    (str, int) or None
        What registers it: its kind and number; None for an unregistered finding.
    """
    index, metres = nearest
    granted = [c for c, _ in held if not allowed or claims.rows[c]["phase"] in allowed]
    phases = dict.fromkeys(claims.rows[c]["phase"] for c in [*granted, *(c for c, _ in held)])
    row["phase"] = "; ".join(filter(None, phases))
    by_entry = index >= 0 and metres <= distance
    row["registered"] = "yes" if by_entry or granted else "no"
    if granted and not by_entry:
        entry, metres = claims.rows[granted[0]], 0.0
    elif index >= 0:
        entry = known.rows[index]
    else:
        return None
    row["register_name"] = entry["name"]
    row["register_id"] = entry["id"]
    row["register_distance_m"] = round(metres, 1)
    row["register_source"] = entry["source"]
    if by_entry:
        return "entry", index
    return ("concession", granted[0]) if granted else None


def _protection(reserves: Layer, around: list[tuple[int, float]]) -> dict[str, Any]:
    """Return in which protected areas a finding lies, and how far the others nearby are."""
    named = [
        (reserves.rows[index]["name"] or reserves.rows[index]["source"], metres)
        for index, metres in around
    ]
    inside = dict.fromkeys(name for name, metres in named if metres <= TOUCHING)
    others: dict[str, float] = {}
    for name, metres in named:
        if name not in inside:
            others.setdefault(name, metres)
    return {
        "protected": "; ".join(inside),
        "protected_distance_m": (0.0 if inside else round(named[0][1], 1)) if named else None,
        "protected_nearby": "; ".join(
            f"{name} {metres / 1000.0:.1f} km" for name, metres in others.items()
        ),
    }


def _count_shared(rows: list[dict[str, Any]], keys: list[tuple[str, int] | None]) -> int:
    """Note at each registered finding how many share its entry; return how many entries do so."""
    counts = Counter(key for key in keys if key is not None)
    for row, key in zip(rows, keys):
        row["register_findings"] = counts[key] if key is not None else None
    return sum(count > 1 for count in counts.values())


def _order(rows: list[dict[str, Any]]) -> list[int]:
    """Return the findings with unregistered ones first, of these the protected ones."""

    def rank(number: int) -> tuple[bool, bool]:
        return rows[number]["registered"] == "yes", not rows[number]["protected"]

    return sorted(range(len(rows)), key=rank)


def _ghosts(
    known: Layer, where: Shapes, searched: str, limit: float, distance: float, progress: Progress
) -> Ghosts:
    """Return the entries of registers that have no finding within the distance of a match."""
    nearest = Finder(where).nearest(known.shapes, limit, progress.part(0.0, 0.8))
    alone = ~(nearest.metres <= distance)
    if searched:
        features = _load(searched)["features"]
        area = from_geometries([feature.get("geometry") for feature in features], searched)
        inside = Finder(area).within(known.shapes, TOUCHING, progress.part(0.8, 1.0)).shape
        alone &= np.isin(np.arange(known.number), inside)
    entry = np.flatnonzero(alone)
    return Ghosts(entry, nearest.index[entry], nearest.metres[entry])


def _write_ghosts(
    path: str, known: Layer, missing: Ghosts, labels: Sequence[str], made: Origin
) -> None:
    longitude, latitude = to_degrees(known.shapes.centre[missing.entry])
    rows = [
        {
            **{key: known.rows[entry][key] for key in ("name", "id", "source", "phase")},
            "finding": labels[finding] if finding >= 0 else "",
            "distance_m": round(metres, 1) if finding >= 0 else None,
        }
        for entry, finding, metres in zip(
            missing.entry.tolist(), missing.finding.tolist(), missing.metres.tolist()
        )
    ]
    write_features(
        path,
        rows,
        (point(x, y) for x, y in zip(longitude, latitude)),
        fields=_GHOST_FIELDS,
        name="register entries without a finding",
        tags=made.tags(),
    )
