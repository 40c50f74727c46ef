"""Labels of footprints: how many deposits lie in each, of which commodities, how rich that is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gossan.models.deposits.deposit_table import Deposits
from gossan.models.deposits.sphere import SphericalPolygons, find_hits


@dataclass(frozen=True)
class Labels:
    """Counts of deposits in footprints.

    Parameters
    ----------
    counts : ndarray of int, shape (footprints,)
        Deposits in each.
    by_commodity : mapping of ndarray of int, shape (footprints,)
        Deposits of each commodity, by its name in lower case.
    covered : int
        Deposits that lie in any footprint.
    """

    counts: np.ndarray
    by_commodity: Mapping[str, np.ndarray]
    covered: int


def label(footprints: SphericalPolygons, deposits: Deposits, commodities: Sequence[str]) -> Labels:
    """Count the deposits in each footprint, exactly.

    Parameters
    ----------
    footprints : SphericalPolygons
    deposits : Deposits
    commodities : sequence of str
        Those to count apart, in lower case.
    """
    hits = find_hits(footprints, deposits.longitude, deposits.latitude)
    sums = hits.sums(deposits.has(commodities))
    return Labels(
        hits.counts,
        {name: sums[:, k].astype(np.int64) for k, name in enumerate(commodities)},
        len(np.unique(hits.points)),
    )


def richness(counts: np.ndarray, greatest: float | None = None) -> np.ndarray:
    """Return ln(n + 1) / greatest ln(n + 1), 0 to 1 among those that give the greatest.

    Parameters
    ----------
    counts : ndarray, shape (n,)
    greatest : float or None
        Greatest ln(n + 1); that of the counts by default. All are 0 where it is 0.
    """
    logarithms = np.log1p(np.asarray(counts, dtype=np.float64))
    most = float(logarithms.max(initial=0.0)) if greatest is None else greatest
    return logarithms / most if most > 0 else np.zeros_like(logarithms)


def field_of(commodity: str) -> str:
    """Return the name of the field with the count of a commodity: ``n_fluorine_fluorite``."""
    return "n_" + re.sub(r"[^a-z0-9]+", "_", commodity.lower()).strip("_")
