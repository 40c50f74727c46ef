"""Algorithm: findings as KML for Google Earth and as a CSV table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
)

from gossan.core.errors import CancelledError, GossanError
from gossan.core.origin import TAG_PREFIX, Origin
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.mines.findings import Finding, FindingSource
from gossan.processing_provider.mines.kml import write_kml
from gossan.processing_provider.mines.safe_csv import write_safe_table

TITLE = "Mines and tailings dams"


class ExportFindings(GossanAlgorithm):
    """Writes findings for Google Earth and spreadsheets."""

    ID = "exportfindings"
    NAME = "Export findings"
    GROUP = "mines"
    TAGS = ("KML", "Google Earth", "CSV", "spreadsheet", "export")
    DOES = (
        "Writes findings as KML for Google Earth, in folders by what registers say and by impact, "
        "yellow for low and red for high impact, with all attributes in the balloon and a view to "
        "fly to, and as a CSV table with longitude and latitude (WGS 84)."
    )
    NEEDS = (
        "Findings in any CRS, as points or polygons. The fields registered, impact and decision "
        "are used where they are there."
    )
    GIVES = (
        "A KML file and a CSV table in UTF-8 with a byte order mark, which spreadsheets need for "
        "letters with accents. Texts that a spreadsheet would take for a formula get an "
        "apostrophe before them."
    )
    SOURCE = "OGC 07-147r2, KML 2.2; OWASP, CSV injection."

    ONLY_UNREGISTERED = "ONLY_UNREGISTERED"
    ONLY_CONFIRMED = "ONLY_CONFIRMED"
    NAME_FIELD = "NAME_FIELD"
    KML = "KML"
    CSV = "CSV"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterFeatureSource(
                self.INPUT,
                "Findings",
                [
                    QgsProcessing.SourceType.TypeVectorPoint,
                    QgsProcessing.SourceType.TypeVectorPolygon,
                ],
            ),
            "Points or polygons, as Detect mines or Match with registers makes them.",
        )
        self.add_switch(
            self.ONLY_UNREGISTERED,
            "Only unregistered ones",
            False,
            "Leaves out findings that a register or a granted concession knows.",
        )
        self.add_switch(
            self.ONLY_CONFIRMED,
            "Only confirmed ones",
            False,
            "Leaves out findings that no reviewer has called a mine or a dam.",
        )
        self.add(
            QgsProcessingParameterField(
                self.NAME_FIELD, "Field with names", None, self.INPUT, optional=True
            ),
            "What a finding is called in Google Earth; empty: by its number.",
            advanced=True,
        )
        for name, description, files, tip in (
            (self.KML, "KML for Google Earth", "KML files (*.kml)", "Folders, colours, balloons."),
            (self.CSV, "CSV table", "CSV tables (*.csv)", "All attributes with coordinates."),
        ):
            self.add(
                QgsProcessingParameterFileDestination(name, description, files, None, True, True),
                tip,
            )
        self.add_output_numbers({"COUNT": "Findings written", "LEFT_OUT": "Findings left out"})

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        if not any(self.is_wanted(parameters, name, context) for name in (self.KML, self.CSV)):
            return "Neither KML nor CSV is wanted: name at least one of the files."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        source = FindingSource(
            self.feature_source(parameters, self.INPUT, context),
            context,
            feedback,
            only_unregistered=self.parameterAsBool(parameters, self.ONLY_UNREGISTERED, context),
            only_confirmed=self.parameterAsBool(parameters, self.ONLY_CONFIRMED, context),
        )
        findings = source.read()
        files = self.values(parameters, context, kml=self.KML, csv=self.CSV)
        name_field = self.parameterAsString(parameters, self.NAME_FIELD, context) or ""
        try:
            if feedback.isCanceled():
                raise CancelledError
            if files["kml"]:
                own = Origin.from_dict(self.origin(parameters, context))
                origin = own.with_model_of(source.origin).tags()
                fields = [f for f in source.fields if not f.name().startswith(TAG_PREFIX)]
                write_kml(files["kml"], findings, fields, TITLE, origin, name_field, feedback)
            if files["csv"]:
                self._write_table(files["csv"], source, findings, feedback)
        except CancelledError as problem:
            self.results.discard()
            raise QgsProcessingException("Cancelled; nothing was left behind.") from problem
        except GossanError as problem:
            self.results.discard()
            raise QgsProcessingException(str(problem)) from problem
        if not findings:
            feedback.pushWarning("No finding is left to export: the files hold none.")
        feedback.pushInfo(
            f"{len(findings)} findings written, {source.left_out} left out by choice."
        )
        return {
            **self.made,
            "COUNT": len(findings),
            "LEFT_OUT": source.left_out + source.placeless,
        }

    def _write_table(
        self,
        path: str,
        source: FindingSource,
        findings: list[Finding],
        feedback: QgsProcessingFeedback,
    ) -> None:
        place = ("longitude", "latitude")
        names = [f.name() for f in source.fields if f.name() not in place]
        tags = {name: source.origin.get(name) for name in names if name.startswith(TAG_PREFIX)}

        def rows() -> Iterator[list[Any]]:
            for finding in findings:
                if feedback.isCanceled():
                    raise CancelledError
                here = [round(finding.place.x(), 8), round(finding.place.y(), 8)]
                yield [*here, *(finding.values.get(name, tags.get(name)) for name in names)]

        write_safe_table(path, [*place, *names], rows())
