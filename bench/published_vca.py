"""Vertex component analysis as its authors published it, to measure ours against.

Written from the equations of Nascimento and Bioucas-Dias (2005), Vertex component analysis: a fast
algorithm to unmix hyperspectral data, IEEE Transactions on Geoscience and Remote Sensing 43 (4),
one pass over all pixels per step and nothing made faster.
"""

from __future__ import annotations

import numpy as np


def published_vca(spectra: np.ndarray, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what the published VCA does: the pixels it chooses, and all pixels projected back.

    Parameters
    ----------
    spectra : ndarray, shape (pixels, bands)
        Reflectance.
    number : int
        Endmembers.
    seed : int
        Of the random directions.

    Returns
    -------
    tuple of ndarray
        Pixel numbers (number,), and spectra (pixels, bands) from the signal subspace alone.
    """
    rng = np.random.default_rng(seed)
    pixels = spectra.T
    bands, count = pixels.shape
    mean = pixels.mean(axis=1, keepdims=True)
    centred = pixels - mean
    leading = np.linalg.svd(centred @ centred.T / count)[0][:, :number]
    power = float((pixels**2).sum() / count)
    kept = float(((leading.T @ centred) ** 2).sum() / count + (mean**2).sum())
    ratio = 10 * np.log10((kept - number / bands * power) / (power - kept))
    if ratio > 15 + 10 * np.log10(number):
        directions = np.linalg.svd(pixels @ pixels.T / count)[0][:, :number]
        reduced = directions.T @ pixels
        projected = directions @ reduced
        plane = reduced / (reduced.mean(axis=1) @ reduced)
    else:
        reduced = (leading.T @ centred)[: number - 1]
        projected = leading[:, : number - 1] @ reduced + mean
        constant = np.sqrt((reduced**2).sum(axis=0).max())
        plane = np.vstack([reduced, np.full((1, count), constant)])
    found = np.zeros((number, number))
    found[-1, 0] = 1.0
    chosen = np.zeros(number, dtype=int)
    for step in range(number):
        random = rng.random((number, 1))
        direction = random - found @ np.linalg.pinv(found) @ random
        direction /= np.linalg.norm(direction)
        chosen[step] = np.abs(direction.T @ plane).argmax()
        found[:, step] = plane[:, chosen[step]]
    return chosen, projected.T
