"""Job: someone's classifier of image patches becomes a model file that searches images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.bands import SENSORS, Band
from gossan.core.errors import FileError, InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.models.mines.model_file import BandScaling
from gossan.models.mines.sliding_window import ANSWERS, LAYOUTS, Answer, read_foreign, write_foreign

VALUES = ("reflectance", "reflectance x 10000", "mean and deviation")
"""What a classifier wants its inputs to be."""

_TRIED = 16


@job_files(reads=("source",), writes=("model",))
def import_model(
    progress: Progress,
    *,
    source: str,
    bands: Sequence[str],
    values: str = VALUES[0],
    means: Sequence[float] = (),
    deviations: Sequence[float] = (),
    answer: str = ANSWERS[0],
    mine_output: int = 0,
    layout: str = LAYOUTS[0],
    patch: int = 0,
    stride: int = 0,
    ground_sampling_distance: float = 10.0,
    licence: str = "",
    model: str,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Turn a Keras or ONNX classifier into a detector.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    source : str
        ``.h5``, ``.keras`` or ``.onnx``.
    bands : sequence of str
        Names of the bands in the classifier's order, such as ``B8A``; those of Sentinel-2 get
        their wavelengths.
    values : str
        One of `VALUES`: reflectance 0 to 1, the numbers of Sentinel-2 files without their offset,
        or reflectance minus mean over deviation.
    means, deviations : sequence of float
        One per band, in reflectance; for the last of `VALUES`.
    answer : str
        One of `gossan.models.mines.sliding_window.ANSWERS`.
    mine_output : int
        Which output means a mine, from 1; 0 for the last.
    layout : str
        One of `gossan.models.mines.sliding_window.LAYOUTS`.
    patch : int
        Pixels along a patch, where the file leaves that open.
    stride : int
        Pixels from cell to cell when nothing else is asked for; 0: half a patch.
    ground_sampling_distance : float
        Metres per pixel that it was trained with.
    licence : str
        Under which licence its author has put it.
    model : str
        Model file to write.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the model.

    Returns
    -------
    dict
        ``patch``, ``stride``, ``weights`` (how many numbers), ``outputs``, ``fingerprint`` and the
        path of the ``model``.
    """
    names = _names(bands)
    scaling = _scaling(values, means, deviations, len(names))
    digest = _digest(source)
    progress.fraction(0.1)
    found = read_foreign(source, len(names), patch=patch, layout=layout)
    progress.fraction(0.6)
    reading = Answer(answer, mine_output)
    outputs = _try(found.run, reading, found.patch, len(names), progress)
    chosen = stride or max(found.patch // 2, 1)
    if chosen > found.patch:
        progress.warn(
            f"At a stride of {chosen} pixels patches of {found.patch} pixels leave gaps between "
            "them, where nothing is looked for."
        )
    progress.fraction(0.9)
    fingerprint = write_foreign(
        model,
        found,
        reading,
        tuple(_band(i, name) for i, name in enumerate(names)),
        scaling,
        stride=chosen,
        ground_sampling_distance=ground_sampling_distance,
        source=f"{Path(source).name} (SHA-256 {digest[:12]})",
        licence=licence,
        origin=Origin.from_dict(origin),
    )
    count = sum(array.size for array in found.arrays.values())
    progress.say(
        f"{Path(source).name}: patches of {found.patch} pixels, {len(names)} bands, {outputs} "
        f"outputs; searched at a stride of {chosen} pixels unless another is asked for."
    )
    progress.fraction(1.0)
    return {
        "patch": found.patch,
        "stride": chosen,
        "weights": count,
        "outputs": outputs,
        "fingerprint": fingerprint,
        "model": model,
    }


def _names(bands: Sequence[str]) -> list[str]:
    names = [name.strip() for name in bands if name.strip()]
    if not names:
        raise InputError("Name the bands that the model takes, in its order.")
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise InputError(f"The band {double[0]} is named twice.")
    return names


def _band(index: int, name: str) -> Band:
    wavelength, width = SENSORS["sentinel-2"].get(name.upper(), (None, None))
    return Band(index, name, wavelength, width)


def _scaling(
    values: str, means: Sequence[float], deviations: Sequence[float], bands: int
) -> BandScaling:
    if values not in VALUES:
        raise InputError(f"Inputs are {', '.join(VALUES)}, not {values!r:.60}.")
    if values != VALUES[2]:
        divisor = 1.0 if values == VALUES[0] else 1e-4
        return BandScaling(np.zeros(bands), np.full(bands, divisor))
    if len(means) != bands or len(deviations) != bands:
        raise InputError(
            f"{bands} bands need {bands} means and deviations; {len(means)} and {len(deviations)} "
            "were given."
        )
    if not np.all(np.asarray(deviations, dtype=float) > 0):
        raise InputError("Every deviation has to be above 0.")
    return BandScaling(np.asarray(means, dtype=float), np.asarray(deviations, dtype=float))


def _digest(path: str | os.PathLike[str]) -> str:
    try:
        with open(path, "rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {problem.strerror}.") from problem
    return digest.hexdigest()


def _try(run: Any, answer: Answer, patch: int, bands: int, progress: Progress) -> int:
    """Run the model once on noise and return how many outputs it has."""
    noise = np.random.default_rng(0).random((_TRIED, patch, patch, bands), dtype=np.float32)
    outputs = run(noise)
    found = answer.probabilities(outputs)
    if not np.isfinite(found).all():
        raise InputError("The model gives no finite numbers. It may be damaged.")
    if found.min() < -1e-6 or found.max() > 1.0 + 1e-6:
        raise InputError(
            f"The model gives {found.min():.3g} to {found.max():.3g} where probabilities lie "
            "between 0 and 1: its outputs are logits, then."
        )
    summed = outputs.sum(axis=1)
    if answer.kind == "probabilities" and outputs.shape[1] > 1 and np.abs(summed - 1).max() > 1e-3:
        progress.warn(
            "The outputs of the model do not add up to 1: they may be logits, or probabilities of "
            "classes that do not exclude each other."
        )
    return int(outputs.shape[1])
