"""The pages Search and Teach of the dock Mines: thresholds, what is said, before and after."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMainWindow

from gossan.plugin.docks.layer_choice import PATIENCE_MS

CRS = "EPSG:32723"
FIELDS = "field=finding:integer&field=decision:string&field=max_probability:double"


def layer(name, *squares):
    """Return a layer of squares: (number, east, decision, probability), 270 m wide."""
    made = QgsVectorLayer(f"Polygon?crs={CRS}&{FIELDS}", name, "memory")
    features = []
    for number, east, decision, probability in squares:
        feature = QgsFeature(made.fields())
        feature.setAttributes([number, decision, probability])
        shape = QgsRectangle(600_000 + east, 7_600_000, 600_270 + east, 7_600_270)
        feature.setGeometry(QgsGeometry.fromRect(shape))
        features.append(feature)
    made.dataProvider().addFeatures(features)
    made.updateExtents()
    return made


@pytest.fixture
def dock(qgis_application):
    from gossan.plugin.docks.mines.mines_dock import MinesDock

    window, canvas = QMainWindow(), QgsMapCanvas()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(CRS))
    window.setCentralWidget(canvas)
    iface = SimpleNamespace(mainWindow=lambda: window, mapCanvas=lambda: canvas)
    made = MinesDock(iface)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, made)
    window.show()
    QApplication.processEvents()
    yield made
    made.release()
    QgsProject.instance().clear()
    window.close()


def add(*layers):
    """Add layers to the project and wait until the docks have looked at them."""
    QgsProject.instance().addMapLayers(layers)
    QTest.qWait(3 * PATIENCE_MS)


def page(dock, title):
    found = next(each for each in dock.pages if title == each.TITLE)
    dock._show(found)
    QApplication.processEvents()
    return found


FOUND = ((1, 0, "mine", 0.95), (2, 1000, "false", 0.8), (3, 3000, None, 0.7))


def test_the_slider_hides_findings_and_counts_them(dock):
    findings = layer("Findings", *FOUND)
    add(findings)
    search = page(dock, "Search")
    assert search.findings.layer() is findings
    assert search.count.text() == "3 of 3 findings from 0.70 on."
    search.slider.setValue(80)
    assert search.count.text() == "2 of 3 findings from 0.80 on."
    assert findings.featureCount() == 2
    search.slider.setValue(96)
    assert findings.featureCount() == 0
    # Seen again, also after the page was elsewhere.
    page(dock, "Teach")
    search = page(dock, "Search")
    assert search.slider.value() == 96
    search.slider.setValue(search.slider.minimum())
    assert findings.featureCount() == 3
    assert findings.subsetString() == ""


def test_a_filter_of_the_user_stays(dock):
    findings = layer("Findings", *FOUND)
    findings.setSubsetString('"finding" < 3')
    add(findings)
    search = page(dock, "Search")
    assert search.count.text() == "2 of 2 findings from 0.80 on."
    search.slider.setValue(90)
    assert findings.featureCount() == 1
    search.slider.setValue(0)
    assert findings.subsetString() == '"finding" < 3'


def test_the_search_needs_an_image(dock):
    search = page(dock, "Search")
    assert not search.search.isEnabled()
    assert "Tick an image" in search.remark.text()
    assert search.detector.path().endswith("mine_detector_simulated.gossan")
    assert search.impact.path() == ""


def test_teach_says_what_there_is_and_what_is_missing(dock):
    teach = page(dock, "Teach")
    assert teach.counts.text().startswith("Choose reviewed findings")
    assert not teach.start.isEnabled()
    findings = layer("Findings", *FOUND)
    add(findings)
    assert teach.counts.text() == "1 confirmed, 1 rejected, 1 not reviewed."
    assert "Tick the images" in teach.remark.text()
    assert not teach.start.isEnabled()
    QgsProject.instance().removeMapLayer(findings.id())
    QTest.qWait(3 * PATIENCE_MS)
    assert teach.counts.text().startswith("Choose reviewed findings")


def test_before_and_after_stand_side_by_side_until_a_layer_goes(dock):
    before = layer("Before", *FOUND)
    # One stays, one that only shares an edge with a former one and one far away are new.
    after = layer("After", (1, 135, "", 0.9), (2, 1270, "", 0.8), (3, 9000, "", 0.7))
    add(before, after)
    result = page(dock, "Teach").result
    result.compare(before, after)
    assert result.comparison.kept == (1,)
    assert result.comparison.lost == (2, 3)
    assert result.comparison.gained == (2, 3)
    assert "Of 1 that you rejected, 1 is gone." in result.text.text()
    items = len(dock.canvas.scene().items())
    lost, gained = (result.list.topLevelItem(number) for number in range(2))
    assert [each.text(0) for each in (lost, gained)] == ["Lost: 2", "Gained: 2"]
    result.list.setCurrentItem(gained.child(1))
    middle = dock.canvas.extent().center()
    assert (middle.x(), middle.y()) == pytest.approx((609_135, 7_600_135), abs=50)
    assert len(dock.canvas.scene().items()) > items
    QgsProject.instance().removeMapLayer(after.id())
    assert result.comparison is None
    assert len(dock.canvas.scene().items()) == items


def test_the_review_hands_its_layer_to_teach(dock):
    other, reviewed = layer("Other", *FOUND[:1]), layer("Reviewed", *FOUND)
    add(other)
    page(dock, "Search")
    # Handed over before the docks have looked at the project anew.
    QgsProject.instance().addMapLayer(reviewed)
    dock.teach(reviewed)
    teach = dock.pages[-1]
    assert dock.tabs.currentIndex() == len(dock.pages) - 1
    assert teach.layers.layer() is reviewed
    assert teach.counts.text() == "1 confirmed, 1 rejected, 1 not reviewed."
