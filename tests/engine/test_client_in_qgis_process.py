"""The boundary in the real ``qgis_process``: results, Ctrl+C, and what is left when it is killed.

A plugin made for the test gives the toolbox one algorithm that runs any job.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from gossan.engine.environment import ROOT

PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no qgis_process here")

METADATA = """[general]
name=jobrunner
qgisMinimumVersion=3.22
description=Runs any job
about=Runs any job
version=1
author=Test
email=test@example.com
hasProcessingProvider=yes
"""

PLUGIN = """
import json

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputString,
    QgsProcessingParameterString,
    QgsProcessingProvider,
)


class RunJob(QgsProcessingAlgorithm):
    def name(self):
        return "run"

    def displayName(self):
        return "Run"

    def createInstance(self):
        return RunJob()

    def initAlgorithm(self, configuration=None):
        self.addParameter(QgsProcessingParameterString("JOB", "Job"))
        self.addParameter(QgsProcessingParameterString("PARAMETERS", "Parameters", "{}"))
        self.addOutput(QgsProcessingOutputString("RESULT", "Result"))

    def processAlgorithm(self, parameters, context, feedback):
        from gossan.engine import client

        job = self.parameterAsString(parameters, "JOB", context)
        given = json.loads(self.parameterAsString(parameters, "PARAMETERS", context))
        try:
            return {"RESULT": json.dumps(client.run_job(job, given, feedback))}
        except (client.EngineError, client.EngineCancelled) as error:
            raise QgsProcessingException(str(error)) from error


class Provider(QgsProcessingProvider):
    def id(self):
        return "job"

    def name(self):
        return "job"

    def loadAlgorithms(self):
        self.addAlgorithm(RunJob())


class Plugin:
    def initProcessing(self):
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)


def classFactory(iface):
    return Plugin()
"""


@pytest.fixture(scope="module")
def variables(tmp_path_factory, engine_python):
    """Environment variables for a profile that has Gossan and the plugin above."""
    folder = tmp_path_factory.mktemp("profile")
    plugins = folder / "profiles" / "default" / "python" / "plugins"
    (plugins / "jobrunner").mkdir(parents=True)
    (plugins / "jobrunner" / "metadata.txt").write_text(METADATA)
    (plugins / "jobrunner" / "__init__.py").write_text(PLUGIN)
    (plugins / "gossan").symlink_to(ROOT)
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "QGIS_CUSTOM_CONFIG_PATH": str(folder),
        "QT_QPA_PLATFORM": "offscreen",
        "GOSSAN_ENGINE": str(engine_python),
    }
    for plugin in ("gossan", "jobrunner"):
        subprocess.run([PROGRAM, "plugins", "enable", plugin], env=variables, check=True)
    done = subprocess.run([PROGRAM, "list"], env=variables, capture_output=True, check=True)
    assert b"job:run" in done.stdout, done.stderr
    return variables


def start(variables: dict[str, str], job: str, parameters: str = "{}") -> subprocess.Popen:
    return subprocess.Popen(
        [PROGRAM, "run", "job:run", f"--JOB={job}", f"--PARAMETERS={parameters}"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def engine_of(process: subprocess.Popen, seconds: float = 30.0) -> int:
    """Wait until a qgis_process has its engine, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                command = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(parent) == process.pid and b"server.py" in command:
                return int(entry.name)
        time.sleep(0.05)
    raise AssertionError("No engine was started.")


def test_a_job_gives_its_result_and_the_program_ends_cleanly(variables):
    process = start(variables, "engine.diagnose")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert '"numpy"' in said
    assert "QThread" not in said
    assert "QProcess" not in said


@pytest.mark.parametrize("job", ["selftest.sleep", "selftest.stubborn"])
def test_ctrl_c_stops_any_job_within_two_seconds_and_is_no_success(variables, job, process_is_gone):
    process = start(variables, job, '{"seconds": 60}')
    engine = engine_of(process)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    said, _ = process.communicate(timeout=30)
    # The program itself takes a moment to leave once the job has stopped.
    assert time.monotonic() - sent < 3.0
    assert process.returncode != 0
    assert "Cancelled" in said
    assert process_is_gone(engine, 1.0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_engine_dies_with_a_killed_program(variables, how, process_is_gone):
    process = start(variables, "selftest.stubborn", '{"seconds": 60}')
    engine = engine_of(process)
    time.sleep(0.3)
    process.send_signal(how)
    process.communicate(timeout=10)
    assert process_is_gone(engine, 2.0)


def test_a_crashed_engine_is_an_error_and_not_a_crash_of_qgis(variables):
    process = start(variables, "selftest.crash")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "QGIS and its project are not affected" in said


def test_without_an_engine_the_toolbox_is_there_and_a_run_says_what_to_do(variables, tmp_path):
    without = {**variables, "GOSSAN_ENGINE": str(tmp_path / "python")}
    done = subprocess.run(
        [PROGRAM, "list"], env=without, capture_output=True, text=True, check=True, timeout=60
    )
    assert "gossan:" in done.stdout
    process = start(without, "engine.diagnose")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "./run setup" in said
