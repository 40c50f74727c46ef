"""Pages of the dock *Lithology* when work fails, is stopped or comes too late; no window."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.core")

from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QPushButton, QTableWidget

from gossan.plugin.docks.lithology.accuracy_page import AccuracyPage
from gossan.plugin.docks.lithology.boundaries_page import BoundariesPage
from gossan.plugin.docks.lithology.class_rows import class_rows
from gossan.plugin.docks.lithology.classes_page import ClassesPage

COUNTED = {
    "classes": [
        {"value": 1, "pixels": 30, "square_metres": 27_000.0, "name": "granite", "colour": ""},
        {"value": 2, "pixels": 10, "square_metres": 9_000.0, "name": "slate", "colour": ""},
    ],
    "missing": 0,
}


class Task(QObject):
    progressChanged = pyqtSignal(float)  # noqa: N815


class Background:
    """Keeps what it is asked to do, and does it when the test says so."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple] = {}
        self.cancelled: list[str] = []
        self.tasks: list[Task] = []

    def job(self, key, description, name, parameters, done, failed):
        self.asked[key] = (name, parameters, done, failed)
        self.tasks.append(Task())
        return self.tasks[-1]

    def cancel(self, key):
        self.cancelled.append(key)
        self.asked.pop(key, None)


class Map:
    """Stands in for a raster layer that QGIS draws in no palette, and for its provider."""

    def name(self) -> str:
        return "gdal"

    def dataProvider(self):  # noqa: N802
        return self

    def bandCount(self) -> int:  # noqa: N802
        return 1

    def source(self) -> str:
        return "/data/units.tif"


class Dock:
    """What the pages ask of their dock."""

    def __init__(self) -> None:
        self.canvas = QgsMapCanvas()
        self.background = Background()
        self.known: list = []

    def map(self):
        return Map()

    def probabilities(self):
        return Map()

    def reference(self):
        return None

    def differences(self) -> str:
        return ""

    def rows(self):
        return class_rows(COUNTED["classes"], [])

    def classes_known(self, rows) -> None:
        self.known.append([row.name for row in rows])


@pytest.fixture
def dock(qgis_application):
    return Dock()


def text(page, name: str) -> str:
    return page.findChild(QLabel, name).text()


def test_a_failed_count_is_explained_and_can_be_tried_again(dock):
    page = ClassesPage(dock)
    page.begin()
    name, parameters, _, failed = dock.background.asked.pop("areas")
    assert (name, parameters) == ("lithology.areas", {"raster": "/data/units.tif"})
    failed("units.tif has more than 255 <values>.")
    assert "more than 255 &lt;values&gt;. <a" in text(page, "lithology_summary")
    page.findChild(QLabel, "lithology_summary").linkActivated.emit("again")
    dock.background.asked["areas"][2](COUNTED)
    assert text(page, "lithology_summary") == "2 classes on 3.60 ha."
    assert dock.known == [["granite", "slate"]]


def test_a_count_can_be_stopped(dock):
    page = ClassesPage(dock)
    page.begin()
    page.findChild(QPushButton, "lithology_counting_cancel").click()
    assert "areas" in dock.background.cancelled
    assert "not counted" in text(page, "lithology_summary")


def test_a_matrix_is_shown_with_its_accuracies(dock):
    page = AccuracyPage(dock)
    page.open_matrix("/data/matrix.csv")
    name, parameters, done, failed = dock.background.asked["matrix"]
    assert name == "lithology.matrix"
    assert parameters["areas"] == [{"name": "granite", "area": 30}, {"name": "slate", "area": 10}]
    failed("matrix.csv is no confusion matrix.")
    assert text(page, "lithology_accuracy") == "matrix.csv is no confusion matrix."
    done(
        {
            "names": ["granite", "slate"],
            "counts": [[8, 2], [1, 9]],
            "pixels": 20,
            "overall": 0.85,
            "kappa": 0.7,
            "producers": [0.8, 0.9],
            "users": [8 / 9, 9 / 11],
            "adjusted": None,
            "trouble": "",
        }
    )
    table = page.findChild(QTableWidget, "lithology_matrix")
    shown = [[table.item(i, j).text() for j in range(3)] for i in range(3)]
    assert shown == [["8", "2", "80.0 %"], ["1", "9", "90.0 %"], ["88.9 %", "81.8 %", ""]]
    assert "20 % of granite is mapped as slate" in text(page, "lithology_accuracy")


def test_boundaries_ask_for_what_is_chosen_and_say_what_failed(dock):
    page = BoundariesPage(dock)
    button = page.findChild(QPushButton, "lithology_find_boundaries")
    assert button.isEnabled()
    button.click()
    name, parameters, _, failed = dock.background.asked["boundaries"]
    assert name == "lithology.boundaries"
    assert parameters["probabilities"] == "/data/units.tif"
    assert parameters["differences"] == ""
    assert [each["value"] for each in parameters["classes"]] == [1, 2]
    failed("The bands are those of other classes.")
    assert text(page, "lithology_boundaries_said") == "The bands are those of other classes."
