"""Jobs on laboratory soil spectra: pre-process, train, predict, explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core.bundle import Training
from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.metrics import RegressionScores
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.metals.element_values import parse_element_values
from gossan.models.networks import runtime
from gossan.models.soil_spectra.explanation import OCCLUSION, explain
from gossan.models.soil_spectra.joining import REPLICATE_RULES, join, read_elements
from gossan.models.soil_spectra.model_file import load_model, model_of, save_model
from gossan.models.soil_spectra.names import DEFAULT_PATTERN
from gossan.models.soil_spectra.network import NetworkOptions
from gossan.models.soil_spectra.output_reports import (
    write_explanation_report,
    write_explanation_table,
    write_prediction_report,
    write_preprocessing_report,
)
from gossan.models.soil_spectra.prediction import (
    predict,
    read_for,
    read_places,
    write_predictions_features,
    write_predictions_table,
)
from gossan.models.soil_spectra.reading import LaboratorySpectra, read_spectra
from gossan.models.soil_spectra.regressors import METHODS, NETWORK, FitOptions
from gossan.models.soil_spectra.reporting import (
    score_rows,
    warnings_of,
    write_predictions,
    write_report,
    write_scores,
)
from gossan.models.soil_spectra.steps import DEFAULT_STEPS, StepOptions, parse_steps, preprocess
from gossan.models.soil_spectra.training import BEST, train_spectral
from gossan.models.soil_spectra.validation import CROSS, Validation

_STEPS = ", ".join(DEFAULT_STEPS)


@job_files(reads=("spectra",), writes=("output", "report"))
def preprocess_spectra(
    progress: Progress,
    *,
    spectra: str,
    output: str,
    steps: str = _STEPS,
    trim_from: float = 400.0,
    trim_to: float = 2400.0,
    smooth_width: float = 31.0,
    smooth_order: int = 2,
    spacing: float = 1.0,
    name_column: str = "",
    pattern: str = DEFAULT_PATTERN,
    replicates: str = "average",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Take pre-processing steps on laboratory spectra.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    spectra : str
        Table (CSV, wide or long), ENVI library, text of a spectrometer, or a folder of such texts.
    output : str
        Library to write (.sli or .csv).
    steps : str
        Names of ``gossan.models.soil_spectra.steps.STEPS`` in their order, parted by commas.
    trim_from, trim_to : float
        Range that ``trim`` keeps, nm.
    smooth_width : float
        Window of ``smooth``, nm.
    smooth_order : int
        Order of its polynomial.
    spacing : float
        Of the grid that spectra are brought to first, nm.
    name_column : str
        Column of a table that names the spectra; empty takes a usual one.
    pattern : str
        How names tell sample and replicate, such as ``<sample>_<replicate>``; empty for none.
    replicates : str
        ``average`` gives one spectrum per sample, ``group`` keeps all, with the sample as class.
    report : str
        HTML file with a picture of the spectra after each step; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the report.

    Returns
    -------
    dict
        ``spectra`` and ``bands`` written, ``samples``, ``excluded``, and the paths ``output`` and
        ``report``.
    """
    options = _step_options(steps, trim_from, trim_to, smooth_width, smooth_order)
    if replicates not in REPLICATE_RULES:
        raise InputError(
            f"Unknown rule {replicates!r} for replicates; use {' or '.join(REPLICATE_RULES)}."
        )
    laboratory = read_spectra(
        spectra, pattern=pattern, spacing=spacing, name_column=name_column, wanted=options.needed
    )
    _tell_reading(progress, laboratory)
    if replicates == "average":
        laboratory = laboratory.averaged()
    progress.fraction(0.3)
    stages = preprocess(laboratory.spectra, options)
    progress.fraction(0.7)
    last = stages[-1].spectra
    library = SpectralLibrary(
        laboratory.names, last.values, last.wavelengths, laboratory.samples, ("",) * len(laboratory)
    )
    write_library(output, library)
    if report:
        write_preprocessing_report(
            report, laboratory, stages, Origin.from_dict(origin), replicates=replicates
        )
    progress.fraction(1.0)
    return {
        "spectra": len(laboratory),
        "samples": len(set(laboratory.samples)),
        "bands": len(last.wavelengths),
        "excluded": len(laboratory.excluded),
        "output": output,
        "report": report,
    }


@job_files(reads=("spectra", "samples"), writes=("model", "table", "predictions", "report"))
def train(
    progress: Progress,
    *,
    spectra: str,
    samples: str,
    elements: Sequence[str],
    name_field: str,
    area_field: str = "",
    covariates: Sequence[str] = (),
    methods: Sequence[str] = METHODS,
    keep: str = BEST,
    validation: str = CROSS,
    folds: int = 5,
    repeats: int = 3,
    permutations: int = 5,
    seed: int = 0,
    steps: str = _STEPS,
    trim_from: float = 400.0,
    trim_to: float = 2400.0,
    smooth_width: float = 31.0,
    smooth_order: int = 2,
    spacing: float = 1.0,
    name_column: str = "",
    pattern: str = DEFAULT_PATTERN,
    replicates: str = "average",
    outlier_limits: str = "",
    lower_rule: str = "half",
    drop_above: bool = False,
    log_transform: bool = False,
    components: int = 15,
    trees: int = 200,
    epochs: int = 1000,
    patience: int = 60,
    batch: int = 64,
    unit: str = "mg/kg",
    model: str = "",
    table: str = "",
    predictions: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train and validate models that give elements from laboratory spectra.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    spectra : str
        As in `preprocess_spectra`.
    samples : str
        CSV with the names of the samples, elements, and ``x`` and ``y`` where known.
    elements, covariates : sequence of str
        Its columns with concentrations, and with further inputs such as clay or organic matter.
    name_field, area_field : str
        Its columns with names and areas.
    methods : sequence of str
        Of ``network``, ``PLSR`` and ``random forest``; all get the same folds.
    keep : str
        The method that the model uses, or ``best in validation``, for each element.
    validation : str
        ``repeated cross-validation`` over whole samples, ``leave-one-area-out`` or ``single split
        of the source``.
    folds, repeats : int
        Of the cross-validation.
    permutations : int
        How often the concentrations are dealt at random to the samples, for the baseline; the
        network gets one at most.
    seed : int
        The same seed gives the same model and the same scores.
    steps, trim_from, trim_to, smooth_width, smooth_order, spacing, name_column, pattern
        As in `preprocess_spectra`.
    replicates : str
        ``average``, or ``group`` to keep spectra of their own that no split parts.
    outlier_limits : str
        Such as ``Sb=1000``: samples above are left out of training and validation, and listed.
    lower_rule : str
        What a value below its detection limit counts as: ``half``, ``limit``, ``zero``,
        ``missing``.
    drop_above : bool
        Leave out values above an upper limit (``>4000``) instead of taking them at it.
    log_transform : bool
        Fit the logarithm of the concentrations.
    components : int
        Most components of PLSR.
    trees : int
        Of the random forest.
    epochs, patience, batch : int
        Of the network: epochs at most, epochs without improvement before it stops, spectra per
        step.
    unit : str
        Of the concentrations.
    model, table, predictions, report : str
        Files to write: model (.gossan), scores (.csv), samples with measured and unseen predicted
        values (.geojson), report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``scores`` (a row per element and method), ``validation``, ``r2_mean``, ``rmse_mean``,
        ``rpd_mean`` of the kept methods, ``samples``, ``excluded``, ``fingerprint`` and the paths.
    """
    step_options = _step_options(steps, trim_from, trim_to, smooth_width, smooth_order)
    options = FitOptions(
        components=components,
        trees=trees,
        log_transform=log_transform,
        seed=seed,
        network=NetworkOptions(epochs=epochs, patience=patience, batch=batch, seed=seed),
    )
    checks = Validation(validation, folds, repeats, seed, permutations)
    limits = parse_element_values(outlier_limits, "outlier limit")
    made_by = Origin.from_dict(origin)
    if NETWORK in methods:
        runtime.load(progress)
    known = read_elements(
        samples,
        elements,
        name_field=name_field,
        area_field=area_field,
        covariates=covariates,
        lower_rule=lower_rule,
        drop_above=drop_above,
        limits=limits,
    )
    laboratory = read_spectra(
        spectra,
        pattern=pattern,
        spacing=spacing,
        name_column=name_column,
        known=known.samples.ids,
        wanted=step_options.needed,
    )
    for note in laboratory.notes:
        progress.say(note)
    joined = join(laboratory, known, replicates)
    _tell_excluded(progress, joined.excluded)
    for name, element, value in known.over_limit:
        progress.say(f"{name} is left out for {element}: {value:g} {unit} is above the limit.")
    progress.fraction(0.05)
    trained = train_spectral(
        joined, step_options, methods, keep, checks, options, progress.part(0.05, 0.97)
    )
    rows = score_rows(trained)
    for row in rows:
        progress.say(_score_sentence(row, unit))
    for sentence in warnings_of(trained, checks, chosen=keep == BEST):
        progress.warn(sentence)
    kept = [row for row in rows if row["kept"]]
    spectral = model_of(
        trained,
        step_options,
        unit,
        Training(
            how=f"{', '.join(r.name for r in trained.results)} on {len(trained.samples)} samples",
            split=trained.split,
            samples=len(trained.samples),
            scores={row["element"]: row for row in kept},
        ),
    )
    progress.check()
    fingerprint = save_model(model, spectral, made_by) if model else None
    if table:
        write_scores(table, trained)
    if predictions:
        write_predictions(predictions, trained, made_by.with_model(fingerprint))
    if report:
        write_report(
            report,
            trained,
            checks,
            options,
            made_by,
            unit=unit,
            lower_rule=lower_rule,
            limits={
                name: limits[name.casefold()] for name in elements if name.casefold() in limits
            },
            chosen=keep == BEST,
            fingerprint=fingerprint,
        )
    progress.fraction(1.0)
    validated = [trained.chosen(k).scores[k].validation for k in range(len(trained.elements))]
    return {
        "scores": rows,
        "validation": trained.split,
        "r2_mean": _mean(validated, "r2"),
        "rmse_mean": _mean(validated, "rmse"),
        "rpd_mean": _mean(validated, "rpd"),
        "samples": len(trained.samples),
        "excluded": len(joined.excluded),
        "outliers": len(known.over_limit),
        "fingerprint": fingerprint,
        "model": model,
        "table": table,
        "predictions": predictions,
        "report": report,
    }


@job_files(reads=("spectra", "model", "samples"), writes=("table", "predictions", "report"))
def predict_elements(
    progress: Progress,
    *,
    spectra: str,
    model: str,
    samples: str = "",
    name_field: str = "",
    name_column: str = "",
    pattern: str = DEFAULT_PATTERN,
    replicates: str = "average",
    table: str = "",
    predictions: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Predict elements from new spectra with a trained model; TensorFlow is not needed.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    spectra : str
        As in `preprocess_spectra`; another grid is resampled, a narrower range refused.
    model : str
        Model (.gossan) of `train`.
    samples : str
        CSV with the names of the samples, coordinates and covariates; not needed when the model
        has no covariates.
    name_field : str
        Its column with the names.
    name_column, pattern, replicates
        As in `preprocess_spectra`.
    table, predictions, report : str
        Files to write: CSV, GeoJSON (points where coordinates are known), HTML; an empty one is
        not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``elements`` (list of ``{"name", "unit", "mean", "minimum", "maximum"}``), ``count``,
        ``excluded``, ``outside`` (unlike the training spectra), ``fingerprint`` and the paths.
    """
    spectral, fingerprint = load_model(model)
    made_by = Origin.from_dict(origin).with_model(fingerprint)
    if replicates not in REPLICATE_RULES:
        raise InputError(
            f"Unknown rule {replicates!r} for replicates; use {' or '.join(REPLICATE_RULES)}."
        )
    places = read_places(samples, name_field, spectral.covariates) if samples else None
    progress.fraction(0.1)
    laboratory, rows, excluded = read_for(
        spectral,
        spectra,
        places,
        pattern=pattern,
        name_column=name_column,
        average=replicates == "average",
    )
    for note in laboratory.notes:
        progress.say(note)
    _tell_excluded(progress, excluded)
    progress.fraction(0.5)
    found = predict(spectral, laboratory, rows, places, excluded)
    progress.fraction(0.8)
    outside = int((~found.applies).sum())
    if outside:
        progress.warn(
            f"{outside} of {len(laboratory)} spectra are unlike those that the model was trained "
            "on; their predictions are guesses."
        )
    if places is not None and (rows < 0).any():
        progress.say(f"{int((rows < 0).sum())} samples have no row in the table, so no place.")
    if table:
        write_predictions_table(table, spectral, found)
    if predictions:
        write_predictions_features(predictions, spectral, found, made_by)
    if report:
        write_prediction_report(report, spectral, found, made_by)
    progress.fraction(1.0)
    return {
        "elements": [
            {
                "name": element.name,
                "unit": element.unit,
                "mean": float(found.values[:, e].mean()),
                "minimum": float(found.values[:, e].min()),
                "maximum": float(found.values[:, e].max()),
            }
            for e, element in enumerate(spectral.elements)
        ],
        "count": len(laboratory),
        "excluded": len(excluded),
        "outside": outside,
        "placed": int(np.isfinite(found.x).sum()),
        "fingerprint": fingerprint,
        "table": table,
        "predictions": predictions,
        "report": report,
    }


@job_files(reads=("spectra", "model", "samples"), writes=("table", "report"))
def explain_model(
    progress: Progress,
    *,
    spectra: str,
    model: str,
    samples: str = "",
    name_field: str = "",
    name_column: str = "",
    pattern: str = DEFAULT_PATTERN,
    method: str = OCCLUSION,
    width: float = 25.0,
    most: int = 60,
    seed: int = 0,
    table: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Find at which wavelengths a spectral model looks.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    spectra, model, samples, name_field, name_column, pattern
        As in `predict_elements`; replicates are averaged.
    method : str
        ``occlusion`` or ``Shapley values``.
    width : float
        Of the stretches that are hidden or added, nm.
    most : int
        Samples at most, drawn at random where there are more.
    seed : int
        Of that draw and of the permutations.
    table, report : str
        Files to write: importance per wavelength (.csv), report (.html); an empty one is not
        written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the report.

    Returns
    -------
    dict
        ``peaks`` (per element the wavelength of greatest importance), ``samples``,
        ``fingerprint``, and the paths ``table`` and ``report``.
    """
    spectral, fingerprint = load_model(model)
    made_by = Origin.from_dict(origin).with_model(fingerprint)
    if most < 1:
        raise InputError("At least one sample has to be looked at.")
    places = read_places(samples, name_field, spectral.covariates) if samples else None
    laboratory, rows, excluded = read_for(
        spectral, spectra, places, pattern=pattern, name_column=name_column, average=True
    )
    _tell_excluded(progress, excluded)
    if len(laboratory) > most:
        drawn = np.sort(np.random.default_rng(seed).choice(len(laboratory), most, replace=False))
        laboratory, rows = laboratory.rows(drawn), rows[drawn]
        progress.say(f"{most} samples were drawn at random.")
    found = predict(spectral, laboratory, rows, places, excluded)
    importance = explain(
        spectral, found.features, method, width, progress.part(0.1, 0.95), seed=seed
    )
    if table:
        write_explanation_table(table, spectral, importance)
    if report:
        write_explanation_report(
            report, spectral, importance, laboratory, width=width, origin=made_by
        )
    progress.fraction(1.0)
    peaks = importance.wavelengths[importance.values.argmax(axis=0)]
    for element, peak in zip(spectral.elements, peaks):
        progress.say(f"{element.name} ({element.method}) hangs most on {peak:g} nm.")
    return {
        "peaks": {element.name: float(peak) for element, peak in zip(spectral.elements, peaks)},
        "samples": len(laboratory),
        "fingerprint": fingerprint,
        "table": table,
        "report": report,
    }


def _step_options(
    steps: str, trim_from: float, trim_to: float, width: float, order: int
) -> StepOptions:
    return StepOptions(parse_steps(steps), (trim_from, trim_to), width=width, order=order)


def _tell_reading(progress: Progress, laboratory: LaboratorySpectra) -> None:
    for note in laboratory.notes:
        progress.say(note)
    _tell_excluded(progress, laboratory.excluded)


def _tell_excluded(progress: Progress, excluded: Sequence[tuple[str, str]]) -> None:
    for reason in dict.fromkeys(why for _, why in excluded):
        names = [name for name, why in excluded if why == reason]
        shown = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
        progress.say(f"Left out, {len(names)} times, {reason}: {shown}.")


def _score_sentence(row: Mapping[str, Any], unit: str) -> str:
    def two(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.2f}"

    return (
        f"{row['element']}, {row['method']}{' (kept)' if row['kept'] else ''}: R² {two(row['r2'])} "
        f"({two(row['r2_training'])} in training), RMSE {row['rmse']:.4g} {unit}, RPD "
        f"{two(row['rpd'])} {row['rpd_class']}."
    )


def _mean(scores: Sequence[RegressionScores], name: str) -> float | None:
    values = [getattr(one, name) for one in scores]
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else None
