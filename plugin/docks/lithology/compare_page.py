"""The page *Compare*: blink or swipe between the map, the reference and a second map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtGui import QImage, QKeySequence
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from gossan.plugin.docks.lithology.comparison import Side, Turns, scene
from gossan.plugin.docks.lithology.map_overlay import Divider, MapOverlay
from gossan.plugin.docks.lithology.project_layers import draw_like
from gossan.plugin.docks.lithology.scene_pictures import ScenePictures
from gossan.plugin.docks.lithology.words import narrow, words

if TYPE_CHECKING:
    from gossan.plugin.docks.lithology.lithology_dock import LithologyDock

KEY = "B"
ALONE = "Choose a reference or a second map above; then the map can be compared with it."
READY = "Blink shows one map after the other in the same place, swipe two side by side."


class ComparePage(QWidget):
    """Lays pictures of the compared maps over the canvas; the project stays as it is."""

    TITLE = "Compare"

    def __init__(self, dock: LithologyDock) -> None:
        super().__init__()
        self._dock = dock
        self._turns = Turns()
        self._sides: list[Side] = []
        self._pictures: dict[str, QImage] = {}
        self._overlay: MapOverlay | None = None
        self._divider: Divider | None = None
        self._scenes = ScenePictures(dock.canvas)
        self._scenes.ready.connect(self._on_pictures)
        self._said = words("lithology_compare_said")
        self._blink = _toggle("lithology_blink", "Blink", "One map after the other.")
        self._swipe = _toggle("lithology_swipe", "Swipe", "Two maps with a divider to drag.")
        self._blink.toggled.connect(lambda on: self._on_mode(self._swipe, on))
        self._swipe.toggled.connect(lambda on: self._on_mode(self._blink, on))
        self._next = QPushButton(f"Next map ({KEY})")
        self._next.setObjectName("lithology_next")
        self._next.clicked.connect(self.step)
        self._by_itself = QCheckBox("By itself, every")
        self._by_itself.setObjectName("lithology_by_itself")
        self._seconds = QDoubleSpinBox()
        self._seconds.setObjectName("lithology_seconds")
        self._seconds.setRange(0.2, 10.0)
        self._seconds.setSingleStep(0.2)
        self._seconds.setDecimals(1)
        self._seconds.setValue(1.0)
        self._seconds.setSuffix(" s")
        self._right = narrow(QComboBox())
        self._right.setObjectName("lithology_right")
        self._right.setToolTip(
            "The map to the right of the divider; the map itself is to its left."
        )
        self._right.activated.connect(lambda _: self.refresh())
        self._colour = QPushButton("Draw the reference in the map's colours")
        self._colour.setObjectName("lithology_colour")
        self._colour.setToolTip("Changes how the layer of the reference is drawn in the project.")
        self._colour.clicked.connect(self._on_colour)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.step)
        self._by_itself.toggled.connect(lambda _: self._set_timer())
        self._seconds.valueChanged.connect(lambda _: self._set_timer())
        self._shortcut = QShortcut(QKeySequence(KEY), dock.iface.mainWindow())
        self._shortcut.setEnabled(False)
        self._shortcut.activated.connect(self.step)
        modes, clock = QHBoxLayout(), QHBoxLayout()
        modes.addWidget(self._blink)
        modes.addWidget(self._swipe)
        clock.addWidget(self._by_itself)
        clock.addWidget(self._seconds)
        clock.addStretch()
        form = QFormLayout()
        form.addRow("Right of the divider", self._right)
        layout = QVBoxLayout(self)
        layout.addLayout(modes)
        layout.addWidget(self._said)
        layout.addWidget(self._next)
        layout.addLayout(clock)
        layout.addLayout(form)
        layout.addWidget(self._colour)
        layout.addStretch()
        for signal in (dock.canvas.mapCanvasRefreshed, dock.canvas.layersChanged):
            dock.follow(signal, self.refresh)
        dock.follow(dock.canvas.extentsChanged, self._on_extent)
        self.begin()

    # ---------------------------------------------------------------- what is compared

    def begin(self) -> None:
        """Take the maps that are chosen now."""
        self._sides = self._dock.sides()
        self._turns.change(self._sides)
        right = self._right.currentData()
        self._right.clear()
        for side in self._sides[1:]:
            self._right.addItem(f"{side.role}: {side.name}", side.layer)
        self._right.setCurrentIndex(max(self._right.findData(right), 0))
        self._colour.setVisible(isinstance(self._dock.reference(), QgsVectorLayer))
        possible = len(self._sides) > 1
        if not possible:
            self._blink.setChecked(False)
            self._swipe.setChecked(False)
        self._blink.setEnabled(possible)
        self._swipe.setEnabled(possible)
        self._tell()
        self.refresh()

    def step(self) -> None:
        """Show the next map of those that blink."""
        self._turns.step()
        self._show()
        self._tell()

    def put_away(self) -> None:
        """Leave the canvas as it was."""
        self._blink.setChecked(False)
        self._swipe.setChecked(False)

    def release(self) -> None:
        """Let go of the key."""
        self.put_away()
        self._scenes.cancel()
        self._shortcut.setParent(None)
        self._shortcut.deleteLater()

    # ---------------------------------------------------------------- drawing

    def refresh(self) -> None:
        """Draw the pictures anew, as after the map has moved or a layer looks different."""
        if not self._active():
            return
        shown = [layer.id() for layer in self._dock.canvas.layers()]
        compared = [side.layer for side in self._sides]
        self._scenes.draw(
            {side.layer: scene(shown, compared, side.layer) for side in self._wanted()}
        )

    def _active(self) -> bool:
        return self._overlay is not None

    def _wanted(self) -> list[Side]:
        """Return the maps whose pictures are needed."""
        if self._blink.isChecked():
            return self._sides
        right = self._right.currentData()
        return [side for side in self._sides if side is self._sides[0] or side.layer == right]

    def _on_extent(self) -> None:
        # The pictures are of another place; until there are new ones, the map itself is seen.
        if self._overlay is not None:
            self._pictures = {}
            self._overlay.hide()
        if self._divider is not None:
            self._divider.place()
        self.refresh()

    def _on_pictures(self, pictures: dict[str, QImage]) -> None:
        self._pictures = pictures
        self._show()

    def _show(self) -> None:
        if self._overlay is None:
            return
        wanted = self._wanted()
        if self._blink.isChecked():
            wanted = [side for side in wanted if side == self._turns.shown]
        if wanted and all(side.layer in self._pictures for side in wanted):
            self._overlay.show_pictures(
                [(side.name, self._pictures[side.layer]) for side in wanted]
            )

    # ---------------------------------------------------------------- blink, swipe, neither

    def _on_mode(self, other: QPushButton, on: bool) -> None:
        if on:
            other.setChecked(False)
            self._lay_over()
        elif not (self._blink.isChecked() or self._swipe.isChecked()):
            self._take_off()
        self._shortcut.setEnabled(self._blink.isChecked())
        self._set_timer()
        self._tell()
        self.refresh()

    def _lay_over(self) -> None:
        self._take_off()
        self._overlay = MapOverlay(self._dock.canvas)
        if self._swipe.isChecked():
            self._divider = Divider(self._dock.canvas)
            self._divider.moved.connect(self._overlay.divide)

    def _take_off(self) -> None:
        self._scenes.cancel()
        self._pictures = {}
        if self._overlay is not None:
            self._overlay.show_pictures([])
            self._dock.canvas.scene().removeItem(self._overlay)
            self._overlay = None
        if self._divider is not None:
            self._divider.hide()
            self._divider.setParent(None)
            self._divider.deleteLater()
            self._divider = None

    def _on_colour(self) -> None:
        reference = self._dock.reference()
        if isinstance(reference, QgsVectorLayer) and self._dock.rows():
            draw_like(reference, self._dock.chooser.field(), self._dock.rows())

    def _set_timer(self) -> None:
        blinking = self._blink.isChecked()
        self._next.setEnabled(blinking)
        self._by_itself.setEnabled(blinking)
        self._seconds.setEnabled(blinking)
        if blinking and self._by_itself.isChecked():
            self._timer.start(round(1000 * self._seconds.value()))
        else:
            self._timer.stop()

    def _tell(self) -> None:
        shown = self._turns.shown
        if len(self._sides) < 2:
            self._said.setText(ALONE)
        elif self._blink.isChecked() and shown is not None:
            self._said.setText(f"{shown.role}: {shown.name}")
        elif self._swipe.isChecked():
            self._said.setText("Drag the divider on the map.")
        else:
            self._said.setText(READY)


def _toggle(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setCheckable(True)
    return button
