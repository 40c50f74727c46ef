"""Job: a cloud-free composite of many looks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from rasterio.crs import CRS

from gossan.core.bands import Band
from gossan.core.errors import BandMismatchError, FileError, InputError
from gossan.core.grids import Grid, reprojected_bounds
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.remote import RemoteAccess, is_remote, public_name
from gossan.models.imagery import clear_sky, compositing
from gossan.models.imagery.composite import (
    NUMBER_TYPES,
    CompositeOptions,
    Tally,
    write_composite,
)
from gossan.models.imagery.composite_grid import GridOptions, composite_grid, parse_crs
from gossan.models.imagery.composite_report import write_report
from gossan.models.imagery.decisions import Decision
from gossan.models.imagery.found_scenes import read_found_scenes
from gossan.models.imagery.looks import (
    Look,
    LookReader,
    by_position,
    common_bands,
    measured_cloud,
    open_image,
    sources_of,
)
from gossan.models.imagery.scene import parse_date, within
from gossan.models.imagery.scene_files import ScaleOptions, scenes_from_files

_NAMED = 5


@job_files(reads=("rasters", "masks", "scenes"), writes=("output", "counts", "report"))
def composite(
    progress: Progress,
    *,
    rasters: Sequence[str] = (),
    masks: Sequence[str] = (),
    scenes: str = "",
    bands: str = "",
    start: str = "",
    end: str = "",
    cloud_limit: float = 20.0,
    mask: str = "automatic",
    method: str = "median",
    grid: str = "finest",
    crs: str = "",
    pixel_size: float | None = None,
    extent: Sequence[float] = (),
    extent_crs: str = "",
    nearest: bool = False,
    scale: float | None = None,
    offset: float | None = None,
    offset_removed: bool = False,
    match_by_position: bool = False,
    number_type: str = "reflectance x 10000",
    proxy: str = "",
    headers: Mapping[str, Any] | None = None,
    output: str,
    counts: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make one image of the clear looks of many scenes.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    rasters : sequence of str
        Scenes as files: see `gossan.models.imagery.scene_files.scenes_from_files`.
    masks : sequence of str
        Cloud masks that do not lie beside their scenes.
    scenes : str
        Found scenes (GeoJSON with the fields of a search), besides the files or instead.
    bands : str
        Names such as ``B2, B3, B4``; empty for all that every scene has.
    start, end : str
        First and last day, ``YYYY-MM-DD``; empty for no limit.
    cloud_limit : float
        Scenes with more cloud are left out, percent.
    mask : str
        One of `gossan.models.imagery.clear_sky.MASKS`.
    method : str
        ``median`` or ``medoid``.
    grid, crs, pixel_size, extent, extent_crs
        See `gossan.models.imagery.composite_grid.GridOptions`.
    nearest : bool
        Take the nearest pixel where bands lie otherwise, instead of interpolating.
    scale, offset : float or None
        Reflectance = stored number x scale + offset, instead of what is known of the scenes.
    offset_removed : bool
        The offset of Sentinel-2's baseline 04.00 is off already in all files.
    match_by_position : bool
        Take the bands of all scenes in their order, whatever their names.
    number_type : str
        One of `gossan.models.imagery.composite.NUMBER_TYPES`.
    proxy : str
        For scenes on servers; see `gossan.core.remote.RemoteAccess`.
    headers : mapping
        Sent to their servers, such as ``Authorization``.
    output : str
        Raster to write.
    counts : str
        Raster of the number of clear looks; not written when empty.
    report : str
        HTML file; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``used``, ``left_out`` (scenes), ``clear_share`` (share of the pixels with a clear look),
        ``mean_looks`` (clear looks per pixel), ``bands`` (names) and the paths.

    Raises
    ------
    InputError
        When no scene is left, or an option or a scene cannot be used.
    FileError
        When a file is missing or damaged, or a server gives up.
    """
    made = Origin.from_dict(origin)
    options = CompositeOptions(method, number_type)
    _check(options, mask, cloud_limit)
    first, last = parse_date(start, "The first day"), parse_date(end, "The last day")
    if first and last and first > last:
        raise InputError(f"The first day {first} lies after the last one {last}.")
    access = RemoteAccess(proxy, {str(k): str(v) for k, v in (headers or {}).items()})
    found = scenes_from_files(rasters, masks, ScaleOptions(scale, offset, offset_removed)) if (
        rasters
    ) else []  # fmt: skip
    if scenes:
        found += read_found_scenes(
            scenes, scale=scale, offset=offset, offset_removed=offset_removed
        )
    if not found:
        raise InputError("No scene was given. Choose rasters, or a layer of found scenes.")
    if match_by_position:
        found = by_position(found)
    decisions = [Decision(scene) for scene in found]
    for decision in decisions:
        if not within(decision.scene.date, first, last):
            decision.reason = "not within the period"
    if headers:
        progress.say(f"The login is sent to {', '.join(_servers(decisions)) or 'no server'}.")
    _leave_out_far_ones(decisions, extent, extent_crs or crs)
    _judge_clouds(decisions, mask, cloud_limit, access, progress.part(0.0, 0.05))
    chosen, target = _lay_out(
        decisions, bands, GridOptions(grid, crs, pixel_size, extent, extent_crs), access, progress
    )
    _tell(decisions, progress)
    looks = [
        Look(decision.scene, sources_of(decision.scene, chosen), decision.mask)
        for decision in decisions
        if not decision.reason
    ]
    progress.say(
        f"{method.capitalize()} of {len(looks)} scenes on {target.height} x {target.width} pixels, "
        f"bands {', '.join(band.name for band in chosen)}, written as {number_type}."
    )
    with LookReader(looks, target, access, nearest=nearest) as reader:
        tags = {**made.tags(), **_tags(decisions, options)}
        tally = write_composite(
            reader, chosen, options, output, counts, tags, progress.part(0.1, 1.0)
        )
    _tell_result(tally, progress)
    if report:
        write_report(report, made, decisions, chosen, target, options, tally)
    return {
        "used": len(looks),
        "left_out": len(decisions) - len(looks),
        "clear_share": tally.seen / tally.pixels,
        "mean_looks": tally.looks / tally.pixels,
        "bands": [band.name for band in chosen],
        "output": output,
        "counts": counts,
        "report": report,
    }


def _check(options: CompositeOptions, mask: str, cloud_limit: float) -> None:
    for value, known, what in (
        (options.method, compositing.METHODS, "method"),
        (options.number_type, NUMBER_TYPES, "kind of numbers"),
        (mask, clear_sky.MASKS, "cloud mask"),
    ):
        if value not in known:
            raise InputError(f"There is no {what} {value!r}. Use one of {', '.join(known)}.")
    if not 0.0 <= cloud_limit <= 100.0:
        raise InputError(f"A cloud limit of {cloud_limit:g} is no percentage from 0 to 100.")


def _servers(decisions: Sequence[Decision]) -> list[str]:
    """Return the hosts of all files that scenes name."""
    sources = [source for each in decisions for _, source in each.scene.bands]
    sources += [source for each in decisions for source in each.scene.masks.values()]
    hosts = {urlsplit(public_name(source.path)).hostname for source in sources}
    return sorted(host for host in hosts if host)


def _leave_out_far_ones(decisions: Sequence[Decision], extent: Sequence[float], crs: str) -> None:
    """Leave out found scenes away from the area before their servers are asked for anything."""
    if len(extent) != 4 or not crs:
        return
    try:
        west, south, east, north = reprojected_bounds(
            extent, parse_crs(crs, "The CRS of the extent"), CRS.from_epsg(4326)
        )
    except InputError:
        return  # the grid, which needs the extent, says what is wrong with it
    for decision in decisions:
        box = decision.scene.footprint
        if box and (box[0] > east or box[2] < west or box[1] > north or box[3] < south):
            decision.reason = decision.reason or "outside the area"


def _judge_clouds(
    decisions: Sequence[Decision],
    mask: str,
    limit: float,
    access: RemoteAccess,
    progress: Progress,
) -> None:
    """Choose the mask of each scene, and leave out those without one and those too cloudy."""
    for number, decision in enumerate(decisions):
        progress.fraction(number / len(decisions))
        if decision.reason:
            continue
        scene = decision.scene
        decision.mask = clear_sky.choose_mask(scene, mask)
        decision.cloud = scene.cloud
        if mask != "none" and decision.mask is None:
            empty = mask in ("automatic", "QA60") and "qa60" in scene.masks
            decision.reason = "no usable cloud mask" + (
                " (QA60 is empty for its date)" if empty else ""
            )
            continue
        if scene.cloud is None and decision.mask is not None:
            with _leaving_out(decision):
                decision.cloud = measured_cloud(scene, decision.mask, access)
        if decision.cloud is not None and 100.0 * decision.cloud > limit and not decision.reason:
            decision.reason = f"{100.0 * decision.cloud:.0f} % cloud"


def _lay_out(
    decisions: Sequence[Decision],
    bands: str,
    options: GridOptions,
    access: RemoteAccess,
    progress: Progress,
) -> tuple[list[Band], Grid]:
    """Choose bands and grid, and leave out the scenes that lack bands or lie elsewhere."""
    kept = _kept(decisions)
    wanted = [name.strip() for name in bands.replace(";", ",").split(",") if name.strip()]
    chosen = common_bands([decision.scene for decision in kept], wanted)
    for decision in kept:
        try:
            sources_of(decision.scene, chosen)
        except BandMismatchError:
            decision.reason = "it does not have all the bands"
    finest = _finest_band(decisions, chosen, access)
    grids: dict[int, Grid] = {}
    kept = _kept(decisions)
    for number, decision in enumerate(kept):
        progress.part(0.05, 0.1).fraction(number / len(kept))
        source = sources_of(decision.scene, chosen)[finest]
        with _leaving_out(decision), open_image(source.path, access) as raster:
            grids[id(decision)] = Grid.of(raster.info)
    target = composite_grid([grids[id(d)] for d in _kept(decisions)], options)
    for decision in _kept(decisions):
        if target.window_of(grids[id(decision)]) is None:
            decision.reason = "outside the area"
    _kept(decisions)
    return chosen, target


def _finest_band(decisions: Sequence[Decision], bands: Sequence[Band], access: RemoteAccess) -> int:
    """Return which of the bands has the smallest pixels, in the first scene that opens."""
    for decision in _kept(decisions):
        sources = sources_of(decision.scene, bands)
        sizes: dict[str, float] = {}
        with _leaving_out(decision):
            for source in sources:
                if source.path not in sizes:
                    with open_image(source.path, access) as raster:
                        sizes[source.path] = raster.info.pixel_size or float("inf")
        if not decision.reason:
            return min(range(len(bands)), key=lambda band: sizes[sources[band].path])
    return 0


@contextlib.contextmanager
def _leaving_out(decision: Decision) -> Iterator[None]:
    """Leave a scene out where its server does not give it; local files must be there."""
    try:
        yield
    except FileError as problem:
        if not is_remote(decision.scene.bands[0][1].path):
            raise
        decision.reason = str(problem).rstrip(".")


def _kept(decisions: Sequence[Decision]) -> list[Decision]:
    kept = [decision for decision in decisions if not decision.reason]
    if not kept:
        reasons = "; ".join(
            f"{decision.scene.name}: {decision.reason}" for decision in decisions[:_NAMED]
        )
        more = f" and {len(decisions) - _NAMED} more" if len(decisions) > _NAMED else ""
        raise InputError(
            f"No scene is left for the composite ({reasons}{more}). Raise the cloud limit, widen "
            "the period, choose another cloud mask, or give other scenes."
        )
    return kept


def _tell(decisions: Sequence[Decision], progress: Progress) -> None:
    """Say what was assumed of the scenes and which are left out."""
    for decision in decisions:
        scene = decision.scene
        if decision.reason:
            progress.warn(f"{scene.name} is left out: {decision.reason}.")
            continue
        told = [str(scene.date) if scene.date else "of unknown date"]
        if decision.cloud is not None:
            told.append(f"{100.0 * decision.cloud:.0f} % cloud")
        told.append(
            f"mask {clear_sky.KINDS[decision.mask]}" if decision.mask else "without cloud mask"
        )
        if scene.baseline:
            told.append(
                f"baseline {scene.baseline}"
                + (f", offset of {scene.added:g} taken off" if scene.added else ", no offset")
            )
        progress.say(f"{scene.name}: {'; '.join(told)}.")
        for note in dict.fromkeys(scene.notes):
            progress.say(note)


def _tell_result(tally: Tally, progress: Progress) -> None:
    share = tally.seen / tally.pixels
    progress.say(
        f"{share:.1%} of the pixels have a clear look, {tally.looks / tally.pixels:.1f} on average."
    )
    if not tally.seen:
        progress.warn("No pixel has a clear look: the composite is empty.")
    if tally.cut:
        progress.warn(
            f"{tally.cut:,} values lie below 0 or above 6.55 and are cut to what whole numbers can "
            "hold. Write reflectance as decimal numbers to keep them."
        )


def _tags(decisions: Sequence[Decision], options: CompositeOptions) -> dict[str, str]:
    used = [decision.scene for decision in decisions if not decision.reason]
    dates = sorted({str(scene.date) for scene in used if scene.date})
    sensors = sorted({scene.sensor for scene in used if scene.sensor})
    return {
        "composite": options.method,
        "scenes": str(len(used)),
        "dates": ", ".join(dates),
        "sensor": ", ".join(sensors),
        "numbers": options.number_type,
    }
