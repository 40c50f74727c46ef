"""Job: training of networks that tell presence or richness of deposits from chips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gossan.core.bundle import Training
from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.tables import write_table
from gossan.models.deposits.architecture import SIZES, Architecture, grid
from gossan.models.deposits.chip_files import ChipSet, read_chips
from gossan.models.deposits.judging import MEASURES, RANDOMISED, baselines, scores
from gossan.models.deposits.learning_sets import GOALS, LearningSet, learning_set
from gossan.models.deposits.model_file import write_model
from gossan.models.deposits.training import Run, best_of, mean_prediction, run
from gossan.models.deposits.training_report import write_report
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions

NETWORKS = ("one network", "grid of nine")


@job_files(reads=("index",), writes=("model", "table", "report"))
def train(
    progress: Progress,
    *,
    index: str,
    goal: str = GOALS[0],
    commodity: str = "",
    networks: str = NETWORKS[0],
    convolution: str = SIZES[0],
    dense: str = SIZES[0],
    repeats: int = 1,
    best: int = 1,
    epochs: int = 30,
    batch: int = 16,
    learning_rate: float = 1e-3,
    patience: int = 8,
    dropout: float = 0.5,
    l1: float = 0.0,
    l2: float = 1e-4,
    augment: bool = True,
    seed: int = 0,
    model: str,
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train networks on chips, beside randomised labels and plain guesses.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    index : str
        Index of chips that `prepare_scenes` has written.
    goal : str
        One of `GOALS`.
    commodity : str
        Deposits of this one only; all when empty.
    networks : str
        One of `NETWORKS`.
    convolution, dense : str
        Sizes of one network.
    repeats : int
        Seeds that each network is trained with.
    best : int
        How many of all runs make the model, by their loss on the tuning chips; it predicts their
        mean.
    epochs, batch, learning_rate, patience
        How long and how fast they learn; ``patience`` epochs without a better tuning loss end it,
        none of them does when 0.
    dropout, l1, l2 : float
        See `Architecture`.
    augment : bool
        Turn and mirror chips at random.
    seed : int
        Start of the random numbers; repeats count on from it.
    model : str
        Model file to write.
    table : str
        CSV with all runs and what they stand beside to write; not written when empty.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``score`` (cross-entropy or mean absolute error on the validation chips), ``randomised``,
        ``median``, ``brightness``, ``place`` (the same of what it stands beside), ``measures``,
        ``runs``, ``chips``, ``validation``, ``network`` and the paths.

    Raises
    ------
    InputError
        When the chips do not serve the goal.
    """
    made = Origin.from_dict(origin)
    if networks not in NETWORKS:
        raise InputError(f"Unknown networks {networks!r}; use one of {', '.join(NETWORKS)}.")
    if repeats < 1 or best < 1 or batch < 1:
        raise InputError("Repeats, best networks and batch size have to be 1 or more.")
    chips = read_chips(index)
    data = learning_set(chips, goal, commodity, seed)
    one = Architecture(convolution, dense, dropout, l1, l2)
    wanted = grid(one) if networks == NETWORKS[1] else [one]
    options = TrainingOptions(
        epochs=epochs,
        learning_rate=learning_rate,
        patience=patience or None,
        seed=seed,
    )
    runtime.load(progress)
    _tell(data, progress)
    plan = [(each, replace(options, seed=seed + k)) for each in wanted for k in range(repeats)]
    steps = len(plan) + 1
    runs = []
    for number, (each, chosen) in enumerate(plan):
        progress.say(f"Network {number + 1} of {len(plan)}: {each.name}, seed {chosen.seed}.")
        part = progress.part(number / steps, (number + 1) / steps)
        runs.append(run(chips, data, each, chosen, batch, part, augment=augment))
    kept = best_of(runs, best)
    progress.say(f"The same network on {RANDOMISED}: {kept[0].architecture.name}.")
    random_run = run(
        chips,
        data.with_random_labels(seed),
        kept[0].architecture,
        replace(options, seed=kept[0].seed),
        batch,
        progress.part(len(plan) / steps, 1.0),
        augment=augment,
    )
    truth = data.targets[data.validation]
    result = scores(goal, truth, mean_prediction(kept))
    beside = {RANDOMISED: random_run.validated, **baselines(data, seed)}
    _compare(goal, result, beside, progress)
    fingerprint = write_model(
        model,
        kept,
        chips,
        goal=goal,
        commodity=commodity,
        greatest=data.greatest,
        brightness=_brightness(data),
        training=_training(data, kept, result, beside, chips),
        origin=made,
    )
    if table:
        _write_runs(table, goal, runs, kept, random_run, result, beside)
    if report:
        write_report(
            report,
            made.with_model(fingerprint),
            chips,
            data,
            commodity=commodity,
            runs=runs,
            kept=kept,
            random_run=random_run,
            result=result,
            beside=beside,
        )
    first = MEASURES[goal][0]
    plain = list(beside.values())
    return {
        "score": result[first],
        "randomised": plain[0][first],
        "median": plain[1][first],
        "brightness": plain[2][first],
        "place": plain[3][first],
        "measures": {name: _plain(value) for name, value in result.items()},
        "runs": len(runs),
        "chips": len(data.learning) + len(data.tuning),
        "validation": len(data.validation),
        "network": kept[0].architecture.name,
        "model": model,
        "table": table,
        "report": report,
    }


def _tell(data: LearningSet, progress: Progress) -> None:
    progress.say(
        f"{len(data.learning)} chips to learn from, {len(data.tuning)} to choose by, "
        f"{len(data.validation)} to judge by, each in locations of their own."
    )
    if not len(data.tuning):
        progress.warn(
            "All training chips are of one location: no epoch and no network can be chosen by "
            "chips that were not learnt, so the last epoch counts."
        )
    if len(data.validation) < 30:
        progress.warn(
            f"Only {len(data.validation)} chips judge the result: its scores are rough, and "
            "differences between networks may be chance."
        )


def _compare(
    goal: str,
    result: Mapping[str, float],
    beside: Mapping[str, Mapping[str, float]],
    progress: Progress,
) -> None:
    first = MEASURES[goal][0]
    better = [name for name, other in beside.items() if other[first] <= result[first]]
    words = ", ".join(f"{name} {other[first]:.4g}" for name, other in beside.items())
    progress.say(f"Validation {first} {result[first]:.4g}; beside it {words}.")
    if better:
        progress.warn(
            f"The network is no better than {', '.join(better)}: on these chips it has learnt "
            "nothing of deposits from the images. Do not use its ranks."
        )


def _brightness(data: LearningSet) -> tuple[float, float]:
    values = [data.chips[i].brightness for i in (*data.learning, *data.tuning)]
    return min(values), max(values)


def _training(
    data: LearningSet,
    kept: list[Run],
    result: Mapping[str, float],
    beside: Mapping[str, Mapping[str, float]],
    chips: ChipSet,
) -> Training:
    names = "; ".join(dict.fromkeys(each.architecture.name for each in kept))
    how = f"{len(kept)} network(s) on chips of {chips.size} pixels: {names}."
    return Training(
        how=how,
        split="Whole locations apart; epoch and network chosen by other locations than those of "
        "the validation.",
        samples=len(data.learning),
        scores={
            "validation": {name: _plain(value) for name, value in result.items()},
            **{
                name: {measure: _plain(value) for measure, value in other.items()}
                for name, other in beside.items()
            },
        },
    )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _write_runs(
    path: str,
    goal: str,
    runs: list[Run],
    kept: list[Run],
    random_run: Run,
    result: Mapping[str, float],
    beside: Mapping[str, Mapping[str, float]],
) -> None:
    """Write one row per run, per plain guess, and for the model."""
    measures = MEASURES[goal]
    columns = ["what", "convolution", "dense", "seed", "weights", "epochs", "best epoch"]
    columns += [f"tuning {measures[0]}"]
    columns += [f"training {name}" for name in measures]
    columns += [f"validation {name}" for name in measures]
    blank = [""] * 7 + [""] * len(measures)
    rows = [["model (mean of the best)", *blank, *(result[name] for name in measures)]]
    for each in [*runs, random_run]:
        what = RANDOMISED if each is random_run else "kept" if each in kept else "network"
        rows.append(
            [
                what,
                each.architecture.convolution,
                each.architecture.dense,
                each.seed,
                each.count,
                len(each.history.measures),
                each.history.best,
                each.tuned,
                *(each.learnt[name] for name in measures),
                *(each.validated[name] for name in measures),
            ]
        )
    rows += [
        [name, *blank, *(other[measure] for measure in measures)]
        for name, other in beside.items()
        if name != RANDOMISED
    ]
    write_table(path, columns, rows)
