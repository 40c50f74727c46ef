"""Writing through a data provider into a file that others may be writing to as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

_PATIENCE, _PAUSE = 1.0, 0.03
"""Seconds."""


def insistently(write: Callable[[], bool], provider: Any) -> bool:
    """Write, for a second again and again where another program wrote at the same moment.

    SQLite waits by itself for a lock, but gives up at once where what it had read before is out of
    date; then a new attempt helps.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        provider.clearErrors()
        if write():
            return True
        if time.monotonic() > deadline or "locked" not in " ".join(provider.errors()):
            return False
        time.sleep(_PAUSE)


def sentence_of(what: str, path: str, errors: Iterable[str]) -> str:
    """Return why something could not be written, as a sentence."""
    reasons = " ".join(errors)
    if "locked" in reasons:
        return (
            f"{what} could not be written: another program is writing to {path} and does not let "
            "go. Try again when it is done."
        )
    return f"{what} could not be written to {path}. {reasons}".strip()
