"""Pictures of the map with other layers than the canvas shows, drawn beside QGIS's window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qgis.core import QgsMapRendererParallelJob
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QImage

from gossan.plugin.docks.lithology.project_layers import find

PATIENCE_MILLISECONDS = 60
"""The map must have kept still for so long before it is drawn."""


class ScenePictures(QObject):
    """Draws several scenes of what the canvas shows now; the newest request wins.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    ready = pyqtSignal(dict)
    """All pictures of a request, by its keys."""

    def __init__(self, canvas: Any) -> None:
        super().__init__()
        self._canvas = canvas
        self._scenes: dict[str, list[str]] = {}
        self._jobs: dict[str, QgsMapRendererParallelJob] = {}
        self._ending: set[QgsMapRendererParallelJob] = set()
        self._pictures: dict[str, QImage] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(PATIENCE_MILLISECONDS)
        self._soon.timeout.connect(self._draw)

    def draw(self, scenes: Mapping[str, Sequence[str]]) -> None:
        """Draw scenes, each given by the ids of its layers, the uppermost first."""
        self.cancel()
        self._scenes = {key: list(layers) for key, layers in scenes.items()}
        self._soon.start()

    def cancel(self) -> None:
        """Draw nothing any more."""
        self._soon.stop()
        self._scenes, self._pictures = {}, {}
        for job in self._jobs.values():
            # It may be in the middle of a layer: it is let go of when it has ended.
            self._ending.add(job)
            job.cancelWithoutBlocking()
        self._jobs = {}

    def _draw(self) -> None:
        settings = self._canvas.mapSettings()
        settings.setBackgroundColor(self._canvas.canvasColor())
        for key, layers in self._scenes.items():
            found = [find(layer) for layer in layers]
            settings.setLayers([layer for layer in found if layer is not None])
            job = QgsMapRendererParallelJob(settings)
            self._jobs[key] = job
            job.finished.connect(lambda key=key, job=job: self._on_finished(key, job))
        for job in list(self._jobs.values()):
            job.start()

    def _on_finished(self, key: str, job: QgsMapRendererParallelJob) -> None:
        if job in self._ending:
            self._ending.discard(job)
            return
        if self._jobs.get(key) is not job:
            return
        self._pictures[key] = job.renderedImage()
        if len(self._pictures) == len(self._scenes):
            pictures, self._pictures, self._jobs = self._pictures, {}, {}
            self.ready.emit(pictures)
