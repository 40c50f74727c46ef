"""The look of lithological results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.core import QgsRasterLayer

from gossan.processing_provider import styles

AGREEMENT = {1: "agrees", 2: "differs"}
AGREEMENT_COLOURS = {1: "#d6e2d6", 2: "#c0281c"}


def lithology(layer: QgsRasterLayer, classes: Sequence[dict[str, Any]]) -> None:
    """Show a lithological map in the names and colours of the geological map.

    Parameters
    ----------
    classes : sequence of dict
        ``value``, ``name`` and ``colour`` of each class.
    """
    styles.classes(
        layer,
        {item["value"]: item["name"] for item in classes},
        {item["value"]: item["colour"] for item in classes if item["colour"]},
    )


def agreement(layer: QgsRasterLayer) -> None:
    """Show where two maps agree (pale) and where they differ (red)."""
    styles.classes(layer, AGREEMENT, AGREEMENT_COLOURS)


def entropy(layer: QgsRasterLayer) -> None:
    """Show how undecided a map is, from 0 (white, sure) to 1 (all classes alike)."""
    styles.residual(layer)
