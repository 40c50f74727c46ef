"""The toolbox *Gossan* as QGIS sees it: its algorithms and its ready models."""

from __future__ import annotations

from importlib import import_module

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import icon
from gossan.processing_provider.workflows.ready_model import ready_models

ALGORITHMS: tuple[tuple[str, str], ...] = ()
"""Module (below this package) and class of every algorithm, in the order of the work."""


class GossanProvider(QgsProcessingProvider):
    """The algorithms of Gossan; loading it needs neither the engine nor any package."""

    def id(self) -> str:
        return "gossan"

    def name(self) -> str:
        return "Gossan"

    def longName(self) -> str:
        return "Gossan: find, map and check mineralisation and mining from images"

    def icon(self) -> QIcon:
        return icon("gossan")

    def load(self) -> bool:
        # A model finds its steps only among registered providers, so that the models which use
        # Gossan's own algorithms have to be read once more as soon as it is registered itself.
        registry = QgsApplication.processingRegistry()
        registry.providerAdded.connect(self._read_models_again)
        return super().load()

    def unload(self) -> None:
        registry = QgsApplication.processingRegistry()
        registry.providerAdded.disconnect(self._read_models_again)
        super().unload()

    def _read_models_again(self, provider_id: str) -> None:
        if provider_id == self.id():
            self.refreshAlgorithms()

    def loadAlgorithms(self) -> None:
        for module, class_name in ALGORITHMS:
            found = import_module(f"gossan.processing_provider.{module}")
            self.addAlgorithm(getattr(found, class_name)())
        for model in ready_models():
            self.addAlgorithm(model)

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        return ["tif", "tiff"]

    def defaultRasterFileExtension(self) -> str:
        return "tif"
