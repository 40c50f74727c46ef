"""Runs inside QGIS (``qgis --code``): begins to set the engine up, and takes a picture of that.

Started by ``screenshots.py`` in a profile with the zip's plugin and no engine; needs a network.
"""

from __future__ import annotations

from collections.abc import Iterator

from picture_story import take, tell
from qgis.PyQt.QtWidgets import QWidget
from qgis.utils import iface

WIDTH, HEIGHT = 1600, 1000
LOOK_MILLISECONDS = 200
LOOKS = 600
A_THIRD = 330
"""Of the progress bar's thousand."""


def story() -> Iterator[int]:
    """Show the banner's window with a set-up under way, and stop that."""
    window = iface.mainWindow()
    window.setGeometry(0, 0, WIDTH, HEIGHT)
    yield 1000
    window.findChild(QWidget, "gossan_banner_button").click()
    dialog = window.findChild(QWidget, "gossan_setup")
    yield 1500
    dialog.start_button.click()
    dialog.log_box.setCollapsed(False)
    for _ in range(LOOKS):
        yield LOOK_MILLISECONDS
        if dialog.progress.value() >= A_THIRD and "MB of" in dialog.doing.text():
            break
    else:
        raise TimeoutError(dialog.log.toPlainText())
    take(dialog, "engine_setup")
    dialog.dismiss()


tell(story())
