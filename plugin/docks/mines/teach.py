"""The page *Teach* of the dock *Mines*: reviewed findings make the detector better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsProject, QgsVectorLayer

from gossan.core.errors import GossanError
from gossan.core.review.teaching import Lesson, Wish
from gossan.plugin.docks.mines.review_files import hand_over
from gossan.plugin.docks.mines.review_layer import geopackage, plain
from gossan.plugin.docks.mines.teach_course import Course, free_path
from gossan.plugin.docks.mines.teach_form import DECISION, TeachForm

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock

NOTHING = (
    "Choose reviewed findings: those that were judged on the page Review become examples of what "
    "is a mine and of what only looks like one."
)


class TeachPage(TeachForm):
    """Says what there is to teach, teaches in the background, and shows what has changed."""

    TITLE = "Teach"

    def __init__(self, dock: MinesDock) -> None:
        super().__init__(dock)
        self.lesson = Lesson(0, 0, 0, 0)
        self.course = Course()
        self._taught: QgsVectorLayer | None = None
        self.layers.changed.connect(self._on_layer)
        self.images.changed.connect(self.look)
        self.base.currentIndexChanged.connect(self.look)
        self.model.fileChanged.connect(self.look)
        self.start.clicked.connect(self._on_start)
        self.stop.clicked.connect(self._on_cancel)
        self.course.progressed.connect(self._on_progress)
        self.course.measured.connect(self.curves.add)
        self.course.said.connect(self._on_said)
        self.course.ended.connect(self._on_ended)
        self.course.failed.connect(self._on_failed)
        dock.follow(QgsProject.instance().layersWillBeRemoved, self._on_removal)
        self._on_layer()

    def teach(self, layer: QgsVectorLayer) -> None:
        """Offer a layer of reviewed findings."""
        self.layers.fill()
        if self.layers.layer() is layer:
            self._on_layer()
        else:
            self.layers.choose(layer)

    def take_up(self) -> None:
        """Count again: decisions may have been made on the page beside."""
        if not self.course.running:
            # A layer becomes one of reviewed findings by its first review.
            self.layers.fill()
            self.count()
        self.result.take_up()

    def put_away(self) -> None:
        """Take the second view off the map."""
        self.result.put_away()

    def release(self) -> None:
        """Stop the teaching: the dock goes for good."""
        self.course.cancel()

    def count(self) -> None:
        """Count the decisions of the chosen layer and say what there is to learn."""
        layer = self.layers.layer()
        if layer is None:
            self.lesson = Lesson(0, 0, 0, 0)
        else:
            index = layer.fields().lookupField(DECISION)
            texts = (plain(each.attributes()[index]) for each in layer.getFeatures())
            self.lesson = Lesson.of(str(text or "") for text in texts)
        self.look()

    def look(self, *_: object) -> None:
        """Say whether everything is there, and what is missing where not."""
        if self.course.running:
            return
        layer = self.layers.layer()
        summary = NOTHING if layer is None else self.lesson.summary()
        self.counts.setText(summary)
        missing = ""
        if layer is not None:
            missing = self.lesson.why_not() or self.wish().why_not()
        self.remark.setText(missing or (self.lesson.caution() if layer is not None else ""))
        self.remark.setVisible(bool(self.remark.text()))
        self.start.setEnabled(layer is not None and not missing)

    def wish(self) -> Wish:
        """Return what the page says is to be done."""
        layer = self.layers.layer()
        return Wish(
            layer.id() if layer is not None else "",
            tuple(image.id() for image in self.images.layers()),
            self.base.path(),
            self.model.filePath().strip(),
            self.epochs.value(),
            self.rate.value(),
            self.threshold.value(),
        )

    # ---------------------------------------------------------------- what happens

    def _on_layer(self) -> None:
        layer = self.layers.layer()
        if layer is not None:
            self.images.tick_under(layer)
            self._choose_base(layer)
            self.model.setFilePath(str(free_path(_proposed(layer), ".gossan")))
        self.count()

    def _choose_base(self, layer: QgsVectorLayer) -> None:
        index = layer.fields().lookupField("detector")
        feature = next(layer.getFeatures(), None)
        if index >= 0 and feature is not None:
            self.base.choose_made_by(str(plain(feature.attributes()[index]) or ""))

    def _on_start(self) -> None:
        layer, wish = self.layers.layer(), self.wish()
        if layer is None or wish.why_not():
            self.look()
            return
        try:
            hand_over(layer)
            self.curves.begin_training(wish.epochs)
            self.result.clear()
            self.course.start(wish)
        except (GossanError, ValueError) as problem:
            self._finish(str(problem))
            return
        self._taught = layer
        self.base.remember()
        self._show_running(True)

    def _on_cancel(self) -> None:
        self.course.cancel()
        self._finish("Stopped. Nothing was changed.")

    def _on_progress(self, percent: float, words: str) -> None:
        self.bar.setValue(round(percent))
        self.bar.setFormat(f"{words}: %p %")

    def _on_said(self, text: str) -> None:
        self.log.setText(text)

    def _on_failed(self, sentence: str) -> None:
        self._finish(sentence)

    def _on_ended(self, path: str) -> None:
        self.base.offer(self.model.filePath())
        self._finish("")
        found = [
            layer
            for layer in QgsProject.instance().mapLayers().values()
            if isinstance(layer, QgsVectorLayer) and geopackage(layer)[0] == path
        ]
        if found and self._taught is not None:
            self.result.compare(self._taught, found[0])
            _hide(found[0])
            self.bring_into_sight(self.result)
        if self.layers.layer() is not None:
            self.model.setFilePath(str(free_path(_proposed(self.layers.layer()), ".gossan")))

    def _finish(self, sentence: str) -> None:
        self._show_running(False)
        self.look()
        if sentence:
            self.remark.setText(sentence)
            self.remark.setVisible(True)

    def _show_running(self, running: bool) -> None:
        self.bar.setValue(0)
        for widget in (self.bar, self.log, self.stop):
            widget.setVisible(running)
        self.start.setVisible(not running)
        self.choices.setEnabled(not running)
        if running:
            self.log.setText("")
            self.remark.setVisible(False)
            self.curves.setVisible(True)

    def _on_removal(self, ids: list[str]) -> None:
        if self._taught is not None and self._taught.id() in ids:
            self._taught = None
        self.result.forget(ids)


def _hide(layer: QgsVectorLayer) -> None:
    """Leave the map to the findings of before; those of after are on the second one."""
    node = QgsProject.instance().layerTreeRoot().findLayer(layer.id())
    if node is not None:
        node.setItemVisibilityChecked(False)


def _proposed(layer: QgsVectorLayer) -> str:
    """Return where the new detector may lie: beside the findings, else beside the project."""
    path, _ = geopackage(layer)
    folder = Path(path).parent if path else Path(QgsProject.instance().homePath() or Path.home())
    return str(folder / "taught_detector.gossan")
