"""Which docks there are, how they come up and how they leave.

A dock is built when it is first wanted: from the menu, or at the start of QGIS where it was open
when QGIS ended.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QAction

from gossan.plugin.docks.dock import Dock
from gossan.processing_provider.groups import icon


@dataclass(frozen=True)
class Entry:
    """A dock that can be opened.

    Attributes
    ----------
    name : str
        Short and lasting: it names the dock's settings and its place in QGIS's window.
    title : str
        What people read.
    motif : str
        Its icon, that of a group of the toolbox.
    module, kind : str
        Where its class is, and the class's name.
    """

    name: str
    title: str
    motif: str
    module: str
    kind: str


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "endmembers",
        "Endmembers",
        "endmembers",
        "gossan.plugin.docks.endmembers.endmembers_dock",
        "EndmembersDock",
    ),
    Entry(
        "heavy_metals",
        "Heavy metals",
        "metals",
        "gossan.plugin.docks.heavy_metals.heavy_metals_dock",
        "HeavyMetalsDock",
    ),
    Entry(
        "lithology",
        "Lithology",
        "lithology",
        "gossan.plugin.docks.lithology.lithology_dock",
        "LithologyDock",
    ),
    Entry("mines", "Mines", "mines", "gossan.plugin.docks.mines.mines_dock", "MinesDock"),
)
"""In the order of the menu."""


class Docks:
    """The docks of one loaded plugin.

    Parameters
    ----------
    iface : QgisInterface
        QGIS's window.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._made: dict[str, Dock] = {}
        self._actions: dict[str, QAction] = {}

    def make_actions(self, parent: Any) -> list[QAction]:
        """Return one checkable action for each dock, which opens and closes it."""
        for entry in ENTRIES:
            action = QAction(icon(entry.motif), entry.title, parent)
            action.setObjectName(f"gossan_{entry.name}")
            action.setCheckable(True)
            action.triggered.connect(lambda wanted, e=entry: self._on_action(e, wanted))
            self._actions[entry.name] = action
        return list(self._actions.values())

    def reopen(self) -> None:
        """Open those that were open when QGIS ended."""
        for entry in ENTRIES:
            if QgsSettings().value(_setting(entry.name), False, type=bool):
                self._open(entry)

    def open(self, name: str) -> Dock:
        """Open a dock, in front of those that share its place, and return it."""
        entry = next(entry for entry in ENTRIES if entry.name == name)
        dock = self._open(entry)
        dock.setUserVisible(True)
        return dock

    def remove(self) -> None:
        """Take all docks away; where they were and whether they were open stays remembered."""
        for dock in self._made.values():
            dock.release()
            self._iface.removeDockWidget(dock)
            dock.deleteLater()
        self._made = {}
        for action in self._actions.values():
            action.triggered.disconnect()
        self._actions = {}

    def _on_action(self, entry: Entry, wanted: bool) -> None:
        if wanted:
            self.open(entry.name)
        elif entry.name in self._made:
            self._made[entry.name].close()

    def _open(self, entry: Entry) -> Dock:
        dock = self._made.get(entry.name)
        if dock is not None:
            dock.show()
            return dock
        dock = self._made[entry.name] = self._make(entry)
        window = self._iface.mainWindow()
        remembered = window.restoreDockWidget(dock)
        if not remembered:
            beside = [other.objectName() for other in self._made.values() if other is not dock]
            self._iface.addTabifiedDockWidget(
                Qt.DockWidgetArea.RightDockWidgetArea, dock, beside, True
            )
        dock.show()
        content = dock.widget()
        if not remembered and content is not None and dock.width() < content.sizeHint().width():
            # The content, made only now, wants more room than an empty dock was given.
            window.resizeDocks([dock], [content.sizeHint().width()], Qt.Orientation.Horizontal)
        return dock

    def _make(self, entry: Entry) -> Dock:
        kind = getattr(importlib.import_module(entry.module), entry.kind)
        dock = kind(self._iface)
        dock.setObjectName(f"gossan_dock_{entry.name}")
        dock.setWindowTitle(entry.title)
        dock.setWindowIcon(icon(entry.motif))
        dock.follow(dock.closedStateChanged, lambda closed: self._on_closed(entry.name, closed))
        return dock

    def _on_closed(self, name: str, closed: bool) -> None:
        QgsSettings().setValue(_setting(name), not closed)
        if name in self._actions:
            self._actions[name].setChecked(not closed)


def _setting(name: str) -> str:
    return f"gossan/docks/{name}/open"
