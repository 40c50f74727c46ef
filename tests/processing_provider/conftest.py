"""A real QGIS application with the toolbox in it, and a small district to run it on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qgis.core")

from algorithm_cases import CASES
from osgeo import gdal
from qgis.analysis import QgsNativeAlgorithms
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsRasterLayer,
    QgsRectangle,
)
from stac_server import StacServer, sentinel2_item

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(os.environ.setdefault("GOSSAN_ENGINE", str(ROOT / ".venv" / "bin" / "python")))


class Listener(QgsProcessingFeedback):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(False)
        self.said: list[str] = []
        self.warned: list[str] = []

    def pushInfo(self, text: str) -> None:  # noqa: N802
        self.said.append(text)

    def pushWarning(self, text: str) -> None:  # noqa: N802
        self.warned.append(text)

    def reportError(self, text: str, fatalError: bool = False) -> None:  # noqa: N802
        self.warned.append(text)


class Bench:
    """Runs the rows of the table, each at most once where only its results are wanted."""

    def __init__(self, district: Path, folder: Path, provider, server: StacServer) -> None:
        self.district = district
        self.folder = folder
        self.provider = provider
        self.server = server
        self.results: dict[str, dict[str, Any]] = {}
        manifest = json.loads((district / "manifest.json").read_text(encoding="utf-8"))
        self.products = {product["name"]: product["file"] for product in manifest["products"]}

    def resolve(self, value: Any) -> Any:
        """Return a value of the table with its references turned into paths."""
        if isinstance(value, (list, tuple)):
            return [self.resolve(item) for item in value]
        if isinstance(value, str) and value.startswith("district:"):
            return str(self.district / self.products[value.partition(":")[2]])
        if isinstance(value, str) and value.startswith("made:"):
            case_id, _, output = value.partition(":")[2].partition(".")
            return self.made(case_id)[output]
        if isinstance(value, str) and value.startswith("extent:"):
            box = extent_of(self.resolve(f"district:{value.partition(':')[2]}"))
            order = box.xMinimum(), box.xMaximum(), box.yMinimum(), box.yMaximum()
            return f"{','.join(map(repr, order))} [EPSG:32649]"
        if isinstance(value, str) and value.startswith("camera:"):
            return self.camera_image(self.resolve(f"district:{value.partition(':')[2]}"))
        if isinstance(value, str) and value.startswith("server:"):
            return self.server.url + value.partition(":")[2]
        return value

    def camera_image(self, raster: str) -> str:
        """Return a raster of the district as a camera gives it: with RPCs instead of a place."""
        path = self.folder / f"camera_{Path(raster).name}"
        if not path.exists():
            source = gdal.Open(raster)
            rows, columns = source.RasterYSize, source.RasterXSize
            box = in_degrees(extent_of(raster))
            size = {"LINE": rows, "SAMP": columns, "LAT": box.height(), "LONG": box.width()}
            centre = {"LINE": (rows - 1) / 2, "SAMP": (columns - 1) / 2, "HEIGHT": 200}
            centre |= {"LAT": box.center().y(), "LONG": box.center().x()}
            lines = {f"{name}_OFF": value for name, value in centre.items()}
            lines |= {f"{name}_SCALE": value / 2 for name, value in size.items()}
            lines |= {"HEIGHT_SCALE": 500}
            for name, first in (("LINE", "0 0 -1"), ("SAMP", "0 1 0")):
                lines[f"{name}_NUM_COEFF"] = f"{first} 0.05 " + "0 " * 16
                lines[f"{name}_DEN_COEFF"] = "1 " + "0 " * 19
            options = {"format": "GTiff", "noData": 0, "metadataOptions": []}
            made = gdal.Translate(str(path), source, **options)
            made.SetProjection("")
            made.SetGeoTransform((0, 1, 0, 0, 0, 1))
            made.SetMetadata({name: str(value) for name, value in lines.items()}, "RPC")
            del made
        return str(path)

    def parameters(self, case, folder: Path, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a row with its outputs in a folder; None takes one away."""
        wanted = {**case.inputs, **changes}
        given = {name: self.resolve(value) for name, value in wanted.items() if value is not None}
        return {**given, **{name: str(folder / file) for name, file in case.outputs.items()}}

    def run(self, case, folder: Path, feedback=None, **changes: Any) -> dict[str, Any]:
        """Check the parameters as QGIS does, run the algorithm and return its results."""
        algorithm = self.provider.algorithm(case.id)
        context = QgsProcessingContext()
        parameters = self.parameters(case, folder, **changes)
        valid, message = algorithm.checkParameterValues(parameters, context)
        if not valid:
            raise ValueError(message)
        results, _ = algorithm.run(
            parameters, context, feedback or Listener(), {}, catchExceptions=False
        )
        return results

    def made(self, case_id: str) -> dict[str, Any]:
        """Return the results of a row, run once for all tests."""
        if case_id not in self.results:
            folder = self.folder / case_id
            folder.mkdir()
            self.results[case_id] = self.run(CASES[case_id], folder)
        return self.results[case_id]


def pytest_generate_tests(metafunc) -> None:
    """Run a test for every row that it takes as ``case``, and every refusal as ``refusal``."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES.values(), ids=CASES)
    refusals = [(case, *wrong) for case in CASES.values() for wrong in case.wrong]
    first = [(case, *case.wrong[0]) for case in CASES.values() if case.wrong]
    for fixture, rows in (("refusal", refusals), ("first_refusal", first)):
        if fixture in metafunc.fixturenames:
            names = [f"{case.id}-{sentence}" for case, _, sentence in rows]
            metafunc.parametrize(fixture, rows, ids=names)


@pytest.fixture(scope="session")
def cases():
    """The table, by algorithm id."""
    return CASES


@pytest.fixture(scope="session")
def qgis_application():
    """The one QGIS application of this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QgsApplication.instance()
    if not isinstance(application, QgsApplication):
        application = QgsApplication([], False)
        application.initQgis()
    return application


@pytest.fixture(scope="session")
def provider(qgis_application):
    """The toolbox, registered as the plugin does it."""
    from gossan.processing_provider.provider import GossanProvider

    registry = QgsApplication.processingRegistry()
    if registry.providerById("native") is None:
        registry.addProvider(QgsNativeAlgorithms(registry))
    if registry.providerById("gossan") is None:
        assert registry.addProvider(GossanProvider())
        registry.providerById("gossan").refreshAlgorithms()
    return registry.providerById("gossan")


@pytest.fixture
def context(qgis_application):
    return QgsProcessingContext()


@pytest.fixture
def feedback():
    return Listener()


@pytest.fixture(scope="session")
def in_engine(tmp_path_factory) -> Callable[..., str]:
    """Runs the engine's Python, which finds this package, and returns what it prints."""
    package = tmp_path_factory.mktemp("package")
    (package / "gossan").symlink_to(ROOT)
    return partial(engine_python, package)


@pytest.fixture(scope="session")
def district(tmp_path_factory, in_engine) -> Path:
    """A district small enough that every algorithm takes a moment."""
    folder = tmp_path_factory.mktemp("district")
    wanted = ["--size", "48", "--bands", "60", "--seed", "3"]
    wanted += ["--landsat-scenes", "6", "--landsat-size", "160", "--dates", "4"]
    wanted += ["--only", "hyperspectral", "soils", "registers", "geophysics", "landsat"]
    wanted += ["sentinel"]
    in_engine("-m", "gossan.examples.district", str(folder), *wanted)
    add_search(folder, in_engine)
    return folder


def add_search(folder: Path, in_engine: Callable[..., str]) -> None:
    """Add a second, larger area of few products, for chips and searches need 243 pixels.

    Its products are known as those of the district with ``search_`` before their names, and
    ``search_reviewed`` are its mines and irrigation ponds as an analyst would have judged them.
    """
    wanted = ["--size", "136", "--seed", "8", "--only", "mosaic", "registers"]
    in_engine("-m", "gossan.examples.district", str(folder / "search"), *wanted)
    whole = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    search = json.loads((folder / "search" / "manifest.json").read_text(encoding="utf-8"))
    products = search["products"]
    for product in products:
        name, file = f"search_{product['name']}", f"search/{product['file']}"
        whole["products"].append({**product, "name": name, "file": file})
    files = {product["name"]: folder / "search" / product["file"] for product in products}
    reviewed = reviewed_findings(files["mines"], files["irrigation_ponds"])
    (folder / "search" / "reviewed.geojson").write_text(json.dumps(reviewed), encoding="utf-8")
    whole["products"].append({"name": "search_reviewed", "file": "search/reviewed.geojson"})
    (folder / "manifest.json").write_text(json.dumps(whole), encoding="utf-8")


def reviewed_findings(mines: Path, ponds: Path) -> dict[str, Any]:
    """Return mines as confirmed and irrigation ponds as rejected findings."""
    content = json.loads(mines.read_text(encoding="utf-8"))
    rows = []
    for confirmed, path in ((True, mines), (False, ponds)):
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            impact = f"{feature['properties']['impact']} impact" if confirmed else ""
            decided = {"finding": len(rows) + 1, "impact": impact, "reason": ""}
            decided["decision"] = "mine" if confirmed else "false"
            rows.append({**feature, "properties": decided})
    return {**content, "features": rows}


@pytest.fixture(scope="session")
def catalogue(district, provider):
    """A STAC API on the loopback interface that serves the district's dated images."""
    manifest = json.loads((district / "manifest.json").read_text(encoding="utf-8"))
    items = []
    for product in manifest["products"]:
        about = product.get("details") or {}
        if product["name"].startswith("sentinel2_2") and about.get("date"):
            box = in_degrees(extent_of(str(district / product["file"])))
            corners = box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()
            items.append(
                sentinel2_item(
                    product["name"],
                    about["date"],
                    corners,
                    baseline=about["baseline"],
                    cloud=100 * about["cloud_share"],
                )
            )
    with StacServer(district, items) as server:
        yield server


@pytest.fixture(scope="session")
def bench(district, provider, catalogue, tmp_path_factory) -> Bench:
    return Bench(district, tmp_path_factory.mktemp("made"), provider, catalogue)


def in_degrees(box: QgsRectangle) -> QgsRectangle:
    """Return a box of the district's map as longitude and latitude."""
    here, world = map(QgsCoordinateReferenceSystem, ("EPSG:32649", "EPSG:4326"))
    to_world = QgsCoordinateTransform(here, world, QgsCoordinateTransformContext())
    return to_world.transformBoundingBox(box)


def extent_of(raster: str) -> QgsRectangle:
    """Return the extent of a raster in its own CRS."""
    return QgsRasterLayer(raster, "extent").extent()


def engine_python(package: Path, *arguments: str) -> str:
    """Run the engine's Python with the package in that folder and return what it prints."""
    foreign = ("PYTHONHOME", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH")
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    environment["PYTHONPATH"] = str(package)
    done = subprocess.run(
        [str(ENGINE), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
