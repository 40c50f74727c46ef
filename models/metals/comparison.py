"""The ablation: how extraction workflow and abundance method change what metals can be told."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import open_stack
from gossan.core.samples import Samples
from gossan.core.validation import regression_scores
from gossan.models.abundances.jobs import estimate
from gossan.models.endmembers.jobs import extract
from gossan.models.metals.features import feature_bands
from gossan.models.metals.inversion import check_elements, cross_validate
from gossan.models.metals.regressors import Settings
from gossan.models.metals.sample_splits import Validation, inner_groups, make_splits
from gossan.models.metals.training import gather

WORKFLOWS = ("PPI", "VCA", "prior", "PPI+VCA", "PPI+prior", "VCA+prior", "PCCEE")
"""The seven extraction workflows of the source's first table."""

METHODS = ("nnls", "nmf", "svr")
"""The three abundance methods of the source's second table."""


@dataclass(frozen=True)
class Design:
    """What is compared, and how it is validated.

    Parameters
    ----------
    workflows, methods : sequence of str
        Out of `WORKFLOWS` and `METHODS`.
    reference_workflow, reference_method : str
        The workflow that methods are compared with, and the method that workflows are.
    endmembers : int
        Endmembers of every workflow, so that all inversions have equally many features.
    seeds : sequence of int
        Each seed repeats extraction, unmixing, splits and forests.
    settings : Settings
        Of the inversion.
    validation : Validation
        Of the inversion.
    """

    workflows: Sequence[str]
    methods: Sequence[str]
    reference_workflow: str
    reference_method: str
    endmembers: int
    seeds: Sequence[int]
    settings: Settings
    validation: Validation

    def pairs(self) -> list[tuple[str, str]]:
        """Return every workflow with the reference method, then every method with the workflow."""
        pairs = [(workflow, self.reference_method) for workflow in self.workflows]
        pairs += [(self.reference_workflow, method) for method in self.methods]
        return list(dict.fromkeys(pairs))


@dataclass(frozen=True)
class Run:
    """One workflow and one method with one seed.

    Parameters
    ----------
    workflow, method : str
    seed : int
    endmembers : int
        How many were found; fewer than wanted is possible.
    r2, rmse, rpd : ndarray, shape (elements,)
        Of pooled out-of-fold predictions.
    extraction_seconds, unmixing_seconds : float
    """

    workflow: str
    method: str
    seed: int
    endmembers: int
    r2: np.ndarray
    rmse: np.ndarray
    rpd: np.ndarray
    extraction_seconds: float
    unmixing_seconds: float


def compare(
    raster: str,
    samples: Samples,
    design: Design,
    progress: Progress,
    *,
    extraction_options: dict[str, Any],
    unmixing_options: dict[str, Any],
) -> list[Run]:
    """Run every pair of the design with every seed.

    Parameters
    ----------
    raster : str
        Hyperspectral image.
    samples : Samples
        Measured concentrations; coordinates in the CRS of the raster.
    design : Design
    progress : Progress
    extraction_options, unmixing_options : dict
        Further arguments of `gossan.models.endmembers.jobs.extract` and of
        `gossan.models.abundances.jobs.estimate`.

    Raises
    ------
    InputError
        When the samples do not suffice, or an extraction finds nothing.
    """
    _check(design)
    runs: list[Run] = []
    pairs = design.pairs()
    with tempfile.TemporaryDirectory(prefix="gossan-comparison-") as folder:
        for turn, seed in enumerate(design.seeds):
            libraries: dict[str, tuple[str, int, float]] = {}
            for step, (workflow, method) in enumerate(pairs):
                done = turn * len(pairs) + step
                part = progress.part(
                    done / (len(pairs) * len(design.seeds)),
                    (done + 1) / (len(pairs) * len(design.seeds)),
                )
                part.fraction(0.0)
                # What one run says of scale, bands and samples holds for all of them.
                quiet = Progress(cancelled=progress.cancelled)
                if done == 0:
                    quiet = replace(quiet, on_message=progress.say, on_warning=progress.warn)
                if workflow not in libraries:
                    libraries[workflow] = _extract(
                        raster, workflow, design, seed, folder, extraction_options, quiet
                    )
                library, count, seconds = libraries[workflow]
                part.fraction(0.4)
                run = _unmix_and_invert(
                    raster, samples, library, method, design, seed, folder, unmixing_options, quiet
                )
                runs.append(Run(workflow, method, seed, count, *run[:3], seconds, run[3]))
                progress.say(
                    f"{workflow} with {method}, seed {seed}: mean R2 {np.nanmean(run[0]):.2f}, "
                    f"extraction {seconds:.1f} s, unmixing {run[3]:.1f} s."
                )
    return runs


def _check(design: Design) -> None:
    unknown = [name for name in design.workflows if name not in WORKFLOWS]
    unknown += [name for name in design.methods if name not in METHODS]
    if unknown:
        raise InputError(f"Unknown: {', '.join(unknown)}; there are {WORKFLOWS} and {METHODS}.")
    if not design.workflows and not design.methods:
        raise InputError("Choose at least one workflow or one abundance method to compare.")
    if not design.seeds:
        raise InputError("At least one seed is needed.")
    if design.endmembers < 1:
        raise InputError("At least one endmember is needed.")


def _extract(
    raster: str,
    workflow: str,
    design: Design,
    seed: int,
    folder: str,
    options: dict[str, Any],
    progress: Progress,
) -> tuple[str, int, float]:
    """Return the library of a workflow, how many endmembers it has, and the seconds it took."""
    library = str(Path(folder) / f"{workflow}-{seed}.csv")
    began = time.perf_counter()
    found = extract(
        progress,
        raster=raster,
        workflow=workflow,
        endmembers=design.endmembers,
        seed=seed,
        library=library,
        **options,
    )
    return library, int(found["endmembers"]), time.perf_counter() - began


def _unmix_and_invert(
    raster: str,
    samples: Samples,
    library: str,
    method: str,
    design: Design,
    seed: int,
    folder: str,
    options: dict[str, Any],
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return R2, RMSE and RPD of each element, and the seconds that the unmixing took."""
    abundances = str(Path(folder) / "abundances.tif")
    began = time.perf_counter()
    estimate(
        progress,
        raster=raster,
        library=library,
        output=abundances,
        method=method,
        seed=seed,
        **options,
    )
    seconds = time.perf_counter() - began
    with open_stack([abundances]) as stack:
        # Messages name the image that the user chose.
        stack.info = replace(stack.info, path=raster)
        data = gather(samples, stack, feature_bands(stack.info))
    for why, left_out in data.samples.excluded_counts():
        progress.say(f"{left_out} samples left out: {why}.")
    validation = Validation(**{**vars(design.validation), "seed": seed})
    settings = Settings(**{**vars(design.settings), "seed": seed})
    values = data.samples.values
    check_elements(values, data.samples.names, settings)
    splits, _ = make_splits(data.samples, validation)
    checked = cross_validate(
        data.features,
        values,
        splits,
        settings,
        progress,
        names=data.samples.names,
        groups=inner_groups(data.samples, validation),
        importance=False,
    )
    predicted = checked.mean_prediction()
    scores = [
        regression_scores(values[:, k], predicted[:, k], seed=seed) for k in range(values.shape[1])
    ]
    return (
        np.array([score.r2 for score in scores]),
        np.array([score.rmse for score in scores]),
        np.array([score.rpd for score in scores]),
        seconds,
    )
