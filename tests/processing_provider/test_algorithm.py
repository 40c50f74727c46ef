"""What every algorithm inherits: declarations, checks, jobs, outputs."""

from __future__ import annotations

import json
import os
import stat

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)

from gossan.engine import client
from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm

UTM = QgsCoordinateReferenceSystem("EPSG:32629")


class Toy(GossanAlgorithm):
    ID = "toy"
    NAME = "Toy"
    GROUP = "metals"
    TAGS = ("play",)
    DOES = "Plays with a raster. And no more."
    NEEDS = "A raster."
    GIVES = "Another."
    SOURCE = "Childhood."

    def initAlgorithm(self, configuration=None):  # noqa: N802
        raster = QgsProcessing.SourceType.TypeRaster
        point = QgsProcessing.SourceType.TypeVectorPoint
        self.add(QgsProcessingParameterRasterLayer("INPUT", "Scene"), "What to play with.")
        self.add(
            QgsProcessingParameterMultipleLayers("MORE", "More", raster, optional=True), "More."
        )
        self.add_choice("METHOD", "Method", ["NNLS", "FCLS"], "FCLS", "Which.")
        self.add_image_options()
        self.add_seed()
        self.add_dask()
        self.add(QgsProcessingParameterRasterDestination("OUTPUT", "Result"), "What comes out.")
        self.add(
            QgsProcessingParameterFileDestination("REPORT", "Report", "HTML (*.html)", None, True),
            "What it says.",
        )
        self.add(QgsProcessingParameterFeatureSink("POINTS", "Points", point, None, True), "Where.")

    def check(self, parameters, context):
        return "Seven is right out." if self.seed(parameters, context) == 7 else ""


@pytest.fixture
def toy(qgis_application):
    return Toy().create()


@pytest.fixture
def scene(tmp_path):
    gdal = pytest.importorskip("osgeo.gdal")
    path = str(tmp_path / "scene.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 4, 3, 1, gdal.GDT_Float32)
    dataset.SetProjection(UTM.toWkt())
    dataset.SetGeoTransform((500000, 30, 0, 4500000, 0, -30))
    dataset.GetRasterBand(1).Fill(0.5)
    dataset = None
    return path


def test_texts_make_the_help(toy):
    assert toy.shortDescription() == "Plays with a raster."
    text = toy.shortHelpString()
    assert text.index("Plays") < text.index("Needs") < text.index("Gives") < text.index("Source")
    assert (toy.group(), toy.groupId(), toy.tags()) == ("Heavy metals", "metals", ["play"])


def test_every_parameter_keeps_its_tip_and_its_place(toy):
    assert all(definition.help() for definition in toy.parameterDefinitions())
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    names = {d.name() for d in toy.parameterDefinitions() if d.flags() & advanced}
    assert names == {"WAVELENGTHS", "SCALE", "OFFSET", "SEED", "DASK_ADDRESS"}


def test_a_parameter_cannot_be_declared_twice(toy):
    with pytest.raises(ValueError, match="INPUT twice"):
        toy.add(QgsProcessingParameterRasterLayer("INPUT", "Scene"), "Once more.")


def test_values_not_given_are_plain(toy, context):
    assert toy.image_options({}, context) == {"wavelengths": "", "scale": None, "offset": None}
    assert toy.choice({}, "METHOD", context) == "FCLS"
    assert toy.choice({"METHOD": "NNLS"}, "METHOD", context) == "NNLS"
    assert toy.raster_paths({}, "MORE", context) == []
    assert toy.output_path({}, "REPORT", context) == ""
    assert not toy.is_wanted({}, "POINTS", context)


def test_numbers_given_arrive(toy, context, tmp_path):
    table = tmp_path / "bands.csv"
    table.write_text("nm\n500\n")
    given = {"SCALE": 0.0001, "OFFSET": 0.0, "WAVELENGTHS": str(table)}
    assert toy.image_options(given, context) == {
        "wavelengths": str(table),
        "scale": 0.0001,
        "offset": 0.0,
    }


def test_a_step_of_a_model_that_is_handed_nothing_counts_on_its_defaults(toy, context):
    nothing = {"SEED": None, "SCALE": None}
    assert toy.number(nothing, "SEED", context) == 0
    assert toy.number(nothing, "SCALE", context) is None


def test_values_come_under_the_keywords_of_the_job(toy, context, scene, tmp_path):
    report = str(tmp_path / "r.html")
    given = {"INPUT": scene, "SEED": 3, "METHOD": "NNLS", "REPORT": report, "MORE": [scene]}
    values = toy.values(
        given,
        context,
        raster="INPUT",
        rasters="MORE",
        seed="SEED",
        scale="SCALE",
        method="METHOD",
        report="REPORT",
        points="POINTS",
        address="DASK_ADDRESS",
    )
    assert values == {
        "raster": scene,
        "rasters": [scene],
        "seed": 3,
        "scale": None,
        "method": "NNLS",
        "report": report,
        "points": "",
        "address": "",
    }
    assert type(values["seed"]) is int
    assert toy.values({"POINTS": "memory:"}, context, at="POINTS")["at"].endswith("points.geojson")


def test_a_run_knows_which_results_it_makes(toy, context, feedback, scene, tmp_path):
    given = {"INPUT": scene, "OUTPUT": str(tmp_path / "o.tif"), "POINTS": "memory:"}
    toy.values(given, context, output="OUTPUT", report="REPORT")
    path = features(tmp_path, [(1.0, 1, 2)])
    points = toy.features_to_sink(path, given, "POINTS", UTM, context, feedback)
    assert toy.made == {"OUTPUT": str(tmp_path / "o.tif"), "POINTS": points}


def test_a_missing_file_is_named(toy, context):
    with pytest.raises(QgsProcessingException, match=r"Wavelengths.*no file /nowhere/bands.csv"):
        toy.image_options({"WAVELENGTHS": "/nowhere/bands.csv"}, context)


def test_a_model_that_hands_nothing_on_is_told_so(toy, context):
    with pytest.raises(QgsProcessingException, match="Scene: no raster was given"):
        toy.raster_path({"INPUT": None}, "INPUT", context)


def test_a_missing_raster_is_named(toy, context, scene):
    with pytest.raises(QgsProcessingException, match=r"/nowhere/a\.tif"):
        toy.raster_path({"INPUT": "/nowhere/a.tif"}, "INPUT", context)
    with pytest.raises(QgsProcessingException, match=r"More: /nowhere/a\.tif cannot be opened"):
        toy.raster_paths({"MORE": [scene, "/nowhere/a.tif"]}, "MORE", context)


def test_rasters_become_paths_and_lend_their_crs(monkeypatch, toy, context, scene):
    monkeypatch.chdir(os.path.dirname(scene))
    assert toy.raster_path({"INPUT": "scene.tif"}, "INPUT", context) == scene
    # QGIS writes statistics beside a raster on closing it, which has to happen in this folder.
    context.temporaryLayerStore().removeAllMapLayers()
    assert toy.raster_paths({"MORE": [scene, scene]}, "MORE", context) == [scene, scene]
    assert toy.raster_crs({"INPUT": scene}, "INPUT", context) == UTM


def test_checks_say_what_is_wrong_before_the_work_starts(toy, context, scene, tmp_path):
    good = {"INPUT": scene, "OUTPUT": str(tmp_path / "out.tif")}
    assert toy.checkParameterValues(good, context) == (True, "")
    assert toy.checkParameterValues({**good, "SEED": 7}, context) == (False, "Seven is right out.")
    ok, message = toy.checkParameterValues({**good, "OUTPUT": "/nowhere/out.tif"}, context)
    assert not ok
    assert "Result: there is no folder /nowhere" in message
    ok, message = toy.checkParameterValues({**good, "OUTPUT": scene}, context)
    assert not ok
    assert "would be overwritten" in message
    ok, message = toy.checkParameterValues({**good, "METHOD": "magic"}, context)
    assert not ok


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(toy, context, scene, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    ok, message = toy.checkParameterValues(
        {"INPUT": scene, "OUTPUT": str(closed / "out.tif")}, context
    )
    assert not ok
    assert "cannot be written to" in message


def test_temporary_outputs_need_no_folder(toy, context, scene):
    given = {"INPUT": scene, "OUTPUT": "TEMPORARY_OUTPUT", "POINTS": "memory:"}
    assert toy.checkParameterValues(given, context) == (True, "")
    assert toy.output_path(given, "OUTPUT", context).endswith(".tif")


def test_origin_tells_inputs_and_defaults_and_is_plain_json(toy, context, scene):
    origin = toy.origin({"INPUT": scene, "OUTPUT": "x.tif", "MORE": [scene]}, context)
    assert json.loads(json.dumps(origin)) == origin
    assert origin["algorithm"] == "gossan:toy"
    assert origin["parameters"] == {
        "INPUT": scene,
        "MORE": [scene],
        "METHOD": "FCLS",
        "WAVELENGTHS": None,
        "SCALE": None,
        "OFFSET": None,
        "SEED": 0,
        "DASK_ADDRESS": None,
    }


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (client.EngineError("InputError", "Band 7 is missing."), "Band 7 is missing."),
        (client.EngineCancelled("Cancelled."), "Cancelled"),
    ],
)
def test_what_stops_a_job_stops_the_algorithm(toy, feedback, monkeypatch, error, sentence):
    def stop(*arguments):
        raise error

    monkeypatch.setattr(client, "run_job", stop)
    with pytest.raises(QgsProcessingException, match=sentence):
        toy.run_job("selftest.fail", {}, feedback)


def features(tmp_path, rows):
    path = tmp_path / "job.geojson"
    content = [
        {
            "type": "Feature",
            "properties": {"sb": sb},
            "geometry": {"type": "Point", "coordinates": [x, y]},
        }
        for sb, x, y in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": content}))
    return str(path)


@pytest.mark.parametrize("name", ["memory:", "points.gpkg", "points.geojson", "points.shp"])
def test_features_reach_the_sink_with_types_and_crs(toy, context, feedback, tmp_path, name):
    path = features(tmp_path, [(1.5, 500000, 4500000), (None, 500030, 4500030)])
    target = name if name == "memory:" else str(tmp_path / name)
    destination = toy.features_to_sink(path, {"POINTS": target}, "POINTS", UTM, context, feedback)
    layer = QgsProcessingUtils.mapLayerFromString(destination, context)
    assert layer.crs() == UTM
    assert layer.fields().field("sb").isNumeric()
    values = [feature["sb"] for feature in layer.getFeatures()]
    assert values[0] == 1.5
    assert not values[1]


def test_no_feature_makes_an_empty_layer_of_the_promised_kind(toy, context, feedback, tmp_path):
    path = features(tmp_path, [])
    target = str(tmp_path / "none.gpkg")
    toy.features_to_sink(path, {"POINTS": target}, "POINTS", UTM, context, feedback)
    layer = QgsVectorLayer(target, "none")
    assert layer.featureCount() == 0
    assert layer.wkbType() == QgsWkbTypes.Type.Point


def test_an_unwanted_sink_is_left_alone(toy, context, feedback):
    assert toy.features_to_sink("/nowhere", {}, "POINTS", UTM, context, feedback) is None


def test_raster_results_are_styled_beside_the_file(toy, context, scene):
    toy.style_raster(scene, styles.abundance, context)
    assert os.path.exists(scene.replace(".tif", ".qml"))
    toy.style_raster("", styles.abundance, context)


def test_a_job_that_stops_late_leaves_no_result_but_what_was_there(
    toy, context, feedback, scene, tmp_path, monkeypatch
):
    given = {
        "INPUT": scene,
        "OUTPUT": str(tmp_path / "new.tif"),
        "REPORT": str(tmp_path / "r.html"),
    }
    (tmp_path / "r.html").write_text("from last time")

    def stop_late(*arguments):
        (tmp_path / "new.tif").write_text("complete")
        (tmp_path / "new.hdr").write_text("complete")
        raise client.EngineCancelled("Cancelled.")

    toy.output_path(given, "OUTPUT", context)
    toy.output_path(given, "REPORT", context)
    monkeypatch.setattr(client, "run_job", stop_late)
    with pytest.raises(QgsProcessingException):
        toy.run_job("toy.play", {}, feedback)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "scene.tif"]


def test_a_sink_that_cannot_be_made_takes_the_results_with_it(
    toy, context, feedback, scene, tmp_path
):
    given = {"INPUT": scene, "OUTPUT": str(tmp_path / "new.tif"), "POINTS": "/nowhere/p.gpkg"}
    toy.output_path(given, "OUTPUT", context)
    (tmp_path / "new.tif").write_text("complete")
    path = features(tmp_path, [(1.0, 1, 2)])
    with pytest.raises(QgsProcessingException):
        toy.features_to_sink(path, given, "POINTS", UTM, context, feedback)
    assert not (tmp_path / "new.tif").exists()


@pytest.mark.parametrize(
    ("name", "expected"), [("Result", "Abundances"), ("", "Abundances"), ("My map", "My map")]
)
def test_a_loaded_layer_is_named_unless_somebody_has_named_it(toy, context, scene, name, expected):
    details = QgsProcessingContext.LayerDetails(name, QgsProject(), "OUTPUT")
    context.addLayerToLoadOnCompletion(scene, details)
    toy.style_raster(scene, styles.abundance, context, title="Abundances")
    assert context.layerToLoadOnCompletionDetails(scene).name == expected
