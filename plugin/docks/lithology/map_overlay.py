"""What lies over the map while two maps are compared: a picture, or two with a divider."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsMapCanvasItem
from qgis.PyQt.QtCore import QPointF, QRectF, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPalette, QPolygonF
from qgis.PyQt.QtWidgets import QWidget

from gossan.plugin.docks.lithology.comparison import held_inside

BELOW_MARKS = -5.0
"""Over the canvas's own picture and under rubber bands and marks."""


class MapOverlay(QgsMapCanvasItem):
    """Covers the map with pictures of it, each named in its corner.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._pictures: list[tuple[str, QImage]] = []
        self._divided = 0.5
        self.setZValue(BELOW_MARKS)
        self.hide()

    def show_pictures(self, pictures: list[tuple[str, QImage]]) -> None:
        """Show one named picture, or two side by side."""
        self._pictures = pictures
        self.setPos(0, 0)
        self.show()
        self.update()

    def divide(self, share: float) -> None:
        """Set how much of the width the left picture has."""
        self._divided = share
        self.update()

    def updatePosition(self) -> None:
        """Stay in the corner, wherever the map goes."""
        self.setPos(0, 0)

    def boundingRect(self) -> QRectF:
        """Return the whole canvas."""
        return QRectF(0, 0, self._canvas.width(), self._canvas.height())

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Draw the pictures."""
        whole = self.boundingRect()
        size = self._canvas.mapSettings().outputSize()
        drawn = QRectF(0, 0, size.width(), size.height())
        middle = whole.width() * self._divided if len(self._pictures) > 1 else whole.width()
        sides = (
            QRectF(0, 0, middle, whole.height()),
            QRectF(middle, 0, whole.width() - middle, whole.height()),
        )
        for (name, picture), side in zip(self._pictures, sides):
            painter.save()
            painter.setClipRect(side)
            painter.drawImage(drawn, picture, QRectF(picture.rect()))
            self._name(painter, name, side, right=side is sides[1])
            painter.restore()

    def _name(self, painter: QPainter, name: str, side: QRectF, *, right: bool) -> None:
        """Write the name of a map into the corner away from the divider."""
        palette = self._canvas.palette()
        painter.setFont(self._canvas.font())
        metrics = painter.fontMetrics()
        unit = metrics.height() / 2
        width = metrics.horizontalAdvance(name) + 2 * unit
        left = side.right() - width - unit if right else side.left() + unit
        plate = QRectF(left, unit, width, metrics.height() + unit)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paper = palette.color(QPalette.ColorRole.Window)
        paper.setAlphaF(0.85)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(paper)
        painter.drawRoundedRect(plate, unit / 2, unit / 2)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), name)


class Divider(QWidget):
    """The line between two pictures; dragged with the mouse, moved with the arrow keys.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    moved = pyqtSignal(float)
    """How much of the canvas's width lies to the left."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self.setObjectName("lithology_divider")
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Drag to see more of the one or of the other map.")
        self._canvas = canvas
        self.share = 0.5
        self.place()
        self.show()
        self.raise_()

    def place(self) -> None:
        """Take the place that belongs to the share, as after the canvas has changed its size."""
        width = round(1.2 * self.fontMetrics().height())
        left = round(self.share * self._canvas.width() - width / 2)
        self.setGeometry(left, 0, width, self._canvas.height())

    def move_to(self, x: float) -> None:
        """Stand at a place of the canvas, pixels from the left."""
        self.share = held_inside(x, self._canvas.width(), self.width())
        self.place()
        self.moved.emit(self.share)

    def mouseMoveEvent(self, event: Any) -> None:
        """Follow the mouse."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.move_to(self.mapToParent(event.pos()).x())

    def mousePressEvent(self, event: Any) -> None:
        """Keep the click from the map below."""
        event.accept()

    def keyPressEvent(self, event: Any) -> None:
        """Move with the arrow keys."""
        step = self.fontMetrics().height()
        steps = {Qt.Key.Key_Left: -step, Qt.Key.Key_Right: step}
        if event.key() in steps:
            self.move_to(self.share * self._canvas.width() + steps[event.key()])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: Any) -> None:  # noqa: ARG002
        """Draw a line that shows on every map, with a handle in its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        unit = self.fontMetrics().height() / 12
        x, y = self.width() / 2, self.height() / 2
        painter.fillRect(QRectF(x - 2 * unit, 0, 4 * unit, self.height()), QColor("#ffffff"))
        painter.fillRect(QRectF(x - unit, 0, 2 * unit, self.height()), QColor("#202020"))
        reach = self.width() / 2 - 1
        painter.setPen(QColor("#202020"))
        painter.setBrush(QColor("#ffffff"))
        painter.drawEllipse(QPointF(x, y), reach, reach)
        painter.setBrush(QColor("#202020"))
        for way in (-1, 1):
            tip, back = x + way * 0.7 * reach, x + way * 0.2 * reach
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(tip, y),
                        QPointF(back, y - 0.4 * reach),
                        QPointF(back, y + 0.4 * reach),
                    ]
                )
            )
