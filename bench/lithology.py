"""Lithology on simulated districts, on real ground, and at the source's size.

``python bench/lithology.py district --method forest`` trains on districts and prints the scores on
blocks that were never seen beside those of a random split; ``--method FCN-8s`` trains networks with
a forest beside them, ``--split "random windows"`` as the source splits. ``real`` trains both on
Ebergötzen, Hamersley and Nanling where the shared data are there; ``size`` trains the full network
for some steps and maps a stack of 1611 x 1650 x 9 pixels, and ``fuse`` fuses an image of 10,000 x
10,000 pixels with grids of 2 km, both with seconds and peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window, open_raster, open_stack
from gossan.examples.district import Settings, make_district
from gossan.examples.district.geophysics import DECLINATION, INCLINATION
from gossan.models.registry import load

SHARED = Path(os.environ.get("GOSSAN_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SOURCE_SIZE = (1611, 1650, 9)
OXIDES = ("SiO2", "Al2O3", "Fe2O3", "MgO", "CaO", "Na2O", "K2O")
TRACES = ("Sb", "As", "W", "Sn", "Li", "Pb", "Zn", "Cu", "Ni", "Cr", "Th", "U")


def told() -> Progress:
    """Return a progress that prints warnings only, and whatever tells scores."""

    def say(text: str) -> None:
        if "mean IoU" in text or "weights" in text or text.startswith("Epoch"):
            print("   ", text, flush=True)

    return Progress(on_message=say, on_warning=lambda text: print("    !", text, flush=True))


def train(
    title: str, stack: Sequence[str], folder: Path, report: str = "", **options: Any
) -> dict[str, Any]:
    """Train, and print what it scored."""
    began = time.monotonic()
    result = load("lithology.train")(
        told(),
        features=list(stack),
        model=str(folder / "model.gossan"),
        report=report,
        **options,
    )
    beside = ""
    if result["gain"]:
        value, low, high = result["gain"]
        beside = (
            f" | forest OA {result['forest_accuracy']:.3f} mIoU {result['forest_mean_iou']:.3f}, "
            f"network minus forest {value:+.3f} [{low:+.3f}, {high:+.3f}]"
        )
    print(
        f"{title}: {len(result['classes'])} classes, unseen blocks OA "
        f"{result['overall_accuracy']:.3f} mIoU {result['mean_iou']:.3f} kappa "
        f"{result['kappa']:.3f} | random split OA {result['overall_accuracy_leaky']:.3f} mIoU "
        f"{result['mean_iou_leaky']:.3f}{beside} | {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return dict(result)


def network_options(arguments: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    """Return how networks are trained here."""
    return {
        "method": arguments.method,
        "width": arguments.width,
        "recipe": arguments.recipe,
        "windows": arguments.windows,
        "window": arguments.window,
        "epochs": arguments.epochs,
        "batch": arguments.batch,
        "patience": 0,
        "learning_rate": arguments.rate,
        "baseline": not arguments.alone,
        **changes,
    }


def district_stack(folder: Path, seed: int, size: int) -> tuple[list[str], str]:
    """Make a district and prepare its sources; return the stack and the geological map."""
    place = folder / f"district_{seed}_{size}"
    district = make_district(place, Settings(seed=seed, size=size), only=["geophysics"])
    clr, pole = str(place / "clr.tif"), str(place / "pole.tif")
    load("lithology.clr")(Progress(), raster=str(district.path("geochemistry")), output=clr)
    load("lithology.pole")(
        Progress(),
        raster=str(district.path("magnetics")),
        inclination=INCLINATION,
        declination=DECLINATION,
        output=pole,
    )
    terrain = str(terrain_bands(district.path("dem"), place))
    return [terrain, clr, pole, str(district.path("radiometrics"))], str(
        district.path("geological_map_raster")
    )


def terrain_bands(dem: Path, folder: Path) -> Path:
    """Write elevation, slope and height above the surroundings, as any GIS derives them."""
    path = folder / "terrain.tif"
    with open_raster(dem) as raster:
        values = raster.read()[..., 0]
        down, across = np.gradient(values, raster.info.pixel_size or 1.0)
        bands = np.stack([values, np.hypot(down, across), _relief(values)], axis=-1)
        with RasterWriter.like(path, raster.info, bands=["elevation", "slope", "relief"]) as out:
            out.write(Window(0, 0, raster.info.height, raster.info.width), bands)
    return path


def district(arguments: argparse.Namespace, folder: Path) -> None:
    """Train on districts of several seeds."""
    scores, gains = [], []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        stack, geology = district_stack(folder, seed, arguments.size)
        options: dict[str, Any] = {"method": "random forest"}
        if arguments.method != "forest":
            options = network_options(arguments)
        report = str(Path(arguments.report) / f"district_{seed}.html") if arguments.report else ""
        result = train(
            f"district {seed}, {arguments.size} px, {options['method']}",
            stack,
            folder,
            report,
            map_raster=geology,
            block_size=2400.0,
            seed=seed,
            split=arguments.split,
            **options,
        )
        scores.append(result["mean_iou"])
        gains += [result["gain"]] if result["gain"] else []
    print(f"mIoU on unseen blocks, median {np.median(scores):.3f}, {min(scores):.3f} to "
          f"{max(scores):.3f} over {len(scores)} districts")  # fmt: skip
    if gains:
        value, low, high = combined(gains)
        print(f"network minus forest, mean of the districts {value:+.3f} [{low:+.3f}, {high:+.3f}]")


def combined(gains: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return the mean of independent districts' gains with its interval, from their own ones."""
    values, lows, highs = np.array(gains).T
    deviation = (highs - lows) / (2 * 1.96)
    half = 1.96 * float(np.sqrt((deviation**2).sum())) / len(values)
    return float(values.mean()), float(values.mean()) - half, float(values.mean()) + half


def real(arguments: argparse.Namespace, folder: Path) -> None:
    """Run real ground through training, mapping and assessment, by forest and by network."""
    data = SHARED / "data" / "lithology"
    if not data.is_dir():
        print(f"The shared data are not at {data}; nothing is measured.")
        return
    grounds = {"ebergotzen": _ebergotzen, "hamersley": _hamersley, "nanling_china": _nanling}
    for name in arguments.ground or grounds:
        grounds[name](data / name, folder, arguments)


def _ebergotzen(data: Path, folder: Path, arguments: argparse.Namespace) -> None:
    stacks = {"100 m": (64, "covariates_100m.tif"), "25 m": (256, "covariates_25m.tif")}
    names = (data / "parent_material_classes.csv").read_text(encoding="utf-8").splitlines()[1:]
    legend = [
        {"value": int(value), "name": name}
        for value, _, name in (line.partition(",") for line in names if "," in line)
    ]
    for title, (window, name) in stacks.items():
        given = {"map_raster": str(data / "parent_material_100m.tif"), "map_legend": legend}
        _both(f"Ebergötzen {title}", str(data / name), folder, given, arguments, window)


def _hamersley(data: Path, folder: Path, arguments: argparse.Namespace) -> None:
    terrain = str(terrain_bands(data / "dtm_rp.tif", folder))
    for field in ("rocktype1", "unitname"):
        given = {"map_features": str(data / "geology.geojson"), "map_field": field}
        _both(f"Hamersley {field}", terrain, folder, given, arguments, 128)


def _relief(values: np.ndarray) -> np.ndarray:
    """Return the height above the mean of the pixels around."""
    from gossan.models.lithology.low_pass import low_frequencies

    return np.asarray(values - low_frequencies(values[..., None], 7)[..., 0])


def _nanling(data: Path, folder: Path, arguments: argparse.Namespace) -> None:
    fused = str(folder / "nanling.tif")
    began = time.monotonic()
    result = load("lithology.fuse")(
        told(),
        image=str(data / "Strata.tif"),
        composition=[str(data / f"Idw_{name}.tif") for name in (*OXIDES, *TRACES)],
        others=[str(data / "Faults.tif")],
        keep_bands=True,
        output=fused,
    )
    print(
        f"Nanling: {len(result['layers'])} layers fused with the proximity to strata, "
        f"{result['sharpened']} sharpened, R2 up to "
        f"{max(layer['r2'] or 0 for layer in result['layers']):.2f}, {result['zeros']} zeros, "
        f"{result['missing']} pixels lack a layer, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    granite = folder / "granite.tif"
    with open_stack([fused, data / "Granite.tif"]) as stack:
        near = stack.read(None, [stack.info.count - 1])[..., 0]
        classes = np.where(np.isfinite(near), np.where(near > 0.9, 2, 1), 0).astype(np.uint8)
        with RasterWriter.like(
            granite, stack.info, bands=["granite"], dtype="uint8",
            categories={1: "country rock", 2: "granite (proximity above 0.9)"},
        ) as out:  # fmt: skip
            out.write(Window(0, 0, stack.info.height, stack.info.width), classes)
    given = {"map_raster": str(granite)}
    _both("Nanling granite", fused, folder, given, arguments, 256)


def _both(
    title: str,
    stack: str,
    folder: Path,
    given: dict[str, Any],
    arguments: argparse.Namespace,
    window: int,
) -> None:
    """Train a forest, then, if wanted, a network with the same split; map with each."""
    train(f"{title}, forest", [stack], folder, method="random forest", **given)
    _map_and_assess([stack], folder, given)
    if arguments.method == "forest":
        return
    smaller = max(256 // window, 1)
    options = network_options(
        arguments,
        window=window,
        windows=smaller * arguments.windows,
        batch=smaller * arguments.batch,
    )
    train(f"{title}, {options['method']}", [stack], folder, **options, **given)
    _map_and_assess([stack], folder, given)


def _map_and_assess(stack: list[str], folder: Path, given: dict[str, Any]) -> None:
    """Map with the model that was kept, and hold the map against all labels (not unseen)."""
    out = str(folder / "map.tif")
    mapped = load("lithology.map")(
        Progress(), features=stack, model=str(folder / "model.gossan"), output=out
    )
    reference = {f"reference_{key.partition('_')[2]}": value for key, value in given.items()}
    result = load("lithology.assess")(Progress(), raster=out, **reference)
    print(
        f"    mapped {mapped['mapped']} pixels; the kept model on its own labels: OA "
        f"{result['overall_accuracy']:.3f}, mIoU {result['mean_iou']:.3f}",
        flush=True,
    )


def size(arguments: argparse.Namespace, folder: Path) -> None:
    """Train the full network for some steps and map a stack of the source's size."""
    height, width, bands = SOURCE_SIZE
    random = np.random.default_rng(0)
    stack, geology = folder / "stack.tif", folder / "map.tif"
    place = {"crs_wkt": rasterio.crs.CRS.from_epsg(32646).to_wkt(),
             "transform": Affine(15, 0, 300_000, 0, -15, 3_100_000)}  # fmt: skip
    names = [f"band {number}" for number in range(1, bands + 1)]
    with RasterWriter(stack, height, width, bands=names, **place) as out:
        for row in range(0, height, 256):
            rows = min(256, height - row)
            values = random.normal(size=(rows, width, bands)).astype(np.float32)
            out.write(Window(row, 0, rows, width), values)
    rows, columns = np.mgrid[:height, :width]
    with RasterWriter(geology, height, width, bands=["unit"], dtype="uint8", **place) as out:
        units = (1 + (rows // 200 + columns // 300) % 7).astype(np.uint8)
        out.write(Window(0, 0, height, width), units)
    result = load("lithology.train")(
        told(),
        features=[str(stack)],
        map_raster=str(geology),
        method="FCN-8s",
        width=arguments.width,
        windows=arguments.windows,
        epochs=1,
        batch=arguments.batch,
        baseline=False,
        hold_out=0.02,
        split="random windows",
        model=str(folder / "model.gossan"),
    )
    print(
        f"FCN-8s, width {arguments.width:g}, {result['weights']:,} weights: one epoch of "
        f"{arguments.windows} windows and a dense map of {height} x {width} x {bands} for the "
        f"scores {result['seconds']:.0f} s, peak memory {peak():.2f} GiB",
        flush=True,
    )
    mapped = load("lithology.map")(
        Progress(), features=[str(stack)], model=str(folder / "model.gossan"),
        output=str(folder / "out.tif"),
    )  # fmt: skip
    print(f"map {height} x {width} x {bands}: {mapped['seconds']:.0f} s, peak memory "
          f"{peak():.2f} GiB (reach 4 GiB)")  # fmt: skip


def fuse(arguments: argparse.Namespace, folder: Path) -> None:
    """Fuse an image of 10,000 x 10,000 pixels of 15 m with coarse grids."""
    side, cell, bands = arguments.scene, 15.0, 4
    left, top = 300_000.0, 3_300_000.0
    wkt = rasterio.crs.CRS.from_epsg(32646).to_wkt()
    random = np.random.default_rng(0)
    image = folder / "image.tif"
    place = {"crs_wkt": wkt, "transform": Affine(cell, 0, left, 0, -cell, top)}
    with RasterWriter(
        image, side, side, bands=[f"band {n}" for n in range(1, bands + 1)], dtype="uint16", **place
    ) as out:
        across = np.arange(side) * cell / 9000.0
        for row in range(0, side, 256):
            rows = min(256, side - row)
            down = np.arange(row, row + rows)[:, None, None] * cell / 7000.0
            waves = np.sin(across[None, :, None] + down + np.arange(bands))
            noise = random.standard_normal((rows, side, bands), dtype=np.float32)
            out.write(Window(row, 0, rows, side), (2000 + 600 * waves + 150 * noise).astype("u2"))
    coarse = {}
    for name, names, size in (("oxides", OXIDES, 2000.0), ("magnetics", ("TMI",), 500.0)):
        count = int(np.ceil(side * cell / size))
        y, x = (np.mgrid[:count, :count] + 0.5)[:, :, :, None] * size
        values = 10.0 + 3.0 * np.sin(x / 9000.0 + y / 7000.0 + np.arange(len(names)))
        coarse[name] = str(folder / f"{name}.tif")
        with RasterWriter(
            coarse[name], count, count, bands=names, crs_wkt=wkt,
            transform=Affine(size, 0, left, 0, -size, top),
        ) as out:  # fmt: skip
            out.write(Window(0, 0, count, count), values.astype(np.float32))
    before, began = peak(), time.monotonic()
    result = load("lithology.fuse")(
        told(),
        image=str(image),
        composition=[coarse["oxides"]],
        others=[coarse["magnetics"]],
        output=str(folder / "fused.tif"),
    )
    print(
        f"fusion of {side} x {side} pixels of 15 m x {bands} bands with 7 oxides of 2 km and "
        f"magnetics of 500 m: {result['sharpened']} of {len(result['layers'])} layers sharpened, "
        f"{time.monotonic() - began:.0f} s, peak memory {peak():.2f} GiB ({before:.2f} before)",
        flush=True,
    )


def peak() -> float:
    """Return the greatest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "work", nargs="*", help="district, real, size, fuse; the first two by default"
    )
    parser.add_argument("--size", type=int, default=800, help="side of the districts, pixels")
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--scene", type=int, default=10_000, help="side of the fused image, pixels")
    parser.add_argument("--method", default="FCN-8s", help="forest or FCN-8s, FCN-16s, FCN-32s")
    parser.add_argument("--ground", nargs="*", help="ebergotzen, hamersley, nanling_china; or all")
    parser.add_argument("--split", default="spatial blocks")
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--recipe", default="small machine")
    parser.add_argument("--windows", type=int, default=90)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--alone", action="store_true", help="no forest beside the network")
    parser.add_argument("--report", default="", help="folder for the reports")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for work in arguments.work or ("district", "real"):
            {"district": district, "real": real, "size": size, "fuse": fuse}[work](
                arguments, Path(place)
            )


if __name__ == "__main__":
    main()
