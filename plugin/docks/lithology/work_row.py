"""A line that tells of work under way, with a button that ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.PyQt.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gossan.plugin.docks.lithology.words import words


class WorkRow(QWidget):
    """Out of sight while nothing is under way.

    Parameters
    ----------
    name : str
        Object name; that of the button is ``<name>_cancel``.
    cancel : callable
        Ends the work.
    """

    def __init__(self, name: str, cancel: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName(name)
        self._cancel = cancel
        self._text = words(f"{name}_text")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(self.fontMetrics().height())
        button = QPushButton("Cancel")
        button.setObjectName(f"{name}_cancel")
        button.clicked.connect(self._on_cancel)
        row = QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(button)
        # The text has a line of its own, so that the dock need not grow for it.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        layout.addLayout(row)
        self.hide()

    def begin(self, text: str, progress: Any) -> None:
        """Show that work has begun.

        Parameters
        ----------
        text : str
            What is done.
        progress : signal
            Tells of the work's progress, 0 to 100.
        """
        self._text.setText(text)
        self._bar.setRange(0, 0)
        progress.connect(self.advance)
        self.show()

    def advance(self, percent: float) -> None:
        """Show how far the work is."""
        if percent > 0:
            self._bar.setRange(0, 100)
            self._bar.setValue(round(percent))

    def end(self) -> None:
        """Show no work any more."""
        self.hide()

    def _on_cancel(self) -> None:
        self.end()
        self._cancel()
