"""Convolutions that measure instead of being learnt: brightness, colour and edges, least and most.

The first convolution has 32 filters: means and single pixels of the bands, differences between
bands, edges in eight directions, spots, and hinges around what is dark or green. A band enters with
both signs, because the greatest value of its negative is its least value: the pools then tell
whether a place is bare throughout or only here and there. The second convolution averages each of
them, once as it is and once turned over; the third averages again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MEAN, DEVIATION = 0.1, 0.05
"""Reflectance that the filters take for 0, and what they take for 1."""

_AVERAGE = np.full((3, 3), 1 / 9)
_PIXEL = np.pad([[1.0]], 1)
_ACROSS = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
_DIAGONAL = np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]) / 4
_SPOT = _PIXEL - _AVERAGE

_BLUE, _GREEN, _RED = np.eye(3)
_BRIGHTNESS = np.full(3, 1 / 3)

_EDGES = [
    sign * edge
    for edge in (_ACROSS, _ACROSS.T, _DIAGONAL, _DIAGONAL[:, ::-1])
    for sign in (1.0, -1.0)
]

_FILTERS: list[tuple[np.ndarray, np.ndarray, float, float]] = [
    *((_AVERAGE, band, 2.0, 6.0) for band in (_BLUE, _GREEN, _RED)),
    *((_AVERAGE, -band, 5.0, 6.0) for band in (_BLUE, _GREEN, _RED)),
    *((_PIXEL, -band, 5.0, 6.0) for band in (_BLUE, _GREEN, _RED)),
    (_PIXEL, _BRIGHTNESS, 2.0, 6.0),
    *(
        (_AVERAGE, sign * 3.0 * difference, 3.0, ceiling)
        for difference, ceilings in (
            (_RED - _BLUE, (9.0, 6.0)),
            (_GREEN - _RED, (5.5, 8.0)),
            (_GREEN - _BLUE, (4.5, 4.5)),
        )
        for sign, ceiling in zip((1.0, -1.0), ceilings)
    ),
    *((edge, 2.0 * _BRIGHTNESS, 0.0, 3.2) for edge in _EDGES),
    (_SPOT, 4.0 * _BRIGHTNESS, 0.0, 3.0),
    (_SPOT, -4.0 * _BRIGHTNESS, 0.0, 2.2),
    (_AVERAGE, -4.0 * _RED, -2.0, 3.5),
    (_AVERAGE, -4.0 * _BLUE, 0.0, 2.2),
    (_AVERAGE, 2.0 * _BRIGHTNESS, -2.0, 5.0),
    (_PIXEL, -4.0 * _GREEN, 0.0, 4.0),
    (_AVERAGE, 4.0 * (_RED - _GREEN), 0.0, 6.5),
    (_AVERAGE, 4.0 * (_GREEN - _RED), 0.0, 3.5),
]
"""Pattern of 3 x 3 pixels, weights of the bands, what is added, and the level that the second
convolution turns it over at: rarely exceeded in the images of the collection, and rounded from
percentiles of six of them."""


def lay_filters(detector: Any) -> None:
    """Give the three convolutions of a detector of blue, green and red their filters.

    Parameters
    ----------
    detector : keras.Model
        From `gossan.models.mines.architecture.build_detector`, for 3 bands.
    """
    count = len(_FILTERS)
    first = np.stack(
        [pattern[..., np.newaxis] * bands for pattern, bands, _, _ in _FILTERS], axis=-1
    )
    detector.get_layer("convolution1").set_weights(
        [first, np.array([added for _, _, added, _ in _FILTERS])]
    )
    each = np.eye(count)
    second = np.concatenate([each, -each], axis=1) * _AVERAGE[..., np.newaxis, np.newaxis]
    levels = [level for _, _, _, level in _FILTERS]
    detector.get_layer("convolution2").set_weights([second, np.array([0.0] * count + levels)])
    third = np.eye(2 * count) * _AVERAGE[..., np.newaxis, np.newaxis]
    detector.get_layer("convolution3").set_weights([third, np.zeros(2 * count)])
