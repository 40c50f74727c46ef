"""What the pages of the dock *Mines* have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtGui import QShowEvent
from qgis.PyQt.QtWidgets import QScrollArea, QWidget

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock


class Page(QWidget):
    """One page of the dock.

    A child makes its widgets in ``__init__``, connects to what outlives it (project, canvas,
    layers) by ``dock.follow`` only, and works long by ``dock.background``.

    Parameters
    ----------
    dock : MinesDock
    """

    TITLE = ""
    """What its tab says."""

    def __init__(self, dock: MinesDock) -> None:
        super().__init__()
        self.dock = dock

    def take_up(self) -> None:
        """Show on the map what belongs there: the page has come into sight."""

    def put_away(self) -> None:
        """Take it away again: another page is in sight, or the dock is closed or goes."""

    def bring_into_sight(self, part: QWidget) -> None:
        """Scroll to a part of the page, once it has its place."""
        area = self.parentWidget().parentWidget() if self.parentWidget() else None
        if isinstance(area, Scrolling):
            QTimer.singleShot(0, lambda: area.verticalScrollBar().setValue(part.y()))

    def release(self) -> None:
        """Stop what is under way: the dock goes for good."""


class Scrolling(QScrollArea):
    """An area in which a page that is higher than its dock can be scrolled, but only upright.

    Parameters
    ----------
    content : QWidget
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        # Arrow keys stay with what had them; the wheel scrolls.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the width of the page, known now that it has its font; height can be scrolled."""
        beside = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(self.widget().minimumSizeHint().width() + beside)
        super().showEvent(event)
