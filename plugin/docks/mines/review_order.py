"""In which order findings come up, and which."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from gossan.core.review.queue import (
    ALL,
    CONFIDENT,
    DISAGREEMENTS,
    MINE,
    RANDOM,
    SECOND_OPINIONS,
    UNCERTAIN,
    UNDECIDED,
    UNREGISTERED,
    Order,
)

_ORDERS = (
    (CONFIDENT, "Most confident first", "Those of the highest probability."),
    (UNCERTAIN, "Least certain first", "Those whose probability is nearest to the threshold."),
    (RANDOM, "Random", "A random sample, which tells how many of all findings are right."),
    (UNREGISTERED, "Unregistered first", "Those that no register knows, the most confident first."),
    (SECOND_OPINIONS, "Second opinions", "What others have judged and you have not, blind."),
    (DISAGREEMENTS, "Disagreements", "Those on which reviewers differ."),
)
_CHOICES = ((UNDECIDED, "not judged yet"), (ALL, "all"), (MINE, "those I judged"))
_OWN_CHOICE = (SECOND_OPINIONS, DISAGREEMENTS)


class OrderBox(QWidget):
    """Chooses the order."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = QComboBox()
        self.kind.setObjectName("review_order")
        for row, (kind, text, tip) in enumerate(_ORDERS):
            self.kind.addItem(text, kind)
            self.kind.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
        self.only = QComboBox()
        self.only.setObjectName("review_only")
        for only, text in _CHOICES:
            self.only.addItem(text, only)
        self.threshold = QDoubleSpinBox()
        self.threshold.setObjectName("review_threshold")
        self.threshold.setRange(0.0, 1.0)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(0.6)
        self.threshold.setToolTip("That of the search.")
        self.seed = QSpinBox()
        self.seed.setObjectName("review_seed")
        self.seed.setRange(0, 999_999)
        self.seed.setValue(1)
        self.seed.setToolTip("The same seed gives the same order.")
        self._threshold_label = QLabel("at")
        self._seed_label = QLabel("seed")
        chosen = QHBoxLayout()
        chosen.addWidget(self.kind, 1)
        for widget in (self._threshold_label, self.threshold, self._seed_label, self.seed):
            chosen.addWidget(widget)
        self._show_label = QLabel("Show")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        layout.addWidget(QLabel("Order"), 0, 0)
        layout.addLayout(chosen, 0, 1)
        layout.addWidget(self._show_label, 1, 0)
        layout.addWidget(self.only, 1, 1)
        for signal in (
            self.kind.currentIndexChanged,
            self.only.currentIndexChanged,
            self.threshold.valueChanged,
            self.seed.valueChanged,
        ):
            signal.connect(self._on_change)
        self._show_needed()

    def order(self) -> Order:
        """Return what was chosen."""
        return Order(self.kind.currentData(), self.threshold.value(), self.seed.value())

    def choice(self) -> str:
        """Return which findings come up."""
        return str(self.only.currentData())

    def _on_change(self) -> None:
        self._show_needed()
        self.changed.emit()

    def _show_needed(self) -> None:
        kind = self.kind.currentData()
        for widget in (self.threshold, self._threshold_label):
            widget.setVisible(kind == UNCERTAIN)
        for widget in (self.seed, self._seed_label):
            widget.setVisible(kind == RANDOM)
        for widget in (self.only, self._show_label):
            widget.setVisible(kind not in _OWN_CHOICE)
