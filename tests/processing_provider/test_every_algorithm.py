"""What holds for each algorithm of the toolbox, row by row of the table ``algorithm_cases``."""

from __future__ import annotations

import ast
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from osgeo import gdal
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingModelAlgorithm,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from gossan.engine import client
from gossan.models.registry import JOBS
from gossan.processing_provider.groups import GROUPS

ROOT = Path(__file__).resolve().parents[2]
DESTINATIONS = ("rasterDestination", "sink", "fileDestination", "folderDestination")
OUTPUTS = (
    "outputRaster",
    "outputVector",
    "outputFile",
    "outputHtml",
    "outputFolder",
    "outputNumber",
    "outputString",
)


@pytest.fixture
def algorithm(case, provider):
    return provider.algorithm(case.id)


def test_every_algorithm_has_its_row(provider, cases):
    own = {
        a.name() for a in provider.algorithms() if not isinstance(a, QgsProcessingModelAlgorithm)
    }
    assert own == set(cases)


def test_it_presents_itself(algorithm):
    assert re.fullmatch(r"[a-z]+", algorithm.name())
    assert algorithm.id() == f"gossan:{algorithm.name()}"
    assert algorithm.group() == GROUPS[algorithm.groupId()]
    assert len(algorithm.tags()) >= 3
    assert algorithm.displayName()[0].isupper()
    assert algorithm.shortDescription().endswith(".")
    words = algorithm.shortHelpString()
    for part in ("<b>Needs.</b>", "<b>Gives.</b>", "<b>Source.</b>"):
        assert part in words


def test_its_icon_shows_in_light_and_dark_themes(algorithm):
    image = algorithm.icon().pixmap(24, 24).toImage()
    seen = [QColor(image.pixelColor(x, y)) for x in range(24) for y in range(24)]
    drawn = [colour for colour in seen if colour.alpha() > 200]
    assert len(drawn) > 60
    assert any(60 < colour.lightness() < 200 for colour in drawn)


def test_every_parameter_explains_itself(algorithm):
    definitions = algorithm.parameterDefinitions()
    assert definitions
    for definition in definitions:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", definition.name())
        assert definition.description()
        assert len(definition.help()) > 10, definition.name()
        assert definition.help().strip().endswith((".", ")")), definition.help()


def test_its_outputs_are_typed(algorithm, case):
    names = {output.name(): output.type() for output in algorithm.outputDefinitions()}
    assert set(names.values()) <= set(OUTPUTS)
    destinations = {d.name() for d in algorithm.destinationParameterDefinitions()}
    assert destinations == set(case.outputs), "the row names a file for every destination"
    assert destinations <= set(names)
    assert all(d.type() in DESTINATIONS for d in algorithm.destinationParameterDefinitions())
    assert {name for name, kind in names.items() if kind == "outputNumber"} >= set(case.numbers)


def test_a_new_instance_is_another_one_alike(algorithm):
    copy = algorithm.create()
    assert copy is not algorithm
    assert type(copy) is type(algorithm)
    names = [d.name() for d in algorithm.parameterDefinitions()]
    assert [d.name() for d in copy.parameterDefinitions()] == names


def test_its_row_passes_the_checks(algorithm, case, bench, tmp_path):
    parameters = bench.parameters(case, tmp_path)
    assert algorithm.checkParameterValues(parameters, QgsProcessingContext()) == (True, "")


def test_its_call_fits_its_jobs_signature(case, bench, tmp_path, monkeypatch):
    if not case.job:
        pytest.skip("needs no engine")
    calls = []

    def record(name, parameters, feedback):
        calls.append((name, parameters))
        raise client.EngineError("recorded", "recorded")

    for value in [*case.inputs.values(), *(v for wrong, _ in case.wrong for v in wrong.values())]:
        bench.resolve(value)
    monkeypatch.setattr(client, "run_job", record)
    with pytest.raises(QgsProcessingException, match="recorded"):
        bench.run(case, tmp_path)
    ((name, parameters),) = calls
    assert json.loads(json.dumps(parameters)) == parameters, "plain JSON only"
    keywords = signature(name)
    assert set(parameters) <= set(keywords), "the job knows no such parameter"
    required = {key for key, (_, needed) in keywords.items() if needed}
    assert required <= set(parameters), "the job needs these"
    for key, value in parameters.items():
        annotation, _ = keywords[key]
        assert fits(value, annotation), f"{key}={value!r} is no {annotation}"
    assert parameters["origin"]["algorithm"] == f"gossan:{case.id}"


def signature(job):
    """Return annotation and necessity of each keyword of a job, read from its source."""
    module, _, function = JOBS[job].partition(":")
    path = ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (node,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    assert [a.arg for a in node.args.args] == ["progress"]
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults)
    return {a.arg: (ast.unparse(a.annotation), default is None) for a, default in pairs}


def fits(value, annotation):
    """Return whether a plain value is what an annotation says."""
    if "| None" in annotation and value is None:
        return True
    kind = annotation.replace("| None", "").strip()
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.startswith(("Sequence", "list", "tuple")):
        inner = kind[kind.index("[") + 1 : -1].replace(", ...", "")
        return isinstance(value, list) and all(fits(item, inner) for item in value)
    if kind.startswith(("Mapping", "dict")):
        return isinstance(value, dict)
    exact = {"str": str, "int": int, "bool": bool}
    return type(value) is exact[kind]


def test_it_runs_on_the_district(case, bench):
    results = bench.made(case.id)
    for name, file in case.outputs.items():
        path = bench.folder / case.id / file
        assert results[name] == str(path) or str(results[name]).startswith(str(path))
        assert looks_right(path, case.id), path
    for name in case.numbers:
        assert math.isfinite(results[name]), name
    leftovers = [p.name for p in (bench.folder / case.id).iterdir() if "gossan-part" in p.name]
    assert leftovers == []


def looks_right(path, case_id):
    """Return whether an output holds what its suffix says; rasters also tell their origin."""
    if path.suffix == ".tif":
        dataset = gdal.Open(str(path))
        assert dataset.GetMetadataItem("GOSSAN_ALGORITHM") == f"gossan:{case_id}"
        assert path.with_suffix(".qml").exists(), "comes with its style"
        assert dataset.GetProjection()
        assert all(
            dataset.GetRasterBand(i + 1).GetDescription() for i in range(dataset.RasterCount)
        )
        low, high = dataset.GetRasterBand(1).ComputeRasterMinMax(False)
        return math.isfinite(low) and math.isfinite(high)
    if path.suffix in (".gpkg", ".geojson"):
        layer = QgsVectorLayer(str(path), "x")
        return layer.isValid() and layer.featureCount() > 0 and layer.crs().isValid()
    if path.suffix == ".html":
        return path.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    return path.stat().st_size > 0


def test_the_same_seed_repeats(case, bench, tmp_path):
    if not case.seeded:
        pytest.skip("takes no random numbers")
    bench.run(case, tmp_path)
    for file in case.outputs.values():
        first, again = bench.folder / case.id / file, tmp_path / file
        if first.suffix == ".tif":
            assert checksums(first) == checksums(again), file
        elif first.suffix == ".csv":
            assert first.read_text() == again.read_text(), file
        elif first.suffix in (".gpkg", ".geojson"):
            assert attributes(first) == attributes(again), file


def checksums(path):
    dataset = gdal.Open(str(path))
    return [dataset.GetRasterBand(i + 1).Checksum() for i in range(dataset.RasterCount)]


def attributes(path):
    layer = QgsVectorLayer(str(path), "x")
    return [(f.attributes()[1:], f.geometry().asWkt(3)) for f in layer.getFeatures()]


def test_cancelled_before_it_starts_it_leaves_nothing(case, bench, tmp_path, feedback):
    bench.parameters(case, tmp_path)  # makes what other rows provide, before the wish to stop
    feedback.cancel()
    with pytest.raises(QgsProcessingException, match=r"[Cc]ancel|no feature"):
        bench.run(case, tmp_path, feedback)
    assert list(tmp_path.iterdir()) == []


def test_cancelled_in_the_middle_it_leaves_nothing_or_all(case, bench, tmp_path, feedback):
    bench.parameters(case, tmp_path)
    feedback.progressChanged.connect(lambda share: feedback.cancel() if share > 0 else None)
    try:
        bench.run(case, tmp_path, feedback)
    except QgsProcessingException:
        expected = set()
    else:
        expected = set(case.outputs.values())  # a quick job may end before it looks
    present = {path.name for path in tmp_path.iterdir()} - set(case.state)
    assert bool(present) == bool(expected)
    assert expected <= present


def test_bad_input_gets_a_clear_sentence_and_leaves_nothing(refusal, bench, tmp_path):
    case, changes, sentence = refusal
    with pytest.raises((ValueError, QgsProcessingException)) as caught:
        bench.run(case, tmp_path, **changes)
    assert sentence.lower() in str(caught.value).lower()
    assert "Traceback" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_every_missing_raster_is_named(case, algorithm, bench, tmp_path):
    for definition in algorithm.parameterDefinitions():
        name = definition.name()
        if definition.type() not in ("raster", "multilayer") or name not in case.inputs:
            continue
        missing = "/nowhere/missing.tif"
        value = missing if definition.type() == "raster" else [missing]
        with pytest.raises((ValueError, QgsProcessingException), match="missing.tif|" + name):
            bench.run(case, tmp_path, **{name: value})
        assert list(tmp_path.iterdir()) == []


def test_loading_the_toolbox_loads_no_science():
    program = (
        "import sys\n"
        "from importlib import import_module\n"
        "import qgis.core, qgis.PyQt.QtGui\n"
        "of_qgis = set(sys.modules)\n"
        "from gossan.processing_provider.provider import ALGORITHMS\n"
        "for module, _ in ALGORITHMS: import_module('gossan.processing_provider.' + module)\n"
        "science = {'numpy', 'scipy', 'sklearn', 'rasterio', 'tensorflow', 'h5py', 'matplotlib'}\n"
        "print(sorted(science & {name.split('.')[0] for name in set(sys.modules) - of_qgis}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
