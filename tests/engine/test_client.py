"""QGIS's side of the boundary, with a real engine and with engines that misbehave."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsApplication

from gossan.core.origin import gossan_version
from gossan.engine import client, environment, protocol


class Feedback:
    """Keeps what it is told and cancels when asked to, as a user does."""

    def __init__(self) -> None:
        self.progress: list[float] = []
        self.said: list[str] = []
        self.warned: list[str] = []
        self.logged: list[str] = []
        self.curve: list[tuple[int, float]] = []
        self.started = threading.Event()
        self._cancelled = threading.Event()
        self.cancelled_at = 0.0

    def cancel(self) -> None:
        self.cancelled_at = time.monotonic()
        self._cancelled.set()

    def cancel_once_started(self) -> None:
        threading.Thread(target=lambda: (self.started.wait(10), self.cancel())).start()

    def isCanceled(self) -> bool:  # noqa: N802
        return self._cancelled.is_set()

    def setProgress(self, value: float) -> None:  # noqa: N802
        self.progress.append(value)

    def pushInfo(self, text: str) -> None:  # noqa: N802
        self.said.append(text)
        self.started.set()

    def pushWarning(self, text: str) -> None:  # noqa: N802
        self.warned.append(text)

    def measured(self, step: int, values: dict[str, float]) -> None:
        self.curve.append((step, values["loss"]))

    def pushConsoleInfo(self, text: str) -> None:  # noqa: N802
        self.logged.append(text)


@pytest.fixture(scope="module", autouse=True)
def application():
    """The one QGIS application of this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    running = QgsApplication.instance()
    if running is None:
        running = QgsApplication([], True)
        running.initQgis()
    return running


@pytest.fixture(autouse=True)
def engine(engine_python, monkeypatch):
    monkeypatch.setenv("GOSSAN_ENGINE", str(engine_python))
    yield
    client.shutdown()
    assert children() == []


@pytest.fixture
def feedback():
    return Feedback()


def children() -> list[int]:
    """Return the processes that this one has started, also those that are dead but not buried."""
    own = os.getpid()
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(words[1]) == own:
            found.append(int(entry.parent.name))
    return found


def engine_process() -> int:
    """Return the process of the warm engine."""
    return client.run_job("engine.diagnose", {})["pid"]


def fake_python(tmp_path: Path, script: str) -> str:
    """Return the path of a program that stands in for the engine's Python."""
    path = tmp_path / "bin" / "python"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# ---------------------------------------------------------------- as it should be


def test_returns_the_result_and_passes_on_progress_and_messages(feedback):
    assert client.run_job("selftest.sleep", {"seconds": 0.2}, feedback) == {"seconds": 0.2}
    assert feedback.said == ["Sleeping 0.2 s"]
    assert feedback.progress == sorted(feedback.progress)
    assert feedback.progress[-1] == 100.0


def test_what_training_measures_arrives_where_somebody_draws_it(feedback):
    assert client.run_job("selftest.measure", {"losses": [0.5, 0.25]}, feedback) == {"epochs": 2}
    assert feedback.curve == [(1, 0.5), (2, 0.25)]
    assert client.run_job("selftest.measure", {"losses": [0.5]}) == {"epochs": 1}


def test_a_warm_engine_is_used_again_whatever_the_thread():
    pids = [engine_process()]
    for _ in range(3):
        thread = threading.Thread(target=lambda: pids.append(engine_process()))
        thread.start()
        thread.join()
    assert len(set(pids)) == 1
    assert pids[0] in children()


def test_jobs_at_the_same_time_run_in_engines_of_their_own():
    results = []
    threads = [
        threading.Thread(
            target=lambda: results.append(client.run_job("selftest.sleep", {"seconds": 0.5}))
        )
        for _ in range(2)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"seconds": 0.5}] * 2
    assert time.monotonic() - started < 1.0
    engine_process()
    deadline = time.monotonic() + 2
    while len(children()) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(children()) == 1  # one stays warm, the other has gone


def test_works_without_feedback_and_after_a_shutdown():
    first = engine_process()
    client.shutdown()
    assert children() == []
    assert engine_process() != first


def test_prints_of_libraries_do_no_harm(feedback):
    assert client.run_job("selftest.print", {"text": "{}"}, feedback) == {"text": "{}"}


def test_the_engine_does_not_inherit_what_misleads_it(monkeypatch, tmp_path):
    for name in ("PYTHONHOME", "PYTHONPATH", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA"):
        monkeypatch.setenv(name, str(tmp_path))
    variables = Path(f"/proc/{engine_process()}/environ").read_text().split("\0")
    inherited = {variable.partition("=")[0] for variable in variables}
    assert not {name for name in inherited if name.startswith(("PYTHON", "PROJ_", "GDAL_"))}
    assert "PATH" in inherited


# ---------------------------------------------------------------- errors of jobs


def test_an_error_of_a_job_keeps_its_kind_and_sentence(feedback):
    with pytest.raises(client.EngineError, match=r"^Band 7 of Süd\.tif is missing$") as caught:
        client.run_job("selftest.fail", {"sentence": "Band 7 of Süd.tif is missing"}, feedback)
    assert caught.value.kind == "InputError"
    assert feedback.warned == ["About to fail"]
    assert feedback.logged == []


def test_an_unforeseen_error_puts_its_traceback_into_the_log(feedback):
    with pytest.raises(client.EngineError, match="not foreseen") as caught:
        client.run_job("selftest.fail", {"sentence": "x", "expected": False}, feedback)
    assert caught.value.kind == "internal"
    assert "Traceback" in feedback.logged[0]


def test_the_log_of_one_job_does_not_appear_with_the_next(feedback):
    for sentence in ("first", "second"):
        with pytest.raises(client.EngineError):
            client.run_job("selftest.fail", {"sentence": sentence, "expected": False}, feedback)
    assert "first" not in feedback.logged[-1]


def test_lack_of_memory_says_what_to_do_and_the_engine_stays(feedback):
    before = engine_process()
    with pytest.raises(client.EngineError, match="smaller part of the image") as caught:
        client.run_job("selftest.memory", {}, feedback)
    assert caught.value.kind == "MemoryError"
    assert engine_process() == before


# ---------------------------------------------------------------- cancel


def test_a_cancelled_job_stops_and_its_engine_stays(feedback):
    before = engine_process()
    feedback.cancel_once_started()
    with pytest.raises(client.EngineCancelled):
        client.run_job("selftest.sleep", {"seconds": 30}, feedback)
    assert time.monotonic() - feedback.cancelled_at < 1.0
    assert engine_process() == before


def test_a_job_that_does_not_listen_is_stopped_in_two_seconds_and_leaves_nothing(
    feedback, tmp_path
):
    before = engine_process()
    part = tmp_path / f".map.tif.{before}.gossan-part"
    other = tmp_path / ".map.tif.1.gossan-part"
    other.touch()
    seen = []

    def cancel():
        feedback.started.wait(10)
        seen.append(part.exists())
        feedback.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(client.EngineCancelled):
        client.run_job("selftest.stubborn", {"output": str(tmp_path / "map.tif")}, feedback)
    assert time.monotonic() - feedback.cancelled_at < 2.0
    assert seen == [True]
    assert list(tmp_path.iterdir()) == [other]
    assert before not in children()
    assert engine_process() != before


def test_cancel_before_the_engine_is_ready_is_obeyed(tmp_path, monkeypatch, feedback):
    monkeypatch.setenv("GOSSAN_ENGINE", fake_python(tmp_path, "exec sleep 60\n"))
    feedback.cancel()
    started = time.monotonic()
    with pytest.raises(client.EngineCancelled):
        client.run_job("engine.diagnose", {}, feedback)
    assert time.monotonic() - started < 2.0


# ---------------------------------------------------------------- faults of the engine


def test_an_engine_killed_in_the_middle_says_so_and_the_next_run_starts_another(feedback):
    before = engine_process()
    threading.Timer(0.3, os.kill, (before, signal.SIGKILL)).start()
    with pytest.raises(client.EngineError, match="memory runs out") as caught:
        client.run_job("selftest.sleep", {"seconds": 30}, feedback)
    assert caught.value.kind == "killed"
    assert "selftest.sleep" in caught.value.message
    assert engine_process() != before


def test_an_engine_killed_while_idle_is_replaced_without_a_word():
    before = engine_process()
    os.kill(before, signal.SIGKILL)
    time.sleep(0.3)
    assert engine_process() != before


def test_a_crash_says_that_qgis_is_safe_and_logs_the_last_words(feedback):
    with pytest.raises(client.EngineError, match="QGIS and its project are not affected") as caught:
        client.run_job("selftest.crash", {}, feedback)
    assert caught.value.kind == "crash"
    assert "selftest.py" in feedback.logged[0]
    assert engine_process() in children()


def test_a_missing_engine_says_how_to_set_it_up(monkeypatch, tmp_path, feedback):
    monkeypatch.setenv("GOSSAN_ENGINE", str(tmp_path / "nowhere" / "python"))
    with pytest.raises(client.EngineError, match=r"Set up the engine….*\./run setup") as caught:
        client.run_job("engine.diagnose", {}, feedback)
    assert caught.value.kind == "missing"
    assert not client.state().ready


def test_an_engine_made_for_other_packages_is_refused(monkeypatch, tmp_path):
    python = fake_python(tmp_path, "exit 1\n")
    (tmp_path / environment.STAMP).write_text(
        '{"gossan": "0.0.1", "locks": {"engine-py3.11.txt": "old"}}'
    )
    monkeypatch.setenv("GOSSAN_ENGINE", python)
    with pytest.raises(client.EngineError, match=r"made for Gossan 0\.0\.1") as caught:
        client.run_job("engine.diagnose", {})
    assert caught.value.kind == "stale"


def test_an_engine_of_another_version_asks_for_a_restart(monkeypatch):
    monkeypatch.setattr(client, "_VERSION", "0.0.9")
    with pytest.raises(client.EngineError, match=r"0\.0\.9.*Start QGIS again") as caught:
        client.run_job("engine.diagnose", {})
    assert caught.value.kind == "version"
    assert gossan_version() in caught.value.message


def test_an_engine_that_cannot_start_gives_its_last_words(monkeypatch, tmp_path, feedback):
    monkeypatch.setenv("GOSSAN_ENGINE", fake_python(tmp_path, "echo no libpython >&2; exit 127\n"))
    with pytest.raises(client.EngineError, match="ended before it was ready") as caught:
        client.run_job("engine.diagnose", {}, feedback)
    assert caught.value.kind == "start"
    assert caught.value.detail == "no libpython"
    assert feedback.logged == ["no libpython"]


def test_a_file_that_is_no_program_cannot_be_started(monkeypatch, tmp_path):
    python = Path(fake_python(tmp_path, ""))
    python.chmod(0o644)
    monkeypatch.setenv("GOSSAN_ENGINE", str(python))
    with pytest.raises(client.EngineError, match="could not be started") as caught:
        client.run_job("engine.diagnose", {})
    assert caught.value.kind == "start"


def test_an_engine_that_says_nothing_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(client, "START_SECONDS", 0.3)
    monkeypatch.setenv("GOSSAN_ENGINE", fake_python(tmp_path, "exec sleep 60\n"))
    with pytest.raises(client.EngineError, match="did not answer") as caught:
        client.run_job("engine.diagnose", {})
    assert caught.value.kind == "start"


def test_a_banner_before_the_greeting_is_passed_over(monkeypatch, tmp_path, engine_python):
    script = f'echo "Welcome to this cluster"\nexec {engine_python} "$@"\n'
    monkeypatch.setenv("GOSSAN_ENGINE", fake_python(tmp_path, script))
    assert client.run_job("engine.diagnose", {})["gossan"] == gossan_version()


def test_garbage_in_place_of_an_answer_is_not_trusted(monkeypatch, tmp_path):
    hello = protocol.encode(protocol.Hello(protocol.PROTOCOL, gossan_version(), "3", 1)).decode()
    greeting = f"echo '{hello.strip()}'\n"
    script = greeting + "read job\necho 'Warning 1: TIFFReadDirectory'\nexec sleep 60\n"
    monkeypatch.setenv("GOSSAN_ENGINE", fake_python(tmp_path, script))
    with pytest.raises(client.EngineError, match="not a message") as caught:
        client.run_job("engine.diagnose", {})
    assert caught.value.kind == "protocol"


def test_a_shutdown_in_the_middle_ends_the_job(feedback):
    def stop():
        feedback.started.wait(10)
        client.shutdown()

    threading.Thread(target=stop).start()
    with pytest.raises(client.EngineError, match="unloaded") as caught:
        client.run_job("selftest.sleep", {"seconds": 30}, feedback)
    assert caught.value.kind == "stopped"


def test_parameters_that_are_not_plain_are_refused_before_anything_starts():
    with pytest.raises(TypeError, match="cannot cross the boundary"):
        client.run_job("selftest.sleep", {"seconds": object()})
    assert children() == []


# ---------------------------------------------------------------- how a program ends

ENDINGS = {
    "leaves QGIS properly": "app.exitQgis()",
    "shuts down by hand": "client.shutdown()\napp.exitQgis()",
    "just ends": "",
    "raises an error": "raise SystemExit(3)",
    "leaves the event loop": "QTimer.singleShot(0, app.quit)\napp.exec()",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_process_and_no_complaint_is_left_however_the_program_ends(ending, process_is_gone):
    script = (
        "from qgis.core import QgsApplication\n"
        "from qgis.PyQt.QtCore import QTimer\n"
        "app = QgsApplication([], False)\n"
        "app.initQgis()\n"
        "from gossan.engine import client\n"
        "print(client.run_job('engine.diagnose', {})['pid'], flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script + ENDINGS[ending]],
        capture_output=True,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        timeout=60,
        check=False,
    )
    assert done.returncode == (3 if "raises" in ending else 0), done.stderr
    assert "QThread" not in done.stderr
    assert "QProcess" not in done.stderr
    assert "Traceback" not in done.stderr
    assert process_is_gone(int(done.stdout.split()[-1]), 2.0)
