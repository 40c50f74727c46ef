"""Labelling of scenes by deposits: speed beside brute force, and agreement with real labels.

The speed is that of 45,000 footprints against 350,000 deposits; brute force tests every deposit
against every footprint and is timed on a few footprints. The agreement needs the real data.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gossan.core.progress import Progress
from gossan.models.deposits import wrs
from gossan.models.deposits.deposit_table import Deposits
from gossan.models.deposits.labelling_jobs import label_scenes
from gossan.models.deposits.labels import label
from gossan.models.deposits.scene_image import SceneImage, source_of
from gossan.models.deposits.scenes import scenes_in_folder
from gossan.models.deposits.sphere import SphericalPolygons, degrees, distance_km, unit_vectors

FOOTPRINTS, DEPOSITS, TESTED = 45_000, 350_000, 12
SHARED = Path(os.environ.get("GOSSAN_SHARED", Path(__file__).resolve().parents[2] / "shared"))
REAL = SHARED / "data" / "deposits"
ORES = ("gold", "copper", "silver", "lead", "zinc", "iron", "tin", "uranium", "tungsten", "nickel")


def made_up() -> tuple[SphericalPolygons, Deposits]:
    """Return frames over the Earth, as scenes of many dates, and deposits that crowd."""
    random = np.random.default_rng(0)
    paths, rows = random.integers(1, 234, FOOTPRINTS), random.integers(5, 121, FOOTPRINTS)
    frames = {}
    rings = []
    for path, row in zip(paths.tolist(), rows.tolist()):
        if (path, row) not in frames:
            frames[path, row] = wrs.frame(path, row)
        rings.append([frames[path, row] + random.normal(0, 0.02, 2)])
    centres = random.normal(size=(3000, 3))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    places = centres[random.integers(0, 3000, DEPOSITS)] + random.normal(0, 0.05, (DEPOSITS, 3))
    longitude, latitude = degrees(places).T
    names = np.array(ORES)[random.integers(0, len(ORES), (DEPOSITS, 2))]
    commodities = tuple(frozenset(pair) for pair in names.tolist())
    began = time.perf_counter()
    polygons = SphericalPolygons.from_rings(rings)
    print(f"laying out the footprints            {time.perf_counter() - began:8.2f} s")
    return polygons, Deposits(longitude, latitude, commodities, {o: o for o in ORES}, ())


def brute(polygons: SphericalPolygons, number: int, vectors: np.ndarray) -> np.ndarray:
    """Return which deposits lie in a footprint, each of them tested, with NumPy."""
    frame = polygons.frames[number]
    plane = vectors @ frame.T
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = plane[:, 0] / plane[:, 2], plane[:, 1] / plane[:, 2]
        inside = np.zeros(len(vectors), dtype=bool)
        for x1, y1, x2, y2 in polygons.edges[polygons.starts[number] : polygons.starts[number + 1]]:
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside & (plane[:, 2] > 0)


def speed() -> None:
    """Time the labelling and brute force, and compare their counts."""
    polygons, deposits = made_up()
    label(polygons, deposits, ORES)  # compiles
    taken, worked = [], []
    for _ in range(3):
        began, busy = time.perf_counter(), time.process_time()
        found = label(polygons, deposits, ORES)
        taken.append(time.perf_counter() - began)
        worked.append(time.process_time() - busy)
    ours, ours_busy = min(taken), min(worked)
    vectors = unit_vectors(deposits.longitude, deposits.latitude)
    chosen = np.random.default_rng(1).integers(0, FOOTPRINTS, TESTED)
    began, busy = time.perf_counter(), time.process_time()
    counts = [int(brute(polygons, int(number), vectors).sum()) for number in chosen]
    theirs = (time.perf_counter() - began) / TESTED * FOOTPRINTS
    theirs_busy = (time.process_time() - busy) / TESTED * FOOTPRINTS
    same = counts == found.counts[chosen].tolist()
    print(
        f"labelling {FOOTPRINTS} x {DEPOSITS}   {ours:8.2f} s, {ours_busy:.2f} s of work   <= 5 s"
    )
    print(
        f"brute force (NumPy, from {TESTED})  {theirs:8.0f} s, {theirs_busy:.0f} s of work   "
        f"{theirs / ours:.0f}x, by work {theirs_busy / ours_busy:.0f}x   >= 1000x"
    )
    print(f"hits {found.counts.sum()}, ten commodities counted; same counts as brute force: {same}")


def geojson_of(source: str, folder: Path, *layers: str) -> Path | None:
    """Return land polygons as GeoJSON, by the system's GDAL; None where it is missing."""
    target = folder / (Path(source).stem + ".json")
    try:
        subprocess.run(
            ["ogr2ogr", "-f", "GeoJSON", str(target), source, *layers], check=True,
            capture_output=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return target


def bounding(ring: np.ndarray) -> np.ndarray:
    """Return the corners of a north-up file around a frame: what an MTL file gives."""
    middle = degrees(unit_vectors(*ring.T).sum(axis=0, keepdims=True))[0]
    squeeze = np.cos(np.radians(middle[1]))
    x = ((ring[:, 0] - middle[0] + 180) % 360 - 180) * squeeze
    y = ring[:, 1] - middle[1]
    corners = np.array(
        [[x.min(), y.max()], [x.max(), y.max()], [x.max(), y.min()], [x.min(), y.min()]]
    )
    return np.column_stack([middle[0] + corners[:, 0] / squeeze, middle[1] + corners[:, 1]])


def agreement(folder: Path) -> None:
    """Compare with someone else's ocean flags and labels of real Landsat 4 and 5 scenes."""
    table = str(REAL / "minerals_cleaned.csv")
    with open(REAL / "local_ocean_mask.csv", encoding="utf-8") as file:
        land_of = {row[0]: int(row[1]) for row in csv.reader(file)}
    names = folder / "names.csv"
    names.write_text("\n".join(["scene", *land_of]))
    sources = {
        "Natural Earth 1:110m": geojson_of(str(REAL / "ne_110m_land.shp"), folder),
        "QGIS's world map": geojson_of(
            "/usr/share/qgis/resources/data/world_map.gpkg", folder, "countries"
        ),
    }
    for title, land in sources.items():
        for rule, share in (("centre", 0.0), ("land fraction", 0.1), ("land fraction", 0.5)):
            if land is None:
                continue
            target = folder / "labels.csv"
            label_scenes(
                Progress(), names=str(names), deposits=[table], land=str(land), ocean_rule=rule,
                land_share=share, table=str(target),
            )  # fmt: skip
            with open(target, encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            ours = np.array([row["ocean"] == "0" for row in rows])
            theirs = np.array([land_of[row["name"]] == 1 for row in rows])
            limit = "" if rule == "centre" else f" {share:g}"
            print(
                f"ocean, {title}, {rule + limit}: {len(rows)} scenes, the same "
                f"{100 * (ours == theirs).mean():.2f} %, only we say ocean "
                f"{int((~ours & theirs).sum())}, only they {int((ours & ~theirs).sum())}"
            )
    with open(REAL / "labels_binary_minerals_cleaned.csv", encoding="utf-8") as file:
        presence = {row["imagename"][:-4]: int(row["label"]) for row in csv.DictReader(file)}
    for title, shape in (("nominal frames", lambda ring: ring), ("files around them", bounding)):
        features = []
        for name in presence:
            known = wrs.identify(name)
            ring = shape(wrs.frame(known.wrs_path, known.wrs_row))
            geometry = {"type": "Polygon", "coordinates": [ring.tolist()]}
            features.append({"type": "Feature", "properties": {"name": name}, "geometry": geometry})
        shapes = folder / "shapes.json"
        shapes.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        target = folder / "presence.csv"
        result = label_scenes(Progress(), polygons=str(shapes), deposits=[table], table=str(target))
        with open(target, encoding="utf-8") as file:
            ours = {row["name"]: int(row["presence"]) for row in csv.DictReader(file)}
        same = np.mean([ours[name] == value for name, value in presence.items()])
        print(
            f"presence, {title}: {len(presence)} scenes, {result['with_deposits']} with deposits "
            f"(theirs {sum(presence.values())}), the same {100 * same:.2f} %, only ours "
            f"{sum(ours[n] > v for n, v in presence.items())}, only theirs "
            f"{sum(ours[n] < v for n, v in presence.items())}"
        )


def real_scenes() -> None:
    """Place the real scenes by metadata, by path and row, and by their pixels."""
    for rule in ("corners of the file", "valid pixels or corners"):
        for scene in scenes_in_folder(REAL, rule, "B7", Progress()):
            middle = SphericalPolygons.from_rings([scene.rings])
            away = ""
            if scene.wrs_path and scene.wrs_row:
                there = wrs.centre(scene.wrs_path, scene.wrs_row)
                away = (
                    f", {distance_km(*middle.middles[0], there)[0]:.1f} km from the frame's centre"
                )
            print(f"{scene.name}: {scene.footprint}, {middle.areas()[0]:.0f} km2{away}")
            if rule == "valid pixels or corners" and scene.file:
                with SceneImage(source_of(scene.file, ["B7"]), "reflectance") as image:
                    print(f"  {image.info.height} x {image.info.width} {image.info.dtype}")


def main() -> None:
    """Print all figures; those on real data where it is there."""
    speed()
    if not REAL.is_dir():
        sys.stdout.write("no real data here: agreement is not measured\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        agreement(Path(folder))
    real_scenes()


if __name__ == "__main__":
    main()
