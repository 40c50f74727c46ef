"""Job: pollution indices from a concentration raster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.errors import InputError, naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterWriter, open_raster
from gossan.core.report import Report
from gossan.models.metals import pollution
from gossan.models.metals.concentrations import chosen_bands
from gossan.models.metals.element_values import parse_element_values


@job_files(reads=("raster",), writes=("output", "report"))
def indices(
    progress: Progress,
    *,
    raster: str,
    bands: Sequence[int] = (),
    backgrounds: str,
    limits: str = "",
    output: str,
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Work out pollution indices from a concentration raster.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Concentration raster, one band per element and named after it.
    bands : sequence of int
        Its bands, from 1; all that have a background value when empty.
    backgrounds : str
        Background concentrations such as ``Pb=17;As=4.8``, in the raster's unit.
    limits : str
        Limits such as ``Pb=170;As=25``, in the raster's unit; elements without one are not
        counted as exceeding.
    output : str
        Raster to write: geo-accumulation index and single index of each element, Nemerow's index
        and the number of elements above their limit.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``elements``, ``nemerow_mean``, ``nemerow_maximum``, ``exceeding_share`` (share of the
        valid pixels with an element above its limit, None without limits), ``pixels``, and the
        paths ``output``, ``report``.

    Raises
    ------
    InputError
        When a chosen band has no background value, none of the bands has one, or no pixel has
        values in all of them.
    """
    made = Origin.from_dict(origin)
    background_of = parse_element_values(backgrounds, "background")
    limit_of = parse_element_values(limits, "limit")
    with naming(raster), open_raster(raster) as image:
        info = image.info
        made = made.with_model_of(info.tags)
        chosen = _with_background(image, bands, background_of, progress)
        names = [info.bands[i].name for i in chosen]
        reference = np.array([background_of[name.casefold()] for name in names])
        limited = np.array([limit_of.get(name.casefold(), np.nan) for name in names])
        unused = [name for name in limit_of if name not in {n.casefold() for n in names}]
        if unused:
            progress.say(f"No band for the limit(s) of {', '.join(unused)}.")

        tally = _IndexTally(len(names))
        described = [f"Igeo {name}" for name in names] + [f"P {name}" for name in names]
        described += ["Nemerow index", "Elements above limit"]
        with RasterWriter.like(
            output,
            info,
            bands=described,
            tags=made.tags(),
        ) as writer:

            def compute(_: Block, strip: np.ndarray) -> np.ndarray:
                return _index_bands(strip.astype(np.float64), reference, limited)

            def consume(block: Block, result: np.ndarray) -> None:
                tally.add(result)
                writer.write(block.inner, result)

            blocks = plan(
                info.height,
                info.width,
                rows=rows_for_budget(info.width, 40 * len(names)),
                columns=info.width,
            )
            run(blocks, lambda b: image.read(b.inner, chosen), compute, consume, progress)
            if not tally.pixels:
                raise InputError(
                    f"{raster} has no pixel with values in all of {', '.join(names)}: there is "
                    "nothing to index."
                )
    for name, count in zip(names, tally.not_positive):
        if count:
            progress.warn(
                f"{name}: {count:,} pixels are zero or below, which has no geo-accumulation index; "
                "they are empty in it. Check the concentrations."
            )
    has_limits = bool(np.isfinite(limited).any())
    if report:
        _index_report(report, made, names, reference, limited, tally)
    return {
        "elements": names,
        "nemerow_mean": tally.nemerow_sum / max(tally.pixels, 1),
        "nemerow_maximum": tally.nemerow_maximum if tally.pixels else None,
        "exceeding_share": tally.exceeding / max(tally.limited, 1) if has_limits else None,
        "pixels": tally.pixels,
        "output": output,
        "report": report,
    }


def _with_background(
    image: Raster, bands: Sequence[int], backgrounds: Mapping[str, float], progress: Progress
) -> list[int]:
    """Return the bands to index; each has a background value above zero."""
    chosen = chosen_bands(image, bands)
    names = [image.info.bands[i].name for i in chosen]
    lacking = [name for name in names if name.casefold() not in backgrounds]
    if lacking and (bands or len(lacking) == len(names)):
        raise InputError(
            f"No background value for {', '.join(lacking)}. Add them as Element=value, or choose "
            f"other bands; there are values for {', '.join(backgrounds) or 'nothing'}."
        )
    if lacking:
        progress.warn(f"Left out, for they have no background value: {', '.join(lacking)}.")
    zero = [name for name in names if backgrounds.get(name.casefold(), 1.0) <= 0]
    if zero:
        raise InputError(f"The background of {', '.join(zero)} must be above zero.")
    return [i for i, name in zip(chosen, names) if name not in lacking]


def _index_bands(
    concentrations: np.ndarray, backgrounds: np.ndarray, limits: np.ndarray
) -> np.ndarray:
    """Return all index bands of a strip, (rows, columns, 2 x elements + 2), float32."""
    single = pollution.single_index(concentrations, backgrounds)
    parts = [
        pollution.geoaccumulation_index(concentrations, backgrounds),
        single,
        pollution.nemerow_index(single)[..., None],
        pollution.exceedances(concentrations, limits)[..., None],
    ]
    return np.concatenate(parts, axis=-1).astype(np.float32)


class _IndexTally:
    """Counts the pixels of each class while the indices are written."""

    def __init__(self, elements: int) -> None:
        self.elements = elements
        self.geoaccumulation = np.zeros(
            (elements, len(pollution.GEOACCUMULATION_CLASSES)), dtype=np.int64
        )
        self.nemerow = np.zeros(len(pollution.NEMEROW_CLASSES), dtype=np.int64)
        self.not_positive = np.zeros(elements, dtype=np.int64)
        self.nemerow_sum = 0.0
        self.nemerow_maximum = -np.inf
        self.pixels = 0
        self.exceeding = 0
        self.limited = 0

    def add(self, result: np.ndarray) -> None:
        """Take in the index bands of a strip."""
        for element in range(self.elements):
            self.not_positive[element] += int((result[..., self.elements + element] <= 0).sum())
            self.geoaccumulation[element] += pollution.class_shares(
                result[..., element], pollution.GEOACCUMULATION_LIMITS
            )
        nemerow = result[..., -2]
        finite = nemerow[np.isfinite(nemerow)]
        self.nemerow += pollution.class_shares(nemerow, pollution.NEMEROW_LIMITS)
        self.pixels += len(finite)
        self.nemerow_sum += float(finite.sum(dtype=np.float64))
        if len(finite):
            self.nemerow_maximum = max(self.nemerow_maximum, float(finite.max()))
        above = result[..., -1]
        self.limited += int(np.isfinite(above).sum())
        self.exceeding += int((above > 0).sum())


def _index_report(
    path: str,
    origin: Origin,
    names: list[str],
    backgrounds: np.ndarray,
    limits: np.ndarray,
    tally: _IndexTally,
) -> None:
    page = Report.from_origin("Pollution indices", origin)
    page.paragraph(
        "Geo-accumulation index log2(C / 1.5 B) after Müller (1969), single index C / B and "
        "Nemerow's index over all elements (1974), with C the concentration and B the background."
    )
    page.table(
        ["element", "background", "limit"],
        [[name, float(b), float(v)] for name, b, v in zip(names, backgrounds, limits)],
        "Background values and limits that were used, in the raster's unit. They decide the "
        "indices: replace them by those of your region and your law.",
    )
    page.heading("Geo-accumulation")
    shares = (
        100.0
        * tally.geoaccumulation
        / np.maximum(tally.geoaccumulation.sum(axis=1, keepdims=True), 1)
    )
    page.table(
        ["element", *[f"{name} (%)" for name in pollution.GEOACCUMULATION_CLASSES]],
        [[name, *map(float, row)] for name, row in zip(names, shares)],
        "Share of the pixels in each class.",
    )
    page.heading("Nemerow's index")
    share = 100.0 * tally.nemerow / max(int(tally.nemerow.sum()), 1)
    page.table(
        ["class", "share of the pixels (%)"],
        [[name, float(value)] for name, value in zip(pollution.NEMEROW_CLASSES, share)],
    )
    if np.isfinite(limits).any() and tally.limited:
        page.paragraph(
            f"{100.0 * tally.exceeding / tally.limited:.1f} % of the pixels exceed the limit of at "
            "least one element."
        )
    page.write(path)
