"""QGIS's side of the boundary: `run_job` runs a job in the engine and tells how it goes.

The first job starts the engine; it stays warm for the next. The thread that runs an algorithm waits
for its engine's messages, and looks twenty times a second whether the user wants to stop.
"""

from __future__ import annotations

import itertools
import math
import os
import queue
import time
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QThread

from gossan.core.origin import gossan_version
from gossan.engine import environment, protocol
from gossan.engine.processes import Ended, Engine, Engines

POLL_SECONDS = 0.05
START_SECONDS = 60.0
CANCEL_SECONDS = 1.5
SIGKILL = 9

_VERSION = gossan_version()
"""As this process loaded it; the files may have been replaced by an upgrade since."""

_job_ids = itertools.count(1)
_engines = Engines()


class EngineError(Exception):
    """A job failed, or the engine did; `kind` says how, `detail` has the engine's last words.

    `kind` is the name of the error that the job raised (such as ``InputError`` or ``MemoryError``),
    ``internal`` for one that nobody foresaw, or, where the engine itself is at fault: ``missing``,
    ``unfinished``, ``stale``, ``busy``, ``version``, ``start``, ``crash``, ``killed``,
    ``protocol``, ``stopped``.
    """

    def __init__(self, kind: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.detail = detail


class EngineCancelled(Exception):  # noqa: N818 - not an error: the user's wish
    """The user has cancelled the job."""


def run_job(name: str, parameters: dict[str, Any], feedback: Any = None) -> dict[str, Any]:
    """Run a job in the engine and return its result; blocks the calling thread.

    Parameters
    ----------
    name : str
        The job's name in ``models/registry.py``.
    parameters : dict
        Its keyword parameters: texts, numbers, lists, dicts, None.
    feedback : QgsProcessingFeedback, optional
        Receives progress, messages and warnings, and says whether the user has cancelled. Where it
        has a method ``measured(step, values)``, as one that draws live curves, that receives what
        training measures.

    Raises
    ------
    EngineError
        If the job fails or the engine is missing, cannot start, or ends.
    EngineCancelled
        If the user cancels; within two seconds, even if the job does not listen.
    """
    job = protocol.Job(next(_job_ids), name, parameters)
    line = protocol.encode(job)
    if _engines.closed_for:
        raise EngineError("busy", _engines.closed_for)
    where = location()
    found = environment.state(where)
    if not found.ready:
        raise EngineError(found.kind, found.sentence)
    engine = _engines.take(where.python)
    conversation = _Conversation(engine, job, feedback)
    try:
        conversation.greet()
        engine.send(line)
        value = conversation.listen()
    except _Stubborn:
        _engines.discard(engine)
        _remove_leftovers(parameters, engine)
        raise EngineCancelled("Cancelled.") from None
    except EngineError as error:
        if error.detail and feedback is not None:
            feedback.pushConsoleInfo(error.detail)
        raise
    finally:
        if conversation.finished:
            _engines.give_back(engine)
        else:
            _engines.discard(engine)
    return value


def shutdown() -> None:
    """Stop all engines and the thread they live in; the next `run_job` starts anew."""
    _engines.shutdown()


def busy() -> bool:
    """Return whether a job is running."""
    return _engines.busy()


def close(why: str) -> None:
    """Stop all engines and refuse jobs, with a sentence, until `reopen` is called."""
    _engines.closed_for = why
    shutdown()


def reopen() -> None:
    """Take jobs again."""
    _engines.closed_for = ""


def location() -> environment.Location:
    """Return where the engine's environment is, or would be."""
    return environment.locate(profile_folder())


def state() -> environment.State:
    """Return whether the engine can start, with a sentence for people."""
    return environment.state(location())


def profile_folder() -> Path | None:
    """Return the folder of the user's QGIS profile; None before QGIS has chosen one."""
    from qgis.core import QgsApplication

    folder = QgsApplication.qgisSettingsDirPath()
    return Path(folder) if folder else None


# ---------------------------------------------------------------- one job


class _Stubborn(Exception):  # noqa: N818 - becomes EngineCancelled
    """The job did not obey in time."""


class _Conversation:
    """What is said between sending a job and its end."""

    def __init__(self, engine: Engine, job: protocol.Job, feedback: Any) -> None:
        self._engine = engine
        self._job = job
        self._feedback = feedback
        self._looked = time.monotonic()
        self.finished = False
        """Whether the job has ended and the engine is free for another."""

    def greet(self) -> None:
        """Wait until a new engine has said hello, and check that it is of this version."""
        deadline = time.monotonic() + START_SECONDS
        while self._engine.hello is None:
            message = self._receive()
            if isinstance(message, protocol.Hello):
                _check_version(message)
                self._engine.hello = message
            elif self._cancelled():
                raise _Stubborn
            elif time.monotonic() > deadline:
                raise EngineError(
                    "start",
                    f"The engine ({self._engine.python}) did not answer within "
                    f"{START_SECONDS:.0f} s. See the log; setting the engine up again may help.",
                    self._engine.last_words(),
                )

    def listen(self) -> dict[str, Any]:
        """Pass on what the job says until it ends, and return its result."""
        deadline = math.inf
        while True:
            if deadline == math.inf and self._cancelled():
                self._engine.send(protocol.encode(protocol.Cancel(self._job.id)))
                deadline = time.monotonic() + CANCEL_SECONDS
            if time.monotonic() > deadline:
                raise _Stubborn
            message = self._receive()
            if message is None or getattr(message, "id", None) != self._job.id:
                continue
            if isinstance(message, (protocol.Result, protocol.Failure, protocol.Cancelled)):
                self.finished = True
                return self._conclude(message, cancelled=deadline != math.inf)
            self._pass_on(message)

    def _conclude(self, message: protocol.AnyMessage, *, cancelled: bool) -> dict[str, Any]:
        if cancelled or isinstance(message, protocol.Cancelled):
            raise EngineCancelled("Cancelled.")
        if isinstance(message, protocol.Failure):
            detail = ""
            if message.kind == "internal":
                time.sleep(POLL_SECONDS)  # the log comes by another pipe and may be behind
                detail = self._engine.last_words()
            raise EngineError(message.kind, message.message, detail)
        return message.value

    def _pass_on(self, message: protocol.AnyMessage) -> None:
        if self._feedback is None:
            return
        if isinstance(message, protocol.Fraction) and message.value is not None:
            self._feedback.setProgress(100.0 * message.value)
        elif isinstance(message, protocol.Message):
            self._feedback.pushInfo(message.text)
        elif isinstance(message, protocol.Warn):
            self._feedback.pushWarning(message.text)
        elif isinstance(message, protocol.Measures) and hasattr(self._feedback, "measured"):
            self._feedback.measured(message.step, message.values)

    def _receive(self) -> protocol.AnyMessage | None:
        """Return the next message, or None if there is none for the moment."""
        if time.monotonic() - self._looked >= POLL_SECONDS:
            _let_signals_in()
            self._looked = time.monotonic()
        try:
            item = self._engine.items.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return None
        if isinstance(item, Ended):
            raise _explain(item, self._engine, self._job.name)
        try:
            return protocol.decode(item)
        except protocol.ProtocolError as error:
            if self._engine.hello is None:  # a wrapper around Python may print a banner
                self._engine.note(item)
                return None
            raise EngineError(
                "protocol",
                "The engine said something that is not a message, so its answer cannot be trusted; "
                "it was stopped. Run the step again, and report it if that happens twice.",
                str(error),
            ) from error

    def _cancelled(self) -> bool:
        return self._feedback is not None and self._feedback.isCanceled()


def _let_signals_in() -> None:
    """Where the job blocks the main thread, deliver what waits there, such as Ctrl+C.

    `qgis_process` runs algorithms in its main thread and learns of SIGINT through its event loop.
    """
    application = QCoreApplication.instance()
    if application is not None and application.thread() == QThread.currentThread():
        application.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def _check_version(hello: protocol.Hello) -> None:
    if (hello.protocol, hello.version) != (protocol.PROTOCOL, _VERSION):
        raise EngineError(
            "version",
            f"The engine is of Gossan {hello.version}, QGIS has loaded Gossan {_VERSION}: the "
            "plugin was upgraded while QGIS was running. Start QGIS again.",
        )


def _explain(ended: Ended, engine: Engine, job: str) -> EngineError:
    """Return the error that says why the engine is gone and what to do."""
    detail = engine.last_words()
    if ended.stopped:
        return EngineError("stopped", "The engine was stopped because Gossan was unloaded.")
    if ended.failed_to_start:
        return EngineError(
            "start",
            f"The engine could not be started: {engine.python}: {ended.reason}. "
            f"{environment.HOW_TO_SET_UP}",
            detail,
        )
    if engine.hello is None:
        return EngineError(
            "start",
            f"The engine ({engine.python}) ended before it was ready. The log has its last words. "
            f"{environment.HOW_TO_SET_UP}",
            detail,
        )
    if ended.crashed and ended.code == SIGKILL and os.name == "posix":
        return EngineError(
            "killed",
            f"The engine was killed from outside during '{job}'. The system does that when memory "
            "runs out: use fewer bands or a smaller part of the image, or close other programs, "
            "and run again.",
            detail,
        )
    return EngineError(
        "crash",
        f"The engine ended unexpectedly during '{job}' (code {ended.code}). QGIS and its project "
        "are not affected; the next run starts a new engine. The log has its last words.",
        detail,
    )


def _remove_leftovers(parameters: dict[str, Any], engine: Engine) -> None:
    """Remove the half-written outputs of an engine that had to be killed."""
    if engine.hello is None:
        return
    for value in parameters.values():
        if isinstance(value, str) and os.path.isabs(value):
            folder = Path(value).parent
            for part in folder.glob(f".*.{engine.hello.pid}.gossan-part*"):
                part.unlink(missing_ok=True)
