"""One small district for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gossan.examples.district import District, Settings, make_district

SMALL = Settings(seed=3, size=72, bands=40, dates=2, landsat_scenes=3, landsat_size=64)


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> District:
    """Every product of a small district."""
    folder: Path = tmp_path_factory.mktemp("district")
    return make_district(folder, SMALL)
