"""The page *Boundaries*: the worst ones first; a click flies there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsGeometry,
    QgsRectangle,
    QgsWkbTypes,
)
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QGuiApplication
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gossan.plugin.docks.lithology.boundary_texts import (
    COLUMNS,
    DISAGREEMENT,
    MARGIN,
    WAYS,
    frame,
    rows,
    summary,
    ways,
)
from gossan.plugin.docks.lithology.project_layers import to_canvas
from gossan.plugin.docks.lithology.words import narrow, words
from gossan.plugin.docks.lithology.work_row import WorkRow
from gossan.processing_provider.inputs import raster_file

if TYPE_CHECKING:
    from gossan.plugin.docks.lithology.lithology_dock import LithologyDock

FLASHES, FLASH_MILLISECONDS = 3, 500


class BoundariesPage(QWidget):
    """Lists pieces of boundary, the worst one first."""

    TITLE = "Boundaries"

    def __init__(self, dock: LithologyDock) -> None:
        super().__init__()
        self._dock = dock
        self._found: Mapping[str, Any] = {"measure": MARGIN, "found": 0, "pieces": []}
        self._band: QgsRubberBand | None = None
        self._on_map: QgsGeometry | None = None
        self._way = narrow(QComboBox())
        self._way.setObjectName("lithology_way")
        for way, text in WAYS.items():
            self._way.addItem(text, way)
        self._way.currentIndexChanged.connect(lambda _: self.settle())
        self._find = QPushButton("Find the worst boundaries")
        self._find.setObjectName("lithology_find_boundaries")
        self._find.clicked.connect(self.find)
        self._work = WorkRow("lithology_finding", lambda: dock.background.cancel("boundaries"))
        self._said = words("lithology_boundaries_said")
        self._list = QTreeWidget()
        self._list.setObjectName("lithology_boundaries")
        self._list.setRootIsDecorated(False)
        self._list.setUniformRowHeights(True)
        self._list.setAlternatingRowColors(True)
        self._list.header().setStretchLastSection(False)
        self._list.itemClicked.connect(lambda item: self._fly(item))
        self._list.currentItemChanged.connect(self._on_current)
        form = QFormLayout()
        form.addRow("Judge by", self._way)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._find)
        layout.addWidget(self._work)
        layout.addWidget(self._said)
        layout.addWidget(self._list, 1000)
        layout.addStretch(1)
        self.begin()

    # ---------------------------------------------------------------- finding

    def begin(self) -> None:
        """Forget what was found for another map."""
        self._dock.background.cancel("boundaries")
        self._work.end()
        self._found = {"measure": self._way.currentData(), "found": 0, "pieces": []}
        self._fill()
        self.settle()

    def settle(self) -> None:
        """Allow what can be done with the layers that are chosen now."""
        why = ways(
            self._dock.probabilities() is not None, bool(self._dock.differences())
        )[self._way.currentData()]  # fmt: skip
        self._find.setEnabled(not why and bool(self._dock.rows()))
        if why or not self._found["pieces"]:
            self._said.setText(why)

    def compared(self) -> None:
        """Take note that there are other differences from the reference, or none any more."""
        if self._found["measure"] == DISAGREEMENT:
            self.begin()
        else:
            self.settle()

    def find(self) -> None:
        """Look for the worst boundaries, in the background."""
        map_ = self._dock.map()
        if map_ is None:
            return
        self.begin()
        probabilities, by_margin = self._dock.probabilities(), self._way.currentData() == MARGIN
        task = self._dock.background.job(
            "boundaries",
            f"worst boundaries of {map_.name()}",
            "lithology.boundaries",
            {
                "raster": raster_file(map_),
                "classes": [{"value": row.value, "name": row.name} for row in self._dock.rows()],
                "probabilities": raster_file(probabilities) if by_margin and probabilities else "",
                "differences": "" if by_margin else self._dock.differences(),
            },
            self._on_found,
            self._on_failed,
        )
        self._said.setText("")
        self._work.begin("Going along the boundaries…", task.progressChanged)

    def _on_found(self, found: Mapping[str, Any]) -> None:
        self._work.end()
        self._found = found
        self._fill()
        self._said.setText(summary(found))

    def _on_failed(self, sentence: str) -> None:
        self._work.end()
        self._said.setText(sentence)

    def _fill(self) -> None:
        self._unmark()
        self._on_map = None
        self._list.clear()
        measure = self._found["measure"]
        self._list.setHeaderLabels(["Boundary", COLUMNS[measure], "Length"])
        self._list.setVisible(bool(self._found["pieces"]))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        names = {row.value: row.name for row in self._dock.rows()}
        for place, row in enumerate(rows(self._found, names)):
            item = QTreeWidgetItem([row.boundary, row.value, row.length])
            item.setData(0, Qt.ItemDataRole.UserRole, place)
            item.setToolTip(0, row.boundary)
            for column in (1, 2):
                item.setTextAlignment(column, right)
            self._list.addTopLevelItem(item)
        header = self._list.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)

    # ---------------------------------------------------------------- flying there

    def take_up(self) -> None:
        """Show on the canvas which piece is looked at."""
        if self._on_map is not None:
            self._mark(self._on_map)

    def put_away(self) -> None:
        """Take it away again."""
        self._unmark()

    def _on_current(self, item: QTreeWidgetItem | None, _: QTreeWidgetItem | None) -> None:
        # A click flies by itself; here the keys have moved.
        if item is not None and QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self._fly(item)

    def _fly(self, item: QTreeWidgetItem) -> None:
        map_ = self._dock.map()
        if map_ is None:
            return
        piece = self._found["pieces"][item.data(0, Qt.ItemDataRole.UserRole)]
        line = QgsGeometry.fromWkt(piece["wkt"])
        box = line.boundingBox()
        view = frame(
            (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()),
            map_.rasterUnitsPerPixelX(),
        )
        canvas = self._dock.canvas
        geometry = to_canvas(line, canvas, map_)
        seen = to_canvas(QgsGeometry.fromRect(QgsRectangle(*view)), canvas, map_)
        if geometry is None or seen is None:
            self._said.setText("This place cannot be shown in the CRS of the project.")
            return
        canvas.setExtent(seen.boundingBox())
        canvas.refresh()
        self._on_map = geometry
        self._mark(geometry)
        canvas.flashGeometries(
            [geometry],
            canvas.mapSettings().destinationCrs(),
            QColor(255, 255, 0, 255),
            QColor(255, 0, 0, 120),
            FLASHES,
            FLASH_MILLISECONDS,
        )

    def _mark(self, geometry: QgsGeometry) -> None:
        self._unmark()
        canvas = self._dock.canvas
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.LineGeometry)
        self._band.setWidth(canvas.fontMetrics().height() // 6 + 1)
        self._band.setColor(QColor("#000000"))
        self._band.setSecondaryStrokeColor(QColor("#ffffff"))
        self._band.setToGeometry(geometry, None)

    def _unmark(self) -> None:
        if self._band is not None:
            self._dock.canvas.scene().removeItem(self._band)
            self._band = None
