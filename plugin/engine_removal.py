"""Removes the engine that a profile has, in the background."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from qgis.core import QgsTask

from gossan.engine import client, environment

_DISCARDED = "removed-"


def discard(folder: Path) -> Path:
    """Stop the engine and put its environment aside at once; `RemovalTask` deletes it.

    Raises
    ------
    OSError
        If it cannot be moved, as where a program holds one of its files open.
    """
    client.shutdown()
    number = 1
    while (aside := folder.with_name(f"{_DISCARDED}{folder.name}-{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


class RemovalTask(QgsTask):
    """Deletes the environments that have been put aside beside a folder.

    Parameters
    ----------
    folder : Path
        Where the environment was.
    done : callable
        Called in the main thread with what could not be deleted, None if all is gone.
    """

    def __init__(self, folder: Path, done: Callable[[Path | None], None]) -> None:
        super().__init__("Gossan: remove the engine", QgsTask.Flag.CanCancel)
        self._parent = folder.parent
        self._done = done
        self._left: Path | None = None

    def run(self) -> bool:
        """Delete; in a background thread. What is left when cancelled goes the next time."""
        for aside in sorted(self._parent.glob(f"{_DISCARDED}*")):
            for part in (*sorted(aside.glob("*/*/*/*")), aside):
                if self.isCanceled():
                    return False
                if part.is_dir() and not part.is_symlink():
                    shutil.rmtree(part, ignore_errors=True)
            if aside.exists():
                self._left = aside
        return True

    def finished(self, result: bool) -> None:
        """Tell; in the main thread."""
        if result:
            self._done(self._left)


def left_behind(folder: Path) -> bool:
    """Return whether something put aside beside a folder waits to be deleted."""
    return any(folder.parent.glob(f"{_DISCARDED}*"))


def removable(location: environment.Location) -> bool:
    """Return whether the engine is one that Gossan has made in the profile."""
    return location.source == "profile" and location.folder.exists()
