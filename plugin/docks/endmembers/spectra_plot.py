"""The curves of spectra, with absorptions and values named under the mouse."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QFrame, QWidget

from gossan.core.absorptions import ABSORPTIONS, Absorption, absorptions_at
from gossan.plugin.docks.endmembers.spectra import VIEWS, Spectrum, View, under_mouse
from gossan.plugin.docks.plot import Plot

ZOOM = 1.25
MARGIN = 0.05


class SpectraPlot(Plot):
    """Draws spectra over wavelength; the wheel zooms into it, a double click shows all again."""

    hovered = pyqtSignal(str)
    """What is under the mouse; empty where there is nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spectra: list[Spectrum] = []
        self._rows: list[Spectrum] = []
        self._view = VIEWS[False, False]
        self._range: tuple[float, float] | None = None
        self._whole = (0.0, 1.0)
        self._lines: dict[int, tuple[Any, Any]] = {}
        self._fresh: dict[int, tuple[Any, Any]] = {}
        self._spread: list[tuple[float, float, float]] = []
        if not self.drawable:
            return
        self.canvas.setObjectName("endmembers_plot")
        self._cursor = _overlay(self.canvas, QColor(128, 128, 128))
        self._region = _overlay(self.canvas, QColor(255, 190, 40, 60))
        self.canvas.mpl_connect("motion_notify_event", self._on_move)
        self.canvas.mpl_connect("axes_leave_event", self._on_leave)
        self.canvas.mpl_connect("scroll_event", self._on_scroll)
        self.canvas.mpl_connect("button_press_event", self._on_press)

    def show_spectra(
        self,
        spectra: Sequence[Spectrum],
        rows: Sequence[Spectrum],
        view: View,
        chosen: int | None,
    ) -> None:
        """Draw spectra, and those of a library dashed on top.

        Parameters
        ----------
        spectra, rows : sequence of Spectrum
            What was gathered, and what a library has. Those over band numbers are not drawn with
            those over wavelengths.
        view : View
        chosen : int or None
            Key of the spectrum that stands out, with its standard deviation.
        """
        if not self.drawable:
            return
        unit = spectra[0].unit if spectra else "nm"
        if view != self._view or (self._spectra and self._spectra[0].unit != unit):
            self._range = None
        self._spectra = [each for each in spectra if each.unit == unit]
        self._rows = list(rows) if unit == "nm" else []
        self._view = view
        self._draw(chosen)

    def say(self, sentence: str) -> None:
        """Show a sentence instead of curves."""
        self._spectra, self._rows, self._range = [], [], None
        if self.drawable:
            self._on_leave(None)
        super().say(sentence)

    @property
    def _drawn(self) -> list[Spectrum]:
        return [*self._spectra, *self._rows]

    # ---------------------------------------------------------------- drawing

    def _draw(self, chosen: int | None) -> None:
        axes, curve = self.begin(), self._view.curve
        drawn = self._drawn
        first = drawn[0]
        self._whole = (
            min(each.axis[0] for each in drawn),
            max(each.axis[-1] for each in drawn),
        )
        axes.set_xlim(*_apart(*(self._range or self._whole)))
        axes.set_xlabel("Wavelength (nm)" if first.unit == "nm" else "Band number")
        axes.set_ylabel(self._view.label.format(per="nm" if first.unit == "nm" else "band"))
        self._fresh = {}
        stands_out = next((each for each in self._spectra if each.key == chosen), None)
        self._spread = []
        if stands_out is not None and curve == "reflectance":
            self._draw_deviation(stands_out)
        self.add_lines(
            [self._line_of(each) for each in self._spectra],
            [each.colour for each in self._spectra],
            widths=[2.2 if each is stands_out else 1.2 for each in self._spectra],
        )
        if self._rows:
            self.add_lines(
                [self._line_of(each) for each in self._rows],
                [each.colour for each in self._rows],
                widths=1.4,
                style="dashed",
            )
        self._lines = self._fresh
        if first.unit == "nm":
            for each in ABSORPTIONS:
                axes.axvspan(each.low, each.high, 0.975, 1.0, color="#d9a520", alpha=0.5, lw=0)
        self._fit_height()
        self.refresh()

    def _line_of(self, spectrum: Spectrum) -> Any:
        """Return the line of a spectrum, made once for as long as its curve stays."""
        values = spectrum.curves.get(self._view.curve) or [None] * len(spectrum.axis)
        known = self._lines.get(id(values))
        if known is None or known[0] is not values:
            points = [(x, math.nan if y is None else y) for x, y in zip(spectrum.axis, values)]
            known = (values, self.line(points))
        self._fresh[id(values)] = known
        return known[1]

    def _draw_deviation(self, spectrum: Spectrum) -> None:
        curves = spectrum.curves
        self._spread = [
            (x, value - spread, value + spread)
            for x, value, spread in zip(spectrum.axis, curves["reflectance"], curves["deviation"])
            if value is not None and spread is not None
        ]
        if not self._spread:
            return
        known = {x: (low, high) for x, low, high in self._spread}
        edges = [known.get(x, (math.nan, math.nan)) for x in spectrum.axis]
        self.axes.fill_between(
            *(spectrum.axis, [low for low, _ in edges], [high for _, high in edges]),
            color=spectrum.colour,
            alpha=0.25,
            linewidth=0,
        )

    def _fit_height(self) -> None:
        """Fit the height to the curves within the range of wavelengths in sight."""
        left, right = self.axes.get_xlim()
        seen = []
        for each in self._drawn:
            first = bisect.bisect_left(each.axis, left)
            last = bisect.bisect_right(each.axis, right)
            part = (each.curves.get(self._view.curve) or [])[first:last]
            known = [value for value in part if value is not None]
            if known:
                seen += [min(known), max(known)]
        seen += [edge for x, *edges in self._spread if left <= x <= right for edge in edges]
        if seen:
            lowest, highest = _apart(min(seen), max(seen))
            margin = MARGIN * (highest - lowest)
            self.axes.set_ylim(lowest - margin, highest + 1.5 * margin)

    # ---------------------------------------------------------------- the mouse

    def _on_move(self, event: Any) -> None:
        drawn = self._drawn
        if not drawn or event.inaxes is not self.axes:
            self._on_leave(event)
            return
        parts = []
        found = under_mouse(drawn, self._view.curve, event.xdata, event.ydata)
        in_nanometres = drawn[0].unit == "nm"
        if found is None:
            parts.append(f"{event.xdata:.0f} nm" if in_nanometres else f"band {event.xdata:.0f}")
        else:
            spectrum, x, value = found
            place = f"{x:.4g} nm" if x < 1000 else f"{x:.0f} nm"
            parts.append(place if in_nanometres else f"band {x:.0f}")
            parts.append(f"{spectrum.name} {value:.4g}")
        absorptions = absorptions_at(event.xdata) if in_nanometres else []
        if absorptions:
            parts.append(str(absorptions[0]))
        self._place_overlays(event.xdata, absorptions)
        self.hovered.emit(" \u00b7 ".join(parts))

    def _on_leave(self, _: Any) -> None:
        self._cursor.hide()
        self._region.hide()
        self.hovered.emit("")

    def _place_overlays(self, x: float, absorptions: Sequence[Absorption]) -> None:
        """Move what marks the mouse's place, without drawing the curves anew."""
        ratio = self.canvas.devicePixelRatioF()
        frame = self.axes.get_window_extent()
        top = round(self.canvas.height() - frame.y1 / ratio)
        height = round(frame.height / ratio)

        def across(value: float) -> int:
            limited = min(max(self.axes.transData.transform((value, 0.0))[0], frame.x0), frame.x1)
            return round(limited / ratio)

        self._cursor.setGeometry(across(x), top, 1, height)
        self._cursor.show()
        self._region.setVisible(bool(absorptions))
        if absorptions:
            left, right = across(absorptions[0].low), across(absorptions[0].high)
            self._region.setGeometry(left, top, max(right - left, 1), height)

    def _on_scroll(self, event: Any) -> None:
        if not self._drawn or event.inaxes is not self.axes:
            return
        factor = ZOOM**-event.step
        left, right = self.axes.get_xlim()
        left, right = (event.xdata + factor * (edge - event.xdata) for edge in (left, right))
        whole = _apart(*self._whole)
        left, right = max(left, whole[0]), min(right, whole[1])
        self._zoom((left, right) if right - left < whole[1] - whole[0] else None)

    def _on_press(self, event: Any) -> None:
        if event.dblclick and self._drawn:
            self._zoom(None)

    def _zoom(self, limits: tuple[float, float] | None) -> None:
        self._range = limits
        self.axes.set_xlim(*_apart(*(limits or self._whole)))
        self._fit_height()
        self.refresh()


def _overlay(parent: QWidget, colour: QColor) -> QFrame:
    """Return a coloured area above a canvas that lets the mouse through."""
    frame = QFrame(parent)
    frame.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    frame.setStyleSheet(
        f"background: rgba({colour.red()}, {colour.green()}, {colour.blue()}, {colour.alpha()});"
        "border: none;"
    )
    frame.hide()
    return frame


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return limits that are not the same."""
    if high > low:
        return low, high
    half = abs(low) * 0.1 or 0.5
    return low - half, high + half
