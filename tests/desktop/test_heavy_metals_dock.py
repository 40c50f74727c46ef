"""The dock of heavy metals in a real QGIS window: look at a model, drag a threshold, go on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from driver import ENGINE, Desktop, needs_desktop

pytestmark = needs_desktop

ENGINE_SECONDS = 90
"""For the first job, with which an engine starts."""

PLACES = """
def plot_place(name, x, height):
    plot = widget(name)
    low, high = plot.axes.get_ylim()
    left, up = plot.axes.transData.transform((x, low + height * (high - low)))
    ratio = plot.canvas.devicePixelRatioF()
    point = QPoint(round(left / ratio), round(plot.canvas.height() - up / ratio))
    found = plot.canvas.mapToGlobal(point)
    return [found.x(), found.y()]


def item_tab(title):
    bar = widget("metals_tabs").tabBar()
    index = next(i for i in range(bar.count()) if bar.tabText(i) == title)
    return place(bar, bar.tabRect(index))


def dialog(title):
    shown = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    return next((w for w in shown if title in w.windowTitle().lower()), None)
"""


@pytest.fixture(scope="module")
def metals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metals")
    script = Path(__file__).with_name("metal_world.py")
    subprocess.run([str(ENGINE), str(script), str(folder)], check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def lead(metals: Path) -> list[float]:
    """The mapped lead, valid pixels only."""
    return json.loads((metals / "lead.json").read_text())


def load(desktop: Desktop, metals: Path, *names: str) -> None:
    for name in names:
        kind = "QgsVectorLayer" if name.endswith("json") else "QgsRasterLayer"
        desktop.do(
            "QgsProject.instance().addMapLayer("
            f"{kind}({str(metals / name)!r}, {Path(name).stem!r}))"
        )


def test_from_a_layer_to_a_limit(tmp_path: Path, metals: Path, lead: list[float]):
    with Desktop(tmp_path) as desktop:
        desktop.do("dock = open_dock('heavy_metals')\n" + PLACES)
        said = "widget('metals_scatter').axes.texts[0].get_text()"
        assert "Choose a model" in desktop.ask(said)
        assert not desktop.ask("widget('metals_element').isEnabled()")

        # The layer is chosen, and its model found, by what the file says of itself.
        load(desktop, metals, "zones.tif", "metals.tif")
        desktop.do("iface.mapCanvas().setExtent(layer('metals').extent())")
        desktop.wait_until("'RPD' in widget('metals_scores').text()", ENGINE_SECONDS)
        assert desktop.ask("widget('metals_layer').currentText()") == "metals"
        assert desktop.ask("dock.model_file.filePath()") == str(metals / "metals.gossan")
        scores = desktop.ask("widget('metals_scores').text()")
        assert "mg/kg" in scores
        assert "spatial blocks" in scores
        assert desktop.ask("len(widget('metals_scatter').axes.collections[0].get_offsets())") == 70

        point_at_a_sample(desktop)
        take_the_samples_from_a_layer(desktop, metals)
        desktop.click(desktop.ask("item_tab('Hotspots')"))
        desktop.wait_until("'pixels' in widget('metals_area').text()")
        drag_the_threshold(desktop, lead)
        type_a_limit(desktop, lead)
        go_on_in_the_toolbox(desktop, metals)
        correlation_and_zones(desktop)

        element_of_the_shown_band(desktop)

        # The layer goes, and the dock says what to do.
        desktop.do("QgsProject.instance().removeMapLayer(layer('metals').id())")
        desktop.wait_until("widget('metals_layer').currentText() == 'No layer'")
        desktop.do("QgsProject.instance().clear()")
        desktop.click(desktop.ask("item_tab('Hotspots')"))
        empty = desktop.ask("widget('metals_histogram').axes.texts[0].get_text()")
        assert "Choose a concentration layer" in " ".join(empty.split())
        assert not desktop.ask("widget('metals_threshold').isEnabled()")
        assert "Traceback" not in desktop.log()


def point_at_a_sample(desktop: Desktop) -> None:
    measured, predicted = desktop.ask(
        "list(map(float, max(widget('metals_scatter').axes.collections[0].get_offsets(), key=sum)))"
    )
    # Out of sight: the map goes there.
    desktop.do("iface.mapCanvas().setExtent(QgsRectangle(0, 0, 1000, 1000))")
    low, high = desktop.ask("list(widget('metals_scatter').axes.get_ylim())")
    height = (predicted - low) / (high - low)
    desktop.click(desktop.ask(f"plot_place('metals_scatter', {measured}, {height})"))
    desktop.wait_until("widget('metals_sample').isVisible()")
    assert f"predicted {predicted:.3g} mg/kg" in desktop.ask("widget('metals_sample').text()")
    desktop.wait_until("layer('metals').extent().contains(iface.mapCanvas().center())")
    desktop.do("iface.mapCanvas().setExtent(layer('metals').extent())")


def take_the_samples_from_a_layer(desktop: Desktop, metals: Path) -> None:
    load(desktop, metals, "predictions.geojson")
    own = desktop.ask("widget('metals_scores').text()")
    desktop.wait_until("widget('metals_samples').count() == 2")
    desktop.do("widget('metals_samples').setFocus()")
    desktop.key("Down")
    desktop.wait_until("'predictions: cross-validated' in widget('metals_scores').text()")
    other = desktop.ask("widget('metals_scores').text()")
    # The same samples and folds: the same scores.
    rmse = next(part for part in own.split("<td>") if part.endswith("mg/kg</td></tr><tr>"))
    assert rmse in other
    desktop.do("QgsProject.instance().removeMapLayer(layer('predictions').id())")
    desktop.wait_until("'had not seen' in widget('metals_scores').text()")


def drag_the_threshold(desktop: Desktop, lead: list[float]) -> None:
    own = "type(layer('metals').renderer()).__name__"
    before = desktop.ask(own)
    start = desktop.ask("dock.hotspots.value()")
    assert before != "QgsSingleBandPseudoColorRenderer"
    assert not desktop.ask("widget('metals_on_map').isChecked()")
    assert desktop.ask("dock.hotspots.limit()") is None
    desktop.drag(
        desktop.ask(f"plot_place('metals_histogram', {start}, 0.8)"),
        desktop.ask("plot_place('metals_histogram', 100.0, 0.5)"),
    )
    desktop.wait_until(f"{own} == 'QgsSingleBandPseudoColorRenderer'")
    threshold = desktop.ask("dock.hotspots.value()")
    assert abs(threshold - 100.0) < 3.0
    above = sum(value >= threshold for value in lead)
    text = desktop.ask("widget('metals_area').text()")
    assert f"; {above:,} of {len(lead):,} pixels." in text
    assert f"<b>{above * 900 / 10_000:.0f} ha</b>" in text
    items = (
        "[item.value for item in "
        "layer('metals').renderer().shader().rasterShaderFunction().colorRampItemList()]"
    )
    assert threshold in desktop.ask(items)
    # The map itself shows it: grey below, hot above.
    assert desktop.wait_until("calm()")
    desktop.click("metals_on_map")
    assert desktop.ask(own) == before
    desktop.click("metals_on_map")
    assert desktop.ask(own) == "QgsSingleBandPseudoColorRenderer"


def type_a_limit(desktop: Desktop, lead: list[float]) -> None:
    desktop.focus()
    desktop.do("widget('metals_threshold').setFocus(); widget('metals_threshold').selectAll()")
    desktop.type("90.5")
    desktop.key("Return")
    above = sum(value >= 90.5 for value in lead)
    desktop.wait_until(f"'; {above:,} of' in widget('metals_area').text()")
    desktop.wait_until("'about' not in widget('metals_area').text()")
    assert desktop.ask("dock.hotspots.value()") == 90.5


def go_on_in_the_toolbox(desktop: Desktop, metals: Path) -> None:
    desktop.click("metals_map")
    desktop.wait_until("dialog('map metals') is not None")
    given = desktop.ask("dialog('map metals').createProcessingParameters()")
    assert given["MODEL"] == str(metals / "metals.gossan")
    assert given["LIMITS"] == "Pb=90.5"
    assert [Path(path).name for path in given["FEATURES"]] == ["features.tif"]
    desktop.do("dialog('map metals').close()")
    desktop.focus()


def correlation_and_zones(desktop: Desktop) -> None:
    desktop.click(desktop.ask("item_tab('Correlation')"))
    desktop.wait_until("'Strongest' in widget('metals_pairs').text()")
    assert desktop.ask("[t.get_text() for t in widget('metals_correlation').axes.texts][:1]") == [
        "1.00"
    ]
    pixels = desktop.ask("widget('metals_pairs').text()")
    assert "pixels with all elements" in pixels
    desktop.do("widget('metals_over').setFocus()")
    desktop.key("Down")
    desktop.wait_until("'samples of the model' in widget('metals_pairs').text()")
    desktop.click(desktop.ask("item_tab('Zones')"))
    desktop.wait_until("widget('metals_zone_table').topLevelItemCount()")
    table = "widget('metals_zone_table').topLevelItem"
    assert desktop.ask(f"{table}(0).text(0)") == "low background"
    shares = desktop.ask(f"[float({table}(i).text(2).split()[0]) for i in range(3)]")
    assert sum(shares) == pytest.approx(100.0, abs=0.2)


def element_of_the_shown_band(desktop: Desktop) -> None:
    desktop.click(desktop.ask("item_tab('Validation')"))
    desktop.do("widget('metals_element').setFocus()")
    desktop.key("Down", "Down")
    desktop.wait_until("'Zn: poor' in widget('metals_scores').text()")
    desktop.do("dock.layer.choose(None)")
    assert desktop.ask("widget('metals_element').currentText()") == "Zn"
    # The layer shows lead since its threshold was dragged.
    desktop.do("dock.layer.choose(layer('metals'))")
    assert desktop.ask("widget('metals_element').currentText()") == "Pb"
