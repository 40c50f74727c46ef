"""The report of a search: map, probabilities, findings, and by what models they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gossan.core.bundle import Bundle
from gossan.core.chart_style import BLUE, RED, new_figure
from gossan.core.charts import map_picture
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.models.mines.clusters import Clusters
from gossan.models.mines.search_run import Searched

_LISTED = 25
_PICTURE_SIDE = 700
_BINS = 40

COLUMNS = {
    "finding": "finding",
    "cells": "cells",
    "area_ha": "area of the cells (ha)",
    "max_probability": "greatest probability",
    "mean_probability": "mean probability",
    "impact": "impact",
    "longitude": "longitude (°)",
    "latitude": "latitude (°)",
}


@dataclass(frozen=True)
class Summary:
    """The figures of a search.

    Parameters
    ----------
    searched, positive, dropped_no_ore, dropped_isolated : int
        Cells.
    findings : int
    area_km2 : float or None
        Searched.
    seconds : float
    """

    searched: int
    positive: int
    dropped_no_ore: int
    dropped_isolated: int
    findings: int
    area_km2: float | None
    seconds: float


def write_report(
    path: str,
    origin: Origin,
    searched: Searched,
    clusters: Clusters,
    rows: Sequence[Mapping[str, Any]],
    summary: Summary,
    models: Mapping[str, Bundle],
    threshold: float,
) -> None:
    """Write the report.

    Parameters
    ----------
    path : str
    origin : Origin
    searched : Searched
    clusters : Clusters
    rows : sequence of mapping
        The fields of the findings.
    summary : Summary
    models : mapping of str to Bundle
        What each model is, and the model; without the detector where only its map was at hand.
    threshold : float
    """
    page = Report.from_origin("Search for mines and tailings dams", origin)
    page.table(["", ""], _figures(summary), "")
    if summary.searched == 0:
        page.warning("No cell of the image has enough valid pixels: nothing was searched.")
    page.paragraph(
        "A cell says that the detector takes the place for a mine with the probability shown; no "
        "one has looked at it yet. The area of a finding is that of its search cells, not of the "
        "mine. Review the findings before they are used."
    )
    page.heading("Where")
    page.figure(
        _picture(searched.probability, clusters),
        "Probability of a mine in each cell, the greatest one where several share a point of the "
        "picture; rings mark the findings, white was not searched.",
    )
    page.heading("Probabilities")
    page.figure(
        _histogram(searched.probability, threshold),
        f"Cells by their probability; the threshold is {threshold:g}. Another one needs no new "
        "search: give the probability raster to Detect mines.",
    )
    page.heading("Findings")
    if rows:
        page.table(
            list(COLUMNS.values()),
            [[_shown(name, row[name]) for name in COLUMNS] for row in rows[:_LISTED]],
            f"The most probable {min(len(rows), _LISTED)} of {len(rows)} findings.",
        )
    else:
        page.paragraph("No cell reaches the threshold.")
    for what, bundle in models.items():
        _tell_model(page, what, bundle)
    page.write(path)


def _shown(name: str, value: Any) -> Any:
    """Return a value as the table shows it: degrees to about a metre."""
    return f"{value:.5f}" if name in ("longitude", "latitude") and value is not None else value


def _figures(summary: Summary) -> list[list[Any]]:
    area = "" if summary.area_km2 is None else f"{summary.area_km2:,.1f} km²"
    return [
        ["searched", f"{summary.searched:,} cells"],
        ["searched area", area],
        ["cells from the threshold on", summary.positive],
        ["of these dropped as no ore", summary.dropped_no_ore],
        ["of these dropped for standing alone", summary.dropped_isolated],
        ["findings", summary.findings],
        ["time", f"{summary.seconds:.1f} s"],
    ]


def _picture(probability: np.ndarray, clusters: Clusters) -> Figure:
    step = max(-(-max(probability.shape) // _PICTURE_SIDE), 1)
    figure = map_picture(_greatest(probability, step), "YlOrRd", "probability", limits=(0.0, 1.0))
    axes = figure.axes[0]
    places = np.array([(c.rows.mean(), c.columns.mean()) for c in clusters.found]).reshape(-1, 2)
    axes.scatter(
        (places[:, 1] + 0.5) / step - 0.5,
        (places[:, 0] + 0.5) / step - 0.5,
        s=60,
        facecolors="none",
        edgecolors=BLUE,
        linewidths=1.0,
    )
    return figure


def _greatest(probability: np.ndarray, step: int) -> np.ndarray:
    """Return the greatest of each step x step cells, so that no finding is lost in the picture."""
    rows, columns = (-(-side // step) * step for side in probability.shape)
    padded = np.full((rows, columns), -1.0, dtype=np.float32)
    padded[: probability.shape[0], : probability.shape[1]] = np.nan_to_num(probability, nan=-1.0)
    blocks = padded.reshape(rows // step, step, columns // step, step).max(axis=(1, 3))
    return np.where(blocks < 0, np.nan, blocks)


def _histogram(probability: np.ndarray, threshold: float) -> Figure:
    figure = new_figure(6.0, 2.8)
    axes = figure.add_subplot()
    axes.hist(probability[np.isfinite(probability)], bins=_BINS, range=(0.0, 1.0), color=BLUE)
    axes.axvline(threshold, color=RED, linewidth=1.2)
    axes.set_yscale("symlog")
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel("probability")
    axes.set_ylabel("cells")
    return figure


def _tell_model(page: Report, what: str, bundle: Bundle) -> None:
    card = bundle.card
    page.heading(what)
    size = card.ground_sampling_distance
    page.table(
        ["", ""],
        [
            ["file", bundle.path.name],
            ["fingerprint", bundle.fingerprint[:12]],
            ["architecture", str(card.architecture.get("name", ""))],
            ["bands", ", ".join(band.name for band in card.bands)],
            ["ground sampling distance", "" if size is None else f"{size:g} m"],
            ["trained", card.training.how],
            ["validated", card.training.split],
            ["examples", card.training.samples or ""],
            *(
                [f"score: {name}", value]
                for name, value in card.training.scores.items()
                if isinstance(value, (int, float))
            ),
            ["licence", card.licence],
        ],
        "As the model's card tells it.",
    )
