"""How the bench is laid out; what its parts do is in review_bench.py."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gossan.plugin.docks.mines.review_card import Card, Verdict
from gossan.plugin.docks.mines.review_figures import AgreementBox, Figures
from gossan.plugin.docks.mines.review_order import OrderBox
from gossan.plugin.docks.mines.review_view import SecondView

KEYS_HELP = (
    "Keys on the map: M D F U judge, 1–6 false and why, Z undoes, ←\u00a0→ move, Enter comments, "
    "H hides and shows the findings."
)


class BenchForm(QWidget):
    """The parts of the bench, one below the other.

    Parameters
    ----------
    canvas : QgsMapCanvas
        QGIS's own map.
    """

    def __init__(self, canvas: Any) -> None:
        super().__init__()
        self.head = QLabel()
        self.head.setObjectName("review_head")
        self.head.setWordWrap(True)
        self.change = _button("Change…", "review_change")
        self.order = OrderBox()
        self.figures = Figures()
        self.card = Card()
        self.verdict = Verdict()
        self.message = QLabel()
        self.message.setObjectName("review_message")
        self.message.setWordWrap(True)
        self.message.setVisible(False)
        self.drag = _button("Drag…", "review_drag")
        self.drag.setCheckable(True)
        self.drag.setToolTip(
            "Then drag the finding, or an entry of a register near it, to where it belongs."
        )
        self.agreement = AgreementBox()
        self.second = SecondView(canvas)
        head = QHBoxLayout()
        head.addWidget(self.head, 1)
        head.addWidget(self.change)
        self.back = _button("←  Back", "review_back")
        self.next = _button("Next  →", "review_next")
        self.take_back = _button("Undo  Z", "review_undo")
        moves = QHBoxLayout()
        for button in (self.back, self.next, self.take_back, self.drag):
            moves.addWidget(button)
        self.export = _button("Export confirmed…", "review_export")
        self.teach = _button("Teach the detector…", "review_teach")
        ends = QHBoxLayout()
        ends.addWidget(self.export)
        ends.addWidget(self.teach)
        hint = QLabel(KEYS_HELP)
        hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(self.order)
        layout.addWidget(self.card)
        layout.addWidget(self.verdict)
        layout.addLayout(moves)
        layout.addWidget(self.message)
        layout.addWidget(hint)
        layout.addWidget(self.figures)
        layout.addWidget(self.agreement)
        layout.addWidget(self.second, 1)
        layout.addLayout(ends)
        layout.addStretch(0)


def _button(text: str, name: str) -> QPushButton:
    """Return a button that leaves the keys with the map."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button
