"""Loads and unloads the plugin twenty times in a window that stands in for QGIS's.

Run as a program by ``test_gossan_plugin.py``, in a process of its own because the toolbox is
registered and removed. Writes one JSON object.
"""

from __future__ import annotations

import json
import sys
import threading

from qgis.core import QgsApplication
from qgis.gui import QgsMessageBar
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject
from qgis.PyQt.QtWidgets import QMainWindow


class Window:
    """The part of QgisInterface that the plugin uses."""

    def __init__(self) -> None:
        self._window = QMainWindow()
        self._menu = self._window.menuBar().addMenu("Plugins")
        self._toolbar = self._window.addToolBar("Plugins")
        self._bar = QgsMessageBar(self._window)

    def mainWindow(self) -> QMainWindow:  # noqa: N802
        return self._window

    def pluginMenu(self):  # noqa: N802
        return self._menu

    def messageBar(self) -> QgsMessageBar:  # noqa: N802
        return self._bar

    def addToolBarWidget(self, widget):  # noqa: N802
        return self._toolbar.addWidget(widget)

    def removeToolBarIcon(self, action) -> None:  # noqa: N802
        self._toolbar.removeAction(action)

    def count(self) -> dict[str, int]:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return {
            "objects": len(self._window.findChildren(QObject)),
            "menus": len(self._menu.actions()),
            "buttons": len(self._toolbar.actions()),
            "banners": len(self._bar.items()),
            "threads": threading.active_count(),
            "providers": len(QgsApplication.processingRegistry().providers()),
        }


def main() -> None:
    """Reload, sometimes with an engine warm or a dialog open, and tell what was there."""
    application = QgsApplication([], True)
    application.initQgis()
    from gossan import classFactory
    from gossan.engine import client

    with_engine = sys.argv[1] == "engine"
    window = Window()
    before = window.count()
    loaded, after = [], []
    for turn in range(20):
        plugin = classFactory(window)
        plugin.initGui()
        loaded.append(window.count())
        if turn % 5 == 0:
            if with_engine:
                client.run_job("engine.diagnose", {})
            plugin.show_help()
            plugin.set_up()
        plugin.unload()
        after.append(window.count())
    sys.stdout.write(json.dumps({"before": before, "loaded": loaded, "after": after}) + "\n")
    sys.stdout.flush()
    application.exitQgis()


if __name__ == "__main__":
    main()
