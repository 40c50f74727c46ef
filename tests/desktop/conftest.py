"""What the tests of the real desktop share."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

HEADER = """ENVI
samples = {columns}
lines = {rows}
bands = {bands}
header offset = 0
data type = 2
interleave = bsq
byte order = 0
reflectance scale factor = 10000
wavelength units = Nanometers
wavelength = {{{wavelengths}}}
"""


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip for QGIS's plugin manager."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from package import build
    finally:
        sys.path.pop(0)
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def small_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 24 x 20 pixel ENVI scene of 40 bands, mixed of three smooth spectra with some noise."""
    generator = np.random.default_rng(5)
    wavelengths = np.linspace(420, 1300, 40)
    position = (wavelengths - 420) / 880
    spectra = np.stack(
        [0.1 + 0.4 * position, 0.5 - 0.3 * position, 0.2 + 0.2 * np.sin(3 * np.pi * position)]
    )
    abundances = generator.dirichlet([0.4, 0.4, 0.4], (24, 20))
    scene = abundances @ spectra + generator.normal(0, 0.002, (24, 20, 40))
    path = tmp_path_factory.mktemp("scene") / "scene.dat"
    (scene * 10000).round().astype("<i2").transpose(2, 0, 1).tofile(path)
    header = HEADER.format(
        columns=20, rows=24, bands=40, wavelengths=", ".join(f"{w:.1f}" for w in wavelengths)
    )
    path.with_suffix(".hdr").write_text(header)
    return path
