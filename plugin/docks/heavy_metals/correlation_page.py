"""The page *Correlation*: which elements go together."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QVBoxLayout

from gossan.plugin.docks.heavy_metals import elements
from gossan.plugin.docks.heavy_metals.distribution import strongest_pairs
from gossan.plugin.docks.heavy_metals.page import Page, text_label
from gossan.plugin.docks.plot import Plot

NOTHING = "Choose a concentration layer with two or more elements, or a model of several."
ALIKE = "Maps are more alike than soils: all come from the same few features."
PIXELS, SAMPLES = "pixels", "samples"
MOST = 30
"""More bands than this are no elements, and their matrix could not be read."""


class CorrelationPage(Page):
    """Shows Pearson's r between the bands of the layer, or between the model's samples."""

    TITLE = "Correlation"

    def __init__(self, dock: Any) -> None:
        super().__init__(dock)
        self._of: Any = None
        self.over = QComboBox()
        self.over.setObjectName("metals_over")
        self.over.addItem("Pixels of the layer", PIXELS)
        self.over.addItem("Samples of the model", SAMPLES)
        self.over.setToolTip(
            "Maps are more alike than soils: all of them come from the same few features."
        )
        self.over.activated.connect(dock.refresh)
        self.plot = Plot()
        self.plot.setObjectName("metals_correlation")
        self.text = text_label("metals_pairs")
        choice = QFormLayout()
        choice.addRow("Between", self.over)
        layout = QVBoxLayout(self)
        layout.addLayout(choice)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.text)

    def refresh(self) -> None:
        """Show the matrix that is wanted; where there is only the other one, that."""
        layer, facts, model = self.dock.raster(), self.dock.facts, self.dock.model
        samples = model is not None and len(model["elements"]) > 1 and bool(model["correlation"])
        pixels = layer is not None and bool(facts.path) and 2 <= len(facts.bands) <= MOST
        for index, there in ((0, pixels), (1, samples)):
            self.over.model().item(index).setEnabled(there)
        if samples and (self.over.currentData() == SAMPLES or not pixels):
            self._leave()
            names = [each["name"] for each in model["elements"]]
            self._draw(names, model["correlation"], "the samples of the model")
        elif pixels:
            self._show_layer(layer)
        elif layer is not None and len(facts.bands) > MOST:
            self._say(
                f"{layer.name()} has {len(facts.bands)} bands; more than {MOST} are no matrix "
                "that one could read. Correlate metals takes the bands that you choose."
            )
        else:
            self._say(NOTHING)

    def _show_layer(self, layer: Any) -> None:
        if self._of == layer.id():
            return
        self._say("Comparing all pixels…")
        self._of = layer.id()
        names = [
            elements.band_title(number, name)
            for number, name in enumerate(self.dock.facts.bands, start=1)
        ]
        alike = ALIKE if self.dock.facts.algorithm == "gossan:mapmetals" else ""
        self.dock.background.job(
            "correlation",
            f"correlation of {layer.name()}",
            "metals.correlate",
            {"raster": self.dock.facts.path},
            lambda told: self._draw(
                names, told["correlation"], f"{told['count']:,} pixels with all elements", alike
            ),
            self._say,
        )

    def _leave(self) -> None:
        self.dock.background.cancel("correlation")
        self._of = None

    def _say(self, sentence: str) -> None:
        self._leave()
        self.plot.say(sentence)
        self.text.setText("" if self.plot.drawable else sentence)

    def _draw(
        self, names: list[str], matrix: list[list[float | None]], over: str, note: str = ""
    ) -> None:
        pairs = ", ".join(f"{a} and {b} {r:+.2f}" for a, b, r in strongest_pairs(names, matrix))
        strongest = f" Strongest: {pairs}." if pairs else ""
        self.text.setText(f"Pearson's r over {over}.{strongest} {note}".strip())
        if not self.plot.drawable:
            return
        axes = self.plot.begin()
        blank = float("nan")
        values = [[blank if r is None else r for r in row] for row in matrix]
        axes.imshow(values, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
        places = list(range(len(names)))
        axes.set_xticks(places)
        axes.set_xticklabels(names, rotation=45 if max(map(len, names)) > 3 else 0)
        axes.set_yticks(places)
        axes.set_yticklabels(names)
        if len(names) <= 12:
            for i, row in enumerate(values):
                for j, r in enumerate(row):
                    if r == r:
                        shade = "#ffffff" if abs(r) > 0.6 else "#1a1a1a"
                        axes.text(j, i, f"{r:.2f}", ha="center", va="center", color=shade)
        self.plot.refresh()
