"""What all algorithms of the toolbox share: how they declare themselves and how they run a job.

An algorithm is a module with one class: its texts as class attributes, its parameters in
`initAlgorithm`, its own checks in `check`, and in `processAlgorithm` one call of `run_job`::

    class ExtractEndmembers(GossanAlgorithm):
        ID = "extractendmembers"
        NAME = "Extract endmembers"
        GROUP = "endmembers"
        TAGS = ("unmixing", "PPI", "VCA")
        DOES = "Finds the purest pixels of a scene ..."
        NEEDS = "A hyperspectral raster ..."
        GIVES = "A spectral library ..."
        SOURCE = "Boardman and others (1995); ..."

        METHOD = "METHOD"
        OUTPUT = "OUTPUT"
        COUNT = "COUNT"

        def initAlgorithm(self, configuration=None):
            self.add_scene()
            self.add_choice(self.METHOD, "Method", METHODS, METHODS[0], "Which, and when.")
            self.add_image_options()
            self.add_pixel_options()
            self.add_seed()
            self.add_raster_result(self.OUTPUT, "Abundances", "What its bands are.")
            self.add_output_numbers({self.COUNT: "Number of endmembers"})

        def processAlgorithm(self, parameters, context, feedback):
            job = {
                **self.scene(parameters, context),
                **self.values(
                    parameters, context, method=self.METHOD, seed=self.SEED, output=self.OUTPUT
                ),
                "origin": self.origin(parameters, context),
            }
            result = self.run_job("endmembers.extract", job, feedback)
            self.style_raster(job["output"], styles.abundance, context)
            return {**self.made, self.COUNT: result["count"]}
"""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingDestinationParameter,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSink,
    QgsProperty,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from gossan.core.origin import Origin
from gossan.engine import client
from gossan.processing_provider.outputs import (
    FeatureFile,
    Style,
    StylePostProcessor,
    fill,
    save_raster_style,
)
from gossan.processing_provider.parameters import SharedParameters

_EMPTY_TYPES = {
    QgsProcessing.SourceType.TypeVectorPoint: QgsWkbTypes.Type.Point,
    QgsProcessing.SourceType.TypeVectorPolygon: QgsWkbTypes.Type.MultiPolygon,
}
"""Geometry type of a layer that turned out without any feature, by the type its sink promises."""


class GossanAlgorithm(SharedParameters):
    """An algorithm of the toolbox; its work is done by a job in the engine."""

    def run_job(
        self, name: str, parameters: dict[str, Any], feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run a job in the engine.

        Parameters
        ----------
        name : str
            Its name in the registry, for example ``endmembers.extract``.
        parameters : dict
            Its keyword parameters: paths, numbers, texts, lists; "" or None where not given.

        Returns
        -------
        dict
            What the job returns.

        Raises
        ------
        QgsProcessingException
            The job failed (with its own sentence) or was cancelled, and what it had written is
            removed; QGIS and `qgis_process` take anything else for success.
        """
        try:
            return client.run_job(name, parameters, feedback)
        except client.EngineCancelled as error:
            self.results.discard()
            raise QgsProcessingException("Cancelled; nothing was left behind.") from error
        except client.EngineError as error:
            self.results.discard()
            raise QgsProcessingException(str(error)) from error

    def features_to_sink(
        self,
        path: str,
        parameters: dict[str, Any],
        name: str,
        crs: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        *,
        style: Style | None = None,
        title: str = "",
    ) -> str | None:
        """Copy the features that a job wrote as GeoJSON to a feature sink.

        Parameters
        ----------
        path : str
            The GeoJSON file of the job (a `gossan.processing_provider.inputs.temporary_file`).
        name : str
            The sink's parameter.
        crs : QgsCoordinateReferenceSystem
            Of the coordinates in the file, which is that of the job's first raster.
        style : callable, optional
            Gives the loaded layer its look.
        title : str, optional
            Name of the loaded layer.

        Returns
        -------
        str or None
            The sink's layer, None where it is not wanted.
        """
        if not self.is_wanted(parameters, name, context):
            return None
        content = FeatureFile(path)
        definition = self.parameterDefinition(name)
        wkb_type = content.wkb_type
        if not content.rows and isinstance(definition, QgsProcessingParameterFeatureSink):
            wkb_type = _EMPTY_TYPES.get(definition.dataType(), wkb_type)
        try:
            sink, destination = self.parameterAsSink(
                parameters, name, context, content.fields, wkb_type, crs
            )
            if sink is None:
                raise QgsProcessingException(self.invalidSinkError(parameters, name))
            fill(sink, content, feedback)
            del sink
        except QgsProcessingException:
            self.results.discard()
            raise
        self.made[name] = destination
        self.style_vector(destination, style, context, title=title)
        return destination

    def style_raster(
        self, path: str, style: Style | None, context: QgsProcessingContext, *, title: str = ""
    ) -> None:
        """Save a style beside a raster result and name its layer; nothing for a path of ""."""
        if not path:
            return
        if style is not None:
            save_raster_style(path, style)
        self._entitle(path, title, context)

    def style_vector(
        self,
        destination: str,
        style: Style | None,
        context: QgsProcessingContext,
        *,
        title: str = "",
    ) -> None:
        """Have a vector result styled and named once QGIS has loaded it."""
        if style is not None:
            StylePostProcessor.attach(destination, context, style)
        self._entitle(destination, title, context)

    def origin(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, Any]:
        """Return what outputs tell about where they come from, as plain JSON.

        Returns
        -------
        dict
            ``algorithm`` (id), ``version`` (of Gossan) and ``parameters`` (all inputs by name,
            defaults too; layers by their public source; no outputs).
        """
        values = {}
        for definition in self.parameterDefinitions():
            if not isinstance(definition, QgsProcessingDestinationParameter):
                name = definition.name()
                value = parameters.get(name, definition.defaultValue())
                values[name] = _plain(value, context)
        return Origin(f"gossan:{self.ID}", parameters=values).to_dict()

    def _entitle(self, destination: str, title: str, context: QgsProcessingContext) -> None:
        """Name a layer that is going to be loaded, unless a model or its user has named it."""
        if title and context.willLoadLayerOnCompletion(destination):
            details = context.layerToLoadOnCompletionDetails(destination)
            usual = {each.description() for each in self.destinationParameterDefinitions()}
            if not details.name or details.name in usual:
                details.name = title


def _plain(value: Any, context: QgsProcessingContext) -> Any:
    """Return a parameter's value as JSON knows it."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source
    if isinstance(value, QgsProperty):
        value = value.value(context.expressionContext(), None)[0]
    if isinstance(value, QgsMapLayer):
        return value.publicSource()
    if value is None or isinstance(value, QVariant):
        return None
    if isinstance(value, (bool, int, float, str)):
        layer = context.getMapLayer(value) if isinstance(value, str) and value else None
        return layer.publicSource() if layer is not None else value
    if isinstance(value, (list, tuple)):
        return [_plain(item, context) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, context) for key, item in value.items()}
    return str(value)
