"""The set-up of the engine from within QGIS: goes on, breaks off, goes on again, says why."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsSettings

from gossan.engine import client, environment, installation
from gossan.engine.installation import BasePython
from gossan.plugin import engine_setup
from gossan.plugin.setup_dialog import SetupDialog, explanation

VERSION = sys.version_info[:2]
BASE = BasePython(sys.executable, VERSION)


class Witness:
    """Keeps what a set-up tells."""

    def __init__(self, setup: engine_setup.EngineSetup) -> None:
        self.said: list[str] = []
        self.shares: list[float] = []
        self.doing: list[str] = []
        self.ended: list[tuple[bool, str]] = []
        setup.said.connect(self.said.append)
        setup.advanced.connect(lambda share, doing: self._advanced(share, doing))
        setup.ended.connect(lambda ready, sentence: self.ended.append((ready, sentence)))

    def _advanced(self, share: float, doing: str) -> None:
        self.shares.append(share)
        self.doing.append(doing)


@pytest.fixture
def folder(tmp_path, qgis_application, monkeypatch) -> Path:
    """Folder for an environment that the profile would have."""
    monkeypatch.delenv("GOSSAN_ENGINE", raising=False)
    monkeypatch.setattr(client, "profile_folder", lambda: tmp_path)
    monkeypatch.setattr(
        client,
        "location",
        lambda: environment.locate(tmp_path, root=tmp_path / "plugin", version=VERSION),
    )
    folder = tmp_path / "gossan" / f"engine-py{VERSION[0]}.{VERSION[1]}"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def setup(folder):
    setup = engine_setup.EngineSetup(folder, BASE)
    setup.witness = Witness(setup)
    yield setup
    setup.cancel()


def test_carries_out_all_steps_and_stamps_the_environment(setup, folder, steps, wait_until):
    steps("print('Collecting numpy==2.4.6')\nprint('Collecting scipy==1.17.1')", "print('checked')")
    setup.start()
    wait_until(lambda: setup.witness.ended)
    assert setup.witness.ended == [(True, f"The engine is ready in {folder}.")]
    assert "  checked" in setup.witness.said
    assert "Collecting scipy==1.17.1" in setup.witness.doing
    assert setup.witness.shares == sorted(setup.witness.shares)
    assert setup.witness.shares[-1] == 1.0
    assert environment.fulfils(environment.read_stamp(folder), environment.lock_files(VERSION))


def test_a_failed_step_is_named_and_nothing_is_stamped(setup, folder, steps, wait_until):
    steps("print('No matching distribution'); raise SystemExit(1)", "print('never')")
    setup.start()
    wait_until(lambda: setup.witness.ended)
    ready, sentence = setup.witness.ended[0]
    assert not ready
    assert "“Step 1” failed (code 1)" in sentence
    assert "folder of wheels" in sentence
    assert "  No matching distribution" in setup.witness.said
    assert "  never" not in setup.witness.said
    assert environment.read_stamp(folder) is None


def test_a_set_up_that_was_stopped_can_be_taken_up_again(setup, folder, steps, wait_until):
    steps("import time; print('working', flush=True); time.sleep(60)")
    setup.start()
    wait_until(lambda: "  working" in setup.witness.said)
    assert setup.running
    setup.cancel()
    wait_until(lambda: setup.witness.ended)
    assert setup.witness.ended == [(False, "Stopped. Starting again goes on from here.")]
    assert not setup.running
    steps("print('done')")
    setup.start()
    wait_until(lambda: len(setup.witness.ended) == 2)
    assert setup.witness.ended[1][0]


def test_a_folder_that_cannot_be_written_is_said_at_the_end(setup, folder, steps, wait_until):
    steps("print('done')")
    folder.rmdir()
    setup.start()
    wait_until(lambda: setup.witness.ended)
    ready, sentence = setup.witness.ended[0]
    assert not ready
    assert str(folder) in sentence


def test_a_program_that_cannot_be_started_is_named(setup, monkeypatch, wait_until):
    step = installation.Step("Making an environment", ["/nowhere/python3"])
    monkeypatch.setattr(installation, "setup_steps", lambda *_, **__: [step])
    setup.start()
    wait_until(lambda: setup.witness.ended)
    assert setup.witness.ended[0][0] is False
    assert "/nowhere/python3" in setup.witness.ended[0][1]


def test_a_folder_of_wheels_that_is_not_there_is_said_before_anything_starts(setup, steps):
    steps("print('never')")
    setup.start(wheels="/nowhere/wheels")
    assert setup.witness.ended == [
        (False, "There is no folder /nowhere/wheels. Name the folder that holds the wheels.")
    ]
    assert setup.witness.said == []


def test_steps_do_not_inherit_what_misleads_them(setup, steps, wait_until, monkeypatch):
    monkeypatch.setenv("PROJ_LIB", "/nowhere")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    steps("import os; print(sorted({'PROJ_LIB', 'PYTHONHOME', 'PIP_PROXY'} & set(os.environ)))")
    setup.start(proxy="http://proxy:3128")
    wait_until(lambda: setup.witness.ended)
    assert "  ['PIP_PROXY']" in setup.witness.said


def test_an_installed_plugin_sets_up_in_the_profile(folder):
    assert engine_setup.where_to_set_up(BASE) == folder


def test_an_environment_that_the_user_named_is_not_touched(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("GOSSAN_ENGINE", str(tmp_path / "mine" / "bin" / "python"))
    with pytest.raises(ValueError, match="does not change that environment"):
        engine_setup.where_to_set_up(BASE)


def test_a_python_is_asked_without_what_misleads_it(qgis_application, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    assert engine_setup.ask([sys.executable, "-c", "print('yes')"]) == "yes\n"
    assert engine_setup.ask([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert engine_setup.ask(["/nowhere/python3"]) is None


def test_the_python_that_qgis_embeds_can_make_environments(qgis_application):
    assert installation.find_base_python(engine_setup.ask).version >= (3, 9)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, ""),
        ({"proxyEnabled": False, "proxyType": "HttpProxy", "proxyHost": "proxy"}, ""),
        ({"proxyEnabled": True, "proxyType": "Socks5Proxy", "proxyHost": "proxy"}, ""),
        ({"proxyEnabled": True, "proxyType": "HttpProxy", "proxyHost": "proxy"}, "http://proxy"),
        (
            {
                "proxyEnabled": True,
                "proxyType": "HttpProxy",
                "proxyHost": "proxy",
                "proxyPort": "3128",
                "proxyUser": "me@home",
                "proxyPassword": "a/b",  # pragma: allowlist secret
            },
            "http://me%40home:a%2Fb@proxy:3128",  # pragma: allowlist secret
        ),
    ],
)
def test_the_proxy_of_qgis_is_used(qgis_application, settings, address):
    stored = QgsSettings()
    stored.remove("proxy")
    try:
        for name, value in settings.items():
            stored.setValue(f"proxy/{name}", value)
        assert engine_setup.proxy_of_qgis() == address
    finally:
        stored.remove("proxy")


# ---------------------------------------------------------------- the dialog


def test_the_dialog_says_what_where_and_how_large():
    state = environment.State("missing", "The engine is not set up.")
    text = explanation(BASE, "/profile/gossan/engine-py3.11", state, networks=False)
    assert "/profile/gossan/engine-py3.11" in text
    assert "800 MB on disk" in text
    assert "The engine is not set up." in text
    assert "TensorFlow" not in text
    assert "TensorFlow" in explanation(BASE, "/p", state, networks=True)


def test_the_button_starts_stops_and_starts_again(folder, steps, wait_until):
    dialog = SetupDialog()
    assert "not set up" in dialog.explanation.text()
    steps("import time; print('working', flush=True); time.sleep(60)")
    dialog.start_button.click()
    assert dialog.start_button.text() == "Stop"
    wait_until(lambda: "working" in dialog.log.toPlainText())
    dialog.start_button.click()
    wait_until(lambda: dialog.start_button.text() == "Set up")
    assert "Stopped" in dialog.doing.text()
    steps("print('done')")
    dialog.start_button.click()
    wait_until(lambda: "ready" in dialog.doing.text())
    assert dialog.progress.value() == dialog.progress.maximum()
    assert not dialog.start_button.isEnabled()
    dialog.deleteLater()


def test_closing_the_dialog_stops_the_set_up(folder, steps, wait_until):
    dialog = SetupDialog()
    steps("import time; print('working', flush=True); time.sleep(60)")
    dialog.start_button.click()
    wait_until(lambda: "working" in dialog.log.toPlainText())
    dialog.reject()
    wait_until(lambda: "Stopped" in dialog.doing.text())
    assert environment.read_stamp(folder) is None
    dialog.deleteLater()


def test_without_a_suitable_python_the_dialog_says_why(folder, monkeypatch):
    monkeypatch.setattr(engine_setup, "ask", lambda command: None)
    dialog = SetupDialog()
    assert "No Python was found" in dialog.explanation.text()
    assert not dialog.start_button.isEnabled()
    dialog.deleteLater()
