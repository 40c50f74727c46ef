"""Measured points: coordinates, concentrations, censored values, and what had to be left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gossan.core.censored import LOWER_RULES, Censored, decimal_mark, parse
from gossan.core.errors import FileError, InputError
from gossan.core.tables import read_table

DUPLICATE_RULES = ("average", "group")
"""Samples at one place are averaged, or kept and never parted by a split."""


LARGEST_VALUE = 1e30
"""No coordinate or concentration is as large as this, in either direction."""


@dataclass(frozen=True)
class Samples:
    """Samples at places, with one column of values per element.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Coordinates in the CRS of the raster they belong to.
    values : ndarray, shape (n, elements)
        Concentrations, NaN where missing; censored ones already stand for their rule's number.
    flags : ndarray of str, shape (n, elements)
        Empty, ``<`` for below a detection limit, ``>`` for above an upper limit.
    names : tuple of str
        The elements.
    ids : tuple of str
        Identifier of each sample, as in the table it came from.
    groups : ndarray of str, shape (n,), or None
        Samples of one group must not be parted by a split.
    excluded : tuple of (str, str)
        Identifier of each sample that was left out or merged, and why.
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    flags: np.ndarray
    names: tuple[str, ...]
    ids: tuple[str, ...]
    groups: np.ndarray | None = None
    excluded: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def keep(self, mask: np.ndarray, why: str | Sequence[str]) -> Samples:
        """Return the samples where `mask` is true; the others are noted as excluded.

        Parameters
        ----------
        mask : ndarray of bool, shape (n,)
            True for the samples that stay.
        why : str or sequence of str
            One reason for all, or one for each sample (those of kept samples are not read).
        """
        reasons = [why] * len(self) if isinstance(why, str) else list(why)
        dropped = np.flatnonzero(~mask)
        kept = np.flatnonzero(mask)
        return replace(
            self,
            x=self.x[kept],
            y=self.y[kept],
            values=self.values[kept],
            flags=self.flags[kept],
            ids=tuple(self.ids[i] for i in kept),
            groups=None if self.groups is None else self.groups[kept],
            excluded=self.excluded + tuple((self.ids[i], reasons[i]) for i in dropped),
        )

    def censored_counts(self) -> list[tuple[str, int, int]]:
        """Return for each element its name and how many values lie below and above limits."""
        return [
            (name, int(np.sum(self.flags[:, k] == "<")), int(np.sum(self.flags[:, k] == ">")))
            for k, name in enumerate(self.names)
        ]

    def doubts(self) -> list[str]:
        """Return a sentence for each element with values below zero, which no concentration is."""
        return [
            f"{name}: {count} values are below zero, which no concentration is. Where -9999 stands "
            "for a missing value or -0.02 for less than 0.02, leave it empty or write <0.02."
            for name, count in zip(self.names, (self.values < 0).sum(axis=0))
            if count
        ]

    def excluded_counts(self) -> list[tuple[str, int]]:
        """Return how many samples were left out for each reason, most frequent first."""
        counts: dict[str, int] = {}
        for _, why in self.excluded:
            counts[why] = counts.get(why, 0) + 1
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def read_samples(
    path: str | Path,
    elements: Sequence[str],
    *,
    lower_rule: str = "half",
    group_field: str = "",
    places: bool = True,
    name_field: str = "",
    no_sample: Callable[[str], str] | None = None,
) -> Samples:
    """Read sample points from a table with the columns ``fid``, ``x``, ``y`` and fields.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8 or UTF-16 (else Latin-1 is taken), parted by commas, semicolons or tabs.
    elements : sequence of str
        The columns with concentrations.
    lower_rule : str
        What a value below its detection limit counts as: ``half``, ``limit``, ``zero``,
        ``missing``. A value above an upper limit counts as that limit.
    group_field : str
        Column that names the group of each sample; none when empty.
    places : bool
        Whether the table has coordinates; without, they are NaN, for statistics that need none.
    name_field : str
        Column that identifies the samples; ``fid`` when empty.
    no_sample : callable, optional
        Tells for a sample's name why its row is none (a blank, a standard), or nothing. Such rows
        are in `excluded`, and their fields are not read.

    Returns
    -------
    Samples
        Rows without coordinates or without any of the elements are in `excluded`.

    Raises
    ------
    FileError
        When the table cannot be read.
    InputError
        When a column is missing, a field is text, or no sample is left.
    """
    if lower_rule not in LOWER_RULES:
        raise InputError(
            f"Unknown rule {lower_rule!r} for values below a detection limit; "
            f"use one of {', '.join(LOWER_RULES)}."
        )
    names = tuple(elements)
    if not names:
        raise InputError("No element was chosen: name at least one field with concentrations.")
    if len(set(names)) < len(names):
        raise InputError("An element was chosen twice; name each field once.")
    if not str(path):
        raise FileError("No table of samples was given. Choose a CSV file.")
    header, rows = read_table(path)
    key = _column(header, name_field, path) if name_field else -1
    left_out: list[tuple[str, str]] = []
    if no_sample is not None and name_field:
        reasons = [no_sample(row[key].strip()) for row in rows]
        left_out = [(row[key].strip(), why) for row, why in zip(rows, reasons) if why]
        rows = [row for row, why in zip(rows, reasons) if not why]
    axes = ("x", "y") if places else ()
    wanted = [*axes, *names, *([group_field] if group_field else [])]
    columns = {name: _column(header, name, path) for name in wanted}
    marks = {name: decimal_mark(row[columns[name]] for row in rows) for name in (*axes, *names)}
    fid = key if name_field else header.index("fid") if "fid" in header else -1
    ids = [row[fid].strip() or f"row {i}" if fid >= 0 else f"row {i}" for i, row in _counted(rows)]

    def column(name: str) -> list[Censored | None]:
        return [
            _field(row[columns[name]], marks[name], name, ids[i - 1], i, path)
            for i, row in _counted(rows)
        ]

    measured = {name: column(name) for name in names}
    values = np.array(
        [[_number(v, lower_rule) for v in measured[name]] for name in names], dtype=np.float64
    ).T.reshape(len(rows), len(names))
    flags = np.array(
        [[v.kind if v else "" for v in measured[name]] for name in names], dtype="<U1"
    ).T.reshape(len(rows), len(names))
    x = y = np.full(len(rows), np.nan)
    if places:
        x, y = (np.array([_number(v, "half") for v in column(axis)]) for axis in axes)
    groups = None
    if group_field:
        groups = np.array([row[columns[group_field]].strip() for row in rows], dtype=str)
    samples = Samples(x, y, values, flags, names, tuple(ids), groups, tuple(left_out))
    if places:
        samples = samples.keep(np.isfinite(samples.x) & np.isfinite(samples.y), "no coordinates")
    samples = samples.keep(np.isfinite(samples.values).any(axis=1), "no value of any element")
    if not len(samples):
        raise InputError(
            f"{Path(path).name} has no sample with coordinates and a value of "
            f"{', '.join(names)} ({len(rows)} rows were read)."
        )
    return samples


def merge_duplicates(samples: Samples, rule: str = "average") -> Samples:
    """Treat samples at exactly the same place as one sample or as one group.

    Parameters
    ----------
    samples : Samples
        As read.
    rule : str
        ``average``: the mean of their values stands at the first one, the others are noted as
        excluded. ``group``: all stay, and `groups` holds them together (samples that already
        share a group stay together as well).

    Returns
    -------
    Samples
        In the order of the first sample at each place.

    Raises
    ------
    InputError
        For an unknown rule.
    """
    if rule not in DUPLICATE_RULES:
        raise InputError(
            f"Unknown rule {rule!r} for samples at one place; use {' or '.join(DUPLICATE_RULES)}."
        )
    _, place = np.unique(np.column_stack([samples.x, samples.y]), axis=0, return_inverse=True)
    place = place.ravel()
    if rule == "group":
        return replace(samples, groups=_joined(place, samples.groups))
    first: dict[int, int] = {}
    for i, p in enumerate(place):
        first.setdefault(int(p), i)
    values, flags = samples.values.copy(), samples.flags.copy()
    for position, i in first.items():
        members = np.flatnonzero(place == position)
        if len(members) > 1:
            for k in range(values.shape[1]):
                known = members[np.isfinite(samples.values[members, k])]
                if len(known):
                    values[i, k] = samples.values[known, k].mean()
                    flagged = [f for f in samples.flags[known, k] if f]
                    flags[i, k] = flagged[0] if flagged else ""
    mask = np.array([first[int(p)] == i for i, p in enumerate(place)], dtype=bool)
    return replace(samples, values=values, flags=flags).keep(
        mask, "averaged with another sample at the same place"
    )


def _counted(rows: Sequence[list[str]]) -> list[tuple[int, list[str]]]:
    return list(enumerate(rows, start=1))


def _column(header: list[str], name: str, path: str | Path) -> int:
    """Return where a column is; coordinates may be written in capitals."""
    if name in header:
        return header.index(name)
    lowered = [field.lower() for field in header]
    if name in ("x", "y") and name in lowered:
        return lowered.index(name)
    raise InputError(
        f"{Path(path).name} has no field {name!r}; its fields are {', '.join(header)}."
    )


def _field(
    text: str, mark: str, name: str, fid: str, row: int, path: str | Path
) -> Censored | None:
    try:
        value = parse(text, decimal=mark)
        if value is not None and abs(value.value) >= LARGEST_VALUE:
            raise ValueError(f"{text.strip()!r} is larger than any measured value")
        return value
    except ValueError as error:
        raise InputError(
            f"Row {row} (fid {fid}) of {Path(path).name}, field {name}: {error}. "
            "Correct the value or choose a field of numbers."
        ) from error


def _number(value: Censored | None, lower_rule: str) -> float:
    number = value.resolve(lower_rule) if value else None
    return math.nan if number is None else number


def _joined(place: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return one label per sample such that equal places and equal groups share it."""
    if groups is None:
        return place.astype(str)
    parent = list(range(len(place)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for labels in (place, groups):
        seen: dict[str, int] = {}
        for i, label in enumerate(labels):
            parent[root(i)] = root(seen.setdefault(str(label), i))
    return np.array([str(root(i)) for i in range(len(place))])
