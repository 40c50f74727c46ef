"""What a review tells its reviewer, in words: about a finding, and about how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gossan.plugin.docks.mines.review_session import Standing


class Opening(Protocol):
    """What was found when a layer was opened, see `review_store.Opening`."""

    taken_over: int
    put_right: int
    foreign: int
    unknown: list[str]


def facts(values: Mapping[str, Any], probability_field: str) -> list[tuple[str, str]]:
    """Return what a card says of a finding: names and texts, as far as the layer tells.

    Parameters
    ----------
    values : mapping
        The attributes of the finding.
    probability_field : str
        "" where there is none.
    """
    found = []
    probability = values.get(probability_field) if probability_field else None
    if isinstance(probability, (int, float)):
        mean = values.get("mean_probability")
        beside = f", mean {mean:.2f}" if isinstance(mean, (int, float)) else ""
        found.append(("Probability", f"{probability:.2f}{beside}"))
    area, cells = values.get("area_ha"), values.get("cells")
    if isinstance(area, (int, float)):
        count = f" in {cells} cell{'s' * (cells != 1)}" if isinstance(cells, int) else ""
        found.append(("Area", f"{area:,.1f} ha{count}"))
    if values.get("impact"):
        votes = values.get("impact_votes")
        found.append(("Impact", f"{values.get('impact')}{f' ({votes})' if votes else ''}"))
    registered = _registered(values)
    if registered:
        found.append(("Register", registered))
    if values.get("protected"):
        found.append(("Protected area", str(values.get("protected"))))
    return found


def _registered(values: Mapping[str, Any]) -> str:
    known = {"yes": "registered", "no": "not registered"}.get(str(values.get("registered") or ""))
    if known is None:
        return ""
    name = values.get("register_name") or values.get("register_id")
    distance = values.get("register_distance_m")
    phase = values.get("phase")
    if name and isinstance(distance, (int, float)):
        known += f"; nearest entry {name}, {_distance(distance)}"
    elif name:
        known += f"; nearest entry {name}"
    return f"{known}; {phase}" if phase else known


def _distance(metres: float) -> str:
    return f"{metres / 1000:,.1f}\u00a0km away" if metres >= 1000 else f"{metres:.0f}\u00a0m away"


def sentences(standing: Standing) -> list[str]:
    """Return how the review stands, in sentences."""
    told = [f"{standing.judged:,} of {standing.findings:,} findings are judged."]
    mine = standing.mine
    if mine.share is not None:
        low, high = mine.interval()
        told.append(
            f"You confirmed {mine.confirmed:,} of {mine.judged:,}: {100 * mine.share:.0f}\u00a0% "
            f"(95\u00a0% interval {100 * low:.0f} to {100 * high:.0f}\u00a0%)"
            f"{f'; {mine.unsure:,} unsure' if mine.unsure else ''}."
        )
    elif mine.unsure:
        told.append(f"{mine.unsure:,} unsure, none confirmed or rejected yet.")
    estimate = standing.estimate
    if estimate is not None:
        told.append(
            f"By the random sample of {estimate.sample:,}, about {estimate.expected:,.0f} of all "
            f"{estimate.findings:,} findings are right ({estimate.low:,} to {estimate.high:,})."
        )
    if standing.seconds and standing.open:
        left = standing.seconds * standing.open
        told.append(f"{standing.seconds:.0f} s for each; {_duration(left)} for those that remain.")
    return told


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def opening_sentences(opening: Opening) -> list[str]:
    """Return what was found when the layer was opened, in sentences."""
    told = []
    if opening.taken_over:
        told.append(f"{opening.taken_over:,} decisions that the layer held were taken over.")
    if opening.put_right:
        told.append(
            f"{opening.put_right:,} findings were put right by the table of decisions: QGIS ended "
            "while they were written, or somebody changed them by hand."
        )
    if opening.foreign:
        told.append(
            f"{opening.foreign:,} rows of the table of decisions are about another search and were "
            "left alone."
        )
    if opening.unknown:
        shown = ", ".join(sorted(set(opening.unknown))[:3])
        told.append(
            f"{len(opening.unknown):,} findings have decisions that are unknown here ({shown}); "
            "they count as not judged."
        )
    return told
