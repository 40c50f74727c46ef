"""What the detector has to beat: position without image, and a forest on colour and texture."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from sklearn.ensemble import RandomForestClassifier

from gossan.models.mines.geometry import FIELD, STRIDE

WINDOWS = (STRIDE, 3 * STRIDE, FIELD)
"""Sides in pixels of what is summarised: the cell, the cell and its neighbours, all it sees."""

PERCENTILES = (10, 50, 90)


def cell_features(reflectance: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return colour and texture around cells.

    Parameters
    ----------
    reflectance : ndarray, shape (rows, columns, 3)
        Blue, green, red.
    centres : ndarray of float, shape (cells, 2)
        Row and column of each cell's centre; `FIELD` pixels around it have to be in the image.

    Returns
    -------
    ndarray, shape (cells, features)
        Mean and deviation of three bands, brightness, two colour ratios and gradients at three
        scales, in each of `WINDOWS`; percentiles in the cell; the cell less all it sees.
    """
    layers = _layers(np.asarray(reflectance, dtype=np.float64))
    sums, squares = _integral(layers), _integral(layers**2)
    parts = []
    for side in WINDOWS:
        mean = _window_mean(sums, centres, side)
        variance = _window_mean(squares, centres, side) - mean**2
        parts += [mean, np.sqrt(np.maximum(variance, 0.0))]
    first = np.floor(centres - STRIDE / 2).astype(int)
    cells = np.stack([layers[r : r + STRIDE, c : c + STRIDE] for r, c in first])
    percentiles = np.percentile(cells.reshape(len(cells), -1, layers.shape[-1]), PERCENTILES, 1)
    parts += [*percentiles, parts[0] - parts[-2]]
    return np.concatenate(parts, axis=1).astype(np.float32)


def fit_forest(features: np.ndarray, is_mine: np.ndarray) -> RandomForestClassifier:
    """Return a forest of 80 trees whose leaves hold 5 cells or more."""
    forest = RandomForestClassifier(
        80,
        min_samples_leaf=5,
        max_samples=0.4,
        class_weight="balanced_subsample",
        random_state=0,
        n_jobs=1,
    )
    return forest.fit(features, is_mine)


def fit_position(distance: np.ndarray, is_mine: np.ndarray) -> RandomForestClassifier:
    """Return the share of tailings by distance from the image's centre, smoothed by a forest."""
    forest = RandomForestClassifier(100, min_samples_leaf=200, random_state=0, n_jobs=1)
    return forest.fit(distance, is_mine)


def _layers(reflectance: np.ndarray) -> np.ndarray:
    blue, green, red = np.moveaxis(reflectance, -1, 0)
    brightness = reflectance.mean(axis=-1)
    layers = [
        blue,
        green,
        red,
        brightness,
        (red - blue) / (red + blue + 1e-6),
        (green - red) / (green + red + 1e-6),
        gaussian_gradient_magnitude(brightness, 1.0),
        gaussian_gradient_magnitude(brightness, 3.0),
        np.abs(brightness - gaussian_filter(brightness, 2.0)),
    ]
    return np.stack(layers, axis=-1)


def _integral(layers: np.ndarray) -> np.ndarray:
    sums = np.zeros((layers.shape[0] + 1, layers.shape[1] + 1, layers.shape[2]))
    sums[1:, 1:] = layers.cumsum(axis=0).cumsum(axis=1)
    return sums


def _window_mean(sums: np.ndarray, centres: np.ndarray, side: int) -> np.ndarray:
    top, left = np.floor(centres - side / 2).astype(int).T
    bottom, right = top + side, left + side
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(total / side**2)
