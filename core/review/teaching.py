"""Teaching a detector by what a reviewer decided: what there is to learn from, and the steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gossan.core.review.decisions import CONFIRMED, FALSE, UNSURE

FEW = 5
"""With fewer confirmed or rejected findings than this, a detector learns little that lasts."""

EPOCHS, BATCH, BALANCE = 8, 4, "balanced batches"
"""How a detector is taught; measured by ``bench/mines.py teaching``."""

THRESHOLD = 0.5
"""From which probability a taught detector calls a cell a mine.

What was rejected takes from the network many signs of a mine, and where it sees signs of neither it
answers one half. A mine should not be lost for that.
"""

COLLECT, TRAIN, SEARCH = "collect", "train", "search"
STEPS = (COLLECT, TRAIN, SEARCH)
SUFFIX = ".gossan"
ALGORITHMS = {
    COLLECT: "gossan:collectreviewed",
    TRAIN: "gossan:trainminedetector",
    SEARCH: "gossan:detectmines",
}
IN_WORDS = {
    COLLECT: "Cutting examples from the images",
    TRAIN: "Teaching the detector",
    SEARCH: "Searching again",
}
_SHARES = {COLLECT: (0.0, 0.1), TRAIN: (0.1, 0.8), SEARCH: (0.8, 1.0)}


@dataclass(frozen=True)
class Lesson:
    """How many findings there are to learn from.

    Parameters
    ----------
    confirmed, rejected, unsure, open : int
        Findings by their decision; ``open`` ones have none.
    """

    confirmed: int
    rejected: int
    unsure: int
    open: int

    @classmethod
    def of(cls, decisions: Iterable[str]) -> Lesson:
        """Count the decisions of all findings of a layer, empty for none."""
        counts = Counter((decision or "").strip().lower() for decision in decisions)
        known = sum(counts[each] for each in (*CONFIRMED, FALSE, UNSURE))
        return cls(
            sum(counts[each] for each in CONFIRMED),
            counts[FALSE],
            counts[UNSURE],
            sum(counts.values()) - known,
        )

    def summary(self) -> str:
        """Return the counts in words."""
        parts = [f"{self.confirmed} confirmed", f"{self.rejected} rejected"]
        if self.unsure:
            parts.append(f"{self.unsure} unsure")
        if self.open:
            parts.append(f"{self.open} not reviewed")
        return ", ".join(parts) + "."

    def why_not(self) -> str:
        """Return why nothing can be taught yet; empty where it can."""
        if not self.confirmed and not self.rejected:
            return "Nothing was reviewed yet. Review findings first: what is a mine, what is none."
        if not self.confirmed:
            return (
                "No finding was confirmed yet. A detector that only learns what is no mine forgets "
                "what one is: review until there is at least one mine, better five."
            )
        if not self.rejected:
            return "No finding was rejected, so there is nothing that the detector got wrong."
        return ""

    def caution(self) -> str:
        """Return what makes the lesson weak; empty where nothing does."""
        few = [
            f"{count} {name}"
            for count, name in ((self.confirmed, "confirmed"), (self.rejected, "rejected"))
            if count < FEW
        ]
        if not few or self.why_not():
            return ""
        return (
            f"Only {' and '.join(few)}: what is learnt may not hold elsewhere. Five or more of "
            "both kinds are better."
        )


@dataclass(frozen=True)
class Wish:
    """What is to be taught, by what, and where the results go.

    Parameters
    ----------
    findings : Any
        Reviewed layer, as the toolbox takes it.
    images : tuple
        Images that were searched, as the toolbox takes them.
    base : str
        Model that made the findings.
    model : str
        Model to write.
    epochs : int
    rate : float
        Learning rate; 0 for the usual one.
    threshold : float
        Of the second search.
    impact : str
        Impact model of the second search; empty for none.
    """

    findings: Any
    images: tuple[Any, ...]
    base: str
    model: str
    epochs: int = EPOCHS
    rate: float = 0.0
    threshold: float = THRESHOLD
    impact: str = ""

    @property
    def report(self) -> str:
        """Where the report of the training goes: beside the model."""
        return f"{self.model[: -len(SUFFIX)]}.html"

    def why_not(self) -> str:
        """Return what is missing or wrong; empty where nothing is."""
        if not self.images:
            return "Tick the images that were searched: the examples are cut from them."
        if not self.base:
            return "Choose the detector that made the findings; it is taught further."
        if not self.model:
            return "Say where the new detector is to be saved."
        if not self.model.lower().endswith(SUFFIX):
            return "The new detector's file has to end in .gossan."
        if self.model == self.base:
            return "The new detector must not replace the one that it is taught from."
        return ""


def parameters_of(
    step: str, wish: Wish, chips: str, results: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the parameters of a step's algorithm.

    Parameters
    ----------
    step : str
        One of `STEPS`.
    wish : Wish
    chips : str
        Folder for the examples.
    results : mapping, optional
        Destinations of the second search, by the names of its outputs.
    """
    if step == COLLECT:
        return {
            "IMAGES": list(wish.images),
            "FINDINGS": wish.findings,
            "DECISION_FIELD": "decision",
            "OUTPUT": chips,
            "PLACES": None,
        }
    if step == TRAIN:
        return {
            "CHIPS": [f"{chips}/chips.csv"],
            "BASE_MODEL": wish.base,
            "VALIDATION": "none",
            "EPOCHS": wish.epochs,
            "BATCH_SIZE": BATCH,
            "BALANCE": BALANCE,
            "LEARNING_RATE": wish.rate,
            "MODEL": wish.model,
            "TABLE": None,
            "REPORT": wish.report,
        }
    return {
        "INPUT": list(wish.images),
        "DETECTOR": wish.model,
        "IMPACT_MODEL": wish.impact or None,
        "THRESHOLD": wish.threshold,
        "CELLS": None,
        "REPORT": None,
        **(results or {}),
    }


def overall(step: str, percent: float) -> float:
    """Return the progress of all steps (0 to 100) from that of one (0 to 100)."""
    start, end = _SHARES[step]
    return 100.0 * start + (end - start) * min(max(percent, 0.0), 100.0)


def after(step: str) -> str:
    """Return the step that follows; empty after the last."""
    following = STEPS.index(step) + 1
    return STEPS[following] if following < len(STEPS) else ""
