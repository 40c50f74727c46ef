"""The card of a finding, and the buttons that decide about it."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gossan.core.review.decisions import DAM, FALSE, MINE, REASONS, UNSURE, Entry
from gossan.plugin.docks.mines.review_keys import LineEdit

BUTTONS = ((MINE, "Mine", "M"), (DAM, "Dam", "D"), (FALSE, "False", "F"), (UNSURE, "Unsure", "U"))
"""Decision, what the button says, and its key."""

_LARGE = 1.5


class Card(QFrame):
    """What the layer tells of a finding, large enough to be read while looking at the map."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("review_card")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.title = QLabel()
        self.title.setObjectName("review_title")
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * _LARGE)
        font.setBold(True)
        self.title.setFont(font)
        self.place = QLabel()
        self.place.setObjectName("review_place")
        self.place.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.own = _wrapped("review_own")
        self.others = _wrapped("review_others")
        self._facts = QGridLayout()
        self._facts.setColumnStretch(1, 1)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.place)
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addLayout(self._facts)
        layout.addWidget(self.own)
        layout.addWidget(self.others)
        self._rows: list[tuple[QLabel, QLabel]] = []

    def show_finding(self, number: int, place: str, facts: Sequence[tuple[str, str]]) -> None:
        """Show a finding; labels are used again, for making them takes longer than filling them."""
        self.title.setText(f"Finding {number}")
        self.place.setText(place)
        while len(self._rows) < len(facts):
            row = len(self._rows)
            name, value = QLabel(), _wrapped(f"review_fact_{row}")
            value.setTextFormat(Qt.TextFormat.PlainText)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(name, row, 0)
            self._facts.addWidget(value, row, 1)
            self._rows.append((name, value))
        for row, (name, value) in enumerate(self._rows):
            told = facts[row] if row < len(facts) else ("", "")
            name.setText(told[0])
            value.setText(told[1])
            name.setVisible(bool(told[0]))
            value.setVisible(bool(told[0]))

    def show_nothing(self, why: str) -> None:
        """Say why there is no finding to show."""
        self.show_finding(0, "", [])
        self.title.setText("Nothing to review")
        self.own.setText(why)
        self.others.setText("")

    def show_opinions(self, own: Entry | None, others: Sequence[Entry] | None) -> None:
        """Show what was decided; None for others means that it is hidden."""
        self.own.setText(f"<b>You: {_told(own)}</b>" if own else "You have not judged it.")
        if others is None:
            self.others.setText("Others have judged it. You see how once you have, too.")
        else:
            lines = [f"{_plain(entry.reviewer)}: {_told(entry)}" for entry in others]
            self.others.setText("<br>".join(lines))
        self.others.setVisible(others is None or bool(others))


def _told(entry: Entry) -> str:
    reason = f" ({entry.reason})" if entry.reason else ""
    comment = f" – {entry.comment}" if entry.comment else ""
    return _plain(f"{entry.decision}{reason}{comment}")


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _wrapped(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    # Without this, a label that wraps asks for the height of its narrowest form.
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


class Verdict(QWidget):
    """Buttons and comment."""

    decided = pyqtSignal(str)
    rejected = pyqtSignal(str)
    """With the reason."""
    commented = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        self._buttons = {}
        for decision, text, key in BUTTONS:
            button = _button(f"{text}  {key}", f"review_{decision}", checkable=True)
            button.setMinimumHeight(round(button.fontMetrics().height() * 2.2))
            button.clicked.connect(lambda _, chosen=decision: self.decided.emit(chosen))
            row.addWidget(button)
            self._buttons[decision] = button
        layout.addLayout(row)
        self.ask = QLabel()
        self.ask.setObjectName("review_ask")
        self.ask.setWordWrap(True)
        layout.addWidget(self.ask)
        grid = QGridLayout()
        self._reasons = {}
        for number, reason in enumerate(REASONS, 1):
            button = _button(f"{number}  {reason}", f"review_reason_{number}", checkable=True)
            button.clicked.connect(lambda _, chosen=reason: self.rejected.emit(chosen))
            grid.addWidget(button, (number - 1) // 2, (number - 1) % 2)
            self._reasons[reason] = button
        layout.addLayout(grid)
        self.comment = LineEdit()
        self.comment.setObjectName("review_comment")
        self.comment.setPlaceholderText("Comment (Enter)")
        self.comment.setClearButtonEnabled(True)
        self.comment.editingFinished.connect(self._on_comment)
        layout.addWidget(self.comment)

    def show_state(self, own: Entry | None, comment: str, *, wants_reason: bool) -> None:
        """Show what is decided, and whether a reason may follow."""
        for decision, button in self._buttons.items():
            button.setChecked(own is not None and own.decision == decision)
        for reason, button in self._reasons.items():
            button.setChecked(own is not None and own.reason == reason)
        self.ask.setText(
            "<b>Why is it false?</b> A number, or → to go on without a reason."
            if wants_reason
            else "False, and why:"
        )
        if self.comment.text() != comment:
            self.comment.setText(comment)

    def set_enabled(self, enabled: bool) -> None:
        """Allow decisions, or not where there is nothing to decide about."""
        for widget in (*self._buttons.values(), *self._reasons.values(), self.comment):
            widget.setEnabled(enabled)

    def _on_comment(self) -> None:
        self.commented.emit(self.comment.text())


def _button(text: str, name: str, *, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setCheckable(checkable)
    button.setAutoDefault(False)
    # The keys stay with the map.
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button
