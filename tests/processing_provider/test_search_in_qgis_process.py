"""A search for mines in the real ``qgis_process`` that is killed, and goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from osgeo import gdal
from test_qgis_process import PROGRAM, QgisProcess

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no qgis_process here")

COPIES = 9
EMPTY_JOURNAL = 20_000
"""Bytes of a journal in which no block stands yet."""


@pytest.fixture(scope="module")
def qgis_process(tmp_path_factory):
    return QgisProcess(tmp_path_factory.mktemp("profile"))


def repeated(source: str, path: Path) -> str:
    """Write a VRT that shows a raster several times in both directions."""
    dataset = gdal.Open(source)
    width, height = dataset.RasterXSize, dataset.RasterYSize
    vrt = gdal.GetDriverByName("VRT").Create(
        str(path), COPIES * width, COPIES * height, dataset.RasterCount, gdal.GDT_UInt16
    )
    vrt.SetProjection(dataset.GetProjection())
    vrt.SetGeoTransform(dataset.GetGeoTransform())
    for number in range(1, dataset.RasterCount + 1):
        band = vrt.GetRasterBand(number)
        band.SetDescription(dataset.GetRasterBand(number).GetDescription())
        band.SetNoDataValue(0)
        sources = {
            f"source_{place}": (
                f'<SimpleSource><SourceFilename relativeToVRT="0">{source}</SourceFilename>'
                f"<SourceBand>{number}</SourceBand>"
                f'<SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>'
                f'<DstRect xOff="{place % COPIES * width}" yOff="{place // COPIES * height}" '
                f'xSize="{width}" ySize="{height}"/></SimpleSource>'
            )
            for place in range(COPIES**2)
        }
        band.SetMetadata(sources, "new_vrt_sources")
    vrt.FlushCache()
    return str(path)


def engine_of(process) -> int:
    """Return the process id of the engine, a child of ``qgis_process``."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(status[1]) == process.pid and b"server.py" in command:
                return int(entry.name)
    raise AssertionError("qgis_process has no engine")


def wait_for(condition) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def blocks_in(journal: Path) -> int:
    # Without waiting for a lock: whoever asks wants to know that it is there.
    with sqlite3.connect(journal, timeout=0.0) as opened:
        (count,) = opened.execute("SELECT count(*) FROM blocks").fetchone()
    opened.close()
    return count


def readable(journal: Path) -> bool:
    """Tell whether the search that wrote to a journal has let go of it."""
    try:
        blocks_in(journal)
    except sqlite3.OperationalError:
        return False
    return True


def values(path: Path):
    return gdal.Open(str(path)).ReadRaster()


def test_qgis_and_the_engine_killed_the_search_goes_on(qgis_process, bench, cases, tmp_path):
    case = cases["detectmines"]
    image = repeated(bench.resolve("district:search_sentinel2_mosaic"), tmp_path / "large.vrt")
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    parameters = bench.parameters(case, killed, INPUT=[image])
    journal = killed / "probability.tif.gossan-journal"

    process = qgis_process.start("gossan:detectmines", parameters)
    wait_for(lambda: journal.exists() and journal.stat().st_size > EMPTY_JOURNAL)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # The engine ends with its parent, and the journal's lock with it.
    wait_for(lambda: readable(journal))
    first = blocks_in(journal)
    assert first >= 1

    process = qgis_process.start("gossan:detectmines", parameters)
    wait_for(lambda: not readable(journal) or process.poll() is not None)
    os.kill(engine_of(process), signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0, said
    assert not (killed / "probability.tif").exists()
    assert blocks_in(journal) >= first

    done = qgis_process.run("gossan:detectmines", parameters)
    assert done.returncode == 0, done.stderr
    assert not journal.exists()
    bench.run(case, whole, INPUT=[image])
    assert values(killed / "probability.tif") == values(whole / "probability.tif")
