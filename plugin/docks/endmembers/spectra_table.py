"""The list of spectra: tick, colour, name, class, where from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QIcon, QPainter, QPixmap
from qgis.PyQt.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem, QWidget

from gossan.plugin.docks.endmembers.spectra import Spectrum

NAME, GROUP, WHERE = range(3)
KEY = Qt.ItemDataRole.UserRole


class SpectraTable(QTreeWidget):
    """Shows spectra and tells what is done to them."""

    changed = pyqtSignal(int, dict)
    """Key of a spectrum and its new values: ``name``, ``group`` or ``ticked``."""
    chosen = pyqtSignal(object)
    """Key of the spectrum that was selected; None for none."""
    removal_wanted = pyqtSignal()
    colour_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("endmembers_table")
        self.setHeaderLabels(["Name", "Class", "Where"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        header = self.header()
        header.setStretchLastSection(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        letters = self.fontMetrics().averageCharWidth()
        header.resizeSection(NAME, 20 * letters)
        header.resizeSection(GROUP, 12 * letters)
        self._filling = False
        self.itemChanged.connect(self._on_item_changed)
        self.itemSelectionChanged.connect(self._on_selection)

    def show_spectra(self, spectra: Iterable[Spectrum], chosen: int | None) -> None:
        """Fill the list; the selection goes to one of them without a signal."""
        self._filling = True
        place = self.verticalScrollBar().value()
        self.clear()
        for spectrum in spectra:
            item = QTreeWidgetItem()
            item.setData(NAME, KEY, spectrum.key)
            item.setFlags(
                item.flags() | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable
            )
            self._fill(item, spectrum)
            self.addTopLevelItem(item)
            if spectrum.key == chosen:
                item.setSelected(True)
                self.setCurrentItem(item)
        self.verticalScrollBar().setValue(place)
        if self.currentItem() is not None:
            self.scrollToItem(self.currentItem())
        self._filling = False

    def renew(self, spectrum: Spectrum) -> None:
        """Show a spectrum of the list as it is now, without making its row anew."""
        self._filling = True
        for number in range(self.topLevelItemCount()):
            item = self.topLevelItem(number)
            if item.data(NAME, KEY) == spectrum.key:
                self._fill(item, spectrum)
        self._filling = False

    def selected_keys(self) -> list[int]:
        """Return the keys of the selected rows."""
        return [item.data(NAME, KEY) for item in self.selectedItems()]

    def edit(self, *arguments: Any) -> Any:
        """Edit names and classes only; a double click on where a spectrum is from edits nothing."""
        if arguments and arguments[0].column() == WHERE:
            return False
        return super().edit(*arguments)

    def keyPressEvent(self, event: Any) -> None:
        """Remove with the Delete key."""
        if event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit()
        else:
            super().keyPressEvent(event)

    def _fill(self, item: QTreeWidgetItem, spectrum: Spectrum) -> None:
        tip = spectrum.source
        if spectrum.passing:
            tip += "\nThe next click takes its place; hold Shift, or name it, to keep it."
        for column, text in enumerate((spectrum.name, spectrum.group, spectrum.place)):
            item.setText(column, text)
            item.setToolTip(column, tip)
        font = item.font(NAME)
        font.setItalic(spectrum.passing)
        item.setFont(NAME, font)
        item.setCheckState(
            NAME, Qt.CheckState.Checked if spectrum.ticked else Qt.CheckState.Unchecked
        )
        side = self.fontMetrics().height()
        item.setIcon(NAME, swatch(spectrum.colour, side, self.devicePixelRatioF()))

    def _on_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if self._filling:
            return
        if column == GROUP:
            values: dict[str, Any] = {"group": item.text(GROUP).strip()}
        else:
            values = {
                "name": item.text(NAME).strip(),
                "ticked": item.checkState(NAME) == Qt.CheckState.Checked,
            }
        self.changed.emit(item.data(NAME, KEY), values)

    def _on_selection(self) -> None:
        if self._filling:
            return
        items = self.selectedItems()
        self.chosen.emit(items[0].data(NAME, KEY) if len(items) == 1 else None)


def swatch(colour: str, side: int, ratio: float, *, dashed: bool = False) -> QIcon:
    """Return a small piece of line in a colour, sharp on any screen."""
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    band = max(side // 4, 2)
    for left, width in ((0, side),) if not dashed else ((0, side * 2 // 5), (side * 3 // 5, side)):
        painter.fillRect(left, (side - band) // 2, width, band, QColor(colour))
    painter.end()
    return QIcon(picture)
