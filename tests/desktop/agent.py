"""Runs inside QGIS (``qgis --code``): does and tells what a test asks for by a local socket.

The test moves mouse and keys from outside; from here it learns where things are and what state they
are in. Each request is a line of JSON, ``{"code": ..., "answer": true or false}``, and so is each
reply.
"""

from __future__ import annotations

import json
import os
import traceback
from typing import Any

import qgis.core
import qgis.gui
from qgis.core import QgsApplication, QgsPointXY, QgsProject
from qgis.PyQt import QtCore, QtGui, QtWidgets
from qgis.PyQt.QtCore import QPoint, QRect
from qgis.PyQt.QtNetwork import QHostAddress, QTcpServer
from qgis.PyQt.QtWidgets import QApplication, QWidget
from qgis.utils import iface, plugins

_server = QTcpServer()
_connections: list[Any] = []
"""Held here: with nothing but its own slot to hold it, a connection would be garbage to Python."""


def widget(name: str, parent: QWidget | None = None) -> QWidget:
    """Return the widget of an object name that is in sight, in any window."""
    if parent is not None:
        found = parent.findChildren(QWidget, name)
    else:
        found = [each for each in QApplication.allWidgets() if each.objectName() == name]
    seen = [each for each in found if each.isVisible()]
    if not seen:
        raise LookupError(f"No widget in sight is named {name!r}.")
    return seen[0]


def place(of: QWidget | str, area: QRect | None = None) -> list[int]:
    """Return the middle of a widget, or of an area in it, on the screen."""
    shown = widget(of) if isinstance(of, str) else of
    middle = shown.mapToGlobal((area or shown.rect()).center())
    return [middle.x(), middle.y()]


def item_place(view: Any, index: Any) -> list[int]:
    """Return the middle of an item of a view on the screen."""
    view.scrollTo(index)
    return place(view.viewport(), view.visualRect(index))


def map_place(x: float, y: float, canvas: Any = None) -> list[int]:
    """Return a place of the map, in the canvas's CRS, on the screen."""
    canvas = canvas or iface.mapCanvas()
    point = canvas.getCoordinateTransform().transform(QgsPointXY(x, y))
    on_screen = canvas.mapToGlobal(QPoint(round(point.x()), round(point.y())))
    return [on_screen.x(), on_screen.y()]


def open_dock(name: str) -> Any:
    """Open a dock of Gossan in front of the others."""
    return plugins["gossan"].docks.open(name)


def layer(name: str) -> Any:
    """Return the layer of a name."""
    return QgsProject.instance().mapLayersByName(name)[0]


def calm() -> bool:
    """Return whether the map is drawn and no task is under way."""
    return not iface.mapCanvas().isDrawing() and not QgsApplication.taskManager().countActiveTasks()


SPACE: dict[str, Any] = {
    name: value
    for module in (qgis.core, qgis.gui, QtCore, QtGui, QtWidgets)
    for name, value in vars(module).items()
    if not name.startswith("_")
}
SPACE.update({name: value for name, value in globals().items() if not name.startswith("_")})
"""The names that a test may use: those of QGIS and Qt, and the functions above."""


def _listen() -> None:
    connection = _server.nextPendingConnection()
    _connections.append(connection)
    connection.readyRead.connect(lambda: _read(connection))


def _read(connection: Any) -> None:
    while connection.canReadLine():
        request = json.loads(bytes(connection.readLine()).decode("utf-8"))
        try:
            if request["answer"]:
                value = eval(request["code"], SPACE)
            else:
                value = exec(request["code"], SPACE)
            reply = {"value": value}
        except Exception:  # noqa: BLE001 - the test wants to know whatever it is
            reply = {"error": traceback.format_exc()}
        connection.write((json.dumps(reply, default=str) + "\n").encode("utf-8"))
        connection.flush()


_server.newConnection.connect(_listen)
_server.listen(QHostAddress(QHostAddress.SpecialAddress.LocalHost))
with open(os.environ["GOSSAN_AGENT"] + ".part", "w") as _file:
    _file.write(str(_server.serverPort()))
os.rename(os.environ["GOSSAN_AGENT"] + ".part", os.environ["GOSSAN_AGENT"])
