"""Training of an inversion: samples meet features, are split, fitted, predicted and scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine

from gossan.core.bands import Band
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, Stack
from gossan.core.samples import Samples
from gossan.core.validation import (
    RegressionScores,
    mean_scores,
    r2,
    regression_scores,
    rmse,
)
from gossan.models.metals.inversion import (
    CrossValidation,
    ElementModel,
    check_elements,
    cross_validate,
    fit_element,
    outliers,
    with_residuals,
)
from gossan.models.metals.predictors import Pixels
from gossan.models.metals.regressors import Settings
from gossan.models.metals.sample_splits import Validation, inner_groups, make_splits


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Samples with the features of their pixels.

    Parameters
    ----------
    samples : Samples
        Those that can be used; the others are in ``samples.excluded``.
    features : ndarray of float32, shape (samples, features)
    bands : tuple of Band
    shared_pixels : int
        Samples that share their pixel, hence their features, with another one.
    """

    samples: Samples
    features: np.ndarray
    bands: tuple[Band, ...]
    shared_pixels: int


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted inversion with all that its report tells.

    Parameters
    ----------
    elements : tuple of ElementModel
        Fitted to all samples.
    scores : tuple of ElementScores
    cross_validation : CrossValidation
    out_of_fold : ndarray, shape (samples, elements)
        Predictions of models that had not seen the sample.
    fitted : ndarray, shape (samples, elements)
        Predictions of the final models for the samples that they were fitted to.
    split : str
        How samples were kept apart, in words.
    """

    elements: tuple[ElementModel, ...]
    scores: tuple[ElementScores, ...]
    cross_validation: CrossValidation
    out_of_fold: np.ndarray
    fitted: np.ndarray
    split: str


@dataclass(frozen=True)
class ElementScores:
    """Scores of one element, mean over the repeats.

    Parameters
    ----------
    name, unit : str
    validation : RegressionScores
        Of pooled out-of-fold predictions.
    r2_spread : float
        Standard deviation of R2 over the repeats; NaN for one.
    r2_training, rmse_training : float
        Of the final model on its own training samples.
    coverage : float
        Share of test values inside the interval that should hold nine of ten.
    minimum, maximum : float
        Range of the concentrations.
    below, above : int
        Values below a detection limit and above an upper limit.
    outliers : int
        Values left out of the final fit.
    """

    name: str
    unit: str
    validation: RegressionScores
    r2_spread: float
    r2_training: float
    rmse_training: float
    coverage: float
    minimum: float
    maximum: float
    below: int
    above: int
    outliers: int

    @property
    def gap(self) -> float:
        """R2 on the training samples minus R2 of validation: what the model only remembers."""
        return self.r2_training - self.validation.r2


def gather(
    samples: Samples, stack: Stack | Raster, chosen: Sequence[int] | None = None
) -> TrainingData:
    """Read the features at the samples; those off the raster or without a feature are excluded.

    Parameters
    ----------
    samples : Samples
        In the CRS of the raster.
    stack : Stack or Raster
    chosen : sequence of int, optional
        The bands that are features, from 0; all by default.

    Raises
    ------
    InputError
        When no sample is left.
    """
    info = stack.info
    bands = info.bands if chosen is None else tuple(info.bands[index] for index in chosen)
    rows, columns = stack.pixel_of(samples.x, samples.y)
    features = stack.sample(samples.x, samples.y, chosen)
    on = rows >= 0
    if not on.any():
        raise InputError(
            f"None of the {len(samples)} samples lies on {info.path}: they are at x "
            f"{samples.x.min():.6g} to {samples.x.max():.6g}, y {samples.y.min():.6g} to "
            f"{samples.y.max():.6g}, and the raster covers {extent_text(info)}. "
            "Check the coordinate reference systems of both."
        )
    complete = np.isfinite(features).all(axis=1)
    reasons = [
        "off the raster" if not on[i] else _missing_text(features[i], bands)
        for i in range(len(samples))
    ]
    kept = on & complete
    if not kept.any():
        raise InputError(
            f"None of the {int(on.sum())} samples on {info.path} has a value in every feature: "
            f"{reasons[int(np.flatnonzero(on)[0])]}."
        )
    places = rows[kept] * info.width + columns[kept]
    _, counts = np.unique(places, return_counts=True)
    return TrainingData(
        samples=samples.keep(kept, reasons),
        features=np.ascontiguousarray(features[kept], dtype=np.float32),
        bands=bands,
        shared_pixels=int(counts[counts > 1].sum()),
    )


def extent_text(info: RasterInfo) -> str:
    """Return the extent of a raster in words."""
    place = info.transform or Affine.identity()
    corners = [(c, r) for c in (0, info.width) for r in (0, info.height)]
    xs = [place.a * c + place.b * r + place.c for c, r in corners]
    ys = [place.d * c + place.e * r + place.f for c, r in corners]
    return f"x {min(xs):.6g} to {max(xs):.6g}, y {min(ys):.6g} to {max(ys):.6g}"


def train_inversion(
    data: TrainingData,
    settings: Settings,
    validation: Validation,
    progress: Progress,
    *,
    unit: str = "mg/kg",
) -> Trained:
    """Validate an inversion, then fit it to all samples.

    Raises
    ------
    InputError
        When the samples do not suffice.
    """
    samples, values = data.samples, data.samples.values
    check_elements(values, samples.names, settings)
    if not np.ptp(data.features, axis=0).any():
        raise InputError(
            f"No feature ({_shortened([band.name for band in data.bands])}) differs between the "
            "samples, so there is nothing to tell concentrations by. Choose other features."
        )
    splits, how = make_splits(samples, validation)
    inner = inner_groups(samples, validation)
    progress.say(
        f"{len(samples)} samples, {data.features.shape[1]} features, {settings.method}; "
        f"validation: {how}."
    )
    checked = cross_validate(
        data.features,
        values,
        splits,
        settings,
        progress.part(0.0, 0.85),
        names=samples.names,
        groups=inner,
    )
    out_of_fold = checked.mean_prediction()
    pixels = Pixels.of(data.features)
    step = progress.part(0.85, 1.0)
    elements: list[ElementModel] = []
    for k, name in enumerate(samples.names):
        step.fraction(k / len(samples.names))
        fitted = fit_element(name, data.features, values[:, k], settings, unit=unit, groups=inner)
        elements.append(with_residuals(fitted, values[:, k], out_of_fold[:, k]))
    predictions = np.column_stack([element.predict(pixels) for element in elements])
    step.fraction(1.0)
    return Trained(
        elements=tuple(elements),
        scores=_scores(samples, checked, predictions, settings, unit),
        cross_validation=checked,
        out_of_fold=out_of_fold,
        fitted=predictions,
        split=how,
    )


def mean_of(values: Sequence[float]) -> float | None:
    """Return the mean of the finite values, None where there is none."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else None


def _scores(
    samples: Samples,
    checked: CrossValidation,
    fitted: np.ndarray,
    settings: Settings,
    unit: str,
) -> tuple[ElementScores, ...]:
    rows = []
    for k, (name, below, above) in enumerate(samples.censored_counts()):
        measured = samples.values[:, k]
        repeats = [
            regression_scores(measured, predicted[:, k], seed=settings.seed)
            for predicted in checked.predicted
        ]
        known = measured[np.isfinite(measured)]
        dropped = (
            int(outliers(measured, settings.outlier_limit).sum()) if settings.outlier_limit else 0
        )
        each = [scores.r2 for scores in repeats]
        rows.append(
            ElementScores(
                name=name,
                unit=unit,
                validation=mean_scores(repeats),
                r2_spread=float(np.std(each, ddof=1)) if len(each) > 1 else math.nan,
                r2_training=r2(measured, fitted[:, k]),
                rmse_training=rmse(measured, fitted[:, k]),
                coverage=float(checked.coverage[k]),
                minimum=float(known.min()),
                maximum=float(known.max()),
                below=below,
                above=above,
                outliers=dropped,
            )
        )
    return tuple(rows)


def _missing_text(features: np.ndarray, bands: Sequence[Band]) -> str:
    missing = [band.name for band, value in zip(bands, features) if not np.isfinite(value)]
    return f"no value in {_shortened(missing)}"


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
