"""The job that fuses coarse layers with the detail of a fine image into one stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core.blocks import plan
from gossan.core.charts import matrix_heatmap
from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Stack, open_raster, open_stack
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.models.lithology.compositions import Parts
from gossan.models.lithology.fusion import (
    DEFAULT_SCALE,
    LEAST_RATIO,
    Fit,
    Fusion,
    Layer,
    fit_layers,
    layer_names,
    resolution_ratio,
    write_fused,
)

_SHOWN_BANDS = 30


@job_files(
    reads=("image", "composition", "others", "terrain"), writes=("output", "table", "report")
)
def fuse(
    progress: Progress,
    *,
    image: str,
    bands: Sequence[int] = (),
    composition: Sequence[str] = (),
    others: Sequence[str] = (),
    terrain: Sequence[str] = (),
    scale: float = DEFAULT_SCALE,
    least_fit: float = 0.1,
    keep_bands: bool = False,
    output: str,
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fuse coarse layers with the detail of an image, all on the image's grid.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    image : str
        Multispectral raster; its grid is that of the result.
    bands : sequence of int
        Its bands that give the detail, from 1; all when empty.
    composition : sequence of str
        Geochemical rasters whose bands together are the parts of a composition.
    others : sequence of str
        Other coarse rasters, such as magnetics.
    terrain : sequence of str
        Rasters that are resampled and taken as they are.
    scale : float
        Standard deviation of the filter that parts low from high frequencies, in pixels of the
        coarse layer.
    least_fit : float
        Adjusted R2 below which a layer is resampled only.
    keep_bands : bool
        Also keep the bands of the image in the stack.
    output : str
        Raster to write.
    table, report : str
        Files to write: fit of each layer (.csv), report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``layers`` (list of ``{"name", "ratio", "r2", "sharpened"}``), ``bands`` (of the result),
        ``sharpened`` (how many), ``zeros``, ``missing`` and the paths ``output``, ``table``,
        ``report``.
    """
    made_by = Origin.from_dict(origin)
    if not composition and not others:
        raise InputError("There is nothing to fuse: give geochemical or other coarse rasters.")
    if not scale > 0:
        raise InputError(f"A filter of {scale:g} coarse pixels parts nothing; give more than 0.")
    with open_stack([image, *composition, *others, *terrain]) as stack:
        for note in stack.info.notes:
            progress.say(note)
        fusion, parts = _plan(stack, bands, len(composition), len(others), scale)
        for layer in fusion.layers:
            progress.say(f"{layer.name}: one pixel spans {layer.ratio:.3g} of the image.")
        fits = fit_layers(fusion, least_fit, progress.part(0.0, 0.45))
        notes = parts.notes() if parts else []
        for note in notes:
            progress.say(note)
        for sentence in _warnings(fusion, fits):
            progress.warn(sentence)
        kept = tuple(range(len(fusion.bands))) if keep_bands else ()
        names = [
            *(layer.name for layer in fusion.layers),
            *(stack.info.bands[index].name for index in fusion.plain),
            *(stack.info.bands[fusion.bands[place]].name for place in kept),
        ]
        with RasterWriter.like(output, stack.info, bands=names, tags=made_by.tags()) as writer:
            spread, missing = write_fused(fusion, fits, writer, kept, progress.part(0.45, 1.0))
        if missing == stack.info.height * stack.info.width:
            raise InputError("The rasters have no pixel in common: nothing could be fused.")
        columns, rows = _table(fusion, fits, spread)
        if table:
            write_table(table, columns, rows)
        if report:
            _write_report(report, fusion, fits, spread, notes, missing, made_by)
    progress.fraction(1.0)
    return {
        "layers": [
            {
                "name": layer.name,
                "ratio": layer.ratio,
                "r2": fit.r2 if np.isfinite(fit.r2) else None,
                "sharpened": not fit.reason,
            }
            for layer, fit in zip(fusion.layers, fits)
        ],
        "bands": names,
        "sharpened": sum(not fit.reason for fit in fits),
        "zeros": int(parts.zeros.sum()) if parts else 0,
        "missing": missing,
        "output": output,
        "table": table,
        "report": report,
    }


def _plan(
    stack: Stack, bands: Sequence[int], compositions: int, others: int, scale: float
) -> tuple[Fusion, Parts | None]:
    """Return what is to be fused, and what is known of the composition's values."""
    image, *rest = stack.rasters
    wrong = [band for band in bands if not 1 <= band <= image.info.count]
    if wrong:
        raise InputError(f"{image.info.path} has {image.info.count} bands and no band {wrong[0]}.")
    first = image.info.count
    layers: list[Layer] = []
    plain: list[int] = []
    for number, raster in enumerate(rest):
        composed = number < compositions
        indexes = range(first, first + raster.info.count)
        first += raster.info.count
        if number >= compositions + others:
            plain += indexes
            continue
        with open_raster(raster.info.path) as native:
            ratio = resolution_ratio(native.info, image.info)
        names = [stack.info.bands[index].name for index in indexes]
        for index, name in zip(indexes, layer_names(names, [composed] * len(names))):
            part = sum(layer.part is not None for layer in layers) if composed else None
            layers.append(Layer(name, index, ratio, part, scale * ratio, ratio >= LEAST_RATIO))
    parts = _parts([raster.info.path for raster in rest[:compositions]], layers)
    chosen = tuple(band - 1 for band in bands) if bands else tuple(range(image.info.count))
    replacements = parts.replacements if parts else np.empty(0)
    return Fusion(stack, chosen, tuple(layers), replacements, tuple(plain)), parts


def _parts(paths: Sequence[str], layers: Sequence[Layer]) -> Parts | None:
    """Return what is known of the parts of the composition, from the rasters as they are."""
    if not paths:
        return None
    names = tuple(layer.name for layer in layers if layer.part is not None)
    known = Parts.unknown(names)
    smallest: list[float] = []
    zeros: list[int] = []
    for path in paths:
        with open_raster(path) as raster:
            info = raster.info
            least, none = np.full(info.count, np.inf), np.zeros(info.count, dtype=np.int64)
            for block in plan(info.height, info.width, rows=512, columns=info.width):
                values = raster.read(block.inner).reshape(-1, info.count)
                least = np.minimum(least, np.where(values > 0, values, np.inf).min(axis=0))
                none += np.count_nonzero(values <= 0, axis=0)
            smallest += [float(value) for value in least]
            zeros += [int(value) for value in none]
    return Parts(known.names, np.array(smallest), np.array(zeros))


def _warnings(fusion: Fusion, fits: Sequence[Fit]) -> list[str]:
    return [
        f"{layer.name} is resampled only, not sharpened: {fit.reason}."
        for layer, fit in zip(fusion.layers, fits)
        if fit.reason and layer.sharpened
    ]


def _table(
    fusion: Fusion, fits: Sequence[Fit], spread: np.ndarray
) -> tuple[list[str], list[list[Any]]]:
    columns = [
        "Layer", "Coarse pixel (image pixels)", "Filter (image pixels)", "R2", "Adjusted R2",
        "Strongest correlation", "With band", "Detail added (standard deviation)", "Sharpened",
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for layer, fit, added in zip(fusion.layers, fits, spread):
        known = np.nan_to_num(np.abs(fit.correlations))
        strongest = int(np.argmax(known))
        told = bool(known.any())
        rows.append(
            [
                layer.name,
                layer.ratio,
                layer.scale,
                fit.r2,
                fit.adjusted,
                float(fit.correlations[strongest]) if told else None,
                fusion.stack.info.bands[fusion.bands[strongest]].name if told else "",
                float(added),
                "no: " + fit.reason if fit.reason else "yes",
            ]
        )
    return columns, rows


def _write_report(
    path: str,
    fusion: Fusion,
    fits: Sequence[Fit],
    spread: np.ndarray,
    notes: Sequence[str],
    missing: int,
    origin: Origin,
) -> None:
    report = Report.from_origin("Fusion of sources", origin)
    info = fusion.stack.info
    report.paragraph(
        f"{len(fusion.layers)} layers and {len(fusion.plain)} bands of terrain on a grid of "
        f"{info.height} x {info.width} pixels; {missing} pixels lack one of them. The detail is "
        f"that of {len(fusion.bands)} bands of {info.path}."
    )
    for sentence in _warnings(fusion, fits):
        report.warning(sentence)
    report.heading("How each layer relates to the image")
    report.table(
        *_table(fusion, fits, spread),
        "R2: share of the layer's variance that its least-squares fit on the low frequencies of "
        "the image tells; adjusted for the number of bands and of the layer's own cells.",
    )
    shown = [(layer, fit) for layer, fit in zip(fusion.layers, fits) if np.isfinite(fit.r2)]
    if shown and len(fusion.bands) <= _SHOWN_BANDS:
        report.figure(
            matrix_heatmap(
                np.stack([fit.correlations for _, fit in shown]),
                [layer.name for layer, _ in shown],
                columns=[info.bands[index].name for index in fusion.bands],
                label="correlation",
                limits=(-1.0, 1.0),
            ),
            "Correlation of each layer with the low frequencies of each band.",
        )
    if fusion.parts:
        report.heading("Composition")
        report.paragraph(
            f"The {len(fusion.parts)} parts were taken as centred log-ratios before they were "
            "sharpened, and centred again afterwards."
        )
        report.bullets(list(notes) or ["No part has a zero."])
    report.write(path)
