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

        INPUT = "INPUT"
        OUTPUT = "OUTPUT"

        def initAlgorithm(self, configuration=None):
            self.add(QgsProcessingParameterRasterLayer(self.INPUT, "Scene"), "What it is for.")
            self.add_choice("METHOD", "Method", ["NNLS", "FCLS"], "NNLS", "Which, and when.")
            self.add_image_options()
            self.add_seed()
            self.add(QgsProcessingParameterRasterDestination(self.OUTPUT, "Abundances"), "...")
            self.addOutput(QgsProcessingOutputNumber("COUNT", "Number of endmembers"))

        def processAlgorithm(self, parameters, context, feedback):
            output = self.output_path(parameters, self.OUTPUT, context)
            result = self.run_job(
                "endmembers.extract",
                {
                    "raster": self.raster_path(parameters, self.INPUT, context),
                    "method": self.choice(parameters, "METHOD", context),
                    "seed": self.seed(parameters, context),
                    "output": output,
                    "origin": self.origin(parameters, context),
                    **self.image_options(parameters, context),
                },
                feedback,
            )
            self.style_raster(output, styles.abundances, context)
            return {self.OUTPUT: output, "COUNT": result["count"]}
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingDestinationParameter,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProperty,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant
from qgis.PyQt.QtGui import QIcon

from gossan.core.origin import Origin
from gossan.processing_provider.groups import GROUPS, icon
from gossan.processing_provider.inputs import raster_file
from gossan.processing_provider.outputs import (
    FeatureFile,
    Style,
    StylePostProcessor,
    fill,
    save_raster_style,
)


class GossanAlgorithm(QgsProcessingAlgorithm):
    """An algorithm of the toolbox; its work is done by a job in the engine."""

    ID = ""
    """Lower-case id; never changes once published."""
    NAME = ""
    GROUP = ""
    """A key of `gossan.processing_provider.groups.GROUPS`; also names the icon."""
    TAGS: tuple[str, ...] = ()
    DOES = ""
    NEEDS = ""
    GIVES = ""
    SOURCE = ""

    WAVELENGTHS = "WAVELENGTHS"
    SCALE = "SCALE"
    OFFSET = "OFFSET"
    SEED = "SEED"
    DASK = "DASK_ADDRESS"

    # How the algorithm presents itself

    def name(self) -> str:
        return self.ID

    def displayName(self) -> str:
        return self.NAME

    def groupId(self) -> str:
        return self.GROUP

    def group(self) -> str:
        return GROUPS[self.GROUP]

    def icon(self) -> QIcon:
        return icon(self.GROUP)

    def tags(self) -> list[str]:
        return list(self.TAGS)

    def shortDescription(self) -> str:
        return self.DOES.split(". ")[0].rstrip(".") + "."

    def shortHelpString(self) -> str:
        parts = (
            ("", self.DOES),
            ("Needs", self.NEEDS),
            ("Gives", self.GIVES),
            ("Source", self.SOURCE),
        )
        return "".join(
            f"<p>{f'<b>{title}.</b> ' if title else ''}{text}</p>" for title, text in parts if text
        )

    def createInstance(self) -> GossanAlgorithm:
        return type(self)()

    # Declaring parameters

    def add(
        self, parameter: QgsProcessingParameterDefinition, tip: str, *, advanced: bool = False
    ) -> None:
        """Add a parameter (inputs and destinations alike) with its tooltip.

        Parameters
        ----------
        parameter : QgsProcessingParameterDefinition
            The parameter; its outputs are added with it.
        tip : str
            One or two sentences: what it means, its unit, when to change it.
        advanced : bool
            Whether the dialog shows it under *Advanced parameters* only.
        """
        parameter.setHelp(tip)
        if advanced:
            flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced
            parameter.setFlags(parameter.flags() | flag)
        if not self.addParameter(parameter):
            raise ValueError(f"{self.ID} has the parameter {parameter.name()} twice.")

    def add_choice(
        self,
        name: str,
        description: str,
        options: Sequence[str],
        default: str,
        tip: str,
        *,
        advanced: bool = False,
    ) -> None:
        """Add a choice among texts that are shown, stored and given to the job as they stand."""
        parameter = QgsProcessingParameterEnum(
            name, description, list(options), False, default, False, True
        )
        self.add(parameter, tip, advanced=advanced)

    def add_image_options(self) -> None:
        """Add what may have to be told about an image: wavelengths, scale and offset."""
        self.add(
            QgsProcessingParameterFile(
                self.WAVELENGTHS,
                "Wavelengths (CSV)",
                QgsProcessingParameterFile.Behavior.File,
                fileFilter="CSV tables (*.csv);;All files (*)",
                optional=True,
            ),
            "Table of the bands' centre wavelengths, one row per band, for images whose own "
            "metadata lack them.",
            advanced=True,
        )
        double = QgsProcessingParameterNumber.Type.Double
        self.add(
            QgsProcessingParameterNumber(self.SCALE, "Scale of the values", double, None, True),
            "Stored values times this are reflectance (0 to 1), for example 0.0001. Empty: as the "
            "image's metadata say.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(self.OFFSET, "Offset of the values", double, None, True),
            "Added after scaling. Empty: as the image's metadata say.",
            advanced=True,
        )

    def add_seed(self) -> None:
        """Add the seed of a stochastic algorithm."""
        self.add(
            QgsProcessingParameterNumber(
                self.SEED, "Seed", QgsProcessingParameterNumber.Type.Integer, 0, False, 0
            ),
            "Start of the random numbers; the same seed gives the same result on the same machine.",
            advanced=True,
        )

    def add_dask(self) -> None:
        """Add the address of a Dask scheduler."""
        self.add(
            QgsProcessingParameterString(self.DASK, "Dask scheduler", None, False, True),
            "Address such as tcp://host:8786 to compute on a Dask cluster whose workers see the "
            "same files; only in networks that you trust. Empty: on this computer.",
            advanced=True,
        )

    # Checking parameters

    def check(
        self,
        parameters: dict[str, Any],  # noqa: ARG002
        context: QgsProcessingContext,  # noqa: ARG002
    ) -> str:
        """Return one sentence about what is wrong with the parameters together, or nothing."""
        return ""

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        valid, message = super().checkParameterValues(parameters, context)
        if valid:
            message = self._folder_problem(parameters, context) or self.check(parameters, context)
        return not message, message

    def _folder_problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return what stands against writing the outputs where they are wanted, or nothing."""
        for definition in self.destinationParameterDefinitions():
            path = _destination(parameters.get(definition.name()), context)
            if not path or not os.path.isabs(path):
                continue
            folder = os.path.dirname(path)
            if not os.path.isdir(folder):
                return f"{definition.description()}: there is no folder {folder}."
            if not os.access(folder, os.W_OK):
                return f"{definition.description()}: the folder {folder} cannot be written to."
        return ""

    # Reading parameters

    def choice(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return the chosen text of an `add_choice` parameter."""
        return self.parameterAsEnumString(parameters, name, context)

    def number(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> float | None:
        """Return an optional number, None where none was given."""
        if not self.is_given(parameters, name):
            return None
        return self.parameterAsDouble(parameters, name, context)

    def seed(self, parameters: dict[str, Any], context: QgsProcessingContext) -> int:
        """Return the seed."""
        return self.parameterAsInt(parameters, self.SEED, context)

    def file_path(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str:
        """Return the absolute path of an input file, or "" where none was given.

        Raises
        ------
        QgsProcessingException
            The file does not exist.
        """
        path = self.parameterAsFile(parameters, name, context)
        if not path:
            return ""
        if not os.path.exists(path):
            what = self.parameterDefinition(name).description()
            raise QgsProcessingException(f"{what}: there is no file {path}.")
        return os.path.abspath(path)

    def image_options(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> dict[str, Any]:
        """Return ``wavelengths`` (path or ""), ``scale`` and ``offset`` (number or None)."""
        return {
            "wavelengths": self.file_path(parameters, self.WAVELENGTHS, context),
            "scale": self.number(parameters, self.SCALE, context),
            "offset": self.number(parameters, self.OFFSET, context),
        }

    def is_given(self, parameters: dict[str, Any], name: str) -> bool:
        """Return whether an optional parameter has a value of its own or by default."""
        value = parameters.get(name, self.parameterDefinition(name).defaultValue())
        if isinstance(value, QVariant):
            return not value.isNull()
        return value is not None and value != "" and value != []

    def raster_path(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str:
        """Return the path of a raster for the engine, or "" where none was given.

        Raises
        ------
        QgsProcessingException
            The raster cannot be loaded, or has no file (a service, a memory file).
        """
        if not self.is_given(parameters, name):
            return ""
        layer = self.parameterAsRasterLayer(parameters, name, context)
        if layer is None or not layer.isValid():
            raise QgsProcessingException(self.invalidRasterError(parameters, name))
        return raster_file(layer)

    def raster_paths(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        """Return the paths of several rasters for the engine; exceptions as `raster_path`."""
        layers = self.parameterAsLayerList(parameters, name, context)
        wanted = parameters.get(name)
        if isinstance(wanted, (list, tuple)) and len(layers) != len(wanted):
            what = self.parameterDefinition(name).description()
            raise QgsProcessingException(
                f"{what}: {len(wanted) - len(layers)} of the rasters cannot be loaded."
            )
        return [raster_file(layer) for layer in layers]

    def raster_crs(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> QgsCoordinateReferenceSystem:
        """Return the CRS of a raster, or of the first of several; invalid where it has none."""
        for layer in self.parameterAsLayerList(parameters, name, context):
            return layer.crs()
        return QgsCoordinateReferenceSystem()

    def feature_source(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> QgsProcessingFeatureSource:
        """Return a vector input, to be handed on by the functions of the module ``inputs``.

        Raises
        ------
        QgsProcessingException
            The layer cannot be loaded.
        """
        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, name))
        return source

    def output_path(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str:
        """Return where a raster or file output goes, or "" where an optional one is not wanted."""
        definition = self.parameterDefinition(name)
        if definition.type() == "fileDestination":
            path = self.parameterAsFileOutput(parameters, name, context)
        else:
            path = self.parameterAsOutputLayer(parameters, name, context)
        return os.path.abspath(path) if path else ""

    def is_wanted(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> bool:
        """Return whether an output is wanted, before its sink is opened."""
        definition = self.parameterDefinition(name)
        value = parameters.get(name, definition.defaultValue())
        return bool(_destination(value, context))

    # Running the job and handing its results on

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
            The job failed (with its own sentence) or was cancelled; QGIS and `qgis_process` take
            anything else for success.
        """
        from gossan.engine import client

        try:
            return client.run_job(name, parameters, feedback)
        except client.EngineCancelled as error:
            raise QgsProcessingException("Cancelled; nothing was left behind.") from error
        except client.EngineError as error:
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
        sink, destination = self.parameterAsSink(
            parameters, name, context, content.fields, wkb_type, crs
        )
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, name))
        fill(sink, content, feedback)
        del sink
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

    @staticmethod
    def _entitle(destination: str, title: str, context: QgsProcessingContext) -> None:
        if title and context.willLoadLayerOnCompletion(destination):
            context.layerToLoadOnCompletionDetails(destination).name = title


_EMPTY_TYPES = {
    QgsProcessing.SourceType.TypeVectorPoint: QgsWkbTypes.Type.Point,
    QgsProcessing.SourceType.TypeVectorPolygon: QgsWkbTypes.Type.MultiPolygon,
}
"""Geometry type of a layer that turned out without any feature, by the type its sink promises."""


def _destination(value: Any, context: QgsProcessingContext) -> str:
    """Return the text of a destination parameter's value; "" where nothing is wanted."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    if isinstance(value, QgsProperty):
        value = value.valueAsString(context.expressionContext(), "")[0]
    return "" if value is None or isinstance(value, QVariant) else str(value)


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
