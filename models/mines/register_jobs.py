"""Job: compare findings with registers, concessions, protected areas and indigenous lands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.errors import InputError
from gossan.core.geodesy import to_degrees
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.vectors import point, write_features
from gossan.models.mines.earth_shapes import Shapes, from_geometries
from gossan.models.mines.nearness import FARTHEST, Finder, Pairs
from gossan.models.mines.register_inputs import (
    Layer,
    granted_phases,
    load_features,
    read_findings,
    read_layer,
    warn_of_swapped,
)
from gossan.models.mines.register_report import Matching, write_report
from gossan.models.mines.register_rules import (
    FIELDS,
    TOUCHING,
    count_shared,
    protection_of,
    reading_order,
    register_finding,
)

_GHOST_FIELDS: dict[str, type] = {
    "name": str,
    "id": str,
    "source": str,
    "phase": str,
    "finding": str,
    "distance_m": float,
}


@dataclass(frozen=True)
class Ghosts:
    """Entries without a finding: which, the nearest finding (-1: none nearby), metres to it."""

    entry: np.ndarray
    finding: np.ndarray
    metres: np.ndarray


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
    found = read_findings(findings)
    where = from_geometries(
        [feature.get("geometry") for feature in load_features(places)["features"]], places
    )
    if where.number != len(found.rows):
        raise InputError(f"{places} has not as many features as {findings}.")
    if found.model:
        made = made.with_model(found.model)
    known = read_layer(registers)
    claims = read_layer(concessions)
    reserves = read_layer(protected)
    allowed = granted_phases(claims, granted, concessions)
    warn_of_swapped(known.shapes, where, limit, progress)

    entries = Finder(known.shapes).nearest(where, limit, progress.part(0.05, 0.35))
    held = _by_shape(Finder(claims.shapes).within(where, TOUCHING, progress.part(0.35, 0.5)), where)
    around = _by_shape(Finder(reserves.shapes).within(where, limit, progress.part(0.5, 0.7)), where)
    rows, keys = [], []
    for number in range(where.number):
        row: dict[str, Any] = dict.fromkeys(FIELDS)
        nearest = int(entries.index[number]), float(entries.metres[number])
        keys.append(
            register_finding(row, known.rows, nearest, distance, claims.rows, held[number], allowed)
        )
        row.update(protection_of(reserves.rows, around[number]))
        rows.append(row)
    shared = count_shared(rows, keys)
    missing = _ghosts(known, where, searched, limit, distance, progress.part(0.7, 0.9))

    if output:
        order = reading_order(rows)
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


def _by_shape(pairs: Pairs, where: Shapes) -> list[list[tuple[int, float]]]:
    """Return for each shape its others with their distances, the nearest first."""
    lists: list[list[tuple[int, float]]] = [[] for _ in range(where.number)]
    for shape, other, metres in zip(
        pairs.shape.tolist(), pairs.other.tolist(), pairs.metres.tolist()
    ):
        lists[shape].append((other, metres))
    return lists


def _ghosts(
    known: Layer, where: Shapes, searched: str, limit: float, distance: float, progress: Progress
) -> Ghosts:
    """Return the entries of registers that have no finding within the distance of a match."""
    nearest = Finder(where).nearest(known.shapes, limit, progress.part(0.0, 0.8))
    alone = ~(nearest.metres <= distance)
    if searched:
        features = load_features(searched)["features"]
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
