"""Job: compare extraction workflows and abundance methods by what their metals are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core import charts
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.report import Report
from gossan.core.samples import merge_duplicates, read_samples
from gossan.core.tables import write_table
from gossan.core.validation import rpd_class
from gossan.models.metals.comparison import METHODS, WORKFLOWS, Design, Run, compare
from gossan.models.metals.regressors import Settings
from gossan.models.metals.sample_splits import Validation

COLUMNS = (
    "workflow",
    "abundances",
    "endmembers",
    "R2, median",
    "R2, least",
    "R2, greatest",
    "RMSE, median",
    "RMSE, least",
    "RMSE, greatest",
    "RPD, median",
    "RPD, least",
    "RPD, greatest",
    "RPD class",
    "extraction (s)",
    "unmixing (s)",
)


@job_files(
    reads=("raster", "samples", "priors", "wavelengths"), writes=("table", "details", "report")
)
def compare_workflows(
    progress: Progress,
    *,
    raster: str,
    samples: str,
    elements: Sequence[str],
    priors: str = "",
    workflows: Sequence[str] = WORKFLOWS,
    methods: Sequence[str] = METHODS,
    reference_workflow: str = "PCCEE",
    reference_method: str = "nnls",
    endmembers: int = 6,
    seeds: int = 5,
    seed: int = 0,
    regressor: str = "random forest",
    trees: int = 100,
    validation: str = "spatial blocks",
    folds: int = 5,
    lower_rule: str = "half",
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    table: str = "",
    details: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Repeat extraction, unmixing and inversion for each workflow and method, seed by seed.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Hyperspectral image.
    samples : str
        CSV with ``fid,x,y,<fields>``, coordinates in the CRS of the raster.
    elements : sequence of str
        Fields of the samples with concentrations.
    priors : str
        Spectral library of what is expected; the one that ships when empty.
    workflows : sequence of str
        Extraction workflows, compared with `reference_method`.
    methods : sequence of str
        Abundance methods (``nnls``, ``nmf``, ``svr``), compared with `reference_workflow`.
    endmembers : int
        Endmembers of every workflow, so that all inversions have equally many features.
    seeds, seed : int
        How many seeds, and the first; each repeats everything random.
    regressor, trees, validation, folds, lower_rule
        As in training.
    wavelengths, scale, offset
        As in extraction.
    table, details, report : str
        Files to write: one row per workflow and method (.csv), one row per run and element (.csv),
        report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``rows`` (as the table), ``best_workflow``, ``best_method``, ``r2_best``, ``runs`` and the
        paths ``table``, ``details``, ``report``.
    """
    points = merge_duplicates(read_samples(samples, elements, lower_rule=lower_rule), "average")
    design = Design(
        workflows=workflows,
        methods=methods,
        reference_workflow=reference_workflow,
        reference_method=reference_method,
        endmembers=endmembers,
        seeds=range(seed, seed + seeds),
        settings=Settings(method=regressor, trees=trees),
        validation=Validation(kind=validation, folds=folds),
    )
    image = {"wavelengths": wavelengths, "scale": scale, "offset": offset}
    runs = compare(
        raster,
        points,
        design,
        progress,
        extraction_options={"priors": priors, **image},
        unmixing_options=image,
    )
    rows = [_row(pair, runs) for pair in design.pairs()]
    if table:
        write_table(table, COLUMNS, rows)
    if details:
        _write_details(details, runs, points.names)
    by_workflow = [row for row in rows if row[1] == reference_method]
    by_method = [row for row in rows if row[0] == reference_workflow and row[1] in methods]
    if report:
        made = Origin.from_dict(origin)
        _report(report, made, design, runs, points.names, by_workflow, by_method)
    best = max(rows, key=lambda row: row[3])
    return {
        "rows": rows,
        "best_workflow": max(by_workflow, key=lambda row: row[3])[0] if by_workflow else "",
        "best_method": max(by_method, key=lambda row: row[3])[1] if by_method else "",
        "r2_best": best[3],
        "runs": len(runs),
        "table": table,
        "details": details,
        "report": report,
    }


def _row(pair: tuple[str, str], runs: Sequence[Run]) -> list[Any]:
    """Return medians and extremes over the seeds; each score is the mean over the elements."""
    mine = [run for run in runs if (run.workflow, run.method) == pair]
    rpd = _spread([run.rpd for run in mine])
    return [
        *pair,
        float(np.median([run.endmembers for run in mine])),
        *_spread([run.r2 for run in mine]),
        *_spread([run.rmse for run in mine]),
        *rpd,
        rpd_class(rpd[0]),
        float(np.median([run.extraction_seconds for run in mine])),
        float(np.median([run.unmixing_seconds for run in mine])),
    ]


def _spread(scores: Sequence[np.ndarray]) -> list[float]:
    """Return median, least and greatest of the means over the elements, one per seed."""
    means = [float(np.nanmean(each)) for each in scores]
    return [float(np.median(means)), min(means), max(means)]


def _write_details(path: str, runs: Sequence[Run], elements: Sequence[str]) -> None:
    columns = ["workflow", "abundances", "seed", "endmembers", "element", "R2", "RMSE", "RPD"]
    rows = [
        [run.workflow, run.method, run.seed, run.endmembers, element, *scores]
        for run in runs
        for element, *scores in zip(elements, run.r2, run.rmse, run.rpd)
    ]
    write_table(path, columns, rows)


def _report(
    path: str,
    origin: Origin,
    design: Design,
    runs: Sequence[Run],
    elements: Sequence[str],
    by_workflow: list[list[Any]],
    by_method: list[list[Any]],
) -> None:
    page = Report.from_origin("Comparison of workflows", origin)
    page.paragraph(
        f"Each workflow keeps {design.endmembers} endmembers where it finds as many, so that all "
        f"inversions ({design.settings.method}, {design.settings.trees} trees) have equally many "
        f"features. R2, RMSE and RPD are means over {len(elements)} elements of pooled "
        f"out-of-fold predictions ({design.validation.kind}, {design.validation.folds} folds); the "
        "mean RMSE follows the elements of the greatest concentrations. Medians and "
        f"extremes are over {len(design.seeds)} seed(s), each of which repeats extraction, "
        "unmixing, splits and fits. Seconds are wall time on this machine, reading included."
    )
    page.paragraph(
        "Every row is scored with the same samples, so the best of many rows looks better than it "
        "is: prefer a simpler workflow where the ranges overlap."
    )
    for title, rows in (
        (f"Extraction workflows (abundances by {design.reference_method.upper()})", by_workflow),
        (f"Abundance methods (endmembers by {design.reference_workflow})", by_method),
    ):
        if rows:
            page.heading(title)
            page.table(COLUMNS, rows)
    short = [row for row in [*by_workflow, *by_method] if row[2] < design.endmembers]
    if short:
        names = ", ".join(dict.fromkeys(row[0] for row in short))
        page.warning(
            f"Fewer than {design.endmembers} distinct endmembers were found by: {names}. Their "
            "inversions have fewer features than the others."
        )
    page.heading("R2 per element")
    pairs = design.pairs()
    medians = np.array(
        [
            np.median([run.r2 for run in runs if (run.workflow, run.method) == pair], axis=0)
            for pair in pairs
        ]
    )
    page.figure(
        charts.matrix_heatmap(
            medians,
            [f"{workflow}, {method}" for workflow, method in pairs],
            columns=list(elements),
            label="median R2",
        ),
        "Median R2 over the seeds, for each element.",
    )
    page.write(path)
