"""Cells along a side of an image, the crops that they need, and detectors as predictors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.core.errors import InputError
from gossan.models.mines import geometry
from gossan.models.mines.predictors import CellGeometry

DENSE = CellGeometry(189, 27, 215, given_up=1)

geometries = st.one_of(
    st.just(DENSE), st.builds(CellGeometry.sliding, st.integers(1, 60), st.integers(1, 70))
)


@pytest.mark.parametrize("pixels", [0, 188, 189, 215, 216, 242, 243, 972, 9216])
def test_the_dense_geometry_is_that_of_the_source(pixels):
    assert DENSE.cells(pixels) == geometry.cells(pixels)
    assert DENSE.first_centre == geometry.FIRST_CENTRE
    assert DENSE.corner(3) == geometry.first_pixel(3)


@given(geometries, st.integers(1, 2000))
def test_cells_and_pixels_are_each_others_inverse(cells, pixels):
    count = cells.cells(pixels)
    if count:
        assert cells.pixels(count) <= pixels < cells.pixels(count + 1)
    else:
        assert pixels < cells.pixels(1)


@given(geometries, st.integers(1, 2000), st.data())
def test_a_crop_gives_the_wanted_cells_and_their_whole_field(cells, pixels, data):
    total = cells.cells(pixels)
    if not total:
        return
    first = data.draw(st.integers(0, total - 1))
    count = data.draw(st.integers(1, total - first))
    crop = cells.crop(first, count, pixels)
    assert 0 <= crop.start < crop.stop <= pixels
    assert crop.start % cells.stride == 0
    assert cells.cells(crop.stop - crop.start) >= crop.skipped + count
    # A cell of the crop lies where the same cell of the whole image does.
    assert crop.start + cells.centre(crop.skipped) == cells.centre(first)
    # All that a wanted cell sees of the image is in the crop.
    assert crop.start <= max(cells.centre(first) - cells.field / 2, 0)
    assert crop.stop >= min(cells.centre(first + count - 1) + cells.field / 2, pixels)


def test_consecutive_dense_crops_overlap_by_216_pixels():
    first, second = DENSE.crop(28, 28, 9216), DENSE.crop(56, 28, 9216)
    assert first.stop - first.start == 972
    assert first.stop - second.start == 216


def test_a_stride_of_nothing_is_refused():
    with pytest.raises(InputError, match="stride of 1 or more"):
        CellGeometry.sliding(48, 0)


def brute_force(values, patch, stride):
    rows = range(0, values.shape[0] - patch + 1, stride)
    columns = range(0, values.shape[1] - patch + 1, stride)
    return np.array([[values[r : r + patch, c : c + patch].mean() for c in columns] for r in rows])


@given(st.integers(1, 12), st.integers(1, 15), st.integers(12, 60), st.integers(12, 60))
def test_a_sliding_window_covers_what_its_geometry_says(patch, stride, height, width):
    values = np.random.default_rng(0).random((height, width))
    cells = CellGeometry.sliding(patch, stride)
    found = brute_force(values, patch, stride)
    assert found.shape == (cells.cells(height), cells.cells(width))
    row, column = found.shape[0] - 1, found.shape[1] // 2
    top, left = (int(cells.centre(i) - patch / 2) for i in (row, column))
    assert found[row, column] == values[top : top + patch, left : left + patch].mean()
