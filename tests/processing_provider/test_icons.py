"""The drawings, as QGIS finds them in the compiled resources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.PyQt.QtCore import QFile, QIODevice

from gossan.processing_provider.groups import GROUPS, icon

ROOT = Path(__file__).resolve().parents[2]


def test_every_group_and_the_plugin_have_a_drawing(qgis_application):
    for motif in ("gossan", *GROUPS):
        assert not icon(motif).pixmap(16, 16).isNull(), motif


def test_compiled_resources_are_those_of_the_drawings(qgis_application):
    named = re.findall(r">(plugin/icons/\w+\.svg)<", (ROOT / "resources.qrc").read_text())
    assert sorted(named) == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "plugin" / "icons").glob("*.svg")
    )
    for name in named:
        compiled = QFile(f":/plugins/gossan/{name.partition('/')[2]}")
        assert compiled.open(QIODevice.OpenModeFlag.ReadOnly)
        assert bytes(compiled.readAll()) == (ROOT / name).read_bytes(), f"compile {name} again"


def test_compiled_resources_import_qt_through_qgis():
    assert "from qgis.PyQt import QtCore" in (ROOT / "resources.py").read_text()
