"""The keys of the review: they act on the map and in the dock, and never while one types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qgis.PyQt.QtCore import QEvent, QObject, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from gossan.core.review.decisions import DAM, FALSE, MINE, REASONS, UNSURE

_TYPING = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)
_REPEATED = (Qt.Key.Key_Left, Qt.Key.Key_Right)
"""Keys that may be held down; held down, others would judge what was not looked at."""


def actions_of(bench: Any) -> dict[int, Callable[[], None]]:
    """Return what each key does on the bench."""
    actions: dict[int, Callable[[], None]] = {
        Qt.Key.Key_M: lambda: bench.decide(MINE),
        Qt.Key.Key_D: lambda: bench.decide(DAM),
        Qt.Key.Key_F: lambda: bench.decide(FALSE),
        Qt.Key.Key_U: lambda: bench.decide(UNSURE),
        Qt.Key.Key_Z: bench.undo,
        Qt.Key.Key_H: bench.toggle_findings,
        Qt.Key.Key_Left: lambda: bench.step(-1),
        Qt.Key.Key_Right: lambda: bench.step(1),
        Qt.Key.Key_Return: bench.begin_comment,
        Qt.Key.Key_Enter: bench.begin_comment,
    }
    for number, reason in enumerate(REASONS, 1):
        actions[int(Qt.Key.Key_0) + number] = lambda why=reason: bench.reject(why)
    return actions


class LineEdit(QLineEdit):
    """Keeps the key that ends it to itself.

    Qt passes Enter on to what lies around a line, where in a review it begins a comment.
    """

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Type, or end the line."""
        super().keyPressEvent(event)
        event.accept()


class ReviewKeys(QObject):
    """Takes keys before QGIS's shortcuts and the map do.

    A `QShortcut` would not do: where a user has given the same key to an action of QGIS, Qt calls
    both ambiguous and carries out neither. The map, the bench and the dock are watched, for keys
    that a widget inside does not want come to them, to the bench before the area that scrolls it
    takes the arrows; a filter on each widget would run Python for each of their events.

    Parameters
    ----------
    act : dict of int to callable
        What each key does.
    is_active : callable
        Tells whether keys count at the moment.
    parent : QObject
    """

    def __init__(
        self,
        act: dict[int, Callable[[], None]],
        is_active: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._act = act
        self._is_active = is_active
        self._watched: list[QWidget] = []

    def watch(self, widgets: Iterable[QWidget]) -> None:
        """Take the keys that these widgets get, and no longer those of others."""
        self.stop()
        self._watched = list(widgets)
        for widget in self._watched:
            widget.installEventFilter(self)

    def stop(self) -> None:
        """Take no more keys."""
        for widget in self._watched:
            widget.removeEventFilter(self)
        self._watched = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Take a key that means something here."""
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        action = self._act.get(event.key())
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        )
        typing = isinstance(QApplication.focusWidget(), _TYPING)
        if action is None or not plain or typing or not self._is_active():
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress and (not event.isAutoRepeat() or event.key() in _REPEATED):
            action()
        return True
