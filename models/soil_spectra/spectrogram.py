"""A spectrum as a picture: the magnitudes of its short-time Fourier transform.

The arithmetic is that of ``tf.signal.stft`` with the source's parameters: frames of 255 bands that
start every 128, each times a Hann window, padded with one zero to 256 for the transform; the part
of a spectrum that fills no whole frame is left out. A window of odd length is symmetric there:
w(n) = 0.5 - 0.5 cos(2 pi n / 254) for n = 0 ... 254. 2001 bands give 1 + (2001 - 255) // 128 = 14
frames of 256 / 2 + 1 = 129 magnitudes.

Source: CNN antimony quantification from soil reflectance, northern Portugal (Remote Sens. 2024,
16, 1964).
"""

from __future__ import annotations

import numpy as np

from gossan.core.errors import InputError
from gossan.models.soil_spectra.steps import Spectra

FRAME, STEP, TRANSFORM = 255, 128, 256

GRID = 1.0
"""Spacing of the spectra that become pictures, nm."""


def frames_of(bands: int) -> int:
    """Return how many frames a spectrum has.

    Raises
    ------
    InputError
        When it is shorter than one.
    """
    if bands < FRAME:
        raise InputError(
            f"The network looks at frames of {FRAME} nm and the spectra are left with {bands} nm. "
            "Trim less, or take PLSR or a random forest."
        )
    return 1 + (bands - FRAME) // STEP


def spectrograms(values: np.ndarray) -> np.ndarray:
    """Return the magnitudes of spectra on a 1 nm grid.

    Parameters
    ----------
    values : ndarray, shape (n, bands)

    Returns
    -------
    ndarray of float32, shape (n, frames, 129)
    """
    count = frames_of(values.shape[1])
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FRAME) / (FRAME - 1))
    starts = STEP * np.arange(count)
    framed = values[:, starts[:, None] + np.arange(FRAME)] * window
    return np.abs(np.fft.rfft(framed, TRANSFORM, axis=-1)).astype(np.float32)


def on_network_grid(spectra: Spectra) -> np.ndarray:
    """Bring pre-processed spectra to the network's grid, with straight lines over masked bands.

    Returns
    -------
    ndarray, shape (n, bands)
    """
    x = spectra.wavelengths
    first, last = np.ceil(x[0] / GRID - 1e-9), np.floor(x[-1] / GRID + 1e-9)
    grid = np.arange(first, last + 1) * GRID
    if len(grid) == len(x) and np.allclose(grid, x, rtol=0.0, atol=1e-6):
        return spectra.values
    return np.array([np.interp(grid, x, row) for row in spectra.values])
