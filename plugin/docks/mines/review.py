"""The page *Review* of the dock *Mines*: findings judged one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtWidgets import QVBoxLayout

from gossan.core.errors import GossanError
from gossan.plugin.docks.mines.page import Page
from gossan.plugin.docks.mines.review_bench import ReviewBench
from gossan.plugin.docks.mines.review_start import ReviewStart
from gossan.plugin.docks.mines.review_store import ReviewStore

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock


class ReviewPage(Page):
    """Asks what is to be reviewed, then shows the bench."""

    TITLE = "Review"

    def __init__(self, dock: MinesDock) -> None:
        super().__init__(dock)
        self.start = ReviewStart()
        self.bench = ReviewBench(dock)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.start)
        layout.addWidget(self.bench)
        self.bench.hide()
        self.start.wanted.connect(self._begin)
        self.bench.left.connect(self.leave)
        project = QgsProject.instance()
        dock.follow(project.layersWillBeRemoved, self._on_removal)
        dock.follow(project.layersAdded, self._on_layers_added)
        dock.follow(dock.canvas.destinationCrsChanged, self.bench.mark_again)

    def minimumSizeHint(self) -> QSize:
        """Ask from the beginning for the width of the bench, so that the dock need not grow."""
        width = max(each.minimumSizeHint().width() for each in (self.start, self.bench))
        return QSize(width, super().minimumSizeHint().height())

    def review(self, layer: QgsVectorLayer) -> None:
        """Offer a layer for review; begin at once where the reviewer is known."""
        self.leave()
        self.start.layers.setLayer(layer)
        if self.start.start.isEnabled():
            self.start.start.click()

    def leave(self) -> None:
        """End the review of a layer; everything is written already."""
        store = self.bench.store
        self.bench.end()
        self.bench.hide()
        self.start.show()
        self.start.look()
        if store is not None:
            # The box forgot it when the fields of decisions were added.
            self.start.probability.setField(store.findings.probability_field)

    def take_up(self) -> None:
        """Show frame and keys."""
        self.bench.take_up()

    def put_away(self) -> None:
        """Take them away."""
        self.bench.put_away()

    def _begin(self, layer: QgsVectorLayer, probability: str, reviewer: str) -> None:
        try:
            store = ReviewStore(layer, probability)
        except GossanError as problem:
            self.start.say(str(problem))
            return
        self.start.hide()
        self.bench.show()
        self.bench.begin(store, reviewer)

    def _on_removal(self, ids: Sequence[str]) -> None:
        store = self.bench.store
        if store is not None and store.layer.id() in ids:
            self.leave()

    def _on_layers_added(self) -> None:
        if self.bench.session is None and not self.start.has_likely():
            self.start.choose_likely()
