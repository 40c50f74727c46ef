"""Chains of algorithms: the ready models, and what happens when a step fails."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from algorithm_cases.imagery import OTHER
from osgeo import gdal
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsVectorLayer,
)

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / "processing_provider" / "workflows"
READY = sorted(path.stem for path in WORKFLOWS.glob("*.model3"))
STATIC = QgsProcessingModelChildParameterSource.fromStaticValue(0).source()


@pytest.fixture
def model(provider, request):
    return provider.algorithm(request.param)


def builder():
    """Return the script that builds the models."""
    path = ROOT / "scripts" / "build_models.py"
    spec = importlib.util.spec_from_file_location("build_models", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def children(model):
    """Return the steps of a model with all their parameters, as plain values."""
    return {
        child_id: (
            child.algorithmId(),
            {
                name: [source.toVariant() for source in sources]
                for name, sources in child.parameterSources().items()
            },
            {title: output.childOutputName() for title, output in child.modelOutputs().items()},
        )
        for child_id, child in model.childAlgorithms().items()
    }


def test_the_promised_models_are_there():
    assert {"heavymetalmap", "lithologicalmap", "minesearch"} <= set(READY)


@pytest.mark.parametrize("model", READY, indirect=True)
def test_a_ready_model_presents_itself(model):
    assert model.id() == f"gossan:{model.name()}"
    assert model.group() == "Workflows"
    assert not model.icon().isNull()
    assert len(model.shortHelpString()) > 100
    assert all(d.description() for d in model.parameterDefinitions())


@pytest.mark.parametrize("model", READY, indirect=True)
def test_its_steps_are_found_and_all_ours_or_native(model):
    assert model.childAlgorithms()
    for child in model.childAlgorithms().values():
        assert child.algorithm() is not None, child.algorithmId()
        assert child.algorithmId().partition(":")[0] in ("gossan", "native")
    valid, problems = model.validate()
    assert valid, problems
    assert model.canExecute()[0]


@pytest.mark.parametrize("model", READY, indirect=True)
def test_its_steps_know_the_values_they_are_given(model):
    context = QgsProcessingContext()
    for child in model.childAlgorithms().values():
        for name, sources in child.parameterSources().items():
            definition = child.algorithm().parameterDefinition(name)
            assert definition is not None, f"{child.algorithmId()} has no {name}"
            for source in sources:
                if source.source() == STATIC:
                    assert definition.checkValueIsAcceptable(source.staticValue(), context), name


@pytest.mark.parametrize("stem", READY)
def test_a_saved_model_names_no_place_of_its_making(stem):
    text = (WORKFLOWS / f"{stem}.model3").read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(Path.home()) not in text


def test_the_saved_models_are_those_of_the_script(provider, monkeypatch, tmp_path):
    script = builder()
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    for build in script.MODELS:
        build()
    for stem in READY:
        built = QgsProcessingModelAlgorithm()
        assert built.fromFile(str(tmp_path / f"{stem}.model3"))
        assert children(built) == children(provider.algorithm(stem)), "run scripts/build_models.py"


def chain(bench, folder):
    return {
        "SCENE": bench.resolve("district:hyperspectral"),
        "SAMPLES": bench.resolve("district:samples"),
        "ELEMENTS": ["Sb", "Pb"],
        "SEED": 1,
        "map:Metals": str(folder / "metals.tif"),
        "cluster:Zone polygons": str(folder / "zones.gpkg"),
        "train:Inversion report": str(folder / "inversion.html"),
    }


def test_the_heavy_metal_map_goes_from_the_scene_to_zones(provider, bench, feedback, tmp_path):
    model = provider.algorithm("heavymetalmap")
    context = QgsProcessingContext()
    wanted = chain(bench, tmp_path)
    assert model.checkParameterValues(wanted, context) == (True, "")
    model.run(wanted, context, feedback, {}, catchExceptions=False)
    metals = gdal.Open(str(tmp_path / "metals.tif"))
    bands = [metals.GetRasterBand(i + 1).GetDescription() for i in range(metals.RasterCount)]
    assert bands == ["Sb", "Pb"]
    zones = QgsVectorLayer(str(tmp_path / "zones.gpkg"), "zones")
    assert zones.featureCount() > 0
    assert zones.crs().authid() == "EPSG:32649"
    assert (tmp_path / "inversion.html").exists()


def test_the_mine_search_goes_from_a_catalogue_to_google_earth(provider, bench, feedback, tmp_path):
    model = provider.algorithm("minesearch")
    wanted = {
        "EXTENT": bench.resolve("extent:sentinel2_20210714"),
        "CATALOGUE": OTHER,
        "URL": bench.resolve("server:"),
        "COLLECTION": "sentinel-2-l2a",
        "CLOUD_LIMIT": 95,
        # A classifier of small patches, for the district is smaller than what our own sees.
        "DETECTOR": bench.resolve("made:importmodel.MODEL"),
        "THRESHOLD": 0.0,
        "REGISTERS": [bench.resolve("district:register")],
        "DISTANCE": 200,
        "match:Findings and registers": str(tmp_path / "matched.gpkg"),
        "export:Google Earth": str(tmp_path / "mines.kml"),
        "export:Table": str(tmp_path / "mines.csv"),
    }
    context = QgsProcessingContext()
    assert model.checkParameterValues(wanted, context) == (True, "")
    model.run(wanted, context, feedback, {}, catchExceptions=False)
    matched = QgsVectorLayer(str(tmp_path / "matched.gpkg"), "matched")
    assert matched.featureCount() > 0
    assert {feature["registered"] for feature in matched.getFeatures()} <= {"yes", "no"}
    assert matched.crs().authid() == "EPSG:32649"
    assert "<Placemark" in (tmp_path / "mines.kml").read_text(encoding="utf-8")
    lines = (tmp_path / "mines.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == matched.featureCount() + 1


def test_a_step_that_fails_stops_the_chain(provider, bench, feedback, tmp_path):
    model = provider.algorithm("heavymetalmap")
    wanted = {**chain(bench, tmp_path), "ELEMENTS": ["Xx"]}
    with pytest.raises(QgsProcessingException) as caught:
        model.run(wanted, QgsProcessingContext(), feedback, {}, catchExceptions=False)
    # QGIS 3.22 tells the reason in the log, 3.44 in the exception.
    assert "no field Xx" in " ".join([*feedback.warned, str(caught.value)])
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_chain_raises_and_leaves_nothing(provider, bench, feedback, tmp_path):
    model = provider.algorithm("heavymetalmap")
    feedback.progressChanged.connect(lambda share: feedback.cancel() if share > 30 else None)
    with pytest.raises(QgsProcessingException):
        model.run(chain(bench, tmp_path), QgsProcessingContext(), feedback, {}, False)
    assert list(tmp_path.iterdir()) == []


def test_models_are_plain_text_that_older_releases_read():
    for stem in READY:
        text = (WORKFLOWS / f"{stem}.model3").read_text(encoding="utf-8")
        assert text.startswith("<!DOCTYPE model>")
        assert json.dumps(stem)


def test_the_models_own_defaults_reach_its_steps(provider, bench, feedback, tmp_path, monkeypatch):
    from gossan.engine import client

    calls = {}

    def record(name, parameters, _):
        calls[name] = parameters
        if name == "lithology.train":
            raise client.EngineError("recorded", "recorded")
        return run_really(name, parameters, feedback)

    run_really = client.run_job
    monkeypatch.setattr(client, "run_job", record)
    model = provider.algorithm("lithologicalmap")
    parameters = {
        "IMAGE": bench.resolve("district:hyperspectral"),
        "BANDS": [5, 20, 40],
        "GEOCHEMISTRY": bench.resolve("district:geochemistry"),
        "MAGNETICS": bench.resolve("district:magnetics"),
        "TERRAIN": bench.resolve("district:dem"),
        "MAP": bench.resolve("district:geological_map"),
        "CLASS_FIELD": "unit",
        "map:Lithological map": str(tmp_path / "map.tif"),
    }
    with pytest.raises(QgsProcessingException, match="Train lithology"):
        model.run(parameters, QgsProcessingContext(), feedback, {}, catchExceptions=False)
    assert calls["lithology.pole"]["inclination"] == 60.0
    assert calls["lithology.train"]["method"] == "random forest"
    assert calls["lithology.train"]["width"] == 0.125
    assert calls["lithology.train"]["recipe"] == "small machine"
    assert list(tmp_path.iterdir()) == []
