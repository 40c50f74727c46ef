"""What a spectral model says about new spectra: concentrations, intervals, and where it applies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.errors import InputError
from gossan.core.origin import Origin
from gossan.core.samples import read_samples
from gossan.core.tables import write_table
from gossan.core.vectors import point, write_features
from gossan.models.soil_spectra.joining import coordinates
from gossan.models.soil_spectra.model_file import BEYOND_RANGE, INSIDE, UNLIKE, SpectralModel
from gossan.models.soil_spectra.names import key_of, no_sample
from gossan.models.soil_spectra.reading import LaboratorySpectra, read_spectra
from gossan.models.soil_spectra.regressors import Features
from gossan.models.soil_spectra.steps import preprocess

RANGE_TOLERANCE = 0.05
"""How far a prediction may leave the training concentrations, as a share of their range."""


@dataclass(frozen=True, eq=False)
class Places:
    """What is known of the samples whose spectra are new: covariates and coordinates."""

    names: tuple[str, ...]
    covariates: np.ndarray
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for spectra or samples.

    Parameters
    ----------
    laboratory : LaboratorySpectra
    features : Features
        Pre-processed.
    values, low, high : ndarray, shape (n, elements)
    distance : ndarray, shape (n,)
        From the training spectra; above 1 the model does not apply.
    beyond : ndarray of bool, shape (n, elements)
        Where a prediction leaves the training concentrations.
    x, y : ndarray, shape (n,)
        NaN where unknown.
    excluded : tuple of (str, str)
    """

    laboratory: LaboratorySpectra
    features: Features
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    distance: np.ndarray
    beyond: np.ndarray
    x: np.ndarray
    y: np.ndarray
    excluded: tuple[tuple[str, str], ...]

    @property
    def applies(self) -> np.ndarray:
        """Where the spectra are like those of the training, shape (n,)."""
        return np.asarray(self.distance <= 1.0)

    def applicability(self, row: int) -> str:
        """Return in words whether the model applies to a spectrum."""
        if not self.applies[row]:
            return UNLIKE
        return BEYOND_RANGE if self.beyond[row].any() else INSIDE


def read_places(path: str, name_field: str, covariates: tuple[str, ...]) -> Places:
    """Read the samples of new spectra from a table.

    Raises
    ------
    InputError
        When the field of the names or a covariate is missing.
    """
    if not name_field:
        raise InputError("Name the field that holds the names of the samples.")
    x, y, names = coordinates(path, name_field)
    values = np.full((len(names), len(covariates)), np.nan)
    if covariates:
        read = read_samples(
            path, covariates, places=False, name_field=name_field, no_sample=no_sample
        )
        found = dict(zip(map(key_of, read.ids), read.values))
        for row, name in enumerate(names):
            values[row] = found.get(key_of(name), values[row])
    return Places(tuple(names), values, x, y)


def read_for(
    model: SpectralModel,
    path: str,
    places: Places | None,
    *,
    pattern: str,
    name_column: str,
    average: bool,
) -> tuple[LaboratorySpectra, np.ndarray, list[tuple[str, str]]]:
    """Read spectra on the model's grid, with the row of the places that each belongs to.

    Returns
    -------
    laboratory : LaboratorySpectra
    rows : ndarray of int, shape (n,)
        -1 where the places do not have it.
    excluded : list of (str, str)

    Raises
    ------
    InputError
        When the model needs covariates that nothing gives.
    BandMismatchError
        When the spectra lack bands.
    """
    laboratory = read_spectra(
        path,
        pattern=pattern,
        name_column=name_column,
        known=places.names if places else None,
        grid=model.grid,
    )
    excluded = list(laboratory.excluded)
    if model.covariates and places is None:
        raise InputError(
            f"The model needs {', '.join(model.covariates)} of every sample; give the samples with "
            "these fields."
        )
    if average:
        laboratory = laboratory.averaged()
    index = {key_of(name): row for row, name in enumerate(places.names if places else ())}
    rows = np.array([index.get(key_of(name), -1) for name in laboratory.samples], dtype=int)
    if places is not None and model.covariates:
        known = np.array(
            [row >= 0 and bool(np.isfinite(places.covariates[row]).all()) for row in rows]
        )
        excluded += [
            (name, "a covariate is missing")
            for name, keep in zip(laboratory.names, known)
            if not keep
        ]
        if not known.any():
            raise InputError(
                f"No sample has a spectrum and all of {', '.join(model.covariates)}. Check the "
                "field of the names and the name pattern."
            )
        laboratory, rows = laboratory.rows(known), rows[known]
    return laboratory, rows, excluded


def predict(
    model: SpectralModel,
    laboratory: LaboratorySpectra,
    rows: np.ndarray,
    places: Places | None,
    excluded: list[tuple[str, str]],
) -> Predictions:
    """Predict all elements for spectra that `read_for` has read."""
    count = len(laboratory)
    covariates = (
        places.covariates[rows] if places is not None and model.covariates else np.zeros((count, 0))
    )
    features = Features(preprocess(laboratory.spectra, model.steps)[-1].spectra, covariates)
    values = model.predict(features)
    bounds = [element.interval(values[:, e]) for e, element in enumerate(model.elements)]
    beyond = []
    for e, element in enumerate(model.elements):
        low, high = element.range
        room = RANGE_TOLERANCE * (high - low)
        beyond.append((values[:, e] < low - room) | (values[:, e] > high + room))
    x, y = np.full(count, np.nan), np.full(count, np.nan)
    if places is not None:
        known = rows >= 0
        x[known], y[known] = places.x[rows[known]], places.y[rows[known]]
    return Predictions(
        laboratory,
        features,
        values,
        np.column_stack([low for low, _ in bounds]),
        np.column_stack([high for _, high in bounds]),
        model.reach.distance(features.spectra.values),
        np.column_stack(beyond),
        x,
        y,
        tuple(excluded),
    )


def columns_of(model: SpectralModel) -> dict[str, type]:
    """Return the fields of predictions and their types."""
    fields: dict[str, type] = {"sample": str, "spectra": int}
    for element in model.elements:
        fields[element.name] = float
        fields[f"{element.name}_low"] = float
        fields[f"{element.name}_high"] = float
    return {**fields, "applicability": str, "distance": float}


def rows_of(model: SpectralModel, predictions: Predictions) -> Iterator[dict[str, Any]]:
    """Yield the fields of each prediction."""
    laboratory = predictions.laboratory
    for i, name in enumerate(laboratory.names):
        row: dict[str, Any] = {"sample": name, "spectra": laboratory.replicates[i]}
        for e, element in enumerate(model.elements):
            row[element.name] = float(predictions.values[i, e])
            row[f"{element.name}_low"] = float(predictions.low[i, e])
            row[f"{element.name}_high"] = float(predictions.high[i, e])
        row["applicability"] = predictions.applicability(i)
        row["distance"] = float(predictions.distance[i])
        yield row


def write_predictions_table(path: str, model: SpectralModel, predictions: Predictions) -> None:
    """Write predictions as CSV, with the unit in the names of the columns."""
    units = {element.name: element.unit for element in model.elements}
    names = []
    for field in columns_of(model):
        unit = units.get(field.removesuffix("_low").removesuffix("_high"), "")
        names.append(f"{field} ({unit})" if unit else field)
    write_table(path, names, [list(row.values()) for row in rows_of(model, predictions)])


def write_predictions_features(
    path: str, model: SpectralModel, predictions: Predictions, origin: Origin
) -> None:
    """Write predictions as GeoJSON; without coordinates a feature has no geometry."""
    geometries = (
        point(x, y) if np.isfinite(x) and np.isfinite(y) else None
        for x, y in zip(predictions.x, predictions.y)
    )
    write_features(
        path,
        rows_of(model, predictions),
        geometries,
        fields=columns_of(model),
        name="elements from spectra",
        tags=origin.tags(),
    )
