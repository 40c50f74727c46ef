"""Automatic target generation process: each time the pixel farthest from all that was found.

Reference: Ren and Chang (2003), Automatic spectral target recognition in hyperspectral imagery,
IEEE Transactions on Aerospace and Electronic Systems 39 (4).
"""

from __future__ import annotations

import numpy as np

from gossan.core.progress import Progress
from gossan.models.endmembers.cloud import Cloud


def generate_targets(cloud: Cloud, number: int, progress: Progress) -> list[int]:
    """Return the pixels that the automatic target generation process finds.

    Parameters
    ----------
    cloud : Cloud
        Pixels, mean not removed.
    number : int
        Targets to find, at most as many as there are dimensions.
    progress : Progress
        Where to report to.

    Returns
    -------
    list of int
        Pixel numbers in the order found, brightest first; fewer when the pixels span fewer
        dimensions.
    """
    found: list[int] = []
    basis = np.zeros((cloud.dimensions, 0))
    for turn in range(min(number, cloud.dimensions)):
        index = cloud.farthest(basis, progress.part(turn / number, (turn + 1) / number))
        if index in found:
            break
        found.append(index)
        basis = np.column_stack([basis, cloud.point(index)])
    return found
