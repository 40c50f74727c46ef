"""A graphical model that ships with the toolbox, under a short id of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import GROUPS, icon

FOLDER = Path(__file__).resolve().parent


class ReadyModel(QgsProcessingModelAlgorithm):
    """A model file as an algorithm; its id is the file's stem, and all its results are optional.

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

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        super().initAlgorithm(configuration or {})
        # On the command line one names the results that one wants, not all that the steps make.
        optional = QgsProcessingParameterDefinition.Flag.FlagOptional
        for definition in self.parameterDefinitions():
            if definition.isDestination():
                definition.setFlags(definition.flags() | optional)

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        given = dict(parameters)
        # QGIS makes no temporary file for a result of the model that goes into another step.
        for name in self.passed_on():
            if not given.get(name):
                given[name] = self.parameterDefinition(name).generateTemporaryDestination()
        return super().processAlgorithm(given, context, feedback)

    def passed_on(self) -> list[str]:
        """Return the model's results that are also inputs of another of its steps."""
        children = self.childAlgorithms()
        used = {
            (source.outputChildId(), source.outputName())
            for child in children.values()
            for sources in child.parameterSources().values()
            for source in sources
        }
        return [
            f"{child_id}:{title}"
            for child_id, child in children.items()
            for title, output in child.modelOutputs().items()
            if (child_id, output.childOutputName()) in used
        ]


def ready_models() -> list[ReadyModel]:
    """Return all models that ship."""
    return [ReadyModel(path) for path in sorted(FOLDER.glob("*.model3"))]
