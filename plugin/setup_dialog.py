"""The dialog that sets the engine up: says what, where and how large, and shows how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import Qt, pyqtSlot
from qgis.PyQt.QtGui import QFontDatabase
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gossan.engine import client, environment, installation
from gossan.plugin import engine_removal, engine_setup, proxy

WIDTH, LOG_HEIGHT = 680, 220
LOG_LINES = 5000
WITH_NETWORKS = "gossan/setup/networks"
"""Setting that remembers the choice of a set-up, for when it is taken up again."""

INTRODUCTION = (
    "Gossan computes in a Python environment of its own, apart from QGIS, so that neither can "
    "harm the other. Nothing of QGIS is changed."
)
MEANWHILE = "You can go on working in QGIS meanwhile."


class SetupDialog(QDialog):
    """Lets the user set the engine up, watch, break off, go on, and remove it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gossan_setup")
        self.setWindowTitle("Gossan: set up the engine")
        self._base: installation.BasePython | None = None
        self._folder = Path()
        self._setup: engine_setup.EngineSetup | None = None
        self._removal: engine_removal.RemovalTask | None = None
        self._build()
        for name in ("state", "networks", "wheels", "start_button", "remove_button", "log_box"):
            getattr(self, name).setObjectName(f"gossan_setup_{name}")
        self.prepare()

    # ---------------------------------------------------------------- what it looks like

    def _build(self) -> None:
        self.state = _text()
        self.what, self.where, self.size = _text(), _text(), _text()
        self.networks = QCheckBox("Also what networks need (TensorFlow, ONNX Runtime)")
        self.networks.setToolTip(
            "Training and teaching detectors of mines, models from Keras or ONNX, deep networks "
            "for lithology and for soil spectra, and models of deposits need it. Everything else "
            "does not, the search for mines with Gossan's own detectors included. It can be added "
            "later."
        )
        self.networks.toggled.connect(self._explain)
        self.wheels = QgsFileWidget()
        self.wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.wheels.setDialogTitle("Folder of wheels")
        self.wheels.lineEdit().setPlaceholderText("empty: download from the Python Package Index")
        self.wheels.setToolTip(
            "Where there is no network: a folder with the wheels of all packages. The page "
            "docs/engine.md says how to collect them on another computer."
        )
        self.wheels.fileChanged.connect(self._explain)
        self.choices = QWidget()
        grid = QGridLayout(self.choices)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for row, (name, widget) in enumerate(
            (
                ("What", self.what),
                ("", self.networks),
                ("Where", self.where),
                ("How large", self.size),
                ("&Folder of wheels", self.wheels),
            )
        ):
            label = QLabel(name)
            label.setBuddy(widget)
            if isinstance(widget, QLabel):
                label.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
        introduction = _text()
        introduction.setText(INTRODUCTION)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.state)
        layout.addWidget(introduction)
        layout.addWidget(self.choices)
        layout.addLayout(self._build_progress())
        layout.addWidget(self._build_log(), 1)
        layout.addWidget(self._build_buttons())
        self.resize(WIDTH, self.sizeHint().height())

    def _build_progress(self) -> QGridLayout:
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.sign = QLabel()
        self.sign.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.doing = _text()
        # So that the window keeps its shape while sentences of one or two lines follow each other.
        self.doing.setMinimumHeight(2 * self.doing.fontMetrics().lineSpacing())
        self.doing.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.addWidget(self.progress, 0, 0, 1, 2)
        grid.addWidget(self.sign, 1, 0)
        grid.addWidget(self.doing, 1, 1)
        grid.setColumnStretch(1, 1)
        self.progress.hide()
        self.doing.hide()
        return grid

    def _build_log(self) -> QgsCollapsibleGroupBox:
        self.log_box = QgsCollapsibleGroupBox("Log")
        self.log_box.setSaveCollapsedState(False)
        self.log_box.setCollapsed(True)
        self.log_box.hide()
        self.log_box.collapsedStateChanged.connect(self._make_room)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(LOG_LINES)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log.setMinimumHeight(LOG_HEIGHT)
        self.copy_button = QPushButton("&Copy log")
        self.copy_button.setAutoDefault(False)
        self.copy_button.clicked.connect(self._on_copy)
        inside = QVBoxLayout(self.log_box)
        inside.addWidget(self.log, 1)
        inside.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignRight)
        return self.log_box

    def _build_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.remove_button = buttons.addButton(
            "&Remove engine…", QDialogButtonBox.ButtonRole.ResetRole
        )
        self.start_button = buttons.addButton("Set up", QDialogButtonBox.ButtonRole.ActionRole)
        self.close_button = buttons.button(QDialogButtonBox.StandardButton.Close)
        self.remove_button.clicked.connect(self._on_remove)
        self.start_button.clicked.connect(self._on_start)
        buttons.rejected.connect(self.reject)
        for button in (self.remove_button, self.close_button):
            button.setAutoDefault(False)
        return buttons

    @pyqtSlot()
    def _make_room(self) -> None:
        """Let the window be as high as what it shows, and no higher while the log is folded."""
        for layout in (self.choices.layout(), self.layout()):
            layout.invalidate()
            layout.activate()
        needed = self.heightForWidth(self.width())
        if self.log_box.isHidden() or self.log_box.isCollapsed() or needed > self.height():
            self.resize(self.width(), needed)
        if not self.log_box.isCollapsed():
            self.log.verticalScrollBar().setValue(self.log.verticalScrollBar().maximum())

    # ---------------------------------------------------------------- what it says

    def prepare(self) -> None:
        """Find out with what, where and in what state, before the user decides."""
        if self.running:
            return
        try:
            self._base = installation.find_base_python(engine_setup.ask)
            self._folder = engine_setup.where_to_set_up(self._base)
        except ValueError as error:
            self._base = None
            self._refuse(str(error))
            return
        if engine_removal.left_behind(self._folder):
            self._delete_removed()
        if self.choices.isHidden():
            self.choices.show()
            self._say("")
        stamp = environment.read_stamp(self._folder) or {"locks": {}}
        has_networks = any(name.startswith("networks-") for name in stamp["locks"])
        unfinished = client.state().kind == "unfinished"
        wanted = unfinished and QgsSettings().value(WITH_NETWORKS, False, type=bool)
        self.networks.setChecked(has_networks or wanted or self.networks.isChecked())
        self.networks.setEnabled(not has_networks)
        self._explain()
        button = self.close_button if client.state().ready else self.start_button
        button.setDefault(True)
        button.setFocus()

    def _refuse(self, why: str) -> None:
        """Say why nothing can be set up here, and let the user change that."""
        self.choices.hide()
        self.remove_button.hide()
        self.start_button.setText("Look again")
        self.state.setText("<b>The engine cannot be set up yet.</b>")
        self._say(why, "/mIconWarning.svg")

    @pyqtSlot()
    def _explain(self) -> None:
        if self._base is None:
            return
        state = client.state()
        networks, wheels = self.networks.isChecked(), self.wheels.filePath()
        self.state.setText(f"<b>{_STATES[state.kind]}</b>")
        self.what.setText(what(self._base, networks=networks))
        self.where.setText(str(self._folder))
        self.size.setText(how_large(networks=networks, download=not wheels))
        if not self.running:
            self.start_button.setText(
                verb(state, environment.read_stamp(self._folder), networks=networks)
            )
            self.start_button.setEnabled(True)
            self.wheels.setEnabled(True)
            self.remove_button.setEnabled(True)
        self.remove_button.setVisible(engine_removal.removable(client.location()))
        self._make_room()

    def _say(self, sentence: str, sign: str = "") -> None:
        """Show a sentence below the progress, with the theme's sign for how good the news is."""
        self.doing.setText(sentence)
        self.doing.show()
        size = self.doing.fontMetrics().height()
        icon = QgsApplication.getThemeIcon(sign) if sign else None
        self.sign.setVisible(icon is not None)
        if icon is not None:
            self.sign.setPixmap(icon.pixmap(size, size))
        self._make_room()

    # ---------------------------------------------------------------- setting up

    @property
    def running(self) -> bool:
        """Whether a set-up is under way."""
        return self._setup is not None

    @pyqtSlot()
    def _on_start(self) -> None:
        if self._setup is not None:
            self._setup.cancel()
            return
        if self._base is None:
            self.prepare()
            return
        self.log.clear()
        self.log_box.show()
        self.progress.setValue(0)
        self.progress.show()
        self.state.setText("<b>The engine is being set up.</b>")
        QgsSettings().setValue(WITH_NETWORKS, self.networks.isChecked())
        through = proxy.of_qgis()
        self._say(through.trouble or MEANWHILE)
        if through.trouble:
            self.log.appendPlainText(through.trouble)
        self.start_button.setText("Stop")
        self.start_button.setDefault(False)
        for widget in (self.networks, self.wheels, self.remove_button):
            widget.setEnabled(False)
        self._setup = engine_setup.EngineSetup(self._folder, self._base, self)
        self._setup.said.connect(self.log.appendPlainText)
        self._setup.advanced.connect(self._on_advanced)
        self._setup.ended.connect(self._on_ended)
        self._setup.start(
            networks=self.networks.isChecked(), wheels=self.wheels.filePath(), through=through
        )

    @pyqtSlot(float, str)
    def _on_advanced(self, share: float, doing: str) -> None:
        self.progress.setValue(round(1000 * share))
        self._say(f"{doing}\n{MEANWHILE}")

    @pyqtSlot(bool, str)
    def _on_ended(self, ready: bool, sentence: str) -> None:
        setup, self._setup = self._setup, None
        if setup is not None:
            setup.deleteLater()
        stopped = setup is not None and setup.cancelled
        began = bool(self.log.toPlainText())
        self.log.appendPlainText(sentence)
        self.networks.setEnabled(True)
        self.prepare()
        self._say(sentence, "/mIconSuccess.svg" if ready else "/mIconWarning.svg" * (not stopped))
        if began and not ready and not stopped:
            self.log_box.setCollapsed(False)

    @pyqtSlot()
    def _on_copy(self) -> None:
        QgsApplication.clipboard().setText(self.log.toPlainText())
        self.copy_button.setText("Copied")

    # ---------------------------------------------------------------- removing

    @pyqtSlot()
    def _on_remove(self) -> None:
        if client.busy():
            self._say(engine_setup.JOB_RUNNING, "/mIconWarning.svg")
            return
        folder = client.location().folder
        question = QMessageBox(self)
        question.setIcon(QMessageBox.Icon.Question)
        question.setWindowTitle("Gossan: remove the engine")
        question.setText(f"Remove the engine in {folder}?")
        question.setInformativeText(
            f"This frees about {_on_disk(folder):,} MB. Maps, models and settings stay. The "
            "algorithms of Gossan need the engine; it can be set up again at any time."
        )
        remove = question.addButton("Remove", QMessageBox.ButtonRole.AcceptRole)
        keep = question.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
        question.setDefaultButton(keep)
        question.exec()
        if question.clickedButton() is not remove:
            return
        try:
            engine_removal.discard(folder)
        except OSError as error:
            self._say(f"The engine cannot be removed: {error}.", "/mIconWarning.svg")
            return
        self._delete_removed()
        self.prepare()

    def _delete_removed(self) -> None:
        if self._removal is not None:
            return
        self._say(f"Deleting the files of the engine that was removed …\n{MEANWHILE}")
        self._removal = engine_removal.RemovalTask(self._folder, self._on_removed)
        QgsApplication.taskManager().addTask(self._removal)

    def _on_removed(self, left: Path | None) -> None:
        self._removal = None
        if self.running:
            return
        if left is None:
            self._say("The engine has been removed.", "/mIconSuccess.svg")
        else:
            self._say(f"{left} cannot be deleted; delete it by hand.", "/mIconWarning.svg")

    # ---------------------------------------------------------------- closing

    def reject(self) -> None:
        """Close the window; while a set-up is under way only if the user wants it stopped."""
        if self.running:
            question = QMessageBox(self)
            question.setIcon(QMessageBox.Icon.Question)
            question.setWindowTitle(self.windowTitle())
            question.setText("Stop the set-up?")
            question.setInformativeText(
                "What is complete is kept, and the set-up can be taken up again at any time."
            )
            stop = question.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
            keep = question.addButton("Keep going", QMessageBox.ButtonRole.RejectRole)
            question.setDefaultButton(keep)
            question.exec()
            if question.clickedButton() is not stop:
                return
        self.dismiss()

    def dismiss(self) -> None:
        """Close the window without a question; nothing goes on running."""
        if self._setup is not None:
            self._setup.cancel()
        if self._removal is not None:
            self._removal.cancel()
            self._removal = None
        super().reject()


_STATES = {
    "missing": "The engine, which does the computing, is not set up yet.",
    "unfinished": "The set-up of the engine was not finished.",
    "stale": "The engine must be brought up to this version of Gossan.",
    "ready": "The engine is ready.",
}


def what(base: installation.BasePython, *, networks: bool) -> str:
    """Return what will be in the environment."""
    return (
        "NumPy, SciPy, scikit-learn, rasterio, Numba, Matplotlib, Dask"
        f"{', TensorFlow, ONNX Runtime' * networks} and what they need, for Python "
        f"{base.version[0]}.{base.version[1]} ({base.path})"
    )


def how_large(*, networks: bool, download: bool) -> str:
    """Return how much is downloaded and kept, and how long that takes."""
    parts = ["engine"] + ["networks"] * networks
    loaded = sum(installation.DOWNLOAD_MEGABYTES[part] for part in parts)
    kept = sum(installation.DISK_MEGABYTES[part] for part in parts)
    from_where = f"about {loaded:,} MB to download" if download else "nothing to download"
    return f"{from_where}, {kept:,} MB on disk; a few minutes"


def verb(state: environment.State, stamp: dict[str, Any] | None, *, networks: bool) -> str:
    """Return what the button that starts does."""
    if state.kind == "unfinished":
        return "Go on"
    if state.kind == "stale":
        return "Bring up to date"
    if state.ready:
        has = any(name.startswith("networks-") for name in (stamp or {"locks": {}})["locks"])
        return "Add networks" if networks and not has else "Set up again"
    return "Set up"


def _on_disk(folder: Path) -> int:
    """Return the megabytes that an environment takes, by the parts that it has."""
    stamp = environment.read_stamp(folder) or {"locks": {}}
    parts = {name.partition("-")[0] for name in stamp["locks"]} & set(installation.DISK_MEGABYTES)
    return sum(installation.DISK_MEGABYTES[part] for part in parts or {"engine"})


def _text() -> QLabel:
    """Return an empty label whose text wraps and can be selected and copied."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return label
