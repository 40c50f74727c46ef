"""Scores of a model in words: what it is worth, how large its error is, how that was found out."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from gossan.plugin.docks.quantities import figures, with_unit

MEANINGS = {
    "poor": "shows where to sample, not how much there is",
    "acceptable": "tells high from low",
    "good": "tells how much there is, within the RMSE",
    "excellent": "tells how much there is, well within the spread of the samples",
}
"""What each class of RPD means for a map."""


def headline(element: str, scores: Mapping[str, Any]) -> str:
    """Return one sentence on what the model is worth for an element."""
    kind = str(scores.get("rpd_class") or "")
    if not kind:
        return f"{element}: there are no scores."
    return f"{element}: {kind}, {MEANINGS[kind]}."


def rows(scores: Mapping[str, Any], unit: str) -> list[tuple[str, str]]:
    """Return name and value of each score that is known, in the order of reading."""
    told = []
    if _known(scores, "r2"):
        told.append(("R²", _r2(scores)))
    if _known(scores, "rmse"):
        told.append(("RMSE", with_unit(scores["rmse"], unit)))
    if _known(scores, "bias"):
        told.append(("Bias", _signed(scores["bias"], unit)))
    if _known(scores, "rpd"):
        kind = scores.get("rpd_class") or ""
        told.append(("RPD", f"{scores['rpd']:.2f}" + (f" ({kind})" if kind else "")))
    if _known(scores, "rpiq"):
        told.append(("RPIQ", f"{scores['rpiq']:.2f}"))
    if _known(scores, "n"):
        told.append(("Samples", f"{int(scores['n']):,}"))
    if _known(scores, "r2_training"):
        told.append(("R² in training", f"{scores['r2_training']:.2f}"))
    return told


def page(element: str, scores: Mapping[str, Any], unit: str, validated: str) -> str:
    """Return all of it as rich text."""
    lines = "".join(
        f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>"
        for name, value in rows(scores, unit)
    )
    how = f"<p>{escape(validated)}</p>" if validated else ""
    return f"<p><b>{escape(headline(element, scores))}</b></p><table>{lines}</table>{how}"


def validated_by(split: str) -> str:
    """Return the sentence on how a model was validated."""
    if not split:
        return "The model does not say how it was validated."
    return f"Predictions for samples that the model had not seen: {split.rstrip('.')}."


def _r2(scores: Mapping[str, Any]) -> str:
    text = f"{scores['r2']:.2f}"
    if _known(scores, "r2_low") and _known(scores, "r2_high"):
        text += f" (95 %: {scores['r2_low']:.2f} to {scores['r2_high']:.2f})"
    return text


def _signed(value: float, unit: str) -> str:
    text = f"{figures(abs(value), 2)} {unit}".strip()
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text


def _known(scores: Mapping[str, Any], key: str) -> bool:
    return isinstance(scores.get(key), (int, float))
