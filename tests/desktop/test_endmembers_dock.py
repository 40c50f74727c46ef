"""The dock *Endmembers* in a real window: what mouse and keys do on map, plot and lists."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from driver import Desktop, needs_desktop

pytestmark = needs_desktop

BANDS, ROWS, COLUMNS = 40, 24, 20


@pytest.fixture(scope="module")
def desktop(tmp_path_factory):
    with Desktop(tmp_path_factory.mktemp("endmembers")) as running:
        yield running


@pytest.fixture
def values(small_scene):
    """Reflectance (rows, columns, bands) of the scene."""
    stored = np.fromfile(small_scene, dtype="<i2").reshape(BANDS, ROWS, COLUMNS)
    return np.moveaxis(stored, 0, -1) / 10_000


@pytest.fixture
def scene(desktop, small_scene):
    """The scene alone in a new project, the dock open without a spectrum, picking switched on."""
    desktop.do(
        "iface.newProject(False)\n"
        f"iface.addRasterLayer({str(small_scene)!r}, 'scene')\n"
        "dock = open_dock('endmembers')\n"
        "dock.content.tabs.setCurrentIndex(0)"
    )
    # The project takes the layer's CRS a little later.
    desktop.wait_until("calm()")
    desktop.do("iface.mapCanvas().zoomToFullExtent()")
    desktop.wait_until("calm()")
    if not desktop.ask("dock.content.pick.isChecked()"):
        desktop.click("endmembers_pick")
    return desktop


def pixel(desktop, row, column):
    """Return where a pixel is on the screen."""
    return desktop.ask(f"map_place({column + 0.5}, {-row - 0.5})")


def curve(desktop, number, name="reflectance"):
    return np.array(desktop.ask(f"list(dock.spectra)[{number}].curves[{name!r}]"), dtype=float)


def on_plot(desktop, x, y):
    """Return where a place of the plot is on the screen."""
    return desktop.ask(
        "(lambda c, p: place(c, QRect(round(p[0] / c.devicePixelRatioF()),"
        " round(c.height() - p[1] / c.devicePixelRatioF()), 1, 1)))"
        f"(dock.content.plot.canvas, dock.content.plot.axes.transData.transform(({x}, {y})))"
    )


def tab(desktop, number):
    desktop.click(
        desktop.ask(f"(lambda bar: place(bar, bar.tabRect({number})))(dock.content.tabs.tabBar())")
    )


def row_place(desktop, number, column=0):
    return desktop.ask(
        f"(lambda t: item_place(t, t.model().index({number}, {column})))(dock.content.table)"
    )


def test_a_project_without_images_says_what_to_do(desktop):
    desktop.do("iface.newProject(False)\ndock = open_dock('endmembers')")
    desktop.wait_until("calm()")
    assert "four bands or more" in desktop.ask("dock.content.plot.axes.texts[0].get_text()")
    for button in ("pick", "extract", "unmix"):
        assert not desktop.ask(f"dock.content.{button}.isEnabled()")


def test_click_shift_click_and_drag(scene, values, tmp_path):
    assert scene.ask("iface.mapCanvas().mapTool() is dock.tool")
    scene.click(pixel(scene, 2, 3))
    scene.wait_until("len(dock.spectra) == 1")
    np.testing.assert_allclose(curve(scene, 0), values[2, 3], atol=1e-6)
    scene.click(pixel(scene, 9, 8), keys=["shift"])
    scene.wait_until("len(dock.spectra) == 2")
    np.testing.assert_allclose(curve(scene, 1), values[9, 8], atol=1e-6)
    # The next click takes the place of the first one, which nobody wanted to keep.
    scene.drag(pixel(scene, 12, 10), pixel(scene, 15, 15))
    scene.wait_until("list(dock.spectra)[0].pixels > 1")
    assert scene.ask("len(dock.spectra)") == 2
    count = scene.ask("list(dock.spectra)[0].pixels")
    ring = np.array(scene.ask("list(dock.spectra)[0].outline"))
    left, right = np.sort(ring[[0, 2], 0])
    bottom, top = np.sort(ring[[0, 2], 1])
    rows, columns = -np.arange(ROWS) - 0.5, np.arange(COLUMNS) + 0.5
    part = values[(rows > bottom) & (rows < top)][:, (columns > left) & (columns < right)]
    part = part.reshape(-1, BANDS)
    assert count == len(part)
    np.testing.assert_allclose(curve(scene, 0), part.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(curve(scene, 0, "deviation"), part.std(axis=0, ddof=1), atol=1e-6)
    scene.picture(tmp_path / "spectra.png")


def test_switches_hover_and_zoom(scene):
    scene.click(pixel(scene, 4, 4))
    scene.wait_until("len(dock.spectra) == 1")
    scene.wait_until("calm()")
    scene.move(on_plot(scene, 680, 0.3))
    scene.wait_until("'680' in dock.content.under_mouse.text()")
    said = scene.ask("dock.content.under_mouse.text()")
    assert "Chlorophyll" in said
    assert "Spectrum 1" in said
    assert scene.ask("dock.content.plot._region.isVisible()")
    scene.click("endmembers_continuum")
    assert scene.ask("dock.content.plot.axes.get_ylabel()") == "Continuum removed"
    scene.click("endmembers_derivative")
    assert "1/nm" in scene.ask("dock.content.plot.axes.get_ylabel()")
    scene.click("endmembers_continuum")
    assert scene.ask("dock.content.plot.axes.get_ylabel()") == "First derivative (1/nm)"
    scene.click("endmembers_derivative")
    before = scene.ask("list(dock.content.plot.axes.get_xlim())")
    scene.click(on_plot(scene, 800, 0.3), button=4)
    after = scene.ask("list(dock.content.plot.axes.get_xlim())")
    assert before[0] < after[0] < 800 < after[1] < before[1]
    scene.double_click(on_plot(scene, 800, 0.3))
    assert scene.ask("list(dock.content.plot.axes.get_xlim())") == pytest.approx(before)


def test_the_library_is_ranked_and_drawn(scene):
    scene.click(pixel(scene, 4, 4))
    scene.wait_until("dock.content.library.list.topLevelItemCount() > 3")
    angles = scene.ask(
        "[float(dock.content.library.list.topLevelItem(i).text(2)) for i in range(4)]"
    )
    assert angles == sorted(angles)
    assert scene.ask("len(dock.content.library.ticked)") == 1
    tab(scene, 1)
    box = scene.ask("(lambda t: item_place(t, t.model().index(1, 0)))(dock.content.library.list)")
    left = scene.ask("dock.content.library.list.viewport().mapToGlobal(QPoint(0, 0)).x()")
    scene.click([left + 10, box[1]])
    scene.wait_until("len(dock.content.library.ticked) == 2")
    drawn = "[len(each.get_paths()) for each in dock.content.plot.axes.collections]"
    assert scene.ask(drawn) == [1, 2]


def test_names_are_edited_and_rows_removed_with_keys(scene):
    scene.click(pixel(scene, 4, 4))
    scene.wait_until("len(dock.spectra) == 1")
    scene.double_click(row_place(scene, 0))
    scene.type("tailings")
    scene.key("Return")
    scene.wait_until("list(dock.spectra)[0].name == 'tailings'")
    scene.double_click(row_place(scene, 0, 1))
    scene.type("waste")
    scene.key("Return")
    scene.wait_until("list(dock.spectra)[0].group == 'waste'")
    scene.click(pixel(scene, 6, 6))
    scene.wait_until("len(dock.spectra) == 2")
    assert scene.ask("[s.name for s in dock.spectra]") == ["tailings", "Spectrum 1"]
    corner = scene.ask("(lambda t: t.viewport().mapToGlobal(QPoint(0, 0)).x())(dock.content.table)")
    scene.click([corner + 10, row_place(scene, 0)[1]])
    scene.wait_until("[s.ticked for s in dock.spectra] == [False, True]")
    assert scene.ask("len(dock.content.plot.axes.collections[0].get_paths())") == 1
    scene.click(row_place(scene, 1))
    scene.key("Delete")
    scene.wait_until("len(dock.spectra) == 1")


def test_a_click_whose_task_was_cancelled_does_not_block_the_next(scene):
    scene.do(
        "dock.tool.picked.emit(QgsPointXY(4.5, -4.5), True)\n"
        "[task.cancel() for task in QgsApplication.taskManager().tasks()]"
    )
    scene.wait_until("calm()")
    scene.do("dock.spectra.clear()")
    scene.click(pixel(scene, 6, 6))
    scene.wait_until("len(dock.spectra) == 1")


def test_an_endmember_flashes_on_the_map(scene, values):
    scene.do(
        "points = QgsVectorLayer("
        "'Point?field=name:string&field=class:string&field=row:integer&field=column:integer',"
        "'pure pixels', 'memory')\n"
        "for name, group, row, column in (('t1', 'tailings', 3, 5), ('w1', 'water', 20, 2)):\n"
        "    feature = QgsFeature(points.fields())\n"
        "    feature.setAttributes([name, group, row, column])\n"
        "    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(column + 0.5, row + 0.5)))\n"
        "    points.dataProvider().addFeatures([feature])\n"
        "QgsProject.instance().addMapLayer(points)"
    )
    scene.wait_until("calm()")
    scene.click("endmembers_add_points")
    scene.key("Down", "Return")
    scene.wait_until("len(dock.spectra) == 2")
    assert scene.ask("[(s.name, s.group) for s in dock.spectra]") == [
        ["t1", "tailings"],
        ["w1", "water"],
    ]
    np.testing.assert_allclose(curve(scene, 1), values[20, 2], atol=1e-6)
    assert scene.ask("dock.content.message.text()") == ""
    before = scene.ask("len(iface.mapCanvas().scene().items())")
    scene.click(row_place(scene, 1))
    assert scene.ask("len(iface.mapCanvas().scene().items())") > before
    scene.wait_until(f"len(iface.mapCanvas().scene().items()) == {before}")


def test_spectra_go_on_to_the_toolbox_and_into_a_library(scene, values, tmp_path):
    scene.click(pixel(scene, 4, 4))
    scene.wait_until("len(dock.spectra) == 1")
    scene.click("endmembers_unmix")
    scene.wait_until(
        "[w for w in QApplication.topLevelWidgets() if w.isVisible()"
        " and 'estimate abundances' in w.windowTitle().lower()]"
    )
    scene.do(
        "dialog = next(w for w in QApplication.topLevelWidgets() if w.isVisible()"
        " and 'estimate abundances' in w.windowTitle().lower())\n"
        "given = dialog.createProcessingParameters()\n"
        "dialog.close()"
    )
    assert scene.ask("given['LIBRARY']").endswith("ticked_spectra.sli")
    assert Path(scene.ask("given['LIBRARY']")).exists()
    scene.click("endmembers_save")
    scene.wait_until("QApplication.activeModalWidget() is not None")
    time.sleep(0.3)
    target = tmp_path / "mine.csv"
    scene.key("ctrl+a")
    scene.type(str(target))
    scene.key("Return")
    scene.wait_until("'saved in' in dock.content.message.text()")
    with target.open(encoding="utf-8") as file:
        header, spectrum = csv.reader(file)
    assert spectrum[0] == "Spectrum 1"
    assert "row 5, column 5" in spectrum[2]
    np.testing.assert_allclose(np.array(spectrum[3:], dtype=float), values[4, 4], atol=1e-6)
    assert len(header) == BANDS + 3


def test_a_project_keeps_its_spectra(scene, tmp_path):
    scene.click(pixel(scene, 4, 4), keys=["shift"])
    scene.wait_until("len(dock.spectra) == 1")
    scene.click(pixel(scene, 9, 9))
    scene.wait_until("len(dock.spectra) == 2")
    kept = curve(scene, 0)
    path = tmp_path / "project.qgz"
    scene.do(f"QgsProject.instance().write({str(path)!r})")
    scene.do("iface.newProject(False)")
    assert scene.ask("len(dock.spectra)") == 0
    scene.do(f"QgsProject.instance().read({str(path)!r})")
    scene.wait_until("len(dock.spectra) == 1 and 'derivative' in list(dock.spectra)[0].curves")
    np.testing.assert_allclose(curve(scene, 0), kept, rtol=1e-5)


def test_a_click_finds_its_pixel_in_another_crs_on_a_rotated_image_without_wavelengths(
    desktop, tmp_path
):
    gdal = pytest.importorskip("osgeo.gdal")
    rows, columns, placed = 12, 10, (500_000.0, 25.0, -11.0, 4_000_000.0, -16.0, -17.0)
    path = tmp_path / "rotated.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 5, gdal.GDT_Float32)
    dataset.SetGeoTransform(placed)
    dataset.SetProjection(desktop.ask("QgsCoordinateReferenceSystem('EPSG:32649').toWkt()"))
    image = np.random.default_rng(3).uniform(0.1, 0.6, (5, rows, columns)).astype("float32")
    for band in range(5):
        dataset.GetRasterBand(band + 1).WriteArray(image[band])
    dataset = None
    desktop.do(f"iface.newProject(False)\niface.addRasterLayer({str(path)!r}, 'rotated')")
    desktop.wait_until("calm()")
    desktop.do(
        "QgsProject.instance().setCrs(QgsCoordinateReferenceSystem('EPSG:4326'))\n"
        "iface.mapCanvas().zoomToFullExtent()\n"
        "dock = open_dock('endmembers')\n"
        "there = QgsCoordinateTransform(QgsCoordinateReferenceSystem('EPSG:32649'),"
        " QgsCoordinateReferenceSystem('EPSG:4326'), QgsProject.instance())"
    )
    desktop.wait_until("calm()")
    if not desktop.ask("dock.content.pick.isChecked()"):
        desktop.click("endmembers_pick")
    for number, (row, column) in enumerate(((2, 7), (9, 1)), start=1):
        x = placed[0] + placed[1] * (column + 0.5) + placed[2] * (row + 0.5)
        y = placed[3] + placed[4] * (column + 0.5) + placed[5] * (row + 0.5)
        desktop.click(
            desktop.ask(
                f"(lambda p: map_place(p.x(), p.y()))(there.transform(QgsPointXY({x}, {y})))"
            ),
            keys=["shift"],
        )
        desktop.wait_until(f"len(dock.spectra) == {number}")
        np.testing.assert_allclose(curve(desktop, number - 1), image[:, row, column], atol=1e-6)
    assert desktop.ask("dock.content.plot.axes.get_xlabel()") == "Band number"
    assert "wavelengths" in desktop.ask("dock.content.message.text()")
    assert "no library can be laid over it" in desktop.ask("dock.content.library.note.text()")


def test_closing_gives_the_map_back(scene):
    scene.do("dock.content.pick.setChecked(False)\niface.actionIdentify().trigger()")
    earlier = scene.ask("type(iface.mapCanvas().mapTool()).__name__")
    scene.click("endmembers_pick")
    scene.click(pixel(scene, 4, 4))
    scene.wait_until("len(dock.spectra) == 1")
    marked = scene.ask("len(iface.mapCanvas().scene().items())")
    scene.do("dock.close()")
    assert scene.ask("type(iface.mapCanvas().mapTool()).__name__") == earlier
    assert scene.ask("iface.mapCanvas().mapTool() is dock.tool") is False
    assert scene.ask("len(iface.mapCanvas().scene().items())") == marked - 1
    scene.do("open_dock('endmembers')")
    assert scene.ask("len(iface.mapCanvas().scene().items())") == marked
    scene.click("endmembers_pick")
    scene.do("QgsProject.instance().removeAllMapLayers()")
    scene.wait_until("not dock.content.pick.isEnabled()")
    assert scene.ask("iface.mapCanvas().mapTool() is dock.tool") is False
    assert scene.ask("len(dock.spectra)") == 1


def test_unloading_leaves_nothing_on_the_map(scene):
    scene.do(
        "import qgis.utils\n"
        "from qgis.gui import QgsMapTool\n"
        "dock.content.pick.setChecked(False)\n"
        "tools = len(iface.mapCanvas().findChildren(QgsMapTool))\n"
        "drawn = len(iface.mapCanvas().scene().items())"
    )
    scene.click("endmembers_pick")
    scene.click(pixel(scene, 4, 4))
    scene.wait_until("len(dock.spectra) == 1")
    scene.do("qgis.utils.unloadPlugin('gossan')")
    scene.wait_until("len(iface.mapCanvas().findChildren(QgsMapTool)) == tools - 1")
    # Its rubber band went too, beside the mark of the pixel.
    assert scene.ask("len(iface.mapCanvas().scene().items())") == scene.ask("drawn") - 1
    scene.click(pixel(scene, 6, 6))
    assert "Traceback" not in scene.log()
