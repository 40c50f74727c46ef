"""Clouds: by the quality band where there is one, else by how bright a scene is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gossan.core.landsat_mtl import LandsatScene

CLOUD_RULES = ("quality band", "mean brightness")
"""Cloud share by the quality band where every scene of a location has one, or always brightness."""

COLLECTION_2, COLLECTION_1, EARLIER = "QA_PIXEL", "BQA of Collection 1", "BQA before collections"


def quality_kind(scene: LandsatScene) -> tuple[str, str] | None:
    """Return the kind of a scene's quality band and its file name; None without one."""
    files = scene.quality_files
    for key in ("QUALITY_L1_PIXEL", "QUALITY_L2_PIXEL", "QUALITY_PIXEL"):
        if key in files:
            return COLLECTION_2, files[key]
    if "QUALITY" in files:
        in_collection = "_" in scene.product and scene.product != scene.scene_id
        return (COLLECTION_1 if in_collection else EARLIER), files["QUALITY"]
    return None


def clouded(numbers: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels are cloud and which are fill, by the numbers of a quality band.

    Parameters
    ----------
    numbers : ndarray of int
        As stored.
    kind : str
        ``QA_PIXEL``: bit 3 cloud, bit 4 its shadow, bit 0 fill. Collection 1: bit 4 cloud, bit 0
        fill. Earlier: bits 14 and 15, both set for a cloud of high confidence, bit 0 fill.
    """
    bits = numbers.astype(np.int64)
    fill = (bits & 1) > 0
    if kind == COLLECTION_2:
        cloud = (bits & 0b11000) > 0
    elif kind == COLLECTION_1:
        cloud = (bits & (1 << 4)) > 0
    else:
        cloud = ((bits >> 14) & 0b11) == 0b11
    return cloud & ~fill, fill


def ranks(
    locations: Sequence[str],
    clouds: Sequence[float | None],
    brightness: Sequence[float],
    rule: str,
) -> list[int]:
    """Return the rank of each scene within its location, 1 for the clearest.

    Parameters
    ----------
    locations : sequence of str
    clouds : sequence of float or None
        Share of cloud, 0 to 1, None where unknown.
    brightness : sequence of float
        Mean of the values, 0 to 1. As clouds are bright, the darkest scene of a place is taken for
        the clearest where the cloud share of any of them is unknown.
    rule : str
        One of `CLOUD_RULES`.
    """
    found = [0] * len(locations)
    for location in dict.fromkeys(locations):
        members = [i for i, each in enumerate(locations) if each == location]
        known = rule == CLOUD_RULES[0] and all(clouds[i] is not None for i in members)
        order = sorted(members, key=lambda i: ((clouds[i] or 0.0) if known else 0.0, brightness[i]))
        for rank, i in enumerate(order, start=1):
            found[i] = rank
    return found
