"""The compiled convolution with its pool, beside plain sums."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from gossan.models.mines.compiled_convolution import convolve, packed, strongest_response

RANDOM = np.random.default_rng(0)


def pooled(image, kernel, bias):
    """Return what a convolution that keeps the size, a rectifier and a pool give, in float64."""
    height, width, _ = image.shape
    padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    total = np.zeros((height, width, len(bias))) + bias
    for down in range(3):
        for right in range(3):
            total += padded[down : down + height, right : right + width] @ kernel[down, right]
    rows, columns = height // 3, width // 3
    squares = total[: 3 * rows, : 3 * columns].reshape(rows, 3, columns, 3, -1)
    return np.maximum(squares.max((1, 3)), 0.0)


def made(channels, filters, height, width):
    image = RANDOM.normal(size=(height, width, channels)).astype("float32")
    kernel = (RANDOM.normal(size=(3, 3, channels, filters)) * 0.1).astype("float32")
    return image, kernel, RANDOM.normal(size=filters).astype("float32")


@pytest.mark.parametrize(("channels", "filters"), [(1, 32), (3, 64), (12, 32), (32, 64), (64, 64)])
@pytest.mark.parametrize("size", [(3, 3), (4, 5), (5, 7), (11, 9), (8, 30), (31, 47)], ids=str)
def test_it_gives_the_greatest_of_the_sums_and_sees_zeros_beyond_the_image(channels, filters, size):
    image, kernel, bias = made(channels, filters, *size)
    out = np.full((size[0] // 3, size[1] // 3, filters), np.nan, dtype="float32")
    planes = channels not in (32, 64)
    given = np.ascontiguousarray(np.moveaxis(image, -1, 0)) if planes else image
    convolve(given, planes, -1, packed(kernel), bias, out)
    np.testing.assert_allclose(out, pooled(image, kernel, bias), rtol=0, atol=1e-5)


def test_rows_of_a_larger_image_are_those_of_the_whole():
    image, kernel, bias = made(32, 64, 30, 20)
    expected = pooled(image, kernel, bias)
    out = np.empty((4, 6, 64), dtype="float32")
    # The pooled rows 3 to 6 see the rows 8 to 21.
    convolve(np.ascontiguousarray(image[8:22]), False, 0, packed(kernel), bias, out)
    np.testing.assert_allclose(out, expected[3:7], rtol=0, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3])
def test_one_row_of_a_pool_at_a_time_gives_what_three_give(rows):
    strongest = strongest_response(rows)

    @njit
    def one_place(image, weights, bias, out):
        strongest(image, 0, 5, 25, 1, 4, weights, 32, bias, out, 32)

    image, kernel, bias = made(4, 64, 5, 5)
    planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    out = np.full(64, np.nan, dtype="float32")
    one_place(planes, packed(kernel), bias, out)
    inner = pooled(np.pad(image, ((2, 2), (2, 2), (0, 0))), kernel, bias)[1, 1]
    np.testing.assert_allclose(out[32:], inner[32:], rtol=0, atol=1e-5)
    assert np.isnan(out[:32]).all()
