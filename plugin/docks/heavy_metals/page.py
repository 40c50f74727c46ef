"""What the pages of the dock *Heavy metals* have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel, QWidget

if TYPE_CHECKING:
    from gossan.plugin.docks.heavy_metals.heavy_metals_dock import HeavyMetalsDock


class Page(QWidget):
    """One page of the dock.

    A child makes its widgets in ``__init__`` and shows what is chosen in `refresh`, which is called
    when the page comes into sight and when something else is chosen while it is.

    Parameters
    ----------
    dock : HeavyMetalsDock
    """

    TITLE = ""
    """What its tab says."""

    def __init__(self, dock: HeavyMetalsDock) -> None:
        super().__init__()
        self.dock = dock

    def refresh(self) -> None:
        """Show what is chosen now."""

    def put_away(self) -> None:
        """Let go of what outlives the page; the dock goes."""


def text_label(name: str) -> QLabel:
    """Return a label for a few sentences, which can be copied."""
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
