"""Job: describe and correlate element concentrations of a raster or a sample table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core import charts
from gossan.core.errors import InputError, naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.core.report import Report
from gossan.core.samples import read_samples
from gossan.core.tables import write_table
from gossan.models.metals.concentrations import chosen_bands, strips
from gossan.models.metals.statistics import ElementStatistics, describe

STATISTICS_COLUMNS = (
    "element",
    "n",
    "minimum",
    "lower quartile",
    "median",
    "upper quartile",
    "maximum",
    "mean",
    "standard deviation",
    "coefficient of variation",
    "skewness",
    "excess kurtosis",
)


@job_files(reads=("raster", "samples"), writes=("table", "matrix", "report"))
def correlate(
    progress: Progress,
    *,
    raster: str = "",
    bands: Sequence[int] = (),
    samples: str = "",
    elements: Sequence[str] = (),
    lower_rule: str = "half",
    table: str = "",
    matrix: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe element concentrations and correlate them, over a raster or a sample table.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Concentration raster; each valid pixel is one observation.
    bands : sequence of int
        Its bands, from 1; all when empty.
    samples : str
        CSV with ``fid,<fields>`` instead of a raster; coordinates are not needed.
    elements : sequence of str
        Fields of the samples.
    lower_rule : str
        What a value below its detection limit counts as: ``half``, ``limit``, ``zero``,
        ``missing``.
    table, matrix, report : str
        Files to write: statistics (.csv), Pearson's r (.csv), report (.html); an empty one is not
        written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``count`` (complete observations), ``strongest`` (text) and ``strongest_r``, ``elements``,
        ``correlation`` (rows) and the paths ``table``, ``matrix``, ``report``.

    Raises
    ------
    InputError
        When neither or both of raster and samples are given, or fewer than two observations are
        complete.
    """
    if bool(raster) == bool(samples):
        raise InputError("Give either a concentration raster or a table of samples, not both.")
    notes: list[str] = []
    if raster:
        with naming(raster), open_raster(raster) as image:
            chosen = chosen_bands(image, bands)
            names = [image.info.bands[i].name for i in chosen]
            halves = iter((progress.part(0.0, 0.5), progress.part(0.5, 1.0)))
            statistics, correlation, thinned = describe(
                names, lambda: (strip for _, strip in strips(image, chosen, next(halves)))
            )
            total = image.info.height * image.info.width
        what = f"{statistics[0].count:,} of {total:,} pixels are valid in all bands."
        if thinned:
            notes.append("The quartiles come from an even sample of the pixels.")
        notes.append(
            "Neighbouring pixels resemble each other, so no significance is given: it would count "
            "the same ground many times."
        )
    else:
        points = read_samples(samples, elements, lower_rule=lower_rule, places=False)
        names = list(points.names)
        statistics, correlation, _ = describe(names, lambda: [points.values])
        what = f"{statistics[0].count:,} of {len(points):,} samples have all elements."
        for sentence in points.doubts():
            progress.warn(sentence)
            notes.append(sentence)
        notes += _sample_notes(points.censored_counts(), points.excluded_counts(), lower_rule)
    progress.say(what)

    first, second, r = _strongest(names, correlation)
    _write_statistics(table, matrix, names, statistics, correlation)
    if report:
        page = Report.from_origin("Correlation of elements", Origin.from_dict(origin))
        page.paragraph(what)
        page.bullets(notes)
        page.heading("Descriptive statistics")
        page.table(STATISTICS_COLUMNS, [_statistics_row(s) for s in statistics], "Units as given.")
        page.heading("Pearson correlation")
        page.figure(
            charts.matrix_heatmap(correlation, names, label="Pearson's r", limits=(-1.0, 1.0)),
            "Pearson's r between the elements; empty where an element does not vary.",
        )
        page.write(report)
    return {
        "count": statistics[0].count,
        "strongest": f"{first} and {second}" if first else "",
        "strongest_r": r,
        "elements": names,
        "correlation": correlation.tolist(),
        "table": table,
        "matrix": matrix,
        "report": report,
    }


def _strongest(names: list[str], correlation: np.ndarray) -> tuple[str, str, float | None]:
    upper = np.triu(np.abs(np.nan_to_num(correlation)), 1)
    if not upper.any():
        return "", "", None
    first, second = np.unravel_index(int(upper.argmax()), upper.shape)
    return names[first], names[second], float(correlation[first, second])


def _statistics_row(statistics: ElementStatistics) -> list[Any]:
    return list(vars(statistics).values())


def _sample_notes(
    censored: list[tuple[str, int, int]], excluded: list[tuple[str, int]], lower_rule: str
) -> list[str]:
    notes = [
        f"{name}: {below} value(s) below the detection limit (rule: {lower_rule}), "
        f"{above} above the upper limit (taken at it)."
        for name, below, above in censored
        if below or above
    ]
    return notes + [f"{count} sample(s) left out: {why}." for why, count in excluded]


def _write_statistics(
    table: str,
    matrix: str,
    names: list[str],
    statistics: list[ElementStatistics],
    correlation: np.ndarray,
) -> None:
    if table:
        write_table(table, STATISTICS_COLUMNS, [_statistics_row(s) for s in statistics])
    if matrix:
        rows = [[name, *row] for name, row in zip(names, correlation)]
        write_table(matrix, ["element", *names], rows)
