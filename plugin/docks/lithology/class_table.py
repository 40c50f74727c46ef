"""The table of classes: colour, name, area, share, and the probability at a point as a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qgis.PyQt.QtCore import QModelIndex, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from qgis.PyQt.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from gossan.plugin.docks.lithology.class_rows import ClassRow, area_texts, share_text

NAME, AREA, SHARE, HERE = range(4)
COLUMNS = ("Class", "Area", "Share", "At the point")
_ROLE = Qt.ItemDataRole.UserRole


class BarDelegate(QStyledItemDelegate):
    """Paints a probability as a bar in the class's colour, with its number."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one cell."""
        held = index.data(_ROLE)
        super().paint(painter, option, index)
        if held is None:
            return
        probability, colour = held
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        unit = option.fontMetrics.height() / 4
        area = QRectF(option.rect).adjusted(unit, unit, -unit, -unit)
        number = option.fontMetrics.horizontalAdvance("0.00 ")
        track = area.adjusted(0, 0, -number - unit, 0)
        text = option.palette.color(QPalette.ColorRole.Text)
        faint = QColor(text)
        faint.setAlphaF(0.12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faint)
        painter.drawRect(track)
        painter.setBrush(QColor(colour))
        painter.drawRect(QRectF(track.topLeft(), track.size()).adjusted(
            0, 0, -track.width() * (1 - min(max(probability, 0.0), 1.0)), 0
        ))  # fmt: skip
        painter.setPen(text)
        place = QRectF(option.rect).adjusted(0, 0, -unit, 0)
        align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, int(align), f"{probability:.2f}")
        painter.restore()


class ClassTable(QTreeWidget):
    """The legend of the map with areas; shows what is at a point."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lithology_classes")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setColumnCount(len(COLUMNS))
        self.setHeaderLabels(COLUMNS)
        self.setItemDelegateForColumn(HERE, BarDelegate(self))
        header = self.header()
        header.setStretchLastSection(True)
        for column in (NAME, AREA, SHARE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self._items: dict[int, QTreeWidgetItem] = {}
        self._colours: dict[int, str] = {}

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        """Fill the table anew."""
        self.clear()
        self._items = {}
        self._colours = {row.value: row.colour for row in rows}
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, area in zip(rows, area_texts(rows)):
            item = QTreeWidgetItem([row.name, area, share_text(row.share), ""])
            item.setIcon(NAME, _swatch(row.colour, self))
            item.setToolTip(NAME, f"{row.name} (value {row.value})")
            item.setToolTip(AREA, f"{row.pixels:,} pixels")
            for column in (AREA, SHARE):
                item.setTextAlignment(column, int(right))
            self.addTopLevelItem(item)
            self._items[row.value] = item

    def show_point(self, value: int | None, shares: Mapping[int, float]) -> None:
        """Show what is at a point: bars where probabilities are known, else a mark at the class."""
        for each, item in self._items.items():
            held: Any = (shares[each], self._colours[each]) if each in shares else None
            item.setData(HERE, _ROLE, held)
            item.setText(HERE, "here" if not shares and each == value else "")
            font = item.font(NAME)
            font.setBold(each == value)
            item.setFont(NAME, font)
        if value in self._items:
            self.scrollToItem(self._items[value])


def _swatch(colour: str, widget: QWidget) -> QIcon:
    """Return a square in a colour, sharp on every screen."""
    side = widget.fontMetrics().height()
    ratio = widget.devicePixelRatioF()
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(colour))
    return QIcon(picture)
