"""Lithology jobs: train a model on a stack and a geological map, and map other stacks with it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from gossan.core.bands import match
from gossan.core.blocks import Block, plan
from gossan.core.bundle import Training
from gossan.core.errors import InputError, naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, RasterWriter, open_stack
from gossan.core.tables import write_table
from gossan.models.lithology.assessment import (
    AGREES,
    DIFFERENCE_CLASSES,
    DIFFERENCE_COLOURS,
    DIFFERS,
)
from gossan.models.lithology.class_forest import ForestOptions
from gossan.models.lithology.geological_map import MapSource
from gossan.models.lithology.holdout import BLOCKS, TRAINING, HoldOut, roles_of
from gossan.models.lithology.labelled_stack import LabelledStack, label_stack
from gossan.models.lithology.learning import (
    PUBLISHED,
    NetworkOptions,
    judge,
    learn_forest,
    learn_network,
)
from gossan.models.lithology.legend import rgb
from gossan.models.lithology.map_scores import SCORE_COLUMNS
from gossan.models.lithology.mapping import (
    Predict,
    entropy_of,
    forest_predictor,
    map_shares,
    network_predictor,
    plan_forest,
    plan_network,
)
from gossan.models.lithology.model_file import (
    FOREST,
    METHODS,
    LithologyModel,
    load_model,
    save_model,
)
from gossan.models.lithology.training_report import (
    Trained,
    gain_of,
    warnings_of,
    write_training_report,
)
from gossan.models.lithology.training_windows import WindowOptions

SCALE_TOLERANCE = 0.1
"""By how much the pixels of a stack may differ in size from those that a network learned on."""


@job_files(
    reads=("features", "map_features", "map_raster"),
    writes=("model", "table", "differences", "report"),
)
def train(
    progress: Progress,
    *,
    features: Sequence[str],
    map_features: str = "",
    map_field: str = "",
    map_raster: str = "",
    map_column: str = "",
    map_legend: Sequence[Mapping[str, Any]] = (),
    colour_field: str = "",
    method: str = "FCN-8s",
    split: str = BLOCKS,
    block_size: float = 0.0,
    hold_out: float = 0.2,
    width: float = 1.0,
    recipe: str = PUBLISHED,
    windows: int = 1000,
    window: int = 256,
    stride: int = 20,
    batch: int = 5,
    epochs: int = 100,
    patience: int = 10,
    learning_rate: float = 0.0,
    balanced: bool = True,
    trees: int = 200,
    variables: int = 3,
    share: float = 0.1,
    baseline: bool = True,
    resume: bool = False,
    seed: int = 0,
    model: str = "",
    table: str = "",
    differences: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train a model that gives lithology from a stack, and find out how well it maps new ground.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    features : sequence of str
        Rasters whose bands are the stack; the grid and CRS of the first one count.
    map_features : str
        GeoJSON with the geological map in the CRS of the first raster; empty for a raster.
    map_field : str
        Its field with the class.
    map_raster : str
        Class raster of any grid; empty for features.
    map_column : str
        Column of its attribute table with the names, optional.
    map_legend : sequence of mapping
        Names and colours that QGIS shows, optional.
    colour_field : str
        Field of the features with ``#rrggbb``, optional.
    method : str
        ``FCN-8s``, ``FCN-16s``, ``FCN-32s`` or ``random forest``.
    split : str
        ``spatial blocks`` or, as the source, ``random windows``: how early stopping is judged. Test
        blocks are kept back in either case.
    block_size : float
        Side of a block in map units; 0 makes six across.
    hold_out : float
        Share of the labelled pixels in test blocks, 0 to 0.6.
    width : float
        Factor on all channels of a network.
    recipe : str
        ``as published`` or ``small machine``.
    windows, window, stride, batch : int
        Windows drawn for training (on small machines anew in every epoch), their side (a multiple
        of 32) and stride in pixels, and how many are learned from at once.
    epochs, patience : int
        Passes at most, and those without a better validation loss after which training ends; 0
        never ends it early.
    learning_rate : float
        0 takes the recipe's.
    balanced : bool
        Weight classes against their share of the pixels.
    trees, variables : int
        Trees of a forest, and bands that a node chooses from.
    share : float
        Share of the pixels of each class that a forest learns from.
    baseline : bool
        Also grow a forest beside a network, for comparison.
    resume : bool
        Keep the state of a network's training beside the model, and go on from it.
    seed : int
        The same seed gives the same model.
    model, table, differences, report : str
        Files to write: model (.gossan), scores per class (.csv), raster of where network and
        forest differ (a forest alone: where it differs from the geological map), report (.html);
        an empty one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``classes``, ``overall_accuracy``, ``mean_iou``, ``kappa`` (on test blocks),
        ``overall_accuracy_leaky``, ``mean_iou_leaky``, ``forest_accuracy``, ``forest_mean_iou``
        (None without one), ``gain`` (mean IoU above the forest's with the ends of its interval, as
        ``[value, low, high]``; None without both), ``weights``, ``epochs``, ``seconds``,
        ``fingerprint`` and the paths ``model``, ``table``, ``differences``, ``report``.
    """
    started = time.monotonic()
    if method not in METHODS:
        raise InputError(f"{method!r} is no method; take one of {', '.join(METHODS)}.")
    is_forest = method == FOREST
    forest_options = ForestOptions(trees, variables, share, seed)
    drawn = WindowOptions(window, stride, windows, batch, varied=recipe != PUBLISHED)
    network_options = None
    if not is_forest:
        network_options = NetworkOptions(
            method, width, recipe, epochs, patience, learning_rate, balanced, drawn, seed
        )
    made_by = Origin.from_dict(origin)
    source = MapSource(map_features, map_field, colour_field, map_raster, map_column, map_legend)
    with ExitStack() as opened:
        stack = opened.enter_context(open_stack(features))
        for note in stack.info.notes:
            progress.say(note)
        geology = opened.enter_context(source.open(stack.info))
        data = label_stack(stack, geology, progress.part(0.0, 0.05))
        for note in data.notes:
            progress.say(note)
        kept_back = _hold_out(split, hold_out, block_size, stack.info, seed)
        roles = roles_of(data.places, kept_back)
        side = kept_back.side_for(*data.places.shape)
        models: list[Trained] = []
        checkpoint = f"{model}.state" if resume and model else ""
        if network_options is not None:
            learned = learn_network(
                data, roles, network_options, split, checkpoint, progress.part(0.05, 0.75)
            )
            judged = judge(data, roles, learned, side, width, progress.part(0.75, 0.8))
            models.append(Trained.of(method, learned, judged, data.names, seed))
        if is_forest or baseline:
            part = progress.part(0.05, 0.7) if is_forest else progress.part(0.8, 0.95)
            learned = learn_forest(data, roles, forest_options, part.part(0.0, 0.6))
            judged = judge(data, roles, learned, side, 1.0, part.part(0.6, 1.0))
            models.append(Trained.of(FOREST, learned, judged, data.names, seed))
        for one in models:
            progress.say(one.sentence())
        gain = gain_of(models[0], models[1], seed) if len(models) > 1 else None
        if gain is not None:
            progress.say(
                f"Mean IoU of {method} minus that of {FOREST}, on the same blocks: {gain}."
            )
        for sentence in warnings_of(data, roles, models):
            progress.warn(sentence)
        kept = models[0].learned
        if is_forest:
            progress.say("The forest that is kept learns from all labelled pixels.")
            whole = np.where(roles > 0, TRAINING, 0).astype(np.uint8)
            kept = learn_forest(data, whole, forest_options, progress.part(0.7, 0.95))
        how = kept_back.described(*data.places.shape)
        details = _details(method, network_options, forest_options, models[0])
        lithology = LithologyModel(
            method=method,
            classes=data.classes,
            bands=stack.info.bands,
            scaling=data.scaling,
            predictor=kept.predictor,
            training=Training(
                how=f"{method} on {kept.samples} {'pixels' if is_forest else 'windows'}",
                split=how,
                samples=kept.samples,
                scores={one.name: one.to_dict() for one in models},
            ),
            width=width,
            window=window,
            ground_sampling_distance=stack.info.ground_sampling_distance,
            details={"training": {name: str(value) for name, value in details.items()}},
        )
        progress.check()
        fingerprint = save_model(model, lithology, made_by) if model else None
        made_by = made_by.with_model(fingerprint)
        if table:
            write_table(table, *_score_table(models))
        if differences:
            _write_differences(differences, data, models, made_by, progress)
        if report:
            write_training_report(report, data, roles, models, how, details, made_by, seed)
    first, forest = models[0], next((one for one in models if one.name == FOREST), None)
    progress.fraction(1.0)
    scores = first.to_dict()
    return {
        "classes": _classes(data),
        "overall_accuracy": scores["overall_accuracy"],
        "mean_iou": scores["mean_iou"],
        "kappa": scores["kappa"],
        "overall_accuracy_leaky": scores["overall_accuracy_leaky"],
        "mean_iou_leaky": scores["mean_iou_leaky"],
        "forest_accuracy": forest.honest.overall.value if forest else None,
        "forest_mean_iou": forest.honest.mean_iou.value if forest else None,
        "gain": None if gain is None else [gain.value, gain.low, gain.high],
        "weights": first.learned.weights,
        "epochs": len(first.learned.history.measures) if first.learned.history else 0,
        "seconds": time.monotonic() - started,
        "fingerprint": fingerprint,
        "model": model,
        "table": table,
        "differences": differences,
        "report": report,
    }


@job_files(reads=("features", "model"), writes=("output", "probabilities", "entropy"))
def map_lithology(
    progress: Progress,
    *,
    features: Sequence[str],
    model: str,
    by_position: bool = False,
    least_share: float = 0.0,
    output: str,
    probabilities: str = "",
    entropy: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Map lithology with a trained model, densely and without a seam.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    features : sequence of str
        Rasters with the bands that the model was trained on.
    model : str
        Model (.gossan) of `train`.
    by_position : bool
        Match the bands by position when neither names nor wavelengths do.
    least_share : float
        Probability below which a pixel gets no class, 0 to 1.
    output : str
        Class raster to write, with the names and colours of the geological map.
    probabilities, entropy : str
        Rasters to write: probability per class, and how undecided the map is (0 to 1); an empty
        one is not written.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``classes`` (list of ``{"value", "name", "colour", "pixels", "area_ha"}``), ``mapped``,
        ``unmapped``, ``mean_probability``, ``fingerprint``, ``seconds`` and the paths ``output``,
        ``probabilities``, ``entropy``.
    """
    started = time.monotonic()
    trained, fingerprint = load_model(model)
    made_by = Origin.from_dict(origin).with_model(fingerprint)
    with ExitStack() as opened:
        stack = opened.enter_context(open_stack(features))
        info = stack.info
        for note in info.notes:
            progress.say(note)
        with naming(", ".join(features)):
            indexes = match(trained.bands, info.bands, by_position=by_position)
        _check_scale(trained, info, progress)
        predict: Predict
        if trained.is_forest:
            blocks = plan_forest(info, len(indexes), len(trained.classes))
            predict = forest_predictor(trained.predictor, progress)
        else:
            blocks = plan_network(info, trained.width)
            predict = network_predictor(trained.predictor, trained.scaling)
        progress.say(
            f"{info.height} x {info.width} pixels, {len(indexes)} bands, {trained.method}, "
            f"{len(trained.classes)} classes, {len(blocks)} blocks."
        )
        writers = _map_writers(opened, info, trained, output, probabilities, entropy, made_by)
        values = np.array([0, *(label.value for label in trained.classes)], dtype=np.uint16)
        pixels = np.zeros(len(values), dtype=np.int64)
        certain = [0.0]

        def consume(block: Block, shares: np.ndarray, valid: np.ndarray) -> None:
            shares = np.where(valid[..., None], shares, np.nan)
            greatest = np.nan_to_num(shares).max(axis=-1)
            place = np.nan_to_num(shares).argmax(axis=-1) + 1
            place = np.where(valid & (greatest >= least_share), place, 0)
            pixels[:] += np.bincount(place.ravel(), minlength=len(values))
            certain[0] += float(greatest[place > 0].sum())
            writers["classes"].write(block.inner, values[place].astype(writers["classes"].dtype))
            if "probabilities" in writers:
                writers["probabilities"].write(block.inner, shares)
            if "entropy" in writers:
                writers["entropy"].write(block.inner, entropy_of(shares))

        map_shares(stack, indexes, blocks, predict, consume, progress)
    mapped = int(pixels[1:].sum())
    if not mapped:
        progress.warn("No pixel could be mapped: none has a value in every band of the model.")
    hectares = _hectares(info)
    return {
        "classes": [
            {
                "value": label.value,
                "name": label.name,
                "colour": label.colour or "",
                "pixels": int(count),
                "area_ha": None if hectares is None else float(count * hectares),
            }
            for label, count in zip(trained.classes, pixels[1:])
        ],
        "mapped": mapped,
        "unmapped": int(pixels[0]),
        "mean_probability": certain[0] / mapped if mapped else 0.0,
        "fingerprint": fingerprint,
        "seconds": time.monotonic() - started,
        "output": output,
        "probabilities": probabilities,
        "entropy": entropy,
    }


def _hold_out(split: str, share: float, size: float, info: RasterInfo, seed: int) -> HoldOut:
    side = max(round(size / (info.pixel_size or 1.0)), 1) if size > 0 else 0
    return HoldOut(split, share, side, seed)


def _details(
    method: str, network: NetworkOptions | None, forest: ForestOptions, first: Trained
) -> dict[str, Any]:
    """Return how the model learned, as the report and the card tell it."""
    if network is None:
        return {
            "Method": method,
            "Trees": forest.trees,
            "Bands per node": forest.variables,
            "Share of the pixels of each class": forest.share,
            "Pixels learned from for the scores": first.learned.samples,
        }
    history = first.learned.history
    return {
        "Method": f"{method}, width {network.width:g}",
        "Weights": f"{first.learned.weights:,}",
        "Recipe": network.recipe,
        "Learning rate": network.training.learning_rate,
        "Windows": f"{first.learned.samples} of {network.windows.side} px, stride "
        f"{network.windows.stride} px, {network.windows.batch} at once",
        "Classes weighted": "against their share" if network.balanced else "no",
        "Epochs": f"{len(history.measures) if history else 0} of at most {network.epochs}",
        "Seconds": round(history.seconds, 1) if history else "",
    }


def _classes(data: LabelledStack) -> list[dict[str, Any]]:
    return [
        {"value": label.value, "name": label.name, "colour": label.colour or ""}
        for label in data.classes
    ]


def _score_table(models: Sequence[Trained]) -> tuple[list[str], list[list[Any]]]:
    rows: list[list[Any]] = []
    for model in models:
        rows += [[model.name, *row] for row in model.honest.rows()]
    return ["Model", *SCORE_COLUMNS], rows


def _write_differences(
    path: str,
    data: LabelledStack,
    models: Sequence[Trained],
    origin: Origin,
    progress: Progress,
) -> None:
    one = models[0].judged.mapped
    other = models[1].judged.mapped if len(models) > 1 else data.places
    with RasterWriter.like(
        path,
        data.stack.info,
        bands=["agreement"],
        dtype="uint8",
        categories=DIFFERENCE_CLASSES,
        colours=DIFFERENCE_COLOURS,
        tags=origin.tags(),
    ) as writer:
        height, width = one.shape
        for block in plan(height, width, rows=1024, columns=width):
            progress.check()
            a, b = one[block.inner.slices], other[block.inner.slices]
            found = np.where(a == b, AGREES, DIFFERS)
            writer.write(block.inner, np.where((a > 0) & (b > 0), found, 0).astype(np.uint8))


def _map_writers(
    opened: ExitStack,
    info: RasterInfo,
    model: LithologyModel,
    output: str,
    probabilities: str,
    entropy: str,
    origin: Origin,
) -> dict[str, RasterWriter]:
    names = {label.value: label.name for label in model.classes}
    dtype = "uint8" if max(names) <= 255 else "uint16"
    colours = {label.value: rgb(label.colour) for label in model.classes if label.colour}
    tags = origin.tags()
    writers = {
        "classes": RasterWriter.like(
            output,
            info,
            bands=["lithology"],
            dtype=dtype,
            categories=names,
            colours=colours or None,
            tags=tags,
        )
    }
    if probabilities:
        writers["probabilities"] = RasterWriter.like(
            probabilities, info, bands=list(names.values()), tags=tags
        )
    if entropy:
        writers["entropy"] = RasterWriter.like(entropy, info, bands=["entropy"], tags=tags)
    return {name: opened.enter_context(writer) for name, writer in writers.items()}


def _check_scale(model: LithologyModel, info: RasterInfo, progress: Progress) -> None:
    """Say when a network meets pixels of another size than it learned on."""
    learned, here = model.ground_sampling_distance, info.ground_sampling_distance
    if model.is_forest or learned is None or here is None:
        return
    if abs(here / learned - 1.0) > SCALE_TOLERANCE:
        progress.warn(
            f"The network learned on pixels of {learned:.4g} m and these have {here:.4g} m: shapes "
            "look different to it. Resample the stack to what it learned on."
        )


def _hectares(info: RasterInfo) -> float | None:
    side = info.ground_sampling_distance
    return None if side is None else side * side / 10_000.0
