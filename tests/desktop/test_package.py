"""The zip is small, clean and installs through QGIS's own plugin installer."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINE = Path(os.environ.get("GOSSAN_ENGINE", ROOT / ".venv" / "bin" / "python"))

INSTALL_AND_RUN = """
import json, os, traceback
from qgis.PyQt.QtCore import QTimer

RASTER = {raster!r}
ANSWER = {answer!r}


def work():
    answer = {{}}
    try:
        import pyplugin_installer
        import qgis.utils

        pyplugin_installer.instance().installFromZipFile({archive!r})
        answer["active"] = "gossan" in qgis.utils.active_plugins
        answer["file"] = qgis.utils.plugins["gossan"].__module__ and __import__("gossan").__file__
        import processing

        result = processing.run(
            "gossan:estimateendmembercount", {{"INPUT": RASTER, "REPORT": ANSWER + ".html"}}
        )
        answer["result"] = {{key: value for key, value in result.items()}}
        answer["unloaded"] = qgis.utils.unloadPlugin("gossan")
    except Exception:
        answer["error"] = traceback.format_exc()
    with open(ANSWER, "w") as file:
        json.dump(answer, file, default=str)
    from qgis.PyQt.QtWidgets import QApplication
    QApplication.instance().exit(0)
    QTimer.singleShot(3000, lambda: os._exit(0))


QTimer.singleShot(1500, work)
"""


def test_zip_holds_one_folder_with_what_a_user_needs(archive: Path):
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
    assert {name.split("/")[0] for name in names} == {"gossan"}
    for needed in ("__init__.py", "metadata.txt", "LICENSE", "resources.py", "engine/server.py"):
        assert f"gossan/{needed}" in names
    assert sorted(name for name in names if name.endswith("metadata.txt"))[0] == (
        "gossan/metadata.txt"
    )
    assert not [
        name
        for name in names
        if "test" in Path(name).name
        and name.endswith(".py")
        and name != "gossan/engine/selftest.py"
    ]
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_zip_is_the_same_each_time(archive: Path, tmp_path: Path):
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from package import build
    finally:
        sys.path.pop(0)
    assert build(tmp_path).read_bytes() == archive.read_bytes()


def test_metadata_has_what_the_plugin_repository_asks_for(archive: Path):
    with zipfile.ZipFile(archive) as content:
        text = content.read("gossan/metadata.txt").decode("utf-8")
    metadata = configparser.ConfigParser()
    metadata.read_string(text)
    general = metadata["general"]
    for key in (
        "name",
        "description",
        "about",
        "version",
        "author",
        "email",
        "repository",
        "tracker",
        "qgisMinimumVersion",
    ):
        assert general.get(key), key
    assert general["hasProcessingProvider"] == "yes"
    assert general["qgisMinimumVersion"] == "3.22"


def scanner(name: str) -> str:
    found = ENGINE.parent / name
    if not found.exists():
        pytest.skip(f"{name} is not installed beside the engine")
    return str(found)


def test_bandit_finds_nothing_in_the_zip(archive: Path, tmp_path: Path):
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path)
    run = subprocess.run(
        [scanner("bandit"), "-q", "-r", "gossan", "-f", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    findings = json.loads(run.stdout)["results"]
    assert [(f["filename"], f["line_number"], f["test_id"]) for f in findings] == []


def test_detect_secrets_finds_nothing_in_the_zip(archive: Path, tmp_path: Path):
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path)
    run = subprocess.run(
        [scanner("detect-secrets"), "scan", "--all-files", "gossan"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout)["results"] == {}


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs a virtual screen")
@pytest.mark.skipif(shutil.which("qgis") is None, reason="needs QGIS")
def test_zip_installs_through_qgis_and_an_algorithm_runs_from_there(
    archive: Path, tmp_path: Path, small_scene: Path
):
    answer = tmp_path / "answer.json"
    script = tmp_path / "install.py"
    script.write_text(
        INSTALL_AND_RUN.format(raster=str(small_scene), archive=str(archive), answer=str(answer))
    )
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("QT_QPA_PLATFORM", "PYTHONPATH", "DISPLAY")
    }
    environment.update(GOSSAN_ENGINE=str(ENGINE), HOME=str(tmp_path), LC_ALL="C.UTF-8")
    run = subprocess.run(
        [
            "xvfb-run",
            "-a",
            "qgis",
            "--profiles-path",
            str(tmp_path / "profiles"),
            "--nologo",
            "--noversioncheck",
            "--code",
            str(script),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert answer.exists(), run.stderr[-2000:]
    content = json.loads(answer.read_text())
    assert "error" not in content, content
    assert content["active"]
    assert Path(content["file"]).is_relative_to(tmp_path / "profiles")
    assert content["result"]["HYSIME"] >= 1
    assert content["unloaded"]
