"""Job: search images of any size for mines and tailings dams."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.bundle import Bundle, fingerprint_of
from gossan.core.errors import InputError
from gossan.core.job_files import check_outputs, job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.models.mines.chips import NO_ORE
from gossan.models.mines.clusters import cluster
from gossan.models.mines.findings import CellGrid, Findings
from gossan.models.mines.images import ImageOptions, image_files
from gossan.models.mines.journal import SUFFIX, open_journal
from gossan.models.mines.model_file import (
    DETECTOR_KIND,
    IMPACT_KIND,
    read_model,
    suggested_threshold,
)
from gossan.models.mines.search import Searcher, Task
from gossan.models.mines.search_record import write_probability
from gossan.models.mines.search_report import Summary, write_report
from gossan.models.mines.search_run import (
    Searched,
    blocks_of,
    description,
    grid_of,
    reuse,
    search,
    threads_here,
)

THRESHOLD = 0.6
"""Least probability of a mine, as in the source."""


@job_files(
    reads=("images", "detector", "impact_model", "earlier", "wavelengths"),
    writes=("probability", "polygons", "points", "cells", "report"),
)
def detect(
    progress: Progress,
    *,
    images: Sequence[str] = (),
    folder: str = "",
    detector: str = "",
    impact_model: str = "",
    earlier: str = "",
    threshold: float = THRESHOLD,
    isolated_threshold: float | None = None,
    stride: int | None = None,
    valid_share: float = 0.5,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    by_position: bool = False,
    collars: bool = True,
    dask: str = "",
    journal_folder: str = "",
    probability: str,
    polygons: str = "",
    points: str = "",
    cells: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Search an image for mines and tailings dams, cell by cell, and join cells to findings.

    A search that was ended before its time, by whatever, goes on where it was when it is started
    again with the same parameters: its finished blocks stand in a journal.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    images : sequence of str
        Files of the image, or a VRT.
    folder : str
        Folder of further files.
    detector : str
        Model file of the detector.
    impact_model : str
        Model file of an impact classifier; cells that it takes for no ore are dropped.
    earlier : str
        Probability raster of an earlier search of the same image by the same detector: nothing is
        searched again, only thresholds and impacts are new.
    threshold : float
        Least probability of a cell. Where the detector's card suggests another, that is said.
    isolated_threshold : float or None
        Least probability of a cell without neighbours, not below ``threshold``.
    stride : int or None
        Pixels from cell to cell, for detectors that slide; None or 0 for the model's own.
    valid_share : float
        Share of the pixels of a cell that have to be there.
    wavelengths, scale, offset, by_position, collars
        See `gossan.models.mines.images.ImageOptions`.
    dask : str
        Address of a Dask scheduler; empty searches here.
    journal_folder : str
        Where the journal is kept; empty beside the probability raster.
    probability : str
        Raster to write, a pixel per cell.
    polygons, points, cells : str
        GeoJSON to write: findings as polygons, as points, and their cells.
    report : str
        HTML to write.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``searched``, ``positive``, ``dropped_no_ore`` and ``dropped_isolated`` (cells),
        ``findings``, ``area_km2`` (searched; None where unknown), ``seconds``, ``impact`` (whether
        findings have one) and the paths that were written.
    """
    began = time.monotonic()
    _check(threshold, isolated_threshold, valid_share)
    options = ImageOptions(wavelengths, scale, offset, by_position, collars)
    files = [*images, *([folder] if folder else [])]
    found = [("folder", str(path)) for path in (image_files([folder]) if folder else [])]
    check_outputs([("probability", probability)], found)
    if detector:
        _tell_suggestion(progress, read_model(detector, DETECTOR_KIND), threshold)
    with ExitStack() as stack:
        journal = None
        if earlier:
            known = fingerprint_of(detector) if detector else ""
            searched = reuse(earlier, files, options, known, impact_model, threshold, progress)
        else:
            task = _task(files, options, detector, impact_model, stride, threshold, valid_share)
            searcher = stack.enter_context(closing(Searcher(task, progress)))
            grid = grid_of(searcher)
            blocks = blocks_of(grid.shape, grid.cells, threads_here())
            journal = stack.enter_context(
                open_journal(
                    _journal_path(probability, journal_folder), description(searcher, blocks)
                )
            )
            if journal.differs:
                progress.warn(
                    f"The journal {journal.path} is of another search (other: "
                    f"{', '.join(journal.differs)}). It is begun anew."
                )
            searched = search(searcher, grid, blocks, journal, dask, progress.part(0.0, 0.95))
        progress.check()
        clusters = cluster(
            searched.probability,
            threshold,
            isolated_threshold=isolated_threshold,
            impacts=searched.impacts,
            dropped_class=NO_ORE,
        )
        made = Origin.from_dict(origin).with_model(searched.record.detector)
        findings = Findings(
            searched.grid, clusters, searched.record.detector, searched.impact_model
        )
        write_probability(
            probability, searched.probability, searched.grid, searched.record, made.tags()
        )
        if polygons:
            findings.write_polygons(polygons, made.tags())
        if points:
            findings.write_points(points, made.tags())
        if cells:
            findings.write_cells(
                cells, searched.probability, threshold, searched.impacts, made.tags()
            )
        summary = Summary(
            searched=int(np.isfinite(searched.probability).sum()),
            positive=clusters.positive,
            dropped_no_ore=clusters.dropped,
            dropped_isolated=clusters.isolated,
            findings=len(clusters.found),
            area_km2=_area(searched.grid, searched.probability),
            seconds=time.monotonic() - began,
        )
        if report:
            models = _models(detector, impact_model)
            rows = findings.rows()
            write_report(report, made, searched, clusters, rows, summary, models, threshold)
        progress.fraction(1.0)
        _tell(progress, summary, searched)
        if journal is not None:
            journal.complete()
    return {
        "searched": summary.searched,
        "positive": summary.positive,
        "dropped_no_ore": summary.dropped_no_ore,
        "dropped_isolated": summary.dropped_isolated,
        "findings": summary.findings,
        "area_km2": summary.area_km2,
        "seconds": summary.seconds,
        "impact": searched.impacts is not None,
        "probability": probability,
        "polygons": polygons,
        "points": points,
        "cells": cells,
        "report": report,
    }


def _check(threshold: float, isolated_threshold: float | None, valid_share: float) -> None:
    if not 0 <= threshold <= 1:
        raise InputError(f"A threshold of {threshold:g} is no probability. Give 0 to 1.")
    if isolated_threshold is not None and not threshold <= isolated_threshold <= 1:
        raise InputError(
            f"The threshold for isolated cells is {isolated_threshold:g}; it has to lie between "
            f"the general one ({threshold:g}) and 1."
        )
    if not 0 < valid_share <= 1:
        raise InputError(
            f"A share of valid pixels of {valid_share:g} means nothing. Give more than 0, up to 1."
        )


def _task(
    files: Sequence[str],
    options: ImageOptions,
    detector: str,
    impact_model: str,
    stride: int | None,
    threshold: float,
    valid_share: float,
) -> Task:
    if not detector:
        raise InputError("No detector was given. Choose a model file that ends in .gossan.")
    return Task(
        tuple(
            os.path.abspath(path) if os.path.exists(path) else path for path in image_files(files)
        ),
        options,
        os.path.abspath(detector),
        read_model(detector, DETECTOR_KIND).fingerprint,
        os.path.abspath(impact_model) if impact_model else "",
        read_model(impact_model, IMPACT_KIND).fingerprint if impact_model else "",
        stride or None,
        threshold,
        valid_share,
    )


def _journal_path(probability: str, folder: str) -> Path:
    target = Path(probability).absolute()
    return (Path(folder).absolute() if folder else target.parent) / f"{target.name}{SUFFIX}"


def _models(detector: str, impact_model: str) -> dict[str, Bundle]:
    models = {}
    if detector:
        models["Detector"] = read_model(detector, DETECTOR_KIND)
    if impact_model:
        models["Impact model"] = read_model(impact_model, IMPACT_KIND)
    return models


def _area(grid: CellGrid, probability: np.ndarray) -> float | None:
    """Return the searched area in km2: by rows, along which degrees keep their length."""
    counts = np.isfinite(probability).sum(axis=1)
    rows = np.arange(len(counts))
    hectares = grid.hectares(rows, np.full(len(rows), probability.shape[1] / 2))
    return None if hectares is None else float((counts * hectares).sum() / 100.0)


def _tell_suggestion(progress: Progress, detector: Bundle, threshold: float) -> None:
    suggested = suggested_threshold(detector)
    if suggested is not None and suggested != threshold:
        progress.say(
            f"The model's card suggests a threshold of {suggested:g}; this search takes "
            f"{threshold:g}."
        )


def _tell(progress: Progress, summary: Summary, searched: Searched) -> None:
    if summary.searched == 0:
        progress.warn("No cell of the image has enough valid pixels: nothing was searched.")
        return
    area = "" if summary.area_km2 is None else f" ({summary.area_km2:,.0f} km²)"
    dropped = (
        f"; {summary.dropped_no_ore} cells were dropped as no ore"
        if searched.impacts is not None
        else ""
    )
    progress.say(
        f"{summary.searched:,} cells{area} were searched: {summary.positive} reach the threshold "
        f"and make {summary.findings} findings{dropped}."
    )
