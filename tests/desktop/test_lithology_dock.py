"""The dock *Lithology* in a real QGIS, with the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_maps import ClassMaps, make_class_maps
from driver import Desktop, needs_desktop

pytestmark = needs_desktop

DOCK = "open_dock('lithology')"


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
    """Choose an entry of a box with the keyboard, as one does."""
    desktop.click(box)
    desktop.type(text)
    desktop.key("Return")


def test_areas_and_the_class_at_a_point(maps: ClassMaps, tmp_path: Path):
    with Desktop(tmp_path) as desktop:
        desktop.ask(f"bool({DOCK})")
        assert "no class map" in desktop.ask("widget('lithology_empty').text()")
        desktop.picture(tmp_path / "empty.png")
        add_maps(desktop, maps)
        desktop.wait_until("'4 classes' in widget('lithology_summary').text()")
        desktop.picture(tmp_path / "classes.png")
        desktop.click("lithology_pick")
        desktop.click(desktop.ask(f"map_place{maps.place(30, 90)}"))
        desktop.wait_until("'slate, probability' in widget('lithology_point').text()")
        desktop.picture(tmp_path / "point.png")
