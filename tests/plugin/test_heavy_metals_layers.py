"""Layers of the dock of heavy metals in a real QGIS application, without a window."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from osgeo import gdal
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtXml import QDomDocument

from gossan.plugin.docks.layer_choice import LayerChoice
from gossan.plugin.docks.rasters import _facts_of_file, facts_of, path_of, shown_band
from gossan.processing_provider.metals.styles import ABOVE, BELOW, hotspots

VALUES = [0.0, 10.0, 50.0, 99.0, 100.0, 120.0, 150.0, 200.0]


def raster(path: Path, tags: dict[str, str] | None = None) -> str:
    """Write one row of two bands: `VALUES` in Pb, and their halves in As."""
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), len(VALUES), 1, 2, gdal.GDT_Float32)
    dataset.SetGeoTransform((500_000, 30, 0, 4_000_000, 0, -30))
    for number, (name, factor) in enumerate((("Pb", 1.0), ("As", 0.5)), start=1):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.SetUnitType("mg/kg")
        line = struct.pack(f"{len(VALUES)}f", *(factor * value for value in VALUES))
        band.WriteRaster(0, 0, len(VALUES), 1, line)
    dataset.SetMetadata(tags or {})
    dataset.FlushCache()
    return str(path)


@pytest.fixture
def project(qgis_application):
    found = QgsProject.instance()
    found.clear()
    yield found
    found.clear()


class FakeDock:
    """Follows signals as a dock does."""

    def __init__(self) -> None:
        self.followed = []

    def follow(self, signal, slot) -> None:
        signal.connect(slot)
        self.followed.append((signal, slot))

    def release(self) -> None:
        for signal, slot in self.followed:
            signal.disconnect(slot)


@pytest.fixture
def dock(qgis_application):
    made = FakeDock()
    yield made
    made.release()


def test_colours_change_from_grey_to_hot_at_the_threshold(tmp_path, qgis_application):
    layer = QgsRasterLayer(raster(tmp_path / "a.tif"), "a")
    hotspots(layer, 1, 100.0, (0.0, 200.0), "mg/kg")
    shader = layer.renderer().shader().rasterShaderFunction()
    colours = {}
    for value in VALUES:
        found, red, green, blue, _ = shader.shade(value)
        assert found
        colours[value] = f"#{red:02x}{green:02x}{blue:02x}"
    assert colours[0.0] == BELOW[0]
    assert colours[100.0] == ABOVE[0]
    assert colours[200.0] == ABOVE[-1]
    for value, colour in colours.items():
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert (max(red, green, blue) - min(red, green, blue) <= 8) == (value < 100.0)
    labels = [item.label for item in shader.colorRampItemList()]
    assert labels[:3] == ["0 mg/kg", "below 100 mg/kg", "from 100 mg/kg"]
    assert labels[-1] == "200 mg/kg"
    assert layer.renderer().usesBands() == [1]


@pytest.mark.parametrize("threshold", [-5.0, 0.0, 200.0, 900.0])
def test_a_threshold_at_or_beyond_the_ends_still_draws(tmp_path, qgis_application, threshold):
    layer = QgsRasterLayer(raster(tmp_path / "a.tif"), "a")
    hotspots(layer, 2, threshold, (0.0, 200.0))
    items = layer.renderer().shader().rasterShaderFunction().colorRampItemList()
    values = [item.value for item in items]
    assert values == sorted(values)
    assert threshold in values


def test_a_raster_tells_its_bands_units_and_origin(tmp_path, project):
    tags = {
        "GOSSAN_ALGORITHM": "gossan:mapmetals",
        "GOSSAN_MODEL": "ab12",
        "GOSSAN_PARAMETERS": json.dumps({"MODEL": "/m.gossan"}),
    }
    layer = QgsRasterLayer(raster(tmp_path / "a.tif", tags), "a")
    facts = facts_of(layer)
    assert (facts.bands, facts.units) == (("Pb", "As"), ("mg/kg", "mg/kg"))
    assert (facts.algorithm, facts.model) == ("gossan:mapmetals", "ab12")
    assert facts.parameters == {"MODEL": "/m.gossan"}
    assert path_of(layer) == str(tmp_path / "a.tif")
    hotspots(layer, 2, 50.0, (0.0, 100.0))
    assert shown_band(layer) == 2


def test_foreign_and_damaged_tags_are_no_trouble(tmp_path, project):
    for text in ("", "[1]", "{broken"):
        path = raster(tmp_path / f"{len(text)}.tif", {"GOSSAN_PARAMETERS": text})
        assert facts_of(QgsRasterLayer(path, "a")).parameters == {}
    (tmp_path / "text.tif").write_text("no raster")
    for exceptions in (gdal.DontUseExceptions, gdal.UseExceptions, gdal.DontUseExceptions):
        exceptions()
        assert _facts_of_file(str(tmp_path / "text.tif"), id(exceptions)) is None
    gone = QgsRasterLayer(str(tmp_path / "gone.tif"), "gone")
    assert facts_of(gone).path == ""


def test_a_file_written_anew_is_read_anew(tmp_path, project):
    path = tmp_path / "a.tif"
    layer = QgsRasterLayer(raster(path), "a")
    assert facts_of(layer).algorithm == ""
    raster(path, {"GOSSAN_ALGORITHM": "gossan:mapmetals"})
    assert facts_of(layer).algorithm == "gossan:mapmetals"


def points(name: str) -> QgsVectorLayer:
    return QgsVectorLayer("Point?field=a:int", name, "memory")


def test_the_choice_follows_the_project(project, dock, wait_until):
    ranks = {"best": 3, "usable": 1, "other": 0}
    choice = LayerChoice(dock, lambda layer: ranks[layer.name()], "none", at_once=2)
    changes = []
    choice.changed.connect(lambda: changes.append(choice.layer() and choice.layer().name()))
    project.addMapLayers([points("other"), points("usable")])
    wait_until(lambda: choice.count() == 2)
    assert choice.layer() is None
    assert changes == []
    project.addMapLayer(points("best"))
    wait_until(lambda: changes == ["best"])
    assert [choice.itemText(i) for i in range(3)] == ["none", "best", "usable"]
    project.removeMapLayer(project.mapLayersByName("usable")[0].id())
    wait_until(lambda: choice.count() == 2)
    assert changes == ["best"]
    project.clear()
    wait_until(lambda: changes == ["best", None])
    assert choice.currentText() == "none"


def test_what_was_chosen_stays_when_better_ones_come(project, dock, wait_until):
    ranks = {"best": 3, "usable": 1}
    usable = points("usable")
    project.addMapLayer(usable)
    choice = LayerChoice(dock, lambda layer: ranks[layer.name()], "none", at_once=2)
    choice.choose(usable)
    project.addMapLayer(points("best"))
    wait_until(lambda: choice.count() == 3)
    assert choice.layer() is usable


def test_a_project_read_in_pieces_ends_with_its_best_layer(project, dock, wait_until):
    ranks = {"a good one": 2, "a better one": 3}
    choice = LayerChoice(dock, lambda layer: ranks[layer.name()], "none")
    project.addMapLayer(points("a good one"))
    wait_until(lambda: choice.currentText() == "a good one")
    project.addMapLayer(points("a better one"))
    wait_until(lambda: choice.count() == 3)
    assert choice.currentText() == "a good one"
    project.readProject.emit(QDomDocument())
    assert choice.currentText() == "a better one"
