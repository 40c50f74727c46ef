"""The set-up of the engine from within QGIS: goes on, breaks off, goes on again, says why."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsApplication, QgsNetworkAccessManager, QgsSettings
from qgis.PyQt.QtCore import QLockFile
from qgis.PyQt.QtWidgets import QMessageBox

from gossan.engine import client, environment, installation
from gossan.engine.installation import BasePython
from gossan.plugin import engine_setup, proxy
from gossan.plugin.setup_dialog import SetupDialog, how_large, what
from gossan.plugin.setup_progress import StepProgress

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
    (environment.downloads_folder(folder) / "wheels").mkdir(parents=True)
    setup.start()
    wait_until(lambda: setup.witness.ended)
    assert setup.witness.ended == [(True, f"The engine is ready in {folder}.")]
    assert "  checked" in setup.witness.said
    assert "Looking up scipy==1.17.1" in setup.witness.doing
    assert not environment.downloads_folder(folder).exists()
    assert setup.witness.shares == sorted(setup.witness.shares)
    assert setup.witness.shares[-1] == 1.0
    assert environment.fulfils(environment.read_stamp(folder), environment.lock_files(VERSION))


def test_a_failed_step_is_named_and_nothing_is_stamped(setup, folder, steps, wait_until):
    steps("print('No matching distribution'); raise SystemExit(1)", "print('never')")
    setup.start()
    wait_until(lambda: setup.witness.ended)
    ready, sentence = setup.witness.ended[0]
    assert not ready
    assert "“Step 1” failed. The log says why." in sentence
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
    assert setup.witness.ended == [
        (False, "Stopped. What is complete is kept; starting again goes on from here.")
    ]
    assert not setup.running
    steps("print('done')")
    setup.start()
    wait_until(lambda: len(setup.witness.ended) == 2)
    assert setup.witness.ended[1][0]


def test_wheels_that_were_downloaded_before_it_failed_are_kept(setup, folder, steps, wait_until):
    steps(
        "import os, pathlib, zipfile; folder = pathlib.Path(os.environ['TMPDIR'], 'pip-unpack-1')\n"
        "folder.mkdir()\n"
        "zipfile.ZipFile(folder / 'numpy-2.4.6-py3-none-any.whl', 'w').close()\n"
        "(folder / 'scipy-1.17.1-py3-none-any.whl').write_bytes(b'PK half')\n"
        "raise SystemExit('No space left on device')"
    )
    setup.start()
    wait_until(lambda: setup.witness.ended)
    assert "The disk is full" in setup.witness.ended[0][1]
    downloads = environment.downloads_folder(folder)
    kept = downloads / "wheels" / "numpy-2.4.6-py3-none-any.whl"
    assert [path for path in downloads.rglob("*") if path.is_file()] == [kept]


def test_a_step_that_the_network_cut_off_is_taken_up_again(setup, folder, monkeypatch, wait_until):
    """Each try brings one more file; after three that bring none it gives up."""
    program = (
        "import os, pathlib, sys, zipfile; had = len(sys.argv) - 1; print('had', had)\n"
        "folder = pathlib.Path(os.environ['TMPDIR'], 'pip-unpack-1'); folder.mkdir(exist_ok=True)\n"
        "zipfile.ZipFile(folder / f'a-{min(had, 1)}-py3-none-any.whl', 'w').close()\n"
        "sys.exit('json.decoder.JSONDecodeError: Unterminated string')"
    )
    monkeypatch.setattr(
        installation,
        "setup_steps",
        lambda *_, kept, **__: [
            installation.Step("Installing", [sys.executable, "-c", program, *map(str, kept)])
        ],
    )
    setup.start()
    wait_until(lambda: setup.witness.ended)
    had = [line.strip() for line in setup.witness.said if "had" in line]
    assert had == ["had 0", "had 1", "had 2", "had 2", "had 2"]
    assert setup.witness.ended[0][1].startswith("“Installing” failed. The download was cut off.")


def test_a_stamp_that_cannot_be_written_is_said(setup, folder, steps, wait_until):
    steps("print('done')")
    (folder / f"{environment.STAMP}.part").mkdir()
    setup.start()
    wait_until(lambda: setup.witness.ended)
    ready, sentence = setup.witness.ended[0]
    assert not ready
    assert "could not be completed" in sentence


def test_it_waits_for_a_job_and_jobs_wait_for_it(setup, folder, steps, wait_until, monkeypatch):
    steps("import time; print('working', flush=True); time.sleep(60)")
    monkeypatch.setattr(client, "busy", lambda: True)
    setup.start()
    assert setup.witness.ended == [(False, engine_setup.JOB_RUNNING)]
    monkeypatch.setattr(client, "busy", lambda: False)
    setup.start()
    with pytest.raises(client.EngineError, match="is being set up") as caught:
        client.run_job("engine.diagnose", {})
    assert caught.value.kind == "busy"
    setup.cancel()
    with pytest.raises(client.EngineError, match="not set up"):
        client.run_job("engine.diagnose", {})


def test_two_at_once_do_not_get_into_each_others_way(setup, folder, steps):
    steps("print('never')")
    lock = QLockFile(str(folder) + ".lock")
    assert lock.tryLock(0)
    setup.start()
    assert setup.witness.ended == [
        (False, "Another QGIS is setting this engine up. Wait until it has ended.")
    ]
    lock.unlock()


def test_the_password_of_the_proxy_is_not_in_the_log(setup, steps, wait_until):
    steps("import os; print('through', os.environ['https_proxy'])")
    through = proxy.Proxy("http://me:s3cret@proxy:3128")  # pragma: allowlist secret
    setup.start(through=through)
    wait_until(lambda: setup.witness.ended)
    assert "  through http://…@proxy:3128" in setup.witness.said


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
    steps("import os; print(sorted({'PROJ_LIB', 'PYTHONHOME', 'HTTP_PROXY'} & set(os.environ)))")
    setup.start(through=proxy.Proxy("http://proxy:3128"))
    wait_until(lambda: setup.witness.ended)
    assert "  ['HTTP_PROXY']" in setup.witness.said


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


@pytest.fixture
def network_settings(qgis_application):
    """A function that lets QGIS use these settings of its network."""

    def use(settings: dict) -> None:
        stored = QgsSettings()
        stored.remove("proxy")
        for name, value in settings.items():
            stored.setValue(f"proxy/{name}", value)
        QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()

    yield use
    use({})


HTTP = {"proxyEnabled": True, "proxyType": "HttpProxy", "proxyHost": "proxy"}
LOGIN = {"proxyUser": "me@home", "proxyPassword": "a/b"}  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, proxy.NONE),
        ({**HTTP, "proxyEnabled": False}, proxy.NONE),
        ({**HTTP, "proxyType": "DefaultProxy"}, proxy.NONE),
        (HTTP, proxy.Proxy("http://proxy")),
        (
            {**HTTP, **LOGIN, "proxyPort": "3128"},
            proxy.Proxy("http://me%40home:a%2Fb@proxy:3128"),  # pragma: allowlist secret
        ),
        (
            {
                **HTTP,
                "proxyExcludedUrls": ["http://intranet/geoserver"],
                "noProxyUrls": ["https://maps.example:8443/x", "other.example"],
            },
            proxy.Proxy("http://proxy", ("intranet", "maps.example", "other.example")),
        ),
    ],
)
def test_the_proxy_of_qgis_is_used(network_settings, settings, found):
    network_settings(settings)
    assert proxy.of_qgis() == found


def test_a_proxy_that_cannot_be_used_is_said(network_settings):
    network_settings({**HTTP, "proxyType": "Socks5Proxy"})
    assert proxy.of_qgis().address == ""
    assert "SOCKS" in proxy.of_qgis().trouble


# ---------------------------------------------------------------- progress


def test_progress_follows_bytes_and_then_packages():
    progress = StepProgress(packages=2, megabytes=100)
    assert progress.hear("Collecting numpy==2.4.6 (from -r x.txt (line 1))").endswith(
        "numpy==2.4.6"
    )
    progress.hear("  Downloading numpy-2.4.6-cp311-cp311-linux_x86_64.whl.metadata (6 kB)")
    progress.hear("Collecting scipy==1.17.1 (from -r x.txt (line 2))")
    looked_up = progress.share
    assert progress.complete == 0
    assert "numpy-2.4.6 (80 MB)" in progress.hear(
        "Downloading numpy-2.4.6-cp311-cp311-linux_x86_64.whl (80.0 MB)"
    )
    assert "40 MB of 80 MB" in progress.hear("Progress 40000000 of 80000000")
    half = progress.share
    assert "going on with numpy-2.4.6 (attempt 3)" in progress.hear(
        "WARNING: Attempting to resume incomplete download (40.0 MB/80.0 MB, attempt 3)"
    )
    assert "trying again" in progress.hear("  WARNING: Retrying (Retry(total=4)) after connection")
    progress.hear("Downloading https://x.example/scipy-1.17.1-cp311-cp311-linux.whl (20.0 MB)")
    assert progress.complete == 1
    progress.hear("Progress 20000000 of 20000000")
    downloaded = progress.share
    assert "2 packages" in progress.hear("Installing collected packages: numpy, scipy")
    progress.see(10)
    progress.see(11)
    unpacking = progress.share
    assert "2 done" in progress.see(12)
    shares = [0, looked_up, half, downloaded, unpacking, progress.share]
    assert shares == sorted(set(shares))
    assert downloaded == pytest.approx(0.6)
    assert progress.share == pytest.approx(1)


# ---------------------------------------------------------------- the dialog


@pytest.fixture
def dialog(folder):
    dialog = SetupDialog()
    dialog.show()
    yield dialog
    dialog.dismiss()
    dialog.deleteLater()


@pytest.fixture
def answer(monkeypatch):
    """A function that says which button of the next question is pressed; it returns the texts."""
    texts: list[str] = []

    def press(label: str) -> list[str]:
        def run(box: QMessageBox) -> int:
            texts.append(f"{box.text()} {box.informativeText()}")
            (button,) = (button for button in box.buttons() if button.text() == label)
            button.click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", run)
        return texts

    return press


def test_the_dialog_says_what_where_and_how_large(dialog, folder):
    assert "not set up yet" in dialog.state.text()
    assert dialog.where.text() == str(folder)
    assert "TensorFlow" not in dialog.what.text()
    assert "200 MB to download, 800 MB on disk" in dialog.size.text()
    dialog.networks.setChecked(True)
    assert "TensorFlow" in dialog.what.text()
    assert dialog.size.text() == how_large(networks=True, download=True)
    dialog.wheels.setFilePath(str(folder))
    assert "nothing to download" in dialog.size.text()
    assert "Python 3.11 (/p)" in what(BasePython("/p", (3, 11)), networks=False)


def test_the_button_starts_stops_and_starts_again(dialog, folder, steps, wait_until):
    steps("import time; print('working', flush=True); time.sleep(60)")
    assert dialog.start_button.text() == "Set up"
    dialog.start_button.click()
    assert dialog.start_button.text() == "Stop"
    assert not dialog.start_button.isDefault()
    wait_until(lambda: "working" in dialog.log.toPlainText())
    dialog.start_button.click()
    wait_until(lambda: dialog.start_button.text() == "Set up")
    assert "Stopped" in dialog.doing.text()
    steps(
        "import pathlib; python = pathlib.Path("
        f"{str(environment.python_of(folder))!r}); python.parent.mkdir(); python.touch()"
    )
    dialog.start_button.click()
    wait_until(lambda: "ready" in dialog.doing.text())
    assert dialog.progress.value() == dialog.progress.maximum()
    assert dialog.close_button.isDefault()


def test_the_log_can_be_copied(dialog, steps, wait_until):
    steps("print('No space left on device'); raise SystemExit(1)")
    dialog.start_button.click()
    wait_until(lambda: not dialog.running)
    assert not dialog.log_box.isCollapsed()
    dialog.copy_button.click()
    copied = QgsApplication.clipboard().text()
    assert copied == dialog.log.toPlainText()
    assert "No space left on device" in copied
    assert "The disk is full" in copied


def test_closing_while_it_runs_asks_first(dialog, folder, steps, wait_until, answer):
    steps("import time; print('working', flush=True); time.sleep(60)")
    dialog.start_button.click()
    wait_until(lambda: "working" in dialog.log.toPlainText())
    answer("Keep going")
    dialog.close()
    assert dialog.running
    assert dialog.isVisible()
    asked = answer("Stop and close")
    dialog.reject()
    assert not dialog.running
    assert not dialog.isVisible()
    assert len(asked) == 2
    assert environment.read_stamp(folder) is None


def test_what_the_button_does_is_written_on_it(dialog, folder):
    def prepared() -> str:
        dialog.prepare()
        return dialog.start_button.text()

    python = environment.python_of(folder)
    python.parent.mkdir()
    python.touch()
    assert prepared() == "Go on"
    environment.write_stamp(folder, environment.lock_files(VERSION))
    assert prepared() == "Set up again"
    dialog.networks.setChecked(True)
    assert dialog.start_button.text() == "Add networks"
    environment.write_stamp(folder, environment.lock_files(VERSION, networks=True))
    assert prepared() == "Set up again"
    assert not dialog.networks.isEnabled()
    stamp = folder / environment.STAMP
    stamp.write_text(stamp.read_text().replace(': "', ': "0'))
    assert prepared() == "Bring up to date"
    assert "must be brought up" in dialog.state.text()


def test_the_engine_is_removed_only_after_a_question(dialog, folder, answer, wait_until):
    python = environment.python_of(folder)
    python.parent.mkdir()
    python.touch()
    (folder / "lib" / "python3" / "site-packages" / "numpy").mkdir(parents=True)
    environment.write_stamp(folder, environment.lock_files(VERSION))
    dialog.prepare()
    assert dialog.remove_button.isVisible()
    asked = answer("Keep")
    dialog.remove_button.click()
    assert str(folder) in asked[0]
    assert "800 MB" in asked[0]
    assert python.exists()
    answer("Remove")
    dialog.remove_button.click()
    assert not folder.exists()
    assert "not set up yet" in dialog.state.text()
    wait_until(lambda: "has been removed" in dialog.doing.text())
    assert list(folder.parent.iterdir()) == []
    assert not dialog.remove_button.isVisible()
    assert dialog.start_button.isEnabled()


def test_what_an_ended_removal_left_is_deleted_the_next_time(folder, wait_until):
    left = folder.with_name(f"removed-{folder.name}-1")
    left.mkdir()
    dialog = SetupDialog()
    wait_until(lambda: not left.exists())
    dialog.dismiss()
    dialog.deleteLater()


def test_without_a_suitable_python_the_dialog_says_why_and_looks_again(folder, monkeypatch):
    asked = engine_setup.ask
    monkeypatch.setattr(engine_setup, "ask", lambda command: None)
    dialog = SetupDialog()
    assert "No Python was found" in dialog.doing.text()
    assert dialog.choices.isHidden()
    assert dialog.start_button.text() == "Look again"
    monkeypatch.setattr(engine_setup, "ask", asked)
    dialog.start_button.click()
    assert dialog.start_button.text() == "Set up"
    assert dialog.doing.text() == ""
    assert not dialog.choices.isHidden()
    dialog.deleteLater()
