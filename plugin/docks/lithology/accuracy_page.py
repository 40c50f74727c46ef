"""The page *Accuracy*: the confusion matrix, computed or read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingUtils
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gossan.plugin.docks.lithology.confusion_texts import (
    PRODUCERS,
    USERS,
    VIEWS,
    Cell,
    accuracies,
    cells,
    headline,
    worst_mistake,
)
from gossan.plugin.docks.lithology.words import narrow, words
from gossan.plugin.docks.lithology.work_row import WorkRow
from gossan.plugin.toolbox import Run

if TYPE_CHECKING:
    from gossan.plugin.docks.lithology.lithology_dock import LithologyDock

CHOOSE = "Choose a reference above: polygons with a class field, or another class raster."
INVITE = "Compare the map with the reference, or open a matrix that Assess class map has written."
RIGHT, WRONG = "#2f9e58", "#c0281c"


class AccuracyPage(QWidget):
    """Compares the map with the reference, and shows how they meet class by class."""

    TITLE = "Accuracy"

    compared = pyqtSignal()
    """There are differences between the map and the reference now, or there are none any more."""

    def __init__(self, dock: LithologyDock) -> None:
        super().__init__()
        self._dock = dock
        self._run: Run | None = None
        self._folder: Path | None = None
        self._drawn: int | None = None
        self._scored: Mapping[str, Any] | None = None
        self.differences = ""
        """Raster with 1 where map and reference agree and 2 where they differ."""
        self._said = words("lithology_accuracy")
        self._compare = QPushButton("Compare with the reference")
        self._compare.setObjectName("lithology_compare")
        self._compare.setToolTip("Hold the map against the reference, pixel by pixel.")
        self._compare.clicked.connect(self.compare)
        self._read = QPushButton("Open table…")
        self._read.setObjectName("lithology_open_matrix")
        self._read.setToolTip("A confusion matrix (.csv) that Assess class map has written.")
        self._read.clicked.connect(self._on_read)
        self._per_class = QSpinBox()
        self._per_class.setObjectName("lithology_per_class")
        self._per_class.setRange(0, 1_000_000)
        self._per_class.setSingleStep(50)
        self._per_class.setSpecialValueText("all pixels")
        self._per_class.setToolTip(
            "Draws so many reference pixels at random for each mapped class, so that the interval "
            "of the area-adjusted accuracy can be trusted."
        )
        self._view = narrow(QComboBox())
        self._view.setObjectName("lithology_matrix_view")
        self._view.addItems(VIEWS)
        self._view.currentIndexChanged.connect(lambda _: self._show())
        self._table = QTableWidget()
        self._table.setObjectName("lithology_matrix")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self._work = WorkRow("lithology_comparing", self.begin)
        buttons = QHBoxLayout()
        buttons.addWidget(self._compare)
        buttons.addWidget(self._read)
        form = QFormLayout()
        form.addRow("Reference pixels per class", self._per_class)
        form.addRow("Show", self._view)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addWidget(self._work)
        layout.addWidget(self._said)
        layout.addWidget(self._table, 1000)
        layout.addStretch(1)
        self.begin()

    # ---------------------------------------------------------------- what is compared

    def begin(self) -> None:
        """Forget what was found for another map or reference."""
        self.cancel()
        self._discard()
        self._scored = None
        ready = self._dock.reference() is not None
        self._compare.setEnabled(ready)
        self._said.setText(INVITE if ready else CHOOSE)
        self._show()

    def compare(self) -> None:
        """Hold the map against the reference, in the background."""
        self.begin()
        map_, reference = self._dock.map(), self._dock.reference_parameters()
        if map_ is None or not reference:
            return
        self._folder = Path(tempfile.mkdtemp(dir=QgsProcessingUtils.tempFolder()))
        drawn = self._per_class.value()
        outputs = {
            "TABLE": str(self._folder / "scores.csv"),
            "MATRIX": str(self._folder / "matrix.csv"),
            "REPORT": str(self._folder / "report.html"),
            "DIFFERENCES": str(self._folder / "differences.tif"),
        }
        try:
            self._run = Run(
                "gossan:assessmap",
                {"INPUT": map_.id(), **reference, "PER_CLASS": drawn, **outputs},
                lambda _: self._on_compared(outputs, drawn),
                self._on_failed,
                shown=False,
            )
        except ValueError as problem:
            self._said.setText(str(problem))
            return
        self._said.setText("")
        self._work.begin("Comparing…", self._run.feedback.progressChanged)
        self._run.start()

    def cancel(self) -> None:
        """End what is under way."""
        if self._run is not None:
            self._run.cancel()
            self._run = None
        self._dock.background.cancel("matrix")
        self._work.end()

    def release(self) -> None:
        """Leave no file behind."""
        self.cancel()
        self._discard()

    def _discard(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self.differences:
            self.differences = ""
            self.compared.emit()

    def _on_compared(self, outputs: Mapping[str, str], drawn: int) -> None:
        self._run = None
        self.differences = outputs["DIFFERENCES"]
        self.compared.emit()
        self._score(outputs["MATRIX"], drawn)

    # ---------------------------------------------------------------- the matrix

    def open_matrix(self, path: str) -> None:
        """Show a matrix that is kept as a table."""
        self.begin()
        self._score(path, None)

    def _on_read(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Confusion matrix", "", "CSV tables (*.csv);;All files (*)"
        )
        if path:
            self.open_matrix(path)

    def _score(self, table: str, drawn: int | None) -> None:
        self._drawn = drawn
        areas = [{"name": row.name, "area": row.pixels} for row in self._dock.rows()]
        task = self._dock.background.job(
            "matrix",
            "confusion matrix",
            "lithology.matrix",
            {"table": table, "areas": areas},
            self._on_scored,
            self._on_failed,
        )
        self._work.begin("Scoring…", task.progressChanged)

    def _on_scored(self, scored: Mapping[str, Any]) -> None:
        self._work.end()
        self._scored = scored
        self._said.setText(f"{headline(scored, self._drawn)} {worst_mistake(scored)}")
        self._show()

    def _on_failed(self, sentence: str) -> None:
        self._run = None
        self._work.end()
        self._said.setText(sentence)

    def _show(self) -> None:
        scored = self._scored
        self._table.setVisible(scored is not None)
        self._view.setEnabled(scored is not None)
        if scored is None:
            return
        names = list(scored["names"])
        producers, users = accuracies(scored)
        self._table.setRowCount(len(names) + 1)
        self._table.setColumnCount(len(names) + 1)
        self._table.setHorizontalHeaderLabels([*names, PRODUCERS])
        self._table.setVerticalHeaderLabels([*names, USERS])
        for i, row in enumerate(cells(scored, self._view.currentText())):
            for j, cell in enumerate(row):
                self._table.setItem(i, j, self._item(cell))
        for place, (producer, user) in enumerate(zip(producers, users)):
            share = f"Share of {names[place]} in the reference that the map shows"
            self._table.setItem(place, len(names), self._plain(producer, share))
            share = f"Share of {names[place]} in the map that is right"
            self._table.setItem(len(names), place, self._plain(user, share))
        self._table.setItem(len(names), len(names), self._plain("", ""))
        for header in (self._table.horizontalHeader(), self._table.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def _item(self, cell: Cell) -> QTableWidgetItem:
        item = self._plain(cell.text, cell.tip)
        # The table's own paper shines through, so that the text stays legible in dark themes.
        ink = QColor(RIGHT if cell.right else WRONG)
        ink.setAlphaF(0.6 * cell.shade)
        item.setBackground(ink)
        return item

    def _plain(self, text: str, tip: str) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        item.setToolTip(tip)
        item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
        return item
