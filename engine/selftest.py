"""Tiny jobs that misbehave on purpose, so that the boundary can be tested where it runs."""

from __future__ import annotations

import os
import sys
import time

from gossan.core.errors import InputError
from gossan.core.files import write_then_rename
from gossan.core.progress import Progress


def sleep(progress: Progress, *, seconds: float = 1.0, steps: int = 100) -> dict[str, float]:
    """Do nothing for so many seconds, report progress, and stop when cancelled."""
    progress.say(f"Sleeping {seconds} s")
    for step in range(steps):
        progress.fraction(step / steps)
        time.sleep(seconds / steps)
    progress.fraction(1.0)
    return {"seconds": seconds}


def measure(progress: Progress, *, losses: list[float]) -> dict[str, int]:
    """Report these losses as if each came from an epoch of training."""
    for epoch, loss in enumerate(losses, start=1):
        progress.measured(epoch, {"loss": loss})
    return {"epochs": len(losses)}


def stubborn(progress: Progress, *, seconds: float = 60.0, output: str = "") -> dict[str, float]:
    """Take so many seconds and never look whether the user wants to stop; write a file if asked."""
    if output:
        with write_then_rename(output) as part:
            part.write_text("half")
            progress.say("Not listening")
            time.sleep(seconds)
    else:
        progress.say("Not listening")
        time.sleep(seconds)
    return {"seconds": seconds}


def fail(progress: Progress, *, sentence: str, expected: bool = True) -> None:
    """Fail with an error that users can act on, or with one that nobody foresaw."""
    progress.warn("About to fail")
    if expected:
        raise InputError(sentence)
    raise ZeroDivisionError(sentence)


def crash(progress: Progress) -> None:
    """End the process as a fault in a compiled library does."""
    progress.say("Crashing")
    os.abort()


def memory(progress: Progress) -> None:
    """Ask for more memory than any machine has."""
    progress.say("Asking for memory")
    bytearray(1 << 62)


def print_everywhere(progress: Progress, *, text: str) -> dict[str, str]:
    """Write to standard output in all the ways that libraries do."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    os.write(1, text.encode() + b"\n")
    progress.say("Printed")
    return {"text": text}
