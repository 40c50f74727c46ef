"""Assessment of a concentration map at samples that its model never saw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.bands import Band
from gossan.core.charts import Scatter, scatter_measured_predicted
from gossan.core.errors import InputError
from gossan.core.origin import Origin
from gossan.core.raster import Raster
from gossan.core.raster_reading import open_dataset
from gossan.core.report import Report
from gossan.core.samples import Samples
from gossan.core.tables import write_table
from gossan.core.validation import RegressionScores, regression_scores
from gossan.core.vectors import point, write_features
from gossan.models.metals.map_outputs import TRAINING_PIXELS_TAG
from gossan.models.metals.training import extent_text
from gossan.models.metals.training_report import CLASS_MEANINGS, tell_excluded

FEW = 20
"""Fewer samples than this make scores uncertain."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """Mapped against measured concentrations.

    Parameters
    ----------
    samples : Samples
        Those on the map with a value of at least one element.
    mapped : ndarray, shape (samples, elements)
        Mapped concentrations, NaN where the map is empty.
    scores : tuple of RegressionScores
        One per element.
    units : tuple of str
        Unit of each element as the raster says.
    seen : tuple of str
        Samples in pixels that the model of the map was trained on.
    """

    samples: Samples
    mapped: np.ndarray
    scores: tuple[RegressionScores, ...]
    units: tuple[str, ...]
    seen: tuple[str, ...] = ()


def match_elements(elements: Sequence[str], bands: Sequence[Band]) -> list[int]:
    """Return the band of each element: of the same name, else the only one that begins so.

    ``Pb`` meets ``pb``, and ``Pb_ppm`` meets ``Pb (mg/kg)``. A single element meets a single band.

    Raises
    ------
    InputError
        When an element has no band or more than one.
    """
    names = [band.name for band in bands]
    if len(elements) == len(bands) == 1:
        return [0]
    chosen = []
    for element in elements:
        same = [i for i, name in enumerate(names) if name.casefold() == element.casefold()]
        found = same or [i for i, name in enumerate(names) if _stem(name) == _stem(element)]
        if len(found) != 1:
            raise InputError(
                f"{'No band' if not found else 'More than one band'} of the map is named after "
                f"{element}; its bands are {', '.join(names)}. Name the field as the band."
            )
        chosen.append(found[0])
    if len(set(chosen)) < len(chosen):
        raise InputError("Two elements would be compared with the same band; rename the fields.")
    return chosen


def assess_map(samples: Samples, raster: Raster, chosen: Sequence[int], *, seed: int) -> Assessment:
    """Read the map at the samples and score it; samples where it is empty are excluded.

    Raises
    ------
    InputError
        When no sample lies where the map has a value.
    """
    rows, _ = raster.pixel_of(samples.x, samples.y)
    mapped = raster.sample(samples.x, samples.y, chosen).astype(np.float64)
    on = rows >= 0
    usable = on & (np.isfinite(mapped) & np.isfinite(samples.values)).any(axis=1)
    reasons = ["off the raster" if not inside else "the map is empty there" for inside in on]
    if not usable.any():
        raise InputError(
            f"None of the {len(samples)} samples lies where {raster.info.path} has a value "
            f"({int(on.sum())} lie on it; it covers {extent_text(raster.info)}). "
            "Check the coordinate reference systems of both."
        )
    kept = samples.keep(usable, reasons)
    units = _units(raster.info.path, chosen)
    scores = tuple(
        regression_scores(kept.values[:, k], mapped[usable, k], seed=seed)
        for k in range(len(kept.names))
    )
    seen = _seen_pixels(raster)
    rows, columns = raster.pixel_of(kept.x, kept.y)
    known = np.isin(rows * raster.info.width + columns, seen)
    return Assessment(
        kept,
        mapped[usable],
        scores,
        units,
        tuple(fid for fid, is_known in zip(kept.ids, known) if is_known),
    )


def assessment_rows(assessment: Assessment) -> list[dict[str, object]]:
    """Return one row of plain values per element; undefined ones are None."""
    rows: list[dict[str, object]] = []
    for name, unit, scores, counts in zip(
        assessment.samples.names,
        assessment.units,
        assessment.scores,
        assessment.samples.censored_counts(),
    ):
        rows.append(
            {
                "element": name,
                "unit": unit,
                **scores.to_dict(),
                "below_detection": counts[1],
                "above_limit": counts[2],
            }
        )
    return rows


def write_assessment(path: str, assessment: Assessment) -> None:
    """Write the scores as CSV, one row per element."""
    rows = assessment_rows(assessment)
    write_table(path, list(rows[0]), [list(row.values()) for row in rows])


def write_comparison(
    path: str, assessment: Assessment, crs_wkt: str | None, origin: Origin
) -> None:
    """Write the samples as points with measured and mapped values and their difference."""
    samples = assessment.samples
    fields: dict[str, type] = {"id": str}
    rows = []
    for name in samples.names:
        fields.update({f"{name}_{what}": float for what in ("measured", "mapped", "residual")})
    for i, fid in enumerate(samples.ids):
        row: dict[str, object] = {"id": fid}
        for k, name in enumerate(samples.names):
            measured, mapped = float(samples.values[i, k]), float(assessment.mapped[i, k])
            values = {"measured": measured, "mapped": mapped, "residual": mapped - measured}
            row.update(
                {
                    f"{name}_{what}": value if np.isfinite(value) else None
                    for what, value in values.items()
                }
            )
        rows.append(row)
    write_features(
        path,
        rows,
        (point(x, y) for x, y in zip(samples.x, samples.y)),
        fields=fields,
        crs_wkt=crs_wkt,
        name="map at samples",
        tags=origin.tags(),
    )


def write_report(path: str, assessment: Assessment, origin: Origin, *, lower_rule: str) -> None:
    """Write the report of an assessment as HTML."""
    samples = assessment.samples
    report = Report.from_origin("Heavy-metal map: assessment", origin)
    report.paragraph(
        f"The map was compared with {len(samples)} samples. The scores hold for new places only "
        "if the model has seen neither these samples nor their close neighbours."
    )
    for sentence in warnings_of(assessment):
        report.warning(sentence)
    report.heading("Scores")
    report.table(
        [
            "Element",
            "n",
            "R²",
            "95 % interval of R²",
            "RMSE",
            "Bias",
            "RPD",
            "Class",
            "RPIQ",
            "Unit",
        ],
        [
            [
                name,
                s.n,
                f"{s.r2:.2f}",
                f"{s.r2_low:.2f} to {s.r2_high:.2f}",
                s.rmse,
                s.bias,
                f"{s.rpd:.2f}",
                s.rpd_class,
                f"{s.rpiq:.2f}",
                unit,
            ]
            for name, unit, s in zip(samples.names, assessment.units, assessment.scores)
        ],
        CLASS_MEANINGS + " Bias is mapped minus measured.",
    )
    report.figure(
        scatter_measured_predicted(
            [
                Scatter(
                    title=name,
                    unit=unit,
                    validation=_known(samples.values[:, k], assessment.mapped[:, k]),
                    scores={"R²": s.r2, "RMSE": s.rmse, "RPD": f"{s.rpd:.2f} {s.rpd_class}"},
                )
                for k, (name, unit, s) in enumerate(
                    zip(samples.names, assessment.units, assessment.scores)
                )
            ]
        ),
        "Mapped over measured concentrations, and the line where both are equal.",
    )
    report.heading("Samples")
    report.table(
        ["Element", "Values", "Below detection", "Above limit"],
        [
            [name, int(np.isfinite(samples.values[:, k]).sum()), below, above]
            for k, (name, below, above) in enumerate(samples.censored_counts())
        ],
        f"Values below a detection limit count as: {lower_rule}. Values above an upper limit count "
        "as that limit.",
    )
    tell_excluded(report, samples)
    report.write(path)


def warnings_of(assessment: Assessment) -> list[str]:
    """Return what the user should know before trusting the scores."""
    sentences = assessment.samples.doubts()
    if assessment.seen:
        sentences.append(
            f"{len(assessment.seen)} of {len(assessment.samples)} samples lie in pixels that the "
            "model of this map was trained on; the scores are better than the map is."
        )
    few = [name for name, s in zip(assessment.samples.names, assessment.scores) if 0 < s.n < FEW]
    if few:
        sentences.append(
            f"{', '.join(few)}: fewer than {FEW} samples, so the scores are uncertain; look at "
            "the interval of R²."
        )
    none = [name for name, s in zip(assessment.samples.names, assessment.scores) if s.n == 0]
    if none:
        sentences.append(f"{', '.join(none)}: no sample with both a measured and a mapped value.")
    return sentences


def _stem(name: str) -> str:
    """Return the first word of a name in small letters."""
    words = re.findall(r"[^\W\d_]+\d*", name.casefold())
    return words[0] if words else name.casefold()


def _units(path: str, chosen: Sequence[int]) -> tuple[str, ...]:
    with open_dataset(path) as dataset:
        return tuple(dataset.units[index] or "" for index in chosen)


def _seen_pixels(raster: Raster) -> np.ndarray:
    """Return the pixels with training samples as the map tells them."""
    texts = raster.info.tags.get(TRAINING_PIXELS_TAG, "").split()
    return np.array([int(text) for text in texts if text.isdigit()], dtype=np.int64)


def _known(measured: np.ndarray, mapped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(measured) & np.isfinite(mapped)
    return measured[known], mapped[known]
