"""Models of deposits as files: one network or the best few of a grid."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.bundle import Bundle, Card, Target, Training, read_bundle, write_bundle
from gossan.core.errors import BundleError, InputError
from gossan.core.origin import Origin
from gossan.models.deposits.architecture import CONVOLUTION, DENSE, Architecture
from gossan.models.deposits.chip_files import ChipSet
from gossan.models.deposits.chip_making import ChipOptions
from gossan.models.deposits.learning_sets import GOALS
from gossan.models.deposits.scene_image import SCALINGS
from gossan.models.deposits.training import Run, apply, rebuild
from gossan.models.networks import runtime

KIND = "deposits"
NAME = "deposit-cnn"


@dataclass(frozen=True)
class DepositModel:
    """An opened model.

    Parameters
    ----------
    goal : str
        ``presence`` or ``richness``.
    commodity : str
        "" for all deposits.
    greatest : float
        Greatest ln(n + 1) among its training chips.
    options : ChipOptions
        How scenes have to be made into chips for it.
    scaling : str
    bands : tuple of Band
    brightness : tuple of float
        Least and greatest mean brightness of its training chips.
    networks : tuple of keras.Model
    fingerprint : str
    """

    goal: str
    commodity: str
    greatest: float
    options: ChipOptions
    scaling: str
    bands: tuple[Band, ...]
    brightness: tuple[float, float]
    networks: tuple[Any, ...]
    fingerprint: str

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return what each network says of images (n, size, size, bands): (networks, n)."""
        return np.stack([apply(network, images) for network in self.networks])

    def deposits(self, predicted: np.ndarray) -> np.ndarray:
        """Return the number of deposits that a predicted richness stands for."""
        return np.expm1(predicted * self.greatest)


def write_model(
    path: str | os.PathLike[str],
    runs: Sequence[Run],
    chips: ChipSet,
    *,
    goal: str,
    commodity: str,
    greatest: float,
    brightness: tuple[float, float],
    training: Training,
    origin: Origin,
) -> str:
    """Write the runs whose mean is the model, and return the fingerprint of the file."""
    preparation = {
        name: value
        for name, value in chips.preparation.items()
        if name in ("method", "size", "downsampling", "least_valid")
    }
    card = Card(
        kind=KIND,
        architecture={
            "name": NAME,
            "goal": goal,
            "commodity": commodity,
            "greatest_log": float(greatest),
            "networks": [run.architecture.to_dict() for run in runs],
            "seeds": [run.seed for run in runs],
            "filters_3x3": {name: list(CONVOLUTION[name]) for name in CONVOLUTION},
            "dense_units": {name: list(DENSE[name]) for name in DENSE},
            "between": "mean over the chip",
        },
        bands=chips.bands,
        scaling={
            "values": chips.scaling,
            "brightness": [float(value) for value in brightness],
            "preparation": preparation,
        },
        patch=chips.size,
        targets=(Target(goal if not commodity else f"{goal} of {commodity}", ""),),
        training=training,
        versions=runtime.versions(),
        origin=origin,
    )
    arrays = {
        f"{number}/{name}": array
        for number, run in enumerate(runs)
        for name, array in run.weights.items()
    }
    return write_bundle(path, card, arrays=arrays)


def read_model(path: str | os.PathLike[str]) -> DepositModel:
    """Open a model that `write_model` has written.

    Raises
    ------
    BundleError
        When it is for something else, or its card and weights do not fit.
    """
    bundle = read_bundle(path, kind=KIND)
    where = str(bundle.path)
    card = bundle.card
    try:
        about = dict(card.architecture)
        if about["name"] != NAME or about["goal"] not in GOALS:
            raise ValueError(f"architecture {about['name']!r}")
        options = ChipOptions(**card.scaling["preparation"])
        scaling = str(card.scaling["values"])
        least, most = (float(value) for value in card.scaling["brightness"])
        greatest = float(about["greatest_log"])
        members = list(about["networks"])
        if scaling not in SCALINGS or not members or not math.isfinite(greatest):
            raise ValueError("scaling or networks")
    except (KeyError, TypeError, ValueError, InputError) as problem:
        raise BundleError(
            f"{where} does not say all that its networks need ({problem}). Open it with the "
            "version of Gossan that made it, or train it again."
        ) from problem
    if not card.bands:
        raise BundleError(f"{where} does not say which bands it needs.")
    return DepositModel(
        goal=str(about["goal"]),
        commodity=str(about.get("commodity") or ""),
        greatest=greatest,
        options=options,
        scaling=scaling,
        bands=card.bands,
        brightness=(least, most),
        networks=_networks(bundle, members, options.size, where),
        fingerprint=bundle.fingerprint,
    )


def _networks(bundle: Bundle, members: list[Any], size: int, where: str) -> tuple[Any, ...]:
    arrays = bundle.arrays()
    found: list[dict[str, np.ndarray]] = [{} for _ in members]
    for name, array in arrays.items():
        number, _, weight = name.partition("/")
        if not number.isdigit() or int(number) >= len(members):
            raise BundleError(f"{where} holds weights of a network that its card does not name.")
        found[int(number)][weight] = array
    return tuple(
        rebuild(Architecture.from_dict(member, where), weights, size, len(bundle.card.bands), where)
        for member, weights in zip(members, found)
    )
