"""Algorithm: comparison of findings with registers, concessions and protected areas."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingParameterCrs,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import temporary_file, write_features
from gossan.processing_provider.mines import register_styles
from gossan.processing_provider.mines.registers import WGS84, Columns, EntryFile, require_crs


class MatchRegister(GossanAlgorithm):
    """Marks findings as registered or unregistered."""

    ID = "matchregister"
    NAME = "Match with registers"
    GROUP = "mines"
    TAGS = ("register", "concession", "protected area", "indigenous land", "illegal", "distance")
    DOES = (
        "Tells for each finding whether a register or a granted concession knows it, which entry "
        "is the nearest and how far, and whether it lies in protected areas or indigenous lands. "
        "Distances run along the ellipsoid, from outline to outline."
    )
    NEEDS = (
        "Findings, as points or polygons; registers as layers or as tables with coordinates in "
        "decimal degrees or in degrees, minutes and seconds, written in any usual way; if wanted "
        "concessions with their phase, and protected areas. O in a coordinate is west (Oeste)."
    )
    GIVES = (
        "The findings with registered or not, nearest entry, distance, phase and protected areas, "
        "the unregistered ones first and those in protected areas first of all; if wanted the "
        "entries that have no finding; a report. One entry may stand for several findings, and "
        "the field register_findings says for how many. Unregistered means unknown to these "
        "registers, which have gaps and slips, not illegal."
    )
    SOURCE = (
        "Balaniuk and others (2020), Sensors 20, 6936; distances: Vincenty (1975), Survey Review "
        "23, 88-93."
    )

    REGISTERS = "REGISTERS"
    LONGITUDE, LATITUDE = "LONGITUDE_FIELD", "LATITUDE_FIELD"
    NAME_FIELD, ID_FIELD = "NAME_FIELD", "ID_FIELD"
    TABLE_CRS = "TABLE_CRS"
    DISTANCE = "DISTANCE"
    NEARBY = "NEARBY"
    CONCESSIONS = "CONCESSIONS"
    PHASE_FIELD = "PHASE_FIELD"
    GRANTED = "GRANTED"
    PROTECTED = "PROTECTED"
    PROTECTED_NAME = "PROTECTED_NAME_FIELD"
    AREA = "AREA"
    OUTPUT = "OUTPUT"
    GHOSTS = "GHOSTS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        vector = QgsProcessing.SourceType.TypeVector
        self.add(
            QgsProcessingParameterFeatureSource(
                self.INPUT,
                "Findings",
                [
                    QgsProcessing.SourceType.TypeVectorPoint,
                    QgsProcessing.SourceType.TypeVectorPolygon,
                ],
            ),
            "Points or polygons, as Detect mines makes them, in any CRS.",
        )
        self._add_layers(
            self.REGISTERS,
            "Registers",
            vector,
            "Tables with coordinates, points or polygons of known mines. All of them count as "
            "registered; concessions that may be mere requests belong below.",
        )
        self.add_decimal(
            self.DISTANCE,
            "Distance of a match (m)",
            1000.0,
            "An entry of a register up to this far from a finding's outline is taken for its own. "
            "The report shows how many findings other distances would match.",
            least=0.0,
            most=100_000.0,
        )
        self._add_layers(
            self.CONCESSIONS,
            "Concessions",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "Polygons of mining titles; a finding that touches a granted one is registered.",
        )
        self._add_text(
            self.PHASE_FIELD,
            "Field with the phase of concessions",
            "Such as phase or FASE. Empty: found by usual names (phase, fase, status).",
        )
        self._add_text(
            self.GRANTED,
            "Phases that count as granted",
            "Parted by semicolons, such as mining licence; small-scale licence. What is requested "
            "or explored is not granted. Empty: every concession counts.",
            advanced=False,
        )
        self._add_layers(
            self.PROTECTED,
            "Protected areas and indigenous lands",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "Polygons; each finding gets those that it lies in and how far the nearest is.",
        )
        self._add_names()
        self._add_outputs()

    def _add_layers(
        self, name: str, description: str, kind: QgsProcessing.SourceType, tip: str
    ) -> None:
        self.add(QgsProcessingParameterMultipleLayers(name, description, kind, optional=True), tip)

    def _add_text(self, name: str, description: str, tip: str, *, advanced: bool = True) -> None:
        self.add(
            QgsProcessingParameterString(name, description, None, False, True),
            tip,
            advanced=advanced,
        )

    def _add_names(self) -> None:
        several = "Where registers differ, name several, parted by semicolons."
        for name, description, usual in (
            (self.LONGITUDE, "Field with the longitude of tables", "longitude, lon, x, easting"),
            (self.LATITUDE, "Field with the latitude of tables", "latitude, lat, y, northing"),
            (self.NAME_FIELD, "Field with the name of entries", "name, nome, nombre"),
            (self.ID_FIELD, "Field with the number of entries", "id, code, processo"),
            (self.PROTECTED_NAME, "Field with the name of protected areas", "name, nome, nombre"),
        ):
            self._add_text(name, description, f"Empty: found by usual names ({usual}). {several}")
        self.add(
            QgsProcessingParameterCrs(
                self.TABLE_CRS, "CRS of coordinates in tables", WGS84, optional=True
            ),
            "Degrees of the date's datum (WGS 84 and SIRGAS 2000 agree within a metre, SAD69 and "
            "other old ones are tens of metres off), or map units.",
            advanced=True,
        )
        self.add_decimal(
            self.NEARBY,
            "Nearby (km)",
            50.0,
            "Up to this far the nearest entry and protected areas are named at a finding.",
            least=0.1,
            most=1000.0,
            advanced=True,
        )
        self.add(
            QgsProcessingParameterExtent(self.AREA, "Searched area", optional=True),
            "Entries of registers outside are not reported as lacking a finding. Give the extent "
            "of the image that was searched; empty: all entries are.",
            advanced=True,
        )

    def _add_outputs(self) -> None:
        self.add_features_result(
            self.OUTPUT,
            "Matched findings",
            QgsProcessing.SourceType.TypeVectorAnyGeometry,
            "The findings with what registers say, unregistered ones first.",
        )
        self.add_features_result(
            self.GHOSTS,
            "Entries without a finding",
            QgsProcessing.SourceType.TypeVectorPoint,
            "Entries of registers with no finding within the distance, with the nearest finding: "
            "misplaced, abandoned, hidden or missed.",
            optional=True,
        )
        self.add_report(
            "Counts by impact, phases of concessions, distances, unregistered findings.",
            optional=True,
            by_default=True,
        )
        self.add_output_numbers(
            {
                "COUNT": "Findings",
                "REGISTERED": "Registered",
                "UNREGISTERED": "Unregistered",
                "UNREGISTERED_PROTECTED": "Unregistered in protected areas",
                "ENTRIES": "Entries of registers",
                "GHOST_COUNT": "Entries without a finding",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:  # noqa: ARG002
        given = [name for name in self._LAYERS if self.is_given(parameters, name)]
        if not given:
            return "Give at least one register, concession layer or layer of protected areas."
        if self.is_given(parameters, self.GRANTED) and self.CONCESSIONS not in given:
            return "Phases that count as granted need concessions."
        return ""

    _LAYERS = (REGISTERS, CONCESSIONS, PROTECTED)

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        source = self.feature_source(parameters, self.INPUT, context)
        granted = self.parameterAsString(parameters, self.GRANTED, context) or ""
        job = {
            **self.values(
                parameters,
                context,
                distance=self.DISTANCE,
                nearby=self.NEARBY,
                ghosts=self.GHOSTS,
                report=self.REPORT,
            ),
            **self._findings(source, context, feedback),
            **self._layers_of(parameters, context, feedback),
            "searched": self._searched(parameters, context),
            "granted": [phase.strip() for phase in granted.split(";") if phase.strip()],
            "output": temporary_file("matched.geojson"),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("mines.match_register", job, feedback)
        self.features_to_sink(
            job["output"],
            parameters,
            self.OUTPUT,
            source.sourceCrs(),
            context,
            feedback,
            style=register_styles.matched_findings,
            title="Findings and registers",
        )
        self.features_to_sink(
            job["ghosts"],
            parameters,
            self.GHOSTS,
            QgsCoordinateReferenceSystem(WGS84),
            context,
            feedback,
            style=register_styles.ghosts,
            title="Register entries without a finding",
        )
        return {
            **self.made,
            "COUNT": result["findings"],
            "REGISTERED": result["registered"],
            "UNREGISTERED": result["unregistered"],
            "UNREGISTERED_PROTECTED": result["unregistered_protected"],
            "ENTRIES": result["entries"],
            "GHOST_COUNT": result["ghosts"],
        }

    def _findings(
        self,
        source: QgsProcessingFeatureSource,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, str]:
        """Return the findings as they are, and where they are on the Earth."""
        # A file's own numbering of its rows would put them back into the old order.
        fields = [
            name for name in source.fields().names() if name.lower() not in ("fid", "ogc_fid")
        ]
        crs = require_crs(source)
        world = QgsCoordinateReferenceSystem(WGS84)
        return {
            "findings": write_features(source, fields, crs, context, feedback),
            "places": write_features(source, [], world, context, feedback),
        }

    def _layers_of(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        def text(name: str) -> str:
            return self.parameterAsString(parameters, name, context) or ""

        columns = {
            self.REGISTERS: Columns(
                text(self.LONGITUDE),
                text(self.LATITUDE),
                text(self.NAME_FIELD),
                text(self.ID_FIELD),
            ),
            self.CONCESSIONS: Columns(phase=text(self.PHASE_FIELD)),
            self.PROTECTED: Columns(name=text(self.PROTECTED_NAME)),
        }
        crs = self.parameterAsCrs(parameters, self.TABLE_CRS, context)
        paths: dict[str, Any] = {"remarks": []}
        for name in self._LAYERS:
            entries = EntryFile(columns[name], crs, context, feedback)
            layers = self.layers(parameters, name, context, "vector")
            paths[name.lower()] = entries.write(layers)
            paths["remarks"] += entries.remarks
        return paths

    def _searched(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return a file with the searched area, "" where none was given."""
        if not self.is_given(parameters, self.AREA):
            return ""
        world = QgsCoordinateReferenceSystem(WGS84)
        area = self.parameterAsExtentGeometry(parameters, self.AREA, context, world)
        path = temporary_file("searched.geojson")
        feature = {"type": "Feature", "properties": {}, "geometry": json.loads(area.asJson(9))}
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        return path
