"""One reviewer at work on one layer: what is looked at, what a key does, what is to be told.

No widget and no QGIS here; the store does the writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gossan.core.errors import InputError
from gossan.core.review import decisions
from gossan.core.review.agreement import Disagreement, disagreements
from gossan.core.review.decisions import DecisionLog, Entry
from gossan.core.review.progress import Estimate, Precision, estimate_all, seconds_for_each
from gossan.core.review.queue import (
    ALL,
    DISAGREEMENTS,
    MINE,
    RANDOM,
    SECOND_OPINIONS,
    UNDECIDED,
    Order,
    Queue,
    arrange,
)


class Store(Protocol):
    """What a session needs of the store."""

    log: DecisionLog
    findings: Any
    """Has `items`: what the order depends on, by number."""

    def decide(
        self,
        finding: int,
        decided: str,
        reviewer: str,
        *,
        reason: str = "",
        comment: str = "",
        queue: str = "",
    ) -> None:
        """Write a decision."""

    def undo(self, reviewer: str) -> Entry | None:
        """Take back."""

    def refresh(self) -> None:
        """Read what others wrote."""

    def take_changed(self) -> set[int]:
        """Return the findings about which entries came since it was last asked."""


_NEWEST = 100
"""Entries by which the pace is judged."""


@dataclass(frozen=True)
class Standing:
    """How the review stands.

    Parameters
    ----------
    judged, findings : int
        Findings that anybody has judged, and all.
    mine : Precision
        Of this reviewer's decisions.
    estimate : Estimate or None
        Of all findings, where part was judged in this random order.
    seconds : float or None
        That this reviewer lately needs for one.
    open : int
        Still to be judged in the queue.
    """

    judged: int
    findings: int
    mine: Precision
    estimate: Estimate | None
    seconds: float | None
    open: int


class ReviewSession:
    """A reviewer at work.

    Parameters
    ----------
    store : Store
    reviewer : str
    order : Order
    only : str
        Which findings come up: undecided, all or mine.
    """

    def __init__(
        self, store: Store, reviewer: str, order: Order | None = None, only: str = UNDECIDED
    ) -> None:
        self.store = store
        self.reviewer = decisions.require_reviewer(reviewer)
        self.order = order or Order()
        self.only = only
        self.queue = Queue()
        self._open: set[int] = set()
        self.current: int | None = None
        self.wants_reason = False
        self.comment = ""
        self.arrange()

    @property
    def log(self) -> DecisionLog:
        """All decisions."""
        return self.store.log

    # ---------------------------------------------------------------- moving

    def arrange(self, order: Order | None = None, only: str = "") -> None:
        """Put the findings in order anew, and begin with the first."""
        self.order = order or self.order
        self.only = only or self.only
        self.store.refresh()
        items = self.store.findings.items.values()
        self.queue = Queue(arrange(items, self.order, self.log, self.reviewer, self.only))
        self._open = {finding for finding in self.queue.findings if self._is_open(finding)}
        self._look_at(self.queue.current)

    def step(self, by: int) -> None:
        """Go forward or back in the queue."""
        self.store.refresh()
        self._count()
        if self.current is not None and self.current not in self.queue:
            self._look_at(self.queue.current)  # back from a finding outside it
        else:
            self._look_at(self.queue.step(by))

    def go_to(self, finding: int) -> None:
        """Look at a finding, whether it is in the queue or not.

        Raises
        ------
        InputError
            When the layer has none of that number.
        """
        if finding not in self.store.findings.items:
            raise InputError(f"There is no finding {finding} in this layer.")
        self.queue.go_to(finding)
        self._look_at(finding)

    # ---------------------------------------------------------------- deciding

    def decide(self, decided: str) -> bool:
        """Decide about the finding that is looked at; go on, but after *false* wait for a reason.

        Returns
        -------
        bool
            Whether there was a further finding to go on to.
        """
        if self.wants_reason and decided == decisions.FALSE:
            return self.go_on()
        self._write(decided)
        if decided == decisions.FALSE:
            self.wants_reason = True
            return True
        return self.go_on()

    def reject(self, reason: str) -> bool:
        """Call the finding that is looked at false, with a reason, and go on."""
        self._write(decisions.FALSE, reason)
        return self.go_on()

    def set_comment(self, text: str) -> None:
        """Keep a comment: with the decision about this finding, or until there is one."""
        own = self.own()
        self.comment = text.strip()
        if self.current is not None and own is not None and own.comment != self.comment:
            self._write(own.decision, own.reason)

    def undo(self) -> Entry | None:
        """Take the last thing back and look at its finding."""
        taken = self.store.undo(self.reviewer)
        self._count()
        if taken is not None and taken.finding in self.store.findings.items:
            self.queue.go_to(taken.finding)
            self._look_at(taken.finding)
            self.comment = self.comment or taken.comment
        return taken

    def go_on(self) -> bool:
        """Look at the next finding that is still to be judged."""
        if self.only in (ALL, MINE) or self.order.kind == DISAGREEMENTS:
            before = self.queue.position
            self._look_at(self.queue.step(1))
            return self.queue.position != before
        following = self.queue.advance(self._is_open)
        self._look_at(self.current if following is None else following)
        return following is not None

    # ---------------------------------------------------------------- telling

    def own(self) -> Entry | None:
        """Return what this reviewer says of the finding that is looked at."""
        return None if self.current is None else self.log.opinion(self.current, self.reviewer)

    def others(self) -> list[Entry] | None:
        """Return what others say of it; None as long as that is hidden, for a blind opinion."""
        if self.current is None:
            return []
        opinions = self.log.opinions(self.current)
        others = [entry for name, entry in sorted(opinions.items()) if name != self.reviewer]
        return None if others and self.reviewer not in opinions else others

    def standing(self) -> Standing:
        """Return how the review stands."""
        findings = self.store.findings.items
        estimate = None
        if self.order.kind == RANDOM:
            estimate = estimate_all(self.log, findings, str(self.order))
        return Standing(
            len(self.log.standing()),
            len(findings),
            Precision.of_counts(self.log.counts(self.reviewer)),
            estimate,
            seconds_for_each(self.log.recent(self.reviewer, _NEWEST)),
            len(self._open),
        )

    def disagreements(self) -> list[Disagreement]:
        """Return those that may be told: none on which this reviewer is still to decide."""
        return [
            each
            for each in disagreements(self.log)
            if self.reviewer in self.log.opinions(each.finding)
        ]

    # ---------------------------------------------------------------- inside

    def _write(self, decided: str, reason: str = "") -> None:
        if self.current is None:
            raise InputError("There is no finding to decide about.")
        self.store.decide(
            self.current,
            decided,
            self.reviewer,
            reason=reason,
            comment=self.comment,
            queue=self._came_up_in(),
        )
        self._count()

    def _came_up_in(self) -> str:
        """Return the order to which a decision counts: that of the first look at the finding."""
        own = self.own()
        if own is not None:
            return own.queue
        return str(self.order) if self.current in self.queue else ""

    def _count(self) -> None:
        """Note which findings of the queue are still open, after decisions here or elsewhere."""
        for finding in self.store.take_changed():
            if finding in self.queue and self._is_open(finding):
                self._open.add(finding)
            else:
                self._open.discard(finding)

    def _is_open(self, finding: int) -> bool:
        if self.order.kind == SECOND_OPINIONS:
            return self.log.opinion(finding, self.reviewer) is None
        return not self.log.opinions(finding)

    def _look_at(self, finding: int | None) -> None:
        self.current = finding
        self.wants_reason = False
        own = self.own()
        self.comment = own.comment if own else ""
