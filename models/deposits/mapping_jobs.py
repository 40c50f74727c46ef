"""Job: richness predicted for scenes, and where to look for what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rasterio.crs import CRS

from gossan.core.charts import curve_plot
from gossan.core.errors import BandMismatchError, FileError, InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.core.vectors import write_features
from gossan.models.deposits.chip_files import Chip
from gossan.models.deposits.chip_making import METHODS, Piece, describe, pieces_of
from gossan.models.deposits.deposit_table import Deposits, read_deposits
from gossan.models.deposits.labels import field_of, label
from gossan.models.deposits.learning_sets import GOALS
from gossan.models.deposits.map_shapes import map_shape
from gossan.models.deposits.model_file import DepositModel, read_model
from gossan.models.deposits.scene_image import SCALINGS, SceneImage, Source, source_of
from gossan.models.deposits.scenes import (
    FOOTPRINTS,
    Scene,
    read_features,
    scenes_in_folder,
    scenes_of_polygons,
    without_repeats,
)
from gossan.models.deposits.sphere import SphericalPolygons

_AT_ONCE = 16
_REACH = 10.0
"""Wavelengths that differ by less than this are the same band where no width is known, nm."""


@job_files(reads=("labels", "deposits", "model"), writes=("output", "table", "report"))
def map_richness(
    progress: Progress,
    *,
    labels: str = "",
    folder: str = "",
    deposits: Sequence[str] = (),
    commodity_fields: Sequence[str] = (),
    model: str,
    with_ocean: bool = False,
    output: str = "",
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Predict the richness of scenes and rank those where no deposit is known.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    labels : str
        GeoJSON of footprints as `label_scenes` writes it, with the field ``file``; none when empty.
    folder : str
        Folder with scenes instead; none when empty.
    deposits : sequence of str
        Tables of known deposits, by which each footprint of the result is known or not. Without
        them whole scenes have the count of their label, and nothing is known of pieces.
    commodity_fields : sequence of str
        Fields of the tables with commodities; the usual ones when empty.
    model : str
        Model of `train`.
    with_ocean : bool
        Predict scenes that were called ocean too.
    output : str
        GeoJSON to write; not written when empty.
    table : str
        CSV of the same to write; not written when empty.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``footprints``, ``scenes``, ``prospects`` (without a known deposit), ``highest``
        (prediction among them), ``outside`` (brighter or darker than the training), ``goal`` and
        the paths.

    Raises
    ------
    InputError
        When there are no scenes that the model can be applied to.
    """
    opened = read_model(model)
    made = Origin.from_dict(origin).with_model(opened.fingerprint)
    scenes, counts = _scenes(labels, folder, opened, with_ocean=with_ocean, progress=progress)
    found = read_deposits(deposits, progress, fields=commodity_fields) if deposits else None
    chips: list[Chip] = []
    predicted: list[np.ndarray] = []
    used = 0
    start = 0.3 if folder else 0.05
    for number, scene in enumerate(scenes):
        part = progress.part(
            start + (0.95 - start) * number / len(scenes),
            start + (0.95 - start) * (number + 1) / len(scenes),
        )
        try:
            source = _matching(scene, opened)
            _predict_scene(scene, source, opened, chips, predicted, part)
            used += 1
        except (InputError, FileError) as problem:
            progress.warn(f"Left out: {problem}")
        part.fraction(1.0)
    if not chips:
        raise InputError("The model could be applied to no scene; the log says why.")
    members = np.concatenate(predicted, axis=1)
    known = _known(chips, found, counts, opened, progress)
    rows = _rows(chips, members, known, opened)
    summary = _summary(rows, used, opened.goal)
    _tell(summary, rows, progress)
    fields: dict[str, type] = {
        "scene": str,
        "row": int,
        "column": int,
        "longitude": float,
        "latitude": float,
        "date": str,
        "predicted": float,
        "spread": float,
        "deposits_expected": float,
        "known": int,
        "prospect_rank": int,
        "applies": int,
        "cloud_share": float,
        "valid_share": float,
    }
    if output:
        write_features(
            output,
            rows,
            (map_shape([np.array(chip.footprint)]) for chip in chips),
            fields=fields,
            crs_wkt=CRS.from_epsg(4326).to_wkt(),
            name="richness",
            tags=made.tags(),
        )
    if table:
        ranked = sorted(rows, key=lambda row: row["prospect_rank"] or len(rows) + 1)
        write_table(table, list(fields), [[row[name] for name in fields] for row in ranked])
    if report:
        _report(report, made, rows, opened, summary)
    return {**summary, "output": output, "table": table, "report": report}


def _scenes(
    labels: str, folder: str, model: DepositModel, *, with_ocean: bool, progress: Progress
) -> tuple[list[Scene], dict[str, int]]:
    """Return the scenes with images, and how many deposits are known in each."""
    scenes: list[Scene] = []
    counts: dict[str, int] = {}
    if labels:
        wanted = "count" if not model.commodity else field_of(model.commodity)
        ocean = set()
        for feature in read_features(labels):
            fields = feature.get("properties") or {}
            name = str(fields.get("name") or "")
            if fields.get("ocean"):
                ocean.add(name)
            if fields.get(wanted) is not None:
                counts[name] = int(fields[wanted])
        scenes += [
            scene
            for scene in scenes_of_polygons(labels)
            if scene.file and (with_ocean or scene.name not in ocean)
        ]
    if folder:
        band = model.bands[0].name
        scenes += scenes_in_folder(folder, FOOTPRINTS[0], band, progress.part(0.0, 0.3))
    if not scenes:
        raise InputError(
            "There are no scenes with images: give a folder of scenes, or the layer that Label "
            "scenes has made of one."
        )
    return without_repeats(scenes, progress), counts


def _matching(scene: Scene, model: DepositModel) -> Source:
    """Return where the model's bands are in a scene, checked by their wavelengths."""
    source = source_of(scene.file, [band.name for band in model.bands])
    for here, there in zip(source.bands, model.bands):
        if here.wavelength is None or there.wavelength is None:
            continue
        reach = max((here.fwhm or 0.0) / 2, (there.fwhm or 0.0) / 2, _REACH)
        if abs(here.wavelength - there.wavelength) > reach:
            raise BandMismatchError(
                f"Band {here.name} is {here.wavelength:.0f} nm in {scene.name}, and the model "
                f"learnt it at {there.wavelength:.0f} nm."
            )
    if model.scaling == SCALINGS[0] and source.gains is None:
        raise InputError(
            f"{scene.file} does not tell how its numbers become reflectance, which the model was "
            "trained on."
        )
    return source


def _predict_scene(
    scene: Scene,
    source: Source,
    model: DepositModel,
    chips: list[Chip],
    predicted: list[np.ndarray],
    progress: Progress,
) -> None:
    """Add the chips of a scene and what the networks say of them, a few at once."""
    waiting: list[Piece] = []
    made: list[Chip] = []
    answers: list[np.ndarray] = []

    def answer() -> None:
        if waiting:
            answers.append(model.predict(np.stack([piece.values for piece in waiting])))
            waiting.clear()

    with SceneImage(source, model.scaling) as image:
        for piece in pieces_of(image, model.options, progress):
            made.append(describe(piece, image, scene))
            waiting.append(piece)
            if len(waiting) == _AT_ONCE:
                answer()
        answer()
    chips += made
    predicted += answers


def _known(
    chips: Sequence[Chip],
    deposits: Deposits | None,
    counts: Mapping[str, int],
    model: DepositModel,
    progress: Progress,
) -> list[int | None]:
    """Return how many deposits are known in each footprint; None where nobody knows."""
    shapes = SphericalPolygons.from_rings([[np.array(chip.footprint)] for chip in chips])
    for chip, (longitude, latitude) in zip(chips, shapes.middles):
        chip.longitude, chip.latitude = round(float(longitude), 6), round(float(latitude), 6)
    if deposits is not None:
        wanted = deposits.known([model.commodity]) if model.commodity else []
        labels = label(shapes, deposits, wanted)
        numbers = labels.by_commodity[wanted[0]] if wanted else labels.counts
        return [int(number) for number in numbers]
    if model.options.method == METHODS[1] and counts:
        return [counts.get(chip.scene) for chip in chips]
    progress.warn(
        "Without tables of deposits nothing is known of these footprints: all of them are ranked, "
        "those with known deposits too."
    )
    return [None] * len(chips)


def _rows(
    chips: Sequence[Chip],
    members: np.ndarray,
    known: Sequence[int | None],
    model: DepositModel,
) -> list[dict[str, Any]]:
    mean, spread = members.mean(axis=0), members.std(axis=0)
    open_ones = [i for i, count in enumerate(known) if not count]
    ordered = sorted(open_ones, key=lambda i: (-mean[i], i))
    rank = {i: number for number, i in enumerate(ordered, start=1)}
    least, most = model.brightness
    return [
        {
            "scene": chip.scene,
            "row": chip.row,
            "column": chip.column,
            "longitude": chip.longitude,
            "latitude": chip.latitude,
            "date": chip.date or None,
            "predicted": round(float(mean[i]), 6),
            "spread": round(float(spread[i]), 6),
            "deposits_expected": (
                round(float(model.deposits(mean[i])), 4) if model.goal == GOALS[1] else None
            ),
            "known": known[i],
            "prospect_rank": rank.get(i),
            "applies": int(least <= chip.brightness <= most),
            "cloud_share": chip.cloud_share,
            "valid_share": chip.valid_share,
        }
        for i, chip in enumerate(chips)
    ]


def _summary(rows: Sequence[Mapping[str, Any]], scenes: int, goal: str) -> dict[str, Any]:
    prospects = [row for row in rows if row["prospect_rank"] is not None]
    return {
        "footprints": len(rows),
        "scenes": scenes,
        "prospects": len(prospects),
        "highest": max((row["predicted"] for row in prospects), default=0.0),
        "outside": sum(not row["applies"] for row in rows),
        "goal": goal,
    }


def _tell(
    summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], progress: Progress
) -> None:
    progress.say(
        f"{summary['footprints']} footprints of {summary['scenes']} scenes; {summary['prospects']} "
        "without a known deposit are ranked."
    )
    if summary["outside"]:
        progress.warn(
            f"{summary['outside']} footprints are brighter or darker than all that the model has "
            "learnt from (clouds, snow, another season): their predictions mean little."
        )
    if len({row["predicted"] for row in rows}) == 1 and len(rows) > 1:
        progress.warn("The model says the same of all footprints: their ranks mean nothing.")


def _report(
    path: str,
    origin: Origin,
    rows: Sequence[Mapping[str, Any]],
    model: DepositModel,
    summary: Mapping[str, Any],
) -> None:
    page = Report.from_origin("Predicted deposits", origin)
    what = f"deposits of {model.commodity}" if model.commodity else "deposits"
    page.paragraph(
        f"The {model.goal} of {what} as {len(model.networks)} network(s) see it in "
        f"{summary['footprints']} footprints of {summary['scenes']} scenes. Ranks count footprints "
        "in which no deposit is known, the most promising first. They are hints of where to look, "
        "as good as the scores of the model's training say."
    )
    if summary["outside"]:
        page.warning(
            f"{summary['outside']} footprints are brighter or darker than all training chips; "
            "their predictions mean little."
        )
    page.heading("Prospects")
    ranked = sorted(
        (row for row in rows if row["prospect_rank"]), key=lambda row: row["prospect_rank"]
    )
    page.table(
        ["rank", "predicted", "spread of networks", "longitude (°)", "latitude (°)", "scene"],
        [
            [
                row["prospect_rank"],
                row["predicted"],
                row["spread"],
                f"{row['longitude']:.4f}",
                f"{row['latitude']:.4f}",
                row["scene"],
            ]
            for row in ranked[:20]
        ],
        "The first twenty.",
    )
    page.heading("All predictions")
    values = np.sort([row["predicted"] for row in rows])
    page.figure(
        curve_plot(
            np.arange(1, len(values) + 1),
            {model.goal: values},
            x_label="footprints, in order",
            y_label=f"predicted {model.goal}",
            marks=False,
        ),
        "A flat line means that the model tells nothing apart.",
    )
    page.write(path)
