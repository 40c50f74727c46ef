"""Gossan: find, map and check mineralisation and mining from images, in QGIS."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:  # noqa: N802 - the name that QGIS calls
    """Return the plugin; ``iface`` is None where QGIS runs without a window."""
    from gossan.plugin.gossan_plugin import GossanPlugin

    return GossanPlugin(iface)
