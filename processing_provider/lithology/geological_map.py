"""What the algorithms that take a geological map share: its parameters and how they are read."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_features
from gossan.processing_provider.lithology.legends import legend_of


class GeologicalMapAlgorithm(GossanAlgorithm):
    """An algorithm that takes a geological map as polygons or as a class raster."""

    MAP = "MAP"
    CLASS_FIELD = "CLASS_FIELD"
    MAP_RASTER = "MAP_RASTER"
    NAME_COLUMN = "NAME_COLUMN"

    def __init__(self) -> None:
        super().__init__()
        self.map_legend: list[dict[str, Any]] = []

    def add_geological_map(self, what: str, kinds: list[QgsProcessing.SourceType]) -> None:
        """Add the map as a vector layer with its class field, or as a raster.

        Parameters
        ----------
        what : str
            What the map is here, such as ``Geological map``.
        kinds : list
            Which vector layers can hold it.
        """
        self.add(
            QgsProcessingParameterFeatureSource(self.MAP, f"{what} (vector)", kinds, optional=True),
            "In any CRS. Where the layer is coloured by its classes, the colours carry over.",
        )
        self.add(
            QgsProcessingParameterField(
                self.CLASS_FIELD, "Class field", None, self.MAP, optional=True
            ),
            "The field with the unit or rock type of each feature, as text or number.",
        )
        self.add(
            QgsProcessingParameterRasterLayer(
                self.MAP_RASTER, f"{what} (class raster)", optional=True
            ),
            "Instead of a vector layer: a raster of whole numbers on any grid, 0 for none. Names "
            "and colours come from its symbols, attribute table, categories or colour table.",
        )
        self.add(
            QgsProcessingParameterString(self.NAME_COLUMN, "Name column", None, False, True),
            "Column of the raster's attribute table with the class names, where there are several.",
            advanced=True,
        )

    def check_geological_map(self, parameters: dict[str, Any]) -> str:
        """Return what is wrong with the map's parameters together, or nothing."""
        vector, raster = (self.is_given(parameters, name) for name in (self.MAP, self.MAP_RASTER))
        if vector == raster:
            return "Give either a vector layer or a class raster, not both and not neither."
        if vector and not self.is_given(parameters, self.CLASS_FIELD):
            return "Name the class field of the vector layer."
        return ""

    def prepareAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,  # noqa: ARG002
    ) -> bool:
        # Symbols belong to the project, which only the main thread may touch.
        if self.is_given(parameters, self.MAP_RASTER):
            self.map_legend = legend_of(
                self.parameterAsRasterLayer(parameters, self.MAP_RASTER, context)
            )
        elif self.is_given(parameters, self.MAP):
            field = self.parameterAsString(parameters, self.CLASS_FIELD, context)
            layer = self.parameterAsVectorLayer(parameters, self.MAP, context)
            self.map_legend = legend_of(layer, field)
        return True

    def geological_map(
        self,
        parameters: dict[str, Any],
        grid: str,
        prefix: str,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Return the map as a job takes it.

        Parameters
        ----------
        grid : str
            Parameter with the raster whose CRS counts.
        prefix : str
            What the job's parameters begin with: ``map`` or ``reference``.

        Returns
        -------
        dict
            ``<prefix>_features``, ``_field``, ``_raster``, ``_column`` and ``_legend``.
        """
        field = self.parameterAsString(parameters, self.CLASS_FIELD, context)
        features = ""
        if self.is_given(parameters, self.MAP):
            source = self.feature_source(parameters, self.MAP, context)
            crs = self.raster_crs(parameters, grid, context)
            features = write_features(source, [field], crs, context, feedback)
        return {
            f"{prefix}_features": features,
            f"{prefix}_field": field if features else "",
            f"{prefix}_raster": self.raster_path(parameters, self.MAP_RASTER, context),
            f"{prefix}_column": self.parameterAsString(parameters, self.NAME_COLUMN, context),
            f"{prefix}_legend": self.map_legend,
        }
