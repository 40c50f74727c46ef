"""The dialog that sets the engine up: says what, where and how large, and shows how it goes."""

from __future__ import annotations

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt, pyqtSlot
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from gossan.engine import client, environment, installation
from gossan.plugin import engine_setup


class SetupDialog(QDialog):
    """Lets the user set the engine up, watch, break off and go on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Gossan: set up the engine")
        self.setMinimumWidth(560)
        self._setup: engine_setup.EngineSetup | None = None
        self._build()
        self._prepare()

    def _build(self) -> None:
        self.explanation = QLabel()
        self.explanation.setWordWrap(True)
        self.explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.networks = QCheckBox("Also what networks need (TensorFlow)")
        self.networks.setToolTip(
            "The search for mines, deep networks for lithology and for soil spectra, and models of "
            "deposits need it; everything else does not. It can be added later."
        )
        self.wheels = QgsFileWidget()
        self.wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.wheels.setToolTip(
            "Where there is no network: a folder with the wheels of all packages of "
            "engine/requirements. Empty: download."
        )
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.doing = QLabel()
        self.doing.setWordWrap(True)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(5000)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.start_button = self.buttons.addButton("Set up", QDialogButtonBox.ButtonRole.ActionRole)
        self.start_button.clicked.connect(self._on_start)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow(self.networks)
        form.addRow("Folder of wheels (optional)", self.wheels)
        layout = QVBoxLayout(self)
        layout.addWidget(self.explanation)
        layout.addLayout(form)
        layout.addWidget(self.progress)
        layout.addWidget(self.doing)
        layout.addWidget(self.log, 1)
        layout.addWidget(self.buttons)

    def _prepare(self) -> None:
        """Find out with what and where, before the user decides."""
        self.networks.toggled.connect(self._explain)
        try:
            self._base = installation.find_base_python(engine_setup.ask)
            self._folder = engine_setup.where_to_set_up(self._base)
        except ValueError as error:
            self.explanation.setText(str(error))
            self.start_button.setEnabled(False)
            return
        self._explain()

    @pyqtSlot()
    def _explain(self) -> None:
        self.explanation.setText(
            explanation(
                self._base, str(self._folder), client.state(), networks=self.networks.isChecked()
            )
        )

    @pyqtSlot()
    def _on_start(self) -> None:
        if self._setup is not None:
            self._setup.cancel()
            return
        self._setup = engine_setup.EngineSetup(self._folder, self._base, self)
        self._setup.said.connect(self.log.appendPlainText)
        self._setup.advanced.connect(self._on_advanced)
        self._setup.ended.connect(self._on_ended)
        self.start_button.setText("Stop")
        self._setup.start(
            networks=self.networks.isChecked(),
            wheels=self.wheels.filePath(),
            proxy=engine_setup.proxy_of_qgis(),
        )

    @pyqtSlot(float, str)
    def _on_advanced(self, share: float, doing: str) -> None:
        self.progress.setValue(round(1000 * share))
        self.doing.setText(doing)

    @pyqtSlot(bool, str)
    def _on_ended(self, ready: bool, sentence: str) -> None:
        self._setup = None
        self.doing.setText(sentence)
        self.log.appendPlainText(sentence)
        self.start_button.setText("Set up")
        self.start_button.setEnabled(not ready)
        self._explain()

    def reject(self) -> None:
        """Close the window; a set-up in progress is broken off and can be taken up again."""
        if self._setup is not None:
            self._setup.cancel()
        super().reject()


def explanation(
    base: installation.BasePython, folder: str, state: environment.State, *, networks: bool
) -> str:
    """Return what the user should know before pressing the button, as rich text."""
    parts = ["engine"] + ["networks"] * networks
    download = sum(installation.DOWNLOAD_MEGABYTES[part] for part in parts)
    disk = sum(installation.DISK_MEGABYTES[part] for part in parts)
    return (
        "<p>Gossan computes in a Python environment of its own, apart from QGIS, so that neither "
        "can harm the other. Nothing of QGIS is changed.</p>"
        f"<p><b>What:</b> NumPy, SciPy, scikit-learn, rasterio, Numba, Matplotlib, Dask and what "
        f"they need{', and TensorFlow' * networks}, for Python {base.version[0]}."
        f"{base.version[1]} ({base.path}).<br>"
        f"<b>Where:</b> {folder}<br>"
        f"<b>How large:</b> about {download} MB to download, {disk} MB on disk; a few minutes."
        "<br><b>From:</b> the Python Package Index, or a folder of wheels.</p>"
        f"<p>{state.fact}</p>"
    )
