"""Spectra meet the laboratory's elements by the names of their samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gossan.core.errors import InputError
from gossan.core.samples import Samples, read_samples, read_table
from gossan.models.soil_spectra.names import key_of, no_sample
from gossan.models.soil_spectra.reading import LaboratorySpectra

REPLICATE_RULES = ("average", "group")
"""Replicates are averaged, or kept as spectra of their own that no split parts."""


@dataclass(frozen=True, eq=False)
class ElementTable:
    """What is known of the samples.

    Parameters
    ----------
    samples : Samples
        Elements; ids are the samples' names, groups the areas; x and y may be missing.
    covariates : ndarray, shape (samples, covariates)
        NaN where missing.
    covariate_names : tuple of str
    over_limit : tuple of (str, str, float)
        Sample, element and value of each that was left out as an outlier.
    """

    samples: Samples
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    over_limit: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Joined:
    """Spectra with the elements of their samples.

    Parameters
    ----------
    laboratory : LaboratorySpectra
        One row per spectrum or per sample.
    table : ElementTable
        One row per sample.
    rows : ndarray of int, shape (spectra,)
        Row of the table that each spectrum belongs to.
    excluded : tuple of (str, str)
        Spectra, samples and rows that were left out, and why.
    """

    laboratory: LaboratorySpectra
    table: ElementTable
    rows: np.ndarray
    excluded: tuple[tuple[str, str], ...]

    @property
    def values(self) -> np.ndarray:
        """Concentrations of shape (spectra, elements)."""
        return self.table.samples.values[self.rows]

    @property
    def covariates(self) -> np.ndarray:
        """Covariates of shape (spectra, covariates)."""
        return self.table.covariates[self.rows]


def read_elements(
    path: str,
    elements: Sequence[str],
    *,
    name_field: str,
    area_field: str = "",
    covariates: Sequence[str] = (),
    lower_rule: str = "half",
    drop_above: bool = False,
    limits: Mapping[str, float] | None = None,
) -> ElementTable:
    """Read elements, covariates, areas and coordinates of samples.

    Parameters
    ----------
    path : str
        CSV with the named columns, and ``x`` and ``y`` where there are coordinates.
    elements, covariates : sequence of str
        Columns of numbers.
    name_field, area_field : str
        Columns of the sample's name and of its area ("" for none).
    lower_rule : str
        See `gossan.core.samples.read_samples`.
    drop_above : bool
        Leave out values above an upper limit (``>4000``) instead of taking them at it.
    limits : mapping of str to float, optional
        Case-folded element and the value above which a sample is an outlier and left out.

    Raises
    ------
    InputError
        When a column is missing, a field is no number, or a name comes twice with other values.
    """
    twice = sorted(set(elements) & set(covariates))
    if twice:
        raise InputError(f"{twice[0]} is chosen as element and as covariate; take it out of one.")
    if not name_field:
        raise InputError("Name the field that holds the names of the samples.")
    unknown = sorted(set(limits or {}) - {name.casefold() for name in elements})
    if unknown:
        raise InputError(
            f"There is an outlier limit for {unknown[0]!r}, which is none of the elements "
            f"{', '.join(elements)}."
        )
    read = read_samples(
        path,
        [*elements, *covariates],
        lower_rule=lower_rule,
        group_field=area_field,
        places=False,
        name_field=name_field,
        no_sample=no_sample,
    )
    count = len(elements)
    extra = read.values[:, count:]
    x, y, named = coordinates(path, name_field)
    places = {name: (a, b) for name, a, b in zip(named, x, y)}
    pairs = [places.get(name, (math.nan, math.nan)) for name in read.ids]
    samples = replace(
        read,
        x=np.array([a for a, _ in pairs]),
        y=np.array([b for _, b in pairs]),
        values=read.values[:, :count].copy(),
        flags=read.flags[:, :count],
        names=tuple(elements),
    )
    samples, first = _once(samples, path)
    extra = extra[first]
    if drop_above:
        samples.values[samples.flags == ">"] = np.nan
    over = []
    for k, name in enumerate(samples.names):
        limit = (limits or {}).get(name.casefold(), math.inf)
        for i in np.flatnonzero(samples.values[:, k] > limit):
            over.append((samples.ids[i], name, float(samples.values[i, k])))
            samples.values[i, k] = np.nan
    return ElementTable(samples, extra, tuple(covariates), tuple(over))


def join(laboratory: LaboratorySpectra, table: ElementTable, replicates: str) -> Joined:
    """Put spectra and elements together; what has no partner is left out and named.

    Parameters
    ----------
    laboratory : LaboratorySpectra
        One row per spectrum.
    table : ElementTable
    replicates : str
        One of `REPLICATE_RULES`.

    Raises
    ------
    InputError
        When the rule is unknown or no sample has both a spectrum and an element.
    """
    if replicates not in REPLICATE_RULES:
        raise InputError(
            f"Unknown rule {replicates!r} for replicates; use {' or '.join(REPLICATE_RULES)}."
        )
    samples = table.samples
    usable = np.isfinite(samples.values).any(axis=1)
    complete = np.isfinite(table.covariates).all(axis=1)
    places = {key_of(name): i for i, name in enumerate(samples.ids)}
    found = np.array([places.get(key_of(name), -1) for name in laboratory.samples], dtype=int)
    excluded = [*laboratory.excluded, *samples.excluded]
    why = [
        "no row in the element table"
        if row < 0
        else "no value of any element"
        if not usable[row]
        else "a covariate is missing"
        if not complete[row]
        else ""
        for row in found
    ]
    excluded += [(name, reason) for name, reason in zip(laboratory.names, why) if reason]
    seen = set(found.tolist())
    excluded += [(name, "no spectrum") for i, name in enumerate(samples.ids) if i not in seen]
    kept = np.array([not reason for reason in why], dtype=bool)
    if not kept.any():
        raise InputError(
            "No sample has both a spectrum and a value of an element. Spectra are of samples such "
            f"as {_some(laboratory.samples)}; the table has {_some(samples.ids)}. Check the field "
            "of the names and the name pattern."
        )
    measured = laboratory.rows(kept)
    if replicates == "average":
        measured = measured.averaged()
    rows = np.array([places[key_of(name)] for name in measured.samples], dtype=int)
    return Joined(measured, table, rows, tuple(excluded))


def coordinates(path: str, name_field: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return x, y (NaN where the table has none) and the name of every row that is a sample.

    Raises
    ------
    InputError
        When there is no such field of names.
    """
    header, rows = read_table(Path(path))
    if name_field not in header:
        raise InputError(
            f"{Path(path).name} has no field {name_field!r}; its fields are {', '.join(header)}."
        )
    key = header.index(name_field)
    rows = [row for row in rows if row[key].strip() and not no_sample(row[key].strip())]
    lowered = [name.lower() for name in header]
    names = [row[key].strip() for row in rows]
    if "x" not in lowered or "y" not in lowered:
        missing = np.full(len(rows), np.nan)
        return missing, missing.copy(), names
    x, y = lowered.index("x"), lowered.index("y")
    return (
        np.array([_number(row[x]) for row in rows]),
        np.array([_number(row[y]) for row in rows]),
        names,
    )


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _once(samples: Samples, path: str) -> tuple[Samples, np.ndarray]:
    """Return each sample once: a name that comes again with the same values is left out."""
    first: dict[str, int] = {}
    kept = np.ones(len(samples), dtype=bool)
    for i, name in enumerate(samples.ids):
        before = first.setdefault(key_of(name), i)
        if before == i:
            continue
        kept[i] = False
        if not np.array_equal(samples.values[i], samples.values[before], equal_nan=True):
            raise InputError(
                f"{Path(path).name} has the sample {name} twice, with different values. Correct "
                "the table, or mark the second row as a duplicate (DUP)."
            )
    return samples.keep(kept, "the same row again"), np.flatnonzero(kept)


def _some(names: Sequence[str]) -> str:
    return ", ".join(list(dict.fromkeys(names))[:4]) or "(none)"
