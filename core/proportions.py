"""Shares of what was counted, with their uncertainty. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_FAR = 12.0
"""Standard deviations."""


def proportion_interval(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson (1927) interval of `hits` out of `n`; NaN for none at all."""
    if n <= 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)


@lru_cache(maxsize=64)
def total_interval(
    hits: int, sample: int, population: int, *, level: float = 0.95
) -> tuple[int, int]:
    """Return how many of a finite population have what a random sample of it was looked at for.

    The interval is exact: it holds every number under which a sample without replacement has as
    many hits, or more, and as many, or fewer, with a chance above half of what is left of `level`.

    Parameters
    ----------
    hits, sample, population : int
        Hits among the sample, size of the sample, size of the population it was drawn from.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    low, high : int
        Least and greatest number in the population; `hits` and below are certain.

    References
    ----------
    Buonaccorsi 1987, The American Statistician 41, 215-218.
    """
    least, most = hits, population - (sample - hits)
    if sample <= 0 or sample >= population:
        return least, most
    tail = (1 - level) / 2
    low = _first(least, most, lambda k: _at_least(hits, sample, k, population) > tail)
    missed = sample - hits
    # The same from the other side: those without are counted instead of those with.
    without = _first(
        population - most,
        population - least,
        lambda k: _at_least(missed, sample, k, population) > tail,
    )
    return low, population - without


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number for which something holds that goes on to hold; else the last."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _at_least(hits: int, sample: int, marked: int, population: int) -> float:
    """Return the chance of `hits` or more in a sample without replacement."""
    first = max(hits, sample - (population - marked), 0)
    last = min(sample, marked)
    mean = sample * marked / population
    spread = math.sqrt(mean * (1 - marked / population) * (population - sample) / (population - 1))
    # What lies so far from the mean adds less than a float can hold.
    first = max(first, math.floor(mean - _FAR * spread))
    last = min(last, math.ceil(mean + _FAR * spread))
    if first > last:
        return 0.0
    chance = math.exp(
        _choices(marked, first)
        + _choices(population - marked, sample - first)
        - _choices(population, sample)
    )
    chances = [chance]
    for k in range(first, last):
        chance *= (marked - k) * (sample - k)
        chance /= (k + 1) * (population - marked - sample + k + 1)
        chances.append(chance)
    return math.fsum(chances)


def _choices(n: int, k: int) -> float:
    """Return the logarithm of n choose k."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
