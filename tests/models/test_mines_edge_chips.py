"""Chips at the edge of an image: a cell in them is as the search sees it, zero padding included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.models.mines import geometry
from gossan.models.mines.chips import CELL_MINE, LEFT_OUT
from gossan.models.mines.edge_chips import edge_chip

SIZES = [(300, 310), (243, 270)]


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("tensorflow")
    from gossan.models.mines.architecture import build_detector
    from gossan.models.networks import runtime

    runtime.repeatable(3)
    model = build_detector(2)
    model.get_layer("cells").kernel.assign(model.get_layer("cells").kernel * 40.0)
    return model


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_in_its_chip_is_what_the_whole_image_gives(network, size):
    image = np.random.default_rng(1).normal(size=(1, *size, 2)).astype(np.float32)
    whole = np.asarray(network(image, training=False))[0]
    compared = 0
    for row, column in np.ndindex(*whole.shape[:2]):
        chip = edge_chip(row, column, *size)
        if chip is None:
            continue
        down, across = chip.window.slices
        alone = np.asarray(network(image[:, down, across], training=False))[0]
        assert alone.shape[:2] == (3, 3)
        np.testing.assert_allclose(alone[chip.cell], whole[row, column], rtol=1e-4, atol=1e-4)
        compared += 1
    # Only the last cells of rows and columns may lack a chip, where these end with other rests.
    assert compared >= whole.shape[0] * whole.shape[1] - 4


@given(st.integers(297, 700), st.integers(297, 700), st.integers(0, 10_000), st.integers(0, 10_000))
def test_chips_lie_in_the_image_and_hold_their_cell(height, width, row, column):
    row, column = row % geometry.cells(height), column % geometry.cells(width)
    chip = edge_chip(row, column, height, width)
    if chip is None:
        assert row >= geometry.cells(height) - 2
        assert column >= geometry.cells(width) - 2
        assert height % 27 != width % 27
        return
    window = chip.window
    assert window.row >= 0
    assert window.row + window.height <= height
    assert window.column >= 0
    assert window.column + window.width <= width
    assert geometry.cells(window.height) == geometry.cells(window.width) == 3
    assert window.row + 27 * chip.cell[0] == 27 * row
    assert window.column + 27 * chip.cell[1] == 27 * column
    classes = chip.classes(CELL_MINE)
    assert (classes != LEFT_OUT).sum() == 1
    assert classes[chip.cell] == CELL_MINE


def test_an_image_smaller_than_a_chip_gives_none():
    assert edge_chip(0, 0, 242, 400) is None
