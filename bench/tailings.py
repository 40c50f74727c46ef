"""Tailings on real Sentinel-2 images: the detector, a forest and position alone, in the same folds.

Run ``python bench/tailings.py --data ../shared/data/mines --work FOLDER`` in the engine's
environment. What each training gave is kept in the work folder, so that an interrupted measurement
goes on; ``--scores FILE`` writes the scores for the model's card.

Every score comes from images whose site cluster was not learnt from. Thresholds are chosen in the
training folds: for each tested fold, all ways are also trained without it and without a second
fold, twice, and the threshold is chosen on those second folds: once for the greatest F1, once as
the greatest at which a share of the ponds (``--recall``) is found there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gossan.bench.tailings_forest import fit_forest, fit_position
from gossan.bench.tailings_images import (
    FOLDS,
    MINE_FREE_PIXEL,
    MineFreeScene,
    TailingsImages,
    read_images,
    read_mine_free,
)
from gossan.bench.tailings_recipe import (
    CELLS,
    CROP,
    NO_SITE,
    RECIPE,
    CellTable,
    mirrored,
    search,
)
from gossan.bench.tailings_scores import (
    Cells,
    Crop,
    Findings,
    auc,
    best_threshold,
    counts,
    crop_truth,
    f1,
    findings,
    resampled,
    threshold_that_finds,
)
from gossan.core.progress import Progress
from gossan.models.mines.few_images import MINE_FROM, STEP, train_detector
from gossan.models.mines.geometry import STRIDE
from gossan.models.networks import runtime

CROPS = 5
"""Random crops of each image on which everything is judged."""

RECALL = 0.92
"""Share of the ponds that the second threshold has to find in the training folds."""

WAYS = ("detector", "forest", "forest_taught_alike", "position")
"""The second forest learns from the mine-free scenes too, as the detector does."""

LEVELS = tuple(round(0.1 * level, 1) for level in range(2, 10))


@dataclass(frozen=True)
class Task:
    """All that is judged.

    Parameters
    ----------
    images : TailingsImages
    folds : ndarray, shape (images,)
    corners : ndarray, shape (images, crops, 2)
        First row and column of each crop.
    cells : Cells
    crops : list of list of Crop
    mine_free : list of MineFreeScene
    """

    images: TailingsImages
    folds: np.ndarray
    corners: np.ndarray
    cells: Cells
    crops: list[list[Crop]]
    mine_free: list[MineFreeScene]

    @classmethod
    def read(cls, folder: Path) -> Task:
        """Read images and scenes and draw the crops."""
        images = read_images(folder / "tailings_s2_rgb")
        count, side = images.marked.shape[:2]
        steps = (side - CROP) // STEP + 1
        corners = STEP * np.random.default_rng(0).integers(0, steps, (count, CROPS, 2))
        crops = [
            [crop_truth(marked, row, column, CELLS, area) for row, column in places]
            for marked, places, area in zip(images.marked, corners, images.pixel_area)
        ]
        cells = Cells(np.array([[crop.share for crop in row] for row in crops]), images.clusters)
        return cls(images, images.folds(), corners, cells, crops, read_mine_free(folder))

    @cached_property
    def table(self) -> CellTable:
        """All described cells; made when the first training asks for them."""
        return CellTable(self.images, self.mine_free)

    @cached_property
    def mine_free_features(self) -> np.ndarray:
        """What the second forest learns from in mine-free scenes."""
        return self.table.mine_free_features()

    def scenes_of(self, fold: int) -> list[int]:
        """Return the mine-free scenes that a fold tests: those of the place of its number."""
        places = sorted({scene.place for scene in self.mine_free})
        return [
            number
            for number, scene in enumerate(self.mine_free)
            if fold < len(places) and scene.place == places[fold]
        ]

    def of(self, table: np.ndarray) -> np.ndarray:
        """Return the values of the cells of all crops from a table (images, steps, steps)."""
        offsets = STRIDE // STEP * np.arange(CELLS)
        rows, columns = np.moveaxis(self.corners // STEP, -1, 0)
        return table[
            np.arange(len(table))[:, None, None, None],
            rows[..., None, None] + offsets[:, None],
            columns[..., None, None] + offsets,
        ]


Predictions = dict[str, np.ndarray]
"""For each of `WAYS` the probabilities of all cells, shape (images, crops, cells, cells), NaN where
the image was learnt from; for each mine-free scene not learnt from, ``scene_N``."""


def predictions_without(task: Task, without: tuple[int, ...], work: Path) -> Predictions:
    """Train all ways without some folds and predict these; or take what an earlier run kept."""
    path = work / f"without_{'_'.join(map(str, without))}.npz"
    if not path.exists():
        began = time.monotonic()
        left_out = np.isin(task.folds, without)
        np.savez(path, **_predict(task, left_out, without, task.table.features(work)))
        print(f"without {without}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    with np.load(path) as kept:
        return dict(kept)


def _predict(
    task: Task, left_out: np.ndarray, without: tuple[int, ...], features: np.ndarray
) -> Predictions:
    table = task.table
    chosen, tested = np.flatnonzero(~left_out), np.flatnonzero(left_out)
    unseen = [number for fold in without for number in task.scenes_of(fold)]
    negatives = [
        described for number, described in enumerate(table.mine_free) if number not in unseen
    ]
    model = train_detector(
        [table.described[index] for index in chosen] + negatives,
        [*task.images.clusters[chosen], *[NO_SITE] * len(negatives)],
        RECIPE,
        Progress(),
    )
    detector = np.full(task.cells.share.shape, np.nan)
    for index in tested:
        detector[index] = search(model, task.images.reflectance[index], task.corners[index])
    result = {"detector": detector}
    middle = np.array([[(task.images.marked.shape[1] - CROP) // 2] * 2])
    for number in unseen:
        result[f"scene_{number}"] = search(model, mirrored(task.mine_free[number]), middle)[0]
    known = [number for number in range(len(task.mine_free)) if number not in unseen]
    distance = np.broadcast_to(table.distance, table.share.shape)[..., np.newaxis]
    for way, fit, inputs, spare in (
        ("forest", fit_forest, features, ()),
        ("forest_taught_alike", fit_forest, features, task.mine_free_features[known]),
        ("position", fit_position, distance, ()),
    ):
        result[way] = task.of(judged_by(task, fit, inputs, left_out, spare))
    return result


def judged_by(
    task: Task,
    fit: Callable[[np.ndarray, np.ndarray], Any],
    inputs: np.ndarray,
    left_out: np.ndarray,
    spare: Sequence[np.ndarray],
) -> np.ndarray:
    """Return what a classifier says of the cells of images that it has not learnt from.

    Parameters
    ----------
    task : Task
    fit : callable
        From inputs and whether they are mines to the classifier.
    inputs : ndarray, shape (images, steps, steps, features)
    left_out : ndarray of bool, shape (images,)
    spare : sequence of ndarray, shape (cells, features)
        Further background, of mine-free scenes.
    """
    table = task.table
    teaches = table.teaches & ~left_out[:, np.newaxis, np.newaxis]
    mines = table.share[teaches] >= MINE_FROM
    background = np.zeros(sum(map(len, spare)), dtype=bool)
    fitted = fit(np.concatenate([inputs[teaches], *spare]), np.concatenate([mines, background]))
    values = np.full(table.share.shape, np.nan)
    flat = inputs[left_out].reshape(-1, inputs.shape[-1])
    values[left_out] = fitted.predict_proba(flat)[:, 1].reshape(values[left_out].shape)
    return values


@dataclass(frozen=True)
class Judged:
    """What a way gives on images that it has not learnt from.

    Parameters
    ----------
    scores : ndarray, shape (images, crops, cells, cells)
    thresholds : ndarray, shape (folds,)
        Those with the greatest F1 in the training folds.
    finding : ndarray, shape (folds,)
        The greatest ones at which the share of ponds that is asked for is found there.
    """

    scores: np.ndarray
    thresholds: np.ndarray
    finding: np.ndarray


def judge(
    task: Task, tested: list[Predictions], nested: list[Predictions], way: str, recall: float
) -> Judged:
    """Put the folds together and choose their thresholds.

    Parameters
    ----------
    tested : list of Predictions
        Without each fold.
    nested : list of Predictions
        Without each fold and the next one.
    way : str
    recall : float
        Share of the ponds of the training folds that the second threshold has to find.
    """
    scores = np.full(task.cells.share.shape, np.nan)
    thresholds, finding = np.empty(FOLDS), np.empty(FOLDS)
    for fold in range(FOLDS):
        inside = task.folds == fold
        scores[inside] = tested[fold][way][inside]
        inner = np.full(task.cells.share.shape, np.nan)
        for pair, other in ((fold, (fold + 1) % FOLDS), ((fold - 1) % FOLDS, (fold - 1) % FOLDS)):
            inner[task.folds == other] = nested[pair][way][task.folds == other]
        others = np.flatnonzero(~np.isnan(inner[:, 0, 0, 0]))
        thresholds[fold] = best_threshold(task.cells, inner, others)
        finding[fold] = threshold_that_finds(
            (pair for index in others for pair in zip(task.crops[index], inner[index])), recall
        )
    return Judged(scores, thresholds, finding)


def measure(task: Task, work: Path, recall: float) -> dict[str, Any]:
    """Return all scores as plain numbers."""
    tested = [predictions_without(task, (fold,), work) for fold in range(FOLDS)]
    nested = [
        predictions_without(task, tuple(sorted((fold, (fold + 1) % FOLDS))), work)
        for fold in range(FOLDS)
    ]
    judged = {way: judge(task, tested, nested, way, recall) for way in WAYS}
    every = np.arange(len(task.folds))
    scores: dict[str, Any] = {"cells": int(task.cells.known.sum())}
    found = {}
    for way, result in judged.items():
        positive = result.scores >= result.thresholds[task.folds][:, None, None, None]
        found[way] = counts(task.cells, positive)
        hits, false, missed = found[way].sum(axis=0)
        by_fold = [
            auc(task.cells, result.scores, np.flatnonzero(task.folds == k)) for k in range(FOLDS)
        ]
        clusters = task.images.clusters
        scores[way] = {
            "auc": auc(task.cells, result.scores, every),
            "auc_interval": resampled(
                clusters, lambda images, r=result: auc(task.cells, r.scores, images), draws=300
            ),
            "auc_by_fold": by_fold,
            "f1": f1(found[way]),
            "f1_interval": resampled(clusters, lambda images, way=way: f1(found[way][images])),
            "f1_by_fold": [f1(found[way][task.folds == fold]) for fold in range(FOLDS)],
            "precision": float(hits / (hits + false)),
            "recall": float(hits / (hits + missed)),
            "thresholds": list(result.thresholds),
            "findings": _shown(findings_at(task, positive)),
            "findings_by_recall": {
                "asked_in_training": recall,
                "thresholds": list(result.finding),
                **_shown(
                    findings_at(
                        task, result.scores >= result.finding[task.folds][:, None, None, None]
                    )
                ),
            },
        }
    for other in WAYS[1:]:
        scores[f"f1_above_{other}"] = f1(found["detector"]) - f1(found[other])
        scores[f"f1_above_{other}_interval"] = resampled(
            task.images.clusters,
            lambda images, other=other: f1(found["detector"][images]) - f1(found[other][images]),
        )
        scores[f"auc_above_{other}"] = scores["detector"]["auc"] - scores[other]["auc"]
    scores["findings_by_level"] = {
        way: {
            f"{level:g}": _shown(findings_at(task, judged[way].scores >= level)) for level in LEVELS
        }
        for way in ("detector", "forest")
    }
    scores["mine_free"] = mine_free_scores(task, tested, judged["detector"].thresholds)
    return scores


def findings_at(task: Task, positive: np.ndarray) -> Findings:
    """Count ponds and false clusters over all crops."""
    return findings(
        (crop, cells) for row, lines in zip(task.crops, positive) for crop, cells in zip(row, lines)
    )


def mine_free_scores(
    task: Task, tested: list[Predictions], thresholds: np.ndarray
) -> dict[str, Any]:
    """Count false clusters in mine-free scenes by detectors that knew other places only."""
    result: dict[str, Any] = {}
    for level in (None, *LEVELS):
        by_kind: dict[str, list[tuple[Crop, np.ndarray]]] = {"L1C": [], "L2A": []}
        for fold in range(FOLDS):
            for number in task.scenes_of(fold):
                scene = task.mine_free[number]
                positive = tested[fold][f"scene_{number}"] >= (level or thresholds[fold])
                # Only the scene itself, not its mirror images around it.
                spare = (CELLS - min(scene.reflectance.shape[0] // STRIDE, CELLS)) // 2
                part = positive[spare : CELLS - spare, spare : CELLS - spare]
                area = part.size * (STRIDE * MINE_FREE_PIXEL) ** 2 / 1e6
                by_kind[scene.level].append((Crop(np.zeros(part.shape), (), area), part))
        result["nested" if level is None else f"{level:g}"] = {
            kind: {
                "scenes": len(crops),
                "false": findings(crops).false,
                "area_km2": findings(crops).area,
                "cells_flagged": float(np.concatenate([p.ravel() for _, p in crops]).mean()),
            }
            for kind, crops in by_kind.items()
        }
    return result


def _shown(found: Findings) -> dict[str, float]:
    return {
        "ponds": found.ponds,
        "recall": found.recall,
        "false": found.false,
        "area_km2": found.area,
        "false_per_100_km2": found.false_per_100_km2,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(part) for part in value]
    return round(float(value), 4) if isinstance(value, (float, np.floating)) else value


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with tailings_s2_rgb")
    parser.add_argument("--work", type=Path, required=True, help="where trainings are kept")
    parser.add_argument("--scores", type=Path, help="JSON file for all scores")
    parser.add_argument(
        "--recall", type=float, default=RECALL, help="share of ponds for the second threshold"
    )
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    runtime.load()
    task = Task.read(asked.data)
    scores = _rounded(measure(task, asked.work, asked.recall))
    text = json.dumps(scores, indent=1)
    print(text)
    if asked.scores:
        asked.scores.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
