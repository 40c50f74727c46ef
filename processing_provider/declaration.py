"""How an algorithm declares itself, its parameters and their help, and checks them together."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
)
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import GROUPS, icon
from gossan.processing_provider.outputs import destination_text

_ADDRESS = re.compile(r"^[A-Za-z]{2,}:")
"""Destinations that are no files, such as ``memory:`` or ``postgres://``."""


class DeclaredAlgorithm(QgsProcessingAlgorithm):
    """An algorithm with its texts as class attributes and tooltips everywhere."""

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

    def add_choices(self, name: str, description: str, options: Sequence[str], tip: str) -> None:
        """Add a choice of several texts, all of them by default."""
        every = list(options)
        self.add(QgsProcessingParameterEnum(name, description, every, True, every, True, True), tip)

    def add_integer(
        self,
        name: str,
        description: str,
        default: int,
        tip: str,
        *,
        least: int | None = None,
        most: int | None = None,
        advanced: bool = False,
    ) -> None:
        """Add a whole number, within bounds where they are given."""
        kind = QgsProcessingParameterNumber.Type.Integer
        bounds = _bounds(least, most)
        self.add(
            QgsProcessingParameterNumber(name, description, kind, default, False, **bounds),
            tip,
            advanced=advanced,
        )

    def add_decimal(
        self,
        name: str,
        description: str,
        default: float | None,
        tip: str,
        *,
        least: float | None = None,
        most: float | None = None,
        advanced: bool = False,
    ) -> None:
        """Add a number, within bounds where they are given; one without default may stay empty."""
        kind = QgsProcessingParameterNumber.Type.Double
        bounds = _bounds(least, most)
        self.add(
            QgsProcessingParameterNumber(
                name, description, kind, default, default is None, **bounds
            ),
            tip,
            advanced=advanced,
        )

    def add_switch(
        self, name: str, description: str, default: bool, tip: str, *, advanced: bool = False
    ) -> None:
        """Add something to be ticked or not."""
        self.add(QgsProcessingParameterBoolean(name, description, default), tip, advanced=advanced)

    def add_file(
        self,
        name: str,
        description: str,
        files: str,
        tip: str,
        *,
        optional: bool = False,
        advanced: bool = False,
    ) -> None:
        """Add an input file; ``files`` says which the dialog shows first: ``Tables (*.csv)``."""
        self.add(
            QgsProcessingParameterFile(
                name, description, fileFilter=f"{files};;All files (*)", optional=optional
            ),
            tip,
            advanced=advanced,
        )

    # Declaring results; an optional one is written where asked for, or by default where said

    def add_raster_result(
        self,
        name: str,
        description: str,
        tip: str,
        *,
        optional: bool = False,
        by_default: bool = False,
    ) -> None:
        """Add a raster to be written."""
        self.add(
            QgsProcessingParameterRasterDestination(
                name, description, None, optional, by_default or not optional
            ),
            tip,
        )

    def add_features_result(
        self,
        name: str,
        description: str,
        kind: QgsProcessing.SourceType,
        tip: str,
        *,
        optional: bool = False,
        by_default: bool = False,
    ) -> None:
        """Add a vector layer to be written, of points or polygons."""
        self.add(
            QgsProcessingParameterFeatureSink(
                name, description, kind, None, optional, by_default or not optional
            ),
            tip,
        )

    def add_table(self, name: str, description: str, tip: str, *, optional: bool = True) -> None:
        """Add a CSV table to be written."""
        files = "CSV tables (*.csv)"
        self.add(
            QgsProcessingParameterFileDestination(
                name, description, files, None, optional, not optional
            ),
            tip,
        )

    def add_output_numbers(self, descriptions: dict[str, str]) -> None:
        """Announce the numbers that the algorithm returns, by name."""
        for name, description in descriptions.items():
            self.addOutput(QgsProcessingOutputNumber(name, description))

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


def _bounds(least: float | None, most: float | None) -> dict[str, float]:
    """Return the keyword arguments that bound a number; QGIS takes no None for them."""
    bounds = {"minValue": least, "maxValue": most}
    return {key: value for key, value in bounds.items() if value is not None}
