"""The one place where plots are drawn: matplotlib's canvas for Qt, in the colours of QGIS's window.

Matplotlib is that of QGIS's own Python. Where it is missing, a plot says so in its place and the
dock goes on without it.
"""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QLabel, QVBoxLayout, QWidget

MISSING = (
    "Plots need matplotlib in QGIS's Python: install the package python3-matplotlib of your "
    "distribution (on Windows and macOS it comes with QGIS) and start QGIS again."
)


OPAQUE = 255


class Plot(QWidget):
    """A figure with one set of axes, or a sentence where matplotlib is missing.

    Attributes
    ----------
    axes : matplotlib.axes.Axes or None
        Where to draw; None where matplotlib is missing. Call `refresh` after drawing.
    canvas : FigureCanvasQTAgg or None
        For ``mpl_connect``.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figure: Any = None
        self.canvas: Any = None
        self.axes: Any = None
        self._letters = QLabel(self)
        self._letters.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        try:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure
        except ImportError:
            label = QLabel(MISSING)
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
            return
        self.figure = Figure(layout="constrained")
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.axes = self.figure.add_subplot()
        layout.addWidget(self.canvas)
        height = self.fontMetrics().height()
        self.setMinimumSize(16 * height, 11 * height)

    def sizeHint(self) -> QSize:
        """Return a size by the letters; matplotlib's own would make docks half a screen wide."""
        height = self.fontMetrics().height()
        return QSize(20 * height, 16 * height)

    @property
    def drawable(self) -> bool:
        """Whether there is something to draw on."""
        return self.axes is not None

    def say(self, sentence: str) -> None:
        """Show a sentence instead of a plot, as where there is nothing to draw yet."""
        if not self.drawable:
            return
        self.axes.clear()
        self.axes.set_axis_off()
        self.axes.text(
            *(0.5, 0.5, sentence),
            ha="center",
            va="center",
            wrap=True,
            transform=self.axes.transAxes,
        )
        self.refresh()

    def begin(self) -> Any:
        """Clear the axes and return them, in the window's colours."""
        self.axes.clear()
        self.axes.set_axis_on()
        return self.axes

    def line(self, points: list[tuple[float, float]]) -> Any:
        """Return a line for `add_lines`, to be kept as long as it does not change.

        It is interrupted where a value is NaN.
        """
        from matplotlib.path import Path

        return Path(points)

    def add_lines(
        self,
        lines: list[Any],
        colours: list[str],
        *,
        widths: list[float] | float = 1.2,
        style: str = "solid",
    ) -> None:
        """Draw many lines at once; the limits of the axes stay as they are."""
        from matplotlib.collections import PathCollection

        collection = PathCollection(
            lines, facecolors="none", edgecolors=colours, linewidths=widths, linestyles=style
        )
        collection.set_transform(self.axes.transData)
        self.axes.add_collection(collection, autolim=False)

    def refresh(self) -> None:
        """Show what was drawn, at the next opportunity."""
        if self.drawable:
            self._dress()
            self.canvas.draw_idle()

    def text_colour(self) -> str:
        """Return the colour of texts and lines in the window's theme, as ``#rrggbb``."""
        # QGIS's themes colour kinds of widgets, and this one is none that they know: letters are as
        # those of labels.
        self._letters.ensurePolished()
        return self._letters.palette().color(QPalette.ColorRole.WindowText).name()

    def _ground(self, role: QPalette.ColorRole) -> str:
        """Return the colour that is seen behind the plot: themes make what lies above it clear."""
        below: QWidget | None = self
        while below is not None:
            below.ensurePolished()
            colour = below.palette().color(role)
            if colour.alpha() == OPAQUE:
                return colour.name()
            below = below.parentWidget()
        return self.palette().color(role).name()

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change of QGIS's theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.refresh()

    def _dress(self) -> None:
        """Give paper, frame, ticks and texts the colours and the size of letters of the window."""
        text = self.text_colour()
        paper = self._ground(QPalette.ColorRole.Base)
        window = self._ground(QPalette.ColorRole.Window)
        size = self.font().pointSizeF() if self.font().pointSizeF() > 0 else 9.0
        self.figure.set_facecolor(window)
        for axes in self.figure.axes:
            axes.set_facecolor(paper if axes.axison else window)
            for spine in axes.spines.values():
                spine.set_color(text)
            axes.tick_params(colors=text, labelsize=0.9 * size)
            for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
                label.set_color(text)
                label.set_fontsize(size)
            for written in axes.texts:
                written.set_fontsize(size)
                if not axes.axison:
                    written.set_color(text)
            legend = axes.get_legend()
            if legend is not None:
                legend.get_frame().set_facecolor(paper)
                legend.get_frame().set_edgecolor(text)
                for written in legend.get_texts():
                    written.set_color(text)
                    written.set_fontsize(0.9 * size)
