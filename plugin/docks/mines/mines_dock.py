"""The dock *Mines*: its pages, and how they hand findings to each other.

Each page is a `Page` (page.py) in a module of its own, named in `PAGES` in the order of the tabs.
They meet only here: *Search* calls ``dock.review(layer)`` when findings have come in, *Review*
calls ``dock.teach(layer)`` with reviewed ones, and the page *Teach* is a `Page` that has
``teach(layer)``. Whoever gives a reviewed layer to an algorithm passes it through
``review_files.hand_over(layer)`` first, so that what was decided last is in the file itself.
"""

from __future__ import annotations

from qgis.core import QgsVectorLayer
from qgis.PyQt.QtWidgets import QTabWidget, QWidget

from gossan.plugin.docks.dock import Dock
from gossan.plugin.docks.mines.page import Page, Scrolling
from gossan.plugin.docks.mines.review import ReviewPage
from gossan.plugin.docks.mines.search import SearchPage
from gossan.plugin.docks.mines.teach import TeachPage

PAGES: tuple[type[Page], ...] = (SearchPage, ReviewPage, TeachPage)


class MinesDock(Dock):
    """Searches for mines, reviews findings, teaches the detector."""

    def build(self) -> QWidget:
        """Make the pages."""
        self.pages = [page(self) for page in PAGES]
        self.tabs = QTabWidget()
        self.tabs.setObjectName("mines_tabs")
        self.tabs.setDocumentMode(True)
        for page in self.pages:
            self.tabs.addTab(Scrolling(page), page.TITLE)
        self._shown: Page | None = None
        self.tabs.currentChanged.connect(self._on_page)
        return self.tabs

    def review(self, layer: QgsVectorLayer) -> None:
        """Show the review of a layer of findings."""
        page = self._page(ReviewPage)
        self._show(page)
        page.review(layer)

    def teach(self, layer: QgsVectorLayer) -> None:
        """Show how the detector is taught with a layer of reviewed findings."""
        for page in self.pages:
            if hasattr(page, "teach"):
                self._show(page)
                page.teach(layer)

    def take_up(self) -> None:
        """Have the page in sight show what it has on the map."""
        self._shown = self.pages[self.tabs.currentIndex()]
        self._shown.take_up()

    def put_away(self) -> None:
        """Have it taken away."""
        if self._shown is not None:
            self._shown.put_away()
            self._shown = None

    def release(self) -> None:
        """Have the pages stop what they are doing, too."""
        for page in getattr(self, "pages", []):
            page.release()
        super().release()

    def _page(self, kind: type[Page]) -> Page:
        return next(page for page in self.pages if isinstance(page, kind))

    def _show(self, page: Page) -> None:
        self.setUserVisible(True)
        self.tabs.setCurrentIndex(self.pages.index(page))

    def _on_page(self) -> None:
        if self._shown is not None:
            self.put_away()
            self.take_up()
