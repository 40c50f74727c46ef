"""The engines' processes, as QGIS's side keeps them: started, fed, stopped, never left behind.

Algorithms run in changing threads, and a ``QProcess`` belongs to one. All engines therefore live in
one thread with an event loop; other threads send them lines by signals and take theirs from a
queue.
"""

from __future__ import annotations

import atexit
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

from qgis.PyQt.QtCore import (
    QCoreApplication,
    QObject,
    QProcess,
    QProcessEnvironment,
    QThread,
    pyqtSignal,
    pyqtSlot,
)

from gossan.engine import protocol
from gossan.engine.environment import ROOT, child_environment

KILL_SECONDS = 0.4
STOP_MILLISECONDS = 1000
LOG_LINES = 30
LOG_BYTES = 20_000


@dataclass(frozen=True)
class Ended:
    """The process is gone."""

    code: int = 0
    crashed: bool = False
    failed_to_start: bool = False
    stopped: bool = False
    reason: str = ""


class Engine(QObject):
    """One child process; lives in the engines' thread, its public methods work from any thread."""

    _start_wanted = pyqtSignal()
    _send_wanted = pyqtSignal(object)
    _kill_wanted = pyqtSignal()
    _stop_wanted = pyqtSignal()

    def __init__(self, python: Path, thread: QThread) -> None:
        super().__init__()
        self.python = python
        self.hello: protocol.Hello | None = None
        self.items: queue.Queue[bytes | Ended] = queue.Queue()
        self.gone = threading.Event()
        self._words = b""
        self._unfinished = b""
        self._stopping = False
        self._process: QProcess | None = None
        self.moveToThread(thread)
        self._start_wanted.connect(self._on_start)
        self._send_wanted.connect(self._on_send)
        self._kill_wanted.connect(self._on_kill)
        self._stop_wanted.connect(self._on_stop)

    def start(self) -> None:
        """Start the process; it says hello when it is ready."""
        self._start_wanted.emit()

    def send(self, line: bytes) -> None:
        """Write one line to it."""
        self._send_wanted.emit(line)

    def kill(self) -> None:
        """End it at once; `gone` tells when it is."""
        self._kill_wanted.emit()

    def stop(self) -> None:
        """Ask it to end, and end it if it does not; `gone` tells when it has."""
        self._stopping = True
        self._stop_wanted.emit()

    def note(self, line: bytes) -> None:
        """Keep a line for the log."""
        self._words = (self._words + line + b"\n")[-LOG_BYTES:]

    def forget_words(self) -> None:
        """Start the log anew for another job."""
        self._words = b""

    def last_words(self) -> str:
        """Return the last lines that it wrote to standard error."""
        lines = self._words.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])

    @pyqtSlot()
    def _on_start(self) -> None:
        system = QProcessEnvironment.systemEnvironment()
        variables = child_environment(
            dict(
                variable.split("=", 1) for variable in system.toStringList() if "=" in variable[1:]
            )
        )
        cleaned = QProcessEnvironment()
        for name, value in variables.items():
            cleaned.insert(name, value)
        process = QProcess(self)
        process.setProcessEnvironment(cleaned)
        process.setProgram(str(self.python))
        process.setArguments(["-I", str(ROOT / "engine" / "server.py")])
        process.readyReadStandardOutput.connect(self._on_output)
        process.readyReadStandardError.connect(self._on_words)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        process.start()

    @pyqtSlot(object)
    def _on_send(self, line: bytes) -> None:
        if self._process is not None:
            self._process.write(line)

    @pyqtSlot()
    def _on_kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    @pyqtSlot()
    def _on_stop(self) -> None:
        process = self._process
        if process is None:
            self.gone.set()
            return
        process.closeWriteChannel()
        if not process.waitForFinished(STOP_MILLISECONDS):
            process.kill()
            process.waitForFinished(STOP_MILLISECONDS)

    @pyqtSlot()
    def _on_output(self) -> None:
        if self._process is None:
            return
        *lines, self._unfinished = (
            self._unfinished + bytes(self._process.readAllStandardOutput())
        ).split(b"\n")
        for line in lines:
            self.items.put(line)

    @pyqtSlot()
    def _on_words(self) -> None:
        if self._process is not None:
            words = bytes(self._process.readAllStandardError())
            self._words = (self._words + words)[-LOG_BYTES:]

    @pyqtSlot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._on_output()
        self._on_words()
        crashed = status == QProcess.ExitStatus.CrashExit
        self._end(Ended(code=code, crashed=crashed, stopped=self._stopping))

    @pyqtSlot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._end(Ended(failed_to_start=True, reason=self._process.errorString()))

    def _end(self, ended: Ended) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self.items.put(ended)
        self.gone.set()


class Engines:
    """The engines of this process: one warm for the next run, more while several jobs run."""

    def __init__(self) -> None:
        self.closed_for = ""
        """Why no job is taken at the moment, as while the engine is set up; empty as a rule."""
        self._lock = threading.Lock()
        self._thread: QThread | None = None
        self._idle: list[Engine] = []
        self._busy: list[Engine] = []
        self._leaving: list[Engine] = []
        # An engine is held here until its process is gone: Qt would end it with its object.

    def take(self, python: Path) -> Engine:
        """Return a warm engine of that Python, or start one."""
        with self._lock:
            self._idle = [engine for engine in self._idle if not engine.gone.is_set()]
            self._leaving = [engine for engine in self._leaving if not engine.gone.is_set()]
            for engine in self._idle:
                if engine.python == python:
                    self._idle.remove(engine)
                    self._busy.append(engine)
                    engine.forget_words()
                    return engine
            engine = Engine(python, self._running_thread())
            self._busy.append(engine)
            engine.start()
            return engine

    def give_back(self, engine: Engine) -> None:
        """Keep an engine for the next run, unless one is waiting already."""
        with self._lock:
            if engine not in self._busy:
                return
            self._busy.remove(engine)
            if not self._idle:
                self._idle.append(engine)
                return
            self._leaving.append(engine)
        engine.stop()

    def discard(self, engine: Engine) -> None:
        """End an engine that cannot be used any more."""
        with self._lock:
            if engine not in self._busy:
                return
            self._busy.remove(engine)
            self._leaving.append(engine)
        engine.kill()
        engine.gone.wait(KILL_SECONDS)

    def busy(self) -> bool:
        """Return whether an engine has a job."""
        with self._lock:
            return any(not engine.gone.is_set() for engine in self._busy)

    def shutdown(self) -> None:
        """Stop everything."""
        with self._lock:
            engines = self._idle + self._busy + self._leaving
            thread = self._thread
            self._idle, self._busy, self._leaving, self._thread = [], [], [], None
            if thread is None:
                return
            for engine in engines:
                engine.stop()
        for engine in engines:
            engine.gone.wait(3 * STOP_MILLISECONDS / 1000)
        thread.quit()
        thread.wait()
        atexit.unregister(self.shutdown)

    def _running_thread(self) -> QThread:
        """Return the thread in which all engines live."""
        if self._thread is None:
            thread = QThread()
            thread.setObjectName("Gossan's engines")
            application = QCoreApplication.instance()
            thread.moveToThread(application.thread())
            application.aboutToQuit.connect(self.shutdown)
            atexit.register(self.shutdown)
            thread.start()
            self._thread = thread
        return self._thread
