"""Findings as KML that Google Earth opens: folders, colours, balloons, and a view to fly to.

Written as a stream by Qt. GDAL's KML driver gives a view to a whole layer at most, not to each
finding, and ends the process over a style string that it does not like.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from html import escape

from qgis.core import QgsField, QgsGeometry, QgsPointXY, QgsProcessingFeedback, QgsWkbTypes
from qgis.PyQt.QtCore import QFile, QIODevice, QVariant, QXmlStreamWriter

from gossan.core.errors import CancelledError, FileError
from gossan.core.files import write_then_rename
from gossan.core.origin import TAG_PREFIX
from gossan.processing_provider.mines.findings import Finding

NAMESPACE = "http://www.opengis.net/kml/2.2"
ICON = "http://maps.google.com/mapfiles/kml/shapes/target.png"

IMPACTS = {"high impact": "d7191c", "low impact": "fecc2f", "": "f08c2e"}
"""Colours as #rrggbb without the mark; KML wants them the other way round."""

STATES = {"no": "Unregistered", "yes": "Registered", "": "Not compared with a register"}
"""Folders by the field ``registered``, in their order."""

_STRENGTH = {"no": ("ff", 1.2, 3.0), "yes": ("99", 0.7, 1.0), "": ("ff", 1.0, 2.0)}
"""Opacity, size of icons and width of outlines by the field ``registered``."""

_UNJUDGED = "impact not judged"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_METRES_PER_DEGREE = 111_320.0
_LEAST_RANGE = 2000.0
"""A view of about two kilometres, as the review shows findings."""


def write_kml(
    path: str,
    findings: Sequence[Finding],
    fields: Sequence[QgsField],
    title: str,
    origin: Mapping[str, str],
    name_field: str,
    feedback: QgsProcessingFeedback,
) -> None:
    """Write findings as KML; the file appears when it is complete.

    Parameters
    ----------
    path : str
    findings : sequence of Finding
    fields : sequence of QgsField
        Those that go along, as typed data and in the balloon.
    title : str
    origin : mapping of str
        What the document says about where it comes from.
    name_field : str
        Field whose text names each finding; "" for its number.

    Raises
    ------
    FileError
        It cannot be written there.
    CancelledError
        The user has stopped it; nothing is left.
    """
    with write_then_rename(path) as part:
        file = QFile(os.fspath(part))
        if not file.open(QIODevice.OpenModeFlag.WriteOnly):
            raise FileError(f"{path} cannot be written: {file.errorString()}.")
        try:
            document = _Document(file, fields, name_field, feedback)
            document.write(findings, title, origin)
        finally:
            file.close()
        if document.xml.hasError() or file.error() != QFile.FileError.NoError:
            raise FileError(f"{path} cannot be written: {file.errorString()}.")


class _Document:
    """One KML document, written from top to bottom in the order that the schema asks for."""

    def __init__(
        self,
        file: QFile,
        fields: Sequence[QgsField],
        name_field: str,
        feedback: QgsProcessingFeedback,
    ) -> None:
        self.xml = QXmlStreamWriter(file)
        self.xml.setAutoFormatting(True)
        self.xml.setAutoFormattingIndent(1)
        self.fields = fields
        self.name_field = name_field
        self.feedback = feedback
        self.written = 0

    def write(self, findings: Sequence[Finding], title: str, origin: Mapping[str, str]) -> None:
        xml = self.xml
        xml.writeStartDocument()
        xml.writeStartElement("kml")
        xml.writeAttribute("xmlns", NAMESPACE)
        xml.writeStartElement("Document")
        self._text("name", title)
        self._text("open", "1")
        self._text("description", _origin_table(origin, len(findings)))
        if findings:
            self._look_at_all(findings)
        states = [state for state in STATES if any(f.registered == state for f in findings)]
        for state in states:
            for impact in IMPACTS:
                self._style(state, impact)
        self._schema()
        for state in states:
            self._folder(STATES[state], [f for f in findings if f.registered == state], findings)
        xml.writeEndElement()
        xml.writeEndElement()
        xml.writeEndDocument()

    def _folder(self, name: str, members: Sequence[Finding], findings: Sequence[Finding]) -> None:
        """Write the findings of one state, in a folder for each impact."""
        self.xml.writeStartElement("Folder")
        self._text("name", f"{name} ({len(members)})")
        self._text("open", "1")
        for impact in IMPACTS:
            judged = [f for f in members if _impact(f) == impact]
            if not judged:
                continue
            self.xml.writeStartElement("Folder")
            self._text("name", f"{impact or _UNJUDGED} ({len(judged)})")
            for finding in judged:
                if self.feedback.isCanceled():
                    raise CancelledError
                self._placemark(finding, impact)
                self.feedback.setProgress(100.0 * self.written / len(findings))
            self.xml.writeEndElement()
        self.xml.writeEndElement()

    def _placemark(self, finding: Finding, impact: str) -> None:
        self.written += 1
        xml = self.xml
        xml.writeStartElement("Placemark")
        xml.writeAttribute("id", f"finding-{self.written}")
        self._text("name", self._name(finding))
        self._text("Snippet", _snippet(finding))
        self._text("description", _balloon(finding.values))
        box = finding.geometry.boundingBox()
        self._look_at(finding.place, 4.0 * _METRES_PER_DEGREE * max(box.width(), box.height()))
        self._text("styleUrl", f"#{_style_id(finding.registered, impact)}")
        self._data(finding)
        self._geometry(finding)
        xml.writeEndElement()

    def _name(self, finding: Finding) -> str:
        given = finding.values.get(self.name_field) if self.name_field else None
        if given is not None and str(given).strip():
            return str(given)
        return f"Finding {finding.values.get('finding') or self.written}"

    def _look_at_all(self, findings: Sequence[Finding]) -> None:
        x = [finding.place.x() for finding in findings]
        y = [finding.place.y() for finding in findings]
        centre = QgsPointXY(0.5 * (min(x) + max(x)), 0.5 * (min(y) + max(y)))
        reach = max(max(x) - min(x), max(y) - min(y))
        self._look_at(centre, 1.5 * _METRES_PER_DEGREE * reach)

    def _look_at(self, place: QgsPointXY, metres: float) -> None:
        self.xml.writeStartElement("LookAt")
        self._text("longitude", _degrees(place.x()))
        self._text("latitude", _degrees(place.y()))
        self._text("altitude", "0")
        self._text("heading", "0")
        self._text("tilt", "0")
        self._text("range", f"{min(max(metres, _LEAST_RANGE), 2e7):.0f}")
        self._text("altitudeMode", "clampToGround")
        self.xml.writeEndElement()

    def _style(self, state: str, impact: str) -> None:
        opacity, size, width = _STRENGTH[state]
        red, green, blue = (IMPACTS[impact][i : i + 2] for i in (0, 2, 4))
        colour = f"{blue}{green}{red}"
        self.xml.writeStartElement("Style")
        self.xml.writeAttribute("id", _style_id(state, impact))
        self.xml.writeStartElement("IconStyle")
        self._text("color", opacity + colour)
        self._text("scale", f"{size:g}")
        self.xml.writeStartElement("Icon")
        self._text("href", ICON)
        self.xml.writeEndElement()
        self.xml.writeEndElement()
        self.xml.writeStartElement("LabelStyle")
        self._text("scale", "0.8")
        self.xml.writeEndElement()
        self.xml.writeStartElement("LineStyle")
        self._text("color", opacity + colour)
        self._text("width", f"{width:g}")
        self.xml.writeEndElement()
        self.xml.writeStartElement("PolyStyle")
        self._text("color", "40" + colour)
        self.xml.writeEndElement()
        self.xml.writeStartElement("BalloonStyle")
        self._text("text", "<h3>$[name]</h3>$[description]")
        self.xml.writeEndElement()
        self.xml.writeEndElement()

    def _schema(self) -> None:
        self.xml.writeStartElement("Schema")
        self.xml.writeAttribute("name", "finding")
        self.xml.writeAttribute("id", "finding")
        for field in self.fields:
            self.xml.writeEmptyElement("SimpleField")
            self.xml.writeAttribute("type", _kind(field))
            self.xml.writeAttribute("name", field.name())
        self.xml.writeEndElement()

    def _data(self, finding: Finding) -> None:
        self.xml.writeStartElement("ExtendedData")
        self.xml.writeStartElement("SchemaData")
        self.xml.writeAttribute("schemaUrl", "#finding")
        for name, value in finding.values.items():
            if value is not None:
                self.xml.writeStartElement("SimpleData")
                self.xml.writeAttribute("name", name)
                self.xml.writeCharacters(_clean(_number(value)))
                self.xml.writeEndElement()
        self.xml.writeEndElement()
        self.xml.writeEndElement()

    def _geometry(self, finding: Finding) -> None:
        """Write the point, which shows at any height, and the outline where there is one."""
        geometry = finding.geometry
        if geometry.type() != QgsWkbTypes.GeometryType.PolygonGeometry:
            self._point(finding.place)
            return
        self.xml.writeStartElement("MultiGeometry")
        self._point(finding.place)
        for polygon in _polygons(geometry):
            self.xml.writeStartElement("Polygon")
            self._text("tessellate", "1")
            for number, ring in enumerate(polygon):
                self.xml.writeStartElement("innerBoundaryIs" if number else "outerBoundaryIs")
                self.xml.writeStartElement("LinearRing")
                self._text("coordinates", " ".join(map(_position, ring)))
                self.xml.writeEndElement()
                self.xml.writeEndElement()
            self.xml.writeEndElement()
        self.xml.writeEndElement()

    def _point(self, place: QgsPointXY) -> None:
        self.xml.writeStartElement("Point")
        self._text("coordinates", _position(place))
        self.xml.writeEndElement()

    def _text(self, element: str, text: str) -> None:
        self.xml.writeTextElement(element, _clean(text))


def _impact(finding: Finding) -> str:
    return finding.impact if finding.impact in IMPACTS else ""


def _style_id(state: str, impact: str) -> str:
    name = STATES[state].split(" ")[0].lower()
    return f"{name}-{(impact or _UNJUDGED).replace(' ', '-')}"


def _snippet(finding: Finding) -> str:
    """Return the line that stands under a finding's name in the list."""
    parts = [finding.impact or _UNJUDGED]
    probability = finding.values.get("max_probability")
    if isinstance(probability, float):
        parts.append(f"probability {probability:.2f}")
    if finding.registered:
        parts.append(STATES[finding.registered].lower())
    if finding.values.get("protected"):
        parts.append(f"in {finding.values['protected']}")
    return ", ".join(parts)


def _balloon(values: Mapping[str, object]) -> str:
    """Return a table of the attributes as HTML; texts of foreign tables can do nothing in it."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(_shown(value))}</td></tr>"
        for name, value in values.items()
        if value is not None and value != ""
    )
    # Google Earth replaces $[...] in balloons, whoever wrote it.
    return f"<table border='1' cellpadding='3'>{rows.replace('$[', '$&#91;')}</table>"


def _origin_table(origin: Mapping[str, str], count: int) -> str:
    known = {
        "Made by": origin.get(f"{TAG_PREFIX}ALGORITHM", ""),
        "Version of Gossan": origin.get(f"{TAG_PREFIX}VERSION", ""),
        "Model (SHA-256)": origin.get(f"{TAG_PREFIX}MODEL", ""),
    }
    lines = [f"{count} findings."]
    lines += [f"{name}: {escape(text)}" for name, text in known.items() if text]
    return "<br>".join(lines)


def _polygons(geometry: QgsGeometry) -> list[list[list[QgsPointXY]]]:
    return geometry.asMultiPolygon() if geometry.isMultipart() else [geometry.asPolygon()]


def _kind(field: QgsField) -> str:
    if field.type() == QVariant.Bool:
        return "bool"
    if field.isNumeric():
        # KML's int ends at two thousand millions.
        return "double" if field.type() in (QVariant.Double, QVariant.LongLong) else "int"
    return "string"


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value) if isinstance(value, float) else str(value)


def _position(place: QgsPointXY) -> str:
    return f"{_degrees(place.x())},{_degrees(place.y())},0"


def _degrees(value: float) -> str:
    return f"{value:.8f}"


def _clean(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
