"""A graphical model that ships with the toolbox, under a short id of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import GROUPS, icon
from gossan.processing_provider.outputs import ResultFiles, destination_text

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
        given = {**self._defaults(), **parameters}
        # QGIS makes temporary files for the results of steps, but not where the model has them too.
        for name in self._needed():
            if not given.get(name):
                given[name] = self.parameterDefinition(name).generateTemporaryDestination()
        files = ResultFiles()
        for definition in self.parameterDefinitions():
            if definition.isDestination() and given.get(definition.name()):
                files.watch(destination_text(given[definition.name()], context))
        try:
            results = super().processAlgorithm(given, context, feedback)
            # QGIS ends a cancelled model between two steps as if it had succeeded.
            if feedback.isCanceled():
                raise QgsProcessingException("Cancelled; nothing was left behind.")
        except QgsProcessingException:
            files.discard()
            raise
        return results

    def _defaults(self) -> dict[str, Any]:
        """Return the model's own defaults: a step would be handed nothing, and take its own."""
        return {
            definition.name(): definition.defaultValue()
            for definition in self.parameterDefinitions()
            if not definition.isDestination() and definition.defaultValue() is not None
        }

    def _needed(self) -> list[str]:
        """Return the results that steps cannot do without, wanted or not."""
        children = self.childAlgorithms()
        handed_on = {
            (source.outputChildId(), source.outputName())
            for child in children.values()
            for sources in child.parameterSources().values()
            for source in sources
        }
        optional = QgsProcessingParameterDefinition.Flag.FlagOptional
        needed = []
        for child_id, child in children.items():
            for title, output in child.modelOutputs().items():
                name = output.childOutputName()
                flags = child.algorithm().parameterDefinition(name).flags()
                if (child_id, name) in handed_on or not flags & optional:
                    needed.append(f"{child_id}:{title}")
        return needed


def ready_models() -> list[ReadyModel]:
    """Return all models that ship."""
    return [ReadyModel(path) for path in sorted(FOLDER.glob("*.model3"))]
