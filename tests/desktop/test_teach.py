"""Teaching a detector in a real QGIS: a reviewed search, the mouse, and fewer false findings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from driver import ENGINE, ROOT, Desktop, needs_desktop

pytestmark = needs_desktop

SIZE = 230
PAGE = "open_dock('mines').pages[-1]"
MAKE = """
import sys
from pathlib import Path
from gossan.examples.mine_review import SHIPPED, dry_area, review, search
folder = Path(sys.argv[1])
area = dry_area(504, {size})
print(review(search(SHIPPED, area, folder), folder), area.image(folder), sep="\\n")
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dry district that was searched and reviewed by its truth: findings and image."""
    folder = tmp_path_factory.mktemp("dry")
    done = subprocess.run(
        [str(ENGINE), "-c", MAKE.format(size=SIZE), str(folder)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    findings, image = (Path(line) for line in done.stdout.split("\n")[-3:-1])
    return findings, image


def show(desktop: Desktop, findings: Path, image: Path, folder: Path) -> None:
    """Load image and findings, these in a GeoPackage as a review leaves them."""
    desktop.do(
        "from gossan.plugin.docks.mines.review_files import save_copy\n"
        "from gossan.processing_provider.mines import finding_styles\n"
        f"image = QgsRasterLayer({str(image)!r}, 'Image')\n"
        f"found = QgsVectorLayer({str(findings)!r}, 'Findings', 'ogr')\n"
        f"copy = save_copy(found, {str(folder / 'reviewed.gpkg')!r})\n"
        "copy.setName('Findings')\n"
        "finding_styles.findings(copy)\n"
        "image.renderer().setRedBand(4); image.renderer().setGreenBand(3)\n"
        "image.renderer().setBlueBand(2); image.setDefaultContrastEnhancement()\n"
        "QgsProject.instance().addMapLayers([copy, image])\n"
        "iface.mapCanvas().setDestinationCrs(image.crs())\n"
        "iface.mapCanvas().setExtent(image.extent())"
    )
    desktop.wait_until("calm()")


def open_teach(desktop: Desktop) -> None:
    assert desktop.ask(f"bool({PAGE})")
    tabs = "widget('mines_tabs').tabBar()"
    desktop.click(desktop.ask(f"place({tabs}, {tabs}.tabRect({tabs}.count() - 1))"))
    desktop.wait_until("widget('teach_layer').isVisible()")


def test_false_findings_fall_when_the_detector_is_taught(searched, tmp_path: Path):
    findings, image = searched
    with Desktop(tmp_path) as desktop:
        open_teach(desktop)
        assert "Choose reviewed findings" in desktop.ask("widget('teach_counts').text()")
        assert not desktop.ask("widget('teach_start').isEnabled()")
        desktop.picture(tmp_path / "empty.png")
        show(desktop, findings, image, tmp_path)
        desktop.wait_until("'rejected' in widget('teach_counts').text()")
        desktop.wait_until("widget('teach_start').isEnabled()")
        assert Path(desktop.ask("widget('teach_model').filePath()")).parent == tmp_path

        desktop.click("teach_start")
        desktop.wait_until("widget('teach_progress').value() > 0", 60)
        desktop.click("teach_stop")
        desktop.wait_until("'Stopped' in widget('teach_remark').text()")
        assert not list(tmp_path.glob("taught*"))

        desktop.do("widget('teach_epochs').setFocus(); widget('teach_epochs').selectAll()")
        desktop.type("10")
        desktop.click("teach_start")
        desktop.wait_until("widget('teach_curves').measures.get('loss')", 120)
        desktop.picture(tmp_path / "teaching.png")
        desktop.wait_until(f"{PAGE}.result.comparison is not None", 180)
        desktop.wait_until("calm() and not widget('review_second_canvas').isDrawing()")
        assert desktop.ask("[each.name() for each in widget('review_second_canvas').layers()]") == [
            "Findings after teaching",
            "Image",
        ]
        desktop.picture(tmp_path / "taught.png")
        found = f"{PAGE}.result.comparison"
        false, left = desktop.ask(f"[{found}.false, {found}.false_kept]")
        mines, kept = desktop.ask(f"[{found}.mines, {found}.mines_kept]")
        assert false >= 5
        assert left <= false / 2
        assert kept == mines
        assert (tmp_path / "taught_detector.gossan").exists()
        assert (tmp_path / "taught_detector_findings.gpkg").exists()

        model = "widget('teach_changes').model()"
        lost = f"{model}.index(0, 0, {model}.index(0, 0))"
        before = desktop.ask("iface.mapCanvas().extent().toString()")
        desktop.click(desktop.ask(f"item_place(widget('teach_changes'), {lost})"))
        desktop.wait_until(f"iface.mapCanvas().extent().toString() != {before!r}")
        desktop.wait_until("calm()")
        desktop.picture(tmp_path / "lost.png")
