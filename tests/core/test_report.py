from __future__ import annotations

import base64
import re
import struct
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timezone
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from gossan.core.errors import FileError
from gossan.core.origin import Origin
from gossan.core.report import MISSING, Report, text_of

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Reads a page and fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)


def small_figure() -> Figure:
    figure = Figure(figsize=(3.0, 2.0))
    figure.subplots().plot([1, 2])
    return figure


def test_a_report_is_one_file_that_needs_no_other(tmp_path):
    report = Report("Metals", "gossan:mapmetals", "1.2.3", {"SEED": 1})
    report.heading("Scores")
    report.figure(small_figure(), "A line.")
    report.write(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    page = Page(text)
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert "url(" not in text
    assert "@import" not in text
    assert not any(tag in ("script", "link", "iframe") for tag, _ in page.tags)


def test_origin_and_parameters_are_told():
    origin = Origin("gossan:mapmetals", "1.2.3", {"INPUT": "/a/b.tif", "SEED": 7}, "ab" * 32)
    text = Page(Report.from_origin("Metals", origin).html()).text
    assert "Made by gossan:mapmetals, Gossan 1.2.3" in text
    assert "INPUT /a/b.tif" in text
    assert "SEED 7" in text
    assert "ab" * 32 in text


def test_every_text_is_escaped():
    evil = '<script>alert("x")</script>&'
    report = Report(evil, evil, evil, {evil: evil}, model=evil)
    report.heading(evil)
    report.paragraph(evil)
    report.bullets([evil])
    report.warning(evil)
    report.table([evil, "n"], [[evil, 1]], evil)
    report.figure(small_figure(), evil)
    text = report.html()
    assert "<script" not in text
    assert 'alert("' not in text
    assert Page(text).text.count(evil) >= 11


def test_warnings_are_marked_and_counted_at_the_top():
    report = Report("Metals")
    report.heading("Scores")
    report.warning("Pb cannot be predicted.")
    report.warning("Only 12 samples.")
    page = Page(report.html())
    assert report.warnings == ("Pb cannot be predicted.", "Only 12 samples.")
    assert page.text.index("2 warnings") < page.text.index("Scores")
    assert "Warning: Pb cannot be predicted." in page.text
    anchors = {attributes.get("id") for _, attributes in page.tags}
    targets = {attributes["href"][1:] for tag, attributes in page.tags if tag == "a"}
    assert targets == {"warning-1", "warning-2"} <= anchors


def test_a_report_without_warnings_mentions_none():
    assert "warning" not in Page(Report("Metals").html()).text


def test_columns_of_numbers_are_aligned_right_and_missing_values_show_a_dash():
    report = Report("Metals")
    report.table(
        ["element", "RMSE (mg/kg)", "note"],
        [["Cd", 12.34567, "a"], ["Pb", float("nan"), ""], ["As", None, "b"]],
    )
    text = report.html()
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    cells = [re.findall(r"<t[hd]([^>]*)>([^<]*)</t[hd]>", row) for row in rows]
    assert [cell for _, cell in cells[0]] == ["element", "RMSE (mg/kg)", "note"]
    assert [row[1][1] for row in cells[1:]] == ["12.35", MISSING, MISSING]
    for row in cells:
        assert ['align="right"' in attributes for attributes, _ in row] == [False, True, False]


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 cells does not fit the 1 columns"):
        Report("Metals").table(["a"], [[1, 2]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, MISSING),
        ("", MISSING),
        (float("nan"), MISSING),
        (np.float32("nan"), MISSING),
        (True, "yes"),
        (12, "12"),
        (np.int64(123456), "123456"),
        (0.0, "0"),
        (0.123456, "0.1235"),
        (1234.56, "1235"),
        (123456.7, "123457"),
        (1.5e-7, "1.500e-07"),
        (2.5e9, "2.500e+09"),
        (float("-inf"), "-∞"),
        (["Cd", 1.5], "Cd, 1.5"),
        ([], MISSING),
        ("text", "text"),
    ],
)
def test_values_are_written_for_people(value, text):
    assert text_of(value) == text


def test_figures_are_sharp_pictures_of_their_size():
    report = Report("Metals")
    report.figure(small_figure(), "A line.")
    image = next(attributes for tag, attributes in Page(report.html()).tags if tag == "img")
    content = base64.b64decode(image["src"].split(",", 1)[1])
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert (int(image["width"]), int(image["height"])) == (288, 192)
    assert (width, height) == (576, 384)
    assert image["alt"] == "A line."


def test_the_page_follows_the_colour_scheme_of_the_reader():
    text = Report("Metals").html()
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_the_same_report_gives_the_same_page():
    made = datetime(2020, 1, 2, 3, 4, tzinfo=timezone.utc)

    def page() -> str:
        report = Report("Metals", version="1", made=made)
        report.figure(small_figure())
        return report.html()

    assert page() == page()
    assert "2020-01-02 03:04" in page()


def test_a_report_that_cannot_be_written_is_a_clear_error(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        Report("Metals").write(tmp_path / "nowhere" / "report.html")


def test_the_body_is_well_formed():
    report = Report("Metals", "gossan:x", parameters={"a": 1}, model="ff")
    report.heading("A")
    report.paragraph("one\n\ntwo")
    report.bullets(["x", "y"])
    report.bullets([])
    report.table(["a"], [], "empty")
    report.warning("w")
    text = report.html()
    body = text[text.index("<body>") : text.index("</body>") + len("</body>")]
    assert ElementTree.fromstring(body).tag == "body"
