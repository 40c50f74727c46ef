"""Teaching under way: three algorithms one after the other, in the background."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingOutputLayerDefinition, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from gossan.core.review import teaching
from gossan.core.review.teaching import Wish
from gossan.plugin.toolbox import Run


class Course(QObject):
    """Cuts examples, teaches the detector and searches again.

    Every step writes its results only when they are complete, so a cancel leaves at most a model
    that is whole. The examples lie in a folder of their own, which goes at the end.
    """

    progressed = pyqtSignal(float, str)
    """Per cent of everything, and what is being done."""
    measured = pyqtSignal(int, dict)
    """Epoch and what was measured after it."""
    said = pyqtSignal(str)
    ended = pyqtSignal(str)
    """The file with the findings of the second search; they are loaded."""
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._run: Run | None = None
        self._wish: Wish | None = None
        self._folder = ""
        self._findings = ""

    @property
    def running(self) -> bool:
        """Whether a course is under way."""
        return self._wish is not None

    def start(self, wish: Wish) -> None:
        """Begin.

        Raises
        ------
        ValueError
            The toolbox refuses a parameter; says why.
        """
        self._wish = wish
        self._folder = tempfile.mkdtemp(prefix="gossan-teach-")
        self._findings = ""
        try:
            self._begin(teaching.COLLECT, wish)
        except ValueError:
            self._end()
            raise

    def cancel(self) -> None:
        """Stop; nothing that is not complete stays."""
        if self._run is not None:
            self._run.cancel()
        self._end()

    def _begin(self, step: str, wish: Wish) -> None:
        if step == teaching.SEARCH:
            self._findings = str(free_path(wish.model, "_findings.gpkg"))
        chips = str(Path(self._folder) / "chips")
        parameters = teaching.parameters_of(step, wish, chips, self._destinations(wish))
        run = Run(
            teaching.ALGORITHMS[step],
            parameters,
            lambda _: self._on_done(run, step, wish),
            lambda sentence: self._on_failed(run, sentence),
        )
        words = teaching.IN_WORDS[step]
        run.feedback.progressChanged.connect(
            lambda percent: self._tell(run, teaching.overall(step, percent), words)
        )
        run.feedback.measured_values.connect(lambda at, values: self._measure(run, at, values))
        run.feedback.said.connect(lambda text: self._say(run, text))
        self._run = run
        self.progressed.emit(teaching.overall(step, 0.0), words)
        run.start()

    def _destinations(self, wish: Wish) -> dict[str, Any]:
        """Return where the second search writes: beside the model, never over an earlier one."""
        if not self._findings:
            return {}
        findings = QgsProcessingOutputLayerDefinition(self._findings, QgsProject.instance())
        findings.destinationName = "Findings after teaching"
        probability = str(free_path(wish.model, "_probability.tif"))
        return {"POLYGONS": findings, "POINTS": None, "PROBABILITY": probability}

    def _on_done(self, run: Run, step: str, wish: Wish) -> None:
        if run is not self._run:
            return
        following = teaching.after(step)
        if not following:
            findings = self._findings
            self._end()
            self.ended.emit(findings)
            return
        try:
            self._begin(following, wish)
        except ValueError as problem:
            self._on_failed(run, str(problem))

    def _on_failed(self, run: Run, sentence: str) -> None:
        if run is self._run:
            self._end()
            self.failed.emit(sentence)

    def _end(self) -> None:
        self._run = self._wish = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def _tell(self, run: Run, percent: float, words: str) -> None:
        if run is self._run:
            self.progressed.emit(percent, words)

    def _measure(self, run: Run, step: Any, values: dict[str, float]) -> None:
        if run is self._run:
            self.measured.emit(int(step), values)

    def _say(self, run: Run, text: str) -> None:
        if run is self._run:
            self.said.emit(text)


def free_path(model: str, ending: str) -> Path:
    """Return a file beside a model that is not there yet."""
    stem = Path(model).with_suffix("")
    path, number = Path(f"{stem}{ending}"), 2
    while path.exists():
        name, suffix = ending.rsplit(".", 1)
        path = Path(f"{stem}{name}_{number}.{suffix}")
        number += 1
    return path
