"""Jobs: train the mine detector and the impact classifier from chips."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gossan.core.bundle import Bundle, Training
from gossan.core.errors import FileError, InputError
from gossan.core.job_files import check_outputs, job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.models.mines.batches import WEIGHTS, BatchOptions
from gossan.models.mines.chips import TABLE
from gossan.models.mines.model_file import DETECTOR_KIND, FCN, IMPACT_KIND, read_model, write_model
from gossan.models.mines.training import Recipe, Trained, split_in_words, train_network
from gossan.models.mines.training_chips import TrainingChips, detector_chips, impact_chips
from gossan.models.mines.training_report import (
    class_counts,
    started_from,
    warnings_of,
    write_report,
    write_scores,
)
from gossan.models.mines.training_splits import GROUPS, Validation, keep_apart
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions

FRESH_RATE, FURTHER_RATE, IMPACT_RATE = 1e-3, 1e-4, 1e-4
"""Learning rates by default: of a new detector, of a taught one, of the impact classifier."""


@job_files(reads=("chips", "base"), writes=("model", "table", "report"))
def train_detector(
    progress: Progress,
    *,
    chips: Sequence[str],
    model: str,
    base: str = "",
    validation: str = GROUPS,
    folds: int = 5,
    distance: float = 0.0,
    epochs: int = 30,
    batch: int = 16,
    learning_rate: float = 0.0,
    decline: float = 1.0,
    balance: str = WEIGHTS,
    turns: bool = True,
    appearance: float = 0.0,
    seed: int = 0,
    state_folder: str = "",
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train the detector of mines, or teach one further, and validate it.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    chips : sequence of str
        Folders of chips, or the ``chips.csv`` in them.
    model : str
        Model to write (.gossan).
    base : str
        Model that is taught further; a new one is trained when empty.
    validation : str
        One of ``gossan.models.mines.training_splits.VALIDATIONS``.
    folds : int
        Parts of the chips; each is predicted by a network that learnt from the others.
    distance : float
        Metres: chips nearer than this are of one group; of spatial blocks the side. 0: automatic.
    epochs, batch : int
        Passes over the chips; chips of 243 pixels in a batch.
    learning_rate : float
        0 takes 0.001 for a new model and 0.0001 for one that is taught further.
    decline : float
        Share of the learning rate that is left in the last epoch.
    balance : str
        One of ``gossan.models.mines.batches.BALANCES``.
    turns : bool
        Turn and flip the chips at random.
    appearance : float
        Random change of brightness, standard deviation in ln units.
    seed : int
        The same seed gives the same model on the same machine.
    state_folder : str
        Existing folder that keeps the state of an interrupted training; none when empty.
    table, report : str
        Scores (.csv) and report (.html) to write; an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``f1``, ``precision``, ``recall``, ``roc_auc``, ``pr_auc`` (None where undefined or not
        validated), ``matrix``, ``validation``, ``leaking``, ``chips``, ``fingerprint`` and the
        paths ``model``, ``table``, ``report``.
    """
    _spare(chips, model=model, table=table, report=report)
    start = _base(base, DETECTOR_KIND, progress)
    bands = start.card.bands if start is not None else ()
    read = detector_chips(chips, progress.part(0.0, 0.03), bands=bands)
    _require_distance(read, start)
    rate = learning_rate or (FURTHER_RATE if start is not None else FRESH_RATE)
    recipe = Recipe(
        TrainingOptions(epochs=epochs, learning_rate=rate, decline=decline, seed=seed),
        BatchOptions(batch, balance, turns, appearance, seed),
        start,
        _state_folder(state_folder),
    )
    sizes = sorted({item.chip.size for item in read.items})
    return _train(
        read,
        Validation(validation, folds, distance, seed),
        recipe,
        progress.part(0.03, 1.0),
        title="Mine detector: training",
        is_detector=True,
        files=(model, table, report),
        details={"chips": ", ".join(f"{size} px" for size in sizes)},
        origin=Origin.from_dict(origin),
    )


@job_files(reads=("chips", "base"), writes=("model", "table", "report"))
def train_impact(
    progress: Progress,
    *,
    chips: Sequence[str],
    model: str,
    base: str = "",
    validation: str = GROUPS,
    folds: int = 5,
    distance: float = 0.0,
    epochs: int = 30,
    batch: int = 16,
    learning_rate: float = 0.0,
    decline: float = 1.0,
    balance: str = WEIGHTS,
    turns: bool = True,
    appearance: float = 0.0,
    seed: int = 0,
    state_folder: str = "",
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train the classifier of high impact, low impact and no ore, and validate it.

    Parameters and results are those of `train_detector`; the learning rate is 0.0001 by default,
    and scores are means over the classes.
    """
    _spare(chips, model=model, table=table, report=report)
    start = _base(base, IMPACT_KIND, progress)
    bands = start.card.bands if start is not None else ()
    read = impact_chips(chips, progress.part(0.0, 0.03), bands=bands)
    _require_distance(read, start)
    recipe = Recipe(
        TrainingOptions(
            epochs=epochs, learning_rate=learning_rate or IMPACT_RATE, decline=decline, seed=seed
        ),
        BatchOptions(batch, balance, turns, appearance, seed),
        start,
        _state_folder(state_folder),
    )
    return _train(
        read,
        Validation(validation, folds, distance, seed),
        recipe,
        progress.part(0.03, 1.0),
        title="Impact classifier: training",
        is_detector=False,
        files=(model, table, report),
        details={},
        origin=Origin.from_dict(origin),
    )


def _spare(folders: Sequence[str], **outputs: str) -> None:
    """Refuse outputs that would overwrite the tables of the chips."""
    given = [(name, path) for name, path in outputs.items() if path]
    check_outputs(given, [("chips", str(Path(folder) / TABLE)) for folder in folders])


def _train(
    chips: TrainingChips,
    validation: Validation,
    recipe: Recipe,
    progress: Progress,
    *,
    title: str,
    is_detector: bool,
    files: tuple[str, str, str],
    details: Mapping[str, Any],
    origin: Origin,
) -> dict[str, Any]:
    model, table, report = files
    kept = keep_apart(chips, validation)
    counts = ", ".join(f"{count} {name}" for name, count in class_counts(chips).items())
    progress.say(f"{len(chips)} chips ({counts}); {split_in_words(kept)}.")
    runtime.load(progress)
    trained = train_network(chips, kept, recipe, progress, is_detector=is_detector)
    sentences = warnings_of(chips, trained, validation.kind)
    for sentence in sentences:
        progress.warn(sentence)
    told = trained.scores.to_dict() if trained.scores is not None else {}
    if trained.scores is not None:
        best = trained.scores.headline
        progress.say(
            f"Held-out chips: F1 {best['f1']:.3f}, precision {best['precision']:.3f}, recall "
            f"{best['recall']:.3f}."
        )
    progress.check()
    fingerprint = write_model(
        model,
        trained.model,
        chips.bands,
        trained.scaling,
        training=_card(chips, trained, recipe, counts, told),
        origin=origin.with_model(recipe.base.fingerprint if recipe.base is not None else None),
        ground_sampling_distance=_distance(chips, recipe.base),
        details=dict(details),
    )
    if table and trained.scores is not None:
        write_scores(table, trained)
    if report:
        write_report(
            report,
            title,
            chips,
            trained,
            origin,
            sentences=sentences,
            base=recipe.base,
            fingerprint=fingerprint,
        )
    return {
        **{name: told.get(name) for name in ("f1", "precision", "recall", "roc_auc", "pr_auc")},
        "matrix": told.get("confusion_matrix"),
        "validation": split_in_words(kept),
        "leaking": kept.leaking,
        "chips": len(chips),
        "fingerprint": fingerprint,
        "model": model,
        "table": table if trained.scores is not None else "",
        "report": report,
    }


def _card(
    chips: TrainingChips, trained: Trained, recipe: Recipe, counts: str, told: Mapping[str, Any]
) -> Training:
    options, batches = recipe.options, recipe.batches
    how = (
        f"{len(chips)} chips ({counts}), {options.epochs} epochs of Adam at "
        f"{options.learning_rate:g}, batches of {batches.size}, balance: {batches.balance}"
    )
    if options.decline < 1:
        how += f", the rate falling to {options.decline:g} of it"
    if batches.turns:
        how += ", turned and flipped"
    if batches.appearance:
        how += f", brightness varied by {batches.appearance:g}"
    if recipe.base is not None:
        how += f". {started_from(recipe.base)}"
    return Training(how, split_in_words(trained.kept), len(chips), told)


def _base(path: str, kind: str, progress: Progress) -> Bundle | None:
    """Open a model that is taught further."""
    if not path:
        return None
    bundle = read_model(path, kind)
    name = bundle.card.architecture.get("name")
    if kind == DETECTOR_KIND and name != FCN:
        raise InputError(
            f"{path} has the architecture {name!r}, which was not trained here and cannot "
            "be taught further. Train a new detector instead."
        )
    progress.say(f"Teaching {path} further ({bundle.fingerprint[:12]}); its scaling stays.")
    return bundle


def _require_distance(chips: TrainingChips, base: Bundle | None) -> None:
    own = chips.ground_sampling_distance
    wanted = base.card.ground_sampling_distance if base is not None else None
    if own and wanted and abs(own / wanted - 1.0) > 0.1:
        raise InputError(
            f"The chips have pixels of {own:.3g} m, and the model that is taught further was made "
            f"for {wanted:g} m. Resample the image to that before its chips are cut."
        )


def _distance(chips: TrainingChips, base: Bundle | None) -> float | None:
    if base is not None and base.card.ground_sampling_distance:
        return base.card.ground_sampling_distance
    own = chips.ground_sampling_distance
    return None if own is None else float(f"{own:.4g}")


def _state_folder(folder: str) -> str:
    if folder and not os.path.isdir(folder):
        raise FileError(f"The folder {folder} for the state of the training does not exist.")
    return folder
