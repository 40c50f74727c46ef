"""Jobs that prepare single sources: centred log-ratios and magnetic grids reduced to the pole."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from affine import Affine

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.censored import parse
from gossan.core.errors import FileError, InputError, naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterWriter, open_raster
from gossan.core.vectors import write_features
from gossan.models.lithology.compositions import Parts, centred_log_ratio
from gossan.models.lithology.magnetics import LOW_INCLINATION, MAXIMUM_CELLS, reduce_to_pole

NORTH_UP = Affine.scale(1.0, -1.0)
"""Where the pixels of a grid without a place are taken to lie."""

PREFIX = "clr "
"""What the names of transformed bands begin with."""


class _Found(NamedTuple):
    """What a transformation found: its parts, zeros replaced, rows without and with a result."""

    parts: tuple[str, ...] = ()
    zeros: int = 0
    missing: int = 0
    valid: int = 0

    def __add__(self, other: object) -> _Found:
        if not isinstance(other, _Found):
            return NotImplemented
        return _Found(
            (*self.parts, *other.parts),
            self.zeros + other.zeros,
            self.missing + other.missing,
            self.valid + other.valid,
        )


@job_files(reads=("raster", "features"), writes=("output", "output_features"))
def clr(
    progress: Progress,
    *,
    raster: str = "",
    bands: Sequence[int] = (),
    features: str = "",
    fields: Sequence[str] = (),
    output: str = "",
    output_features: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Take the centred log-ratio of the bands of a raster, of the fields of a table, or of both.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Raster with one band per part of the composition; empty for features alone.
    bands : sequence of int
        Bands that are parts, from 1; all when empty.
    features : str
        GeoJSON whose fields are the parts; empty for a raster alone.
    fields : sequence of str
        Fields that are parts.
    output : str
        Raster to write, one band ``clr <part>`` per part.
    output_features : str
        GeoJSON to write: all fields and one ``clr_<part>`` per part.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``parts``, ``zeros`` (replaced), ``missing`` (pixels or rows without a result), ``valid``,
        and the paths ``output`` and ``output_features``.
    """
    made_by = Origin.from_dict(origin)
    if not raster and not features:
        raise InputError("Give a raster or a table of samples to transform.")
    found = _Found()
    if raster:
        part = progress.part(0.0, 0.9) if features else progress
        with open_raster(raster) as opened:
            found += _clr_of_raster(opened, bands, output, made_by, part)
    if features:
        part = progress.part(0.9, 1.0) if raster else progress
        found += _clr_of_features(features, fields, output_features, made_by, part)
    return {
        "parts": list(found.parts),
        "zeros": found.zeros,
        "missing": found.missing,
        "valid": found.valid,
        "output": output,
        "output_features": output_features,
    }


@job_files(reads=("raster",), writes=("output",))
def pole(
    progress: Progress,
    *,
    raster: str,
    band: int = 1,
    inclination: float,
    declination: float,
    magnetisation_inclination: float | None = None,
    magnetisation_declination: float | None = None,
    output: str,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Reduce a grid of total magnetic intensity to the pole.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Grid in a projected CRS, nT.
    band : int
        Its band, from 1.
    inclination, declination : float
        Direction of the Earth's field, degrees: down positive, east of north positive.
    magnetisation_inclination, magnetisation_declination : float, optional
        Direction of the rocks' magnetisation; that of the field (induced) when not given.
    output : str
        Raster to write: the anomaly at the pole, nT.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the output.

    Returns
    -------
    dict
        ``minimum``, ``maximum``, ``filled`` (gaps that were filled for the transform and are gaps
        in the result) and the path ``output``.
    """
    with open_raster(raster) as opened, naming(raster):
        info = opened.info
        if not 1 <= band <= info.count:
            raise InputError(f"it has {info.count} bands and no band {band}.")
        if info.height * info.width > MAXIMUM_CELLS:
            raise InputError(
                f"{info.height} x {info.width} cells are more than a transform of the whole grid "
                f"takes ({MAXIMUM_CELLS:,}). Resample it to the survey's own spacing."
            )
        if info.crs_wkt and info.ground_sampling_distance is None:
            raise InputError(
                "the direction of the field needs a grid in metres: reproject it to a projected "
                "coordinate reference system."
            )
        if not info.crs_wkt:
            progress.say("The grid has no coordinate reference system: its y axis counts as north.")
        a, b, _, d, e, _ = tuple(info.transform or NORTH_UP)[:6]
        steps = np.array([[a, b], [d, e]])
        values = opened.read(None, [band - 1])[..., 0]
        missing = ~np.isfinite(values)
        progress.fraction(0.2)
        if abs(inclination) < LOW_INCLINATION:
            progress.warn(
                f"At an inclination of {inclination:g} degrees the reduction to the pole amplifies "
                "what lies along the magnetic north-south direction. It is limited there, so "
                "bodies that strike along it come out too weak."
            )
        if missing.any():
            progress.say(
                f"{int(missing.sum())} empty cells were filled from their neighbours for the "
                "transform; they are empty in the result."
            )
        reduced = reduce_to_pole(
            values,
            steps,
            inclination,
            declination,
            magnetisation=(magnetisation_inclination, magnetisation_declination),
        )
        progress.fraction(0.8)
        tags = Origin.from_dict(origin).tags()
        with RasterWriter.like(output, info, bands=["RTP"], units="nT", tags=tags) as writer:
            for block in plan(info.height, info.width, rows=256, columns=info.width):
                writer.write(block.inner, reduced[block.inner.slices])
                progress.check()
    progress.fraction(1.0)
    return {
        "minimum": float(np.nanmin(reduced)),
        "maximum": float(np.nanmax(reduced)),
        "filled": int(missing.sum()),
        "output": output,
    }


def _clr_of_raster(
    raster: Raster, bands: Sequence[int], output: str, origin: Origin, progress: Progress
) -> _Found:
    info = raster.info
    chosen = [band - 1 for band in bands] if bands else list(range(info.count))
    wrong = [band for band in bands if not 1 <= band <= info.count]
    if wrong:
        raise InputError(f"{info.path} has {info.count} bands and no band {wrong[0]}.")
    with naming(info.path):
        parts = Parts.unknown(tuple(info.bands[index].name for index in chosen))
    rows = rows_for_budget(info.width, 8.0 * 6 * len(chosen))
    blocks = plan(info.height, info.width, rows=rows, columns=info.width)

    def read(block: Block) -> np.ndarray:
        return raster.read(block.inner, chosen)

    known = [parts]

    def see(_: Block, values: np.ndarray) -> None:
        known[0] = known[0].seeing(values)

    run(blocks, read, lambda _, values: values, see, progress.part(0.0, 0.4))
    with naming(info.path):
        replacements = known[0].replacements
    valid = [0]
    names = [f"{PREFIX}{name}" for name in parts.names]
    with RasterWriter.like(output, info, bands=names, tags=origin.tags()) as writer:

        def compute(_: Block, values: np.ndarray) -> np.ndarray:
            return centred_log_ratio(values, replacements).astype(np.float32)

        def consume(block: Block, ratios: np.ndarray) -> None:
            valid[0] += int(np.isfinite(ratios[..., 0]).sum())
            writer.write(block.inner, ratios)

        run(blocks, read, compute, consume, progress.part(0.4, 1.0))
    _tell(known[0], progress)
    if not valid[0]:
        raise InputError(f"{info.path}: no pixel has a value in every chosen band.")
    zeros = int(known[0].zeros.sum())
    return _Found(parts.names, zeros, info.height * info.width - valid[0], valid[0])


def _clr_of_features(
    path: str, fields: Sequence[str], output: str, origin: Origin, progress: Progress
) -> _Found:
    rows = read_features(path)
    parts = Parts.unknown(tuple(fields))
    values = np.array(
        [[_number(row, name, i) for name in fields] for i, row in enumerate(rows, start=1)],
        dtype=np.float64,
    ).reshape(len(rows), len(fields))
    parts = parts.seeing(values)
    ratios = centred_log_ratio(values, parts.replacements)
    progress.fraction(0.7)
    _tell(parts, progress)
    kinds = _kinds(rows)
    known = {**kinds, **{f"clr_{name}": float for name in fields}}
    if output:
        write_features(
            output,
            (
                {**row["properties"], **{f"clr_{name}": v for name, v in zip(fields, ratio)}}
                for row, ratio in zip(rows, ratios)
            ),
            (row.get("geometry") for row in rows),
            fields=known,
            tags=origin.tags(),
        )
    valid = int(np.isfinite(ratios[:, 0]).sum())
    progress.fraction(1.0)
    return _Found(parts.names, int(parts.zeros.sum()), len(rows) - valid, valid)


def read_features(path: str) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON file.

    Raises
    ------
    FileError
        When it cannot be read or holds none.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
        rows = list(content["features"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise FileError(f"{path} cannot be read as GeoJSON: {problem}.") from problem
    if not rows:
        raise FileError(f"{path} holds no feature.")
    return rows


def _number(row: Mapping[str, Any], name: str, number: int) -> float:
    """Return a field's value; "<0.02" counts as zero, whose replacement is below all others."""
    properties = row.get("properties") or {}
    if name not in properties:
        raise InputError(f"Row {number} has no field {name!r}.")
    value = properties[name]
    if value is None or isinstance(value, (int, float)):
        return math.nan if value is None else float(value)
    try:
        read = parse(str(value))
    except ValueError as problem:
        raise InputError(
            f"Row {number}, field {name}: {problem}. Correct it or choose a field of numbers."
        ) from problem
    if read is None:
        return math.nan
    return 0.0 if read.kind == "<" else float(read.value)


def _kinds(rows: Sequence[Mapping[str, Any]]) -> dict[str, type]:
    """Return the type of each field that holds all its values."""
    kinds: dict[str, type] = {}
    for row in rows:
        for name, value in (row.get("properties") or {}).items():
            seen = kinds.get(name)
            if value is None:
                kinds.setdefault(name, type(None))
            elif seen in (None, type(None), type(value)):
                kinds[name] = type(value)
            else:
                kinds[name] = float if {seen, type(value)} == {int, float} else str
    return {name: str if kind is type(None) else kind for name, kind in kinds.items()}


def _tell(parts: Parts, progress: Progress) -> None:
    for note in parts.notes():
        progress.say(note)
