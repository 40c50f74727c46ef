"""Preparing a search and trying thresholds after it in a real QGIS window, with the mouse."""

from __future__ import annotations

from pathlib import Path

import mine_findings as made
from driver import Desktop, needs_desktop

pytestmark = needs_desktop

DIALOGS = "[d for d in QApplication.topLevelWidgets() if type(d).__name__ == 'AlgorithmDialog']"


def test_the_search_is_filled_in_and_the_slider_filters_at_once(tmp_path: Path):
    image = made.write_image(tmp_path / "may.dat")
    findings = made.write_findings(tmp_path / "findings.gpkg")
    with Desktop(tmp_path / "desktop") as desktop:
        assert desktop.ask("bool(open_dock('mines'))")
        desktop.picture(tmp_path / "empty.png")
        assert "Tick an image" in desktop.ask("widget('search_remark').text()")
        desktop.do(
            f"QgsProject.instance().addMapLayers([QgsRasterLayer({str(image)!r}, 'May'), "
            f"QgsVectorLayer({str(findings)!r}, 'findings', 'ogr')])\n"
            "iface.mapCanvas().setExtent(layer('May').extent())"
        )
        desktop.wait_until("widget('search_images').count() == 1 and calm()")
        rows = "widget('search_images').visualItemRect(widget('search_images').item(0))"
        tick = f"QRect({rows}.left() + 2, {rows}.top(), {rows}.height(), {rows}.height())"
        desktop.click(desktop.ask(f"place(widget('search_images').viewport(), {tick})"))
        desktop.wait_until("widget('search_open').isEnabled()")

        desktop.wait_until("widget('search_count').text().startswith('12 of 12')")
        line = desktop.ask("place('search_slider')")
        left = desktop.ask("widget('search_slider').mapToGlobal(QPoint(6, 0)).x()")
        desktop.drag([left, line[1]], line)
        shown = desktop.ask("layer('findings').featureCount()")
        assert 2 <= shown <= 10
        assert desktop.ask("widget('search_count').text()").startswith(f"{shown} of 12 findings")
        desktop.picture(tmp_path / "filtered.png")

        desktop.click("search_open")
        desktop.wait_until(f"len({DIALOGS}) == 1")
        desktop.picture(tmp_path / "dialog.png")
        desktop.do(f"dialog = {DIALOGS}[0]\nvalues = dialog.createProcessingParameters()")
        assert desktop.ask("dialog.algorithm().id()") == "gossan:detectmines"
        given = desktop.ask("{n: str(values.get(n)) for n in ('DETECTOR', 'THRESHOLD', 'INPUT')}")
        assert given["DETECTOR"].endswith("mine_detector_simulated.gossan")
        assert float(given["THRESHOLD"]) == 0.6
        assert "may" in given["INPUT"].lower()
        desktop.do("dialog.close()")
