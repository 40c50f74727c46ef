"""The fully convolutional networks of lithological mapping: FCN-8s, 16s and 32s on VGG-19.

Source: lithological mapping by FCN on multi-source data, Cuonadong dome (Remote Sens. 2021, 13,
4860), after Long, Shelhamer and Darrell (2015) and Simonyan and Zisserman (2015).
"""

from __future__ import annotations

from typing import Any

from gossan.core.errors import InputError
from gossan.models.networks import runtime

FINEST_SKIP = {"FCN-8s": 3, "FCN-16s": 4, "FCN-32s": 5}
"""For each network the pooling layer from which the last, great step of upsampling starts."""

NETWORKS = tuple(FINEST_SKIP)

STRIDE = 32
"""Pixels from one cell of the deepest layer to the next: tiles begin at multiples of it."""

FIELD = 268
"""Pixels along each side of what a cell of the deepest layer sees."""

HALO = 128
"""Pixels around a tile that its own pixels see.

The cell of 32 pixels that a pixel lies in sees 118 pixels beyond the cell on either side, and each
transposed convolution is as wide as its step, so that a pixel depends on its own cell alone.
"""

BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
"""Convolutions and channels of the five blocks of VGG-19."""

DENSE = 4096
"""Channels of the three 1 x 1 convolutions behind them."""

DROPOUT = 0.5


def channels(full: int, width: float) -> int:
    """Return the channels of a layer at a width, at least 4.

    Raises
    ------
    InputError
        For a width that is not above 0, or above 1.
    """
    if not 0 < width <= 1:
        raise InputError(f"A network of width {width:g} cannot be built; give a width up to 1.")
    return max(round(full * width), 4)


def build_network(name: str, bands: int, classes: int, width: float = 1.0) -> Any:
    """Return a network with its first, random weights (He and others, 2015).

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    bands : int
        Bands of the stack.
    classes : int
        Classes of the map. FCN-8s of width 1 has 64,600,192 + 576 x bands + 16,385 x classes
        weights: 64,720,071 with the source's nine bands and seven classes.
    width : float
        Factor on all channels but those of the classes; 1 is the source's network.

    Returns
    -------
    keras.Model
        From (windows, rows, columns, bands), standardised and with sides that are multiples of
        `STRIDE`, to (windows, rows, columns, classes): logits.
    """
    if name not in FINEST_SKIP:
        raise InputError(f"{name!r} is no network for lithology; take {', '.join(NETWORKS)}.")
    keras = runtime.load().keras
    inputs = keras.Input((None, None, bands), name="stack")
    pools = _encoder(keras.layers, inputs, width)
    flow = pools[-1]
    for number in (6, 7, 8):
        flow = _convolution(keras.layers, flow, channels(DENSE, width), 1, f"conv{number}")
        if number == 6:
            flow = keras.layers.Dropout(DROPOUT, name="dropout6")(flow)
    finest = FINEST_SKIP[name]
    for level in range(4, finest - 1, -1):
        filters = channels(BLOCKS[level - 1][1], width)
        flow = _upsampling(keras.layers, filters, 2, f"up{level}")(flow)
        flow = keras.layers.Add(name=f"fuse{level}")([flow, pools[level - 1]])
    outputs = _upsampling(keras.layers, classes, 2**finest, "classes")(flow)
    return keras.Model(inputs, outputs, name=name.lower().replace("-", ""))


def _encoder(layers: Any, flow: Any, width: float) -> list[Any]:
    """Return the outputs of the five pooling layers of VGG-19."""
    pools = []
    for block, (convolutions, full) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            name = f"conv{block}_{number}"
            flow = _convolution(layers, flow, channels(full, width), 3, name)
        flow = layers.MaxPooling2D(2, name=f"pool{block}")(flow)
        pools.append(flow)
    return pools


def _convolution(layers: Any, flow: Any, filters: int, size: int, name: str) -> Any:
    return layers.Conv2D(
        filters,
        size,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )(flow)


def _upsampling(layers: Any, filters: int, step: int, name: str) -> Any:
    """Return a transposed convolution that is as wide as its step."""
    return layers.Conv2DTranspose(filters, step, strides=step, padding="valid", name=name)
