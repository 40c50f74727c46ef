"""A real QGIS application with the toolbox in it, and a small district to run it on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.analysis import QgsNativeAlgorithms
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(os.environ.get("GOSSAN_ENGINE", ROOT / ".venv" / "bin" / "python"))


class Listener(QgsProcessingFeedback):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(False)
        self.said: list[str] = []
        self.warned: list[str] = []

    def pushInfo(self, text: str) -> None:  # noqa: N802
        self.said.append(text)

    def pushWarning(self, text: str) -> None:  # noqa: N802
        self.warned.append(text)

    def reportError(self, text: str, fatalError: bool = False) -> None:  # noqa: N802
        self.warned.append(text)


@pytest.fixture(scope="session")
def qgis_application():
    """The one QGIS application of this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QgsApplication.instance()
    if not isinstance(application, QgsApplication):
        application = QgsApplication([], False)
        application.initQgis()
    return application


@pytest.fixture(scope="session")
def provider(qgis_application):
    """The toolbox, registered as the plugin does it."""
    from gossan.processing_provider.provider import GossanProvider

    registry = QgsApplication.processingRegistry()
    if registry.providerById("native") is None:
        registry.addProvider(QgsNativeAlgorithms(registry))
    if registry.providerById("gossan") is None:
        assert registry.addProvider(GossanProvider())
        registry.providerById("gossan").refreshAlgorithms()
    return registry.providerById("gossan")


@pytest.fixture
def context(qgis_application):
    return QgsProcessingContext()


@pytest.fixture
def feedback():
    return Listener()


def engine_python(*arguments: str) -> str:
    """Run the engine's Python on its own packages and return what it prints."""
    foreign = ("PYTHONHOME", "PYTHONPATH", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH")
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    done = subprocess.run(
        [str(ENGINE), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
