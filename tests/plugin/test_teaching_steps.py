"""The steps of teaching beside the algorithms that carry them out."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsProcessingParameterDefinition

from gossan.core.review.teaching import ALGORITHMS, STEPS, Wish, parameters_of
from gossan.plugin.docks.mines.teach_course import free_path
from gossan.processing_provider.mines.collectreviewed import CollectReviewed
from gossan.processing_provider.mines.detectmines import DetectMines
from gossan.processing_provider.mines.trainminedetector import TrainMineDetector

WISH = Wish("layer", ("image.tif",), "base.gossan", "new.gossan")
CLASSES = dict(zip(STEPS, (CollectReviewed, TrainMineDetector, DetectMines)))


@pytest.mark.parametrize("step", STEPS)
def test_each_step_names_parameters_and_choices_that_its_algorithm_has(qgis_application, step):
    algorithm = CLASSES[step]().create()
    assert ALGORITHMS[step] == f"gossan:{algorithm.name()}"
    definitions = {each.name(): each for each in algorithm.parameterDefinitions()}
    results = {"POLYGONS": "a.gpkg", "POINTS": None, "PROBABILITY": "a.tif"}
    given = parameters_of(step, WISH, "/chips", results)
    assert set(given) <= set(definitions)
    for name, definition in definitions.items():
        if not definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional:
            assert given.get(name, definition.defaultValue()) not in (None, "", []), name
    for name, value in given.items():
        if definitions[name].type() == "enum":
            assert value in definitions[name].options()


def test_results_never_go_over_earlier_ones(tmp_path):
    model = str(tmp_path / "taught.gossan")
    assert free_path(model, "_findings.gpkg").name == "taught_findings.gpkg"
    (tmp_path / "taught_findings.gpkg").touch()
    assert free_path(model, "_findings.gpkg").name == "taught_findings_2.gpkg"
    (tmp_path / "taught.gossan").touch()
    assert free_path(model, ".gossan").name == "taught_2.gossan"
