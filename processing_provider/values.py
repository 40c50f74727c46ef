"""How an algorithm reads what it was given: plain values that its job understands."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterNumber,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QVariant

from gossan.processing_provider.declaration import DeclaredAlgorithm
from gossan.processing_provider.inputs import raster_file, temporary_file
from gossan.processing_provider.outputs import ResultFiles, destination_text


class ReadingAlgorithm(DeclaredAlgorithm):
    """An algorithm that reads its parameters as numbers, texts, lists and paths."""

    def __init__(self) -> None:
        super().__init__()
        self.results = ResultFiles()
        self.made: dict[str, str] = {}
        """Where the wanted results of this run go, by parameter: part of what the run returns."""

    def values(
        self, parameters: dict[str, Any], context: QgsProcessingContext, **names: str
    ) -> dict[str, Any]:
        """Return what parameters were given, under the keywords of a job.

        Parameters
        ----------
        **names : str
            Name of the parameter for each keyword: ``table=self.TABLE``.

        Returns
        -------
        dict
            Plain JSON: numbers (None for an empty one), texts, lists of them, and absolute paths
            ("" where an optional input was not given or an output is not wanted).

        Raises
        ------
        QgsProcessingException
            A file or raster cannot be read, or a mandatory one was not given (by a step of a
            model).
        """
        read = {}
        for keyword, name in names.items():
            reader = _READERS[self.parameterDefinition(name).type()]
            read[keyword] = reader(self, parameters, name, context)
        return read

    def choice(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return the chosen text of an `add_choice` parameter."""
        return self.parameterAsEnumString(parameters, name, context)

    def choices(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        """Return the chosen texts of an `add_choices` parameter."""
        return self.parameterAsEnumStrings(parameters, name, context)

    def number(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> float | None:
        """Return a number, None where an optional one was not given."""
        definition = self.parameterDefinition(name)
        # A step of a model is handed nothing where the model's own default counts.
        optional = definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional
        if optional and not self.is_given(parameters, name):
            return None
        if definition.dataType() == QgsProcessingParameterNumber.Type.Integer:
            return self.parameterAsInt(parameters, name, context)
        return self.parameterAsDouble(parameters, name, context)

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

    def file_paths(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        """Return the absolute paths of several input files or folders; exceptions as above."""
        paths = self.parameterAsFileList(parameters, name, context)
        what = self.parameterDefinition(name).description()
        for path in paths:
            if not os.path.exists(path):
                raise QgsProcessingException(f"{what}: there is no file {path}.")
        if not paths:
            self._require(name, "file")
        return [os.path.abspath(path) for path in paths]

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
        return [raster_file(layer) for layer in self.layers(parameters, name, context, "raster")]

    def layers(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext, kind: str
    ) -> list[QgsMapLayer]:
        """Return several layers of a kind, which is ``raster`` or ``vector``.

        Raises
        ------
        QgsProcessingException
            One cannot be opened.
        """
        found = self.parameterAsLayerList(parameters, name, context)
        wanted = parameters.get(name)
        for item in wanted if isinstance(wanted, (list, tuple)) else [wanted]:
            text = isinstance(item, str) and item
            if text and QgsProcessingUtils.mapLayerFromString(item, context) is None:
                what = self.parameterDefinition(name).description()
                raise QgsProcessingException(f"{what}: {item} cannot be opened as a {kind}.")
        return list(found)

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
        if definition.type() in ("fileDestination", "folderDestination"):
            path = self.parameterAsFileOutput(parameters, name, context)
        else:
            path = self.parameterAsOutputLayer(parameters, name, context)
        if not path:
            self._require(name, "place for it")
            self.made.pop(name, None)
            return ""
        self.made[name] = os.path.abspath(path)
        self.results.watch(self.made[name])
        return self.made[name]

    def day(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return the day of a date parameter as ``YYYY-MM-DD``, or "" where none was given.

        Raises
        ------
        QgsProcessingException
            What was given is no date.
        """
        if not self.is_given(parameters, name):
            return ""
        moment = self.parameterAsDateTime(parameters, name, context)
        if not moment.isValid():
            what = self.parameterDefinition(name).description()
            raise QgsProcessingException(
                f"{what}: {parameters.get(name)} is not a date such as 2024-09-21."
            )
        return moment.toString("yyyy-MM-dd")

    def crs_text(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return a CRS as its authority's code or, without one, as WKT; "" where none was given."""
        if not self.is_given(parameters, name):
            return ""
        crs = self.parameterAsCrs(parameters, name, context)
        if not crs.isValid():
            what = self.parameterDefinition(name).description()
            raise QgsProcessingException(f"{what}: {parameters.get(name)} is not known.")
        return _crs_text(crs)

    def extent_box(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[float]:
        """Return an extent in its own CRS: least x and y, greatest x and y; [] without one."""
        if not self.is_given(parameters, name):
            return []
        box = self.parameterAsExtent(parameters, name, context)
        return [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]

    def extent_crs(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str:
        """Return the CRS that an extent is in, as `crs_text` does; "" where it does not tell."""
        if not self.is_given(parameters, name):
            return ""
        return _crs_text(self.parameterAsExtentCrs(parameters, name, context))

    def is_wanted(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> bool:
        """Return whether an output is wanted, before its sink is opened."""
        definition = self.parameterDefinition(name)
        value = parameters.get(name, definition.defaultValue())
        return bool(destination_text(value, context))

    def features_path(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str:
        """Return where a job is to leave the features of a sink, or "" where none is wanted."""
        wanted = self.is_wanted(parameters, name, context)
        return temporary_file(f"{name.lower()}.geojson") if wanted else ""

    def _choice_or_choices(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str | list[str]:
        several = self.parameterDefinition(name).allowMultiple()
        return (self.choices if several else self.choice)(parameters, name, context)

    def _rasters_or_files(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        if self.parameterDefinition(name).layerType() == QgsProcessing.SourceType.TypeFile:
            return self.file_paths(parameters, name, context)
        return self.raster_paths(parameters, name, context)

    def _band_or_bands(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> int | list[int]:
        if self.parameterDefinition(name).allowMultiple():
            return self.parameterAsInts(parameters, name, context)
        return max(1, self.parameterAsInt(parameters, name, context))

    def _field_or_fields(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> str | list[str]:
        if self.parameterDefinition(name).allowMultiple():
            return self.parameterAsFields(parameters, name, context)
        return self.parameterAsString(parameters, name, context)


def _crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    return (crs.authid() or crs.toWkt()) if crs.isValid() else ""


_READERS = {
    "band": ReadingAlgorithm._band_or_bands,
    "boolean": ReadingAlgorithm.parameterAsBool,
    "crs": ReadingAlgorithm.crs_text,
    "datetime": ReadingAlgorithm.day,
    "enum": ReadingAlgorithm._choice_or_choices,
    "extent": ReadingAlgorithm.extent_box,
    "field": ReadingAlgorithm._field_or_fields,
    "file": ReadingAlgorithm.file_path,
    "fileDestination": ReadingAlgorithm.output_path,
    "folderDestination": ReadingAlgorithm.output_path,
    "multilayer": ReadingAlgorithm._rasters_or_files,
    "number": ReadingAlgorithm.number,
    "raster": ReadingAlgorithm.raster_path,
    "rasterDestination": ReadingAlgorithm.output_path,
    "sink": ReadingAlgorithm.features_path,
    "string": ReadingAlgorithm.parameterAsString,
}
"""How each type of parameter is read."""


def listed(text: str) -> list[str]:
    """Return the entries of a text such as ``Gold; Copper``, by semicolons or else by commas."""
    mark = ";" if ";" in text else ","
    return [part.strip() for part in text.split(mark) if part.strip()]
