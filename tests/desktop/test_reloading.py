"""Twenty loads and unloads in QGIS's own window, with all docks open, leave nothing behind."""

from __future__ import annotations

from pathlib import Path

from driver import Desktop, needs_desktop

from gossan.plugin.docks.registry import ENTRIES

pytestmark = needs_desktop

TURNS = 20
WARM = 2
"""Turns after which QGIS and Qt have made what they keep for later, such as tab bars for docks."""

INSIDE = """
import threading
import qgis.utils

WATCHED = {
    "project": QgsProject.instance(),
    "root": QgsProject.instance().layerTreeRoot(),
    "canvas": iface.mapCanvas(),
    "window": iface.mainWindow(),
    "layers": iface.layerTreeView(),
    "tasks": QgsApplication.taskManager(),
    "application": QApplication.instance(),
    "toolbox": QgsApplication.processingRegistry(),
    "raster": layer("Scene"),
    "points": layer("Points"),
}


def deal_with_what_waits():
    for _ in range(3):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def listeners(watched):
    # How many are connected to each signal, as Qt itself tells it.
    told = []
    before = qInstallMessageHandler(lambda kind, context, text: told.append(text.strip()))
    watched.dumpObjectInfo()
    qInstallMessageHandler(before)
    found, signal = {}, ""
    for line in told:
        if line.startswith("signal:"):
            signal = line
        elif line.startswith("SIGNALS IN"):
            break
        elif signal and line != "<Disconnected receiver>":
            found[signal] = found.get(signal, 0) + 1
    return found


def docks():
    return sorted(dock.objectName() for dock in iface.mainWindow().findChildren(QDockWidget))


def traces():
    window, canvas = iface.mainWindow(), iface.mapCanvas()
    # QGIS listens to the layers whose pictures it keeps.
    canvas.refreshAllLayers()
    canvas.waitWhileRendering()
    deal_with_what_waits()
    return {
        "docks": docks(),
        "actions": len(window.findChildren(QAction)),
        "shortcuts": len(window.findChildren(QShortcut)),
        "on the map": len(canvas.scene().items()),
        "map tool": type(canvas.mapTool()).__name__,
        "banners": len(iface.messageBar().items()),
        "threads": threading.active_count(),
        "providers": len(QgsApplication.processingRegistry().providers()),
        "tasks": QgsApplication.taskManager().count(),
        "timers": len(window.findChildren(QTimer)),
        "listeners": {name: listeners(watched) for name, watched in WATCHED.items()},
    }


def objects():
    return {
        "objects": len(iface.mainWindow().findChildren(QObject)),
        "windows": len(QApplication.topLevelWidgets()),
        "all widgets": len(QApplication.allWidgets()),
    }


def load(names, with_dialog):
    qgis.utils.loadPlugin("gossan")
    qgis.utils.startPlugin("gossan")
    for name in names:
        plugins["gossan"].docks.open(name)
        deal_with_what_waits()
    if with_dialog:
        plugins["gossan"].set_up()
    deal_with_what_waits()


def unload():
    qgis.utils.unloadPlugin("gossan")
    deal_with_what_waits()
"""


def differences(before: dict, after: dict) -> list[tuple]:
    """Return the signals with another number of listeners: of what, signal, before and after."""
    return [
        (watched, signal, before[watched].get(signal, 0), after[watched].get(signal, 0))
        for watched in before
        for signal in sorted(before[watched].keys() | after[watched].keys())
        if before[watched].get(signal, 0) != after[watched].get(signal, 0)
    ]


def test_twenty_loads_and_unloads_with_all_docks_leave_nothing(small_scene: Path, tmp_path: Path):
    docks = [entry.name for entry in ENTRIES]
    with Desktop(tmp_path) as desktop:
        desktop.do("import qgis.utils; qgis.utils.unloadPlugin('gossan')")
        desktop.do(
            "QgsProject.instance().addMapLayers(["
            f"QgsRasterLayer({str(small_scene)!r}, 'Scene'), "
            "QgsVectorLayer('Point?field=class:string', 'Points', 'memory')])"
        )
        desktop.wait_until("calm()")
        desktop.do(INSIDE)
        before = desktop.ask("traces()")
        assert sum(before["listeners"]["canvas"].values()) > 10  # so that it tells anything
        warm = {}
        for turn in range(TURNS):
            desktop.do(f"load({docks!r}, {turn % 5 == 0})")
            shown = desktop.ask("docks()")
            assert set(shown) - set(before["docks"]) == {f"gossan_dock_{name}" for name in docks}
            desktop.do("unload()")
            if turn == WARM:
                warm = desktop.ask("objects()")
        desktop.wait_until("calm()")
        after = desktop.ask("traces()")
        assert differences(before.pop("listeners"), after.pop("listeners")) == []
        assert after == before
        after = desktop.ask("objects()")
        # One object left by each turn would make 17 of them.
        assert all(after[kind] - count < 5 for kind, count in warm.items()), (after, warm)
        assert "Traceback" not in desktop.log()
        assert "QThread" not in desktop.log()
