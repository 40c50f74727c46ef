"""What a map of concentrations tells: warnings and report."""

from __future__ import annotations

import numpy as np

from gossan.core.charts import map_picture
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.models.metals.applicability import APPLIES, CLASSES, OUTSIDE, VEGETATION
from gossan.models.metals.map_outputs import MapOptions
from gossan.models.metals.map_summary import CEILING_SHARE, MapSummary
from gossan.models.metals.model_file import InversionModel

FEATURES_NAMED = 3


def warnings_of(model: InversionModel, summary: MapSummary, options: MapOptions) -> list[str]:
    """Return what the user should know before trusting the map."""
    if not summary.pixels:
        return ["No pixel has a value in every feature, so the map is empty."]
    sentences = []
    empty = "are left empty" if options.mask_outside else "are mapped nevertheless"
    outside = summary.share(OUTSIDE)
    if outside > 0:
        worst = np.argsort(-summary.beyond)[:FEATURES_NAMED]
        named = ", ".join(model.bands[i].name for i in worst if summary.beyond[i])
        sentences.append(
            f"{_percent(outside)} of the pixels lie outside the range of the training samples and "
            f"{empty}; most often because of {named}. Samples from there would close the gap."
        )
    hidden = summary.share(VEGETATION)
    if hidden > 0:
        sentences.append(
            f"{_percent(hidden)} of the pixels are covered by vegetation, which hides the soil, "
            f"and {empty}."
        )
    if options.mask_outside and not summary.mapped:
        sentences.append("The model applies nowhere here, so the map is empty.")
    touched = [
        f"{element.name} (maximum {element.maximum:.4g} {element.unit}, {_percent(share)} of the "
        "pixels)"
        for element, share in zip(model.elements, summary.at_ceiling / max(summary.mapped, 1))
        if share > 0
    ]
    if touched:
        sentences.append(
            "A forest cannot predict above its training maximum. The map reaches into the top "
            f"{CEILING_SHARE:.0%} of the range that was sampled for {', '.join(touched)}; the true "
            "content may be higher there."
        )
    poor = [
        name
        for name, scores in model.training.scores.items()
        if isinstance(scores, dict) and scores.get("rpd_class") == "poor"
    ]
    if poor:
        sentences.append(
            f"{', '.join(poor)}: the validation of the model was poor (RPD below 1.4); read the "
            "map as a pattern, not as amounts."
        )
    return sentences


def write_report(
    path: str,
    model: InversionModel,
    summary: MapSummary,
    options: MapOptions,
    origin: Origin,
) -> None:
    """Write the report of a map as HTML."""
    report = Report.from_origin("Heavy-metal map", origin)
    report.paragraph(
        f"{summary.mapped} of {summary.pixels} pixels with data were mapped by a model of "
        f"{model.training.samples} samples ({model.settings.method}), validated by "
        f"{model.training.split or 'an unknown split'}."
    )
    for sentence in warnings_of(model, summary, options):
        report.warning(sentence)
    report.heading("Concentrations")
    report.table(
        [
            "Element",
            "Mean",
            "Least",
            "Greatest",
            "Training maximum",
            "Limit",
            "Above limit",
            "Unit",
        ],
        [
            [
                row["name"],
                row["mean"],
                row["minimum"],
                row["maximum"],
                row["training_maximum"],
                row["limit"],
                None if row["above_limit_share"] is None else _percent(row["above_limit_share"]),  # type: ignore[arg-type]
                row["unit"],
            ]
            for row in summary.rows()
        ],
        "Of the mapped pixels.",
    )
    if summary.mapped:
        for k, element in enumerate(model.elements):
            report.figure(
                map_picture(
                    summary.quick_look[..., k],
                    "YlOrRd",
                    f"{element.name} ({element.unit})" if element.unit else element.name,
                ),
                f"{element.name}, every {summary.step}. pixel."
                if summary.step > 1
                else f"{element.name}.",
            )
    report.heading("Where the model applies")
    report.table(
        ["Pixels", "Count", "Share"],
        [
            [CLASSES[kind], int(summary.classes[kind]), _percent(summary.share(kind))]
            for kind in (APPLIES, OUTSIDE, VEGETATION)
        ],
        f"The training range of each feature is widened by {options.tolerance:.0%} on both sides.",
    )
    report.heading("The model's own validation")
    scored = _scored(model.training.scores)
    report.table(["Element", "R²", "RMSE", "RPD", "Class"], scored)
    report.write(path)


def _scored(scores: object) -> list[list[object]]:
    if not isinstance(scores, dict):
        return []
    return [
        [name, *(row.get(key) for key in ("r2", "rmse", "rpd", "rpd_class"))]
        for name, row in scores.items()
        if isinstance(row, dict)
    ]


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
