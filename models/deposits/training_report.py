"""The report of a training on deposits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gossan.core.charts import Scatter, curve_plot, scatter_measured_predicted
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.models.deposits.architecture import CONVOLUTION, DENSE
from gossan.models.deposits.chip_files import ChipSet
from gossan.models.deposits.judging import MEASURES, RANDOMISED
from gossan.models.deposits.learning_sets import GOALS, LearningSet
from gossan.models.deposits.training import Run, mean_prediction

_CURVES = 9


def write_report(
    path: str,
    origin: Origin,
    chips: ChipSet,
    data: LearningSet,
    *,
    commodity: str,
    runs: Sequence[Run],
    kept: Sequence[Run],
    random_run: Run,
    result: Mapping[str, float],
    beside: Mapping[str, Mapping[str, float]],
) -> None:
    """Write what was learnt, how far it can be trusted, and beside what it stands."""
    page = Report.from_origin("Deposits from images", origin)
    measures = MEASURES[data.goal]
    what = f"deposits of {commodity}" if commodity else "deposits"
    page.paragraph(
        f"Networks learnt the {data.goal} of {what} from {len(data.learning)} chips of "
        f"{chips.size} pixels (bands {', '.join(band.name for band in chips.bands)}), and are "
        f"judged by {len(data.validation)} chips of other locations. Epoch and network were chosen "
        f"by {len(data.tuning)} chips of further locations."
    )
    first = measures[0]
    better = [name for name, other in beside.items() if other[first] <= result[first]]
    if better:
        page.warning(
            f"The model is no better than {', '.join(better)}. It has learnt nothing of deposits "
            "from these images that this simple guess does not know; do not use its ranks."
        )
    page.heading("The result and what it stands beside")
    page.table(
        ["on the validation chips", *measures],
        [["model", *(result[name] for name in measures)]]
        + [[name, *(other[measure] for measure in measures)] for name, other in beside.items()],
        _explained(data, first),
    )
    page.heading("All runs")
    page.table(
        ["network", "seed", "weights", "epochs", "best", f"tuning {first}", f"training {first}"]
        + [f"validation {name}" for name in measures],
        [_row(each, "", measures) for each in runs]
        + [_row(random_run, f" ({RANDOMISED})", measures)],
        f"The model is the mean of {len(kept)} of them, those of least tuning {first}. The "
        "validation chips had no part in that choice.",
    )
    page.heading("Learning curves")
    for each in [*list(kept)[:_CURVES], random_run]:
        history = each.history
        curves = {"learning": history.curve("loss")}
        if len(data.tuning):
            curves["tuning"] = history.curve("validation_loss")
        randomised = f" on {RANDOMISED}" if each is random_run else ""
        page.figure(
            curve_plot(range(1, len(history.measures) + 1), curves, x_label="epoch", y_label=first),
            f"{each.architecture.name}, seed {each.seed}{randomised}; the weights of epoch "
            f"{history.best} were kept.",
        )
    if data.goal == GOALS[1]:
        page.heading("Predicted over known richness")
        truth, given = data.targets[data.validation], mean_prediction(kept)
        panel = Scatter(
            "richness", "", None, (truth, given), {name: result[name] for name in measures}
        )
        page.figure(scatter_measured_predicted(panel), "Validation chips.")
    page.heading("The networks")
    page.paragraph(
        "Convolution: "
        + "; ".join(f"{name} {'-'.join(map(str, f))}" for name, f in CONVOLUTION.items())
        + " filters of 3 x 3, each with batch normalisation and 2 x 2 pooling; then the mean over "
        "the chip. Dense: "
        + "; ".join(f"{name} {'-'.join(map(str, u))}" for name, u in DENSE.items())
        + " units, with dropout before each. The source's table of sizes is lost; these are ours."
    )
    page.write(path)


def _explained(data: LearningSet, first: str) -> str:
    constant = (
        f"Greatest ln(n + 1) among the training chips: {data.greatest:.4g}. "
        if data.goal == GOALS[1]
        else ""
    )
    return (
        f"{constant}Less {first} is better. Randomised labels: the best network, trained in the "
        "same way on shuffled labels. Median: the same guess for all. Mean brightness: a straight "
        "line over it. Latitude and longitude: a forest that knows nothing but the place. A "
        "network is worth something only where it beats all four."
    )


def _row(each: Run, note: str, measures: Sequence[str]) -> list[object]:
    history = each.history
    numbers = [each.tuned, each.learnt[measures[0]], *(each.validated[m] for m in measures)]
    return [
        each.architecture.name + note,
        each.seed,
        each.count,
        len(history.measures),
        history.best,
        *(float(np.round(value, 6)) for value in numbers),
    ]
