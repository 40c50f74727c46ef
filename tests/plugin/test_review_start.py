"""What the review asks before it begins, and what it offers where a layer cannot be reviewed."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.core")

import findings as made
from qgis.core import QgsProject, QgsSettings, QgsVectorLayer
from qgis.PyQt.QtWidgets import QFileDialog

from gossan.plugin.docks.mines import review_start


@pytest.fixture
def project(qgis_application):
    before = QgsSettings().value(review_start.REVIEWER_SETTING, "", type=str)
    QgsSettings().remove(review_start.REVIEWER_SETTING)
    yield QgsProject.instance()
    QgsProject.instance().removeAllMapLayers()
    QgsSettings().setValue(review_start.REVIEWER_SETTING, before)


@pytest.fixture
def asked(project):
    """The form, and what it has asked for."""
    form, wanted = review_start.ReviewStart(), []
    form.wanted.connect(lambda *what: wanted.append(what))
    return form, wanted


def test_without_layers_it_says_what_to_do(asked):
    form, _ = asked
    assert "no findings in the project" in form.remark.text()
    assert not form.start.isEnabled()
    assert form.copy.isHidden()


def test_of_several_layers_that_with_findings_is_chosen(project, tmp_path):
    places = QgsVectorLayer("Point?crs=EPSG:4326&field=name:string", "Towns", "memory")
    points = made.in_geopackage(tmp_path / "points.gpkg", 2, points=True)
    areas = made.in_geopackage(tmp_path / "areas.gpkg", 2)
    project.addMapLayers([places, points, areas])
    form = review_start.ReviewStart()
    assert form.layers.currentLayer() is areas
    assert form.probability.currentField() == "max_probability"


def test_it_begins_with_a_name_and_remembers_it(asked, project, tmp_path):
    form, wanted = asked
    layer = made.in_geopackage(tmp_path / "areas.gpkg", 2)
    project.addMapLayer(layer)
    form.choose_likely()
    assert not form.start.isEnabled()
    assert "Type your name" in form.remark.text()
    form.reviewer.setText("  Ana ")
    form.start.click()
    assert wanted == [(layer, "max_probability", "Ana")]
    assert review_start.ReviewStart().reviewer.text() == "Ana"


def test_a_layer_that_is_no_geopackage_is_copied_and_the_copy_reviewed(
    asked, project, tmp_path, monkeypatch
):
    form, wanted = asked
    form.reviewer.setText("Ana")
    project.addMapLayer(made.in_memory(3))
    form.choose_likely()
    assert "is not in a GeoPackage" in form.remark.text()
    assert not form.start.isEnabled()
    assert not form.copy.isHidden()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    form.copy.click()
    assert wanted == []
    path = tmp_path / "copy"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    form.copy.click()
    ((layer, field, reviewer),) = wanted
    assert layer.source().startswith(f"{path}.gpkg")
    assert layer.featureCount() == 3
    assert (field, reviewer) == ("max_probability", "Ana")


def test_a_copy_that_cannot_be_written_is_told(asked, project, tmp_path, monkeypatch):
    form, wanted = asked
    form.reviewer.setText("Ana")
    project.addMapLayer(made.in_memory(3))
    form.choose_likely()
    path = tmp_path / "missing" / "copy.gpkg"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    form.copy.click()
    assert f"could not be written to {path}" in form.remark.text()
    assert wanted == []
