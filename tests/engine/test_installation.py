"""How the engine's environment is made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gossan.engine import environment, installation
from gossan.engine.environment import ROOT
from gossan.engine.installation import BasePython


def make_python(folder: Path) -> Path:
    python = environment.python_of(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    return python


# ---------------------------------------------------------------- which Python


def test_on_debian_it_is_the_one_that_qgis_embeds():
    assert installation.base_python_candidates(
        prefixes=("/usr", "/usr"), platform="linux", version=(3, 11), variables={}
    ) == ["/usr/bin/python3.11", "/usr/bin/python3"]


def test_on_windows_it_is_the_one_beside_qgis():
    found = installation.base_python_candidates(
        prefixes=(r"C:\QGIS\apps\Python39", r"C:\QGIS\apps\Python39"),
        platform="win32",
        version=(3, 9),
        variables={"OSGEO4W_ROOT": r"C:\QGIS"},
    )
    assert found[0] == r"C:\QGIS\apps\Python39\python.exe"


def test_on_a_mac_it_is_looked_for_in_the_bundle():
    prefix = "/Applications/QGIS.app/Contents/Frameworks/Python.framework/Versions/3.9"
    found = installation.base_python_candidates(
        prefixes=(prefix, prefix), platform="darwin", version=(3, 9), variables={}
    )
    assert found[0] == f"{prefix}/bin/python3.9"
    assert "/Applications/QGIS.app/Contents/MacOS/bin/python3" in found
    assert found.index("/usr/bin/python3") > found.index(
        "/Applications/QGIS.app/Contents/MacOS/bin/python3"
    )


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_running_program_is_never_taken_for_python(monkeypatch, platform):
    monkeypatch.setattr(sys, "executable", "/opt/qgis/bin/qgis")
    found = installation.base_python_candidates(
        prefixes=("/opt/qgis",), platform=platform, version=(3, 9), variables={}
    )
    assert "/opt/qgis/bin/qgis" not in found


def test_the_users_choice_goes_first():
    found = installation.base_python_candidates(
        prefixes=("/usr",),
        platform="linux",
        version=(3, 11),
        variables={"GOSSAN_ENGINE_BASE": "/p"},
    )
    assert found[0] == "/p"


def test_the_first_python_that_makes_environments_is_taken(plugin):
    answers = {
        "/without-venv": None,
        "/noise": "hello",
        "/32-bit": json.dumps({"version": [3, 11], "bits": 32}),
        "/too-new": json.dumps({"version": [3, 99], "bits": 64}),
        "/good": "a warning\n" + json.dumps({"version": [3, 11], "bits": 64}) + "\n",
        "/also-good": json.dumps({"version": [3, 11], "bits": 64}),
    }
    found = installation.find_base_python(
        lambda command: answers[command[0]],
        candidates=["/absent", *answers],
        root=plugin,
        exists=lambda path: path in answers,
    )
    assert found == BasePython("/good", (3, 11))


def test_where_no_python_will_do_each_is_named_with_its_reason(plugin):
    with pytest.raises(ValueError, match="GOSSAN_ENGINE_BASE") as caught:
        installation.find_base_python(
            lambda command: None,
            candidates=["/absent", "/without-venv"],
            root=plugin,
            exists=lambda path: path == "/without-venv",
        )
    assert "/absent: not there" in str(caught.value)
    assert "/without-venv: cannot make environments" in str(caught.value)
    assert "python3-venv" in str(caught.value)


def test_a_real_python_answers_the_probe(engine_python):
    done = subprocess.run(
        installation.probe_command(str(engine_python)), capture_output=True, text=True, check=True
    )
    assert environment.lock_files(installation.read_probe(done.stdout))


# ---------------------------------------------------------------- how


def test_the_steps_make_install_and_check(plugin, tmp_path):
    folder = tmp_path / "env"
    base = BasePython("/usr/bin/python3", (3, 11))
    steps = installation.setup_steps(base, folder, root=plugin)
    python = str(environment.python_of(folder))
    assert steps[0].command == ["/usr/bin/python3", "-I", "-m", "venv", str(folder)]
    assert "--system-site-packages" not in steps[0].command
    assert steps[1].command[:4] == [python, "-I", "-m", "pip"]
    assert steps[1].packages == 2
    assert "2 packages" in steps[1].description
    assert steps[1].command[-2:] == [
        "-r",
        str(plugin / "engine" / "requirements" / "engine-py3.11.txt"),
    ]
    assert steps[-1].command[0] == python
    assert "numpy" in steps[-1].command[-1]
    assert "tensorflow" not in steps[-1].command[-1]


def test_with_a_folder_of_wheels_nothing_is_downloaded(plugin, tmp_path):
    base = BasePython("/usr/bin/python3", (3, 11))
    steps = installation.setup_steps(
        base, tmp_path, networks=True, wheels="/media/wheels", root=plugin
    )
    installing = [step.command for step in steps if "install" in step.command]
    assert len(installing) == 2
    for command in installing:
        at = command.index("--no-index")
        assert command[at + 1 : at + 3] == ["--find-links", "/media/wheels"]


def test_an_environment_whose_python_is_gone_is_made_anew(plugin, tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    steps = installation.setup_steps(BasePython("/p", (3, 11)), tmp_path, root=plugin)
    assert "--clear" in steps[0].command
    make_python(tmp_path)
    steps = installation.setup_steps(BasePython("/p", (3, 11)), tmp_path, root=plugin)
    assert "--clear" not in steps[0].command


def test_lack_of_space_is_said_beforehand(tmp_path, monkeypatch):
    assert installation.space_problem(tmp_path / "deep" / "env") == ""
    monkeypatch.setitem(installation.DISK_MEGABYTES, "networks", 10**12)
    sentence = installation.space_problem(tmp_path / "deep" / "env", networks=True)
    assert "Make room" in sentence


def test_a_proxy_with_its_password_is_not_on_the_command_line(plugin, tmp_path):
    proxy = "http://user:secret@proxy:3128"  # pragma: allowlist secret
    assert installation.setup_environment({}, proxy=proxy) == {"PIP_PROXY": proxy}
    assert installation.setup_environment({"PYTHONHOME": "/q"}) == {}


def test_the_set_up_script_is_silent_where_nothing_is_to_do(tmp_path, engine_python):
    make = subprocess.run(
        installation.probe_command(str(engine_python)), capture_output=True, text=True, check=True
    )
    version = installation.read_probe(make.stdout)
    make_python(tmp_path)
    environment.write_stamp(tmp_path, environment.lock_files(version))
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "setup_engine.py"), "--create", str(tmp_path)],
        capture_output=True,
        text=True,
        env={"GOSSAN_ENGINE_BASE": str(engine_python), "PATH": "/usr/bin:/bin"},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
