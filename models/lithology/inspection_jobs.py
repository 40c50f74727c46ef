"""The jobs that tell of a class raster what one asks while looking at it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.origin import TAG_PREFIX
from gossan.core.progress import Progress
from gossan.core.raster import open_raster, open_stack
from gossan.models.lithology.class_areas import count_classes
from gossan.models.lithology.class_probabilities import bands_of_classes
from gossan.models.lithology.legend import legend_of_raster


@job_files(reads=("raster",), writes=())
def measure_areas(progress: Progress, *, raster: str) -> dict[str, Any]:
    """Count how much each class of a raster covers.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Class raster: whole numbers from 0 to 65534 in its first band.

    Returns
    -------
    dict
        ``classes`` (list of ``{"value", "name", "colour", "pixels", "square_metres"}``, with the
        names and colours that the file brings along, empty where it has none, and None for an
        unknown area), ``missing`` (pixels without a value), and ``algorithm`` and ``parameters`` of
        the run of Gossan that made the raster, empty for any other. The value 0 is listed as any
        other; whether it is a class is for who reads.
    """
    with open_raster(raster) as opened:
        legend = legend_of_raster(opened)
        counts = count_classes(opened, progress)
        pixels = opened.info.height * opened.info.width
        algorithm, parameters = _made_by(opened.info.tags)
    return {
        "classes": [
            {
                "value": value,
                "name": legend.names.get(value, ""),
                "colour": legend.colours.get(value, ""),
                "pixels": count.pixels,
                "square_metres": count.square_metres,
            }
            for value, count in counts.items()
        ],
        "missing": pixels - sum(count.pixels for count in counts.values()),
        "algorithm": algorithm,
        "parameters": parameters,
    }


def _made_by(tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the algorithm that wrote a raster with these tags, and its parameters."""
    try:
        parameters = json.loads(tags.get(f"{TAG_PREFIX}PARAMETERS", "{}"))
    except ValueError:
        parameters = {}
    known = parameters if isinstance(parameters, dict) else {}
    return tags.get(f"{TAG_PREFIX}ALGORITHM", ""), known


@job_files(reads=("raster", "probabilities"), writes=())
def look_at_point(
    progress: Progress,
    *,
    raster: str,
    classes: Sequence[Mapping[str, Any]] = (),
    probabilities: str = "",
    x: float,
    y: float,
) -> dict[str, Any]:
    """Tell the class of the pixel at a point and, where they are known, its probabilities.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Class raster.
    classes : sequence of mapping
        ``value`` and ``name`` of its classes, for finding the bands of probabilities.
    probabilities : str
        Raster of any grid with one band for each class, 0 to 1; empty for none.
    x, y : float
        The point in the CRS of the class raster; column and row where it has none.

    Returns
    -------
    dict
        ``inside`` (whether the point lies on the raster), ``value`` (None where it is missing) and
        ``probabilities`` (list of ``{"value", "probability"}``, empty where none are known there).
    """
    if not (np.isfinite(x) and np.isfinite(y)):
        raise InputError("The point has no place on the map of the classes. Click elsewhere.")
    progress.check()
    place = np.array([x]), np.array([y])
    with open_raster(raster) as opened:
        inside = bool(opened.pixel_of(*place)[0][0] >= 0)
        found = opened.sample(*place, [0], scaled=False)[0, 0]
    progress.check()
    shares: list[dict[str, Any]] = []
    if probabilities:
        with open_stack([raster, probabilities], nearest=True) as stack:
            map_, given = stack.rasters
            bands = bands_of_classes(map_, given, classes)
            read = given.sample(*place, list(bands.values()))[0]
        shares = [
            {"value": value, "probability": float(share)}
            for value, share in zip(bands, read)
            if np.isfinite(share)
        ]
    progress.fraction(1.0)
    return {
        "inside": inside,
        "value": int(found) if np.isfinite(found) else None,
        "probabilities": shares,
    }
