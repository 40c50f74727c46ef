"""The job that assesses a class raster against a geological map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from gossan.core.agreement import AreaAdjusted
from gossan.core.charts import matrix_heatmap
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, open_raster
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.models.lithology.assessment import (
    DIFFERENCE_CLASSES,
    DIFFERENCE_COLOURS,
    Comparison,
    Matching,
    block_side,
    compare,
    match_classes,
)
from gossan.models.lithology.geological_map import MapSource
from gossan.models.lithology.map_scores import SCORE_COLUMNS, MapScores, adjusted_for_area


@job_files(
    reads=("raster", "reference_features", "reference_raster"),
    writes=("table", "matrix", "differences", "report"),
)
def assess(
    progress: Progress,
    *,
    raster: str,
    legend: Sequence[Mapping[str, Any]] = (),
    reference_features: str = "",
    reference_field: str = "",
    reference_raster: str = "",
    reference_column: str = "",
    reference_legend: Sequence[Mapping[str, Any]] = (),
    per_class: int = 0,
    block_size: float = 0.0,
    seed: int = 0,
    table: str = "",
    matrix: str = "",
    differences: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Compare a class raster with polygons, points or another class raster.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Class raster.
    legend, reference_legend : sequence of mapping
        Names and colours that QGIS shows (``value``, ``name``, ``colour``), optional.
    reference_features : str
        GeoJSON with the reference in the CRS of the raster; empty for a reference raster.
    reference_field : str
        Its field with the class.
    reference_raster : str
        Reference raster of any grid; empty for features.
    reference_column : str
        Column of its attribute table with the names, optional.
    per_class : int
        Reference pixels drawn at random for each mapped class; 0 takes all.
    block_size : float
        Side of the blocks of the intervals in map units; 0 makes ten across.
    seed : int
        Of the draw and of the intervals.
    table, matrix, differences, report : str
        Files to write: scores per class (.csv), confusion matrix (.csv), raster with 1 where both
        agree and 2 where they differ, report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``overall_accuracy``, ``overall_low``, ``overall_high``, ``adjusted_accuracy`` (None where
        it is undefined), ``kappa``, ``mean_iou``, ``pixels`` and the paths ``table``, ``matrix``,
        ``differences``, ``report``.
    """
    with ExitStack() as opened:
        grid = opened.enter_context(open_raster(raster)).info
        made_by = Origin.from_dict(origin).with_model_of(grid.tags)
        map_ = opened.enter_context(MapSource(raster=raster, legend=legend).open(grid))
        source = MapSource(
            features=reference_features,
            field=reference_field,
            raster=reference_raster,
            column=reference_column,
            legend=reference_legend,
        )
        truth = opened.enter_context(source.open(grid))
        matching = match_classes(map_.classes, truth.classes)
        notes = [*map_.notes, *truth.notes]
        for note in notes:
            progress.say(note)
        for note in matching.notes():
            progress.warn(note)
        writer = None
        if differences:
            writer = opened.enter_context(
                RasterWriter.like(
                    differences,
                    grid,
                    bands=["agreement"],
                    dtype="uint8",
                    categories=DIFFERENCE_CLASSES,
                    colours=DIFFERENCE_COLOURS,
                    tags=made_by.tags(),
                )
            )
        comparison = compare(
            map_,
            truth,
            matching,
            grid,
            progress,
            block_side=block_side(grid, block_size),
            per_class=per_class,
            seed=seed,
            differences=writer,
        )
    scores = MapScores.of(comparison.counts, matching.names, seed=seed)
    adjusted, trouble = adjusted_for_area(
        scores.matrix, comparison.mapped, tuple(range(1, len(matching.classes) + 1))
    )
    progress.say(
        f"Overall accuracy {scores.overall}, kappa {scores.kappa:.3f}, mean IoU {scores.mean_iou} "
        f"over {int(scores.matrix.sum())} pixels."
    )
    if trouble:
        progress.say(f"No area-adjusted accuracy: {trouble}")
    if table:
        write_table(table, *_table(scores, adjusted))
    if matrix:
        rows = [[name, *map(int, row)] for name, row in zip(matching.names, scores.matrix)]
        write_table(matrix, ["reference \\ map", *matching.names], rows)
    if report:
        _write_report(
            report, scores, adjusted, trouble, comparison, matching, notes, made_by,
            drawn=per_class,
        )  # fmt: skip
    progress.fraction(1.0)
    return {
        "overall_accuracy": scores.overall.value,
        "overall_low": _known(scores.overall.low),
        "overall_high": _known(scores.overall.high),
        "adjusted_accuracy": adjusted.overall if adjusted else None,
        "kappa": _known(scores.kappa),
        "mean_iou": scores.mean_iou.value,
        "pixels": int(scores.matrix.sum()),
        "table": table,
        "matrix": matrix,
        "differences": differences,
        "report": report,
    }


def _table(scores: MapScores, adjusted: AreaAdjusted | None) -> tuple[list[str], list[list[Any]]]:
    columns = list(SCORE_COLUMNS)
    rows = scores.rows()
    if adjusted is not None:
        columns += [
            "Adjusted producer's accuracy", "± (95 %)", "Adjusted user's accuracy", "± (95 %)",
            "Adjusted share of the area", "± (95 %)",
        ]  # fmt: skip
        for i, row in enumerate(rows):
            row += [
                float(adjusted.producers[i]), float(adjusted.producers_error[i]),
                float(adjusted.users[i]), float(adjusted.users_error[i]),
                float(adjusted.shares[i]), float(adjusted.shares_error[i]),
            ]  # fmt: skip
    return columns, rows


def _write_report(
    path: str,
    scores: MapScores,
    adjusted: AreaAdjusted | None,
    trouble: str,
    comparison: Comparison,
    matching: Matching,
    notes: Sequence[str],
    origin: Origin,
    *,
    drawn: int,
) -> None:
    report = Report.from_origin("Assessment of a class map", origin)
    pixels = int(scores.matrix.sum())
    report.paragraph(
        f"{pixels} pixels were compared"
        + (f", up to {drawn} drawn at random for each mapped class." if drawn else ".")
        + f" {comparison.without_reference} mapped pixels have no reference, and "
        f"{comparison.unmapped} pixels with a reference are not mapped."
    )
    for note in [*notes]:
        report.paragraph(note)
    for note in matching.notes():
        report.warning(note)
    report.heading("Scores")
    blocks = len(comparison.counts.matrices)
    report.table(
        ["Score", "Value", "95 % interval"],
        [
            ["Overall accuracy", scores.overall.value, _interval(scores.overall)],
            ["Mean IoU", scores.mean_iou.value, _interval(scores.mean_iou)],
            ["Kappa", scores.kappa, ""],
            *(
                [["Overall accuracy, area-adjusted", adjusted.overall, _around(adjusted)]]
                if adjusted
                else []
            ),
        ],
        f"Intervals of overall accuracy and mean IoU are from drawing {blocks} blocks of "
        f"{comparison.counts.side} x {comparison.counts.side} pixels again and again: neighbouring "
        "pixels are right or wrong together.",
    )
    if trouble:
        report.paragraph(f"There is no area-adjusted accuracy: {trouble}")
    elif not drawn:
        report.paragraph(
            "The ± of the area-adjusted accuracies holds for independent reference pixels. All "
            "pixels were compared here, and neighbours are alike, so it is too narrow: draw a "
            "number of pixels per class for one that can be trusted."
        )
    report.heading("Classes")
    report.table(
        *_table(scores, adjusted),
        "Producer's accuracy: the share of the reference that the map shows. User's accuracy: the "
        "share of the map that is right. Adjusted: for how much of the map each class covers "
        "(Olofsson and others, 2014).",
    )
    report.figure(
        matrix_heatmap(
            np.round(scores.shares(), 1),
            matching.names,
            label="% of the reference class",
            limits=(0.0, 100.0),
            row_label="reference",
            column_label="map",
            decimals=0,
        ),
        "Confusion matrix in per cent of each reference class.",
    )
    report.write(path)


def _interval(interval: Any) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if _known(interval.low) is not None else ""


def _around(adjusted: AreaAdjusted) -> str:
    low = adjusted.overall - adjusted.overall_error
    return f"{max(low, 0.0):.3f} to {min(adjusted.overall + adjusted.overall_error, 1.0):.3f}"


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
