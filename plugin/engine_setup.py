"""Sets the engine up from within QGIS: carries out the steps of `gossan.engine.installation`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from qgis.PyQt.QtCore import (
    QLockFile,
    QObject,
    QProcess,
    QProcessEnvironment,
    QTimer,
    pyqtSignal,
    pyqtSlot,
)

from gossan.engine import client, environment, installation
from gossan.plugin import proxy, setup_progress
from gossan.plugin.setup_progress import StepProgress

PROBE_MILLISECONDS = 30_000
LOOK_MILLISECONDS = 500
LINES_KEPT = 200
ATTEMPTS = 3
"""How often a step is tried that is cut off without having brought any file."""

BEING_SET_UP = "The engine is being set up. Wait until that has ended, then run again."
JOB_RUNNING = (
    "A step of Gossan is running in the engine. Wait until it has ended, or cancel it, and start "
    "again."
)


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
        self._plan: Callable[..., list[installation.Step]] = installation.setup_steps
        self._attempts = 1
        self._done = 0
        self._progress = StepProgress(0, 0)
        self._complete_files = 0
        self._kept: list[Path] = []
        self._lines: list[str] = []
        self._cancelled = False
        self._login = ""
        self._variables = QProcessEnvironment()
        self._process: QProcess | None = None
        self._lock: QLockFile | None = None
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MILLISECONDS)
        self._look.timeout.connect(self._on_look)

    @property
    def running(self) -> bool:
        """Whether a step is being carried out."""
        return self._process is not None

    @property
    def cancelled(self) -> bool:
        """Whether it was broken off."""
        return self._cancelled

    def start(
        self,
        *,
        networks: bool = False,
        wheels: str = "",
        through: proxy.Proxy = proxy.NONE,
    ) -> None:
        """Begin; what an earlier, broken off set-up has done is used again."""
        problem = self._obstacle(networks=networks, wheels=wheels)
        if problem:
            self._end(False, problem)
            return
        client.close(BEING_SET_UP)  # a running engine holds its files open
        self._cancelled = False
        self._done = 0
        self._locks = environment.lock_files(self._base.version, networks=networks)
        self._attempts = 1
        self._plan = partial(
            installation.setup_steps, self._base, self._folder, networks=networks, wheels=wheels
        )
        self._steps = self._plan(kept=self._kept)
        self._login = through.login
        self._variables = _as_process_environment(
            installation.setup_environment(
                _as_dict(QProcessEnvironment.systemEnvironment()),
                proxy=through.address,
                no_proxy=through.exclusions,
                downloads=environment.downloads_folder(self._folder),
            )
        )
        self._next()

    def cancel(self) -> None:
        """Break off; starting again goes on from here."""
        self._cancelled = True
        if self._process is not None:
            self._process.kill()
            self._process.waitForFinished(2000)

    def _obstacle(self, *, networks: bool, wheels: str) -> str:
        """Return why it cannot begin, or an empty text once nobody else can."""
        if client.busy():
            return JOB_RUNNING
        problem = installation.obstacle(
            self._folder, self._base.version, networks=networks, wheels=wheels
        )
        if problem:
            return problem
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return f"The engine cannot be made in {self._folder}: {error}."
        self._lock = QLockFile(str(self._folder.with_name(self._folder.name + ".lock")))
        self._lock.setStaleLockTime(0)  # only a process that is gone makes it stale
        if not self._lock.tryLock(0):
            self._lock = None
            return "Another QGIS is setting this engine up. Wait until it has ended."
        try:
            self._kept = installation.keep_wheels(self._folder)
            installation.clear_leftovers(self._folder)
            temporary = environment.downloads_folder(self._folder) / "temporary"
            temporary.mkdir(exist_ok=True)
        except OSError as error:
            return f"The engine cannot be made in {self._folder}: {error}."
        return ""

    def _next(self) -> None:
        if self._done == len(self._steps):
            self._complete()
            return
        step = self._steps[self._done]
        self._progress = StepProgress(step.packages, step.megabytes)
        self._lines = []
        self.said.emit(step.description + " …")
        self._advance(step.description)
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

    def _complete(self) -> None:
        try:
            environment.write_stamp(self._folder, self._locks)
        except OSError as error:
            self._end(False, f"The set-up could not be completed: {error}")
            return
        self.advanced.emit(1.0, "Ready")
        self._end(True, f"The engine is ready in {self._folder}.")

    def _advance(self, doing: str) -> None:
        """Report progress; a step counts by what it downloads and installs."""
        weights = [step.megabytes + 2 * step.packages + 10 for step in self._steps]
        done = sum(weights[: self._done]) + self._progress.share * weights[self._done]
        self.advanced.emit(done / sum(weights), doing)

    @pyqtSlot()
    def _on_output(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine()).decode("utf-8", "replace").rstrip()
            if self._login:
                line = line.replace(self._login, "…")
            doing = self._progress.hear(line)
            if self._progress.complete != self._complete_files:
                self._complete_files = self._progress.complete
                installation.keep_wheels(self._folder)
            if not setup_progress.PROGRESS.match(line):
                self._lines = [*self._lines[1 - LINES_KEPT :], line]
                self.said.emit("  " + line)
            if doing:
                self._advance(doing)
            if self._progress.unpacking and not self._look.isActive():
                self._look.start()

    @pyqtSlot()
    def _on_look(self) -> None:
        """See how far pip has unpacked, of which it says nothing."""
        packages = environment.site_packages(self._folder).glob("*.dist-info")
        self._advance(self._progress.see(sum(1 for _ in packages)))

    @pyqtSlot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._on_output()
        self._release()
        if self._cancelled:
            self._end(False, "Stopped. What is complete is kept; starting again goes on from here.")
        elif code != 0 or status != QProcess.ExitStatus.NormalExit:
            self._on_failed(installation.reason(self._lines))
        else:
            self._done += 1
            self._next()

    def _on_failed(self, why: str) -> None:
        """Go on after a cut that pip could not mend, as long as that brings more, or give up."""
        kept = installation.keep_wheels(self._folder)
        self._attempts = 1 if len(kept) > len(self._kept) else self._attempts + 1
        self._kept = kept
        if why == installation.CUT_OFF and self._attempts <= ATTEMPTS:
            self._steps = self._plan(kept=kept)
            self.said.emit("The download was cut off; going on with what is missing")
            self._next()
            return
        what = self._steps[self._done].description
        why = why or "The log says why."
        self._end(False, f"“{what}” failed. {why} Starting again goes on from here.")

    @pyqtSlot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            reason = self._process.errorString()
            self._release()
            self._end(False, f"{self._steps[self._done].command[0]}: {reason}")

    def _release(self) -> None:
        self._look.stop()
        if self._process is not None:
            self._process.deleteLater()
            self._process = None

    def _end(self, ready: bool, sentence: str) -> None:
        """Leave no temporary file, let jobs in again, and tell."""
        if self._lock is not None:
            downloads = environment.downloads_folder(self._folder)
            if not ready:
                installation.keep_wheels(self._folder)
                downloads /= "temporary"
            shutil.rmtree(downloads, ignore_errors=True)
            self._lock.unlock()
            self._lock = None
            client.reopen()
        self.ended.emit(ready, sentence)


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
    process.setProcessEnvironment(
        _as_process_environment(
            environment.child_environment(_as_dict(QProcessEnvironment.systemEnvironment()))
        )
    )
    process.start(command[0], command[1:])
    if not process.waitForFinished(PROBE_MILLISECONDS):
        process.kill()
        process.waitForFinished(1000)
        return None
    if process.exitStatus() != QProcess.ExitStatus.NormalExit or process.exitCode() != 0:
        return None
    return bytes(process.readAllStandardOutput()).decode("utf-8", "replace")


def _as_dict(variables: QProcessEnvironment) -> dict[str, str]:
    return {name: variables.value(name) for name in variables.keys()}  # noqa: SIM118 - no dict


def _as_process_environment(variables: dict[str, str]) -> QProcessEnvironment:
    result = QProcessEnvironment()
    for name, value in variables.items():
        result.insert(name, value)
    return result
