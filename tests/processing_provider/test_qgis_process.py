"""The toolbox in the real ``qgis_process``, where libraries collide that agree under pytest."""

from __future__ import annotations

import json
import math
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "QGIS_PREFIX_PATH")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no qgis_process here")


class QgisProcess:
    """``qgis_process`` with the plugin in a profile of its own."""

    def __init__(self, folder: Path) -> None:
        plugins = folder / "profiles" / "default" / "python" / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "gossan").symlink_to(ROOT)
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        own = {"QGIS_CUSTOM_CONFIG_PATH": str(folder), "QT_QPA_PLATFORM": "offscreen"}
        self.environment = {**kept, **own}
        assert self("plugins", "enable", "gossan").returncode == 0

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def start(self, algorithm: str, parameters: dict) -> subprocess.Popen[str]:
        """Run an algorithm as one does on the command line, and do not wait for its end."""
        return subprocess.Popen(
            [PROGRAM, "run", algorithm, *options(parameters)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, algorithm: str, parameters: dict) -> subprocess.CompletedProcess[str]:
        """Run an algorithm as one does on the command line."""
        return self("--json", "run", algorithm, *options(parameters))


def options(parameters):
    """Return parameters as the command line has them: a list is an option several times."""
    pairs = []
    for name, value in parameters.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            pairs.append(f"--{name}={str(item).lower() if isinstance(item, bool) else item}")
    return pairs


@pytest.fixture(scope="module")
def qgis_process(tmp_path_factory):
    return QgisProcess(tmp_path_factory.mktemp("profile"))


def test_the_toolbox_is_listed_with_its_models(qgis_process, provider):
    listed = qgis_process("list").stdout
    for algorithm in provider.algorithms():
        assert algorithm.name() in listed


def test_help_tells_every_parameter(qgis_process, case, provider):
    told = qgis_process("help", f"gossan:{case.id}").stdout
    for definition in provider.algorithm(case.id).parameterDefinitions():
        assert definition.name() in told


def test_it_runs_on_files_given_on_the_command_line(qgis_process, case, bench, tmp_path):
    done = qgis_process.run(f"gossan:{case.id}", bench.parameters(case, tmp_path))
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    for name, file in case.outputs.items():
        assert (tmp_path / file).stat().st_size > 0
        assert str(results[name]).startswith(str(tmp_path / file))
    for name in case.numbers:
        assert math.isfinite(float(results[name]))


def test_a_refusal_is_no_success(qgis_process, first_refusal, bench, tmp_path):
    case, changes, sentence = first_refusal
    done = qgis_process.run(f"gossan:{case.id}", bench.parameters(case, tmp_path, **changes))
    assert done.returncode != 0
    assert sentence.lower() in (done.stdout + done.stderr).lower()
    assert list(tmp_path.iterdir()) == []


def test_without_an_engine_it_says_how_to_get_one(qgis_process, bench, cases, tmp_path):
    case = cases["pollutionindices"]
    environment = qgis_process.environment
    qgis_process.environment = {**environment, "GOSSAN_ENGINE": "/nowhere/bin/python"}
    try:
        done = qgis_process.run(f"gossan:{case.id}", bench.parameters(case, tmp_path))
    finally:
        qgis_process.environment = environment
    assert done.returncode != 0
    assert "set up" in (done.stdout + done.stderr).lower()
    assert list(tmp_path.iterdir()) == []


def test_the_ready_model_runs_by_its_id(qgis_process, bench, tmp_path):
    parameters = {
        "SCENE": bench.resolve("district:hyperspectral"),
        "SAMPLES": bench.resolve("district:sample_points"),
        "ELEMENTS": ["Sb", "Pb"],
        "unmix:Abundances": str(tmp_path / "abundances.tif"),
        "map:Metals": str(tmp_path / "metals.tif"),
        "cluster:Zones": str(tmp_path / "zones.tif"),
    }
    done = qgis_process.run("gossan:heavymetalmap", parameters)
    assert done.returncode == 0, done.stderr
    for name in ("abundances", "metals", "zones"):
        assert (tmp_path / f"{name}.tif").stat().st_size > 0
        assert (tmp_path / f"{name}.qml").exists()


def test_the_model_of_lithology_runs_by_its_id(qgis_process, bench, tmp_path):
    parameters = {
        "IMAGE": bench.resolve("district:hyperspectral"),
        "BANDS": [5, 20, 40],
        "GEOCHEMISTRY": bench.resolve("district:geochemistry"),
        "MAGNETICS": bench.resolve("district:magnetics"),
        "INCLINATION": 42,
        "DECLINATION": -3.5,
        "TERRAIN": bench.resolve("district:dem"),
        "MAP": bench.resolve("district:geological_map"),
        "CLASS_FIELD": "unit",
        "BLOCK_SIZE": 180,
        "map:Lithological map": str(tmp_path / "lithology.tif"),
        "train:Training report": str(tmp_path / "training.html"),
        "assess:Assessment": str(tmp_path / "assessment.html"),
    }
    done = qgis_process.run("gossan:lithologicalmap", parameters)
    assert done.returncode == 0, done.stderr
    for name in ("lithology.tif", "lithology.qml", "training.html", "assessment.html"):
        assert (tmp_path / name).stat().st_size > 0
    assert "paletted" in (tmp_path / "lithology.qml").read_text(encoding="utf-8")


def test_found_scenes_are_composed_from_their_server(qgis_process, bench, tmp_path, catalogue):
    found = bench.made("searchimagery")["OUTPUT"]
    catalogue.served.clear()
    output = tmp_path / "composite.tif"
    parameters = {"SCENES": found, "CLOUD_LIMIT": 95, "BAND_NAMES": "B4", "OUTPUT": str(output)}
    done = qgis_process.run("gossan:cloudfreecomposite", parameters)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert float(results["USED_SCENES"]) == float(bench.made("searchimagery")["FOUND"])
    assert output.stat().st_size > 0
    assert sum(catalogue.served.values()) > 0


def test_a_network_learns_and_maps_in_the_real_program(qgis_process, bench, tmp_path):
    stack = [bench.made("fusesources")["OUTPUT"]]
    training = {
        "FEATURES": stack,
        "MAP_RASTER": bench.resolve("district:geological_map_raster"),
        "METHOD": "FCN-8s",
        "WIDTH": 0.05,
        "RECIPE": "small machine",
        "BLOCK_SIZE": 180,
        "WINDOW_SIZE": 32,
        "WINDOWS": 8,
        "EPOCHS": 1,
        "BASELINE": False,
        "MODEL": str(tmp_path / "network.gossan"),
        "REPORT": str(tmp_path / "network.html"),
    }
    done = qgis_process.run("gossan:trainlithology", training)
    assert done.returncode == 0, done.stderr
    mapping = {"FEATURES": stack, "MODEL": training["MODEL"], "OUTPUT": str(tmp_path / "map.tif")}
    done = qgis_process.run("gossan:maplithology", mapping)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"]["PIXEL_COUNT"] == 48 * 48
    assert (tmp_path / "map.qml").exists()


LONG = {
    "extractendmembers": {"SKEWERS": 1_000_000, "SPACE": "bands"},
    "trainmetalinversion": {"TREES": 5000, "REPEATS": 20},
    "trainspectralmodel": {"TREES": 2000, "REPEATS": 50},
    "compareworkflows": {"SEEDS": 100, "TREES": 500},
    "trainlithology": {"TREES": 10_000, "SHARE": 1.0},
    "trainimpactclassifier": {"EPOCHS": 10_000},
    "traindepositmodel": {"EPOCHS": 10_000, "PATIENCE": 0},
    "cloudfreecomposite": {"PIXEL_SIZE": 0.2, "METHOD": "medoid"},
}
"""What keeps an algorithm busy on the small district."""


@pytest.mark.parametrize("case_id", LONG)
def test_an_interrupt_ends_it_within_seconds_and_leaves_nothing(
    qgis_process, bench, cases, tmp_path, case_id
):
    case = cases[case_id]
    process = qgis_process.start(
        f"gossan:{case_id}", bench.parameters(case, tmp_path, **LONG[case_id])
    )
    said = wait_for_work(process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 6  # two for the job, the rest for QGIS to end
    assert process.returncode not in (0, None), said + rest
    assert "cancel" in rest.lower()
    assert list(tmp_path.iterdir()) == []


def wait_for_work(process) -> str:
    """Read until the algorithm has said something, and let it work for a moment."""
    said = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not has_begun(said):
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        if ready:
            piece = os.read(process.stdout.fileno(), 4096).decode(errors="replace")
            assert piece, f"ended before it could be interrupted: {said}"
            said += piece
    time.sleep(1.0)
    return said


def has_begun(said) -> bool:
    """Return whether anything stands below the list of inputs."""
    lines = said.partition("Inputs\n")[2].splitlines()
    return any(line.strip("- \t") and ":\t" not in line for line in lines)
