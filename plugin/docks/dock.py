"""What all docks share: built late, gone without a trace."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtWidgets import QWidget

from gossan.plugin.background import Background


class Dock(QgsDockWidget):
    """A dock of Gossan.

    A child builds its content in `build`, which is called when the dock is first seen, connects to
    what outlives it (the project, the canvas, layers) with `follow` only, and does its long work
    through `background`. What it lays on the map (rubber bands, a map tool) it takes away in
    `put_away`, and puts back in `take_up`.

    Parameters
    ----------
    iface : QgisInterface
        QGIS's window.
    """

    def __init__(self, iface: Any) -> None:
        super().__init__(iface.mainWindow())
        self.iface = iface
        self.canvas = iface.mapCanvas()
        self.background = Background()
        self._followed: list[tuple[Any, Any]] = []
        self._built = False
        self._awake = False
        self.follow(self.closedStateChanged, self._on_closed_state)

    # ---------------------------------------------------------------- for the child to fill

    def build(self) -> QWidget:
        """Return the content, made when the dock is first seen."""
        raise NotImplementedError

    def take_up(self) -> None:
        """Show on the map what belongs there; the dock has been opened."""

    def put_away(self) -> None:
        """Leave the map as it was without the dock; it has been closed or goes for good."""

    # ---------------------------------------------------------------- for the child to use

    def follow(self, signal: Any, slot: Any) -> None:
        """Connect a signal of something that outlives the dock, until the dock goes."""
        signal.connect(slot)
        self._followed.append((signal, slot))

    # ---------------------------------------------------------------- for the registry

    def release(self) -> None:
        """Let go of everything outside: tasks, signals, the map."""
        self.background.cancel_all()
        self._sleep()
        for signal, slot in self._followed:
            # What sent the signal, such as a removed layer, may be gone.
            with suppress(RuntimeError, TypeError):
                signal.disconnect(slot)
        self._followed = []

    def showEvent(self, event: Any) -> None:
        """Build the content the first time."""
        if not self._built:
            self._built = True
            self.setWidget(self.build())
        self._wake()
        super().showEvent(event)

    def _on_closed_state(self, closed: bool) -> None:
        if closed:
            self._sleep()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self.take_up()

    def _sleep(self) -> None:
        if self._awake:
            self._awake = False
            self.put_away()
