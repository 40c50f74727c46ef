"""The real engine, driven over its pipes as QGIS's side drives it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gossan.core.origin import gossan_version
from gossan.engine import protocol
from gossan.engine.environment import ROOT

SERVER = ROOT / "engine" / "server.py"


class Talk:
    """A conversation with an engine."""

    def __init__(self, python: Path, server: Path = SERVER, **variables: str) -> None:
        self.process = subprocess.Popen(
            [str(python), "-I", str(server)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
        )
        self.hello = self.hear()

    def say(self, message: protocol.AnyMessage) -> None:
        self.process.stdin.write(protocol.encode(message))
        self.process.stdin.flush()

    def hear(self) -> protocol.AnyMessage:
        return protocol.decode(self.process.stdout.readline())

    def hear_to_the_end(self) -> list[protocol.AnyMessage]:
        heard = [self.hear()]
        ends = (protocol.Result, protocol.Failure, protocol.Cancelled)
        while not isinstance(heard[-1], ends):
            heard.append(self.hear())
        return heard

    def run(self, name: str, **parameters) -> list[protocol.AnyMessage]:
        self.say(protocol.Job(1, name, parameters))
        return self.hear_to_the_end()

    def close(self) -> str:
        """Hang up and return what the engine wrote to standard error."""
        _, words = self.process.communicate(timeout=10)
        return words.decode("utf-8", "replace")


@pytest.fixture
def talk(engine_python):
    talk = Talk(engine_python)
    yield talk
    if talk.process.poll() is None:
        talk.process.kill()
        talk.process.communicate()


def test_greets_with_its_versions_and_process(talk):
    assert talk.hello == protocol.Hello(
        protocol.PROTOCOL, gossan_version(), talk.hello.python, talk.process.pid
    )


def test_tells_what_it_has(talk):
    end = talk.run("engine.diagnose")[-1].value
    assert end["gossan"] == gossan_version()
    assert end["packages"]["numpy"].startswith("2")
    assert end["cores"] >= 1
    assert end["memory_gib"] > end["memory_available_gib"] > 0


def test_prints_of_libraries_do_not_reach_the_line(talk):
    heard = talk.run("selftest.print", text='{"type": "quit"}')
    assert [type(message) for message in heard] == [protocol.Message, protocol.Result]
    talk.say(protocol.Quit())
    assert talk.close().count('{"type": "quit"}') == 2


def test_reports_progress_at_a_rate_that_people_can_see_and_to_the_end(talk):
    heard = talk.run("selftest.sleep", seconds=0.5, steps=500)
    fractions = [message.value for message in heard if isinstance(message, protocol.Fraction)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert 3 <= len(fractions) <= 15


def test_passes_on_an_error_that_users_can_act_on(talk):
    heard = talk.run("selftest.fail", sentence="Band 7 of Süd.tif is missing")
    assert heard[0] == protocol.Warn(1, "About to fail")
    assert heard[-1] == protocol.Failure(1, "InputError", "Band 7 of Süd.tif is missing")


def test_an_unforeseen_error_gives_a_sentence_and_leaves_its_traceback_in_the_log(talk):
    end = talk.run("selftest.fail", sentence="divided", expected=False)[-1]
    assert end.kind == "internal"
    assert "selftest.fail" in end.message
    assert "ZeroDivisionError: divided" in end.message
    words = talk.close()
    assert "Traceback" in words
    assert "selftest.py" in words


def test_lack_of_memory_says_what_to_do_and_the_engine_lives_on(talk):
    end = talk.run("selftest.memory")[-1]
    assert end.kind == "MemoryError"
    assert "fewer bands" in end.message
    assert isinstance(talk.run("engine.diagnose")[-1], protocol.Result)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("selftest.slep", {}, "no job named 'selftest.slep'. Did you mean 'selftest.sleep'?"),
        ("selftest.sleep", {"second": 1}, "knows no parameter second. It has: seconds, steps."),
        ("selftest.fail", {}, "lacks the parameter sentence."),
    ],
)
def test_a_wrong_job_or_parameter_is_named(talk, name, parameters, words):
    end = talk.run(name, **parameters)[-1]
    assert end.kind == "InputError"
    assert words in end.message


def test_a_cancelled_job_stops_and_the_next_one_runs(talk):
    talk.say(protocol.Job(7, "selftest.sleep", {"seconds": 30}))
    assert talk.hear().id == 7
    talk.say(protocol.Cancel(7))
    assert talk.hear_to_the_end()[-1] == protocol.Cancelled(7)
    assert isinstance(talk.run("selftest.sleep", seconds=0.01)[-1], protocol.Result)


def test_a_line_that_is_no_message_is_logged_and_passed_over(talk):
    talk.process.stdin.write(b"what?\n")
    assert isinstance(talk.run("engine.diagnose")[-1], protocol.Result)
    assert "not a message" in talk.close()


def test_ends_at_once_when_its_client_hangs_up_in_the_middle_of_a_job(talk):
    talk.say(protocol.Job(1, "selftest.stubborn", {"seconds": 60}))
    talk.hear()
    talk.process.communicate(timeout=2)
    assert talk.process.returncode == 0


def test_dies_with_a_client_that_is_killed(engine_python, process_is_gone):
    client = (
        "import subprocess, sys; from gossan.engine import protocol;"
        f"command = [{str(engine_python)!r}, '-I', {str(SERVER)!r}];"
        "p = subprocess.Popen(command, stdin=-1, stdout=-1);"
        "p.stdin.write(protocol.encode(protocol.Job(1, 'selftest.stubborn', {})));"
        "p.stdin.flush(); p.stdout.readline(); p.stdout.readline();"
        "print(p.pid, flush=True); p.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE)
    engine = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert process_is_gone(engine, 2.0)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_in_the_terminal_is_left_to_the_client(talk):
    talk.say(protocol.Job(1, "selftest.sleep", {"seconds": 0.3}))
    talk.hear()
    talk.process.send_signal(signal.SIGINT)
    assert isinstance(talk.hear_to_the_end()[-1], protocol.Result)


def test_finds_its_package_in_a_folder_of_any_name(engine_python, tmp_path):
    plugin = tmp_path / "gossan-main (1) é"
    plugin.mkdir()
    for name in ("__init__.py", "metadata.txt"):
        shutil.copy(ROOT / name, plugin)
    for name in ("engine", "core", "models"):
        shutil.copytree(ROOT / name, plugin / name, ignore=shutil.ignore_patterns("__pycache__"))
    talk = Talk(engine_python, plugin / "engine" / "server.py")
    end = talk.run("engine.diagnose")[-1].value
    talk.close()
    assert end["folder"] == str(plugin)


def test_is_not_misled_by_the_variables_of_another_python(engine_python, tmp_path):
    (tmp_path / "json.py").write_text("raise RuntimeError('foreign')")
    talk = Talk(engine_python, PYTHONPATH=str(tmp_path), PROJ_LIB=str(tmp_path))
    assert isinstance(talk.run("engine.diagnose")[-1], protocol.Result)
    talk.close()


def test_a_fault_in_compiled_code_leaves_a_trace_in_the_log(talk):
    talk.say(protocol.Job(1, "selftest.crash", {}))
    talk.process.wait(timeout=5)
    assert talk.process.returncode != 0
    assert "selftest.py" in talk.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_loads_no_compiled_science_before_a_job_needs_it(talk):
    loaded = Path(f"/proc/{talk.process.pid}/maps").read_text()
    for package in ("numpy", "scipy", "sklearn", "rasterio", "numba"):
        assert f"/{package}/" not in loaded


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process offer itself")
def test_where_memory_runs_out_the_system_ends_the_engine_before_qgis(talk):
    score = Path(f"/proc/{talk.process.pid}/oom_score_adj").read_text()
    assert int(score) > int(Path("/proc/self/oom_score_adj").read_text())


def test_waits_for_jobs_without_using_the_processor(talk):
    talk.run("engine.diagnose")
    before = sum(_cpu(talk.process.pid))
    time.sleep(0.5)
    assert sum(_cpu(talk.process.pid)) - before <= 2


def _cpu(pid: int) -> tuple[int, int]:
    """Return user and system time in clock ticks."""
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]), int(words[12])
