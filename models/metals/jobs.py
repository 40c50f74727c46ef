"""Heavy-metal jobs: train an inversion model, map concentrations with it, assess the map."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from gossan.core.bundle import Training
from gossan.core.errors import naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import open_raster, open_stack
from gossan.core.samples import merge_duplicates, read_samples
from gossan.models.metals.applicability import OUTSIDE, VEGETATION
from gossan.models.metals.assessment import (
    assess_map,
    assessment_rows,
    match_elements,
    write_assessment,
    write_comparison,
)
from gossan.models.metals.assessment import warnings_of as assessment_warnings
from gossan.models.metals.assessment import write_report as write_assessment_report
from gossan.models.metals.element_values import parse_element_values
from gossan.models.metals.features import feature_bands, match_features
from gossan.models.metals.map_outputs import MapOptions, MapPaths
from gossan.models.metals.mapping import map_blocks, open_vegetation
from gossan.models.metals.mapping_report import warnings_of as map_warnings
from gossan.models.metals.mapping_report import write_report as write_map_report
from gossan.models.metals.model_file import InversionModel, load_model, save_model
from gossan.models.metals.regressors import Settings
from gossan.models.metals.sample_splits import GROUPS, Validation
from gossan.models.metals.training import gather, mean_of, train_inversion
from gossan.models.metals.training_report import (
    score_rows,
    warnings_of,
    write_predictions,
    write_report,
    write_scores,
)


@job_files(
    reads=("features", "samples", "wavelengths"),
    writes=("model", "table", "predictions", "report"),
)
def train(
    progress: Progress,
    *,
    features: Sequence[str],
    samples: str,
    elements: Sequence[str],
    method: str = "random forest",
    validation: str = "spatial blocks",
    folds: int = 5,
    block_size: float = 0.0,
    group_field: str = "",
    hold_out: float = 0.3,
    repeats: int = 1,
    seed: int = 0,
    trees: int = 500,
    log_transform: bool = False,
    outlier_limit: float = 0.0,
    lower_rule: str = "half",
    duplicates: str = "average",
    quality_bands: bool = False,
    unit: str = "mg/kg",
    wavelengths: str = "",
    model: str = "",
    table: str = "",
    predictions: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train a model that gives metal concentrations from the bands of images, and validate it.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    features : sequence of str
        Rasters whose bands are the features; the grid and CRS of the first one count.
    samples : str
        CSV with ``fid,x,y,<fields>``, coordinates in the CRS of the first raster.
    elements : sequence of str
        Fields of the samples with concentrations; ``<0.02`` and ``>4000`` are understood.
    method : str
        One of ``gossan.models.metals.regressors.METHODS``: ``random forest``, ``PLSR``, ``SVR``,
        ``gradient boosting``, ``mean of methods``.
    validation : str
        ``spatial blocks``, ``k-fold``, ``leave-one-out``, ``hold-out`` or ``groups``.
    folds : int
        Number of folds of k-fold, spatial blocks and groups.
    block_size : float
        Side of a spatial block in map units; 0 takes it from the extent of the samples.
    group_field : str
        Field of the samples that must not be split between training and test (``groups``).
    hold_out : float
        Share of the samples that a hold-out keeps for the test, 0 to 1.
    repeats : int
        How often the split is drawn anew. Scores are the means of those of each repeat; what is
        told of a sample is the mean of its predictions, whose own scores would flatter.
    seed : int
        The same seed gives the same model and the same scores.
    trees : int
        Trees per forest, or boosting rounds.
    log_transform : bool
        Fit the logarithm of the concentrations.
    outlier_limit : float
        Training samples farther from the median than this many (scaled) median absolute deviations
        are left out of the fit, never out of the test; 0 keeps all.
    lower_rule : str
        What a value below its detection limit counts as: ``half``, ``limit``, ``zero``,
        ``missing``.
    duplicates : str
        Samples at one place are averaged (``average``) or kept together in one fold (``group``).
    quality_bands : bool
        Also take the residual and sum bands of abundance rasters as features.
    unit : str
        Unit of the concentrations.
    wavelengths : str
        CSV with band wavelengths; those of the rasters when empty.
    model, table, predictions, report : str
        Files to write: model (.gossan), scores (.csv), points with measured and out-of-fold
        predicted values (.geojson), report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``scores`` (one row per element), ``r2_mean``, ``rmse_mean``, ``rpd_mean``, ``samples``
        (used), ``excluded``, ``features``, ``fingerprint``, and the paths ``model``, ``table``,
        ``predictions``, ``report``.
    """
    settings = Settings(method, trees, seed, log_transform, outlier_limit)
    checks = Validation(validation, folds, block_size, hold_out, repeats, seed)
    made_by = Origin.from_dict(origin)
    read = read_samples(
        samples,
        elements,
        lower_rule=lower_rule,
        group_field=group_field if validation == GROUPS else "",
    )
    merged = merge_duplicates(read, duplicates)
    with open_stack(features, wavelengths=wavelengths or None) as stack:
        info = stack.info
        for note in info.notes:
            progress.say(note)
        chosen = feature_bands(info, quality=quality_bands)
        data = gather(merged, stack, chosen)
    unused = [band.name for band in info.bands if band.index not in chosen]
    if unused:
        progress.say(f"No features, for they tell about the unmixing: {', '.join(unused)}.")
    for why, count in data.samples.excluded_counts():
        progress.say(f"{count} samples left out: {why}.")
    progress.fraction(0.05)
    trained = train_inversion(data, settings, checks, progress.part(0.05, 0.95), unit=unit)
    rows = score_rows(trained)
    for row in rows:
        progress.say(_score_sentence(row))
    for sentence in warnings_of(data, trained, checks):
        progress.warn(sentence)
    inversion = InversionModel(
        elements=trained.elements,
        bands=data.bands,
        low=data.features.min(axis=0).astype(np.float64),
        high=data.features.max(axis=0).astype(np.float64),
        settings=settings,
        training=Training(
            how=f"{method} on {len(data.samples)} samples and {len(data.bands)} features",
            split=trained.split,
            samples=len(data.samples),
            scores={row["element"]: row for row in rows},
        ),
        places=np.column_stack([data.samples.x, data.samples.y]),
        crs_wkt=info.crs_wkt or "",
        ground_sampling_distance=info.ground_sampling_distance,
        measured=data.samples.values,
        out_of_fold=trained.out_of_fold,
    )
    progress.check()
    fingerprint = save_model(model, inversion, made_by) if model else None
    if table:
        write_scores(table, trained)
    if predictions:
        write_predictions(predictions, data, trained, info.crs_wkt, made_by.with_model(fingerprint))
    if report:
        write_report(
            report,
            data,
            trained,
            checks,
            made_by,
            lower_rule=lower_rule,
            method=method,
            fingerprint=fingerprint,
        )
    progress.fraction(1.0)
    return {
        "scores": rows,
        "validation": trained.split,
        "r2_mean": mean_of([s.validation.r2 for s in trained.scores]),
        "rmse_mean": mean_of([s.validation.rmse for s in trained.scores]),
        "rpd_mean": mean_of([s.validation.rpd for s in trained.scores]),
        "samples": len(data.samples),
        "excluded": len(data.samples.excluded),
        "features": len(data.bands),
        "fingerprint": fingerprint,
        "model": model,
        "table": table,
        "predictions": predictions,
        "report": report,
    }


@job_files(
    reads=("features", "model", "vegetation", "wavelengths"),
    writes=("concentrations", "uncertainty", "exceedance", "applicability", "report"),
)
def map_concentrations(
    progress: Progress,
    *,
    features: Sequence[str],
    model: str,
    concentrations: str,
    uncertainty: str = "",
    uncertainty_kind: str = "standard deviation",
    exceedance: str = "",
    limits: str = "",
    applicability: str = "",
    tolerance: float = 0.05,
    mask_outside: bool = True,
    vegetation: str = "",
    vegetation_band: int = 1,
    vegetation_limit: float = 0.5,
    by_position: bool = False,
    wavelengths: str = "",
    workers: int = 0,
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Map metal concentrations with a trained model, with uncertainty and where it applies.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    features : sequence of str
        Rasters with the bands that the model was trained on.
    model : str
        Model (.gossan) of `train`.
    concentrations : str
        Raster to write: one band per element.
    uncertainty : str
        Raster to write: one band per element (two with ``interval``); not written when empty.
    uncertainty_kind : str
        ``standard deviation`` (across the trees of a forest; the out-of-fold error for other
        methods) or ``interval`` (5 % and 95 %).
    exceedance : str
        Raster to write: probability 0 to 1 that an element exceeds its limit.
    limits : str
        Limits such as ``Pb=100;As=20``, in the unit of the model.
    applicability : str
        Class raster to write: 1 applies, 2 outside the training range, 3 vegetation, 0 no data.
    tolerance : float
        How far a feature may leave its training range, as a share of that range.
    mask_outside : bool
        Leave the concentrations empty where the model does not apply.
    vegetation : str
        Raster of vegetation abundance or NDVI; nothing is masked by vegetation when empty.
    vegetation_band : int
        Its band, from 1.
    vegetation_limit : float
        Above this value the soil is hidden and the model does not apply.
    by_position : bool
        Match the bands by position when neither names nor wavelengths do.
    wavelengths : str
        CSV with band wavelengths; those of the rasters when empty.
    workers : int
        Threads; 0 takes all processors.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``elements`` (list of ``{"name", "mean", "minimum", "maximum", "at_ceiling_share"}``),
        ``pixels``, ``outside_share``, ``vegetation_share``, ``fingerprint``, ``seconds`` and the
        paths ``concentrations``, ``uncertainty``, ``exceedance``, ``applicability``, ``report``.
    """
    started = time.monotonic()
    trained, fingerprint = load_model(model)
    options = MapOptions(
        uncertainty_kind=uncertainty_kind,
        limits=parse_element_values(limits, "limit"),
        tolerance=tolerance,
        mask_outside=mask_outside,
        vegetation_limit=vegetation_limit,
    )
    made_by = Origin.from_dict(origin).with_model(fingerprint)
    paths = MapPaths(concentrations, uncertainty, exceedance, applicability)
    with ExitStack() as opened:
        stack = opened.enter_context(open_stack(features, wavelengths=wavelengths or None))
        for note in stack.info.notes:
            progress.say(note)
        with naming(", ".join(features)):
            chosen = match_features(trained, stack.info, by_position=by_position)
        cover = open_vegetation(features[0], vegetation, vegetation_band) if vegetation else None
        if cover is not None:
            opened.enter_context(cover[0])
        progress.say(
            f"{stack.info.height} x {stack.info.width} pixels, {len(chosen)} features, "
            f"{', '.join(element.name for element in trained.elements)}."
        )
        summary = map_blocks(
            trained, stack, chosen, cover, options, paths, made_by, progress, workers=workers
        )
    for sentence in map_warnings(trained, summary, options):
        progress.warn(sentence)
    if report:
        write_map_report(report, trained, summary, options, made_by)
    return {
        "elements": summary.rows(),
        "pixels": summary.pixels,
        "mapped": summary.mapped,
        "outside_share": summary.share(OUTSIDE),
        "vegetation_share": summary.share(VEGETATION),
        "fingerprint": fingerprint,
        "seconds": time.monotonic() - started,
        "concentrations": concentrations,
        "uncertainty": uncertainty,
        "exceedance": exceedance,
        "applicability": applicability,
        "report": report,
    }


@job_files(reads=("concentrations", "samples"), writes=("table", "predictions", "report"))
def assess(
    progress: Progress,
    *,
    concentrations: str,
    samples: str,
    elements: Sequence[str],
    lower_rule: str = "half",
    seed: int = 0,
    table: str = "",
    predictions: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Compare a concentration raster with samples that its model never saw.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    concentrations : str
        Raster with one band per element, named after it.
    samples : str
        CSV with ``fid,x,y,<fields>``, coordinates in the CRS of the raster.
    elements : sequence of str
        Fields of the samples with concentrations; each is compared with the band of its name.
    lower_rule : str
        As in `train`.
    seed : int
        Seed of the bootstrap behind the confidence intervals.
    table, predictions, report : str
        Files to write: scores (.csv), points with measured and mapped values (.geojson),
        report (.html); an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``scores`` (one row per element), ``r2_mean``, ``rmse_mean``, ``rpd_mean``, ``bias_mean``,
        ``samples``, ``excluded`` and the paths ``table``, ``predictions``, ``report``.
    """
    made_by = Origin.from_dict(origin)
    read = merge_duplicates(read_samples(samples, elements, lower_rule=lower_rule))
    with open_raster(concentrations) as raster:
        with naming(concentrations):
            chosen = match_elements(elements, raster.info.bands)
        assessed = assess_map(read, raster, chosen, seed=seed)
        crs_wkt = raster.info.crs_wkt
        made_by = made_by.with_model_of(raster.info.tags)
    for why, count in assessed.samples.excluded_counts():
        progress.say(f"{count} samples left out: {why}.")
    rows = assessment_rows(assessed)
    for row in rows:
        progress.say(_score_sentence(row))
    for sentence in assessment_warnings(assessed):
        progress.warn(sentence)
    progress.fraction(0.5)
    if table:
        write_assessment(table, assessed)
    if predictions:
        write_comparison(predictions, assessed, crs_wkt, made_by)
    if report:
        write_assessment_report(report, assessed, made_by, lower_rule=lower_rule)
    progress.fraction(1.0)
    return {
        "scores": rows,
        "r2_mean": mean_of([s.r2 for s in assessed.scores]),
        "rmse_mean": mean_of([s.rmse for s in assessed.scores]),
        "rpd_mean": mean_of([s.rpd for s in assessed.scores]),
        "bias_mean": mean_of([s.bias for s in assessed.scores]),
        "samples": len(assessed.samples),
        "excluded": len(assessed.samples.excluded),
        "table": table,
        "predictions": predictions,
        "report": report,
    }


def _score_sentence(row: Mapping[str, Any]) -> str:
    def number(key: str) -> str:
        return "undefined" if row[key] is None else f"{row[key]:.3g}"

    return (
        f"{row['element']}: R² {number('r2')}, RMSE {number('rmse')} {row['unit']}".rstrip() + ", "
        f"RPD {number('rpd')} ({row['rpd_class'] or 'undefined'})."
    )
