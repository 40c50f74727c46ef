"""Pollution indices of soils from element concentrations and background values."""

from __future__ import annotations

import numpy as np

GEOACCUMULATION_LIMITS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
GEOACCUMULATION_CLASSES = (
    "unpolluted",
    "unpolluted to moderately polluted",
    "moderately polluted",
    "moderately to heavily polluted",
    "heavily polluted",
    "heavily to extremely polluted",
    "extremely polluted",
)
NEMEROW_LIMITS = (0.7, 1.0, 2.0, 3.0)
NEMEROW_CLASSES = ("safe", "warning limit", "slight", "moderate", "heavy")


def geoaccumulation_index(concentrations: np.ndarray, backgrounds: np.ndarray) -> np.ndarray:
    """Return Igeo = log2(C / (1.5 B)), of the shape of the concentrations.

    Parameters
    ----------
    concentrations : ndarray of shape (..., elements)
        mg/kg; zero or less has no logarithm and gives NaN.
    backgrounds : ndarray of shape (elements,)
        Background concentrations, mg/kg, above zero.

    References
    ----------
    G. Müller: Index of geoaccumulation in sediments of the Rhine River. GeoJournal 2 (1969).
    """
    positive = np.where(concentrations > 0, concentrations, np.nan)
    return np.log2(positive / (1.5 * backgrounds))


def single_index(concentrations: np.ndarray, backgrounds: np.ndarray) -> np.ndarray:
    """Return P = C / B, the single pollution index, of the shape of the concentrations."""
    return concentrations / backgrounds


def nemerow_index(single: np.ndarray) -> np.ndarray:
    """Return Nemerow's index, sqrt((mean(P)^2 + max(P)^2) / 2), over the last axis.

    Parameters
    ----------
    single : ndarray of shape (..., elements)
        Single pollution indices; where one is missing, so is the result.

    References
    ----------
    N. L. Nemerow: Scientific Stream Pollution Analysis (1974).
    """
    mean = single.mean(axis=-1)
    greatest = single.max(axis=-1)
    return np.sqrt((mean**2 + greatest**2) / 2.0)


def exceedances(concentrations: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return by how many elements their limit is exceeded, over the last axis.

    Parameters
    ----------
    concentrations : ndarray of shape (..., elements)
        mg/kg; where one that has a limit is missing, so is the result.
    limits : ndarray of shape (elements,)
        mg/kg; NaN where an element has no limit. Without any limit all results are missing.
    """
    limited = np.isfinite(limits)
    if not limited.any():
        return np.full(concentrations.shape[:-1], np.nan, dtype=np.float32)
    values = concentrations[..., limited]
    count = (values > limits[limited]).sum(axis=-1).astype(np.float32)
    count[np.isnan(values).any(axis=-1)] = np.nan
    return count


def class_shares(values: np.ndarray, limits: tuple[float, ...]) -> np.ndarray:
    """Count the finite values in each class that the limits part; a limit belongs below.

    Returns
    -------
    ndarray of shape (len(limits) + 1,)
    """
    finite = values[np.isfinite(values)]
    return np.bincount(
        np.searchsorted(np.asarray(limits), finite, side="left"), minlength=len(limits) + 1
    )
