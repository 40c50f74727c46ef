"""What QGIS shows of the classes of a map: their names and colours, as plain lists."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsVectorLayer,
)


def legend_of(layer: QgsMapLayer | None, field: str = "") -> list[dict[str, Any]]:
    """Return the legend of a layer that shows classes.

    Parameters
    ----------
    layer : QgsMapLayer or None
        A raster drawn by a palette, or a vector layer drawn by the categories of a field.
    field : str
        The field with the class; a layer that is drawn by another one has no legend for it.

    Returns
    -------
    list of dict
        ``name``, ``colour`` (``#rrggbb``) and for rasters ``value``; empty for any other look.
    """
    if isinstance(layer, QgsRasterLayer):
        renderer = layer.renderer()
        if isinstance(renderer, QgsPalettedRasterRenderer) and renderer.band() == 1:
            return [
                {"value": int(item.value), "name": item.label, "colour": item.color.name()}
                for item in renderer.classes()
                if not _fills_up(item)
            ]
    if isinstance(layer, QgsVectorLayer):
        renderer = layer.renderer()
        if isinstance(renderer, QgsCategorizedSymbolRenderer) and _shows(renderer, field):
            return [
                {"name": str(category.value()), "colour": category.symbol().color().name()}
                for category in renderer.categories()
                if category.value() not in (None, "") and not isinstance(category.value(), list)
            ]
    return []


def _fills_up(item: QgsPalettedRasterRenderer.Class) -> bool:
    """Return whether a class is none: colour tables go on to 255, in black and without names."""
    return item.label in ("", f"{item.value:g}") and item.color.name() == "#000000"


def _shows(renderer: QgsCategorizedSymbolRenderer, field: str) -> bool:
    """Return whether a layer is drawn by that field."""
    return renderer.classAttribute().strip('"') == field
