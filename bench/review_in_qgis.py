"""The part of review.py that runs in QGIS's own Python: prints milliseconds as JSON."""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtWidgets import QMainWindow

from gossan.core.review import decisions
from gossan.plugin.docks.mines.mines_dock import MinesDock
from gossan.plugin.docks.mines.review import ReviewPage

application = QgsApplication([], True)
application.initQgis()

count = int(sys.argv[1])


class Interface:
    def __init__(self):
        self.window = QMainWindow()
        self.canvas = QgsMapCanvas(self.window)

    def mainWindow(self):  # noqa: N802
        return self.window

    def mapCanvas(self):  # noqa: N802
        return self.canvas


def layer_of_findings(path):
    fields = "field=finding:integer&field=max_probability:double&field=detector:string"
    made = QgsVectorLayer(f"Polygon?crs=EPSG:32723&{fields}", "findings", "memory")
    features = []
    for number in range(1, count + 1):
        x, y = 3e5 + 3000.0 * (number % 100), 7.6e6 + 3000.0 * (number // 100)
        feature = QgsFeature(made.fields())
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(x, y, x + 270, y + 270)))
        feature.setAttributes([number, 1 - 0.4 * number / count, "0123456789ab"])
        features.append(feature)
    made.dataProvider().addFeatures(features)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    QgsVectorFileWriter.writeAsVectorFormatV3(made, path, QgsCoordinateTransformContext(), options)
    return QgsVectorLayer(path, "findings", "ogr")


def median(action, times):
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


with tempfile.TemporaryDirectory() as folder:
    layer = layer_of_findings(str(Path(folder) / "findings.gpkg"))
    QgsProject.instance().addMapLayer(layer)
    interface = Interface()
    interface.window.show()
    dock = MinesDock(interface)
    dock.show()
    application.processEvents()
    page = next(page for page in dock.pages if isinstance(page, ReviewPage))
    dock.tabs.setCurrentIndex(dock.pages.index(page))
    page.start.reviewer.setText("Ana")
    began = time.perf_counter()
    page.review(layer)
    told = {"open": 1000 * (time.perf_counter() - began)}
    bench = page.bench
    told["step"] = median(lambda: bench.step(1), 40)
    told["decide"] = median(lambda: bench.decide(decisions.MINE), 40)
    told["undo"] = median(bench.undo, 20)
    session = bench.session
    rest = [f for f in session.queue.findings if not session.log.opinions(f)]
    entries = [decisions.decision(f, decisions.DAM, "Bo", model="0123456789ab") for f in rest[:-60]]
    bench.store.table.append((e, bench.store.findings.places[e.finding].fid) for e in entries)
    bench.step(1)
    told["step, nearly all judged"] = median(lambda: bench.step(1), 40)
    before = len(session.log.entries)
    told["decide, nearly all judged"] = median(lambda: bench.decide(decisions.MINE), 40)
    if len(session.log.entries) != before + 40:
        raise SystemExit(bench.message.text())
    print(json.dumps(told))
    QgsProject.instance().removeAllMapLayers()
    dock.release()
