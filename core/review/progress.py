"""How far a review is, how right the findings are so far, and how fast it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from gossan.core.proportions import proportion_interval, total_interval
from gossan.core.review.decisions import CONFIRMED, FALSE, UNSURE, DecisionLog, Entry

LONGEST_PAUSE = 120.0
"""Seconds between two decisions; what takes longer was not spent on judging."""


@dataclass(frozen=True)
class Precision:
    """Which share of the judged findings is right; unsure ones count as neither.

    Parameters
    ----------
    confirmed, rejected, unsure : int
    """

    confirmed: int
    rejected: int
    unsure: int

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Precision:
        """Count decisions that hold."""
        return cls.of_counts(Counter(entry.decision for entry in entries))

    @classmethod
    def of_counts(cls, counts: Mapping[str, int]) -> Precision:
        """Take the number of each decision."""
        right = sum(counts.get(each, 0) for each in CONFIRMED)
        return cls(right, counts.get(FALSE, 0), counts.get(UNSURE, 0))

    @property
    def judged(self) -> int:
        """Findings that were confirmed or rejected."""
        return self.confirmed + self.rejected

    @property
    def share(self) -> float | None:
        """Share of right ones; None before anything was judged."""
        return self.confirmed / self.judged if self.judged else None

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the Wilson interval of the share."""
        return proportion_interval(self.confirmed, self.judged, level=level)


@dataclass(frozen=True)
class Estimate:
    """How many of all findings are right, by a random sample of them.

    Parameters
    ----------
    expected : float
    low, high : int
        Exact interval of 95 % for sampling without replacement.
    sample, findings : int
        Findings of the sample that were confirmed or rejected, and all findings.
    """

    expected: float
    low: int
    high: int
    sample: int
    findings: int


def estimate_all(log: DecisionLog, findings: Collection[int], queue: str) -> Estimate | None:
    """Estimate how many findings are right in all, where part was judged in a random order.

    What was judged in another order is known and adds no uncertainty; the random order is a sample
    of the others. A finding stays in the sample when somebody judges it again elsewhere, for else
    the choice of what is judged again would bend the sample. Unsure ones are left out.

    Parameters
    ----------
    log : DecisionLog
    findings : collection of int
        All findings of the layer.
    queue : str
        Name of the random order, as entries carry it.

    Returns
    -------
    Estimate or None
        None when nothing was confirmed or rejected in that order.
    """
    sampled: list[Entry] = []
    elsewhere: list[Entry] = []
    for entry in log.standing():
        opinions = log.opinions(entry.finding).values()
        of_sample = any(opinion.queue == queue for opinion in opinions)
        (sampled if of_sample else elsewhere).append(entry)
    sample, known = Precision.of(sampled), Precision.of(elsewhere)
    if not sample.judged:
        return None
    population = len(findings) - len(elsewhere) - sample.unsure
    low, high = total_interval(sample.confirmed, sample.judged, population)
    share = sample.confirmed / sample.judged
    return Estimate(
        known.confirmed + share * population,
        known.confirmed + low,
        known.confirmed + high,
        sample.judged,
        len(findings),
    )


def seconds_for_each(entries: Iterable[Entry]) -> float | None:
    """Return the median seconds from one decision to the next, without pauses.

    Parameters
    ----------
    entries : iterable of Entry
        Decisions of one reviewer in the order in which they were made.

    Returns
    -------
    float or None
        None before two decisions came without a pause between them.
    """
    times = [_moment(entry.time) for entry in entries]
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(times, times[1:])]
    worked = [gap for gap in gaps if 0 <= gap <= LONGEST_PAUSE]
    return median(worked) if worked else None


def _moment(time: str) -> datetime:
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ")
