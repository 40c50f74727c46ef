"""The page *Hotspots*: the distribution of a layer, and a threshold that one drags through it."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout

from gossan.plugin.docks import quantities
from gossan.plugin.docks.heavy_metals.distribution import Above, Distribution, decimals
from gossan.plugin.docks.heavy_metals.page import Page, text_label
from gossan.plugin.docks.plot import Plot
from gossan.processing_provider.metals.styles import hotspots

NOTHING = (
    "Choose a concentration layer above. Map… makes one from a model; any raster with a band of "
    "measurements will do."
)
NO_FILE = "The engine reads files. Export this layer to a GeoTIFF and choose that."
BELOW, ABOVE = "#9a9a95", "#ec6a1f"
RESTYLE_MS = 40
COUNT_MS = 300
"""How long a typed threshold must rest before the pixels above it are counted one by one."""


class HotspotsPage(Page):
    """Draws the histogram and restyles the layer by the threshold."""

    TITLE = "Hotspots"

    def __init__(self, dock: Any) -> None:
        super().__init__(dock)
        self.distribution: Distribution | None = None
        self._of: tuple[str, int] = ("", 0)
        self._thresholds: dict[tuple[str, int], float] = {}
        self._looks: dict[str, Any] = {}
        self._dragging = False
        self._value = 0.0
        self._make_widgets()
        self._restyle = _timer(self, RESTYLE_MS, self._show_on_map)
        self._count = _timer(self, COUNT_MS, self._count_exactly)

    def _make_widgets(self) -> None:
        self.plot = Plot()
        self.plot.setObjectName("metals_histogram")
        if self.plot.drawable:
            self.plot.canvas.mpl_connect("button_press_event", self._on_press)
            self.plot.canvas.mpl_connect("motion_notify_event", self._on_move)
            self.plot.canvas.mpl_connect("button_release_event", self._on_release)
        self.threshold = QDoubleSpinBox()
        self.threshold.setObjectName("metals_threshold")
        self.threshold.setKeyboardTracking(False)
        self.threshold.setToolTip("Type a limit, or drag the line in the histogram.")
        self.threshold.valueChanged.connect(self._on_typed)
        self.on_map = QCheckBox("Show on the map")
        self.on_map.setObjectName("metals_on_map")
        self.on_map.setToolTip(
            "Grey below the threshold, hot from it on. Without it the layer has its own look back."
        )
        self.on_map.toggled.connect(self._on_wanted)
        self.area = text_label("metals_area")
        row = QHBoxLayout()
        row.addWidget(QLabel("Threshold"))
        row.addWidget(self.threshold, 1)
        row.addWidget(self.on_map)
        layout = QVBoxLayout(self)
        layout.addWidget(self.plot, 1)
        layout.addLayout(row)
        layout.addWidget(self.area)

    # ---------------------------------------------------------------- what is chosen

    def refresh(self) -> None:
        """Have the band counted that is chosen, unless it is the one that is shown."""
        layer, band = self.dock.raster(), self.dock.band()
        if layer is None or not band:
            self._empty(NOTHING)
        elif not self.dock.facts.path:
            self._empty(NO_FILE)
        elif self._of != (layer.id(), band):
            self._empty("Counting the pixels…")
            self._of = (layer.id(), band)
            self.dock.background.job(
                "histogram",
                f"histogram of {layer.name()}",
                "metals.histogram",
                {"raster": self.dock.facts.path, "band": band},
                self._on_counted,
                self._empty,
            )

    def forget(self, ids: list[str]) -> None:
        """Let go of layers that were removed."""
        for layer_id in ids:
            self._looks.pop(layer_id, None)

    def put_away(self) -> None:
        """Stop what is due."""
        self._restyle.stop()
        self._count.stop()

    def _empty(self, sentence: str) -> None:
        self.put_away()
        self.dock.background.cancel("histogram")
        self.dock.background.cancel("area")
        self._of = ("", 0)
        self.distribution = None
        self.plot.say(sentence)
        self.area.setText("" if self.plot.drawable else sentence)
        self._set_enabled(False)

    def _on_counted(self, told: dict[str, Any]) -> None:
        found = self.distribution = Distribution(told)
        self._set_enabled(True)
        start = self._thresholds.get(self._of, found.starting_threshold())
        self.threshold.blockSignals(True)
        self.threshold.setDecimals(decimals(found.low, found.high))
        self.threshold.setRange(min(found.low, start), max(found.high, start))
        self.threshold.setSingleStep((found.high - found.low) / 200 or 1.0)
        unit = self.dock.unit()
        self.threshold.setSuffix(f" {unit}" if unit else "")
        self.threshold.setValue(start)
        self.threshold.blockSignals(False)
        self.on_map.blockSignals(True)
        self.on_map.setChecked(self._of[0] in self._looks)
        self.on_map.blockSignals(False)
        self._value = start
        self._draw()
        self._tell(found.above(start))
        if self.on_map.isChecked():
            self._restyle.start()

    def _set_enabled(self, enabled: bool) -> None:
        self.threshold.setEnabled(enabled)
        self.on_map.setEnabled(enabled)

    # ---------------------------------------------------------------- the threshold

    def value(self) -> float | None:
        """Return the threshold, None where nothing is shown."""
        return self._value if self.distribution is not None else None

    def limit(self) -> float | None:
        """Return the threshold that somebody has set for this band, None where nobody has."""
        return self._thresholds.get(self._of) if self.distribution is not None else None

    def _move_to(self, value: float) -> None:
        """Take a new threshold: line, area and the layer's look follow at once."""
        found = self.distribution
        if found is None:
            return
        self._value = value
        self._thresholds[self._of] = value
        self._draw()
        above = found.above(value)
        self._tell(above)
        self.dock.background.cancel("area")
        self._count.stop()
        if not above.exact:
            self._count.start()
        self.on_map.blockSignals(True)
        self.on_map.setChecked(True)
        self.on_map.blockSignals(False)
        if not self._restyle.isActive():
            self._restyle.start()

    def _on_typed(self, value: float) -> None:
        self._move_to(value)

    def _on_press(self, event: Any) -> None:
        if self.distribution is None or event.button != 1 or event.inaxes is None:
            return
        self._dragging = True
        self._drag(event)

    def _on_move(self, event: Any) -> None:
        if self._dragging:
            self._drag(event)
        elif self.distribution is not None and event.inaxes is not None:
            self.plot.canvas.setCursor(Qt.CursorShape.SizeHorCursor)
        else:
            self.plot.canvas.unsetCursor()

    def _on_release(self, event: Any) -> None:
        if self._dragging and event.button == 1:
            self._dragging = False
            self._draw()

    def _drag(self, event: Any) -> None:
        found = self.distribution
        if found is None:
            return
        where = self.plot.axes.transData.inverted().transform((event.x, event.y))[0]
        value = found.snapped(float(where))
        self.threshold.blockSignals(True)
        self.threshold.setValue(value)
        self.threshold.blockSignals(False)
        # The box rounds; the edge of a bin, above which all is counted, is what counts.
        self._move_to(value)

    # ---------------------------------------------------------------- what follows from it

    def _tell(self, above: Above) -> None:
        whole = quantities.area(above.total, above.count)
        part = quantities.area(above.area, above.pixels, of=above.total)
        about = "" if above.exact else "about "
        limit = quantities.with_unit(self._value, self.dock.unit())
        # No line ends inside 104 mg/kg.
        limit = limit.replace("/", "\u2060/\u2060").replace(" ", "\u00a0")
        self.area.setText(
            f"<b>{about}{part}</b> of {whole} ({quantities.share(above.pixels, above.count)}) "
            f"at or above {limit}; {above.pixels:,} of {above.count:,} pixels."
        )

    def _count_exactly(self) -> None:
        if self.distribution is None:
            return
        self.dock.background.job(
            "area",
            "area above the threshold",
            "metals.area_above",
            {"raster": self.dock.facts.path, "band": self._of[1], "threshold": self._value},
            lambda told: self._tell(
                Above(told["pixels"], told["count"], told["area"], told["total"], True)
            ),
            self.area.setText,
        )

    def _on_wanted(self, wanted: bool) -> None:
        if wanted:
            self._show_on_map()
            return
        self._restyle.stop()
        layer = self.dock.raster()
        look = self._looks.pop(self._of[0], None)
        if layer is not None and look is not None:
            layer.setRenderer(look)
            self._repaint(layer)

    def _show_on_map(self) -> None:
        layer, found = self.dock.raster(), self.distribution
        if layer is None or found is None or layer.id() != self._of[0]:
            return
        if layer.id() not in self._looks:
            self._looks[layer.id()] = layer.renderer().clone()
        limits = found.low, max(found.quantile(0.995), self._value)
        hotspots(layer, self._of[1], self._value, limits, self.dock.unit())
        self._repaint(layer)

    def _repaint(self, layer: Any) -> None:
        layer.triggerRepaint()
        if not self._dragging:
            self.dock.iface.layerTreeView().refreshLayerSymbology(layer.id())

    def _draw(self) -> None:
        found = self.distribution
        if found is None or not self.plot.drawable:
            return
        shown = (
            (self.plot.axes.get_xlim()[0], self.plot.axes.get_xlim()[1])
            if self._dragging
            else found.shown_range(self._value)
        )
        edges, heights = found.drawn(shown)
        axes = self.plot.begin()
        for (ends, bars), colour in zip(found.parted(edges, heights, self._value), (BELOW, ABOVE)):
            if bars:
                axes.stairs(bars, ends, fill=True, color=colour)
        axes.axvline(self._value, color=self.plot.text_colour(), linewidth=1.6)
        axes.set_xlim(*shown)
        axes.set_ylim(0, 1.05 * max(heights))
        unit = self.dock.unit()
        axes.set_xlabel(
            f"{self.dock.element_name()} ({unit})" if unit else self.dock.element_name()
        )
        axes.set_ylabel("pixels")
        self.plot.refresh()


def _timer(parent: Any, milliseconds: int, call: Any) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
