"""Work beside QGIS's window: jobs of the engine and other waiting, as QGIS's own tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from gossan.engine import client

Done = Callable[[Any], None]
Failed = Callable[[str], None]


class TaskFeedback:
    """What `client.run_job` tells of a job and asks of its user, for a task.

    Called in the task's thread; what people are to see goes on as signals of the task, which arrive
    in the main thread.
    """

    def __init__(self, task: Task) -> None:
        self._task = task

    def isCanceled(self) -> bool:
        """Return whether the user has cancelled."""
        return self._task.isCanceled()

    def setProgress(self, percent: float) -> None:
        """Pass progress on."""
        self._task.setProgress(percent)

    def pushInfo(self, text: str) -> None:
        """Pass a sentence on."""
        self._task.said.emit(text)

    def pushWarning(self, text: str) -> None:
        """Pass a warning on."""
        self._task.warned.emit(text)

    def pushConsoleInfo(self, text: str) -> None:
        """Pass an engine's last words on."""
        self._task.said.emit(text)

    def measured(self, step: str, values: dict[str, float]) -> None:
        """Pass on what a training measures."""
        self._task.measured.emit(step, values)


class Task(QgsTask):
    """A function in a thread of its own, whose result arrives in the main thread.

    Parameters
    ----------
    description : str
        What QGIS's list of tasks says.
    work : callable
        Called with a `TaskFeedback` in a background thread; must not touch the project, layers or
        widgets.
    done, failed : callable
        Called in the main thread with the result, or with a sentence for people; neither is called
        after a cancel.
    """

    said = pyqtSignal(str)
    warned = pyqtSignal(str)
    measured = pyqtSignal(object, dict)
    """Step and values of a training under way."""

    def __init__(
        self, description: str, work: Callable[[TaskFeedback], Any], done: Done, failed: Failed
    ) -> None:
        super().__init__(f"Gossan: {description}", QgsTask.Flag.CanCancel | _silently())
        self._work = work
        self._done = done
        self._failed = failed
        self._result: Any = None
        self._sentence = ""
        self.forgotten: Callable[[], None] = lambda: None

    def run(self) -> bool:
        """Work; in a background thread."""
        try:
            self._result = self._work(TaskFeedback(self))
        except client.EngineCancelled:
            return False
        except (client.EngineError, OSError, ValueError) as error:
            self._sentence = str(error)
            return False
        return True

    def finished(self, result: bool) -> None:
        """Hand the result over; in the main thread."""
        self.forgotten()
        if self.isCanceled():
            return
        if result:
            self._done(self._result)
        elif self._sentence:
            self._failed(self._sentence)


def _silently() -> Any:
    """Return the flag by which no message says that a task has ended; QGIS has it from 3.26 on."""
    return getattr(QgsTask.Flag, "Silent", QgsTask.Flag.CanCancel)


class Background:
    """The tasks of one dock, of which a newer one may take the place of an older."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def start(
        self,
        key: str,
        description: str,
        work: Callable[[TaskFeedback], Any],
        done: Done,
        failed: Failed,
    ) -> Task:
        """Begin a piece of work; one of the same key that is still under way is cancelled."""
        self.cancel(key)
        task = Task(description, work, done, failed)
        self._tasks[key] = task
        task.forgotten = lambda: self._forget(key, task)
        QgsApplication.taskManager().addTask(task)
        return task

    def job(
        self,
        key: str,
        description: str,
        name: str,
        parameters: dict[str, Any],
        done: Done,
        failed: Failed,
    ) -> Task:
        """Begin a job of the engine, by its name in the registry; see `start`."""
        return self.start(
            key,
            description,
            lambda feedback: client.run_job(name, parameters, feedback),
            done,
            failed,
        )

    def running(self, key: str) -> bool:
        """Return whether work of this key is under way."""
        return key in self._tasks

    def cancel(self, key: str) -> None:
        """Cancel the work of a key; its result will not be handed over."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    def cancel_all(self) -> None:
        """Cancel everything."""
        for key in list(self._tasks):
            self.cancel(key)

    def _forget(self, key: str, task: Task) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
