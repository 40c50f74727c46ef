"""Jobs: what a heavy-metal model says about itself, and how well predictions meet samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gossan.core.bundle import read_bundle
from gossan.core.errors import BundleError, InputError
from gossan.core.job_files import job_files
from gossan.core.progress import Progress
from gossan.core.validation import regression_scores
from gossan.models.metals.model_file import KIND, MEASURED, OUT_OF_FOLD
from gossan.models.metals.statistics import CoMoments, complete


@job_files(reads=("model",), writes=())
def describe_model(progress: Progress, *, model: str) -> dict[str, Any]:
    """Read the card of a model, with measured and predicted values where it holds them.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    model : str
        Model (.gossan) of `gossan.models.metals.jobs.train`.

    Returns
    -------
    dict
        ``how`` and ``split`` (sentences), ``samples``, ``features`` (names), ``fingerprint``,
        ``elements`` (one per element: ``name``, ``unit``, ``scores``, and ``measured``,
        ``predicted`` and ``places`` of each sample, lists that are empty where the model keeps
        none), ``crs_wkt`` of the places, ``correlation`` between the measured elements (rows, None
        where undefined; no rows where it keeps none), and ``parameters``, with which it was
        trained.

    Raises
    ------
    FileError
        When the file cannot be read.
    BundleError
        When it is damaged or no model of heavy metals.
    """
    progress.check()
    bundle = read_bundle(model, kind=KIND)
    card, arrays = bundle.card, bundle.arrays()
    names = [target.name for target in card.targets]
    measured, predicted = arrays.get(MEASURED), arrays.get(OUT_OF_FOLD)
    if measured is None or predicted is None:
        measured = predicted = np.empty((0, len(names)))
    places = arrays.get("places", np.empty((0, 2)))
    if not len(measured):
        places = places[:0]
    if (
        measured.shape != predicted.shape
        or measured.shape[1:] != (len(names),)
        or places.shape != (len(measured), 2)
    ):
        raise BundleError(f"The validation kept in {model} is damaged. Train the model again.")
    progress.fraction(0.5)
    elements = []
    for k, target in enumerate(card.targets):
        known = np.isfinite(measured[:, k]) & np.isfinite(predicted[:, k])
        scores = card.training.scores.get(target.name)
        elements.append(
            {
                "name": target.name,
                "unit": target.unit,
                "scores": dict(scores) if isinstance(scores, dict) else {},
                "measured": measured[known, k].tolist(),
                "predicted": predicted[known, k].tolist(),
                "places": places[known].tolist(),
            }
        )
    progress.fraction(1.0)
    return {
        "how": card.training.how,
        "split": card.training.split,
        "samples": card.training.samples,
        "features": [band.name for band in card.bands],
        "fingerprint": bundle.fingerprint,
        "elements": elements,
        "crs_wkt": str(card.architecture.get("crs_wkt", "")),
        "correlation": _correlation(measured),
        "parameters": dict(card.origin.parameters),
    }


@job_files(reads=(), writes=())
def score_pairs(
    progress: Progress,
    *,
    measured: Sequence[float | None],
    predicted: Sequence[float | None],
    seed: int = 0,
) -> dict[str, Any]:
    """Score predicted values against measured ones, as a training does it.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    measured, predicted : sequence of float or None
        Values in one unit; pairs in which either is None are left out.
    seed : int
        Of the bootstrap interval of R2.

    Returns
    -------
    dict
        ``scores`` as `gossan.core.metrics.RegressionScores` has them; undefined ones are None.

    Raises
    ------
    InputError
        When there are not as many predictions as measured values, or no pair.
    """
    progress.check()
    pairs = [np.array(values, dtype=np.float64) for values in (measured, predicted)]
    scores = regression_scores(*pairs, seed=seed)
    if not scores.n:
        raise InputError("No sample has both a measured and a predicted value.")
    progress.fraction(1.0)
    return {"scores": scores.to_dict()}


def _correlation(measured: np.ndarray) -> list[list[float | None]]:
    whole = complete(measured)
    if len(whole) < 2:
        return []
    moments = CoMoments(whole.shape[1])
    moments.add(whole)
    return [[float(r) if math.isfinite(r) else None for r in row] for row in moments.correlation()]
