"""What the page *Teach* of the dock *Mines* consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsMapLayer, QgsVectorLayer
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gossan.core.review.teaching import EPOCHS, THRESHOLD
from gossan.plugin.docks.layer_choice import LayerChoice
from gossan.plugin.docks.mines.image_list import ImageList
from gossan.plugin.docks.mines.models import DETECTORS, FILTER, ModelChoice
from gossan.plugin.docks.mines.page import Page
from gossan.plugin.docks.mines.review_layer import NUMBER_FIELD
from gossan.plugin.docks.mines.teach_curves import Curves
from gossan.plugin.docks.mines.teach_result import ResultBox

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock

DECISION = "decision"
_CURVE_LINES = 14


class TeachForm(Page):
    """Choices, buttons, progress, curves and results, without what they do."""

    def __init__(self, dock: MinesDock) -> None:
        super().__init__(dock)
        self._build(dock)

    def _build(self, dock: MinesDock) -> None:
        self.layers = LayerChoice(dock, _fits, "No reviewed findings", at_once=2)
        self.layers.setObjectName("teach_layer")
        self.layers.setToolTip("Findings with decisions, as the page Review makes them.")
        self.images = ImageList(dock)
        self.images.setObjectName("teach_images")
        self.images.setToolTip(
            "The images that were searched; those under the findings are ticked. The examples are "
            "cut from them, and they are searched again."
        )
        self.base = ModelChoice(DETECTORS, "detectors")
        self.base.setObjectName("teach_base")
        self.base.setToolTip("The detector that made the findings; a better one is made from it.")
        self.model = QgsFileWidget()
        self.model.setObjectName("teach_model")
        self.model.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.model.setFilter(FILTER)
        self.model.setToolTip("The new detector. The findings of the second search go beside it.")
        self.epochs, self.rate, self.threshold = QSpinBox(), QDoubleSpinBox(), QDoubleSpinBox()
        _set(self.epochs, "teach_epochs", 1, 1000, EPOCHS, "How often each example is shown.")
        self.rate.setDecimals(6)
        self.rate.setSingleStep(0.0001)
        self.rate.setSpecialValueText("usual (0.0001)")
        _set(self.rate, "teach_rate", 0.0, 0.1, 0.0, "How fast the detector changes its mind.")
        self.threshold.setSingleStep(0.05)
        _set(self.threshold, "teach_threshold", 0.0, 1.0, THRESHOLD, "Of the second search.")
        self.counts, self.remark, self.log = QLabel(), QLabel(), QLabel()
        for label, name in ((self.counts, "counts"), (self.remark, "remark"), (self.log, "log")):
            label.setObjectName(f"teach_{name}")
            label.setWordWrap(True)
        self.start, self.stop = QPushButton("Teach and search again"), QPushButton("Stop")
        self.start.setObjectName("teach_start")
        self.stop.setObjectName("teach_stop")
        self.bar = QProgressBar()
        self.bar.setObjectName("teach_progress")
        self.curves = Curves()
        self.curves.setObjectName("teach_curves")
        self.curves.setMaximumHeight(self.fontMetrics().height() * _CURVE_LINES)
        self.result = ResultBox(dock.canvas)
        self._lay_out()
        for widget in (self.bar, self.log, self.stop, self.curves):
            widget.setVisible(False)

    def _lay_out(self) -> None:
        self.choices = QWidget()
        form = QFormLayout(self.choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Findings", self.layers)
        form.addRow(self.counts)
        form.addRow("Images", self.images)
        form.addRow("Detector", self.base)
        form.addRow("New detector", self.model)
        form.addRow("Epochs", self.epochs)
        form.addRow("Learning rate", self.rate)
        form.addRow("Threshold", self.threshold)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.addWidget(self.choices)
        layout.addWidget(self.remark)
        layout.addLayout(buttons)
        for widget in (self.bar, self.log, self.curves, self.result):
            layout.addWidget(widget)
        layout.addStretch(1)


def _set(
    box: QSpinBox | QDoubleSpinBox,
    name: str,
    least: float,
    most: float,
    value: float,
    tip: str,
) -> None:
    box.setObjectName(name)
    box.setRange(least, most)
    box.setValue(value)
    box.setToolTip(tip)


def _fits(layer: QgsMapLayer) -> int:
    """Rate a layer: findings of a search with decisions best."""
    if not isinstance(layer, QgsVectorLayer) or layer.fields().lookupField(DECISION) < 0:
        return 0
    return 2 if layer.fields().lookupField(NUMBER_FIELD) >= 0 else 1
