"""Two searches of the same ground side by side: what stayed, what went, what is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gossan.core.review.decisions import CONFIRMED, FALSE


@dataclass(frozen=True)
class Comparison:
    """What a second search found of the findings of a first one.

    Parameters
    ----------
    kept, lost : tuple of int
        Findings of the first search that the second has too, and that it has not.
    gained : tuple of int
        Findings of the second search where the first had none.
    mines, mines_kept : int
        Findings that were confirmed, and those of them that are kept.
    false, false_kept : int
        Findings that were rejected, and those of them that are kept.
    """

    kept: tuple[int, ...]
    lost: tuple[int, ...]
    gained: tuple[int, ...]
    mines: int
    mines_kept: int
    false: int
    false_kept: int

    @property
    def precision_before(self) -> float | None:
        """Share of the judged findings that is right; None where none was judged."""
        judged = self.mines + self.false
        return self.mines / judged if judged else None

    @property
    def precision_after(self) -> float | None:
        """The same of those judged findings that the second search has too."""
        judged = self.mines_kept + self.false_kept
        return self.mines_kept / judged if judged else None

    def sentences(self) -> list[str]:
        """Return what changed, in words."""
        before, after = len(self.kept) + len(self.lost), len(self.kept) + len(self.gained)
        told = [
            f"{before} {_findings(before)} before: {len(self.kept)} kept, {len(self.lost)} lost. "
            f"{len(self.gained)} new."
        ]
        if self.false:
            gone = self.false - self.false_kept
            told.append(f"Of {self.false} that you rejected, {gone} {_are(gone)} gone.")
        if self.mines:
            told.append(f"Of {self.mines} that you confirmed, {self.mines_kept} stayed.")
        first, second = self.precision_before, self.precision_after
        if first is not None and second is not None:
            told.append(
                f"Precision among what was reviewed: {first:.0%} before, {second:.0%} after."
            )
        if self.mines_kept < self.mines:
            told.append(
                "Mines were lost: search with a lower threshold, or confirm more mines and teach "
                "again."
            )
        if after and self.gained:
            told.append("Nobody has reviewed the new ones yet.")
        return told


def compare(
    before: Mapping[int, str], after: Iterable[int], touching: Iterable[tuple[int, int]]
) -> Comparison:
    """Compare the findings of two searches.

    Parameters
    ----------
    before : mapping of int to str
        Decision on each finding of the first search, empty for none.
    after : iterable of int
        Findings of the second search.
    touching : iterable of (int, int)
        Pairs of a finding of the first and one of the second search that share ground.

    Returns
    -------
    Comparison
    """
    pairs = set(touching)
    stayed, known = {first for first, _ in pairs}, {second for _, second in pairs}
    decided = {number: (text or "").strip().lower() for number, text in before.items()}
    mines = [number for number, text in decided.items() if text in CONFIRMED]
    false = [number for number, text in decided.items() if text == FALSE]
    return Comparison(
        tuple(sorted(number for number in decided if number in stayed)),
        tuple(sorted(number for number in decided if number not in stayed)),
        tuple(sorted(number for number in set(after) if number not in known)),
        len(mines),
        sum(number in stayed for number in mines),
        len(false),
        sum(number in stayed for number in false),
    )


def _findings(count: int) -> str:
    return "finding" if count == 1 else "findings"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
