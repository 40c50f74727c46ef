"""What becomes of spectra: dialogs of the toolbox filled in, and libraries in files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import QgsProject
from qgis.PyQt.QtWidgets import QFileDialog

from gossan.plugin.docks.endmembers.library_panel import SHIPPED
from gossan.plugin.docks.endmembers.spectra_text import library_rows
from gossan.plugin.toolbox import open_dialog
from gossan.processing_provider.inputs import temporary_file

NONE_TICKED = "Tick the spectra in the list that should go into the library."


class LibraryActions:
    """The buttons at the foot of the dock.

    Parameters
    ----------
    dock : EndmembersDock
    """

    def __init__(self, dock: Any) -> None:
        self._dock = dock
        dock.content.extract.clicked.connect(self._on_extract)
        dock.content.unmix.clicked.connect(self._on_unmix)
        dock.content.save.clicked.connect(self._on_save)

    def _on_extract(self) -> None:
        library = self._dock.content.library.path
        parameters = {"INPUT": self._dock.content.scene.layer().id()}
        if library not in ("", SHIPPED):
            parameters["PRIORS"] = library
        open_dialog("gossan:extractendmembers", parameters)

    def _on_unmix(self) -> None:
        """Open the dialog with the ticked spectra as its library, or with none where none is."""
        scene = self._dock.content.scene.layer().id()
        if not self._dock.spectra.ticked:
            open_dialog("gossan:estimateabundances", {"INPUT": scene})
            return
        self._write(
            temporary_file("ticked_spectra.sli"),
            lambda path: open_dialog(
                "gossan:estimateabundances", {"INPUT": scene, "LIBRARY": path}
            ),
        )

    def _on_save(self) -> None:
        dock = self._dock
        if not dock.spectra.ticked:
            dock.content.say(NONE_TICKED)
            return
        start = os.path.join(QgsProject.instance().homePath() or str(Path.home()), "spectra.sli")
        path, chosen = QFileDialog.getSaveFileName(
            dock, "Save library", start, "ENVI library (*.sli);;CSV table (*.csv)"
        )
        if not path:
            return
        if Path(path).suffix.lower() not in (".sli", ".csv"):
            path += ".csv" if "csv" in chosen else ".sli"
        count = len(dock.spectra.ticked)
        self._write(path, lambda path: dock.content.say(f"{count} spectra saved in {path}."))

    def _write(self, path: str, then: Callable[[str], Any]) -> None:
        dock = self._dock
        dock.background.job(
            *("write", "library", "spectra.write"),
            {"output": path, "spectra": library_rows(dock.spectra.ticked)},
            lambda answer: then(answer["output"]),
            dock.content.say,
        )
