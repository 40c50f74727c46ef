"""Cloud masks: which pixels of a scene see the ground."""

from __future__ import annotations

import datetime

import numpy as np

from gossan.core.errors import InputError
from gossan.models.imagery.scene import Scene

MASKS = ("automatic", "SCL", "QA60", "QA_PIXEL", "none")
"""Which mask is used: by what a scene has, one kind, or none at all."""

SCL_CLEAR = (2, 4, 5, 6, 7)
"""Classes of the scene classification that see the ground: dark areas (shaded by terrain),
vegetation, bare soil, water, unclassified. Left out: no data, saturated, cloud shadow, clouds of
medium and high probability, thin cirrus, snow."""

_SCL_CLOUDS = (8, 9, 10)
_QA60_BITS = 1 << 10 | 1 << 11
"""Opaque clouds and cirrus."""

_QA60_EMPTY = (datetime.date(2022, 1, 25), datetime.date(2024, 2, 28))
"""QA60 was not filled for scenes of these days and those between them."""

_QA_PIXEL_FILL = 1 << 0
_QA_PIXEL_CLOUDS = 1 << 1 | 1 << 2 | 1 << 3
"""Dilated cloud, cirrus, cloud."""
_QA_PIXEL_HIDDEN = _QA_PIXEL_CLOUDS | 1 << 4 | 1 << 5
"""Clouds, their shadows, snow."""

_PROBABLE = 40.0
"""Percent from which Sen2Cor's cloud probability counts as cloud."""

_FALLBACKS = ("scl", "classi", "probability")
_CHOICES = {
    "automatic": ("qa_pixel", "scl", "qa60", "classi", "probability"),
    "SCL": ("scl",),
    "QA60": ("qa60", *_FALLBACKS),
    "QA_PIXEL": ("qa_pixel",),
}

KINDS = {
    "scl": "SCL",
    "qa60": "QA60",
    "qa_pixel": "QA_PIXEL",
    "classi": "cloud mask MSK_CLASSI",
    "probability": "cloud probability",
}
"""The kinds of masks of a scene and their names for people."""


def choose_mask(scene: Scene, wanted: str) -> str | None:
    """Return the kind of the mask to use for a scene; None where it has no usable one.

    Parameters
    ----------
    scene : Scene
    wanted : str
        One of `MASKS`. ``QA60`` falls back on SCL or the cloud mask for scenes of January 2022 to
        February 2024, for which it is empty; ``automatic`` prefers SCL, which knows shadows.

    Raises
    ------
    InputError
        For an unknown choice.
    """
    if wanted not in MASKS:
        raise InputError(f"There is no cloud mask {wanted!r}. Use one of {', '.join(MASKS)}.")
    for kind in _CHOICES.get(wanted, ()):
        if kind in scene.masks and (kind != "qa60" or qa60_is_filled(scene.date)):
            return kind
    return None


def qa60_is_filled(date: datetime.date | None) -> bool:
    """Tell whether QA60 says anything for scenes of a day (as it does on unknown days)."""
    return date is None or not _QA60_EMPTY[0] <= date <= _QA60_EMPTY[1]


def clear(kind: str, values: np.ndarray) -> np.ndarray:
    """Return where the ground is seen.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    values : ndarray (rows, columns)
        Stored numbers of the mask, NaN outside of it.

    Returns
    -------
    ndarray of bool (rows, columns)
        False under clouds, in their shadow as far as the mask knows it, and outside the scene.
    """
    known = np.isfinite(values)
    numbers = np.where(known, values, 0).astype(np.int64)
    if kind == "scl":
        return known & np.isin(numbers, SCL_CLEAR)
    if kind == "qa60":
        return known & (numbers & _QA60_BITS == 0)
    if kind == "qa_pixel":
        return known & (numbers & (_QA_PIXEL_FILL | _QA_PIXEL_HIDDEN) == 0)
    if kind == "classi":
        return known & (numbers == 0)
    return known & (numbers < _PROBABLE)


def cloud_share(kind: str, values: np.ndarray, seen: np.ndarray) -> float | None:
    """Return the share of the seen pixels of a scene that are cloud, 0 to 1; None without any.

    Parameters
    ----------
    kind : str
    values : ndarray (rows, columns)
        As for `clear`.
    seen : ndarray of bool (rows, columns)
        Where the scene has an image.
    """
    known = np.isfinite(values) & seen
    numbers = np.where(known, values, 0).astype(np.int64)
    if kind == "scl":
        known &= numbers != 0
        clouds = np.isin(numbers, _SCL_CLOUDS)
    elif kind == "qa60":
        clouds = numbers & _QA60_BITS != 0
    elif kind == "qa_pixel":
        known &= numbers & _QA_PIXEL_FILL == 0
        clouds = numbers & _QA_PIXEL_CLOUDS != 0
    else:
        clouds = ~clear(kind, values)
    count = int(known.sum())
    return float((clouds & known).sum()) / count if count else None
