"""The report of an endmember extraction, and of an estimate of the endmembers' number."""

from __future__ import annotations

from gossan.core.charts import curve_plot, spectra_plot
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.models.endmembers.counting import EndmemberCount
from gossan.models.endmembers.extraction import Extraction
from gossan.models.endmembers.options import ExtractionOptions

MOST_REJECTED = 100


def extraction_report(extraction: Extraction, options: ExtractionOptions, origin: Origin) -> Report:
    """Return the report of an extraction: curves, table of the chosen and of the rejected."""
    report = Report.from_origin("Endmembers", origin)
    report.paragraph(
        f"{len(extraction)} endmembers from {extraction.pixels} valid pixels by the workflow "
        f"{options.workflow}: {', '.join(options.methods)}. " + _space(extraction)
    )
    report.bullets(extraction.notes)
    report.heading("Spectra")
    curves = {
        f"{name} ({row}, {column})": spectrum
        for name, row, column, spectrum in zip(
            extraction.names, extraction.rows, extraction.columns, extraction.spectra
        )
    }
    report.figure(
        spectra_plot(extraction.wavelengths, curves),
        "Reflectance of the endmembers; in brackets row and column of the source pixel.",
    )
    report.heading("Chosen endmembers")
    report.table(
        ["Name", "Found by", "Row", "Column", "Purity", "Skewers hit", "Class", "Angle (rad)"],
        [
            list(row)
            for row in zip(
                extraction.names,
                extraction.sources,
                extraction.rows.tolist(),
                extraction.columns.tolist(),
                [f"{purity:.3f}" for purity in extraction.purity],
                extraction.hits.tolist(),
                extraction.classes,
                [f"{angle:.3f}" for angle in extraction.angles],
            )
        ],
        "Purity: share of the way from the scene's mean to its end, 0 to 1; 1 lies on the convex "
        "hull. Skewers hit: how often the pixel was outermost along a random direction. Angle: "
        "spectral angle to the nearest prior of the class.",
    )
    if extraction.prior_classes:
        report.heading("Prior classes")
        report.table(
            ["Class", "Least angle of any pixel (rad)"],
            [[name, f"{angle:.3f}"] for name, angle in extraction.prior_classes],
        )
    _add_rejected(report, extraction)
    report.heading("Time")
    report.table(["Step", "Seconds"], [[step, took] for step, took in extraction.seconds.items()])
    return report


def count_report(count: EndmemberCount, origin: Origin) -> Report:
    """Return the report of an estimate of the number of endmembers."""
    report = Report.from_origin("Number of endmembers", origin)
    report.paragraph(
        f"From {count.pixels} valid pixels and {count.bands} bands. HySime finds a signal "
        f"subspace of {count.hysime} dimensions."
    )
    report.table(
        ["Method", "False-alarm rate", "Endmembers"],
        [
            ["HySime", None, count.hysime],
            *[["HFC", f"{rate:g}", number] for rate, number in count.hfc.items()],
        ],
        "HFC: Harsanyi, Farrand and Chang, with the Neyman-Pearson test; HySime: hyperspectral "
        "signal identification by minimum error. HFC grows with the number of pixels and takes "
        "correlated noise for signal; HySime estimates the noise of each band from the others.",
    )
    report.heading("Variance by component")
    shown = count.variances[: min(len(count.variances), 60)]
    report.figure(
        curve_plot(
            list(range(1, len(shown) + 1)),
            {"variance": shown},
            x_label="component",
            y_label="variance (reflectance squared)",
            log_y=True,
        ),
        "Where the curve turns flat, noise begins.",
    )
    return report


def _space(extraction: Extraction) -> str:
    if extraction.components == 0:
        return "Candidates were looked for in the bands themselves."
    return (
        f"Candidates were looked for in {extraction.components} principal components, which hold "
        f"at least 95 % of the variance or as many dimensions as the endmembers need "
        f"({extraction.explained:.2%} of the variance in all components used)."
    )


def _add_rejected(report: Report, extraction: Extraction) -> None:
    report.heading("Rejected candidates")
    if not extraction.rejected:
        report.paragraph("None.")
        return
    report.paragraph(
        "A pixel that stands alone may be noise, or a hotspot of one pixel that is real: look at "
        "it in the image before leaving it out for good."
    )
    report.table(
        ["Found by", "Row", "Column", "Purity", "Skewers hit", "Reason"],
        [
            [
                entry.candidate.source,
                entry.candidate.row,
                entry.candidate.column,
                f"{entry.candidate.purity:.3f}",
                entry.candidate.hits,
                entry.reason,
            ]
            for entry in extraction.rejected[:MOST_REJECTED]
        ],
        f"{len(extraction.rejected)} in all."
        + (f" The first {MOST_REJECTED}." if len(extraction.rejected) > MOST_REJECTED else ""),
    )
