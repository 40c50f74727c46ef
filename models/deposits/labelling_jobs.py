"""Job: labels of scenes from tables of mineral deposits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rasterio.crs import CRS

from gossan.core.charts import curve_plot
from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.core.vectors import write_features
from gossan.models.deposits.deposit_table import Deposits, read_deposits
from gossan.models.deposits.labels import Labels, field_of, label, richness
from gossan.models.deposits.land import OCEAN_RULES, Land
from gossan.models.deposits.map_shapes import map_shape
from gossan.models.deposits.scenes import (
    FOOTPRINTS,
    Scene,
    scenes_in_folder,
    scenes_of_names,
    scenes_of_polygons,
    without_repeats,
)
from gossan.models.deposits.sphere import SphericalPolygons

_DEFAULT_COMMODITIES = 10


@job_files(reads=("polygons", "names", "deposits", "land"), writes=("output", "table", "report"))
def label_scenes(
    progress: Progress,
    *,
    folder: str = "",
    polygons: str = "",
    names: str = "",
    deposits: Sequence[str],
    commodity_fields: Sequence[str] = (),
    commodities: Sequence[str] = (),
    footprints: str = FOOTPRINTS[0],
    band: str = "B7",
    land: str = "",
    ocean_rule: str = OCEAN_RULES[0],
    land_share: float = 0.1,
    output: str = "",
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Label scenes by the mineral deposits that lie in them.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    folder : str
        Folder with Landsat products (MTL files) or rasters; none when empty.
    polygons : str
        GeoJSON of footprints in longitude and latitude; none when empty.
    names : str
        Text or CSV with identifiers of Landsat scenes in its first column; none when empty.
    deposits : sequence of str
        CSV tables of deposits with longitude and latitude.
    commodity_fields : sequence of str
        Their fields with commodities; the usual ones when empty.
    commodities : sequence of str
        Commodities to count apart; the ten most frequent when empty.
    footprints : str
        One of `FOOTPRINTS`.
    band : str
        Band whose pixels outline a scene.
    land : str
        GeoJSON of land polygons in longitude and latitude; nothing is called ocean when empty.
    ocean_rule : str
        One of `OCEAN_RULES`.
    land_share : float
        A scene with less land than this (0 to 1) is ocean by the rule ``land fraction``.
    output : str
        GeoJSON of footprints to write; not written when empty.
    table : str
        CSV table of the same labels; not written when empty.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``scenes``, ``with_deposits``, ``ocean``, ``deposits``, ``covered``, ``left_out`` (rows of
        the tables), ``most`` (deposits in one scene) and the paths.

    Raises
    ------
    InputError
        When no scenes are given or none can be used, or the tables hold no deposit.
    """
    made = Origin.from_dict(origin)
    if ocean_rule not in OCEAN_RULES:
        raise InputError(f"Unknown rule {ocean_rule!r}; use one of {', '.join(OCEAN_RULES)}.")
    scenes: list[Scene] = []
    if folder:
        scenes += scenes_in_folder(folder, footprints, band, progress.part(0.0, 0.6))
    if polygons:
        scenes += scenes_of_polygons(polygons)
    if names:
        scenes += scenes_of_names(names, progress)
    if not scenes:
        raise InputError("No scenes were given: choose a folder, a layer of footprints or a list.")
    scenes = without_repeats(scenes, progress)
    found = read_deposits(deposits, progress, fields=commodity_fields)
    wanted = found.known(commodities) or found.most_frequent(_DEFAULT_COMMODITIES)
    progress.say(f"{len(scenes)} scenes and {len(found)} deposits.")
    progress.fraction(0.65)
    shapes = SphericalPolygons.from_rings(
        [scene.rings for scene in scenes], [scene.name for scene in scenes]
    )
    labels = label(shapes, found, wanted)
    progress.fraction(0.7)
    shares = _land_shares(land, ocean_rule, shapes, progress.part(0.7, 0.85))
    ocean = np.zeros(len(scenes), dtype=bool)
    if land:
        ocean = shares < (0.5 if ocean_rule == OCEAN_RULES[0] else land_share)
    rows = _rows(scenes, shapes, labels, shares if land else None, ocean)
    summary = {
        "scenes": len(scenes),
        "with_deposits": int((labels.counts > 0).sum()),
        "ocean": int(ocean.sum()),
        "deposits": len(found),
        "covered": labels.covered,
        "left_out": sum(count for _, count in found.left_out),
        "most": int(labels.counts.max()),
    }
    _tell(summary, labels, ocean, progress)
    fields = _fields(wanted)
    if output:
        write_features(
            output,
            rows,
            (map_shape(scene.rings) for scene in scenes),
            fields=fields,
            crs_wkt=CRS.from_epsg(4326).to_wkt(),
            name="footprints",
            tags=made.tags(),
        )
    if table:
        write_table(table, list(fields), [[row.get(name) for name in fields] for row in rows])
    if report:
        _report(report, made, scenes, found, labels, ocean, wanted, summary, land, ocean_rule)
    return {**summary, "output": output, "table": table, "report": report}


def _land_shares(land: str, rule: str, shapes: SphericalPolygons, progress: Progress) -> np.ndarray:
    """Return the share of land in each footprint; of its middle only where that decides."""
    if not land:
        return np.full(len(shapes), np.nan)
    map_of_land = Land.read(land)
    if rule == OCEAN_RULES[0]:
        return map_of_land.contains(shapes.middles).astype(np.float64)
    return map_of_land.fractions(shapes, progress)


def _fields(commodities: Sequence[str]) -> dict[str, type]:
    return {
        "name": str,
        "spacecraft": str,
        "wrs_path": int,
        "wrs_row": int,
        "date": str,
        "cloud_cover": float,
        "longitude": float,
        "latitude": float,
        "area_km2": float,
        "footprint": str,
        "ocean": int,
        "land_share": float,
        "presence": int,
        "count": int,
        "richness": float,
        **{field_of(name): int for name in commodities},
        "file": str,
    }


def _rows(
    scenes: Sequence[Scene],
    shapes: SphericalPolygons,
    labels: Labels,
    shares: np.ndarray | None,
    ocean: np.ndarray,
) -> list[dict[str, Any]]:
    middles, areas, rich = shapes.middles, shapes.areas(), richness(labels.counts)
    return [
        {
            "name": scene.name,
            "spacecraft": scene.spacecraft or None,
            "wrs_path": scene.wrs_path,
            "wrs_row": scene.wrs_row,
            "date": scene.date or None,
            "cloud_cover": scene.cloud_cover,
            "longitude": round(float(middles[i, 0]), 6),
            "latitude": round(float(middles[i, 1]), 6),
            "area_km2": round(float(areas[i]), 3),
            "footprint": scene.footprint,
            "ocean": int(ocean[i]),
            "land_share": None if shares is None else round(float(shares[i]), 4),
            "presence": int(labels.counts[i] > 0),
            "count": int(labels.counts[i]),
            "richness": round(float(rich[i]), 6),
            **{field_of(name): int(counts[i]) for name, counts in labels.by_commodity.items()},
            "file": scene.file or None,
        }
        for i, scene in enumerate(scenes)
    ]


def _tell(
    summary: Mapping[str, int], labels: Labels, ocean: np.ndarray, progress: Progress
) -> None:
    progress.say(
        f"{summary['with_deposits']} of {summary['scenes']} scenes hold deposits, "
        f"{summary['covered']} of {summary['deposits']} deposits lie in a scene, and "
        f"{summary['ocean']} scenes are ocean."
    )
    odd = int((ocean & (labels.counts > 0)).sum())
    if odd:
        progress.warn(
            f"{odd} scenes are called ocean and hold deposits all the same: they lie at a coast. "
            "The rule by land fraction keeps more of them."
        )
    if summary["with_deposits"] in (0, summary["scenes"]):
        which = "None" if summary["with_deposits"] == 0 else "Every one"
        progress.warn(
            f"{which} of the scenes holds a deposit: nothing can be learnt about presence from "
            "them. Add scenes elsewhere, or check the coordinates of the tables."
        )


def _report(
    path: str,
    origin: Origin,
    scenes: Sequence[Scene],
    deposits: Deposits,
    labels: Labels,
    ocean: np.ndarray,
    wanted: Sequence[str],
    summary: Mapping[str, int],
    land: str,
    ocean_rule: str,
) -> None:
    page = Report.from_origin("Deposits in scenes", origin)
    page.paragraph(
        "A deposit counts for a scene when it lies in its footprint, tested exactly on the sphere "
        "with edges along great circles. Richness is ln(n + 1) over the greatest ln(n + 1) among "
        "these scenes; a training works it out anew among its own."
    )
    page.table(
        ["what", "number"],
        [
            ["scenes", summary["scenes"]],
            ["scenes with deposits", summary["with_deposits"]],
            ["scenes called ocean", summary["ocean"]],
            ["deposits in the tables", summary["deposits"]],
            ["deposits in a scene", summary["covered"]],
            ["most deposits in one scene", summary["most"]],
        ],
    )
    for reason, count in deposits.left_out:
        page.bullets([f"{count} rows of the tables were left out: {reason}."])
    kinds = sorted({scene.footprint for scene in scenes})
    page.paragraph(
        "Footprints come from: "
        + ", ".join(f"{k} ({sum(s.footprint == k for s in scenes)})" for k in kinds)
        + ". Corners in an MTL file bound its black collar too, so they overstate the scene."
    )
    page.paragraph(
        f"Ocean was told by the rule '{ocean_rule}'." if land else "Ocean was not looked for."
    )
    page.heading("Commodities")
    page.table(
        ["commodity", "deposits", "scenes with it", "most in one scene"],
        [
            [
                deposits.names[name],
                sum(name in each for each in deposits.commodities),
                int((labels.by_commodity[name] > 0).sum()),
                int(labels.by_commodity[name].max()),
            ]
            for name in wanted
        ],
    )
    page.heading("Deposits per scene")
    counts = np.bincount(labels.counts[~ocean]) if (~ocean).any() else np.zeros(1, dtype=int)
    page.figure(
        curve_plot(
            range(len(counts)),
            {"scenes": counts},
            x_label="deposits in the scene",
            y_label="scenes",
            marks=len(counts) <= 40,
        ),
        "How many scenes (ocean left out) hold how many deposits.",
    )
    page.write(path)
