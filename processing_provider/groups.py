"""The groups of the toolbox: their names and the motif that stands for each."""

from __future__ import annotations

from qgis.PyQt.QtGui import QIcon

import gossan.resources  # noqa: F401 - registers the icons with Qt

GROUPS = {
    "imagery": "Images",
    "endmembers": "Endmembers and abundances",
    "metals": "Heavy metals",
    "soilspectra": "Laboratory soil spectra",
    "lithology": "Lithology",
    "deposits": "Mineral deposits",
    "mines": "Mines and tailings dams",
    "workflows": "Workflows",
}
"""Name that people read for each group id, in the order of the work."""


def icon(motif: str) -> QIcon:
    """Return the drawing of a group id, or of ``gossan`` for the plugin itself."""
    return QIcon(f":/plugins/gossan/icons/{motif}.svg")
