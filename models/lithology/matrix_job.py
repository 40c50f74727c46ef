"""The job that scores a confusion matrix kept as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.agreement import kappa, overall_accuracy, producers_accuracy, users_accuracy
from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.progress import Progress
from gossan.core.tables import read_table
from gossan.models.lithology.map_scores import adjusted_for_area


@job_files(reads=("table",), writes=())
def score_matrix(
    progress: Progress, *, table: str, areas: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Score a confusion matrix, and where areas are known allow for them.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    table : str
        CSV with the class names in its first row and column, rows the reference and columns the
        map, as an assessment writes it.
    areas : sequence of mapping
        ``name`` and ``area`` (any unit, or pixels) of each class in the whole map; may be empty.

    Returns
    -------
    dict
        ``names``, ``counts`` (rows of the matrix), ``pixels``, ``overall``, ``kappa``,
        ``producers`` and ``users`` (per class, NaN where undefined), ``adjusted`` (``overall``,
        ``error``, ``producers``, ``users``, ``shares``, the last the unbiased share of the area;
        None without areas) and ``trouble`` (why there is no adjusted one though areas are given).
    """
    progress.check()
    names, counts = _read(table)
    if not counts.any():
        raise InputError(f"The matrix of {table} counts no pixel.")
    progress.check()
    adjusted, trouble = _adjusted(names, counts, areas)
    progress.fraction(1.0)
    return {
        "names": names,
        "counts": counts.tolist(),
        "pixels": int(counts.sum()),
        "overall": overall_accuracy(counts),
        "kappa": kappa(counts),
        "producers": producers_accuracy(counts).tolist(),
        "users": users_accuracy(counts).tolist(),
        "adjusted": adjusted,
        "trouble": trouble,
    }


def _adjusted(
    names: Sequence[str], counts: np.ndarray, areas: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any] | None, str]:
    if not areas:
        return None, ""
    sizes = {str(each["name"]): float(each["area"]) for each in areas}
    unknown = [name for name, area in sizes.items() if area > 0 and name not in names]
    if unknown:
        return None, f"The matrix does not know the class {', '.join(unknown)} of the map."
    found, trouble = adjusted_for_area(
        counts, {place: sizes.get(name, 0.0) for place, name in enumerate(names)}, range(len(names))
    )
    if found is None:
        return None, trouble
    return {
        "overall": found.overall,
        "error": found.overall_error,
        "producers": found.producers.tolist(),
        "users": found.users.tolist(),
        "shares": found.shares.tolist(),
    }, ""


def _read(table: str) -> tuple[list[str], np.ndarray]:
    header, rows = read_table(table)
    names = header[1:]
    shown = Path(table).name
    listed = [row[0].strip() for row in rows]
    if len(names) < 2 or len(set(names)) < len(names) or sorted(listed) != sorted(names):
        raise InputError(
            f"{shown} is no confusion matrix: its first row and its first column must name the "
            "same classes, at least two and each once. Assess class map writes such a table."
        )
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for row in rows:
        for column, text in enumerate(row[1:]):
            counts[names.index(row[0].strip()), column] = _count(text, row[0], names[column], shown)
    return names, counts


def _count(text: str, reference: str, mapped: str, shown: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (np.isfinite(number) and number >= 0 and number == int(number)):
        raise InputError(
            f"{shown} has {text.strip()!r} for {reference} mapped as {mapped}; a number of pixels "
            "is needed there."
        )
    return int(number)
