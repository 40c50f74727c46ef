"""The report of a training of lithology: honest and leaky scores, curves, maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from gossan.core.chart_style import SMALL_FONT
from gossan.core.charts import curve_plot, map_picture, matrix_heatmap
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.core.validation import iou, mean_iou, overall_accuracy
from gossan.models.lithology.holdout import TEST, TRAINING, VALIDATION
from gossan.models.lithology.labelled_stack import LabelledStack
from gossan.models.lithology.learning import Judged, Learned
from gossan.models.lithology.legend import rgb
from gossan.models.lithology.map_scores import SCORE_COLUMNS, Interval, MapScores

_LONGEST = 700
"""Pixels of the longer side of a map in the report."""


@dataclass(frozen=True, eq=False)
class Trained:
    """One model of the training with its scores.

    Parameters
    ----------
    name : str
        Such as ``FCN-8s``.
    learned : Learned
    judged : Judged
    honest : MapScores
        On test blocks.
    """

    name: str
    learned: Learned
    judged: Judged
    honest: MapScores

    @classmethod
    def of(
        cls, name: str, learned: Learned, judged: Judged, names: Sequence[str], seed: int
    ) -> Trained:
        """Score what was judged."""
        return cls(name, learned, judged, MapScores.of(judged.honest, names, seed=seed))

    @property
    def leaky(self) -> tuple[float, float]:
        """Overall accuracy and mean IoU amid the pixels that were learned from."""
        matrix = self.judged.familiar.matrix
        return overall_accuracy(matrix), mean_iou(matrix)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON."""
        overall, mean = self.leaky
        return {
            **self.honest.to_dict(),
            "overall_accuracy_leaky": overall if np.isfinite(overall) else None,
            "mean_iou_leaky": mean if np.isfinite(mean) else None,
        }

    def sentence(self) -> str:
        """Return the scores for the log."""
        overall, mean = self.leaky
        return (
            f"{self.name}: on unseen blocks overall accuracy {self.honest.overall}, mean IoU "
            f"{self.honest.mean_iou}, kappa {self.honest.kappa:.3f}; a random split would say "
            f"{overall:.3f} and {mean:.3f}."
        )


def gain_of(first: Trained, second: Trained, seed: int) -> Interval:
    """Return by how much the mean IoU of the first exceeds the second's on the same blocks."""
    return first.judged.honest.difference(second.judged.honest, mean_iou, seed=seed)


def warnings_of(data: LabelledStack, roles: np.ndarray, models: Sequence[Trained]) -> list[str]:
    """Return what the user should know before trusting the map."""
    sentences = []
    test = data.counts(roles == TEST)
    learned = data.counts((roles == TRAINING) | (roles == VALIDATION))
    unjudged = [name for name, count in zip(data.names, test) if not count]
    unlearned = [name for name, count in zip(data.names, learned) if not count]
    if unjudged:
        sentences.append(
            f"No test block holds {', '.join(unjudged)}: nothing is known of how well it is "
            "mapped. A smaller block size may help."
        )
    if unlearned:
        sentences.append(
            f"All of {', '.join(unlearned)} lies in test blocks and could not be learned. A "
            "smaller block size may help."
        )
    for model in models:
        overall, _ = model.leaky
        gap = overall - model.honest.overall.value
        if gap > 0.1:
            sentences.append(
                f"{model.name}: a random split would promise an overall accuracy of {overall:.2f}; "
                f"on ground that it never saw it reaches {model.honest.overall.value:.2f}."
            )
        weak = [
            name for name, value in zip(model.honest.names, iou(model.honest.matrix)) if value < 0.3
        ]
        if weak:
            sentences.append(f"{model.name} hardly finds {', '.join(weak)} (IoU below 0.3).")
    return sentences


def write_training_report(
    path: str,
    data: LabelledStack,
    roles: np.ndarray,
    models: Sequence[Trained],
    how: str,
    details: Mapping[str, Any],
    origin: Origin,
    seed: int,
) -> None:
    """Write the report of a training as HTML.

    Parameters
    ----------
    path : str
    data : LabelledStack
    roles : ndarray of uint8, shape (rows, columns)
    models : sequence of Trained
        The one that is kept first, the baseline after it.
    how : str
        How the scores were obtained.
    details : mapping
        What else is to be told, by name.
    origin : Origin
    seed : int
    """
    report = Report.from_origin("Lithology: training", origin)
    report.paragraph(
        f"{models[0].name} on {len(data.stack.info.bands)} bands and {len(data.classes)} classes. "
        f"Scores are of {how}."
    )
    for sentence in warnings_of(data, roles, models):
        report.warning(sentence)
    report.heading("Scores")
    report.table(
        ["Model", "Where", "Overall accuracy", "Mean IoU", "Kappa"],
        [
            row
            for model in models
            for row in (
                [
                    model.name,
                    "unseen blocks (honest)",
                    str(model.honest.overall),
                    str(model.honest.mean_iou),
                    f"{model.honest.kappa:.3f}",
                ],
                [
                    model.name,
                    "amid the training pixels (what a random split says)",
                    *(f"{value:.3f}" for value in model.leaky),
                    "",
                ],
            )
        ],
        "In brackets the 95 % interval from drawing whole blocks again and again. Windows and "
        "pixels drawn at random have neighbours on both sides of a split, so that such a split "
        "tells how well the training ground is remembered, not how well new ground is mapped.",
    )
    if len(models) > 1:
        gain = gain_of(models[0], models[1], seed)
        report.paragraph(
            f"Mean IoU of {models[0].name} minus that of {models[1].name}, on the same blocks: "
            f"{gain}."
        )
    _tell_training(report, models[0].learned, details)
    for model in models:
        _tell_classes(report, model)
    _tell_maps(report, data, roles, models)
    report.heading("Data")
    rows = [
        [label.name, *(int(one) for one in counted)]
        for label, *counted in zip(
            data.classes, *(data.counts(roles == role) for role in (TRAINING, VALIDATION, TEST))
        )
    ]
    report.table(["Class", "Training pixels", "Early stopping", "Test"], rows)
    report.bullets(list(data.notes))
    info = data.stack.info
    report.table(
        ["Band", "Mean", "Standard deviation"],
        [
            [band.name, float(mean), float(deviation)]
            for band, mean, deviation in zip(info.bands, data.scaling.mean, data.scaling.deviation)
        ],
    )
    report.write(path)


def _tell_training(report: Report, learned: Learned, details: Mapping[str, Any]) -> None:
    report.heading("Training")
    report.table(["What", "Value"], [[name, str(value)] for name, value in details.items()])
    history = learned.history
    if history is not None:
        epochs = np.arange(1, len(history.measures) + 1)
        curves = {"training": history.curve("loss")}
        if np.isfinite(history.curve("validation_loss")).any():
            curves["early stopping"] = history.curve("validation_loss")
        report.figure(
            curve_plot(epochs, curves, x_label="epoch", y_label="loss per pixel", log_y=True),
            f"Cross-entropy over the epochs; the weights of epoch {history.best} are kept.",
        )


def _tell_classes(report: Report, model: Trained) -> None:
    report.heading(f"Classes: {model.name}")
    report.table(list(SCORE_COLUMNS), model.honest.rows(), "On test blocks.")
    report.figure(
        matrix_heatmap(
            np.round(model.honest.shares(), 1),
            model.honest.names,
            label="% of the reference class",
            limits=(0.0, 100.0),
            row_label="geological map",
            column_label=model.name,
            decimals=0,
        ),
        f"Confusion matrix of {model.name} on test blocks, in per cent of each mapped unit.",
    )


def _tell_maps(
    report: Report, data: LabelledStack, roles: np.ndarray, models: Sequence[Trained]
) -> None:
    report.heading("Maps")
    palette = np.ones((len(data.classes) + 1, 3))
    for place, label in enumerate(data.classes, start=1):
        palette[place] = np.array(rgb(label.colour or "#888888")) / 255.0
    step = max(-(-max(roles.shape) // _LONGEST), 1)
    thin = (slice(None, None, step), slice(None, None, step))
    shown = palette[data.places[thin]]
    test = (roles[thin] == TEST)[..., None]
    report.figure(
        _with_legend(np.where(test, shown, 0.45 * shown + 0.55), data),
        "The geological map; test blocks in full colour, the rest pale.",
    )
    for model in models:
        report.figure(map_picture(palette[model.judged.mapped[thin]]), f"What {model.name} maps.")
    if len(models) > 1:
        report.figure(
            map_picture(_differences(models[0], models[1])[thin]),
            f"Red: where {models[0].name} and {models[1].name} differ.",
        )


def _with_legend(picture: np.ndarray, data: LabelledStack) -> Figure:
    """Return a map with the names of its colours below it."""
    figure = map_picture(picture)
    columns = 3 if max(len(label.name) for label in data.classes) <= 24 else 1
    handles = [Patch(color=label.colour or "#888888", label=label.name) for label in data.classes]
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.2 * -(-len(handles) // columns))
    figure.legend(
        handles=handles, frameon=False, fontsize=SMALL_FONT, loc="outside lower left", ncols=columns
    )
    return figure


def _differences(first: Trained, second: Trained) -> np.ndarray:
    one, other = first.judged.mapped, second.judged.mapped
    picture = np.full((*one.shape, 3), 1.0)
    both = (one > 0) & (other > 0)
    picture[both] = (0.86, 0.9, 0.86)
    picture[both & (one != other)] = (0.75, 0.16, 0.11)
    return picture
