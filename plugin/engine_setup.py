"""Sets the engine up from within QGIS: carries out the steps of `gossan.engine.environment`."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal, pyqtSlot

from gossan.engine import client, environment, installation

PROBE_MILLISECONDS = 30_000
_PACKAGE = re.compile(r"^\s*(Collecting|Requirement already satisfied:|Processing) ")


class EngineSetup(QObject):
    """Makes or completes the engine's environment, step by step, without blocking the window.

    Parameters
    ----------
    folder : Path
        Where the environment is to be.
    base : BasePython
        The Python that makes it.
    """

    said = pyqtSignal(str)
    """A line for the log."""
    advanced = pyqtSignal(float, str)
    """The finished share (0 to 1) and what is being done."""
    ended = pyqtSignal(bool, str)
    """Whether the engine is ready now, and a sentence."""

    def __init__(
        self, folder: Path, base: installation.BasePython, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._base = base
        self._steps: list[installation.Step] = []
        self._locks: list[Path] = []
        self._done = 0
        self._seen = 0
        self._cancelled = False
        self._variables = QProcessEnvironment()
        self._process: QProcess | None = None

    @property
    def running(self) -> bool:
        """Whether a step is being carried out."""
        return self._process is not None

    def start(self, *, networks: bool = False, wheels: str = "", proxy: str = "") -> None:
        """Begin; what an earlier, broken off set-up has done is used again."""
        problem = installation.space_problem(self._folder, networks=networks)
        if wheels and not Path(wheels).is_dir():
            problem = f"There is no folder {wheels}. Name the folder that holds the wheels."
        if problem:
            self.ended.emit(False, problem)
            return
        client.shutdown()  # a running engine holds its files open
        self._cancelled = False
        self._done = 0
        self._locks = environment.lock_files(self._base.version, networks=networks)
        self._steps = installation.setup_steps(
            self._base, self._folder, networks=networks, wheels=wheels
        )
        system = dict(
            entry.split("=", 1)
            for entry in QProcessEnvironment.systemEnvironment().toStringList()
            if entry[0] != "="
        )
        self._variables = _as_process_environment(
            installation.setup_environment(system, proxy=proxy)
        )
        self._next()

    def cancel(self) -> None:
        """Break off; starting again goes on from here."""
        self._cancelled = True
        if self._process is not None:
            self._process.kill()
            self._process.waitForFinished(2000)

    def _next(self) -> None:
        if self._done == len(self._steps):
            try:
                environment.write_stamp(self._folder, self._locks)
            except OSError as error:
                self.ended.emit(False, f"The set-up could not be completed: {error}")
                return
            self.advanced.emit(1.0, "Ready")
            self.ended.emit(True, f"The engine is ready in {self._folder}.")
            return
        step = self._steps[self._done]
        self._seen = 0
        self.said.emit(step.description + " …")
        self._advance(0.0, step.description)
        process = QProcess(self)
        process.setProcessEnvironment(self._variables)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.setProgram(step.command[0])
        process.setArguments(step.command[1:])
        process.readyReadStandardOutput.connect(self._on_output)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        process.start()

    def _advance(self, share_of_step: float, doing: str) -> None:
        """Report progress; a step counts by the packages that it installs."""
        weights = [max(step.packages, 3) for step in self._steps]
        done = sum(weights[: self._done]) + share_of_step * weights[self._done]
        self.advanced.emit(done / sum(weights), doing)

    @pyqtSlot()
    def _on_output(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine()).decode("utf-8", "replace").rstrip()
            self.said.emit("  " + line)
            if _PACKAGE.match(line):
                self._seen += 1
                packages = max(self._steps[self._done].packages, 1)
                self._advance(0.6 * min(self._seen / packages, 1.0), line.strip())
            elif line.startswith("Installing collected packages"):
                self._advance(0.6, "Unpacking the packages (a minute or two)")

    @pyqtSlot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._on_output()
        self._release()
        if self._cancelled:
            self.ended.emit(False, "Stopped. Starting again goes on from here.")
        elif code != 0 or status != QProcess.ExitStatus.NormalExit:
            step = self._steps[self._done]
            self.ended.emit(
                False,
                f"“{step.description}” failed (code {code}); the log says why. Without a network, "
                "name a folder of wheels. Starting again goes on from here.",
            )
        else:
            self._done += 1
            self._next()

    @pyqtSlot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            reason = self._process.errorString()
            self._release()
            self.ended.emit(False, f"{self._steps[self._done].command[0]}: {reason}")

    def _release(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None


def where_to_set_up(base: installation.BasePython) -> Path:
    """Return the folder that a set-up from within QGIS makes or completes.

    Raises
    ------
    ValueError
        If the user has named an environment of their own, which Gossan does not touch.
    """
    location = client.location()
    if location.source == "variable":
        raise ValueError(
            f"The variable GOSSAN_ENGINE names {location.python} as the engine; Gossan does not "
            "change that environment. Take the variable away to let Gossan make one."
        )
    profile = client.profile_folder()
    if location.source == "checkout" or profile is None:
        return location.folder
    return environment.profile_environment(profile, base.version)


def ask(command: list[str]) -> str | None:
    """Return what a short command prints, or None where it fails."""
    process = QProcess()
    system = QProcessEnvironment.systemEnvironment()
    for name in system.keys():  # noqa: SIM118 - not a dict
        if name not in environment.child_environment({name: ""}):
            system.remove(name)
    process.setProcessEnvironment(system)
    process.start(command[0], command[1:])
    if not process.waitForFinished(PROBE_MILLISECONDS):
        process.kill()
        process.waitForFinished(1000)
        return None
    if process.exitStatus() != QProcess.ExitStatus.NormalExit or process.exitCode() != 0:
        return None
    return bytes(process.readAllStandardOutput()).decode("utf-8", "replace")


def proxy_of_qgis() -> str:
    """Return the HTTP proxy of QGIS's settings as an address, or an empty text."""
    settings = QgsSettings()
    if not settings.value("proxy/proxyEnabled", False, type=bool):
        return ""
    if settings.value("proxy/proxyType", "", type=str) not in ("HttpProxy", "HttpCachingProxy"):
        return ""
    host = settings.value("proxy/proxyHost", "", type=str)
    port = settings.value("proxy/proxyPort", "", type=str)
    user = settings.value("proxy/proxyUser", "", type=str)
    password = settings.value("proxy/proxyPassword", "", type=str)
    if not host:
        return ""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    return f"http://{login}{host}{':' + port if port else ''}"


def _as_process_environment(variables: dict[str, str]) -> QProcessEnvironment:
    result = QProcessEnvironment()
    for name, value in variables.items():
        result.insert(name, value)
    return result
