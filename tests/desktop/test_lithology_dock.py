"""The dock *Lithology* in a real QGIS, with the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_maps import COLOURS, ClassMaps, make_class_maps
from driver import Desktop, needs_desktop

pytestmark = needs_desktop

DOCK = "open_dock('lithology')"
OVERLAY = "[each for each in iface.mapCanvas().items() if type(each).__name__ == 'MapOverlay'][0]"
DIALOGS = (
    "[each for each in QApplication.topLevelWidgets()"
    " if each.isVisible() and type(each).__name__ == 'AlgorithmDialog']"
)
FOREIGN = (
    "[len(iface.mainWindow().findChildren(QShortcut)), len(iface.mapCanvas().findChildren("
    "QgsMapTool))]"
)
"""What a dock could leave with the window and the canvas."""


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> ClassMaps:
    return make_class_maps(tmp_path_factory.mktemp("class_maps"))


def add_maps(desktop: Desktop, maps: ClassMaps) -> None:
    desktop.do(
        "QgsProject.instance().addMapLayers(["
        f"QgsVectorLayer({str(maps.reference)!r}, 'Geological map'), "
        f"QgsRasterLayer({str(maps.probabilities)!r}, 'Probabilities'), "
        f"QgsRasterLayer({str(maps.other)!r}, 'Second model'), "
        f"QgsRasterLayer({str(maps.units)!r}, 'Lithological map')])"
    )
    desktop.do("iface.mapCanvas().setExtent(layer('Lithological map').extent())")
    desktop.wait_until("calm()")


def choose(desktop: Desktop, box: str, text: str) -> None:
    """Choose an entry of a box with the mouse and the keyboard, as one does."""
    desktop.click(box)
    desktop.type(text)
    desktop.key("Return")
    desktop.wait_until(f"widget({box!r}).currentText() == {text!r}")


def show_page(desktop: Desktop, name: str) -> None:
    desktop.click(
        desktop.ask(
            "(lambda bar: place(bar, bar.tabRect([bar.tabText(i) for i in range(bar.count())]"
            f".index({name!r}))))(widget('lithology_tabs').tabBar())"
        )
    )


def colour_at(desktop: Desktop, maps: ClassMaps, row: int, column: int) -> str:
    """Return what the canvas shows at a pixel of the map, with all that lies over it."""
    return desktop.ask(
        "(lambda c, p: c.grab().toImage().pixelColor("
        "c.mapFromGlobal(QPoint(*p)) * c.devicePixelRatioF()).name())"
        f"(iface.mapCanvas(), map_place{maps.place(row, column)})"
    )


def colour_of(value: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[value - 1])


def differing(maps: ClassMaps) -> tuple[int, int]:
    """Return a pixel in the middle of the map where the second one shows another class."""
    differ = maps.values != maps.other_values
    rows, columns = differ[20:40, 50:70].nonzero()
    return int(rows[0]) + 20, int(columns[0]) + 50


def test_a_story(maps: ClassMaps, tmp_path: Path):
    with Desktop(tmp_path) as desktop:
        foreign = desktop.ask(FOREIGN)
        desktop.ask(f"bool({DOCK})")
        assert "no class map" in desktop.ask("widget('lithology_empty').text()")
        desktop.picture(tmp_path / "empty.png")
        add_maps(desktop, maps)
        desktop.wait_until("widget('lithology_map').count() == 2")
        choose(desktop, "lithology_map", "Lithological map")
        desktop.wait_until("'4 classes' in widget('lithology_summary').text()")
        tool = desktop.ask("iface.mapCanvas().mapTool().toolName()")

        # The class and its probabilities at a point.
        desktop.click("lithology_pick")
        desktop.click(desktop.ask(f"map_place{maps.place(30, 90)}"))
        desktop.wait_until("'slate, probability' in widget('lithology_point').text()")
        expected = f"{maps.shares[30, 90, 1]:.2f}"
        assert f"slate, probability {expected}" in desktop.ask("widget('lithology_point').text()")
        desktop.picture(tmp_path / "point.png")
        desktop.click("lithology_pick")
        assert desktop.ask("iface.mapCanvas().mapTool().toolName()") == tool

        # The worst boundary is where granite or marble meet the least sharply: in the east.
        show_page(desktop, "Boundaries")
        desktop.click("lithology_find_boundaries")
        desktop.wait_until("'of boundary' in widget('lithology_boundaries_said').text()")
        desktop.picture(tmp_path / "boundaries.png")
        desktop.click(
            desktop.ask(
                "(lambda v: item_place(v, v.model().index(0, 0)))(widget('lithology_boundaries'))"
            )
        )
        desktop.wait_until("calm()")
        desktop.picture(tmp_path / "boundary.png")
        assert desktop.ask("widget('lithology_boundaries').currentItem().text(0)") == (
            "slate | quartzite"
        )
        assert desktop.ask("iface.mapCanvas().center().x()") > maps.place(0, 90)[0]

        # The matrix.
        show_page(desktop, "Accuracy")
        choose(desktop, "lithology_reference", "Geological map")
        desktop.click("lithology_compare")
        desktop.wait_until("'Overall accuracy' in widget('lithology_accuracy').text()")
        desktop.picture(tmp_path / "accuracy.png")

        # The reference in the map's colours.
        show_page(desktop, "Compare")
        desktop.click("lithology_colour")
        desktop.wait_until("calm()")
        assert colour_at(desktop, maps, 75, 112) == colour_of(4)

        # Swipe between the map and the second one: the divider decides what is seen.
        choose(desktop, "lithology_second", "Second model")
        choose(desktop, "lithology_right", "Second map: Second model")
        desktop.do("iface.mapCanvas().setExtent(layer('Lithological map').extent())")
        desktop.wait_until("calm()")
        items = desktop.ask("len(iface.mapCanvas().items())")
        desktop.click("lithology_swipe")
        desktop.wait_until(f"{OVERLAY}.isVisible()")
        row, column = differing(maps)
        left, right = maps.place(row, column - 20), maps.place(row, min(column + 20, 119))
        desktop.drag(desktop.ask("place('lithology_divider')"), desktop.ask(f"map_place{right}"))
        assert colour_at(desktop, maps, row, column) == colour_of(maps.values[row, column])
        desktop.picture(tmp_path / "swipe.png")
        desktop.drag(desktop.ask("place('lithology_divider')"), desktop.ask(f"map_place{left}"))
        assert colour_at(desktop, maps, row, column) == colour_of(maps.other_values[row, column])
        desktop.click("lithology_swipe")
        assert desktop.ask("len(iface.mapCanvas().items())") == items
        assert not desktop.ask("iface.mapCanvas().findChildren(QWidget, 'lithology_divider')")

        # Blink by the key.
        desktop.click("lithology_blink")
        desktop.wait_until(f"{OVERLAY}.isVisible()")
        seen = []
        for _ in range(3):
            seen.append(colour_at(desktop, maps, row, column))
            desktop.focus()
            desktop.key("b")
        assert seen[0] == colour_of(maps.values[row, column])
        assert seen[2] == colour_of(maps.other_values[row, column])
        assert seen[1] == colour_of(maps.truth(row, column))
        desktop.picture(tmp_path / "blink.png")

        # Boundaries by disagreement, and the dialog of Assess class map filled in.
        show_page(desktop, "Boundaries")
        choose(desktop, "lithology_way", "Most disagreement with the reference")
        desktop.click("lithology_find_boundaries")
        desktop.wait_until("'of boundary' in widget('lithology_boundaries_said').text()")
        worst = desktop.ask("widget('lithology_boundaries').topLevelItem(0).text(1)")
        assert int(worst.split()[0]) > 50
        desktop.click("lithology_open_assess")
        desktop.wait_until(f"len({DIALOGS}) == 1")
        given = desktop.ask(f"{DIALOGS}[0].createProcessingParameters()")
        assert given["CLASS_FIELD"] == "lithology"
        assert given["INPUT"] == desktop.ask("layer('Lithological map').id()")
        assert given["MAP"] == desktop.ask("layer('Geological map').id()")
        desktop.do(f"{DIALOGS}[0].close()")

        # What is chosen goes with its layer.
        desktop.do("QgsProject.instance().removeMapLayer(layer('Geological map'))")
        desktop.wait_until("widget('lithology_reference').currentText() == 'None'")

        # Nothing stays when the dock is closed, or the plugin goes with everything switched on.
        desktop.do(f"{DOCK}.close()")
        assert desktop.ask("len(iface.mapCanvas().items())") == items - 2
        assert desktop.ask("iface.mapCanvas().mapTool().toolName()") == tool
        desktop.ask(f"bool({DOCK})")
        show_page(desktop, "Classes")
        desktop.click("lithology_pick")
        show_page(desktop, "Compare")
        desktop.click("lithology_swipe")
        desktop.wait_until(f"{OVERLAY}.isVisible()")
        desktop.do("__import__('qgis.utils').utils.unloadPlugin('gossan')")
        desktop.settle()
        assert desktop.ask("len(iface.mapCanvas().items())") == items - 2
        assert desktop.ask("iface.mapCanvas().mapTool().toolName()") == tool
        assert not desktop.ask("iface.mapCanvas().findChildren(QWidget, 'lithology_divider')")
        assert desktop.ask(FOREIGN) == foreign
