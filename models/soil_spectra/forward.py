"""The trained network run forward in NumPy: prediction needs no TensorFlow.

The network is tiny; matrix products of its few maps take milliseconds. Batch normalisation is
folded into a factor and an offset. Equal to the trained network within rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gossan.core.errors import BundleError
from gossan.models.soil_spectra.architecture import (
    BLOCKS,
    EPSILON,
    EXPANSION,
    FIRST_FILTERS,
    FIRST_KERNEL,
    FIRST_STRIDES,
)

_ROWS = 64
"""Spectra whose maps are in memory at once."""


def weight_shapes(
    frames: int, frequencies: int, covariates: int, outputs: int
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of the network by its name."""
    shapes: dict[str, tuple[int, ...]] = {"convolution/kernel": (*FIRST_KERNEL, 1, FIRST_FILTERS)}
    shapes |= _norm_shapes("convolution", FIRST_FILTERS)
    height, width = (-(-size // step) for size, step in zip((frames, frequencies), FIRST_STRIDES))
    channels = FIRST_FILTERS
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        name, wide = f"block{number}", EXPANSION * channels
        shapes[f"{name}_widen/kernel"] = (1, 1, channels, wide)
        shapes[f"{name}_look/kernel"] = (3, 3, wide, 1)
        shapes[f"{name}_narrow/kernel"] = (1, 1, wide, filters)
        shapes |= _norm_shapes(f"{name}_widen", wide) | _norm_shapes(f"{name}_look", wide)
        shapes |= _norm_shapes(f"{name}_narrow", filters)
        channels = filters
        if stride == 2:
            height, width = -(-height // 2), -(-width // 2)
    shapes["elements/kernel"] = (height * width * channels + covariates, outputs)
    shapes["elements/bias"] = (outputs,)
    return shapes


def check_weights(
    weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], where: str
) -> None:
    """Refuse weights that are missing, not finite or of another shape.

    Raises
    ------
    BundleError
    """
    for name, shape in shapes.items():
        array = weights.get(name)
        if array is None or array.shape != shape or not np.isfinite(array).all():
            raise BundleError(
                f"{where} does not fit its own architecture: the weights {name} are missing or "
                "damaged. Get the file again."
            )


def run_forward(
    weights: Mapping[str, np.ndarray], pictures: np.ndarray, covariates: np.ndarray
) -> np.ndarray:
    """Return the network's outputs.

    Parameters
    ----------
    weights : mapping of ndarray
        Of the names and shapes of `weight_shapes`.
    pictures : ndarray, shape (n, frames, frequencies)
        Standardised spectrograms.
    covariates : ndarray, shape (n, covariates)
        Standardised.

    Returns
    -------
    ndarray of float64, shape (n, outputs)
    """
    parts = [
        _forward(weights, pictures[start : start + _ROWS], covariates[start : start + _ROWS])
        for start in range(0, len(pictures), _ROWS)
    ]
    return np.concatenate(parts).astype(np.float64)


def _forward(
    weights: Mapping[str, np.ndarray], pictures: np.ndarray, covariates: np.ndarray
) -> np.ndarray:
    flow = pictures.astype(np.float32)[..., None]
    kernel = weights["convolution/kernel"]
    flow = _relu6(_norm(weights, "convolution", _convolution(flow, kernel)))
    channels = FIRST_FILTERS
    for number, (filters, stride) in enumerate(BLOCKS, start=1):
        name, before = f"block{number}", flow
        flow = flow @ weights[f"{name}_widen/kernel"][0, 0]
        flow = _relu6(_norm(weights, f"{name}_widen", flow))
        flow = _depthwise(flow, weights[f"{name}_look/kernel"][..., 0], stride)
        flow = _relu6(_norm(weights, f"{name}_look", flow))
        flow = _norm(weights, f"{name}_narrow", flow @ weights[f"{name}_narrow/kernel"][0, 0])
        if stride == 1 and channels == filters:
            flow = before + flow
        channels = filters
    flat = flow.reshape(len(flow), -1)
    if covariates.shape[1]:
        flat = np.concatenate([flat, covariates.astype(np.float32)], axis=1)
    return np.asarray(flat @ weights["elements/kernel"] + weights["elements/bias"])


def _convolution(flow: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve with the first convolution's strides, padded as TensorFlow does for ``same``."""
    windows = _windows(flow, kernel.shape[:2], FIRST_STRIDES)
    return np.asarray(sum(seen @ kernel[row, column] for row, column, seen in windows))


def _depthwise(flow: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Convolve each map by itself, padded as TensorFlow does for ``same``."""
    windows = _windows(flow, kernel.shape[:2], (stride, stride))
    return np.asarray(sum(seen * kernel[row, column] for row, column, seen in windows))


def _windows(
    flow: np.ndarray, kernel: tuple[int, ...], strides: tuple[int, int]
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield for each place in the kernel the maps (n, height, width, channels) that it meets."""
    sizes, margins = [], []
    for size, reach, step in zip(flow.shape[1:3], kernel, strides):
        count = -(-size // step)
        lacking = max((count - 1) * step + reach - size, 0)
        # More at the far end, so that slices of whole strides fit.
        margins.append((lacking // 2, lacking - lacking // 2 + step))
        sizes.append(count)
    padded = np.pad(flow, ((0, 0), *margins, (0, 0)))
    (height, width), (down, right) = sizes, strides
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            rows = slice(row, row + down * height, down)
            columns = slice(column, column + right * width, right)
            yield row, column, padded[:, rows, columns]


def _norm(weights: Mapping[str, np.ndarray], name: str, flow: np.ndarray) -> np.ndarray:
    gamma, beta, mean, variance = (
        weights[f"{name}_norm/{part}"]
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    factor = gamma / np.sqrt(variance + EPSILON)
    return flow * factor + (beta - mean * factor)


def _relu6(flow: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(flow, 0.0), 6.0)


def _norm_shapes(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    return {f"{name}_norm/{part}": (channels,) for part in parts}
