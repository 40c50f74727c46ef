"""Decisions of reviewers as an append-only log, and what holds now by it.

Nothing in the log is ever changed. An undo is one more entry, which withdraws an earlier one, so
what holds at any time is what is left when the withdrawn entries are taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timezone
from typing import Any

from gossan.core.errors import InputError

MINE, DAM, FALSE, UNSURE = "mine", "dam", "false", "unsure"
DECISIONS = (MINE, DAM, FALSE, UNSURE)
CONFIRMED = (MINE, DAM)

REASONS = ("irrigation dam", "river bank", "bare field", "built-up", "cloud", "other")
"""Why a finding is false; any other text may stand there too."""

DECIDE, WITHDRAW, MOVE, MOVE_ENTRY = "decide", "withdraw", "move", "move entry"
ACTIONS = (DECIDE, WITHDRAW, MOVE, MOVE_ENTRY)


@dataclass(frozen=True)
class Entry:
    """One row of the log.

    Parameters
    ----------
    finding : int
        Number of the finding that it is about.
    action : str
        ``decide``, ``withdraw``, ``move`` (the finding) or ``move entry`` (of a register).
    reviewer : str
    time : str
        UTC, ISO 8601 to the second.
    decision : str
        ``mine``, ``dam``, ``false`` or ``unsure``, for decisions.
    reason : str
        Why a finding is false.
    comment : str
    model : str
        Fingerprint of the detector whose finding it is; "" where the layer does not tell.
    queue : str
        The order in which the finding came up, such as ``random 7``.
    withdraws : int
        For ``withdraw``: the number of the entry that no longer counts.
    old_place, new_place : str
        For moves: geometries as WKT, in the CRS of their layer.
    layer : str
        For ``move entry``: the register.
    row : int
        For ``move entry``: the register's row.
    number : int
        Place in the log, rising; 0 before it was written.
    """

    finding: int
    action: str
    reviewer: str
    time: str
    decision: str = ""
    reason: str = ""
    comment: str = ""
    model: str = ""
    queue: str = ""
    withdraws: int = 0
    old_place: str = ""
    new_place: str = ""
    layer: str = ""
    row: int = 0
    number: int = 0

    def numbered(self, number: int) -> Entry:
        """Return the same entry with its place in the log."""
        return replace(self, number=number)

    def values(self) -> dict[str, Any]:
        """Return what is written of it: every parameter but its place, which the file gives."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS: Mapping[str, type] = {
    each.name: int if each.name in ("finding", "withdraws", "row") else str
    for each in fields(Entry)
    if each.name != "number"
}
"""Columns of the table of decisions."""


def now() -> str:
    """Return the time as entries carry it."""
    return as_time(datetime.now(timezone.utc))


def as_time(moment: datetime) -> str:
    """Return a time as entries carry it; one without a zone is UTC."""
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return zoned.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def decision(
    finding: int,
    decided: str,
    reviewer: str,
    *,
    time: str = "",
    reason: str = "",
    comment: str = "",
    model: str = "",
    queue: str = "",
) -> Entry:
    """Return the entry of a decision.

    Raises
    ------
    InputError
        When there is no such decision, nobody made it, or a reason is given for something that
        was not rejected.
    """
    if decided not in DECISIONS:
        raise InputError(f"Unknown decision {decided!r}; use one of {', '.join(DECISIONS)}.")
    if reason and decided != FALSE:
        raise InputError("Only findings that are called false have a reason for it.")
    return Entry(
        finding,
        DECIDE,
        require_reviewer(reviewer),
        time or now(),
        decision=decided,
        reason=reason,
        comment=comment,
        model=model,
        queue=queue,
    )


def withdrawal(entry: Entry, reviewer: str, *, time: str = "") -> Entry:
    """Return the entry that takes an earlier one back."""
    if entry.action == WITHDRAW or not entry.number:
        raise InputError("Only decisions and moves that were written can be taken back.")
    return Entry(
        entry.finding,
        WITHDRAW,
        require_reviewer(reviewer),
        time or now(),
        model=entry.model,
        withdraws=entry.number,
    )


def require_reviewer(name: str) -> str:
    """Return the name of a reviewer without blanks around it.

    Raises
    ------
    InputError
        When it is empty.
    """
    if not name.strip():
        raise InputError("Type your name first: every decision carries the name of who made it.")
    return name.strip()


class DecisionLog:
    """What holds by the entries so far.

    Parameters
    ----------
    entries : iterable of Entry
        In the order in which they were written.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: dict[int, Entry] = {}
        self._withdrawn: set[int] = set()
        self._decisions: dict[int, dict[str, list[Entry]]] = {}
        self._states: dict[int, Entry] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._by_reviewer: dict[str, list[int]] = {}
        for entry in entries:
            self.add(entry)

    @property
    def last(self) -> int:
        """Number of the newest entry; 0 for an empty log."""
        return next(reversed(self.entries), 0)

    def add(self, entry: Entry) -> None:
        """Take one more entry in; one that is already there changes nothing.

        Raises
        ------
        InputError
            When it has no number, an unknown action, or comes before one that is there.
        """
        if entry.number in self.entries:
            return
        if entry.number <= self.last:
            raise InputError("Entries of the decisions must come in the order of their numbers.")
        if entry.action not in ACTIONS:
            raise InputError(
                f"Entry {entry.number} of the decisions: unknown action {entry.action!r}; "
                "a newer Gossan may have written it."
            )
        self.entries[entry.number] = entry
        if entry.action == WITHDRAW:
            self._withdraw(entry.withdraws)
            return
        self._by_reviewer.setdefault(entry.reviewer, []).append(entry.number)
        if entry.action == DECIDE:
            before = self.opinion(entry.finding, entry.reviewer)
            of_finding = self._decisions.setdefault(entry.finding, {})
            of_finding.setdefault(entry.reviewer, []).append(entry)
            self._note(entry, before)

    def opinions(self, finding: int) -> dict[str, Entry]:
        """Return what each reviewer says of a finding now."""
        return {
            reviewer: made[-1]
            for reviewer, made in self._decisions.get(finding, {}).items()
            if made
        }

    def opinion(self, finding: int, reviewer: str) -> Entry | None:
        """Return what one reviewer says of a finding now."""
        made = self._decisions.get(finding, {}).get(reviewer)
        return made[-1] if made else None

    def state(self, finding: int) -> Entry | None:
        """Return the decision that stands on a finding: the newest that was not taken back."""
        return self._states.get(finding)

    def findings(self) -> set[int]:
        """Return the findings that somebody has ever decided about."""
        return set(self._decisions)

    def reviewers(self) -> list[str]:
        """Return who has a decision that holds, by name."""
        return sorted(reviewer for reviewer, counts in self._counts.items() if sum(counts.values()))

    def undoable(self, reviewer: str) -> Entry | None:
        """Return the newest entry of a reviewer that was not taken back."""
        numbers = self._by_reviewer.get(reviewer)
        return self.entries[numbers[-1]] if numbers else None

    def standing(self) -> Collection[Entry]:
        """Return the decisions that stand, one for each finding that was judged."""
        return self._states.values()

    def counts(self, reviewer: str) -> Counter[str]:
        """Return how often a reviewer's decisions that hold are which."""
        return self._counts.get(reviewer, Counter())

    def recent(self, reviewer: str, count: int) -> list[Entry]:
        """Return a reviewer's newest decisions that hold, as they were made, of `count` entries."""
        numbers = self._by_reviewer.get(reviewer, [])[-count:]
        entries = [self.entries[number] for number in numbers]
        return [entry for entry in entries if self.opinion(entry.finding, reviewer) is entry]

    def is_withdrawn(self, number: int) -> bool:
        """Tell whether an entry was taken back."""
        return number in self._withdrawn

    def _withdraw(self, number: int) -> None:
        taken = self.entries.get(number)
        if taken is None or number in self._withdrawn:
            return  # Of another search that had the layer's name, or taken back by two at once.
        self._withdrawn.add(number)
        self._by_reviewer[taken.reviewer].remove(number)
        if taken.action == DECIDE:
            before = self.opinion(taken.finding, taken.reviewer)
            self._decisions[taken.finding][taken.reviewer].remove(taken)
            self._note(taken, before)

    def _note(self, changed: Entry, before: Entry | None) -> None:
        """Bring what is kept at hand, so that no step of a review goes through all findings."""
        finding, counts = changed.finding, self._counts.setdefault(changed.reviewer, Counter())
        after = self.opinion(finding, changed.reviewer)
        if before is not None:
            counts[before.decision] -= 1
        if after is not None:
            counts[after.decision] += 1
        newest = max(self.opinions(finding).values(), key=lambda entry: entry.number, default=None)
        if newest is None:
            self._states.pop(finding, None)
        else:
            self._states[finding] = newest
