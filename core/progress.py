"""What a long computation tells its caller: how far it is, what it found, and whether to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gossan.core.errors import CancelledError


def _ignore(_: object) -> None:
    """Take a report and do nothing with it."""


def _ignore_measures(_: int, __: Mapping[str, float]) -> None:
    """Take measures and do nothing with them."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Progress:
    """Where a job reports to; silent by default, so that every function runs without one.

    Parameters
    ----------
    on_fraction : callable
        Called with the finished share of the work, 0 to 1.
    on_message, on_warning : callable
        Called with one sentence for people.
    cancelled : callable
        Returns True once the user wants the work to stop.
    start, end : float
        The share of the whole that this (part of the) work covers.
    on_measures : callable
        Called with the number of a step, such as an epoch, and what was measured at it by name:
        the points of curves that are drawn while a model is trained.
    """

    on_fraction: Callable[[float], None] = _ignore
    on_message: Callable[[str], None] = _ignore
    on_warning: Callable[[str], None] = _ignore
    cancelled: Callable[[], bool] = _never
    start: float = 0.0
    end: float = 1.0
    on_measures: Callable[[int, Mapping[str, float]], None] = _ignore_measures

    def fraction(self, value: float) -> None:
        """Report the finished share of this work (0 to 1) and stop here if it was cancelled."""
        self.check()
        share = min(max(value, 0.0), 1.0)
        self.on_fraction(self.start + share * (self.end - self.start))

    def say(self, text: str) -> None:
        """Log one sentence for people."""
        self.on_message(text)

    def warn(self, text: str) -> None:
        """Log one sentence that says what a finding means for the result."""
        self.on_warning(text)

    def measured(self, step: int, values: Mapping[str, float]) -> None:
        """Report what was measured at a step of training: one point of each live curve."""
        self.on_measures(step, values)

    def check(self) -> None:
        """Raise `CancelledError` once the work was cancelled; cheap enough for every block."""
        if self.cancelled():
            raise CancelledError

    def part(self, start: float, end: float) -> Progress:
        """Return the progress of a step that covers ``start`` to ``end`` of this work (0 to 1)."""
        span = self.end - self.start
        return Progress(
            self.on_fraction,
            self.on_message,
            self.on_warning,
            self.cancelled,
            self.start + start * span,
            self.start + end * span,
            self.on_measures,
        )
