"""The network that reads spectrograms: one convolution and three inverted residual blocks.

Blocks as in MobileNetV2 (Sandler and others 2018): a 1 x 1 convolution widens, a 3 x 3 depthwise
convolution looks around, a linear 1 x 1 convolution narrows; batch normalisation throughout, ReLU6
after the first two, a shortcut where input and output have the same shape. The source names these
parts but not their sizes; ours stand here and on the model card. Where along the spectrum an
absorption lies matters, so the last maps are flattened, not averaged.
"""

from __future__ import annotations

from typing import Any

from gossan.models.networks import runtime

FIRST_FILTERS = 12
FIRST_KERNEL, FIRST_STRIDES = (3, 5), (2, 4)
"""Of the convolution, along frames and along frequencies, where neighbours differ less."""
BLOCKS = ((16, 2), (16, 1), (32, 2))
"""Filters and stride of each inverted residual block; the second one has the shortcut."""
EXPANSION = 4
DROPOUT = 0.3
EPSILON = 1e-3
"""Added to the variance by batch normalisation."""


def build_network(frames: int, frequencies: int, covariates: int, outputs: int) -> Any:
    """Return the network with its first, random weights.

    Parameters
    ----------
    frames, frequencies : int
        Shape of a spectrogram.
    covariates : int
        Further inputs, such as clay or organic matter; 0 for none.
    outputs : int
        Elements.

    Returns
    -------
    keras.Model
        From (n, frames x frequencies + covariates), all standardised, to (n, outputs).
    """
    keras = runtime.load().keras
    layers = keras.layers
    size = frames * frequencies
    inputs = keras.Input((size + covariates,), name="input")
    flow = layers.Reshape((frames, frequencies, 1), name="picture")(inputs[:, :size])
    flow = layers.Conv2D(
        FIRST_FILTERS,
        FIRST_KERNEL,
        strides=FIRST_STRIDES,
        padding="same",
        use_bias=False,
        name="convolution",
    )(flow)
    flow = layers.BatchNormalization(momentum=0.9, epsilon=EPSILON, name="convolution_norm")(flow)
    flow = layers.ReLU(6.0, name="convolution_relu")(flow)
    channels = FIRST_FILTERS
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        flow = _inverted_residual(layers, flow, channels, filters, stride, f"block{number}")
        channels = filters
    flow = layers.Flatten(name="flat")(flow)
    flow = layers.Dropout(DROPOUT, name="dropout")(flow)
    if covariates:
        flow = layers.Concatenate(name="with_covariates")([flow, inputs[:, size:]])
    return keras.Model(inputs, layers.Dense(outputs, name="elements")(flow), name="spectrogram")


def _inverted_residual(
    layers: Any, inputs: Any, channels: int, filters: int, stride: int, name: str
) -> Any:
    def normed(flow: Any, part: str) -> Any:
        return layers.BatchNormalization(momentum=0.9, epsilon=EPSILON, name=f"{name}_{part}_norm")(
            flow
        )

    flow = layers.Conv2D(EXPANSION * channels, 1, use_bias=False, name=f"{name}_widen")(inputs)
    flow = layers.ReLU(6.0, name=f"{name}_widen_relu")(normed(flow, "widen"))
    flow = layers.DepthwiseConv2D(
        3, strides=stride, padding="same", use_bias=False, name=f"{name}_look"
    )(flow)
    flow = layers.ReLU(6.0, name=f"{name}_look_relu")(normed(flow, "look"))
    flow = normed(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_narrow")(flow), "narrow")
    if stride == 1 and channels == filters:
        flow = layers.Add(name=f"{name}_shortcut")([inputs, flow])
    return flow
