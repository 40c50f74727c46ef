"""Windows with a text to read and copy, or with a page of the documentation."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget


class TextDialog(QDialog):
    """Shows a plain text, such as a diagnosis."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(980, 680)
        self.text = QTextBrowser()
        # Links to other pages are followed here, those to the web in the browser.
        self.text.setOpenExternalLinks(True)
        self.text.setPlainText(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)


class PageDialog(TextDialog):
    """Shows a Markdown page with its pictures, and the pages that it leads to."""

    def __init__(self, title: str, page: Path, parent: QWidget | None = None) -> None:
        super().__init__(title, "", parent)
        self.text.setSource(QUrl.fromLocalFile(str(page)))
