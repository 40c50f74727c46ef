"""The order in which findings come up for review, and where the reviewer is in it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gossan.core.errors import InputError
from gossan.core.review.decisions import DecisionLog

CONFIDENT, UNCERTAIN, RANDOM = "most confident", "least certain", "random"
UNREGISTERED, DISAGREEMENTS = "unregistered first", "disagreements"
SECOND_OPINIONS = "second opinions"
ORDERS = (CONFIDENT, UNCERTAIN, RANDOM, UNREGISTERED, SECOND_OPINIONS, DISAGREEMENTS)

UNDECIDED, ALL, MINE = "undecided", "all", "mine"
FILTERS = (UNDECIDED, ALL, MINE)


@dataclass(frozen=True)
class Item:
    """What the order of a finding depends on.

    Parameters
    ----------
    finding : int
        Its number.
    probability : float or None
        Between 0 and 1; None where it is not known.
    registered : str
        ``yes``, ``no`` or "" where it was never compared with a register.
    """

    finding: int
    probability: float | None = None
    registered: str = ""


@dataclass(frozen=True)
class Order:
    """An order with what it needs.

    Parameters
    ----------
    kind : str
        One of `ORDERS`.
    threshold : float
        For ``least certain``: the probability at which a place counts as a mine.
    seed : int
        For ``random``.
    """

    kind: str = CONFIDENT
    threshold: float = 0.5
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.seed}" if self.kind == RANDOM else self.kind


def arrange(
    items: Iterable[Item],
    order: Order,
    log: DecisionLog,
    reviewer: str,
    only: str = UNDECIDED,
) -> list[int]:
    """Return the numbers of the findings that come up, the first to be judged first.

    Findings without a probability come last wherever it decides; equals come by their number.

    Parameters
    ----------
    items : iterable of Item
    order : Order
        Second opinions are findings that others have judged and this reviewer has not;
        disagreements are those on which standing decisions differ. Both have their own choice of
        findings, so `only` does not apply to them.
    log : DecisionLog
    reviewer : str
    only : str
        ``undecided`` (nobody has decided), ``all`` or ``mine`` (this reviewer has decided).
    """
    if order.kind not in ORDERS:
        raise InputError(f"Unknown order {order.kind!r}; use one of {', '.join(ORDERS)}.")
    if only not in FILTERS:
        raise InputError(f"Unknown choice {only!r}; use one of {', '.join(FILTERS)}.")
    wanted = [item for item in items if _comes_up(item.finding, order.kind, log, reviewer, only)]
    wanted.sort(key=_by_number)
    if order.kind == RANDOM:
        # Drawn over the numbers themselves, so that a finding's place among the others stays the
        # same when some are judged and fall out.
        rank = {item.finding: _rank(order.seed, item.finding) for item in wanted}
        wanted.sort(key=lambda item: rank[item.finding])
    elif order.kind == UNCERTAIN:
        wanted.sort(key=_by_distance(order.threshold))
    elif order.kind == UNREGISTERED:
        wanted.sort(key=lambda item: (_REGISTERED.get(item.registered, 1), *_by_falling(item)))
    else:
        wanted.sort(key=_by_falling)
    return [item.finding for item in wanted]


_REGISTERED = {"no": 0, "": 1, "yes": 2}


def _comes_up(finding: int, kind: str, log: DecisionLog, reviewer: str, only: str) -> bool:
    opinions = log.opinions(finding)
    if kind == SECOND_OPINIONS:
        return bool(opinions) and reviewer not in opinions
    if kind == DISAGREEMENTS:
        return differ(entry.decision for entry in opinions.values())
    if only == UNDECIDED:
        return not opinions
    return only == ALL or reviewer in opinions


def differ(decisions: Iterable[str]) -> bool:
    """Tell whether decisions are not all the same."""
    return len(set(decisions)) > 1


def _by_number(item: Item) -> int:
    return item.finding


def _by_falling(item: Item) -> tuple[float, int]:
    return (math.inf if item.probability is None else -item.probability), item.finding


def _by_distance(threshold: float) -> Callable[[Item], tuple[float, int]]:
    def key(item: Item) -> tuple[float, int]:
        far = math.inf if item.probability is None else abs(item.probability - threshold)
        return far, item.finding

    return key


def _rank(seed: int, finding: int) -> bytes:
    """Return a number that nothing of a finding bends, the same with every Python."""
    return hashlib.blake2b(f"{seed}/{finding}".encode(), digest_size=8).digest()


class Queue:
    """Findings in order, and the one that is looked at.

    Parameters
    ----------
    findings : sequence of int
        Numbers in order, each once.
    at : int or None
        The finding to begin with; the first where it is not among them.
    """

    def __init__(self, findings: Sequence[int] = (), at: int | None = None) -> None:
        self.findings = list(findings)
        self._places = {finding: place for place, finding in enumerate(self.findings)}
        self.position = self._places.get(at, 0) if at is not None else 0

    def __len__(self) -> int:
        return len(self.findings)

    def __contains__(self, finding: int) -> bool:
        return finding in self._places

    @property
    def current(self) -> int | None:
        """The finding that is looked at; None in an empty queue."""
        return self.findings[self.position] if self.findings else None

    def step(self, by: int) -> int | None:
        """Go forward or back, no further than the ends; return the finding there."""
        if self.findings:
            self.position = min(max(self.position + by, 0), len(self.findings) - 1)
        return self.current

    def go_to(self, finding: int) -> bool:
        """Go to a finding; tell whether it is in the queue."""
        place = self._places.get(finding)
        if place is None:
            return False
        self.position = place
        return True

    def advance(self, is_open: Callable[[int], bool]) -> int | None:
        """Go to the next finding that is still to be judged, from the end on to the beginning.

        Parameters
        ----------
        is_open : callable
            Tells whether a finding is still to be judged.

        Returns
        -------
        int or None
            The finding; None, staying where it is, when there is none left.
        """
        count = len(self.findings)
        for ahead in range(1, count + 1):
            place = (self.position + ahead) % count
            if is_open(self.findings[place]):
                self.position = place
                return self.findings[place]
        return None
