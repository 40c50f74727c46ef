"""Where the engine's environment is, what state it is in, and how it is made."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gossan.core.origin import gossan_version
from gossan.engine import environment
from gossan.engine.environment import ROOT, BasePython, Location

VERSIONS = [(3, 9), (3, 10), (3, 11), (3, 12), (3, 13)]


@pytest.fixture
def plugin(tmp_path) -> Path:
    """A plugin folder with lock files for Python 3.11 only."""
    root = tmp_path / "plugin"
    requirements = root / "engine" / "requirements"
    requirements.mkdir(parents=True)
    (requirements / "engine-py3.11.txt").write_text("# pinned\nnumpy==2.4.6\nscipy==1.17.1\n")
    (requirements / "networks-py3.11.txt").write_text("tensorflow==2.21.0\n")
    (requirements / "test-py3.11.txt").write_text("pytest==9.2.0\n")
    return root


def make_python(folder: Path) -> Path:
    python = environment.python_of(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    return python


# ---------------------------------------------------------------- version


def test_all_places_state_the_same_version():
    stated = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert gossan_version() == stated.group(1)


# ---------------------------------------------------------------- where


def test_the_variable_goes_before_all(tmp_path, plugin):
    make_python(plugin / ".venv")
    chosen = tmp_path / "mine" / "bin" / "python"
    found = environment.locate(
        tmp_path, root=plugin, variables={"GOSSAN_ENGINE": str(chosen)}, version=(3, 11)
    )
    assert found == Location(tmp_path / "mine", chosen, "variable")


def test_a_checkout_uses_its_own_environment(tmp_path, plugin):
    python = make_python(plugin / ".venv")
    found = environment.locate(tmp_path, root=plugin, variables={}, version=(3, 11))
    assert found == Location(plugin / ".venv", python, "checkout")


def test_an_installed_plugin_keeps_the_environment_in_the_profile(tmp_path, plugin):
    found = environment.locate(tmp_path, root=plugin, variables={}, version=(3, 12))
    assert found.folder == tmp_path / "gossan" / "engine-py3.12"
    assert found.source == "profile"
    assert plugin not in found.folder.parents


def test_a_complete_environment_of_another_python_in_the_profile_is_used(tmp_path, plugin):
    folder = tmp_path / "gossan" / "engine-py3.11"
    make_python(folder)
    environment.write_stamp(folder, [])
    found = environment.locate(tmp_path, root=plugin, variables={}, version=(3, 12))
    assert found.folder == folder


@pytest.mark.parametrize(
    ("platform", "path"),
    [("linux", "bin/python"), ("darwin", "bin/python"), ("win32", "Scripts/python.exe")],
)
def test_the_python_of_an_environment_is_where_venv_puts_it(platform, path):
    assert environment.python_of(Path("env"), platform) == Path("env") / path


# ---------------------------------------------------------------- state


def test_a_missing_environment_says_how_to_set_it_up(tmp_path):
    found = environment.state(Location(tmp_path, environment.python_of(tmp_path), "profile"))
    assert found.kind == "missing"
    assert not found.ready
    assert str(tmp_path) in found.sentence
    assert "Set up the engine" in found.sentence
    assert "./run setup" in found.sentence


def test_a_broken_off_set_up_is_not_ready(tmp_path):
    python = make_python(tmp_path)
    found = environment.state(Location(tmp_path, python, "profile"))
    assert found.kind == "unfinished"
    assert "not finished" in found.sentence


def test_a_finished_environment_is_ready_until_a_lock_file_changes(tmp_path, plugin):
    folder = tmp_path / "env"
    location = Location(folder, make_python(folder), "profile")
    locks = environment.lock_files((3, 11), test=True, root=plugin)
    environment.write_stamp(folder, locks)
    assert environment.state(location, root=plugin).ready
    locks[1].write_text("pytest==10\n")  # what tests need does not matter to the engine
    assert environment.state(location, root=plugin).ready
    assert not environment.fulfils(environment.read_stamp(folder), locks)
    locks[0].write_text("numpy==3.0\n")
    found = environment.state(location, root=plugin)
    assert found.kind == "stale"
    assert gossan_version() in found.sentence


def test_an_environment_that_the_user_named_needs_no_stamp(tmp_path):
    assert environment.state(Location(tmp_path, make_python(tmp_path), "variable")).ready


@pytest.mark.parametrize("text", ["", "{", "[]", '{"locks": 3}', "\0"])
def test_a_damaged_stamp_counts_as_none(tmp_path, text):
    (tmp_path / environment.STAMP).write_text(text)
    assert environment.read_stamp(tmp_path) is None


def test_more_parts_than_the_stamp_names_are_not_fulfilled(tmp_path, plugin):
    environment.write_stamp(tmp_path, environment.lock_files((3, 11), root=plugin))
    stamp = environment.read_stamp(tmp_path)
    assert environment.fulfils(stamp, environment.lock_files((3, 11), root=plugin))
    with_networks = environment.lock_files((3, 11), networks=True, root=plugin)
    assert not environment.fulfils(stamp, with_networks)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_supported_python_has_lock_files_that_pin_everything(version):
    for lock in environment.lock_files(version, networks=True, test=True):
        lines = lock.read_text().split()
        assert lines
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^=]+", line) for line in lines)


def test_an_unsupported_python_is_refused_with_those_that_are_supported(plugin):
    with pytest.raises(ValueError, match=r"cannot use Python 3\.8: .* Python 3\.11\."):
        environment.lock_files((3, 8), root=plugin)


# ---------------------------------------------------------------- which Python


def test_on_debian_it_is_the_one_that_qgis_embeds():
    assert environment.base_python_candidates(
        prefixes=("/usr", "/usr"), platform="linux", version=(3, 11), variables={}
    ) == ["/usr/bin/python3.11", "/usr/bin/python3"]


def test_on_windows_it_is_the_one_beside_qgis():
    found = environment.base_python_candidates(
        prefixes=(r"C:\QGIS\apps\Python39", r"C:\QGIS\apps\Python39"),
        platform="win32",
        version=(3, 9),
        variables={"OSGEO4W_ROOT": r"C:\QGIS"},
    )
    assert found[0] == r"C:\QGIS\apps\Python39\python.exe"


def test_on_a_mac_it_is_looked_for_in_the_bundle():
    prefix = "/Applications/QGIS.app/Contents/Frameworks/Python.framework/Versions/3.9"
    found = environment.base_python_candidates(
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
    found = environment.base_python_candidates(
        prefixes=("/opt/qgis",), platform=platform, version=(3, 9), variables={}
    )
    assert "/opt/qgis/bin/qgis" not in found


def test_the_users_choice_goes_first():
    found = environment.base_python_candidates(
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
    found = environment.find_base_python(
        lambda command: answers[command[0]],
        candidates=["/absent", *answers],
        root=plugin,
        exists=lambda path: path in answers,
    )
    assert found == BasePython("/good", (3, 11))


def test_where_no_python_will_do_each_is_named_with_its_reason(plugin):
    with pytest.raises(ValueError, match="GOSSAN_ENGINE_BASE") as caught:
        environment.find_base_python(
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
        environment.probe_command(str(engine_python)), capture_output=True, text=True, check=True
    )
    assert environment.read_probe(done.stdout) in VERSIONS


# ---------------------------------------------------------------- how


def test_the_steps_make_install_and_check(plugin, tmp_path):
    folder = tmp_path / "env"
    base = BasePython("/usr/bin/python3", (3, 11))
    steps = environment.setup_steps(base, folder, root=plugin)
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
    steps = environment.setup_steps(
        base, tmp_path, networks=True, wheels="/media/wheels", root=plugin
    )
    installing = [step.command for step in steps if "install" in step.command]
    assert len(installing) == 2
    for command in installing:
        at = command.index("--no-index")
        assert command[at + 1 : at + 3] == ["--find-links", "/media/wheels"]


def test_an_environment_whose_python_is_gone_is_made_anew(plugin, tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    steps = environment.setup_steps(BasePython("/p", (3, 11)), tmp_path, root=plugin)
    assert "--clear" in steps[0].command
    make_python(tmp_path)
    steps = environment.setup_steps(BasePython("/p", (3, 11)), tmp_path, root=plugin)
    assert "--clear" not in steps[0].command


def test_lack_of_space_is_said_beforehand(tmp_path, monkeypatch):
    assert environment.space_problem(tmp_path / "deep" / "env") == ""
    monkeypatch.setitem(environment.DISK_MEGABYTES, "networks", 10**12)
    sentence = environment.space_problem(tmp_path / "deep" / "env", networks=True)
    assert "Make room" in sentence


def test_variables_that_mislead_another_python_are_taken_out():
    base = {
        "PATH": "/usr/bin",
        "HOME": "/home/x",
        "PYTHONHOME": "/opt/qgis",
        "PYTHONPATH": "/opt/qgis",
        "PythonPath": "/opt/qgis",
        "PROJ_LIB": "/usr/share/proj",
        "PROJ_DATA": "/usr/share/proj",
        "GDAL_DATA": "/usr/share/gdal",
        "GDAL_DRIVER_PATH": "/usr/lib/gdal",
        "__PYVENV_LAUNCHER__": "/opt/qgis",
        "OMP_NUM_THREADS": "1",
    }
    assert environment.child_environment(base) == {
        "PATH": "/usr/bin",
        "HOME": "/home/x",
        "OMP_NUM_THREADS": "1",
    }


def test_a_proxy_with_its_password_is_not_on_the_command_line(plugin, tmp_path):
    proxy = "http://user:secret@proxy:3128"  # pragma: allowlist secret
    assert environment.setup_environment({}, proxy=proxy) == {"PIP_PROXY": proxy}
    assert environment.setup_environment({"PYTHONHOME": "/q"}) == {}


def test_the_set_up_script_is_silent_where_nothing_is_to_do(tmp_path, engine_python):
    make = subprocess.run(
        environment.probe_command(str(engine_python)), capture_output=True, text=True, check=True
    )
    version = environment.read_probe(make.stdout)
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
