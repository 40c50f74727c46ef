"""The toolbox from the docks: its dialogs filled in, and algorithms beside QGIS's window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import pyqtSignal

_dialogs: list[Any] = []
"""Those in sight. What Python does in a dialog, such as to run, ends when Python forgets it."""


def open_dialog(algorithm: str, parameters: dict[str, Any]) -> Any:
    """Open the dialog of an algorithm with some of its parameters filled in, and return it."""
    import processing

    dialog = processing.createAlgorithmDialog(algorithm, parameters)
    _dialogs[:] = [each for each in _dialogs if not sip.isdeleted(each) and each.isVisible()]
    _dialogs.append(dialog)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog


class Feedback(QgsProcessingFeedback):
    """Tells of an algorithm under way by signals, which arrive in the main thread."""

    said = pyqtSignal(str)
    measured_values = pyqtSignal(object, dict)
    """Step and values of a training under way."""

    def __init__(self) -> None:
        super().__init__(False)
        self.errors: list[str] = []

    def measured(self, step: Any, values: dict[str, float]) -> None:
        """Pass on what a training measures."""
        self.measured_values.emit(step, values)

    def pushInfo(self, info: str) -> None:
        """Pass a sentence on."""
        super().pushInfo(info)
        self.said.emit(info)

    def reportError(self, error: str, fatalError: bool = False) -> None:  # noqa: N803
        """Keep what went wrong."""
        super().reportError(error, fatalError)
        self.errors.append(error)


_under_way: set[Run] = set()
"""Keeps alive what a task in its thread still uses, whoever else has let go of it."""


class Run:
    """An algorithm that runs in the background as if started from its dialog.

    Its results are loaded, named and styled as the toolbox does it.

    Parameters
    ----------
    algorithm : str
        Id, such as ``gossan:detectmines``.
    parameters : dict
        As for ``processing.run``; a destination may be a `QgsProcessingOutputLayerDefinition` that
        names the project to load it into.
    done : callable
        Called in the main thread with the results, after they are loaded.
    failed : callable
        Called in the main thread with a sentence for people; not after a cancel.
    shown : bool
        Whether results are loaded and listed as the toolbox does it; False leaves them to `done`.

    Raises
    ------
    ValueError
        The parameters are refused; says why.
    """

    def __init__(
        self,
        algorithm: str,
        parameters: dict[str, Any],
        done: Callable[[dict[str, Any]], None],
        failed: Callable[[str], None],
        *,
        shown: bool = True,
    ) -> None:
        self._shown = shown
        self.feedback = Feedback()
        self._context = QgsProcessingContext()
        self._context.setProject(QgsProject.instance())
        self._context.setFeedback(self.feedback)
        self._algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm)
        self._parameters = parameters
        self._done = done
        self._failed = failed
        possible, why = self._algorithm.checkParameterValues(parameters, self._context)
        if not possible:
            raise ValueError(why)
        self._task = QgsProcessingAlgRunnerTask(
            self._algorithm, parameters, self._context, self.feedback
        )
        self._task.executed.connect(self._on_executed)

    def start(self) -> None:
        """Begin."""
        _under_way.add(self)
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        """Stop; neither `done` nor `failed` will be called."""
        self.feedback.cancel()

    def _on_executed(self, successful: bool, results: dict[str, Any]) -> None:
        _under_way.discard(self)
        if self.feedback.isCanceled():
            return
        if not successful:
            self._failed(" ".join(self.feedback.errors) or "It failed; QGIS's log says why.")
            return
        if self._shown:
            from processing.gui.Postprocessing import handleAlgorithmResults

            handleAlgorithmResults(
                self._algorithm, self._context, self.feedback, parameters=self._parameters
            )
        self._done(results)
