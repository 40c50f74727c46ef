"""What a comparison with registers found, in sentences and as a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.charts import curve_plot
from gossan.core.origin import Origin
from gossan.core.report import Report

LISTED = 50
"""Findings that the report lists one by one."""


@dataclass(frozen=True)
class Matching:
    """The outcome of a comparison.

    Parameters
    ----------
    rows : sequence of mapping
        The findings with all their fields, in their first order.
    labels : sequence of str
        What each finding is called.
    entries, ghosts : int
        Entries of the registers, and those without a finding.
    shared : int
        Entries that serve several findings.
    phases : tuple of str
        Phase of each concession.
    granted : tuple of str
        Those that count as granted; empty where all do.
    distance : float
        Metres of a match.
    nearby : float
        Kilometres up to which things are named.
    remarks : tuple of str
        What the inputs lacked.
    """

    rows: Sequence[Mapping[str, Any]]
    labels: Sequence[str]
    entries: int
    ghosts: int
    shared: int
    phases: tuple[str, ...]
    granted: tuple[str, ...]
    distance: float
    nearby: float
    remarks: tuple[str, ...]

    @property
    def unregistered(self) -> list[int]:
        """The findings that nothing registers."""
        return [i for i, row in enumerate(self.rows) if row["registered"] == "no"]

    @property
    def unregistered_protected(self) -> list[int]:
        """Those of them in protected areas."""
        return [i for i in self.unregistered if self.rows[i]["protected"]]

    def counts(self) -> dict[str, int]:
        """Return the numbers of the outcome by name."""
        unregistered = len(self.unregistered)
        return {
            "findings": len(self.rows),
            "registered": len(self.rows) - unregistered,
            "unregistered": unregistered,
            "unregistered_protected": len(self.unregistered_protected),
            "entries": self.entries,
            "ghosts": self.ghosts,
            "shared": self.shared,
        }

    def sentences(self) -> list[str]:
        """Return what people want to know first."""
        count = self.counts()
        sentences = [
            f"{count['findings']} findings: {count['registered']} registered, "
            f"{count['unregistered']} unregistered, {count['unregistered_protected']} of these in "
            "protected areas.",
            f"{count['ghosts']} of {count['entries']} entries of the registers have no finding "
            f"within {self.distance:g} m.",
        ]
        if self.shared:
            sentences.append(
                f"{_entries(self.shared, 'stands', 'stand')} for more than one finding: parts of "
                "one mine, or neighbours of which the register knows one. The field "
                "register_findings says how many share an entry."
            )
        return sentences


def _entries(count: int, one: str, several: str) -> str:
    return f"1 entry {one}" if count == 1 else f"{count} entries {several}"


def write_report(path: str, made: Origin, matching: Matching) -> None:
    """Write the outcome as an HTML report."""
    page = Report.from_origin("Findings and registers", made)
    page.bullets(matching.sentences())
    page.paragraph(
        "A finding is registered when its outline lies within "
        f"{matching.distance:g} m of an entry of a register or touches a granted concession. All "
        "distances are along the ellipsoid WGS 84 and from outline to outline; inside is 0. "
        "Unregistered means that these registers do not know it, not that it is illegal: registers "
        "have gaps and slips, and a finding may be no mine."
    )
    for remark in matching.remarks:
        page.warning(remark)
    page.heading("Counts")
    page.table(
        ["impact", "registered", "unregistered", "unregistered in protected areas"],
        _impact_rows(matching),
    )
    _phases(page, matching)
    _distances(page, matching)
    page.heading("Unregistered findings")
    order = sorted(matching.unregistered, key=lambda i: not matching.rows[i]["protected"])
    page.table(
        ["finding", "impact", "probability", "protected area", "nearest entry", "distance (m)"],
        [_listed(matching, i) for i in order[:LISTED]],
        f"{min(len(order), LISTED)} of {len(order)}; those in protected areas first.",
    )
    page.write(path)


def _impact_rows(matching: Matching) -> list[list[Any]]:
    table: dict[str, list[int]] = {}
    for row in matching.rows:
        counts = table.setdefault(str(row.get("impact") or "not judged"), [0, 0, 0])
        counts[row["registered"] == "no"] += 1
        counts[2] += row["registered"] == "no" and bool(row["protected"])
    return [[impact, *counts] for impact, counts in sorted(table.items())]


def _phases(page: Report, matching: Matching) -> None:
    if not matching.phases:
        return
    page.heading("Concessions")
    touched = Counter(
        phase for row in matching.rows for phase in str(row["phase"] or "").split("; ") if phase
    )
    page.table(
        ["phase", "counts as granted", "concessions", "findings in them"],
        [
            [
                phase or "(none given)",
                "yes" if not matching.granted or phase in matching.granted else "no",
                count,
                touched[phase],
            ]
            for phase, count in sorted(Counter(matching.phases).items())
        ],
        "What is requested or explored is not granted: such a concession is named at a finding "
        "but does not register it.",
    )


def _distances(page: Report, matching: Matching) -> None:
    """Show how many findings have an entry within each distance, to judge the chosen one."""
    known = np.sort(
        [
            row["register_distance_m"]
            for row in matching.rows
            if row["register_distance_m"] is not None
        ]
    )
    if len(known) < 2:
        return
    page.heading("Distances")
    share = 100.0 * np.arange(1, len(known) + 1) / len(matching.rows)
    page.figure(
        curve_plot(
            known / 1000.0,
            {"findings with an entry within this distance": share},
            x_label="distance to the nearest entry (km)",
            y_label="share of the findings (%)",
        ),
        f"A match counts up to {matching.distance:g} m. Where the curve bends, misplaced entries "
        "end and unrelated ones begin.",
    )


def _listed(matching: Matching, number: int) -> list[Any]:
    row = matching.rows[number]
    return [
        matching.labels[number],
        row.get("impact") or "",
        row.get("max_probability"),
        row["protected"],
        row["register_name"] or row["register_id"],
        row["register_distance_m"],
    ]
