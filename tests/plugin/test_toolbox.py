"""Algorithms beside the window: checked before they start, told of, cancelled, loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterNumber,
    QgsProcessingProvider,
)

from gossan.plugin.toolbox import Run


class Double(QgsProcessingAlgorithm):
    """Doubles a number, refuses an odd one, and stumbles over a zero."""

    def name(self):
        return "double"

    def displayName(self):  # noqa: N802
        return "Double"

    def createInstance(self):  # noqa: N802
        return Double()

    def initAlgorithm(self, configuration=None):  # noqa: N802
        self.addParameter(QgsProcessingParameterNumber("NUMBER", "Number"))
        self.addOutput(QgsProcessingOutputNumber("DOUBLED", "Doubled"))

    def checkParameterValues(self, parameters, context):  # noqa: N802
        if parameters["NUMBER"] % 2:
            return False, f"{parameters['NUMBER']} is odd."
        return super().checkParameterValues(parameters, context)

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        number = parameters["NUMBER"]
        feedback.measured("epoch 1", {"loss": 0.5})
        feedback.pushInfo("Doubling.")
        while number == 4 and not feedback.isCanceled():
            pass
        if number == 0:
            raise QgsProcessingException("Nothing to double.")
        return {"DOUBLED": 2 * number}


class Provider(QgsProcessingProvider):
    def id(self):
        return "trial"

    def name(self):
        return "Trial"

    def loadAlgorithms(self):  # noqa: N802
        self.addAlgorithm(Double())


@pytest.fixture
def trial(qgis_application, monkeypatch):
    # Where QGIS's own plugins are, of which the toolbox is one.
    monkeypatch.syspath_prepend(str(Path(QgsApplication.pkgDataPath()) / "python" / "plugins"))
    provider = Provider()
    QgsApplication.processingRegistry().addProvider(provider)
    yield
    QgsApplication.processingRegistry().removeProvider(provider)


@pytest.mark.usefixtures("trial")
class TestRun:
    def test_hands_the_results_over_and_tells_how_it_goes(self, wait_until):
        results, said, measured = [], [], []
        run = Run("trial:double", {"NUMBER": 6}, results.append, pytest.fail)
        run.feedback.said.connect(said.append)
        run.feedback.measured_values.connect(lambda step, values: measured.append((step, values)))
        run.start()
        wait_until(lambda: results)
        assert results[0]["DOUBLED"] == 12
        assert "Doubling." in said
        assert measured == [("epoch 1", {"loss": 0.5})]

    def test_refuses_wrong_parameters_before_it_starts(self):
        with pytest.raises(ValueError, match="3 is odd"):
            Run("trial:double", {"NUMBER": 3}, pytest.fail, pytest.fail)

    def test_a_failure_arrives_as_its_sentence(self, wait_until):
        sentences = []
        Run("trial:double", {"NUMBER": 0}, pytest.fail, sentences.append).start()
        wait_until(lambda: sentences)
        assert "Nothing to double." in sentences[0]

    def test_after_a_cancel_nothing_is_handed_over(self, wait_until):
        run = Run("trial:double", {"NUMBER": 4}, pytest.fail, pytest.fail)
        run.start()
        wait_until(lambda: QgsApplication.taskManager().countActiveTasks())
        run.cancel()
        wait_until(lambda: not QgsApplication.taskManager().countActiveTasks())
