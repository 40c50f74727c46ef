"""What QGIS loads: the toolbox, and in the desktop the menu *Gossan*."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QDesktopServices

from gossan.engine import client
from gossan.engine.environment import ROOT

HOMEPAGE = "https://github.com/gossan-qgis/gossan"

WHY_SET_UP = {
    "missing": "The engine, which does the computing, is not set up yet.",
    "unfinished": "The set-up of the engine was not finished.",
    "stale": "The engine must be brought up to this version of Gossan.",
}


class GossanPlugin:
    """The plugin.

    Parameters
    ----------
    iface : QgisInterface or None
        QGIS's window; None in ``qgis_process``.
    """

    def __init__(self, iface: Any) -> None:
        self.iface = iface
        self.provider: Any = None
        self.actions: dict[str, Any] = {}
        self.docks: Any = None
        self._menu: Any = None
        self._button: Any = None
        self._button_action: Any = None
        self._banner: Any = None
        self._dialogs: list[Any] = []
        self._setup: Any = None
        self._tasks: list[Any] = []

    def initProcessing(self) -> None:
        """Register the toolbox; all that QGIS calls without a window."""
        from gossan.processing_provider.provider import GossanProvider

        registry = QgsApplication.processingRegistry()
        if registry.providerById("gossan") is not None:
            return
        self.provider = GossanProvider()
        registry.addProvider(self.provider)
        # The ready models consist of the provider's own algorithms, which are known only now.
        self.provider.refreshAlgorithms()

    def initGui(self) -> None:
        """Register the toolbox and, where there is a window, the menu and its button."""
        self.initProcessing()
        if self.iface is None:
            return
        self._make_menu()
        self.docks.reopen()
        kind = client.state().kind
        if kind != "ready":
            self._offer_setup(WHY_SET_UP[kind])

    def unload(self) -> None:
        """Leave nothing behind: no action, no dialog, no provider, no process, no thread."""
        for task in self._tasks:
            if task in QgsApplication.taskManager().tasks():
                task.cancel()
        self._tasks = []
        for dialog in self._dialogs:
            dialog.reject()
            dialog.deleteLater()
        self._dialogs = []
        if self._setup is not None:
            self._setup.dismiss()
            self._setup.deleteLater()
            self._setup = None
        self._remove_banner()
        if self.docks is not None:
            self.docks.remove()
            self.docks = None
        self._remove_menu()
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        client.shutdown()

    # ---------------------------------------------------------------- what the menu does

    def set_up(self) -> None:
        """Open the dialog that sets the engine up."""
        from gossan.plugin.setup_dialog import SetupDialog

        self._remove_banner()
        if self._setup is None:
            self._setup = SetupDialog(self.iface.mainWindow())
        else:
            self._setup.prepare()
        self._setup.show()
        self._setup.raise_()
        self._setup.activateWindow()

    def diagnose(self) -> None:
        """Show what the engine has and where it runs."""
        from gossan.plugin.diagnosis import DiagnosisTask

        task = DiagnosisTask(lambda text: self._show_text("Gossan: diagnosis", text))
        self._tasks = [task]
        QgsApplication.taskManager().addTask(task)

    def show_help(self) -> None:
        """Show the introduction that comes with the plugin."""
        from gossan.plugin.text_dialog import PageDialog

        introduction = ROOT / "README.md"
        if introduction.exists():
            self._show(PageDialog("Gossan: help", introduction, self.iface.mainWindow()))
        else:
            QDesktopServices.openUrl(QUrl(HOMEPAGE))

    def _show_text(self, title: str, text: str) -> None:
        from gossan.plugin.text_dialog import TextDialog

        self._show(TextDialog(title, text, self.iface.mainWindow()))

    def _show(self, dialog: Any) -> None:
        for old in self._dialogs:
            old.reject()
            old.deleteLater()
        self._dialogs = [dialog]
        dialog.show()

    # ---------------------------------------------------------------- what QGIS's window gets

    def _make_menu(self) -> None:
        from qgis.PyQt.QtWidgets import QAction, QMenu, QToolButton

        from gossan.plugin.docks.registry import Docks
        from gossan.processing_provider.groups import icon

        window = self.iface.mainWindow()
        self.docks = Docks(self.iface)
        self._menu = QMenu("Gossan", window)
        self._menu.setObjectName("gossanMenu")
        self._menu.setIcon(icon("gossan"))
        self._menu.addActions(self.docks.make_actions(self._menu))
        self._menu.addSeparator()
        for name, text, call in (
            ("setup", "Set up the engine…", self.set_up),
            ("diagnose", "Diagnose…", self.diagnose),
            ("help", "Help", self.show_help),
        ):
            action = QAction(text, self._menu)
            action.setObjectName(f"gossan_{name}")
            action.triggered.connect(call)
            self._menu.addAction(action)
            self.actions[name] = action
        self.iface.pluginMenu().addMenu(self._menu)
        self._button = QToolButton(window)
        self._button.setObjectName("gossanButton")
        self._button.setIcon(icon("gossan"))
        self._button.setToolTip("Gossan")
        self._button.setMenu(self._menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button_action = self.iface.addToolBarWidget(self._button)

    def _remove_menu(self) -> None:
        if self._menu is None:
            return
        for action in self.actions.values():
            action.triggered.disconnect()
        self.actions = {}
        self.iface.removeToolBarIcon(self._button_action)
        self.iface.pluginMenu().removeAction(self._menu.menuAction())
        self._button_action.deleteLater()  # owns the button
        self._menu.deleteLater()
        self._button = self._button_action = self._menu = None

    def _offer_setup(self, why: str) -> None:
        from qgis.PyQt.QtWidgets import QPushButton

        bar = self.iface.messageBar()
        self._banner = bar.createMessage("Gossan", why)
        button = QPushButton("Set up the engine…", self._banner)
        button.setObjectName("gossan_banner_button")
        button.clicked.connect(self.set_up)
        self._banner.layout().addWidget(button)
        self._banner.destroyed.connect(self._forget_banner)
        bar.pushWidget(self._banner, Qgis.MessageLevel.Info)

    def _remove_banner(self) -> None:
        if self._banner is not None:
            banner, self._banner = self._banner, None
            banner.destroyed.disconnect(self._forget_banner)
            self.iface.messageBar().popWidget(banner)

    def _forget_banner(self) -> None:
        self._banner = None
