"""Where a review begins: which findings, by which probability, and who reviews."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsFieldProxyModel,
    QgsMapLayerProxyModel,
    QgsProject,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsFieldComboBox, QgsMapLayerComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gossan.core.errors import GossanError
from gossan.plugin.docks.mines.review_files import hand_over, save_copy
from gossan.plugin.docks.mines.review_keys import LineEdit
from gossan.plugin.docks.mines.review_layer import (
    NUMBER_FIELD,
    likely_probability_field,
    needs_copy,
    why_not,
)

REVIEWER_SETTING = "gossan/review/reviewer"

NO_LAYER = (
    "<p>There are no findings in the project yet.</p><p>Search for mines, or add a layer of points "
    "or polygons that someone else has found.</p>"
)
WHAT_HAPPENS = (
    "Adds the fields of a decision to the layer and a table of decisions beside it, in its "
    "GeoPackage. Nothing else is changed."
)


class ReviewStart(QWidget):
    """Asks what is to be reviewed, and by whom."""

    wanted = pyqtSignal(QgsVectorLayer, str, str)
    """Layer, its field of probabilities ("" for none), reviewer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = QgsMapLayerComboBox()
        self.layers.setObjectName("review_layer")
        self.layers.setFilters(
            QgsMapLayerProxyModel.Filter.PolygonLayer | QgsMapLayerProxyModel.Filter.PointLayer
        )
        self.layers.setToolTip("Findings as Detect mines or Match with registers makes them.")
        self.probability = QgsFieldComboBox()
        self.probability.setObjectName("review_probability")
        self.probability.setFilters(QgsFieldProxyModel.Filter.Numeric)
        self.probability.setAllowEmptyFieldName(True)
        self.probability.setToolTip("By it findings are put in order. Empty: by their number.")
        self.reviewer = LineEdit(QgsSettings().value(REVIEWER_SETTING, "", type=str))
        self.reviewer.setObjectName("review_reviewer")
        self.reviewer.setPlaceholderText("Your name")
        self.reviewer.setToolTip("Every decision carries it.")
        self.start = QPushButton("Start the review")
        self.start.setObjectName("review_start")
        self.start.setToolTip(WHAT_HAPPENS)
        self.copy = QPushButton("Save a copy as GeoPackage and review that…")
        self.copy.setObjectName("review_copy")
        self.remark = QLabel()
        self.remark.setObjectName("review_remark")
        self.remark.setWordWrap(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Findings", self.layers)
        form.addRow("Probability", self.probability)
        form.addRow("Reviewer", self.reviewer)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.remark)
        layout.addWidget(self.start)
        layout.addWidget(self.copy)
        layout.addStretch(1)
        self.layers.layerChanged.connect(self.look)
        self.reviewer.textChanged.connect(self.look)
        self.reviewer.returnPressed.connect(self.start.click)
        self.start.clicked.connect(self._on_start)
        self.copy.clicked.connect(self._on_copy)
        self.choose_likely()

    def choose_likely(self) -> None:
        """Choose the layer that looks most like findings."""
        layers = [self.layers.layer(row) for row in range(self.layers.count())]
        known = [each for each in layers if isinstance(each, QgsVectorLayer)]
        # Of the two layers that a search makes, the polygons: they give chips of all cells.
        known.sort(
            key=lambda layer: (
                layer.fields().lookupField(NUMBER_FIELD) < 0,
                not likely_probability_field(layer),
                -int(layer.geometryType()),
            )
        )
        if known:
            self.layers.setLayer(known[0])
        self.look()

    def has_likely(self) -> bool:
        """Tell whether the chosen layer looks like findings."""
        layer = self.layers.currentLayer()
        return layer is not None and layer.fields().lookupField(NUMBER_FIELD) >= 0

    def look(self) -> None:
        """Say whether the chosen layer can be reviewed, and offer what helps where not."""
        layer = self.layers.currentLayer()
        if self.probability.layer() is not layer:
            self.probability.setLayer(layer)
            if layer is not None:
                self.probability.setField(likely_probability_field(layer))
        reason = NO_LAYER if layer is None else why_not(layer)
        named = bool(self.reviewer.text().strip())
        if not reason and not named:
            self.remark.setText("Type your name: every decision carries it.")
        else:
            self.remark.setText(reason)
        self.remark.setVisible(bool(self.remark.text()))
        self.start.setEnabled(not reason and named)
        self.copy.setVisible(bool(reason) and layer is not None and needs_copy(layer))

    def say(self, sentence: str) -> None:
        """Show why the review could not begin."""
        self.remark.setText(sentence)
        self.remark.setVisible(True)

    def _on_start(self) -> None:
        layer = self.layers.currentLayer()
        if layer is not None and self.start.isEnabled():
            name = self.reviewer.text().strip()
            QgsSettings().setValue(REVIEWER_SETTING, name)
            self.wanted.emit(layer, self.probability.currentField(), name)

    def _on_copy(self) -> None:
        layer = self.layers.currentLayer()
        proposed = str(Path(QgsProject.instance().homePath()) / f"{layer.name()}.gpkg")
        path, _ = QFileDialog.getSaveFileName(
            self, "A copy to review", proposed, "GeoPackage (*.gpkg)"
        )
        if not path:
            return
        try:
            hand_over(layer)
            copy = save_copy(layer, path if path.lower().endswith(".gpkg") else f"{path}.gpkg")
        except GossanError as problem:
            self.say(str(problem))
            return
        QgsProject.instance().addMapLayer(copy)
        self.layers.setLayer(copy)
        self.start.click()
