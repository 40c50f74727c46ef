"""The review of findings in a real QGIS window, with real keys and mouse."""

from __future__ import annotations

import re
from pathlib import Path

import mine_findings as made
import pytest
from driver import Desktop, needs_desktop

pytestmark = needs_desktop
ogr = pytest.importorskip("osgeo.ogr")

PAGE = "open_dock('mines').pages[[type(p).__name__ for p in open_dock('mines').pages].index"
BENCH = f"{PAGE}('ReviewPage')].bench"
OVERLAYS = (
    "len([i for i in iface.mapCanvas().scene().items()"
    " if isinstance(i, (QgsRubberBand, QgsVertexMarker)) and i.isVisible()])"
)


def table(path: Path, name: str) -> list[dict]:
    """What plain GDAL reads."""
    source = ogr.Open(str(path))
    return [feature.items() for feature in source.GetLayerByName(name)]


def decisions(path: Path) -> dict[int, str | None]:
    return {row["finding"]: row["decision"] for row in table(path, "findings")}


def load(desktop: Desktop, folder: Path) -> None:
    desktop.do(
        f"for name in ('may', 'june'):\n"
        f"    QgsProject.instance().addMapLayer(QgsRasterLayer(f'{folder}/{{name}}.dat', name))\n"
        f"for name in ('register', 'findings'):\n"
        f"    uri = f'{folder}/{{name}}.gpkg|layername={{name}}'\n"
        f"    QgsProject.instance().addMapLayer(QgsVectorLayer(uri, name, 'ogr'))\n"
        f"open_dock('mines').tabs.setCurrentIndex([type(p).__name__ for p in "
        f"open_dock('mines').pages].index('ReviewPage'))\n"
    )
    desktop.settle()


def begin(desktop: Desktop, reviewer: str) -> None:
    desktop.do("widget('review_reviewer').clear()")
    desktop.click("review_reviewer")
    desktop.type(reviewer)
    desktop.key("Return")
    desktop.wait_until(f"{BENCH}.session is not None and calm()")


def text(desktop: Desktop, name: str) -> str:
    return re.sub("<[^>]+>", "", desktop.ask(f"widget({name!r}).text()"))


@pytest.fixture
def folder(tmp_path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    made.write_image(data / "may.dat")
    made.write_image(data / "june.dat", seed=2)
    made.write_findings(data / "findings.gpkg")
    made.write_register(data / "register.gpkg")
    return data


def test_findings_are_judged_by_keys_through_a_crash_and_by_two_people(folder, tmp_path):
    path = folder / "findings.gpkg"
    with Desktop(tmp_path / "qgis") as desktop:
        desktop.do("open_dock('mines')")
        load(desktop, folder)
        begin(desktop, "Ana")
        assert text(desktop, "review_title") == "Finding 1"
        assert desktop.ask(OVERLAYS) == 3
        centre = desktop.ask(
            "[iface.mapCanvas().extent().center().x(), iface.mapCanvas().extent().center().y()]"
        )
        assert centre == pytest.approx(made.centre(1), abs=1)

        shown = "QgsProject.instance().layerTreeRoot().findLayer(layer('findings')).isVisible()"
        desktop.key("h")
        assert not desktop.ask(shown)
        desktop.key("h")
        assert desktop.ask(shown)

        desktop.key("m")
        desktop.key("f", "2")
        desktop.key("5")
        assert text(desktop, "review_title") == "Finding 4"
        assert list(decisions(path).values())[:4] == ["mine", "false", "false", None]
        assert [row["reason"] for row in table(path, "findings")][1:3] == ["river bank", "cloud"]

        desktop.key("Return")
        desktop.type("mud fz 1")
        desktop.key("Return")
        assert text(desktop, "review_title") == "Finding 4", "keys acted while somebody typed"
        desktop.key("d")
        assert table(path, "findings")[3]["comment"] == "mud fz 1"
        desktop.key("u", "z")
        assert text(desktop, "review_title") == "Finding 5"
        assert text(desktop, "review_message") == "Undone: the decision unsure at finding 5."
        assert decisions(path)[5] is None
        desktop.key("Left", "Left")
        assert text(desktop, "review_title") == "Finding 3"
        assert "You confirmed 2 of 4" in text(desktop, "review_figures")

        desktop.key("Right")
        before = table(path, "findings")
        start = desktop.ask(f"map_place{made.centre(4)}")
        desktop.click("review_drag")
        desktop.drag(start, (start[0] + 60, start[1] + 40))
        assert "Finding 4 was moved" in text(desktop, "review_message")
        assert ogr_centre(path, 4) != pytest.approx(made.centre(4), abs=50)
        desktop.focus()
        desktop.key("z")
        assert ogr_centre(path, 4) == pytest.approx(made.centre(4), abs=1e-6)
        assert table(path, "findings") == before
        entry = made.centre(4)[0] + 600, made.centre(4)[1]
        start = desktop.ask(f"map_place{entry}")
        desktop.click("review_drag")
        desktop.drag(start, (start[0], start[1] - 50))
        assert "An entry of register was moved" in text(desktop, "review_message")
        assert ogr_centre(folder / "register.gpkg", 4)[1] > entry[1] + 50
        desktop.click("review_drag")
        desktop.focus()
        desktop.key("Escape")
        assert desktop.ask("type(iface.mapCanvas().mapTool()).__name__") != "DragTool"
        desktop.key("z")
        assert ogr_centre(folder / "register.gpkg", 4) == pytest.approx(entry, abs=1e-6)
        assert table(path, "findings") == before
        desktop.key("m")
        desktop.kill()
        assert list(decisions(path).values())[:6] == [
            *("mine", "false", "false", "mine", None, None),
        ]

    with Desktop(tmp_path / "qgis") as desktop:
        desktop.do("open_dock('mines')")
        load(desktop, folder)
        begin(desktop, "Bo")
        desktop.do("widget('review_order').setCurrentIndex(4)")
        desktop.settle()
        assert text(desktop, "review_title") == "Finding 1"
        assert "You see how once you have" in text(desktop, "review_others")
        desktop.focus()
        desktop.key("m", "d", "f", "5", "m")
        desktop.do("widget('review_agreement').setCollapsed(False)")
        desktop.settle()
        told = text(desktop, "review_kappa")
        assert "Ana and Bo: the same on 3 of 4 (75 %); Cohen's kappa 0.60" in told
        listed = "widget('review_disagreements').topLevelItem(0).text"
        assert [desktop.ask(f"{listed}({column})") for column in range(3)] == ["2", "dam", "false"]
        desktop.double_click(
            desktop.ask(
                "item_place(widget('review_disagreements'),"
                " widget('review_disagreements').model().index(0, 0))"
            )
        )
        assert text(desktop, "review_title") == "Finding 2"
        assert "Ana: false (river bank)" in text(desktop, "review_others")
        desktop.key("Right")
        assert text(desktop, "review_title") == "Finding 3"
        desktop.click("review_card")
        desktop.key("Left")
        assert text(desktop, "review_title") == "Finding 2"
        tabs = "open_dock('mines').tabs"
        for page in ("TeachPage", "ReviewPage"):
            number = desktop.ask(
                f"[type(p).__name__ for p in open_dock('mines').pages].index({page!r})"
            )
            desktop.click(desktop.ask(f"place({tabs}.tabBar(), {tabs}.tabBar().tabRect({number}))"))
            assert desktop.ask(OVERLAYS) == (3 if page == "ReviewPage" else 0)
        desktop.key("Right", "Left")
        assert text(desktop, "review_title") == "Finding 2"

        desktop.do("widget('review_second_view').setCollapsed(False)")
        desktop.wait_until(f"{BENCH}.second.canvas.extent().contains("
                           "iface.mapCanvas().extent().center())")  # fmt: skip
        assert desktop.ask(f"len({BENCH}.second.canvas.layers())") == 2

        desktop.do("widget('review_export').click()")
        dialog = (
            "next((w for w in QApplication.topLevelWidgets() if w.isVisible()"
            " and hasattr(w, 'createProcessingParameters')), None)"
        )
        desktop.wait_until(f"{dialog} is not None")
        given = desktop.ask(f"{dialog}.createProcessingParameters()")
        assert given["ONLY_CONFIRMED"] is True
        assert given["KML"] == str(folder / "findings_confirmed.kml")
        assert given["CSV"] == str(folder / "findings_confirmed.csv")
        assert given["INPUT"] == desktop.ask("layer('findings').id()")
        desktop.do(f"{dialog}.runButton().click()")
        desktop.wait_until(f"{dialog}.results().get('COUNT')")
        assert (folder / "findings_confirmed.csv").read_text("utf-8-sig").count("Bo") == 3
        assert ogr.Open(given["KML"]) is not None
        desktop.do(f"{dialog}.close()")

        desktop.do("QgsProject.instance().setCrs(QgsCoordinateReferenceSystem('EPSG:4326'))")
        desktop.settle()
        centre = "iface.mapCanvas().extent().center()"
        assert desktop.ask(f"[{centre}.x(), {centre}.y()]") == pytest.approx(
            to_degrees(made.centre(2)), abs=1e-4
        )
        desktop.do(f"QgsProject.instance().setCrs(QgsCoordinateReferenceSystem('{made.CRS}'))")

        desktop.do("widget('review_change').click()")  # scrolled out of sight by the second view
        assert desktop.ask("widget('review_probability').currentField()") == "max_probability"
        desktop.click("review_start")
        desktop.wait_until(f"{BENCH}.session is not None and calm()")
        assert text(desktop, "review_title") == "Nothing to review"
        desktop.do("widget('review_order').setCurrentIndex(0)")
        desktop.settle()
        assert text(desktop, "review_title") == "Finding 5"

        desktop.do("open_dock('mines').close()")
        desktop.settle()
        assert desktop.ask(OVERLAYS) == 0
        desktop.focus()
        count = len(table(path, "findings_decisions"))
        desktop.key("m", "f")
        assert len(table(path, "findings_decisions")) == count
        desktop.do("open_dock('mines')")
        desktop.settle()
        assert desktop.ask(OVERLAYS) == 3
        desktop.do("QgsProject.instance().removeMapLayer(layer('findings').id())")
        desktop.settle()
        assert desktop.ask(f"{BENCH}.session") is None
        assert desktop.ask(OVERLAYS) == 0
        load(desktop, folder)
        begin(desktop, "Bo")
        desktop.click("review_drag")
        assert desktop.ask(OVERLAYS) == 3
        desktop.do("import qgis.utils; qgis.utils.unloadPlugin('gossan')")
        desktop.settle()
        assert desktop.ask(OVERLAYS) == 0
        assert desktop.ask("type(iface.mapCanvas().mapTool()).__name__") != "DragTool"
        desktop.focus()
        desktop.key("m", "f")
        assert len(table(path, "findings_decisions")) == count
        assert "Traceback" not in desktop.log()


def ogr_centre(path: Path, number: int) -> tuple[float, float]:
    source = ogr.Open(str(path))
    feature = source.GetLayerByName(path.stem).GetFeature(number)
    west, east, south, north = feature.GetGeometryRef().GetEnvelope()
    return (west + east) / 2, (south + north) / 2


def to_degrees(place: tuple[float, float]) -> tuple[float, float]:
    osr = pytest.importorskip("osgeo.osr")
    here, world = osr.SpatialReference(), osr.SpatialReference()
    here.ImportFromEPSG(int(made.CRS.rpartition(":")[2]))
    world.ImportFromEPSG(4326)
    world.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(here, world).TransformPoint(*place)[:2]
