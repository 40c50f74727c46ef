"""A window with a text to read and copy."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget


class TextDialog(QDialog):
    """Shows a text; plain, or Markdown with links that open in the browser."""

    def __init__(
        self, title: str, text: str, parent: QWidget | None = None, *, markdown: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(640, 480)
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        if markdown:
            self.text.setMarkdown(text)
        else:
            self.text.setPlainText(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
