"""Job: divide a concentration raster into pollution zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from affine import Affine
from rasterio.features import sieve

from gossan.core import charts
from gossan.core.blocks import plan, rows_for_budget
from gossan.core.errors import naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, open_raster
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.core.vectors import polygons as outlines
from gossan.core.vectors import write_features
from gossan.models.metals.concentrations import chosen_bands, even_sample, pixel_area, strips
from gossan.models.metals.zones import Choice, Zones, fit_zones

FIT_PIXELS = 100_000
"""Pixels that zones are fitted on; all pixels are assigned to the zones afterwards."""

ZONE_COLOURS = ((255, 255, 204), (254, 217, 118), (253, 141, 60), (227, 26, 28), (128, 0, 38))
"""From low background to high-risk."""


@job_files(reads=("raster",), writes=("output", "polygons", "table", "report"))
def cluster(
    progress: Progress,
    *,
    raster: str,
    bands: Sequence[int] = (),
    zones: int = 0,
    largest: int = 8,
    smallest_patch: int = 1,
    seed: int = 0,
    output: str,
    polygons: str = "",
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Divide a concentration raster into pollution zones by standardised K-means.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Concentration raster, one band per element.
    bands : sequence of int
        Its bands, from 1; all when empty.
    zones : int
        Number of zones; 0 chooses it by silhouette, with the elbow reported beside it.
    largest : int
        Greatest number of zones that is tried.
    smallest_patch : int
        Patches of fewer pixels join their greatest neighbour; 1 keeps all.
    seed : int
        The same seed gives the same zones.
    output : str
        Class raster to write: 1 is low background, the last high-risk, 0 no data.
    polygons : str
        GeoJSON to write: one polygon per patch, with zone, name, area and mean concentrations.
    table, report : str
        Files to write: zones (.csv), report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``zones``, ``elbow``, ``silhouette``, ``names``, ``areas`` (hectares, or pixels without
        map units), ``elements``, ``centres`` (rows, mg/kg) and the paths that were written.
    """
    made = Origin.from_dict(origin)
    with naming(raster), open_raster(raster) as image:
        info = image.info
        made = made.with_model_of(info.tags)
        chosen = chosen_bands(image, bands)
        names = [info.bands[i].name for i in chosen]
        values = even_sample(image, chosen, FIT_PIXELS, progress.part(0.0, 0.2))
        found, choices, elbow = fit_zones(
            values, zones, largest=largest, seed=seed, progress=progress.part(0.2, 0.6)
        )
        classes = np.zeros((info.height, info.width), dtype=np.uint8)
        for block, strip in strips(image, chosen, progress.part(0.6, 0.8)):
            classes[block.inner.slices] = found.assign(strip)
    if smallest_patch > 1:
        kept = sieve(classes, smallest_patch, mask=classes > 0, connectivity=4)
        classes = np.where(classes > 0, kept, 0).astype(np.uint8)

    colours = {i + 1: colour for i, colour in enumerate(_zone_colours(len(found.names)))}
    with RasterWriter.like(
        output,
        info,
        bands=["Pollution zone"],
        dtype="uint8",
        colours=colours,
        categories=dict(enumerate(found.names, start=1)),
        tags=made.tags(),
    ) as writer:
        for block in plan(
            info.height, info.width, rows=rows_for_budget(info.width, 1), columns=info.width
        ):
            progress.check()
            writer.write(block.inner, classes[block.inner.slices])
    area, unit = pixel_area(image)
    counts = np.bincount(classes.ravel(), minlength=len(found.names) + 1)[1:]
    areas = [float(count * area) for count in counts]
    if polygons:
        patches = list(_patches(classes, found, names, image.info.transform, area))
        write_features(
            polygons,
            [attributes for _, attributes in patches],
            [outline for outline, _ in patches],
            crs_wkt=info.crs_wkt,
            name="pollution zones",
            tags=made.tags(),
        )
    progress.fraction(0.95)

    columns = [
        "zone",
        "name",
        f"area ({unit})",
        "share (%)",
        *names,
    ]
    rows = _zone_rows(found, areas)
    if table:
        write_table(table, columns, rows)
    if report:
        _zone_report(report, made, found, choices, elbow, columns, rows, names, len(values))
    best = next(choice for choice in choices if choice.zones == len(found.centres))
    progress.say(
        f"{len(found.names)} zones: silhouette {best.silhouette:.2f}"
        + (f", elbow at {elbow}." if elbow else ".")
    )
    return {
        "zones": len(found.names),
        "elbow": elbow,
        "silhouette": best.silhouette,
        "names": found.names,
        "areas": areas,
        "elements": names,
        "centres": found.concentrations().tolist(),
        "output": output,
        "polygons": polygons,
        "table": table,
        "report": report,
    }


def _zone_colours(count: int) -> list[tuple[int, int, int]]:
    """Return a ramp of colours from low background to high-risk."""
    stops = np.linspace(0, len(ZONE_COLOURS) - 1, count)
    ramp = np.asarray(ZONE_COLOURS, dtype=float)
    places = np.arange(len(ZONE_COLOURS))
    channels = [np.interp(stops, places, ramp[:, channel]) for channel in range(3)]
    return [(round(r), round(g), round(b)) for r, g, b in zip(*channels)]


def _patches(
    classes: np.ndarray,
    found: Zones,
    names: list[str],
    transform: Affine | None,
    pixel: float,
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the outline and the attributes of each patch; `pixel` is the area of a pixel."""
    centres = found.concentrations()
    # Outlines follow pixel edges, so that in pixel coordinates their area counts the pixels.
    per_unit = pixel / (abs(transform.determinant) if transform else 1.0)
    for outline, zone in outlines(classes, transform):
        attributes = {"zone": zone, "name": found.names[zone - 1]}
        attributes["area"] = per_unit * _area(outline["coordinates"])
        attributes.update(
            (name, round(float(value), 6)) for name, value in zip(names, centres[zone - 1])
        )
        yield outline, attributes


def _area(rings: Sequence[Sequence[Sequence[float]]]) -> float:
    """Return the area of a polygon: its outer ring less its holes."""
    areas = []
    for ring in rings:
        x, y = (np.asarray(ring, dtype=float) - ring[0]).T
        areas.append(abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2.0)
    return areas[0] - sum(areas[1:])


def _zone_rows(found: Zones, areas: list[float]) -> list[list[Any]]:
    total = sum(areas) or 1.0
    return [
        [i + 1, name, areas[i], 100.0 * areas[i] / total, *map(float, centre)]
        for i, (name, centre) in enumerate(zip(found.names, found.concentrations()))
    ]


def _zone_report(
    path: str,
    origin: Origin,
    found: Zones,
    choices: list[Choice],
    elbow: int,
    columns: list[str],
    rows: list[list[Any]],
    names: list[str],
    fitted: int,
) -> None:
    page = Report.from_origin("Pollution zones", origin)
    page.paragraph(
        f"K-means over {', '.join(names)}, each standardised to mean 0 and standard deviation 1. "
        f"The zones were fitted on {fitted:,} pixels taken evenly over the raster; every pixel was "
        "then given to its nearest centre. They are ordered by the mean of the standardised "
        "concentrations: the names say more or less contaminated here, not safe or unsafe."
    )
    page.table(
        columns, rows, "Zones with area and concentrations at their centres, in the raster's unit."
    )
    page.figure(
        charts.matrix_heatmap(
            found.centres,
            found.names,
            columns=names,
            label="standard deviations from the mean",
        ),
        "Zone centres in standard deviations from the mean of each element.",
    )
    if len(choices) > 1:
        page.heading("Number of zones")
        agree = elbow == len(found.names)
        page.paragraph(
            f"The greatest silhouette chose {len(found.names)} zones; the elbow of the inertia is "
            f"at {elbow or 'no number that was tried'}."
            + ("" if agree else " The two disagree: look at both before using the zones.")
        )
        page.table(
            ["zones", "inertia", "mean silhouette"],
            [[choice.zones, choice.inertia, choice.silhouette] for choice in choices],
            "Every number of zones that was tried.",
        )
        page.figure(
            charts.curve_plot(
                [choice.zones for choice in choices],
                {"mean silhouette": [choice.silhouette for choice in choices]},
                x_label="number of zones",
                y_label="mean silhouette",
            ),
            "The higher the silhouette, the better the zones are parted.",
        )
    page.write(path)
