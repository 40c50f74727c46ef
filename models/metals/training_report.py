"""What a training tells: score table, predictions at the samples, report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core.charts import Scatter, matrix_heatmap, scatter_measured_predicted
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.core.samples import Samples
from gossan.core.tables import write_table
from gossan.core.vectors import point, write_features
from gossan.models.metals.inversion import INTERVAL
from gossan.models.metals.sample_splits import BLOCKS, GROUPS, Validation
from gossan.models.metals.training import Trained, TrainingData

FEATURES_SHOWN = 15
WIDE_GAP = 0.3
"""A model that loses this much R2 between training and validation remembers its samples."""

CLASS_MEANINGS = (
    "RPD classes: below 1.4 poor, 1.4 to 2.0 acceptable, 2.0 to 2.5 good, above 2.5 excellent."
)


def score_rows(trained: Trained) -> list[dict[str, Any]]:
    """Return one row of plain values per element; undefined ones are None."""
    rows = []
    for scores in trained.scores:
        row: dict[str, Any] = {"element": scores.name, "unit": scores.unit}
        row.update(scores.validation.to_dict())
        extra = {
            "r2_spread": scores.r2_spread,
            "r2_training": scores.r2_training,
            "rmse_training": scores.rmse_training,
            "r2_gap": scores.gap,
            "interval_coverage": scores.coverage,
            "minimum": scores.minimum,
            "maximum": scores.maximum,
            "below_detection": scores.below,
            "above_limit": scores.above,
            "outliers": scores.outliers,
        }
        row.update({key: value if math.isfinite(value) else None for key, value in extra.items()})
        rows.append(row)
    return rows


def write_scores(path: str, trained: Trained) -> None:
    """Write the scores as CSV, one row per element."""
    rows = score_rows(trained)
    columns = [*rows[0], "validation"]
    write_table(path, columns, [[*row.values(), trained.split] for row in rows])


def write_predictions(
    path: str, data: TrainingData, trained: Trained, crs_wkt: str | None, origin: Origin
) -> None:
    """Write the samples as points with measured, out-of-fold and training values, and the fold."""
    samples = data.samples
    fields: dict[str, type] = {"id": str, "fold": int}
    for name in samples.names:
        fields[f"{name}_measured"] = float
        fields[f"{name}_censored"] = str
        fields[f"{name}_predicted"] = float
        fields[f"{name}_residual"] = float
        fields[f"{name}_training"] = float
    write_features(
        path,
        _prediction_rows(samples, trained),
        (point(x, y) for x, y in zip(samples.x, samples.y)),
        fields=fields,
        crs_wkt=crs_wkt,
        name="predictions at samples",
        tags=origin.tags(),
    )


def write_report(
    path: str,
    data: TrainingData,
    trained: Trained,
    validation: Validation,
    origin: Origin,
    *,
    lower_rule: str,
    method: str,
    fingerprint: str | None,
) -> None:
    """Write the report of a training as HTML."""
    samples = data.samples
    report = Report.from_origin("Heavy-metal inversion: training", origin.with_model(fingerprint))
    report.paragraph(
        f"Method: {method}. {len(samples)} samples with {data.features.shape[1]} features. "
        f"Validated by {trained.split}; all scores are of predictions for samples that the model "
        "had not seen, pooled over the folds."
    )
    for sentence in warnings_of(data, trained, validation):
        report.warning(sentence)
    report.heading("Scores")
    report.table(*_score_table(trained), CLASS_MEANINGS)
    report.figure(
        scatter_measured_predicted(_panels(samples, trained)),
        "Predicted over measured concentrations: training samples as fitted (blue circles), "
        "out-of-fold predictions (red triangles), and the line where both are equal.",
    )
    _tell_uncertainty(report, trained)
    _tell_importance(report, data, trained)
    _tell_samples(report, samples, trained, lower_rule, data.shared_pixels)
    report.heading("Features")
    report.table(
        ["Feature", "Wavelength (nm)", "Least", "Greatest"],
        [
            [band.name, band.wavelength, float(low), float(high)]
            for band, low, high in zip(
                data.bands, data.features.min(axis=0), data.features.max(axis=0)
            )
        ],
        "Range of the features at the samples: outside it, the model does not apply.",
    )
    report.write(path)


def warnings_of(data: TrainingData, trained: Trained, validation: Validation) -> list[str]:
    """Return what the user should know before trusting the model."""
    sentences = data.samples.doubts()
    poor = [s.name for s in trained.scores if s.validation.rpd_class == "poor"]
    if poor:
        sentences.append(
            f"{_listed(poor)}: poor (RPD below 1.4). A map shows where to sample, not how much "
            "there is."
        )
    steep = [s.name for s in trained.scores if s.gap > WIDE_GAP]
    if steep:
        sentences.append(
            f"{_listed(steep)}: R² is more than {WIDE_GAP:g} lower in validation than in "
            "training; the training fit says nothing about the map."
        )
    constant = [
        band.name for band, spread in zip(data.bands, np.ptp(data.features, axis=0)) if spread == 0
    ]
    if constant:
        sentences.append(
            f"{_listed(constant)}: the same at all samples, so the model cannot use it."
        )
    if validation.kind not in (BLOCKS, GROUPS):
        sentences.append(
            "Neighbouring samples resemble each other, so scores of a random split are better "
            "than the map is; spatial blocks are the honest check."
        )
        if data.shared_pixels:
            sentences.append(
                f"{data.shared_pixels} samples share a pixel with another one and may stand on "
                "both sides of the split."
            )
    return sentences


def _prediction_rows(samples: Samples, trained: Trained) -> Iterator[Mapping[str, Any]]:
    folds = trained.cross_validation.folds[0]
    for i, fid in enumerate(samples.ids):
        row: dict[str, Any] = {"id": fid, "fold": int(folds[i]) or None}
        for k, name in enumerate(samples.names):
            measured, predicted = samples.values[i, k], trained.out_of_fold[i, k]
            row[f"{name}_measured"] = _known(measured)
            row[f"{name}_censored"] = str(samples.flags[i, k]) or None
            row[f"{name}_predicted"] = _known(predicted)
            row[f"{name}_residual"] = _known(predicted - measured)
            row[f"{name}_training"] = _known(trained.fitted[i, k])
        yield row


def _score_table(trained: Trained) -> tuple[list[str], list[list[Any]]]:
    several = any(math.isfinite(s.r2_spread) for s in trained.scores)
    unit = trained.scores[0].unit
    columns = [
        "Element",
        "n",
        "R²",
        "95 % interval of R²",
        *(["R² spread"] if several else []),
        f"RMSE ({unit})",
        f"Bias ({unit})",
        "RPD",
        "Class",
        "RPIQ",
        "R² training",
        "Gap",
    ]
    rows = [
        [
            s.name,
            s.validation.n,
            _two(s.validation.r2),
            f"{_two(s.validation.r2_low)} to {_two(s.validation.r2_high)}",
            *([_two(s.r2_spread)] if several else []),
            s.validation.rmse,
            s.validation.bias,
            _two(s.validation.rpd),
            s.validation.rpd_class,
            _two(s.validation.rpiq),
            _two(s.r2_training),
            _two(s.gap),
        ]
        for s in trained.scores
    ]
    return columns, rows


def _panels(samples: Samples, trained: Trained) -> list[Scatter]:
    return [
        Scatter(
            title=s.name,
            unit=s.unit,
            training=_pairs(samples.values[:, k], trained.fitted[:, k]),
            validation=_pairs(samples.values[:, k], trained.out_of_fold[:, k]),
            scores={
                "R²": _two(s.validation.r2),
                "RMSE": s.validation.rmse,
                "RPD": f"{_two(s.validation.rpd)} {s.validation.rpd_class}",
            },
        )
        for k, s in enumerate(trained.scores)
    ]


def _tell_uncertainty(report: Report, trained: Trained) -> None:
    covered = [s for s in trained.scores if math.isfinite(s.coverage)]
    if not covered:
        return
    report.heading("Uncertainty")
    low, high = INTERVAL
    report.table(
        ["Element", f"Validation samples inside the {high - low:.0%} interval"],
        [[s.name, f"{s.coverage:.0%}"] for s in covered],
        f"The interval between the {low:.0%} and {high:.0%} quantiles of the trees should hold "
        f"{high - low:.0%} of unseen samples; less means that it is too narrow.",
    )


def _tell_importance(report: Report, data: TrainingData, trained: Trained) -> None:
    growth = trained.cross_validation.importance
    if not np.isfinite(growth).any():
        return
    order = np.argsort(-np.nan_to_num(growth).mean(axis=1))[:FEATURES_SHOWN]
    report.heading("Which features matter")
    report.figure(
        matrix_heatmap(
            100 * growth[order],
            [data.bands[i].name for i in order],
            columns=data.samples.names,
            label="growth of the RMSE (%)",
            decimals=0,
        ),
        "By how much the out-of-fold error grows when a feature takes the values of other "
        "samples"
        + (
            f"; the {FEATURES_SHOWN} most important of {len(growth)} features."
            if len(growth) > FEATURES_SHOWN
            else "."
        ),
    )


def _tell_samples(
    report: Report, samples: Samples, trained: Trained, lower_rule: str, shared: int
) -> None:
    report.heading("Samples")
    report.table(
        ["Element", "Values", "Least", "Greatest", "Below detection", "Above limit", "Outliers"],
        [
            [
                s.name,
                int(np.isfinite(samples.values[:, k]).sum()),
                s.minimum,
                s.maximum,
                s.below,
                s.above,
                s.outliers,
            ]
            for k, s in enumerate(trained.scores)
        ],
        f"Values below a detection limit count as: {lower_rule}. Values above an upper limit count "
        "as that limit. Outliers were left out of the fit, not out of the validation.",
    )
    if shared:
        report.paragraph(f"{shared} samples share their pixel with another one.")
    tell_excluded(report, samples)


def tell_excluded(report: Report, samples: Samples) -> None:
    """Add the samples that were left out, with the reasons, to a report."""
    if not samples.excluded:
        report.paragraph("No sample was left out.")
        return
    report.table(
        ["Left out because", "Samples", "Which"],
        [
            [why, count, _listed([fid for fid, reason in samples.excluded if reason == why])]
            for why, count in samples.excluded_counts()
        ],
    )


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _pairs(measured: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(measured) & np.isfinite(predicted)
    return measured[known], predicted[known]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else ""
