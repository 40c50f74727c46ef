"""The page *Classes*: the legend with areas, and the probabilities at a point of the map."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from qgis.core import QgsPointXY, QgsRasterLayer
from qgis.PyQt.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gossan.plugin.docks.lithology.class_rows import (
    ClassRow,
    class_rows,
    point_sentence,
    summary,
)
from gossan.plugin.docks.lithology.class_table import ClassTable
from gossan.plugin.docks.lithology.layer_choice import sources_of
from gossan.plugin.docks.lithology.point_tool import PointPicker
from gossan.plugin.docks.lithology.project_layers import to_layer
from gossan.plugin.docks.lithology.words import words
from gossan.plugin.docks.lithology.work_row import WorkRow
from gossan.processing_provider.inputs import raster_file
from gossan.processing_provider.lithology.legends import legend_of

if TYPE_CHECKING:
    from gossan.plugin.docks.lithology.lithology_dock import LithologyDock

AGAIN = "<a href='again'>Count them again</a>"
INVITATION = "Click here, then the map, to see the class of a pixel."


class ClassesPage(QWidget):
    """Fills itself when the map changes."""

    TITLE = "Classes"

    def __init__(self, dock: LithologyDock) -> None:
        super().__init__()
        self._dock = dock
        self.rows: list[ClassRow] = []
        self._counted: Mapping[str, Any] | None = None
        self._summary = words("lithology_summary")
        self.table = ClassTable()
        self._pick = QPushButton("Ask the map")
        self._pick.setObjectName("lithology_pick")
        self._pick.setCheckable(True)
        self._pick.setToolTip("Click the map for the class and its probability at a point.")
        self._said = words("lithology_point")
        self._summary.linkActivated.connect(lambda _: self.begin())
        self._work = WorkRow("lithology_counting", self._on_cancelled)
        layout = QVBoxLayout(self)
        layout.addWidget(self._summary)
        layout.addWidget(self._work)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._pick)
        layout.addWidget(self._said)
        self._picker = PointPicker(dock.canvas)
        self._picker.picked.connect(self.look)
        self._picker.dropped.connect(lambda: self._pick.setChecked(False))
        self._pick.toggled.connect(self._on_pick)
        self._place: QgsPointXY | None = None

    # ---------------------------------------------------------------- the map

    def begin(self) -> None:
        """Count the classes of the map that is chosen now."""
        self.rows, self._counted = [], None
        self.table.show_rows([])
        self.forget_point()
        map_ = self._dock.map()
        if map_ is None:
            self._dock.background.cancel("areas")
            self._work.end()
            return
        self._summary.setText("")
        task = self._dock.background.job(
            "areas",
            f"areas of {map_.name()}",
            "lithology.areas",
            {"raster": raster_file(map_)},
            self._on_counted,
            self._on_failed,
        )
        self._work.begin("Counting pixels…", task.progressChanged)

    def sources(self) -> dict[str, Any]:
        """Return what the map was made from, as far as its file tells."""
        return sources_of(self._counted or {})

    def restyle(self) -> None:
        """Take over names and colours that have changed in QGIS's legend."""
        map_ = self._dock.map()
        if self._counted is None or map_ is None:
            return
        self.rows = class_rows(self._counted["classes"], legend_of(map_))
        self.table.show_rows(self.rows)
        self._summary.setText(summary(self.rows, self._counted["missing"]))
        self._dock.classes_known(self.rows)
        if self._place is not None:
            self.look(self._place)

    def _on_counted(self, result: Mapping[str, Any]) -> None:
        self._work.end()
        self._counted = result
        self.restyle()

    def _on_failed(self, sentence: str) -> None:
        self._work.end()
        self._summary.setText(f"{escape(sentence)} {AGAIN}")

    def _on_cancelled(self) -> None:
        self._dock.background.cancel("areas")
        self._summary.setText(f"The pixels are not counted. {AGAIN}")

    # ---------------------------------------------------------------- a point

    def look(self, place: QgsPointXY) -> None:
        """Show what is at a place of the canvas; what was asked last is what is shown."""
        map_ = self._dock.map()
        if map_ is None:
            return
        self._place = place
        self._picker.mark(place)
        point = to_layer(place, self._dock.canvas, map_)
        if point is None:
            self._show_point(False, None, {})
            return
        probabilities = self._dock.probabilities()
        self._dock.background.job(
            "point",
            "class at a point",
            "lithology.point",
            {
                "raster": raster_file(map_),
                "classes": [{"value": row.value, "name": row.name} for row in self.rows],
                "probabilities": _source(probabilities),
                "x": point.x(),
                "y": point.y(),
            },
            self._on_point,
            self._on_point_failed,
        )

    def look_again(self) -> None:
        """Ask the same point again, as with other probabilities."""
        if self._place is not None:
            self.look(self._place)

    def forget_point(self) -> None:
        """Show no point."""
        self._dock.background.cancel("point")
        self._place = None
        self._picker.unmark()
        self.table.show_point(None, {})
        self._said.setText(INVITATION)

    def put_away(self) -> None:
        """Leave the canvas as it was."""
        self._pick.setChecked(False)
        self._picker.put_down()
        self._picker.unmark()

    def release(self) -> None:
        """Leave no tool with the canvas."""
        self._picker.release()

    def take_up(self) -> None:
        """Show on the canvas which point is asked."""
        if self._place is not None:
            self._picker.mark(self._place)

    def _on_pick(self, wanted: bool) -> None:
        if wanted:
            self._picker.take()
        else:
            self._picker.put_down()

    def _on_point(self, found: Mapping[str, Any]) -> None:
        shares = {each["value"]: each["probability"] for each in found["probabilities"]}
        self._show_point(found["inside"], found["value"], shares)

    def _show_point(self, inside: bool, value: int | None, shares: Mapping[int, float]) -> None:
        self.table.show_point(value, shares)
        self._said.setText(point_sentence(self.rows, inside, value, shares))

    def _on_point_failed(self, sentence: str) -> None:
        self.table.show_point(None, {})
        self._said.setText(sentence)


def _source(layer: QgsRasterLayer | None) -> str:
    return raster_file(layer) if layer is not None else ""
