"""What a training of spectral models tells: scores, predictions at the samples, report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gossan.core.charts import Scatter, curve_plot, scatter_measured_predicted
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.core.vectors import point, write_features
from gossan.models.soil_spectra.figures import stages_figure
from gossan.models.soil_spectra.output_reports import tell_excluded
from gossan.models.soil_spectra.regressors import NETWORK, PLSR, FitOptions, LinearMethod
from gossan.models.soil_spectra.training import MethodScores, Trained
from gossan.models.soil_spectra.validation import CROSS, SINGLE, Validation

WIDE_GAP = 0.3
"""A model that loses this much R2 between training and validation remembers its samples."""

CLASS_MEANINGS = (
    "RPD classes: below 1.4 poor, 1.4 to 2.0 acceptable, 2.0 to 2.5 good, above 2.5 excellent."
)


def score_rows(trained: Trained) -> list[dict[str, Any]]:
    """Return one row of plain values per element and method; undefined ones are None."""
    rows = []
    for k, element in enumerate(trained.elements):
        for position, result in enumerate(trained.results):
            scores = result.scores[k]
            row: dict[str, Any] = {
                "element": element,
                "method": result.name,
                "kept": position == trained.kept[k],
                **scores.validation.to_dict(),
            }
            extra = {
                "r2_spread": scores.spread,
                "r2_training": scores.r2_training,
                "rmse_training": scores.rmse_training,
                "rpd_training": scores.rpd_training,
                "r2_gap": scores.gap,
                "r2_permuted": max(scores.permuted, default=math.nan),
                "interval_coverage": scores.coverage,
            }
            rows.append({**row, **{key: _known(value) for key, value in extra.items()}})
    return rows


def write_scores(path: str, trained: Trained) -> None:
    """Write the scores as CSV, one row per element and method."""
    rows = score_rows(trained)
    write_table(path, [*rows[0], "validation"], [[*row.values(), trained.split] for row in rows])


def write_predictions(path: str, trained: Trained, origin: Origin) -> None:
    """Write the samples with measured, unseen and training values of the kept methods."""
    fields: dict[str, type] = {"sample": str, "area": str, "fold": int}
    for name in trained.elements:
        fields |= {
            f"{name}_measured": float,
            f"{name}_censored": str,
            f"{name}_predicted": float,
            f"{name}_residual": float,
            f"{name}_training": float,
            f"{name}_method": str,
        }
    table = trained.joined.table.samples
    places = ((table.x[row], table.y[row]) for row in trained.rows)
    write_features(
        path,
        _prediction_rows(trained),
        (point(x, y) if math.isfinite(x) and math.isfinite(y) else None for x, y in places),
        fields=fields,
        name="predictions at samples",
        tags=origin.tags(),
    )


def _prediction_rows(trained: Trained) -> Iterator[Mapping[str, Any]]:
    table = trained.joined.table.samples
    for i, (name, source) in enumerate(zip(trained.samples, trained.rows)):
        row: dict[str, Any] = {
            "sample": name,
            "area": None if table.groups is None else str(table.groups[source]) or None,
            "fold": int(trained.folds[i]) or None,
        }
        for k, element in enumerate(trained.elements):
            kept = trained.chosen(k)
            measured, predicted = trained.values[i, k], kept.unseen[i, k]
            row[f"{element}_measured"] = _known(measured)
            row[f"{element}_censored"] = str(table.flags[source, k]) or None
            row[f"{element}_predicted"] = _known(predicted)
            row[f"{element}_residual"] = _known(predicted - measured)
            row[f"{element}_training"] = _known(kept.seen[i, k])
            row[f"{element}_method"] = kept.name
        yield row


def warnings_of(trained: Trained, validation: Validation, *, chosen: bool) -> list[str]:
    """Return what the user should know before trusting the model.

    Parameters
    ----------
    trained : Trained
    validation : Validation
    chosen : bool
        Whether the kept methods are those that did best in validation.
    """
    sentences = list(trained.joined.table.samples.doubts())
    kept = [trained.chosen(k).scores[k] for k in range(len(trained.elements))]
    for scores in kept:
        if scores.validation.rpd_class == "poor":
            sentences.append(
                f"{scores.element}: poor (RPD {scores.validation.rpd:.2f}, below 1.4) even with "
                f"the best method kept, {scores.method}. It ranks samples at most; it does not "
                "replace the laboratory."
            )
        if scores.permuted and not scores.beats_chance:
            sentences.append(
                f"{scores.element}: {scores.method} is no better on the real concentrations than "
                "on the same ones dealt at random to the samples, or than their mean. Nothing was "
                "learnt."
            )
    sentences += [overfitting(s) for r in trained.results for s in r.scores if s.gap > WIDE_GAP]
    if validation.kind == SINGLE:
        sentences.append(
            "One random split judges by a few samples and by the luck of the draw: another seed "
            "gives other scores. It is here to compare with the source; repeated cross-validation "
            "is the honest check."
        )
    if validation.kind == CROSS and trained.joined.table.samples.groups is not None:
        sentences.append(
            "Samples of all areas stand on both sides of a random split; leave-one-area-out tells "
            "what the model is worth in a place of its own."
        )
    if len(trained.results) > 1 and chosen:
        sentences.append(
            "The method that is kept was chosen by the same validation that its scores come from, "
            "which flatters them a little; samples measured later are the final check."
        )
    return sentences


def overfitting(scores: MethodScores) -> str:
    """Return a plain sentence about the gap between training and validation."""
    return (
        f"{scores.element}, {scores.method}: R² is {scores.r2_training:.2f} in training and "
        f"{scores.validation.r2:.2f} in validation. The gap of {scores.gap:.2f} is overfitting: it "
        "remembers its samples, and the training figure says nothing about new ones."
    )


def write_report(
    path: str,
    trained: Trained,
    validation: Validation,
    options: FitOptions,
    origin: Origin,
    *,
    unit: str,
    lower_rule: str,
    limits: Mapping[str, float],
    chosen: bool,
    fingerprint: str | None,
) -> None:
    """Write the report of a training as HTML."""
    report = Report.from_origin(
        "Elements from soil spectra: training", origin.with_model(fingerprint)
    )
    counts = trained.joined.laboratory.replicates
    report.paragraph(
        f"{len(trained.samples)} samples with {sum(counts)} measured spectra"
        f"{'' if sum(counts) == len(counts) else ', replicates averaged'}; methods: "
        f"{', '.join(result.name for result in trained.results)}, in the same folds. Validated by "
        f"{trained.split}; all validation scores are of predictions for samples that the model had "
        "not seen."
    )
    for sentence in warnings_of(trained, validation, chosen=chosen):
        report.warning(sentence)
    _tell_scores(report, trained, unit)
    _tell_steps(report, trained)
    _tell_methods(report, trained, options)
    _tell_samples(report, trained, unit, lower_rule, limits)
    report.write(path)


def _tell_scores(report: Report, trained: Trained, unit: str) -> None:
    report.heading("Scores")
    report.table(
        [
            "Element",
            "Method",
            "n",
            "R²",
            "95 % interval of R²",
            "R² spread",
            f"RMSE ({unit})",
            "RPD",
            "Class",
            "R² training",
            f"RMSE training ({unit})",
            "RPD training",
            "Gap",
            "R² by chance",
            "Kept",
        ],
        [
            [
                s.element,
                s.method,
                s.validation.n,
                _two(s.validation.r2),
                f"{_two(s.validation.r2_low)} to {_two(s.validation.r2_high)}",
                _two(s.spread),
                s.validation.rmse,
                _two(s.validation.rpd),
                s.validation.rpd_class,
                _two(s.r2_training),
                s.rmse_training,
                _two(s.rpd_training),
                _two(s.gap),
                _two(max(s.permuted, default=math.nan)),
                "kept" if position == trained.kept[k] else "",
            ]
            for k in range(len(trained.elements))
            for position, s in enumerate(result.scores[k] for result in trained.results)
        ],
        f"{CLASS_MEANINGS} Spread: standard deviation over the repeats. By chance: the greatest R² "
        "when the concentrations are dealt at random to the samples and everything is fitted and "
        "validated again. A gap is what a method remembers of its training samples.",
    )
    report.figure(
        scatter_measured_predicted(_panels(trained, unit)),
        "Predicted over measured concentrations by the kept methods: training samples as fitted "
        "(blue circles), samples not seen (red triangles), and the line where both are equal.",
    )
    covered = [
        [s.element, s.method, f"{s.coverage:.0%}"]
        for k in range(len(trained.elements))
        for s in [trained.chosen(k).scores[k]]
        if math.isfinite(s.coverage)
    ]
    if covered:
        report.table(
            ["Element", "Method", "Unseen samples inside the 90 % interval"],
            covered,
            "Intervals are made from the errors of unseen samples; here each fold is held against "
            "the errors of the others. Much less than 90 % means that they are too narrow.",
        )


def _tell_steps(report: Report, trained: Trained) -> None:
    report.heading("The spectra, step by step")
    report.figure(
        stages_figure(trained.stages),
        "Single spectra (grey) and their mean (blue), as measured and after each step.",
    )


def _tell_methods(report: Report, trained: Trained, options: FitOptions) -> None:
    report.heading("Methods")
    for result in trained.results:
        if isinstance(result.fitted.method, LinearMethod):
            parts = [
                f"{name} {count}"
                for name, count in zip(trained.elements, result.fitted.method.components)
            ]
            report.paragraph(
                f"{PLSR}: components by inner cross-validation, at most {options.components}: "
                f"{', '.join(parts)}."
            )
        history = result.history
        if result.name == NETWORK and history is not None:
            epochs = len(history.measures)
            report.paragraph(
                f"Network: {epochs} epochs in {history.seconds:.0f} s, the weights of epoch "
                f"{history.best} were kept"
                f"{', for the loss no longer fell' if history.stopped_early else ''}. One fifth of "
                "the training samples decided when to stop. The input is the short-time Fourier "
                "transform of the pre-processed spectrum on a 1 nm grid: frames of 255, every 128, "
                "symmetric Hann window, transform of 256, magnitudes."
            )
            report.figure(
                curve_plot(
                    list(range(1, epochs + 1)),
                    {
                        "learning": history.curve("loss"),
                        "stopping": history.curve("validation_loss"),
                    },
                    x_label="epoch",
                    y_label="squared error (standardised)",
                    marks=False,
                    log_y=True,
                ),
                "Learning curves of the network that was fitted to all samples: the samples it "
                "learns from, and those by which training stops.",
            )


def _tell_samples(
    report: Report, trained: Trained, unit: str, lower_rule: str, limits: Mapping[str, float]
) -> None:
    table = trained.joined.table
    samples = table.samples
    report.heading("Samples")
    below = {name: (low, high) for name, low, high in samples.censored_counts()}
    report.table(
        [
            "Element",
            "Values",
            f"Least ({unit})",
            f"Greatest ({unit})",
            "Below detection",
            "Above limit",
        ],
        [
            [
                name,
                int(np.isfinite(trained.values[:, k]).sum()),
                float(np.nanmin(trained.values[:, k])),
                float(np.nanmax(trained.values[:, k])),
                *below[name],
            ]
            for k, name in enumerate(trained.elements)
        ],
        f"Values below a detection limit count as: {lower_rule}. Values above an upper limit count "
        "as that limit, unless they were dropped.",
    )
    if limits:
        shown = ", ".join(f"{name} above {limit:g} {unit}" for name, limit in limits.items())
        report.paragraph(
            f"Outlier limit: {shown} is left out of training and of validation alike, so the "
            "scores hold below the limit only."
        )
        if table.over_limit:
            report.table(
                ["Sample", "Element", f"Value ({unit})"],
                [list(row) for row in table.over_limit],
                "Left out as outliers.",
            )
        else:
            report.paragraph("No sample lies above it.")
    tell_excluded(report, trained.joined.excluded)


def _panels(trained: Trained, unit: str) -> list[Scatter]:
    panels = []
    for k, name in enumerate(trained.elements):
        kept = trained.chosen(k)
        scores = kept.scores[k]
        panels.append(
            Scatter(
                title=f"{name}, {kept.name}",
                unit=unit,
                training=_pairs(trained.values[:, k], kept.seen[:, k]),
                validation=_pairs(trained.values[:, k], kept.unseen[:, k]),
                scores={
                    "R²": _two(scores.validation.r2),
                    "RMSE": scores.validation.rmse,
                    "RPD": f"{_two(scores.validation.rpd)} {scores.validation.rpd_class}",
                },
            )
        )
    return panels


def _pairs(measured: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(measured) & np.isfinite(predicted)
    return measured[known], predicted[known]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else ""
