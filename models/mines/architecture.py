"""The two networks of the search for mines: the detector and the impact classifier.

Source: mining and tailings dam detection in Brazil, Sensors 2020, 20, 6936.
"""

from __future__ import annotations

from typing import Any

from gossan.models.mines.geometry import IMPACT_CHIP
from gossan.models.networks import runtime

DETECTOR_FILTERS = (32, 64, 64)
CONTEXT = 7
"""Cells along each side that the detector's last but one convolution sees together."""

IMPACT_FILTERS = (32, 64)
IMPACT_UNITS = 1024


def detector_shapes(bands: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of the detector's weights, without building it."""
    shapes = _convolutions(bands, DETECTOR_FILTERS, 3)
    filters = DETECTOR_FILTERS[-1]
    shapes |= _layer("context", CONTEXT, CONTEXT, filters, filters)
    return shapes | _layer("cells", 1, 1, filters, 2)


def impact_shapes(bands: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of the impact classifier's weights, without building it."""
    shapes = _convolutions(bands, IMPACT_FILTERS, 2)
    side = IMPACT_CHIP
    for _ in IMPACT_FILTERS:
        side = -(-side // 2)
    shapes |= _layer("dense", side * side * IMPACT_FILTERS[-1], IMPACT_UNITS)
    return shapes | _layer("classes", IMPACT_UNITS, classes)


def _convolutions(bands: int, filters: tuple[int, ...], side: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (seen, count) in enumerate(zip((bands, *filters), filters), start=1):
        shapes |= _layer(f"convolution{number}", side, side, seen, count)
    return shapes


def _layer(name: str, *kernel: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/kernel": kernel, f"{name}/bias": kernel[-1:]}


def build_detector(bands: int) -> Any:
    """Return the fully convolutional detector with its first, random weights.

    Parameters
    ----------
    bands : int
        Bands of the image; 12 give 259,810 weights.

    Returns
    -------
    keras.Model
        From (images, rows, columns, bands), scaled by the mean and standard deviation of each
        band, to (images, cells, cells, 2): logits of background and mine. A chip of 201 pixels
        gives one cell.
    """
    keras = runtime.load().keras
    layers = keras.layers
    inputs = keras.Input((None, None, bands), name="image")
    flow = inputs
    for number, filters in enumerate(DETECTOR_FILTERS, start=1):
        flow = layers.Conv2D(
            filters, 3, padding="same", activation="relu", name=f"convolution{number}"
        )(flow)
        flow = layers.MaxPooling2D(3, padding="valid", name=f"pool{number}")(flow)
    flow = layers.Conv2D(
        DETECTOR_FILTERS[-1], CONTEXT, padding="valid", activation="relu", name="context"
    )(flow)
    flow = layers.Dropout(0.5, name="dropout")(flow)
    outputs = layers.Conv2D(2, 1, name="cells")(flow)
    return keras.Model(inputs, outputs, name="detector")


def build_impact_classifier(bands: int, classes: int = 3) -> Any:
    """Return the impact classifier with its first, random weights.

    Parameters
    ----------
    bands : int
        Bands of the image; 12 give 2,373,219 weights.
    classes : int
        The source has high impact, low impact and no ore.

    Returns
    -------
    keras.Model
        From (chips, 21, 21, bands), scaled as for the detector, to (chips, classes): logits.
    """
    keras = runtime.load().keras
    layers = keras.layers
    inputs = keras.Input((IMPACT_CHIP, IMPACT_CHIP, bands), name="chip")
    flow = inputs
    for number, filters in enumerate(IMPACT_FILTERS, start=1):
        flow = layers.Conv2D(
            filters, 2, padding="same", activation="relu", name=f"convolution{number}"
        )(flow)
        flow = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(flow)
    flow = layers.Flatten(name="flat")(flow)
    flow = layers.Dense(IMPACT_UNITS, activation="relu", name="dense")(flow)
    flow = layers.Dropout(0.5, name="dropout")(flow)
    outputs = layers.Dense(classes, name="classes")(flow)
    return keras.Model(inputs, outputs, name="impact")
