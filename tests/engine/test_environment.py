"""Where the engine's environment is, what state it is in, and how it is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gossan.core.origin import gossan_version
from gossan.engine import environment
from gossan.engine.environment import ROOT, Location

VERSIONS = [(3, 9), (3, 10), (3, 11), (3, 12), (3, 13)]


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
    assert str(tmp_path) in found.fact
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


# ---------------------------------------------------------------- what is inherited


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
