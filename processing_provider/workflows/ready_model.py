"""A graphical model that ships with the toolbox, under a short id of its own."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingModelAlgorithm
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import GROUPS, icon

FOLDER = Path(__file__).resolve().parent


class ReadyModel(QgsProcessingModelAlgorithm):
    """A model file as an algorithm; its id is the file's stem.

    Parameters
    ----------
    path : pathlib.Path
        The ``.model3`` file. Its steps are found only once their providers are registered.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.readable = self.fromFile(str(path))

    def name(self) -> str:
        return self.path.stem

    def group(self) -> str:
        return GROUPS["workflows"]

    def groupId(self) -> str:
        return "workflows"

    def icon(self) -> QIcon:
        return icon("workflows")

    def createInstance(self) -> ReadyModel:
        return ReadyModel(self.path)


def ready_models() -> list[ReadyModel]:
    """Return all models that ship."""
    return [ReadyModel(path) for path in sorted(FOLDER.glob("*.model3"))]
