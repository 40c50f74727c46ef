"""The plugin comes and goes without a trace, with a window and without."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from gossan.engine import environment
from gossan.engine.environment import ROOT
from gossan.plugin.diagnosis import describe


def run(program: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program],
        capture_output=True,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **variables},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("engine", ["engine", "no engine"])
def test_twenty_loads_and_unloads_leave_nothing(engine, tmp_path):
    python = os.environ.get("GOSSAN_ENGINE", str(ROOT / ".venv" / "bin" / "python"))
    if engine == "no engine":
        python = str(tmp_path / "python")
    elif not Path(python).exists():
        pytest.skip("the engine is not set up: ./run setup")
    script = Path(__file__).with_name("reloading.py")
    done = run([str(script), engine], GOSSAN_ENGINE=python)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "QThread" not in done.stderr
    assert "QProcess" not in done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    for loaded in counts["loaded"]:
        assert loaded["menus"] == counts["before"]["menus"] + 1
        assert loaded["buttons"] == counts["before"]["buttons"] + 1
        assert loaded["providers"] == counts["before"]["providers"] + 1
        assert loaded["banners"] == (engine == "no engine")
    assert counts["after"] == [counts["before"]] * 20


def test_works_without_a_window_and_twice():
    program = (
        "from qgis.core import QgsApplication\n"
        "app = QgsApplication([], False)\n"
        "app.initQgis()\n"
        "from gossan import classFactory\n"
        "registry = QgsApplication.processingRegistry()\n"
        "for _ in range(2):\n"
        "    plugin = classFactory(None)\n"
        "    plugin.initProcessing()\n"
        "    plugin.initGui()\n"
        "    assert registry.providerById('gossan') is not None\n"
        "    plugin.unload()\n"
        "    assert registry.providerById('gossan') is None\n"
        "print('done')\n"
    )
    done = run(["-c", program])
    assert done.stdout.strip() == "done", done.stderr


def test_loading_imports_no_optional_package():
    program = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in {'numpy', 'scipy', 'sklearn', 'rasterio', 'numba',\n"
        "                'matplotlib', 'dask', 'skops', 'tensorflow'}:\n"
        "            raise ImportError(name)\n"
        "from qgis.core import QgsApplication\n"
        "import qgis.utils\n"
        "app = QgsApplication([], False)\n"
        "app.initQgis()\n"
        "before = set(sys.modules)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from gossan import classFactory\n"
        "plugin = classFactory(None)\n"
        "plugin.initGui()\n"
        "print(len(plugin.provider.algorithms()) > 0)\n"
        "plugin.unload()\n"
    )
    done = run(["-c", program])
    assert done.stdout.strip() == "True", done.stderr


def test_metadata_names_what_the_plugin_repository_asks_for():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    general = parser["general"]
    for name in (
        *("name", "qgisMinimumVersion", "description", "about", "version", "author", "email"),
        *("homepage", "tracker", "repository", "tags", "icon", "category", "license"),
    ):
        assert general[name].strip(), name
    assert general["qgisMinimumVersion"] == "3.22"
    assert general.getboolean("hasProcessingProvider")
    assert (ROOT / general["icon"]).is_file()


def test_the_diagnosis_tells_versions_and_what_is_not_installed():
    state = environment.State("ready", "The engine is ready in /env.")
    answer = {
        "gossan": "0.1.0",
        "python": "3.11.2",
        "executable": "/env/bin/python",
        "platform": "Linux",
        "cores": 2,
        "memory_gib": 23.5,
        "memory_available_gib": 20.0,
        "packages": {"numpy": "2.4.6", "tensorflow": None},
    }
    text = describe(state, answer)
    assert "The engine is ready in /env." in text
    assert "2 cores, 20.0 of 23.5 GiB" in text
    assert "    numpy 2.4.6\n    tensorflow not installed" in text


def test_the_diagnosis_of_a_missing_engine_says_how_to_set_it_up():
    state = environment.State("missing", "The engine is not set up.")
    assert "./run setup" in describe(state, None)


def test_no_algorithm_is_listed_twice():
    from gossan.processing_provider.provider import ALGORITHMS

    assert len(set(ALGORITHMS)) == len(ALGORITHMS)


def test_the_diagnosis_can_be_copied(qgis_application):
    from gossan.plugin.text_dialog import TextDialog

    dialog = TextDialog("Gossan: diagnosis", "Gossan 0.1.0\nThe engine is ready.")
    dialog.copy_button.click()
    assert qgis_application.clipboard().text() == "Gossan 0.1.0\nThe engine is ready."
    dialog.deleteLater()
