"""Tells a story inside QGIS, step by step, and takes pictures of its windows.

GOSSAN_PICTURES names the folder for the pictures; the file ``done`` in it says that all went well.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QPoint, QTimer
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QWidget

PICTURES = Path(os.environ["GOSSAN_PICTURES"])
START_MILLISECONDS = 6000


def take(widget: QWidget, name: str) -> None:
    """Write a picture of a window as the screen shows it."""
    widget.raise_()
    QgsApplication.processEvents()
    corner = widget.mapToGlobal(QPoint(0, 0))
    screen = QGuiApplication.primaryScreen()
    picture = screen.grabWindow(0, corner.x(), corner.y(), widget.width(), widget.height())
    picture.save(str(PICTURES / f"{name}.png"))


def tell(acts: Iterator[int]) -> None:
    """Carry acts out once QGIS has started; each says how many milliseconds it then needs."""
    QTimer.singleShot(START_MILLISECONDS, lambda: _go_on(acts))


def _go_on(acts: Iterator[int]) -> None:
    try:
        wait = next(acts, None)
    except Exception:  # noqa: BLE001 - whatever it is, QGIS must end
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    if wait is None:
        (PICTURES / "done").touch()
        sys.__stderr__.flush()
        os._exit(0)
    QTimer.singleShot(wait, lambda: _go_on(acts))
