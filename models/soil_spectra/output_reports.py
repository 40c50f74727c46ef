"""Reports and tables on pre-processing, predictions and explanations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.core.tables import write_table
from gossan.models.soil_spectra.explanation import OCCLUSION, Importance
from gossan.models.soil_spectra.figures import importance_figure, stages_figure
from gossan.models.soil_spectra.model_file import BEYOND_RANGE, INSIDE, UNLIKE, SpectralModel
from gossan.models.soil_spectra.prediction import Predictions
from gossan.models.soil_spectra.reading import LaboratorySpectra
from gossan.models.soil_spectra.steps import Spectra, Stage


def write_preprocessing_report(
    path: str,
    laboratory: LaboratorySpectra,
    stages: Sequence[Stage],
    origin: Origin,
    *,
    replicates: str,
) -> None:
    """Write the report of a pre-processing: the spectra after each step, and what was left out."""
    report = Report.from_origin("Laboratory spectra: pre-processing", origin)
    last = stages[-1].spectra
    report.paragraph(
        f"{len(laboratory)} spectra of {len(set(laboratory.samples))} samples"
        f"{', each the mean of its replicates' if replicates == 'average' else ''}; "
        f"{len(last.wavelengths)} bands from {last.wavelengths[0]:g} to {last.wavelengths[-1]:g} "
        f"nm after {len(stages) - 1} steps."
    )
    for note in laboratory.notes:
        report.paragraph(note)
    report.heading("Step by step")
    report.figure(
        stages_figure(stages), "Single spectra (grey) and their mean (blue) after each step."
    )
    report.table(
        ["Step", "Quantity", "Bands", "From (nm)", "To (nm)", "Least", "Greatest"],
        [
            [
                stage.title,
                stage.quantity,
                len(stage.spectra.wavelengths),
                float(stage.spectra.wavelengths[0]),
                float(stage.spectra.wavelengths[-1]),
                float(stage.spectra.values.min()),
                float(stage.spectra.values.max()),
            ]
            for stage in stages
        ],
    )
    tell_excluded(report, laboratory.excluded)
    report.write(path)


def write_prediction_report(
    path: str, model: SpectralModel, predictions: Predictions, origin: Origin
) -> None:
    """Write the report of predictions: what was found, where the model applies, its validation."""
    report = Report.from_origin("Elements from soil spectra: predictions", origin)
    count = len(predictions.laboratory)
    report.paragraph(
        f"{count} predictions by a model that was trained as follows: {model.training.how}. It was "
        f"validated by {model.training.split}."
    )
    outside = int((~predictions.applies).sum())
    if outside:
        report.warning(
            f"{outside} of {count} spectra are unlike those that the model was trained on (another "
            "soil, another instrument or another preparation). Their predictions are guesses."
        )
    report.heading("Predictions")
    report.table(
        [
            "Element",
            "Unit",
            "Method",
            "Mean",
            "Least",
            "Greatest",
            "Training range",
            "R² of the model",
        ],
        [
            [
                element.name,
                element.unit,
                element.method,
                float(predictions.values[:, e].mean()),
                float(predictions.values[:, e].min()),
                float(predictions.values[:, e].max()),
                f"{element.range[0]:.4g} to {element.range[1]:.4g}",
                (model.training.scores.get(element.name) or {}).get("r2"),
            ]
            for e, element in enumerate(model.elements)
        ],
        "R² is that of the model's own validation; whether it holds here, only new samples tell.",
    )
    words = [predictions.applicability(i) for i in range(count)]
    report.table(
        ["Applicability", "Spectra", "Meaning"],
        [
            [INSIDE, words.count(INSIDE), "spectrum and predictions within what was trained on"],
            [
                BEYOND_RANGE,
                words.count(BEYOND_RANGE),
                "a prediction leaves the range of the samples",
            ],
            [UNLIKE, words.count(UNLIKE), "distance above 1: the spectrum itself is foreign"],
        ],
    )
    tell_excluded(report, predictions.excluded)
    report.write(path)


def write_explanation_table(path: str, model: SpectralModel, importance: Importance) -> None:
    """Write importance per wavelength as CSV, one column per element with its unit."""
    names = [f"{e.name} ({e.unit})" if e.unit else e.name for e in model.elements]
    write_table(
        path,
        ["wavelength (nm)", *names],
        [[float(nm), *row] for nm, row in zip(importance.wavelengths, importance.values)],
    )


def write_explanation_report(
    path: str,
    model: SpectralModel,
    importance: Importance,
    laboratory: LaboratorySpectra,
    *,
    width: float,
    origin: Origin,
) -> None:
    """Write the report of an explanation, with the known absorption regions named."""
    report = Report.from_origin("Elements from soil spectra: where the model looks", origin)
    what = (
        f"a stretch of {width:g} nm is replaced by the mean training spectrum, and the prediction "
        "changes by this much (root mean square over the spectra, mean of all stretches over a "
        "wavelength)"
        if importance.method == OCCLUSION
        else f"stretches of {width:g} nm are added to the mean training spectrum in random order, "
        "and the prediction changes by this much (mean size over spectra and orders, spread over "
        "the stretch's wavelengths)"
    )
    report.paragraph(f"Importance by {importance.method}: {what}. {len(laboratory)} spectra.")
    report.paragraph(
        "Trace elements have no absorption of their own at these contents; a model follows the "
        "minerals that carry them. A model whose importance lies in known absorptions has found "
        "such a carrier; one that looks at noise at the ends of the range has not."
    )
    mean = Spectra(laboratory.spectra.values.mean(axis=0)[None], laboratory.spectra.wavelengths)
    for e, element in enumerate(model.elements):
        report.heading(f"{element.name} ({element.method})")
        report.figure(
            importance_figure(importance, e, element.name, element.unit, mean),
            f"Importance along wavelength for {element.name} (red) over the mean reflectance "
            "(blue); known absorption regions are shaded.",
        )
    regions = importance.in_regions()
    report.heading("Known absorption regions")
    report.table(
        [
            "Region",
            "From (nm)",
            "To (nm)",
            *(element.name for element in model.elements),
            "of all bands",
        ],
        [
            [name, low, high, *(f"{share:.0%}" for share in shares), f"{part:.0%}"]
            for name, low, high, shares, part in regions
        ],
        "Part of an element's importance inside each region, beside the region's part of all "
        "bands: where it is much greater, the model looks there.",
    )
    report.write(path)


def tell_excluded(report: Report, excluded: Sequence[tuple[str, str]]) -> None:
    """Add what was left out, with the reasons, to a report."""
    report.heading("Left out")
    if not excluded:
        report.paragraph("No spectrum and no sample was left out.")
        return
    ordered = sorted(excluded, key=lambda pair: pair[1])
    rows = []
    for why, group in groupby(ordered, key=lambda pair: pair[1]):
        names = [name for name, _ in group]
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        rows.append([why, len(names), ", ".join(names[:20]) + more])
    report.table(["Because", "Count", "Which"], rows)
