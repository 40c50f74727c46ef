"""Windows with a text to read and copy, or with a page of the documentation."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget


class TextDialog(QDialog):
    """Shows a plain text to read and to copy, such as a diagnosis."""

    SIZE = (640, 420)

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(*self.SIZE)
        self.text = QTextBrowser()
        # Links to other pages are followed here, those to the web in the browser.
        self.text.setOpenExternalLinks(True)
        self.text.setPlainText(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy_button = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.clicked.connect(self._on_copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)

    def _on_copy(self) -> None:
        QgsApplication.clipboard().setText(self.text.toPlainText())
        self.copy_button.setText("Copied")


class PageDialog(TextDialog):
    """Shows a Markdown page with its pictures, and the pages that it leads to."""

    SIZE = (980, 680)

    def __init__(self, title: str, page: Path, parent: QWidget | None = None) -> None:
        super().__init__(title, "", parent)
        self.copy_button.hide()
        self.text.setSource(QUrl.fromLocalFile(str(page)))
