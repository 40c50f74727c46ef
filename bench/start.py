"""How long things take to start: the plugin in QGIS's window, a first dock, a cold and a warm job.

The part inside QGIS runs in QGIS's own Python, the others through the engine's client. Where Xvfb
and xdotool are installed, QGIS is started on a screen of its own, without the plugin, which is then
loaded as QGIS does it; each dock in its turn is the first that is opened. Beside the seconds of the
clock stand those of the processor, which other work on the machine hardly changes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "desktop"))

from driver import Desktop, missing_programs  # noqa: E402 - the tests' driver of the desktop

DOCKS = ("endmembers", "heavy_metals", "lithology", "mines")
TOOLS = ROOT / ".venv-qgis" / "bin" / "python"

INSIDE_QGIS = """
import json, time
from qgis.core import QgsApplication, QgsProcessingFeedback
application = QgsApplication([], False)
application.initQgis()
began, used = time.perf_counter(), time.process_time()
from gossan.processing_provider.provider import GossanProvider
provider = GossanProvider()
QgsApplication.processingRegistry().addProvider(provider)
provider.refreshAlgorithms()
loaded, worked = time.perf_counter() - began, time.process_time() - used
from gossan.engine import client
jobs = []
for _ in range(6):
    began = time.perf_counter()
    client.run_job("selftest.sleep", {"seconds": 0.0}, QgsProcessingFeedback())
    jobs.append(time.perf_counter() - began)
client.shutdown()
warm = sorted(jobs[1:])[2]
print(json.dumps({"loaded": loaded, "worked": worked, "cold": jobs[0], "warm": warm}))
"""


LOAD = """
import time
import qgis.utils
qgis.utils.updateAvailablePlugins()
began, used = time.perf_counter(), time.process_time()
qgis.utils.loadPlugin("gossan")
qgis.utils.startPlugin("gossan")
loaded = [time.perf_counter() - began, time.process_time() - used]
"""

OPEN = """
began, used = time.perf_counter(), time.process_time()
qgis.utils.plugins["gossan"].docks.open({name!r})
QApplication.processEvents()
opened = [time.perf_counter() - began, time.process_time() - used]
"""


def measure_desktop() -> list[dict[str, object]]:
    """Time the plugin and each dock as the first in a window of QGIS, in seconds."""
    loads, rows = [], []
    for name in DOCKS:
        with tempfile.TemporaryDirectory(prefix="gossan-start-") as folder:
            plugins = Path(folder) / "profiles" / "default" / "python" / "plugins"
            plugins.mkdir(parents=True)
            (plugins / "gossan").symlink_to(ROOT)
            with Desktop(Path(folder), plugin=False) as desktop:
                desktop.do(LOAD)
                loads.append(desktop.ask("loaded"))
                desktop.do(OPEN.format(name=name))
                seconds, used = desktop.ask("opened")
        work = f"open {name} as the first dock"
        rows.append({"work": work, "seconds": seconds, "used": used, "reach": 1.0})
    seconds, used = (median(each) for each in zip(*loads))
    work = "load the plugin into QGIS's window"
    return [{"work": work, "seconds": seconds, "used": used, "reach": 0.2}, *rows]


def measure() -> list[dict[str, object]]:
    """Time the toolbox, a cold engine and a warm one, in seconds."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment["GOSSAN_ENGINE"] = str(ROOT / ".venv" / "bin" / "python")
    run = subprocess.run(
        [str(TOOLS), "-c", INSIDE_QGIS], env=environment, capture_output=True, text=True, check=True
    )
    seconds = json.loads(run.stdout.strip().splitlines()[-1])
    return [
        {
            "work": "load the toolbox into QGIS",
            "seconds": seconds["loaded"],
            "used": seconds["worked"],
            "reach": 0.2,
        },
        {"work": "job on a cold engine", "seconds": seconds["cold"], "reach": 1.5},
        {"work": "job on a warm engine", "seconds": seconds["warm"], "reach": 0.05},
    ]


def compile_plugin() -> None:
    """Have Python's compiled files ready, as after the first start of QGIS with the plugin."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts = [str(ROOT / part) for part in ("plugin", "processing_provider", "core", "engine")]
    subprocess.run([str(TOOLS), "-m", "compileall", "-q", *parts], check=True)


if __name__ == "__main__":
    compile_plugin()
    for row in [*measure(), *([] if missing_programs() else measure_desktop())]:
        used = f"{row['used']:8.3f} s of the processor" if "used" in row else ""
        print(f"{row['work']:36} {row['seconds']:8.3f} s   (reach {row['reach']} s) {used}")
