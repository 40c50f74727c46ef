"""How an algorithm declares itself, its parameters and their help, and reads what it was given."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QVariant
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import GROUPS, icon
from gossan.processing_provider.inputs import raster_file
from gossan.processing_provider.outputs import ResultFiles, destination_text

_ADDRESS = re.compile(r"^[A-Za-z]{2,}:")
"""Destinations that are no files, such as ``memory:`` or ``postgres://``."""


class DeclaredAlgorithm(QgsProcessingAlgorithm):
    """An algorithm with its texts as class attributes, tooltips everywhere, and plain values."""

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

    def __init__(self) -> None:
        super().__init__()
        self.results = ResultFiles()

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

    def createInstance(self) -> DeclaredAlgorithm:
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
        name = parameter.name()
        parameter.setHelp(tip)
        if advanced:
            flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced
            parameter.setFlags(parameter.flags() | flag)
        if not self.addParameter(parameter):
            raise ValueError(f"{self.ID} has the parameter {name} twice.")

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
            message = self._output_problem(parameters, context) or self.check(parameters, context)
        return not message, message

    def _output_problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return what stands against writing the outputs where they are wanted, or nothing."""
        inputs = self._input_paths(parameters, context)
        for definition in self.destinationParameterDefinitions():
            path = destination_text(parameters.get(definition.name()), context)
            if not os.path.splitext(path)[1] or _ADDRESS.match(path):
                continue
            what = definition.description()
            folder = os.path.dirname(os.path.abspath(path))
            if not os.path.isdir(folder):
                return f"{what}: there is no folder {folder}."
            if not os.access(folder, os.W_OK):
                return f"{what}: the folder {folder} cannot be written to."
            if os.path.realpath(path) in inputs:
                return f"{what}: {path} is one of the inputs and would be overwritten."
        return ""

    def _input_paths(self, parameters: dict[str, Any], context: QgsProcessingContext) -> set[str]:
        """Return the files among the inputs."""
        values: list[Any] = []
        for definition in self.parameterDefinitions():
            if not definition.isDestination():
                value = parameters.get(definition.name())
                values.extend(value if isinstance(value, (list, tuple)) else [value])
        texts = [value.source() if isinstance(value, QgsMapLayer) else value for value in values]
        layers = [context.getMapLayer(text) for text in texts if isinstance(text, str) and text]
        texts.extend(layer.source() for layer in layers if layer is not None)
        files = (text.split("|")[0] for text in texts if isinstance(text, str))
        return {os.path.realpath(file) for file in files if os.path.isfile(file)}

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
            The file does not exist, or a mandatory one was not given (by a step of a model).
        """
        path = self.parameterAsFile(parameters, name, context)
        what = self.parameterDefinition(name).description()
        if not path:
            self._require(name, "file")
            return ""
        if not os.path.exists(path):
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
            The raster cannot be loaded, has no file (a service, a memory file), or is mandatory
            and was not given (by a step of a model).
        """
        if not self.is_given(parameters, name):
            self._require(name, "raster")
            return ""
        layer = self.parameterAsRasterLayer(parameters, name, context)
        if layer is None or not layer.isValid():
            raise QgsProcessingException(self.invalidRasterError(parameters, name))
        return raster_file(layer)

    def _require(self, name: str, kind: str) -> None:
        definition = self.parameterDefinition(name)
        if not definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional:
            raise QgsProcessingException(f"{definition.description()}: no {kind} was given.")

    def raster_paths(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        """Return the paths of several rasters for the engine; exceptions as `raster_path`."""
        layers = self.parameterAsLayerList(parameters, name, context)
        wanted = parameters.get(name)
        for item in wanted if isinstance(wanted, (list, tuple)) else [wanted]:
            text = isinstance(item, str) and item
            if text and QgsProcessingUtils.mapLayerFromString(item, context) is None:
                what = self.parameterDefinition(name).description()
                raise QgsProcessingException(f"{what}: {item} cannot be opened as a raster.")
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
        if not path:
            self._require(name, "place for it")
            return ""
        self.results.watch(os.path.abspath(path))
        return os.path.abspath(path)

    def is_wanted(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> bool:
        """Return whether an output is wanted, before its sink is opened."""
        definition = self.parameterDefinition(name)
        value = parameters.get(name, definition.defaultValue())
        return bool(destination_text(value, context))
