"""How a scene is cut into blocks, and which of its pixels count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.core.raster import RasterInfo
from gossan.models.spectra.scene import BLOCK_BYTES, pixel_table, plan_blocks


def described(height, width, block):
    return RasterInfo(
        path="scene.tif",
        height=height,
        width=width,
        count=1,
        dtype="int16",
        crs_wkt=None,
        transform=None,
        nodata=(None,),
        bands=(),
        scale=(1.0,),
        offset=(0.0,),
        block=block,
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([(1, 0), (7, 0), (16, 16), (256, 256), (200, 0)]),
    st.sampled_from([1, 300, 300_000]),
)
def test_blocks_cover_every_pixel_once(height, width, block, bands):
    stored = (block[0], block[1] or width)
    seen = np.zeros((height, width), dtype=int)
    for piece in plan_blocks(described(height, width, stored), bands):
        seen[piece.inner.slices] += 1
    assert (seen == 1).all()


def test_blocks_of_a_tiled_scene_are_whole_tiles_within_the_budget():
    blocks = plan_blocks(described(2000, 2000, (64, 64)), 300)
    for block in blocks:
        assert block.inner.row % 64 == 0
        assert block.inner.column % 64 == 0
        assert 4 * 300 * block.inner.pixels <= BLOCK_BYTES


@pytest.mark.parametrize("stored", [(1, 2000), (2000, 2000)])
def test_blocks_of_a_scene_in_rows_are_strips_within_the_budget(stored):
    blocks = plan_blocks(described(2000, 2000, stored), 300)
    assert {block.inner.width for block in blocks} == {2000}
    assert max(4 * 300 * block.inner.pixels for block in blocks) <= BLOCK_BYTES


def test_pixels_of_zeros_are_collar_and_the_memory_is_not_copied():
    stored = np.ones((3, 2, 2), dtype=np.float32)
    stored[:, 0, 0] = 0
    stored[:2, 1, 1] = 0
    table = pixel_table(np.moveaxis(stored, 0, -1), collars=True)
    assert table.shape == (4, 3)
    assert np.shares_memory(table, stored)
    np.testing.assert_array_equal(np.isnan(table).all(axis=1), [True, False, False, False])
    np.testing.assert_array_equal(table[3], [0, 0, 1])
