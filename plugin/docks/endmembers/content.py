"""What the dock *Endmembers* consists of: image, plot, list, library and the ways on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qgis.core import QgsApplication, QgsMapLayer
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import (
    QApplication,
    QCheckBox,
    QColorDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gossan.plugin.docks.dock import Dock
from gossan.plugin.docks.endmembers.layers import bands_of_scene
from gossan.plugin.docks.endmembers.library_panel import LibraryPanel
from gossan.plugin.docks.endmembers.spectra import Spectrum, SpectrumList, View
from gossan.plugin.docks.endmembers.spectra_plot import SpectraPlot
from gossan.plugin.docks.endmembers.spectra_table import SpectraTable
from gossan.plugin.docks.endmembers.spectra_text import table_text
from gossan.plugin.docks.layer_choice import LayerChoice

HOW_TO_PICK = (
    "Click: a pixel. Shift+click: one more. Drag: mean of a rectangle. Ctrl+drag: mean of a shape "
    "drawn by hand."
)


class Content(QWidget):
    """The widgets of the dock, without knowing what is done with them."""

    view_changed = pyqtSignal()

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.scene = LayerChoice(dock, bands_of_scene, "No image")
        self.scene.setObjectName("endmembers_scene")
        self.scene.setToolTip("The image whose spectra are shown: four bands or more.")
        self.scene.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.pick = _button("pick", "Pick on the map", HOW_TO_PICK, checkable=True)
        self.pick.setIcon(QgsApplication.getThemeIcon("/mActionIdentify.svg"))
        self.pick.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.continuum = QCheckBox("Continuum removed")
        self.continuum.setObjectName("endmembers_continuum")
        self.continuum.setToolTip(
            "Divide each spectrum by its upper convex hull: absorptions show whatever the "
            "brightness."
        )
        self.derivative = QCheckBox("First derivative")
        self.derivative.setObjectName("endmembers_derivative")
        self.derivative.setToolTip("The slope over wavelength: zero at the bottom of a dip.")
        for switch in (self.continuum, self.derivative):
            switch.toggled.connect(lambda _: self.view_changed.emit())
        self.plot = SpectraPlot()
        self.under_mouse = QLabel()
        self.under_mouse.setObjectName("endmembers_under_mouse")
        self.under_mouse.setWordWrap(True)
        self.under_mouse.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.under_mouse.setFixedHeight(3 * self.fontMetrics().lineSpacing())
        self.under_mouse.setText(HOW_TO_PICK)
        self.plot.hovered.connect(lambda text: self.under_mouse.setText(text or HOW_TO_PICK))
        self.table = SpectraTable()
        self.library = LibraryPanel()
        self.message = QLabel()
        self.message.setObjectName("endmembers_message")
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.hide()
        self._make_tools()
        self._lay_out()

    def sizeHint(self) -> QSize:
        """Return room for the plot beside its labels."""
        line = self.fontMetrics().lineSpacing()
        return QSize(26 * line, 44 * line)

    # ---------------------------------------------------------------- what the dock shows

    def say(self, sentence: str) -> None:
        """Show a sentence below the lists; an empty one hides it."""
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))

    def busy(self, working: bool) -> None:
        """Show by the mouse that a spectrum is on its way."""
        if working:
            self.plot.setCursor(Qt.CursorShape.BusyCursor)
        else:
            self.plot.unsetCursor()

    def enable(self, possible: bool) -> None:
        """Allow what needs an image, or do not."""
        for widget in (self.pick, self.add_points, self.extract, self.unmix):
            widget.setEnabled(possible)

    def show_list(self, spectra: SpectrumList, chosen: int | None) -> None:
        """Show the list of spectra."""
        self.table.show_spectra(spectra, chosen)
        count = len(spectra)
        self.tabs.setTabText(0, f"Spectra ({count})" if count else "Spectra")
        for button in (self.remove, self.clear, self.recolour, self.copy, self.save):
            button.setEnabled(bool(count))

    def offer_points(
        self, found: Sequence[QgsMapLayer], add: Callable[[QgsMapLayer], None]
    ) -> None:
        """Fill the menu of layers of endmembers."""
        self.points_menu.clear()
        for layer in found:
            action = self.points_menu.addAction(layer.name())
            action.triggered.connect(lambda _, chosen=layer: add(chosen))
        if not found:
            action = self.points_menu.addAction(
                "No layer of endmembers in the project: Extract\u2026 makes one"
            )
            action.setEnabled(False)

    def ask_colour(self, now: str) -> str:
        """Return the colour that the user chooses, empty if none."""
        colour = QColorDialog.getColor(QColor(now), self, "Colour of the spectrum")
        return colour.name() if colour.isValid() else ""

    def copy_table(self, spectra: Sequence[Spectrum], view: View) -> None:
        """Put curves on the clipboard."""
        QApplication.clipboard().setText(table_text(spectra, view))
        self.say(f"{len(spectra)} spectra copied: paste them into a spreadsheet.")

    # ---------------------------------------------------------------- making

    def _make_tools(self) -> None:
        self.add_points = _button(
            "add_points",
            "Endmembers",
            "Add the endmembers of a layer that Extract endmembers has made, with their pixels.",
        )
        self.points_menu = QMenu(self.add_points)
        self.add_points.setMenu(self.points_menu)
        self.add_points.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.recolour = _tool("recolour", "/mIconColorBox.svg", "Colour of the selected spectra")
        self.copy = _tool("copy", "/mActionEditCopy.svg", "Copy the ticked spectra as a table")
        self.remove = _tool(
            "remove", "/mActionDeleteSelected.svg", "Remove the selected spectra (Delete)"
        )
        self.clear = _button("clear", "Clear", "Remove all spectra.")
        self.extract = _push(
            "extract", "Extract\u2026", "Find the purest spectra of the image: opens the toolbox."
        )
        self.unmix = _push(
            "unmix",
            "Unmix\u2026",
            "Map how much of each ticked spectrum every pixel holds: opens the toolbox.",
        )
        self.save = _push(
            "save", "Save library\u2026", "Write the ticked spectra as .sli or CSV library."
        )

    def _lay_out(self) -> None:
        spectra = QWidget()
        tools = QHBoxLayout()
        tools.addWidget(self.add_points)
        tools.addStretch()
        for button in (self.recolour, self.copy, self.remove, self.clear):
            tools.addWidget(button)
        inner = QVBoxLayout(spectra)
        inner.addWidget(self.table, 1)
        inner.addLayout(tools)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("endmembers_tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(spectra, "Spectra")
        self.tabs.addTab(self.library, "Library")
        upper = QWidget()
        plot = QVBoxLayout(upper)
        plot.setContentsMargins(0, 0, 0, 0)
        plot.addWidget(self.plot, 1)
        plot.addWidget(self.under_mouse)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(upper)
        splitter.addWidget(self.tabs)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.addLayout(_row(self.scene, self.pick, stretched=0))
        layout.addLayout(_row(self.continuum, self.derivative))
        layout.addWidget(splitter, 1)
        layout.addWidget(self.message)
        layout.addLayout(_row(self.extract, self.unmix, self.save))


def _row(*widgets: QWidget, stretched: int | None = None) -> QHBoxLayout:
    row = QHBoxLayout()
    for number, widget in enumerate(widgets):
        row.addWidget(widget, 1 if number == stretched else 0)
    if stretched is None:
        row.addStretch()
    return row


def _button(name: str, text: str, tip: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"endmembers_{name}")
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    return button


def _tool(name: str, picture: str, tip: str) -> QToolButton:
    button = _button(name, tip, tip)
    button.setIcon(QgsApplication.getThemeIcon(picture))
    side = button.fontMetrics().height() + 4
    button.setIconSize(QSize(side, side))
    return button


def _push(name: str, text: str, tip: str) -> QPushButton:
    button: Any = QPushButton(text)
    button.setObjectName(f"endmembers_{name}")
    button.setToolTip(tip)
    return button
