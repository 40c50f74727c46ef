"""Before and after: two sets of findings side by side, with what was gained and lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsSpatialIndex,
    QgsVectorLayer,
)
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from gossan.core.review.comparison import Comparison, compare
from gossan.plugin.docks.mines.review_layer import (
    NUMBER_FIELD,
    PROBABILITY_FIELD,
    plain,
)
from gossan.plugin.docks.mines.review_map import Frame
from gossan.plugin.docks.mines.review_view import SecondView

_LINES = 9
_LISTED = 500
_PLACE = Qt.ItemDataRole.UserRole
_BEFORE, _AFTER = "before", "after"


class ResultBox(QgsCollapsibleGroupBox):
    """What teaching has changed; hidden until there is something to show.

    Parameters
    ----------
    canvas : QgsMapCanvas
        QGIS's own, which shows the findings of before.
    """

    def __init__(self, canvas: Any) -> None:
        super().__init__("Before and after")
        self.setObjectName("teach_result")
        self.comparison: Comparison | None = None
        self._in_sight = False
        self._layers: dict[str, QgsVectorLayer] = {}
        self._frame = Frame(canvas)
        self.text = QLabel()
        self.text.setObjectName("teach_summary")
        self.text.setWordWrap(True)
        self.list = QTreeWidget()
        self.list.setObjectName("teach_changes")
        self.list.setHeaderLabels(["Finding", "Probability", "Decision"])
        self.list.setMinimumHeight(self.fontMetrics().height() * _LINES)
        self.list.currentItemChanged.connect(self._on_item)
        self.view = SecondView(canvas)
        self.view.setObjectName("teach_after_view")
        self.view.setTitle("After, beside the map of before")
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(self.list)
        layout.addWidget(self.view)
        self.setVisible(False)

    def compare(self, before: QgsVectorLayer, after: QgsVectorLayer) -> None:
        """Show what is the same and what is not in two layers of findings."""
        self.clear()
        self._layers = {_BEFORE: before, _AFTER: after}
        first, second = _features(before), _features(after)
        decided = {number: _value(feature, "decision") for number, feature in first.items()}
        pairs = list(_touching(before, first, after, second))
        self.comparison = compare(decided, second, pairs)
        self.text.setText("<br>".join(self.comparison.sentences()))
        self._fill("Lost", self.comparison.lost, first, _BEFORE)
        self._fill("Gained", self.comparison.gained, second, _AFTER)
        self.setVisible(True)
        self.view.setCollapsed(False)
        # The second map has its size only once it has been shown.
        QTimer.singleShot(0, self._link)

    def clear(self) -> None:
        """Show nothing."""
        self.setVisible(False)
        self._unlink()
        self.list.clear()
        self.comparison = None
        self._layers = {}

    def forget(self, ids: Sequence[str]) -> None:
        """Show nothing more of layers that go."""
        if any(layer.id() in ids for layer in self._layers.values()):
            self.clear()

    def take_up(self) -> None:
        """Follow the map: the page has come into sight."""
        self._in_sight = True
        self._link()

    def put_away(self) -> None:
        """Take the frame away and follow the map no longer: the page is out of sight."""
        self._in_sight = False
        self._unlink()

    def _link(self) -> None:
        # Teaching may end while the dock is closed.
        if self._in_sight and _AFTER in self._layers:
            self.view.link(self._layers[_AFTER])

    def _unlink(self) -> None:
        self._frame.clear()
        self.view.unlink()

    def _fill(
        self, title: str, numbers: Sequence[int], features: dict[int, QgsFeature], which: str
    ) -> None:
        group = QTreeWidgetItem([f"{title}: {len(numbers)}"])
        group.setFirstColumnSpanned(True)
        for number in numbers[:_LISTED]:
            feature = features[number]
            chance = _value(feature, PROBABILITY_FIELD)
            texts = [str(number), f"{float(chance):.2f}" if chance else ""]
            item = QTreeWidgetItem([*texts, _value(feature, "decision")])
            item.setData(0, _PLACE, (which, feature.geometry().boundingBox().center()))
            group.addChild(item)
        if len(numbers) > _LISTED:
            group.addChild(QTreeWidgetItem([f"… and {len(numbers) - _LISTED} more"]))
        self.list.addTopLevelItem(group)
        group.setExpanded(True)

    def _on_item(self, item: QTreeWidgetItem | None) -> None:
        place = item.data(0, _PLACE) if item is not None else None
        if place is None or place[0] not in self._layers:
            return
        crs = self._layers[place[0]].crs()
        if self._frame.show(place[1], crs):
            self._frame.fly()
            self.view.show_finding(place[1], crs)


def _features(layer: QgsVectorLayer) -> dict[int, QgsFeature]:
    """Return the findings of a layer by their number, or by their row where they have none."""
    index = layer.fields().lookupField(NUMBER_FIELD)
    found = {}
    for feature in layer.getFeatures():
        if feature.hasGeometry():
            number = plain(feature.attributes()[index]) if index >= 0 else None
            found[feature.id() if number is None else int(number)] = feature
    return found


def _touching(
    before: QgsVectorLayer,
    first: dict[int, QgsFeature],
    after: QgsVectorLayer,
    second: dict[int, QgsFeature],
) -> Iterator[tuple[int, int]]:
    """Yield pairs of findings that share ground, not only an edge."""
    index = QgsSpatialIndex()
    numbers = {}
    for number, feature in second.items():
        index.addFeature(feature)
        numbers[feature.id()] = number
    moved = QgsCoordinateTransform(before.crs(), after.crs(), QgsProject.instance())
    for number, feature in first.items():
        geometry = QgsGeometry(feature.geometry())
        if before.crs() != after.crs():
            geometry.transform(moved)
        for fid in index.intersects(geometry.boundingBox()):
            other = second[numbers[fid]].geometry()
            if geometry.intersects(other) and not geometry.touches(other):
                yield number, numbers[fid]


def _value(feature: QgsFeature, name: str) -> str:
    index = feature.fields().lookupField(name)
    value = plain(feature.attributes()[index]) if index >= 0 else None
    return "" if value is None else str(value)
