"""Reports: one HTML file with figures inline that opens in any browser and in QGIS's viewer.

The layout uses plain block elements, tables and a few colours, so that a viewer which knows little
CSS still shows a readable page.
"""

from __future__ import annotations

import base64
import io
import math
import numbers
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from gossan.core.files import write_then_rename
from gossan.core.origin import Origin, gossan_version

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISSING = "–"
"""What a table shows where there is no value."""

_FIGURE_DPI = 192
_SCREEN_DPI = 96

_STYLE = """
body { font-family: "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", Arial, sans-serif;
  font-size: 15px; line-height: 1.5; color: #23292f; background: #ffffff; margin: 0; padding: 0; }
.page { max-width: 60em; margin: 0 auto; padding: 32px 24px 48px 24px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 4px 0; }
h2 { font-size: 19px; line-height: 1.3; margin: 36px 0 8px 0; padding-top: 14px;
  border-top: 1px solid #d8dde2; }
p { margin: 8px 0; }
.origin { color: #5b6670; font-size: 13px; margin: 0 0 20px 0; }
.warning { background: #fff4d6; color: #4d3800; border-left: 5px solid #d98e04;
  padding: 8px 14px; margin: 12px 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 10px 0 4px 0; }
th { font-weight: 600; text-align: left; border-bottom: 2px solid #8b97a2; padding: 5px 10px; }
td { border-bottom: 1px solid #e3e7eb; padding: 4px 10px; vertical-align: top; }
th.number, td.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.caption { color: #5b6670; font-size: 13px; margin: 4px 0 20px 0; }
.figure { margin: 14px 0 4px 0; }
.figure img { max-width: 100%; height: auto; background: #ffffff; box-sizing: border-box; }
.mono { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 12px;
  word-break: break-all; }
@media (prefers-color-scheme: dark) {
  body { color: #dfe4e8; background: #16191c; }
  h2 { border-top-color: #3a4148; }
  th { border-bottom-color: #68737d; }
  td { border-bottom-color: #2c3238; }
  .origin, .caption { color: #9aa5af; }
  .warning { background: #3b2f0b; color: #ffe3a3; }
  .figure img { padding: 8px; border-radius: 4px; }
  a { color: #7db7ff; }
}
@media print {
  body { color: #000000; background: #ffffff; font-size: 11pt; }
  .page { max-width: none; padding: 0; }
  h2 { page-break-after: avoid; }
  .figure, .warning, tr { page-break-inside: avoid; }
}
"""


class Report:
    """A report that is built from top to bottom and written once.

    Every text is escaped; units belong into the texts and column names.

    Parameters
    ----------
    title : str
    algorithm : str
        Id of the algorithm that made it, such as ``gossan:mapmetals``.
    version : str or None
        Gossan's version; this one by default.
    parameters : mapping or None
        The parameters of the run; shown as a table at the end.
    model : str or None
        Fingerprint of the model that was used.
    made : datetime or None
        Time on the report; now by default.
    """

    def __init__(
        self,
        title: str,
        algorithm: str = "",
        version: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        model: str | None = None,
        made: datetime | None = None,
    ) -> None:
        self.title = title
        self.algorithm = algorithm
        self.version = version or gossan_version()
        self.parameters = dict(parameters or {})
        self.model = model
        self._made = made or datetime.now().astimezone()
        self._body: list[str] = []
        self._warnings: list[str] = []

    @classmethod
    def from_origin(cls, title: str, origin: Origin) -> Report:
        """Return an empty report about a run of known origin."""
        return cls(title, origin.algorithm, origin.version, origin.parameters, model=origin.model)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings so far."""
        return tuple(self._warnings)

    def heading(self, text: str) -> None:
        """Start a section."""
        self._body.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Add a paragraph; blank lines separate further ones."""
        for part in text.split("\n\n"):
            if part.strip():
                self._body.append(f"<p>{escape(part.strip())}</p>")

    def bullets(self, texts: Sequence[str]) -> None:
        """Add a list of short points."""
        if texts:
            points = "".join(f"<li>{escape(text)}</li>" for text in texts)
            self._body.append(f"<ul>{points}</ul>")

    def warning(self, text: str) -> None:
        """Add a marked sentence that says what a finding means for the result."""
        self._warnings.append(text)
        anchor = f"warning-{len(self._warnings)}"
        self._body.append(
            f'<div class="warning" id="{anchor}"><b>Warning:</b> {escape(text)}</div>'
        )

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        caption: str = "",
    ) -> None:
        """Add a table; columns of numbers are aligned right, missing values show a dash.

        Parameters
        ----------
        columns : sequence of str
            Column names with their units, such as ``RMSE (mg/kg)``.
        rows : sequence of rows
            Texts and numbers, one per column. Floats are shown with four significant digits;
            format them yourself where that does not fit.
        caption : str
        """
        cells = [list(row) for row in rows]
        for row in cells:
            if len(row) != len(columns):
                raise ValueError(
                    f"A row of {len(row)} cells does not fit the {len(columns)} columns of a table."
                )
        numeric = [_is_numeric(row[index] for row in cells) for index in range(len(columns))]
        head = "".join(
            _cell("th", escape(str(name)), number) for name, number in zip(columns, numeric)
        )
        body = "".join(
            "<tr>"
            + "".join(
                _cell("td", escape(text_of(value)), number) for value, number in zip(row, numeric)
            )
            + "</tr>\n"
            for row in cells
        )
        self._body.append(
            f'<div class="wide"><table cellspacing="0"><thead><tr>{head}</tr></thead>\n'
            f"<tbody>{body}</tbody></table></div>"
        )
        self._caption(caption)

    def figure(self, figure: Figure, caption: str = "") -> None:
        """Add a matplotlib figure (made with ``Figure``, not pyplot) as a picture inline.

        Parameters
        ----------
        figure : Figure
        caption : str
            What it shows, how to read it; also the text for those who cannot see it.
        """
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=_FIGURE_DPI, facecolor="white")
        picture = base64.b64encode(stream.getvalue()).decode("ascii")
        width, height = (round(size * _SCREEN_DPI) for size in figure.get_size_inches())
        self._body.append(
            f'<div class="figure"><img src="data:image/png;base64,{picture}" '
            f'alt="{escape(caption or "Figure")}" width="{width}" height="{height}"></div>'
        )
        self._caption(caption)

    def html(self) -> str:
        """Return the whole page."""
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{escape(self.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f'<div class="page">\n<h1>{escape(self.title)}</h1>\n{self._origin_line()}\n'
            + self._warning_summary()
            + "\n".join(self._body)
            + self._appendix()
            + "\n</div>\n</body>\n</html>\n"
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the report as one HTML file.

        Raises
        ------
        FileError
            When it cannot be written there.
        """
        page = self.html()
        with write_then_rename(path) as part:
            part.write_bytes(page.encode("utf-8"))

    def _caption(self, text: str) -> None:
        if text:
            self._body.append(f'<p class="caption">{escape(text)}</p>')

    def _origin_line(self) -> str:
        made = self._made.strftime("%Y-%m-%d %H:%M")
        by = (
            f"Made by {self.algorithm}, Gossan {self.version}"
            if self.algorithm
            else (f"Made by Gossan {self.version}")
        )
        return f'<p class="origin">{escape(by)}, {escape(made)}</p>'

    def _warning_summary(self) -> str:
        if not self._warnings:
            return ""
        links = ", ".join(
            f'<a href="#warning-{number}">{number}</a>'
            for number in range(1, len(self._warnings) + 1)
        )
        noun = "warning" if len(self._warnings) == 1 else "warnings"
        return (
            f'<div class="warning"><b>{len(self._warnings)} {noun}</b> in this report: {links}'
            "</div>\n"
        )

    def _appendix(self) -> str:
        parts = []
        if self.parameters:
            rows = "".join(
                f'<tr><td>{escape(str(name))}</td><td class="mono">{escape(text_of(value))}</td>'
                "</tr>\n"
                for name, value in self.parameters.items()
            )
            parts.append(
                '\n<h2>Parameters</h2>\n<table cellspacing="0"><thead><tr><th>Parameter</th>'
                f"<th>Value</th></tr></thead>\n<tbody>{rows}</tbody></table>"
            )
        if self.model:
            parts.append(
                "\n<h2>Model</h2>\n<p>Fingerprint (SHA-256) of the model file: "
                f'<span class="mono">{escape(self.model)}</span></p>'
            )
        return "".join(parts)


def text_of(value: Any) -> str:
    """Return a value as a table shows it: four significant digits, a dash where it is missing."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return _decimal(float(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(text_of(item) for item in value) or MISSING
    return str(value)


def _decimal(value: float) -> str:
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size != 0 and (size < 1e-4 or size >= 1e7):
        return f"{value:.3e}"
    if size >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}"


def _is_numeric(values: Any) -> bool:
    """Tell whether a column holds numbers only, missing ones aside."""
    found = False
    for value in values:
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return False
        found = True
    return found


def _cell(tag: str, content: str, number: bool) -> str:
    # The attribute as well as the class: simple viewers know no style sheet.
    return (
        f'<{tag} class="number" align="right">{content}</{tag}>'
        if number
        else (f'<{tag} align="left">{content}</{tag}>')
    )
