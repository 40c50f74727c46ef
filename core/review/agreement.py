"""How far reviewers agree beyond chance, and where they do not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

from gossan.core.review.decisions import DECISIONS, DecisionLog, Entry
from gossan.core.review.queue import differ


@dataclass(frozen=True)
class Agreement:
    """Two reviewers on the findings that both have judged.

    Parameters
    ----------
    first, second : str
        Their names.
    table : dict of (str, str) to int
        How often the first decided the one and the second the other.
    """

    first: str
    second: str
    table: dict[tuple[str, str], int]

    @property
    def findings(self) -> int:
        """Findings that both have judged."""
        return sum(self.table.values())

    @property
    def same(self) -> int:
        """Findings on which they decided the same."""
        return sum(count for (one, other), count in self.table.items() if one == other)

    @property
    def share(self) -> float:
        """Share on which they agree; NaN without any."""
        return self.same / self.findings if self.findings else math.nan

    @property
    def kappa(self) -> float:
        """Cohen's (1960) kappa; NaN where chance alone explains all, or nothing is shared."""
        chance = self._chance()
        return math.nan if not chance < 1 else (self.share - chance) / (1 - chance)

    @property
    def error(self) -> float:
        """Standard error of kappa for large samples (Fleiss, Cohen and Everitt 1969)."""
        n, kappa, chance = self.findings, self.kappa, self._chance()
        if not n or math.isnan(kappa):
            return math.nan
        first, second = self._margins()
        on = math.fsum(
            self._part(c, c) * (1 - (first[c] + second[c]) * (1 - kappa)) ** 2 for c in DECISIONS
        )
        off = math.fsum(
            self._part(a, b) * (second[a] + first[b]) ** 2
            for a in DECISIONS
            for b in DECISIONS
            if a != b
        )
        inner = on + (1 - kappa) ** 2 * off - (kappa - chance * (1 - kappa)) ** 2
        return math.sqrt(max(inner, 0.0) / n) / (1 - chance)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of kappa by its standard error."""
        half = NormalDist().inv_cdf((1 + level) / 2) * self.error
        return max(self.kappa - half, -1.0), min(self.kappa + half, 1.0)

    def of_class(self, decided: str) -> float:
        """Return the agreement on one class: of all that called it so, how many were two (Dice)."""
        both = self.table.get((decided, decided), 0)
        one = sum(count for pair, count in self.table.items() if pair[0] == decided)
        other = sum(count for pair, count in self.table.items() if pair[1] == decided)
        return 2 * both / (one + other) if one + other else math.nan

    def _part(self, one: str, other: str) -> float:
        return self.table.get((one, other), 0) / self.findings

    def _margins(self) -> tuple[dict[str, float], dict[str, float]]:
        first = {a: math.fsum(self._part(a, b) for b in DECISIONS) for a in DECISIONS}
        second = {b: math.fsum(self._part(a, b) for a in DECISIONS) for b in DECISIONS}
        return first, second

    def _chance(self) -> float:
        if not self.findings:
            return math.nan
        first, second = self._margins()
        chance = math.fsum(first[c] * second[c] for c in DECISIONS)
        return 1.0 if math.isclose(chance, 1.0) else chance


@dataclass(frozen=True)
class Disagreement:
    """A finding that reviewers judge differently.

    Parameters
    ----------
    finding : int
    opinions : sequence of Entry
        What each says now, by name.
    """

    finding: int
    opinions: Sequence[Entry]


def agreements(log: DecisionLog) -> list[Agreement]:
    """Return every two reviewers who share findings, those who share most first."""
    tables: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for finding in log.findings():
        opinions = log.opinions(finding)
        for pair in combinations(sorted(opinions), 2):
            decided = opinions[pair[0]].decision, opinions[pair[1]].decision
            tables.setdefault(pair, Counter())[decided] += 1
    found = [Agreement(*pair, dict(table)) for pair, table in tables.items()]
    return sorted(found, key=lambda each: (-each.findings, each.first, each.second))


def disagreements(log: DecisionLog) -> list[Disagreement]:
    """Return the findings on which standing decisions differ, by their number."""
    found = []
    for finding in sorted(log.findings()):
        opinions = log.opinions(finding)
        if differ(entry.decision for entry in opinions.values()):
            found.append(Disagreement(finding, [opinions[name] for name in sorted(opinions)]))
    return found
