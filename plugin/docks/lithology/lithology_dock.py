"""The dock *Lithology*: which maps it looks at, its pages, and the ways into the toolbox."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gossan.plugin.docks.dock import Dock
from gossan.plugin.docks.lithology.accuracy_page import AccuracyPage
from gossan.plugin.docks.lithology.boundaries_page import BoundariesPage
from gossan.plugin.docks.lithology.chooser import Chooser
from gossan.plugin.docks.lithology.class_rows import ClassRow
from gossan.plugin.docks.lithology.classes_page import ClassesPage
from gossan.plugin.docks.lithology.compare_page import ComparePage
from gossan.plugin.docks.lithology.comparison import MAP, REFERENCE, SECOND, Side, sides
from gossan.plugin.docks.lithology.words import words
from gossan.plugin.toolbox import open_dialog

EMPTY = (
    "There is no class map in this project yet.\n\nAdd a raster of whole numbers with a legend "
    "(symbology Paletted/Unique values, a colour table or an attribute table), or train a model "
    "and map lithology with the buttons below."
)


class LithologyDock(Dock):
    """Class maps looked at, judged and held against each other."""

    def __init__(self, iface: Any) -> None:
        super().__init__(iface)
        self._releasing: list[Any] = []

    def build(self) -> QWidget:
        """Make the chooser, the pages and the buttons."""
        self.chooser = Chooser()
        self.classes = ClassesPage(self)
        self.accuracy = AccuracyPage(self)
        self.boundaries = BoundariesPage(self)
        self.compare = ComparePage(self)
        self._releasing = [self.classes, self.accuracy, self.compare]
        self.tabs = QTabWidget()
        self.tabs.setObjectName("lithology_tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(False)
        for page in (self.classes, self.accuracy, self.boundaries, self.compare):
            self.tabs.addTab(page, page.TITLE)
        full = QWidget()
        inside = QVBoxLayout(full)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.chooser)
        inside.addWidget(self.tabs, 1)
        empty = words("lithology_empty", EMPTY)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setMargin(2 * empty.fontMetrics().height())
        self._stack = QStackedWidget()
        self._stack.addWidget(empty)
        self._stack.addWidget(full)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.addWidget(self._stack, 1)
        layout.addLayout(self._buttons())
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._refresh)
        self._styled: set[str] = set()
        self.chooser.map_changed.connect(self._on_map)
        self.chooser.probabilities_changed.connect(self._on_probabilities)
        self.chooser.reference_changed.connect(self.accuracy.begin)
        self.chooser.reference_changed.connect(self.compare.begin)
        self.chooser.second_changed.connect(self.compare.begin)
        self.accuracy.compared.connect(self.boundaries.compared)
        project = QgsProject.instance()
        for signal in (
            project.layersAdded,
            project.layersRemoved,
            project.cleared,
            project.readProject,
            project.layerTreeRoot().nameChanged,
        ):
            self.follow(signal, lambda *_: self._soon.start())
        self._refresh()
        return whole

    def take_up(self) -> None:
        """Show on the map what the pages have there."""
        self.classes.take_up()
        self.boundaries.take_up()

    def put_away(self) -> None:
        """Take it away."""
        for page in (self.classes, self.boundaries, self.compare):
            page.put_away()

    def release(self) -> None:
        """Leave no file, no tool and no key behind either."""
        super().release()
        if self._releasing:
            self._soon.stop()
        for page in self._releasing:
            page.release()
        self._releasing = []

    # ---------------------------------------------------------------- for the pages

    def map(self) -> QgsRasterLayer | None:
        """Return the class map that is looked at."""
        return self.chooser.map()

    def probabilities(self) -> QgsRasterLayer | None:
        """Return the raster with a probability of each of its classes, if there is one."""
        return self.chooser.probabilities()

    def reference(self) -> QgsMapLayer | None:
        """Return what the map is held against, if it is chosen."""
        return self.chooser.reference()

    def reference_parameters(self) -> dict[str, Any]:
        """Return the reference as the algorithms take it; empty where there is none."""
        layer = self.chooser.reference()
        if layer is None:
            return {}
        if isinstance(layer, QgsRasterLayer):
            return {"MAP_RASTER": layer.id()}
        return {"MAP": layer.id(), "CLASS_FIELD": self.chooser.field()}

    def sides(self) -> list[Side]:
        """Return the maps that can be compared by eye."""
        chosen = (
            (MAP, self.chooser.map()),
            (REFERENCE, self.chooser.reference()),
            (SECOND, self.chooser.second()),
        )
        return sides([(role, layer.id(), layer.name()) for role, layer in chosen if layer])

    def rows(self) -> list[ClassRow]:
        """Return the classes of the map, once they are counted."""
        return self.classes.rows

    def differences(self) -> str:
        """Return the raster of where map and reference differ; empty before they are compared."""
        return self.accuracy.differences

    def classes_known(self, rows: Sequence[ClassRow]) -> None:
        """Take note of the classes of the map."""
        self.chooser.suggest_probabilities([row.name for row in rows])
        self.boundaries.settle()

    # ---------------------------------------------------------------- inside

    def _refresh(self) -> None:
        for layer in QgsProject.instance().mapLayers().values():
            if layer.id() not in self._styled:
                self._styled.add(layer.id())
                self.follow(layer.styleChanged, partial(self._on_style, layer.id()))
        self.chooser.refresh()
        self._stack.setCurrentIndex(int(self.map() is not None))

    def _on_style(self, identifier: str) -> None:
        self._soon.start()
        map_ = self.map()
        if map_ is not None and map_.id() == identifier:
            self.classes.restyle()

    def _on_map(self) -> None:
        self.classes.begin()
        self.accuracy.begin()
        self.boundaries.begin()
        self.compare.begin()

    def _on_probabilities(self) -> None:
        self.classes.look_again()
        self.boundaries.begin()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, text, tip in (
            ("train", "Train…", "Train lithology: learn from a geological map."),
            ("map", "Map…", "Map lithology with a trained model."),
            ("assess", "Assess…", "Assess class map against the reference, with a report."),
        ):
            button = QPushButton(text)
            button.setObjectName(f"lithology_open_{name}")
            button.setToolTip(tip)
            button.clicked.connect(partial(self._open, name))
            row.addWidget(button)
        return row

    def _open(self, name: str) -> None:
        algorithm = {"train": "trainlithology", "map": "maplithology", "assess": "assessmap"}[name]
        open_dialog(f"gossan:{algorithm}", self._parameters(name))

    def _parameters(self, name: str) -> dict[str, Any]:
        """Return what is known of the parameters of an algorithm."""
        reference, sources = self.reference_parameters(), self.classes.sources()
        if name == "map":
            return sources
        if name == "train":
            return {**reference, "FEATURES": sources.get("FEATURES", [])}
        map_ = self.map()
        return {"INPUT": map_.id() if map_ is not None else None, **reference}
