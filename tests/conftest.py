"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_sessionstart() -> None:
    """Where tests inside QGIS are promised, none of them may be skipped for want of QGIS."""
    if os.environ.get("GOSSAN_IN_QGIS"):
        try:
            import qgis.core  # noqa: F401
        except ImportError as error:
            pytest.exit(f"This Python cannot import QGIS: {error}", returncode=1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real data; tests that need it are skipped where it is absent."""
    shared = os.environ.get("GOSSAN_SHARED", str(ROOT.parent / "shared"))
    folder = Path(shared) / "data"
    if not folder.is_dir():
        pytest.skip("no real data here: set GOSSAN_SHARED to the folder that holds data/")
    return folder
