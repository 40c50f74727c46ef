"""How long things take to start: loading the plugin's toolbox in QGIS, a cold and a warm job.

The part inside QGIS runs in QGIS's own Python, the others through the engine's client.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv-qgis" / "bin" / "python"

INSIDE_QGIS = """
import json, time
from qgis.core import QgsApplication, QgsProcessingFeedback
application = QgsApplication([], False)
application.initQgis()
began = time.perf_counter()
from gossan.processing_provider.provider import GossanProvider
provider = GossanProvider()
QgsApplication.processingRegistry().addProvider(provider)
provider.refreshAlgorithms()
loaded = time.perf_counter() - began
from gossan.engine import client
jobs = []
for _ in range(6):
    began = time.perf_counter()
    client.run_job("selftest.sleep", {"seconds": 0.0}, QgsProcessingFeedback())
    jobs.append(time.perf_counter() - began)
client.shutdown()
print(json.dumps({"loaded": loaded, "cold": jobs[0], "warm": sorted(jobs[1:])[2]}))
"""


def measure() -> list[dict[str, object]]:
    """Time the toolbox, a cold engine and a warm one, in seconds."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment["GOSSAN_ENGINE"] = str(ROOT / ".venv" / "bin" / "python")
    run = subprocess.run(
        [str(TOOLS), "-c", INSIDE_QGIS], env=environment, capture_output=True, text=True, check=True
    )
    seconds = json.loads(run.stdout.strip().splitlines()[-1])
    return [
        {"work": "load the toolbox into QGIS", "seconds": seconds["loaded"], "reach": 0.2},
        {"work": "job on a cold engine", "seconds": seconds["cold"], "reach": 1.5},
        {"work": "job on a warm engine", "seconds": seconds["warm"], "reach": 0.05},
    ]


if __name__ == "__main__":
    for row in measure():
        print(f"{row['work']:30} {row['seconds']:8.3f} s   (reach {row['reach']} s)")
