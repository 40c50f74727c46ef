"""A QGIS application for what the plugin shows, and a set-up with steps that cost nothing."""

from __future__ import annotations

import os
import sys
import time

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QApplication


@pytest.fixture(scope="session")
def qgis_application():
    """The one QGIS application of this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    running = QgsApplication.instance()
    if running is None:
        running = QgsApplication([], True)
        running.initQgis()
    return running


@pytest.fixture
def wait_until():
    """A function that lets Qt work until a condition holds."""

    def wait(condition, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "This never came true."
            QApplication.processEvents()
            time.sleep(0.005)

    return wait


@pytest.fixture
def steps(monkeypatch):
    """A function that replaces the steps of the set-up by small Python programs."""
    from gossan.engine import installation

    def replace(*programs: str) -> None:
        made = [
            installation.Step(f"Step {number}", [sys.executable, "-c", program], 2)
            for number, program in enumerate(programs, 1)
        ]
        monkeypatch.setattr(installation, "setup_steps", lambda *_, **__: made)

    return replace
