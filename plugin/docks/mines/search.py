"""The page *Search* of the dock *Mines*: a search is prepared, and its threshold tried after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsMapLayer, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
)

from gossan.core.review.thresholds import FIELD, Ladder, expression, without
from gossan.plugin import toolbox
from gossan.plugin.docks.layer_choice import LayerChoice
from gossan.plugin.docks.mines.image_list import ImageList
from gossan.plugin.docks.mines.models import DETECTORS, IMPACT_MODELS, ModelChoice
from gossan.plugin.docks.mines.page import Page
from gossan.plugin.docks.mines.review_layer import NUMBER_FIELD, plain

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock

DETECT, MATCH = "gossan:detectmines", "gossan:matchregister"
NO_IMAGE = "Tick an image of the project, or choose a folder of images."
BEING_EDITED = "{} is being edited, so it cannot be filtered. End the editing first."
MEMORY = "memory"
_STEPS = 100


class SearchPage(Page):
    """Opens the search's dialog filled in, and filters findings by another threshold."""

    TITLE = "Search"

    def __init__(self, dock: MinesDock) -> None:
        super().__init__(dock)
        self.ladder = Ladder([])
        self._in_memory: dict[str, Ladder] = {}
        layout = QVBoxLayout(self)
        layout.addWidget(self._search_box(dock))
        layout.addWidget(self._after_box(dock))
        layout.addStretch(1)
        self.images.changed.connect(self._look)
        self.folder.fileChanged.connect(self._look)
        self.findings.changed.connect(self._on_findings)
        self.slider.valueChanged.connect(self._on_slider)
        self._look()
        self._on_findings()

    def take_up(self) -> None:
        """Count again: findings may have come in."""
        self._on_findings()

    # ---------------------------------------------------------------- the search

    def _search_box(self, dock: MinesDock) -> QGroupBox:
        box = QGroupBox("Search for mines and dams")
        self.images = ImageList(dock)
        self.images.setObjectName("search_images")
        self.images.setToolTip("One image, or several that together are one.")
        self.folder = QgsFileWidget()
        self.folder.setObjectName("search_folder")
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.setToolTip("All images of a folder, instead of or besides those above.")
        self.detector = ModelChoice(DETECTORS, "detectors")
        self.detector.setObjectName("search_detector")
        self.detector.setToolTip("The model that finds mines, for the bands of your image.")
        self.impact = ModelChoice(IMPACT_MODELS, "impact_models", "None")
        self.impact.setObjectName("search_impact")
        self.impact.setToolTip("Tells high from low impact and drops what has no ore.")
        self.threshold = QDoubleSpinBox()
        self.threshold.setObjectName("search_threshold")
        self.threshold.setRange(0.0, 1.0)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(0.6)
        self.threshold.setToolTip(
            "Least probability of a finding. A low one misses less and finds more that is none; "
            "it can be raised below after the search."
        )
        self.search = QPushButton("Search…")
        self.search.setObjectName("search_open")
        self.search.setToolTip("Opens Detect mines, filled in.")
        self.search.clicked.connect(self._on_search)
        self.match = QPushButton("Match with registers…")
        self.match.setObjectName("search_match")
        self.match.setToolTip("Compares the findings chosen below with registers of mines.")
        self.match.clicked.connect(self._on_match)
        self.remark = QLabel()
        self.remark.setObjectName("search_remark")
        self.remark.setWordWrap(True)
        form = QFormLayout(box)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Images", self.images)
        form.addRow("Folder", self.folder)
        form.addRow("Detector", self.detector)
        form.addRow("Impact model", self.impact)
        form.addRow("Threshold", self.threshold)
        form.addRow(self.remark)
        form.addRow(self.search)
        return box

    def _look(self) -> None:
        ready = bool(self.images.layers() or self.folder.filePath())
        self.search.setEnabled(ready)
        self.remark.setText("" if ready else NO_IMAGE)
        self.remark.setVisible(not ready)

    def _on_search(self) -> None:
        self.detector.remember()
        self.impact.remember()
        toolbox.open_dialog(
            DETECT,
            {
                "INPUT": [layer.id() for layer in self.images.layers()],
                "FOLDER": self.folder.filePath() or None,
                "DETECTOR": self.detector.path(),
                "IMPACT_MODEL": self.impact.path() or None,
                "THRESHOLD": self.threshold.value(),
            },
        )

    # ---------------------------------------------------------------- after it

    def _after_box(self, dock: MinesDock) -> QGroupBox:
        box = QGroupBox("Another threshold after the search")
        self.findings = LayerChoice(dock, _fits, "No findings", at_once=2)
        self.findings.setObjectName("search_findings")
        self.findings.setToolTip("Findings of Detect mines.")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("search_slider")
        self.slider.setRange(0, _STEPS)
        self.slider.setToolTip("Hides findings of lower probability, on the map and in the review.")
        self.count = QLabel()
        self.count.setObjectName("search_count")
        self.count.setWordWrap(True)
        self.earlier = LayerChoice(dock, _is_probability, "No probabilities", at_once=1)
        self.earlier.setObjectName("search_earlier")
        self.earlier.setToolTip("The probability raster of the search.")
        self.again = QPushButton("New findings at this threshold…")
        self.again.setObjectName("search_again")
        self.again.setToolTip(
            "Opens Detect mines with the probabilities: other outlines, lower thresholds too, "
            "without searching the image again."
        )
        self.again.clicked.connect(self._on_again)
        self.review = QPushButton("Review these findings")
        self.review.setObjectName("search_review")
        self.review.clicked.connect(lambda: self.dock.review(self.findings.layer()))
        form = QFormLayout(box)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Findings", self.findings)
        form.addRow("Threshold", self.slider)
        form.addRow(self.count)
        form.addRow(self.review)
        form.addRow(self.match)
        form.addRow("Probabilities", self.earlier)
        form.addRow(self.again)
        return box

    def _on_findings(self) -> None:
        """Read the probabilities of the chosen layer, those that its threshold hides too."""
        layer = self.findings.layer()
        for widget in (self.slider, self.review, self.match):
            widget.setEnabled(layer is not None)
        if layer is None:
            self.ladder = Ladder([])
            self.count.setText("Findings of a search appear here.")
            return
        self.ladder = self._read(layer)
        shown = _shown_from(layer)
        self.slider.blockSignals(True)
        self.slider.setRange(round(self.ladder.least * _STEPS), _STEPS)
        self.slider.setValue(round((self.ladder.least if shown is None else shown) * _STEPS))
        self.slider.blockSignals(False)
        self._tell()

    def _read(self, layer: QgsVectorLayer) -> Ladder:
        """Return the probabilities of all findings of a layer, of hidden ones too."""
        filtered = layer.subsetString()
        other = without(filtered)
        whole: Any = layer
        if filtered != other and layer.providerType() == MEMORY:
            # Such a layer cannot be opened a second time; it was read before it was filtered.
            return self._in_memory.get(layer.id(), Ladder([]))
        if filtered != other:
            whole = QgsVectorLayer(layer.source(), "all", layer.providerType())
            whole.setSubsetString(other)
        index = whole.fields().lookupField(FIELD)
        values = (plain(feature.attributes()[index]) for feature in whole.getFeatures())
        ladder = Ladder(float(value) for value in values if value is not None)
        if layer.providerType() == MEMORY:
            self._in_memory[layer.id()] = ladder
        return ladder

    def _on_slider(self) -> None:
        layer = self.findings.layer()
        if layer is None:
            return
        if layer.isEditable():
            self.count.setText(BEING_EDITED.format(layer.name()))
            return
        other = without(layer.subsetString())
        lowest = self.slider.value() <= self.slider.minimum()
        layer.setSubsetString(other if lowest else expression(self.chosen(), other))
        self._tell()

    def chosen(self) -> float:
        """Return the threshold of the slider."""
        return self.slider.value() / _STEPS

    def _tell(self) -> None:
        self.count.setText(self.ladder.sentence(self.chosen()))

    def _on_again(self) -> None:
        earlier = self.earlier.layer()
        threshold = self.chosen() if self.findings.layer() is not None else self.threshold.value()
        toolbox.open_dialog(
            DETECT,
            {"EARLIER": earlier.id() if earlier is not None else None, "THRESHOLD": threshold},
        )

    def _on_match(self) -> None:
        toolbox.open_dialog(MATCH, {"INPUT": self.findings.layer().id()})


def _fits(layer: QgsMapLayer) -> int:
    """Rate a layer: findings of a search, polygons best."""
    if not isinstance(layer, QgsVectorLayer) or layer.fields().lookupField(FIELD) < 0:
        return 0
    return 2 if layer.fields().lookupField(NUMBER_FIELD) >= 0 else 1


def _is_probability(layer: QgsMapLayer) -> int:
    """Tell whether a layer is the probability raster of a search: one band of that name."""
    if not isinstance(layer, QgsRasterLayer) or layer.bandCount() != 1:
        return 0
    return 1 if layer.bandName(1).lower().endswith("mine") else 0


def _shown_from(layer: QgsVectorLayer) -> float | None:
    """Return the threshold by which a layer is filtered; None where it is not."""
    filtered = layer.subsetString()
    if filtered == without(filtered):
        return None
    return float(filtered.rpartition(">=")[2])
