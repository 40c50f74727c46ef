"""The page *Validation*: measured over predicted values, and what the scores mean."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsMapLayer,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant
from qgis.PyQt.QtWidgets import QFormLayout, QVBoxLayout

from gossan.plugin.docks.heavy_metals import elements, score_text
from gossan.plugin.docks.heavy_metals.page import Page, text_label
from gossan.plugin.docks.heavy_metals.scatter import REACH, Sample, account_of, nearest
from gossan.plugin.docks.layer_choice import LayerChoice
from gossan.plugin.docks.plot import Plot

NOTHING = (
    "Choose a model, a layer that Map metals has made, or a layer of samples with measured and "
    "predicted values."
)
NO_PAIRS = (
    "This model keeps scores but no samples. Load the predictions that Train metal inversion wrote "
    "beside it and choose them under Samples."
)
FOREIGN = "The layer was made by another model than the one shown here."
POINTS = "#e0472e"


class ValidationPage(Page):
    """Shows how well predictions meet samples, from a model or from a layer of points."""

    TITLE = "Validation"

    def __init__(self, dock: Any) -> None:
        super().__init__(dock)
        self.samples = LayerChoice(dock, _fits, "As the model keeps them", at_once=0)
        self.samples.setObjectName("metals_samples")
        self.samples.setToolTip(
            "Points with measured and predicted values, as Train metal inversion and Assess "
            "metals write them."
        )
        self.samples.changed.connect(dock.refresh)
        self.plot = Plot()
        self.plot.setObjectName("metals_scatter")
        self.plot.setToolTip("Click a point, and its sample flashes on the map.")
        if self.plot.drawable:
            self.plot.canvas.mpl_connect("button_press_event", self._on_press)
        self._drawn: list[Sample] = []
        self._crs = QgsCoordinateReferenceSystem()
        self._unit = ""
        self._ring: Any = None
        self.chosen = text_label("metals_sample")
        self.chosen.hide()
        self.text = text_label("metals_scores")
        choice = QFormLayout()
        choice.addRow("Samples", self.samples)
        layout = QVBoxLayout(self)
        layout.addLayout(choice)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.chosen)
        layout.addWidget(self.text)

    def refresh(self) -> None:
        """Show the element of the model, or of the samples that were chosen."""
        self.dock.background.cancel("scores")
        element = self.dock.element_name()
        layer = self.samples.layer() or self._stand_in(element)
        if layer is not None:
            self._show_layer(layer, element)
            return
        if self.dock.trouble:
            self._say(self.dock.trouble)
        elif self.dock.reading:
            self._say("Reading the model…")
        elif self.dock.model is None:
            self._say(NOTHING)
        else:
            self._show_model(self.dock.model, element)

    def _show_model(self, model: dict[str, Any], element: str) -> None:
        found = elements.find(element, [each["name"] for each in model["elements"]])
        if not found:
            names = ", ".join(each["name"] for each in model["elements"])
            self._say(f"This model does not know {element}; it knows {names}.")
            return
        told = next(each for each in model["elements"] if each["name"] == found)
        self._show_text(
            found, told["scores"], told["unit"], score_text.validated_by(model["split"])
        )
        if not told["measured"]:
            self.plot.say(NO_PAIRS)
            return
        self._crs = QgsCoordinateReferenceSystem.fromWkt(model["crs_wkt"])
        samples = zip(told["measured"], told["predicted"], told["places"])
        self._draw(found, told["unit"], [Sample(m, p, tuple(place)) for m, p, place in samples])

    def _show_layer(self, layer: QgsVectorLayer, element: str) -> None:
        pairs = {pair.element: pair for pair in _pairs(layer)}
        found = elements.find(element, pairs) if element else next(iter(pairs))
        if not found:
            self._say(f"{layer.name()} has no {element}; it has {', '.join(pairs)}.")
            return
        pair = pairs[found]
        samples = []
        for feature in layer.getFeatures():
            measured, predicted = _number(feature[pair.measured]), _number(feature[pair.predicted])
            if measured is not None and predicted is not None:
                samples.append(Sample(measured, predicted, _place(feature)))
        unit = self.dock.unit(found)
        self._crs = layer.crs()
        self._draw(found, unit, samples)
        self.text.setText("Scoring…")
        how = f"{layer.name()}: {pair.how}."
        self.dock.background.job(
            "scores",
            "scores of predictions",
            "metals.score_pairs",
            {
                "measured": [sample.measured for sample in samples],
                "predicted": [sample.predicted for sample in samples],
            },
            lambda told: self._show_text(found, told["scores"], unit, how),
            self.text.setText,
        )

    def _stand_in(self, element: str) -> Any:
        """Return the first layer with the element where neither model nor samples tell of it."""
        model = self.dock.model
        if self.dock.reading or (model is not None and _keeps_pairs(model, element)):
            return None
        for index in range(1, self.samples.count()):
            layer = self.dock.project_layer(self.samples.itemData(index))
            if layer is not None and (
                not element or elements.find(element, [pair.element for pair in _pairs(layer)])
            ):
                return layer
        return None

    def _show_text(self, element: str, scores: dict[str, Any], unit: str, how: str) -> None:
        page = score_text.page(element, scores, unit, how)
        if self.dock.is_foreign and self.samples.layer() is None:
            page += f"<p>{FOREIGN}</p>"
        self.text.setText(page)

    def _say(self, sentence: str) -> None:
        self._drawn = []
        self.chosen.hide()
        self.plot.say(sentence)
        self.text.setText("" if self.plot.drawable else sentence)

    def _draw(self, element: str, unit: str, samples: list[Sample]) -> None:
        self._drawn, self._unit, self._ring = samples, unit, None
        self.chosen.hide()
        if not self.plot.drawable:
            return
        if not samples:
            self.plot.say(f"No sample has both a measured and a predicted value of {element}.")
            return
        measured = [sample.measured for sample in samples]
        predicted = [sample.predicted for sample in samples]
        axes = self.plot.begin()
        low, high = min(*measured, *predicted), max(*measured, *predicted)
        margin = 0.05 * (high - low) or 1.0
        ends = [low - margin, high + margin]
        line = self.plot.text_colour()
        axes.plot(ends, ends, color=line, linewidth=1.0, linestyle="--", label="1:1")
        axes.scatter(measured, predicted, s=28, color=POINTS, alpha=0.75, linewidths=0)
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.set_aspect("equal", adjustable="box")
        shown = f" ({unit})" if unit else ""
        axes.set_xlabel(f"{element} measured{shown}")
        axes.set_ylabel(f"{element} predicted{shown}")
        axes.legend(loc="upper left", frameon=False)
        self.plot.refresh()

    # ---------------------------------------------------------------- a sample on the map

    def _on_press(self, event: Any) -> None:
        if not self._drawn or event.button != 1 or event.inaxes is None:
            return
        pairs = [(sample.measured, sample.predicted) for sample in self._drawn]
        on_screen = [tuple(place) for place in self.plot.axes.transData.transform(pairs)]
        ratio = self.plot.canvas.devicePixelRatioF()
        found = nearest(on_screen, (event.x, event.y), REACH * ratio)
        if self._ring is not None:
            self._ring.remove()
            self._ring = None
        self.chosen.setVisible(found is not None)
        if found is not None:
            sample = self._drawn[found]
            self._ring = self.plot.axes.scatter(
                [sample.measured],
                [sample.predicted],
                s=130,
                facecolors="none",
                edgecolors=self.plot.text_colour(),
                linewidths=1.6,
            )
            self.chosen.setText(account_of(sample, self._unit))
            self._flash(sample)
        self.plot.refresh()

    def _flash(self, sample: Sample) -> None:
        """Flash a sample on the map, and bring it there if it is out of sight."""
        canvas = self.dock.canvas
        if sample.place is None:
            return
        point = QgsPointXY(*sample.place)
        seen_in = canvas.mapSettings().destinationCrs()
        if self._crs.isValid() and seen_in.isValid():
            try:
                point = QgsCoordinateTransform(self._crs, seen_in, QgsProject.instance()).transform(
                    point
                )
            except QgsCsException:
                return
        if not canvas.extent().contains(point):
            canvas.setCenter(point)
            canvas.refresh()
        canvas.flashGeometries([QgsGeometry.fromPointXY(point)])


def _fits(layer: QgsMapLayer) -> int:
    return int(isinstance(layer, QgsVectorLayer) and layer.isValid() and bool(_pairs(layer)))


def _pairs(layer: QgsVectorLayer) -> list[elements.Pair]:
    return elements.pairs_of(layer.fields().names())


def _keeps_pairs(model: dict[str, Any], element: str) -> bool:
    found = elements.find(element, [each["name"] for each in model["elements"]])
    return any(each["name"] == found and each["measured"] for each in model["elements"])


def _place(feature: Any) -> tuple[float, float] | None:
    geometry = feature.geometry()
    if geometry.isNull() or geometry.isEmpty():
        return None
    point = geometry.centroid().asPoint()
    return point.x(), point.y()


def _number(value: Any) -> float | None:
    """Return a value of a field as a number; None where it is missing or no number."""
    if value is None or isinstance(value, (bool, str, QVariant)):
        return None
    return float(value) if isinstance(value, (int, float)) else None
