"""The compiled part of the detector: a convolution, its bias, rectifier and pool in one pass.

A layer of the detector is a convolution of 3 x 3 pixels, a rectifier, and the greatest value of
every 3 x 3 places. What the convolution gives is nine times as large as what the pool leaves of it,
and carrying that through memory costs more time than the sums. Here the nine places of a pool and
32 filters are summed in the processor's registers, and only the greatest values are stored.

Numba does not keep as many sums in registers by itself, so the innermost loop is written in the
compiler's own terms. It becomes whatever vector instructions the processor has.

All compiled functions stand in this one file, because Numba's cache on disk notices a change in
the file of a function, but not in the files of those that it calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 32
"""Filters that are summed together."""

SIDE = 3
"""Pixels along each side of a convolution's window, and places along each side of a pool."""

SEEN = 2 * SIDE - 1
"""Pixels along each side that a pooled value depends on."""

CHANNELS = (32, 64)
"""How many numbers of a pixel may lie beside each other in memory."""

_INDEX = ir.IntType(64)
_LANE = ir.IntType(32)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FUSED = ("contract",)
"""Lets a product and a sum become one instruction where the processor has it."""


def packed(kernel: np.ndarray) -> np.ndarray:
    """Return the weights of a convolution in the order in which they are needed.

    Parameters
    ----------
    kernel : ndarray, shape (3, 3, channels, filters)
        The number of filters is a multiple of `LANES`.

    Returns
    -------
    ndarray of float32, shape (filters // 32, channels, 3, 3, 32)
    """
    down, right, channels, filters = kernel.shape
    parts = kernel.reshape(down, right, channels, filters // LANES, LANES)
    return np.ascontiguousarray(parts.transpose(3, 2, 0, 1, 4), dtype=np.float32)


def rows_in_registers() -> int:
    """Return for how many rows of a pool this processor has registers at once: 1 or 3."""
    return SIDE if binding.get_host_cpu_features().get("avx512f") else 1


def strongest_response(rows: int) -> Callable[..., None]:
    """Return the function that makes one pooled value of each of 32 filters.

    Compiled code calls it as ``f(image, start, row_step, channel_step, pixel_step, channels,
    weights, first, bias, out, place)``. The arrays are contiguous float32, gone through as flat
    memory: ``start`` is where the pixels seen begin in ``image``, the steps lead from there to the
    next row, channel and pixel (``pixel_step`` as a number written in the code), ``weights`` are
    those of `packed`, ``first`` is the first of the 32 filters, and ``place`` where the first of
    the 32 values belongs in ``out``.

    Parameters
    ----------
    rows : int
        Rows of the pool that are summed together; see `rows_in_registers`.
    """

    @intrinsic(prefer_literal=True)
    def strongest(  # type: ignore[no-untyped-def]
        _,
        image,
        start,
        row_step,
        channel_step,
        pixel_step,
        channels,
        weights,
        first,
        bias,
        out,
        place,
    ):
        signature = types.void(
            *(image, start, row_step, channel_step, pixel_step, channels),
            *(weights, first, bias, out, place),
        )

        def write(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            code = _Code(context, builder, signature.args, arguments)
            code.store_strongest(rows, int(pixel_step.literal_value))
            return context.get_dummy_value()

        return signature, write

    made: Callable[..., None] = strongest
    return made


class _Code:
    """The instructions of `strongest_response`, as they are written one after the other."""

    def __init__(self, context: Any, builder: Any, kinds: Any, arguments: Any) -> None:
        self._builder = builder
        image, start, self._row_step, self._channel_step, _, self._channels, *rest = arguments
        weights, first, bias, out, place = rest

        def memory(number: int, array: Any, index: Any) -> Any:
            data = context.make_array(kinds[number])(context, builder, array).data
            return builder.gep(data, [index])

        self._pixels = memory(0, image, start)
        group = builder.mul(first, builder.mul(self._channels, _INDEX(SIDE * SIDE)))
        self._weights = memory(6, weights, group)
        self._bias, self._out = memory(8, bias, first), memory(9, out, place)

    def store_strongest(self, rows: int, pixel_step: int) -> None:
        """Sum the window at all places of the pool, and store the greatest of each filter."""
        best = None
        for row in range(0, SIDE, rows):
            places = [(row + down, right) for down in range(rows) for right in range(SIDE)]
            for total in self._sums(places, pixel_step):
                best = total if best is None else self._greater(best, total)
        # The bias is the same at all places, so it can wait until the greatest sum is known.
        best = self._builder.fadd(best, self._vector(self._bias))
        target = self._builder.bitcast(self._out, _VECTOR.as_pointer())
        self._builder.store(self._greater(best, _constant(0.0)), target, align=4)

    def _sums(self, places: list[tuple[int, int]], pixel_step: int) -> list[Any]:
        """Sum the window at some places, in a loop over the channels."""
        builder = self._builder
        before, loop = builder.block, builder.append_basic_block("channel")
        builder.branch(loop)
        builder.position_at_end(loop)
        channel = builder.phi(_INDEX)
        carried = [builder.phi(_VECTOR) for _ in places]
        pixel = builder.gep(self._pixels, [builder.mul(channel, self._channel_step)])
        weight = builder.gep(self._weights, [builder.mul(channel, _INDEX(SIDE * SIDE * LANES))])
        lines = [builder.gep(pixel, [builder.mul(self._row_step, _INDEX(i))]) for i in range(SEEN)]
        sums = list(carried)
        for tap in range(SIDE * SIDE):
            down, right = divmod(tap, SIDE)
            factor = self._vector(builder.gep(weight, [_INDEX(tap * LANES)]))
            for number, (row, column) in enumerate(places):
                there = builder.gep(lines[row + down], [_INDEX((column + right) * pixel_step)])
                product = builder.fmul(self._spread(builder.load(there)), factor, flags=_FUSED)
                sums[number] = builder.fadd(sums[number], product, flags=_FUSED)
        following = builder.add(channel, _INDEX(1))
        for value, first, last in zip(
            (channel, *carried), (_INDEX(0), *[_constant(0.0)] * len(places)), (following, *sums)
        ):
            value.add_incoming(first, before)
            value.add_incoming(last, loop)
        after = builder.append_basic_block("summed")
        builder.cbranch(builder.icmp_signed("<", following, self._channels), loop, after)
        builder.position_at_end(after)
        return sums

    def _vector(self, pointer: Any) -> Any:
        return self._builder.load(self._builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)

    def _spread(self, number: Any) -> Any:
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        lane = self._builder.insert_element(nothing, number, _LANE(0))
        everywhere = ir.Constant(ir.VectorType(_LANE, LANES), [0] * LANES)
        return self._builder.shuffle_vector(lane, nothing, everywhere)

    def _greater(self, one: Any, other: Any) -> Any:
        return self._builder.select(self._builder.fcmp_ordered(">", one, other), one, other)


def _constant(number: float) -> Any:
    return ir.Constant(_VECTOR, [number] * LANES)


_strongest = strongest_response(rows_in_registers())


@njit(nogil=True, cache=True)
def convolve(image, planes, top, weights, bias, out):  # type: ignore[no-untyped-def]
    """Convolve an image, rectify and pool it.

    Beyond the image there are zeros, as in a convolution that keeps the size of its image.

    Parameters
    ----------
    image : ndarray of float32, contiguous
        Of shape (channels, rows, columns), or (rows, columns, channels) with as many channels as
        one of `CHANNELS`.
    planes : bool
        Whether it is the first of the two.
    top : int
        The first row that the first pooled row depends on; -1 at the upper end of an image.
    weights : ndarray
        From `packed`.
    bias : ndarray of float32, shape (filters,)
    out : ndarray of float32, shape (pooled rows, pooled columns, filters), contiguous
        Is filled.
    """
    if planes:
        channels, height, width = image.shape
        steps = (width, height * width, 1)
        patch_steps = (SEEN, SEEN * SEEN, 1)
    else:
        height, width, channels = image.shape
        steps = (width * channels, 1, channels)
        patch_steps = (SEEN * channels, 1, channels)
    memory, kernel, into = image.reshape(-1), weights.reshape(-1), out.reshape(-1)
    patch = np.empty(SEEN * SEEN * channels, dtype=np.float32)
    rows, columns, filters = out.shape
    for row in range(rows):
        line = top + SIDE * row
        # Columns whose pixels all are in the image: not the first one, and maybe not the last.
        begin, end = columns, columns
        if line >= 0 and line + SEEN <= height:
            begin, end = 1, min(columns, (width + 1 - SEEN) // SIDE + 1)
        for first in range(0, filters, LANES):
            place = row * columns * filters + first
            if begin < end:
                start = line * steps[0] + (SIDE * begin - 1) * steps[2]
                _fill(
                    memory,
                    start,
                    steps,
                    channels,
                    kernel,
                    first,
                    bias,
                    into,
                    place + begin * filters,
                    end - begin,
                )
            for column in range(columns):
                if begin <= column < end:
                    continue
                _cut(
                    memory,
                    (height, width),
                    (line, SIDE * column - 1),
                    steps,
                    channels,
                    patch,
                    patch_steps,
                )
                _fill(
                    patch,
                    0,
                    patch_steps,
                    channels,
                    kernel,
                    first,
                    bias,
                    into,
                    place + column * filters,
                    1,
                )


@njit(nogil=True)
def _fill(image, start, steps, channels, weights, first, bias, out, place, count):  # type: ignore[no-untyped-def]
    """Make the values of 32 filters at some pooled places beside each other."""
    row_step, channel_step, pixel_step = steps
    for _ in range(count):
        # The compiler needs to see the step between pixels as a number.
        if pixel_step == 1:
            _strongest(
                image, start, row_step, channel_step, 1, channels, weights, first, bias, out, place
            )
        elif pixel_step == CHANNELS[0]:
            _strongest(
                image,
                start,
                row_step,
                channel_step,
                CHANNELS[0],
                channels,
                weights,
                first,
                bias,
                out,
                place,
            )
        elif pixel_step == CHANNELS[1]:
            _strongest(
                image,
                start,
                row_step,
                channel_step,
                CHANNELS[1],
                channels,
                weights,
                first,
                bias,
                out,
                place,
            )
        start += SIDE * pixel_step
        place += len(bias)


@njit(nogil=True)
def _cut(image, size, corner, steps, channels, patch, patch_steps):  # type: ignore[no-untyped-def]
    """Copy what a pooled value sees, with zeros beyond the image."""
    patch[:] = 0.0
    for down in range(SEEN):
        for right in range(SEEN):
            row, column = corner[0] + down, corner[1] + right
            if 0 <= row < size[0] and 0 <= column < size[1]:
                start = row * steps[0] + column * steps[2]
                target = down * patch_steps[0] + right * patch_steps[2]
                for channel in range(channels):
                    patch[target + channel * patch_steps[1]] = image[start + channel * steps[1]]
