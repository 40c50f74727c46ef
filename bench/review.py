"""How quickly a review goes on from finding to finding, beyond what the map needs to be drawn.

Runs in QGIS's own Python with a map that draws nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv-qgis" / "bin" / "python"
FINDINGS = (100, 10_000)
REACH = 100.0
"""Milliseconds."""

INSIDE_QGIS = Path(__file__).with_name("review_in_qgis.py")


def measure() -> list[dict[str, object]]:
    """Time the steps of a review, in milliseconds (medians)."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    rows = []
    for count in FINDINGS:
        call = [str(TOOLS), str(INSIDE_QGIS), str(count)]
        run = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
        told = json.loads(run.stdout.strip().splitlines()[-1])
        rows += [{"findings": count, "work": work, "ms": ms} for work, ms in told.items()]
    return rows


if __name__ == "__main__":
    print(f"{'findings':>8}  {'work':28} {'ms':>8}   (a step to reach: {REACH:.0f} ms)")
    for row in measure():
        print(f"{row['findings']:8}  {row['work']:28} {row['ms']:8.1f}")
