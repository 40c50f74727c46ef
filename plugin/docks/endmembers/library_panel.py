"""A spectral library, ranked by likeness to the chosen spectrum; what is ticked is drawn on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gossan.engine.environment import ROOT
from gossan.plugin.docks.endmembers.spectra import CURVES, Spectrum
from gossan.plugin.docks.endmembers.spectra_table import swatch

SHIPPED = str(ROOT / "models" / "pretrained" / "prior_library.csv")
SETTING = "gossan/endmembers/library"
FILES = "Spectral libraries (*.sli *.csv *.txt *.asc *.sed *.sig *.hdr);;All files (*)"
COLOURS = ("#888888", "#d6219b", "#00a5c4", "#a0522d", "#6aa84f", "#6f5bd6", "#c9a000", "#e06666")
"""Of a library's spectra, apart from those of the list."""


class LibraryPanel(QWidget):
    """Chooses a library and lists its spectra nearest to the chosen one."""

    library_changed = pyqtSignal()
    ticks_changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Spectrum] = []
        self._filling = False
        self._by_hand = False
        """Whether the user has chosen what is drawn; else it is the nearest."""
        self.choice = QComboBox()
        self.choice.setObjectName("endmembers_library")
        self.choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.choice.setMinimumContentsLength(12)
        self.choice.addItem("None", "")
        self.choice.addItem("Priors that ship with Gossan", SHIPPED)
        last = QgsSettings().value(SETTING, SHIPPED, type=str)
        self._offer(last if not last or Path(last).exists() else SHIPPED)
        self.choice.currentIndexChanged.connect(self._on_library)
        open_file = QPushButton("Open\u2026")
        open_file.setObjectName("endmembers_open_library")
        open_file.setToolTip("Choose an ENVI library (.sli), a CSV table or ECOSTRESS texts.")
        open_file.clicked.connect(self._on_open)
        self.note = QLabel()
        self.note.setObjectName("endmembers_ranking_note")
        self.note.setWordWrap(True)
        self.list = QTreeWidget()
        self.list.setObjectName("endmembers_ranking")
        self.list.setHeaderLabels(["Nearest in the library", "Class", "Angle (rad)"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.itemChanged.connect(self._on_tick)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        top = QHBoxLayout()
        top.addWidget(self.choice, 1)
        top.addWidget(open_file)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.note)
        layout.addWidget(self.list, 1)
        self.show_ranking([], None)

    @property
    def path(self) -> str:
        """Path of the chosen library; empty for none."""
        return str(self.choice.currentData() or "")

    @property
    def ticked(self) -> list[Spectrum]:
        """The library's spectra that are drawn."""
        return [row for row in self._rows if row.ticked]

    def show_ranking(
        self,
        nearest: Sequence[Mapping[str, Any]],
        spectrum: Spectrum | None,
        notes: str = "",
    ) -> None:
        """List what a job ranked for a spectrum, or say why there is nothing.

        Parameters
        ----------
        nearest : sequence of dict
            As the job ``spectra.rank_library`` gives it.
        spectrum : Spectrum or None
            What it was ranked for.
        notes : str
            How the library was read and compared, or why it was not.
        """
        ticked = {row.name for row in self.ticked}
        self._rows = [
            Spectrum(
                name=row["name"],
                group=row["class"],
                colour=COLOURS[number % len(COLOURS)],
                axis=spectrum.axis,
                unit="nm",
                curves={name: row.get(name) for name in CURVES},
                source=row["source"],
                ticked=row["name"] in ticked if self._by_hand else number == 0,
            )
            for number, row in enumerate(nearest)
            if spectrum is not None
        ]
        self._filling = True
        self.list.clear()
        for number, (row, given) in enumerate(zip(self._rows, nearest)):
            item = QTreeWidgetItem([row.name, row.group, f"{given['angle']:.4f}"])
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(0, Qt.CheckState.Checked if row.ticked else Qt.CheckState.Unchecked)
            side = self.list.fontMetrics().height()
            item.setIcon(0, swatch(row.colour, side, self.devicePixelRatioF(), dashed=True))
            item.setData(0, Qt.ItemDataRole.UserRole, number)
            for column in range(3):
                item.setToolTip(column, row.source or row.name)
            self.list.addTopLevelItem(item)
        self._filling = False
        said = notes or self._what_to_do()
        if self._rows and spectrum is not None:
            said = f"Ranked by spectral angle to {spectrum.name}."
        self.note.setText(said)
        self.note.setToolTip(notes)

    def _what_to_do(self) -> str:
        if not self.path:
            return "Choose a library to see which of its spectra are most like the chosen one."
        return "Choose a spectrum in the list, or click the map, to rank the library."

    def _offer(self, path: str) -> None:
        """Make a library the chosen one, listed by its file's name."""
        if path and self.choice.findData(path) < 0:
            self.choice.addItem(Path(path).name, path)
            self.choice.setItemData(self.choice.count() - 1, path, int(Qt.ItemDataRole.ToolTipRole))
        self.choice.setCurrentIndex(self.choice.findData(path))

    def _on_open(self) -> None:
        folder = str(Path(self.path).parent) if self.path not in ("", SHIPPED) else ""
        path, _ = QFileDialog.getOpenFileName(self, "Spectral library", folder, FILES)
        if path:
            self._offer(path)

    def _on_library(self) -> None:
        QgsSettings().setValue(SETTING, self.path)
        self._by_hand = False
        self.show_ranking([], None)
        self.library_changed.emit()

    def _on_tick(self, item: QTreeWidgetItem) -> None:
        if not self._filling:
            row = self._rows[item.data(0, Qt.ItemDataRole.UserRole)]
            row.ticked = item.checkState(0) == Qt.CheckState.Checked
            self._by_hand = True
            self.ticks_changed.emit()
