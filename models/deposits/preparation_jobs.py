"""Job: scenes made into chips with labels, split by location."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.errors import BandMismatchError, FileError, InputError, UnwritableError
from gossan.core.files import write_then_rename
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.tables import write_table
from gossan.models.deposits import clouds
from gossan.models.deposits.chip_files import TRAINING, VALIDATION, Chip, describe_chips
from gossan.models.deposits.chip_journal import ChipJournal
from gossan.models.deposits.chip_making import METHODS, ChipOptions, chips_of
from gossan.models.deposits.deposit_table import read_deposits
from gossan.models.deposits.downsampling import WAYS
from gossan.models.deposits.labels import field_of, label
from gossan.models.deposits.locations import (
    LOCATION_RULES,
    balanced,
    locations_of,
    overlapping,
    split,
)
from gossan.models.deposits.preparation_report import write_layer, write_report
from gossan.models.deposits.scene_image import SCALINGS, SceneImage, Source, source_of
from gossan.models.deposits.scenes import Scene, read_features, scenes_of_polygons
from gossan.models.deposits.sphere import SphericalPolygons

_COUNTED = "n_"


@job_files(reads=("labels", "deposits"), writes=("index", "chips", "report"))
def prepare_scenes(
    progress: Progress,
    *,
    labels: str,
    deposits: Sequence[str] = (),
    commodity_fields: Sequence[str] = (),
    bands: Sequence[str] = ("B7",),
    method: str = METHODS[0],
    size: int = 512,
    downsampling: str = WAYS[0],
    scaling: str = SCALINGS[0],
    least_valid: float = 0.5,
    cloud_rule: str = clouds.CLOUD_RULES[0],
    most_cloud: float = 1.0,
    looks: int = 0,
    with_ocean: bool = False,
    location_rule: str = LOCATION_RULES[0],
    distance: float = 200.0,
    validation_share: float = 0.2,
    apart: bool = True,
    resume: bool = True,
    seed: int = 0,
    index: str,
    chips: str = "",
    report: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make chips of scenes, label each, and split them by location.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    labels : str
        GeoJSON of footprints as `label_scenes` writes it, with the field ``file``.
    deposits : sequence of str
        Tables of deposits, from which every chip gets labels of its own. Without them a whole
        scene has those of its footprint, and a partition is refused.
    commodity_fields : sequence of str
        Fields of the tables with commodities; the usual ones when empty.
    bands : sequence of str
        Bands of the chips, such as ``B7``.
    method, size, downsampling, least_valid
        See `ChipOptions`.
    scaling : str
        One of `SCALINGS`.
    cloud_rule : str
        One of `clouds.CLOUD_RULES`.
    most_cloud : float
        Chips with a larger share of cloud by the quality band are left out, 0 to 1.
    looks : int
        Scenes of a location that are kept, the clearest first; all when 0.
    with_ocean : bool
        Keep scenes that were called ocean.
    location_rule : str
        One of `LOCATION_RULES`.
    distance : float
        For locations by distance, kilometres.
    validation_share : float
        Share of the chips for validation, 0 to 1.
    apart : bool
        Leave out training chips that show ground of validation chips, as where neighbouring paths
        overlap.
    resume : bool
        Go on after an interruption, and keep what is done when this run is cancelled.
    seed : int
        Decides the split and the balanced set.
    index : str
        CSV index to write; the images lie in a folder beside it, named after it.
    chips : str
        GeoJSON with the footprints of the chips to write; not written when empty.
    report : str
        HTML file to write; not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``chips``, ``training``, ``validation``, ``with_deposits``, ``locations``, ``scenes``,
        ``left_out`` (scenes), ``balanced``, ``resumed`` (scenes), ``overlapping`` (training chips
        on the ground of validation chips) and the paths.

    Raises
    ------
    InputError
        When no scene can be used, bands of the scenes differ, or they cannot be split.
    """
    made = Origin.from_dict(origin)
    options = ChipOptions(method, size, downsampling, least_valid)
    _check(scaling, cloud_rule, method, deposits, bands)
    scenes, counts = _scenes(labels, with_ocean=with_ocean)
    table = read_deposits(deposits, progress, fields=commodity_fields) if deposits else None
    scenes, sources = _sources(scenes, bands, progress)
    scaling_used = _scaling(scaling, sources, progress)
    key = {**asdict(options), "bands": list(bands), "scaling": scaling_used}
    journal = ChipJournal(index, key)
    try:
        resumed = sum(
            journal.chips_of(scene.name, _state(source)) is not None
            for scene, source in zip(scenes, sources)
        )
        if resumed:
            progress.say(f"Going on: {resumed} of {len(scenes)} scenes are done already.")
        part = progress.part(0.05, 0.9)
        found = _make(scenes, sources, options, scaling_used, journal, made, part)
        seen = {chip.scene for chip in found}
        used = [scene for scene in scenes if scene.name in seen]
        _locate(found, used, location_rule, distance, cloud_rule)
        kept = [
            chip
            for chip in found
            if (not looks or chip.cloud_rank <= looks)
            and (chip.cloud_share is None or chip.cloud_share <= most_cloud)
        ]
        if not kept:
            raise InputError(
                "No chip is left: all are cloudier than allowed, or hold too few valid pixels. "
                "Allow more cloud or fewer valid pixels."
            )
        shapes = SphericalPolygons.from_rings(
            [[np.array(chip.footprint)] for chip in kept], [chip.file for chip in kept]
        )
        _label(kept, shapes, table, counts)
        kept, shared = _split(kept, shapes, validation_share, seed, progress, apart=apart)
        summary = _summary(kept, len(used), len(counts) - len(used), resumed)
        summary["overlapping"] = shared
        if chips:
            write_layer(chips, kept, made)
        if report:
            write_report(
                report, made, kept, journal, options, sources[0].bands, summary, scaling_used
            )
        preparation = {**key, "footprints": "valid pixels", "locations": location_rule}
        about = describe_chips(size, sources[0].bands, scaling_used, preparation)
        rows = [{**chip.fields(), "file": f"{journal.target.name}/{chip.file}"} for chip in kept]
        _publish(index, rows, journal, about, {chip.file for chip in kept})
    except BaseException:
        journal.close() if resume else journal.discard()
        raise
    progress.say(
        f"{summary['chips']} chips of {len(scenes)} scenes: {summary['training']} for training, "
        f"{summary['validation']} for validation, {summary['with_deposits']} with deposits."
    )
    return {**summary, "index": index, "layer": chips, "report": report}


def _check(
    scaling: str, cloud_rule: str, method: str, deposits: Sequence[str], bands: Sequence[str]
) -> None:
    for value, known in ((scaling, SCALINGS), (cloud_rule, clouds.CLOUD_RULES)):
        if value not in known:
            raise InputError(f"{value!r} is unknown here; use one of {', '.join(known)}.")
    if method == METHODS[0] and not deposits:
        raise InputError(
            "A partition labels every chip by the deposits in it: give the tables of deposits, or "
            "down-sample whole scenes, whose labels are known."
        )
    if not bands:
        raise InputError("No band was chosen; name at least one, such as B7.")


def _scenes(labels: str, *, with_ocean: bool) -> tuple[list[Scene], dict[str, dict[str, int]]]:
    """Return the scenes with images, and for each its count of deposits and of commodities."""
    scenes = {scene.name: scene for scene in scenes_of_polygons(labels)}
    counts: dict[str, dict[str, int]] = {}
    for feature in read_features(labels):
        fields = feature.get("properties") or {}
        name = str(fields.get("name") or "")
        if name not in scenes or (fields.get("ocean") and not with_ocean):
            continue
        counts[name] = {
            key: int(value or 0)
            for key, value in fields.items()
            if key == "count" or key.startswith(_COUNTED)
        }
    chosen = [scenes[name] for name in counts if scenes[name].file]
    if not chosen:
        raise InputError(
            "None of the footprints names an image in a field called file, or all are ocean. Use "
            "the layer that Label scenes has made of a folder."
        )
    return chosen, counts


def _sources(
    scenes: Sequence[Scene], bands: Sequence[str], progress: Progress
) -> tuple[list[Scene], list[Source]]:
    """Return the scenes whose bands are there, and where; all bands mean the same."""
    kept, sources = [], []
    for scene in scenes:
        try:
            sources.append(source_of(scene.file, bands))
            kept.append(scene)
        except (FileError, InputError) as problem:
            progress.warn(f"Left out: {problem}")
    if not kept:
        raise InputError(f"No scene has the bands {', '.join(bands)}; the log says what is amiss.")
    for scene, source in zip(kept, sources):
        for one, first in zip(source.bands, sources[0].bands):
            if _differ(one, first):
                raise BandMismatchError(
                    f"Band {one.name} is {one.wavelength:.0f} nm in {scene.name} and "
                    f"{first.wavelength:.0f} nm in {kept[0].name}. Prepare the scenes of each "
                    "sensor apart, or choose a band that is the same in all, such as B7."
                )
    return kept, sources


def _differ(one: Band, other: Band) -> bool:
    if one.wavelength is None or other.wavelength is None:
        return False
    reach = max((one.fwhm or 20.0) / 2, (other.fwhm or 20.0) / 2, 10.0)
    return abs(one.wavelength - other.wavelength) > reach


def _scaling(wanted: str, sources: Sequence[Source], progress: Progress) -> str:
    """Return the scaling that all scenes have in common."""
    if wanted == SCALINGS[1]:
        return wanted
    silent = [source.files[0][0] for source in sources if source.gains is None]
    if not silent:
        return wanted
    if len(silent) < len(sources):
        raise InputError(
            f"{len(silent)} of {len(sources)} scenes do not tell how their numbers become "
            f"reflectance, such as {silent[0]}. Leave them out, or scale by data type."
        )
    progress.warn(
        "The scenes do not tell how their numbers become reflectance: they are divided by the "
        "greatest number of their type, so that scenes of other light or sensors differ."
    )
    return SCALINGS[1]


def _state(source: Source) -> str:
    """Return what a scene's files are like, to notice a change."""
    stats = [os.stat(file) for file, _ in source.files]
    return json.dumps([[s.st_mtime_ns, s.st_size] for s in stats])


def _make(
    scenes: Sequence[Scene],
    sources: Sequence[Source],
    options: ChipOptions,
    scaling: str,
    journal: ChipJournal,
    origin: Origin,
    progress: Progress,
) -> list[Chip]:
    """Return the chips of all scenes, those that are done from the journal."""
    found: list[Chip] = []
    for number, (scene, source) in enumerate(zip(scenes, sources)):
        part = progress.part(number / len(scenes), (number + 1) / len(scenes))
        state = _state(source)
        known = journal.chips_of(scene.name, state)
        if known is None:
            try:
                with SceneImage(source, scaling) as image:
                    known = chips_of(image, scene, options, journal.folder, origin.tags(), part)
            except UnwritableError:
                raise  # the scene is good, and gives its chips once there is room for them
            except (InputError, FileError) as problem:
                progress.warn(f"Left out: {problem}")
                known = []
            journal.add(scene.name, state, known)
        found += known
        part.fraction(1.0)
    if not found:
        raise InputError("No scene gave a chip with enough valid pixels; the log says why.")
    return found


def _locate(
    chips: Sequence[Chip],
    scenes: Sequence[Scene],
    rule: str,
    distance: float,
    cloud_rule: str,
) -> None:
    """Give each chip the location of its scene and the rank of its clouds there."""
    shapes = SphericalPolygons.from_rings([scene.rings for scene in scenes])
    places = locations_of(scenes, shapes.middles, rule, distance)
    shares: list[float | None] = []
    brightness = []
    of_scene: dict[str, list[Chip]] = {scene.name: [] for scene in scenes}
    for chip in chips:
        of_scene[chip.scene].append(chip)
    for own in of_scene.values():
        known = [chip.cloud_share for chip in own if chip.cloud_share is not None]
        weights = np.array([chip.valid_share for chip in own])
        shares.append(float(np.average(known, weights=weights)) if len(known) == len(own) else None)
        brightness.append(float(np.average([chip.brightness for chip in own], weights=weights)))
    ranks = clouds.ranks(places, shares, brightness, cloud_rule)
    known_of = {scene.name: (place, rank) for scene, place, rank in zip(scenes, places, ranks)}
    for chip in chips:
        chip.location, chip.cloud_rank = known_of[chip.scene]


def _label(
    chips: Sequence[Chip],
    shapes: SphericalPolygons,
    deposits: Any,
    counts: Mapping[str, Mapping[str, int]],
) -> None:
    """Count the deposits in each chip, or take over what the layer of scenes has."""
    middles = shapes.middles
    wanted: list[str] = []
    if deposits is not None:
        fields = {key for values in counts.values() for key in values if key != "count"}
        wanted = [name for name in deposits.names if field_of(name) in fields]
        labels = label(shapes, deposits, wanted)
    for number, chip in enumerate(chips):
        chip.longitude, chip.latitude = (round(float(v), 6) for v in middles[number])
        if deposits is not None:
            chip.count = int(labels.counts[number])
            chip.commodities = {
                field_of(name): int(labels.by_commodity[name][number]) for name in wanted
            }
        else:
            own = dict(counts[chip.scene])
            chip.count = own.pop("count", 0)
            chip.commodities = own


def _split(
    chips: Sequence[Chip],
    shapes: SphericalPolygons,
    share: float,
    seed: int,
    progress: Progress,
    *,
    apart: bool,
) -> tuple[list[Chip], int]:
    """Return the chips with their parts, and how many training chips show validation ground."""
    presence = np.array([chip.presence for chip in chips])
    if not 0 < presence.sum() < len(presence):
        which = "no chip holds" if not presence.any() else "every chip holds"
        progress.warn(
            f"Presence cannot be learnt from these scenes, for {which} a deposit; the balanced set "
            "is empty. Richness needs chips with different counts."
        )
    held = split([chip.location for chip in chips], presence, share, seed)
    shared = overlapping(shapes, held)
    if apart and (shared | held).all():
        raise InputError(
            "Every training chip overlaps a validation chip. Add scenes of other places, or keep "
            "what overlaps."
        )
    if shared.any():
        done = "are left out" if apart else "stay, so that scores flatter"
        progress.warn(
            f"{int(shared.sum())} training chips show ground that validation chips show too "
            f"(neighbouring scenes overlap): they {done}."
        )
    stay = ~shared if apart else np.ones(len(held), dtype=bool)
    kept = [chip for chip, stays in zip(chips, stay) if stays]
    held, presence = held[stay], presence[stay]
    chosen = balanced(presence, held, seed)
    for chip, validation, member in zip(kept, held, chosen):
        chip.part = VALIDATION if validation else TRAINING
        chip.presence_set = bool(member)
    return kept, int(shared.sum())


def _summary(chips: Sequence[Chip], scenes: int, left_out: int, resumed: int) -> dict[str, int]:
    parts = Counter(chip.part for chip in chips)
    return {
        "chips": len(chips),
        "training": parts[TRAINING],
        "validation": parts[VALIDATION],
        "with_deposits": sum(chip.presence for chip in chips),
        "locations": len({chip.location for chip in chips}),
        "scenes": scenes,
        "left_out": left_out,
        "balanced": sum(chip.presence_set for chip in chips),
        "resumed": resumed,
    }


def _publish(
    index: str,
    rows: list[dict[str, Any]],
    journal: ChipJournal,
    about: str,
    kept: set[str],
) -> None:
    """Let index and folder appear together."""
    columns = list(rows[0])
    with write_then_rename(index) as part:
        write_table(part, columns, [[row[name] for name in columns] for row in rows])
        journal.publish(about, kept)
