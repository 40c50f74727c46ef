"""What a training of detector or impact classifier tells: score table, warnings, report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from gossan.core.bundle import Bundle
from gossan.core.charts import curve_plot, matrix_heatmap
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.models.mines.training import Trained, split_in_words
from gossan.models.mines.training_chips import TrainingChips
from gossan.models.mines.training_scores import Scores, best_threshold
from gossan.models.mines.training_splits import RANDOM

_CURVE_POINTS = 200
_FEW = 30
_WIDE_GAP = 0.5

SCORE_COLUMNS = (
    "part",
    "class",
    "chips or cells",
    "precision",
    "recall",
    "F1",
    "accuracy",
    "kappa",
    "ROC AUC",
    "PR AUC",
)


def class_counts(chips: TrainingChips) -> dict[str, int]:
    """Return how many cells or chips of each class count."""
    counted = np.concatenate([item.counted for item in chips.items])
    present = np.bincount(counted, minlength=len(chips.classes))
    return {name: int(count) for name, count in zip(chips.classes, present)}


def write_scores(path: str, trained: Trained) -> None:
    """Write the scores as CSV: pooled over the folds, and of each fold."""
    write_table(path, SCORE_COLUMNS, _score_rows(trained))


def warnings_of(chips: TrainingChips, trained: Trained, validation: str) -> list[str]:
    """Return what the user should know before trusting the model."""
    sentences = []
    kept = trained.kept
    if not kept.splits:
        sentences.append("The model was not validated: nothing is known about its accuracy.")
    elif kept.leaking:
        reason = "a random split" if validation == RANDOM else "this split"
        sentences.append(
            f"{kept.leaking:.0%} of the tested chips share ground with chips of their training: "
            f"{reason} leaks, and the scores are better than the search will be. Validate by "
            "groups."
        )
    rare = {name: count for name, count in class_counts(chips).items() if count < _FEW}
    if rare:
        listed = ", ".join(f"{name} ({count})" for name, count in rare.items())
        sentences.append(f"Few examples: {listed}. The scores of such a class are uncertain.")
    if any(item.chip.size == 201 for item in chips.items):
        sentences.append(
            "Chips of 201 pixels see zero padding that the search does not see, and their centre "
            "lies 6 pixels off the cell's: chips of 243 pixels match the search."
        )
    ends = [curve[-1] for curve in trained.curves if curve]
    gaps = [end["held_out_loss"] - end["loss"] for end in ends]
    if gaps and float(np.median(gaps)) > _WIDE_GAP:
        sentences.append(
            "The loss of held-out chips ends far above that of the training: the network remembers "
            "its chips. Add chips of other sites, or train for fewer epochs."
        )
    return sentences


def write_report(
    path: str,
    title: str,
    chips: TrainingChips,
    trained: Trained,
    origin: Origin,
    *,
    sentences: Sequence[str],
    base: Bundle | None,
    fingerprint: str | None,
) -> None:
    """Write the report of a training as HTML."""
    report = Report.from_origin(title, origin.with_model(fingerprint))
    counts = class_counts(chips)
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    report.paragraph(
        f"{len(chips)} chips; what counts in them: {listed}. Validated by "
        f"{split_in_words(trained.kept)}; all scores are of predictions for chips that their "
        "network had not seen, pooled over the folds. The model itself has learnt from all chips."
    )
    if base is not None:
        report.paragraph(started_from(base))
    for sentence in sentences:
        report.warning(sentence)
    if trained.scores is not None:
        _tell_scores(report, trained, trained.scores)
    _tell_curves(report, trained)
    _tell_chips(report, chips)
    report.heading("Bands")
    report.table(
        ["Band", "Wavelength (nm)", "Mean reflectance", "Standard deviation"],
        [
            [band.name, band.wavelength, float(mean), float(deviation)]
            for band, mean, deviation in zip(
                chips.bands, trained.scaling.mean, trained.scaling.deviation
            )
        ],
        "Images are scaled by these before the network sees them.",
    )
    report.write(path)


def started_from(base: Bundle) -> str:
    """Return what a model was taught further from."""
    return (
        f"Taught further from {base.path.name} ({base.fingerprint[:12]}), whose bands and scaling "
        "it keeps. Chips that this model had learnt from already are no test of it: scores below "
        "hold for sites that were new to it."
    )


def _score_rows(trained: Trained) -> list[list[Any]]:
    parts = [("all folds", trained.scores)] if trained.scores is not None else []
    parts += [(f"fold {number}", each) for number, each in enumerate(trained.folds, start=1)]
    rows = []
    for part, scores in parts:
        if scores is None:
            continue
        for index, name in enumerate(scores.classes):
            rows.append(
                [
                    part,
                    name,
                    int(scores.matrix[index].sum()),
                    float(scores.precision[index]),
                    float(scores.recall[index]),
                    float(scores.f1[index]),
                    scores.accuracy,
                    scores.kappa,
                    scores.roc_auc,
                    scores.pr_auc,
                ]
            )
    return rows


def _tell_scores(report: Report, trained: Trained, scores: Scores) -> None:
    report.heading("Scores on chips that were held out")
    rule = (
        "the likeliest class counts"
        if scores.threshold is None
        else f"a cell counts as mine from a probability of {scores.threshold:g}, as in the search"
    )
    report.table(
        ["Class", "n", "Precision", "Recall", "95 % interval of recall", "F1"],
        [
            [
                name,
                int(scores.matrix[index].sum()),
                _three(scores.precision[index]),
                _three(scores.recall[index]),
                f"{_three(low)} to {_three(high)}",
                _three(scores.f1[index]),
            ]
            for index, (name, _, low, high) in enumerate(scores.intervals())
        ],
        f"Accuracy {_three(scores.accuracy)}, kappa {_three(scores.kappa)}, "
        f"ROC AUC {_three(scores.roc_auc)}, area under precision and recall "
        f"{_three(scores.pr_auc)}; {rule}.",
    )
    if len(trained.folds) > 1:
        spread = [each.headline["f1"] for each in trained.folds]
        known = [value for value in spread if math.isfinite(value)]
        if known:
            report.paragraph(
                f"F1 of the folds by themselves: {', '.join(_three(value) for value in spread)}."
            )
    report.figure(
        matrix_heatmap(
            scores.matrix,
            scores.classes,
            label="chips or cells",
            row_label="truth",
            column_label="prediction",
        ),
        "Confusion matrix: rows are the truth, columns what the networks said of unseen chips.",
    )
    if trained.predicted is not None and scores.threshold is not None:
        truth, probability = trained.predicted.truth, trained.predicted.probabilities
        if 0 < truth.sum() < len(truth):
            _tell_thresholds(report, truth, probability)


def _tell_thresholds(report: Report, truth: np.ndarray, probabilities: np.ndarray) -> None:
    best, reached = best_threshold(truth, probabilities)
    report.paragraph(
        f"With a threshold of {best:.2f} F1 would be {_three(reached)}; that threshold was chosen "
        "on these same predictions, so the figure flatters. The search takes any threshold "
        "afterwards."
    )
    precision, recall, _ = precision_recall_curve(truth, probabilities[:, 1])
    report.figure(
        curve_plot(
            *_thinned(recall[::-1], {"precision": precision[::-1]}),
            x_label="recall",
            y_label="precision",
            marks=False,
        ),
        "Precision over recall for all thresholds.",
    )
    false, true, _ = roc_curve(truth, probabilities[:, 1])
    report.figure(
        curve_plot(
            *_thinned(false, {"recall": true}),
            x_label="share of background called mine",
            y_label="recall",
            marks=False,
        ),
        "Receiver operating characteristic: recall over the share of false alarms.",
    )


def _tell_curves(report: Report, trained: Trained) -> None:
    report.heading("Learning curves")
    curves: dict[str, np.ndarray] = {"loss, all chips": trained.history.curve("loss")}
    if trained.curves:
        for name, title in (("loss", "loss, folds"), ("held_out_loss", "held-out loss, folds")):
            stacked = np.array([[each.get(name, math.nan) for each in c] for c in trained.curves])
            curves[title] = stacked.mean(axis=0)
    epochs = np.arange(1, len(trained.history.measures) + 1)
    report.figure(
        curve_plot(epochs, curves, x_label="epoch", y_label="cross-entropy", log_y=True),
        "Cross-entropy over the epochs; of the folds the mean. No epoch was chosen by the held-out "
        "curve.",
    )
    report.paragraph(
        f"{len(epochs)} epochs; the training on all chips took {trained.history.seconds:.0f} s."
    )


def _tell_chips(report: Report, chips: TrainingChips) -> None:
    report.heading("Chips")
    kinds: Counter[tuple[str, str, int]] = Counter(
        (item.chip.source, item.chip.klass, item.chip.size) for item in chips.items
    )
    shown = kinds.most_common(40)
    report.table(
        ["Image", "Class", "Size (px)", "Chips"],
        [[source, klass, size, count] for (source, klass, size), count in shown],
        f"{len(kinds) - len(shown)} further kinds are not listed." if len(kinds) > 40 else "",
    )


def _thinned(
    x: np.ndarray, curves: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    chosen = np.unique(np.linspace(0, len(x) - 1, _CURVE_POINTS).astype(int))
    return x[chosen], {name: values[chosen] for name, values in curves.items()}


def _three(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.3f}"
